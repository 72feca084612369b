// SPDX-License-Identifier: GPL-2.0
/*
 * What ima_nocache makes IMA and EVM do: a file whose content and xattrs are
 * switched without the kernel seeing it is evaluated as it is now.
 *
 * The file is on a FUSE filesystem that this test serves itself, and stays open
 * all the time, so that its inode and all that IMA knows of it stay. Each test
 * has a policy rule of its own, by the owner of the file, since rules cannot be
 * taken back. The tests whose name begins with "plain" are without the option
 * and show what is missed then. Those of many tasks at once are on filesystems
 * where something is shared; IMA_TEST_EXT4 in the environment is a block device
 * with ext4 for some of them, in whose root they leave files.
 */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/module.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define OPTION "ima_nocache"
#define DIR "/mnt/reevaluate"
#define OVERLAY "/mnt/reevaluate-overlay"
#define IMA "/sys/kernel/security/ima/"
#define SIZE 8192 /* bytes of the file, more than a page */
#define FILE_INO 2
#define TIMEOUT 86400.0 /* s; what the kernel knows of attributes, it keeps */

enum { XATTR_IMA, XATTR_EVM, XATTRS };

static const char *const xattr_names[XATTRS] = { "security.ima", "security.evm" };

/* Shared between the test and the server, which is a process of its own. */
struct served {
	atomic_int content; /* which of the two is served */
	atomic_int xattr[XATTRS];
	atomic_bool read_to_end;
	bool hostile; /* serve the other content once the file was read */
	bool by_open; /* and until it is closed what was served when it was opened */
	bool missing; /* the file, until it is made */
	bool metacopy; /* overlay finds only the metadata of the file here */
	atomic_bool hold_back; /* the next answer about an xattr of the file */
	atomic_bool held_back; /* one is, until somebody looks up a marker */
	atomic_int opens;
	uid_t owner;
	char data[2][SIZE];
	char value[XATTRS][2][256];
	size_t len[XATTRS][2];
};

static struct served *served;
static fuse_req_t held_req; /* what the server holds back */

static void file_attr(struct stat *st, fuse_ino_t ino)
{
	*st = (struct stat){
		.st_ino = ino, .st_mode = S_IFREG | 0755, .st_nlink = 1,
		.st_size = SIZE, .st_uid = served->owner, .st_gid = served->owner,
	};
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {
		.ino = FILE_INO, .attr_timeout = TIMEOUT, .entry_timeout = TIMEOUT,
	};
	unsigned int n;

	/* "file", or one of any number of others that are opened once each */
	if (sscanf(name, "marker%u", &n) == 1) {
		e.ino = FILE_INO + 1 + n;
		if (held_req)
			fuse_reply_err(held_req, ENODATA);
		held_req = NULL;
	} else if (parent != FUSE_ROOT_ID || strcmp(name, "file") || served->missing) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	file_attr(&e.attr, e.ino);
	fuse_reply_entry(req, &e);
}

static void fs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)mode;
	(void)rdev;
	served->missing = false;
	fs_lookup(req, parent, name);
}

static void fs_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st = { .st_ino = FUSE_ROOT_ID, .st_mode = S_IFDIR | 0755, .st_nlink = 2 };

	(void)fi;
	if (ino != FUSE_ROOT_ID)
		file_attr(&st, ino);
	fuse_reply_attr(req, &st, TIMEOUT);
}

static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = served->hostile || served->by_open;
	fi->fh = served->content;
	fuse_reply_open(req, fi);
	served->opens++;
}

static void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	int which = served->by_open ? (int)fi->fh : served->content;

	(void)ino;
	if (served->hostile && served->read_to_end)
		which = !which;
	if (off >= SIZE)
		size = 0;
	else if (size > (size_t)(SIZE - off))
		size = SIZE - off;
	if (off + size >= SIZE)
		served->read_to_end = true;
	fuse_reply_buf(req, served->data[which] + off, size);
}

static int xattr_kind(const char *name)
{
	for (int kind = 0; kind < XATTRS; kind++)
		if (!strcmp(name, xattr_names[kind]))
			return kind;
	return -1;
}

static void fs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	int kind = xattr_kind(name), which;
	size_t len;

	if (ino == FILE_INO && served->metacopy && !strcmp(name, "trusted.overlay.metacopy")) {
		/* there, and empty */
		if (size)
			fuse_reply_buf(req, "", 0);
		else
			fuse_reply_xattr(req, 0);
		return;
	}
	if (ino != FILE_INO || kind < 0) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	if (atomic_exchange(&served->hold_back, false)) {
		held_req = req;
		served->held_back = true;
		return;
	}
	which = served->xattr[kind];
	len = served->len[kind][which];
	if (!len)
		fuse_reply_err(req, ENODATA);
	else if (!size)
		fuse_reply_xattr(req, len);
	else if (size < len)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, served->value[kind][which], len);
}

static void fs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	int kind = xattr_kind(name), which;

	(void)flags;
	if (ino != FILE_INO || kind < 0 || size > sizeof(served->value[0][0])) {
		fuse_reply_err(req, EOPNOTSUPP);
		return;
	}
	which = served->xattr[kind];
	memcpy(served->value[kind][which], value, size);
	served->len[kind][which] = size;
	fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = fs_lookup,
	.mknod = fs_mknod,
	.getattr = fs_getattr,
	.open = fs_open,
	.read = fs_read,
	.getxattr = fs_getxattr,
	.setxattr = fs_setxattr,
};

static void serve(int device)
{
	char name[] = "reevaluate_test", *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	struct fuse_session *se;
	char path[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "/dev/fd/%d", device);
	se = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (se && !fuse_session_mount(se, path))
		fuse_session_loop(se);
	_exit(0);
}

static int set_number(int fs, const char *name, const char *format, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), format, value);
	return fsconfig(fs, FSCONFIG_SET_STRING, name, text, 0);
}

