// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "option.h"
#include "options.h"
#include "processes.h"
#include "report.h"
#include "request.h"

#define DIGITS "0123456789"

void request_init(struct request *rq)
{
	*rq = (struct request){ .timeout = TIMEOUT_DEFAULT };
}

void request_free(struct request *rq)
{
	free(rq->list);
	free(rq->fstype);
	free(rq->options);
	free(rq->user);
}

static int no_memory(void)
{
	report("%s", strerror(ENOMEM));
	return MNT_EX_SYSERR;
}

static int take_name(struct request *rq, const char *arg)
{
	if (!rq->source) {
		rq->source = arg;
	} else if (!rq->target) {
		rq->target = arg;
	} else {
		report("%s: one argument too many: put options behind -o" TRY_HELP,
		       arg);
		return MNT_EX_USAGE;
	}
	return 0;
}

int request_argument(struct request *rq, int c, const char *arg)
{
	switch (c) {
	case 1:
		return take_name(rq, arg);
	case 'N':
		rq->namespace = arg;
		return 0;
	case 't':
		rq->type = arg;
		return 0;
	case 'f':
		rq->fake = true;
		return 0;
	case 'r':
		arg = "ro";
		break;
	case 'w':
		arg = "rw";
		break;
	case 'o':
		if (options_closed(arg))
			break;
		report("a quote or backslash is left open in -o %s", arg);
		return MNT_EX_USAGE;
	default: /* mount(8) passes them to all helpers */
		return 0;
	}
	return options_append(&rq->list, arg, strlen(arg)) ? no_memory() : 0;
}

/*
 * The type is behind fstype=, or behind -t, or in the name that the helper was
 * called by.  "ima_nocache." may stand in front of it.
 */
static int take_fstype(struct request *rq)
{
	size_t prefix = strlen(IMA_NOCACHE ".");
	const char *type = rq->fstype;
	char *copy;

	if (!type)
		type = rq->type;
	if (!type || !strcmp(type, IMA_NOCACHE))
		type = rq->called_as;
	if (type && !strncmp(type, IMA_NOCACHE ".", prefix))
		type += prefix;
	copy = strdup(type ? type : "");
	if (!copy)
		return no_memory();
	free(rq->fstype);
	rq->fstype = copy;
	return 0;
}

static int check_fstype(const struct request *rq)
{
	const char *program = request_program(rq);

	if (!*rq->fstype || !strcmp(rq->fstype, "auto")) {
		report("no filesystem type: use -t %s.TYPE or -o %s=TYPE" TRY_HELP,
		       IMA_NOCACHE, OPTION_FSTYPE);
		return MNT_EX_USAGE;
	}
	/* a FUSE program may be given by its path */
	if (strpbrk(rq->fstype, program ? ",\n" : "/,\n")) {
		report("%s: not a filesystem type", rq->fstype);
		return MNT_EX_USAGE;
	}
	if (program && !*program &&
	    (strchr(rq->fstype, '.') || strcspn(rq->source, "#") == 0 ||
	     !strchr(rq->source, '#'))) {
		report("which FUSE program? use -t %s.%s.PROGRAM", IMA_NOCACHE,
		       TYPE_FUSE);
		return MNT_EX_USAGE;
	}
	return 0;
}

/*
 * ima_nocache itself: the type's name asks for it; here it may have a value,
 * which one without a value does not take back.
 */
static int take_ima_nocache(struct request *rq, char *value)
{
	rq->bind = value ? !strcmp(value, VALUE_BIND) : rq->bind;
	if (!value || rq->bind)
		return 0;
	report("%s takes no value but %s: %s=%s", IMA_NOCACHE, VALUE_BIND,
	       IMA_NOCACHE, value);
	return MNT_EX_USAGE;
}

static int take_timeout(struct request *rq, const char *value)
{
	unsigned long seconds = 0;

	/* strtoul() alone would take a sign and spaces */
	if (value && *value && !value[strspn(value, DIGITS)])
		seconds = strtoul(value, NULL, 10);
	if (!seconds || seconds > TIMEOUT_MAX) {
		report("%s=%s: not a number of seconds from 1 to %d",
		       OPTION_TIMEOUT, value ? value : "", TIMEOUT_MAX);
		return MNT_EX_USAGE;
	}
	rq->timeout = seconds;
	return 0;
}

/*
 * What mount(8) or mount.fuse3(8) takes out.  With a value, as in user=NAME,
 * most of these words are for the program.
 */
