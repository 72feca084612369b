// SPDX-License-Identifier: GPL-2.0
/*
 * The mount option ima_nocache: every way of giving it, that it stays, who may
 * give it and where it is shown. What it does to IMA is not looked at here.
 *
 * The environment may name block devices to mount: IMA_TEST_EXT4 with an ext4
 * filesystem, which is mounted read-only, and IMA_TEST_BTRFS with a btrfs. With
 * IMA_TEST_WITHOUT_OPTION in it nothing is skipped on a kernel without the option:
 * the tests then fail.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "ima.h"

#define DIR "/mnt/option"
#define DIR2 "/mnt/option2"
#define USER 1000 /* who is root of a user namespace */
#define REFUSAL "VFS: mounted without " OPTION ": remount it"

/* Read what is new in @log, a filesystem context or the kernel's; 1 if @text is part of it. */
static int logged(int log, const char *text)
{
	char message[RECORD_SIZE];
	ssize_t len;
	int found = 0;

	while ((len = read(log, message, sizeof(message) - 1)) > 0) {
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

/* Begin a filesystem with the option.  Returns a descriptor or -1. */
static int begin(const char *type, const char *source)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	if (!fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0) &&
	    !fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0))
		return fs;
	close(fs);
	return -1;
}

/* The same read-only, up to the superblock.  Returns 0, or the error, with the log in @fs. */
static int create_read_only(const char *type, const char *source, int *fs)
{
	*fs = begin(type, source);
	if (*fs < 0 || fsconfig(*fs, FSCONFIG_SET_FLAG, "ro", NULL, 0))
		return errno;
	return fsconfig(*fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? errno : 0;
}

/* mount(2) at DIR2 as the second one.  Returns 0 or the error. */
static int mount_again(const char *type, const char *source, unsigned long flags,
		       const char *options)
{
	return mount(source, DIR2, type, flags, options) ? errno : 0;
}

/* How many names are in @dir. */
static int names_in(const char *dir)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, NULL);

	for (int i = 0; i < n; i++)
		free(names[i]);
	if (n >= 0)
		free(names);
	return n;
}

FIXTURE(option) {
};

FIXTURE_SETUP(option)
{
	const char *missing = option_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, enter_mount_namespace());
	/* nothing is left behind on what everybody sees */
	ASSERT_EQ(0, mount("none", "/mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(DIR, 0755));
	ASSERT_EQ(0, mkdir(DIR2, 0755));
}

FIXTURE_TEARDOWN(option)
{
	umount2(DIR2, MNT_DETACH);
	umount2(DIR, MNT_DETACH);
}

TEST_F(option, unasked_is_not_shown)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m"));
	EXPECT_EQ(0, shown(DIR, OPTION));
}

TEST_F(option, mount2_sets_it)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, "size=1m," OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, fsconfig_sets_it)
{
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC);

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	ASSERT_EQ(0, new_mount(fs, DIR));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, fsconfig_sets_it_on_legacy_types)
{
	int fs = fsopen("overlay", FSOPEN_CLOEXEC);

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", "/usr:/etc", 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	ASSERT_EQ(0, new_mount(fs, DIR));
	EXPECT_EQ(1, shown(DIR, OPTION));
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
	ASSERT_EQ(0, shown(DIR, OPTION));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));

	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(1, shown(DIR, OPTION));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, "size=2m"));
	EXPECT_EQ(1, shown(DIR, OPTION));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, reconfigure_sets_it_and_reconfigure_without_it_keeps_it)
{
	int fs;

	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0));
	EXPECT_EQ(0, shown(DIR, OPTION));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(1, shown(DIR, OPTION));
	close(fs);

	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, remount_that_fails_does_not_set_it)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	EXPECT_EQ(-1, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION ",bogus"));
	EXPECT_EQ(0, shown(DIR, OPTION));
	EXPECT_EQ(-1, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION ",huge=bogus"));
	EXPECT_EQ(0, shown(DIR, OPTION));
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
		EXPECT_EQ(1, shown(DIR, OPTION));
		EXPECT_EQ(0, umount(DIR));
	}
}

