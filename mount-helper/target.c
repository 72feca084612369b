// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "target.h"

int target_open(const char *target, mode_t *type)
{
	int fd = open(target, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0) {
		report(target, "cannot use this mount point: %s",
		       strerror(errno));
		return -1;
	}
	if (fstat(fd, &st)) {
		report(target,
		       errno == ENOTCONN ?
			       "a dead FUSE mount is here: unmount it first" :
			       "cannot use this mount point: %s",
		       strerror(errno));
		close(fd);
		return -1;
	}
	*type = st.st_mode & S_IFMT;
	if (*type == S_IFDIR || *type == S_IFREG)
		return fd;
	report(target, "a mount point must be a directory or a regular file");
	close(fd);
	return -1;
}
