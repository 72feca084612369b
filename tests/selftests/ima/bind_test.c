// SPDX-License-Identifier: GPL-2.0
/*
 * ima_nocache=bind: what is used of a file is what IMA has measured, whatever its server, or
 * who else can change it, does after that.
 *
 * Each attack is tried on a file that is open, mapped and executed, with the option on FUSE
 * mounted by root and in a user namespace, and below an overlay. As a control it is tried
 * with plain ima_nocache, where it must succeed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/elf.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"
#include "tasks.h"

#define BIND OPTION "=bind"
#define OVERLAY "/mnt/overlay"
#define LOCAL "/mnt/local"
#define PROGRAM_SIZE (21 * 4096) /* bytes */
/* Where it has the digit that it exits with: so far off that it is not mapped before. */
#define MARK (20 * 4096)
#define NONCE (2 * 4096) /* where it has what no other file has */
#define CODE 0x80
#define BASE 0x400000UL

enum hook { BY_OPEN, BY_MMAP, BY_EXEC, HOOKS };

static const char *const hook_names[HOOKS] = { "FILE_CHECK", "MMAP_CHECK", "BPRM_CHECK" };

static const char *bind_is_missing(void)
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
static void make_program(char *data, int digit)
{
	static const char code[] = {
		0x31, 0xff, 0x48, 0x89, 0xe6, 0xba, 1, 0, 0, 0, 0x31, 0xc0, 0x0f, 0x05, /* read */
		0x0f, 0xb6, 0x3c, 0x25, 0x00, 0x40, 0x41, 0x00, /* movzbl BASE + MARK, %edi */
		0x83, 0xef, '0', 0xb8, 60, 0, 0, 0, 0x0f, 0x05, /* exit */
	};
	static int nonce;
	struct elf64_hdr head = {
		.e_ident = ELFMAG "\2\1\1", .e_type = ET_EXEC, .e_machine = EM_X86_64,
		.e_version = EV_CURRENT, .e_entry = BASE + CODE, .e_phoff = sizeof(head),
		.e_ehsize = sizeof(head), .e_phentsize = sizeof(struct elf64_phdr), .e_phnum = 1,
	};
	struct elf64_phdr segment = {
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = BASE, .p_paddr = BASE,
		.p_filesz = PROGRAM_SIZE, .p_memsz = PROGRAM_SIZE, .p_align = 4096,
	};

	memset(data, '#', PROGRAM_SIZE);
	memcpy(data, &head, sizeof(head));
	memcpy(data + sizeof(head), &segment, sizeof(segment));
	memcpy(data + CODE, code, sizeof(code));
	snprintf(data + NONCE, 64, "%d of test %d", nonce++, getpid());
	data[MARK] = '0' + digit;
}

/* All contents are such programs, which nobody has measured. */
static int new_programs(struct setting *s)
{
	for (int i = 0; i < CONTENTS; i++) {
		make_program(served->content[i].data, i);
		served->content[i].size = PROGRAM_SIZE;
		served->content[i].told = PROGRAM_SIZE;
		if (sha256(served->content[i].data, PROGRAM_SIZE, s->digest[i]))
			return -1;
	}
	served->which = 0;
	return 0;
}

/* A file in use. */
struct use {
	enum hook hook;
	int fd;
	char *map;
	struct program program;
};

/* Open, map or execute the file, and wait.  Returns 0 or -1 with errno. */
static int begin_use(struct use *use, enum hook hook, const char *path)
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

/* One byte of memory, or -1 with errno where there is none: without a signal. */
static int byte_at(const char *memory)
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

/* The digit that the user of the file finds, or -1 if there is none. */
static int end_use(struct use *use)
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

/*
 * An owner of the file whom a rule for each of @hooks, a set of bits, goes by: on FUSE, an
 * overlay, and tmpfs.  Returns -1 with errno if that fails.
 */
static int owner_of_rules(unsigned int hooks)
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

FIXTURE(bind) {
	struct setting s;
	const char *path;
};

FIXTURE_VARIANT(bind) {
	const char *option;
	enum hook hook;
	bool userns;
	bool overlay;
};

FIXTURE_VARIANT_ADD(bind, control_open) { OPTION, BY_OPEN, false, false };
FIXTURE_VARIANT_ADD(bind, control_mmap) { OPTION, BY_MMAP, false, false };
FIXTURE_VARIANT_ADD(bind, control_exec) { OPTION, BY_EXEC, false, false };
FIXTURE_VARIANT_ADD(bind, control_open_overlay) { OPTION, BY_OPEN, true, true };
FIXTURE_VARIANT_ADD(bind, control_mmap_overlay) { OPTION, BY_MMAP, true, true };
FIXTURE_VARIANT_ADD(bind, control_exec_overlay) { OPTION, BY_EXEC, true, true };
FIXTURE_VARIANT_ADD(bind, open_root) { BIND, BY_OPEN, false, false };
FIXTURE_VARIANT_ADD(bind, mmap_root) { BIND, BY_MMAP, false, false };
FIXTURE_VARIANT_ADD(bind, exec_root) { BIND, BY_EXEC, false, false };
FIXTURE_VARIANT_ADD(bind, open_userns) { BIND, BY_OPEN, true, false };
FIXTURE_VARIANT_ADD(bind, mmap_userns) { BIND, BY_MMAP, true, false };
FIXTURE_VARIANT_ADD(bind, exec_userns) { BIND, BY_EXEC, true, false };
FIXTURE_VARIANT_ADD(bind, open_overlay) { BIND, BY_OPEN, true, true };
FIXTURE_VARIANT_ADD(bind, mmap_overlay) { BIND, BY_MMAP, true, true };
FIXTURE_VARIANT_ADD(bind, exec_overlay) { BIND, BY_EXEC, true, true };

