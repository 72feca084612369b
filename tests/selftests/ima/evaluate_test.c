// SPDX-License-Identifier: GPL-2.0
/*
 * What ima_nocache makes IMA do: a file whose content is switched without the kernel
 * seeing it is evaluated as it is now.
 *
 * The file stays open all the time, so that its inode and all that IMA knows of it stay. The
 * tests whose name begins with "plain" are without the option and show what is missed then.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"

FIXTURE(evaluate) {
	struct setting s;
};

FIXTURE_SETUP(evaluate)
{
	const char *missing = ima_is_missing() ?: audit_records_are_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s)) {
		TH_LOG("%s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(evaluate)
{
	tear_down(&self->s);
}

TEST_F(evaluate, switched_content_is_measured)
{
	ASSERT_EQ(0, start_userns(&self->s, "measure", 2001, option()));
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[0]));
	served->which = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
}

TEST_F(evaluate, plain_switched_content_is_missed)
{
	ASSERT_EQ(0, start_userns(&self->s, "measure", 2002, NULL));
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[0]));
	served->which = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));
}

TEST_F(evaluate, content_that_comes_back_adds_no_entry)
{
	ASSERT_EQ(0, start_userns(&self->s, "measure", 2003, option()));
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[0]));
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[0]));
	served->which = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
	served->which = 0;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[0]));
}

TEST_F(evaluate, remount_forgets_what_was_known)
{
	int fs;

	ASSERT_EQ(0, start_userns(&self->s, "measure", 2004, NULL));
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[0]));
	served->which = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));

	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[1]));
}

TEST_F(evaluate, each_access_is_audited)
{
	ASSERT_EQ(0, start_userns(&self->s, "audit", 2005, option()));
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, audited(self->s.log, DIR, NULL));
	ASSERT_EQ(0, access_file());
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(2, audited(self->s.log, DIR, NULL));
}

TEST_F(evaluate, plain_only_first_access_is_audited)
{
	ASSERT_EQ(0, start_userns(&self->s, "audit", 2006, NULL));
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, audited(self->s.log, DIR, NULL));
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, audited(self->s.log, DIR, NULL));
}

/* The option only adds evaluations: nothing that failed becomes a pass. */
TEST_F(evaluate, appraisal_of_an_untrusted_mount_still_fails)
{
	ASSERT_EQ(0, start_userns(&self->s, "appraise", 2007, option()));
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(-1, access_file());
		EXPECT_EQ(EACCES, errno);
	}
}

/*
 * A server with direct I/O that gives IMA one content and whoever reads the file
 * then another: the limit of what the option can do. Expected to evade it.
 */
TEST_F(evaluate, limit_hostile_server_evades)
{
	char data[SIZE];

	served->hostile = true;
	ASSERT_EQ(0, start_userns(&self->s, "measure", 2008, option()));
	ASSERT_EQ(0, hold_file(&self->s));
	ASSERT_EQ(SIZE, pread(self->s.held, data, SIZE, 0));
	EXPECT_EQ(0, memcmp(data, served->content[1].data, SIZE));
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));
}

TEST_HARNESS_MAIN
