/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sequences of system calls that give strings of options to a type of filesystem, and what
 * came of them.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>

#include "../model/random.h"
#include "../selftests/ima/ima.h"

#define BIND OPTION "=bind"
#define ROOM "/mnt/fuzz" /* a tmpfs, for all that follows */
#define DIR ROOM "/mount"
#define DIR2 ROOM "/second"
#define KEEP ROOM "/keep/" /* a mount of each type with a superblock that others share */
#define LAYER ROOM "/a," OPTION /* of an overlay */
#define FUSE_FD 100 /* which descriptor it is, in each string */

#define MOST_STEPS 40
#define MOST_TYPES 64
#define MOST_BYTES 12288 /* of a string */
#define MOST_OPTIONS 8192 /* bytes that mountinfo shows of them */

/* What a superblock has of the option. */
#define HAS_NOCACHE 1
#define HAS_BIND 2

struct type {
	const char *name;
	const char *source; /* an environment variable has it, or NULL */
	const char *base[4]; /* lists of what it needs to be mounted, one of them */
	const char *words[8]; /* that it knows */
	int share; /* of the strings, instead of one */
	bool single; /* has one superblock, but nobody else has mounted it */
	bool careless; /* takes what it does not know */
	bool shared; /* a mount gets the superblock that others have mounted */
	int number; /* of those that can be mounted */
};

/* Bytes, NULs as well.  No pointer: what is not given. */
struct text {
	const char *bytes;
	size_t len;
};

enum call {
	/* mount(2); the last one at DIR2, for a moment */
	MOUNT, REMOUNT, BIND_REMOUNT, AGAIN,
	/* fsconfig(2) and what it needs */
	OPEN, PICK, FLAG, STRING, BINARY, PATH, PATH_EMPTY, FD, CREATE, CREATE_EXCL, FSMOUNT,
	RECONFIGURE,
	CALLS
};

struct step {
	enum call call;
	bool edge; /* the string ends where the memory does, without a NUL */
	struct text key, value;
};

struct sequence {
	const struct type *type;
	int steps;
	struct step step[MOST_STEPS];
};

/* After a step. */
struct seen {
	bool made; /* or there was nothing to make it on */
	int error;
	int has; /* of the option, or -1: not mounted */
	int second; /* the same of DIR2 */
	char options[MOST_OPTIONS]; /* that mountinfo shows besides */
};

/* strings.c: sequences that are made up, and their text. */
void *keep(const void *bytes, size_t len); /* until forget() */
void forget(void);
void draw_sequence(struct sequence *s, unsigned long long seed, bool fsconfig);
void print_sequence(const char *who, const struct sequence *s);
const char *parse_sequence(char *text, struct sequence *s); /* returns the type's name or NULL */

/* grammar.c: what is asked for, by what is documented. */
struct asked {
	int bits; /* HAS_* */
	bool bad; /* a value that is none */
	bool fault; /* nothing can be read */
	struct text rest; /* the other options */
};

extern bool bind_is_known;
struct asked asked_by_mount2(const struct type *type, const struct step *step);
bool is_option(const struct step *step); /* of fsconfig(2), whatever its value */
struct asked asked_by_fsconfig(const struct step *step);

/* calls.c: make them. */
extern struct type *found[MOST_TYPES]; /* types that can be mounted here */
extern int types;
int prepare_calls(void);
int find_types(void);
int kept_state(const struct type *type); /* HAS_* of a superblock that is shared, or 0 */
void make_calls(const struct sequence *s, struct seen *seen);

#endif
