// SPDX-License-Identifier: GPL-2.0
/*
 * ima_nocache=bind: the copies that open files give. They are shared, limited and charged, and
 * a file that cannot be copied is not opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "bind.h"

FIXTURE(bind_copy) {
	struct setting s;
};

FIXTURE_SETUP(bind_copy)
{
	const char *missing = bind_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_bound(&self->s));
}

FIXTURE_TEARDOWN(bind_copy)
{
	tear_down(&self->s);
}

static void large_contents(size_t size)
{
	for (int i = 0; i < CONTENTS; i++) {
		served->content[i].size = size;
		served->content[i].told = size;
	}
}

/* In kB. */
static long shared_memory(void)
{
	int refresh = open("/proc/sys/vm/stat_refresh", O_RDONLY);
	FILE *file;
	char line[128];
	long kb = -1;

	/* what each CPU has counted is added up, and then is exact */
	if (read(refresh, line, 1) < 0)
		return -1;
	close(refresh);
	file = fopen("/proc/meminfo", "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Shmem: %ld", &kb) == 1)
			break;
	fclose(file);
	return kb;
}

/* The last user of a copy may be one that the kernel ends later on. */
static long shared_memory_goes_down_to(long kb)
{
	long now;

	do
		now = shared_memory();
	while (now > kb && !poll(NULL, 0, 10));
	return now;
}

#define USERS 20
#define LARGE 0x100000 /* bytes */

TEST_F(bind_copy, users_of_one_content_share_one_copy_that_goes_with_the_last)
{
	long before, with;
	struct use use[USERS];

	large_contents(LARGE);
	ASSERT_EQ(0, start_server(&self->s, BIND));
	before = shared_memory();
	for (int i = 0; i < USERS; i++)
		ASSERT_EQ(0, begin_use(&use[i], i % HOOKS, DIR "/file"));
	with = shared_memory();
	EXPECT_LE(LARGE / 1024, with - before);
	EXPECT_GT(2 * LARGE / 1024, with - before);
	for (int i = 0; i < USERS; i++)
		EXPECT_EQ(0, end_use(&use[i]));
	/* that it is not there any more ends this, or the test's time */
	EXPECT_LE(shared_memory_goes_down_to(before + 64), before + 64);
}

/* Execute the file, with three rules for it. */
static void execute(struct __test_metadata *const _metadata, struct setting *s, const char *option)
{
	struct use use;

	served->direct_io = true;
	ASSERT_EQ(0, start_server(s, option));
	ASSERT_EQ(0, begin_use(&use, BY_EXEC, DIR "/file"));
	EXPECT_EQ(0, end_use(&use));
}

TEST_F(bind_copy, server_is_asked_once_for_what_is_executed)
{
	execute(_metadata, &self->s, BIND);
	EXPECT_EQ(PROGRAM_SIZE, served->served_bytes);
}

TEST_F(bind_copy, plain_server_is_asked_often_for_what_is_executed)
{
	execute(_metadata, &self->s, OPTION);
	EXPECT_LT(2 * PROGRAM_SIZE, served->served_bytes);
}

static void expect_too_large(struct __test_metadata *const _metadata, struct setting *s)
{
	const char *const words[] = { "op=collect_data", "cause=bind", "res=0", NULL };
	struct use use;

	/* the marker is to be audited */
	ASSERT_EQ(0, add_rule("audit", "fuse", served->owner));
	ASSERT_EQ(0, start_server(s, BIND));

	for (int hook = 0; hook < HOOKS; hook++) {
		EXPECT_EQ(-1, begin_use(&use, (enum hook)hook, DIR "/file"));
		EXPECT_EQ(EFBIG, errno);
	}
	large_contents(0); /* of the last file to be audited, which is another */
	EXPECT_EQ(HOOKS, audit_messages(s->log, DIR, words));
}

/* At the first read, and at the last one. */
TEST_F(bind_copy, file_that_cannot_be_read_is_not_opened)
{
	static const int errors[] = { EIO, ENOENT, EACCES, EBADF, ENODATA };
	struct use use;

	served->direct_io = true;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	for (size_t i = 0; i < 2 * HOOKS * ARRAY_SIZE(errors); i++) {
		served->failing = 1 + i % 2;
		served->error = errors[i / 2 / HOOKS];
		EXPECT_EQ(-1, begin_use(&use, i / 2 % HOOKS, DIR "/file"));
		EXPECT_EQ(served->error, errno);
	}
	served->failing = 0;
	ASSERT_EQ(0, begin_use(&use, BY_EXEC, DIR "/file"));
	EXPECT_EQ(0, end_use(&use));
}

