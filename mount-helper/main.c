// SPDX-License-Identifier: GPL-2.0-only
/* mount.ima_nocache: a helper of mount(8), and a program of its own. */
#include <errno.h>
#include <libmount/libmount.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arguments.h"
#include "flag.h"
#include "option.h"
#include "processes.h"
#include "program.h"
#include "report.h"
#include "request.h"
#include "ways.h"

#define TEXT(macro) TEXT_OF(macro)
#define TEXT_OF(value) #value

/* of PROGRAM, IMA_NOCACHE and what else is in option.h, see answer() */
static const char usage[] =
	"usage: %1$s SOURCE DIR [-frwsnv] [-N NAMESPACE] [-t TYPE] [-o OPTIONS]\n"
	"       %1$s --check | --help | --version\n"
	"\n"
	"Mount so that IMA evaluates each file anew at each access.\n"
	"\n"
	" -t, --types %2$s.fuse.NAME  what the FUSE program NAME serves\n"
	" -t, --types %2$s.TYPE       a filesystem of the kernel\n"
	" -o, --options LIST   options as for mount(8), and:\n"
	"      %3$s=TYPE         the type, instead of -t\n"
	"      %4$s=SECONDS     how long to wait for a FUSE program to answer (%5$s)\n"
	"      %6$s=USER         run the FUSE program as USER\n"
	"      %7$s    let files give what was measured, and nothing else\n"
	"      remount             set it on what is mounted at DIR\n"
	" -r, --read-only      the same as -o ro\n"
	" -w, --rw             the same as -o rw\n"
	" -f, --fake           check the request, and mount nothing\n"
	" -N, --namespace NS   mount in the mount namespace of a process, or at a path\n"
	" -s, -n, -v           have no effect; mount(8) passes them\n"
	"     --check          tell if the running kernel knows %2$s\n"
	" -h, --help           print this\n"
	" -V, --version        print the version\n"
	"\n"
	"Examples:\n"
	"  mount -t %2$s.fuse.sshfs -o allow_other host:/srv /mnt\n"
	"  %1$s none /mnt -t tmpfs -o size=10m\n"
	"\n"
	"Other options mean what they mean in mount(8).  See %1$s(8).\n";

/* The status after what printf(3) or its like has returned. */
static int printed(int ret)
{
	if (ret >= 0 && !fflush(stdout))
		return 0;
	report("standard output: %s", strerror(errno));
	return MNT_EX_SYSERR;
}

static int check(void)
{
	int known = flag_probe_for_all(false);

	if (known > 0)
		return printed(printf("this kernel supports %s%s\n",
				      IMA_NOCACHE,
				      flag_probe_for_all(true) > 0 ?
					      " and " IMA_NOCACHE_BIND :
					      ""));
	if (known < 0) {
		report("cannot find out if this kernel supports %s: %s: run it as root",
		       IMA_NOCACHE, strerror(-known));
		return MNT_EX_SYSERR;
	}
	report("this kernel does not support %s", IMA_NOCACHE);
	return MNT_EX_FAIL;
}

/* Before anything is mounted: several filesystems take any option at all. */
static int check_kernel(const struct request *rq)
{
	int known = flag_probe(rq->bind);

	if (known > 0)
		return 0;
	if (known == -EPERM) {
		report("not permitted: a mount with %s needs root, or a user namespace of one's own (unshare -Urm)",
		       IMA_NOCACHE);
		return MNT_EX_USAGE;
	}
	if (known < 0) {
		report("cannot find out if this kernel supports %s: %s",
		       request_option(rq), strerror(-known));
		return MNT_EX_SYSERR;
	}
	report("this kernel does not support %s", request_option(rq));
	return MNT_EX_FAIL;
}

static int mount_request(const struct request *rq)
{
	int status, err = signals_block();

	if (err) {
		report("cannot block signals: %s", strerror(-err));
		return MNT_EX_SYSERR;
	}
	/* what would be mounted can be checked on any kernel, by anybody */
	status = rq->fake ? 0 : check_kernel(rq);
	if (status)
		return status;
	if (rq->remount)
		return remount(rq);
	return request_program(rq) ? mount_fuse(rq) : mount_kernel_type(rq);
}

/* The type in the name of the program, behind @prefix; or NULL. */
static const char *type_in_name(const char *argv0, const char *prefix)
{
	const char *slash = strrchr(argv0, '/');
	const char *name = slash ? slash + 1 : argv0;

	return strncmp(name, prefix, strlen(prefix)) ? NULL :
						       name + strlen(prefix);
}

/* --help and its like: what they return, or -1 if there is none of them. */
static int answer(int argc, char **argv)
{
	int c;

	arguments_start();
	while ((c = arguments_next(argc, argv)) != -1) {
		if (c == ARGUMENT_CHECK)
			return check();
		if (c == 'h')
			return printed(printf(usage, PROGRAM, IMA_NOCACHE,
					      OPTION_FSTYPE, OPTION_TIMEOUT,
					      TEXT(TIMEOUT_DEFAULT),
					      OPTION_SETUID, IMA_NOCACHE_BIND));
		if (c == 'V')
			return printed(puts(PROGRAM " " VERSION));
	}
	return -1;
}

/*
 * Whether this process has privileges that its user has not: set-user-ID and
 * set-group-ID bits, or capabilities of the file.
 */
static bool has_privileges_of_a_file(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (getauxval(AT_UID) != getauxval(AT_EUID) ||
	    getauxval(AT_GID) != getauxval(AT_EGID))
		return true;
	if (!getauxval(AT_SECURE) || !getuid())
		return false;
	return syscall(SYS_capget, &header, data) || data[0].permitted ||
	       data[1].permitted;
}

int main(int argc, char **argv)
{
	const char *fuse =
		argc > 0 ? type_in_name(argv[0], PROGRAM_FUSE) : NULL;
	struct request rq;
	int status;

	report_for(arguments_target(argc, argv));
	/* who ignores it hands that on, and waitpid(2) then finds nobody */
	signal(SIGCHLD, SIG_DFL);
	if (has_privileges_of_a_file()) {
		report("this program must not have a set-user-ID bit or file capabilities");
		return MNT_EX_USAGE;
	}
	/* "fuse.NAME" with its first part */
	if (fuse)
		fuse -= strlen(TYPE_FUSE ".");
	if (fuse && !arguments_ask(argc, argv))
		return program_step_aside(fuse, argv);
	status = answer(argc, argv);
	if (status >= 0)
		return status;

	request_init(&rq);
	/* mount(8) passes no type that the name of its helper ends in */
	rq.called_as = fuse ? fuse : type_in_name(argv[0], PROGRAM_IMA);
	status = arguments_take(&rq, argc, argv);
	if (!status)
		status = request_complete(&rq);
	if (!status)
		status = mount_request(&rq);
	request_free(&rq);
	return status;
}