/* Mount the served filesystem on DIR.  Returns the server's process ID or -1. */
static pid_t mount_served(const char *option)
{
	int device, fs, mnt, ret;
	pid_t pid;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	fs = fsopen("fuse", FSOPEN_CLOEXEC);
	if (device < 0 || fs < 0)
		return -1;
	if (option && fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0))
		return -1;
	if (set_number(fs, "fd", "%u", device) || set_number(fs, "rootmode", "%o", S_IFDIR) ||
	    set_number(fs, "user_id", "%u", getuid()) ||
	    set_number(fs, "group_id", "%u", getgid()) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return -1;
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0)
		return -1;
	pid = fork();
	if (!pid)
		serve(device);
	ret = move_mount(mnt, "", AT_FDCWD, DIR, MOVE_MOUNT_F_EMPTY_PATH);
	close(mnt);
	close(fs);
	close(device);
	return ret ? -1 : pid;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return ret;
}

static int add_rule(const char *action, const char *fsname, uid_t owner)
{
	char rule[128];

	snprintf(rule, sizeof(rule), "%s func=FILE_CHECK fsname=%s fowner=%u\n", action, fsname,
		 owner);
	return write_file(IMA "policy", rule);
}

/* Become root of a user namespace in which root is @uid outside. */
static int enter_userns(uid_t uid)
{
	char map[32];

	snprintf(map, sizeof(map), "0 %u 1", uid);
	/* /proc/self is root's after a change of IDs, without the prctl(2) */
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid) ||
	    prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER | CLONE_NEWNS) ||
	    write_file("/proc/self/setgroups", "deny") ||
	    write_file("/proc/self/uid_map", map) || write_file("/proc/self/gid_map", map))
		return -1;
	return 0;
}

/* The digest of @size bytes, as sha256sum(1) knows it, in 64 hexadecimal digits. */
static int sha256(const char *data, size_t size, char hex[65])
{
	char command[64];
	int fd = memfd_create("content", 0);
	FILE *p;
	int ret;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return -1;
	snprintf(command, sizeof(command), "sha256sum /proc/%d/fd/%d", getpid(), fd);
	p = popen(command, "r");
	ret = p && fscanf(p, "%64s", hex) == 1 ? 0 : -1;
	if (p)
		pclose(p);
	close(fd);
	return ret;
}

static int open_file(void)
{
	return open(DIR "/file", O_RDONLY | O_CLOEXEC);
}

/* Open and close it, which is an access.  Returns 0 or -1 with errno. */
static int access_file(void)
{
	int fd = open_file();

	return fd < 0 ? -1 : close(fd);
}

FIXTURE(reevaluate) {
	int list; /* of measurements, read up to its end */
	int log; /* the kernel's, read up to its end */
	pid_t server;
	int held;
	char digest[2][65];
};

FIXTURE_SETUP(reevaluate)
{
	char rest[4096];

	self->server = 0;
	self->held = -1;
	served = mmap(NULL, sizeof(*served), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	ASSERT_NE(MAP_FAILED, served);
	for (int i = 0; i < 2; i++) {
		/* of this test alone: IMA lists the same record only once */
		snprintf(served->data[i], SIZE, "content %d of test %d", i, getpid());
		ASSERT_EQ(0, sha256(served->data[i], SIZE, self->digest[i]));
	}

	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir(DIR, 0777);
	/* all that audit has to say, see ima_audit_measurement() */
	ASSERT_EQ(0, write_file("/proc/sys/kernel/printk_ratelimit", "0"));
	self->list = open(IMA "ascii_runtime_measurements", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->list);
	while (read(self->list, rest, sizeof(rest)) > 0)
		;
	self->log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ASSERT_LE(0, self->log);
	ASSERT_EQ(0, lseek(self->log, 0, SEEK_END));
}

FIXTURE_TEARDOWN(reevaluate)
{
	if (self->held >= 0)
		close(self->held);
	umount2(DIR, MNT_DETACH);
	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
}

/* How often a content was added to the list since the last question. */
static int measured(int list, const char *digest)
{
	char text[65536], *at = text;
	size_t len = 0;
	ssize_t got;
	int n = 0;

	while ((got = read(list, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	text[len] = '\0';
	while ((at = strstr(at, digest))) {
		at++;
		n++;
	}
	return n;
}

#define RECORD_SIZE 8192 /* bytes, more than the kernel puts into one */
#define MARKER_SIZE 128	 /* bytes */

/*
 * Records are printed by a thread, in their order: this access to another file is the last
 * to be audited.  What is in its record and in no other goes to @marker.
 */
static int put_marker(char marker[MARKER_SIZE])
{
	static int markers;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), DIR "/marker%d", markers++);
	snprintf(marker, MARKER_SIZE, "file=\"%s\"", path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

/* The next record of the file.  Returns 1, 0 if the marker's came before that, or -1. */
static int next_record(int log, const char *marker, char record[RECORD_SIZE])
{
	struct pollfd fd = { .fd = log, .events = POLLIN };
	ssize_t len;

	for (;;) {
		len = read(log, record, RECORD_SIZE - 1);
		if (len < 0 && errno == EAGAIN) {
			if (poll(&fd, 1, 10000) != 1)
				return -1;
			continue;
		}
		if (len <= 0)
			return -1;
		record[len] = '\0';
		if (!strstr(record, "type=1805"))
			continue;
		if (strstr(record, "file=\"" DIR "/file\""))
			return 1;
		if (strstr(record, marker))
			return 0;
	}
}

/*
 * How often access to the file was audited since the last question, with @digest if
 * that is not NULL.
 */
static int audited(int log, const char *digest)
{
	char record[RECORD_SIZE], marker[MARKER_SIZE];
	int n = 0, found;

	if (put_marker(marker))
		return -1;
	while ((found = next_record(log, marker, record)) > 0)
		n += !digest || strstr(record, digest);
	return found ? -1 : n;
}

/* Open the file for as long as the test runs, which is its first evaluation. */
static void hold_file(struct __test_metadata *const _metadata, struct _test_data_reevaluate *self)
{
	self->held = open_file();
	ASSERT_LE(0, self->held) {
		TH_LOG("%s", strerror(errno));
	}
}

static void start_server(struct __test_metadata *const _metadata,
			 struct _test_data_reevaluate *self, const char *option)
{
	self->server = mount_served(option);
	ASSERT_LT(0, self->server) {
		TH_LOG("%s", strerror(errno));
	}
}

/* ---- measure and audit, on FUSE mounted in a user namespace ------------ */

static void start_userns(struct __test_metadata *const _metadata,
			 struct _test_data_reevaluate *self, const char *action, uid_t uid,
			 const char *option)
{
	ASSERT_EQ(0, add_rule(action, "fuse", uid));
	ASSERT_EQ(0, enter_userns(uid));
	start_server(_metadata, self, option);
}

TEST_F(reevaluate, switched_content_is_measured)
{
	start_userns(_metadata, self, "measure", 2001, OPTION);
	hold_file(_metadata, self);
	EXPECT_EQ(1, measured(self->list, self->digest[0]));
	served->content = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(1, measured(self->list, self->digest[1]));
}

TEST_F(reevaluate, plain_switched_content_is_missed)
{
	start_userns(_metadata, self, "measure", 2002, NULL);
	hold_file(_metadata, self);
	EXPECT_EQ(1, measured(self->list, self->digest[0]));
	served->content = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->list, self->digest[1]));
}

TEST_F(reevaluate, content_that_comes_back_adds_no_entry)
{
	start_userns(_metadata, self, "measure", 2003, OPTION);
	hold_file(_metadata, self);
	EXPECT_EQ(1, measured(self->list, self->digest[0]));
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->list, self->digest[0]));
	served->content = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(1, measured(self->list, self->digest[1]));
	served->content = 0;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->list, self->digest[0]));
}

