// SPDX-License-Identifier: GPL-2.0
/*
 * FUSE servers that misbehave at one point of an access: each way of misbehaving, at each point,
 * and at each request that an access makes there. What the user of the file then got must be in
 * the measurement list, or the access has left a violation, or it has failed. With
 * ima_nocache=bind there is nothing in between: what was got is listed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/elf.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "hostile.h"

#define MOST_GOT (SMALL + 2 * PAGE) /* bytes */
#define MOST_ENTRIES 16 /* of one access */
#define MOST_REQUESTS 20 /* of one access at one point */

/* What the user of the file has of it. */
static struct got {
	bool begun; /* it is open, mapped or executed */
	bool ended; /* by itself */
	int error; /* with which that failed */
	size_t len;
	char data[MOST_GOT];
} *got;

/* What the list got. */
struct listed {
	int entries, violations;
	char digest[MOST_ENTRIES][DIGEST_SIZE];
};

/* How the file is used, and what came of it so far. */
static struct {
	enum hook hook;
	const char *option; /* that it is mounted with */
	bool bound; /* what it promises is that of ima_nocache=bind */
	int list; /* read up to its end */
	int requests[2][POINTS]; /* of an access without misbehaviour, and past the page cache */
	int cells; /* accesses at which the server has misbehaved */
	int missed; /* of these */
	bool may_miss; /* something */
} table;

FIXTURE(hostile) {
	struct setting s;
	int binary; /* list, read up to its end */
};

FIXTURE_VARIANT(hostile) {
	enum hook hook;
	bool userns;
	const char *option;
};

FIXTURE_VARIANT_ADD(hostile, open_root) { BY_OPEN, false, OPTION };
FIXTURE_VARIANT_ADD(hostile, mmap_root) { BY_MMAP, false, OPTION };
FIXTURE_VARIANT_ADD(hostile, exec_root) { BY_EXEC, false, OPTION };
FIXTURE_VARIANT_ADD(hostile, open_userns) { BY_OPEN, true, OPTION };
FIXTURE_VARIANT_ADD(hostile, mmap_userns) { BY_MMAP, true, OPTION };
FIXTURE_VARIANT_ADD(hostile, exec_userns) { BY_EXEC, true, OPTION };
FIXTURE_VARIANT_ADD(hostile, bind_open_root) { BY_OPEN, false, BIND };
FIXTURE_VARIANT_ADD(hostile, bind_mmap_root) { BY_MMAP, false, BIND };
FIXTURE_VARIANT_ADD(hostile, bind_exec_root) { BY_EXEC, false, BIND };
FIXTURE_VARIANT_ADD(hostile, bind_open_userns) { BY_OPEN, true, BIND };
FIXTURE_VARIANT_ADD(hostile, bind_mmap_userns) { BY_MMAP, true, BIND };
FIXTURE_VARIANT_ADD(hostile, bind_exec_userns) { BY_EXEC, true, BIND };

static int reached[2]; /* pipe by which the server says that it hangs */

static void set_label(size_t told, size_t size)
{
	plan->label_told = told;
	plan->label_size = size;
	for (size_t i = 0; i < size; i++)
		plan->label[i] = i;
}

/* One that is as it should be. */
static void honest_label(const char digest[DIGEST_SIZE])
{
	plan->label_size = ima_xattr(digest, plan->label);
	plan->label_told = plan->label_size;
}

/* ---- one access --------------------------------------------------------------- */

static void path_of_file(char path[512])
{
	snprintf(path, 512, DIR "/%s", plan->name);
}

static void read_all(int fd)
{
	ssize_t n;

	while (got->len < MOST_GOT) {
		n = pread(fd, got->data + got->len, MOST_GOT - got->len, got->len);
		if (n < 0)
			got->error = errno;
		if (n <= 0)
			return;
		got->len += n;
	}
}

