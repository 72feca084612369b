// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations that fail: no mount is without the option that was asked for and reports success,
 * no file is used without a trace, none with a wrong content passes.
 *
 * Each allocation of a path fails once: the first, the second, and so on, until none had to
 * fail any more.  It fails alone, and then together with all that follow it, as then there is
 * no memory to report the failure either.  Pages fail in a walk of their own.
 *
 * The environment may name a block device to mount, as for mount_option_test.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "../selftests/ima/bind.h"

#define FUSE_DEVICE 100 /* descriptor */
#define FUSE_OPTIONS "fd=100,rootmode=40000,user_id=0,group_id=0"
#define MARKERS 30999 /* owner of files */
#define UNPREPARED 99 /* exit status of no program */
#define KILLED 1000 /* in place of an error number */
#define HIDDEN 1001 /* the option is not shown where it must be */

static int set(const char *setting, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", setting);
	return write_file(path, value);
}

/* A debug kernel can have allocations fail that can wait, too, and is to be silent then. */
static const char *failures_are_missing(void)
{
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/verbose", "0" },
		/* for tasks that ask for it, once their n-th allocation has failed */
		{ "failslab/task-filter", "Y" },
		{ "failslab/times", "-1" },
		{ "failslab/probability", "100" },
	};

	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		if (set(settings[i][0], settings[i][1]))
			return "the kernel has no allocation fail";
	return NULL;
}

/*
 * What fails.  Pages are walked over by themselves: whether the slab allocator needs one just
 * then differs from step to step, and would move all that follow.
 */
enum what { ONE, ONE_AND_THE_REST, PAGE, WALKS };

static const char *const names[WALKS] = { "", " and the rest", " of pages" };

/* A walk over all allocations of some work. */
struct walk {
	enum what what;
	int n; /* of the allocation that fails */
	bool failed; /* it came to that */
	int refused; /* how often the work failed, in all walks */
	int status; /* 0, an error number, or one of those above */
};

/* Returns whether there is a next step. */
static bool next_step(struct walk *walk)
{
	bool begins = !walk->n;

	if (walk->n && !walk->failed) {
		walk->what++;
		walk->n = 0;
		begins = true;
	}
	/* no slab is marked, and no order of pages is so large; then as it was before */
	if (begins && (set("failslab/cache-filter", walk->what == PAGE ? "Y" : "N") ||
		       set("fail_page_alloc/min-order", walk->what < PAGE ? "99" : "0")))
		return false;
	walk->n++;
	return walk->what < WALKS;
}

static void log_step(struct __test_metadata *const _metadata, const struct walk *walk,
		     const char *what)
{
	TH_LOG("%s: allocation %d%s: status %d", what, walk->n, names[walk->what], walk->status);
}

/* The work is done if none had to fail, and was not always before. */
static void expect_end(struct __test_metadata *const _metadata, const struct walk *walk)
{
	if (walk->failed)
		return;
	EXPECT_EQ(0, walk->status);
	EXPECT_LT(0, walk->refused) {
		log_step(_metadata, walk, "never refused");
	}
	ksft_print_msg("%d allocations%s failed\n", walk->n - 1, names[walk->what]);
}

/* Have a FUSE device, which serves nobody, and mounts but once. */
static void open_device(void)
{
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	dup2(device, FUSE_DEVICE);
	close(device);
}

/* The work returns 0 or -1 with errno, or HIDDEN, or is another program from then on. */
static void work_without_memory(const struct walk *walk, int (*work)(const void *),
				const void *arg, int in, int out)
{
	int nth = open("/proc/self/fail-nth", O_RDWR | O_CLOEXEC);
	int rest = open("/proc/self/make-it-fail", O_RDWR | O_CLOEXEC);
	int result[2];
	char number[16];

	dup2(in, 0);
	open_device();
	snprintf(number, sizeof(number), "%d", walk->n);
	if ((walk->what == ONE_AND_THE_REST && write(rest, "1", 1) != 1) ||
	    write(nth, number, strlen(number)) < 0)
		_exit(UNPREPARED);
	result[0] = work(arg);
	if (result[0] == -1)
		result[0] = errno;
	if (write(rest, "0", 1) != 1 || pread(nth, number, 1, 0) != 1 ||
	    pwrite(nth, "0", 1, 0) != 1)
		_exit(UNPREPARED);
	result[1] = number[0] == '0';
	_exit(write(out, result, sizeof(result)) != sizeof(result));
}