TEST_F(reevaluate, remount_forgets_what_was_known)
{
	int fs;

	start_userns(_metadata, self, "measure", 2004, NULL);
	hold_file(_metadata, self);
	EXPECT_EQ(1, measured(self->list, self->digest[0]));
	served->content = 1;
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, measured(self->list, self->digest[1]));

	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(1, measured(self->list, self->digest[1]));
}

TEST_F(reevaluate, each_access_is_audited)
{
	start_userns(_metadata, self, "audit", 2005, OPTION);
	hold_file(_metadata, self);
	EXPECT_EQ(1, audited(self->log, NULL));
	ASSERT_EQ(0, access_file());
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(2, audited(self->log, NULL));
}

TEST_F(reevaluate, plain_only_first_access_is_audited)
{
	start_userns(_metadata, self, "audit", 2006, NULL);
	hold_file(_metadata, self);
	EXPECT_EQ(1, audited(self->log, NULL));
	ASSERT_EQ(0, access_file());
	EXPECT_EQ(0, audited(self->log, NULL));
}

/* The option only adds evaluations: nothing that failed becomes a pass. */
TEST_F(reevaluate, appraisal_of_an_untrusted_mount_still_fails)
{
	start_userns(_metadata, self, "appraise", 2007, OPTION);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(-1, access_file());
		EXPECT_EQ(EACCES, errno);
	}
}

/*
 * A server with direct I/O that gives IMA one content and whoever reads the file
 * then another: the limit of what the option can do. Expected to evade it.
 */
TEST_F(reevaluate, limit_hostile_server_evades)
{
	char data[SIZE];

	served->hostile = true;
	start_userns(_metadata, self, "measure", 2008, OPTION);
	hold_file(_metadata, self);
	ASSERT_EQ(SIZE, pread(self->held, data, SIZE, 0));
	EXPECT_EQ(0, memcmp(data, served->data[1], SIZE));
	EXPECT_EQ(0, measured(self->list, self->digest[1]));
}

/* ---- appraise with EVM, on FUSE mounted by root ------------------------ */

static int add_key(const char *type, const char *name, const void *payload, size_t len)
{
	/* KEY_SPEC_USER_KEYRING */
	return syscall(SYS_add_key, type, name, payload, len, -4) < 0 ? -1 : 0;
}

/* Have EVM calculate HMACs, with a key of this boot.  Once is enough. */
static int enable_evm(void)
{
	static const char description[] = "new default user:kmk-user 64";
	char key[32], state = '0';
	int fd = open("/sys/kernel/security/evm", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, &state, 1) != 1)
		return -1;
	close(fd);
	if (state != '0')
		return 0;
	memset(key, 'k', sizeof(key));
	if (add_key("user", "kmk-user", key, sizeof(key)) ||
	    add_key("encrypted", "evm-key", description, strlen(description)))
		return -1;
	return write_file("/sys/kernel/security/evm", "1");
}

/* security.ima for a content: the hash, see struct evm_ima_xattr_data. */
static size_t ima_xattr(const char digest[65], char value[64])
{
	value[0] = 0x04; /* IMA_XATTR_DIGEST_NG */
	value[1] = 0x04; /* HASH_ALGO_SHA256 */
	for (int i = 0; i < 32; i++) {
		char byte[3] = { digest[2 * i], digest[2 * i + 1] };

		value[2 + i] = strtoul(byte, NULL, 16);
	}
	return 34;
}

/*
 * Mounted, labelled, opened: all passes.  EVM takes the first label of a file only
 * while it is new, and adds security.evm.
 */
static void start_evm(struct __test_metadata *const _metadata, struct _test_data_reevaluate *self,
		      uid_t uid, const char *option)
{
	char value[64];
	size_t len = ima_xattr(self->digest[0], value);

	ASSERT_EQ(0, enable_evm()) {
		TH_LOG("EVM: %s", strerror(errno));
	}
	ASSERT_EQ(0, add_rule("appraise", "fuse", uid));
	served->owner = uid;
	served->missing = true;
	start_server(_metadata, self, option);
	ASSERT_EQ(0, mknod(DIR "/file", S_IFREG | 0755, 0)) {
		TH_LOG("mknod: %s", strerror(errno));
	}
	ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value, len, 0)) {
		TH_LOG("setxattr: %s", strerror(errno));
	}
	ASSERT_LT(0, served->len[XATTR_EVM][0]);
	hold_file(_metadata, self);
}