/* What the map has, page by page, up to where there is none. */
static void read_map(const char *map)
{
	int pipes[2];

	if (pipe(pipes))
		return;
	while (got->len < MOST_GOT) {
		if (write(pipes[1], map + got->len, PAGE) != PAGE ||
		    read(pipes[0], got->data + got->len, PAGE) != PAGE) {
			got->error = errno;
			return;
		}
		got->len += PAGE;
	}
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = {};

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

/* What is executed, in the memory of a program that waits. */
static void read_memory(pid_t pid)
{
	const struct elf64_hdr *head = (const void *)served->content[0].data;
	const struct elf64_phdr *segment = (const void *)(head + 1);
	char path[64];
	int memory;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	/* execve(2) maps the file after it has closed what start_program() waits for */
	while (pread(memory, got->data, PAGE, segment->p_vaddr) != PAGE && !has_ended(pid)) {
		close(memory);
		sched_yield();
		memory = open(path, O_RDONLY | O_CLOEXEC);
	}
	while (got->len < MOST_GOT &&
	       pread(memory, got->data + got->len, PAGE, segment->p_vaddr + got->len) == PAGE)
		got->len += PAGE;
	close(memory);
}

static void use_file(void)
{
	struct program program;
	char path[512], *map;
	int fd;

	path_of_file(path);
	if (table.hook == BY_EXEC) {
		got->begun = !start_program(&program, path);
		got->error = got->begun ? 0 : errno;
		if (got->begun) {
			read_memory(program.pid);
			kill(program.pid, SIGKILL);
			end_program(&program);
		}
		return;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got->error = fd < 0 ? errno : 0;
	if (fd < 0)
		return;
	if (table.hook == BY_OPEN) {
		got->begun = true;
		read_all(fd);
	} else {
		map = mmap(NULL, MOST_GOT, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
		got->begun = map != MAP_FAILED;
		got->error = got->begun ? 0 : errno;
		if (got->begun)
			read_map(map);
	}
	close(fd);
}

/* All of them have ended. */
static void wait_for_group(pid_t group)
{
	while (waitpid(-group, NULL, 0) > 0 || errno == EINTR)
		;
}

/* Use the file in processes of its own, which are killed if the server comes to hang. */
static int access_once(void)
{
	struct pollfd events[2] = { { .fd = reached[0], .events = POLLIN }, { .events = POLLIN } };
	pid_t server, user;
	char byte;

	memset(got, 0, offsetof(struct got, data));
	served->which = 0;
	server = mount_hostile(table.option);
	if (server <= 0)
		return -1;
	user = fork();
	if (!user) {
		setpgid(0, 0);
		use_file();
		got->ended = true;
		_exit(0);
	}
	setpgid(user, user);
	events[1].fd = syscall(SYS_pidfd_open, user, 0);
	while (poll(events, 2, -1) < 0 && errno == EINTR)
		;
	if (events[0].revents)
		kill(-user, SIGKILL);
	wait_for_group(user);
	/* the release of the file comes ahead of that, and nobody waits for it */
	access(DIR "/last", F_OK);
	close(events[1].fd);
	umount2(DIR, MNT_DETACH);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	while (read(reached[0], &byte, 1) == 1)
		;
	return 0;
}

/* ---- what is said of it ------------------------------------------------------- */

static unsigned char new_bytes[1 << 20];
static size_t new_len;

/* What a list got since the last question, with a NUL behind it. */
static unsigned char *read_new(int list)
{
	ssize_t n;

	new_len = 0;
	while ((n = read(list, new_bytes + new_len, sizeof(new_bytes) - 1 - new_len)) > 0)
		new_len += n;
	new_bytes[new_len] = '\0';
	return n ? NULL : new_bytes;
}

static void read_list(int list, struct listed *listed)
{
	char path[512], name[512], template[129], content[160], *digest;

	*listed = (struct listed){};
	path_of_file(path);
	for (char *line = (char *)read_new(list), *end; line && *line; line = end + 1) {
		end = strchrnul(line, '\n');
		if (!*end)
			break;
		*end = '\0';
		if (sscanf(line, "%*d %128s %*s %159s %511s", template, content, name) != 3 ||
		    strcmp(name, path) || listed->entries == MOST_ENTRIES)
			continue;
		digest = strchr(content, ':');
		if (!template[strspn(template, "0")])
			listed->violations++;
		snprintf(listed->digest[listed->entries++], DIGEST_SIZE, "%s",
			 digest ? digest + 1 : "");
	}
}

/* The digest of @len bytes that were got; few of them differ. */
static const char *digest_of(size_t len)
{
	static struct {
		size_t len;
		char data[MOST_GOT], digest[DIGEST_SIZE];
	} known[64];
	static size_t count;
	size_t i;

	for (i = 0; i < count; i++)
		if (known[i].len == len && !memcmp(known[i].data, got->data, len))
			return known[i].digest;
	i %= ARRAY_SIZE(known);
	known[i].len = len;
	memcpy(known[i].data, got->data, len);
	if (sha256(known[i].data, len, known[i].digest))
		return "no digest";
	if (count < ARRAY_SIZE(known))
		count++;
	return known[i].digest;
}

static bool is_listed(const struct listed *listed, const char *digest)
{
	for (int i = 0; i < listed->entries; i++)
		if (!strcmp(listed->digest[i], digest))
			return true;
	return false;
}

/* A map has zeros up to the end of its last page, which are no part of the file. */
static bool got_is_listed(const struct listed *listed)
{
	return is_listed(listed, digest_of(got->len)) ||
	       (plan->end < got->len && got->len - plan->end < PAGE &&
		is_listed(listed, digest_of(plan->end)));
}

static bool is_read(enum point point)
{
	return point == AT_FIRST_READ || point == AT_MIDDLE_READ || point == AT_LAST_READ;
}

/*
 * Whether it may be that IMA has read something else than the user: the content, or the size
 * that it is said to have, changes on the way.
 */
static bool content_changes(void)
{
	switch (plan->act) {
	case INVALIDATES:
	case STORES:
	case GROWS:
	case SHRINKS:
		return true;
	case ANSWERS_SHORT:
		return is_read(plan->point);
	default:
		return false;
	}
}

/* Why it must not be so, or NULL. */
static const char *judge(const struct listed *listed)
{
	if (!got->begun)
		return NULL;
	if (got_is_listed(listed))
		return NULL;
	if (table.bound)
		return "what was got is not listed";
	if (listed->violations)
		return NULL;
	if (!listed->entries)
		return "nothing is listed";
	/* What cannot be read after IMA has read it was not used. */
	if (content_changes() || got->len < SMALL)
		return NULL;
	return "something else is listed";
}

/* The next access is to a file of another name, as the list has each record only once. */
static int access_next(void)
{
	static int accesses;

	snprintf(plan->name, sizeof(plan->name), "file%d", accesses++);
	return access_once();
}

/* Each request at the point in turn: those that an honest server gets, and what comes of them. */
static void try_point(struct __test_metadata *const _metadata, const char *what)
{
	int requests = table.requests[plan->direct][plan->point];
	struct listed listed;
	const char *wrong;

	for (plan->nth = 1; plan->nth <= requests; plan->nth++) {
		ASSERT_EQ(0, access_next()) {
			TH_LOG("%s", strerror(errno));
		}
		if (requests < plan->seen[plan->point] && requests < MOST_REQUESTS)
			requests = plan->seen[plan->point];
		read_list(table.list, &listed);
		if (plan->seen[plan->point] < plan->nth)
			continue;
		table.cells++;
		/* the kernel does not take such an answer */
		if (plan->act == FAILS_BY_NO_ERROR || plan->act == ANSWERS_LONG)
			EXPECT_EQ(EINVAL, plan->refused);
		wrong = judge(&listed);
		table.missed += !!wrong;
		EXPECT_TRUE(!wrong || table.may_miss) {
			TH_LOG("%s, %s%s %d: %s: %zu bytes, error %d; %d entries, %d violations",
			       what, point_names[plan->point], plan->direct ? " (direct)" : "",
			       plan->nth, wrong, got->len, got->error, listed.entries,
			       listed.violations);
		}
	}
}

/* At all points. */
static void walk(struct __test_metadata *const _metadata, enum act act, const char *what)
{
	plan->act = act;
	for (int point = 0; point < POINTS; point++)
		for (int direct = 0; direct < 2; direct++) {
			/* it is the reads that the cache makes a difference to */
			if (direct && !is_read((enum point)point))
				continue;
			plan->point = point;
			plan->direct = direct;
			try_point(_metadata, what);
		}
}

/*
 * Make contents that are this test's alone.  So many processes come and go here that the number
 * of this one is not enough.  What is left of a program starts, and waits.
 */
static int make_contents(struct setting *s)
{
	struct timespec now;

	if (new_programs(s))
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (int i = 0; i < CONTENTS; i++) {
		struct content *content = &served->content[i];

		/* in the first page, and so in what is left of it if it shrinks */
		memcpy(content->data + PAGE / 2, &now, sizeof(now));
		content->data[PAGE - 1] = i;
		content->size = SMALL;
		content->told = SMALL;
	}
	return sha256(served->content[0].data, SMALL, s->digest[0]);
}

FIXTURE_SETUP(hostile)
{
	bool bound = !strcmp(variant->option, BIND);
	const char *missing = bound && option() ? bind_is_missing() : ima_is_missing();
	struct listed listed;
	int owner;

	if (missing)
		SKIP(return, "%s", missing);
	got = mmap(NULL, sizeof(*got), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, got);
	ASSERT_EQ(0, set_up(&self->s));
	self->binary = open(IMA "binary_runtime_measurements", O_RDONLY | O_CLOEXEC);
	do {
		ASSERT_TRUE(read_new(self->binary));
	} while (new_len);
	ASSERT_EQ(0, make_contents(&self->s));
	ASSERT_EQ(0, new_plan());
	owner = owner_of_rules(1 << variant->hook);
	ASSERT_LT(0, owner);
	ASSERT_EQ(0, mount("none", CONNECTIONS, "fusectl", 0, NULL));
	ASSERT_EQ(0, pipe2(reached, O_CLOEXEC | O_NONBLOCK));
	plan->reached = reached[1];
	table.hook = variant->hook;
	table.list = self->s.list;
	table.bound = bound;
	table.option = option() ? variant->option : NULL;
	honest_label(self->s.digest[0]);
	/* whoever a killed task leaves behind is waited for, too */
	ASSERT_EQ(0, prctl(PR_SET_CHILD_SUBREAPER, 1));
	if (variant->userns)
		ASSERT_EQ(0, enter_userns(owner, 0));
	served->owner = variant->userns ? 0 : owner;
	/* there is no point that no access comes to */
	for (int direct = 0; direct < 2; direct++) {
		plan->direct = direct;
		ASSERT_EQ(0, access_next());
		ASSERT_EQ(SMALL, got->len);
		for (int point = 0; point < POINTS; point++) {
			table.requests[direct][point] = plan->seen[point];
			/* execve(2) closes nothing; without the option nobody asks for the size */
			if (!option() || (point == AT_FLUSH && variant->hook == BY_EXEC))
				continue;
			EXPECT_LT(0, plan->seen[point]) {
				TH_LOG("no %s%s", point_names[point], direct ? " (direct)" : "");
			}
		}
		read_list(table.list, &listed);
		EXPECT_TRUE(is_listed(&listed, self->s.digest[0]) || !option());
	}
}

FIXTURE_TEARDOWN(hostile)
{
	tear_down(&self->s);
	umount2(CONNECTIONS, MNT_DETACH);
}

TEST_F_TIMEOUT(hostile, server_that_dies_hides_nothing, 600)
{
	walk(_metadata, DIES, "dies");
}

TEST_F_TIMEOUT(hostile, connection_that_is_aborted_hides_nothing, 600)
{
	walk(_metadata, ABORTS, "aborts");
}

TEST_F_TIMEOUT(hostile, errors_hide_nothing, 1800)
{
	static const int errors[] = { EIO, ENOMEM, EINTR, EAGAIN, NOT_KNOWN, ESTALE };

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		plan->error = -errors[i];
		walk(_metadata, FAILS, strerror(errors[i]));
	}
}

/* The kernel lets numbers pass that no error has, but not all. */
TEST_F_TIMEOUT(hostile, numbers_that_are_no_errors_hide_nothing, 1800)
{
	static const int refused[] = { -4096, 1 };
	char what[32];

	plan->error = -511;
	walk(_metadata, FAILS, "error 511");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		plan->error = refused[i];
		snprintf(what, sizeof(what), "error %d", refused[i]);
		walk(_metadata, FAILS_BY_NO_ERROR, what);
	}
}

TEST_F_TIMEOUT(hostile, answers_that_are_too_short_hide_nothing, 600)
{
	walk(_metadata, ANSWERS_SHORT, "short");
}

TEST_F_TIMEOUT(hostile, answers_that_are_too_long_hide_nothing, 600)
{
	walk(_metadata, ANSWERS_LONG, "long");
}

TEST_F_TIMEOUT(hostile, user_of_a_server_that_hangs_can_be_killed, 600)
{
	walk(_metadata, HANGS_UNTIL_INTERRUPTED, "hangs");
	walk(_metadata, HANGS_UNTIL_ABORTED, "hangs for good");
}

TEST_F_TIMEOUT(hostile, notices_on_the_way_hide_nothing, 600)
{
	walk(_metadata, INVALIDATES, "invalidates");
	walk(_metadata, STORES, "stores");
	walk(_metadata, FORGETS_NAME, "forgets the name");
	walk(_metadata, DELETES_NAME, "deletes the name");
}

/* What the attribute is said to have, and what it has at the next question. */
TEST_F_TIMEOUT(hostile, odd_labels_hide_nothing, 600)
{
	static const struct {
		size_t told, size;
	} labels[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 2 }, { 256, 256 }, { XATTR_MOST, XATTR_MOST },
		{ 34, 256 }, { 34, XATTR_MOST }, { 256, 34 }, { 256, 0 }, { 0, 256 },
		{ XATTR_MOST + 1, 34 }, { ~0U, XATTR_MOST + 1 },
	};
	/* a digest, a signature, a digest and its algorithm, one of fs-verity */
	static const char types[] = { 1, 3, 4, 6 };
	char what[64];

	plan->act = LABELS;
	plan->point = AT_XATTR_SIZE;
	plan->direct = false;
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		for (size_t type = 0; type < ARRAY_SIZE(types); type++) {
			set_label(labels[i].told, labels[i].size);
			plan->label[0] = types[type];
			snprintf(what, sizeof(what), "label %zu of %zu, type %d", labels[i].told,
				 labels[i].size, types[type]);
			try_point(_metadata, what);
		}
}

