/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REMOUNT_H
#define REMOUNT_H

#include "request.h"

/*
 * remount - set the option on what is mounted, and change what else is asked
 *
 * A FUSE filesystem can change nothing else than ro, rw and its mount's
 * attributes, so the rest of the options is not looked at.  Returns 0 when the
 * option is seen there, or an MNT_EX_* status after a message; the mount stays
 * in any case.
 */
int remount(const struct request *rq);

#endif
