// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <getopt.h>
#include <libmount/libmount.h>
#include <string.h>
#include <unistd.h>

#include "arguments.h"
#include "option.h"
#include "report.h"
#include "step_aside.h"

bool asks_for_option(int argc, char **argv)
{
	bool asks = false;
	int c;

	arguments_start();
	while ((c = arguments_next(argc, argv)) != -1)
		/* 1: not among them */
		if (c == 'o' &&
		    mnt_optstr_get_option(optarg, IMA_NOCACHE, NULL, NULL) != 1)
			asks = true;
	return asks;
}

int step_aside(int argc, char **argv)
{
	static const char *const paths[] = { "/sbin/mount.fuse3",
					     "/sbin/mount.fuse" };
	int err;

	/* it finds the FUSE program's name in argv[0], as we do */
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		execv(paths[i], argv);
	err = errno;
	report(arguments_target(argc, argv),
	       "%s: %s; without %s this mount is for that program", paths[0],
	       strerror(err), IMA_NOCACHE);
	return MNT_EX_SYSERR;
}
