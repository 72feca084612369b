// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on the way to a file: whoever reads, maps or executes it through whatever layer,
 * link, handle or descriptor, what they got is in the list of measurements.
 *
 * Without bind the server has switched the content before. With bind it switches it once more
 * as soon as the kernel has read the file: what the user gets must be what was read then.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "attack.h"

#define FILE_PATH DIR "/file"

struct attack {
	struct setting s;
	struct outsider user, root;
	bool bind;
	int lists[CONTENTS]; /* for each of the contents */
	int used; /* of them */
};

FIXTURE(shed) {
	struct attack a;
};

FIXTURE_VARIANT(shed) {
	bool bind;
};

FIXTURE_VARIANT_ADD(shed, plain) {};

FIXTURE_VARIANT_ADD(shed, bind) {
	.bind = true,
};

/* None for tmpfs, where the contents are while their digests are made. */
static int add_rules(void)
{
	static const char *const types[] = { "fuse", "overlay" };
	char rule[128];

	for (size_t i = 0; i < ARRAY_SIZE(types) * HOOKS; i++) {
		snprintf(rule, sizeof(rule), "measure func=%s fsname=%s fowner=%d",
			 hook_names[i / 2], types[i % 2], ATTACKER);
		if (add_rule_once(rule))
			return -1;
	}
	return 0;
}

FIXTURE_SETUP(shed)
{
	const char *missing = attack_is_missing(variant->bind);

	if (missing)
		SKIP(return, "%s", missing);
	self->a.bind = variant->bind;
	ASSERT_EQ(0, set_up_bound(&self->a.s));
	ASSERT_EQ(0, add_rules());
	for (int i = 0; i < CONTENTS; i++)
		self->a.lists[i] = open_list();
	self->a.used = CONTENTS;
	ASSERT_EQ(0, start_outsider(&self->a.user, ATTACKER, false));
	ASSERT_EQ(0, start_outsider(&self->a.root, ATTACKER, true));
	ASSERT_EQ(0, enter_userns(ATTACKER, 0));
	served->owner = 0;
	ASSERT_EQ(0, start_server(&self->a.s, option_of(variant->bind)));
	ASSERT_EQ(0, mount("none", "/tmp", "tmpfs", 0, NULL));
	ASSERT_EQ(0, hold_file(&self->a.s));
	ASSERT_EQ(1, measured(self->a.s.list, self->a.s.digest[0]));
}

FIXTURE_TEARDOWN(shed)
{
	tear_down(&self->a.s);
}

/* The file holds what nobody has seen. */
static int switch_to_new(struct attack *a)
{
	if (a->used == CONTENTS) {
		if (new_programs(&a->s))
			return -1;
		a->used = 0;
	}
	served->which = a->used++;
	notify(INVALIDATE);
	served->read_to_end = false;
	served->hostile = a->bind;
	return 0;
}

/* Whether what somebody got is that, and in the list. */
static void expect_listed(struct __test_metadata *const _metadata,
			  struct attack *a, const char *how, int got)
{
	int which = a->used - 1;

	EXPECT_EQ(which, got) {
		TH_LOG("%s: %s", how, strerror(errno));
	}
	EXPECT_LE(1, measured(a->lists[which], a->s.digest[which])) {
		TH_LOG("%s", how);
	}
}

/* The digit that the user of a file gets, or -1. */
static int use(enum hook hook, const char *path)
{
	struct use use;

	return begin_use(&use, hook, path) ? -1 : end_use(&use);
}

static int digit_of(int byte)
{
	return byte < 0 ? -1 : byte - '0';
}

static int use_fd(enum hook hook, int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return use(hook, path);
}

/* In each way, with a new content for each. */
#define expect_all_listed(get) do { \
	for (int hook = 0; hook < HOOKS; hook++) { \
		ASSERT_EQ(0, switch_to_new(&self->a)); \
		expect_listed(_metadata, &self->a, hook_names[hook], (get)); \
	} \
} while (0)

#define expect_one_listed(get) do { \
	ASSERT_EQ(0, switch_to_new(&self->a)); \
	expect_listed(_metadata, &self->a, #get, (get)); \
} while (0)

