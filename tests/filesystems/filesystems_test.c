// SPDX-License-Identifier: GPL-2.0
/*
 * The mount option ima_nocache on every type of filesystem that this kernel has.
 *
 * The list is the kernel's own, /proc/filesystems: a type that the table below
 * does not know fails. Each type gives one result, for the system call that the
 * environment names: API=mount2 or API=fsconfig. One of them a boot, since a
 * superblock that the kernel keeps stays flagged until the end. OPTION is the
 * option itself, or ima_nocache=bind.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <linux/loop.h>
#include <linux/types.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#include "../selftests/ima/ima.h"

#define DIR "/mnt/filesystem"
#define LOWER "/mnt/lower"
#define IMAGES "/mnt/images"
#define KEY "0123456789abcdef"
#define AT_LEAST 25 /* types, really mounted */
#define TIMEOUT 60 /* seconds, for a type that hangs */

static const char *wanted; /* OPTION, or with a value */

/* How long the superblock lives. */
enum life {
	MOUNT, /* until it is unmounted */
	KEPT, /* beyond that: the kernel or the guest's init has it mounted */
};

/* What one mount is made with, beyond what the table says. */
struct request {
	const char *source;
	char options[256];
	int fds[2]; /* to be closed when it is unmounted */
};

struct type {
	const char *name;
	const char *options; /* that it needs, or takes */
	const char *remount; /* options that a remount has to repeat */
	const char *image; /* in the filesystem on IMAGES_DISK, if not NAME.img */
	int (*serve)(struct request *r); /* adds to the options of each mount */
	int (*answer)(struct request *r); /* starts what can run only once it is mounted */
	const char *refuses; /* why it cannot be mounted with the option */
	enum life life;
	unsigned long flags;
	int busy; /* EBUSY while the superblock of before is going */
	int binary; /* mount(2) data is a structure, and may have to be there */
};

/* Answer what mounting and remounting wait for. */
static int answer_fuse(struct request *r)
{
	static char request[FUSE_MIN_READ_BUFFER];
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} answer;
	const struct fuse_in_header *asked = (void *)request;
	pid_t pid = fork();
	int fd = r->fds[0];

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (read(fd, request, sizeof(request)) > 0) {
		memset(&answer, 0, sizeof(answer));
		answer.header.unique = asked->unique;
		answer.header.len = sizeof(answer.header);
		if (asked->opcode == FUSE_INIT) {
			answer.header.len = sizeof(answer);
			answer.init.major = FUSE_KERNEL_VERSION;
			answer.init.minor = FUSE_KERNEL_MINOR_VERSION;
			answer.init.max_write = 4096;
		} else if (asked->opcode != FUSE_SYNCFS) {
			answer.header.error = -EOPNOTSUPP;
		}
		/* nobody waits for an answer to FORGET */
		if (write(fd, &answer, answer.header.len) < 0 && errno != ENOENT)
			break;
	}
	_exit(0);
}

static int serve_fuse(struct request *r)
{
	size_t len = strlen(r->options);

	r->fds[0] = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(r->options + len, sizeof(r->options) - len,
		 "fd=%d,rootmode=40000,user_id=0,group_id=0", r->fds[0]);
	return r->fds[0];
}

static int serve_autofs(struct request *r)
{
	if (pipe2(r->fds, O_CLOEXEC))
		return -1;
	snprintf(r->options, sizeof(r->options), "fd=%d,minproto=5,maxproto=5", r->fds[1]);
	return 0;
}

/* Only to be found: no file is encrypted with it. */
static int serve_ecryptfs(struct request *r)
{
	__u16 token[512] = { 0x0004 }; /* the version; the rest: a passphrase */

	mkdir(LOWER, 0755);
	r->source = LOWER;
	snprintf(r->options, sizeof(r->options),
		 "ecryptfs_sig=" KEY ",ecryptfs_cipher=aes,ecryptfs_key_bytes=16");
	return syscall(SYS_add_key, "user", KEY, token, sizeof(token),
		       -2 /* KEY_SPEC_PROCESS_KEYRING */) < 0 ? -1 : 0;
}

/* 9P2000.L: a message is its size, type and tag, little-endian, and a body. */
#define P9_BODY 7

enum { P9_RLERROR = 7, P9_TGETATTR = 24, P9_TVERSION = 100, P9_TATTACH = 104, P9_TCLUNK = 120 };