TEST_F_TIMEOUT(hostile, size_that_changes_on_the_way_hides_nothing, 600)
{
	walk(_metadata, GROWS, "grows");
	walk(_metadata, SHRINKS, "shrinks");
}

/* The same by what the option is more than: it is not missed by chance that nothing is missed. */
TEST_F_TIMEOUT(hostile, less_than_the_option_misses_some, 600)
{
	table.option = table.bound ? option() : NULL;
	table.may_miss = true;
	plan->error = -EIO;
	walk(_metadata, FAILS, "EIO");
	EXPECT_LT(0, table.missed);
	EXPECT_LT(table.missed, table.cells);
	if (!table.bound)
		return;
	table.missed = 0;
	walk(_metadata, STORES, "stores");
	EXPECT_LT(0, table.missed);
	table.missed = 0;
	walk(_metadata, INVALIDATES, "invalidates");
	EXPECT_LT(0, table.missed);
}

/* ---- files and names that are odd themselves ---------------------------------- */

/* The number, of 4 bytes in the list. */
static unsigned int number(const unsigned char **at)
{
	unsigned int n;

	memcpy(&n, *at, sizeof(n));
	*at += sizeof(n);
	return n;
}

/*
 * How often the binary list got @path with @digest.  Each record is PCR, digest, and template
 * and its data with their lengths; the data of ima-ng has "sha256:" and the name, with theirs.
 */
