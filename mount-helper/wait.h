/* SPDX-License-Identifier: GPL-2.0-only */
/* Waiting for a FUSE program, for as long as it may take and no longer. */
#ifndef WAIT_H
#define WAIT_H

#include <sys/types.h>
#include <time.h>

struct passwd;

struct waiting {
	const char *target;   /* the mount point, for messages */
	unsigned int timeout; /* seconds, from wait_begin() on */
	struct timespec deadline;
	pid_t pid;   /* the program */
	int program; /* a pidfd; -1 when it has gone into the background */
	int signals; /* a signalfd with those that interrupt */
};

/*
 * wait_prepare - from here on take Ctrl-C and its like as events
 *
 * Before the program is started.  Returns 0, or -1 after a message.
 */
int wait_prepare(struct waiting *w, const char *target, unsigned int timeout);

/*
 * wait_begin - the program is process @pid, and its time begins
 *
 * Returns 0, or -1 after a message.
 */
int wait_begin(struct waiting *w, pid_t pid);
void wait_end(struct waiting *w);

/*
 * wait_answer - until the filesystem of the mount @mntfd answers
 * @user: as whom to ask, or NULL; FUSE answers others without its program
 *
 * A program that puts itself in the background has ended with status 0 before
 * that; one that stays in the foreground goes on.  Returns 0, or -1 after a
 * message.
 */
int wait_answer(struct waiting *w, int mntfd, const struct passwd *user);

/*
 * wait_mount - until the program has mounted something at the mount point
 * @before: the ID of the mount that was seen there until now
 *
 * Returns an O_PATH descriptor of it, or -1 after a message.
 */
int wait_mount(struct waiting *w, int before);

#endif
