// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuse_options.h"
#include "option.h"
#include "report.h"
#include "superblock.h"

#define VALUE_MAX 255 /* bytes; see strndup_user() in fs/fsopen.c */

static int fail(const char *target, int fs, const char *what)
{
	int err = errno;

	if (!report_kernel(target, fs))
		report(target, "%s: %s", what, strerror(err));
	return MNT_EX_FAIL;
}

/* The one thing that this is all about. */
static int set_ima_nocache(const struct request *rq, int fs)
{
	int err;

	if (rq->bind ? !fsconfig(fs, FSCONFIG_SET_STRING, IMA_NOCACHE,
				 VALUE_BIND, 0) :
		       !fsconfig(fs, FSCONFIG_SET_FLAG, IMA_NOCACHE, NULL, 0))
		return 0;
	err = errno;
	fail(rq->target, fs, request_option(rq));
	if (err == EINVAL)
		report(rq->target, "this kernel does not support %s",
		       request_option(rq));
	return MNT_EX_FAIL;
}

int superblock_open(const struct request *rq, int *status)
{
	const char *type = strncmp(rq->fstype, TYPE_FUSEBLK ".",
				   strlen(TYPE_FUSEBLK ".")) ?
				   TYPE_FUSE :
				   TYPE_FUSEBLK;
	int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0) {
		*status = MNT_EX_FAIL;
		if (errno != EPERM) {
			report(rq->target, "%s: %s", type, strerror(errno));
			return -1;
		}
		report(rq->target,
		       "not permitted: a FUSE mount with %s needs root, or a user namespace of one's own (unshare -Urm)",
		       IMA_NOCACHE);
		*status = MNT_EX_USAGE;
		return -1;
	}
	*status = set_ima_nocache(rq, fs);
	if (!*status)
		return fs;
	close(fs);
	return -1;
}

static int set_string(const struct request *rq, int fs, const char *name,
		      const char *value)
{
	if (strlen(value) > VALUE_MAX) {
		report(rq->target,
		       "%s: longer than the %d bytes that the kernel takes here",
		       name, VALUE_MAX);
		return MNT_EX_FAIL;
	}
	return fsconfig(fs, FSCONFIG_SET_STRING, name, value, 0) ?
		       fail(rq->target, fs, name) :
		       0;
}

static int set_number(const struct request *rq, int fs, const char *name,
		      const char *format, unsigned int value)
{
	char text[32];

	snprintf(text, sizeof(text), format, value);
	return set_string(rq, fs, name, text);
}

static int set_flag(const struct request *rq, int fs, const char *name)
{
	return fsconfig(fs, FSCONFIG_SET_FLAG, name, NULL, 0) ?
		       fail(rq->target, fs, name) :
		       0;
}

static int set_options(const struct request *rq, int fs,
		       const struct fuse_options *options)
{
	const struct fuse_kernel_option *option = options->kernel;
	int status = 0;

	for (size_t i = 0; !status && i < options->n; i++, option++)
		status = option->value ? set_string(rq, fs, option->name,
						    option->value) :
					 set_flag(rq, fs, option->name);
	return status;
}

static int set_flags(const struct request *rq, int fs)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} flags[] = {
		{ MS_RDONLY, "ro" },
		{ MS_SYNCHRONOUS, "sync" },
		{ MS_DIRSYNC, "dirsync" },
		{ MS_LAZYTIME, "lazytime" },
	};
	int status = 0;

	for (size_t i = 0; !status && i < sizeof(flags) / sizeof(*flags); i++)
		if (rq->mflags & flags[i].flag)
			status = set_flag(rq, fs, flags[i].name);
	return status;
}

int superblock_create(const struct request *rq, int fs,
		      const struct superblock *sb)
{
	int status = 0;

	/* the kernel takes either only once; the user's own ones come below */
	if (!fuse_options_has(sb->options, "source"))
		status = set_string(rq, fs, "source", sb->source);
	if (!status && !fuse_options_has(sb->options, "subtype"))
		status = set_string(rq, fs, "subtype", request_program(rq));
	if (!status)
		status = set_number(rq, fs, "fd", "%u", sb->device);
	if (!status)
		status = set_number(rq, fs, "rootmode", "%o", sb->type);
	if (!status)
		status = set_number(rq, fs, "user_id", "%u", sb->uid);
	if (!status)
		status = set_number(rq, fs, "group_id", "%u", sb->gid);
	if (!status)
		status = set_flags(rq, fs);
	if (!status)
		status = set_options(rq, fs, sb->options);
	if (!status && fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		status = fail(rq->target, fs, "cannot make the filesystem");
	return status;
}

int superblock_flag(const struct request *rq, int fd, bool read_only)
{
	int fs = fspick(fd, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH), status;

	if (fs < 0) {
		report(rq->target,
		       errno == EINVAL ? "not a mount point" :
					 "cannot change the filesystem: %s",
		       strerror(errno));
		return MNT_EX_FAIL;
	}
	status = set_ima_nocache(rq, fs);
	if (!status &&
	    fsconfig(fs, FSCONFIG_SET_FLAG, read_only ? "ro" : "rw", NULL, 0))
		status = fail(rq->target, fs, read_only ? "ro" : "rw");
	if (!status && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		status = fail(rq->target, fs, "cannot change the filesystem");
	close(fs);
	return status;
}
