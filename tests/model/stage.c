// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"

#include "../selftests/ima/tasks.h"
#include "model.h"

#define STORE "/mnt/store" /* of the FUSE program */
#define LAYER "/mnt/lower"
#define UPPER "/mnt/upper"
#define LENGTH 0xb0 /* where it has its size, after the code */
#define STAMP 0xc0 /* in each page, where a content says which one it is */

enum { AT_MAIN, AT_BOUND, AT_SECOND, AT_OVER, MOUNTS };

static const char *const mounts[MOUNTS] = {
	MAIN, USE "/bound", USE "/second", USE "/over",
};

struct order {
	enum errand errand;
	enum hook hook;
};

static int outside = -1; /* the socket to who runs errands */
static int kernel_log = -1; /* of theirs */

static const char *device(void)
{
	return getenv("IMA_TEST_EXT4") ?: "/dev/vda";
}

static const char *type_of_rules(void)
{
	static const char *const types[KINDS] = {
		"fuse", "fuse", "tmpfs", "ext4", "overlay", "overlay",
	};

	return types[run->kind];
}

static int add_rules(enum hook hook)
{
	static const char *const hooks[HOOKS] = {
		"FILE_CHECK mask=MAY_READ", "BPRM_CHECK", "MMAP_CHECK",
	};
	const char *const types[] = { type_of_rules(), "overlay" };
	static const char *const actions[] = { "measure", "audit" };
	char rule[128];

	for (int i = 0; i < 4; i++) {
		snprintf(rule, sizeof(rule), "%s func=%s fsname=%s fowner=%u\n", actions[i % 2],
			 hooks[hook], types[i / 2], run->owner);
		if (write_file(IMA "policy", rule))
			return -1;
	}
	run->rules |= 1 << hook;
	return 0;
}

/* Records are printed in their order, by a thread: this file's is the last. */
static int open_marker(char path[LIST_NAME])
{
	int fd, ret = -1;

	snprintf(path, LIST_NAME, "/tmp/marker%u", run->salt);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0 && write(fd, "", 1) == 1)
		ret = fchown(fd, MARKER_OWNER, MARKER_OWNER);
	close(fd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	close(fd);
	unlink(path);
	return fd < 0 ? -1 : ret;
}

bool is_of_files(const char *path)
{
	/* where the mount is gone IMA has the name alone, see ima_d_path() */
	return !strncmp(path, USE "/", strlen(USE "/")) ||
	       (path[0] >= '0' && path[0] < '0' + NAMES && (!path[1] || path[1] == '"'));
}

static int read_records(void)
{
	struct pollfd fd = { .fd = kernel_log, .events = POLLIN };
	char line[RECORD_SIZE], marker[LIST_NAME];
	const char *digest, *file;
	ssize_t len;

	if (open_marker(marker))
		return -1;
	for (;;) {
		len = read(kernel_log, line, sizeof(line) - 1);
		if (len < 0 && errno == EAGAIN && poll(&fd, 1, 30000) == 1)
			continue;
		if (len <= 0)
			return -1;
		line[len] = '\0';
		if (!strstr(line, "type=1805")) /* AUDIT_INTEGRITY_RULE */
			continue;
		if (strstr(line, marker))
			return 0;
		digest = strstr(line, "sha256:");
		file = strstr(line, "file=\"");
		if (!digest || !file || !is_of_files(file + strlen("file=\"")))
			continue;
		if (run->records == MOST_RECORDS)
			return -1;
		digest += strlen("sha256:");
		snprintf(run->record[run->records++], DIGEST_SIZE, "%s", digest);
	}
}

static int run_errand(const struct order *order)
{
	switch (order->errand) {
	case ADD_RULES:
		return add_rules(order->hook);
	case READ_RECORDS:
		return read_records();
	default:
		/* which inodes go is left to chance, and IMA forgets with them: then pages alone */
		return write_file("/proc/sys/vm/drop_caches", run->compared ? "1" : "3");
	}
}

