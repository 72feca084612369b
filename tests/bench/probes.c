// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probes.h"

#define TRACING "/sys/kernel/tracing/"

static int enable; /* kept open: opening it would be counted */

static int open_control(const char *name)
{
	int fd = open(name, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", name);
	return fd;
}

static void put(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		err(1, TRACING);
}

static void set(const char *name, const char *text)
{
	int fd = open_control(name);

	put(fd, text);
	close(fd);
}

void probes_start(void)
{
	set(TRACING "events/enable", "0");
	set(TRACING "kprobe_events",
	    "p:hash ima_calc_file_hash\n"
	    "r:call ima_get_action action=$retval:s32\n");
	set(TRACING "trace", "\n");
	enable = open_control(TRACING "events/kprobes/enable");
	put(enable, "1");
}

struct probed probes_stop(void)
{
	struct probed probed = { 0 };
	char *line = NULL;
	size_t size = 0;
	FILE *trace;

	put(enable, "0");
	close(enable);
	trace = fopen(TRACING "trace", "re");
	if (!trace)
		err(1, TRACING "trace");
	while (getline(&line, &size, trace) > 0) {
		if (*line == '#')
			continue;
		if (strstr(line, " hash: "))
			probed.hashes++;
		else if (strstr(line, " call: "))
			probed.calls++;
		if (strstr(line, " action=") && !strstr(line, " action=0\n"))
			probed.matches++;
	}
	free(line);
	fclose(trace);
	return probed;
}
