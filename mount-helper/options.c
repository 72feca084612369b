// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"
#include "options.h"

bool options_next(const char **rest, struct option_item *item)
{
	const char *p = *rest + strspn(*rest, ",");
	bool quoted = false, escaping = false;

	item->text = p;
	for (; *p && (quoted || *p != ','); p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && p[1])
			p++;
		else
			escaping = *p == '\\';
	}
	item->len = p - item->text;
	item->closed = !quoted && !escaping;
	*rest = p;
	return item->len > 0;
}

bool options_closed(const char *list)
{
	struct option_item item;
	bool closed = true;

	while (options_next(&list, &item))
		closed = item.closed;
	return closed;
}

bool option_is(const struct option_item *item, const char *name)
{
	size_t len = strlen(name);

	return item->len >= len && !strncmp(item->text, name, len) &&
	       (item->len == len || item->text[len] == '=');
}

bool option_is_word(const struct option_item *item, const char *word)
{
	return item->len == strlen(word) && option_is(item, word);
}

int option_value(const struct option_item *item, char **value)
{
	const char *start = memchr(item->text, '=', item->len);
	size_t len;

	*value = NULL;
	if (!start)
		return 0;
	start++;
	len = item->text + item->len - start;
	if (len >= 2 && start[0] == '"' && start[len - 1] == '"') {
		start++;
		len -= 2;
	}
	*value = strndup(start, len);
	return *value ? 0 : -ENOMEM;
}

bool options_has(const char *list, const char *name)
{
	struct option_item item;

	while (list && options_next(&list, &item))
		if (option_is(&item, name))
			return true;
	return false;
}

const char *options_fuse_program(const char *type)
{
	size_t len = strcspn(type, ".");

	if ((len != strlen(TYPE_FUSE) || strncmp(type, TYPE_FUSE, len) != 0) &&
	    (len != strlen(TYPE_FUSEBLK) ||
	     strncmp(type, TYPE_FUSEBLK, len) != 0))
		return NULL;
	return type[len] ? type + len + 1 : "";
}

int options_append(char **list, const char *text, size_t len)
{
	size_t old = *list ? strlen(*list) : 0;
	char *longer = realloc(*list, old + len + 2);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	if (old)
		longer[old++] = ',';
	memcpy(longer + old, text, len);
	longer[old + len] = '\0';
	return 0;
}
