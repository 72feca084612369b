/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HANDOFF_H
#define HANDOFF_H

#include "request.h"

/*
 * handoff_fuse - have a FUSE program mount by itself, then set the option
 *
 * For programs that cannot be handed a mount.  The mount is there without the
 * option for a moment; if it cannot be set, or is not seen afterwards, the
 * mount is undone and the program ended.
 *
 * Returns 0 when it is mounted and verified, or an MNT_EX_* status after a
 * message, with nothing mounted.
 */
int handoff_fuse(const struct request *rq);

#endif
