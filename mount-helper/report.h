/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef REPORT_H
#define REPORT_H

/* report_for - name this mount point in each message; kept, not copied */
void report_for(const char *target);

/*
 * report - say on standard error what went wrong, as mount(8) does
 *
 * Prints "mount.ima_nocache: TARGET: MESSAGE" and the end of the line.
 */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * report_kernel - pass on what the kernel has logged in a filesystem context
 * @fsfd: what fsopen(2) or fspick(2) returned
 *
 * Returns the number of messages.  Source: fs/fsopen.c, fscontext_read().
 */
int report_kernel(int fsfd);

#endif
