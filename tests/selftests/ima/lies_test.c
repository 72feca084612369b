// SPDX-License-Identifier: GPL-2.0
/*
 * A server that lies about its file, with ima_nocache: each access that a rule matches
 * leaves the digest of what was read in the measurement list, or a violation.
 *
 * The lies need no race: a size that is not that of the content, a read that fails, another
 * beginning for execve(2), a label that names another hash algorithm. Each is tried by the
 * hooks of open, execve and mmap, on FUSE mounted by root and in a user namespace, and
 * through overlayfs. The file stays open meanwhile, so that its inode stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"
#include "tasks.h"

#define OVERLAY "/mnt/overlay"

enum hook { BY_OPEN, BY_EXEC, BY_MMAP, BY_CREDENTIALS, HOOKS };

static const char *const hook_names[HOOKS] = {
	"FILE_CHECK", "BPRM_CHECK", "MMAP_CHECK", "CREDS_CHECK",
};

/* Rules with these actions for the hook go by this owner of the file. */
static uid_t owner_for(enum hook hook, const char *actions)
{
	return 3000 + 100 * strlen(actions) + hook;
}

static int set_up_lies(struct setting *s)
{
	if (set_up(s) || mkdir(OVERLAY, 0777))
		return -1;
	/* a script that ends with the number of its content, and is this test's alone */
	for (int i = 0; i < CONTENTS; i++) {
		memset(served->content[i].data, '#', MAX_SIZE);
		sprintf(served->content[i].data, "#!/bin/sh\nexit %d #%d\n#", i, getpid());
		served->content[i].data[strlen(served->content[i].data)] = '#';
		if (sha256(served->content[i].data, SIZE, s->digest[i]))
			return -1;
	}
	return 0;
}

static int set_size(struct setting *s, int i, size_t size, off_t told)
{
	served->content[i].size = size;
	served->content[i].told = told;
	return sha256(served->content[i].data, size, s->digest[i]);
}

static int set_sizes(struct setting *s, size_t size, off_t told)
{
	for (int i = 0; i < CONTENTS; i++)
		if (set_size(s, i, size, told))
			return -1;
	return 0;
}

/* The way to the file that is evaluated. */
struct way {
	enum hook hook;
	bool userns;
	bool overlay; /* above the filesystem that is served */
};

static const char *file_of(const struct way *way)
{
	return way->overlay ? OVERLAY "/file" : DIR "/file";
}

/* Rules with these actions, separated by blanks; then mount it all and hold the file. */
static int start(struct setting *s, const struct way *way, const char *actions,
		 const char *option)
{
	uid_t owner = owner_for(way->hook, actions);
	char list[32], *rest = list, *action, rule[128];

	snprintf(list, sizeof(list), "%s", actions);
	while ((action = strsep(&rest, " "))) {
		snprintf(rule, sizeof(rule), "%s func=%s fsname=%s fowner=%u", action,
			 hook_names[way->hook], way->overlay ? "overlay" : "fuse", owner);
		if (add_rule_once(rule))
			return -1;
	}
	if (way->userns && enter_userns(owner, 0))
		return -1;
	served->owner = way->userns ? 0 : owner;
	if (start_server(s, option))
		return -1;
	if (way->overlay &&
	    mount("none", OVERLAY, "overlay", MS_RDONLY, "lowerdir=" DIR ":/etc"))
		return -1;
	s->held = open(file_of(way), O_PATH | O_CLOEXEC);
	return s->held < 0 ? -1 : 0;
}

/* Returns the exit status, or -1 with errno if execve(2) failed. */
static int run(const char *path)
{
	struct program program;

	return start_program(&program, path) ? -1 : end_program(&program);
}

