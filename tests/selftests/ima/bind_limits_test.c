// SPDX-License-Identifier: GPL-2.0
/*
 * Where the promise of ima_nocache=bind ends, as its documentation says: what an open file
 * gives that is not bound, and what is not content.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fsverity.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "bind.h"

#ifndef AT_EXECVE_CHECK
#define AT_EXECVE_CHECK 0x10000
#endif

FIXTURE(bind_limits) {
	struct setting s;
};

FIXTURE_SETUP(bind_limits)
{
	const char *missing = bind_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_bound(&self->s));
}

FIXTURE_TEARDOWN(bind_limits)
{
	tear_down(&self->s);
}

TEST_F(bind_limits, file_that_is_open_for_writing_gives_what_is_served)
{
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open(DIR "/file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	switch_content();
	EXPECT_EQ('1', by_pread(fd));
}

TEST_F(bind_limits, file_from_before_the_remount_gives_what_is_served)
{
	int fd;

	ASSERT_EQ(0, start_server(&self->s, OPTION));
	fd = open_file();
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, mount("none", DIR, NULL, MS_REMOUNT, BIND));
	switch_content();
	EXPECT_EQ('1', by_pread(fd));
}

TEST_F(bind_limits, attributes_are_what_the_server_says)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	served->content[0].told = 10 * PROGRAM_SIZE;
	served->owner = 1;
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(10 * PROGRAM_SIZE, st.st_size);
	EXPECT_EQ(1, st.st_uid);
	EXPECT_EQ(PROGRAM_SIZE, lseek(fd, 0, SEEK_END));
}

/* The kernel opens the file for who listens, and IMA is not asked. */
TEST_F(bind_limits, listener_of_fanotify_gets_what_is_served)
{
	struct fanotify_event_metadata event;
	int group, fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	group = syscall(__NR_fanotify_init, FAN_CLASS_NOTIF | FAN_CLOEXEC, O_RDONLY);
	if (group < 0)
		SKIP(return, "the kernel has no fanotify");
	ASSERT_EQ(0, syscall(__NR_fanotify_mark, group, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_OPEN,
			     AT_FDCWD, DIR));
	fd = open_file();
	ASSERT_LE(0, fd);
	ASSERT_EQ(sizeof(event), read(group, &event, sizeof(event)));
	switch_content();
	EXPECT_EQ('0', by_pread(fd));
	EXPECT_EQ('1', by_pread(event.fd));
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));
	/* what is executed must be bound, whoever has opened it */
	EXPECT_EQ(EACCES, map_to_execute(event.fd));
}

/* An interpreter that asks so has to read the script by a file that a rule matches. */
TEST_F(bind_limits, check_of_execve_is_of_another_open_file)
{
	char *const argv[] = { (char *)"file", NULL };
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	switch_content();
	if (syscall(__NR_execveat, fd, "", argv, environ, AT_EMPTY_PATH | AT_EXECVE_CHECK)) {
		ASSERT_EQ(EINVAL, errno);
		SKIP(return, "the kernel has no AT_EXECVE_CHECK");
	}
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
	EXPECT_EQ('0', by_pread(fd));
}

/* A copy may be swapped out, and a read of it may have to wait. */
TEST_F(bind_limits, reader_that_will_not_wait_is_refused)
{
	char byte;
	struct iovec part = { &byte, 1 };
	int fd;

	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open_file();
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, preadv2(fd, &part, 1, MARK, RWF_NOWAIT));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

/* Read a file that was last read long ago.  Returns since when it was, in seconds. */
static time_t read_long_after_opening(uid_t owner, const char *option)
{
	const struct timespec long_ago[] = { { 1, 0 }, { 2, 0 } };
	struct stat st;
	int fd;

	if (mount("none", LOCAL, "tmpfs", 0, option))
		return -1;
	fd = open(LOCAL "/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (write(fd, served->content[0].data, PROGRAM_SIZE) != PROGRAM_SIZE ||
	    fchown(fd, owner, owner))
		return -1;
	close(fd);
	fd = open(LOCAL "/file", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || futimens(fd, long_ago) || by_pread(fd) != '0' || fstat(fd, &st))
		return -1;
	close(fd);
	return st.st_atime;
}

TEST_F(bind_limits, reads_leave_no_access_time)
{
	EXPECT_EQ(1, read_long_after_opening(served->owner, BIND));
}

TEST_F(bind_limits, plain_reads_leave_an_access_time)
{
	EXPECT_LT(2, read_long_after_opening(served->owner, OPTION));
}

/* A loop device reads by the open file that it was given, and has it for long. */
static int by_loop_device(struct __test_metadata *const _metadata)
{
	int fd, control, loop, number, got;
	char path[32];

	fd = open_file();
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -1;
	number = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	snprintf(path, sizeof(path), "/dev/loop%d", number);
	loop = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, ioctl(loop, LOOP_SET_FD, fd)) {
		TH_LOG("%s", strerror(errno));
	}
	close(fd);
	switch_content();
	got = by_pread(loop);
	EXPECT_EQ(0, ioctl(loop, LOOP_CLR_FD, 0));
	close(loop);
	return got;
}

TEST_F(bind_limits, loop_device_gives_what_was_measured)
{
	ASSERT_EQ(0, start_server(&self->s, BIND));
	if (access("/dev/loop-control", F_OK))
		SKIP(return, "the kernel has no loop devices");
	EXPECT_EQ('0', by_loop_device(_metadata));
}

