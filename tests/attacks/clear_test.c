// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on the option itself. Who owns a superblock with it, in a user namespace of theirs,
 * gets rid of it by no mount, remount or namespace: it is shown wherever the superblock is
 * mounted, and what is switched there is measured. And nobody sets it on what is somebody
 * else's.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "attack.h"

#define OTHER "/tmp/other" /* to mount on, on a tmpfs of the attacker */

FIXTURE(clear) {
	struct setting s;
	const char *wanted; /* among the options that are shown */
	dev_t dev;
	int proc, dir;
	bool knows_bind;
};

FIXTURE_VARIANT(clear) {
	bool bind;
};

FIXTURE_VARIANT_ADD(clear, plain) {};

FIXTURE_VARIANT_ADD(clear, bind) {
	.bind = true,
};

FIXTURE_SETUP(clear)
{
	const char *missing = attack_is_missing(variant->bind);
	struct stat st;

	if (missing)
		SKIP(return, "%s", missing);
	self->wanted = variant->bind ? BIND : OPTION;
	self->knows_bind = !attack_is_missing(true);
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, start_userns(&self->s, "measure", ATTACKER, option_of(variant->bind)));
	ASSERT_EQ(0, mount("none", "/tmp", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(OTHER, 0777));
	ASSERT_EQ(0, stat(DIR, &st));
	self->dev = st.st_dev;
	self->proc = open("/proc", O_PATH | O_CLOEXEC);
	self->dir = open(DIR, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
	ASSERT_EQ(0, hold_file(&self->s));
	ASSERT_EQ(1, measured(self->s.list, self->s.digest[0]));
}

FIXTURE_TEARDOWN(clear)
{
	tear_down(&self->s);
}

/* What is switched behind the kernel's back is measured, where @dir and @path lead. */
static void expect_measured(struct __test_metadata *const _metadata, struct setting *s, int dir,
			    const char *path)
{
	int fd;

	served->which = 1;
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd) {
		TH_LOG("%s: %s", path, strerror(errno));
	}
	close(fd);
	EXPECT_EQ(1, measured(s->list, s->digest[1]));
}

/* And each of so many mounts is shown with the option. */
#define expect_kept(mounts, dir, path) do { \
	EXPECT_EQ((mounts), shown_everywhere(self->proc, "self/mountinfo", self->dev, \
					     self->wanted)); \
	expect_measured(_metadata, &self->s, dir, path); \
} while (0)

static const char *const odd_forms[] = {
	NULL, "", ",", "no" OPTION, OPTION "=0", OPTION "=", OPTION "=no", OPTION "=off",
	OPTION "=none", OPTION "=userns", OPTION "=binds", OPTION "=bind=", "no" OPTION "=bind",
	"no" OPTION ",", "user_id=0", "subtype=x", "ro,no" OPTION,
};

TEST_F(clear, remount_without_it_or_with_an_odd_form_clears_nothing)
{
	for (size_t i = 0; i < ARRAY_SIZE(odd_forms); i++) {
		mount(NULL, DIR, NULL, MS_REMOUNT, odd_forms[i]);
		mount(NULL, DIR, NULL, MS_REMOUNT | MS_BIND, odd_forms[i]);
		mount(NULL, DIR, NULL, MS_REMOUNT | MS_SILENT | MS_RDONLY, odd_forms[i]);
		mount(NULL, DIR, NULL, MS_REMOUNT, odd_forms[i]);
		/* nor does it add anything */
		EXPECT_EQ(1, shown_everywhere(self->proc, "self/mountinfo", self->dev,
					      self->wanted)) {
			TH_LOG("%s", odd_forms[i] ?: "none");
		}
	}
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, NULL));
	expect_kept(1, AT_FDCWD, DIR "/file");
}

/* It asks for less than is there. */
TEST_F(clear, remount_with_the_plain_option_takes_nothing_of_it)
{
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, OPTION));
	expect_kept(1, AT_FDCWD, DIR "/file");
}