/* Make @message the answer to itself. Returns the size of the answer's body. */
static size_t p9_answer(char *message)
{
	static const char version[] = "\010\0009P2000.L";
	const __u32 error = EOPNOTSUPP, mode = S_IFDIR | 0755;
	char *body = message + P9_BODY;

	switch (message[4]++) {
	case P9_TVERSION: /* the message size is what was asked for */
		memcpy(body + 4, version, sizeof(version) - 1);
		return 4 + sizeof(version) - 1;
	case P9_TATTACH: /* the identity: that of a directory */
		memset(body, 0, 13);
		body[0] = (char)0x80;
		return 13;
	case P9_TGETATTR: /* what is valid, identity, mode; all else is 0 */
		memset(body, 0, 153);
		body[0] = 1;
		body[8] = (char)0x80;
		memcpy(body + 21, &mode, sizeof(mode));
		return 153;
	case P9_TCLUNK:
		return 0;
	default:
		message[4] = P9_RLERROR;
		memcpy(body, &error, sizeof(error));
		return sizeof(error);
	}
}

/* A server of one empty directory: as much as mounting asks for. */
static void p9_server(int fd)
{
	char message[8192];
	__u32 size;

	while (recv(fd, message, P9_BODY, MSG_WAITALL) == P9_BODY) {
		memcpy(&size, message, sizeof(size));
		if (size < P9_BODY || size > sizeof(message) ||
		    (size > P9_BODY && recv(fd, message + P9_BODY, size - P9_BODY,
					    MSG_WAITALL) != (ssize_t)size - P9_BODY))
			break;
		size = P9_BODY + p9_answer(message);
		memcpy(message, &size, sizeof(size));
		if (send(fd, message, size, MSG_NOSIGNAL) != (ssize_t)size)
			break;
	}
}

static int serve_9p(struct request *r)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, r->fds))
		return -1;
	switch (fork()) {
	case -1:
		return -1;
	case 0:
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(r->fds[0]);
		p9_server(r->fds[1]);
		_exit(0);
	}
	close(r->fds[1]);
	r->fds[1] = -1;
	/* a backslash at the end of a value, which escapes nothing here */
	snprintf(r->options, sizeof(r->options), "trans=fd,rfdno=%d,wfdno=%d,aname=a\\",
		 r->fds[0], r->fds[0]);
	return 0;
}

/* <linux/coda.h>, in words of 32 bits, little-endian: it does not go with libc's headers. */
enum { CODA_ROOT = 2, CODA_GETATTR = 7, CODA_DIRECTORY = 2 };

/* A cache manager of one empty directory: as much as mounting asks for. */
static void coda_server(int fd)
{
	__u32 message[4096 / sizeof(__u32)];
	size_t words;

	/* the operation, its number, and in an answer the error */
	while (read(fd, message, sizeof(message)) > 0) {
		memset(message + 2, 0, sizeof(message) - 2 * sizeof(*message));
		switch (message[0]) {
		case CODA_ROOT:
			words = 7;
			message[3] = 1; /* part of its identity */
			break;
		case CODA_GETATTR:
			words = 38;
			message[4] = CODA_DIRECTORY;
			message[6] = 2 << 16 | 0755; /* links, mode */
			break;
		default:
			words = 3;
			message[2] = EOPNOTSUPP;
		}
		if (write(fd, message, words * sizeof(*message)) < 0)
			break;
	}
}

/* One for all mounts: the device can be opened once. */
static int serve_coda(struct request *r)
{
	static pid_t pid;
	int fd;

	r->source = "coda";
	if (pid)
		return 0;
	fd = open("/dev/cfs0", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		coda_server(fd);
		_exit(0);
	}
	close(fd);
	return pid;
}

/* Of the servers that types.guest has started. */
static int serve_nfs(struct request *r)
{
	r->source = "127.0.0.1:/";
	return 0;
}

static int serve_smb(struct request *r)
{
	r->source = "//127.0.0.1/share";
	return 0;
}

#define NFS_OPTIONS "vers=4.0,addr=127.0.0.1,clientaddr=127.0.0.1"
#define SMB_OPTIONS "ip=127.0.0.1,username=root,password=secret,vers=3.1.1"
#define INTERNAL "of the kernel's own use, has no tree to mount"

