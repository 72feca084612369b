/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of ima_nocache do with IMA: rules, the measurement list, audit records.
 *
 * Rules cannot be taken back: each test has one of its own, by the owner of the file. All
 * functions return -1 with errno if they fail and do not say otherwise.
 */
#ifndef IMA_TEST_IMA_H
#define IMA_TEST_IMA_H

#include <stddef.h>
#include <sys/types.h>

#define OPTION "ima_nocache"
#define IMA "/sys/kernel/security/ima/"
#define DIGEST_SIZE 65 /* of SHA-256 in hexadecimal digits, and the NUL */

/*
 * The option, or NULL if IMA_TEST_WITHOUT_OPTION is in the environment: to show that the
 * tests fail without it, on a kernel that may not know it.
 */
const char *option(void);

/* Why nothing can be tested here, or NULL. */
const char *option_is_missing(void);
const char *ima_is_missing(void);
const char *audit_records_are_missing(void);

/* 1 if @option is in @list, which has commas in between and is cut up, or 0. */
int listed(char *list, const char *option);

/* Whether mountinfo has it among the super options of what is at @dir, -1: no mount. */
int shown(const char *dir, const char *option);

int write_file(const char *path, const char *text);

/* Add "@action func=FILE_CHECK fsname=@fsname fowner=@owner". */
int add_rule(const char *action, const char *fsname, uid_t owner);

/* Add any rule, without a newline, if it is not there yet. */
int add_rule_once(const char *rule);

/* Become root of a user namespace, and a mount namespace, in which root is @uid outside. */
int enter_userns(uid_t uid, int other_flags);

/* The same with @n users, the first of whom is root and @uid outside. */
int enter_userns_of(uid_t uid, int n);

/* Have a mount namespace of one's own, whose mounts are private. */
int enter_mount_namespace(void);

/* The digest of @size bytes, in @room bytes, as @program knows it: sha1sum(1) or the like. */
int digest(const char *program, const char *data, size_t size, char *hex, size_t room);
int sha256(const char *data, size_t size, char hex[DIGEST_SIZE]);

/* The measurement list and the kernel's log, read up to their ends.  Return a descriptor. */
int open_list(void);
int open_log(void);

/* What was added to the list since the last question. */
struct news {
	int entries; /* for the path that was asked for */
	int violations; /* of these, and none of the others is one */
	int digest; /* of the other entries, those with the digest */
};

struct news news_of(int list, const char *path, const char *digest);

/* How often a content was added to the list since the last question. */
int measured(int list, const char *digest);

#define RECORD_SIZE 8192 /* bytes, more than the kernel puts into one */

/*
 * Records are printed by a thread, in their order: an access to another file, a marker in
 * the same directory, is the last one to be audited.
 *
 * How often access to @dir/file was audited since the last question, with @digest if that
 * is not NULL.
 */
int audited(int log, const char *dir, const char *digest);

/* How many digests there are in what was audited so, @most at most; in @accesses, records. */
int audited_digests(int log, const char *dir, int most, int *accesses);

/* How many audit records since the last question contain all of @words, up to a NULL. */
int audit_messages(int log, const char *dir, const char *const *words);

/*
 * Have the kernel print all that audit has to say, see ima_audit_measurement().  A process
 * of its own, whose ID is returned, can undo that from outside of a user namespace.
 */
pid_t unlimit_printk(void);
int limit_printk(pid_t pid);

/* The bytes that pairs of hexadecimal digits stand for.  Returns how many. */
size_t from_hex(const char *hex, char *bytes);

/* security.ima with the digest of SHA-256 in it.  Returns its size in bytes. */
size_t ima_xattr(const char digest[DIGEST_SIZE], char value[64]);

#endif
