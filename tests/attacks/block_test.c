// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on those who wait. A server that does not answer, or a file without an end, keeps
 * who opens it for as long as that one lives, and nobody else; what ends it without the
 * option ends it with the option, too. Each test is made without the option as well: that is
 * what the kernel does by itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "attack.h"

#define OTHER_INO 3
#define LARGE (4 << 20) /* bytes, which take many requests */
#define ENDLESS 0x10000000000UL
#define CONNECTIONS "/sys/fs/fuse/connections"

/* What the server is told. It keeps to itself requests that are about the file alone. */
struct slow {
	atomic_int hold; /* the next request of this kind gets no answer */
	atomic_bool held; /* one is */
	atomic_int stop_after; /* having answered a request of this kind, take no other */
	atomic_int opens, reads;
	size_t size; /* of the file */
	char other[64]; /* what is in the other file */
};

struct attack {
	struct setting s;
	struct slow *slow;
	struct outsider root;
	const char *option;
	int device;
};

FIXTURE(block) {
	struct attack a;
};

FIXTURE_VARIANT(block) {
	bool optional, bind;
};

FIXTURE_VARIANT_ADD(block, without) {};

FIXTURE_VARIANT_ADD(block, plain) {
	.optional = true,
};

FIXTURE_VARIANT_ADD(block, bind) {
	.optional = true, .bind = true,
};

FIXTURE_SETUP(block)
{
	const char *missing = attack_is_missing(variant->bind);

	if (missing)
		SKIP(return, "%s", missing);
	self->a.option = variant->optional ? option_of(variant->bind) : NULL;
	self->a.device = -1;
	ASSERT_EQ(0, set_up(&self->a.s));
	ASSERT_EQ(0, add_rule("measure", "fuse", ATTACKER));
	ASSERT_EQ(0, start_outsider(&self->a.root, 0, true));
	ASSERT_EQ(0, enter_userns(ATTACKER, 0));
	self->a.slow = mmap(NULL, sizeof(*self->a.slow), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(self->a.slow->other, sizeof(self->a.slow->other), "the other of %d", getpid());
}

FIXTURE_TEARDOWN(block)
{
	close(self->a.device);
	tear_down(&self->a.s);
}

static struct slow *slow;

static struct fuse_attr attr_of(uint64_t ino)
{
	struct fuse_attr attr = {
		.ino = ino, .nlink = 1, .mode = S_IFREG | 0755,
		.size = ino == OTHER_INO ? sizeof(slow->other) : slow->size,
	};

	if (ino == FUSE_ROOT_ID)
		attr.mode = S_IFDIR | 0755;
	return attr;
}

static void answer(int device, uint64_t unique, int error, const void *data, size_t size)
{
	struct fuse_out_header head = {
		.len = sizeof(head) + (error ? 0 : size), .error = -error, .unique = unique,
	};
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *)data, size } };

	/* whoever asked may have been killed */
	if (writev(device, parts, error ? 1 : 2) < 0)
		return;
}

static void answer_read(int device, const struct fuse_in_header *in)
{
	const struct fuse_read_in *what = (const void *)(in + 1);
	size_t size = attr_of(in->nodeid).size, n = what->size;
	static char zeros[1 << 20];

	if (what->offset >= size)
		n = 0;
	else if (n > size - what->offset)
		n = size - what->offset;
	answer(device, in->unique, 0,
	       in->nodeid == OTHER_INO ? slow->other + what->offset : zeros, n);
	slow->reads++;
}

