/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user asks for: the command line and -o, taken apart. */
#ifndef REQUEST_H
#define REQUEST_H

#include <libmount/libmount.h>
#include <stdbool.h>

struct request {
	struct libmnt_context *cxt; /* holds the arguments as given */
	const char *source;
	const char *target;
	const char *namespace;	 /* a path, from -N, or NULL */
	char namespace_path[32]; /* where -N had the number of a process */
	int cwd; /* with -N: the directory that the caller is in; else -1 */
	const char
		*implied_type; /* by the name that the program has, or NULL */
	char *fstype;	       /* what to mount: "ext4", "fuse.sshfs" */
	char *fs_options; /* for the filesystem: no VFS, mount(8) or own ones */
	char *user;	  /* whom a FUSE program runs as, or NULL */
	unsigned long mflags; /* MS_* of mount(2) */
	unsigned int timeout; /* seconds */
	bool bind;	      /* ima_nocache=bind */
	bool says_rw;	      /* in so many words; libmount adds it by itself */
	bool handoff_remount; /* the FUSE program mounts by itself */
};

/*
 * request_init - start with nothing asked for
 *
 * Returns 0 or an MNT_EX_* status.  request_free() gives back what it holds.
 */
int request_init(struct request *rq);
void request_free(struct request *rq);

/*
 * request_argument - take one argument of the command line
 * @c: the option's letter, or 1 for an argument that is no option
 * @arg: the option's value or the argument, which must outlive @rq
 *
 * Source and mount point go first, so that every message can name the latter.
 * Returns 0, or MNT_EX_USAGE after a message.
 */
int request_argument(struct request *rq, int c, char *arg);

/*
 * request_complete - check and take apart what the arguments have left in @rq
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int request_complete(struct request *rq);

/* request_option - the mount option asked for, as users type it */
const char *request_option(const struct request *rq);

/* request_program - the FUSE program asked for, or NULL for a kernel type */
const char *request_program(const struct request *rq);

/*
 * request_enter, request_leave - go to the namespace of the mount point, as -N
 * asks, and back; without -N nothing happens
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int request_enter(const struct request *rq);
int request_leave(const struct request *rq);

#endif