static const struct type types[] = {
	/* of the kernel */
	{ "sysfs", .life = KEPT },
	{ "tmpfs", .options = "size=1m,mode=700" },
	{ "ramfs", .options = "mode=700" },
	{ "proc", .options = "hidepid=0" },
	{ "cgroup", .options = "none,name=walk", .remount = "none,name=walk", .busy = 1 },
	{ "cgroup2", .options = "nsdelegate", .life = KEPT },
	{ "cpuset", .remount = "cpuset,noprefix", .busy = 1 },
	{ "devtmpfs", .options = "mode=755", .life = KEPT },
	{ "devpts", .options = "mode=600,ptmxmode=666" },
	{ "mqueue", .life = KEPT },
	{ "hugetlbfs", .options = "mode=700" },
	{ "debugfs", .options = "mode=700", .life = KEPT },
	{ "tracefs", .options = "mode=700", .life = KEPT },
	{ "securityfs", .life = KEPT },
	{ .name = "configfs" },
	{ "bpf", .options = "mode=700" },
	{ "pstore", .options = "kmsg_bytes=10240" },
	{ .name = "binfmt_misc" },
	{ "binder", .options = "max=4" },

	/* on a disk */
	{ "ext2", .options = "nouid32", .image = "ext2.img" },
	{ "ext3", .options = "nouid32", .image = "ext3.img" },
	{ "ext4", .options = "nouid32", .image = "ext4.img" },
	{ "xfs", .options = "noalign", .image = "xfs.img" },
	{ "btrfs", .options = "thread_pool=2", .image = "btrfs.img" },
	{ "f2fs", .options = "background_gc=off", .image = "f2fs.img" },
	{ "nilfs2", .options = "order=relaxed", .image = "nilfs2.img" },
	{ "jfs", .options = "integrity", .image = "jfs.img" },
	{ "reiserfs", .options = "notail", .image = "reiserfs.img" },
	{ "vfat", .options = "quiet", .image = "fat.img" },
	{ "msdos", .options = "quiet", .image = "fat.img" },
	{ "exfat", .options = "umask=077", .image = "exfat.img" },
	{ "ntfs3", .options = "umask=077", .image = "ntfs3.img" },
	{ "hfs", .options = "umask=077", .image = "hfs.img" },
	{ "hfsplus", .options = "umask=077", .image = "hfsplus.img" },
	{ "minix", .image = "minix.img" },
	{ "bfs", .image = "bfs.img" },
	{ "udf", .options = "umask=077", .image = "udf.img" },
	{ "iso9660", .options = "mode=0400", .image = "iso9660.img", .flags = MS_RDONLY },
	{ "squashfs", .options = "errors=continue", .image = "squashfs.img",
	  .flags = MS_RDONLY },
	{ "erofs", .options = "user_xattr", .image = "erofs.img", .flags = MS_RDONLY },
	{ "cramfs", .image = "cramfs.img", .flags = MS_RDONLY },
	{ "romfs", .image = "romfs.img", .flags = MS_RDONLY },

	/* on another filesystem, or on a program */
	{ "overlay", .options = "lowerdir=/usr:/etc", .flags = MS_RDONLY },
	{ "ecryptfs", .serve = serve_ecryptfs },
	{ "autofs", .serve = serve_autofs },
	{ "9p", .serve = serve_9p },
	{ "fuse", .serve = serve_fuse, .answer = answer_fuse },
	{ "fuseblk", .serve = serve_fuse, .answer = answer_fuse, .image = "fat.img" },
	{ .name = "fusectl" },

	/* on a network */
	{ "nfs", .options = NFS_OPTIONS, .remount = NFS_OPTIONS, .serve = serve_nfs },
	{ "nfs4", .options = NFS_OPTIONS, .remount = NFS_OPTIONS, .serve = serve_nfs },
	{ "cifs", .options = SMB_OPTIONS, .remount = SMB_OPTIONS, .serve = serve_smb },
	{ "smb3", .options = SMB_OPTIONS, .remount = SMB_OPTIONS, .serve = serve_smb },
	{ "nfsd", .life = KEPT },
	{ .name = "rpc_pipefs" },
	{ "coda", .serve = serve_coda, .binary = 1 },

	{ "sockfs", .refuses = INTERNAL },
	{ "pipefs", .refuses = INTERNAL },
	{ "bdev", .refuses = INTERNAL },
};

