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
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "proc.h"
#include "report.h"
#include "signals.h"

#define TRIES 3	    /* at reading /proc, and for none to end in END_LIMIT */
#define END_LIMIT 5 /* seconds */
#define ROUNDS 1000 /* a program may go on forking */

/* Who runs exec(2) keeps the children that it had before. */
static int leave_other_children(void)
{
	siginfo_t info;
	int status;
	pid_t pid;

	signals_keep_children();
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

int children_adopt(const char *target)
{
	int err = leave_other_children();
	pid_t self;

	if (err || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		report(target, "cannot run the FUSE program: %s",
		       strerror(err ? -err : errno));
		return -1;
	}
	/* only with it can they all be found, so not without it */
	self = proc_self();
	if (self >= 0)
		return 0;
	report(target,
	       "/proc does not show this process, which a FUSE program needs: %s",
	       strerror(-self));
	return -1;
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

/* Its own namespace may have another number for the process. */
static int kill_by_name(int proc, const char *pid)
{
	int fd = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = pidfd_send_signal(fd, SIGKILL, NULL, 0) ? -errno : 0;
	close(fd);
	return ret;
}

static DIR *list_processes(void)
{
	int proc = proc_directory(), fd;
	DIR *dir;

	if (proc < 0)
		return NULL;
	fd = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* Returns the number of children that it found and killed, or -errno. */
static int kill_round(void)
{
	DIR *dir = list_processes();
	pid_t self = proc_self();
	struct dirent *entry;
	int n = 0, err = 0;

	if (!dir)
		return -EIO;
	while (errno = 0, (entry = readdir(dir))) {
		pid_t parent;
		int killed;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		parent = parent_of(dirfd(dir), entry->d_name);
		if (parent < 0)
			err = parent;
		if (self < 0 || parent != self)
			continue;
		killed = kill_by_name(dirfd(dir), entry->d_name);
		if (killed)
			err = killed;
		n++;
	}
	if (errno)
		err = -errno;
	closedir(dir);
	return self < 0 ? self : err ? err : n;
}

void children_kill(const char *target)
{
	static const struct timespec limit = { .tv_sec = END_LIMIT };
	sigset_t ended;
	int tries = 0;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, NULL);
	/* with each that ends its own children come to us */
	for (int round = 0; round < ROUNDS && tries < TRIES; round++) {
		if (!children_left())
			return;
		/* one may end only when another has: wait for any of them */
		if (kill_round() <= 0 || sigtimedwait(&ended, NULL, &limit) < 0)
			tries++;
	}
	if (children_left())
		report(target, "cannot end all processes of the FUSE program");
}

int children_left(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !pid || errno != ECHILD;
}