TEST_F(clear, reconfiguration_clears_nothing)
{
	static const char *const values[] = { "", "0", "no", "off", "none", "false", "userns" };
	int fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);

	ASSERT_LE(0, fs);
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_FLAG, "no" OPTION, NULL, 0));
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_STRING, OPTION, values[i], 0)) {
			TH_LOG("%s", values[i]);
		}
	}
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_BINARY, OPTION, "bind", 5));
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_PATH, OPTION, "/bind", AT_FDCWD));
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_PATH_EMPTY, OPTION, "", self->dir));
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_SET_FD, OPTION, NULL, self->dir));
	close(fs);

	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, "rw", NULL, 0));
	EXPECT_EQ(0, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	close(fs);
	expect_kept(1, AT_FDCWD, DIR "/file");
}

/* By those that a user namespace can mount, each of which takes options in a way of its own. */
TEST_F(clear, no_type_clears_it_when_it_is_remounted)
{
	static const char *const types[][2] = {
		{ "tmpfs", "size=1m" }, { "ramfs", "mode=700" }, { "devpts", "ptmxmode=600" },
		{ "overlay", "lowerdir=/usr:/etc" },
	};
	char options[64];

	for (size_t type = 0; type < ARRAY_SIZE(types); type++) {
		snprintf(options, sizeof(options), "%s,%s", types[type][1],
			 option_of(variant->bind) ?: "");
		ASSERT_EQ(0, mount("none", OTHER, types[type][0], 0, options)) {
			TH_LOG("%s: %s", types[type][0], strerror(errno));
		}
		for (size_t i = 0; i < ARRAY_SIZE(odd_forms); i++) {
			mount(NULL, OTHER, NULL, MS_REMOUNT, odd_forms[i]);
			EXPECT_EQ(1, shown(OTHER, self->wanted)) {
				TH_LOG("%s, %s", types[type][0], odd_forms[i] ?: "none");
			}
		}
		/* overlayfs takes no layers then */
		EXPECT_EQ(0, mount(NULL, OTHER, NULL, MS_REMOUNT | MS_RDONLY,
				   type == 3 ? NULL : types[type][1])) {
			TH_LOG("%s: %s", types[type][0], strerror(errno));
		}
		EXPECT_EQ(1, shown(OTHER, self->wanted));
		ASSERT_EQ(0, umount(OTHER));
	}
}

TEST_F(clear, attributes_of_the_mount_clear_nothing)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOATIME | MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_NODEV,
		.attr_clr = MOUNT_ATTR__ATIME,
	};

	ASSERT_EQ(0, mount_setattr(AT_FDCWD, DIR, AT_RECURSIVE, &attr, sizeof(attr)));
	expect_kept(1, AT_FDCWD, DIR "/file");
}

TEST_F(clear, bind_mount_has_it)
{
	ASSERT_EQ(0, mount(DIR, OTHER, NULL, MS_BIND | MS_REC, "no" OPTION));
	ASSERT_EQ(0, mount(NULL, OTHER, NULL, MS_REMOUNT | MS_BIND | MS_NOATIME, "no" OPTION));
	expect_kept(2, AT_FDCWD, OTHER "/file");
}