/* Use the file by the hook.  Returns 0, what the program returned, or -1 with errno. */
static int use(const struct way *way)
{
	const char *path = file_of(way);
	void *map = NULL;
	int fd;

	if (way->hook == BY_EXEC || way->hook == BY_CREDENTIALS)
		return run(path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (way->hook == BY_MMAP)
		map = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	close(fd);
	return map == MAP_FAILED ? -1 : 0;
}

static struct news news(struct setting *s, const struct way *way, int content)
{
	return news_of(s->list, file_of(way), s->digest[content]);
}

FIXTURE(lies) {
	struct setting s;
};

FIXTURE_VARIANT(lies) {
	struct way way;
};

FIXTURE_VARIANT_ADD(lies, open_root) { .way = { BY_OPEN, false, false } };
FIXTURE_VARIANT_ADD(lies, exec_root) { .way = { BY_EXEC, false, false } };
FIXTURE_VARIANT_ADD(lies, mmap_root) { .way = { BY_MMAP, false, false } };
FIXTURE_VARIANT_ADD(lies, open_userns) { .way = { BY_OPEN, true, false } };
FIXTURE_VARIANT_ADD(lies, exec_userns) { .way = { BY_EXEC, true, false } };
FIXTURE_VARIANT_ADD(lies, mmap_userns) { .way = { BY_MMAP, true, false } };
FIXTURE_VARIANT_ADD(lies, open_overlay) { .way = { BY_OPEN, true, true } };
FIXTURE_VARIANT_ADD(lies, exec_overlay) { .way = { BY_EXEC, true, true } };
FIXTURE_VARIANT_ADD(lies, mmap_overlay) { .way = { BY_MMAP, true, true } };

FIXTURE_SETUP(lies)
{
	const char *missing = ima_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_lies(&self->s)) {
		TH_LOG("%s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(lies)
{
	tear_down(&self->s);
}

/* Each content is used in turn, and leaves its digest, and nothing else. */
static void digests_are_listed(struct __test_metadata *const _metadata, struct setting *s,
			       const struct way *way)
{
	ASSERT_EQ(0, start(s, way, "measure", option())) {
		TH_LOG("%s", strerror(errno));
	}
	for (int i = 0; i < CONTENTS; i++) {
		struct news got;

		served->which = i;
		EXPECT_EQ(way->hook == BY_EXEC ? i : 0, use(way)) {
			TH_LOG("content %d: %s", i, strerror(errno));
		}
		got = news(s, way, i);
		EXPECT_EQ(1, got.digest) {
			TH_LOG("content %d", i);
		}
		EXPECT_EQ(0, got.violations);
		EXPECT_EQ(1, got.entries);
	}
}

/* As many virtual files have it. */
TEST_F(lies, size_of_zero_hides_nothing)
{
	served->direct_io = true;
	ASSERT_EQ(0, set_sizes(&self->s, 9000, 0));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(lies, size_that_is_too_small_hides_nothing)
{
	served->direct_io = true;
	ASSERT_EQ(0, set_sizes(&self->s, 9000, 4096));
	/* all that the size admits is the same */
	for (int i = 0; i < CONTENTS && variant->way.hook != BY_EXEC; i++) {
		memset(served->content[i].data, '#', 4096);
		snprintf(served->content[i].data + 4096, 64, "%d %d", i, getpid());
		ASSERT_EQ(0, set_size(&self->s, i, 9000, 4096));
	}
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(lies, size_that_is_too_large_hides_nothing)
{
	served->direct_io = true;
	served->timeout = 0;
	ASSERT_EQ(0, set_sizes(&self->s, SIZE, SIZE + 1));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(lies, largest_size_hides_nothing)
{
	served->direct_io = true;
	ASSERT_EQ(0, set_sizes(&self->s, 5000, (off_t)(~0UL >> 1)));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

/* Of an honest server, through the page cache. */
TEST_F(lies, file_that_grows_is_measured_whole)
{
	served->timeout = 0;
	ASSERT_EQ(0, set_size(&self->s, 0, 100, 100));
	ASSERT_EQ(0, set_size(&self->s, 1, 10000, 10000));
	ASSERT_EQ(0, set_size(&self->s, 2, 20000, 20000));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(lies, file_that_shrinks_is_measured_whole)
{
	served->timeout = 0;
	ASSERT_EQ(0, set_size(&self->s, 0, 20000, 20000));
	ASSERT_EQ(0, set_size(&self->s, 1, 10000, 10000));
	ASSERT_EQ(0, set_size(&self->s, 2, 100, 100));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

/*
 * Even if the kernel may believe the old size for long.  What execve(2) reads first it reads
 * before that, and here it is the same.
 */
TEST_F(lies, size_that_is_kept_is_asked_for)
{
	ASSERT_EQ(0, set_size(&self->s, 0, 300, 300));
	ASSERT_EQ(0, set_size(&self->s, 1, 20000, 20000));
	ASSERT_EQ(0, set_size(&self->s, 2, 5000, 5000));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(lies, short_answers_hide_nothing)
{
	served->direct_io = true;
	served->most = 1000;
	ASSERT_EQ(0, set_sizes(&self->s, 9000, 0));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

/* The first read of IMA fails, with one error after the other; the others do not. */
TEST_F(lies, read_that_fails_is_a_violation_each_time)
{
	static const int errors[] = {
		EIO, EINVAL, ENOENT, ENOMEM, EAGAIN, EINTR, EBADF, EACCES, ENODATA, EPERM,
	};

	served->direct_io = true;
	/* execve(2) reads before */
	served->failing = variant->way.hook == BY_EXEC ? 2 : 1;
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	for (size_t i = 0; i < 2 * ARRAY_SIZE(errors); i++) {
		struct news got;

		served->error = errors[i / 2];
		served->which = i % CONTENTS;
		EXPECT_LE(0, use(&variant->way)) {
			TH_LOG("%s: %s", strerror(served->error), strerror(errno));
		}
		got = news(&self->s, &variant->way, i % CONTENTS);
		EXPECT_EQ(1, got.violations) {
			TH_LOG("%s", strerror(served->error));
		}
		EXPECT_EQ(1, got.entries);
	}
}

TEST_F(lies, read_that_fails_later_is_a_violation)
{
	served->direct_io = true;
	served->failing = variant->way.hook == BY_EXEC ? 4 : 3;
	served->error = EIO;
	ASSERT_EQ(0, set_sizes(&self->s, 20000, 20000));
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	for (int i = 0; i < CONTENTS; i++) {
		struct news got;

		served->which = i;
		EXPECT_LE(0, use(&variant->way));
		got = news(&self->s, &variant->way, i);
		EXPECT_EQ(1, got.violations);
		EXPECT_EQ(1, got.entries);
	}
}

/* A label that ends where its algorithm is named, and the rest of which is anything. */
static void label(unsigned char algorithm)
{
	memset(served->value[XATTR_IMA][0], 0, 66);
	served->value[XATTR_IMA][0][0] = 0x04; /* IMA_XATTR_DIGEST_NG */
	served->value[XATTR_IMA][0][1] = algorithm;
	served->len[XATTR_IMA][0] = 34;
}

#define HASH_ALGO_MD5 1 /* from uapi/linux/hash_info.h */
#define HASH_ALGO_SHA1 2
#define HASH_ALGO_SHA256 4
#define HASH_ALGO_TGR_128 14 /* which no kernel implements */

TEST_F(lies, unknown_algorithm_of_a_label_hides_nothing)
{
	label(HASH_ALGO_TGR_128);
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(lies, algorithm_of_a_label_is_not_that_of_the_list)
{
	static const unsigned char algorithms[] = { HASH_ALGO_MD5, HASH_ALGO_SHA1 };

	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	for (int i = 0; i < 2; i++) {
		label(algorithms[i]);
		served->which = i;
		EXPECT_LE(0, use(&variant->way));
		EXPECT_EQ(1, news(&self->s, &variant->way, i).digest);
	}
}

/* What is used is listed at all, even without the option. */
TEST_F(lies, unknown_algorithm_of_a_label_is_measured_without_the_option)
{
	label(HASH_ALGO_TGR_128);
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", NULL));
	EXPECT_LE(0, use(&variant->way));
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).digest);
}

TEST_F(lies, direct_io_is_a_violation_each_time)
{
	int fd;

	if (variant->way.hook == BY_EXEC)
		SKIP(return, "execve(2) opens without O_DIRECT");
	served->direct_io = true;
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	for (int i = 0; i < CONTENTS; i++) {
		struct news got;

		fd = open(file_of(&variant->way), O_RDONLY | O_DIRECT | O_CLOEXEC);
		ASSERT_LE(0, fd);
		if (variant->way.hook == BY_MMAP)
			ASSERT_NE(MAP_FAILED, mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE,
						   fd, 0));
		close(fd);
		got = news(&self->s, &variant->way, i);
		EXPECT_EQ(1, got.violations);
		EXPECT_EQ(1, got.entries);
	}
}

/* ---- the log of audit, and appraisal --------------------------------------- */

FIXTURE(log) {
	struct setting s;
};

FIXTURE_VARIANT(log) {
	struct way way;
};

FIXTURE_VARIANT_ADD(log, root) { .way = { BY_OPEN, false, false } };
FIXTURE_VARIANT_ADD(log, userns) { .way = { BY_OPEN, true, false } };

FIXTURE_SETUP(log)
{
	const char *missing = ima_is_missing() ?: audit_records_are_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_lies(&self->s));
	served->direct_io = true;
}

FIXTURE_TEARDOWN(log)
{
	tear_down(&self->s);
}

/* EINVAL is the error that IMA takes for a digest of zeros otherwise. */
TEST_F(log, read_that_fails_has_no_digest)
{
	static const char *const zeros[] = { "type=1805", "/file\"", "sha256:00000000", NULL };

	ASSERT_EQ(0, start(&self->s, &variant->way, "audit", option()));
	served->failing = 1;
	served->error = EINVAL;
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(0, audit_messages(self->s.log, DIR, zeros));
}

TEST_F(log, read_that_fails_is_told)
{
	static const char *const failed[] = { "op=collect_data", "name=\"file\"", "res=0", NULL };

	ASSERT_EQ(0, start(&self->s, &variant->way, "audit", option()));
	served->failing = 1;
	served->error = EIO;
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(1, audit_messages(self->s.log, DIR, failed));
}

TEST_F(log, algorithm_of_a_label_is_not_that_of_the_log)
{
	ASSERT_EQ(0, start(&self->s, &variant->way, "audit", option()));
	label(HASH_ALGO_SHA1);
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(1, audited(self->s.log, DIR, self->s.digest[0]));
}

FIXTURE(appraise) {
	struct setting s;
};

FIXTURE_VARIANT(appraise) {
	struct way way;
};

FIXTURE_VARIANT_ADD(appraise, open) { .way = { BY_OPEN, false, false } };
FIXTURE_VARIANT_ADD(appraise, exec) { .way = { BY_EXEC, false, false } };
FIXTURE_VARIANT_ADD(appraise, mmap) { .way = { BY_MMAP, false, false } };

FIXTURE_SETUP(appraise)
{
	const char *missing = ima_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_lies(&self->s));
	served->direct_io = true;
	served->timeout = 0;
	ASSERT_EQ(0, set_sizes(&self->s, SIZE, SIZE));
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure appraise", option()));
}

FIXTURE_TEARDOWN(appraise)
{
	tear_down(&self->s);
}

/* The first content gets a label with its digest. */
static int label_with(const char *program, unsigned char algorithm)
{
	char hex[DIGEST_SIZE];

	if (digest(program, served->content[0].data, SIZE, hex, sizeof(hex)))
		return -1;
	label(algorithm);
	served->len[XATTR_IMA][0] = 2 + from_hex(hex, served->value[XATTR_IMA][0] + 2);
	return 0;
}

/* The label needs one algorithm, and the list has the configured one. */
TEST_F(appraise, content_is_measured_and_appraised_with_two_algorithms)
{
	struct news got;

	ASSERT_EQ(0, label_with("sha1sum", HASH_ALGO_SHA1));
	EXPECT_EQ(0, use(&variant->way)) {
		TH_LOG("%s", strerror(errno));
	}
	got = news(&self->s, &variant->way, 0);
	EXPECT_EQ(1, got.digest);
	EXPECT_EQ(1, got.entries);
}

TEST_F(appraise, other_content_is_refused_and_measured)
{
	ASSERT_EQ(0, label_with("sha1sum", HASH_ALGO_SHA1));
	served->which = 1;
	EXPECT_EQ(-1, use(&variant->way));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(1, news(&self->s, &variant->way, 1).digest);
}

/* Its digest by the configured algorithm, under the name of one that is not there. */
TEST_F(appraise, unknown_algorithm_is_refused_and_measured)
{
	ASSERT_EQ(0, label_with("sha256sum", HASH_ALGO_TGR_128));
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(-1, use(&variant->way));
		EXPECT_EQ(EACCES, errno);
	}
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).digest);
}

TEST_F(appraise, read_that_fails_is_refused)
{
	struct news got;

	ASSERT_EQ(0, label_with("sha256sum", HASH_ALGO_SHA256));
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).digest);
	served->failing = variant->way.hook == BY_EXEC ? 2 : 1;
	served->error = EIO;
	EXPECT_EQ(-1, use(&variant->way));
	EXPECT_EQ(EACCES, errno);
	got = news(&self->s, &variant->way, 0);
	EXPECT_EQ(1, got.violations);
	EXPECT_EQ(1, got.entries);
}

TEST_F(appraise, size_that_is_wrong_is_no_reason_to_refuse)
{
	struct stat st;

	ASSERT_EQ(0, label_with("sha256sum", HASH_ALGO_SHA256));
	served->content[0].told = 0;
	ASSERT_EQ(0, stat(DIR "/file", &st));
	ASSERT_EQ(0, st.st_size);
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).digest);
}

