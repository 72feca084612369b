// SPDX-License-Identifier: GPL-2.0
#include "bind.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#define NONCE (2 * 4096) /* where a program has what no other file has */

const char *const hook_names[HOOKS] = { "FILE_CHECK", "MMAP_CHECK", "BPRM_CHECK" };

const char *bind_is_missing(void)
{
	const char *missing = ima_is_missing();
	int fs;

#ifndef __x86_64__
	return "the program is one for x86-64";
#endif
	if (missing)
		return missing;
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "bind", 0))
		missing = "the kernel has no " BIND;
	close(fs);
	return missing;
}

/* A program that waits until its standard input ends, and exits with the digit at MARK. */
static void make_content(char *data, int digit)
{
	static const char code[] = {
		0x31, 0xff, 0x48, 0x89, 0xe6, 0xba, 1, 0, 0, 0, 0x31, 0xc0, 0x0f, 0x05, /* read */
		0x0f, 0xb6, 0x3c, 0x25, 0x00, 0x40, 0x41, 0x00, /* what is at MARK */
		0x83, 0xef, '0', 0xb8, 60, 0, 0, 0, 0x0f, 0x05, /* exit */
	};
	static int nonce;

	memset(data, '#', PROGRAM_SIZE);
	make_program(data, PROGRAM_SIZE, code, sizeof(code));
	snprintf(data + NONCE, 64, "%d of test %d", nonce++, getpid());
	data[MARK] = '0' + digit;
}

int new_programs(struct setting *s)
{
	for (int i = 0; i < CONTENTS; i++) {
		make_content(served->content[i].data, i);
		served->content[i].size = PROGRAM_SIZE;
		served->content[i].told = PROGRAM_SIZE;
		if (sha256(served->content[i].data, PROGRAM_SIZE, s->digest[i]))
			return -1;
	}
	served->which = 0;
	return 0;
}

int owner_of_rules(unsigned int hooks)
{
	static const char *const types[] = { "fuse", "overlay", "tmpfs" };
	uid_t owner = 4000 + hooks;
	char rule[128];

	for (int hook = 0; hook < HOOKS; hook++)
		for (size_t i = 0; i < ARRAY_SIZE(types) && hooks & 1 << hook; i++) {
			snprintf(rule, sizeof(rule), "measure func=%s fsname=%s fowner=%u",
				 hook_names[hook], types[i], owner);
			if (add_rule_once(rule))
				return -1;
		}
	return owner;
}

int set_up_bound(struct setting *s)
{
	int owner;

	if (set_up(s) || mkdir(OVERLAY, 0777) || mkdir(LOCAL, 0777) || new_programs(s))
		return -1;
	owner = owner_of_rules(1 << BY_OPEN | 1 << BY_MMAP | 1 << BY_EXEC);
	if (owner < 0)
		return -1;
	served->timeout = 0;
	served->owner = owner;
	return 0;
}

int begin_use(struct use *use, enum hook hook, const char *path)
{
	*use = (struct use){ .hook = hook };
	if (hook == BY_EXEC)
		return start_program(&use->program, path);
	use->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (use->fd < 0 || hook == BY_OPEN)
		return use->fd < 0 ? -1 : 0;
	use->map = mmap(NULL, PROGRAM_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, use->fd, 0);
	if (use->map != MAP_FAILED)
		return 0;
	close(use->fd);
	return -1;
}

int byte_at(const char *memory)
{
	int pipes[2], ret = -1;
	unsigned char byte;

	if (pipe(pipes))
		return -1;
	if (write(pipes[1], memory, 1) == 1 && read(pipes[0], &byte, 1) == 1)
		ret = byte;
	close(pipes[0]);
	close(pipes[1]);
	return ret;
}

int end_use(struct use *use)
{
	int digit;
	char byte;

	switch (use->hook) {
	case BY_EXEC:
		return end_program(&use->program);
	case BY_MMAP:
		digit = byte_at(use->map + MARK);
		munmap(use->map, PROGRAM_SIZE);
		close(use->fd);
		return digit < 0 ? -1 : digit - '0';
	default:
		digit = pread(use->fd, &byte, 1, MARK) == 1 ? byte - '0' : -1;
		close(use->fd);
		return digit;
	}
}

int by_pread(int fd)
{
	char byte;

	return pread(fd, &byte, 1, MARK) == 1 ? byte : -1;
}

int map_to_execute(int fd)
{
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, PROGRAM_SIZE);
	return 0;
}

char *map_to_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);

	close(fd);
	return map;
}

int make_executable(char *map)
{
	return mprotect(map, PROGRAM_SIZE, PROT_READ | PROT_EXEC) ? errno : 0;
}

void switch_content(void)
{
	served->which = 1;
	notify(INVALIDATE);
	notify(STORE);
}

/*
 * What a CPU has read and not yet put on the lists of pages is in use, and stays in the
 * cache (mm/swap.c). A task that ends there puts it on the lists.
 */
static void end_task_on_each_cpu(void)
{
	int cpus = sysconf(_SC_NPROCESSORS_CONF);
	cpu_set_t one;
	pid_t pid;

	for (int cpu = 0; cpu < cpus; cpu++) {
		pid = fork();
		if (!pid) {
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			_exit(sched_setaffinity(0, sizeof(one), &one));
		}
		waitpid(pid, NULL, 0);
	}
}

void empty_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	end_task_on_each_cpu();
	if (write(fd, "1", 1) < 0)
		perror("cannot drop caches");
	close(fd);
}