static void run_errands(int socket)
{
	struct order order;
	int ret;

	kernel_log = open_log();
	while (read(socket, &order, sizeof(order)) == sizeof(order)) {
		ret = run_errand(&order);
		if (write(socket, &ret, sizeof(ret)) != sizeof(ret))
			break;
	}
	_exit(0);
}

int send_out(enum errand errand, enum hook hook)
{
	struct order order = { errand, hook };
	int ret;

	if (write(outside, &order, sizeof(order)) != sizeof(order) ||
	    read(outside, &ret, sizeof(ret)) != sizeof(ret))
		return -1;
	return ret;
}

static int start_errands(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		return -1;
	if (!fork()) {
		close(ends[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_errands(ends[1]);
	}
	close(ends[1]);
	outside = ends[0];
	return 0;
}

void make_content(char *data, size_t size, int number)
{
	/* write its own image to standard output, and exit */
	static const unsigned char code[] = {
		0xb8, 1, 0, 0, 0, 0xbf, 1, 0, 0, 0, /* write to 1 */
		0xbe, 0, 0, PROGRAM_BASE >> 16, 0, /* from the start */
		0x8b, 0x14, 0x25, LENGTH, 0, PROGRAM_BASE >> 16, 0, /* what LENGTH says */
		0x0f, 0x05, 0xb8, 60, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05, /* exit */
	};
	unsigned int length = size;

	memset(data, '#', size);
	make_program(data, size, code, sizeof(code));
	memcpy(data + LENGTH, &length, sizeof(length));
	for (size_t at = STAMP; at + 48 <= size; at += 4096)
		sprintf(data + at, "content %d of run %u", number, run->salt);
}

static size_t any_size(unsigned int any)
{
	static const size_t sizes[] = { 256, 4095, 4096, 4097, 8192, 12288 };

	any /= 64;
	return any % 2 ? sizes[any / 2 % 6] : 256 + any / 2 % 16000;
}

static int fill_with_files(const char *dir)
{
	static char data[MOST_GOT];
	char path[LIST_NAME];
	uid_t owner = run->kind == FUSE_USERNS ? 0 : run->owner;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/d", dir);
	if (mkdir(path, 0755))
		return -1;
	/* the last name is free */
	for (int name = 0; name < NAMES - 1 && !ret; name++) {
		size_t size = any_size(run->step[name].number);

		make_content(data, size, STEPS + name);
		snprintf(path, sizeof(path), "%s/d/%d", dir, name);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
		if (fd < 0)
			return -1;
		if (write(fd, data, size) != (ssize_t)size || fchown(fd, owner, owner) || fsync(fd))
			ret = -1;
		close(fd);
	}
	return ret;
}

static int mount_fuse(void)
{
	char command[256];
	const char *type = run->option ? OPTION ".fuse.bindfs" : "fuse.bindfs";

	/* by default names are asked for again after a second, which a comparison must not go by */
	snprintf(command, sizeof(command), "mount -t %s -o %s%s%s%s " STORE " " MAIN, type,
		 run->fuse_options, run->compared ? ",entry_timeout=86400" : "",
		 run->bound ? "," : "", run->bound ? run->option : "");
	return system(command) ? -1 : 0;
}

static int mount_layers(void)
{
	char data[256];

	if (mount("none", UPPER, "tmpfs", 0, NULL) || mkdir(UPPER "/data", 0755) ||
	    mkdir(UPPER "/work", 0755))
		return -1;
	snprintf(data, sizeof(data),
		 "lowerdir=" LAYER ",upperdir=" UPPER "/data,workdir=" UPPER "/work%s%s",
		 run->kind == OVERLAY && run->option ? "," : "",
		 run->kind == OVERLAY && run->option ? run->option : "");
	return mount("none", MAIN, "overlay", 0, data);
}

static int remove_files(void)
{
	char path[LIST_NAME];

	for (int name = 0; name < NAMES; name++) {
		snprintf(path, sizeof(path), MAIN "/d/%d", name);
		unlink(path);
	}
	return rmdir(MAIN "/d");
}

static int mount_all(void)
{
	switch (run->kind) {
	case FUSE_ROOT:
	case FUSE_USERNS:
		if (fill_with_files(STORE))
			return -1;
		return mount_fuse();
	case TMPFS:
		if (mount("none", MAIN, "tmpfs", 0, run->option))
			return -1;
		return fill_with_files(MAIN);
	case EXT4:
		if (mount(device(), MAIN, "ext4", 0, run->option))
			return -1;
		remove_files(); /* of another sequence */
		return fill_with_files(MAIN);
	default:
		if (mount("none", LAYER, "tmpfs", 0, run->kind == LOWER ? run->option : NULL) ||
		    fill_with_files(LAYER))
			return -1;
		return mount_layers();
	}
}

/* Nobody may lose it. */
static void look_for_flag(const char *when)
{
	const char *dir = run->kind == LOWER ? LAYER : MAIN;

	if (run->option && shown(dir, run->option) != 1)
		snprintf(run->broken, sizeof(run->broken), "the option is not shown after %s",
			 when);
}

int set_stage(void)
{
	static const char *const dirs[] = {
		STORE, LAYER, UPPER, USE, MAIN, USE "/bound", USE "/second", USE "/over",
	};

	if (start_errands() ||
	    (run->kind == FUSE_USERNS ? enter_userns(run->owner, 0) : enter_mount_namespace()) ||
	    mount("none", "/mnt", "tmpfs", 0, NULL))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0755))
			return -1;
	if (mount_all())
		return -1;
	run->mounts = 1 << AT_MAIN;
	look_for_flag("it was mounted");
	return 0;
}

