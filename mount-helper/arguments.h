/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line, as mount(8) writes it and as people do. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

/* long options; a short one is its letter, and an argument is 1 */
enum { ARGUMENT_CHECK = 256, ARGUMENT_HELP, ARGUMENT_VERSION };

/* arguments_start - begin, or begin again, at the first argument */
void arguments_start(void);

/*
 * arguments_next - the next argument
 *
 * Its value is in optarg.  Returns '?' for an option that does not exist or
 * lacks its value, without a message; -1 at the end.
 */
int arguments_next(int argc, char **argv);

/* arguments_target - the mount point, to be named in messages; or NULL */
const char *arguments_target(int argc, char **argv);

#endif
