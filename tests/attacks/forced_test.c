// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attacks on ima_nocache=userns or userns-bind on the kernel command line: whatever a user
 * namespace mounts that is its own has the option, by whichever type and system call, and
 * wherever it is seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "attack.h"

#define MADE "/mnt/made"
#define BOUND "/mnt/bound"
#define ABOVE "/mnt/above"
#define MOST_TYPES 100

static char types[MOST_TYPES][64];
static int n_types;
static const char *forced;

static const char *forced_is_missing(void)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "re");

	if (!f || !fgets(line, sizeof(line), f))
		return "no kernel command line";
	fclose(f);
	forced = strstr(line, OPTION "=userns-bind") ? BIND : OPTION;
	/* without the option it is to be seen that nothing is forced */
	return !option() || strstr(line, OPTION "=userns") ? NULL : "nothing is forced";
}

/* What is the host's, whoever mounts it. */
static bool is_of_the_host(const char *type)
{
	return !strcmp(type, "sysfs") || !strncmp(type, "cgroup", strlen("cgroup"));
}

static int read_types(void)
{
	FILE *f = fopen("/proc/filesystems", "re");
	char line[128], *type;

	while (f && n_types < MOST_TYPES && fgets(line, sizeof(line), f)) {
		type = strchr(line, '\t') + 1;
		type[strcspn(type, "\n")] = '\0';
		if (!is_of_the_host(type))
			snprintf(types[n_types++], sizeof(types[0]), "%s", type);
	}
	if (f)
		fclose(f);
	return n_types ? 0 : -1;
}

FIXTURE(forced) {
	struct setting s;
	struct outsider host, inside;
};

FIXTURE_SETUP(forced)
{
	const char *missing = forced_is_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s));
	ASSERT_EQ(0, read_types());
	ASSERT_EQ(0, mkdir(MADE, 0777));
	ASSERT_EQ(0, mkdir(BOUND, 0777));
	ASSERT_EQ(0, mkdir(ABOVE, 0777));
	ASSERT_EQ(0, start_outsider(&self->host, 0, true));
	ASSERT_EQ(0, enter_userns(ATTACKER, CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWPID |
					    CLONE_NEWUTS | CLONE_NEWCGROUP));
	/* the first process of the namespace, which proc is to be mounted by */
	ASSERT_EQ(0, start_outsider(&self->inside, 0, true));
}

FIXTURE_TEARDOWN(forced)
{
	tear_down(&self->s);
}

static int attach(int mnt)
{
	int ret = mnt < 0 ? -1 : move_mount(mnt, "", AT_FDCWD, MADE, MOVE_MOUNT_F_EMPTY_PATH);

	close(mnt);
	return ret;
}

static int make_by_fsconfig(const char *type)
{
	int fs = fsopen(type, FSOPEN_CLOEXEC), ret = -1;

	if (fs < 0)
		return -1;
	if (!strcmp(type, "overlay"))
		fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", "/usr:/etc", 0);
	fsconfig(fs, FSCONFIG_SET_STRING, "source", "none", 0);
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		ret = attach(fsmount(fs, FSMOUNT_CLOEXEC, 0));
	close(fs);
	return ret;
}

static int make_by_mount(const char *type)
{
	return mount("none", MADE, type, 0, strcmp(type, "overlay") ? NULL : "lowerdir=/usr:/etc");
}

/* How many times what is mounted on MADE is seen without the option: by copies, and above it. */
static int seen_without(void)
{
	int without = shown(MADE, forced) != 1, tree;

	if (!mount(MADE, BOUND, NULL, MS_BIND, NULL)) {
		without += shown(BOUND, forced) != 1;
		umount2(BOUND, MNT_DETACH);
	}
	mount(NULL, MADE, NULL, MS_REMOUNT | MS_BIND, NULL);
	mount(NULL, MADE, NULL, MS_REMOUNT, NULL);
	without += shown(MADE, forced) != 1;
	if (!mount("none", ABOVE, "overlay", 0, "lowerdir=" MADE ":/usr")) {
		without += shown(ABOVE, forced) != 1;
		umount2(ABOVE, MNT_DETACH);
	}
	tree = open_tree(AT_FDCWD, MADE, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	umount2(MADE, MNT_DETACH);
	if (tree >= 0 && !attach(tree)) {
		without += shown(MADE, forced) != 1;
		umount2(MADE, MNT_DETACH);
	}
	return without;
}

/* Mount a type by mount(2) or fsconfig(2).  Returns that, or -1 if it cannot be mounted. */
static int make_and_look(int socket, const struct order *order)
{
	const char *type = types[order->number / 2];

	(void)socket;
	if (order->number % 2 ? make_by_fsconfig(type) : make_by_mount(type))
		return -1;
	return seen_without();
}

static void expect_all(struct __test_metadata *const _metadata, struct outsider *inside,
		       int by_fsconfig)
{
	static const char *const sure[] = {
		"tmpfs", "ramfs", "proc", "mqueue", "devpts", "overlay",
	};
	unsigned int made = 0;

	for (int i = 0; i < n_types; i++) {
		struct order order = { .act = make_and_look, .number = 2 * i + by_fsconfig };
		int without = have_done(inside, &order);

		EXPECT_GE(0, without) {
			TH_LOG("%s is seen without it", types[i]);
		}
		for (size_t j = 0; j < ARRAY_SIZE(sure) && without >= 0; j++)
			made |= (!strcmp(types[i], sure[j])) << j;
	}
	/* all of these can be mounted */
	EXPECT_EQ((1U << ARRAY_SIZE(sure)) - 1, made);
}

TEST_F(forced, each_type_that_is_mounted_by_mount2_has_it)
{
	expect_all(_metadata, &self->inside, 0);
}

TEST_F(forced, each_type_that_is_mounted_by_fsconfig_has_it)
{
	expect_all(_metadata, &self->inside, 1);
}

TEST_F(forced, file_system_of_a_server_has_it)
{
	ASSERT_EQ(0, start_server(&self->s, NULL));
	EXPECT_EQ(1, shown(DIR, forced));
	ASSERT_EQ(0, mount("none", ABOVE, "overlay", 0, "lowerdir=" DIR ":/usr"));
	EXPECT_EQ(1, shown(ABOVE, forced));
}

/* Its owner is another one. */
TEST_F(forced, user_namespace_below_has_it)
{
	ASSERT_EQ(0, enter_userns(0, 0));
	ASSERT_EQ(0, mount("none", MADE, "tmpfs", 0, NULL));
	EXPECT_EQ(1, shown(MADE, forced));
}

/* Mounting is begun in one namespace, and ended in another one. */
static int end_mounting(int socket, const struct order *order)
{
	int fs = receive_fd(socket), mnt = -1, ret;

	(void)order;
	if (!fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mnt = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	close(fs);
	ret = send_fd(socket, mnt);
	close(mnt);
	return ret;
}

TEST_F(forced, what_the_host_ends_to_mount_has_it)
{
	struct order order = { .act = end_mounting };
	int fs = fsopen("tmpfs", FSOPEN_CLOEXEC), mnt;

	ASSERT_LE(0, fs);
	ASSERT_EQ(0, tell(&self->host, &order));
	ASSERT_EQ(0, send_fd(self->host.socket, fs));
	mnt = receive_fd(self->host.socket);
	ASSERT_EQ(0, answer_of(&self->host));
	ASSERT_EQ(0, attach(mnt));
	EXPECT_EQ(1, shown(MADE, forced));
}

TEST_HARNESS_MAIN
