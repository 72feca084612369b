/* SPDX-License-Identifier: GPL-2.0-only */
/* The option itself: whether the kernel has it, and setting it. */
#ifndef FLAG_H
#define FLAG_H

#include <stdbool.h>

/*
 * flag_probe - whether the running kernel knows ima_nocache
 * @bind: whether it knows ima_nocache=bind
 *
 * Asks the kernel without mounting anything; never by its version.  Returns 1,
 * 0, or -errno if that could not be found out: -EPERM for who may not mount.
 */
int flag_probe(bool bind);

/* flag_probe_for_all - the same for who may not mount, by a user namespace */
int flag_probe_for_all(bool bind);

/*
 * flag_set - set the option on the superblock of a mounted filesystem
 * @fd: a descriptor of the mount's root
 * @bind: ima_nocache=bind
 * @read_only: what the superblock is to be, now and afterwards: the kernel
 * forgets it if it is not told
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int flag_set(int fd, bool bind, bool read_only);

#endif
