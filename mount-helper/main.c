// SPDX-License-Identifier: GPL-2.0-only
/* mount.ima_nocache: a helper of mount(8), and a program of its own. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>

#include "arguments.h"
#include "attach.h"
#include "handoff.h"
#include "kernel_type.h"
#include "option.h"
#include "probe.h"
#include "remount.h"
#include "report.h"
#include "request.h"
#include "step_aside.h"

static const char usage[] =
	"usage: " PROGRAM
	" SOURCE DIR [-sfnvrw] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]\n"
	"       " PROGRAM " --check | --help | --version\n"
	"\n"
	"Mount so that IMA evaluates each file anew at each access.\n"
	"\n"
	" -t " IMA_NOCACHE
	".TYPE       a filesystem of the kernel: ext4, tmpfs, ...\n"
	" -t " IMA_NOCACHE ".fuse.NAME  the FUSE program NAME\n"
	" -o " OPTION_FSTYPE "=TYPE           the type, instead of -t\n"
	" -o " OPTION_SETUID "=USER           run the FUSE program as USER\n"
	" -o " OPTION_TIMEOUT
	"=SECONDS       what a FUSE program has to answer\n"
	" -o " OPTION_HANDOFF "=" HANDOFF_REMOUNT
	"        for a FUSE program that must mount by itself\n"
	" -o " IMA_NOCACHE_BIND
	"     let files give what was measured, and nothing else\n"
	" -o remount               set it on what is mounted at DIR\n"
	" -f                       check the request, mount nothing\n"
	"     --check              tell if the running kernel knows " IMA_NOCACHE
	"\n"
	"\n"
	"Other options go to the filesystem, and mean what they mean in mount(8).\n"
	"See mount.ima_nocache(8).\n";

static int print(const char *text)
{
	if (fputs(text, stdout) >= 0 && !fflush(stdout))
		return 0;
	report(NULL, "standard output: %s", strerror(errno));
	return MNT_EX_SYSERR;
}

static int check(void)
{
	int known = probe_option(false);

	if (known > 0)
		return print(probe_option(true) > 0 ?
				     "this kernel supports " IMA_NOCACHE
				     " and " IMA_NOCACHE_BIND "\n" :
				     "this kernel supports " IMA_NOCACHE "\n");
	if (known < 0) {
		report(NULL, "cannot find out if this kernel supports %s: %s",
		       IMA_NOCACHE, strerror(-known));
		return MNT_EX_SYSERR;
	}
	report(NULL, "this kernel does not support %s", IMA_NOCACHE);
	return MNT_EX_FAIL;
}

static int mount_request(struct request *rq)
{
	int status = request_complete(rq);

	if (status || mnt_context_is_fake(rq->cxt))
		return status;
	if (rq->mflags & MS_REMOUNT)
		return remount(rq);
	if (!request_program(rq))
		return mount_kernel_type(rq);
	return rq->handoff_remount ? handoff_fuse(rq) : attach_fuse(rq);
}

/* The type in the name of the program, for mount -t fuse.NAME; or NULL. */
static const char *type_in_name(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;

	return strncmp(name, PROGRAM_FUSE, strlen(PROGRAM_FUSE)) ?
		       NULL :
		       name + strlen("mount.");
}

static int bad_argument(const char *target, const char *arg)
{
	char letter[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 32 && optopt < 127;

	report(target,
	       "%s: no such option, or its value is missing; see %s --help",
	       is_letter ? letter : arg, PROGRAM);
	return MNT_EX_USAGE;
}

/* Two rounds: the mount point first, which all that is said has to name. */
static int take_arguments(struct request *rq, int argc, char **argv)
{
	int c, status = 0;

	arguments_start();
	while (!status && (c = arguments_next(argc, argv)) != -1)
		if (c == 1)
			status = request_argument(rq, c, optarg);
	/* behind "--" */
	while (!status && optind < argc)
		status = request_argument(rq, 1, argv[optind++]);

	arguments_start();
	while (!status && (c = arguments_next(argc, argv)) != -1) {
		if (c == '?')
			status = bad_argument(rq->target, argv[optind - 1]);
		else if (c != 1)
			status = request_argument(rq, c, optarg);
	}
	return status;
}

/* --help and its like: what they return, or -1 if there is none of them. */
static int answer(int argc, char **argv)
{
	int c;

	arguments_start();
	while ((c = arguments_next(argc, argv)) != -1) {
		if (c == ARGUMENT_CHECK)
			return check();
		if (c == ARGUMENT_HELP || c == 'h')
			return print(usage);
		if (c == ARGUMENT_VERSION || c == 'V')
			return print(PROGRAM " " VERSION "\n");
	}
	return -1;
}

int main(int argc, char **argv)
{
	const char *type = argc > 0 ? type_in_name(argv[0]) : NULL;
	struct request rq;
	int status;

	if (getauxval(AT_UID) != getauxval(AT_EUID) ||
	    getauxval(AT_GID) != getauxval(AT_EGID)) {
		report(arguments_target(argc, argv),
		       "%s must not have a set-user-ID bit", PROGRAM);
		return MNT_EX_USAGE;
	}
	if (type && !asks_for_option(argc, argv))
		return step_aside(argc, argv);
	status = answer(argc, argv);
	if (status >= 0)
		return status;

	status = request_init(&rq);
	rq.implied_type = type;
	if (!status)
		status = take_arguments(&rq, argc, argv);
	if (!status)
		status = mount_request(&rq);
	request_free(&rq);
	return status;
}