/* ---- what execve(2) reads first ------------------------------------------ */

FIXTURE(header) {
	struct setting s;
};

FIXTURE_VARIANT(header) {
	struct way way;
};

FIXTURE_VARIANT_ADD(header, root) { .way = { BY_EXEC, false, false } };
FIXTURE_VARIANT_ADD(header, userns) { .way = { BY_EXEC, true, false } };
FIXTURE_VARIANT_ADD(header, overlay) { .way = { BY_EXEC, true, true } };

FIXTURE_SETUP(header)
{
	const char *missing = ima_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up_lies(&self->s));
	served->direct_io = true;
}

FIXTURE_TEARDOWN(header)
{
	tear_down(&self->s);
}

/* The interpreter of another text runs, which never is in the list. */
TEST_F(header, other_interpreter_is_a_violation_each_time)
{
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	sprintf(served->content[1].data, "#!/bin/false\n#%d", getpid());
	sprintf(served->content[0].data, "#!/bin/true\n#%d", getpid());
	ASSERT_EQ(0, set_sizes(&self->s, SIZE, SIZE));
	served->header = 1;
	for (int i = 0; i < 2; i++) {
		struct news got;

		EXPECT_EQ(1, use(&variant->way));
		got = news(&self->s, &variant->way, 0);
		EXPECT_EQ(1, got.violations);
		EXPECT_EQ(1, got.entries);
	}
	served->header = -1;
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).digest);
}