static int named(int list, const char *path, const char *digest)
{
	const unsigned char *at = read_new(list), *data;
	char bytes[32];
	int n = 0;

	from_hex(digest, bytes);
	while (at && at < new_bytes + new_len) {
		at += 4 + 20;
		at += number(&at);
		number(&at); /* of all the data */
		data = at + 4 + strlen("sha256:") + 1;
		at += number(&at);
		n += number(&at) == strlen(path) + 1 && !strcmp((const char *)at, path) &&
		     !memcmp(data, bytes, sizeof(bytes));
		at += ((const unsigned int *)at)[-1];
	}
	return n;
}

TEST_F(hostile, odd_names_are_listed_as_they_are)
{
	static const char *const names[] = {
		"\n", "a\nb", "\t", " ", "a b ", "\xff\xfe", "\x01\x7f", "%s%n", "\"'", "\\", "..x",
		"\xc3\x28", "\u202e", "(deleted)", "file sha256:0", NULL, /* and 255 bytes */
	};
	char path[512], *blank;
	size_t i = 0;

	plan->nth = 0;
	plan->direct = true;
	do {
		if (names[i])
			snprintf(plan->name, sizeof(plan->name), "%s", names[i]);
		else
			memset(plan->name, '\xff', 255);
		ASSERT_EQ(0, access_once());
		EXPECT_EQ(SMALL, got->len);
		path_of_file(path);
		/* which the list has in place of blanks */
		while ((blank = strchr(path, ' ')))
			*blank = '_';
		EXPECT_LE(1, named(self->binary, path, self->s.digest[0])) {
			TH_LOG("name %zu", i);
		}
	} while (names[i++]);
}

