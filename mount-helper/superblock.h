/* SPDX-License-Identifier: GPL-2.0-only */
/* FUSE superblocks with the option: new ones, and those that are mounted. */
#ifndef SUPERBLOCK_H
#define SUPERBLOCK_H

#include <sys/types.h>

#include "request.h"

/*
 * superblock_open - begin a FUSE filesystem, with the flag before anything else
 *
 * Returns what fsopen(2) returns, or -1 after a message with an MNT_EX_* status
 * in @status.
 */
int superblock_open(const struct request *rq, int *status);

struct fuse_options;

struct superblock {
	const char *source;
	const struct fuse_options *options;
	int device;  /* of /dev/fuse */
	mode_t type; /* S_IFDIR or S_IFREG, as the mount point */
	uid_t uid;   /* whose the mount is: FUSE lets others in on request */
	gid_t gid;
};

/*
 * superblock_create - give what superblock_open() returned all it needs
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int superblock_create(const struct request *rq, int fs,
		      const struct superblock *sb);

/*
 * superblock_flag - set the flag on what is mounted
 * @fd: a descriptor of the mount's root
 * @read_only: whether the superblock is to be so; the kernel forgets it if it
 * is not told
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int superblock_flag(const struct request *rq, int fd, bool read_only);

#endif