TEST_F(shed, what_is_used_by_its_name_is_listed)
{
	expect_all_listed(use(hook, FILE_PATH));
}

TEST_F(shed, what_is_used_by_its_descriptor_is_listed)
{
	expect_all_listed(use_fd(hook, self->a.s.held));
}

/* Descriptors that are good for nothing but a name, and those opened by one another. */
static int use_reopened(enum hook hook)
{
	char path[64];
	int fd = open(FILE_PATH, O_PATH | O_CLOEXEC), next, got;

	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		next = open(path, O_PATH | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	got = use_fd(hook, fd);
	close(fd);
	return got;
}

TEST_F(shed, what_is_used_by_a_descriptor_of_its_name_is_listed)
{
	expect_all_listed(use_reopened(hook));
}

/* Without a name; the program finds its standard input closed. */
static int execute_fd(int fd, char *path)
{
	char *const argv[] = { path, NULL };
	int status;
	pid_t pid = fork();

	if (!pid) {
		close(0);
		syscall(SYS_execveat, fd, path, argv, environ, *path ? 0 : AT_EMPTY_PATH);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == 127)
		return -1;
	return WEXITSTATUS(status);
}

TEST_F(shed, what_is_executed_by_its_descriptor_is_listed)
{
	int path = open(FILE_PATH, O_PATH | O_CLOEXEC), dir = open(DIR, O_PATH | O_CLOEXEC);

	expect_one_listed(execute_fd(self->a.s.held, ""));
	expect_one_listed(execute_fd(path, ""));
	expect_one_listed(execute_fd(dir, "file"));
}

/* By a process outside of the user namespace, to which it leaves its root. */
static int use_by_root(int socket, const struct order *order)
{
	char path[96];

	(void)socket;
	snprintf(path, sizeof(path), "/proc/%d/root" FILE_PATH, order->pid);
	return use(order->hook, path);
}

TEST_F(shed, what_is_used_through_the_root_of_a_process_is_listed)
{
	struct order order = { .act = use_by_root, .pid = getpid() };

	expect_all_listed((order.hook = (enum hook)hook, have_done(&self->a.user, &order)));
	expect_all_listed((order.hook = (enum hook)hook, have_done(&self->a.root, &order)));
}

static int use_by_number(int socket, const struct order *order)
{
	char path[96];

	(void)socket;
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", order->pid, order->number);
	return use(order->hook, path);
}

TEST_F(shed, what_is_used_through_descriptors_of_a_process_is_listed)
{
	struct order order = {
		.act = use_by_number, .pid = getpid(), .number = self->a.s.held,
	};

	expect_all_listed((order.hook = (enum hook)hook, have_done(&self->a.user, &order)));
}

/* The program that a process runs. */
static int use_exe(enum hook hook, pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return use(hook, path);
}

TEST_F(shed, what_is_used_through_the_program_of_a_process_is_listed)
{
	struct program program;

	ASSERT_EQ(0, start_program(&program, FILE_PATH));
	expect_all_listed(use_exe(hook, program.pid));
	end_program(&program);
}

static int use_what_comes(int socket, const struct order *order)
{
	int fd = receive_fd(socket), got = use_fd(order->hook, fd);

	close(fd);
	return got;
}

static int pass_out(struct outsider *to, int fd, enum hook hook)
{
	struct order order = { .act = use_what_comes, .hook = hook };

	return tell(to, &order) || send_fd(to->socket, fd) ? -1 : answer_of(to);
}

/* Descriptors of the name, or of the file as it was. */
TEST_F(shed, what_is_used_by_a_descriptor_that_was_passed_out_is_listed)
{
	int path = open(FILE_PATH, O_PATH | O_CLOEXEC);

	expect_all_listed(pass_out(&self->a.user, path, (enum hook)hook));
	expect_all_listed(pass_out(&self->a.user, self->a.s.held, (enum hook)hook));
}

static int open_and_pass(int socket, const struct order *order)
{
	char path[96];
	int fd, ret;

	snprintf(path, sizeof(path), "/proc/%d/root" FILE_PATH, order->pid);
	fd = open(path, order->number | O_CLOEXEC);
	ret = send_fd(socket, fd);
	close(fd);
	return ret;
}

/* Opened outside with @flags. */
static int opened_outside(struct outsider *from, int flags)
{
	struct order order = { .act = open_and_pass, .pid = getpid(), .number = flags };
	int fd;

	if (tell(from, &order))
		return -1;
	fd = receive_fd(from->socket);
	return answer_of(from) ? -1 : fd;
}

TEST_F(shed, what_is_used_by_a_descriptor_that_was_passed_in_is_listed)
{
	expect_one_listed(digit_of(by_pread(opened_outside(&self->a.user, O_RDONLY))));
	expect_all_listed(use_fd(hook, opened_outside(&self->a.user, O_PATH)));
}

struct handle {
	struct file_handle head;
	unsigned char room[MAX_HANDLE_SZ];
};

static int handle_of_file(struct handle *handle)
{
	int mount;

	handle->head.handle_bytes = MAX_HANDLE_SZ;
	return name_to_handle_at(AT_FDCWD, FILE_PATH, &handle->head, &mount, 0);
}

static int read_by_handle(int mount, struct handle *handle)
{
	int fd = open_by_handle_at(mount, &handle->head, O_RDONLY | O_CLOEXEC), got;

	if (fd < 0)
		return -1;
	got = digit_of(by_pread(fd));
	close(fd);
	return got;
}

/* Newer kernels let its owner do that. */
TEST_F(shed, what_is_read_by_its_handle_is_listed_or_refused)
{
	int mount = open(DIR, O_RDONLY | O_CLOEXEC), got;
	struct handle handle;

	ASSERT_EQ(0, handle_of_file(&handle));
	ASSERT_EQ(0, switch_to_new(&self->a));
	got = read_by_handle(mount, &handle);
	EXPECT_TRUE(got >= 0 || errno == EPERM);
	if (got >= 0)
		expect_listed(_metadata, &self->a, "handle", got);
	/* what was not read does not come up */
	expect_one_listed(use(BY_OPEN, FILE_PATH));
}

static int read_handle_outside(int socket, const struct order *order)
{
	struct handle handle;
	char path[96];
	int mount, got;

	if (read(socket, &handle, sizeof(handle)) != sizeof(handle))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/root" DIR, order->pid);
	mount = open(path, O_RDONLY | O_CLOEXEC);
	got = read_by_handle(mount, &handle);
	close(mount);
	return got;
}

static int read_by_handle_of_root(struct outsider *root, struct handle *handle)
{
	struct order order = { .act = read_handle_outside, .pid = getpid() };

	if (tell(root, &order) || write(root->socket, handle, sizeof(*handle)) != sizeof(*handle))
		return -1;
	return answer_of(root);
}

TEST_F(shed, what_root_reads_by_a_handle_is_listed)
{
	struct handle handle;

	ASSERT_EQ(0, handle_of_file(&handle));
	expect_one_listed(read_by_handle_of_root(&self->a.root, &handle));
}

/* An io_uring of one request at a time. */
struct ring {
	int fd;
	struct io_uring_params params;
	char *memory;
	struct io_uring_sqe *sqe;
};

static int make_ring(struct ring *ring)
{
	size_t size = 4096;

	memset(ring, 0, sizeof(*ring));
	ring->fd = syscall(__NR_io_uring_setup, 1, &ring->params);
	ring->memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd,
			    IORING_OFF_SQ_RING);
	ring->sqe = mmap(NULL, sizeof(*ring->sqe), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_POPULATE, ring->fd, IORING_OFF_SQES);
	return ring->memory == MAP_FAILED || ring->sqe == MAP_FAILED ? -1 : 0;
}

