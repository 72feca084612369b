/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>

/*
 * probe_option - whether the running kernel knows ima_nocache
 * @bind: whether it knows ima_nocache=bind
 *
 * Asks the kernel without mounting anything; never by its version.  Returns 1,
 * 0, or -errno if that could not be found out.
 */
int probe_option(bool bind);

#endif
