/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of ima_nocache=bind share: programs that are served, and their use.
 *
 * All functions that return an int return 0 or -1 with errno, if they do not say otherwise.
 */
#ifndef IMA_TEST_BIND_H
#define IMA_TEST_BIND_H

#include "ima.h"
#include "server.h"
#include "tasks.h"

#define BIND OPTION "=bind"
#define OVERLAY "/mnt/overlay"
#define LOCAL "/mnt/local"
#define PROGRAM_SIZE (21 * 4096) /* bytes */
/* Where it has the digit that it exits with: so far off that it is not mapped before. */
#define MARK (20 * 4096)

enum hook { BY_OPEN, BY_MMAP, BY_EXEC, HOOKS };

extern const char *const hook_names[HOOKS];

/* Why nothing can be tested here, or NULL. */
const char *bind_is_missing(void);

/* All contents are programs that exit with their number, which nobody has measured. */
int new_programs(struct setting *s);

/*
 * An owner of the file whom a rule for each of @hooks, a set of bits, goes by: on FUSE, an
 * overlay, and tmpfs.
 */
int owner_of_rules(unsigned int hooks);

/*
 * What tests begin with that are not about one hook: set_up(), programs of an owner with
 * rules for all hooks, and directories to mount on.
 */
int set_up_bound(struct setting *s);

/* A file in use. */
struct use {
	enum hook hook;
	int fd;
	char *map;
	struct program program;
};

/* Open, map or execute the file, and wait. */
int begin_use(struct use *use, enum hook hook, const char *path);

/* The digit that the user of the file finds, or -1 if there is none. */
int end_use(struct use *use);

/* The byte at MARK of a file that is open. */
int by_pread(int fd);

/* One byte of memory, or -1 with errno where there is none: without a signal. */
int byte_at(const char *memory);

/* Returns 0 or the error number. */
int map_to_execute(int fd);

/* Map the file to be read.  Returns the map. */
char *map_to_read(const char *path);

/* Have the map of a file executable.  Returns 0 or the error number. */
int make_executable(char *map);

/* The server has said and done all that it can to serve the second content. */
void switch_content(void);

/* Have the kernel forget what it can read again. */
void empty_caches(void);

#endif
