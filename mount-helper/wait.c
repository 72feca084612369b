// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "children.h"
#include "mounted.h"
#include "program.h"
#include "report.h"
#include "signals.h"
#include "wait.h"

#define PROGRAM_END_MS 1000 /* what a program gets to end after a failure */

static int cannot_watch(const struct waiting *w)
{
	report(w->target, "cannot watch the FUSE program: %s", strerror(errno));
	return -1;
}

int wait_prepare(struct waiting *w, const char *target, unsigned int timeout)
{
	sigset_t set;

	*w = (struct waiting){
		.target = target,
		.timeout = timeout,
		.program = -1,
		.signals = -1,
	};
	if (signals_block(&set))
		return cannot_watch(w);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC);
	return w->signals < 0 ? cannot_watch(w) : 0;
}

int wait_begin(struct waiting *w, pid_t pid)
{
	clock_gettime(CLOCK_MONOTONIC, &w->deadline);
	w->deadline.tv_sec += w->timeout;
	w->pid = pid;
	w->program = pidfd_open(pid, 0);
	return w->program < 0 ? cannot_watch(w) : 0;
}

void wait_end(struct waiting *w)
{
	if (w->program >= 0)
		close(w->program);
	if (w->signals >= 0)
		close(w->signals);
	w->program = -1;
	w->signals = -1;
}

static int ms_left(const struct timespec *deadline)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (deadline->tv_sec - now.tv_sec) * 1000LL +
	     (deadline->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

static int interrupted(const struct waiting *w)
{
	struct signalfd_siginfo info;

	if (read(w->signals, &info, sizeof(info)) == sizeof(info))
		report(w->target, "interrupted by signal %u (%s)",
		       info.ssi_signo, strsignal((int)info.ssi_signo));
	else
		report(w->target, "interrupted");
	return -1;
}

/* The program has ended: 0 if that is how it goes into the background. */
static int program_ended(struct waiting *w)
{
	int status;

	close(w->program);
	w->program = -1;
	if (waitpid(w->pid, &status, 0) < 0)
		return cannot_watch(w);
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status))
		report(w->target, "the FUSE program ended with status %d",
		       WEXITSTATUS(status));
	else
		report(w->target,
		       "the FUSE program was ended by signal %d (%s)",
		       WTERMSIG(status), strsignal(WTERMSIG(status)));
	return -1;
}

/*
 * Wait for @events on @fd.  Returns 1 when they are there, 0 when the program
 * has gone into the background, -1 after a message.
 */
static int wait_event(struct waiting *w, int fd, short events)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = w->program, .events = POLLIN },
		{ .fd = w->signals, .events = POLLIN },
	};
	int n;

	do {
		n = poll(fds, 3, ms_left(&w->deadline));
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return cannot_watch(w);
	if (!n) {
		report(w->target,
		       "the FUSE program did not answer within %u seconds",
		       w->timeout);
		return -1;
	}
	if (fds[2].revents)
		return interrupted(w);
	if (fds[0].revents)
		return 1;
	return program_ended(w);
}

/* A process that ends with status 0 once the filesystem has answered. */
static pid_t start_question(int mntfd, const struct passwd *user)
{
	pid_t helper = getpid(), pid = fork();
	struct statfs st;
	int err;

	if (pid)
		return pid;
	/*
	 * Not to stay, holding the mount, when the helper is killed; asked for
	 * as the user, since becoming one forgets it.
	 */
	err = -program_become(user);
	if (!err && prctl(PR_SET_PDEATHSIG, SIGKILL))
		err = errno;
	if (!err && getppid() != helper)
		err = ESRCH;
	if (!err && fstatfs(mntfd, &st))
		err = errno;
	_exit(err);
}

/* Returns 0, or what fstatfs(2) has failed with. */
static int answer(pid_t question)
{
	int status;

	if (waitpid(question, &status, 0) < 0 || !WIFEXITED(status))
		return EIO;
	return WEXITSTATUS(status);
}

static int refused(struct waiting *w, int err)
{
	struct pollfd program = { .fd = w->program, .events = POLLIN };

	/* one that is ending closes the device first */
	if (poll(&program, 1, PROGRAM_END_MS) > 0 && program_ended(w))
		return -1;
	report(w->target, "the FUSE program did not take its mount: %s",
	       strerror(err));
	return -1;
}

int wait_answer(struct waiting *w, int mntfd, const struct passwd *user)
{
	pid_t question = start_question(mntfd, user);
	int fd, found = 0, err;

	if (question < 0)
		return cannot_watch(w);
	fd = pidfd_open(question, 0);
	if (fd < 0)
		return cannot_watch(w);
	while (!found)
		found = wait_event(w, fd, POLLIN);
	close(fd);
	if (found < 0)
		return -1;
	err = answer(question);
	return err ? refused(w, err) : 0;
}

/* What is seen at the mount point, if it is another mount than @before. */
static int new_mount(const struct waiting *w, int before)
{
	int fd = open(w->target, O_PATH | O_CLOEXEC), id;

	if (fd < 0)
		return -errno;
	id = mounted_id(fd);
	if (id >= 0 && id != before)
		return fd;
	close(fd);
	return id < 0 ? id : -ENOENT;
}

int wait_mount(struct waiting *w, int before)
{
	int events = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	int fd = -ENOENT, found = 0;

	if (events < 0)
		return cannot_watch(w);
	while (found >= 0) {
		fd = new_mount(w, before);
		if (fd != -ENOENT)
			break;
		if (w->program < 0 && !children_left()) {
			report(w->target,
			       "the FUSE program ended without mounting anything");
			break;
		}
		found = wait_event(w, events, POLLPRI);
	}
	close(events);
	if (fd < 0 && fd != -ENOENT)
		report(w->target, "cannot see what is mounted: %s",
		       strerror(-fd));
	return fd < 0 ? -1 : fd;
}
