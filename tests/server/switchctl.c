// SPDX-License-Identifier: GPL-2.0-only
/* Ask a switching server to serve one file's content under another's name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

int main(int argc, char **argv)
{
	char request[CONTROL_MAX], answer[CONTROL_MAX];
	int err;

	if (argc != 4) {
		fprintf(stderr,
			"usage: switchctl SOCKET FILE CONTENT\n"
			"Have the server at SOCKET serve CONTENT's bytes as FILE.\n"
			"Both are names in its mount; FILE FILE switches back.\n");
		return EXIT_FAILURE;
	}
	if (snprintf(request, sizeof(request), "%s %s", argv[2], argv[3]) >=
	    (int)sizeof(request)) {
		fprintf(stderr, "switchctl: names too long\n");
		return EXIT_FAILURE;
	}

	err = control_ask(argv[1], request, answer);
	if (err) {
		fprintf(stderr, "switchctl: %s: %s\n", argv[1], strerror(-err));
		return EXIT_FAILURE;
	}
	if (strcmp(answer, "ok") != 0) {
		fprintf(stderr, "switchctl: %s\n", answer);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
