/* SPDX-License-Identifier: GPL-2.0-only */
/* What the user asks for: the command line and -o, taken apart. */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>

struct request {
	const char *source;
	const char *target;
	const char *namespace; /* as given behind -N, or NULL */
	const char *type;      /* as given behind -t, or NULL */
	const char *called_as; /* the type in the helper's own name, or NULL */
	char *list;	       /* all that is given behind -o, one list */
	char *fstype;	       /* what to mount: "ext4", "fuse.sshfs" */
	char *options;	       /* of the list, what is not the helper's own */
	char *user;	       /* whom the FUSE program runs as, or NULL */
	enum { UNSAID, READ_ONLY, WRITABLE } access;
	unsigned int timeout; /* seconds */
	bool bind;	      /* ima_nocache=bind */
	bool remount;
	bool fake; /* nothing is to be mounted */
	bool nofail;
};

/* request_init - start with nothing asked for */
void request_init(struct request *rq);

/* request_free - give back what the request holds, not the request */
void request_free(struct request *rq);

/*
 * request_argument - take one argument of the command line
 * @c: the option's letter, or 1 for an argument that is no option
 * @arg: the option's value or the argument, which must outlive @rq
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int request_argument(struct request *rq, int c, const char *arg);

/*
 * request_complete - check and take apart what the arguments have left in @rq
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int request_complete(struct request *rq);

/* request_option - the mount option asked for, as users type it */
const char *request_option(const struct request *rq);

/*
 * request_program - the FUSE program asked for
 *
 * Returns its name or path; "" if only the type is given and the name stands in
 * the source, as in "sshfs#host:"; NULL for a type of the kernel.
 */
const char *request_program(const struct request *rq);

/*
 * request_enter - go to the namespace of the mount point, as -N asks, for good
 *
 * Returns 0, or an MNT_EX_* status after a message.
 */
int request_enter(const struct request *rq);

#endif