FIXTURE_SETUP(bind)
{
	const char *missing = bind_is_missing();
	int owner;

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, mkdir(OVERLAY, 0777));
	ASSERT_EQ(0, new_programs(&self->s));
	owner = owner_of_rules(1 << variant->hook);
	ASSERT_LE(0, owner);
	if (variant->userns)
		ASSERT_EQ(0, enter_userns(owner, 0));
	served->owner = variant->userns ? 0 : owner;
	served->timeout = 0;
	ASSERT_EQ(0, start_server(&self->s, variant->option));
	self->path = DIR "/file";
	if (variant->overlay) {
		ASSERT_EQ(0, mount("none", OVERLAY, "overlay", MS_RDONLY, "lowerdir=" DIR ":/etc"));
		self->path = OVERLAY "/file";
	}
	self->s.held = open(self->path, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, self->s.held);
}

FIXTURE_TEARDOWN(bind)
{
	tear_down(&self->s);
}

/* Whether an attack is to succeed. */
#define CONTROL (!strcmp(variant->option, OPTION))

/*
 * End the use of a file in which the first content was found, at which the attack was made.
 * With the option that is what is used, and listed; as a control, it is the second one.
 */
#define EXPECT_ATTACK(use)                                                                \
	do {                                                                              \
		EXPECT_EQ(CONTROL ? 1 : 0, end_use(use));                                 \
		EXPECT_EQ(1, news_of(self->s.list, self->path, self->s.digest[0]).digest); \
		EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));                  \
	} while (0)

#define BEGIN(use) ASSERT_EQ(0, begin_use(use, variant->hook, self->path))

TEST_F(bind, honest_file_is_used_and_listed)
{
	struct use use;

	BEGIN(&use);
	EXPECT_EQ(0, end_use(&use));
	EXPECT_EQ(1, news_of(self->s.list, self->path, self->s.digest[0]).digest);
	/* and its next content, too */
	served->which = 1;
	BEGIN(&use);
	EXPECT_EQ(1, end_use(&use));
	EXPECT_EQ(1, news_of(self->s.list, self->path, self->s.digest[1]).digest);
}

/* Direct I/O, and once the file was read to its end, there is another one. */
TEST_F(bind, answers_after_the_end_reach_nobody)
{
	struct use use;

	served->hostile = true;
	BEGIN(&use);
	EXPECT_ATTACK(&use);
}

TEST_F(bind, stored_pages_reach_nobody)
{
	struct use use;

	BEGIN(&use);
	served->which = 1;
	notify(STORE);
	EXPECT_ATTACK(&use);
}

TEST_F(bind, answers_after_invalidation_reach_nobody)
{
	struct use use;

	BEGIN(&use);
	served->which = 1;
	notify(INVALIDATE);
	EXPECT_ATTACK(&use);
}

TEST_F(bind, shrunk_file_is_used_as_it_was)
{
	struct use use;
	struct stat st;

	BEGIN(&use);
	served->content[0].told = 4096;
	ASSERT_EQ(0, stat(self->path, &st));
	ASSERT_EQ(4096, st.st_size);
	/* what was there is gone */
	EXPECT_EQ(CONTROL ? -1 : 0, end_use(&use));
}

/* The content has no size, says the server; the attack is that of the liar. */
TEST_F(bind, file_of_no_size_is_used_as_it_was)
{
	struct use use;

	/* without the option such a file is neither mapped nor executed */
	for (int i = 0; i < CONTENTS; i++)
		if (CONTROL && variant->hook != BY_OPEN)
			served->content[i].told = PROGRAM_SIZE + 1;
		else
			served->content[i].told = 0;
	served->hostile = true;
	BEGIN(&use);
	EXPECT_ATTACK(&use);
}

static void empty_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);

	sync();
	if (write(fd, "1", 1) < 0)
		perror("cannot drop caches");
	close(fd);
}

/* What of a file is in memory, its cache drops before it is used. */
TEST_F(bind, answers_after_the_cache_was_dropped_reach_nobody)
{
	struct use use;

	if (variant->userns)
		SKIP(return, "only root drops caches");
	BEGIN(&use);
	served->which = 1;
	empty_caches();
	EXPECT_ATTACK(&use);
}

/* Each open file gives what was found when it was opened, and leaves its digest. */
TEST_F(bind, files_that_are_opened_in_turn_keep_their_contents)
{
	struct use use[CONTENTS];

	for (int i = 0; i < CONTENTS; i++) {
		served->which = i;
		BEGIN(&use[i]);
		EXPECT_EQ(1, news_of(self->s.list, self->path, self->s.digest[i]).digest);
	}
	for (int i = CONTENTS - 1; i >= 0; i--)
		EXPECT_EQ(CONTROL ? CONTENTS - 1 : i, end_use(&use[i]));
}

