// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmount/libmount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "flag.h"
#include "option.h"
#include "processes.h"
#include "report.h"

#if !defined(__GLIBC__) || !__GLIBC_PREREQ(2, 36)
#error "glibc 2.36 or newer is needed, which has fsopen(2) and its like"
#endif

static int add_option(int fs, bool bind)
{
	return bind ? fsconfig(fs, FSCONFIG_SET_STRING, IMA_NOCACHE, VALUE_BIND,
			       0) :
		      fsconfig(fs, FSCONFIG_SET_FLAG, IMA_NOCACHE, NULL, 0);
}

int flag_probe(bool bind)
{
	/* it is everywhere, and refuses an option that nobody knows */
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), ret = 1;

	if (fs < 0)
		return -errno;
	if (add_option(fs, bind))
		ret = errno == EINVAL ? 0 : -errno;
	close(fs);
	return ret;
}

int flag_probe_for_all(bool bind)
{
	int ret = flag_probe(bind), status;
	pid_t pid;

	if (ret != -EPERM)
		return ret;
	/* all may mount in a user namespace of their own */
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		ret = unshare(CLONE_NEWUSER | CLONE_NEWNS) ? -errno :
							     flag_probe(bind);
		/* 0 and 1 as they are, an error from 2 on */
		_exit(ret < 0 ? 1 - ret : ret);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	if (!WIFEXITED(status))
		return -EIO;
	status = WEXITSTATUS(status);
	return status > 1 ? 1 - status : status;
}

int flag_set(int fd, bool bind, bool read_only)
{
	int fs = fspick(fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH), err = 0;

	if (fs < 0) {
		report(errno == EINVAL ? "not a mount point" :
					 "cannot change the filesystem: %s",
		       strerror(errno));
		return MNT_EX_FAIL;
	}
	if (add_option(fs, bind) ||
	    fsconfig(fs, FSCONFIG_SET_FLAG, read_only ? "ro" : "rw", NULL, 0) ||
	    fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		err = errno;
	if (err && !report_kernel(fs))
		report("cannot set %s: %s",
		       bind ? IMA_NOCACHE_BIND : IMA_NOCACHE, strerror(err));
	close(fs);
	return err ? MNT_EX_FAIL : 0;
}