/* What is left to fail of a program, or of a task that is no more. */
static bool has_failed(pid_t pid)
{
	char path[64], left = '0';
	int nth;

	snprintf(path, sizeof(path), "/proc/%d/make-it-fail", pid);
	write_file(path, "0");
	snprintf(path, sizeof(path), "/proc/%d/fail-nth", pid);
	nth = open(path, O_RDONLY | O_CLOEXEC);
	if (read(nth, &left, 1) < 0)
		left = '0';
	close(nth);
	return left == '0';
}

/* Have the work done in a task of its own.  A program is to end with @ended. */
static int do_step(struct walk *walk, int (*work)(const void *), const void *arg, int ended)
{
	int in[2], out[2], status, result[2];
	bool told;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		close(in[1]);
		work_without_memory(walk, work, arg, in[0], out[1]);
	}
	close(in[0]);
	close(out[1]);
	/* there is nothing to read of a program that runs */
	told = read(out[0], result, sizeof(result)) == sizeof(result);
	walk->failed = told ? result[1] : has_failed(pid);
	close(in[1]);
	close(out[0]);
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	if (told)
		walk->status = result[0];
	else
		walk->status = WIFSIGNALED(status) ? KILLED : 0;
	walk->refused += walk->status && walk->status != HIDDEN;
	return !told && WIFEXITED(status) && WEXITSTATUS(status) != ended ? -1 : 0;
}

/* ---- mounts -------------------------------------------------------------- */

/* A filesystem to mount on DIR. */
struct mounting {
	const char *type, *device; /* or a variable of the environment that names it */
	const char *options;
	bool fsconfig; /* it is mounted and remounted so, and not by mount(2) */
	const char *option; /* to add, or "" */
};

static const char *source_of(const struct mounting *m)
{
	return m->device ? getenv(m->device) : "none";
}

/* Give each of the options to a filesystem context. */
static int configure(int fs, char *options, int command)
{
	char *name, *value;

	while ((name = strsep(&options, ","))) {
		value = name;
		strsep(&value, "=");
		if (*name && fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, name,
				      value, 0))
			return -1;
	}
	/* as the others are, which may be of a disk */
	return fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) ?:
	       fsconfig(fs, command, NULL, NULL, 0);
}

static int mount_it(const void *arg)
{
	const struct mounting *m = arg;
	int fs, mnt, ret;
	char options[128];

	snprintf(options, sizeof(options), "%s%s%s", m->options,
		 *m->options && *m->option ? "," : "", m->option);
	if (!m->fsconfig)
		return mount(source_of(m), DIR, m->type, MS_RDONLY, options);
	fs = fsopen(m->type, FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", source_of(m), 0) ||
	    configure(fs, options, FSCONFIG_CMD_CREATE))
		return -1;
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0)
		return -1;
	ret = move_mount(mnt, "", AT_FDCWD, DIR, MOVE_MOUNT_F_EMPTY_PATH);
	if (!ret) {
		close(mnt);
		close(fs);
	}
	return ret;
}

static int remount_it(const void *arg)
{
	const struct mounting *m = arg;
	char options[128];
	int fs;

	snprintf(options, sizeof(options), "%s", m->option);
	if (!m->fsconfig)
		return mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY, options);
	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	return fs < 0 ? -1 : configure(fs, options, FSCONFIG_CMD_RECONFIGURE);
}

/* Returns 0, with nothing that fails. */
static int mount_for_test(const struct mounting *m)
{
	open_device();
	return mount_it(m);
}

/* The next way to ask for it that the kernel knows.  Returns whether there is one. */
static bool next_way(struct mounting *m, int *way)
{
	m->fsconfig = *way % 2;
	m->option = *way / 2 ? BIND : OPTION;
	return (*way)++ < (bind_is_missing() ? 2 : 4);
}

/* Setups leave it to the tests to skip, as the harness of Linux 6.1 does not end them then. */
FIXTURE(mounted) {
	const char *missing;
	struct mounting m;
};

FIXTURE_VARIANT(mounted) {
	struct mounting m;
};

FIXTURE_VARIANT_ADD(mounted, tmpfs) { .m = { "tmpfs", NULL, "size=1m" } };
FIXTURE_VARIANT_ADD(mounted, ramfs) { .m = { "ramfs", NULL, "" } };
FIXTURE_VARIANT_ADD(mounted, overlay) { .m = { "overlay", NULL, "lowerdir=/usr:/etc" } };
FIXTURE_VARIANT_ADD(mounted, fuse) { .m = { "fuse", NULL, FUSE_OPTIONS } };
/* Without a journal: jbd2 warns where a file of its in /proc could not be made. */
FIXTURE_VARIANT_ADD(mounted, ext4) { .m = { "ext4", "IMA_TEST_EXT4", "noload" } };

