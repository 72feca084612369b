/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A FUSE server that misbehaves once, at a point of an access that it is told. It speaks to
 * /dev/fuse without libfuse, which does not let all of its answers pass. What its file holds
 * is in the memory of tests/selftests/ima/server.h.
 *
 * All functions that return an int return 0 or -1 with errno, if they do not say otherwise.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../selftests/ima/bind.h"

#define PAGE 4096
#define SMALL (3 * PAGE) /* bytes of the file: a first page, a middle and a last one */
#define XATTR_MOST 65536 /* bytes of a value, as far as the VFS goes */
#define NOT_KNOWN 38 /* error of a server that does not know the request, who is asked no more */
#define CONNECTIONS "/sys/fs/fuse/connections"

/* Requests. */
enum point {
	AT_LOOKUP, AT_GETATTR, AT_OPEN, AT_FIRST_READ, AT_MIDDLE_READ, AT_LAST_READ,
	AT_XATTR_SIZE, AT_XATTR_VALUE, AT_FLUSH, AT_RELEASE, POINTS,
	OTHER_READ = POINTS
};

extern const char *const point_names[POINTS];

/* What the server does in place of the answer, or before it. */
enum act {
	DIES, ABORTS, /* the connection */
	FAILS, /* with plan.error */
	FAILS_BY_NO_ERROR, /* plan.error, which the kernel does not take, and then EIO */
	ANSWERS_SHORT, ANSWERS_LONG,
	HANGS_UNTIL_INTERRUPTED, /* the request then fails with EINTR */
	HANGS_UNTIL_ABORTED, /* when it was interrupted in vain */
	INVALIDATES, /* the cached pages, and serves other content from then on */
	STORES, /* a page of other content in the cache */
	FORGETS_NAME, DELETES_NAME,
	GROWS, SHRINKS, /* the file */
	SAYS_SO, /* that it was asked, and answers */
	LABELS, /* answers with plan.label, of which it says that it has plan.label_told bytes */
};

struct plan {
	enum point point;
	int nth; /* of the requests there, from 1 on, or 0 for none */
	enum act act;
	int error;
	bool direct; /* reads go past the page cache */
	size_t label_told;
	size_t label_size;
	char label[XATTR_MOST + PAGE];
	char name[256]; /* of the file */
	int reached; /* a pipe's end, which gets a byte when the server hangs, or says so */
	atomic_int seen[POINTS + 1]; /* requests at each of them */
	atomic_int refused; /* error number with which the kernel took no answer, or 0 */
	atomic_int reads; /* all of the file */
	size_t end; /* of the content that was sent */
};

extern struct plan *plan;

/* Have the memory that the server shares with the test. */
int new_plan(void);

/* Mount the filesystem on DIR and serve it.  Returns the server's process ID. */
pid_t mount_hostile(const char *option);

#endif
