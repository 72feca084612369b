// SPDX-License-Identifier: GPL-2.0
/*
 * What ima_nocache makes EVM do, on FUSE mounted by root and through overlayfs: a
 * label that is switched without the kernel seeing it is verified as it is now.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "ima.h"
#include "server.h"

FIXTURE(evm) {
	struct setting s;
};

FIXTURE_SETUP(evm)
{
	const char *missing = ima_is_missing() ?: audit_records_are_missing();

	if (missing)
		SKIP(return, "%s", missing);
	ASSERT_EQ(0, set_up(&self->s)) {
		TH_LOG("%s", strerror(errno));
	}
}

FIXTURE_TEARDOWN(evm)
{
	tear_down(&self->s);
}

#define OVERLAY "/mnt/overlay"

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

/*
 * Mounted, labelled, opened: all passes.  EVM takes the first label of a file only
 * while it is new, and adds security.evm.
 */
static void start_evm(struct __test_metadata *const _metadata, struct setting *s,
		      uid_t uid, const char *option)
{
	char value[64];
	size_t len = ima_xattr(s->digest[0], value);

	ASSERT_EQ(0, enable_evm()) {
		TH_LOG("EVM: %s", strerror(errno));
	}
	ASSERT_EQ(0, add_rule("appraise", "fuse", uid));
	served->owner = uid;
	served->missing = true;
	ASSERT_EQ(0, start_server(s, option));
	ASSERT_EQ(0, mknod(DIR "/file", S_IFREG | 0755, 0)) {
		TH_LOG("mknod: %s", strerror(errno));
	}
	ASSERT_EQ(0, setxattr(DIR "/file", "security.ima", value, len, 0)) {
		TH_LOG("setxattr: %s", strerror(errno));
	}
	ASSERT_LT(0, served->len[XATTR_EVM][0]);
	ASSERT_EQ(0, hold_file(s));
}

static void switch_content_and_ima(const char digest[65])
{
	served->len[XATTR_IMA][1] = ima_xattr(digest, served->value[XATTR_IMA][1]);
	served->xattr[XATTR_IMA] = 1;
	served->which = 1;
}

static void switch_evm(void)
{
	memcpy(served->value[XATTR_EVM][1], served->value[XATTR_EVM][0],
	       served->len[XATTR_EVM][0]);
	served->len[XATTR_EVM][1] = served->len[XATTR_EVM][0];
	served->value[XATTR_EVM][1][5] ^= 1;
	served->xattr[XATTR_EVM] = 1;
}

TEST_F(evm, switched_content_with_matching_ima_xattr_fails_evm)
{
	start_evm(_metadata, &self->s, 2011, option());
	ASSERT_EQ(0, access_file());
	switch_content_and_ima(self->s.digest[1]);
	EXPECT_EQ(-1, access_file());
	EXPECT_EQ(EACCES, errno);
}

TEST_F(evm, plain_switched_content_with_matching_ima_xattr_passes)
{
	start_evm(_metadata, &self->s, 2012, NULL);
	switch_content_and_ima(self->s.digest[1]);
	EXPECT_EQ(0, access_file());
}

TEST_F(evm, switched_evm_xattr_fails)
{
	start_evm(_metadata, &self->s, 2013, option());
	ASSERT_EQ(0, access_file());
	switch_evm();
	EXPECT_EQ(-1, access_file());
	EXPECT_EQ(EACCES, errno);
}

TEST_F(evm, plain_switched_evm_xattr_passes)
{
	start_evm(_metadata, &self->s, 2014, NULL);
	switch_evm();
	EXPECT_EQ(0, access_file());
}

/* What was switched away and back passes again: only failures are not kept. */
TEST_F(evm, original_passes_again)
{
	start_evm(_metadata, &self->s, 2015, option());
	switch_content_and_ima(self->s.digest[1]);
	EXPECT_EQ(-1, access_file());
	served->which = 0;
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
				    struct setting *s, uid_t uid,
				    const char *option, const char *overlay_options)
{
	ASSERT_EQ(0, add_rule("appraise", "overlay", uid));
	start_evm(_metadata, s, uid, option);
	close(s->held);
	mkdir(OVERLAY, 0777);
	ASSERT_EQ(0, mount("none", OVERLAY, "overlay", MS_RDONLY, overlay_options)) {
		TH_LOG("overlay: %s", strerror(errno));
	}
	switch_evm();
	s->held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	if (s->held >= 0)
		return false;
	ASSERT_EQ(EACCES, errno);
	served->xattr[XATTR_EVM] = 0;
	s->held = open(OVERLAY "/file", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, s->held) {
		TH_LOG("%s", strerror(errno));
	}
	return true;
}