/* FUSE that reads and maps another file, to which anybody may write. */
TEST_F(bind, write_to_the_backing_file_of_fuse_reaches_nobody)
{
	struct use use;
	int fd;

	if (variant->userns)
		SKIP(return, "only root may have FUSE pass through");
	stop_server(&self->s);
	snprintf(served->backing, sizeof(served->backing), "/mnt/backing");
	fd = open(served->backing, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
	ASSERT_LE(0, fd);
	ASSERT_EQ(PROGRAM_SIZE, pwrite(fd, served->content[0].data, PROGRAM_SIZE, 0));
	ASSERT_EQ(0, start_server(&self->s, variant->option));
	if (begin_use(&use, variant->hook, self->path)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		SKIP(return, "the kernel's FUSE does not pass through");
	}
	ASSERT_EQ(PROGRAM_SIZE, pwrite(fd, served->content[1].data, PROGRAM_SIZE, 0));
	EXPECT_ATTACK(&use);
	close(fd);
}

/* Who uses the file does not need the server any more. */
TEST_F(bind, server_that_ends_ends_no_user)
{
	struct use use;

	if (CONTROL && variant->hook == BY_EXEC)
		SKIP(return, "readahead may bring in all of what is executed");
	/* no page is kept but that of the copy */
	served->direct_io = true;
	BEGIN(&use);
	stop_server(&self->s);
	EXPECT_EQ(CONTROL ? -1 : 0, end_use(&use));
}

/* Returns whether @data gets all of a file. */
static bool get_all(char *data, int fd, const char *map)
{
	if (!map)
		return pread(fd, data, PROGRAM_SIZE, 0) == PROGRAM_SIZE;
	memcpy(data, map, PROGRAM_SIZE);
	return true;
}

/*
 * Each answer of the server is of one content or the other, and each open finds what it
 * finds: that is listed.
 */
TEST_F(bind, whatever_a_reader_gets_is_listed)
{
	static char data[PROGRAM_SIZE];
	char got[DIGEST_SIZE];
	int missed = 0;

	if (variant->hook == BY_EXEC)
		SKIP(return, "a mix of programs may not run");
	served->mixed = true;
	served->direct_io = true;
	/* the page cache takes a short answer for the end, and maps nothing behind it */
	served->most = CONTROL ? 0 : 4096;
	for (int i = 0; i < 20; i++) {
		int fd = open(self->path, O_RDONLY | O_CLOEXEC);
		char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

		ASSERT_NE(MAP_FAILED, map);
		ASSERT_TRUE(get_all(data, fd, i % 2 || CONTROL ? map : NULL));
		ASSERT_EQ(0, sha256(data, PROGRAM_SIZE, got));
		/* a mix that was listed before is not listed again */
		lseek(self->s.list, 0, SEEK_SET);
		missed += news_of(self->s.list, self->path, got).digest != 1;
		munmap(map, PROGRAM_SIZE);
		close(fd);
	}
	EXPECT_TRUE(CONTROL ? missed > 0 : !missed) {
		TH_LOG("%d missed", missed);
	}
}

TEST_F(bind, header_that_execve_reads_is_of_what_is_measured)
{
	struct use use;
	struct news news;

	if (variant->hook != BY_EXEC)
		SKIP(return, "only execve(2) reads a header first");
	for (int i = 0; i < 2; i++) {
		memset(served->content[i].data, '#', PROGRAM_SIZE);
		sprintf(served->content[i].data, "#!/bin/sh %s\nexit %d #%d\n", i ? "-n" : "-e",
			5 + i, getpid());
		ASSERT_EQ(0, sha256(served->content[i].data, PROGRAM_SIZE, self->s.digest[i]));
	}
	served->direct_io = true;
	served->header = 1;
	BEGIN(&use);
	/* sh -n runs nothing */
	EXPECT_EQ(CONTROL ? 0 : 5, end_use(&use));
	news = news_of(self->s.list, self->path, self->s.digest[0]);
	EXPECT_EQ(CONTROL ? 0 : 1, news.digest);
	EXPECT_EQ(CONTROL ? 1 : 0, news.violations);
}

FIXTURE(bound) {
	struct setting s;
	int owner;
};

FIXTURE_SETUP(bound)
{
	const char *missing = bind_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, mkdir(OVERLAY, 0777));
	ASSERT_EQ(0, mkdir(LOCAL, 0777));
	ASSERT_EQ(0, new_programs(&self->s));
	served->timeout = 0;
	self->owner = owner_of_rules(1 << BY_OPEN | 1 << BY_MMAP | 1 << BY_EXEC);
	ASSERT_LE(0, self->owner);
	served->owner = self->owner;
}

FIXTURE_TEARDOWN(bound)
{
	tear_down(&self->s);
}

/* Ways to read the byte at MARK of a file that is open.  Return it, or -1 with errno. */

static int by_read(int fd)
{
	char data[PROGRAM_SIZE];

	return lseek(fd, 0, SEEK_SET) || read(fd, data, sizeof(data)) != sizeof(data) ? -1 :
										      data[MARK];
}

static int by_pread(int fd)
{
	char byte;

	return pread(fd, &byte, 1, MARK) == 1 ? byte : -1;
}

static int by_preadv(int fd)
{
	char data[PROGRAM_SIZE];
	struct iovec parts[] = { { data, 100 }, { data + 100, sizeof(data) - 100 } };

	return preadv(fd, parts, 2, 0) == sizeof(data) ? data[MARK] : -1;
}

static int by_preadv2(int fd)
{
	char data[PROGRAM_SIZE];
	struct iovec part = { data, sizeof(data) };

	return preadv2(fd, &part, 1, 0, RWF_HIPRI) == sizeof(data) ? data[MARK] : -1;
}

static int by_readv(int fd)
{
	char data[PROGRAM_SIZE];
	struct iovec part = { data, sizeof(data) };

	return lseek(fd, 0, SEEK_SET) || readv(fd, &part, 1) != sizeof(data) ? -1 : data[MARK];
}

static int by_splice(int fd)
{
	int pipes[2], ret = -1;
	off_t offset = MARK;
	char byte;

	if (pipe(pipes))
		return -1;
	if (splice(fd, &offset, pipes[1], NULL, 1, 0) == 1 && read(pipes[0], &byte, 1) == 1)
		ret = byte;
	close(pipes[0]);
	close(pipes[1]);
	return ret;
}

static int by_sendfile(int fd)
{
	int memory = memfd_create("copy", 0), ret = -1;
	off_t offset = 0;

	if (sendfile(memory, fd, &offset, PROGRAM_SIZE) == PROGRAM_SIZE)
		ret = by_pread(memory);
	close(memory);
	return ret;
}

static int by_map(int fd, int flags, int advice)
{
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ, flags, fd, 0);
	int ret;

	if (map == MAP_FAILED)
		return -1;
	if (advice >= 0) {
		byte_at(map + MARK);
		madvise(map, PROGRAM_SIZE, advice);
	}
	ret = byte_at(map + MARK);
	munmap(map, PROGRAM_SIZE);
	return ret;
}

static int by_private_map(int fd)
{
	return by_map(fd, MAP_PRIVATE, -1);
}

static int by_shared_map(int fd)
{
	return by_map(fd, MAP_SHARED, -1);
}

static int by_map_that_was_dropped(int fd)
{
	return by_map(fd, MAP_SHARED, MADV_DONTNEED);
}

static int by_map_that_was_removed(int fd)
{
	return by_map(fd, MAP_SHARED, MADV_REMOVE);
}

static int by_another_process(int fd)
{
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ, MAP_SHARED, fd, 0), byte;
	struct iovec to = { &byte, 1 }, from = { map + MARK, 1 };
	int ret = process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1 ? byte : -1;

	munmap(map, PROGRAM_SIZE);
	return ret;
}

