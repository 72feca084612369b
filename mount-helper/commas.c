// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>

#include "commas.h"
#include "option.h"

static const char *const own[] = {
	OPTION_FSTYPE,	OPTION_HANDOFF, OPTION_SETUID,
	OPTION_TIMEOUT, IMA_NOCACHE,	("no" IMA_NOCACHE),
};

/* Returns 1 or 0, or -ENOMEM. */
static int is_taken(const char *option)
{
	char *user = NULL, *vfs = NULL;
	int taken = 0;

	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		if (!mnt_optstr_get_option(option, own[i], NULL, NULL))
			return 1;
	/* what it cannot parse is said where all of it is parsed */
	if (mnt_split_optstr(option, &user, &vfs, NULL, 0, 0) == -ENOMEM)
		taken = -ENOMEM;
	else if ((user && *user) || (vfs && *vfs))
		taken = 1;
	free(user);
	free(vfs);
	return taken;
}

char *commas_taken(const char *options)
{
	for (const char *p = options; *p; p++) {
		char *option;
		int taken;

		if (*p != '\\')
			continue;
		/* it goes for any letter */
		if (!*++p)
			break;
		if (*p != ',')
			continue;
		option = strndup(p + 1, strcspn(p + 1, ","));
		taken = option ? is_taken(option) : -ENOMEM;
		if (taken > 0)
			return option;
		free(option);
		if (taken < 0) {
			errno = ENOMEM;
			return NULL;
		}
	}
	errno = 0;
	return NULL;
}
