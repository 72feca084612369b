// SPDX-License-Identifier: GPL-2.0
/* The system calls of a sequence, on each type of filesystem that can be mounted here. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"

#include "fuzz.h"

#define MEMORY (8 * 4096) /* in which a string is */
#define CREATE_EXCL_ 8 /* FSCONFIG_CMD_CREATE_EXCL, of Linux 6.6 */

/* What is needed to mount them, and words that they know. The others are tried as they are. */
static struct type known[] = {
	{ "ramfs", .words = { "mode=700", "mode=755", "bogus", "a=b" }, .share = 8,
	  .careless = true },
	{ "tmpfs", .words = { "size=1m", "mode=700", "nr_inodes=100", "uid=0", "gid=0", "ro" },
	  .share = 8 },
	{ "overlay", .base = { "lowerdir=/usr:/etc", "lowerdir=" ROOM "/a\\," OPTION ":/etc",
			       "lowerdir=/usr:" ROOM "/a\\," OPTION, "lowerdir=/usr,upperdir=" ROOM
			       "/upper,workdir=" ROOM "/work" },
	  .words = { "redirect_dir=off", "index=off", "xino=off", "metacopy=off", "ro" },
	  .share = 8 },
	{ "devpts", .words = { "mode=600", "ptmxmode=666", "uid=0", "gid=0", "max=10" },
	  .share = 6 },
	{ "proc", .words = { "hidepid=0", "hidepid=2", "gid=0", "subset=pid" }, .share = 2 },
	{ "fuse", .base = { "fd=100,rootmode=40000,user_id=0,group_id=0" },
	  .words = { "default_permissions", "allow_other", "max_read=8192" }, .share = 4,
	  .single = true /* for one descriptor */ },
	{ "sysfs", .share = 2, .single = true },
	{ "cgroup2", .words = { "nsdelegate" } },
	{ "devtmpfs", .words = { "mode=755" } },
	{ "debugfs", .words = { "mode=700", "uid=0" } },
	{ "tracefs", .words = { "mode=700", "uid=0" } },
	{ "bpf", .words = { "mode=700" } },
	{ "hugetlbfs", .words = { "mode=700", "uid=0" } },
	{ "pstore", .words = { "kmsg_bytes=10240" } },
	{ "binder", .words = { "max=4" } },
	{ "ext4", .source = "IMA_TEST_EXT4", .base = { "ro" },
	  .words = { "nouid32", "errors=continue", "user_xattr", "acl", "commit=5", "nodelalloc" },
	  .share = 2, .single = true },
	{ "btrfs", .source = "IMA_TEST_BTRFS",
	  .words = { "thread_pool=2", "max_inline=0", "noacl", "ssd", "nossd", "subvol=/" },
	  .share = 2, .single = true },
};

static struct type others[MOST_TYPES];
struct type *found[MOST_TYPES];
int types;
static char *memory[2]; /* for a key and a value; what is behind cannot be read */
static int mountinfo = -1;
static int fs = -1;

static char *map_memory(void)
{
	char *p = mmap(NULL, MEMORY + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	return p == MAP_FAILED || mprotect(p + MEMORY, 4096, PROT_NONE) ? NULL : p;
}

int prepare_calls(void)
{
	static const char *const dirs[] = {
		DIR, DIR2, ROOM "/keep", LAYER, ROOM "/upper", ROOM "/work",
	};

	mkdir(ROOM, 0755);
	if (mount("none", ROOM, "tmpfs", 0, NULL))
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0755))
			return -1;
	mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	for (int i = 0; i < 2; i++)
		memory[i] = map_memory();
	return mountinfo < 0 || !memory[0] || !memory[1] ? -1 : 0;
}

/* What the kernel is given for @t. */
static const char *place(int which, const struct text *t, bool edge)
{
	static const char behind[] = "\0," OPTION ",x";
	char *at = memory[which];

	if (!t->bytes)
		return NULL;
	if (edge)
		return memcpy(at + MEMORY - t->len, t->bytes, t->len);
	memcpy(at, t->bytes, t->len);
	memcpy(at + t->len, behind, sizeof(behind));
	return at;
}

