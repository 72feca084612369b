// SPDX-License-Identifier: GPL-2.0-only
/*
 * A FUSE server that serves another content under a file's name without the
 * kernel seeing a change: name, inode, size and times stay, and nothing is
 * invalidated.  The switch is asked for through a socket, see switchctl.  A
 * liar shows it only to who has read the file to its end, as IMA does first,
 * and a failing server lets IMA's read fail.
 */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control.h"
#include "files.h"

/* A file's inode number is its index and this; below it is FUSE_ROOT_ID. */
#define FIRST_INO 2
/* What execve(2) reads first: BINPRM_BUF_SIZE of linux/binfmts.h. */
#define HEADER_SIZE 256
/* Nothing that the kernel may know changes: let it keep what it knows. */
#define TIMEOUT 86400.0

static struct options {
	char *source;
	char *mountpoint;
	char *control;
	/* a file to serve alone, without the directory */
	char *root;
	/* the first request that a mount waits for */
	int end_at_statfs;
	int stall_at_statfs;
	int no_statfs; /* as a program that has no such call */
	/* what the kernel has read of a file stays when it is opened again */
	int kernel_cache;
	/* tell the truth only to who has not read to the end yet */
	int liar;
	/* of each open file whose content is another's, let the first read fail
	 * that is longer than the one with which execve(2) begins */
	int failing;
} options;

static struct file *ino_file(fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID && options.root)
		return file_by_name(options.root);
	return ino < FIRST_INO ? NULL : file_by_index(ino - FIRST_INO);
}

static int ino_attr(fuse_ino_t ino, struct stat *attr)
{
	struct file *file = ino_file(ino);

	if (file)
		*attr = file->attr;
	else if (ino == FUSE_ROOT_ID)
		*attr = (struct stat){ .st_mode = S_IFDIR | 0755,
				       .st_nlink = 2 };
	else
		return ENOENT;
	attr->st_ino = ino;
	return 0;
}

static void switchfs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = { .attr_timeout = TIMEOUT,
					  .entry_timeout = TIMEOUT };
	struct file *file;

	for (size_t i = 0; (file = file_by_index(i)); i++) {
		if (parent != FUSE_ROOT_ID || strcmp(file->name, name) != 0)
			continue;
		entry.ino = FIRST_INO + i;
		ino_attr(entry.ino, &entry.attr);
		fuse_reply_entry(req, &entry);
		return;
	}
	fuse_reply_err(req, ENOENT);
}

static void switchfs_getattr(fuse_req_t req, fuse_ino_t ino,
			     struct fuse_file_info *fi)
{
	struct stat attr;
	int err = ino_attr(ino, &attr);

	(void)fi;
	if (err)
		fuse_reply_err(req, err);
	else
		fuse_reply_attr(req, &attr, TIMEOUT);
}

/* What the server knows of an open file. */
struct open_file {
	bool was_read; /* to its end */
	bool has_failed;
};

static void open_file(fuse_req_t req, struct fuse_file_info *fi)
{
	struct open_file *open = calloc(1, sizeof(*open));

	fi->fh = (uintptr_t)open;
	if (!open)
		fuse_reply_err(req, ENOMEM);
	else if (fuse_reply_open(req, fi))
		free(open);
}

