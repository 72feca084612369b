/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the attacks have in common: an unprivileged user, who is root of a user namespace and
 * serves the filesystem there, and helpers of theirs outside of it.
 *
 * All functions that return an int return 0 or -1 with errno, if they do not say otherwise.
 */
#ifndef ATTACK_H
#define ATTACK_H

#include <stdbool.h>
#include <sys/types.h>

#include "../selftests/ima/bind.h"

#define ATTACKER 4400 /* their user ID outside */

/* The option, with bind or without, or NULL where the tests are to go without it. */
const char *option_of(bool bind);
const char *attack_is_missing(bool bind);

/*
 * How many mounts of the superblock @dev there are in @mountinfo, below @proc, or -1 if one
 * of them is not shown with @option.
 */
int shown_everywhere(int proc, const char *mountinfo, dev_t dev, const char *option);

/* The device of FUSE that @server has: what is mounted by it is one superblock, once it is. */
int device_of(pid_t server);

/* What a process does, told by the letter in /proc/PID/stat, or 0 if it is gone. */
char state_of(pid_t pid);

/* Returns how the process ended, see wait(2), or -1. */
int end_of(pid_t pid);

/* One whom to tell what to do, from inside of the user namespace. */
struct outsider {
	pid_t pid;
	int socket;
};

struct order {
	int (*act)(int socket, const struct order *order);
	pid_t pid; /* inside */
	int number;
	enum hook hook;
};

/* With the attacker's user ID, and as @root with all capabilities. */
int start_outsider(struct outsider *outsider, uid_t uid, bool root);

int tell(const struct outsider *outsider, const struct order *order);

/* What the act has returned. */
int answer_of(const struct outsider *outsider);

/* Both, one after the other. */
int have_done(const struct outsider *outsider, const struct order *order);

int send_fd(int socket, int fd);

/* Returns the descriptor. */
int receive_fd(int socket);

#endif
