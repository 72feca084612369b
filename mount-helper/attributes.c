// SPDX-License-Identifier: GPL-2.0-only
#include <libmount/libmount.h>
#include <stddef.h>
#include <sys/mount.h>

#include "attributes.h"

unsigned int attributes_of(unsigned long mflags)
{
	static const struct {
		unsigned long flag;
		unsigned int attr;
	} map[] = {
		{ MS_RDONLY, MOUNT_ATTR_RDONLY },
		{ MS_NOSUID, MOUNT_ATTR_NOSUID },
		{ MS_NODEV, MOUNT_ATTR_NODEV },
		{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
		{ MS_NOATIME, MOUNT_ATTR_NOATIME },
		{ MS_STRICTATIME, MOUNT_ATTR_STRICTATIME },
		{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
		{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
	};
	unsigned int attributes = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
		if (mflags & map[i].flag)
			attributes |= map[i].attr;
	/* of both mount(2) takes this one, and fsmount(2) neither */
	if (attributes & MOUNT_ATTR_STRICTATIME)
		attributes &= ~(unsigned int)MOUNT_ATTR_NOATIME;
	return attributes;
}

unsigned int attributes_off(const char *vfs_options)
{
	static const struct {
		const char *name;
		unsigned int attr;
	} map[] = {
		{ "suid", MOUNT_ATTR_NOSUID },
		{ "dev", MOUNT_ATTR_NODEV },
		{ "exec", MOUNT_ATTR_NOEXEC },
		{ "diratime", MOUNT_ATTR_NODIRATIME },
		{ "symfollow", MOUNT_ATTR_NOSYMFOLLOW },
		{ "atime", MOUNT_ATTR__ATIME },
		{ "relatime", MOUNT_ATTR__ATIME },
	};
	unsigned int attributes = 0;

	for (size_t i = 0; vfs_options && i < sizeof(map) / sizeof(*map); i++)
		if (!mnt_optstr_get_option(vfs_options, map[i].name, NULL,
					   NULL))
			attributes |= map[i].attr;
	return attributes;
}
