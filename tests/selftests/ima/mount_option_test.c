// SPDX-License-Identifier: GPL-2.0
/*
 * The mount option ima_nocache: every way of giving it, that it stays, who may
 * give it and where it is shown. What it does to IMA is not looked at here.
 *
 * The environment may name block devices to mount: IMA_TEST_EXT4 with an ext4
 * filesystem, which is mounted read-only, and IMA_TEST_BTRFS with a btrfs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#define OPTION "ima_nocache"
#define DIR "/mnt/option"
#define DIR2 "/mnt/option2"

/* Whether mountinfo has the option among the super options of the mount @dir. */
static int shown(const char *dir)
{
	char *line = NULL, mountpoint[256], super[1024], *dash;
	FILE *f = fopen("/proc/self/mountinfo", "re");
	size_t size = 0;
	int ret = -1;

	while (f && getline(&line, &size, f) > 0) {
		dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*d %*d %*s %*s %255s", mountpoint) != 1 ||
		    strcmp(mountpoint, dir) ||
		    sscanf(dash, " - %*s %*s %1023s", super) != 1)
			continue;
		ret = 0;
		for (char *o = strtok(super, ","); o; o = strtok(NULL, ","))
			if (!strcmp(o, OPTION))
				ret = 1;
	}
	free(line);
	if (f)
		fclose(f);
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

static int new_mount(int fs, const char *dir)
{
	int fd, ret = -1;

	fd = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd >= 0) {
		ret = move_mount(fd, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH);
		close(fd);
	}
	return ret;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t len = -1;

	if (fd >= 0) {
		len = write(fd, text, strlen(text));
		close(fd);
	}
	return len < 0 ? -1 : 0;
}

/* Become root of a new user namespace, with nothing of the old one. */
static int enter_userns(int other_flags)
{
	/* /proc/self is root's after a change of IDs, without the prctl(2) */
	if (setresgid(1000, 1000, 1000) || setresuid(1000, 1000, 1000) ||
	    prctl(PR_SET_DUMPABLE, 1) ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNS | other_flags) ||
	    write_file("/proc/self/setgroups", "deny") ||
	    write_file("/proc/self/uid_map", "0 1000 1") ||
	    write_file("/proc/self/gid_map", "0 1000 1"))
		return -1;
	return 0;
}

FIXTURE(option) {
};

FIXTURE_SETUP(option)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir(DIR, 0755);
	mkdir(DIR2, 0755);
}

FIXTURE_TEARDOWN(option)
{
	umount2(DIR2, MNT_DETACH);
	umount2(DIR, MNT_DETACH);
}

TEST_F(option, unasked_is_not_shown)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m"));
	EXPECT_EQ(0, shown(DIR));
}

TEST_F(option, mount2_sets_it)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m," OPTION));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, fsconfig_sets_it)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	ASSERT_EQ(0, new_mount(fs, DIR));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, fsconfig_sets_it_on_legacy_types)
{
	int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", "/usr:/etc", 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	ASSERT_EQ(0, new_mount(fs, DIR));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, value_is_refused_by_fsconfig_with_a_message)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	ASSERT_LE(0, fs);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "1", 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(1, logged(fs, OPTION " takes no value"));
}

TEST_F(option, value_is_refused_by_mount2)
{
	/* ramfs ignores what it does not know: only the VFS can refuse it */
	static const char *const requests[][2] = {
		{ "tmpfs", "size=1m," OPTION "=1" },
		{ "ramfs", OPTION "=0" },
		{ "ramfs", OPTION "=" },
		{ "overlay", "lowerdir=/usr:/etc," OPTION "=1" },
		{ "overlay", OPTION "=,lowerdir=/usr:/etc" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		EXPECT_EQ(-1, mount("none", DIR, requests[i][0], 0,
				    requests[i][1])) {
			TH_LOG("%s, %s", requests[i][0], requests[i][1]);
		}
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(option, other_names_are_unknown)
{
	EXPECT_EQ(-1, mount("none", DIR, "tmpfs", 0, "no" OPTION));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mount("none", DIR, "tmpfs", 0, OPTION "s"));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mount("none", DIR, "overlay", 0,
			    "lowerdir=/usr:/etc," OPTION "s"));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(option, remount_sets_it_and_remount_without_it_keeps_it)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	ASSERT_EQ(0, shown(DIR));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION));
	EXPECT_EQ(1, shown(DIR));

	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(1, shown(DIR));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, "size=2m"));
	EXPECT_EQ(1, shown(DIR));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, reconfigure_sets_it_and_reconfigure_without_it_keeps_it)
{
	int fs;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	EXPECT_EQ(0, shown(DIR));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(1, shown(DIR));
	close(fs);

	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, remount_that_fails_does_not_set_it)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	EXPECT_EQ(-1, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION ",bogus"));
	EXPECT_EQ(0, shown(DIR));
	EXPECT_EQ(-1, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION ",huge=bogus"));
	EXPECT_EQ(0, shown(DIR));
}