/* What VFS and SELinux show come before the option and the filesystem's own options. */
static char *skip_words(char *options)
{
	static const char *const words[] = {
		"rw", "ro", "sync", "dirsync", "mand", "lazytime", "seclabel",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t len = strlen(words[i]);

		if (strncmp(options, words[i], len) || !strchr(",", options[len]))
			continue;
		options += len + (options[len] == ',');
		i = -1;
	}
	return options;
}

/* Take the option out of what is shown. Returns HAS_*. */
static int take_option(char *options)
{
	char *at = skip_words(options);
	size_t len = strcspn(at, ",");
	int has = 0;

	if (len == strlen(OPTION) && !memcmp(at, OPTION, len))
		has = HAS_NOCACHE;
	if (len == strlen(BIND) && !memcmp(at, BIND, len))
		has = HAS_NOCACHE | HAS_BIND;
	/* with the comma before it */
	if (has && at > options)
		memmove(at - 1, at + len, strlen(at + len) + 1);
	return has;
}

/* The super options of the mount at @dir.  Returns HAS_*, or -1 if there is none. */
static int look(const char *dir, char options[MOST_OPTIONS])
{
	static char text[1 << 16];
	size_t len = 0;
	ssize_t got;
	char mountpoint[256], *dash;
	int has = -1;

	options[0] = '\0';
	lseek(mountinfo, 0, SEEK_SET);
	while ((got = read(mountinfo, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	text[len] = '\0';
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*d %*d %*s %*s %255s", mountpoint) != 1 ||
		    strcmp(mountpoint, dir) || sscanf(dash, " - %*s %*s %8191s", options) != 1)
			continue;
		has = take_option(options);
	}
	return has;
}

static const char *source_of(const struct type *type)
{
	return type->source ? getenv(type->source) : "none";
}

static int attach(int context)
{
	int mnt = fsmount(context, FSMOUNT_CLOEXEC, 0), ret, error;

	if (mnt < 0)
		return -1;
	ret = move_mount(mnt, "", AT_FDCWD, DIR, MOVE_MOUNT_F_EMPTY_PATH);
	error = errno;
	close(mnt);
	errno = error;
	return ret;
}

static int open_context(int context)
{
	if (fs >= 0)
		close(fs);
	fs = context;
	return fs < 0 ? -1 : 0;
}

static int make_call(const struct type *type, const struct step *step)
{
	bool with_value = step->value.bytes;
	const char *key = place(0, &step->key, step->edge && !with_value);
	const char *value = place(1, &step->value, step->edge);

	switch (step->call) {
	case MOUNT:
		return mount(source_of(type), DIR, type->name, 0, value);
	case REMOUNT:
		return mount(NULL, DIR, NULL, MS_REMOUNT, value);
	case BIND_REMOUNT:
		return mount(NULL, DIR, NULL, MS_REMOUNT | MS_BIND, value);
	case AGAIN:
		return mount(source_of(type), DIR2, type->name, 0, value);
	case OPEN:
		return open_context(fsopen(type->name, FSOPEN_CLOEXEC));
	case PICK:
		return open_context(fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC));
	case FLAG:
		return fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
	case STRING:
		return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
	case BINARY:
		return fsconfig(fs, FSCONFIG_SET_BINARY, key, value, step->value.len);
	case PATH:
		return fsconfig(fs, FSCONFIG_SET_PATH, key, value, AT_FDCWD);
	case PATH_EMPTY:
		return fsconfig(fs, FSCONFIG_SET_PATH_EMPTY, key, value, AT_FDCWD);
	case FD:
		return fsconfig(fs, FSCONFIG_SET_FD, key, NULL, mountinfo);
	case CREATE:
		return fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	case CREATE_EXCL:
		return fsconfig(fs, CREATE_EXCL_, NULL, NULL, 0);
	case FSMOUNT:
		return attach(fs);
	case RECONFIGURE:
		return fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0);
	default:
		return -1;
	}
}

/* Nothing is mounted over a mount, and only what is there is remounted. */
static bool can_be_made(const struct step *step, bool mounted)
{
	switch (step->call) {
	case MOUNT:
	case FSMOUNT:
		return !mounted;
	case REMOUNT:
	case BIND_REMOUNT:
	case AGAIN:
	case PICK:
		return mounted;
	default:
		return true;
	}
}