/* A beginning that is a part of what is hashed names another interpreter, too. */
TEST_F(header, part_of_the_beginning_is_a_violation)
{
	struct news got;

	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	sprintf(served->content[0].data, "#!/bin/true /%d\n", getpid());
	ASSERT_EQ(0, set_size(&self->s, 0, SIZE, SIZE));
	served->most = strlen("#!/bin/true");
	EXPECT_EQ(0, use(&variant->way));
	got = news(&self->s, &variant->way, 0);
	EXPECT_EQ(1, got.violations);
	EXPECT_EQ(1, got.entries);
}

/* ... and is refused where it is appraised, though the label is that of what was hashed. */
TEST_F(header, other_interpreter_is_refused)
{
	if (variant->way.userns)
		SKIP(return, "all is refused on a mount of a user namespace");
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure appraise", option()));
	sprintf(served->content[1].data, "#!/bin/false\n#%d", getpid());
	sprintf(served->content[0].data, "#!/bin/true\n#%d", getpid());
	ASSERT_EQ(0, set_sizes(&self->s, SIZE, SIZE));
	ASSERT_EQ(0, label_with("sha256sum", HASH_ALGO_SHA256));
	EXPECT_EQ(0, use(&variant->way));
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).digest);
	served->header = 1;
	EXPECT_EQ(-1, use(&variant->way));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).violations);
}

