// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the helper makes of a command line, hostile ones above all.  Prints
 * KTAP. Built with sanitizers, so that each case is one for memory errors, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmount/libmount.h>

#include "arguments.h"
#include "options.h"
#include "request.h"

#define ARGS_MAX 16
#define KIB ((size_t)1024)

static int number, failed;

static void ktap(int ok, const char *name)
{
	printf("%sok %d unit.%s\n", ok ? "" : "not ", ++number, name);
	failed |= !ok;
}

static int same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static int count(char **args)
{
	int n = 0;

	while (args[n])
		n++;
	return n;
}

/* As main() does, but for what it says and mounts. */
static int parse(struct request *rq, char **args)
{
	int status;

	request_init(rq);
	status = arguments_take(rq, count(args), args);
	return status ? status : request_complete(rq);
}

/* What is refused, and with which status. */
static const struct refused {
	const char *name;
	const char *args[ARGS_MAX];
} refused[] = {
	{ "source_missing", { "-t", "fuse.x", "-o", "ro" } },
	{ "mount_point_missing", { "src", "-t", "fuse.x" } },
	{ "mount_point_empty", { "src", "", "-t", "fuse.x" } },
	{ "three_arguments", { "src", "/m", "more", "-t", "fuse.x" } },
	{ "fstype_missing", { "src", "/m" } },
	{ "fstype_only_the_prefix", { "src", "/m", "-t", "ima_nocache" } },
	{ "fstype_nothing_behind_the_prefix",
	  { "src", "/m", "-t", "ima_nocache." } },
	{ "fstype_auto", { "src", "/m", "-t", "auto" } },
	{ "fstype_option_auto", { "src", "/m", "-o", "fstype=auto" } },
	{ "fstype_option_empty", { "src", "/m", "-o", "fstype=" } },
	{ "fstype_option_without_a_value", { "src", "/m", "-o", "fstype" } },
	{ "fstype_path", { "src", "/m", "-t", "../x" } },
	{ "fstype_list", { "src", "/m", "-t", "ext4,tmpfs" } },
	{ "fstype_newline", { "src", "/m", "-t", "ext4\ntmpfs" } },
	{ "fstype_fuse_alone", { "src", "/m", "-t", "fuse" } },
	{ "fstype_fuse_with_no_name_before_the_hash",
	  { "#src", "/m", "-t", "fuse" } },
	{ "fstype_fuse_dot_with_a_hash", { "x#src", "/m", "-t", "fuse." } },
	{ "fstype_fuse_dot", { "src", "/m", "-t", "fuse." } },
	{ "fstype_fuseblk_alone", { "src", "/m", "-t", "fuseblk" } },
	{ "fstype_fuseblk_dot", { "src", "/m", "-t", "fuseblk." } },
	{ "value", { "src", "/m", "-t", "fuse.x", "-o", "ima_nocache=1" } },
	{ "value_empty",
	  { "src", "/m", "-t", "fuse.x", "-o", "ima_nocache=" } },
	{ "value_zero", { "src", "/m", "-t", "ext4", "-o", "ima_nocache=0" } },
	{ "negation", { "src", "/m", "-t", "fuse.x", "-o", "noima_nocache" } },
	{ "negation_of_what_was_said",
	  { "src", "/m", "-t", "fuse.x", "-o", "ima_nocache,noima_nocache" } },
	{ "bind", { "src", "/m", "-t", "ext4", "-o", "bind" } },
	{ "rbind", { "src", "/m", "-t", "ext4", "-o", "rbind" } },
	{ "private", { "src", "/m", "-t", "ext4", "-o", "private" } },
	{ "rshared", { "src", "/m", "-t", "ext4", "-o", "rshared" } },
	{ "quote_open", { "src", "/m", "-t", "fuse.x", "-o", "ro,a=\"b" } },
	{ "quote_open_at_the_end",
	  { "src", "/m", "-t", "fuse.x", "-o", "\"" } },
	/* "setuid=root" would be part of the value */
	{ "backslash_at_the_end_of_a_list",
	  { "src", "/m", "-t", "fuse.x", "-o", "d,a=b\\", "-o",
	    "setuid=root" } },
	{ "subdirectory_of_a_FUSE_mount",
	  { "src", "/m", "-t", "fuse.x", "-o", "X-mount.subdir=a" } },
	{ "mkdir_for_a_FUSE_mount",
	  { "src", "/m", "-t", "fuse.x", "-o", "ro,X-mount.mkdir" } },
	{ "timeout_zero", { "src", "/m", "-t", "fuse.x", "-o", "timeout=0" } },
	{ "timeout_negative",
	  { "src", "/m", "-t", "fuse.x", "-o", "timeout=-1" } },
	{ "timeout_with_a_space",
	  { "src", "/m", "-t", "fuse.x", "-o", "timeout= 1" } },
	{ "timeout_with_a_unit",
	  { "src", "/m", "-t", "fuse.x", "-o", "timeout=1s" } },
	{ "timeout_huge",
	  { "src", "/m", "-t", "fuse.x", "-o",
	    "timeout=99999999999999999999999" } },
	{ "timeout_empty", { "src", "/m", "-t", "fuse.x", "-o", "timeout=" } },
	{ "timeout_without_a_value",
	  { "src", "/m", "-t", "fuse.x", "-o", "timeout" } },
	{ "setuid_empty", { "src", "/m", "-t", "fuse.x", "-o", "setuid=" } },
	{ "setuid_of_a_kernel_type",
	  { "src", "/m", "-t", "ext4", "-o", "setuid=root" } },
	{ "letter_unknown", { "src", "/m", "-t", "fuse.x", "-z" } },
	{ "letter_without_its_value", { "src", "/m", "-t", "fuse.x", "-o" } },
	{ "word_unknown", { "src", "/m", "-t", "fuse.x", "--bogus" } },
	{ "word_without_its_value",
	  { "src", "/m", "-t", "fuse.x", "--options" } },
};