TEST_F(option, legacy_mount2_takes_it_at_any_place)
{
	static const char *const options[] = {
		OPTION ",lowerdir=/usr:/etc",
		"lowerdir=/usr:/etc," OPTION,
		"redirect_dir=off," OPTION ",lowerdir=/usr:/etc",
		OPTION "," OPTION ",lowerdir=/usr:/etc,," OPTION ",",
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		ASSERT_EQ(0, mount("none", DIR, "overlay", 0, options[i])) {
			TH_LOG("options %s: %s", options[i], strerror(errno));
		}
		EXPECT_EQ(1, shown(DIR));
		EXPECT_EQ(0, umount(DIR));
	}
}

TEST_F(option, legacy_mount2_does_not_cut_inside_a_value)
{
	ASSERT_EQ(0, mount("none", DIR2, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(DIR2 "/a," OPTION, 0755));
	ASSERT_EQ(0, mount("none", DIR, "overlay", 0,
			   "lowerdir=/usr:" DIR2 "/a\\," OPTION));
	EXPECT_EQ(0, shown(DIR));
	ASSERT_EQ(0, umount(DIR));

	ASSERT_EQ(0, mount("none", DIR, "overlay", 0,
			   "lowerdir=/usr:" DIR2 "/a\\," OPTION "," OPTION));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, legacy_remount_sets_it)
{
	ASSERT_EQ(0, mount("none", DIR, "overlay", 0, "lowerdir=/usr:/etc"));
	ASSERT_EQ(0, shown(DIR));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY, OPTION));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, types_that_ignore_options_set_it)
{
	ASSERT_EQ(0, mount("none", DIR, "ramfs", 0, OPTION));
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, btrfs_sets_it)
{
	const char *disk = getenv("IMA_TEST_BTRFS");

	if (!disk)
		SKIP(return, "no IMA_TEST_BTRFS");
	ASSERT_EQ(0, mount(disk, DIR, "btrfs", 0,
			   "thread_pool=2," OPTION ",max_inline=0")) {
		TH_LOG("%s", strerror(errno));
	}
	EXPECT_EQ(1, shown(DIR));
}

TEST_F(option, second_mount_of_a_superblock_sets_it_for_both)
{
	const char *disk = getenv("IMA_TEST_EXT4");

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	ASSERT_EQ(0, shown(DIR));
	ASSERT_EQ(0, mount(disk, DIR2, "ext4", MS_RDONLY, OPTION));
	EXPECT_EQ(1, shown(DIR));
	EXPECT_EQ(1, shown(DIR2));
}

TEST_F(option, it_ends_with_the_superblock)
{
	const char *disk = getenv("IMA_TEST_EXT4");

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, OPTION));
	ASSERT_EQ(1, shown(DIR));
	ASSERT_EQ(0, umount(DIR));
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	EXPECT_EQ(0, shown(DIR));
}

TEST_F(option, owner_of_a_user_namespace_sets_it_on_his_superblock)
{
	ASSERT_EQ(0, enter_userns(0));
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, OPTION));
	EXPECT_EQ(1, shown(DIR));
	ASSERT_EQ(0, mount("none", DIR2, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mount(NULL, DIR2, NULL, MS_REMOUNT, OPTION));
	EXPECT_EQ(1, shown(DIR2));
}

