// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "flag.h"
#include "mounted.h"
#include "option.h"
#include "options.h"
#include "report.h"
#include "ways.h"

/* What mount_setattr(2) is to be asked for, by a list of options. */
static struct mount_attr attributes_of(const char *options)
{
	static const struct {
		const char *on, *off;
		unsigned int attr;
	} map[] = {
		{ "ro", "rw", MOUNT_ATTR_RDONLY },
		{ "nosuid", "suid", MOUNT_ATTR_NOSUID },
		{ "nodev", "dev", MOUNT_ATTR_NODEV },
		{ "noexec", "exec", MOUNT_ATTR_NOEXEC },
		{ "nodiratime", "diratime", MOUNT_ATTR_NODIRATIME },
		{ "nosymfollow", "symfollow", MOUNT_ATTR_NOSYMFOLLOW },
		{ "noatime", "relatime", MOUNT_ATTR_NOATIME },
		{ "strictatime", "atime", MOUNT_ATTR_STRICTATIME },
	};
	struct mount_attr attr = { 0 };
	struct option_item item;

	while (options && options_next(&options, &item))
		for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++) {
			bool on = option_is(&item, map[i].on);
			__u64 bits = map[i].attr;

			if (!on && !option_is(&item, map[i].off))
				continue;
			/* of the times of access a mount has one setting */
			if (bits & MOUNT_ATTR__ATIME)
				bits = MOUNT_ATTR__ATIME;
			attr.attr_clr |= bits;
			attr.attr_set &= ~bits;
			attr.attr_set |= on ? map[i].attr : 0;
		}
	return attr;
}

/* The mount alone is changed: FUSE itself cannot change its options. */
static int remount_fuse(const struct request *rq, int fd,
			const struct mounted *present)
{
	struct mount_attr attr = attributes_of(rq->options);
	bool read_only = rq->access == READ_ONLY ||
			 (present->read_only && rq->access != WRITABLE);
	int status = flag_set(fd, rq->bind, read_only);

	if (status)
		return status;
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &attr, sizeof(attr))) {
		report("cannot change the mount: %s", strerror(errno));
		return MNT_EX_FAIL;
	}
	return 0;
}

static int remount_found(const struct request *rq, int fd)
{
	struct mounted found;
	int id = mounted_id(fd), err = mounted_find(id, &found), status;

	if (err) {
		report("cannot see what is mounted: %s", strerror(-err));
		return MNT_EX_FAIL;
	}
	if (options_fuse_program(found.fstype))
		status = remount_fuse(rq, fd, &found);
	else
		status = remount_kernel_type(rq, &found);
	mounted_free(&found);
	if (!status) {
		err = mounted_find(id, &found);
		status = mounted_verify(err, &found, rq->bind);
		mounted_free(&found);
	}
	return status;
}

int remount(const struct request *rq)
{
	int status = request_enter(rq), fd;

	if (status)
		return status;
	fd = mounted_open(rq->target);
	if (fd < 0)
		return MNT_EX_FAIL;
	status = rq->fake ? 0 : remount_found(rq, fd);
	close(fd);
	return status;
}
