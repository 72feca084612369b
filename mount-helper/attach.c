// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "attach.h"
#include "attributes.h"
#include "children.h"
#include "fuse_options.h"
#include "mounted.h"
#include "option.h"
#include "program.h"
#include "report.h"
#include "superblock.h"
#include "target.h"
#include "verify.h"
#include "wait.h"

/* What is open while a mount is made; -1 where it is not. */
struct attachment {
	const struct request *rq;
	struct waiting waiting;
	struct superblock sb;
	struct program program;
	struct fuse_options options;
	char *device; /* what the source stands for, where that is one */
	int target;
	int fs;	   /* of fsopen(2) */
	int mount; /* of fsmount(2) */
};

static int fail(const struct attachment *at, const char *what)
{
	report(at->rq->target, "%s: %s", what, strerror(errno));
	return MNT_EX_FAIL;
}

/* As for any FUSE mount, devices and set-user-ID bits are asked for by name. */
static unsigned int mount_attributes(const struct request *rq)
{
	const char *vfs = mnt_fs_get_vfs_options(mnt_context_get_fs(rq->cxt));
	unsigned int off = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	return attributes_of(rq->mflags) | (off & ~attributes_off(vfs));
}

static int open_target(struct attachment *at)
{
	int status = request_enter(at->rq);

	if (status)
		return status;
	at->target = target_open(at->rq->target, &at->sb.type);
	status = request_leave(at->rq);
	return at->target < 0 ? MNT_EX_FAIL : status;
}

/* Whose the mount is and whom the program runs as. */
static int choose_user(struct attachment *at)
{
	at->sb.uid = getuid();
	at->sb.gid = getgid();
	if (!at->rq->user)
		return 0;
	at->program.user = program_user(at->rq->user, at->rq->target);
	if (!at->program.user)
		return MNT_EX_USAGE;
	at->sb.uid = at->program.user->pw_uid;
	at->sb.gid = at->program.user->pw_gid;
	return 0;
}

/* LABEL= and its like, for the one type that has a device. */
static int resolve_source(struct attachment *at)
{
	if (strncmp(at->rq->fstype, TYPE_FUSEBLK ".",
		    strlen(TYPE_FUSEBLK ".")) != 0)
		return 0;
	at->device = mnt_resolve_spec(at->rq->source, NULL);
	if (!at->device) {
		report(at->rq->target, "%s: no such device", at->rq->source);
		return MNT_EX_FAIL;
	}
	at->sb.source = at->device;
	at->program.source = at->device;
	return 0;
}

/* A filesystem with the flag that nobody sees yet. */
static int make_mount(struct attachment *at)
{
	int status;

	at->fs = superblock_open(at->rq, &status);
	if (at->fs < 0)
		return status;
	at->sb.device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (at->sb.device < 0)
		return fail(at, "/dev/fuse");
	status = superblock_create(at->rq, at->fs, &at->sb);
	if (status)
		return status;
	at->mount = fsmount(at->fs, FSMOUNT_CLOEXEC, mount_attributes(at->rq));
	return at->mount < 0 ? fail(at, "cannot make the mount") : 0;
}

static int serve_mount(struct attachment *at)
{
	struct waiting *w = &at->waiting;
	pid_t pid;

	if (wait_prepare(w, at->rq->target, at->rq->timeout))
		return MNT_EX_SYSERR;
	at->program.device = at->sb.device;
	pid = program_start(&at->program);
	if (pid < 0)
		return MNT_EX_FAIL;
	/* from here on the device is closed when the program has closed it */
	close(at->sb.device);
	at->sb.device = -1;
	if (wait_begin(w, pid))
		return MNT_EX_FAIL;
	if (!wait_answer(w, at->mount, at->program.user))
		return 0;
	if (w->program < 0)
		report(at->rq->target,
		       "if %s cannot serve a mount that it is handed (those on libfuse 2 cannot), use -o %s=%s",
		       at->program.name, OPTION_HANDOFF, HANDOFF_REMOUNT);
	return MNT_EX_FAIL;
}

static int show_mount(struct attachment *at)
{
	int status = request_enter(at->rq);

	if (status)
		return status;
	if (move_mount(at->mount, "", at->target, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		return fail(at, "cannot attach the mount");
	status = verify_option(at->rq, mounted_id(at->mount));
	if (status)
		undo_mount(at->rq->target, at->mount);
	return status;
}

static int attach(struct attachment *at)
{
	int status = open_target(at);

	if (!status)
		status = choose_user(at);
	if (!status)
		status = resolve_source(at);
	/* before there is what a process that stays behind must not hold */
	if (!status && children_adopt(at->rq->target))
		status = MNT_EX_SYSERR;
	if (!status)
		status = make_mount(at);
	if (!status) {
		status = serve_mount(at);
		if (!status)
			status = show_mount(at);
		if (status)
			children_kill(at->rq->target);
	}
	return status;
}

static void close_all(const struct attachment *at)
{
	const int fds[] = { at->mount, at->fs, at->sb.device, at->target };

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

int attach_fuse(const struct request *rq)
{
	struct attachment at = {
		.rq = rq,
		.waiting = { .program = -1, .signals = -1 },
		.sb = { .source = rq->source, .device = -1 },
		.program = {
			.name = request_program(rq),
			.source = rq->source,
			.target = rq->target,
			.device = -1,
		},
		.target = -1,
		.fs = -1,
		.mount = -1,
	};
	int status;

	if (fuse_options_split(rq->fs_options, rq->mflags & MS_RDONLY,
			       &at.options)) {
		report(rq->target, "cannot make out the options %s",
		       rq->fs_options ? rq->fs_options : "");
		return MNT_EX_USAGE;
	}
	at.sb.options = &at.options;
	at.program.options = at.options.program;
	status = attach(&at);

	wait_end(&at.waiting);
	close_all(&at);
	fuse_options_free(&at.options);
	free(at.device);
	return status;
}
