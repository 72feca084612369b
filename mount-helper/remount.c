// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "attributes.h"
#include "kernel_type.h"
#include "mounted.h"
#include "option.h"
#include "remount.h"
#include "report.h"
#include "superblock.h"
#include "verify.h"

static int remount_fuse(const struct request *rq, int fd,
			const struct mounted *present)
{
	const char *vfs = mnt_fs_get_vfs_options(mnt_context_get_fs(rq->cxt));
	struct mount_attr attr = {
		.attr_set = attributes_of(rq->mflags),
		.attr_clr = attributes_off(vfs),
	};
	bool read_only = (rq->mflags & MS_RDONLY) ||
			 (present->read_only && !rq->says_rw);
	int status;

	if (rq->says_rw && !read_only)
		attr.attr_clr |= MOUNT_ATTR_RDONLY;
	if (attr.attr_set & MOUNT_ATTR_ATIMES)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	status = superblock_flag(rq, fd, read_only);
	if (status)
		return status;
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr))) {
		report(rq->target, "cannot change the mount: %s",
		       strerror(errno));
		return MNT_EX_FAIL;
	}
	return 0;
}

static int remount_found(const struct request *rq, int fd)
{
	struct mounted found;
	int id = mounted_id(fd), err = mounted_find(id, &found), status;

	if (err) {
		report(rq->target, "cannot see what is mounted: %s",
		       strerror(-err));
		return MNT_EX_FAIL;
	}
	/* "fuse", "fuseblk" and both with the name of a program */
	if (!strncmp(found.fstype, TYPE_FUSE, strlen(TYPE_FUSE)))
		status = remount_fuse(rq, fd, &found);
	else
		status = remount_kernel_type(rq, &found);
	mounted_free(&found);
	return status ? status : verify_option(rq, id);
}

int remount(const struct request *rq)
{
	int status = request_enter(rq), fd;

	if (status)
		return status;
	fd = open(rq->target, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		report(rq->target, "cannot use this mount point: %s",
		       strerror(errno));
		return MNT_EX_FAIL;
	}
	status = remount_found(rq, fd);
	close(fd);
	return status;
}
