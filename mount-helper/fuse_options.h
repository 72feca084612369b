/* SPDX-License-Identifier: GPL-2.0-only */
/* Which of a FUSE mount's options are the kernel's and which the program's. */
#ifndef FUSE_OPTIONS_H
#define FUSE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define FUSE_KERNEL_OPTIONS 11 /* at most */

struct fuse_options {
	struct fuse_kernel_option {
		const char *name;
		char *value; /* as the kernel is to have it, or NULL */
	} kernel[FUSE_KERNEL_OPTIONS];
	size_t n;      /* in @kernel, each name once: the last one counts */
	char *program; /* a list for -o, or NULL */
};

/*
 * fuse_options_split - part @options, a list for -o or NULL, in two
 * @read_only: whether "ro" is among the mount's flags; the program is told
 *
 * Some go to both.  Returns 0, and fuse_options_free() gives back what @split
 * holds; or -errno.
 */
int fuse_options_split(const char *options, bool read_only,
		       struct fuse_options *split);
void fuse_options_free(struct fuse_options *split);

/* fuse_options_has - whether the kernel is to get the option @name */
bool fuse_options_has(const struct fuse_options *split, const char *name);

#endif
