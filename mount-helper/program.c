// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option.h"
#include "options.h"
#include "processes.h"
#include "program.h"
#include "report.h"

/* mount(8) removes it from the environment of its helpers, and HOME. */
#define DEFAULT_PATH                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define DEFAULT_HOME "/"
#define MOUNT_FUSE "/sbin/mount." TYPE_FUSE
/* where dpkg-divert(8) puts the file that the link to us has replaced */
#define DIVERTED ".distrib"
#define CANNOT_EXECUTE 126 /* as sh(1) has it */

struct runner {
	char path[PATH_MAX]; /* the helper of mount(8) */
	char name[PATH_MAX]; /* what it is called by: it may go by that */
	bool needs_type;     /* its own name does not tell */
};

const struct passwd *program_user(const char *user)
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
		report("there is no user %s to run the FUSE program as", user);
	return pw;
}

/* Whether there is a program, and not a link to this one. */
static bool is_other_program(const char *path)
{
	struct stat st, self;

	return !access(path, X_OK) && !stat(path, &st) &&
	       !stat("/proc/self/exe", &self) &&
	       (self.st_dev != st.st_dev || self.st_ino != st.st_ino);
}

/*
 * Look where mount(8) looks: for mount.fuse.NAME, which several packages have
 * as a link to the program, and then for mount.fuse.  Where such a link leads
 * to us, take what it has replaced.
 */
static struct runner find_runner(const char *type, bool own_allowed)
{
	struct runner runner = { .needs_type = strchr(type, '.') };

	if (own_allowed && runner.needs_type && !strchr(type, '/') &&
	    strlen(type) <= NAME_MAX) {
		runner.needs_type = false;
		snprintf(runner.name, sizeof(runner.name), "/sbin/mount.%s",
			 type);
		strcpy(runner.path, runner.name);
		if (is_other_program(runner.path))
			return runner;
		strcat(runner.path, DIVERTED);
		if (is_other_program(runner.path))
			return runner;
		runner.needs_type = true;
	}
	/* Debian links the name that mount(8) looks for to mount.fuse3 */
	snprintf(runner.path, sizeof(runner.path), "%s",
		 access(MOUNT_FUSE, X_OK) ? MOUNT_FUSE "3" : MOUNT_FUSE);
	strcpy(runner.name, runner.path);
	return runner;
}

/* These are words of mount.fuse3(8), which the programs do not know. */
static struct runner runner_of(const struct request *rq)
{
	return find_runner(
		rq->fstype,
		!rq->user && !options_has(rq->options, "drop_privileges"));
}

static bool is_executable(const char *path)
{
	struct stat st;

	return !access(path, X_OK) && !stat(path, &st) && S_ISREG(st.st_mode);
}

bool program_on_path(const char *name)
{
	const char *path = getenv("PATH"), *end;
	char file[PATH_MAX];

	if (strchr(name, '/'))
		return is_executable(name);
	for (path = path ? path : DEFAULT_PATH; *path; path = end + !!*end) {
		end = strchrnul(path, ':');
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path,
			 name);
		if (is_executable(file))
			return true;
	}
	return false;
}

int program_check(const struct request *rq)
{
	struct runner runner = runner_of(rq);
	const char *name = request_program(rq);

	if (access(runner.path, X_OK)) {
		report("%s: %s: FUSE programs need it, and it is part of fuse3",
		       runner.path, strerror(errno));
		return MNT_EX_FAIL;
	}
	/* without a name mount.fuse3(8) takes one from the source */
	if (!*name || !runner.needs_type || program_on_path(name))
		return 0;
	report("cannot run the FUSE program %s: %s", name, strerror(ENOENT));
	return MNT_EX_FAIL;
}

/* See user_namespaces(7). */
static uid_t uid_outside(uid_t uid)
{
	uid_t inside, outside, count, found = uid;
	FILE *map = fopen("/proc/self/uid_map", "re");

	if (!map)
		return uid;
	while (fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
		if (uid - inside < count)
			found = outside + (uid - inside);
	fclose(map);
	return found;
}

/*
 * The root of a user namespace often cannot enter /root: take the home of the
 * user outside then.
 */
static const char *home_of_caller(void)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw && access(pw->pw_dir, X_OK))
		pw = getpwuid(uid_outside(getuid()));
	return pw ? pw->pw_dir : DEFAULT_HOME;
}

static int set_environment(const struct passwd *user)
{
	if (setenv("PATH", DEFAULT_PATH, 0))
		return -errno;
	if (!user)
		return getenv("HOME") || !setenv("HOME", home_of_caller(), 0) ?
			       0 :
			       -errno;
	if (setenv("HOME", user->pw_dir, 1))
		return -errno;
	/*
	 * mount.fuse3(8) becomes that user, and would let them keep the groups
	 * of who mounts.  A user namespace may know nobody else's groups.
	 */
	return initgroups(user->pw_name, user->pw_gid) && errno != EPERM ?
		       -errno :
		       0;
}

/* mount.fuse3(8) knows users by their names alone. */
static int add_user(char **options, const struct passwd *user)
{
	char *option;
	int err;

	if (!user)
		return 0;
	if (asprintf(&option, "%s=%s", OPTION_SETUID, user->pw_name) < 0)
		return -ENOMEM;
	err = options_append(options, option, strlen(option));
	free(option);
	return err;
}

/*
 * As posix_spawn(3), which takes a hundred system calls more; a fork(2) would
 * copy page tables for nothing.  The program gets the caller's signal mask.
 * Returns its process ID or -errno.
 */
static pid_t spawn(const char *path, char **argv)
{
	sigset_t blocked;
	pid_t pid;

	if (sigprocmask(SIG_SETMASK, signals_before(), &blocked))
		return -errno;
	/* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork) */
	pid = vfork();
	if (!pid) {
		execv(path, argv);
		_exit(CANNOT_EXECUTE);
	}
	if (pid < 0)
		pid = -errno;
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	return pid;
}

pid_t program_start(const struct request *rq, const struct passwd *user)
{
	struct runner runner = runner_of(rq);
	char *options = rq->options ? strdup(rq->options) : NULL;
	const char *argv[8] = { runner.name, rq->source, rq->target };
	int n = 3, err = add_user(&options, user);
	pid_t pid;

	if (options) {
		argv[n++] = "-o";
		argv[n++] = options;
	}
	if (runner.needs_type) {
		argv[n++] = "-t";
		argv[n++] = rq->fstype;
	}
	if (!err)
		err = set_environment(user);
	pid = err ? err : spawn(runner.path, (char **)argv);
	if (pid < 0)
		report("cannot run %s: %s", runner.path, strerror(-pid));
	free(options);
	return pid < 0 ? -1 : pid;
}

int program_step_aside(const char *type, char **argv)
{
	struct runner runner = find_runner(type, true);
	int err;

	/* it finds the FUSE program's name in argv[0], as we do */
	execv(runner.path, argv);
	err = errno;
	report("%s: %s; without %s this mount is for that program", runner.path,
	       strerror(err), IMA_NOCACHE);
	return MNT_EX_SYSERR;
}