/* Of one file. */
TEST_F(clear, bind_mount_of_a_file_has_it)
{
	int fd = open("/tmp/one", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	ASSERT_EQ(0, close(fd));
	ASSERT_EQ(0, mount(DIR "/file", "/tmp/one", NULL, MS_BIND, NULL));
	expect_kept(2, AT_FDCWD, "/tmp/one");
}

TEST_F(clear, moved_mount_has_it)
{
	ASSERT_EQ(0, mount(DIR, OTHER, NULL, MS_MOVE, NULL));
	EXPECT_EQ(1, shown(OTHER, self->wanted));
	ASSERT_EQ(0, move_mount(AT_FDCWD, OTHER, AT_FDCWD, DIR, 0));
	EXPECT_EQ(1, shown(DIR, self->wanted));
	ASSERT_EQ(0, move_mount(self->dir, "", AT_FDCWD, OTHER, MOVE_MOUNT_F_EMPTY_PATH));
	expect_kept(1, AT_FDCWD, OTHER "/file");
}

TEST_F(clear, cloned_mount_that_is_nowhere_has_it)
{
	int tree = open_tree(AT_FDCWD, DIR, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	ASSERT_LE(0, tree);
	ASSERT_EQ(0, umount2(DIR, MNT_DETACH));
	expect_kept(0, tree, "file");
	ASSERT_EQ(0, move_mount(tree, "", AT_FDCWD, OTHER, MOVE_MOUNT_F_EMPTY_PATH));
	EXPECT_EQ(1, shown(OTHER, self->wanted));
}

TEST_F(clear, root_of_a_process_has_it)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	/* the first root of all, which a guest has, cannot be replaced */
	ASSERT_EQ(0, mount("/", OTHER, NULL, MS_BIND | MS_REC, NULL));
	ASSERT_EQ(0, chroot(OTHER));
	ASSERT_EQ(0, chdir(DIR));
	ASSERT_EQ(0, syscall(SYS_pivot_root, ".", "."));
	ASSERT_EQ(0, umount2(".", MNT_DETACH));
	expect_kept(1, AT_FDCWD, "/file");
}

TEST_F(clear, new_mount_namespace_has_it)
{
	char before[32];
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	ASSERT_EQ(0, unshare(CLONE_NEWNS));
	ASSERT_EQ(0, mount(NULL, DIR, NULL, MS_REMOUNT, NULL));
	expect_kept(1, AT_FDCWD, DIR "/file");
	snprintf(before, sizeof(before), "%d/mountinfo", pid);
	EXPECT_EQ(1, shown_everywhere(self->proc, before, self->dev, self->wanted));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_LE(0, end_of(pid));
}

/* Its owner has a copy of the mounts, and nothing to say over the superblock. */
TEST_F(clear, new_user_namespace_has_it)
{
	int fs;

	ASSERT_EQ(0, enter_userns(0, 0));
	EXPECT_EQ(-1, mount(NULL, DIR, NULL, MS_REMOUNT, NULL));
	EXPECT_EQ(EPERM, errno);
	fs = fspick(AT_FDCWD, DIR, FSPICK_CLOEXEC);
	ASSERT_EQ(0, fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0));
	EXPECT_EQ(-1, fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
	EXPECT_EQ(EPERM, errno);
	ASSERT_EQ(0, mount(DIR, OTHER, NULL, MS_BIND, NULL));
	expect_kept(2, AT_FDCWD, OTHER "/file");
}

TEST_F(clear, mount_that_is_covered_has_it)
{
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	expect_kept(1, self->dir, "file");
}

TEST_F(clear, mount_that_is_gone_has_it)
{
	ASSERT_EQ(0, umount2(DIR, MNT_DETACH));
	expect_kept(0, self->dir, "file");
}

/* Returns 0 or the error number. */
static int mount_device(int device, const char *option, bool create_only)
{
	int fs = fsopen("fuse", FSOPEN_CLOEXEC), mnt, ret = 0;
	char number[16];

	snprintf(number, sizeof(number), "%d", device);
	if (option && !strcmp(option, BIND))
		ret = fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "bind", 0);
	else if (option)
		ret = fsconfig(fs, FSCONFIG_SET_FLAG, option, NULL, 0);
	if (ret || fsconfig(fs, FSCONFIG_SET_STRING, "fd", number, 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "rootmode", "40000", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "user_id", "0", 0) ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "group_id", "0", 0) ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		return errno;
	if (create_only)
		return 0;
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (mnt < 0 || move_mount(mnt, "", AT_FDCWD, OTHER, MOVE_MOUNT_F_EMPTY_PATH))
		return errno;
	close(mnt);
	close(fs);
	return 0;
}

TEST_F(clear, second_mount_of_the_same_server_has_it)
{
	int device = device_of(self->s.server);

	ASSERT_LE(0, device);
	ASSERT_EQ(0, mount_device(device, NULL, false));
	expect_kept(2, AT_FDCWD, OTHER "/file");
}

/* Nor does a mount change what is mounted. */
TEST_F(clear, second_mount_of_the_same_server_sets_nothing)
{
	int device = device_of(self->s.server);

	ASSERT_LE(0, device);
	EXPECT_EQ(0, mount_device(device, OPTION, true));
	EXPECT_EQ(variant->bind ? 0 : self->knows_bind ? EBUSY : EINVAL,
		  mount_device(device, BIND, true));
	expect_kept(1, AT_FDCWD, DIR "/file");
}

