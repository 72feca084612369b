/* SPDX-License-Identifier: GPL-2.0-only */
/* What is mounted, as /proc/self/mountinfo has it. */
#ifndef MOUNTED_H
#define MOUNTED_H

#include <stdbool.h>
#include <sys/types.h>

struct mounted {
	char *fstype;
	char *vfs_options; /* of the mount */
	char *options;	   /* of the superblock */
	bool read_only;	   /* the superblock */
	bool flagged;	   /* the superblock has ima_nocache */
	bool bound;	   /* it has ima_nocache=bind */
};

/*
 * mounted_id - the ID of the mount that @fd is on
 * @fd: O_PATH is enough
 *
 * Returns the ID, or -errno.
 */
int mounted_id(int fd);

/* mounted_id_at - the ID of what is mounted at @target now, or -errno */
int mounted_id_at(const char *target);

/*
 * mounted_find - look up a mount
 * @id: what mounted_id() returns, an error too
 *
 * Returns 0, and mounted_free() gives back what @found holds; or -errno.
 */
int mounted_find(int id, struct mounted *found);
void mounted_free(struct mounted *found);

/*
 * mounted_without - look for a mount of a device that has not the option
 * @device: of a block device
 * @bind: whether that is ima_nocache=bind
 * @place: where such a mount is, for free(3), or NULL
 *
 * Returns how many mounts of the device there are that the caller sees, or
 * -errno.
 */
int mounted_without(dev_t device, bool bind, char **place);

#endif
