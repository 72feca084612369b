/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REPORT_H
#define REPORT_H

/*
 * report - say on stderr what went wrong, as mount(8) does
 * @target: the mount point, or NULL where none is known yet
 *
 * Prints "mount.ima_nocache: TARGET: MESSAGE" and the end of the line.
 */
void report(const char *target, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * report_kernel - pass on what the kernel has logged in a filesystem context
 * @target: the mount point
 * @fsfd: what fsopen(2) returned
 *
 * Returns the number of messages (see fs/fsopen.c, fscontext_read()).
 */
int report_kernel(const char *target, int fsfd);

#endif
