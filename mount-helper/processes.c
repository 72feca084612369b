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
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes.h"
#include "report.h"

#define TRIES 3	    /* at reading /proc, and for none to end in END_LIMIT */
#define END_LIMIT 5 /* seconds */
#define ROUNDS 1000 /* a program may go on forking */

static sigset_t mask_before;

int signals_block(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGTSTP);
	return sigprocmask(SIG_BLOCK, &set, &mask_before) ? -errno : 0;
}

const sigset_t *signals_before(void)
{
	return &mask_before;
}

static int open_signals(const sigset_t *set)
{
	int fd = signalfd(-1, set, SFD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int signals_open(void)
{
	static const int signals[] = {
		SIGHUP,	 SIGINT,  SIGQUIT, SIGTERM,   SIGALRM, SIGUSR1,
		SIGUSR2, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF, SIGIO,
	};
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	/* what the caller ignores, as under nohup(1), is to stay ignored */
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &action) &&
		    action.sa_handler != SIG_IGN)
			sigaddset(&set, signals[i]);
	return open_signals(&set);
}

int children_watch(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	return open_signals(&set);
}

int proc_directory(void)
{
	static int proc = -1;

	if (proc < 0)
		proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return proc < 0 ? -errno : proc;
}

/*
 * The caller's process ID as /proc has it, which is another one than getpid(2)
 * returns where /proc belongs to an outer PID namespace; or -errno.
 */
static pid_t proc_self(void)
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
	/* a signal ends this process, and the kernel then the other */
	sigprocmask(SIG_SETMASK, &mask_before, NULL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno == ECHILD)
			_exit(MNT_EX_SYSERR);
	/* nobody else's status: only what this program returns */
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : MNT_EX_FAIL);
}

int children_adopt(void)
{
	int err = leave_other_children();
	pid_t self;

	if (err || prctl(PR_SET_CHILD_SUBREAPER, 1)) {
		report("cannot run the FUSE program: %s",
		       strerror(err ? -err : errno));
		return -1;
	}
	/* only with it can they all be found, so not without it */
	self = proc_self();
	if (self >= 0)
		return 0;
	report("/proc does not show this process, which a FUSE program needs: %s",
	       strerror(-self));
	return -1;
}

/*
 * The parent of a process: 0 if it is gone, -errno if that cannot be read.
 * @path: of its "stat", below @dir
 */
static pid_t parent_of(int dir, const char *path)
{
	int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char stat[512], *end;
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT || errno == ESRCH ? 0 : -errno;
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

/* Whether a process is below another: 1, 0 if not or if gone, or -errno. */
static int is_below(int proc, int process, pid_t ancestor)
{
	pid_t parent = parent_of(process, "stat");
	char path[32];

	while (parent > 1 && parent != ancestor) {
		snprintf(path, sizeof(path), "%d/stat", parent);
		parent = parent_of(proc, path);
	}
	return parent < 0 ? parent : parent == ancestor;
}

/*
 * End a process if it is below another: 1, 0 if it is not, or -errno.  In its
 * own namespace it may have another number, so it goes by its directory, which
 * also stays its own when the number is used again.
 */
static int kill_below(int proc, const char *pid, pid_t ancestor)
{
	int process = openat(proc, pid, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret;

	if (process < 0)
		return errno == ENOENT ? 0 : -errno;
	ret = is_below(proc, process, ancestor);
	if (ret > 0 && pidfd_send_signal(process, SIGKILL, NULL, 0))
		ret = -errno;
	close(process);
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

/*
 * One process may be in a system call that no signal ends before another ends,
 * as in one to a FUSE filesystem: so all are killed, not children alone.
 * Returns how many it found, or -errno.
 */
static int kill_round(void)
{
	DIR *dir = list_processes();
	pid_t self = proc_self();
	struct dirent *entry;
	int n = 0, err = 0;

	if (!dir)
		return -EIO;
	while (errno = 0, (entry = readdir(dir))) {
		int killed;

		if (self < 0 || !isdigit((unsigned char)entry->d_name[0]))
			continue;
		killed = kill_below(dirfd(dir), entry->d_name, self);
		if (killed < 0)
			err = killed;
		else
			n += killed;
	}
	if (errno)
		err = -errno;
	closedir(dir);
	return self < 0 ? self : err ? err : n;
}

void children_kill(void)
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
		report("cannot end all processes of the FUSE program");
}

bool children_left(void)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		;
	return !pid || errno != ECHILD;
}
