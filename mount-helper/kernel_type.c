// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_type.h"
#include "mounted.h"
#include "option.h"
#include "probe.h"
#include "report.h"
#include "signals.h"
#include "verify.h"

#define MESSAGE_MAX 4096

/* The lists of @parts one after the other; NULL: no memory. */
static char *join_options(const char *const *parts, size_t n)
{
	char *all = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < n; i++)
		if (parts[i] && *parts[i])
			err = mnt_optstr_append_option(&all, parts[i], NULL);
	if (!err)
		return all;
	free(all);
	return NULL;
}

/* What the kernel gets: all options but the helper's own, and ima_nocache. */
static char *kernel_options(const struct request *rq,
			    const struct mounted *present)
{
	struct libmnt_fs *fs = mnt_context_get_fs(rq->cxt);
	const char *parts[] = {
		present ? present->vfs_options : NULL,
		present ? present->options : NULL,
		mnt_fs_get_vfs_options(fs),
		mnt_fs_get_user_options(fs),
		rq->fs_options,
		/* libmount may have put an "rw" in between that nobody wants */
		present && present->read_only && !rq->says_rw ? "ro" : NULL,
		request_option(rq),
	};

	return join_options(parts, sizeof(parts) / sizeof(*parts));
}

/* Such a helper does more than a mount: it is to be used as it is. */
static int check_no_helper(const struct request *rq)
{
	/* where mount(8) looks for them */
	static const char *const dirs[] = { "/sbin", "/sbin/fs.d", "/sbin/fs" };
	char path[256];

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		int len = snprintf(path, sizeof(path), "%s/mount.%s", dirs[i],
				   rq->fstype);

		if (len >= (int)sizeof(path) || access(path, X_OK))
			continue;
		report(rq->target,
		       "%s has a helper of its own, %s: type mount -t %s -o %s %s %s, and look at findmnt -O %s",
		       rq->fstype, path, rq->fstype, request_option(rq),
		       rq->source, rq->target, IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	return 0;
}

/* libmount's own words, and the reason where the kernel has kept it back. */
static int say_result(const struct request *rq, struct libmnt_context *cxt,
		      int rc)
{
	char message[MESSAGE_MAX] = "", *line, *rest = message;
	int status = mnt_context_get_excode(cxt, rc, message, sizeof(message));

	while ((line = strsep(&rest, "\n")))
		if (*line)
			report(rq->target, "%s", line);
	if (status && !*message)
		report(rq->target, "mounting failed");
	if (status && !probe_option(rq->bind))
		report(rq->target, "this kernel does not support %s",
		       request_option(rq));
	return status;
}

struct outcome {
	bool done;    /* the kernel has mounted, whatever came after that */
	bool busy;    /* the kernel has refused with EBUSY */
	dev_t device; /* what was busy, 0 if that was no device */
};

static struct outcome outcome_of(struct libmnt_context *cxt)
{
	const char *source = mnt_fs_get_srcpath(mnt_context_get_fs(cxt));
	struct outcome outcome = {
		.done = mnt_context_get_status(cxt),
		.busy = mnt_context_syscall_called(cxt) &&
			mnt_context_get_syscall_errno(cxt) == EBUSY,
	};
	struct stat st;

	if (outcome.busy && source && !stat(source, &st) && S_ISBLK(st.st_mode))
		outcome.device = st.st_rdev;
	return outcome;
}

static int run_libmount(const struct request *rq, const char *type,
			const struct mounted *present, struct outcome *outcome)
{
	struct libmnt_context *cxt = mnt_new_context();
	char *options = kernel_options(rq, present);
	int status = MNT_EX_SYSERR;

	if (!cxt || !options || mnt_context_set_fstype(cxt, type) ||
	    mnt_context_set_source(cxt, rq->source) ||
	    mnt_context_set_target(cxt, rq->target) ||
	    mnt_context_set_options(cxt, options)) {
		report(rq->target, "%s", strerror(ENOMEM));
	} else if (!present && rq->namespace &&
		   mnt_context_set_target_ns(cxt, rq->namespace)) {
		report(rq->target, "cannot use the namespace %s",
		       rq->namespace);
	} else {
		/* a helper might swallow the option; the kernel gets it thus */
		mnt_context_disable_helpers(cxt, 1);
		status = say_result(rq, cxt, mnt_context_mount(cxt));
		*outcome = outcome_of(cxt);
	}
	free(options);
	mnt_free_context(cxt);
	return status;
}

/* The kernel gives it to what is mounted already by a remount alone. */
static void say_why_busy(const struct request *rq, dev_t device)
{
	char *place = NULL;
	int n = device ? mounted_without(device, rq->bind, &place) : 0;

	if (place)
		report(rq->target,
		       "it is mounted without %s at %s: remount that first: mount -o remount,%s %s",
		       request_option(rq), place, request_option(rq), place);
	else if (n <= 0)
		report(rq->target,
		       "if it is mounted without %s already, remount that first",
		       request_option(rq));
	free(place);
}

/* Whether there is a new mount, with the option. */
static int verify_new(const struct request *rq, int before)
{
	int id = mounted_id_at(rq->target);

	if (id != before)
		return verify_option(rq, id);
	report(rq->target, "nothing was mounted");
	return MNT_EX_FAIL;
}

int mount_kernel_type(const struct request *rq)
{
	int status = check_no_helper(rq), before, err;
	struct outcome outcome = { 0 };

	/* libmount would look for an entry of fstab */
	if (!status && mnt_context_is_restricted(rq->cxt)) {
		report(rq->target,
		       "only root, or that of a user namespace, can mount %s",
		       rq->fstype);
		return MNT_EX_USAGE;
	}
	if (!status)
		status = request_enter(rq);
	if (status)
		return status;
	/* none: mount(8) can make the directory, see X-mount.mkdir there */
	before = mounted_id_at(rq->target);
	if (before < 0 && before != -ENOENT) {
		report(rq->target, "cannot use this mount point: %s",
		       strerror(-before));
		return MNT_EX_FAIL;
	}
	status = request_leave(rq);
	if (status)
		return status;
	err = signals_block(NULL);
	if (err) {
		report(rq->target, "cannot block signals: %s", strerror(-err));
		return MNT_EX_SYSERR;
	}
	status = run_libmount(rq, rq->fstype, NULL, &outcome);
	/* once more, since what is left mounted there must not stay */
	if (request_enter(rq) && request_enter(rq))
		return MNT_EX_SYSERR;
	if (status && outcome.busy)
		say_why_busy(rq, outcome.device);
	if (!status)
		status = verify_new(rq, before);
	/* what others have mounted in the meantime is theirs */
	if (status && outcome.done)
		undo_new_mount(rq->target, before);
	return status;
}

int remount_kernel_type(const struct request *rq, const struct mounted *present)
{
	struct outcome outcome;

	/* one that ignores options would take the others, and succeed */
	if (!probe_option(rq->bind)) {
		report(rq->target, "this kernel does not support %s",
		       request_option(rq));
		return MNT_EX_FAIL;
	}
	/*
	 * By fspick(2) a filesystem without its own fs_context loses the
	 * options that it has.
	 */
	if (setenv("LIBMOUNT_FORCE_MOUNT2", "always", 1)) {
		report(rq->target, "%s", strerror(errno));
		return MNT_EX_SYSERR;
	}
	return run_libmount(rq, present->fstype, present, &outcome);
}
