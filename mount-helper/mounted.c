// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mounted.h"
#include "option.h"
#include "proc.h"

#define MOUNTINFO "self/mountinfo" /* in /proc */

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

int mounted_id_at(const char *target)
{
	int fd = open(target, O_PATH | O_CLOEXEC), id;

	if (fd < 0)
		return -errno;
	id = mounted_id(fd);
	close(fd);
	return id;
}

static bool has_option(const char *options, const char *name)
{
	return !mnt_optstr_get_option(options, name, NULL, NULL);
}

/* Whether there is ima_nocache, or with @bind, whether it has that value. */
static bool has_ima_nocache(const char *options, bool bind)
{
	size_t len;
	char *value;

	if (mnt_optstr_get_option(options, IMA_NOCACHE, &value, &len))
		return false;
	return !bind || (value && len == strlen(VALUE_BIND) &&
			 !strncmp(value, VALUE_BIND, len));
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
	found->flagged = has_ima_nocache(found->options, false);
	found->bound = has_ima_nocache(found->options, true);
	return 0;
}

static int parse(char *line, size_t len, struct mounted *found)
{
	struct libmnt_table *table = mnt_new_table();
	FILE *stream = fmemopen(line, len, "r");
	struct libmnt_fs *fs;
	int ret = -EIO;

	if (table && stream &&
	    !mnt_table_parse_stream(table, stream, MOUNTINFO) &&
	    !mnt_table_first_fs(table, &fs))
		ret = copy(fs, found);
	if (stream)
		fclose(stream);
	mnt_unref_table(table);
	return ret;
}

static FILE *open_mountinfo(void)
{
	int proc = proc_directory();
	int fd = proc < 0 ? -1 : openat(proc, MOUNTINFO, O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file && fd >= 0)
		close(fd);
	return file;
}

int mounted_find(int id, struct mounted *found)
{
	size_t size = 0;
	char *line = NULL;
	ssize_t len;
	int ret = -ENOENT;
	FILE *file;

	*found = (struct mounted){ 0 };
	if (id < 0)
		return id;
	file = open_mountinfo();
	if (!file)
		return -errno;
	/* libmount is to take apart this line alone, not thousands of others */
	while (ret == -ENOENT && (len = getline(&line, &size, file)) > 0)
		if (strtol(line, NULL, 10) == id)
			ret = parse(line, len, found);
	if (ret == -ENOENT && ferror(file))
		ret = -EIO;
	fclose(file);
	free(line);
	return ret;
}

/* btrfs has another number, and shows the name of the device. */
static bool is_on(struct libmnt_fs *fs, dev_t device)
{
	const char *source = mnt_fs_get_source(fs);
	struct stat st;

	if (mnt_fs_get_devno(fs) == device)
		return true;
	/* elsewhere a server may keep who asks waiting */
	return source && !strncmp(source, "/dev/", strlen("/dev/")) &&
	       !stat(source, &st) && S_ISBLK(st.st_mode) &&
	       st.st_rdev == device;
}

static int count_mounts(struct libmnt_table *table, dev_t device, bool bind,
			char **place)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	int n = 0;

	if (!iter)
		return -ENOMEM;
	while (!*place && !mnt_table_next_fs(table, iter, &fs)) {
		const char *options = mnt_fs_get_fs_options(fs);

		if (!is_on(fs, device))
			continue;
		n++;
		if (!has_ima_nocache(options ? options : "", bind))
			*place = strdup(mnt_fs_get_target(fs));
	}
	mnt_free_iter(iter);
	return n;
}

int mounted_without(dev_t device, bool bind, char **place)
{
	struct libmnt_table *table = mnt_new_table();
	FILE *file = open_mountinfo();
	int ret = -EIO;

	*place = NULL;
	if (table && file && !mnt_table_parse_stream(table, file, MOUNTINFO))
		ret = count_mounts(table, device, bind, place);
	if (file)
		fclose(file);
	mnt_unref_table(table);
	return ret;
}

void mounted_free(struct mounted *found)
{
	free(found->fstype);
	free(found->vfs_options);
	free(found->options);
	*found = (struct mounted){ 0 };
}