/* While a file of it is open, it lives. */
TEST_F(clear, file_system_that_is_mounted_again_has_it)
{
	int device = device_of(self->s.server);

	ASSERT_LE(0, device);
	ASSERT_EQ(0, umount2(DIR, MNT_DETACH));
	ASSERT_EQ(0, mount_device(device, NULL, false));
	expect_kept(1, AT_FDCWD, OTHER "/file");
}

/*
 * What keeps it is a description of how to change it, and no mount of it is left. There is
 * one sysfs in a network namespace.
 */
TEST_F(clear, file_system_without_a_mount_has_it)
{
	int fs;

	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, mount("none", OTHER, "sysfs", 0, option_of(variant->bind)));
	fs = fspick(AT_FDCWD, OTHER, FSPICK_CLOEXEC);
	ASSERT_LE(0, fs);
	ASSERT_EQ(0, umount(OTHER));
	ASSERT_EQ(0, mount("none", OTHER, "sysfs", 0, NULL));
	EXPECT_EQ(1, shown(OTHER, self->wanted));
	close(fs);
}

/* Whoever owns nothing of it, in a namespace of theirs. */
FIXTURE(others) {
	struct setting s;
	const char *option;
};

FIXTURE_VARIANT(others) {
	bool bind;
};

FIXTURE_VARIANT_ADD(others, plain) {};

FIXTURE_VARIANT_ADD(others, bind) {
	.bind = true,
};

#define QUEUES "/mnt/queues"
#define MINE "/mnt/mine"

/* Of the host, each with the type that a second mount would have. */
static const char *const of_the_host[][2] = {
	{ "/mnt", "tmpfs" }, { "/proc", "proc" }, { "/sys", "sysfs" }, { "/dev/pts", "devpts" },
	{ QUEUES, "mqueue" }, { DIR, "fuse" }, { "/dev", "devtmpfs" },
	{ "/sys/kernel/security", "securityfs" },
};

FIXTURE_SETUP(others)
{
	const char *missing = attack_is_missing(variant->bind);

	if (missing)
		SKIP(return, "%s", missing);
	self->option = variant->bind ? BIND : OPTION;
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, start_server(&self->s, NULL));
	ASSERT_EQ(0, mkdir(QUEUES, 0777));
	ASSERT_EQ(0, mkdir(MINE, 0777));
	ASSERT_EQ(0, mount("none", QUEUES, "mqueue", 0, NULL));
}

/* Who is in the namespace cannot end the host's server, which ends with the test. */
FIXTURE_TEARDOWN(others)
{
	self->s.server = 0;
	tear_down(&self->s);
}

static int set_option(int fs, const char *option)
{
	return strchr(option, '=') ? fsconfig(fs, FSCONFIG_SET_STRING, OPTION, "bind", 0) :
				     fsconfig(fs, FSCONFIG_SET_FLAG, OPTION, NULL, 0);
}

