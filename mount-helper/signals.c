// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>

#include "signals.h"

int signals_block(sigset_t *user)
{
	static const int from_users[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(from_users) / sizeof(*from_users); i++)
		sigaddset(&set, from_users[i]);
	if (user)
		*user = set;
	sigaddset(&set, SIGPIPE);
	return sigprocmask(SIG_BLOCK, &set, NULL) ? -errno : 0;
}

void signals_keep_children(void)
{
	signal(SIGCHLD, SIG_DFL);
}
