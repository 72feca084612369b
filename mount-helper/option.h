/* SPDX-License-Identifier: GPL-2.0-only */
/* The names that users type, each defined here alone. */
#ifndef OPTION_H
#define OPTION_H

#define PROGRAM "mount.ima_nocache"
#define TRY_HELP "; try --help"

/* the mount option; also what a type begins with that the helper mounts */
#define IMA_NOCACHE "ima_nocache"

/* its value, with which files give what was measured, too */
#define VALUE_BIND "bind"
#define IMA_NOCACHE_BIND IMA_NOCACHE "=" VALUE_BIND

/* types that a FUSE program serves, with its name behind the dot */
#define TYPE_FUSE "fuse"
#define TYPE_FUSEBLK "fuseblk"

/* under such a name the helper is the one of mount -t fuse.NAME */
#define PROGRAM_FUSE "mount." TYPE_FUSE "."
#define PROGRAM_IMA "mount." IMA_NOCACHE "."

/* options of the helper's own, in -o */
#define OPTION_FSTYPE "fstype"
#define OPTION_TIMEOUT "timeout"
#define OPTION_HANDOFF "handoff" /* of version 0.1; has no effect any more */

/* of mount.fuse3(8), which gets it, too */
#define OPTION_SETUID "setuid"

#define TIMEOUT_DEFAULT 30 /* seconds that a FUSE program has to answer */
#define TIMEOUT_MAX 86400

#endif