static void answer_request(int device, const struct fuse_in_header *in)
{
	const char *name = (const char *)(in + 1);
	struct fuse_entry_out entry = { .entry_valid = 86400, .attr_valid = 86400 };
	struct fuse_attr_out attr = { .attr_valid = 86400, .attr = attr_of(in->nodeid) };
	/*
	 * Or the next open would wait for pages that are being read, and a close for an
	 * answer: for these nobody is killed.
	 */
	struct fuse_open_out opened = { .open_flags = FOPEN_KEEP_CACHE | FOPEN_NOFLUSH };

	switch (in->opcode) {
	case FUSE_LOOKUP:
		entry.nodeid = !strcmp(name, "file") ? FILE_INO : OTHER_INO;
		entry.attr = attr_of(entry.nodeid);
		answer(device, in->unique, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(device, in->unique, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(device, in->unique, 0, &opened, sizeof(opened));
		slow->opens += in->nodeid == FILE_INO;
		break;
	case FUSE_READ:
		answer_read(device, in);
		break;
	case FUSE_GETXATTR:
		answer(device, in->unique, ENODATA, NULL, 0);
		break;
	case FUSE_RELEASE:
		answer(device, in->unique, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(device, in->unique, EOPNOTSUPP, NULL, 0);
	}
}

static void serve(int device)
{
	static char request[(1 << 20) + 8192];
	const struct fuse_in_header *in = (const void *)request;
	int kind;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(device, request, sizeof(request)) > 0 || errno == ENOENT || errno == EINTR) {
		kind = in->opcode;
		if (in->nodeid == FILE_INO && kind == slow->hold) {
			slow->hold = 0;
			slow->held = true;
			continue;
		}
		answer_request(device, in);
		if (in->nodeid == FILE_INO && kind == slow->stop_after) {
			slow->stop_after = 0;
			raise(SIGSTOP);
		}
	}
	_exit(0);
}

/* Mount, and let this server take over. Returns 0 or -1. */
static int start_slow(struct attack *a)
{
	struct stat st;

	if (!a->slow || start_server(&a->s, a->option) || stat(DIR, &st))
		return -1;
	a->device = device_of(a->s.server);
	kill(a->s.server, SIGKILL);
	end_of(a->s.server);
	slow = a->slow;
	slow->size = LARGE;
	slow->held = false;
	slow->opens = 0;
	slow->reads = 0;
	a->s.server = fork();
	if (!a->s.server)
		serve(a->device);
	return a->device < 0 || a->s.server < 0 ? -1 : 0;
}

/* Nobody but the server has its device. */
static int leave_it_the_device(struct attack *a)
{
	int ret = close(a->device);

	a->device = -1;
	return ret;
}

static pid_t start_to_open(const char *path)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(open(path, O_RDONLY | O_CLOEXEC) < 0 ? errno : 0);
	}
	return pid;
}

/* One that opens the file, and whose next request of that kind gets no answer. */
static pid_t start_to_be_held(struct attack *a, int request)
{
	pid_t pid;

	a->slow->hold = request;
	pid = start_to_open(DIR "/file");
	while (!a->slow->held)
		sched_yield();
	return pid;
}

/* Whether it comes to wait, in one of the ways that /proc/PID/stat has letters for. */
static bool waits(pid_t pid, const char *ways)
{
	char state;

	do {
		sched_yield();
		state = state_of(pid);
		if (!state || state == 'Z')
			return false;
	} while (!strchr(ways, state));
	return true;
}

static bool was_killed(pid_t pid)
{
	int status = end_of(pid);

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool has_stopped(pid_t pid)
{
	int status;

	return waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status);
}

/* It takes no request any more: before the open, after that, and in the middle of the file. */
TEST_F(block, who_opens_a_file_of_a_server_that_has_stopped_can_be_killed)
{
	static const int stops[] = { 0, FUSE_OPEN, FUSE_READ };
	pid_t pid;

	ASSERT_EQ(0, start_slow(&self->a));
	for (size_t i = 0; i < ARRAY_SIZE(stops); i++) {
		self->a.slow->stop_after = stops[i];
		if (!stops[i]) {
			ASSERT_EQ(0, kill(self->a.s.server, SIGSTOP));
			ASSERT_TRUE(has_stopped(self->a.s.server));
		}
		pid = start_to_open(DIR "/file");
		if (stops[i])
			ASSERT_TRUE(has_stopped(self->a.s.server));
		EXPECT_TRUE(waits(pid, "SD")) {
			TH_LOG("after request %d", stops[i]);
		}
		ASSERT_EQ(0, kill(pid, SIGKILL));
		EXPECT_TRUE(was_killed(pid)) {
			TH_LOG("after request %d", stops[i]);
		}
		ASSERT_EQ(0, kill(self->a.s.server, SIGCONT));
	}
}

/* FUSE waits for the answer to what a server has taken, as long as there is a server. */
TEST_F(block, who_opens_a_file_of_a_server_that_is_silent_ends_with_it)
{
	static const int requests[] = { FUSE_OPEN, FUSE_GETXATTR, FUSE_READ, FUSE_GETATTR };
	pid_t pid;

	/* without the option the kernel believes the attributes that it has */
	for (size_t i = 0; i < ARRAY_SIZE(requests) - !self->a.option; i++) {
		ASSERT_EQ(0, start_slow(&self->a));
		ASSERT_EQ(0, leave_it_the_device(&self->a));
		pid = start_to_be_held(&self->a, requests[i]);
		EXPECT_TRUE(waits(pid, "SD"));
		ASSERT_EQ(0, kill(pid, SIGKILL));
		stop_server(&self->a.s);
		EXPECT_TRUE(was_killed(pid)) {
			TH_LOG("request %d", requests[i]);
		}
	}
}

