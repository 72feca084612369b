// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "commas.h"
#include "option.h"
#include "proc.h"
#include "report.h"
#include "request.h"

#define DIGITS "0123456789"

int request_init(struct request *rq)
{
	*rq = (struct request){ .timeout = TIMEOUT_DEFAULT, .cwd = -1 };
	rq->cxt = mnt_new_context();
	if (!rq->cxt || mnt_context_init_helper(rq->cxt, MNT_ACT_MOUNT, 0)) {
		report(NULL, "cannot set up libmount: %s", strerror(ENOMEM));
		return MNT_EX_SYSERR;
	}
	return 0;
}

void request_free(struct request *rq)
{
	free(rq->fstype);
	free(rq->fs_options);
	free(rq->user);
	if (rq->cwd >= 0)
		close(rq->cwd);
	mnt_free_context(rq->cxt);
}

static int take_name(struct request *rq, const char *arg)
{
	if (!rq->source) {
		rq->source = arg;
	} else if (!rq->target) {
		rq->target = arg;
	} else {
		report(rq->target,
		       "%s: one argument too many; put options behind -o", arg);
		return MNT_EX_USAGE;
	}
	return 0;
}

static int return_to_directory(const struct request *rq)
{
	return fchdir(rq->cwd) ? -errno : 0;
}

/* As mount(8) does: the number of a process stands for its namespace. */
static int take_namespace(struct request *rq, const char *arg)
{
	int err;

	rq->namespace = arg;
	if (*arg && !arg[strspn(arg, DIGITS)]) {
		snprintf(rq->namespace_path, sizeof(rq->namespace_path),
			 "/proc/%.10s/ns/mnt", arg);
		rq->namespace = rq->namespace_path;
	}
	if (rq->cwd < 0)
		rq->cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = rq->cwd < 0 ? -errno :
			    mnt_context_set_target_ns(rq->cxt, rq->namespace);
	/* it has looked into that namespace, and comes back to "/" */
	if (!err)
		err = return_to_directory(rq);
	if (err) {
		report(rq->target, "cannot use the namespace %s: %s", arg,
		       strerror(err < 0 ? -err : errno));
		return MNT_EX_SYSERR;
	}
	return 0;
}

/* libmount would leave out what is behind a quote that nothing closes. */
static bool quotes_are_closed(const char *options)
{
	bool open = false;

	for (; *options; options++)
		if (*options == '"')
			open = !open;
	return !open;
}

/* Of the list behind -o, whatever libmount would silently read otherwise. */
static int check_list(const struct request *rq, const char *options)
{
	char *option;

	if (!quotes_are_closed(options)) {
		report(rq->target, "a quote in -o %s is not closed", options);
		return MNT_EX_USAGE;
	}
	option = commas_taken(options);
	if (option) {
		report(rq->target,
		       "no value can have \\,%s in it: it is taken as an option",
		       option);
		free(option);
		return MNT_EX_USAGE;
	}
	if (!errno)
		return 0;
	report(rq->target, "%s", strerror(errno));
	return MNT_EX_SYSERR;
}

int request_argument(struct request *rq, int c, char *arg)
{
	int err;

	if (c == 1)
		return take_name(rq, arg);
	if (c == 'N')
		return take_namespace(rq, arg);
	if (c == 'o') {
		err = check_list(rq, arg);
		if (err)
			return err;
	}
	if (c == 'w' ||
	    (c == 'o' && !mnt_optstr_get_option(arg, "rw", NULL, NULL)))
		rq->says_rw = true;
	err = mnt_context_helper_setopt(rq->cxt, c, arg);
	if (!err)
		return 0;
	if (err == -ENOMEM) {
		report(rq->target, "%s", strerror(ENOMEM));
		return MNT_EX_SYSERR;
	}
	report(rq->target, "cannot make out -%c %s", c, arg ? arg : "");
	return MNT_EX_USAGE;
}

/*
 * Take all of an option's occurrences out of rq->fs_options.  Returns 1 and,
 * where the option had a value, a copy of the last one in @value; 0 if there
 * was none; -EINVAL for a list that cannot be parsed; -ENOMEM.
 */
static int take_option(struct request *rq, const char *name, char **value)
{
	char *found;
	size_t len;
	int n = 0, err;

	*value = NULL;
	while (rq->fs_options) {
		err = mnt_optstr_get_option(rq->fs_options, name, &found, &len);
		if (err == 1)
			break;
		free(*value);
		*value = NULL;
		if (err < 0)
			return err;
		*value = found ? strndup(found, len) : NULL;
		if (found && !*value)
			return -ENOMEM;
		err = mnt_optstr_remove_option(&rq->fs_options, name);
		if (err) {
			free(*value);
			*value = NULL;
			return err < 0 ? err : -EINVAL;
		}
		n = 1;
	}
	return n;
}

