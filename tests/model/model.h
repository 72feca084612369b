/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random sequences of steps on a superblock, by several tasks, and what is known of them
 * afterwards: what users got, and what IMA's list had by then.
 *
 * All functions that return an int return 0 or -1 with errno, if they do not say otherwise.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "../selftests/ima/ima.h"
#include "random.h"

#define USE "/mnt/use" /* below it are all mounts that files are used through */
#define MAIN USE "/main"
#define LIST_NAME 256 /* bytes of a path in the list, and the NUL */

#define STEPS 50 /* of a sequence */
#define TASKS 3
#define NAMES 4
#define MOST_GOT 32768 /* bytes that are kept of an access */
#define MOST_ACCESSES (6 * STEPS)
#define MOST_ENTRIES (8 * STEPS)
#define MOST_RECORDS (8 * STEPS)
#define MARKER_OWNER 19999 /* of files by which the end of what was audited is found */

enum kind { FUSE_ROOT, FUSE_USERNS, TMPFS, EXT4, OVERLAY, LOWER, KINDS };
enum hook { BY_OPEN, BY_EXEC, BY_MMAP, HOOKS };

enum operation {
	READ, READ_KEPT, EXECUTE, MAP, PROTECT, CLOSE, MAP_TO_WRITE, WRITE_MAP, WRITE, TRUNCATE,
	LABEL, RENAME, LINK, BELOW, REMOUNT, BIND_MOUNT, SECOND_MOUNT, OVER_MOUNT, DROP_CACHES,
	POLICY, TOGETHER, RACE, MAP_KEPT, OPERATIONS
};

struct step {
	enum operation operation;
	int task;
	int name, other; /* of files */
	int where; /* of the mounts that there are */
	unsigned int number; /* what is left to chance */
};

/* What a step's user got. */
struct access {
	int step;
	bool demanded; /* the list must have it by the end of the step */
	bool hooked; /* IMA was asked then, and there must be a record of it */
	bool alone; /* and the step gives the list nothing else */
	size_t at, len; /* bytes of the arena */
	char digest[DIGEST_SIZE];
};

struct entry {
	int step; /* after which it was found */
	bool violation;
	char digest[DIGEST_SIZE];
	char path[LIST_NAME];
};

/* In memory that all processes of a sequence share. */
struct run {
	unsigned long long seed;
	unsigned int salt; /* makes the contents of each run its own */
	uid_t owner; /* of its files, whom its rules go by */
	enum kind kind;
	const char *option; /* "name" or "name=value", or NULL */
	char fuse_options[64];
	bool bound;
	bool compared; /* its list is, with that of another kernel */
	int steps;
	struct step step[STEPS];

	unsigned int rules; /* a bit for each hook that has one */
	unsigned int mounts; /* and for each of the ways to the files */
	atomic_int writers; /* what is held that may write */
	atomic_int readers;
	atomic_int accesses;
	struct access access[MOST_ACCESSES];
	int entries;
	struct entry entry[MOST_ENTRIES];
	int records;
	char record[MOST_RECORDS][DIGEST_SIZE]; /* the digests that were audited */
	int done[OPERATIONS]; /* steps that were not refused */
	char broken[256]; /* what was seen at once to be wrong, or "" */
	atomic_size_t used;
	char arena[MOST_ACCESSES * MOST_GOT];
};

extern struct run *run;

/* stage.c: the superblock that a sequence is about, and the ways past the kernel */

/* What can be asked of a process outside of the user namespace. */
enum errand { EMPTY_CACHES, ADD_RULES, READ_RECORDS };

/* Mount it at MAIN with its files. */
int set_stage(void);
void clear_stage(void);

/* Have @errand run; @hook is that of the rules, and the records are those of the sequence. */
int send_out(enum errand errand, enum hook hook);

/* The path of file @name, in @path, through one of the mounts that there are. */
void name_file(char path[LIST_NAME], int where, int name);

/* Whether a path in the list, or behind a quote in the log, is that of a file. */
bool is_of_files(const char *path);

/*
 * Whether the option is to be in force there: not on a file that has been copied up to a layer
 * without it, nor where an overlay that has it is a layer of another.
 */
bool is_flagged(int where, int name);

/* Fill @data with the content that step @number makes, which is a program if it can be. */
void make_content(char *data, size_t size, int number);

/* Change a file where the kernel does not see it.  EOPNOTSUPP where there is no way to do that. */
int write_below(int name, int number, unsigned int any);

/* Whether a file that is opened now has that content, or nobody can tell. */
bool is_present(int where, int name, const char *data, size_t len);

/* Mount it once more. */
int mount_bound(void);
int mount_second(void);
int mount_over(void);
int remount(unsigned int any);

/* steps.c: what a step does, by one of the tasks */

struct step draw_step(unsigned long long seed, int number);
const char *operation_name(enum operation operation);

/* Have the tasks, processes that do what they are told. */
int start_tasks(void);
void end_tasks(void);

/* Returns 0, or -1 if the step could not be made, which is nothing special. */
int make_step(int number);

#endif