/* Returns what the request does. */
static int do_request(struct ring *ring, const struct io_uring_sqe *sqe)
{
	unsigned int *head = (unsigned int *)(ring->memory + ring->params.cq_off.head);
	struct io_uring_cqe *cqes;
	int ret;

	cqes = (struct io_uring_cqe *)(ring->memory + ring->params.cq_off.cqes);
	*ring->sqe = *sqe;
	*(unsigned int *)(ring->memory + ring->params.sq_off.array) = 0;
	__atomic_fetch_add((unsigned int *)(ring->memory + ring->params.sq_off.tail), 1,
			   __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) != 1)
		return -errno;
	ret = cqes[*head % ring->params.cq_entries].res;
	__atomic_fetch_add(head, 1, __ATOMIC_RELEASE);
	return ret;
}

/* @flags for both requests, and with or without a descriptor that others see, too. */
static int use_ring(int flags, bool direct)
{
	static const int none = -1;
	struct ring ring;
	char byte;
	struct io_uring_sqe open = {
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .flags = flags,
		.addr = (unsigned long)FILE_PATH, .open_flags = O_RDONLY,
		.file_index = direct ? 1 : 0,
	};
	struct io_uring_sqe read = {
		.opcode = IORING_OP_READ, .flags = flags | (direct ? IOSQE_FIXED_FILE : 0),
		.off = MARK, .addr = (unsigned long)&byte, .len = 1,
	};
	int ret;

	if (make_ring(&ring))
		return -1;
	if (direct && syscall(__NR_io_uring_register, ring.fd, IORING_REGISTER_FILES, &none, 1))
		return -1;
	ret = do_request(&ring, &open);
	if (ret >= 0) {
		read.fd = ret;
		ret = do_request(&ring, &read);
	}
	close(ring.fd);
	errno = ret < 0 ? -ret : 0;
	return ret == 1 ? byte - '0' : -1;
}

