/* SPDX-License-Identifier: GPL-2.0-only */
/* Lists of mount options, as they stand behind -o. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* one option of a list: not terminated, and not to be freed */
struct option_item {
	const char *text; /* "name" or "name=value" */
	size_t len;
	bool closed; /* another may follow: no quote, no backslash is open */
};

/*
 * options_next - the next option of a list
 * @rest: the list; it is moved to what follows
 *
 * A comma parts two options unless it is between double quotes or behind a
 * backslash; a backslash keeps whatever follows it, another backslash included.
 * Versions of libmount disagree on the latter, so it is not asked.
 *
 * Returns false at the end.
 */
bool options_next(const char **rest, struct option_item *item);

/* options_closed - whether another option may be put behind a list */
bool options_closed(const char *list);

/* option_is - whether an option has that name, with a value or without */
bool option_is(const struct option_item *item, const char *name);

/* option_is_word - whether an option is just that, without a value */
bool option_is_word(const struct option_item *item, const char *word);

/*
 * option_value - a copy of an option's value without quotes around it
 * @value: where it goes, for free(3); NULL if the option has none
 *
 * Returns 0 or -ENOMEM.
 */
int option_value(const struct option_item *item, char **value);

/* options_has - whether a list has an option of that name; NULL has none */
bool options_has(const char *list, const char *name);

/*
 * options_append - add @len bytes to a list, as one option
 *
 * *@list may be NULL, and is for free(3).  Returns 0 or -ENOMEM.
 */
int options_append(char **list, const char *text, size_t len);

/*
 * options_fuse_program - the program in a type "fuse.NAME" or "fuseblk.NAME"
 *
 * Returns "" if there is no name, and NULL for another type.
 */
const char *options_fuse_program(const char *type);

#endif
