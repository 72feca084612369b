/* SPDX-License-Identifier: GPL-2.0-only */
/* Running a FUSE program. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <sys/types.h>

struct passwd;

struct program {
	const char *name; /* looked up on PATH */
	const char *source;
	const char *target;	   /* the mount point, for messages */
	const char *options;	   /* for -o, or NULL */
	const struct passwd *user; /* whom to run as, or NULL */
	/*
	 * What the kernel's requests are read from, or -1 for a program that
	 * mounts by itself.  The caller's copy stays open.
	 */
	int device;
};

/*
 * program_user - look up whom a program is to run as
 * @user: a name, or a number for somebody who has a name
 * @target: the mount point, for messages
 *
 * Returns what belongs to getpwnam(3), or NULL after a message.
 */
const struct passwd *program_user(const char *user, const char *target);

/*
 * program_become - become @user for good, with their groups
 *
 * Returns 0 or -errno.  NULL is the user that one is.
 */
int program_become(const struct passwd *user);

/*
 * program_start - run "NAME SOURCE MOUNTPOINT [-o OPTIONS]"
 *
 * On a device, MOUNTPOINT is /dev/fd/N, and the program gets no privileges and
 * cannot gain any: one on libfuse 2 takes /dev/fd/N for a mount point and would
 * mount itself over /dev/fuse.
 *
 * Returns its process ID, or -1 after a message if it could not be executed.
 */
pid_t program_start(const struct program *program);

#endif
