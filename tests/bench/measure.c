// SPDX-License-Identifier: GPL-2.0-only
/*
 * What accesses cost, in executed instructions: in a guest of QEMU with
 * "-icount shift=0" the time stamp counter counts those.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <linux/if_alg.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "probes.h"

#define TASKS_MAX 64

static const char *path;
static char **command; /* for those operations that run one */
static char *data;     /* the content of the file, as it is in the page cache */
static size_t size;
static int fd, null_fd, hash_fd;
static char digest[64];

static int open_path(void)
{
	int opened = open(path, O_RDONLY | O_CLOEXEC);

	if (opened < 0)
		err(1, "%s", path);
	return opened;
}

static void prepare_none(void)
{
}

static void prepare_fd(void)
{
	fd = open_path();
}

static void prepare_buffer(void)
{
	struct stat st;

	if (stat(path, &st))
		err(1, "%s", path);
	size = st.st_size;
	data = malloc(size + 1);
	if (!data)
		err(1, "no memory");
	memset(data, 0, size + 1);
}

static void op_open(void)
{
	close(open_path());
}

/* With one call, so that least is added to what the filesystem takes for it. */
static void op_read(void)
{
	int opened = open_path();
	ssize_t got = read(opened, data, size + 1);

	if (got != (ssize_t)size)
		err(1, "read of %s: %zd of %zu bytes", path, got, size);
	close(opened);
}

static void op_mmap(void)
{
	char *map = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		err(1, "mmap of %s", path);
	munmap(map, 1);
}

static void wait_for(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid || status)
		errx(1, "%s: wait status %#x", path, status);
}

static void run(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	int error;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, null_fd, STDOUT_FILENO);
	error = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
	if (error)
		errx(1, "%s: %s", argv[0], strerror(error));
	posix_spawn_file_actions_destroy(&actions);
	wait_for(pid);
}

/*
 * Of what no loader takes, so that the process stays as it is: all that is
 * asked before a program starts, and nothing of starting it.
 */
static void op_execve(void)
{
	execve(path, (char *const[]){ (char *)path, NULL }, environ);
	if (errno != ENOEXEC)
		err(1, "%s", path);
}

static void op_program(void)
{
	run((char *const[]){ (char *)path, NULL });
}

/* A program whose interpreter and libraries are beside it. */
static void op_linked(void)
{
	const char *name = strrchr(path, '/');
	char root[64];
	pid_t pid;

	snprintf(root, sizeof(root), "%.*s", (int)(name - path), path);
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (!pid) {
		if (dup2(null_fd, STDOUT_FILENO) >= 0 && !chroot(root))
			execl(name, name, NULL);
		_exit(127);
	}
	wait_for(pid);
}

static void op_mount(void)
{
	run(command);
}

static void unmount(void)
{
	if (umount2(path, MNT_DETACH))
		err(1, "unmounting %s", path);
}

/* The kernel hashes the pages of the page cache, which are not even copied. */
static void prepare_hash(void)
{
	struct sockaddr_alg address = { .salg_family = AF_ALG,
					.salg_type = "hash" };
	int file = open_path(), algorithm;
	struct stat st;

	snprintf((char *)address.salg_name, sizeof(address.salg_name), "%s",
		 command[0] ?: "sha256");
	algorithm = socket(AF_ALG, SOCK_SEQPACKET, 0);
	if (algorithm < 0 || bind(algorithm, (void *)&address, sizeof(address)))
		err(1, "AF_ALG %s", address.salg_name);
	hash_fd = accept(algorithm, NULL, 0);
	if (hash_fd < 0 || fstat(file, &st))
		err(1, "AF_ALG");
	size = st.st_size;
	data = mmap(NULL, size + 1, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file,
		    0);
	if (data == MAP_FAILED)
		err(1, "mmap of %s", path);
	close(file);
}

static void op_hash(void)
{
	if (send(hash_fd, data, size, 0) != (ssize_t)size ||
	    read(hash_fd, digest, sizeof(digest)) <= 0)
		err(1, "AF_ALG");
}

static const struct operation {
	const char *name;
	void (*prepare)(void);
	void (*run)(void);
	void (*undo)(void); /* not counted */
} operations[] = {
	{ "open", prepare_none, op_open, prepare_none },
	{ "read", prepare_buffer, op_read, prepare_none },
	{ "mmap", prepare_fd, op_mmap, prepare_none },
	{ "execve", prepare_none, op_execve, prepare_none },
	{ "program", prepare_none, op_program, prepare_none },
	{ "linked", prepare_none, op_linked, prepare_none },
	{ "hash", prepare_hash, op_hash, prepare_none },
	{ "mount", prepare_none, op_mount, unmount },
};

static const struct operation *find_operation(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	errx(1, "%s: no such operation", name);
}

/*
 * The least of many: an interrupt, or an allocator that has to fetch new pages,
 * only adds to what an operation costs.
 */
static uint64_t ticks(const struct operation *op, int count)
{
	uint64_t start, took, least = UINT64_MAX;

	if (count < 1)
		errx(1, "bad count");
	op->prepare();
	for (int i = 0; i < count; i++) {
		start = __rdtsc();
		op->run();
		took = __rdtsc() - start;
		op->undo();
		if (took < least)
			least = took;
	}
	return least;
}

/* Tasks that open one file at once, and how long until the last one is through.
 */
static uint64_t tasks(int count)
{
	pid_t pids[TASKS_MAX];
	int gate[2], status;
	uint64_t start;
	char byte;

	if (count < 1 || count > TASKS_MAX || pipe(gate))
		errx(1, "bad count");
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] < 0)
			err(1, "fork");
		if (!pids[i]) {
			close(gate[1]);
			if (read(gate[0], &byte, 1) != 0)
				_exit(1);
			op_open();
			_exit(0);
		}
	}
	start = __rdtsc();
	close(gate[1]);
	for (int i = 0; i < count; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			errx(1, "a task failed: %#x", status);
	return __rdtsc() - start;
}