/* Even if the kernel may believe the old size for long. */
TEST_F(bind_copy, size_that_is_kept_is_asked_for)
{
	int fd, held;

	served->timeout = 86400;
	served->content[0].size = 300;
	served->content[0].told = 300;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	held = open_file();
	ASSERT_LE(0, held);
	EXPECT_EQ(300, lseek(held, 0, SEEK_END));
	served->which = 1;
	fd = open_file();
	ASSERT_LE(0, fd);
	EXPECT_EQ('1', by_pread(fd));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
}

TEST_F(bind_copy, file_that_is_too_large_is_not_read)
{
	large_contents(1UL << 40);
	expect_too_large(_metadata, &self->s);
	EXPECT_EQ(0, served->served_bytes);
}

TEST_F_TIMEOUT(bind_copy, file_without_an_end_is_not_opened, 600)
{
	long before = shared_memory();

	large_contents(1UL << 40);
	for (int i = 0; i < CONTENTS; i++)
		served->content[i].told = 0;
	served->direct_io = true;
	expect_too_large(_metadata, &self->s);
	EXPECT_LE(shared_memory_goes_down_to(before + 64), before + 64);
}

/* Each of them waits for a server that does not answer, or for who does. */
TEST_F(bind_copy, who_waits_for_the_server_can_be_killed)
{
	pid_t pid[3];
	int status;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	self->s.held = open(DIR "/file", O_PATH | O_CLOEXEC);
	/* it takes no request from here on */
	ASSERT_EQ(0, kill(self->s.server, SIGSTOP));
	ASSERT_EQ(self->s.server, waitpid(self->s.server, &status, WUNTRACED));
	ASSERT_TRUE(WIFSTOPPED(status));
	for (size_t i = 0; i < ARRAY_SIZE(pid); i++) {
		pid[i] = fork();
		if (!pid[i]) {
			open_file();
			_exit(0);
		}
	}
	for (int i = ARRAY_SIZE(pid) - 1; i >= 0; i--) {
		EXPECT_EQ(0, waitpid(pid[i], &status, WNOHANG));
		EXPECT_EQ(0, kill(pid[i], SIGKILL));
		EXPECT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	EXPECT_EQ(0, kill(self->s.server, SIGCONT));
}

TEST_F(bind_copy, reader_with_no_room_for_files_can_open)
{
	const struct rlimit none = { 0, 0 };

	ASSERT_EQ(0, start_server(&self->s, BIND));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &none));
	EXPECT_EQ(0, access_file());
}

/* Be in a control group that may have so much memory, in bytes. */
#define GROUP "/mnt/cgroup"

static int enter_group(long most)
{
	char text[32];

	if (mkdir(GROUP, 0755) || mount("none", GROUP, "cgroup2", 0, NULL) ||
	    write_file(GROUP "/cgroup.subtree_control", "+memory") ||
	    mkdir(GROUP "/test", 0755))
		return -1;
	snprintf(text, sizeof(text), "%ld", most);
	if (write_file(GROUP "/test/memory.max", text))
		return -1;
	snprintf(text, sizeof(text), "%d", getpid());
	return write_file(GROUP "/test/cgroup.procs", text);
}

static void leave_group(void)
{
	char text[32];

	snprintf(text, sizeof(text), "%d", getpid());
	write_file(GROUP "/cgroup.procs", text);
	rmdir(GROUP "/test");
	umount2(GROUP, MNT_DETACH);
}

TEST_F_TIMEOUT(bind_copy, who_may_not_have_the_memory_does_not_open_the_file, 300)
{
	long before;

	large_contents(64 << 20);
	/* as the page cache has pages of its own, for want of which somebody is killed */
	served->direct_io = true;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	before = shared_memory();
	ASSERT_EQ(0, enter_group(32 << 20));
	EXPECT_EQ(-1, access_file());
	EXPECT_EQ(ENOMEM, errno);
	leave_group();
	EXPECT_LE(shared_memory_goes_down_to(before + 64), before + 64);
	/* it was a matter of memory alone */
	EXPECT_EQ(0, access_file());
}

