// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mounted.h"
#include "option.h"

#define MOUNTINFO "/proc/self/mountinfo"

int mounted_id(int fd)
{
	struct statx st;

	/*
	 * The ID comes in any case.  To ask for nothing else keeps FUSE from
	 * asking its program, and from refusing those who may not look inside.
	 */
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &st))
		return -errno;
	return st.stx_mask & STATX_MNT_ID ? (int)st.stx_mnt_id : -EOPNOTSUPP;
}

static bool has_option(const char *options, const char *name)
{
	return !mnt_optstr_get_option(options, name, NULL, NULL);
}

static int copy(struct libmnt_fs *fs, struct mounted *found)
{
	const char *options = mnt_fs_get_fs_options(fs);
	const char *vfs = mnt_fs_get_vfs_options(fs);
	const char *fstype = mnt_fs_get_fstype(fs);

	/* not merged with what utab remembers of the request */
	found->options = strdup(options ? options : "");
	found->vfs_options = strdup(vfs ? vfs : "");
	found->fstype = strdup(fstype ? fstype : "");
	if (!found->options || !found->vfs_options || !found->fstype) {
		mounted_free(found);
		return -ENOMEM;
	}
	found->read_only = has_option(found->options, "ro") ||
			   has_option(found->vfs_options, "ro");
	found->flagged = has_option(found->options, IMA_NOCACHE);
	return 0;
}

static int find(int id, struct mounted *found)
{
	struct libmnt_table *table;
	struct libmnt_iter *iter;
	struct libmnt_fs *fs;
	int ret = -ENOENT;

	table = mnt_new_table_from_file(MOUNTINFO);
	iter = mnt_new_iter(MNT_ITER_BACKWARD);
	if (!table || !iter)
		ret = -EIO;
	else
		while (ret == -ENOENT && !mnt_table_next_fs(table, iter, &fs))
			if (mnt_fs_get_id(fs) == id)
				ret = copy(fs, found);
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return ret;
}

int mounted_find(int fd, struct mounted *found)
{
	int id = mounted_id(fd);

	*found = (struct mounted){ 0 };
	return id < 0 ? id : find(id, found);
}

void mounted_free(struct mounted *found)
{
	free(found->fstype);
	free(found->vfs_options);
	free(found->options);
	*found = (struct mounted){ 0 };
}
