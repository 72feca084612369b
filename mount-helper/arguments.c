// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <stddef.h>

#include "arguments.h"

void arguments_start(void)
{
	opterr = 0;
	/* glibc's way to start over */
	optind = 0;
}

int arguments_next(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "check", no_argument, NULL, ARGUMENT_CHECK },
		{ "help", no_argument, NULL, ARGUMENT_HELP },
		{ "version", no_argument, NULL, ARGUMENT_VERSION },
		{ 0 }
	};

	/*
	 * "-": arguments in any order, also where POSIXLY_CORRECT is set, since
	 * versions of mount(8) differ in what they put first
	 */
	return getopt_long(argc, argv, "-fnrsvwo:t:N:hV", longopts, NULL);
}

const char *arguments_target(int argc, char **argv)
{
	int c, names = 0;

	arguments_start();
	while ((c = arguments_next(argc, argv)) != -1)
		if (c == 1 && ++names == 2)
			return optarg;
	return NULL;
}