static void switch_content_and_ima(const char digest[65])
{
	served->len[XATTR_IMA][1] = ima_xattr(digest, served->value[XATTR_IMA][1]);
	served->xattr[XATTR_IMA] = 1;
	served->content = 1;
}

static void switch_evm(void)
{
	memcpy(served->value[XATTR_EVM][1], served->value[XATTR_EVM][0],
	       served->len[XATTR_EVM][0]);
	served->len[XATTR_EVM][1] = served->len[XATTR_EVM][0];
	served->value[XATTR_EVM][1][5] ^= 1;
	served->xattr[XATTR_EVM] = 1;
}

TEST_F(reevaluate, switched_content_with_matching_ima_xattr_fails_evm)
{
	start_evm(_metadata, self, 2011, OPTION);
	ASSERT_EQ(0, access_file());
	switch_content_and_ima(self->digest[1]);
	EXPECT_EQ(-1, access_file());
	EXPECT_EQ(EACCES, errno);
}

TEST_F(reevaluate, plain_switched_content_with_matching_ima_xattr_passes)
{
	start_evm(_metadata, self, 2012, NULL);
	switch_content_and_ima(self->digest[1]);
	EXPECT_EQ(0, access_file());
}

TEST_F(reevaluate, switched_evm_xattr_fails)
{
	start_evm(_metadata, self, 2013, OPTION);
	ASSERT_EQ(0, access_file());
	switch_evm();
	EXPECT_EQ(-1, access_file());
	EXPECT_EQ(EACCES, errno);
}

TEST_F(reevaluate, plain_switched_evm_xattr_passes)
{
	start_evm(_metadata, self, 2014, NULL);
	switch_evm();
	EXPECT_EQ(0, access_file());
}

/* What was switched away and back passes again: only failures are not kept. */
TEST_F(reevaluate, original_passes_again)
{
	start_evm(_metadata, self, 2015, OPTION);
	switch_content_and_ima(self->digest[1]);
	EXPECT_EQ(-1, access_file());
	served->content = 0;
	served->xattr[XATTR_IMA] = 0;
	EXPECT_EQ(0, access_file());
}

/* No upper layer, and the inode number of the file below, which EVM protects as well. */
#define OVERLAY_OPTIONS "xino=off,lowerdir=" DIR ":/etc"

/*
 * The file through an overlay.  Returns whether EVM verifies HMACs there: newer kernels
 * do not.
 */
static bool start_evm_below_overlay(struct __test_metadata *const _metadata,
				    struct _test_data_reevaluate *self, uid_t uid,
				    const char *option, const char *overlay_options)
{
	ASSERT_EQ(0, add_rule("appraise", "overlay", uid));
	start_evm(_metadata, self, uid, option);
	close(self->held);
	mkdir(OVERLAY, 0777);
	ASSERT_EQ(0, mount("none", OVERLAY, "overlay", MS_RDONLY, overlay_options)) {
		TH_LOG("overlay: %s", strerror(errno));
	}
	switch_evm();
	self->held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	if (self->held >= 0)
		return false;
	ASSERT_EQ(EACCES, errno);
	served->xattr[XATTR_EVM] = 0;
	self->held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->held) {
		TH_LOG("%s", strerror(errno));
	}
	return true;
}

