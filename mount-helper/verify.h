/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VERIFY_H
#define VERIFY_H

#include "request.h"

/*
 * verify_option - see in mountinfo that a mount has the option
 * @rq: says which option, and the mount point, for messages
 * @id: what mounted_id() returns, an error too
 *
 * Nobody's word is taken for it: several filesystems accept options that they
 * do not know.  Returns 0 if the option is among those of the superblock;
 * else MNT_EX_FAIL after a message.
 */
int verify_option(const struct request *rq, int id);

/*
 * undo_mount - unmount, lazily, what was mounted in vain
 * @fd: a descriptor of the mount's root
 *
 * Complains where that fails.
 */
void undo_mount(const char *target, int fd);

/*
 * undo_new_mount - unmount what is at the mount point, if that is new
 * @before: the ID of the mount that was seen there before, or -errno if there
 * was no such directory
 */
void undo_new_mount(const char *target, int before);

#endif