FIXTURE_SETUP(mounted)
{
	self->m = variant->m;
	self->missing = option_is_missing() ?: failures_are_missing();
	if (!self->missing && !source_of(&self->m))
		self->missing = "the environment names no such device";
	if (self->missing)
		return;
	ASSERT_EQ(0, enter_mount_namespace());
	ASSERT_EQ(0, mount("none", "/mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(DIR, 0755));
}

FIXTURE_TEARDOWN(mounted)
{
	umount2(DIR, MNT_DETACH);
}

TEST_F_TIMEOUT(mounted, mount_has_the_option_or_fails, 3600)
{
	if (self->missing)
		SKIP(return, "%s", self->missing);
	for (int way = 0; next_way(&self->m, &way);) {
		struct walk walk = {};

		while (next_step(&walk)) {
			ASSERT_EQ(0, do_step(&walk, mount_it, &self->m, 0));
			EXPECT_EQ(walk.status ? -1 : 1, shown(DIR, self->m.option)) {
				log_step(_metadata, &walk, self->m.option);
			}
			umount(DIR);
			expect_end(_metadata, &walk);
		}
	}
}

/* Without the option, and then with it, or the other way about. */
static void expect_remounts(struct __test_metadata *const _metadata, struct mounting *m, bool adds)
{
	struct mounting plain = *m;

	for (int way = 0; next_way(m, &way);) {
		struct walk walk = {};

		plain.fsconfig = m->fsconfig;
		plain.option = "";
		while (next_step(&walk)) {
			ASSERT_EQ(0, mount_for_test(adds ? &plain : m));
			ASSERT_EQ(0, do_step(&walk, remount_it, adds ? m : &plain, 0));
			EXPECT_EQ(adds ? !walk.status : 1, shown(DIR, m->option)) {
				log_step(_metadata, &walk, m->option);
			}
			ASSERT_EQ(0, umount(DIR));
			expect_end(_metadata, &walk);
		}
	}
}

TEST_F_TIMEOUT(mounted, remount_sets_the_option_or_fails, 3600)
{
	if (self->missing)
		SKIP(return, "%s", self->missing);
	expect_remounts(_metadata, &self->m, true);
}

TEST_F_TIMEOUT(mounted, remount_without_it_clears_nothing, 3600)
{
	if (self->missing)
		SKIP(return, "%s", self->missing);
	expect_remounts(_metadata, &self->m, false);
}

/* ---- what is shown ------------------------------------------------------- */

FIXTURE(filesystem) {
	const char *missing;
};

FIXTURE_SETUP(filesystem)
{
	self->missing = option_is_missing() ?: failures_are_missing();
	if (self->missing)
		return;
	ASSERT_EQ(0, enter_mount_namespace());
	ASSERT_EQ(0, mount("none", "/mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(DIR, 0755));
}

FIXTURE_TEARDOWN(filesystem)
{
	umount2(DIR, MNT_DETACH);
}

/*
 * All of mountinfo is read, and the end of the line of DIR is looked at.  shown() takes a read
 * that fails for the end of the file, and here it is what may happen.
 */
static int read_mountinfo(const void *option)
{
	static char text[1 << 16];
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got;
	char *line;

	if (fd < 0)
		return -1;
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	if (got < 0)
		return -1;
	line = strstr(text, " " DIR " ");
	line = line ? strstr(line, " - ") : NULL;
	if (!line)
		return HIDDEN;
	line[strcspn(line, "\n")] = '\0';
	return listed(line, option) ? 0 : HIDDEN;
}

TEST_F_TIMEOUT(filesystem, mountinfo_shows_it_or_cannot_be_read, 600)
{
	struct walk walk = {};

	if (self->missing)
		SKIP(return, "%s", self->missing);
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m," OPTION));
	while (next_step(&walk)) {
		ASSERT_EQ(0, do_step(&walk, read_mountinfo, OPTION, 0));
		EXPECT_NE(HIDDEN, walk.status) {
			log_step(_metadata, &walk, "mountinfo");
		}
		expect_end(_metadata, &walk);
	}
}

/* From uapi/linux/mount.h, which sys/mount.h does not go with. */
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#define STATMOUNT_MNT_OPTS_ 0x80ULL
#define STATX_MNT_ID_UNIQUE_ 0x4000U

struct statmount_request {
	__u32 size, spare;
	__u64 mnt_id, param;
};

/* What the fixed part begins with, 512 bytes long, and the strings that are behind it. */
struct statmount_answer {
	__u32 size;
	__u32 mnt_opts;
	__u64 mask;
	__u32 others[124];
	char str[4096];
};

static int statmount_it(const void *request)
{
	static struct statmount_answer answer;

	if (syscall(SYS_statmount, request, &answer, sizeof(answer), 0))
		return -1;
	return answer.mask & STATMOUNT_MNT_OPTS_ &&
	       listed(answer.str + answer.mnt_opts, OPTION) ? 0 : HIDDEN;
}

TEST_F_TIMEOUT(filesystem, statmount_shows_it_or_fails, 600)
{
	struct statmount_request request = { .size = 24, .param = STATMOUNT_MNT_OPTS_ };
	struct walk walk = {};
	struct statx st;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m," OPTION));
	ASSERT_EQ(0, statx(AT_FDCWD, DIR, 0, STATX_MNT_ID_UNIQUE_, &st));
	if (!(st.stx_mask & STATX_MNT_ID_UNIQUE_))
		SKIP(return, "no statmount(2)");
	request.mnt_id = st.stx_mnt_id;
	while (next_step(&walk)) {
		ASSERT_EQ(0, do_step(&walk, statmount_it, &request, 0));
		EXPECT_NE(HIDDEN, walk.status) {
			log_step(_metadata, &walk, "statmount");
		}
		expect_end(_metadata, &walk);
	}
}

/* ---- accesses ------------------------------------------------------------ */

/* A file that is served, and its use. */
struct access {
	enum hook hook;
	char path[64];
};

static int use_it(const void *arg)
{
	const struct access *access = arg;
	char *const argv[] = { (char *)"file", NULL };
	struct use use;

	return access->hook == BY_EXEC ? execve(access->path, argv, environ) :
					 begin_use(&use, access->hook, access->path);
}

FIXTURE(used) {
	const char *missing;
	struct setting s;
	const char *option;
	int bare; /* the list, for entries that have not the path but the name alone */
};

FIXTURE_VARIANT(used) {
	enum hook hook;
	bool bind;
};

FIXTURE_VARIANT_ADD(used, open) { .hook = BY_OPEN };
FIXTURE_VARIANT_ADD(used, mmap) { .hook = BY_MMAP };
FIXTURE_VARIANT_ADD(used, exec) { .hook = BY_EXEC };
FIXTURE_VARIANT_ADD(used, open_bound) { .hook = BY_OPEN, .bind = true };
FIXTURE_VARIANT_ADD(used, mmap_bound) { .hook = BY_MMAP, .bind = true };
FIXTURE_VARIANT_ADD(used, exec_bound) { .hook = BY_EXEC, .bind = true };

FIXTURE_SETUP(used)
{
	self->missing = ima_is_missing() ?: audit_records_are_missing() ?: failures_are_missing();
	if (!self->missing && variant->bind)
		self->missing = bind_is_missing();
	if (self->missing)
		return;
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, new_programs(&self->s));
	self->bare = open_list();
	ASSERT_LE(0, self->bare);
	self->option = variant->bind ? BIND : option();
}

FIXTURE_TEARDOWN(used)
{
	if (!self->missing)
		tear_down(&self->s);
}

/* Files of an owner of its own, with a rule. */
static int start(struct setting *s, const char *action, enum hook hook, const char *option)
{
	char rule[128];

	served->owner = 30000 + 100 * strlen(action) + hook;
	snprintf(rule, sizeof(rule), "%s func=%s fsname=fuse fowner=%u", action, hook_names[hook],
		 served->owner);
	return add_rule_once(rule) ?: start_server(s, option);
}

/* Serve another program, which is in no list. */
static int switch_program(struct setting *s)
{
	static int n;
	int which = (served->which + 1) % CONTENTS;

	snprintf(served->content[which].data + 3 * 4096, 16, "%d", n++);
	served->which = which;
	return sha256(served->content[which].data, PROGRAM_SIZE, s->digest[which]);
}

/* The same file is used, or each time another one, for whose inode memory is needed, too. */
static void expect_traces(struct __test_metadata *const _metadata, struct setting *s, int bare,
			  enum hook hook, const char *option, bool same)
{
	struct access access = { hook, DIR "/file" };
	struct news named, unnamed;
	struct walk walk = {};
	const char *digest;
	int n = 0;

	ASSERT_EQ(0, start(s, "measure", hook, option));
	if (same)
		s->held = open(access.path, O_PATH | O_CLOEXEC);
	while (next_step(&walk)) {
		ASSERT_EQ(0, switch_program(s));
		if (!same)
			sprintf(access.path, DIR "/marker%d", n++);
		EXPECT_EQ(0, do_step(&walk, use_it, &access, served->which)) {
			log_step(_metadata, &walk, "another program was executed");
		}
		digest = s->digest[served->which];
		named = news_of(s->list, access.path, digest);
		unnamed = news_of(bare, strrchr(access.path, '/') + 1, digest);
		EXPECT_EQ(named.entries + unnamed.entries, named.digest + named.violations +
			  unnamed.digest + unnamed.violations) {
			log_step(_metadata, &walk, "the digest of something else");
		}
		EXPECT_FALSE(!walk.status && !named.entries && !unnamed.entries) {
			log_step(_metadata, &walk, "no trace");
		}
		EXPECT_FALSE(!walk.failed && (!named.digest || named.violations));
		expect_end(_metadata, &walk);
	}
}

TEST_F_TIMEOUT(used, access_fails_or_leaves_a_digest_or_a_violation, 3600)
{
	if (self->missing)
		SKIP(return, "%s", self->missing);
	expect_traces(_metadata, &self->s, self->bare, variant->hook, self->option, true);
}

TEST_F_TIMEOUT(used, first_access_fails_or_leaves_a_digest_or_a_violation, 3600)
{
	if (self->missing)
		SKIP(return, "%s", self->missing);
	expect_traces(_metadata, &self->s, self->bare, variant->hook, self->option, false);
}

/* The label of the file is that of the first content. */
TEST_F_TIMEOUT(used, wrong_content_never_passes, 3600)
{
	const struct access access = { variant->hook, DIR "/file" };
	struct walk walk = {}, right;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	served->len[XATTR_IMA][0] = ima_xattr(self->s.digest[0], served->value[XATTR_IMA][0]);
	ASSERT_EQ(0, start(&self->s, "appraise", variant->hook, self->option));
	self->s.held = open(access.path, O_PATH | O_CLOEXEC);
	while (next_step(&walk)) {
		/* whether this passes or not, what follows does not go by it */
		served->which = 0;
		right = walk;
		ASSERT_EQ(0, do_step(&right, use_it, &access, 0));
		served->which = 1;
		ASSERT_EQ(0, do_step(&walk, use_it, &access, 1));
		EXPECT_NE(0, walk.status) {
			log_step(_metadata, &walk, "wrong content");
		}
	}
	served->which = 0;
	right = (struct walk){};
	ASSERT_EQ(0, do_step(&right, use_it, &access, 0));
	EXPECT_EQ(0, right.status);
}

/* Whether the kernel has said since the last question that it could not make an audit record. */
static bool record_was_lost(int log)
{
	char message[RECORD_SIZE];
	bool lost = false;
	ssize_t len;

	while ((len = read(log, message, sizeof(message) - 1)) > 0) {
		message[len] = '\0';
		lost = lost || strstr(message, "audit_lost=");
	}
	return lost;
}

/* Markers are of another owner, so that no record of the file is one for them. */
TEST_F_TIMEOUT(used, access_fails_or_is_audited_or_the_loss_is_told, 3600)
{
	const struct access access = { variant->hook, DIR "/file" };
	static const char *const failure[] = { "op=collect_data", "res=0", NULL };
	int log = open_log(), loss = open_log(), records, failures;
	struct walk walk = {};
	uid_t owner;
	bool lost;

	if (self->missing)
		SKIP(return, "%s", self->missing);
	ASSERT_EQ(0, add_rule("audit", "fuse", MARKERS));
	ASSERT_EQ(0, start(&self->s, "audit", variant->hook, self->option));
	self->s.held = open(access.path, O_PATH | O_CLOEXEC);
	owner = served->owner;
	while (next_step(&walk)) {
		served->which = !served->which;
		EXPECT_EQ(0, do_step(&walk, use_it, &access, served->which));
		lost = record_was_lost(loss);
		served->owner = MARKERS;
		records = audit_messages(self->s.log, DIR, (const char *const []){
			"type=1805", self->s.digest[served->which], NULL });
		failures = audit_messages(log, DIR, failure);
		served->owner = owner;
		ASSERT_LE(0, records);
		ASSERT_LE(0, failures);
		EXPECT_FALSE(!walk.status && !records && !failures && !lost) {
			log_step(_metadata, &walk, "no record");
		}
		EXPECT_FALSE(!walk.failed && !records);
		expect_end(_metadata, &walk);
	}
	close(loss);
	close(log);
}

TEST_HARNESS_MAIN