void clear_stage(void)
{
	umount2(mounts[AT_OVER], MNT_DETACH);
	umount2(mounts[AT_SECOND], MNT_DETACH);
	umount2(mounts[AT_BOUND], MNT_DETACH);
	if (run->kind == EXT4)
		remove_files();
	/* an ext4 that is in use still could not be mounted in another way */
	if (umount2(MAIN, 0))
		umount2(MAIN, MNT_DETACH);
	umount2(LAYER, MNT_DETACH);
	close(outside);
}

static int mount_at(int where)
{
	int at = -1;

	for (where %= __builtin_popcount(run->mounts); where >= 0; where--)
		while (!(run->mounts & 1 << ++at))
			;
	return at;
}

void name_file(char path[LIST_NAME], int where, int name)
{
	snprintf(path, LIST_NAME, "%s/d/%d", mounts[mount_at(where)], name);
}

bool is_flagged(int where, int name)
{
	char path[LIST_NAME];

	if (run->bound)
		return true;
	snprintf(path, sizeof(path), UPPER "/data/d/%d", name);
	return !(run->kind == OVERLAY && mount_at(where) == AT_OVER) &&
	       !(run->kind == LOWER && !access(path, F_OK));
}

/* What the filesystem has written it does not write again. */
static int write_device(const char *path, const char *data, size_t size)
{
	/* the rules go by reading */
	int fd = open(path, O_WRONLY | O_CLOEXEC), disk = open(device(), O_WRONLY | O_CLOEXEC);
	int block_size = 0, block, ret = 0;

	if (fd < 0 || disk < 0 || fsync(fd) || ioctl(fd, FIGETBSZ, &block_size))
		ret = -1;
	for (size_t at = 0; at < size && !ret; at += block_size) {
		size_t part = size - at < (size_t)block_size ? size - at : (size_t)block_size;

		block = at / block_size;
		if (ioctl(fd, FIBMAP, &block))
			ret = -1;
		else if (block && pwrite(disk, data + at, part, (off_t)block * block_size) !=
				  (ssize_t)part)
			ret = -1;
	}
	if (!ret)
		ret = fsync(disk);
	close(fd);
	close(disk);
	return ret ?: send_out(EMPTY_CACHES, 0);
}