static bool is_for_mount(const struct option_item *item)
{
	static const char *const words[] = {
		"defaults", "auto",    "noauto",  "user",    "nouser",
		"users",    "nousers", "owner",	  "noowner", "group",
		"nogroup",  "nofail",  "_netdev",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (option_is_word(item, words[i]))
			return true;
	return option_is(item, "comment") ||
	       (item->len > 2 && (!strncmp(item->text, "x-", 2) ||
				  !strncmp(item->text, "X-", 2)));
}

static int check_not_about_mount(const struct option_item *item)
{
	/* the first three make no new superblock */
	static const char *const names[] = {
		"bind",	   "rbind",	 "move",	"shared",
		"rshared", "private",	 "rprivate",	"slave",
		"rslave",  "unbindable", "runbindable",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!option_is_word(item, names[i]))
			continue;
		report(i < 3 ? "%s belongs to the superblock: it cannot be given to a bind mount or a move; mount the filesystem with it" :
			       "%s cannot be combined with a change of propagation: use a second mount command for that",
		       IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	return 0;
}

/* The helper's own options: returns an MNT_EX_* status, or -1 for others. */
static int take_own(struct request *rq, const struct option_item *item,
		    char **value)
{
	if (option_is(item, IMA_NOCACHE))
		return take_ima_nocache(rq, *value);
	if (option_is(item, OPTION_TIMEOUT))
		return take_timeout(rq, *value);
	if (option_is_word(item, "remount")) {
		rq->remount = true;
		return 0;
	}
	if (option_is(item, OPTION_FSTYPE)) {
		free(rq->fstype);
		rq->fstype = *value ? *value : strdup("");
		*value = NULL;
		return rq->fstype ? 0 : no_memory();
	}
	if (option_is(item, OPTION_SETUID)) {
		free(rq->user);
		rq->user = *value;
		*value = NULL;
		if (rq->user && *rq->user)
			return 0;
		report("%s= needs the name of a user", OPTION_SETUID);
		return MNT_EX_USAGE;
	}
	return -1;
}

static int take_item(struct request *rq, const struct option_item *item)
{
	int status = check_not_about_mount(item);
	char *value;

	if (status)
		return status;
	if (option_is(item, "no" IMA_NOCACHE)) {
		report("no%s: this helper mounts with the option; use mount -i -t TYPE to mount without it",
		       IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	if (option_is(item, OPTION_HANDOFF)) {
		report("%s= is not needed any more, and has no effect",
		       OPTION_HANDOFF);
		return 0;
	}
	if (option_value(item, &value))
		return no_memory();
	status = take_own(rq, item, &value);
	free(value);
	if (status >= 0)
		return status;
	if (option_is_word(item, "ro"))
		rq->access = READ_ONLY;
	if (option_is_word(item, "rw"))
		rq->access = WRITABLE;
	if (option_is_word(item, "nofail"))
		rq->nofail = true;
	return options_append(&rq->options, item->text, item->len) ?
		       no_memory() :
		       0;
}

/* A FUSE program gets no word that is for mount(8). */
static int leave_out_mount_options(struct request *rq)
{
	const char *rest = rq->options;
	struct option_item item;
	char *options = NULL;

	while (rest && options_next(&rest, &item)) {
		if (item.len > 8 && !strncmp(item.text, "X-mount.", 8)) {
			free(options);
			report("%.*s is for mount(8) itself to do, and not done here for FUSE",
			       (int)item.len, item.text);
			return MNT_EX_USAGE;
		}
		if (!is_for_mount(&item) &&
		    options_append(&options, item.text, item.len)) {
			free(options);
			return no_memory();
		}
	}
	free(rq->options);
	rq->options = options;
	return 0;
}

static int check_names(const struct request *rq)
{
	if (!rq->source || !rq->target || !*rq->target) {
		report("a source and a mount point are needed" TRY_HELP);
		return MNT_EX_USAGE;
	}
	if (rq->namespace && *rq->target != '/') {
		report("with -N this has to be an absolute path");
		return MNT_EX_USAGE;
	}
	return 0;
}

int request_complete(struct request *rq)
{
	const char *rest = rq->list;
	struct option_item item;
	int status = check_names(rq);

	while (!status && rest && options_next(&rest, &item))
		status = take_item(rq, &item);
	if (!status)
		status = take_fstype(rq);
	/* what is mounted tells the type then */
	if (status || rq->remount)
		return status;
	status = check_fstype(rq);
	/* the user may mount at that path here, and perhaps not there */
	if (!status && rq->user && rq->namespace) {
		report("%s= cannot be combined with -N", OPTION_SETUID);
		return MNT_EX_USAGE;
	}
	if (!status && request_program(rq))
		return leave_out_mount_options(rq);
	if (!status && rq->user) {
		report("%s is for FUSE programs, and %s is none", OPTION_SETUID,
		       rq->fstype);
		return MNT_EX_USAGE;
	}
	return status;
}

const char *request_option(const struct request *rq)
{
	return rq->bind ? IMA_NOCACHE_BIND : IMA_NOCACHE;
}

const char *request_program(const struct request *rq)
{
	return options_fuse_program(rq->fstype);
}

int request_enter(const struct request *rq)
{
	const char *path = rq->namespace;
	char of_process[32];
	int fd;

	if (!path)
		return 0;
	/* as mount(8) does: the number of a process stands for its namespace */
	if (*path && !path[strspn(path, DIGITS)]) {
		snprintf(of_process, sizeof(of_process), "/proc/%.10s/ns/mnt",
			 path);
		path = of_process;
	}
	/* there another /proc may be seen, or none */
	proc_directory();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS)) {
		report("cannot enter the namespace %s: %s", rq->namespace,
		       strerror(errno));
		if (fd >= 0)
			close(fd);
		return MNT_EX_SYSERR;
	}
	close(fd);
	return 0;
}
