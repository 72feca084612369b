// SPDX-License-Identifier: GPL-2.0
#define FUSE_USE_VERSION 31

#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is newer than the headers, and than libfuse. */
struct backing_map {
	int fd;
	unsigned int flags;
	unsigned long long padding;
};

/* The last member of fuse_open_out was called padding before. */
struct open_out {
	unsigned long long fh;
	unsigned int open_flags;
	int backing_id;
};

#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define INIT_EXT 0x40000000
#define INIT2_PASSTHROUGH 0x20
#define OPEN_PASSTHROUGH 0x80

#define KEPT 86400.0 /* seconds; what the kernel knows of names, it keeps */

struct served *served;

static const char *const xattr_names[XATTRS] = { "security.ima", "security.evm" };
static fuse_req_t held_req; /* what the server holds back */
static fuse_req_t held_open;
static struct fuse_session *session;

int new_served(void)
{
	served = mmap(NULL, sizeof(*served), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	if (served == MAP_FAILED)
		return -1;
	for (int i = 0; i < CONTENTS; i++) {
		served->content[i].size = SIZE;
		served->content[i].told = SIZE;
		snprintf(served->content[i].data, SIZE, "content %d of test %d", i, getpid());
	}
	served->timeout = KEPT;
	served->header = -1;
	return 0;
}

static void file_attr(struct stat *st, fuse_ino_t ino)
{
	*st = (struct stat){
		.st_ino = ino, .st_mode = S_IFREG | 0755, .st_nlink = 1,
		.st_size = served->content[served->which].told,
		.st_uid = served->owner, .st_gid = served->owner,
	};
}

static void send_notice(void)
{
	const struct content *content = &served->content[served->which];
	struct fuse_bufvec buf = FUSE_BUFVEC_INIT(content->size);

	buf.buf[0].mem = (void *)content->data;
	if (served->notice == STORE)
		fuse_lowlevel_notify_store(session, FILE_INO, 0, &buf, 0);
	else if (served->notice == INVALIDATE)
		fuse_lowlevel_notify_inval_inode(session, FILE_INO, 0, 0);
	else if (served->notice == ANSWER_OPEN)
		fuse_reply_open(held_open, &(struct fuse_file_info){ .fh = served->which });
	served->notice = NO_NOTICE;
}

static void fs_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e = {
		.ino = FILE_INO, .attr_timeout = served->timeout, .entry_timeout = KEPT,
	};
	unsigned int n;

	/* "file", or one of any number of others that are opened once each */
	if (sscanf(name, "marker%u", &n) == 1) {
		e.ino = FILE_INO + 1 + n;
		if (held_req)
			fuse_reply_err(held_req, ENODATA);
		held_req = NULL;
	} else if (!strcmp(name, "notice")) {
		send_notice();
		fuse_reply_err(req, ENOENT);
		return;
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
	fuse_reply_attr(req, &st, served->timeout);
}

/* With flags that libfuse does not know. */
static void reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
	struct backing_map map = {};
	struct open_out out = {
		.fh = fi->fh,
		.open_flags = served->open_flags | (fi->direct_io ? FOPEN_DIRECT_IO : 0),
	};
	int id, error;

	if (served->backing[0]) {
		map.fd = open(served->backing, O_RDWR | O_CLOEXEC);
		id = ioctl(fuse_session_fd(session), BACKING_OPEN, &map);
		error = errno;
		close(map.fd);
		if (id < 0) {
			fuse_reply_err(req, error);
			return;
		}
		out.open_flags |= OPEN_PASSTHROUGH;
		out.backing_id = id;
	}
	fuse_reply_buf(req, (char *)&out, sizeof(out));
}

static void fs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	fi->direct_io = served->direct_io || served->hostile || served->by_open;
	fi->fh = served->which;
	served->reads = 0;
	if (atomic_exchange(&served->hold_open, false)) {
		held_open = req;
		served->held_open = true;
		return;
	}
	if (served->open_flags || served->backing[0])
		reply_open(req, fi);
	else
		fuse_reply_open(req, fi);
	served->opens++;
}

static void fs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	static const char zeros[1 << 20];
	int which = served->by_open ? (int)fi->fh : served->which;
	const struct content *content;
	const char *data;

	served->served_reads++;
	if (ino == FILE_INO && ++served->reads == served->failing) {
		fuse_reply_err(req, served->error);
		return;
	}
	if (served->hostile && served->read_to_end)
		which = !which;
	if (served->mixed)
		which = rand() % CONTENTS;
	if (served->header >= 0 && off == 0 && size <= EXEC_HEADER)
		which = served->header;
	content = &served->content[which];
	if (off >= (off_t)content->size)
		size = 0;
	else if (size > content->size - off)
		size = content->size - off;
	if (off + size >= content->size)
		served->read_to_end = true;
	if (served->most && size > served->most)
		size = served->most;
	data = content->data + off;
	if (off >= MAX_SIZE) {
		data = zeros;
		if (size > sizeof(zeros))
			size = sizeof(zeros);
	} else if (size > (size_t)(MAX_SIZE - off)) {
		size = MAX_SIZE - off;
	}
	if (ino == FILE_INO)
		served->served_bytes += size;
	fuse_reply_buf(req, data, size);
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