static int by_direct_io(int fd)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int flags = fcntl(fd, F_GETFL), ret = -1;

	if (!fcntl(fd, F_SETFL, flags | O_DIRECT) && pread(fd, page, 4096, MARK) == 4096)
		ret = *page;
	fcntl(fd, F_SETFL, flags);
	munmap(page, 4096);
	return ret;
}

static int by_readahead(int fd)
{
	readahead(fd, 0, PROGRAM_SIZE);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED);
	return by_pread(fd);
}

/* Submitted at once, and waited for. */
static int by_io_uring(int fd)
{
	struct io_uring_params params = {};
	int ring = syscall(__NR_io_uring_setup, 1, &params), ret = -1;
	size_t size = params.sq_off.array + params.sq_entries * sizeof(unsigned int);
	size_t answers = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	char *memory, byte;
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;

	if (ring < 0)
		return -1;
	if (size < answers)
		size = answers;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		      IORING_OFF_SQ_RING);
	sqe = mmap(NULL, sizeof(*sqe), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring,
		   IORING_OFF_SQES);
	if (memory != MAP_FAILED && sqe != MAP_FAILED) {
		*sqe = (struct io_uring_sqe){
			.opcode = IORING_OP_READ, .fd = fd, .off = MARK,
			.addr = (unsigned long)&byte, .len = 1,
		};
		*(unsigned int *)(memory + params.sq_off.array) = 0;
		__atomic_fetch_add((unsigned int *)(memory + params.sq_off.tail), 1,
				   __ATOMIC_RELEASE);
		cqe = (struct io_uring_cqe *)(memory + params.cq_off.cqes);
		if (syscall(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL,
			    0) == 1 && cqe->res == 1)
			ret = byte;
		munmap(memory, size);
		munmap(sqe, sizeof(*sqe));
	}
	close(ring);
	return ret;
}

static int by_aio(int fd)
{
	aio_context_t context = 0;
	struct io_event event;
	char byte;
	struct iocb request = {
		.aio_lio_opcode = IOCB_CMD_PREAD, .aio_fildes = fd, .aio_offset = MARK,
		.aio_buf = (unsigned long)&byte, .aio_nbytes = 1,
	}, *requests[] = { &request };
	int ret = -1;

	if (syscall(__NR_io_setup, 1, &context))
		return -1;
	if (syscall(__NR_io_submit, context, 1, requests) == 1 &&
	    syscall(__NR_io_getevents, context, 1, 1, &event, NULL) == 1 && event.res == 1)
		ret = byte;
	syscall(__NR_io_destroy, context);
	return ret;
}

static int by_send(int fd)
{
	int pipes[2], got, ret;
	pid_t pid;

	/* another process that inherits it */
	if (pipe(pipes))
		return -1;
	pid = fork();
	if (!pid) {
		got = by_pread(fd);
		_exit(write(pipes[1], &got, sizeof(got)) != sizeof(got));
	}
	waitpid(pid, NULL, 0);
	ret = read(pipes[0], &got, sizeof(got)) == sizeof(got) ? got : -1;
	close(pipes[0]);
	close(pipes[1]);
	return ret;
}

static const struct {
	const char *name;
	int (*read)(int fd);
} ways[] = {
	{ "read", by_read },
	{ "pread", by_pread },
	{ "readv", by_readv },
	{ "preadv", by_preadv },
	{ "preadv2", by_preadv2 },
	{ "splice", by_splice },
	{ "sendfile", by_sendfile },
	{ "private map", by_private_map },
	{ "shared map", by_shared_map },
	{ "map after MADV_DONTNEED", by_map_that_was_dropped },
	{ "map after MADV_REMOVE", by_map_that_was_removed },
	{ "process_vm_readv", by_another_process },
	{ "O_DIRECT", by_direct_io },
	{ "readahead", by_readahead },
	{ "io_uring", by_io_uring },
	{ "aio", by_aio },
	{ "another process", by_send },
};

/* The server has said and done all that it can to serve the second content. */
static void switch_content(void)
{
	served->which = 1;
	notify(INVALIDATE);
	notify(STORE);
}

static void expect_ways(struct __test_metadata *const _metadata, int digit)
{
	int fd = open_file();

	ASSERT_LE(0, fd);
	switch_content();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		EXPECT_EQ('0' + digit, ways[i].read(fd)) {
			TH_LOG("%s: %s", ways[i].name, strerror(errno));
		}
	}
	close(fd);
}

TEST_F(bound, each_way_to_read_gives_what_was_measured)
{
	ASSERT_EQ(0, start_server(&self->s, BIND));
	expect_ways(_metadata, 0);
}

TEST_F(bound, plain_each_way_to_read_gives_what_is_served)
{
	ASSERT_EQ(0, start_server(&self->s, OPTION));
	expect_ways(_metadata, 1);
}

/* Nor does the kernel read by itself, on behalf of another file. */
TEST_F(bound, copy_file_range_copies_no_other_content)
{
	int fd, memory = memfd_create("copy", 0);
	off_t offset = 0;
	ssize_t n;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	switch_content();
	n = copy_file_range(fd, &offset, memory, NULL, PROGRAM_SIZE, 0);
	EXPECT_TRUE(n < 0 ? errno == EXDEV : by_pread(memory) == '0');
}

/* What is opened anew is another open file. */
TEST_F(bound, file_that_is_opened_by_its_descriptor_is_measured_anew)
{
	char path[64];
	int fd, again;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	switch_content();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));
	again = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, again);
	EXPECT_EQ('1', by_pread(again));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
	EXPECT_EQ('0', by_pread(fd));
}

