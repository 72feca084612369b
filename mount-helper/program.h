/* SPDX-License-Identifier: GPL-2.0-only */
/* FUSE programs, and the helper of mount(8) that runs them. */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "request.h"

struct passwd;

/*
 * program_user - look up whom a program is to run as
 * @user: a name, or a number for somebody who has a name
 *
 * Returns what belongs to getpwnam(3), or NULL after a message.
 */
const struct passwd *program_user(const char *user);

/*
 * program_check - whether what a request needs is there to be run
 *
 * May take as long as the filesystems on PATH take to answer.  Returns 0, or an
 * MNT_EX_* status after a message.
 */
int program_check(const struct request *rq);

/* program_on_path - whether an executable is on PATH, or at @name, if a path */
bool program_on_path(const char *name);

/*
 * program_start - run what mount -t fuse.NAME would run, with its arguments
 * @user: what program_user() has returned, or NULL
 *
 * The caller gets the program's environment and supplementary groups.  Returns
 * the program's process ID, or -1 after a message.
 */
pid_t program_start(const struct request *rq, const struct passwd *user);

/*
 * program_step_aside - become what mount -t fuse.NAME runs without this helper
 * @argv: as main() has got it
 *
 * For mount.fuse.NAME where nobody asks for the option.  Returns an MNT_EX_*
 * status after a message, or not at all.
 */
int program_step_aside(const char *type, char **argv);

#endif