TEST_F(evm, switched_ima_xattr_below_an_overlay_fails_evm)
{
	if (!start_evm_below_overlay(_metadata, &self->s, 2016, option(), OVERLAY_OPTIONS))
		SKIP(return, "EVM verifies no HMAC on overlay");
	switch_content_and_ima(self->s.digest[1]);
	EXPECT_EQ(-1, open(OVERLAY "/file", O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(evm, switched_ima_xattr_below_a_flagged_overlay_fails_evm)
{
	if (!start_evm_below_overlay(_metadata, &self->s, 2037, NULL,
				     option() ? OVERLAY_OPTIONS "," OPTION : OVERLAY_OPTIONS))
		SKIP(return, "EVM verifies no HMAC on overlay");
	switch_content_and_ima(self->s.digest[1]);
	EXPECT_EQ(-1, open(OVERLAY "/file", O_RDONLY | O_CLOEXEC));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(evm, plain_switched_ima_xattr_below_an_overlay_passes)
{
	if (!start_evm_below_overlay(_metadata, &self->s, 2017, NULL, OVERLAY_OPTIONS))
		SKIP(return, "EVM verifies no HMAC on overlay");
	switch_content_and_ima(self->s.digest[1]);
	EXPECT_LE(0, open(OVERLAY "/file", O_RDONLY | O_CLOEXEC)) {
		TH_LOG("%s", strerror(errno));
	}
}

#define DATA "/mnt/data"

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
			   struct setting *s, uid_t uid, const char *option)
{
	int fd;

	ASSERT_EQ(0, add_rule("audit", "overlay", uid));
	mkdir(DATA, 0777);
	ASSERT_EQ(0, mount("none", DATA, "tmpfs", 0, NULL));
	fd = open(DATA "/file", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	ASSERT_EQ(SIZE, write(fd, served->content[0].data, SIZE));
	close(fd);

	served->owner = uid;
	served->metacopy = true;
	ASSERT_EQ(0, start_server(s, option));
	ASSERT_EQ(0, mount("none", DIR, "overlay", MS_RDONLY,
			   "metacopy=on,redirect_dir=follow,lowerdir=" DIR ":" DATA)) {
		TH_LOG("overlay: %s", strerror(errno));
	}
	ASSERT_EQ(0, hold_file(s));
	EXPECT_EQ(1, audited(s->log, DIR, s->digest[0]));
	ASSERT_EQ(0, access_file());
	ASSERT_EQ(0, access_file());
}

TEST_F(evm, option_counts_where_the_metadata_is)
{
	/* which made IMA look at that inode at all */
	if (kernel_version() < VERSION(6, 10))
		SKIP(return, "IMA looks at no inode for metadata");
	start_metacopy(_metadata, &self->s, 2018, option());
	EXPECT_EQ(2, audited(self->s.log, DIR, self->s.digest[0]));
}

TEST_F(evm, plain_metadata_elsewhere_is_audited_once)
{
	/* it keeps the version of the wrong inode, which may happen to be the same */
	if (kernel_version() < VERSION(7, 0))
		SKIP(return, "IMA may evaluate at each access by itself");
	start_metacopy(_metadata, &self->s, 2019, NULL);
	EXPECT_EQ(0, audited(self->s.log, DIR, self->s.digest[0]));
}

/*
 * IMA is asked twice about a compressed module: security.ima is that of the file, and what
 * is looked for the second time is that of what came out of it.  The module is refused.
 */
TEST_F(evm, limit_compressed_module_is_not_appraised_by_its_hash)
{
	char image[2][DIGEST_SIZE];
	int error;

	ASSERT_EQ(0, compress_contents(&self->s, image));
	ASSERT_EQ(0, add_rule_once("appraise func=MODULE_CHECK fsname=fuse fowner=2033"));
	start_evm(_metadata, &self->s, 2033, option());
	EXPECT_EQ(-1, syscall(SYS_finit_module, self->s.held, "", 0));
	EXPECT_EQ(ENOEXEC, errno);
	EXPECT_EQ(-1, syscall(SYS_finit_module, self->s.held, "", MODULE_INIT_COMPRESSED_FILE));
	error = errno;
	if (error == EOPNOTSUPP)
		SKIP(return, "the kernel decompresses no modules");
	EXPECT_EQ(EACCES, error);
}

TEST_HARNESS_MAIN