TEST_F(option, legacy_mount2_does_not_cut_inside_a_value)
{
	ASSERT_EQ(0, mount("none", DIR2, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(DIR2 "/a," OPTION, 0755));
	ASSERT_EQ(0, mount("none", DIR, "overlay", 0,
			   "lowerdir=/usr:" DIR2 "/a\\," OPTION));
	EXPECT_EQ(0, shown(DIR, OPTION));
	ASSERT_EQ(0, umount(DIR));

	ASSERT_EQ(0, mount("none", DIR, "overlay", 0,
			   "lowerdir=/usr:" DIR2 "/a\\," OPTION "," OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, legacy_remount_sets_it)
{
	ASSERT_EQ(0, mount("none", DIR, "overlay", 0, "lowerdir=/usr:/etc"));
	ASSERT_EQ(0, shown(DIR, OPTION));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY, OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, types_that_ignore_options_set_it)
{
	ASSERT_EQ(0, mount("none", DIR, "ramfs", 0, OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

/* On 6.1 it mounts twice to mount once. */
TEST_F(option, btrfs_sets_it_by_mount2)
{
	const char *disk = getenv("IMA_TEST_BTRFS");

	if (!disk)
		SKIP(return, "no IMA_TEST_BTRFS");
	ASSERT_EQ(0, mount(disk, DIR, "btrfs", 0, "thread_pool=2," OPTION ",max_inline=0")) {
		TH_LOG("%s", strerror(errno));
	}
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, btrfs_sets_it_by_fsconfig)
{
	const char *disk = getenv("IMA_TEST_BTRFS");
	int fs;

	if (!disk)
		SKIP(return, "no IMA_TEST_BTRFS");
	ASSERT_EQ(0, create_read_only("btrfs", disk, &fs)) {
		TH_LOG("%s", strerror(errno));
	}
	ASSERT_EQ(0, new_mount(fs, DIR));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, second_mount_with_it_is_refused_by_mount2_with_a_message)
{
	const char *disk = getenv("IMA_TEST_EXT4");
	int log;

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	ASSERT_EQ(0, shown(DIR, OPTION));
	log = open_log();
	ASSERT_LE(0, log);
	EXPECT_EQ(EBUSY, mount_again("ext4", disk, MS_RDONLY, OPTION));
	EXPECT_EQ(1, logged(log, REFUSAL));
	EXPECT_EQ(-1, shown(DIR2, OPTION));

	/* nothing has happened to the first one, and it can have others */
	EXPECT_EQ(0, shown(DIR, OPTION));
	EXPECT_LT(2, names_in(DIR));
	EXPECT_EQ(0, mount_again("ext4", disk, MS_RDONLY, NULL));
	EXPECT_EQ(0, shown(DIR2, OPTION));
}

TEST_F(option, second_mount_with_it_is_refused_by_fsconfig_with_a_message)
{
	const char *disk = getenv("IMA_TEST_EXT4");
	int fs;

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	EXPECT_EQ(EBUSY, create_read_only("ext4", disk, &fs));
	EXPECT_EQ(1, logged(fs, REFUSAL));
	EXPECT_EQ(0, shown(DIR, OPTION));
	EXPECT_LT(2, names_in(DIR));
}

TEST_F(option, second_mount_with_it_shares_what_was_remounted)
{
	const char *disk = getenv("IMA_TEST_EXT4");

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	ASSERT_EQ(EBUSY, mount_again("ext4", disk, MS_RDONLY, OPTION));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT | MS_RDONLY, OPTION));
	EXPECT_EQ(0, mount_again("ext4", disk, MS_RDONLY, OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
	EXPECT_EQ(1, shown(DIR2, OPTION));
}

TEST_F(option, second_mount_shares_a_superblock_that_has_it)
{
	const char *disk = getenv("IMA_TEST_EXT4");
	int fs;

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, OPTION));
	EXPECT_EQ(0, mount_again("ext4", disk, MS_RDONLY, OPTION));
	EXPECT_EQ(1, shown(DIR2, OPTION));
	EXPECT_EQ(0, umount(DIR2));

	EXPECT_EQ(0, create_read_only("ext4", disk, &fs));
	EXPECT_EQ(0, new_mount(fs, DIR2));
	EXPECT_EQ(1, shown(DIR2, OPTION));
	EXPECT_EQ(0, close(fs));
	EXPECT_EQ(0, umount(DIR2));

	EXPECT_EQ(0, mount_again("ext4", disk, MS_RDONLY, NULL));
	EXPECT_EQ(1, shown(DIR2, OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
}

TEST_F(option, second_mount_that_the_filesystem_refuses_does_not_set_it)
{
	const char *disk = getenv("IMA_TEST_EXT4");

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	EXPECT_EQ(EINVAL, mount_again("ext4", disk, MS_RDONLY, OPTION ",bogus"));
	EXPECT_EQ(0, shown(DIR, OPTION));
	EXPECT_EQ(EINVAL, mount_again("ext4", disk, MS_RDONLY, OPTION ",errors=bogus"));
	EXPECT_EQ(0, shown(DIR, OPTION));
	/* the superblock is writable or not, for all of its mounts */
	EXPECT_EQ(EBUSY, mount_again("ext4", disk, 0, OPTION));
	EXPECT_EQ(0, shown(DIR, OPTION));
}

TEST_F(option, btrfs_second_mount_with_it_is_refused)
{
	const char *disk = getenv("IMA_TEST_BTRFS");
	int fs;

	if (!disk)
		SKIP(return, "no IMA_TEST_BTRFS");
	ASSERT_EQ(0, mount(disk, DIR, "btrfs", 0, NULL));
	EXPECT_EQ(EBUSY, mount_again("btrfs", disk, 0, OPTION));
	EXPECT_EQ(EBUSY, mount_again("btrfs", disk, 0, "subvol=/," OPTION));
	/* btrfs itself lets mounts of its differ in this */
	EXPECT_EQ(EBUSY, mount_again("btrfs", disk, MS_RDONLY, OPTION));
	EXPECT_EQ(EBUSY, create_read_only("btrfs", disk, &fs));
	EXPECT_EQ(1, logged(fs, REFUSAL));
	EXPECT_EQ(-1, shown(DIR2, OPTION));

	EXPECT_EQ(0, shown(DIR, OPTION));
	EXPECT_EQ(0, mount_again("btrfs", disk, MS_RDONLY, "subvol=/"));
	EXPECT_EQ(0, shown(DIR2, OPTION));
}

TEST_F(option, btrfs_second_mount_shares_a_superblock_that_has_it)
{
	static const char *const options[] = { OPTION, NULL, "subvol=/," OPTION, "subvol=/" };
	const char *disk = getenv("IMA_TEST_BTRFS");

	if (!disk)
		SKIP(return, "no IMA_TEST_BTRFS");
	ASSERT_EQ(0, mount(disk, DIR, "btrfs", 0, OPTION));
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		ASSERT_EQ(0, mount_again("btrfs", disk, i % 2 ? MS_RDONLY : 0, options[i])) {
			TH_LOG("options %s", options[i] ?: "none");
		}
		EXPECT_EQ(1, shown(DIR2, OPTION));
		EXPECT_EQ(0, umount(DIR2));
	}
	EXPECT_EQ(1, shown(DIR, OPTION));
}

/* It has but one superblock, and that is mounted. */
TEST_F(option, devtmpfs_with_it_is_refused)
{
	int fs;

	if (mount("none", DIR, "devtmpfs", 0, NULL))
		SKIP(return, "no devtmpfs");
	if (shown(DIR, OPTION))
		SKIP(return, "the devtmpfs here has it");
	EXPECT_EQ(EBUSY, mount_again("devtmpfs", "none", 0, OPTION));
	EXPECT_EQ(EBUSY, mount_again("devtmpfs", "none", 0, "mode=755," OPTION));
	EXPECT_EQ(EBUSY, create_read_only("devtmpfs", "none", &fs));
	EXPECT_EQ(1, logged(fs, REFUSAL));
	EXPECT_EQ(-1, shown(DIR2, OPTION));
	EXPECT_EQ(0, shown(DIR, OPTION));
}

TEST_F(option, it_ends_with_the_superblock)
{
	const char *disk = getenv("IMA_TEST_EXT4");

	if (!disk)
		SKIP(return, "no IMA_TEST_EXT4");
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, OPTION));
	ASSERT_EQ(1, shown(DIR, OPTION));
	ASSERT_EQ(0, umount(DIR));
	ASSERT_EQ(0, mount(disk, DIR, "ext4", MS_RDONLY, NULL));
	EXPECT_EQ(0, shown(DIR, OPTION));
}

TEST_F(option, owner_of_a_user_namespace_sets_it_on_their_superblock)
{
	ASSERT_EQ(0, enter_userns(USER, 0));
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, OPTION));
	EXPECT_EQ(1, shown(DIR, OPTION));
	ASSERT_EQ(0, mount("none", DIR2, "tmpfs", 0, NULL));
	ASSERT_EQ(0, mount(NULL, DIR2, NULL, MS_REMOUNT, OPTION));
	EXPECT_EQ(1, shown(DIR2, OPTION));
}

/* What is wrong when somebody else tries, or 0. */
static int try_on_cgroup2(void)
{
	int fs;

	if (enter_userns(USER, CLONE_NEWCGROUP))
		return 1;
	/* it is the host's superblock that one gets ... */
	if (mount("none", DIR, "cgroup2", 0, NULL) || shown(DIR, OPTION))
		return 2;
	/* ... and the option is not one's own to give there */
	if (mount_again("cgroup2", "none", 0, OPTION) != EBUSY)
		return 3;
	if (create_read_only("cgroup2", "none", &fs) != EBUSY || !logged(fs, REFUSAL))
		return 4;
	if (!mount(NULL, DIR, NULL, MS_REMOUNT, OPTION) || errno != EPERM)
		return 5;
	return shown(DIR, OPTION) ? 6 : 0;
}

TEST_F(option, nobody_else_sets_it_on_the_host_cgroup2)
{
	int status;
	pid_t pid;

	if (mount("none", DIR2, "cgroup2", 0, NULL))
		SKIP(return, "no cgroup2");
	if (shown(DIR2, OPTION))
		SKIP(return, "the cgroup2 here has it");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(try_on_cgroup2());
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(0, shown(DIR2, OPTION));
}

/*
 * That of a new network namespace.  The host owns it, whoever makes it: no container can
 * remount it.
 */
TEST_F(option, container_sets_it_on_a_global_superblock_that_it_makes)
{
	ASSERT_EQ(0, enter_userns(USER, CLONE_NEWNET));
	ASSERT_EQ(0, mount("none", DIR, "sysfs", 0, OPTION)) {
		TH_LOG("%s", strerror(errno));
	}
	EXPECT_EQ(1, shown(DIR, OPTION));
	EXPECT_EQ(-1, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION));
	EXPECT_EQ(EPERM, errno);
}

