// SPDX-License-Identifier: GPL-2.0
/*
 * What ima_nocache makes IMA do with files that the kernel reads into a buffer before it asks,
 * as modules are: what is in the buffer is evaluated, and answers no other access.
 */
#include <errno.h>
#include <linux/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"
#include "tasks.h"

FIXTURE(buffer) {
	struct setting s;
};

FIXTURE_SETUP(buffer)
{
	const char *missing = ima_is_missing() ?: audit_records_are_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s)) {
		TH_LOG("%s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(buffer)
{
	tear_down(&self->s);
}

/* The file is on an overlay, and map[0] of what is returned tells its two contents. */
static char *start_loading_from_overlay(struct __test_metadata *const _metadata,
					struct setting *s, uid_t uid,
					char digest[2][DIGEST_SIZE])
{
	char rule[64], *map;

	ASSERT_EQ(0, add_rule("audit", "overlay", uid));
	snprintf(rule, sizeof(rule), "audit func=MODULE_CHECK fsname=overlay fowner=%d", uid);
	ASSERT_EQ(0, add_rule_once(rule));
	map = start_overlay(NULL, LARGE_SIZE, uid);
	ASSERT_NE(NULL, map);
	for (int i = 0; i < 2; i++) {
		map[0] = i;
		ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest[i]));
	}
	map[0] = 0;
	ASSERT_EQ(0, hold_file(s));
	EXPECT_EQ(1, audited(s->log, DIR, digest[0]));
	return map;
}

/* With the first content: one that will load the file, and one that IMA is busy for. */
static void start_try(struct __test_metadata *const _metadata, char *map, struct loader *loader,
		      struct task *busy)
{
	map[0] = 0;
	ASSERT_EQ(0, start_loader(loader, 0, 0));
	ASSERT_EQ(0, start_hashing(busy));
}

/*
 * The kernel reads a file into a buffer, as a module, and then asks IMA, which is
 * busy with the file.  Until its turn comes the content is switched and opened.  What
 * is found in the buffer is no answer to that open, which asks before IMA looks at the
 * buffer, but after it was filled.  Reading takes less than the hashing that it waits
 * for, if nothing gets in its way: until that is so it is tried again.
 */
TEST_F_TIMEOUT(buffer, evaluation_of_a_buffer_answers_no_other_access, 300)
{
	char digest[2][DIGEST_SIZE], *map;
	int switched = 0;
	bool met;

	map = start_loading_from_overlay(_metadata, &self->s, 2026, digest);
	do {
		struct task busy = {}, other = {};
		struct loader loader;

		start_try(_metadata, map, &loader, &busy);
		ASSERT_EQ(0, start_loading(&loader, self->s.held));
		met = loading_waits(&loader);
		if (met) {
			map[0] = 1;
			ASSERT_EQ(0, start_opening(&other));
			met = opening_waits(&other);
			EXPECT_EQ(0, has_opened(&other));
			switched++;
		}
		EXPECT_EQ(0, has_opened(&busy));
		EXPECT_EQ(ENOEXEC, has_loaded(&loader));
	} while (!met);
	EXPECT_EQ(switched, audited(self->s.log, DIR, digest[1]));
}

/*
 * The same the other way: who opened the file waits, the kernel has read it into a buffer,
 * and the content is switched.  What the former then finds is not in the buffer.
 */
TEST_F_TIMEOUT(buffer, buffer_is_answered_by_no_other_access, 300)
{
	char digest[2][DIGEST_SIZE], *map;
	int found;
	bool met;

	map = start_loading_from_overlay(_metadata, &self->s, 2038, digest);
	do {
		struct task busy = {}, other = {};
		struct loader loader;

		start_try(_metadata, map, &loader, &busy);
		ASSERT_EQ(0, start_opening(&other));
		met = opening_waits(&other);
		ASSERT_EQ(0, start_loading(&loader, self->s.held));
		met = loading_waits(&loader) && met;
		map[0] = 1;
		/* still */
		met = opening_waits(&other) && met;
		EXPECT_EQ(0, has_opened(&busy));
		EXPECT_EQ(0, has_opened(&other));
		EXPECT_EQ(ENOEXEC, has_loaded(&loader));
		found = audited(self->s.log, DIR, digest[0]);
	} while (!met);
	/* by the one that was busy, and in the buffer */
	EXPECT_EQ(2, found);
}

static void start_compressed(struct __test_metadata *const _metadata,
			     struct setting *s, uid_t uid, const char *option,
			     struct loader loaders[2])
{
	char rule[64];

	snprintf(rule, sizeof(rule), "measure func=MODULE_CHECK fowner=%u", uid);
	ASSERT_EQ(0, add_rule_once(rule));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, start_loader(&loaders[i], uid, MODULE_INIT_COMPRESSED_FILE));
	ASSERT_EQ(0, enter_userns(uid, 0));
	ASSERT_EQ(0, start_server(s, option));
	ASSERT_EQ(0, hold_file(s));
}

/* Opened for it, which drops the pages that the kernel has.  Returns the error number. */
static int load_compressed(struct __test_metadata *const _metadata, struct loader *loader)
{
	int fd = open_file(), error;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, start_loading(loader, fd));
	error = has_loaded(loader);
	close(fd);
	return error;
}

/*
 * IMA is asked twice: for the file, of which it takes the digest, and decides when it
 * gets what came out of that.  With the option it has then no digest but of the latter.
 */
TEST_F(buffer, switched_compressed_module_is_measured)
{
	struct loader loaders[2];
	char image[2][DIGEST_SIZE];
	int error;

	ASSERT_EQ(0, compress_contents(&self->s, image));
	start_compressed(_metadata, &self->s, 2031, option(), loaders);
	for (int i = 0; i < 2; i++) {
		served->which = i;
		error = load_compressed(_metadata, &loaders[i]);
		if (error == EOPNOTSUPP)
			SKIP(return, "the kernel decompresses no modules");
		EXPECT_EQ(ENOEXEC, error);
		EXPECT_EQ(1, measured(self->s.list, image[i]));
	}
}

TEST_F(buffer, plain_switched_compressed_module_is_missed)
{
	struct loader loaders[2];
	char image[2][DIGEST_SIZE];
	int error;

	ASSERT_EQ(0, compress_contents(&self->s, image));
	start_compressed(_metadata, &self->s, 2032, NULL, loaders);
	error = load_compressed(_metadata, &loaders[0]);
	if (error == EOPNOTSUPP)
		SKIP(return, "the kernel decompresses no modules");
	EXPECT_EQ(ENOEXEC, error);
	EXPECT_EQ(1, measured(self->s.list, self->s.digest[0]));
	served->which = 1;
	EXPECT_EQ(ENOEXEC, load_compressed(_metadata, &loaders[1]));
	EXPECT_EQ(0, measured(self->s.list, self->s.digest[1]));
}

TEST_HARNESS_MAIN