/* A hole of 4 GiB behind a program. */
TEST_F(hostile, large_file_is_killable_or_too_large)
{
	struct listed listed;

	served->content[0].told = 1LL << 32;
	plan->act = SAYS_SO;
	plan->point = AT_MIDDLE_READ;
	plan->nth = 1;
	plan->direct = false;
	ASSERT_EQ(0, access_next());
	EXPECT_FALSE(got->begun);
	read_list(table.list, &listed);
	EXPECT_EQ(listed.entries, listed.violations);
	if (table.bound) {
		EXPECT_EQ(EFBIG, got->error);
		EXPECT_EQ(0, plan->reads);
		return;
	}
	EXPECT_FALSE(got->ended);
	EXPECT_EQ(1, listed.violations);
}

/* ---- what is left in the kernel ------------------------------------------------ */

/*
 * What a server may leave behind, or an access to its file: /proc/slabinfo is there on kernels
 * with SLUB_DEBUG alone. The list itself stays, which is no leak.
 */
static const char *const slabs[] = {
	"ima_iint_cache", "iint_cache", "fuse_inode", "fuse_request", "shmem_inode_cache",
};

struct left {
	long shared; /* kB of tmpfs */
	int connections;
	long objects[ARRAY_SIZE(slabs)];
};

static long number_in(const char *path, const char *format)
{
	FILE *file = fopen(path, "re");
	char line[512];
	long n = 0;

	while (file && fgets(line, sizeof(line), file) && sscanf(line, format, &n) != 1)
		;
	if (file)
		fclose(file);
	return n;
}

