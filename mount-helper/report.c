// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "option.h"
#include "report.h"

static const char *mount_point;

void report_for(const char *target)
{
	mount_point = target;
}

void report(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", PROGRAM);
	if (mount_point)
		fprintf(stderr, "%s: ", mount_point);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int report_kernel(int fsfd)
{
	char message[1024];
	ssize_t len;
	int n = 0;

	while ((len = read(fsfd, message, sizeof(message) - 1)) > 0) {
		message[len] = '\0';
		message[strcspn(message, "\n")] = '\0';
		/* a letter for the level and a space stand in front */
		report("kernel: %s", len > 2 ? message + 2 : message);
		n++;
	}
	return n;
}
