// SPDX-License-Identifier: GPL-2.0
/*
 * What concurrent accesses on ima_nocache mounts may share: an evaluation that began
 * after they asked, and nothing else.
 *
 * IMA_TEST_EXT4 in the environment is a block device with ext4 for some of these, in whose
 * root they leave files.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"
#include "tasks.h"

FIXTURE(sharing) {
	struct setting s;
};

FIXTURE_SETUP(sharing)
{
	const char *missing = ima_is_missing() ?: audit_records_are_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s)) {
		TH_LOG("%s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(sharing)
{
	tear_down(&self->s);
}

#define TASKS 16

static pthread_barrier_t barrier;

/* One of those who open the file at the same moment. */
struct asker {
	pthread_t thread;
	uid_t uid;
	int flags; /* of open(2), more than usual */
	int error; /* of open(2), or 0 */
};

static void *ask(void *arg)
{
	struct asker *asker = arg;
	int fd;

	/* glibc's function would change all threads */
	if (syscall(SYS_setresuid, asker->uid, asker->uid, asker->uid))
		asker->error = errno;
	pthread_barrier_wait(&barrier);
	fd = open(DIR "/file", O_RDONLY | O_CLOEXEC | asker->flags);
	if (fd < 0)
		asker->error = errno;
	else
		close(fd);
	return NULL;
}

static void ask_at_once(struct __test_metadata *const _metadata, struct asker *askers, int n)
{
	ASSERT_EQ(0, pthread_barrier_init(&barrier, NULL, n));
	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, pthread_create(&askers[i].thread, NULL, ask, &askers[i]));
	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, pthread_join(askers[i].thread, NULL));
}

struct writer {
	pthread_t thread;
	char *map; /* of the file */
	atomic_bool stop;
};

static void *write_again_and_again(void *arg)
{
	struct writer *writer = arg;
	atomic_ulong *first = (void *)writer->map;

	while (!atomic_load(&writer->stop)) {
		atomic_fetch_add(first, 1);
		sched_yield();
	}
	return NULL;
}

/*
 * Have @tasks of them open a file on @type at once, which must be audited for each.  As it
 * never stays as it is, what was evaluated anew has another digest: returns how many.
 */
static int evaluations(struct __test_metadata *const _metadata, struct setting *s,
		       const char *type, uid_t uid, int tasks)
{
	struct asker askers[TASKS] = {};
	struct writer writer = {};
	int accesses, n;

	ASSERT_EQ(0, mount("none", DIR, type, 0, option()));
	writer.map = make_files(DIR, LARGE_SIZE, uid);
	ASSERT_NE(NULL, writer.map);
	ASSERT_EQ(0, add_rule("audit", type, uid));

	ASSERT_EQ(0, pthread_create(&writer.thread, NULL, write_again_and_again, &writer));
	ask_at_once(_metadata, askers, tasks);
	for (int i = 0; i < tasks; i++)
		EXPECT_EQ(0, askers[i].error);
	writer.stop = true;
	ASSERT_EQ(0, pthread_join(writer.thread, NULL));
	n = audited_digests(s->log, DIR, TASKS, &accesses);
	TH_LOG("%d tasks, evaluated %d times", tasks, n);
	EXPECT_EQ(tasks, accesses);
	return n;
}

/*
 * Who asks while an evaluation runs may not be answered by it, which began before,
 * but all who do so may share the next one.  Each is audited all the same.
 */
TEST_F_TIMEOUT(sharing, concurrent_accesses_share_evaluations, 300)
{
	int n = evaluations(_metadata, &self->s, "tmpfs", 2021, TASKS);

	EXPECT_LE(1, n);
	EXPECT_GE(3, n);
}

/* Without i_version the content may depend on the open file, as on 9p and SMB. */
TEST_F_TIMEOUT(sharing, concurrent_accesses_share_nothing_without_i_version, 300)
{
	EXPECT_EQ(4, evaluations(_metadata, &self->s, "ramfs", 2039, 4));
}

/*
 * The rule for one of two users takes the algorithm of the label, that for the other not.
 * What other options of a rule ask for (appraise_type=, say) stays with the inode, for all.
 */
