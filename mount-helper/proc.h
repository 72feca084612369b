/* SPDX-License-Identifier: GPL-2.0-only */
/* The procfs that is seen at the start. */
#ifndef PROC_H
#define PROC_H

#include <sys/types.h>

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
 * proc_self - the caller's process ID as /proc has it
 *
 * That is another one than getpid(2) returns where /proc belongs to an outer
 * PID namespace.  Returns -errno where /proc does not show the caller.
 */
pid_t proc_self(void);

#endif
