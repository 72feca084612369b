/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tasks that are in the middle of an access at the same time, on a file so large that this
 * can be arranged. All functions that return an int return 0 or -1 with errno, if they do
 * not say otherwise.
 */
#ifndef IMA_TEST_TASKS_H
#define IMA_TEST_TASKS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define LARGE_SIZE (64 << 20) /* bytes */
#define ROUNDS 50
#define DATA "/mnt/data"

/*
 * Make a file and markers in @dir, before any of that is audited, and map the file.
 * Returns the map, or NULL.  The file is not truncated to its size and not given away,
 * which would count as a version: on an overlay, 6.1 compares that with the one of the
 * overlay's inode, and reuses nothing.
 */
char *make_files(const char *dir, size_t size, uid_t owner);

/*
 * On DIR is an overlay with the option, of the ext4 on @device, or of a tmpfs.  What is
 * written through the map, which is returned or NULL, is below, where no version counts
 * it, and nobody keeps the overlay's file from being read as a module, or calls measuring
 * it a violation.
 */
char *start_overlay(const char *device, size_t size, uid_t uid);

/* One that opens the file once. */
struct task {
	pthread_t thread;
	atomic_int tid;
	uid_t uid; /* to become, if not 0 */
	const char *path; /* to open, if it is another */
};

int start_opening(struct task *task);

/* Whether it comes to wait for another one, before it ends. */
bool opening_waits(struct task *task);

/* Returns when it was in the kernel for so long that it must be hashing the file, or ended. */
int start_hashing(struct task *task);

/* Wait for the end. */
int has_opened(struct task *task);

#define PROGRAM_BASE 0x400000 /* the address at which a program is mapped as a whole */
#define PROGRAM_CODE 0x80 /* bytes into the program, where it begins */

/*
 * Make @data, of @size bytes, an x86-64 program with @code, of @len bytes.  What follows the
 * code stays as it is.
 */
void make_program(char *data, size_t size, const void *code, size_t len);

/* A program that runs, with nothing yet on its standard input. */
struct program {
	pid_t pid;
	int in;
};

/* Errors of execve(2) are this function's. */
int start_program(struct program *program, const char *path);

/* End its standard input.  Returns its exit status, or -1 if it ended in another way. */
int end_program(struct program *program);

/* A process that will load a file as a module, and ends before this one. */
struct loader {
	pid_t pid;
	int pipe;
};

/*
 * It loads from outside of the user namespace, since modules take the host's root; FUSE
 * serves only who is @uid.  @flags are those of finit_module(2).
 */
int start_loader(struct loader *loader, uid_t uid, int flags);
int start_loading(struct loader *loader, int fd);
bool loading_waits(struct loader *loader);

/*
 * Returns the error number, which for content that is no module is ENOEXEC: that is found
 * out after IMA was asked.
 */
int has_loaded(struct loader *loader);

#endif