TEST_F(shed, what_io_uring_reads_is_listed)
{
	expect_one_listed(use_ring(0, false));
	expect_one_listed(use_ring(IOSQE_ASYNC, false));
	expect_one_listed(use_ring(0, true));
	expect_one_listed(use_ring(IOSQE_ASYNC, true));
}

/* A copy in memory, which is a file of another filesystem. */
static int copy_to_memory(void)
{
	int fd = open_file(), memory = memfd_create("copy", 0);

	if (sendfile(memory, fd, NULL, PROGRAM_SIZE) != PROGRAM_SIZE)
		memory = -1;
	close(fd);
	return memory;
}

/* The copying has read it. */
TEST_F(shed, what_is_executed_from_a_copy_in_memory_is_listed_before)
{
	int memory, got;

	ASSERT_EQ(0, switch_to_new(&self->a));
	memory = copy_to_memory();
	got = digit_of(by_pread(memory));
	expect_listed(_metadata, &self->a, "copy", got);
	EXPECT_EQ(got, execute_fd(memory, ""));
}

static int read_through_pipe(void)
{
	int fd = open_file(), pipes[2];
	off_t offset = MARK;
	char byte = -1;

	if (pipe(pipes) || splice(fd, &offset, pipes[1], NULL, 1, 0) != 1 ||
	    read(pipes[0], &byte, 1) != 1)
		return -1;
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
	return byte - '0';
}

TEST_F(shed, what_comes_through_a_pipe_is_listed)
{
	expect_one_listed(read_through_pipe());
}

static int write_script(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0755);
	ssize_t len = strlen(text), n = write(fd, text, len);

	return close(fd) || n != len ? -1 : 0;
}

/* For a script, which is somewhere else. */
TEST_F(shed, what_is_executed_as_an_interpreter_is_listed)
{
	ASSERT_EQ(0, write_script("/tmp/script", "#!" FILE_PATH "\n"));
	expect_one_listed(use(BY_EXEC, "/tmp/script"));
}

/*
 * The kernel opens it when it is told of it, and clones the open file for each program. Newer
 * kernels let user namespaces do that. What is not bound is not executed.
 */
TEST_F(shed, what_binfmt_misc_keeps_open_is_listed_or_refused)
{
	ASSERT_EQ(0, mkdir("/tmp/formats", 0755));
	if (mount("none", "/tmp/formats", "binfmt_misc", 0, NULL))
		SKIP(return, "no binfmt_misc in user namespaces");
	ASSERT_EQ(0, write_script("/tmp/script", "attack\n"));
	ASSERT_EQ(0, write_file("/tmp/formats/register", ":a:M::attack::" FILE_PATH ":F"));
	if (!self->a.bind) {
		expect_one_listed(use(BY_EXEC, "/tmp/script"));
		return;
	}
	ASSERT_EQ(0, switch_to_new(&self->a));
	EXPECT_EQ(-1, use(BY_EXEC, "/tmp/script"));
}