static int bad_options(const struct request *rq, int err)
{
	if (err == -ENOMEM) {
		report(rq->target, "%s", strerror(ENOMEM));
		return MNT_EX_SYSERR;
	}
	report(rq->target, "cannot make out the mount options");
	return MNT_EX_USAGE;
}

/*
 * The type's name is behind fstype=, or in -t, or in the name that the helper
 * was called by.  "ima_nocache." may stand in front of it.
 */
static int take_fstype(struct request *rq)
{
	const char *type = mnt_fs_get_fstype(mnt_context_get_fs(rq->cxt));
	size_t prefix = strlen(IMA_NOCACHE ".");
	char *value;
	int found;

	found = take_option(rq, OPTION_FSTYPE, &value);
	if (found < 0)
		return bad_options(rq, found);
	if (found)
		type = value;
	else if (!type || !strcmp(type, IMA_NOCACHE))
		type = rq->implied_type;
	if (type && !strncmp(type, IMA_NOCACHE ".", prefix))
		type += prefix;
	rq->fstype = type ? strdup(type) : NULL;
	free(value);
	if (type && !rq->fstype)
		return bad_options(rq, -ENOMEM);
	return 0;
}

static int check_fstype(const struct request *rq)
{
	const char *program;

	/* what is mounted tells it then */
	if (rq->mflags & MS_REMOUNT)
		return 0;
	if (!rq->fstype || !*rq->fstype || !strcmp(rq->fstype, "auto")) {
		report(rq->target,
		       "no filesystem type: use -t %s.TYPE or -o %s=TYPE",
		       IMA_NOCACHE, OPTION_FSTYPE);
		return MNT_EX_USAGE;
	}
	if (strpbrk(rq->fstype, "/,\n")) {
		report(rq->target, "%s: not a filesystem type", rq->fstype);
		return MNT_EX_USAGE;
	}
	program = request_program(rq);
	if (!strcmp(rq->fstype, TYPE_FUSE) ||
	    !strcmp(rq->fstype, TYPE_FUSEBLK) || (program && !*program)) {
		report(rq->target, "which FUSE program? use -t %s.%s.PROGRAM",
		       IMA_NOCACHE, TYPE_FUSE);
		return MNT_EX_USAGE;
	}
	return 0;
}

