// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "children.h"
#include "handoff.h"
#include "mounted.h"
#include "option.h"
#include "program.h"
#include "report.h"
#include "superblock.h"
#include "target.h"
#include "verify.h"
#include "wait.h"

/* All that mount -t fuse.NAME would have handed the program. */
static char *program_options(const struct request *rq)
{
	struct libmnt_fs *fs = mnt_context_get_fs(rq->cxt);
	const char *vfs = mnt_fs_get_vfs_options(fs);
	char *all = NULL;
	int err = 0;

	if (vfs && *vfs)
		err = mnt_optstr_append_option(&all, vfs, NULL);
	if (!err && rq->fs_options && *rq->fs_options)
		err = mnt_optstr_append_option(&all, rq->fs_options, NULL);
	if (!err && !all)
		err = mnt_optstr_append_option(&all, "rw", NULL);
	if (!err)
		return all;
	free(all);
	return NULL;
}

/* Refuse what will fail before anything is mounted. */
static int check_kernel(const struct request *rq)
{
	int status, fs = superblock_open(rq, &status);

	if (fs >= 0)
		close(fs);
	return status;
}

static int set_option(const struct request *rq, int fd)
{
	struct mounted found;
	int id = mounted_id(fd), err = mounted_find(id, &found), status;

	if (err) {
		report(rq->target, "cannot see what was mounted: %s",
		       strerror(-err));
		return MNT_EX_FAIL;
	}
	if (strncmp(found.fstype, TYPE_FUSE, strlen(TYPE_FUSE)) != 0) {
		report(rq->target, "%s mounted something of type %s, not FUSE",
		       request_program(rq), found.fstype);
		status = MNT_EX_FAIL;
	} else {
		status = superblock_flag(rq, fd, found.read_only);
	}
	mounted_free(&found);
	return status ? status : verify_option(rq, id);
}

/* With @program running: 0 if all is well, else the mount is undone. */
static int finish(const struct request *rq, struct waiting *w, pid_t pid,
		  int before, const struct passwd *user)
{
	int fd = -1, status = MNT_EX_FAIL;

	if (!wait_begin(w, pid))
		fd = wait_mount(w, before);
	if (fd >= 0 && !wait_answer(w, fd, user))
		status = set_option(rq, fd);
	if (status) {
		children_kill(rq->target);
		/* it may have mounted after we looked, until it was killed */
		undo_new_mount(rq->target, before);
	}
	if (fd >= 0)
		close(fd);
	return status;
}

static int run(const struct request *rq, const struct program *program,
	       int before)
{
	struct waiting w;
	int status = MNT_EX_SYSERR;
	pid_t pid;

	if (children_adopt(rq->target))
		return MNT_EX_SYSERR;
	if (!wait_prepare(&w, rq->target, rq->timeout)) {
		pid = program_start(program);
		status = pid < 0 ? MNT_EX_FAIL :
				   finish(rq, &w, pid, before, program->user);
	}
	wait_end(&w);
	return status;
}

int handoff_fuse(const struct request *rq)
{
	struct program program = {
		.name = request_program(rq),
		.source = rq->source,
		.target = rq->target,
		.device = -1,
	};
	int status = check_kernel(rq), fd, before;
	char *options;
	mode_t type;

	if (status)
		return status;
	if (rq->user) {
		program.user = program_user(rq->user, rq->target);
		if (!program.user)
			return MNT_EX_USAGE;
	}
	fd = target_open(rq->target, &type);
	if (fd < 0)
		return MNT_EX_FAIL;
	before = mounted_id(fd);
	close(fd);
	options = program_options(rq);
	if (before < 0 || !options) {
		report(rq->target, "%s",
		       strerror(before < 0 ? -before : ENOMEM));
		status = MNT_EX_SYSERR;
	} else {
		program.options = options;
		status = run(rq, &program, before);
	}
	free(options);
	return status;
}