static int mount_layers(const char *target, const char *layers)
{
	char options[256];

	mkdir("/tmp/empty", 0755);
	mkdir("/tmp/more", 0755);
	mkdir("/tmp/upper", 0755);
	mkdir("/tmp/work", 0755);
	snprintf(options, sizeof(options), "userxattr,%s", layers);
	return mount("none", target, "overlay", 0, options);
}

static const char *const layers[] = {
	"lowerdir=" DIR ":/tmp/empty",
	"lowerdir=/tmp/empty:" DIR,
	"lowerdir=/tmp/empty:" DIR ":/tmp/more",
	"lowerdir=" DIR ",upperdir=/tmp/upper,workdir=/tmp/work",
};

TEST_F(shed, what_is_used_through_an_overlay_is_listed)
{
	int held;

	for (size_t i = 0; i < ARRAY_SIZE(layers); i++) {
		ASSERT_EQ(0, mount_layers(OVERLAY, layers[i])) {
			TH_LOG("%s: %s", layers[i], strerror(errno));
		}
		held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, held);
		expect_all_listed(use(hook, OVERLAY "/file"));
		close(held);
		ASSERT_EQ(0, umount2(OVERLAY, MNT_DETACH));
	}
}

TEST_F(shed, what_is_used_through_an_overlay_of_an_overlay_is_listed)
{
	int held;

	ASSERT_EQ(0, mount_layers(OVERLAY, layers[0]));
	ASSERT_EQ(0, mount_layers(LOCAL, "lowerdir=" OVERLAY ":/tmp/more"));
	held = open(LOCAL "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, held);
	expect_all_listed(use(hook, LOCAL "/file"));
}

/* The overlay makes its own copy of what it gets. */
TEST_F(shed, what_an_overlay_has_copied_up_is_listed)
{
	int held, fd;

	ASSERT_EQ(0, mount_layers(OVERLAY, layers[3]));
	held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, held);
	ASSERT_EQ(0, switch_to_new(&self->a));
	fd = open(OVERLAY "/file", O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(fd));
	expect_listed(_metadata, &self->a, "copy", use(BY_OPEN, OVERLAY "/file"));
}

/* Names and attributes are above, and a layer that has but data is below. */
TEST_F(shed, what_an_overlay_finds_in_a_layer_of_data_is_listed)
{
	int held, fd;

	ASSERT_EQ(0, mkdir("/tmp/names", 0755));
	fd = open("/tmp/names/other", O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, PROGRAM_SIZE));
	if (fsetxattr(fd, "user.overlay.metacopy", "", 0, 0) ||
	    fsetxattr(fd, "user.overlay.redirect", "/file", 5, 0))
		SKIP(return, "no attributes of users on tmpfs");
	ASSERT_EQ(0, close(fd));
	if (mount_layers(OVERLAY, "lowerdir=/tmp/names::" DIR))
		SKIP(return, "no layers of data");
	held = open(OVERLAY "/other", O_RDONLY | O_CLOEXEC);
	if (held < 0)
		SKIP(return, "no layers of data in a user namespace");
	expect_all_listed(use(hook, OVERLAY "/other"));
}

/*
 * What is written through a map changes no version, by which IMA would notice it below an
 * overlay.
 */
TEST_F(shed, what_is_written_to_a_layer_through_a_map_is_listed)
{
	char *map;
	int fd, held;

	ASSERT_EQ(0, mount("none", LOCAL, "tmpfs", 0, option_of(self->a.bind)));
	fd = open(LOCAL "/file", O_CREAT | O_RDWR | O_CLOEXEC, 0755);
	/* as make_files() does it */
	ASSERT_EQ(1, pwrite(fd, "", 1, PROGRAM_SIZE - 1));
	map = mmap(NULL, PROGRAM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, mount_layers(OVERLAY, "lowerdir=" LOCAL ":/tmp/empty"));
	held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, held);
	for (int hook = 0; hook < HOOKS - 1; hook++) {
		ASSERT_EQ(0, switch_to_new(&self->a));
		memcpy(map, served->content[served->which].data, PROGRAM_SIZE);
		expect_listed(_metadata, &self->a, hook_names[hook], use(hook, OVERLAY "/file"));
	}
}

TEST_HARNESS_MAIN
