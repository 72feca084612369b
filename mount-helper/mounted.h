/* SPDX-License-Identifier: GPL-2.0-only */
/* What is mounted, as /proc/self/mountinfo has it. */
#ifndef MOUNTED_H
#define MOUNTED_H

#include <stdbool.h>
#include <sys/types.h>

struct mounted {
	char *target; /* the path of the mount point */
	char *fstype;
	char *vfs_options; /* of the mount */
	char *options;	   /* of the superblock */
	bool read_only;	   /* the superblock */
	bool mount_read_only;
	bool flagged;	 /* the superblock has ima_nocache */
	bool bound;	 /* it has ima_nocache=bind */
	bool propagated; /* a slave: it may come from another namespace */
	int id;
};

/*
 * mounted_id - the ID of the mount that @fd is on
 * @fd: O_PATH is enough
 *
 * Returns the ID, or -errno.
 */
int mounted_id(int fd);

/*
 * mounted_open - open a mount point, without waiting for who serves it
 *
 * A server of a directory above may keep the caller waiting, until a signal.
 * Returns an O_PATH descriptor of a directory or regular file, or -errno after
 * a message.
 */
int mounted_open(const char *target);

/*
 * mounted_find - look up a mount
 * @id: what mounted_id() returns, an error too
 *
 * Returns 0, and mounted_free() gives back what @found holds; or -errno.
 */
int mounted_find(int id, struct mounted *found);

/*
 * mounted_find_on - look up what is mounted on a place
 * @place: an O_PATH descriptor from before it was mounted
 *
 * No path is looked up that may lead through a directory of others, who could
 * change it meanwhile.  Returns as mounted_find().
 */
int mounted_find_on(int place, struct mounted *found);

/* mounted_open_root - O_PATH of its root, or -errno: -EBUSY if it is covered */
int mounted_open_root(const struct mounted *found);
void mounted_free(struct mounted *found);

/* mounted_undo - unmount what has its root at @fd, from /proc; 0 or -errno */
int mounted_undo(int fd);

/*
 * mounted_verify - see in mountinfo that a mount has the option
 * @err: what mounted_find() has returned
 * @bind: that is ima_nocache=bind
 *
 * Nobody's word is taken for it: several filesystems accept options that they
 * do not know.  Returns 0, or MNT_EX_FAIL after a message.
 */
int mounted_verify(int err, const struct mounted *found, bool bind);

/*
 * mounted_from - whether a source is mounted as that type, and the caller sees
 * it
 * @bind: whether the option is ima_nocache=bind
 * @without: if it has not the option, where it is mounted, for free(3); or NULL
 */
bool mounted_from(const char *source, const char *fstype, bool bind,
		  char **without);

#endif