TEST_F(option, container_shares_a_global_superblock_that_has_it)
{
	ASSERT_EQ(0, enter_userns(USER, CLONE_NEWNET));
	ASSERT_EQ(0, mount("none", DIR, "sysfs", 0, OPTION));
	/* with nothing to say over it */
	EXPECT_EQ(0, mount_again("sysfs", "none", 0, OPTION));
	EXPECT_EQ(1, shown(DIR2, OPTION));
	EXPECT_EQ(0, umount(DIR2));
	EXPECT_EQ(0, mount_again("sysfs", "none", 0, NULL));
	EXPECT_EQ(1, shown(DIR2, OPTION));
}

TEST_F(option, container_does_not_set_it_on_a_global_superblock_without_it)
{
	ASSERT_EQ(0, enter_userns(USER, CLONE_NEWNET));
	ASSERT_EQ(0, mount("none", DIR, "sysfs", 0, NULL));
	EXPECT_EQ(EBUSY, mount_again("sysfs", "none", 0, OPTION));
	EXPECT_EQ(0, shown(DIR, OPTION));

	/* there is another one when that is gone */
	ASSERT_EQ(0, umount(DIR));
	EXPECT_EQ(0, mount_again("sysfs", "none", 0, OPTION));
	EXPECT_EQ(1, shown(DIR2, OPTION));
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
#define STATMOUNT_OPT_SEC_ARRAY_ 0x800ULL
#define STATX_MNT_ID_UNIQUE_ 0x4000U

struct statmount_ {
	__u32 size;
	__u32 mnt_opts;
	__u64 mask;
	__u32 others[28];
	__u32 opt_num;
	__u32 opt_array;
	__u32 opt_sec_num;
	__u32 opt_sec_array;
	__u8 reserved[368];
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
	EXPECT_EQ(1, listed(buf.str + buf.mnt_opts, OPTION));
}

/* 1 if it is one of @n strings, one behind the other. */
static int in_array(const char *strings, __u32 n)
{
	for (; n; n--, strings += strlen(strings) + 1)
		if (!strcmp(strings, OPTION))
			return 1;
	return 0;
}

/* On a filesystem that shows options of its own, and on one that has none. */
TEST_F(option, statmount_shows_it_in_the_array_of_security_options_alone)
{
	static const char *const types[] = { "tmpfs", "sysfs" };
	struct statmount_ buf = { 0 };
	int ret;

	/* its own sysfs, as that of others may have been mounted without it */
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		ASSERT_EQ(0, mount("none", DIR, types[i], 0, OPTION));
		ret = statmount_(DIR, STATMOUNT_OPT_ARRAY_ | STATMOUNT_OPT_SEC_ARRAY_, &buf);
		if (ret > 0)
			SKIP(return, "no statmount(2)");
		ASSERT_EQ(0, ret);
		if (!(buf.mask & STATMOUNT_OPT_SEC_ARRAY_))
			SKIP(return, "no array of security options in statmount(2)");
		EXPECT_EQ(1, in_array(buf.str + buf.opt_sec_array, buf.opt_sec_num));
		EXPECT_EQ(0, in_array(buf.str + buf.opt_array, buf.opt_num));
		ASSERT_EQ(0, umount(DIR));
	}
}

TEST_HARNESS_MAIN
