// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"

#define TRIES 3 /* at reading /proc, for what it may fail with in between */

/* Who runs exec(2) keeps the children that it had before. */
static int leave_other_children(void)
{
	siginfo_t info;
	int status;
	pid_t pid;

	if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT))
		return errno == ECHILD ? 0 : -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		return prctl(PR_SET_PDEATHSIG, SIGTERM) ? -errno : 0;
	/* not to end before it does, whatever comes in between */
	while (waitpid(pid, &status, 0) < 0)
		if (errno == ECHILD)
			_exit(MNT_EX_SYSERR);
	/* nobody else's status: only what this program returns */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : MNT_EX_FAIL);
}

int children_adopt(void)
{
	int err = leave_other_children();

	if (err)
		return err;
	return prctl(PR_SET_CHILD_SUBREAPER, 1) ? -errno : 0;
}

/* The parent of a process: 0 if it is gone, -errno if that cannot be read. */
static pid_t parent_of(int proc, const char *pid)
{
	char path[64], stat[512], *end;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "%.20s/stat", pid);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	len = read(fd, stat, sizeof(stat) - 1);
	if (len < 0)
		len = errno == ESRCH ? 0 : -errno;
	close(fd);
	if (len <= 0)
		return (pid_t)len;
	stat[len] = '\0';
	/* "PID (NAME) STATE PARENT", where NAME is anything */
	end = strrchr(stat, ')');
	return end && strlen(end) > 4 ? (pid_t)strtol(end + 4, NULL, 10) : 0;
}

/* Returns the number of children that it found and ended, or -errno. */
static int kill_round(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int n = 0, err = 0;

	if (!dir)
		return -errno;
	while (errno = 0, (entry = readdir(dir))) {
		pid_t parent, pid;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		parent = parent_of(dirfd(dir), entry->d_name);
		if (parent < 0)
			err = parent;
		if (parent != getpid())
			continue;
		pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) < 0)
			err = -errno;
		n++;
	}
	if (errno)
		err = -errno;
	closedir(dir);
	return err ? err : n;
}

void children_kill(void)
{
	int tries = 0;

	/* with each that ends its own children come to us */
	while (tries < TRIES && children_left()) {
		int n = kill_round();

		if (n < 0)
			tries++;
		else if (!n)
			break;
	}
}

int children_left(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !pid || errno != ECHILD;
}