/* A file of so many bytes to swap to. */
static int make_swap(const char *path, long size)
{
	static char zeros[4096], head[4096];
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	unsigned int *info = (unsigned int *)(head + 1024);

	info[0] = 1; /* version */
	info[1] = size / 4096 - 1; /* last page */
	memcpy(head + 4096 - 10, "SWAPSPACE2", 10);
	if (fd < 0 || write(fd, head, sizeof(head)) != sizeof(head))
		return -1;
	for (long i = 1; i < size / 4096; i++)
		if (write(fd, zeros, sizeof(zeros)) != sizeof(zeros))
			return -1;
	if (fsync(fd))
		return -1;
	close(fd);
	return syscall(__NR_swapon, path, 0);
}

/* In kB. */
static long swapped(void)
{
	FILE *file = fopen(GROUP "/test/memory.swap.current", "r");
	long bytes = -1;

	if (file && fscanf(file, "%ld", &bytes) != 1)
		bytes = -1;
	if (file)
		fclose(file);
	return bytes / 1024;
}

TEST_F(bind_copy, copy_that_was_swapped_out_is_the_same)
{
	const char *device = getenv("IMA_TEST_EXT4");
	char *map, seen = 0;
	int fd;

	if (!device)
		SKIP(return, "IMA_TEST_EXT4 names no device");
	ASSERT_EQ(0, mount(device, LOCAL, "ext4", 0, NULL));
	ASSERT_EQ(0, make_swap(LOCAL "/swap", 3 << 20)) {
		TH_LOG("%s", strerror(errno));
	}
	large_contents(2 << 20);
	ASSERT_EQ(0, start_server(&self->s, BIND));
	ASSERT_EQ(0, enter_group(12 << 20));
	fd = open_file();
	ASSERT_LE(0, fd);
	switch_content();
	map = mmap(NULL, 2 << 20, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	/* Were the group to run out of memory instead, this process could be killed. */
	for (int tries = 0; tries < 100 && swapped() <= 1024; tries++) {
		for (int i = 0; i < 2 << 20; i += 4096)
			seen |= map[i];
		ASSERT_EQ(0, madvise(map, 2 << 20, MADV_PAGEOUT));
	}
	EXPECT_NE(0, seen);
	EXPECT_LT(1024, swapped());
	EXPECT_EQ('0', map[MARK]);
	EXPECT_EQ('0', by_pread(fd));
	EXPECT_EQ(0, memcmp(map, served->content[0].data, MAX_SIZE));
	for (int i = MAX_SIZE; i < 2 << 20; i += 4096)
		EXPECT_EQ(0, map[i]);
	munmap(map, 2 << 20);
	close(fd);
	leave_group();
	EXPECT_EQ(0, syscall(__NR_swapoff, LOCAL "/swap"));
	unlink(LOCAL "/swap");
	umount2(LOCAL, 0);
}

/*
 * What is written through a map changes a file without a new version.  While a large file
 * is hashed, two tasks have copied what it became, and wait for that: the last one must not
 * take the digest of the one before, which is that of another copy, though from after it
 * came.  Until they meet so it is tried again.
 */
TEST_F_TIMEOUT(bind_copy, tasks_that_meet_share_no_digest_of_different_copies, 300)
{
	const char *device = getenv("IMA_TEST_EXT4");
	int content[2] = { getpid() }, lists[2];
	char digest[2][DIGEST_SIZE], *map;
	bool met = false;

	if (!device)
		SKIP(return, "IMA_TEST_EXT4 names no device");
	ASSERT_EQ(0, mount(device, DIR, "ext4", 0, BIND));
	ASSERT_EQ(0, add_rule("measure", "ext4", 4320));
	map = make_files(DIR, LARGE_SIZE, 4320);
	ASSERT_NE(NULL, map);
	while (!met) {
		struct task large = {}, small[2] = {};
		long before = shared_memory();

		ASSERT_EQ(0, truncate(DIR "/file", LARGE_SIZE));
		ASSERT_EQ(0, start_opening(&large));
		/* until all of it is copied, and it is hashed */
		while (shared_memory() < before + LARGE_SIZE / 1024)
			sched_yield();
		ASSERT_EQ(0, truncate(DIR "/file", PROGRAM_SIZE));
		for (int i = 0; i < 2; i++) {
			content[1]++;
			memcpy(map, content, sizeof(content));
			ASSERT_EQ(0, sha256(map, PROGRAM_SIZE, digest[i]));
			lists[i] = open_list();
			ASSERT_EQ(0, start_opening(&small[i]));
			met = opening_waits(&small[i]);
		}
		met = met && opening_waits(&small[0]);
		EXPECT_EQ(0, has_opened(&large));
		for (int i = 0; i < 2; i++) {
			EXPECT_EQ(0, has_opened(&small[i]));
			EXPECT_EQ(1, measured(lists[i], digest[i]));
			close(lists[i]);
		}
	}
	munmap(map, LARGE_SIZE);
	unlink(DIR "/file");
	umount2(DIR, 0);
}

/*
 * A debug kernel can have allocations fail that can wait, too, and is to be silent then: those
 * of @pages, or those of slabs.  Whether a slab needs a page just then differs from one use to
 * the next, and would move all that follow.
 */
static int have_allocations_fail(bool pages)
{
	const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		/* no slab is marked, and no order of pages is so large */
		{ "failslab/cache-filter", pages ? "Y" : "N" },
		{ "fail_page_alloc/min-order", pages ? "0" : "99" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/verbose", "0" },
	};
	char path[128];

	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), "/sys/kernel/debug/%s", settings[i][0]);
		if (write_file(path, settings[i][1]))
			return -1;
	}
	return 0;
}

