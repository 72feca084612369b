/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ways to do what a request asks for.  Each returns 0 when it is done and
 * the option has been seen on the superblock, or nothing was to be mounted (-f,
 * nofail); or an MNT_EX_* status after a message, with nothing mounted that was
 * not before.
 */
#ifndef WAYS_H
#define WAYS_H

#include "request.h"

struct mounted;

/*
 * mount_fuse - mount a FUSE program's filesystem
 *
 * The program is run as mount -t fuse.NAME would run it, in a mount namespace
 * of its own.  When it serves what it has mounted there, the option is set on
 * it, and only then is it attached to the mount point: until then nobody else
 * sees it, and every failure ends with that namespace.
 */
int mount_fuse(const struct request *rq);

/* mount_kernel_type - mount a filesystem of the kernel, by libmount */
int mount_kernel_type(const struct request *rq);

/* remount - set the option on what is mounted at the mount point */
int remount(const struct request *rq);

/*
 * remount_kernel_type - the same for a filesystem of the kernel
 * @present: what is mounted now; what is not asked for stays as it is there
 *
 * To be called in the namespace of the mount point.  The option is yet to be
 * verified.
 */
int remount_kernel_type(const struct request *rq,
			const struct mounted *present);

#endif