TEST_F(bind_limits, plain_loop_device_gives_what_is_served)
{
	ASSERT_EQ(0, start_server(&self->s, OPTION));
	if (access("/dev/loop-control", F_OK))
		SKIP(return, "the kernel has no loop devices");
	EXPECT_EQ('1', by_loop_device(_metadata));
}

/* What is open for writing is not mapped to be executed. */
TEST_F(bind_limits, refusal_is_audited)
{
	const char *const words[] = { "op=collect_data", "cause=not-bound", "res=0", NULL };
	int fd;

	/* the marker is to be audited */
	ASSERT_EQ(0, add_rule("audit", "fuse", served->owner));
	ASSERT_EQ(0, start_server(&self->s, BIND));
	fd = open(DIR "/file", O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(EACCES, map_to_execute(fd));
	EXPECT_EQ(1, audit_messages(self->s.log, DIR, words));
}

TEST_F(bind_limits, refused_mprotect_is_audited_by_the_name_of_the_file)
{
	const char *const words[] = {
		"cause=failed-mprotect", "name=\"" DIR "/file\"", NULL,
	};

	ASSERT_EQ(0, add_rule("audit", "fuse", served->owner));
	ASSERT_EQ(0, start_server(&self->s, BIND));
	EXPECT_EQ(EPERM, make_executable(map_to_read(DIR "/file")));
	EXPECT_EQ(1, audit_messages(self->s.log, DIR, words));
}

/* Run a file that has the interpreter on FUSE.  Returns its exit status, or -1 with errno. */
static int by_binfmt_misc(struct __test_metadata *const _metadata)
{
	static const char dir[] = "/proc/sys/fs/binfmt_misc", script[] = LOCAL "/script";
	struct program program;
	int got, error, fd;

	ASSERT_EQ(0, mount("none", dir, "binfmt_misc", 0, NULL));
	ASSERT_EQ(0, write_file("/proc/sys/fs/binfmt_misc/register",
				":ima_test:M::IMATEST::" DIR "/file:F"));
	fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ASSERT_EQ(7, write(fd, "IMATEST", 7));
	close(fd);
	got = start_program(&program, script);
	error = errno;
	if (!got)
		got = end_program(&program);
	EXPECT_EQ(0, write_file("/proc/sys/fs/binfmt_misc/ima_test", "-1"));
	EXPECT_EQ(0, umount2(dir, 0));
	unlink(script);
	errno = error;
	return got;
}

/* The kernel clones an open file without asking, and no rule matches what it executes. */
TEST_F(bind_limits, interpreter_of_binfmt_misc_is_not_executed_unbound)
{
	served->owner = 4105;
	ASSERT_EQ(0, start_server(&self->s, BIND));
	if (access("/proc/sys/fs/binfmt_misc", F_OK))
		SKIP(return, "the kernel has no binfmt_misc");
	EXPECT_EQ(-1, by_binfmt_misc(_metadata));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(bind_limits, plain_interpreter_of_binfmt_misc_is_executed)
{
	served->owner = 4105;
	ASSERT_EQ(0, start_server(&self->s, OPTION));
	if (access("/proc/sys/fs/binfmt_misc", F_OK))
		SKIP(return, "the kernel has no binfmt_misc");
	EXPECT_EQ(0, by_binfmt_misc(_metadata));
}

/*
 * On a filesystem that has fs-verity, with a rule that asks for its digest: a copy that was
 * made before the file had it was checked by nobody.
 */
TEST_F(bind_limits, digest_of_verity_is_of_what_verity_has_checked)
{
	static const char rule[] =
		"measure func=MMAP_CHECK fowner=4310 digest_type=verity template=ima-ngv2";
	struct fsverity_enable_arg arg = {
		.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096,
	};
	const char *device = getenv("IMA_TEST_BTRFS");
	struct news news;
	int fd, unbound, before, after;

	if (!device)
		SKIP(return, "IMA_TEST_BTRFS names no device");
	ASSERT_EQ(0, add_rule_once(rule));
	ASSERT_EQ(0, mount(device, LOCAL, "btrfs", 0, BIND));
	fd = open(LOCAL "/verity", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	ASSERT_EQ(PROGRAM_SIZE, write(fd, served->content[0].data, PROGRAM_SIZE));
	close(fd);
	/* while it is an owner's whom no rule goes by */
	unbound = open(LOCAL "/verity", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(0, chown(LOCAL "/verity", 4310, 4310));
	before = open(LOCAL "/verity", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, ioctl(unbound, FS_IOC_ENABLE_VERITY, &arg)) {
		TH_LOG("%s", strerror(errno));
	}
	after = open(LOCAL "/verity", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, after);

	EXPECT_EQ(EACCES, map_to_execute(before));
	news = news_of(self->s.list, LOCAL "/verity", "verity:sha256:");
	EXPECT_EQ(1, news.violations);
	EXPECT_EQ(0, news.digest);
	EXPECT_EQ(0, map_to_execute(after));
	news = news_of(self->s.list, LOCAL "/verity", "verity:sha256:");
	EXPECT_EQ(0, news.violations);
	EXPECT_EQ(1, news.digest);
	close(unbound);
	close(before);
	close(after);
	unlink(LOCAL "/verity");
	umount2(LOCAL, 0);
}

TEST_HARNESS_MAIN