static int failures;

/* Say what is wrong if @good is not, and errno unless that is 0. */
static int check(int good, const char *format, ...)
{
	int error = errno;
	va_list args;

	if (!good) {
		failures++;
		printf("# ");
		va_start(args, format);
		vprintf(format, args);
		va_end(args);
		printf(error ? " (%s)\n" : "\n", strerror(error));
	}
	return good;
}

/* Whether DIR has the option.  errno is 0 afterwards: the calls before did not fail. */
static int has_it(void)
{
	int ret = shown(DIR, wanted);

	errno = 0;
	return ret;
}

/* Read what the kernel has logged in @fs; 1 if @text is part of it. */
static int logged(int fs, const char *text)
{
	char message[512];
	ssize_t len;
	int found = 0;

	while ((len = read(fs, message, sizeof(message) - 1)) > 0) {
		message[len] = '\0';
		if (strstr(message, text))
			found = 1;
	}
	return found;
}

/* A loop device on @image, which lasts as long as it is open or mounted. */
static int attach(const char *image, char *device, size_t size)
{
	struct loop_config config = { .info.lo_flags = LO_FLAGS_AUTOCLEAR };
	int control, number, loop = -1, file;

	file = open(image, O_RDWR | O_CLOEXEC);
	control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	if (file >= 0 && number >= 0) {
		snprintf(device, size, "/dev/loop%d", number);
		loop = open(device, O_RDWR | O_CLOEXEC);
		config.fd = file;
		if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config)) {
			close(loop);
			loop = -1;
		}
	}
	close(control);
	close(file);
	return loop;
}

/* fsconfig(2) for each of "a,b=c". */
static int set_options(int fs, const char *options)
{
	char copy[512], *next = copy, *name, *value;

	snprintf(copy, sizeof(copy), "%s", options);
	while ((name = strsep(&next, ","))) {
		if (!*name)
			continue;
		value = strchr(name, '=');
		if (value)
			*value++ = '\0';
		if (fsconfig(fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, name, value, 0))
			return -1;
	}
	return 0;
}

static int fsconfig_mount(const struct type *t, const char *source, const char *options)
{
	int fs, fd = -1, ret = -1;

	fs = fsopen(t->name, FSOPEN_CLOEXEC);
	if (fs >= 0 && !set_options(fs, options) &&
	    !fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) &&
	    (!(t->flags & MS_RDONLY) || !fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0)) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd >= 0)
		ret = move_mount(fd, "", AT_FDCWD, DIR, MOVE_MOUNT_F_EMPTY_PATH);
	if (fd >= 0)
		close(fd);
	if (fs >= 0)
		close(fs);
	return ret;
}

static int by_fsconfig; /* rather than by mount(2) */

/* Both ends of the options, for what cuts it out of a string. */
enum place { WITHOUT, AT_END, AT_START, WITH_VALUE };
static const char *const place_name[] = { "without", "at the end", "at the start", "value" };

static void end_request(struct request *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->fds); i++)
		if (r->fds[i] >= 0)
			close(r->fds[i]);
}

static int do_mount(const struct type *t, const char *device, enum place place,
		    struct request *r)
{
	const char *const before[] = { "", "", wanted, "" };
	const char *const after[] = { "", wanted, "", OPTION "=1" };
	char options[512];
	int ret;

	*r = (struct request){ .source = device, .fds = { -1, -1 } };
	snprintf(r->options, sizeof(r->options), "%s", t->options ?: "");
	if (t->serve && t->serve(r) < 0)
		return -1;

	snprintf(options, sizeof(options), "%s%s%s%s%s", before[place],
		 *before[place] && *r->options ? "," : "", r->options,
		 *after[place] && *r->options ? "," : "", after[place]);
	if (by_fsconfig) {
		/* the kernel takes its time, and mount(2) it restarts by itself */
		do
			ret = fsconfig_mount(t, r->source, options);
		while (ret && errno == EBUSY && t->busy);
	} else {
		ret = mount(r->source, DIR, t->name, t->flags, *options ? options : NULL);
	}
	if (!ret && t->answer)
		check(t->answer(r) > 0, "no server");
	return ret;
}

