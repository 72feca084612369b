// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "option.h"
#include "probe.h"
#include "signals.h"

/* tmpfs, since it is everywhere, and refuses an option that nobody knows. */
static int probe_here(bool bind)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), ret = 1;

	if (fs < 0)
		return -errno;
	if (bind ? fsconfig(fs, FSCONFIG_SET_STRING, IMA_NOCACHE, VALUE_BIND,
			    0) :
		   fsconfig(fs, FSCONFIG_SET_FLAG, IMA_NOCACHE, NULL, 0))
		ret = errno == EINVAL ? 0 : -errno;
	close(fs);
	return ret;
}

/* As somebody who may mount, which all are in a user namespace of their own. */
static int probe_in_userns(bool bind)
{
	int status;
	pid_t pid;

	signals_keep_children();
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		int ret = unshare(CLONE_NEWUSER | CLONE_NEWNS) ?
				  -errno :
				  probe_here(bind);

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

int probe_option(bool bind)
{
	int ret = probe_here(bind);

	return ret == -EPERM ? probe_in_userns(bind) : ret;
}