TEST_F(reevaluate, switched_ima_xattr_below_an_overlay_fails_evm)
{
	if (!start_evm_below_overlay(_metadata, self, 2016, OPTION, OVERLAY_OPTIONS))
		SKIP(return, "EVM verifies no HMAC on overlay");
	switch_content_and_ima(self->digest[1]);
	EXPECT_EQ(-1, open(OVERLAY "/file", O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(reevaluate, switched_ima_xattr_below_a_flagged_overlay_fails_evm)
{
	if (!start_evm_below_overlay(_metadata, self, 2037, NULL, OVERLAY_OPTIONS "," OPTION))
		SKIP(return, "EVM verifies no HMAC on overlay");
	switch_content_and_ima(self->digest[1]);
	EXPECT_EQ(-1, open(OVERLAY "/file", O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(reevaluate, plain_switched_ima_xattr_below_an_overlay_passes)
{
	if (!start_evm_below_overlay(_metadata, self, 2017, NULL, OVERLAY_OPTIONS))
		SKIP(return, "EVM verifies no HMAC on overlay");
	switch_content_and_ima(self->digest[1]);
	EXPECT_LE(0, open(OVERLAY "/file", O_RDONLY | O_CLOEXEC)) {
		TH_LOG("%s", strerror(errno));
	}
}

/* ---- an overlay with metadata and data in two places -------------------- */

#define DATA "/mnt/reevaluate-data"

#define VERSION(major, minor) ((major) * 1000 + (minor))

/* That of this kernel, or 0. */
static int kernel_version(void)
{
	int major, minor;
	struct utsname name;

	if (uname(&name) || sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return 0;
	return VERSION(major, minor);
}

/* On DIR is an overlay: of a file, FUSE has the metadata and a tmpfs the data. */
static void start_metacopy(struct __test_metadata *const _metadata,
			   struct _test_data_reevaluate *self, uid_t uid, const char *option)
{
	int fd;

	ASSERT_EQ(0, add_rule("audit", "overlay", uid));
	mkdir(DATA, 0777);
	ASSERT_EQ(0, mount("none", DATA, "tmpfs", 0, NULL));
	fd = open(DATA "/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_EQ(SIZE, write(fd, served->data[0], SIZE));
	close(fd);

	served->owner = uid;
	served->metacopy = true;
	start_server(_metadata, self, option);
	ASSERT_EQ(0, mount("none", DIR, "overlay", MS_RDONLY,
			   "metacopy=on,redirect_dir=follow,lowerdir=" DIR ":" DATA)) {
		TH_LOG("overlay: %s", strerror(errno));
	}
	hold_file(_metadata, self);
	EXPECT_EQ(1, audited(self->log, self->digest[0]));
	ASSERT_EQ(0, access_file());
	ASSERT_EQ(0, access_file());
}

TEST_F(reevaluate, option_counts_where_the_metadata_is)
{
	/* which made IMA look at that inode at all */
	if (kernel_version() < VERSION(6, 10))
		SKIP(return, "IMA looks at no inode for metadata");
	start_metacopy(_metadata, self, 2018, OPTION);
	EXPECT_EQ(2, audited(self->log, self->digest[0]));
}

TEST_F(reevaluate, plain_metadata_elsewhere_is_audited_once)
{
	/* since then, until it was mended, IMA keeps the version of the wrong inode */
	if (kernel_version() >= VERSION(6, 10) && kernel_version() < VERSION(7, 0))
		SKIP(return, "IMA evaluates at each access by itself");
	start_metacopy(_metadata, self, 2019, NULL);
	EXPECT_EQ(0, audited(self->log, self->digest[0]));
}

/* ---- many at once ------------------------------------------------------- */

#define TASKS 16
#define LARGE_SIZE (64 << 20) /* bytes */

#define ROUNDS 50

/*
 * Make a file and markers in @dir, before any of that is audited, and map the file.
 * Returns the map, or NULL.  The file is not truncated to its size and not given away,
 * which would count as a version: on an overlay, 6.1 compares that with the one of the
 * overlay's inode, and reuses nothing.
 */
static char *make_files(const char *dir, size_t size, uid_t owner)
{
	char path[64], *map = NULL;

	if (chmod(dir, 0777))
		return NULL;
	setfsgid(owner);
	setfsuid(owner);
	/* the last one is the file */
	for (int i = 0; i <= ROUNDS + 1; i++) {
		int fd;

		snprintf(path, sizeof(path), i <= ROUNDS ? "%s/marker%d" : "%s/file", dir, i);
		unlink(path); /* of another test */
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0755);
		if (fd < 0 || pwrite(fd, "", 1, i <= ROUNDS ? 0 : size - 1) != 1)
			return NULL;
		if (i > ROUNDS)
			map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	setfsuid(0);
	setfsgid(0);
	return map == MAP_FAILED ? NULL : map;
}

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

/* How many there are in what was audited, and in @accesses how many records. */
static int digests(int log, int *accesses)
{
	char record[RECORD_SIZE], marker[MARKER_SIZE], seen[TASKS][65];
	int n = 0, found, i;

	*accesses = 0;
	if (put_marker(marker))
		return -1;
	while ((found = next_record(log, marker, record)) > 0) {
		const char *digest = strstr(record, "sha256:");

		if (!digest || n == TASKS)
			return -1;
		snprintf(seen[n], sizeof(seen[n]), "%.64s", digest + strlen("sha256:"));
		for (i = 0; strcmp(seen[i], seen[n]); i++)
			;
		n += i == n;
		++*accesses;
	}
	return found ? -1 : n;
}

/*
 * Have @tasks of them open a file on @type at once, which must be audited for each.  As it
 * never stays as it is, what was evaluated anew has another digest: returns how many.
 */
static int evaluations(struct __test_metadata *const _metadata, struct _test_data_reevaluate *self,
		       const char *type, uid_t uid, int tasks)
{
	struct asker askers[TASKS] = {};
	struct writer writer = {};
	int accesses, n;

	ASSERT_EQ(0, mount("none", DIR, type, 0, OPTION));
	writer.map = make_files(DIR, LARGE_SIZE, uid);
	ASSERT_NE(NULL, writer.map);
	ASSERT_EQ(0, add_rule("audit", type, uid));

	ASSERT_EQ(0, pthread_create(&writer.thread, NULL, write_again_and_again, &writer));
	ask_at_once(_metadata, askers, tasks);
	for (int i = 0; i < tasks; i++)
		EXPECT_EQ(0, askers[i].error);
	writer.stop = true;
	ASSERT_EQ(0, pthread_join(writer.thread, NULL));
	n = digests(self->log, &accesses);
	TH_LOG("%d tasks, evaluated %d times", tasks, n);
	EXPECT_EQ(tasks, accesses);
	return n;
}

/*
 * Who asks while an evaluation runs may not be answered by it, which began before,
 * but all who do so may share the next one.  Each is audited all the same.
 */
TEST_F_TIMEOUT(reevaluate, concurrent_accesses_share_evaluations, 300)
{
	int n = evaluations(_metadata, self, "tmpfs", 2021, TASKS);

	EXPECT_LE(1, n);
	EXPECT_GE(3, n);
}

/* Without i_version the content may depend on the open file, as on 9p and SMB. */
TEST_F_TIMEOUT(reevaluate, concurrent_accesses_share_nothing_without_i_version, 300)
{
	EXPECT_EQ(4, evaluations(_metadata, self, "ramfs", 2039, 4));
}

/*
 * The rule for one of two users takes the algorithm of the label, that for the other not.
 * What other options of a rule ask for (appraise_type=, say) stays with the inode, for all.
 */
TEST_F_TIMEOUT(reevaluate, concurrent_accesses_share_no_verdict, 300)
{
	static const uid_t passes = 2028, fails = 2029;
	struct asker askers[] = {
		{ .uid = passes }, { .uid = fails }, { .uid = fails }, { .uid = fails },
	};
	const int n = sizeof(askers) / sizeof(*askers);
	char digest[65], value[64], *map;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, OPTION));
	map = make_files(DIR, LARGE_SIZE, 2027);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest));
	munmap(map, LARGE_SIZE);
	ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value, ima_xattr(digest, value), 0));
	ASSERT_EQ(0, write_file(IMA "policy", "appraise fowner=2027 uid=2028\n"));
	ASSERT_EQ(0, write_file(IMA "policy",
				"appraise fowner=2027 uid=2029 appraise_algos=sha1\n"));

	ask_at_once(_metadata, askers, n);
	for (int i = 0; i < n; i++)
		EXPECT_EQ(askers[i].uid == passes ? 0 : EACCES, askers[i].error);
}

/* IMA has no digest for direct I/O, which need not read what is in the page cache. */
TEST_F_TIMEOUT(reevaluate, concurrent_accesses_do_not_answer_direct_io, 300)
{
	const char *device = getenv("IMA_TEST_EXT4");
	struct asker askers[8] = {};
	char *map;

	if (!device)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(device, DIR, "ext4", 0, OPTION)) {
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
	char *data = mapped ?: served->data[round % 2];

	memset(data, 0, SIZE);
	snprintf(data, SIZE, "round %d of test %d", round, getpid());
	served->content = round % 2;
}

/*
 * Others keep evaluating the file, every second one of them with more @flags of open(2);
 * an access after a switch must still see the switch.
 */
static void others_hide_no_switch(struct __test_metadata *const _metadata,
				  struct _test_data_reevaluate *self, char *mapped, int flags)
{
	struct other others[OTHERS] = {};
	char digest[ROUNDS][65];

	/* now, since the log does not hold what is audited meanwhile */
	for (int round = 0; round < ROUNDS; round++) {
		set_content(mapped, round);
		ASSERT_EQ(0, sha256(mapped ?: served->data[round % 2], SIZE, digest[round]));
	}
	set_content(mapped, ROUNDS); /* which is held, and is none of them */
	hold_file(_metadata, self);
	for (int i = 0; i < OTHERS; i++) {
		others[i].flags = i % 2 ? flags : 0;
		ASSERT_EQ(0, pthread_create(&others[i].thread, NULL, open_again_and_again,
					    &others[i]));
	}
	for (int round = 0; round < ROUNDS; round++) {
		set_content(mapped, round);
		ASSERT_EQ(0, access_file());
		EXPECT_LE(1, measured(self->list, digest[round])) {
			TH_LOG("round %d", round);
		}
		EXPECT_LE(1, audited(self->log, digest[round])) {
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

/*
 * On DIR is an overlay with the option, of the ext4 on @device, or of a tmpfs.  What is
 * written through the map is below, where no version counts it, and nobody keeps the
 * overlay's file from being read as a module, or calls measuring it a violation.
 */
static char *start_overlay(struct __test_metadata *const _metadata, const char *device, size_t size,
			   uid_t uid)
{
	char *map;

	mkdir(DATA, 0777);
	ASSERT_EQ(0, mount(device ?: "none", DATA, device ? "ext4" : "tmpfs", 0, NULL)) {
		TH_LOG("%s: %s", device ?: "tmpfs", strerror(errno));
	}
	map = make_files(DATA, size, uid);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(0, mount("none", DIR, "overlay", MS_RDONLY,
			   OPTION ",lowerdir=" DATA ":/etc")) {
		TH_LOG("overlay: %s", strerror(errno));
	}
	return map;
}

TEST_F_TIMEOUT(reevaluate, concurrent_accesses_miss_no_switch, 120)
{
	char *map;

	ASSERT_EQ(0, add_rule("audit", "overlay", 2022));
	ASSERT_EQ(0, add_rule("measure", "overlay", 2022));
	map = start_overlay(_metadata, NULL, SIZE, 2022);
	others_hide_no_switch(_metadata, self, map, 0);
}

TEST_F_TIMEOUT(reevaluate, concurrent_accesses_miss_no_switch_on_fuse, 120)
{
	ASSERT_EQ(0, add_rule("audit", "fuse", 2023));
	start_userns(_metadata, self, "measure", 2023, OPTION);
	others_hide_no_switch(_metadata, self, NULL, 0);
}

/*
 * A file that is open for direct I/O has no digest, which is measured all the same:
 * nobody is answered by that.
 */
TEST_F_TIMEOUT(reevaluate, concurrent_failures_answer_no_other_access, 120)
{
	const char *device = getenv("IMA_TEST_EXT4");
	char *map;

	if (!device)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, add_rule("audit", "overlay", 2024));
	ASSERT_EQ(0, add_rule("measure", "overlay", 2024));
	map = start_overlay(_metadata, device, SIZE, 2024);
	others_hide_no_switch(_metadata, self, map, O_DIRECT);
}

struct task {
	pthread_t thread;
	atomic_int tid;
	uid_t uid; /* to become, if not 0 */
};

static void *open_once(void *arg)
{
	struct task *task = arg;

	/* glibc's function would change all threads */
	if (task->uid && syscall(SYS_setresuid, task->uid, task->uid, task->uid))
		return arg;
	task->tid = gettid();
	return access_file() ? arg : NULL;
}

/* Whether @tid comes to sleep in a way that only IMA's mutex makes it, before it ends. */
static bool waits_for_mutex(pid_t tid)
{
	char path[32], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	while (state != 'D') {
		sched_yield();
		f = fopen(path, "r");
		if (!f)
			return false;
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1 || strchr("XZ", state)) {
			fclose(f);
			return false;
		}
		fclose(f);
	}
	return true;
}

static void start_opening(struct __test_metadata *const _metadata, struct task *task)
{
	ASSERT_EQ(0, pthread_create(&task->thread, NULL, open_once, task));
}

/* Whether it comes to wait. */
static bool opening_waits(struct task *task)
{
	while (!task->tid)
		sched_yield();
	return waits_for_mutex(task->tid);
}

/* Returns when it was in the kernel for so long that it must be hashing the file, or ended. */
static void start_hashing(struct __test_metadata *const _metadata, struct task *task)
{
	unsigned long ticks = 0;
	char path[64];
	FILE *f;

	start_opening(_metadata, task);
	while (!task->tid)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", task->tid);
	while (!ticks) {
		sched_yield();
		f = fopen(path, "r");
		if (!f)
			return;
		if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %lu",
			   &ticks) != 1)
			ticks = 1;
		fclose(f);
	}
}

static void has_opened(struct __test_metadata *const _metadata, struct task *task)
{
	void *failed;

	ASSERT_EQ(0, pthread_join(task->thread, &failed));
	EXPECT_EQ(NULL, failed);
}

/*
 * The rule for one user takes a hash for the file's label, that for another nothing but a
 * signature.  While an evaluation runs both come to wait, and the former's answers for
 * the digest, but not for the label.  Until they do, it is tried again, with another file:
 * that a signature is asked for stays with the inode.
 */
TEST_F_TIMEOUT(reevaluate, shared_digest_is_appraised_by_each_rule, 300)
{
	bool met;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, OPTION));
	ASSERT_EQ(0, write_file(IMA "policy", "appraise fowner=2036 uid=2034\n"));
	ASSERT_EQ(0, write_file(IMA "policy",
				"appraise fowner=2036 uid=2035 appraise_type=imasig\n"));
	do {
		struct task busy = { .uid = 2034 }, hash = { .uid = 2034 }, sig = { .uid = 2035 };
		char digest[65], value[64], *map;
		void *failed;

		map = make_files(DIR, LARGE_SIZE, 2036);
		ASSERT_NE(NULL, map);
		ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest));
		munmap(map, LARGE_SIZE);
		ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value,
				      ima_xattr(digest, value), 0));

		start_hashing(_metadata, &busy);
		start_opening(_metadata, &hash);
		met = opening_waits(&hash);
		start_opening(_metadata, &sig);
		met = opening_waits(&sig) && met;
		has_opened(_metadata, &busy);
		if (met)
			has_opened(_metadata, &hash);
		else
			ASSERT_EQ(0, pthread_join(hash.thread, NULL));
		ASSERT_EQ(0, pthread_join(sig.thread, &failed));
		EXPECT_EQ(&sig, failed);
	} while (!met);
}

