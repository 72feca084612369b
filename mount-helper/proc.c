// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc.h"

int proc_directory(void)
{
	static int proc = -1;

	if (proc < 0)
		proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc < 0 ? -errno : proc;
}

pid_t proc_self(void)
{
	int proc = proc_directory();
	char pid[16];
	ssize_t len;

	if (proc < 0)
		return proc;
	len = readlinkat(proc, "self", pid, sizeof(pid) - 1);
	if (len < 0)
		return -errno;
	pid[len] = '\0';
	return (pid_t)strtol(pid, NULL, 10);
}