#define IMA "/sys/kernel/security/ima/"
#define LONGEST 255 /* bytes of a name */

/* The first number in a file that the format finds. */
static long number_in(const char *file, const char *format)
{
	char line[256];
	long n = -1;
	FILE *f = fopen(file, "re");

	while (f && fgets(line, sizeof(line), f) &&
	       sscanf(line, format, &n) != 1)
		;
	if (f)
		fclose(f);
	if (n < 0)
		errx(1, "%s: no number", file);
	return n;
}

static long list_size(void)
{
	int list =
		open(IMA "binary_runtime_measurements", O_RDONLY | O_CLOEXEC);
	static char part[1 << 16];
	ssize_t got;
	long all = 0;

	while ((got = read(list, part, sizeof(part))) > 0)
		all += got;
	close(list);
	return all;
}

/* In bytes.  The counters of CPUs are added up first, and what can be dropped
 * is. */
static long slab_memory(void)
{
	int drop = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
	int refresh = open("/proc/sys/vm/stat_refresh", O_RDONLY | O_CLOEXEC);
	char none;

	if (write(drop, "3", 1) != 1 || read(refresh, &none, 1) < 0)
		err(1, "memory");
	close(drop);
	close(refresh);
	return number_in("/proc/meminfo", "Slab: %ld") * 1024;
}

/* Be in so many directories with long names, one in the other. */
static void descend(int depth)
{
	char name[LONGEST + 1] = { 0 };

	memset(name, 'd', LONGEST);
	while (depth--)
		if (mkdir(name, 0755) || chdir(name))
			err(1, "making a directory");
}

/* Have the list not know what the next access finds, by that or by its name. */
static void make_new(const char *what, int n)
{
	static char name[LONGEST + 1];
	int file;

	if (!strcmp(what, "content")) {
		/* for who reads what another one writes, there is a violation
		 */
		file = open(path, O_WRONLY | O_CLOEXEC);
		if (pwrite(file, &n, sizeof(n), 0) != sizeof(n))
			err(1, "writing %s", path);
		close(file);
	} else if (strstr(what, "name")) {
		char next[LONGEST + 1];

		snprintf(next, sizeof(next), "%0*d", LONGEST, n);
		if (rename(path, next))
			err(1, "renaming %s", path);
		path = strcpy(name, next);
	}
}

/*
 * What @count accesses make the list grow by: entries, and bytes of the list
 * and of the kernel's memory. "same" finds what was there before, "content" and
 * the names something new each time, and "violation" cannot be hashed.
 */
static void list(const char *what, int count)
{
	int flags = O_RDONLY | O_CLOEXEC |
		    (strcmp(what, "violation") ? 0 : O_DIRECT),
	    opened;
	long entries, bytes, slab;
	uint64_t all = 0, start;

	if (!strcmp(what, "longest name"))
		descend(14);
	op_open();
	slab = slab_memory();
	bytes = list_size();
	entries = number_in(IMA "runtime_measurements_count", "%ld");
	for (int i = 0; i < count; i++) {
		make_new(what, i);
		start = __rdtsc();
		opened = open(path, flags);
		all += __rdtsc() - start;
		if (opened < 0)
			err(1, "%s", path);
		close(opened);
	}
	entries = number_in(IMA "runtime_measurements_count", "%ld") - entries;
	bytes = list_size() - bytes;
	printf("%d,%ld,%ld,%ld,%ju\n", count, entries, bytes,
	       slab_memory() - slab, (uintmax_t)(all / count));
}

static void enable_verity(void)
{
	struct fsverity_enable_arg arg = { .version = 1,
					   .hash_algorithm =
						   FS_VERITY_HASH_ALG_SHA256,
					   .block_size = 4096 };

	if (ioctl(open_path(), FS_IOC_ENABLE_VERITY, &arg))
		err(1, "verity for %s", path);
}

int main(int argc, char **argv)
{
	struct probed probed;
	uint64_t all;

	if (argc < 4)
		errx(1,
		     "usage: measure ticks|evaluations OPERATION PATH [COUNT [WORD...]]\n"
		     "       measure tasks COUNT PATH\n"
		     "       measure list WHAT PATH COUNT\n"
		     "       measure verity enable PATH");
	path = argv[3];
	command = argv + (argc > 5 ? 5 : argc);
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!strcmp(argv[1], "ticks")) {
		const struct operation *op = find_operation(argv[2]);

		printf("%ju\n",
		       (uintmax_t)ticks(op, argc > 4 ? atoi(argv[4]) : 1));
	} else if (!strcmp(argv[1], "evaluations")) {
		const struct operation *op = find_operation(argv[2]);

		op->prepare();
		/* what is cached without the option is cached now */
		op->run();
		probes_start();
		op->run();
		probed = probes_stop();
		printf("%d,%d,%d\n", probed.calls, probed.matches,
		       probed.hashes);
	} else if (!strcmp(argv[1], "tasks")) {
		probes_start();
		all = tasks(atoi(argv[2]));
		probed = probes_stop();
		printf("%d,%ju\n", probed.hashes, (uintmax_t)all);
	} else if (!strcmp(argv[1], "list") && argc > 4) {
		list(argv[2], atoi(argv[4]));
	} else if (!strcmp(argv[1], "verity")) {
		enable_verity();
	} else {
		errx(1, "%s: no such measurement", argv[1]);
	}
	return 0;
}