/* With bind it is too large from the beginning. */
TEST_F(block, who_opens_a_file_without_an_end_can_be_killed_or_is_refused)
{
	pid_t pid;

	ASSERT_EQ(0, start_slow(&self->a));
	self->a.slow->size = ENDLESS;
	pid = start_to_open(DIR "/file");
	if (self->a.option && variant->bind) {
		EXPECT_EQ(EFBIG, WEXITSTATUS(end_of(pid)));
		return;
	}
	while (self->a.slow->reads < 10)
		sched_yield();
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_TRUE(was_killed(pid));
}

/*
 * The first one waits for the server, and the second one for the first: for IMA's mutex of
 * the inode, from which nothing wakes it, with the option or without. With bind each reads
 * the file by itself.
 */
TEST_F(block, limit_second_who_opens_it_ends_with_the_first)
{
	pid_t pid[2];
	bool alone;

	ASSERT_EQ(0, start_slow(&self->a));
	pid[0] = start_to_be_held(&self->a, FUSE_READ);
	pid[1] = start_to_open(DIR "/file");
	while (self->a.slow->opens < 2)
		sched_yield();
	ASSERT_TRUE(waits(pid[1], "D"));
	ASSERT_EQ(0, kill(pid[1], SIGKILL));
	/* what a signal can wake does not wait any more */
	alone = self->a.option && variant->bind;
	EXPECT_TRUE(alone ? was_killed(pid[1]) : state_of(pid[1]) == 'D');
	ASSERT_EQ(0, kill(pid[0], SIGKILL));
	EXPECT_TRUE(was_killed(pid[0]));
	EXPECT_TRUE(alone || was_killed(pid[1]));
}

static int act_as_administrator(int socket, const struct order *order)
{
	(void)socket;
	(void)order;
	return add_rule("measure", "fuse", ATTACKER + 1 + getpid());
}

TEST_F(block, others_go_on)
{
	struct order order = { .act = act_as_administrator };
	char digest[DIGEST_SIZE];
	struct statfs st;
	pid_t pid;
	int fs;

	ASSERT_EQ(0, sha256(self->a.slow->other, sizeof(self->a.slow->other), digest));
	ASSERT_EQ(0, start_slow(&self->a));
	pid = start_to_be_held(&self->a, FUSE_READ);
	/* on the same filesystem */
	EXPECT_EQ(0, end_of(start_to_open(DIR "/other")));
	EXPECT_EQ(1, measured(self->a.s.list, digest));
	/* on another one */
	EXPECT_EQ(0, end_of(start_to_open("/proc/self/mountinfo")));
	EXPECT_EQ(0, end_of(start_to_open("/init")));
	EXPECT_EQ(0, statfs("/mnt", &st));
	/* mounts, and the policy */
	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	EXPECT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	EXPECT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	close(fs);
	EXPECT_EQ(0, have_done(&self->a.root, &order));
	EXPECT_EQ(0, umount2(DIR, MNT_DETACH));
	/* all the time it has waited */
	EXPECT_TRUE(waits(pid, "SD"));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(0, leave_it_the_device(&self->a));
	stop_server(&self->a.s);
	EXPECT_TRUE(was_killed(pid));
}

static int abort_connection(int socket, const struct order *order)
{
	char path[64];

	(void)socket;
	mount("none", CONNECTIONS, "fusectl", 0, NULL);
	snprintf(path, sizeof(path), CONNECTIONS "/%d/abort", order->number);
	return write_file(path, "1");
}

/*
 * One that has the device, too, opens the file while another one waits for an answer: the
 * connection ends with the device, and the device with one that waits for the connection.
 */
TEST_F(block, limit_administrator_ends_a_server_that_waits_for_itself)
{
	struct order order = { .act = abort_connection };
	struct stat st;
	pid_t pid[2];
	bool alone;

	ASSERT_EQ(0, start_slow(&self->a));
	ASSERT_EQ(0, stat(DIR, &st));
	order.number = minor(st.st_dev);
	pid[0] = start_to_be_held(&self->a, FUSE_GETXATTR);
	pid[1] = start_to_open(DIR "/file");
	while (self->a.slow->opens < 2)
		sched_yield();
	ASSERT_EQ(0, leave_it_the_device(&self->a));
	ASSERT_TRUE(waits(pid[1], "D"));
	for (int i = 0; i < 2; i++)
		ASSERT_EQ(0, kill(pid[i], SIGKILL));
	stop_server(&self->a.s);
	/* With bind a signal may end the second one. The device goes, and the first one ends. */
	alone = self->a.option && variant->bind;
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(alone || state_of(pid[i]) == 'D');
	EXPECT_TRUE(!have_done(&self->a.root, &order) || alone);
	for (int i = 0; i < 2; i++)
		EXPECT_TRUE(was_killed(pid[i]));
}

TEST_HARNESS_MAIN