static ssize_t read_request(int fd, void *buf, size_t len, void *data)
{
	(void)data;
	return read(fd, buf, len);
}

/* The first answer is about what the server can do. */
static ssize_t write_answer(int fd, struct iovec *iov, int count, void *data)
{
	static bool initialized;

	(void)data;
	if (!initialized && count == 2 && iov[1].iov_len >= sizeof(struct fuse_init_out)) {
		struct fuse_init_out *init = iov[1].iov_base;

		init->flags |= INIT_EXT;
		init->flags2 |= INIT2_PASSTHROUGH;
		init->unused[0] = 1; /* max_stack_depth */
	}
	initialized = true;
	return writev(fd, iov, count);
}

static const struct fuse_custom_io passthrough_io = {
	.writev = write_answer,
	.read = read_request,
};

/* Returns 0 if requests come from @device. */
static int connect_session(int device)
{
	char path[32];

	if (served->backing[0])
		return fuse_session_custom_io(session, &passthrough_io, device);
	snprintf(path, sizeof(path), "/dev/fd/%d", device);
	return fuse_session_mount(session, path);
}

static void serve(int device)
{
	char name[] = "ima_test_server", *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	if (session && !connect_session(device))
		fuse_session_loop(session);
	_exit(0);
}

static int set_number(int fs, const char *name, const char *format, unsigned int value)
{
	char text[16];

	snprintf(text, sizeof(text), format, value);
	return fsconfig(fs, FSCONFIG_SET_STRING, name, text, 0);
}

static int set_option(int fs, const char *option)
{
	char name[64], *value;

	snprintf(name, sizeof(name), "%s", option);
	value = strchr(name, '=');
	if (!value)
		return fsconfig(fs, FSCONFIG_SET_FLAG, name, NULL, 0);
	*value++ = '\0';
	return fsconfig(fs, FSCONFIG_SET_STRING, name, value, 0);
}

pid_t mount_served(const char *option)
{
	int device, fs, mnt, ret;
	pid_t pid;

	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	fs = fsopen("fuse", FSOPEN_CLOEXEC);
	if (device < 0 || fs < 0)
		return -1;
	if (option && set_option(fs, option))
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

int open_file(void)
{
	return open(DIR "/file", O_RDONLY | O_CLOEXEC);
}

void notify(enum notice notice)
{
	served->notice = notice;
	access(DIR "/notice", F_OK);
}

int access_file(void)
{
	int fd = open_file();

	return fd < 0 ? -1 : close(fd);
}

int set_up(struct setting *setting)
{
	*setting = (struct setting){ .list = -1, .log = -1, .held = -1 };
	if (new_served() || enter_mount_namespace())
		return -1;
	for (int i = 0; i < CONTENTS; i++)
		if (sha256(served->content[i].data, SIZE, setting->digest[i]))
			return -1;
	/* nothing is left behind on what everybody sees */
	if (mount("none", "/mnt", "tmpfs", 0, NULL) || mkdir(DIR, 0777))
		return -1;
	setting->printk = unlimit_printk();
	setting->list = open_list();
	setting->log = open_log();
	return setting->printk <= 0 || setting->list < 0 || setting->log < 0 ? -1 : 0;
}

void stop_server(struct setting *setting)
{
	if (setting->held >= 0)
		close(setting->held);
	setting->held = -1;
	umount2(DIR, MNT_DETACH);
	if (setting->server > 0) {
		kill(setting->server, SIGKILL);
		waitpid(setting->server, NULL, 0);
	}
	setting->server = 0;
}

void tear_down(struct setting *setting)
{
	stop_server(setting);
	limit_printk(setting->printk);
}

int start_server(struct setting *setting, const char *option)
{
	setting->server = mount_served(option);
	return setting->server > 0 ? 0 : -1;
}

int start_userns(struct setting *setting, const char *action, uid_t uid, const char *option)
{
	if (add_rule(action, "fuse", uid) || enter_userns(uid, 0))
		return -1;
	return start_server(setting, option);
}

int hold_file(struct setting *setting)
{
	setting->held = open_file();
	return setting->held < 0 ? -1 : 0;
}

/*
 * One stored block, see RFC 1951 and RFC 1952, and no checksum, which the kernel does not
 * look for.
 */
int compress_contents(struct setting *setting, char image[2][DIGEST_SIZE])
{
	static const unsigned char head[] = {
		0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, /* gzip, deflate, Unix */
		1, IMAGE_SIZE & 0xff, IMAGE_SIZE >> 8, ~IMAGE_SIZE & 0xff, ~IMAGE_SIZE >> 8 & 0xff,
	};

	for (int i = 0; i < 2; i++) {
		char *data = served->content[i].data;

		if (sha256(data, IMAGE_SIZE, image[i]))
			return -1;
		memmove(data + sizeof(head), data, IMAGE_SIZE);
		memcpy(data, head, sizeof(head));
		if (sha256(data, SIZE, setting->digest[i]))
			return -1;
	}
	return 0;
}
