// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mounted.h"
#include "option.h"
#include "processes.h"
#include "report.h"

/* in /proc */
#define MOUNTINFO "self/mountinfo"
#define SELF_FD "self/fd/%d"

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

int mounted_open(const char *target)
{
	struct statx st;
	sigset_t blocked;
	int fd, err;

	sigprocmask(SIG_SETMASK, signals_before(), &blocked);
	fd = open(target, O_PATH | O_CLOEXEC);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	/* not to wait for the server of what is mounted there now */
	if (fd < 0 ||
	    statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st))
		err = -errno;
	else if (S_ISDIR(st.stx_mode) || S_ISREG(st.stx_mode))
		return fd;
	else
		err = -ENOTDIR;
	if (fd >= 0)
		close(fd);
	report("cannot use this mount point: %s", strerror(-err));
	return err;
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
	unsigned long propagation = 0;

	/* not merged with what utab remembers of the request */
	found->target = strdup(mnt_fs_get_target(fs));
	found->options = strdup(options ? options : "");
	found->vfs_options = strdup(vfs ? vfs : "");
	found->fstype = strdup(fstype);
	if (!found->target || !found->options || !found->vfs_options ||
	    !found->fstype) {
		mounted_free(found);
		return -ENOMEM;
	}
	found->read_only = has_option(found->options, "ro");
	found->mount_read_only = has_option(found->vfs_options, "ro");
	found->flagged = has_ima_nocache(found->options, false);
	found->bound = has_ima_nocache(found->options, true);
	found->id = mnt_fs_get_id(fs);
	mnt_fs_get_propagation(fs, &propagation);
	found->propagated = propagation & MS_SLAVE;
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
	int error = errno;

	if (!file && fd >= 0) {
		close(fd);
		errno = error;
	}
	return file;
}

/*
 * The mount that has the ID @id, or with @path, the one there on the mount
 * @parent.  libmount is to take apart few lines, not thousands of others.
 */
static int find(int id, int parent, const char *path, struct mounted *found)
{
	FILE *file = id < 0 ? NULL : open_mountinfo();
	int ret = -ENOENT, its_id;
	/* others are written in another way there */
	bool plain = path && !strpbrk(path, " \t\n\\");
	size_t size = 0;
	char *line = NULL, *rest;
	ssize_t len;

	*found = (struct mounted){ 0 };
	/* ENOENT would say that there is no such mount */
	if (!file)
		return id < 0 ? id : errno == ENOENT ? -EIO : -errno;
	while (ret == -ENOENT && (len = getline(&line, &size, file)) > 0) {
		its_id = (int)strtol(line, &rest, 10);
		if (path ? strtol(rest, NULL, 10) != parent : its_id != id)
			continue;
		if (plain && !strstr(rest, path))
			continue;
		ret = parse(line, len, found);
		if (!ret && path && strcmp(found->target, path) != 0) {
			mounted_free(found);
			ret = -ENOENT;
		}
	}
	if (ret == -ENOENT && ferror(file))
		ret = -EIO;
	fclose(file);
	free(line);
	return ret;
}

int mounted_find(int id, struct mounted *found)
{
	return find(id, 0, NULL, found);
}

int mounted_find_on(int place, struct mounted *found)
{
	int below = mounted_id(place);
	char link[64], path[PATH_MAX];
	ssize_t len;

	*found = (struct mounted){ 0 };
	if (below < 0)
		return below;
	snprintf(link, sizeof(link), SELF_FD, place);
	len = readlinkat(proc_directory(), link, path, sizeof(path) - 1);
	if (len < 0)
		return -EIO;
	path[len] = '\0';
	return find(0, below, path, found);
}

int mounted_open_root(const struct mounted *found)
{
	int fd = open(found->target, O_PATH | O_CLOEXEC), id;

	if (fd < 0)
		return -errno;
	id = mounted_id(fd);
	if (id == found->id)
		return fd;
	close(fd);
	return id < 0 ? id : -EBUSY;
}

int mounted_undo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), SELF_FD, fd);
	if (fchdir(proc_directory()) || umount2(path, MNT_DETACH))
		return -errno;
	return 0;
}

int mounted_verify(int err, const struct mounted *found, bool bind)
{
	const char *option = bind ? IMA_NOCACHE_BIND : IMA_NOCACHE;

	if (!err && (bind ? found->bound : found->flagged))
		return 0;
	if (err)
		report("cannot see if %s is set: %s", option, strerror(-err));
	else
		report("this filesystem cannot carry %s", option);
	return MNT_EX_FAIL;
}

struct wanted {
	const char *source, *fstype;
};

/* A FUSE mount may show any source that its mounter likes. */
static int is_wanted(struct libmnt_fs *fs, void *data)
{
	const struct wanted *wanted = data;

	return mnt_fs_streq_srcpath(fs, wanted->source) &&
	       !strcmp(mnt_fs_get_fstype(fs), wanted->fstype);
}

bool mounted_from(const char *source, const char *fstype, bool bind,
		  char **without)
{
	struct wanted wanted = { source, fstype };
	struct libmnt_table *table = mnt_new_table();
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_BACKWARD);
	FILE *file = open_mountinfo();
	struct libmnt_fs *fs;
	const char *options;
	bool found;

	*without = NULL;
	found = table && iter && file &&
		!mnt_table_parse_stream(table, file, MOUNTINFO) &&
		!mnt_table_find_next_fs(table, iter, is_wanted, &wanted, &fs);
	options = found ? mnt_fs_get_fs_options(fs) : NULL;
	if (found && !has_ima_nocache(options ? options : "", bind))
		*without = strdup(mnt_fs_get_target(fs));
	if (file)
		fclose(file);
	mnt_free_iter(iter);
	mnt_unref_table(table);
	return found;
}

void mounted_free(struct mounted *found)
{
	free(found->target);
	free(found->fstype);
	free(found->vfs_options);
	free(found->options);
	*found = (struct mounted){ 0 };
}