/* Returns 0 or the error number. */
static int reconfigure(const char *dir, const char *option)
{
	int fs = fspick(AT_FDCWD, dir, FSPICK_CLOEXEC), ret = 0;

	if (fs < 0 || set_option(fs, option) ||
	    fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		ret = errno;
	close(fs);
	return ret;
}

static int remount(const char *dir, const char *option)
{
	return mount(NULL, dir, NULL, MS_REMOUNT, option) ? errno : 0;
}

/* In a namespace with whatever of the others that are no reason for one of another superblock. */
static void expect_refused(struct __test_metadata *const _metadata, const char *option)
{
	char layers[64];

	for (size_t i = 0; i < ARRAY_SIZE(of_the_host); i++) {
		const char *dir = of_the_host[i][0];

		EXPECT_EQ(EPERM, remount(dir, option)) {
			TH_LOG("%s", dir);
		}
		EXPECT_EQ(EPERM, reconfigure(dir, option)) {
			TH_LOG("%s", dir);
		}
		mount(NULL, dir, NULL, MS_REMOUNT | MS_BIND, option);
		/* a bind mount of one's own, with whatever is mounted below */
		ASSERT_EQ(0, mount(dir, MINE, NULL, MS_BIND | MS_REC, option)) {
			TH_LOG("%s: %s", dir, strerror(errno));
		}
		EXPECT_EQ(EPERM, remount(MINE, option));
		EXPECT_EQ(EPERM, reconfigure(MINE, option));
		mount(NULL, MINE, NULL, MS_REMOUNT | MS_BIND, option);
		EXPECT_EQ(0, shown(MINE, option));
		ASSERT_EQ(0, umount2(MINE, MNT_DETACH));
		/* a layer of one's own overlay, which has it alone */
		snprintf(layers, sizeof(layers), "%s,lowerdir=%s:/usr", option, dir);
		if (!mount("none", MINE, "overlay", 0, layers)) {
			EXPECT_EQ(1, shown(MINE, option));
			ASSERT_EQ(0, umount2(MINE, MNT_DETACH));
		}
		/* where that is another superblock, it is one's own */
		if (!mount("none", MINE, of_the_host[i][1], 0, option)) {
			EXPECT_EQ(1, shown(MINE, option));
			ASSERT_EQ(0, umount2(MINE, MNT_DETACH));
		}
		EXPECT_EQ(0, shown(dir, option)) {
			TH_LOG("%s", dir);
		}
	}
}

/* How many of them have it, for who is outside. */
static int count_shown(int socket, const struct order *order)
{
	int n = 0;

	(void)socket;
	for (size_t i = 0; i < ARRAY_SIZE(of_the_host); i++)
		n += shown(of_the_host[i][0], order->number ? BIND : OPTION) != 0;
	return n;
}

/* Whether who owns it sets it, in the ways that are refused to others. */
static int set_by_owner(int socket, const struct order *order)
{
	const char *option = order->number ? BIND : OPTION;

	(void)socket;
	return remount("/mnt", option) || shown("/mnt", option) != 1 ||
	       reconfigure(DIR, option) || shown(DIR, option) != 1;
}

TEST_F(others, nobody_sets_it_on_a_superblock_of_the_host)
{
	struct order count = { .act = count_shown, .number = variant->bind };
	struct order set = { .act = set_by_owner, .number = variant->bind };
	struct outsider host;

	ASSERT_EQ(0, start_outsider(&host, 0, true));
	ASSERT_EQ(0, have_done(&host, &count));
	ASSERT_EQ(0, enter_userns(ATTACKER, 0));
	expect_refused(_metadata, self->option);
	EXPECT_EQ(0, have_done(&host, &count));
	EXPECT_EQ(0, have_done(&host, &set));
	EXPECT_EQ(2, have_done(&host, &count));
}

/* It has a user namespace of its own below. */
TEST_F(others, nobody_sets_it_on_a_superblock_of_the_user_namespace_outside)
{
	struct order set = { .act = set_by_owner, .number = variant->bind };
	struct outsider owner;

	ASSERT_EQ(0, enter_userns(ATTACKER, 0));
	ASSERT_EQ(0, mount("none", "/mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir(DIR, 0777));
	ASSERT_EQ(0, mkdir(MINE, 0777));
	ASSERT_EQ(0, mount("none", DIR, "tmpfs", 0, NULL));
	ASSERT_EQ(0, start_outsider(&owner, 0, true));
	ASSERT_EQ(0, enter_userns(0, 0));
	EXPECT_EQ(EPERM, remount("/mnt", self->option));
	EXPECT_EQ(EPERM, reconfigure(DIR, self->option));
	ASSERT_EQ(0, mount(DIR, MINE, NULL, MS_BIND, NULL));
	EXPECT_EQ(EPERM, remount(MINE, self->option));
	EXPECT_EQ(EPERM, reconfigure(MINE, self->option));
	EXPECT_EQ(0, shown(DIR, self->option));
	EXPECT_EQ(0, shown("/mnt", self->option));
	EXPECT_EQ(0, have_done(&owner, &set));
}

/* A description of how to mount belongs to who has begun it. */
TEST_F(others, nobody_ends_what_the_host_has_begun_to_mount)
{
	int begun = fsopen("tmpfs", FSOPEN_CLOEXEC), fs;

	ASSERT_LE(0, begun);
	ASSERT_EQ(0, enter_userns(ATTACKER, 0));
	fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	EXPECT_EQ(0, set_option(fs, self->option));
	EXPECT_EQ(0, fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	EXPECT_EQ(0, set_option(begun, self->option));
	EXPECT_EQ(-1, fsconfig(begun, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	EXPECT_EQ(EPERM, errno);
}

TEST_HARNESS_MAIN