/*
 * On FUSE what is read depends on the open file, and who mounted it can say by a remount
 * that it has i_version, where that is not so.  One opens it, and waits for the
 * evaluation of another task; the content is switched for those that open it from now on;
 * one more opens it and waits.  The first one's evaluation is no answer for that.
 */
TEST_F_TIMEOUT(reevaluate, evaluation_of_another_open_file_is_no_answer_on_fuse, 60)
{
	struct task busy = {}, before = {}, after = {};

	served->by_open = true;
	start_userns(_metadata, self, "audit", 2025, OPTION);
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_I_VERSION, NULL)) {
		TH_LOG("%s", strerror(errno));
	}
	hold_file(_metadata, self);
	EXPECT_EQ(1, audited(self->log, self->digest[0]));

	served->hold_back = true;
	start_opening(_metadata, &busy);
	while (!served->held_back)
		sched_yield();
	start_opening(_metadata, &before);
	ASSERT_TRUE(opening_waits(&before));
	served->content = 1;
	start_opening(_metadata, &after);
	ASSERT_TRUE(opening_waits(&after));

	/* which has the server answer the first one */
	ASSERT_EQ(0, access(DIR "/marker99", F_OK));
	has_opened(_metadata, &busy);
	has_opened(_metadata, &before);
	has_opened(_metadata, &after);
	EXPECT_EQ(1, audited(self->log, self->digest[1]));
}