static void switchfs_release(fuse_req_t req, fuse_ino_t ino,
			     struct fuse_file_info *fi)
{
	(void)ino;
	free((void *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}

static void switchfs_open(fuse_req_t req, fuse_ino_t ino,
			  struct fuse_file_info *fi)
{
	fi->keep_cache = options.kernel_cache;
	/* nothing that was read is kept for the next one */
	fi->direct_io = options.liar || options.failing;
	if (!ino_file(ino))
		fuse_reply_err(req, EISDIR);
	else if ((fi->flags & O_ACCMODE) != O_RDONLY)
		fuse_reply_err(req, EROFS);
	else
		open_file(req, fi);
}

static void reply_part(fuse_req_t req, const char *data, size_t len,
		       size_t size, off_t off)
{
	size_t start = off < (off_t)len ? (size_t)off : len;

	fuse_reply_buf(req, data + start,
		       size < len - start ? size : len - start);
}

static void switchfs_read(fuse_req_t req, fuse_ino_t ino, size_t size,
			  off_t off, struct fuse_file_info *fi)
{
	struct open_file *open = (struct open_file *)(uintptr_t)fi->fh;
	struct file *named = ino_file(ino), *file = named;

	if (!file) {
		fuse_reply_err(req, EISDIR);
		return;
	}
	if (!options.liar || open->was_read)
		file = atomic_load(&file->served);
	if (options.failing && file != named && !open->has_failed &&
	    size > HEADER_SIZE) {
		open->has_failed = true;
		fuse_reply_err(req, EIO);
		return;
	}
	if (off + (off_t)size >= file->attr.st_size)
		open->was_read = true;
	reply_part(req, file->data, file->attr.st_size, size, off);
}

/* Append an entry to the listing.  Returns its new length; @buf may be NULL. */
static size_t add_entry(fuse_req_t req, char *buf, size_t len, size_t size,
			const char *name, fuse_ino_t ino)
{
	size_t need = fuse_add_direntry(req, NULL, 0, name, NULL, 0);
	struct stat attr = { 0 };

	if (buf) {
		ino_attr(ino, &attr);
		fuse_add_direntry(req, buf + len, size - len, name, &attr,
				  (off_t)(len + need));
	}
	return len + need;
}

static size_t list_entries(fuse_req_t req, char *buf, size_t size)
{
	struct file *file;
	size_t len;

	len = add_entry(req, buf, 0, size, ".", FUSE_ROOT_ID);
	len = add_entry(req, buf, len, size, "..", FUSE_ROOT_ID);
	for (size_t i = 0; (file = file_by_index(i)); i++)
		len = add_entry(req, buf, len, size, file->name, FIRST_INO + i);
	return len;
}

static void switchfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size,
			     off_t off, struct fuse_file_info *fi)
{
	size_t len = list_entries(req, NULL, 0);
	char *buf;

	(void)fi;
	if (ino != FUSE_ROOT_ID) {
		fuse_reply_err(req, ENOTDIR);
		return;
	}
	buf = malloc(len);
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	list_entries(req, buf, len);
	reply_part(req, buf, len, size, off);
	free(buf);
}

static void switchfs_statfs(fuse_req_t req, fuse_ino_t ino)
{
	/* what libfuse says where a program says nothing */
	const struct statvfs st = { .f_namemax = 255, .f_bsize = 512 };

	(void)ino;
	if (options.end_at_statfs)
		_exit(3);
	while (options.stall_at_statfs)
		pause();
	if (options.no_statfs)
		fuse_reply_err(req, ENOSYS);
	else
		fuse_reply_statfs(req, &st);
}

static const struct fuse_lowlevel_ops switchfs_ops = {
	.lookup = switchfs_lookup,
	.statfs = switchfs_statfs,
	.getattr = switchfs_getattr,
	.open = switchfs_open,
	.release = switchfs_release,
	.read = switchfs_read,
	.readdir = switchfs_readdir,
};

/* "FILE CONTENT": from now on serve CONTENT's bytes as FILE. */
static void handle_switch(char *request, char answer[CONTROL_MAX])
{
	char *name = strtok(request, " "), *content = strtok(NULL, " ");
	struct file *file = name ? file_by_name(name) : NULL;
	struct file *other = content ? file_by_name(content) : NULL;

	if (!file || !other) {
		strcpy(answer, "no such file");
	} else if (file->attr.st_size != other->attr.st_size) {
		/* the kernel would see the size that it knows be wrong */
		strcpy(answer, "the files differ in size");
	} else {
		atomic_store(&file->served, other);
		strcpy(answer, "ok");
	}
}

static void *control_thread(void *listener)
{
	control_serve(*(int *)listener, handle_switch);
	return NULL;
}

static int parse_argument(void *data, const char *arg, int key,
			  struct fuse_args *args)
{
	(void)data;
	(void)args;
	if (key != FUSE_OPT_KEY_NONOPT)
		return 1;
	if (!options.source)
		return fuse_opt_add_opt(&options.source, arg);
	if (!options.mountpoint)
		return fuse_opt_add_opt(&options.mountpoint, arg);
	fprintf(stderr, "switchfs: %s: one argument too many\n", arg);
	return -1;
}

static int serve(struct fuse_session *se, int foreground)
{
	int listener = -1, err;
	pthread_t thread;

	/* before the mount is there, so that who sees it can switch */
	if (options.control) {
		listener = control_listen(options.control);
		if (listener < 0) {
			fprintf(stderr, "switchfs: %s: %s\n", options.control,
				strerror(-listener));
			return 1;
		}
	}
	err = fuse_session_mount(se, options.mountpoint);
	if (err)
		goto out;
	err = fuse_daemonize(foreground);
	if (!err && listener >= 0)
		err = pthread_create(&thread, NULL, control_thread, &listener);
	if (!err)
		err = fuse_session_loop(se);
	fuse_session_unmount(se);
out:
	if (listener >= 0)
		unlink(options.control);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct fuse_opt specs[] = {
		{ "control=%s", offsetof(struct options, control), 0 },
		{ "root=%s", offsetof(struct options, root), 0 },
		{ "end_at_statfs", offsetof(struct options, end_at_statfs), 1 },
		{ "stall_at_statfs", offsetof(struct options, stall_at_statfs),
		  1 },
		{ "no_statfs", offsetof(struct options, no_statfs), 1 },
		{ "kernel_cache", offsetof(struct options, kernel_cache), 1 },
		{ "liar", offsetof(struct options, liar), 1 },
		{ "failing", offsetof(struct options, failing), 1 },
		FUSE_OPT_END
	};
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct fuse_cmdline_opts cmdline;
	struct fuse_session *se;
	int err = 1;

	if (fuse_opt_parse(&args, &options, specs, parse_argument) ||
	    fuse_parse_cmdline(&args, &cmdline))
		return 1;
	if (!options.mountpoint) {
		fprintf(stderr,
			"usage: switchfs [-f] [-d] [-o control=SOCKET,...] SOURCE MOUNTPOINT\n"
			"Serve the files of the directory SOURCE from memory.\n");
		return 1;
	}
	err = files_load(options.source);
	if (err < 0) {
		fprintf(stderr, "switchfs: %s: %s\n", options.source,
			strerror(-err));
		return 1;
	}

	err = 1;
	se = fuse_session_new(&args, &switchfs_ops, sizeof(switchfs_ops), NULL);
	if (se) {
		if (!fuse_set_signal_handlers(se)) {
			err = serve(se, cmdline.foreground);
			fuse_remove_signal_handlers(se);
		}
		fuse_session_destroy(se);
	}
	fuse_opt_free_args(&args);
	return err;
}