#ifdef __x86_64__
/* A program of @size bytes that ends with @status, and is this test's alone. */
static void make_content(struct content *content, size_t size, unsigned char status)
{
	const unsigned char code[] = {
		0xb8, 60, 0, 0, 0, /* mov $SYS_exit, %eax */
		0xbf, status, 0, 0, 0, /* mov $status, %edi */
		0x0f, 0x05, /* syscall */
	};

	make_program(content->data, size, code, sizeof(code));
	snprintf(content->data + PROGRAM_CODE + sizeof(code), 16, "%d", getpid());
}

/* A rule for CREDS_CHECK is asked for the program alone on newer kernels. */
TEST_F(header, other_header_of_a_program_is_a_violation_by_credentials)
{
	struct way way = variant->way;
	struct news got;

	way.hook = BY_CREDENTIALS;
	for (int i = 0; i < 2; i++)
		make_content(&served->content[i], SIZE, 42);
	/* which makes no difference to what the program does */
	served->content[1].data[EI_PAD] = 1;
	ASSERT_EQ(0, set_sizes(&self->s, SIZE, SIZE));
	ASSERT_EQ(0, start(&self->s, &way, "measure", option()));
	EXPECT_EQ(42, use(&way));
	EXPECT_EQ(1, news(&self->s, &way, 0).digest);
	served->header = 1;
	EXPECT_EQ(42, use(&way));
	got = news(&self->s, &way, 0);
	EXPECT_LE(1, got.violations);
	EXPECT_EQ(got.violations, got.entries);
}
#endif