void make_calls(const struct sequence *s, struct seen *seen)
{
	bool mounted = false, fuse = !strcmp(s->type->name, "fuse");
	int fd;

	if (fuse) {
		/* without a server: nobody waits for an answer here */
		fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
		if (fd >= 0 && fd != FUSE_FD) {
			dup3(fd, FUSE_FD, O_CLOEXEC);
			close(fd);
		}
	}
	for (int i = 0; i < s->steps; i++) {
		const struct step *step = &s->step[i];
		enum call call = step->call;

		seen[i].made = can_be_made(step, mounted);
		seen[i].error = 0;
		seen[i].has = -1;
		seen[i].second = -1;
		seen[i].options[0] = '\0';
		if (!seen[i].made)
			continue;
		errno = 0;
		seen[i].error = make_call(s->type, step) ? errno : 0;
		if (call <= AGAIN || call >= CREATE)
			seen[i].has = look(DIR, seen[i].options);
		if (call == AGAIN) {
			seen[i].second = look(DIR2, seen[i].options);
			umount2(DIR2, MNT_DETACH);
		}
		if (call == MOUNT || call == FSMOUNT)
			mounted = !seen[i].error;
	}
	open_context(-1);
	while (!umount2(DIR, MNT_DETACH))
		;
	if (fuse)
		close(FUSE_FD);
}

static void keep_path(const struct type *type, char path[64])
{
	snprintf(path, 64, KEEP "%s", type->name);
}

int kept_state(const struct type *type)
{
	static char options[MOST_OPTIONS];
	char path[64];

	if (!type->shared)
		return 0;
	keep_path(type, path);
	return look(path, options);
}

/* Mount it, in each way of the table: overlay shows more the first time.  Returns 0 or an error. */
static int try_type(const struct type *type)
{
	struct sequence s = { .type = type, .steps = 1, .step = { { .call = MOUNT } } };
	static struct seen seen[MOST_STEPS];
	struct text *value = &s.step[0].value;
	size_t i = 0;
	int error = 0;

	do {
		value->bytes = type->base[i];
		value->len = value->bytes ? strlen(value->bytes) : 0;
		make_calls(&s, seen);
		error = error ?: seen[0].error;
	} while (++i < ARRAY_SIZE(type->base) && type->base[i]);
	return error;
}

/* Keep a mount of a superblock that is shared, so that what it has can be looked up. */
static int keep_shared(struct type *type)
{
	struct stat here, there;
	char path[64];

	if (type->single || type->base[0])
		return 0;
	keep_path(type, path);
	if (mkdir(path, 0755) || mount("none", path, type->name, 0, NULL) ||
	    mount("none", DIR, type->name, 0, NULL))
		return -1;
	if (stat(path, &here) || stat(DIR, &there) || umount2(DIR, MNT_DETACH))
		return -1;
	type->shared = here.st_dev == there.st_dev;
	if (type->shared)
		return 0;
	return umount2(path, MNT_DETACH) || rmdir(path) ? -1 : 0;
}

static struct type *find_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name))
			return &known[i];
	others[types].name = strdup(name);
	return &others[types];
}

int find_types(void)
{
	FILE *f = fopen("/proc/filesystems", "re");
	char *line = NULL, name[32];
	size_t size = 0;
	int error;

	types = 0;
	while (f && getline(&line, &size, f) > 0 && types < MOST_TYPES) {
		struct type *type;

		if (sscanf(strchr(line, '\t') ?: line, " %31s", name) != 1)
			continue;
		type = find_type(name);
		error = type->source && !getenv(type->source) ? ENODEV : try_type(type);
		if (error) {
			ksft_print_msg("%s cannot be mounted here: %s\n", name, strerror(error));
			continue;
		}
		if (keep_shared(type)) {
			ksft_print_msg("%s: %s\n", name, strerror(errno));
			return -1;
		}
		if (!type->share)
			type->share = 1;
		type->number = types;
		found[types++] = type;
	}
	free(line);
	if (f)
		fclose(f);
	return types ? 0 : -1;
}