TEST_F_TIMEOUT(sharing, concurrent_accesses_share_no_verdict, 300)
{
	static const uid_t passes = 2028, fails = 2029;
	struct asker askers[] = {
		{ .uid = passes }, { .uid = fails }, { .uid = fails }, { .uid = fails },
	};
	const int n = sizeof(askers) / sizeof(*askers);
	char digest[DIGEST_SIZE], value[64], *map;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, option()));
	map = make_files(DIR, LARGE_SIZE, 2027);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest));
	munmap(map, LARGE_SIZE);
	ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value, ima_xattr(digest, value), 0));
	ASSERT_EQ(0, add_rule_once("appraise fowner=2027 uid=2028"));
	ASSERT_EQ(0, add_rule_once("appraise fowner=2027 uid=2029 appraise_algos=sha1"));

	ask_at_once(_metadata, askers, n);
	for (int i = 0; i < n; i++)
		EXPECT_EQ(askers[i].uid == passes ? 0 : EACCES, askers[i].error);
}

/* IMA has no digest for direct I/O, which need not read what is in the page cache. */
TEST_F_TIMEOUT(sharing, concurrent_accesses_do_not_answer_direct_io, 300)
{
	const char *device = getenv("IMA_TEST_EXT4");
	struct asker askers[8] = {};
	char *map;

	if (!device)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(device, DIR, "ext4", 0, option())) {
		TH_LOG("%s: %s", device, strerror(errno));
	}
	/* as the rule is there before the file, IMA labels it when it is closed */
	ASSERT_EQ(0, add_rule("appraise", "ext4", 2030));
	map = make_files(DIR, LARGE_SIZE, 2030);
	ASSERT_NE(NULL, map);
	munmap(map, LARGE_SIZE);

	for (int i = 0; i < 8; i++)
		askers[i].flags = i % 2 ? O_DIRECT : 0;
	ask_at_once(_metadata, askers, 8);
	for (int i = 0; i < 8; i++)
		EXPECT_EQ(i % 2 ? EACCES : 0, askers[i].error);
}

#define OTHERS 4

struct other {
	pthread_t thread;
	int flags; /* that it opens the file with */
	atomic_bool stop;
};

static void *open_again_and_again(void *arg)
{
	struct other *other = arg;
	int fd;

	while (!atomic_load(&other->stop)) {
		fd = open(DIR "/file", O_RDONLY | O_CLOEXEC | other->flags);
		if (fd < 0)
			return arg;
		close(fd);
	}
	return NULL;
}

/* On FUSE, or where @mapped is the file, which no kernel sees written. */
static void set_content(char *mapped, int round)
{
	char *data = mapped ?: served->content[round % 2].data;

	memset(data, 0, SIZE);
	snprintf(data, SIZE, "round %d of test %d", round, getpid());
	served->which = round % 2;
}

/*
 * Others keep evaluating the file, every second one of them with more @flags of open(2);
 * an access after a switch must still see the switch.
 */
static void others_hide_no_switch(struct __test_metadata *const _metadata,
				  struct setting *s, char *mapped, int flags)
{
	struct other others[OTHERS] = {};
	char digest[ROUNDS][DIGEST_SIZE];

	/* now, since the log does not hold what is audited meanwhile */
	for (int round = 0; round < ROUNDS; round++) {
		set_content(mapped, round);
		ASSERT_EQ(0, sha256(mapped ?: served->content[round % 2].data, SIZE,
				    digest[round]));
	}
	set_content(mapped, ROUNDS); /* which is held, and is none of them */
	ASSERT_EQ(0, hold_file(s));
	for (int i = 0; i < OTHERS; i++) {
		others[i].flags = i % 2 ? flags : 0;
		ASSERT_EQ(0, pthread_create(&others[i].thread, NULL, open_again_and_again,
					    &others[i]));
	}
	for (int round = 0; round < ROUNDS; round++) {
		set_content(mapped, round);
		ASSERT_EQ(0, access_file());
		EXPECT_LE(1, measured(s->list, digest[round])) {
			TH_LOG("round %d", round);
		}
		EXPECT_LE(1, audited(s->log, DIR, digest[round])) {
			TH_LOG("round %d", round);
		}
	}
	for (int i = 0; i < OTHERS; i++) {
		void *failed;

		others[i].stop = true;
		ASSERT_EQ(0, pthread_join(others[i].thread, &failed));
		EXPECT_EQ(NULL, failed);
	}
}

