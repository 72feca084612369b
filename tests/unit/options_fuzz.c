// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any list of options, for libFuzzer.  Whatever it is: all of it is in the
 * items, nothing that is asked for is dropped without a word, and libmount,
 * where its versions agree, takes the list apart in the same way.
 */
#include <libmount/libmount.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

/* Where an option ends, written once more and in another way. */
static size_t length_of(const char *p)
{
	unsigned int quotes = 0;
	size_t i = 0;

	while (p[i] && (p[i] != ',' || quotes % 2)) {
		quotes += p[i] == '"';
		i += p[i] == '\\' && p[i + 1] ? 2 : 1;
	}
	return i;
}

/* Between two items there are commas, and nothing else. */
static void check_items(const char *list)
{
	const char *rest = list, *end = list;
	struct option_item item;

	while (options_next(&rest, &item)) {
		check(item.text >= end && item.len > 0);
		check(strspn(end, ",") >= (size_t)(item.text - end));
		check(item.len == length_of(item.text));
		end = item.text + item.len;
	}
	check(strspn(end, ",") == strlen(end));
}

/* Versions of libmount disagree on backslashes and on quotes. */
static void compare_with_libmount(const char *list)
{
	char *name, *value, *copy = strdup(list), *theirs = copy;
	size_t name_len, value_len;
	struct option_item item;
	const char *ours = list;

	check(copy != NULL);
	while (options_next(&ours, &item)) {
		/* it refuses an option without a name */
		if (item.text[0] == '=')
			break;
		check(!mnt_optstr_next_option(&theirs, &name, &name_len, &value,
					      &value_len));
		check(!strncmp(item.text, name, name_len) &&
		      item.len == name_len + (value ? value_len + 1 : 0));
	}
	free(copy);
}

static bool is_own(const struct option_item *item)
{
	static const char *const names[] = {
		"ima_nocache", "fstype", "timeout", "handoff", "setuid",
	};

	const char *end = memchr(item->text, '=', item->len);
	size_t len = end ? (size_t)(end - item->text) : item->len;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i]) == len &&
		    !memcmp(names[i], item->text, len))
			return true;
	/* with a value it is another option, and the filesystem's */
	return option_is_word(item, "remount");
}

/* What is not the helper's own goes on as it is, and in the same order. */
static void check_request(const char *list)
{
	const char *asked = list, *given;
	struct option_item a, b;
	struct request rq;

	request_init(&rq);
	if (request_argument(&rq, 1, "source") ||
	    request_argument(&rq, 1, "/mnt") ||
	    request_argument(&rq, 't', "ext4") ||
	    request_argument(&rq, 'o', list) || request_complete(&rq)) {
		request_free(&rq);
		return;
	}
	given = rq.options ? rq.options : "";
	/* for a FUSE program less goes on */
	while (!request_program(&rq) && options_next(&asked, &a)) {
		if (is_own(&a))
			continue;
		check(options_next(&given, &b) && a.len == b.len &&
		      !memcmp(a.text, b.text, a.len));
	}
	check(request_program(&rq) || !options_next(&given, &b));
	request_free(&rq);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *list = strndup((const char *)data, size);

	check(list != NULL);
	check_items(list);
	if (!strpbrk(list, "\\\""))
		compare_with_libmount(list);
	check_request(list);
	free(list);
	return 0;
}