static void test_refused(const struct refused *test)
{
	char *args[ARGS_MAX + 2] = { "mount.ima_nocache" }, name[128];
	struct request rq;
	int status;

	memcpy(args + 1, test->args, sizeof(test->args));
	status = parse(&rq, args);
	request_free(&rq);
	if (status != MNT_EX_USAGE)
		printf("# status %d\n", status);
	snprintf(name, sizeof(name), "refused.%s", test->name);
	ktap(status == MNT_EX_USAGE, name);
}

/* What is taken, and what becomes of it. */
static const struct taken {
	const char *name;
	const char *args[ARGS_MAX];
	const char *fstype;
	const char *options; /* which go on, to the program or the kernel */
	int access;
	unsigned int timeout;
	bool bind, remount;
} taken[] = {
	{ .name = "type_behind_the_prefix",
	  .args = { "src", "/m", "-t", "ima_nocache.fuse.x" },
	  .fstype = "fuse.x" },
	{ .name = "type_in_front_of_the_names",
	  .args = { "-t", "fuse.x", "src", "/m" },
	  .fstype = "fuse.x" },
	{ .name = "type_with_three_dots",
	  .args = { "src", "/m", "-t", "ima_nocache.fuse.a.b" },
	  .fstype = "fuse.a.b" },
	{ .name = "type_by_option_wins",
	  .args = { "src", "/m", "-t", "ima_nocache.ext4", "-o",
		    "fstype=fuse.x" },
	  .fstype = "fuse.x" },
	{ .name = "type_by_option_with_the_prefix",
	  .args = { "src", "/m", "-o", "fstype=ima_nocache.fuse.x" },
	  .fstype = "fuse.x" },
	{ .name = "type_twice_the_last_counts",
	  .args = { "src", "/m", "-o", "fstype=fuse.a,b,fstype=fuse.c" },
	  .fstype = "fuse.c",
	  .options = "b" },
	{ .name = "option_given_thrice",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a", "-o", "b", "-o",
		    "ima_nocache,c" },
	  .fstype = "fuse.x",
	  .options = "a,b,c" },
	{ .name = "option_repeated_in_all_places",
	  .args = { "src", "/m", "-t", "fuse.x", "-o",
		    "ima_nocache,a,ima_nocache,b,ima_nocache" },
	  .fstype = "fuse.x",
	  .options = "a,b" },
	{ .name = "option_empty",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "" },
	  .fstype = "fuse.x" },
	{ .name = "option_commas_alone",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", ",,," },
	  .fstype = "fuse.x" },
	{ .name = "option_commas_around",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", ",,a,,b,," },
	  .fstype = "fuse.x",
	  .options = "a,b" },
	{ .name = "value_empty",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=,b" },
	  .fstype = "fuse.x",
	  .options = "a=,b" },
	{ .name = "value_with_equals_signs",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a==b=" },
	  .fstype = "fuse.x",
	  .options = "a==b=" },
	{ .name = "value_with_a_quoted_comma",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=\"b,c\",d" },
	  .fstype = "fuse.x",
	  .options = "a=\"b,c\",d" },
	{ .name = "value_with_an_escaped_comma",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\\,c,d" },
	  .fstype = "fuse.x",
	  .options = "a=b\\,c,d" },
	{ .name = "value_with_an_escaped_backslash",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\\\\,timeout=7" },
	  .fstype = "fuse.x",
	  .options = "a=b\\\\",
	  .timeout = 7 },
	{ .name = "value_with_an_octal_escape",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\\040c" },
	  .fstype = "fuse.x",
	  .options = "a=b\\040c" },
	{ .name = "value_with_a_newline",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\nc" },
	  .fstype = "fuse.x",
	  .options = "a=b\nc" },
	{ .name = "value_that_is_not_text",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=\377\200\001" },
	  .fstype = "fuse.x",
	  .options = "a=\377\200\001" },
	{ .name = "options_of_mount_are_swallowed",
	  .args = { "src", "/m", "-t", "fuse.x", "-o",
		    "nofail,a,_netdev,user,users,nouser,owner,group,auto,noauto,uhelper=x,helper=y,x-a=b,X-c,comment=z,defaults" },
	  .fstype = "fuse.x",
	  .options = "a,uhelper=x,helper=y" },
	{ .name = "own_options_are_taken_out",
	  .args = { "src", "/m", "-t", "fuse.x", "-o",
		    "timeout=7,a,setuid=root,timeout=9" },
	  .fstype = "fuse.x",
	  .options = "a",
	  .timeout = 9 },
	{ .name = "options_of_the_FUSE_kernel_go_to_the_program",
	  .args = { "src", "/m", "-t", "fuse.x", "-o",
		    "allow_other,fsname=a\\,b,max_read=4096" },
	  .fstype = "fuse.x",
	  .options = "allow_other,fsname=a\\,b,max_read=4096" },
	{ .name = "name_that_begins_like_one_of_mount",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "users2,autox,x" },
	  .fstype = "fuse.x",
	  .options = "users2,autox,x" },
	{ .name = "options_of_mount_go_to_a_type_of_the_kernel",
	  .args = { "src", "/m", "-t", "ext4", "-o",
		    "nofail,X-mount.mkdir,ima_nocache" },
	  .fstype = "ext4",
	  .options = "nofail,X-mount.mkdir" },
	{ .name = "bind_as_a_value",
	  .args = { "src", "/m", "-t", "ext4", "-o", "ima_nocache=bind,a" },
	  .fstype = "ext4",
	  .options = "a",
	  .bind = true },
	{ .name = "bind_as_a_quoted_value",
	  .args = { "src", "/m", "-t", "ext4", "-o", "ima_nocache=\"bind\"" },
	  .fstype = "ext4",
	  .bind = true },
	{ .name = "word_with_a_value_is_for_the_program",
	  .args = { "src", "/m", "-t", "fuse.x", "-o",
		    "user,user=a:b,owner=b,group=c,private=d,ro=e,comment=f" },
	  .fstype = "fuse.x",
	  .options = "user=a:b,owner=b,group=c,private=d,ro=e" },
	{ .name = "handoff_has_no_effect",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "handoff=remount,a" },
	  .fstype = "fuse.x",
	  .options = "a" },
	{ .name = "path_of_a_program",
	  .args = { "src", "/m", "-t", "ima_nocache.fuse./usr/bin/x.y" },
	  .fstype = "fuse./usr/bin/x.y" },
	{ .name = "program_in_the_source",
	  .args = { "x#src", "/m", "-t", "fuse" },
	  .fstype = "fuse" },
	{ .name = "fuseblk",
	  .args = { "src", "/m", "-t", "fuseblk.x" },
	  .fstype = "fuseblk.x" },
	{ .name = "type_that_begins_like_fuse",
	  .args = { "src", "/m", "-t", "fusectl" },
	  .fstype = "fusectl" },
	{ .name = "option_of_mount_behind_an_escaped_comma",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\\,ro" },
	  .fstype = "fuse.x",
	  .options = "a=b\\,ro" },
	{ .name = "option_of_mount_behind_an_escaped_backslash",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\\\\,ro" },
	  .fstype = "fuse.x",
	  .options = "a=b\\\\,ro",
	  .access = READ_ONLY },
	{ .name = "own_option_behind_an_escaped_comma",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=b\\,timeout=7" },
	  .fstype = "fuse.x",
	  .options = "a=b\\,timeout=7" },
	{ .name = "own_option_between_quotes",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=\"b,timeout=7\"" },
	  .fstype = "fuse.x",
	  .options = "a=\"b,timeout=7\"" },
	{ .name = "escaped_quote",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "a=\\\",timeout=7" },
	  .fstype = "fuse.x",
	  .options = "a=\\\"",
	  .timeout = 7 },
	{ .name = "words_of_mount",
	  .args = { "--types", "fuse.x", "--options", "a", "src", "/m",
		    "--read-only", "--verbose", "--no-mtab" },
	  .fstype = "fuse.x",
	  .options = "a,ro",
	  .access = READ_ONLY },
	{ .name = "writable_by_word",
	  .args = { "src", "/m", "--rw", "-t", "fuse.x" },
	  .fstype = "fuse.x",
	  .options = "rw",
	  .access = WRITABLE },
	{ .name = "read_only_by_option",
	  .args = { "src", "/m", "-t", "fuse.x", "-o", "rw,ro,a" },
	  .fstype = "fuse.x",
	  .options = "rw,ro,a",
	  .access = READ_ONLY },
	{ .name = "read_only_by_letter",
	  .args = { "src", "/m", "-r", "-t", "fuse.x" },
	  .fstype = "fuse.x",
	  .options = "ro",
	  .access = READ_ONLY },
	{ .name = "writable_by_letter",
	  .args = { "src", "/m", "-w", "-n", "-s", "-v", "-f", "-t", "fuse.x" },
	  .fstype = "fuse.x",
	  .options = "rw",
	  .access = WRITABLE },
	{ .name = "remount_needs_no_type",
	  .args = { "src", "/m", "-o", "remount" },
	  .fstype = "",
	  .remount = true },
};

