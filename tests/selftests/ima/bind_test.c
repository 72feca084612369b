// SPDX-License-Identifier: GPL-2.0
/*
 * ima_nocache=bind: what is used of a file is what IMA has measured, whatever its server does
 * after that.
 *
 * Each attack is tried on a file that is open, mapped and executed, with the option on FUSE
 * mounted by root and in a user namespace, and below an overlay. As a control it is tried
 * with plain ima_nocache, where it must succeed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "bind.h"

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
		ASSERT_TRUE(errno == EOPNOTSUPP || errno == ENOTTY);
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
TEST_F_TIMEOUT(bind, whatever_a_reader_gets_is_listed, 300)
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

TEST_HARNESS_MAIN
