// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "mounted.h"
#include "option.h"
#include "options.h"
#include "processes.h"
#include "program.h"
#include "report.h"
#include "ways.h"

#define MESSAGE_MAX 4096

/* What the kernel gets: all options but the helper's own, and ima_nocache. */
static char *kernel_options(const struct request *rq,
			    const struct mounted *present)
{
	const char *parts[] = {
		present ? "remount" : NULL,
		present ? present->vfs_options : NULL,
		present ? present->options : NULL,
		rq->options,
		/* mount(8) itself puts in an "rw" that nobody has asked for */
		present && present->read_only && rq->access == UNSAID ? "ro" :
									NULL,
		request_option(rq),
	};
	char *all = NULL;

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		if (!parts[i] || !*parts[i] ||
		    !options_append(&all, parts[i], strlen(parts[i])))
			continue;
		free(all);
		return NULL;
	}
	return all;
}

static bool say_fuse_type(const struct request *rq)
{
	if (!program_on_path(rq->fstype))
		return false;
	report("for the FUSE program %s use -t %s.%s.%s", rq->fstype,
	       IMA_NOCACHE, TYPE_FUSE, rq->fstype);
	return true;
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
		if (!say_fuse_type(rq))
			report("%s has a helper of its own, %s: type mount -t %s -o %s%s%s %s %s, and look at findmnt -O %s",
			       rq->fstype, path, rq->fstype, request_option(rq),
			       rq->options ? "," : "",
			       rq->options ? rq->options : "", rq->source,
			       rq->target, IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	return 0;
}

/* libmount's own words */
static int say_result(const struct request *rq, struct libmnt_context *cxt,
		      int rc)
{
	char message[MESSAGE_MAX] = "", *line, *rest = message;
	int status = mnt_context_get_excode(cxt, rc, message, sizeof(message));

	while ((line = strsep(&rest, "\n")))
		if (*line)
			report("%s", line);
	if (status && !*message)
		report("mounting failed");
	if (status && mnt_context_syscall_called(cxt) &&
	    mnt_context_get_syscall_errno(cxt) == ENODEV)
		say_fuse_type(rq);
	return status;
}

/* The kernel gives it to what is mounted already by a remount alone. */
static void say_why_busy(const struct request *rq, struct libmnt_context *cxt)
{
	const char *source = mnt_fs_get_srcpath(mnt_context_get_fs(cxt));
	char *place = NULL;

	if (!mnt_context_syscall_called(cxt) ||
	    mnt_context_get_syscall_errno(cxt) != EBUSY)
		return;
	if (!source || !mounted_from(source, rq->fstype, rq->bind, &place))
		report("if it is mounted without %s already, remount that first",
		       request_option(rq));
	else if (place)
		report("it is mounted without %s at %s: remount that first: mount -o remount,%s %s",
		       request_option(rq), place, request_option(rq), place);
	free(place);
}

static int run_libmount(const struct request *rq, const char *type,
			const struct mounted *present, bool *done)
{
	struct libmnt_context *cxt = mnt_new_context();
	char *options = kernel_options(rq, present);
	int status = MNT_EX_SYSERR;

	if (!cxt || !options || mnt_context_set_fstype(cxt, type) ||
	    mnt_context_set_source(cxt, rq->source) ||
	    mnt_context_set_target(cxt, rq->target) ||
	    mnt_context_set_options(cxt, options)) {
		report("%s", strerror(ENOMEM));
	} else if (mnt_context_is_restricted(cxt)) {
		/* libmount would look for an entry of fstab */
		report("only root, or that of a user namespace, can mount %s",
		       type);
		status = MNT_EX_USAGE;
	} else {
		/* a helper might swallow the option; the kernel gets it thus */
		mnt_context_disable_helpers(cxt, 1);
		status = say_result(rq, cxt, mnt_context_mount(cxt));
		if (status && !present)
			say_why_busy(rq, cxt);
		/* it is mounted, even if something failed later */
		*done = mnt_context_get_status(cxt);
	}
	free(options);
	mnt_free_context(cxt);
	return status;
}

/* Unmount what was mounted in vain on @place, and nothing else. */
static void undo(const struct request *rq, int place)
{
	struct mounted found;
	int err = mounted_find_on(place, &found), fd;

	fd = err ? err : mounted_open_root(&found);
	mounted_free(&found);
	/* where descriptors have run out the name is all there is */
	err = fd == -EMFILE ?
		      umount2(rq->target, MNT_DETACH | UMOUNT_NOFOLLOW) :
	      fd < 0 ? fd :
		       mounted_undo(fd);
	if (err)
		report("it is left mounted, and perhaps without %s: unmount it",
		       request_option(rq));
	if (fd >= 0)
		close(fd);
}

/* Whether what was mounted has the option; if not, it is undone. */
static int verify_new(const struct request *rq, int place, bool done)
{
	struct mounted found;
	int err = mounted_find_on(place, &found), status = MNT_EX_FAIL;

	if (err == -ENOENT && rq->nofail && !done)
		return 0;
	if (err == -ENOENT)
		report(done ? "it has been mounted somewhere else: the mount point has been changed meanwhile" :
			      "nothing was mounted");
	else
		status = mounted_verify(err, &found, rq->bind);
	mounted_free(&found);
	if (status && err != -ENOENT)
		undo(rq, place);
	return status;
}

int mount_kernel_type(const struct request *rq)
{
	int status = check_no_helper(rq), place;
	bool done = false;

	if (!status && proc_directory() < 0) {
		report("/proc is needed to see what is mounted: %s",
		       strerror(errno));
		return MNT_EX_SYSERR;
	}
	if (!status)
		status = request_enter(rq);
	if (status)
		return status;
	place = mounted_open(rq->target);
	if (place < 0)
		return MNT_EX_FAIL;
	if (!rq->fake)
		status = run_libmount(rq, rq->fstype, NULL, &done);
	if (status && done)
		undo(rq, place);
	else if (!status && !rq->fake)
		status = verify_new(rq, place, done);
	close(place);
	return status;
}

int remount_kernel_type(const struct request *rq, const struct mounted *present)
{
	bool done;

	/* mount(2) has one flag for the mount and for the superblock */
	if (present->mount_read_only && !present->read_only &&
	    rq->access == UNSAID) {
		report("this is a read-only mount of a writable filesystem: remount it where it is mounted writable");
		return MNT_EX_FAIL;
	}
	/*
	 * By fspick(2) a filesystem without its own fs_context loses the
	 * options that it has.
	 */
	if (setenv("LIBMOUNT_FORCE_MOUNT2", "always", 1)) {
		report("%s", strerror(errno));
		return MNT_EX_SYSERR;
	}
	return run_libmount(rq, present->fstype, present, &done);
}
