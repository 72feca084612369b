// SPDX-License-Identifier: GPL-2.0
/*
 * What a string asks for, by what is documented: mount(2) takes a list of options with commas
 * between them, of less than a page, in which overlayfs alone lets a comma be escaped.
 * fsconfig(2) takes one parameter, of less than 256 bytes. Either way the option is a whole
 * word, and has no value but "bind".
 */
#include <string.h>

#include "fuzz.h"

#define PAGE 4096
#define MOST_OF_A_STRING 256 /* bytes for fsconfig(2), with the NUL */

bool bind_is_known;

static size_t length(const struct text *t, size_t most)
{
	return strnlen(t->bytes, t->len < most ? t->len : most);
}

static bool is(const char *bytes, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(bytes, word, len);
}

/* Returns where the option at @at ends. */
static size_t end_of_option(const char *list, size_t at, size_t len, bool escapes)
{
	for (; at < len && list[at] != ','; at++)
		if (escapes && list[at] == '\\' && at + 1 < len)
			at++;
	return at;
}

struct asked asked_by_mount2(const struct type *type, const struct step *step)
{
	bool escapes = !strcmp(type->name, "overlay"), first = true;
	static char rest[PAGE];
	struct asked asked = { .rest.bytes = step->value.bytes };
	const char *list = step->value.bytes;
	size_t len, end, name = strlen(OPTION);

	if (!list || step->call == BIND_REMOUNT)
		return asked;
	asked.fault = step->edge && !step->value.len;
	len = length(&step->value, PAGE - 1);
	for (size_t at = 0; at <= len; at = end + 1) {
		end = end_of_option(list, at, len, escapes);
		if (is(list + at, end - at, OPTION)) {
			asked.bits |= HAS_NOCACHE;
		} else if (is(list + at, end - at, BIND) && bind_is_known) {
			asked.bits |= HAS_NOCACHE | HAS_BIND;
		} else {
			if (end - at > name && is(list + at, name + 1, OPTION "="))
				asked.bad = true;
			if (!first)
				rest[asked.rest.len++] = ',';
			memcpy(rest + asked.rest.len, list + at, end - at);
			asked.rest.len += end - at;
			first = false;
		}
	}
	asked.rest.bytes = keep(rest, asked.rest.len);
	return asked;
}

bool is_option(const struct step *step)
{
	return step->call >= FLAG && step->call <= FD && step->key.bytes &&
	       is(step->key.bytes, length(&step->key, MOST_OF_A_STRING), OPTION);
}

struct asked asked_by_fsconfig(const struct step *step)
{
	struct asked asked = { 0 };

	/* the edge is that of the value, if there is one */
	if (step->call == FLAG && (!step->edge || memchr(step->key.bytes, '\0', step->key.len)))
		asked.bits = HAS_NOCACHE;
	else if (step->call == STRING && bind_is_known &&
		 is(step->value.bytes, length(&step->value, MOST_OF_A_STRING), "bind") &&
		 (!step->edge || memchr(step->value.bytes, '\0', step->value.len)))
		asked.bits = HAS_NOCACHE | HAS_BIND;
	else
		asked.bad = true;
	return asked;
}