TEST_F(option, nobody_else_sets_it_on_the_host_cgroup2)
{
	int status;
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		if (enter_userns(CLONE_NEWCGROUP))
			_exit(1);
		/* it is the host's superblock that one gets ... */
		if (mount("none", DIR, "cgroup2", 0, NULL) || shown(DIR))
			_exit(2);
		/* ... and the option is not one's own to give there */
		if (!mount("none", DIR2, "cgroup2", 0, OPTION))
			_exit(3);
		_exit(errno == EPERM ? 0 : 4);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, shown("/sys/fs/cgroup"));
}

/* A superblock of the host stays its own even if a container makes it anew. */
TEST_F(option, nobody_else_sets_it_on_a_new_global_superblock)
{
	ASSERT_EQ(0, enter_userns(CLONE_NEWNET));
	ASSERT_EQ(0, mount("none", DIR, "sysfs", 0, NULL)) {
		TH_LOG("%s", strerror(errno));
	}
	ASSERT_EQ(0, umount(DIR));
	EXPECT_EQ(-1, mount("none", DIR, "sysfs", 0, OPTION));
	EXPECT_EQ(EPERM, errno);
}

/*
 * statmount(2), from uapi/linux/mount.h, which sys/mount.h does not go with: its
 * strings, of which two are options, are behind a fixed part.
 */
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
#define STATMOUNT_MNT_OPTS_ 0x80ULL
#define STATMOUNT_OPT_ARRAY_ 0x400ULL
#define STATX_MNT_ID_UNIQUE_ 0x4000U

struct statmount_ {
	__u32 size;
	__u32 mnt_opts;
	__u64 mask;
	__u32 others[28];
	__u32 opt_num;
	__u32 opt_array;
	__u8 reserved[376];
	char str[4096];
};

/* Returns 0, -1, or 1 on a kernel that has no statmount(2). */
static int statmount_(const char *dir, __u64 mask, struct statmount_ *buf)
{
	struct {
		__u32 size, spare;
		__u64 mnt_id, param;
	} req = { .size = 24, .param = mask };
	struct statx st;

	if (statx(AT_FDCWD, dir, 0, STATX_MNT_ID_UNIQUE_, &st))
		return -1;
	if (!(st.stx_mask & STATX_MNT_ID_UNIQUE_))
		return 1;
	req.mnt_id = st.stx_mnt_id;
	return syscall(SYS_statmount, &req, buf, sizeof(*buf), 0);
}

TEST_F(option, statmount_shows_it_in_the_option_string)
{
	struct statmount_ buf = { 0 };
	int ret;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m," OPTION));
	ret = statmount_(DIR, STATMOUNT_MNT_OPTS_, &buf);
	if (ret > 0)
		SKIP(return, "no statmount(2)");
	ASSERT_EQ(0, ret);
	ASSERT_EQ(STATMOUNT_MNT_OPTS_, buf.mask & STATMOUNT_MNT_OPTS_);
	EXPECT_EQ(0, strncmp(buf.str + buf.mnt_opts, OPTION ",", strlen(OPTION ","))) {
		TH_LOG("%s", buf.str + buf.mnt_opts);
	}
}

/* On a filesystem that shows options of its own, and on one that has none. */
TEST_F(option, statmount_shows_it_in_the_option_array)
{
	static const char *const types[] = { "tmpfs", "sysfs" };
	struct statmount_ buf = { 0 };
	int ret;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		ASSERT_EQ(0, mount("none", DIR, types[i], 0, OPTION));
		ret = statmount_(DIR, STATMOUNT_OPT_ARRAY_, &buf);
		if (ret > 0)
			SKIP(return, "no statmount(2)");
		ASSERT_EQ(0, ret);
		if (!(buf.mask & STATMOUNT_OPT_ARRAY_))
			SKIP(return, "no option array in statmount(2)");
		EXPECT_LE(1, buf.opt_num);
		EXPECT_EQ(0, strcmp(buf.str + buf.opt_array, OPTION));
		ASSERT_EQ(0, umount(DIR));
	}
}

TEST_HARNESS_MAIN
