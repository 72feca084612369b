/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line, as mount(8) writes it and as people do. */
#ifndef ARGUMENTS_H
#define ARGUMENTS_H

#include <stdbool.h>

#include "request.h"

enum { ARGUMENT_CHECK = 256 };

/* arguments_start - begin, or begin again, at the first argument */
void arguments_start(void);

/*
 * arguments_next - the next argument
 *
 * It or its value is in optarg.  Returns the letter of an option, 1 for what is
 * no option, '?' for an option that does not exist or lacks its value, without
 * a message; -1 at the end.
 */
int arguments_next(int argc, char **argv);

/* arguments_target - the mount point, to be named in messages; or NULL */
const char *arguments_target(int argc, char **argv);

/* arguments_take - put all into a request: 0, or MNT_EX_* after a message */
int arguments_take(struct request *rq, int argc, char **argv);

/*
 * arguments_ask - whether the option is asked for behind an -o
 *
 * So it is, too, in what cannot be parsed: it is to be refused, and not to be
 * passed on to who does not know the option.
 */
bool arguments_ask(int argc, char **argv);

#endif
