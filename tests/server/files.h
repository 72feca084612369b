/* SPDX-License-Identifier: GPL-2.0-only */
/* The files that the switching server holds in memory. */
#ifndef FILES_H
#define FILES_H

#include <stdatomic.h>
#include <sys/stat.h>

struct file {
	char *name;
	struct stat attr; /* as served; st_ino is the file's place here */
	char *data;	  /* the file's own content, attr.st_size bytes */
	/* the file whose data is served in its place, at first the file itself
	 */
	_Atomic(struct file *) served;
};

/*
 * files_load - read all regular files of the directory @dir
 *
 * What was read is kept until the process ends.  Returns the number of files,
 * or -errno.
 */
int files_load(const char *dir);

/* file_by_name, file_by_index - a loaded file, or NULL where there is none */
struct file *file_by_name(const char *name);
struct file *file_by_index(size_t index);

#endif