/* ima_nocache itself: the type's name asks for it; here it may have a value. */
static int take_ima_nocache(struct request *rq)
{
	char *value;
	int found;

	found = take_option(rq, IMA_NOCACHE, &value);
	if (found < 0)
		return bad_options(rq, found);
	rq->bind = value && !strcmp(value, VALUE_BIND);
	if (value && !rq->bind) {
		report(rq->target, "%s takes no value but %s: %s=%s",
		       IMA_NOCACHE, VALUE_BIND, IMA_NOCACHE, value);
		free(value);
		return MNT_EX_USAGE;
	}
	free(value);
	found = take_option(rq, "no" IMA_NOCACHE, &value);
	free(value);
	if (found < 0)
		return bad_options(rq, found);
	if (found) {
		report(rq->target,
		       "no%s: this helper mounts with the option; use mount -i -t TYPE to mount without it",
		       IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	return 0;
}

static int take_timeout(struct request *rq)
{
	unsigned long seconds = 0;
	char *value;
	int found;

	found = take_option(rq, OPTION_TIMEOUT, &value);
	if (found < 0)
		return bad_options(rq, found);
	if (!found)
		return 0;
	/* strtoul() alone would take a sign and spaces */
	if (value && *value && !value[strspn(value, DIGITS)])
		seconds = strtoul(value, NULL, 10);
	if (!seconds || seconds > TIMEOUT_MAX) {
		report(rq->target,
		       "%s=%s: not a number of seconds from 1 to %d",
		       OPTION_TIMEOUT, value ? value : "", TIMEOUT_MAX);
		free(value);
		return MNT_EX_USAGE;
	}
	free(value);
	rq->timeout = seconds;
	return 0;
}

static int take_handoff(struct request *rq)
{
	int found, status = 0;
	char *value;

	found = take_option(rq, OPTION_HANDOFF, &value);
	if (found < 0)
		return bad_options(rq, found);
	if (!found)
		return 0;
	if (value && !strcmp(value, HANDOFF_REMOUNT)) {
		rq->handoff_remount = true;
	} else if (!value || strcmp(value, HANDOFF_FD) != 0) {
		report(rq->target, "%s=%s: use %s or %s", OPTION_HANDOFF,
		       value ? value : "", HANDOFF_FD, HANDOFF_REMOUNT);
		status = MNT_EX_USAGE;
	}
	free(value);
	return status;
}

static int take_user(struct request *rq)
{
	int found = take_option(rq, OPTION_SETUID, &rq->user);

	if (found < 0)
		return bad_options(rq, found);
	if (found && (!rq->user || !*rq->user)) {
		report(rq->target, "%s= needs the name of a user",
		       OPTION_SETUID);
		return MNT_EX_USAGE;
	}
	return 0;
}

static int check_flags(const struct request *rq)
{
	if (rq->mflags & (MS_BIND | MS_MOVE)) {
		report(rq->target,
		       "%s belongs to the superblock: it cannot be given to a bind mount or a move; mount the filesystem with it",
		       IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	if (rq->mflags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE)) {
		report(rq->target,
		       "%s cannot be combined with a change of propagation: use a second mount command for that",
		       IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	return 0;
}

/* What only makes sense for a FUSE program, and how it combines. */
static int check_program_options(const struct request *rq)
{
	bool program = rq->fstype && request_program(rq);

	if (rq->mflags & MS_REMOUNT)
		return 0;
	if (!program && (rq->user || rq->handoff_remount)) {
		report(rq->target, "%s is for FUSE programs, and %s is none",
		       rq->user ? OPTION_SETUID : OPTION_HANDOFF, rq->fstype);
		return MNT_EX_USAGE;
	}
	if (rq->handoff_remount && rq->namespace) {
		report(rq->target,
		       "%s=%s has the program mount in its own namespace, so it does not go with -N: use nsenter(1)",
		       OPTION_HANDOFF, HANDOFF_REMOUNT);
		return MNT_EX_USAGE;
	}
	return 0;
}

static int take_all(struct request *rq)
{
	int status = take_ima_nocache(rq);

	if (!status)
		status = take_fstype(rq);
	if (!status)
		status = take_timeout(rq);
	if (!status)
		status = take_handoff(rq);
	if (!status)
		status = take_user(rq);
	return status;
}

int request_complete(struct request *rq)
{
	const char *options;
	int status;

	if (!rq->source || !rq->target || !*rq->target) {
		report(rq->source, "a source and a mount point are needed");
		return MNT_EX_USAGE;
	}
	if (rq->namespace && *rq->target != '/') {
		report(rq->target, "with -N this has to be an absolute path");
		return MNT_EX_USAGE;
	}
	options = mnt_fs_get_fs_options(mnt_context_get_fs(rq->cxt));
	if (options) {
		rq->fs_options = strdup(options);
		if (!rq->fs_options)
			return bad_options(rq, -ENOMEM);
	}
	if (mnt_context_get_mflags(rq->cxt, &rq->mflags))
		return bad_options(rq, -EINVAL);
	status = take_all(rq);
	if (!status)
		status = check_flags(rq);
	if (!status)
		status = check_fstype(rq);
	if (!status)
		status = check_program_options(rq);
	return status;
}

const char *request_option(const struct request *rq)
{
	return rq->bind ? IMA_NOCACHE_BIND : IMA_NOCACHE;
}

const char *request_program(const struct request *rq)
{
	if (!strncmp(rq->fstype, TYPE_FUSE ".", strlen(TYPE_FUSE ".")))
		return rq->fstype + strlen(TYPE_FUSE ".");
	if (!strncmp(rq->fstype, TYPE_FUSEBLK ".", strlen(TYPE_FUSEBLK ".")))
		return rq->fstype + strlen(TYPE_FUSEBLK ".");
	return NULL;
}

int request_enter(const struct request *rq)
{
	if (!rq->namespace)
		return 0;
	/* there another /proc may be seen, or none */
	proc_directory();
	if (mnt_context_switch_target_ns(rq->cxt))
		return 0;
	report(rq->target, "cannot enter the namespace %s: %s", rq->namespace,
	       strerror(errno));
	return MNT_EX_SYSERR;
}

int request_leave(const struct request *rq)
{
	if (!rq->namespace ||
	    (mnt_context_switch_origin_ns(rq->cxt) && !return_to_directory(rq)))
		return 0;
	report(rq->target, "cannot leave the namespace %s: %s", rq->namespace,
	       strerror(errno));
	return MNT_EX_SYSERR;
}
