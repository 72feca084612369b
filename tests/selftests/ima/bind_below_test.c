// SPDX-License-Identifier: GPL-2.0
/*
 * ima_nocache=bind: who else can change a file than its server. They write it, or the device
 * below its filesystem, or have an overlay copy it up.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "bind.h"

FIXTURE(bind_below) {
	struct setting s;
};

FIXTURE_SETUP(bind_below)
{
	const char *missing = bind_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_bound(&self->s));
}

FIXTURE_TEARDOWN(bind_below)
{
	tear_down(&self->s);
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

TEST_F(bind_below, local_writer_reaches_no_reader)
{
	expect_local(_metadata, &self->s, served->owner, BIND, 0);
}

TEST_F(bind_below, plain_local_writer_reaches_readers)
{
	expect_local(_metadata, &self->s, served->owner, OPTION, 1);
}

TEST_F(bind_below, program_that_was_written_can_be_executed)
{
	struct use use;

	ASSERT_EQ(0, mount("none", LOCAL, "tmpfs", 0, BIND));
	ASSERT_EQ(0, write_local(0, O_CREAT));
	ASSERT_EQ(0, chown(LOCAL "/file", served->owner, served->owner));
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

TEST_F(bind_below, what_is_written_to_the_device_reaches_no_user)
{
	expect_below(_metadata, &self->s, BIND, 0);
}

TEST_F(bind_below, plain_what_is_written_to_the_device_reaches_users)
{
	expect_below(_metadata, &self->s, OPTION, 1);
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

TEST_F(bind_below, copy_up_between_open_and_map_hides_nothing)
{
	int list = open_list();

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_MMAP));
	expect_copied_up(_metadata, &self->s, true);
	EXPECT_EQ(1, measured(list, self->s.digest[0]));
}

TEST_F(bind_below, copy_up_before_another_map_hides_nothing)
{
	int list = open_list();

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_MMAP));
	expect_copied_up(_metadata, &self->s, false);
	EXPECT_EQ(1, measured(list, self->s.digest[0]));
}

TEST_F(bind_below, map_does_not_become_executable_after_copy_up)
{
	char *map;

	start_overlay_to_copy_up(_metadata, &self->s, BIND, owner_of_rules(1 << BY_MMAP));
	map = map_to_read(OVERLAY "/file");
	ASSERT_EQ(0, copy_up());
	EXPECT_EQ(EPERM, make_executable(map));
}

/* A program that runs while it is copied up, and what is executed then. */
TEST_F(bind_below, copy_up_between_two_execve_hides_nothing)
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

TEST_F(bind_below, copy_up_within_open_hides_nothing)
{
	expect_copied_up_within_open(_metadata, &self->s, BIND, 0);
}

TEST_F(bind_below, plain_copy_up_within_open_hides_what_is_below)
{
	expect_copied_up_within_open(_metadata, &self->s, OPTION, 1);
}

TEST_HARNESS_MAIN
