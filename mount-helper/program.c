// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "home.h"
#include "program.h"
#include "report.h"

/* mount(8) removes it from the environment of its helpers, and HOME. */
#define DEFAULT_PATH                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What went wrong in the child, on its way through a pipe. */
struct failure {
	enum { SETTING_UP, BECOMING_USER, DROPPING_PRIVILEGES, EXECUTING } step;
	int err; /* errno, or 0 */
};

const struct passwd *program_user(const char *user, const char *target)
{
	const struct passwd *pw = getpwnam(user);
	unsigned long uid;

	if (!pw && !user[strspn(user, "0123456789")]) {
		uid = strtoul(user, NULL, 10);
		/* cut short it might be root's */
		if (uid == (uid_t)uid)
			pw = getpwuid(uid);
	}
	if (!pw)
		report(target, "there is no user %s to run the FUSE program as",
		       user);
	return pw;
}

int program_become(const struct passwd *user)
{
	if (!user)
		return 0;
	if (initgroups(user->pw_name, user->pw_gid) ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid))
		return -errno;
	return 0;
}

/*
 * Without a bounding set no exec gives capabilities, not even root's, and
 * no_new_privs takes away fusermount's set-user-ID bit.  See capabilities(7).
 */
static int limit_privileges(void)
{
	int cap = 0;

	/* up to the last one that the kernel knows */
	while (!prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
		cap++;
	if (errno != EINVAL || cap <= CAP_SYS_ADMIN)
		return -errno;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

static int drop_privileges(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

static int set_home(const struct passwd *user)
{
	if (user)
		return setenv("HOME", user->pw_dir, 1);
	return getenv("HOME") ? 0 : setenv("HOME", home_of_caller(), 1);
}

static int set_up(const struct program *program)
{
	sigset_t none;

	sigemptyset(&none);
	/* no group of its own: it may ask for a password on the terminal */
	if (sigprocmask(SIG_SETMASK, &none, NULL) ||
	    (program->device >= 0 && fcntl(program->device, F_SETFD, 0)) ||
	    setenv("PATH", DEFAULT_PATH, 0) || set_home(program->user))
		return -errno;
	return 0;
}

/* In the child: returns what has failed, or not at all. */
static struct failure program_exec(const struct program *program)
{
	char device[32];
	const char *argv[] = { program->name,	 program->source,
			       program->target,	 program->options ? "-o" : NULL,
			       program->options, NULL };
	struct failure failure = { .step = SETTING_UP };

	failure.err = -set_up(program);
	if (failure.err)
		return failure;
	if (program->device >= 0) {
		snprintf(device, sizeof(device), "/dev/fd/%d", program->device);
		argv[2] = device;
		failure.step = DROPPING_PRIVILEGES;
		failure.err = -limit_privileges();
		if (failure.err)
			return failure;
	}
	failure.step = BECOMING_USER;
	failure.err = -program_become(program->user);
	if (failure.err)
		return failure;
	if (program->device >= 0) {
		failure.step = DROPPING_PRIVILEGES;
		failure.err = -drop_privileges();
		if (failure.err)
			return failure;
	}
	failure.step = EXECUTING;
	execvp(program->name, (char **)argv);
	failure.err = errno;
	return failure;
}

static void report_failure(const struct program *program,
			   const struct failure *failure)
{
	const char *reason = strerror(failure->err);

	switch (failure->step) {
	case BECOMING_USER:
		report(program->target, "cannot run the FUSE program as %s: %s",
		       program->user->pw_name, reason);
		break;
	case DROPPING_PRIVILEGES:
		report(program->target,
		       "cannot take privileges from the FUSE program: %s",
		       reason);
		break;
	default:
		report(program->target, "cannot run the FUSE program %s: %s",
		       program->name, reason);
	}
}

pid_t program_start(const struct program *program)
{
	struct failure failure = { .step = SETTING_UP };
	int report_pipe[2];
	ssize_t len = 0;
	pid_t pid;

	if (pipe2(report_pipe, O_CLOEXEC)) {
		failure.err = errno;
		report_failure(program, &failure);
		return -1;
	}
	pid = fork();
	if (pid < 0)
		failure.err = errno;
	if (!pid) {
		failure = program_exec(program);
		/* a parent that gets nothing waits for the exit status */
		_exit(write(report_pipe[1], &failure, sizeof(failure)) !=
		      sizeof(failure));
	}
	/* once more if need be: the child's end is awaited below */
	if (close(report_pipe[1]))
		close(report_pipe[1]);
	/* an exec closes the other end with nothing written to it */
	if (pid > 0)
		len = read(report_pipe[0], &failure, sizeof(failure));
	if (len < 0) {
		failure = (struct failure){ .step = SETTING_UP, .err = errno };
		kill(pid, SIGKILL);
	}
	close(report_pipe[0]);
	if (!failure.err)
		return pid;
	report_failure(program, &failure);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	return -1;
}