static int write_store(const char *path, const char *data, size_t size,
		       const struct timespec *times)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -1;
	if (pwrite(fd, data, size, 0) != (ssize_t)size || ftruncate(fd, size) ||
	    (times && futimens(fd, times)))
		ret = -1;
	close(fd);
	return ret;
}

int write_below(int name, int number, unsigned int any)
{
	static char data[MOST_GOT];
	struct timespec times[2];
	char path[LIST_NAME];
	struct stat st;
	size_t size;

	if (run->kind == TMPFS) {
		errno = EOPNOTSUPP;
		return -1;
	}
	for (int i = 0; i < NAMES; i++) {
		snprintf(path, sizeof(path), "%s/d/%d",
			 run->kind == EXT4 ? MAIN : run->kind <= FUSE_USERNS ? STORE : LAYER,
			 (name + i) % NAMES);
		if (!stat(path, &st))
			break;
	}
	size = any % 2 || run->kind == EXT4 ? (size_t)st.st_size : any_size(any);
	make_content(data, size, number);
	if (run->kind == EXT4)
		return write_device(path, data, size);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	return write_store(path, data, size, any & 2 ? times : NULL);
}

bool is_present(int where, int name, const char *data, size_t len)
{
	static char now[MOST_GOT];
	char path[LIST_NAME];
	ssize_t got;
	int fd;

	/* otherwise pages are kept from one open to the next, or are not yet written back */
	if (run->kind > FUSE_USERNS || strstr(run->fuse_options, "_cache") || run->writers)
		return true;
	/* an overlay goes on finding by its old name what was renamed below it */
	if (mount_at(where) == AT_OVER)
		return true;
	/* without a rule nobody asks the server for the size again */
	if (strcmp(run->fuse_options, "attr_timeout=0") && !(run->rules & 1 << BY_OPEN))
		return true;
	snprintf(path, sizeof(path), STORE "/d/%d", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = read(fd, now, sizeof(now));
	close(fd);
	return got == (ssize_t)len && !memcmp(now, data, len);
}

/* Mount or unmount it. */
static int toggle(int at, int ret)
{
	if (!ret)
		run->mounts ^= 1 << at;
	look_for_flag(mounts[at]);
	return ret;
}

int mount_bound(void)
{
	if (run->mounts & 1 << AT_BOUND)
		return toggle(AT_BOUND, umount2(mounts[AT_BOUND], MNT_DETACH));
	return toggle(AT_BOUND, mount(MAIN, mounts[AT_BOUND], NULL, MS_BIND, NULL));
}

int mount_second(void)
{
	if (run->mounts & 1 << AT_SECOND)
		return toggle(AT_SECOND, umount2(mounts[AT_SECOND], MNT_DETACH));
	if (run->kind != EXT4) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return toggle(AT_SECOND, mount(device(), mounts[AT_SECOND], "ext4", 0, run->option));
}

int mount_over(void)
{
	if (run->mounts & 1 << AT_OVER)
		return toggle(AT_OVER, umount2(mounts[AT_OVER], MNT_DETACH));
	return toggle(AT_OVER, mount("none", mounts[AT_OVER], "overlay", MS_RDONLY,
				     "lowerdir=" MAIN ":" UPPER));
}

int remount(unsigned int any)
{
	/* what a user namespace's mounts have, they keep */
	unsigned long flags = run->kind <= FUSE_USERNS ? MS_NOSUID | MS_NODEV : 0;
	int ret;

	if (any % 3 == 0) {
		ret = mount(NULL, MAIN, NULL, MS_REMOUNT | MS_BIND | MS_NOATIME | flags, NULL);
	} else {
		ret = 0;
		if (any % 3 == 1)
			ret = mount(NULL, MAIN, NULL, MS_REMOUNT | MS_RDONLY | flags, NULL);
		if (mount(NULL, MAIN, NULL, MS_REMOUNT | flags, NULL))
			ret = -1;
	}
	look_for_flag("it was mounted again");
	return ret;
}