/* ---- what the kernel reads into a buffer -------------------------------- */

struct loader {
	pid_t pid;
	int pipe;
};

/*
 * Load a file of @pid as a module, whose descriptor comes through @pipe, outside of the
 * user namespace, since modules take the host's root.  FUSE serves only who is @uid.
 * Ends with the error number, which for content that is no module is ENOEXEC: that is
 * found out after IMA was asked.
 */
static void load_module(pid_t pid, int pipe, uid_t uid, int flags)
{
	int fd, file;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (read(pipe, &file, sizeof(file)) != sizeof(file))
		_exit(EPIPE);
	fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), file, 0);
	setfsgid(uid);
	setfsuid(uid);
	_exit(syscall(SYS_finit_module, fd, "", flags) ? errno : 0);
}

/* Start a process that will do so, and end before this one. */
static void start_loader(struct __test_metadata *const _metadata, struct loader *loader, uid_t uid,
			 int flags)
{
	pid_t pid = getpid();
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	loader->pipe = pipes[1];
	loader->pid = fork();
	ASSERT_LE(0, loader->pid);
	if (!loader->pid)
		load_module(pid, pipes[0], uid, flags);
}

static void start_loading(struct __test_metadata *const _metadata, struct loader *loader, int fd)
{
	ASSERT_EQ(sizeof(fd), write(loader->pipe, &fd, sizeof(fd)));
}

/* Returns the error number. */
static int has_loaded(struct __test_metadata *const _metadata, struct loader *loader)
{
	int status;

	ASSERT_EQ(loader->pid, waitpid(loader->pid, &status, 0));
	return WEXITSTATUS(status);
}

/* The file is on an overlay, and map[0] of what is returned tells its two contents. */
static char *start_loading_from_overlay(struct __test_metadata *const _metadata,
					struct _test_data_reevaluate *self, uid_t uid,
					char digest[2][65])
{
	char rule[64], *map;

	ASSERT_EQ(0, add_rule("audit", "overlay", uid));
	snprintf(rule, sizeof(rule), "audit func=MODULE_CHECK fsname=overlay fowner=%d\n", uid);
	ASSERT_EQ(0, write_file(IMA "policy", rule));
	map = start_overlay(_metadata, NULL, LARGE_SIZE, uid);
	for (int i = 0; i < 2; i++) {
		map[0] = i;
		ASSERT_EQ(0, sha256(map, LARGE_SIZE, digest[i]));
	}
	map[0] = 0;
	hold_file(_metadata, self);
	EXPECT_EQ(1, audited(self->log, digest[0]));
	return map;
}

/* With the first content: one that will load the file, and one that IMA is busy for. */
static void start_try(struct __test_metadata *const _metadata, char *map, struct loader *loader,
		      struct task *busy)
{
	map[0] = 0;
	start_loader(_metadata, loader, 0, 0);
	start_hashing(_metadata, busy);
}

/*
 * The kernel reads a file into a buffer, as a module, and then asks IMA, which is
 * busy with the file.  Until its turn comes the content is switched and opened.  What
 * is found in the buffer is no answer to that open, which asks before IMA looks at the
 * buffer, but after it was filled.  Reading takes less than the hashing that it waits
 * for, if nothing gets in its way: until that is so it is tried again.
 */