#define FAILED 9 /* exit status of who cannot use the file */

/* A task of its own that uses the file when its @n-th allocation fails. */
static void use_without_memory(enum hook hook, int n, int in, int begun)
{
	int nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC), ret;
	char *const argv[] = { (char *)"file", NULL };
	char number[16];
	struct use use;

	dup2(in, 0);
	snprintf(number, sizeof(number), "%d", n);
	if (write(nth, number, strlen(number)) < 0)
		_exit(FAILED);
	ret = hook == BY_EXEC ? execve(DIR "/file", argv, environ) :
				begin_use(&use, hook, DIR "/file");
	/* what is left of the number tells whether it came to that */
	if (pread(nth, number, 1, 0) != 1 || pwrite(nth, "0", 1, 0) != 1 ||
	    write(begun, number, 1) != 1 || ret)
		_exit(FAILED);
	close(begun);
	if (read(in, number, 1) < 0)
		_exit(FAILED);
	_exit(end_use(&use));
}

/*
 * Another content is served once the file is in use.  Returns the exit status, and in @failed
 * whether an allocation has failed.
 */
static int status_without_memory(enum hook hook, int n, bool *failed)
{
	int in[2], begun[2], nth, status;
	char path[64], left = 0;
	pid_t pid;

	served->which = 0;
	if (pipe2(in, O_CLOEXEC) || pipe2(begun, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		close(in[1]);
		use_without_memory(hook, n, in[0], begun[1]);
	}
	close(in[0]);
	close(begun[1]);
	/* there is nothing to read of a program that runs */
	if (read(begun[0], &left, 1) != 1) {
		snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
		nth = open(path, O_RDONLY | O_CLOEXEC);
		if (read(nth, &left, 1) < 0)
			left = '0';
		close(nth);
	}
	*failed = left == '0';
	switch_content();
	close(in[1]);
	close(begun[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* One after the other, until the file was used and none had to fail. */
TEST_F_TIMEOUT(bind_copy, file_is_bound_or_not_opened_whatever_allocation_fails, 1200)
{
	bool failed, pages, listed = false;
	int refused, status, n;
	struct news news;
	enum hook hook;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	for (int walk = 0; walk < 2 * HOOKS; walk++) {
		hook = walk % HOOKS;
		pages = walk / HOOKS;
		if (have_allocations_fail(pages))
			SKIP(return, "the kernel has no allocation fail");
		failed = true;
		refused = 0;
		for (n = 1; failed; n++) {
			status = status_without_memory(hook, n, &failed);
			EXPECT_NE(1, status) {
				TH_LOG("%s: allocation %d%s", hook_names[hook], n,
				       pages ? " of pages" : "");
			}
			refused += status == FAILED;
			news = news_of(self->s.list, DIR "/file", self->s.digest[0]);
			listed = listed || news.digest;
			/* the list may have no memory for the digest, and has a violation then */
			EXPECT_TRUE(status == FAILED || listed || news.violations) {
				TH_LOG("%s: allocation %d: not listed", hook_names[hook], n);
			}
		}
		EXPECT_EQ(0, status);
		EXPECT_LT(10, refused);
	}
}

TEST_HARNESS_MAIN
