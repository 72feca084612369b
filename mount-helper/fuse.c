// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmount/libmount.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mounted.h"
#include "processes.h"
#include "program.h"
#include "report.h"
#include "selfmount.h"
#include "ways.h"

static int ms_left(const struct timespec *deadline)
{
	struct timespec now;
	long long ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ms = (deadline->tv_sec - now.tv_sec) * 1000LL +
	     (deadline->tv_nsec - now.tv_nsec) / 1000000;
	return ms > 0 ? (int)ms : 0;
}

static void say_interrupted(int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		info.ssi_signo = 0;
	report("interrupted by signal %u (%s)", info.ssi_signo,
	       strsignal((int)info.ssi_signo));
}

/* Returns 0 when there is something to take, or a status after a message. */
static int wait_for(int socket, unsigned int timeout)
{
	struct pollfd fds[] = {
		{ .fd = socket, .events = POLLIN },
		{ .fd = signals_open(), .events = POLLIN },
	};
	struct timespec deadline;
	int n = -1;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += timeout;
	while (fds[1].fd >= 0) {
		n = poll(fds, 2, ms_left(&deadline));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || fds[1].revents || !selfmount_answers(socket))
			break;
		/* in time; whether it stays in the foreground is to be seen */
		deadline.tv_sec += 2L * SELFMOUNT_BACKGROUND;
	}
	if (n < 0)
		report("cannot wait for the FUSE program: %s", strerror(errno));
	else if (!n)
		report("the FUSE program did not answer within %u second%s",
		       timeout, timeout == 1 ? "" : "s");
	else if (fds[1].revents)
		say_interrupted(fds[1].fd);
	close(fds[1].fd);
	return n > 0 && !fds[1].revents ? 0 : MNT_EX_FAIL;
}

/* What the process has ended with that was to hand over a mount. */
static int status_of(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status))
		return WEXITSTATUS(status);
	report("the process that was to mount has ended without handing over a mount");
	return MNT_EX_SYSERR;
}

static int attach(int socket, int target, pid_t pid)
{
	int mount = selfmount_take(socket), status = 0;

	if (mount < 0)
		return status_of(pid);
	/* it has only to end, and its user could stop it (SIGSTOP) before */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (move_mount(mount, "", target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)) {
		report("cannot attach the mount: %s", strerror(errno));
		status = MNT_EX_FAIL;
	}
	close(mount);
	return status;
}

/* With @target -1 for a mount point in another namespace. */
static int serve(const struct request *rq, int socket, int target, pid_t pid)
{
	int elsewhere = -1, status = request_enter(rq);

	if (status)
		return status;
	if (target < 0) {
		elsewhere = mounted_open(rq->target);
		if (elsewhere < 0)
			return MNT_EX_FAIL;
		target = elsewhere;
	}
	if (write(socket, "", 1) != 1) {
		report("cannot run the FUSE program: %s", strerror(errno));
		status = MNT_EX_SYSERR;
	} else {
		status = wait_for(socket, rq->timeout);
	}
	if (!status)
		status = attach(socket, target, pid);
	close(elsewhere);
	return status;
}

/* Look at all that can be looked at without running the program. */
static int check(const struct request *rq)
{
	int status = program_check(rq), target;

	if (!status)
		status = request_enter(rq);
	if (status)
		return status;
	target = mounted_open(rq->target);
	return target < 0 || close(target) ? MNT_EX_FAIL : 0;
}

static int run(const struct request *rq, const struct passwd *user, int target)
{
	int socket, status;
	pid_t pid = selfmount_start(rq, user, target, &socket);

	if (pid < 0)
		return MNT_EX_SYSERR;
	status = serve(rq, socket, target, pid);
	/* with the last of them their namespace goes, and its mounts */
	if (status)
		children_kill();
	close(socket);
	return status;
}

int mount_fuse(const struct request *rq)
{
	const struct passwd *user = NULL;
	int target = -1, status;

	if (rq->user) {
		user = program_user(rq->user);
		if (!user)
			return MNT_EX_USAGE;
	}
	if (rq->fake)
		return check(rq);
	/* it may fork: nothing may be open yet that the other process keeps */
	if (children_adopt())
		return MNT_EX_SYSERR;
	if (!rq->namespace) {
		target = mounted_open(rq->target);
		if (target < 0)
			return MNT_EX_FAIL;
	}
	status = run(rq, user, target);
	close(target);
	return status;
}