/* Files that are shorter than what execve(2) reads. */
TEST_F(header, short_file_is_measured)
{
	served->direct_io = false;
	for (int i = 0; i < CONTENTS; i++) {
		int size = sprintf(served->content[i].data, "#!/bin/sh\nexit %d #%d\n", i,
				   getpid());

		ASSERT_EQ(0, set_size(&self->s, i, size, size));
	}
	digests_are_listed(_metadata, &self->s, &variant->way);
}

TEST_F(header, file_of_the_length_of_the_header_is_measured)
{
	for (int i = 0; i < CONTENTS; i++)
		ASSERT_EQ(0, set_size(&self->s, i, EXEC_HEADER - 1 + i, EXEC_HEADER));
	digests_are_listed(_metadata, &self->s, &variant->way);
}

/* ---- files without an end, and what no reading shows ------------------------ */

TEST_F(log, file_without_an_end_can_be_killed)
{
	int status;
	pid_t pid;

	served->content[0].size = ~0UL >> 1;
	served->content[0].told = 0;
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(use(&variant->way) ? errno : 0);
	while (served->served_reads < 1000)
		ASSERT_EQ(0, waitpid(pid, &status, WNOHANG));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).violations);
}

/*
 * What the server sends behind the end of the file is in its last page, and mmap(2) shows it,
 * but reading does not.  Expected to be missed.
 */
TEST_F(log, limit_bytes_behind_the_end_are_not_measured)
{
	char *map;
	int fd;

	served->direct_io = false;
	for (int i = 0; i < 2; i++) {
		memset(served->content[i].data, '#', SIZE);
		snprintf(served->content[i].data, SIZE, "%d", getpid());
		served->content[i].data[SIZE - 1] = '0' + i;
		ASSERT_EQ(0, set_size(&self->s, i, SIZE - 100, SIZE - 100));
		served->content[i].size = SIZE;
	}
	ASSERT_EQ(0, start(&self->s, &variant->way, "measure", option()));
	for (int i = 0; i < 2; i++) {
		served->which = i;
		fd = open_file();
		ASSERT_LE(0, fd);
		map = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
		ASSERT_NE(MAP_FAILED, map);
		EXPECT_EQ('0' + i, map[SIZE - 1]);
		munmap(map, SIZE);
		close(fd);
	}
	EXPECT_EQ(1, news(&self->s, &variant->way, 0).entries);
}

TEST_HARNESS_MAIN