TEST_F(bound, file_that_is_executed_by_its_descriptor_is_measured_anew)
{
	char *const argv[] = { (char *)"file", NULL };
	int fd, status;
	pid_t pid;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	switch_content();
	pid = fork();
	if (!pid) {
		close(0);
		fexecve(fd, argv, environ);
		_exit(127);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(1, WEXITSTATUS(status));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
}

TEST_F(bound, file_ends_where_its_content_ends)
{
	char byte, *map;
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	for (int i = 0; i < CONTENTS; i++)
		served->content[i].told = 10 * PROGRAM_SIZE;
	EXPECT_EQ(PROGRAM_SIZE, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_DATA));
	EXPECT_EQ(PROGRAM_SIZE, lseek(fd, 0, SEEK_HOLE));
	EXPECT_EQ(0, pread(fd, &byte, 1, PROGRAM_SIZE));
	map = mmap(NULL, 2 * PROGRAM_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ('#', byte_at(map + PROGRAM_SIZE - 1));
	EXPECT_EQ(-1, byte_at(map + PROGRAM_SIZE));
}

#define FOPEN_STREAM 0x10 /* no positions: see linux/fuse.h */

/* What the server says of positions is nothing that a copy must know. */
TEST_F(bound, stream_ends)
{
	char data[2 * PROGRAM_SIZE];
	int fd;

	served->open_flags = FOPEN_STREAM;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	EXPECT_EQ(PROGRAM_SIZE, read(fd, data, sizeof(data)));
	EXPECT_EQ('0', data[MARK]);
	EXPECT_EQ(0, read(fd, data, sizeof(data)));
}

static int set_bind_by_remount(const char *path)
{
	int fs = fspick(AT_FDCWD, path, FSPICK_CLOEXEC), ret;

	if (fs < 0)
		return -1;
	ret = fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "bind", 0) ||
	      fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0) ? -1 : 0;
	close(fs);
	return ret;
}

/* Returns 0 or the error number. */
static int map_to_execute(int fd)
{
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

	if (map == MAP_FAILED)
		return errno;
	munmap(map, PROGRAM_SIZE);
	return 0;
}

TEST_F(bound, file_that_is_open_for_writing_is_not_mapped_to_be_executed)
{
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open(DIR "/file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EACCES, map_to_execute(fd));
}

TEST_F(bound, file_from_before_the_remount_is_not_mapped_to_be_executed)
{
	int before, after;

	ASSERT_EQ(0, start_server(&self->s, OPTION));
	before = open_file();
	ASSERT_LE(0, before);
	EXPECT_EQ(0, map_to_execute(before));
	ASSERT_EQ(0, set_bind_by_remount(DIR));
	EXPECT_EQ(EACCES, map_to_execute(before));
	after = open_file();
	ASSERT_LE(0, after);
	EXPECT_EQ(0, map_to_execute(after));
}

TEST_F(bound, file_from_before_the_rule_is_not_mapped_to_be_executed)
{
	uid_t owner = 4100;
	int before;

	served->owner = owner;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	before = open_file();
	ASSERT_LE(0, before);
	EXPECT_EQ(0, map_to_execute(before));
	ASSERT_EQ(0, add_rule_once("measure func=MMAP_CHECK fsname=fuse fowner=4100"));
	EXPECT_EQ(EACCES, map_to_execute(before));
}

/* Map the file to be read.  Returns the map. */
static char *map_to_read(struct __test_metadata *const _metadata, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);

	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	return map;
}

static void expect_no_execution(struct __test_metadata *const _metadata, char *map)
{
	EXPECT_EQ(-1, mprotect(map, PROGRAM_SIZE, PROT_READ | PROT_EXEC));
	EXPECT_EQ(EPERM, errno);
}

TEST_F(bound, map_does_not_become_executable)
{
	ASSERT_EQ(0, start_server(&self->s, BIND));
	expect_no_execution(_metadata, map_to_read(_metadata, DIR "/file"));
}

TEST_F(bound, map_does_not_become_executable_for_an_audit_rule_either)
{
	served->owner = 4103;
	ASSERT_EQ(0, add_rule_once("audit func=MMAP_CHECK fsname=fuse fowner=4103"));
	ASSERT_EQ(0, start_server(&self->s, BIND));
	expect_no_execution(_metadata, map_to_read(_metadata, DIR "/file"));
}

/* What no rule matches is as without the option: it costs nothing, and promises nothing. */
TEST_F(bound, file_that_no_rule_matches_is_not_copied)
{
	int fd;

	served->owner = 4101;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	switch_content();
	EXPECT_EQ('1', by_pread(fd));
	EXPECT_EQ(0, map_to_execute(fd));
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

TEST_F(bound, users_of_one_content_share_one_copy_that_goes_with_the_last)
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

/* With three rules for it. */
TEST_F(bound, server_is_asked_once_for_what_is_executed)
{
	struct use use;

	served->direct_io = true;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	ASSERT_EQ(0, begin_use(&use, BY_EXEC, DIR "/file"));
	EXPECT_EQ(0, end_use(&use));
	EXPECT_EQ(PROGRAM_SIZE, served->served_bytes);
}

TEST_F(bound, plain_server_is_asked_often_for_what_is_executed)
{
	struct use use;

	served->direct_io = true;
	ASSERT_EQ(0, start_server(&self->s, OPTION));
	ASSERT_EQ(0, begin_use(&use, BY_EXEC, DIR "/file"));
	EXPECT_EQ(0, end_use(&use));
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
TEST_F(bound, file_that_cannot_be_read_is_not_opened)
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
TEST_F(bound, size_that_is_kept_is_asked_for)
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

TEST_F(bound, file_that_is_too_large_is_not_read)
{
	large_contents(1UL << 40);
	expect_too_large(_metadata, &self->s);
	EXPECT_EQ(0, served->served_bytes);
}

TEST_F_TIMEOUT(bound, file_without_an_end_is_not_opened, 600)
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
TEST_F(bound, who_waits_for_the_server_can_be_killed)
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

TEST_F(bound, reader_with_no_room_for_files_can_open)
{
	const struct rlimit none = { 0, 0 };

	ASSERT_EQ(0, start_server(&self->s, BIND));
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &none));
	EXPECT_EQ(0, access_file());
}

