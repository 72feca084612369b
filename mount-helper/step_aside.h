/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef STEP_ASIDE_H
#define STEP_ASIDE_H

#include <stdbool.h>

/*
 * asks_for_option - whether the command line has ima_nocache in an -o
 *
 * True, too, for options that cannot be parsed: they are to be refused, not to
 * be passed on to somebody who does not know what they might have asked for.
 */
bool asks_for_option(int argc, char **argv);

/*
 * step_aside - become mount.fuse3(8), with the arguments as they are
 *
 * For mount.fuse.NAME where nobody asks for the option.  Returns an MNT_EX_*
 * status after a message, or not at all.
 */
int step_aside(int argc, char **argv);

#endif
