/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

/* those of which a mount has only one */
#define MOUNT_ATTR_ATIMES (MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME)

/* attributes_of - MS_* of mount(2) as MOUNT_ATTR_* of fsmount(2) */
unsigned int attributes_of(unsigned long mflags);

/*
 * attributes_off - the MOUNT_ATTR_* that are asked to be off by name
 * @vfs_options: "suid,exec" and so on, of which MS_* tell nothing; NULL: none
 */
unsigned int attributes_off(const char *vfs_options);

#endif
