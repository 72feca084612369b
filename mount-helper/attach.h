/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ATTACH_H
#define ATTACH_H

#include "request.h"

/*
 * attach_fuse - mount a FUSE program's filesystem with the option
 *
 * The mount is made detached and with the flag from the start, the program
 * serves it there, and only when it answers is it attached to the mount point:
 * until then every failure ends with close(2).
 *
 * Returns 0 when it is mounted and verified, or an MNT_EX_* status after a
 * message, with nothing mounted.
 */
int attach_fuse(const struct request *rq);

#endif
