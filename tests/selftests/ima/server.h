/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A FUSE filesystem with one file, whose server changes what it serves behind the kernel's
 * back and tells lies about it. The server is a process of its own, which is told what
 * to do in memory that it shares with the test.
 */
#ifndef IMA_TEST_SERVER_H
#define IMA_TEST_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ima.h"

#define DIR "/mnt/ima_nocache"
#define SIZE 8192 /* bytes of a content if the test does not say, more than a page */
#define MAX_SIZE (21 * 4096) /* bytes of a content */
#define CONTENTS 3
#define FILE_INO 2
#define EXEC_HEADER 256 /* bytes that execve(2) reads first, BINPRM_BUF_SIZE */

enum { XATTR_IMA, XATTR_EVM, XATTRS };

enum notice { NO_NOTICE, STORE, INVALIDATE, ANSWER_OPEN };

struct content {
	size_t size; /* bytes, of which those past MAX_SIZE are zeros */
	off_t told; /* what the attributes say of that */
	char data[MAX_SIZE];
};

struct served {
	struct content content[CONTENTS];
	atomic_int which; /* of them is served */
	atomic_int xattr[XATTRS]; /* and which value of these */
	char value[XATTRS][2][256];
	size_t len[XATTRS][2];
	uid_t owner;
	double timeout; /* seconds, for which the kernel may keep attributes */
	bool direct_io;
	size_t most; /* bytes in an answer to a read, if not 0 */
	int failing; /* read after an open that fails, from 1 on, if not 0 */
	int error; /* with which it fails */
	int header; /* content that answers reads of EXEC_HEADER bytes at the start, or -1 */
	int reads; /* since the last open */
	atomic_ulong served_reads; /* of all */
	atomic_ulong served_bytes; /* of the file */
	atomic_int opens;
	atomic_bool read_to_end;
	bool hostile; /* serve the other content once the file was read */
	bool by_open; /* and until it is closed what was served when it was opened */
	bool missing; /* the file, until it is made */
	unsigned int open_flags; /* more of FOPEN_* */
	char backing[64]; /* file that is read and mapped in place of this one, if not "" */
	bool mixed; /* each read is answered from a content that is chosen at random */
	enum notice notice; /* for the kernel, when somebody looks up "notice" */
	bool metacopy; /* overlay finds only the metadata of the file here */
	atomic_bool hold_open; /* the next answer to an open, until ANSWER_OPEN */
	atomic_bool held_open; /* one is */
	atomic_bool hold_back; /* the next answer about an xattr of the file */
	atomic_bool held_back; /* one is, until somebody looks up a marker */
};

extern struct served *served;

/*
 * Have the memory, with contents of SIZE bytes that are this process's alone, as IMA
 * lists the same record only once.  Returns 0 or -1 with errno.
 */
int new_served(void);

/*
 * Mount the filesystem on DIR, with @option, "name" or "name=value", if that is not NULL,
 * and serve it.  Returns the server's process ID or -1 with errno.
 */
pid_t mount_served(const char *option);

int open_file(void);

/* Have the kernel told that of the file, with what is served now. */
void notify(enum notice notice);

/* Open and close it, which is an access. */
int access_file(void);

/* What each test begins with, and is to be undone. */
struct setting {
	int list; /* of measurements, read up to its end */
	int log; /* the kernel's, read up to its end */
	pid_t printk; /* of unlimit_printk() */
	pid_t server; /* or 0 */
	int held; /* the file, open for as long as the test runs, or -1 */
	char digest[CONTENTS][DIGEST_SIZE];
};

int set_up(struct setting *setting);
void tear_down(struct setting *setting);

/* Mount and serve it.  Returns 0. */
int start_server(struct setting *setting, const char *option);

/* The server ends, and is not seen any more at DIR. */
void stop_server(struct setting *setting);

/* The same in a user namespace whose root is @uid, with a rule "@action func=FILE_CHECK". */
int start_userns(struct setting *setting, const char *action, uid_t uid, const char *option);

#define IMAGE_SIZE 4096 /* bytes */

/*
 * The first two contents become gzip files of what they begin with, whose digests go to
 * @image.  Returns 0.
 */
int compress_contents(struct setting *setting, char image[2][DIGEST_SIZE]);

/* Open it for as long as the test runs, so that its inode stays: the first evaluation. */
int hold_file(struct setting *setting);

#endif
