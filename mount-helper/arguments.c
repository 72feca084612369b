// SPDX-License-Identifier: GPL-2.0-only
#include <getopt.h>
#include <libmount/libmount.h>
#include <stddef.h>

#include "arguments.h"
#include "option.h"
#include "options.h"
#include "report.h"

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
		{ "fake", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ "namespace", required_argument, NULL, 'N' },
		{ "no-mtab", no_argument, NULL, 'n' },
		{ "options", required_argument, NULL, 'o' },
		{ "read-only", no_argument, NULL, 'r' },
		{ "read-write", no_argument, NULL, 'w' },
		{ "rw", no_argument, NULL, 'w' },
		{ "types", required_argument, NULL, 't' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 }
	};

	/*
	 * "-": arguments in any order, also where POSIXLY_CORRECT is set, since
	 * versions of mount(8) differ in what they put first
	 */
	return getopt_long(argc, argv, "-fnrsvwo:t:N:hV", longopts, NULL);
}

static int bad_argument(const char *arg)
{
	char letter[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 32 && optopt < 127 && arg[1] != '-';

	report("%s: no such option, or its value is missing" TRY_HELP,
	       is_letter ? letter : arg);
	return MNT_EX_USAGE;
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

int arguments_take(struct request *rq, int argc, char **argv)
{
	int c, status = 0;

	arguments_start();
	while (!status && (c = arguments_next(argc, argv)) != -1)
		status = c == '?' ? bad_argument(argv[optind - 1]) :
				    request_argument(rq, c, optarg);
	/* behind "--" */
	while (!status && optind < argc)
		status = request_argument(rq, 1, argv[optind++]);
	return status;
}

bool arguments_ask(int argc, char **argv)
{
	int c;

	arguments_start();
	while ((c = arguments_next(argc, argv)) != -1)
		if (c == 'o' && (!options_closed(optarg) ||
				 options_has(optarg, IMA_NOCACHE)))
			return true;
	return false;
}