/* Locks and the like have nothing to do with the content. */
TEST_F(bound, file_can_be_locked_and_synced)
{
	struct flock lock = { .l_type = F_RDLCK }, ofd = { .l_type = F_RDLCK };
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, flock(fd, LOCK_SH | LOCK_NB));
	EXPECT_EQ(0, flock(fd, LOCK_UN));
	EXPECT_EQ(0, fcntl(fd, F_SETLK, &lock));
	EXPECT_EQ(0, fcntl(fd, F_OFD_SETLK, &ofd));
	ofd.l_type = F_WRLCK;
	EXPECT_EQ(0, fcntl(fd, F_OFD_GETLK, &ofd));
	EXPECT_EQ(F_RDLCK, ofd.l_type);
	EXPECT_EQ(0, fsync(fd));
	EXPECT_EQ(0, close(fd));
}

/* The pages of the copy are no way to write into it. */
TEST_F(bound, copy_cannot_be_written)
{
	int fd, memory;
	char *map, path[64], data = '1';

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	map = mmap(NULL, PROGRAM_SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, PROGRAM_SIZE, PROT_WRITE, MAP_SHARED, fd, 0));
	EXPECT_EQ(-1, mprotect(map, PROGRAM_SIZE, PROT_READ | PROT_WRITE));
	memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	EXPECT_EQ(-1, pwrite(memory, &data, 1, (off_t)(map + MARK)));
	EXPECT_EQ(-1, pwrite(fd, &data, 1, MARK));
	EXPECT_EQ(-1, ftruncate(fd, 0));
	EXPECT_EQ(-1, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PROGRAM_SIZE));
	EXPECT_EQ(-1, fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	/* the file, and not the copy */
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (unsigned long)map,
		 (unsigned long)map + PROGRAM_SIZE);
	served->which = 1;
	memory = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT_TRUE(memory < 0 || by_pread(memory) == '1');
	EXPECT_EQ('0', by_pread(fd));
	EXPECT_EQ('0', map[MARK]);
}

/* Who handles the faults of their own memory handles no other's. */
TEST_F(bound, userfaultfd_does_not_fill_the_copy)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_copy fill = {};
	static char page[4096] = "1";
	int fd, uffd;
	char *map;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (uffd < 0)
		SKIP(return, "the kernel has no userfaultfd");
	ASSERT_EQ(0, ioctl(uffd, UFFDIO_API, &api));
	for (int shared = 0; shared < 2; shared++) {
		map = mmap(NULL, PROGRAM_SIZE, PROT_READ, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
		ASSERT_NE(MAP_FAILED, map);
		range.range.start = (unsigned long)map;
		range.range.len = PROGRAM_SIZE;
		if (!ioctl(uffd, UFFDIO_REGISTER, &range)) {
			EXPECT_FALSE(shared);
			fill.dst = (unsigned long)map + MARK;
			fill.src = (unsigned long)page;
			fill.len = sizeof(page);
			ioctl(uffd, UFFDIO_COPY, &fill);
		}
	}
	EXPECT_EQ('0', by_pread(fd));
	EXPECT_EQ('0', byte_at(map + MARK));
}

/* On tmpfs, where no server is between a writer and who has mapped the file. */
static int write_local(int content, int flags)
{
	int fd = open(LOCAL "/file", O_WRONLY | O_CLOEXEC | flags, 0755);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, served->content[content].data, PROGRAM_SIZE);
	close(fd);
	return n == PROGRAM_SIZE ? 0 : -1;
}

static void expect_local(struct __test_metadata *const _metadata, struct setting *s, int owner,
			 const char *data, int found)
{
	struct use open_file, map;

	ASSERT_EQ(0, mount("none", LOCAL, "tmpfs", 0, data));
	ASSERT_EQ(0, write_local(0, O_CREAT));
	ASSERT_EQ(0, chown(LOCAL "/file", owner, owner));
	ASSERT_EQ(0, begin_use(&open_file, BY_OPEN, LOCAL "/file"));
	ASSERT_EQ(0, begin_use(&map, BY_MMAP, LOCAL "/file"));
	ASSERT_EQ(0, write_local(1, 0));
	EXPECT_EQ(found, end_use(&open_file));
	EXPECT_EQ(found, end_use(&map));
	/* who comes later finds what was written, and it is measured */
	ASSERT_EQ(0, begin_use(&map, BY_MMAP, LOCAL "/file"));
	EXPECT_EQ(1, end_use(&map));
	EXPECT_EQ(1, news_of(s->list, LOCAL "/file", s->digest[1]).digest);
	/* who has it mapped keeps what is cut off */
	ASSERT_EQ(0, begin_use(&map, BY_MMAP, LOCAL "/file"));
	ASSERT_EQ(0, truncate(LOCAL "/file", 0));
	EXPECT_EQ(found ? -1 : 1, end_use(&map));
}

TEST_F(bound, local_writer_reaches_no_reader)
{
	expect_local(_metadata, &self->s, self->owner, BIND, 0);
}

TEST_F(bound, plain_local_writer_reaches_readers)
{
	expect_local(_metadata, &self->s, self->owner, OPTION, 1);
}

TEST_F(bound, program_that_was_written_can_be_executed)
{
	struct use use;

	ASSERT_EQ(0, mount("none", LOCAL, "tmpfs", 0, BIND));
	ASSERT_EQ(0, write_local(0, O_CREAT));
	ASSERT_EQ(0, chown(LOCAL "/file", self->owner, self->owner));
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, write_local(i, 0));
		ASSERT_EQ(0, begin_use(&use, BY_EXEC, LOCAL "/file"));
		EXPECT_EQ(i, end_use(&use));
		EXPECT_EQ(1, news_of(self->s.list, LOCAL "/file", self->s.digest[i]).digest);
	}
}

/* Write the second content where the device has the first one, below the filesystem. */
static int write_below(const char *device, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), disk = open(device, O_WRONLY | O_CLOEXEC);
	int block_size, block, ret = 0;

	if (fd < 0 || disk < 0 || ioctl(fd, FIGETBSZ, &block_size))
		return -1;
	for (int i = 0; i < PROGRAM_SIZE / block_size && !ret; i++) {
		block = i;
		if (ioctl(fd, FIBMAP, &block) || !block ||
		    pwrite(disk, served->content[1].data + i * block_size, block_size,
			   (off_t)block * block_size) != block_size)
			ret = -1;
	}
	if (fsync(disk))
		ret = -1;
	close(fd);
	close(disk);
	return ret;
}