TEST_F_TIMEOUT(sharing, concurrent_accesses_miss_no_switch, 120)
{
	char *map;

	ASSERT_EQ(0, add_rule("audit", "overlay", 2022));
	ASSERT_EQ(0, add_rule("measure", "overlay", 2022));
	map = start_overlay(NULL, SIZE, 2022);
	ASSERT_NE(NULL, map);
	others_hide_no_switch(_metadata, &self->s, map, 0);
}

TEST_F_TIMEOUT(sharing, concurrent_accesses_miss_no_switch_on_fuse, 120)
{
	ASSERT_EQ(0, add_rule("audit", "fuse", 2023));
	ASSERT_EQ(0, start_userns(&self->s, "measure", 2023, option()));
	others_hide_no_switch(_metadata, &self->s, NULL, 0);
}

/*
 * A file that is open for direct I/O has no digest, which is measured all the same:
 * nobody is answered by that.
 */
TEST_F_TIMEOUT(sharing, concurrent_failures_answer_no_other_access, 120)
{
	const char *device = getenv("IMA_TEST_EXT4");
	char *map;

	if (!device)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, add_rule("audit", "overlay", 2024));
	ASSERT_EQ(0, add_rule("measure", "overlay", 2024));
	map = start_overlay(device, SIZE, 2024);
	ASSERT_NE(NULL, map);
	others_hide_no_switch(_metadata, &self->s, map, O_DIRECT);
}

/*
 * The rule for one user takes a hash for the file's label, that for another nothing but a
 * signature.  While an evaluation runs both come to wait, and the former's answers for
 * the digest, but not for the label.  Until they do, it is tried again, with another file:
 * that a signature is asked for stays with the inode.
 */
TEST_F_TIMEOUT(sharing, shared_digest_is_appraised_by_each_rule, 300)
{
	bool met;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, option()));
	ASSERT_EQ(0, add_rule_once("appraise fowner=2036 uid=2034"));
	ASSERT_EQ(0, add_rule_once("appraise fowner=2036 uid=2035 appraise_type=imasig"));
	do {
		struct task busy = { .uid = 2034 }, hash = { .uid = 2034 }, sig = { .uid = 2035 };
		char digest[DIGEST_SIZE], value[64], *map;
		int opened;
		void *failed;

		map = make_files(DIR, LARGE_SIZE, 2036);
		ASSERT_NE(NULL, map);
		ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest));
		munmap(map, LARGE_SIZE);
		ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value,
				      ima_xattr(digest, value), 0));

		ASSERT_EQ(0, start_hashing(&busy));
		ASSERT_EQ(0, start_opening(&hash));
		met = opening_waits(&hash);
		ASSERT_EQ(0, start_opening(&sig));
		met = opening_waits(&sig) && met;
		EXPECT_EQ(0, has_opened(&busy));
		opened = has_opened(&hash);
		if (met)
			EXPECT_EQ(0, opened);
		ASSERT_EQ(0, pthread_join(sig.thread, &failed));
		EXPECT_EQ(&sig, failed);
	} while (!met);
}

/*
 * Who waits takes a digest, but not the record of another: the rule for one user has another
 * template, and one opens the file by another name.  Until they come to wait for the same
 * evaluation it is tried again, with another content.
 */
TEST_F_TIMEOUT(sharing, each_access_makes_its_own_record, 300)
{
	int tries[2] = { getpid() };
	char digest[DIGEST_SIZE], *map;
	bool met;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, option()));
	ASSERT_EQ(0, add_rule_once("measure fowner=2040 uid=2041"));
	ASSERT_EQ(0, add_rule_once("measure fowner=2040 uid=2042 template=ima-sig"));
	map = make_files(DIR, LARGE_SIZE, 2040);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, link(DIR "/file", DIR "/link"));
	munmap(map, LARGE_SIZE);
	do {
		struct task busy = { .uid = 2041 }, same = { .uid = 2041 },
			    template = { .uid = 2042 },
			    name = { .uid = 2041, .path = DIR "/link" };
		int fd = open(DIR "/file", O_RDWR | O_CLOEXEC);

		ASSERT_LE(0, fd);
		tries[1]++;
		ASSERT_EQ(sizeof(tries), pwrite(fd, tries, sizeof(tries), 0));
		map = mmap(NULL, LARGE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
		ASSERT_NE(MAP_FAILED, map);
		close(fd);
		ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest));
		munmap(map, LARGE_SIZE);
		measured(self->s.list, digest);

		ASSERT_EQ(0, start_hashing(&busy));
		ASSERT_EQ(0, start_opening(&same));
		met = opening_waits(&same);
		ASSERT_EQ(0, start_opening(&template));
		met = opening_waits(&template) && met;
		ASSERT_EQ(0, start_opening(&name));
		met = opening_waits(&name) && met;
		EXPECT_EQ(0, has_opened(&busy));
		EXPECT_EQ(0, has_opened(&same));
		EXPECT_EQ(0, has_opened(&template));
		EXPECT_EQ(0, has_opened(&name));
	} while (!met);
	/* the first two are the same */
	EXPECT_EQ(3, measured(self->s.list, digest));
}

