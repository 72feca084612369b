/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KERNEL_TYPE_H
#define KERNEL_TYPE_H

#include "request.h"

struct mounted;

/*
 * mount_kernel_type - mount a filesystem of the kernel with the option
 *
 * Returns 0 when it is mounted and verified, or an MNT_EX_* status after a
 * message, with nothing mounted.
 */
int mount_kernel_type(const struct request *rq);

/*
 * remount_kernel_type - set the option on such a filesystem
 * @present: what is mounted now; what is not asked for stays as it is there
 *
 * To be called in the namespace of the mount point.  Returns 0, and the option
 * is yet to be verified, or an MNT_EX_* status after a message.
 */
int remount_kernel_type(const struct request *rq,
			const struct mounted *present);

#endif