static int as_wanted(const struct request *rq, const struct taken *test)
{
	unsigned int timeout = test->timeout ? test->timeout : 30;
	int ok = same(rq->fstype, test->fstype) &&
		 same(rq->options, test->options) && rq->timeout == timeout &&
		 (int)rq->access == test->access && rq->bind == test->bind &&
		 rq->remount == test->remount;

	if (!ok)
		printf("# type %s, options %s, access %d, timeout %u\n",
		       rq->fstype, rq->options, rq->access, rq->timeout);
	return ok;
}

static void test_taken(const struct taken *test)
{
	char *args[ARGS_MAX + 2] = { "mount.ima_nocache" }, name[128];
	struct request rq;
	int status;

	memcpy(args + 1, test->args, sizeof(test->args));
	status = parse(&rq, args);
	if (status)
		printf("# status %d\n", status);
	snprintf(name, sizeof(name), "taken.%s", test->name);
	ktap(!status && as_wanted(&rq, test), name);
	request_free(&rq);
}

/* One option of @size bytes, and one of as many options. */
static void test_long(size_t size, const char *name)
{
	char *one = malloc(size + 1), *many = malloc(size + 1);
	char *args[] = { "mount.ima_nocache",
			 "src",
			 "/m",
			 "-t",
			 "fuse.x",
			 "-o",
			 one,
			 "-o",
			 many,
			 NULL };
	struct request rq;
	int status;

	memset(one, 'a', size);
	one[1] = '=';
	one[size] = '\0';
	for (size_t i = 0; i < size; i++)
		many[i] = i % 2 ? ',' : 'b';
	many[size - 1] = '\0';
	status = parse(&rq, args);
	ktap(!status && rq.options && strlen(rq.options) == size + 1 + size - 1,
	     name);
	request_free(&rq);
	free(one);
	free(many);
}