/* Remount it, with @with if that is not NULL. */
static int do_remount(const struct type *t, int fsconfig_does_it, const char *with)
{
	char options[512];
	int fs, ret = -1;

	snprintf(options, sizeof(options), "%s%s%s", t->remount ?: "",
		 t->remount && with ? "," : "", with ?: "");
	if (!fsconfig_does_it)
		return mount(NULL, DIR, NULL, MS_REMOUNT | t->flags, *options ? options : NULL);

	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	if (fs < 0)
		return -1;
	if (!set_options(fs, options) &&
	    (!(t->flags & MS_RDONLY) || !fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0)))
		ret = fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	close(fs);
	return ret;
}

static void unmount(struct request *r)
{
	check(!umount(DIR), "umount");
	check(has_it() == -1, "it is mounted after umount");
	end_request(r);
}

static void mount_with_option(const struct type *t, const char *device, enum place place)
{
	struct request r;

	if (check(!do_mount(t, device, place, &r), "mount with it %s", place_name[place])) {
		check(has_it() == 1, "not shown after mount with it %s", place_name[place]);
		/* where mount(2) mounts it, it can remount it, too */
		if (!t->binary || !by_fsconfig)
			check(!do_remount(t, 0, NULL), "mount(2) remount without it");
		check(has_it() == 1, "gone after mount(2) remount without it");
		check(!do_remount(t, 1, NULL), "reconfigure without it");
		check(has_it() == 1, "gone after reconfigure without it");
		unmount(&r);
	} else {
		check(has_it() == -1, "mounted by a call that failed");
		end_request(&r);
	}
}

static void mount_without_option(const struct type *t, const char *device, int expected)
{
	struct request r;

	if (check(!do_mount(t, device, WITHOUT, &r), "mount without it")) {
		check(has_it() == expected, "mount without it: %s", expected ? "gone" : "shown");
		unmount(&r);
	} else {
		end_request(&r);
	}
}

static void remount_with_option(const struct type *t, const char *device)
{
	struct request r;

	if (check(!do_mount(t, device, WITHOUT, &r), "mount without it")) {
		check(!do_remount(t, by_fsconfig, wanted), "remount with it");
		check(has_it() == 1, "not shown after remount with it");
		unmount(&r);
	} else {
		end_request(&r);
	}
}

/* Others have it mounted without: only a remount sets it. */
static void mount_with_option_is_busy(const struct type *t, const char *device)
{
	struct request r;

	errno = 0;
	check(do_mount(t, device, AT_END, &r) == -1 && errno == EBUSY,
	      "mount with it is not refused with EBUSY");
	if (!check(has_it() == -1, "mounted by a call that failed"))
		umount(DIR);
	end_request(&r);
}

static void value_is_refused(const struct type *t, const char *device)
{
	struct request r;
	int fs;

	errno = 0;
	check(do_mount(t, device, WITH_VALUE, &r) == -1 && errno == EINVAL,
	      "a value is not refused with EINVAL");
	if (!check(has_it() == -1, "mounted with a value"))
		umount(DIR);
	end_request(&r);
	if (!by_fsconfig)
		return;

	fs = fsopen(t->name, FSOPEN_CLOEXEC);
	check(fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "1", 0) == -1 && errno == EINVAL,
	      "a value is not refused with EINVAL by fsconfig");
	check(logged(fs, OPTION " takes no value"), "no message in the log");
	close(fs);
}

/* In a process and a mount namespace of its own. */
static void walk_type(const struct type *t)
{
	char device[32] = "none";
	int loop = -1;

	if (t->image) {
		char path[64];

		snprintf(path, sizeof(path), IMAGES "/%s", t->image);
		loop = attach(path, device, sizeof(device));
		if (!check(loop >= 0, "no loop device on %s", path))
			return;
	}
	value_is_refused(t, device);
	/*
	 * Not even on a superblock that is kept: nobody has asked for it before.
	 * Such a one has it from the remount on.
	 */
	mount_without_option(t, device, 0);
	if (t->life == KEPT) {
		mount_with_option_is_busy(t, device);
		mount_without_option(t, device, 0);
		remount_with_option(t, device);
	}
	mount_with_option(t, device, AT_END);
	mount_with_option(t, device, AT_START);
	mount_without_option(t, device, t->life == KEPT);
	remount_with_option(t, device);
	if (loop >= 0)
		close(loop);
}

