// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define FILES_MAX 4096

static struct file files[FILES_MAX];
static size_t n_files;

static int read_all(int fd, char *data, size_t size)
{
	while (size) {
		ssize_t got = read(fd, data, size);

		if (got <= 0)
			return got ? -errno : -EIO;
		data += got;
		size -= got;
	}
	return 0;
}

static int file_load(int dir, const char *name)
{
	struct file *file = &files[n_files];
	int fd, err = 0;

	fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &file->attr))
		err = -errno;
	else if (!S_ISREG(file->attr.st_mode))
		goto out;
	else if (n_files == FILES_MAX)
		err = -ENFILE;
	if (err)
		goto out;

	file->name = strdup(name);
	file->data = malloc(file->attr.st_size + 1);
	if (!file->name || !file->data)
		err = -ENOMEM;
	else
		err = read_all(fd, file->data, file->attr.st_size);
	if (err) {
		free(file->name);
		free(file->data);
		goto out;
	}
	atomic_store(&file->served, file);
	n_files++;
out:
	close(fd);
	return err;
}

int files_load(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err) {
		errno = 0;
		entry = readdir(dir);
		if (!entry) {
			err = -errno;
			break;
		}
		err = file_load(dirfd(dir), entry->d_name);
	}
	closedir(dir);
	return err ? err : (int)n_files;
}

struct file *file_by_name(const char *name)
{
	for (size_t i = 0; i < n_files; i++)
		if (!strcmp(files[i].name, name))
			return &files[i];
	return NULL;
}

struct file *file_by_index(size_t index)
{
	return index < n_files ? &files[index] : NULL;
}