/* Under the name mount.fuse.NAME: who asks is not passed on to another. */
static const struct asks {
	const char *name;
	const char *options;
	bool asks;
} asks[] = {
	{ "plain", "ima_nocache", true },
	{ "among_others", "ro,ima_nocache,a", true },
	{ "with_a_value", "ima_nocache=1", true },
	{ "not_at_all", "ro,a", false },
	{ "inside_a_name", "xima_nocache,ima_nocachex", false },
	{ "inside_a_value", "a=ima_nocache", false },
	{ "empty", "", false },
	{ "behind_an_escaped_comma", "a=b\\,ima_nocache", false },
	{ "behind_an_escaped_backslash", "a=b\\\\,ima_nocache", true },
	{ "with_a_quote_that_is_not_closed", "a=\"b", true },
};

static void test_asks(const struct asks *test)
{
	char *args[] = {
		"mount.fuse.x",	       "src", "/m", "-n", "-o", "a", "-o",
		(char *)test->options, NULL
	};
	char name[128];

	snprintf(name, sizeof(name), "asks.%s", test->name);
	ktap(arguments_ask(count(args), args) == test->asks, name);
}

int main(void)
{
	const size_t n_refused = sizeof(refused) / sizeof(*refused);
	const size_t n_taken = sizeof(taken) / sizeof(*taken);
	const size_t n_asks = sizeof(asks) / sizeof(*asks);

	puts("TAP version 13");
	printf("1..%zu\n", n_refused + n_taken + n_asks + 2);
	for (size_t i = 0; i < n_refused; i++)
		test_refused(&refused[i]);
	for (size_t i = 0; i < n_taken; i++)
		test_taken(&taken[i]);
	for (size_t i = 0; i < n_asks; i++)
		test_asks(&asks[i]);
	test_long(4 * KIB, "long.options_of_4_KiB");
	test_long(64 * KIB, "long.options_of_64_KiB");
	return failed;
}
