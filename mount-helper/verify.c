// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mounted.h"
#include "option.h"
#include "report.h"
#include "verify.h"

void undo_mount(const char *target, int fd)
{
	int id = mounted_id(fd), err;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!umount2(path, MNT_DETACH))
		return;
	err = errno;
	/* by name it works without /proc; but others mount things, too */
	if (id < 0 || mounted_id_at(target) != id ||
	    umount2(target, MNT_DETACH))
		report(target, "cannot unmount: %s", strerror(err));
}

void undo_new_mount(const char *target, int before)
{
	int fd = open(target, O_PATH | O_CLOEXEC), id;

	/* once more, since what is left mounted here must not stay */
	if (fd < 0)
		fd = open(target, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	id = mounted_id(fd);
	if (id < 0)
		id = mounted_id(fd);
	if (id >= 0 && id != before)
		undo_mount(target, fd);
	close(fd);
}

int verify_option(const struct request *rq, int id)
{
	struct mounted found;
	int err = mounted_find(id, &found);
	bool flagged = !err && (rq->bind ? found.bound : found.flagged);

	mounted_free(&found);
	if (flagged)
		return 0;
	if (err)
		report(rq->target, "cannot see if %s is set: %s",
		       request_option(rq), strerror(-err));
	else
		report(rq->target,
		       "mounted without %s, which this kernel does not know or this filesystem cannot carry",
		       request_option(rq));
	return MNT_EX_FAIL;
}
