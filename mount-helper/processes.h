/* SPDX-License-Identifier: GPL-2.0-only */
/* Processes, signals and /proc: what the helper starts, and how it ends. */
#ifndef PROCESSES_H
#define PROCESSES_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * signals_block - block all signals but SIGTSTP, which ends nothing
 *
 * One that ended the helper between mounting and looking at the mount would
 * leave it there.  Of those that are pending SIGPIPE does not matter: standard
 * error may be closed.  Returns 0 or -errno.
 */
int signals_block(void);

/* signals_before - the mask from before signals_block() */
const sigset_t *signals_before(void);

/*
 * signals_open - a signalfd(2) of those with which users and systems end
 * programs, or -errno
 */
int signals_open(void);

/*
 * proc_directory - open /proc, once
 *
 * That of another mount namespace need not show the caller, so this comes
 * before such a namespace is entered.  What is below "self/" is about the
 * namespace that the caller is in when it is opened.
 *
 * Returns a descriptor that stays open, or -errno.
 */
int proc_directory(void);

/*
 * children_adopt - have all that is started from here on as one's own
 *
 * What a program leaves behind, as one does that puts itself in the background,
 * becomes a child of the caller, and so can be found.  The caller must have no
 * other children; if it has, a new process goes on in its place, and the call
 * does not return in the old one.
 *
 * Returns 0, or -1 after a message.
 */
int children_adopt(void);

/*
 * children_kill - end all children, and theirs, and wait until they are gone
 *
 * Those that do not end within some seconds are left, after a message.
 */
void children_kill(void);

/* children_watch - a signalfd(2) that tells when a child ends; or -errno */
int children_watch(void);

/* children_left - collect those that have ended; whether others are left */
bool children_left(void);

#endif