/* What is on the disk is of another owner, whom no rule goes by, while it is made. */
static void expect_below(struct __test_metadata *const _metadata, struct setting *s,
			 const char *option, int found)
{
	const char *device = getenv("IMA_TEST_EXT4");
	struct use use[HOOKS];

	if (!device)
		SKIP(return, "IMA_TEST_EXT4 names no device");
	for (int hook = 0; hook < HOOKS; hook++) {
		char rule[128];

		snprintf(rule, sizeof(rule), "measure func=%s fsname=ext4 fowner=4300",
			 hook_names[hook]);
		ASSERT_EQ(0, add_rule_once(rule));
	}
	ASSERT_EQ(0, mount(device, LOCAL, "ext4", 0, option));
	unlink(LOCAL "/file");
	ASSERT_EQ(0, write_local(0, O_CREAT));
	/* what the filesystem has written, it does not write again */
	sync();
	for (int hook = 0; hook < HOOKS; hook++) {
		ASSERT_EQ(0, chown(LOCAL "/file", 4300, 4300));
		ASSERT_EQ(0, begin_use(&use[hook], (enum hook)hook, LOCAL "/file"));
		ASSERT_EQ(0, chown(LOCAL "/file", 0, 0));
	}
	ASSERT_EQ(0, write_below(device, LOCAL "/file"));
	empty_caches();
	for (int hook = 0; hook < HOOKS; hook++) {
		EXPECT_EQ(found, end_use(&use[hook])) {
			TH_LOG("%s", hook_names[hook]);
		}
	}
	EXPECT_EQ(1, measured(s->list, s->digest[0]));
	EXPECT_EQ(0, measured(s->list, s->digest[1]));
	unlink(LOCAL "/file");
	umount2(LOCAL, 0);
}

TEST_F(bound, what_is_written_to_the_device_reaches_no_user)
{
	expect_below(_metadata, &self->s, BIND, 0);
}

TEST_F(bound, plain_what_is_written_to_the_device_reaches_users)
{
	expect_below(_metadata, &self->s, OPTION, 1);
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

TEST_F(bound, who_may_not_have_the_memory_does_not_open_the_file)
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

TEST_F(bound, copy_that_was_swapped_out_is_the_same)
{
	const char *device = getenv("IMA_TEST_EXT4");
	char *map, *hog;
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
	hog = mmap(NULL, 11 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_NE(MAP_FAILED, hog);
	memset(hog, 1, 11 << 20);
	EXPECT_LT(256, swapped());
	EXPECT_EQ('0', map[MARK]);
	EXPECT_EQ('0', by_pread(fd));
	EXPECT_EQ(0, memcmp(map, served->content[0].data, MAX_SIZE));
	for (int i = MAX_SIZE; i < 2 << 20; i += 4096)
		EXPECT_EQ(0, map[i]);
	munmap(hog, 11 << 20);
	munmap(map, 2 << 20);
	close(fd);
	leave_group();
	EXPECT_EQ(0, syscall(__NR_swapoff, LOCAL "/swap"));
	unlink(LOCAL "/swap");
	umount2(LOCAL, 0);
}

/*
 * An overlay above it, without the option, whose upper layer is another filesystem without it:
 * who has the file open has what was below, and who opens it after that what was copied up.
 */
static int mount_overlay(void)
{
	return mount("none", OVERLAY, "overlay", 0,
		     "userxattr,lowerdir=" DIR ",upperdir=" LOCAL "/upper,workdir=" LOCAL "/work");
}

static void start_overlay_to_copy_up(struct __test_metadata *const _metadata, struct setting *s,
				     const char *option, int owner)
{
	ASSERT_EQ(0, enter_userns(owner, 0));
	served->owner = 0;
	ASSERT_EQ(0, start_server(s, option));
	ASSERT_EQ(0, mount("none", LOCAL, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(LOCAL "/upper", 0777));
	ASSERT_EQ(0, mkdir(LOCAL "/work", 0777));
	ASSERT_EQ(0, mount_overlay());
}

static int copy_up(void)
{
	int fd = open(OVERLAY "/file", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -1 : close(fd);
}

static int map_mark(int fd)
{
	char *map = mmap(NULL, PROGRAM_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	int ret = map == MAP_FAILED ? -1 : byte_at(map + MARK);

	if (map != MAP_FAILED)
		munmap(map, PROGRAM_SIZE);
	return ret;
}

/* Mapping the older file first, or the newer one. */
static void expect_copied_up(struct __test_metadata *const _metadata, struct setting *s,
			     bool older_first)
{
	int older, newer;

	older = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, older);
	served->which = 1;
	ASSERT_EQ(0, copy_up());
	newer = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, newer);
	EXPECT_TRUE(!older_first || map_mark(older) == '0');
	EXPECT_EQ('1', map_mark(newer));
	EXPECT_EQ('0', map_mark(older));
	EXPECT_EQ('1', map_mark(newer));
	close(older);
	close(newer);
	EXPECT_EQ(1, measured(s->list, s->digest[1]));
}

TEST_F(bound, copy_up_between_open_and_map_hides_nothing)
{
	int list = open_list();

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_MMAP));
	expect_copied_up(_metadata, &self->s, true);
	EXPECT_EQ(1, measured(list, self->s.digest[0]));
}

TEST_F(bound, copy_up_before_another_map_hides_nothing)
{
	int list = open_list();

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_MMAP));
	expect_copied_up(_metadata, &self->s, false);
	EXPECT_EQ(1, measured(list, self->s.digest[0]));
}

TEST_F(bound, map_does_not_become_executable_after_copy_up)
{
	char *map;

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_MMAP));
	map = map_to_read(_metadata, OVERLAY "/file");
	ASSERT_EQ(0, copy_up());
	expect_no_execution(_metadata, map);
}