/* An appraisal by SHA-1 waits, and a measurement, which takes no digest of that. */
TEST_F_TIMEOUT(sharing, digest_of_another_algorithm_is_not_shared, 300)
{
	char sha1[DIGEST_SIZE], hex[DIGEST_SIZE], *map;
	struct news news;
	bool met;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, option()));
	ASSERT_EQ(0, add_rule_once("appraise fowner=2043 uid=2044"));
	ASSERT_EQ(0, add_rule_once("measure fowner=2043 uid=2045"));
	do {
		struct task busy = { .uid = 2044 }, appraised = { .uid = 2044 },
			    measured = { .uid = 2045 };
		char value[64] = { 0x04, 0x02 }; /* IMA_XATTR_DIGEST_NG, HASH_ALGO_SHA1 */

		map = make_files(DIR, LARGE_SIZE, 2043);
		ASSERT_NE(NULL, map);
		ASSERT_EQ(0, sha256(map, LARGE_SIZE, hex));
		ASSERT_EQ(0, digest("sha1sum", map, LARGE_SIZE, sha1, sizeof(sha1)));
		munmap(map, LARGE_SIZE);
		ASSERT_EQ(20, from_hex(sha1, value + 2));
		ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value, 22, 0));

		ASSERT_EQ(0, start_hashing(&busy));
		ASSERT_EQ(0, start_opening(&appraised));
		met = opening_waits(&appraised);
		ASSERT_EQ(0, start_opening(&measured));
		met = opening_waits(&measured) && met;
		EXPECT_EQ(0, has_opened(&busy));
		EXPECT_EQ(0, has_opened(&appraised));
		EXPECT_EQ(0, has_opened(&measured));
	} while (!met);
	news = news_of(self->s.list, DIR "/file", hex);
	EXPECT_EQ(1, news.digest);
	EXPECT_EQ(1, news.entries);
}

/*
 * On FUSE what is read depends on the open file, and who mounted it can say by a remount
 * that it has i_version, where that is not so.  One opens it, and waits for the
 * evaluation of another task; the content is switched for those that open it from now on;
 * one more opens it and waits.  The first one's evaluation is no answer for that.
 */
TEST_F_TIMEOUT(sharing, evaluation_of_another_open_file_is_no_answer_on_fuse, 60)
{
	struct task busy = {}, before = {}, after = {};

	served->by_open = true;
	ASSERT_EQ(0, start_userns(&self->s, "audit", 2025, option()));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_I_VERSION, NULL)) {
		TH_LOG("%s", strerror(errno));
	}
	ASSERT_EQ(0, hold_file(&self->s));
	EXPECT_EQ(1, audited(self->s.log, DIR, self->s.digest[0]));

	served->hold_back = true;
	ASSERT_EQ(0, start_opening(&busy));
	while (!served->held_back)
		sched_yield();
	ASSERT_EQ(0, start_opening(&before));
	ASSERT_TRUE(opening_waits(&before));
	served->which = 1;
	ASSERT_EQ(0, start_opening(&after));
	ASSERT_TRUE(opening_waits(&after));

	/* which has the server answer the first one */
	ASSERT_EQ(0, access(DIR "/marker99", F_OK));
	EXPECT_EQ(0, has_opened(&busy));
	EXPECT_EQ(0, has_opened(&before));
	EXPECT_EQ(0, has_opened(&after));
	EXPECT_EQ(1, audited(self->s.log, DIR, self->s.digest[1]));
}

TEST_HARNESS_MAIN