enum outcome { CARRIES, FAILS, REFUSES };

/* Linux before 6.12 lets move_mount(2) attach what mount(2) does not, with the option, too. */
static enum outcome refuse_type(const struct type *t)
{
	struct request r;

	errno = 0;
	if (do_mount(t, "none", AT_END, &r)) {
		check(errno, "no error");
		check(has_it() == -1, "mounted by a call that failed");
		end_request(&r);
		return REFUSES;
	}
	check(by_fsconfig && t->refuses, "mounted, though %s",
	      t->refuses ?: "it needs a structure");
	check(has_it() == 1, "not shown after mount with it");
	unmount(&r);
	return CARRIES;
}

/* Whether mount(2) refuses all that is no structure. */
static int needs_structure(const struct type *t)
{
	struct request r;

	if (!t->binary || by_fsconfig)
		return 0;
	if (do_mount(t, "none", WITHOUT, &r)) {
		end_request(&r);
		return 1;
	}
	unmount(&r);
	return 0;
}

/* Whether there is no image for @t where this was made, and then @why. */
static int lacks_image(const struct type *t, char *why, int size)
{
	char path[64];
	FILE *f = NULL;
	int lacks;

	if (t->image) {
		snprintf(path, sizeof(path), IMAGES "/%s.lacking", t->image);
		f = fopen(path, "re");
	}
	if (!f)
		return 0;
	lacks = !!fgets(why, size, f);
	fclose(f);
	return lacks;
}

static enum outcome in_child(const struct type *t)
{
	enum outcome good = CARRIES;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(TIMEOUT);
		if (check(!unshare(CLONE_NEWNS) &&
			  !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "namespace")) {
			if (t->refuses || needs_structure(t))
				good = refuse_type(t);
			else
				walk_type(t);
		}
		fflush(stdout);
		_exit(failures ? FAILS : good);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return FAILS;
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILS;
}

static const struct type *find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

/* The kernel's list: "nodev\tNAME" or "\tNAME" a line. Returns how many. */
static size_t list_types(char names[][32], size_t size)
{
	FILE *f = fopen("/proc/filesystems", "re");
	char *line = NULL, *tab;
	size_t len = 0, n = 0;

	while (f && n < size && getline(&line, &len, f) > 0) {
		tab = strchr(line, '\t');
		if (tab && sscanf(tab, " %31s", names[n]) == 1)
			n++;
	}
	free(line);
	if (f)
		fclose(f);
	return n;
}

int main(void)
{
	const char *api = getenv("API") ?: "";
	enum outcome outcome;
	int with_option = 0;
	char names[256][32];
	size_t n;

	setvbuf(stdout, NULL, _IOLBF, 0);
	ksft_print_header();
	by_fsconfig = !strcmp(api, "fsconfig");
	wanted = getenv("OPTION") ?: OPTION;
	if (!by_fsconfig && strcmp(api, "mount2"))
		ksft_exit_fail_msg("API=mount2 or API=fsconfig\n");

	mkdir(DIR, 0755);
	n = list_types(names, ARRAY_SIZE(names));
	if (!n || n == ARRAY_SIZE(names))
		ksft_exit_fail_msg("/proc/filesystems: %zu types\n", n);
	ksft_set_plan(n + 1);
	for (size_t i = 0; i < n; i++) {
		const struct type *t = find_type(names[i]);
		char why[64];

		if (t && lacks_image(t, why, sizeof(why))) {
			ksft_test_result_skip("filesystems.%s.%s: %s", names[i], api, why);
			continue;
		}
		if (!t)
			ksft_print_msg("%s: nobody has said how to mount it\n", names[i]);
		else if (t->refuses)
			ksft_print_msg("%s: %s\n", names[i], t->refuses);
		outcome = t ? in_child(t) : FAILS;
		with_option += outcome == CARRIES;
		ksft_test_result(outcome != FAILS, "filesystems.%s.%s%s\n", names[i], api,
				 outcome == REFUSES ? ".is_refused" : "");
	}
	ksft_print_msg("%d types carry the option\n", with_option);
	ksft_test_result(with_option >= AT_LEAST, "filesystems.at_least_%d.%s\n", AT_LEAST, api);
	ksft_finished();
}