TEST_F_TIMEOUT(reevaluate, evaluation_of_a_buffer_answers_no_other_access, 300)
{
	char digest[2][65], *map = start_loading_from_overlay(_metadata, self, 2026, digest);
	int switched = 0;
	bool met;

	do {
		struct task busy = {}, other = {};
		struct loader loader;

		start_try(_metadata, map, &loader, &busy);
		start_loading(_metadata, &loader, self->held);
		met = waits_for_mutex(loader.pid);
		if (met) {
			map[0] = 1;
			start_opening(_metadata, &other);
			met = opening_waits(&other);
			has_opened(_metadata, &other);
			switched++;
		}
		has_opened(_metadata, &busy);
		EXPECT_EQ(ENOEXEC, has_loaded(_metadata, &loader));
	} while (!met);
	EXPECT_EQ(switched, audited(self->log, digest[1]));
}

/*
 * The same the other way: who opened the file waits, the kernel has read it into a buffer,
 * and the content is switched.  What the former then finds is not in the buffer.
 */
TEST_F_TIMEOUT(reevaluate, buffer_is_answered_by_no_other_access, 300)
{
	char digest[2][65], *map = start_loading_from_overlay(_metadata, self, 2038, digest);
	int found;
	bool met;

	do {
		struct task busy = {}, other = {};
		struct loader loader;

		start_try(_metadata, map, &loader, &busy);
		start_opening(_metadata, &other);
		met = opening_waits(&other);
		start_loading(_metadata, &loader, self->held);
		met = waits_for_mutex(loader.pid) && met;
		map[0] = 1;
		/* still */
		met = opening_waits(&other) && met;
		has_opened(_metadata, &busy);
		has_opened(_metadata, &other);
		EXPECT_EQ(ENOEXEC, has_loaded(_metadata, &loader));
		found = audited(self->log, digest[0]);
	} while (!met);
	/* by the one that was busy, and in the buffer */
	EXPECT_EQ(2, found);
}

#define IMAGE_SIZE 4096 /* bytes */

/*
 * The contents become gzip files of what they begin with: one stored block, see RFC 1951
 * and RFC 1952, and no checksum, which the kernel does not look for.
 */
static void compress_contents(struct __test_metadata *const _metadata,
			      struct _test_data_reevaluate *self, char image[2][65])
{
	static const unsigned char head[] = {
		0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, /* gzip, deflate, Unix */
		1, IMAGE_SIZE & 0xff, IMAGE_SIZE >> 8, ~IMAGE_SIZE & 0xff, ~IMAGE_SIZE >> 8 & 0xff,
	};

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, sha256(served->data[i], IMAGE_SIZE, image[i]));
		memmove(served->data[i] + sizeof(head), served->data[i], IMAGE_SIZE);
		memcpy(served->data[i], head, sizeof(head));
		ASSERT_EQ(0, sha256(served->data[i], SIZE, self->digest[i]));
	}
}

static void start_compressed(struct __test_metadata *const _metadata,
			     struct _test_data_reevaluate *self, uid_t uid, const char *option,
			     struct loader loaders[2])
{
	char rule[64];

	snprintf(rule, sizeof(rule), "measure func=MODULE_CHECK fowner=%u\n", uid);
	ASSERT_EQ(0, write_file(IMA "policy", rule));
	for (int i = 0; i < 2; i++)
		start_loader(_metadata, &loaders[i], uid, MODULE_INIT_COMPRESSED_FILE);
	ASSERT_EQ(0, enter_userns(uid));
	start_server(_metadata, self, option);
	hold_file(_metadata, self);
}

/* Opened for it, which drops the pages that the kernel has.  Returns the error number. */
static int load_compressed(struct __test_metadata *const _metadata, struct loader *loader)
{
	int fd = open_file(), error;

	ASSERT_LE(0, fd);
	start_loading(_metadata, loader, fd);
	error = has_loaded(_metadata, loader);
	close(fd);
	return error;
}

/*
 * IMA is asked twice: for the file, of which it takes the digest, and decides when it
 * gets what came out of that.  With the option it has then no digest but of the latter.
 */
TEST_F(reevaluate, switched_compressed_module_is_measured)
{
	struct loader loaders[2];
	char image[2][65];
	int error;

	compress_contents(_metadata, self, image);
	start_compressed(_metadata, self, 2031, OPTION, loaders);
	for (int i = 0; i < 2; i++) {
		served->content = i;
		error = load_compressed(_metadata, &loaders[i]);
		if (error == EOPNOTSUPP)
			SKIP(return, "the kernel decompresses no modules");
		EXPECT_EQ(ENOEXEC, error);
		EXPECT_EQ(1, measured(self->list, image[i]));
	}
}

TEST_F(reevaluate, plain_switched_compressed_module_is_missed)
{
	struct loader loaders[2];
	char image[2][65];
	int error;

	compress_contents(_metadata, self, image);
	start_compressed(_metadata, self, 2032, NULL, loaders);
	error = load_compressed(_metadata, &loaders[0]);
	if (error == EOPNOTSUPP)
		SKIP(return, "the kernel decompresses no modules");
	EXPECT_EQ(ENOEXEC, error);
	EXPECT_EQ(1, measured(self->list, self->digest[0]));
	served->content = 1;
	EXPECT_EQ(ENOEXEC, load_compressed(_metadata, &loaders[1]));
	EXPECT_EQ(0, measured(self->list, self->digest[1]));
}

/*
 * What the above costs: security.ima is that of the file, and no more what is looked
 * for, so that the module is refused.
 */
TEST_F(reevaluate, limit_compressed_module_is_not_appraised_by_its_hash)
{
	char image[2][65];
	int error;

	compress_contents(_metadata, self, image);
	ASSERT_EQ(0, write_file(IMA "policy",
				"appraise func=MODULE_CHECK fsname=fuse fowner=2033\n"));
	start_evm(_metadata, self, 2033, OPTION);
	EXPECT_EQ(-1, syscall(SYS_finit_module, self->held, "", 0));
	EXPECT_EQ(ENOEXEC, errno);
	EXPECT_EQ(-1, syscall(SYS_finit_module, self->held, "", MODULE_INIT_COMPRESSED_FILE));
	error = errno;
	if (error == EOPNOTSUPP)
		SKIP(return, "the kernel decompresses no modules");
	EXPECT_EQ(EACCES, error);
}

TEST_HARNESS_MAIN