static void look(struct left *left)
{
	struct stat st;
	char text[64];

	/* what each CPU has counted is added up, and free objects that it has are given back */
	number_in("/proc/sys/vm/stat_refresh", "%ld");
	write_file("/proc/sys/vm/drop_caches", "3");
	left->shared = number_in("/proc/meminfo", "Shmem: %ld");
	/* a directory has a link for each that is in it */
	left->connections = stat(CONNECTIONS, &st) ? -1 : (int)st.st_nlink;
	for (size_t i = 0; i < ARRAY_SIZE(slabs); i++) {
		snprintf(text, sizeof(text), "/sys/kernel/slab/%s/shrink", slabs[i]);
		write_file(text, "1");
		snprintf(text, sizeof(text), "%s %%ld", slabs[i]);
		left->objects[i] = number_in("/proc/slabinfo", text);
	}
}

#define LOOKS 500
#define SOME 16 /* objects that others may have made, and kB; a round makes hundreds */

static bool is_more(const struct left *now, const struct left *before)
{
	bool more = now->shared > before->shared + SOME || now->connections > before->connections;

	for (size_t i = 0; i < ARRAY_SIZE(slabs); i++)
		more |= now->objects[i] > before->objects[i] + SOME;
	return more;
}

/* All that servers do, in a process of its own. */
static int make_round(struct __test_metadata *const _metadata, enum act last)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		table.may_miss = true;
		for (int act = DIES; act <= (int)last; act++) {
			plan->error = act == FAILS_BY_NO_ERROR ? -4096 : -EIO;
			walk(_metadata, (enum act)act, "a round");
		}
		_exit(table.cells < 10);
	}
	return waitpid(pid, &status, 0) == pid ? status : -1;
}

TEST_F_TIMEOUT(hostile, nothing_is_left_of_servers_that_are_gone, 600)
{
	struct left before, now;
	int looks = 0;

	if (variant->userns)
		SKIP(return, "caches are for the host's root to drop");
	/* the first time others come to have what they keep */
	ASSERT_EQ(0, make_round(_metadata, DIES));
	look(&before);
	ASSERT_EQ(0, make_round(_metadata, SHRINKS));
	/* the kernel frees what is left later on, and it may be that others have some of it */
	do
		look(&now);
	while (is_more(&now, &before) && ++looks < LOOKS && !poll(NULL, 0, 10));
	EXPECT_FALSE(is_more(&now, &before));
	/* one that is still there is seen */
	self->s.server = mount_hostile(table.option);
	ASSERT_LT(0, self->s.server);
	look(&now);
	EXPECT_TRUE(is_more(&now, &before));
	TH_LOG("kB of tmpfs %ld, then %ld; connections %d, then %d", before.shared, now.shared,
	       before.connections, now.connections);
	for (size_t i = 0; i < ARRAY_SIZE(slabs); i++)
		if (before.objects[i])
			TH_LOG("%s %ld, then %ld", slabs[i], before.objects[i], now.objects[i]);
}

TEST_HARNESS_MAIN
