// SPDX-License-Identifier: GPL-2.0
/*
 * ima_nocache=bind: each use of an open file gives what was measured when it was opened, and
 * what is not bound is not executed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "bind.h"

FIXTURE(bind_use) {
	struct setting s;
};

FIXTURE_SETUP(bind_use)
{
	const char *missing = bind_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_bound(&self->s));
}

FIXTURE_TEARDOWN(bind_use)
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

TEST_F(bind_use, each_way_to_read_gives_what_was_measured)
{
	ASSERT_EQ(0, start_server(&self->s, BIND));
	expect_ways(_metadata, 0);
}

TEST_F(bind_use, plain_each_way_to_read_gives_what_is_served)
{
	ASSERT_EQ(0, start_server(&self->s, OPTION));
	expect_ways(_metadata, 1);
}

/* Nor does the kernel read by itself, on behalf of another file. */
TEST_F(bind_use, copy_file_range_copies_no_other_content)
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
TEST_F(bind_use, file_that_is_opened_by_its_descriptor_is_measured_anew)
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

TEST_F(bind_use, file_that_is_executed_by_its_descriptor_is_measured_anew)
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

TEST_F(bind_use, file_ends_where_its_content_ends)
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
TEST_F(bind_use, stream_ends)
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

TEST_F(bind_use, file_that_is_open_for_writing_is_not_mapped_to_be_executed)
{
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open(DIR "/file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EACCES, map_to_execute(fd));
}

TEST_F(bind_use, file_from_before_the_remount_is_not_mapped_to_be_executed)
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

TEST_F(bind_use, file_from_before_the_rule_is_not_mapped_to_be_executed)
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

TEST_F(bind_use, map_does_not_become_executable)
{
	ASSERT_EQ(0, start_server(&self->s, BIND));
	EXPECT_EQ(EPERM, make_executable(map_to_read(DIR "/file")));
}

/* Other security modules were asked about the file, and not about the copy. */
TEST_F(bind_use, map_does_not_become_executable_where_no_rule_for_maps_matches)
{
	served->owner = owner_of_rules(1 << BY_OPEN);
	ASSERT_EQ(0, start_server(&self->s, BIND));
	EXPECT_EQ(EPERM, make_executable(map_to_read(DIR "/file")));
}

TEST_F(bind_use, map_becomes_executable_where_no_rule_matches)
{
	served->owner = 4104;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	EXPECT_EQ(0, make_executable(map_to_read(DIR "/file")));
}

TEST_F(bind_use, map_does_not_become_executable_for_an_audit_rule_either)
{
	served->owner = 4103;
	ASSERT_EQ(0, add_rule_once("audit func=MMAP_CHECK fsname=fuse fowner=4103"));
	ASSERT_EQ(0, start_server(&self->s, BIND));
	EXPECT_EQ(EPERM, make_executable(map_to_read(DIR "/file")));
}

/* What no rule matches is as without the option: it costs nothing, and promises nothing. */
TEST_F(bind_use, file_that_no_rule_matches_is_not_copied)
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

/* Locks and the like have nothing to do with the content. */
TEST_F(bind_use, file_can_be_locked_and_synced)
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
TEST_F(bind_use, copy_cannot_be_written)
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
TEST_F(bind_use, userfaultfd_does_not_fill_the_copy)
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

TEST_F(bind_use, new_file_passes_appraisal_only_if_it_is_empty)
{
	EXPECT_EQ(EACCES, run_new_file(&self->s, BIND, 0, 4301));
}

/* It then runs, and is killed for want of its pages. */
TEST_F(bind_use, plain_new_file_passes_appraisal_if_its_size_is_said_to_be_0)
{
	EXPECT_EQ(0, run_new_file(&self->s, OPTION, 0, 4302));
}

TEST_F(bind_use, direct_io_is_no_violation)
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

TEST_F(bind_use, other_values_are_refused)
{
	static const char *const values[] = { "", "Bind", "bind ", "bindings", "1", "no" };

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_EQ(-1, set_value("tmpfs", values[i], false)) {
			TH_LOG("'%s'", values[i]);
		}
		EXPECT_EQ(EINVAL, errno);
	}
}

/* Where a filesystem gets its options in one piece, too. */
TEST_F(bind_use, option_is_taken_from_among_others)
{
	static const char *const good[] = {
		"lowerdir=/usr:/etc," BIND, BIND ",lowerdir=/usr:/etc",
		"index=off," BIND ",lowerdir=/usr:/etc", "lowerdir=/usr:/etc," BIND "," OPTION,
	};
	static const char *const bad[] = {
		"lowerdir=/usr:/etc," BIND "s", OPTION "=,lowerdir=/usr:/etc",
		BIND "\\,lowerdir=/usr:/etc",
	};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		ASSERT_EQ(0, mount("none", OVERLAY, "overlay", MS_RDONLY, good[i])) {
			TH_LOG("%s: %s", good[i], strerror(errno));
		}
		EXPECT_EQ(1, shown(OVERLAY, BIND));
		ASSERT_EQ(0, umount(OVERLAY));
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, mount("none", OVERLAY, "overlay", MS_RDONLY, bad[i])) {
			TH_LOG("%s", bad[i]);
		}
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(bind_use, option_is_shown_and_cannot_be_taken_back)
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

TEST_F(bind_use, mount_does_not_change_a_superblock_that_is_mounted)
{
	ASSERT_EQ(0, set_value("mqueue", NULL, false));
	/* one superblock for all who mount it in this IPC namespace */
	EXPECT_EQ(-1, set_value("mqueue", "bind", true));
	EXPECT_EQ(EBUSY, errno);
}

TEST_HARNESS_MAIN