/* A program that runs while it is copied up, and what is executed then. */
TEST_F(bound, copy_up_between_two_execve_hides_nothing)
{
	int list = open_list();
	struct use use[2];

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_EXEC));
	ASSERT_EQ(0, begin_use(&use[0], BY_EXEC, OVERLAY "/file"));
	served->which = 1;
	ASSERT_EQ(0, chmod(OVERLAY "/file", 0555));
	ASSERT_EQ(0, begin_use(&use[1], BY_EXEC, OVERLAY "/file"));
	EXPECT_EQ(0, end_use(&use[0]));
	EXPECT_EQ(1, end_use(&use[1]));
	EXPECT_EQ(1, measured(list, self->s.digest[0]));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
}

/*
 * The file is copied up while it is opened: IMA may find one above, and the open file may
 * have another one below.
 */
static void expect_copied_up_within_open(struct __test_metadata *const _metadata,
					 struct setting *s, const char *option, int found)
{
	int list = open_list(), result[2], got = -1;
	struct use use;
	pid_t pid;

	start_overlay_to_copy_up(_metadata, s, option,
				 owner_of_rules(1 << BY_EXEC | 1 << BY_MMAP));
	for (int hook = BY_MMAP; hook <= BY_EXEC; hook++) {
		ASSERT_EQ(0, new_programs(s));
		ASSERT_EQ(0, pipe(result));
		served->held_open = false;
		served->hold_open = true;
		pid = fork();
		if (!pid) {
			got = begin_use(&use, (enum hook)hook, OVERLAY "/file") ? -1 :
										   end_use(&use);
			_exit(write(result[1], &got, sizeof(got)) != sizeof(got));
		}
		while (!served->held_open)
			sched_yield();
		ASSERT_EQ(0, chmod(OVERLAY "/file", 0555));
		served->which = 1;
		notify(INVALIDATE);
		notify(ANSWER_OPEN);
		ASSERT_EQ(sizeof(got), read(result[0], &got, sizeof(got)));
		ASSERT_EQ(pid, waitpid(pid, NULL, 0));
		EXPECT_EQ(found, got);
		EXPECT_EQ(1, measured(list, s->digest[0]));
		/* below it is as before */
		ASSERT_EQ(0, umount2(OVERLAY, MNT_DETACH));
		ASSERT_EQ(0, unlink(LOCAL "/upper/file"));
		ASSERT_EQ(0, mount_overlay());
	}
}

TEST_F(bound, copy_up_within_open_hides_nothing)
{
	expect_copied_up_within_open(_metadata, &self->s, BIND, 0);
}

TEST_F(bound, plain_copy_up_within_open_hides_what_is_below)
{
	expect_copied_up_within_open(_metadata, &self->s, OPTION, 1);
}

/* The copy is what a new file without a label is, and not what the server says of its size. */
static int run_new_file(struct setting *s, const char *option, off_t told, uid_t owner)
{
	static const char *const hooks[] = { "FILE_CHECK", "BPRM_CHECK" };
	char rule[128];
	struct use use;

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++) {
		snprintf(rule, sizeof(rule),
			 "appraise func=%s fsname=fuse fowner=%u appraise_type=imasig", hooks[i],
			 owner);
		if (add_rule_once(rule))
			return errno;
	}
	for (int i = 0; i < CONTENTS; i++)
		served->content[i].told = told;
	served->owner = owner;
	served->missing = true;
	served->direct_io = true;
	if (start_server(s, option) || mknod(DIR "/file", S_IFREG | 0755, 0))
		return errno;
	s->held = open(DIR "/file", O_PATH | O_CLOEXEC);
	if (begin_use(&use, BY_EXEC, DIR "/file"))
		return errno;
	end_use(&use);
	return 0;
}

TEST_F(bound, new_file_passes_appraisal_only_if_it_is_empty)
{
	EXPECT_EQ(EACCES, run_new_file(&self->s, BIND, 0, 4301));
}

/* It then runs, and is killed for want of its pages. */
TEST_F(bound, plain_new_file_passes_appraisal_if_its_size_is_said_to_be_0)
{
	EXPECT_EQ(0, run_new_file(&self->s, OPTION, 0, 4302));
}

TEST_F(bound, direct_io_is_no_violation)
{
	struct news news;
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open(DIR "/file", O_RDONLY | O_DIRECT | O_CLOEXEC);
	ASSERT_LE(0, fd);
	news = news_of(self->s.list, DIR "/file", self->s.digest[0]);
	EXPECT_EQ(1, news.digest);
	EXPECT_EQ(1, news.entries);
	EXPECT_EQ('0', by_direct_io(fd));
}

/* The option itself. */

static int set_value(const char *type, const char *value, bool create)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC), ret;

	ret = value ? fsconfig(fs, FSCONFIG_SET_STRING, OPTION, value, 0) :
		      fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0);
	if (!ret && create)
		ret = fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	close(fs);
	return ret;
}

TEST_F(bound, other_values_are_refused)
{
	static const char *const values[] = { "", "Bind", "bind ", "bindings", "1", "no" };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_EQ(-1, set_value("tmpfs", values[i], false)) {
			TH_LOG("'%s'", values[i]);
		}
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(bound, option_is_shown_and_cannot_be_taken_back)
{
	ASSERT_EQ(0, mount("none", LOCAL, "tmpfs", 0, OPTION));
	EXPECT_EQ(1, shown(LOCAL, OPTION));
	ASSERT_EQ(0, mount("none", LOCAL, NULL, MS_REMOUNT, BIND));
	EXPECT_EQ(1, shown(LOCAL, BIND));
	EXPECT_EQ(0, shown(LOCAL, OPTION));
	/* neither by not naming it, nor by naming less */
	ASSERT_EQ(0, mount("none", LOCAL, NULL, MS_REMOUNT, NULL));
	ASSERT_EQ(0, mount("none", LOCAL, NULL, MS_REMOUNT, OPTION));
	EXPECT_EQ(1, shown(LOCAL, BIND));
}

TEST_F(bound, mount_does_not_change_a_superblock_that_is_mounted)
{
	ASSERT_EQ(0, set_value("mqueue", NULL, false));
	/* one superblock for all who mount it in this IPC namespace */
	EXPECT_EQ(-1, set_value("mqueue", "bind", true));
	EXPECT_EQ(EBUSY, errno);
}

TEST_HARNESS_MAIN
