/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SELFMOUNT_H
#define SELFMOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "request.h"

struct passwd;

/* seconds in which a program that answers may put itself into the background */
#define SELFMOUNT_BACKGROUND 5

/*
 * selfmount_start - have a FUSE program mount in a mount namespace of its own
 * @user: whom the program runs as, or NULL
 * @target: the mount point as the caller has it, where the program must mount;
 * -1 if the caller's is in another namespace
 * @socket: where the mount will come from
 *
 * Starts a process that waits for a byte from the socket.  Then it runs the
 * program, sets the option on what the program has mounted, waits until that is
 * served, and hands it over.  The caller's namespace is the one from which the
 * new one is made.
 *
 * Returns its process ID, or -1 after a message.
 */
pid_t selfmount_start(const struct request *rq, const struct passwd *user,
		      int target, int *socket);

/*
 * selfmount_answers - once poll(2) says that @socket can be read: whether that
 * is only because the program answers, and the mount will come later
 */
bool selfmount_answers(int socket);

/*
 * selfmount_take - take the mount, once poll(2) says that @socket can be read
 *
 * Returns a descriptor for move_mount(2), with which the mount goes unless it
 * is attached; or -1 if the process has ended without one.  It has said why,
 * and its exit status is an MNT_EX_* one.
 */
int selfmount_take(int socket);

#endif
