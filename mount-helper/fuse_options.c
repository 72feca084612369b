// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>

#include "fuse_options.h"

/*
 * What the kernel takes: see fs/fuse/inode.c, fuse_fs_parameters; context= and
 * its like belong to the security module.  A program that is handed a mount
 * does not pass them on.
 */
static const struct row {
	const char *name;
	const char *kernel; /* its name there */
	bool program;	    /* needs to know it, too */
} rows[] = {
	{ "allow_other", "allow_other", false },
	{ "allow_root", "allow_other",
	  true }, /* the program keeps others out */
	{ "default_permissions", "default_permissions", false },
	{ "max_read", "max_read", true },
	{ "blksize", "blksize", false },
	{ "fsname", "source", false },
	{ "subtype", "subtype", false },
	{ "context", "context", false },
	{ "fscontext", "fscontext", false },
	{ "defcontext", "defcontext", false },
	{ "rootcontext", "rootcontext", false },
};

_Static_assert(sizeof(rows) / sizeof(*rows) == FUSE_KERNEL_OPTIONS,
	       "room for each row");

static const struct row *find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (strlen(rows[i].name) == len &&
		    !strncmp(rows[i].name, name, len))
			return &rows[i];
	return NULL;
}

static bool is_octal(const char *s, size_t len)
{
	if (len < 3 || s[0] > '3')
		return false;
	for (int i = 0; i < 3; i++)
		if (s[i] < '0' || s[i] > '7')
			return false;
	return true;
}

/*
 * A value as FUSE programs read it: quotes around it are taken off; a backslash
 * keeps the next character, and with three octal digits stands for that byte.
 */
static char *decode(const char *value, size_t len)
{
	char *result, *to;

	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	result = malloc(len + 1);
	if (!result)
		return NULL;
	to = result;
	for (size_t i = 0; i < len; i++) {
		if (value[i] != '\\' || i + 1 == len) {
			*to++ = value[i];
		} else if (is_octal(value + i + 1, len - i - 1)) {
			*to++ = (char)((value[i + 1] - '0') << 6 |
				       (value[i + 2] - '0') << 3 |
				       (value[i + 3] - '0'));
			i += 3;
		} else {
			*to++ = value[++i];
		}
	}
	*to = '\0';
	return result;
}

static int add_kernel_option(struct fuse_options *split, const char *name,
			     const char *value, size_t len)
{
	char *copy = value ? decode(value, len) : NULL;
	size_t i = 0;

	if (value && !copy)
		return -ENOMEM;
	while (i < split->n && strcmp(split->kernel[i].name, name) != 0)
		i++;
	if (i == split->n)
		split->n++;
	free(split->kernel[i].value);
	split->kernel[i] = (struct fuse_kernel_option){ name, copy };
	return 0;
}

/* libmount's functions want terminated strings, its iterator gives none. */
static int add_program_option(struct fuse_options *split, const char *name,
			      size_t name_len, const char *value,
			      size_t value_len)
{
	char *n = strndup(name, name_len);
	char *v = value ? strndup(value, value_len) : NULL;
	int err = -ENOMEM;

	if (n && (v || !value))
		err = mnt_optstr_append_option(&split->program, n, v);
	free(n);
	free(v);
	return err;
}

static bool ends_with_backslash(const char *start, const char *end)
{
	const char *p = end;

	while (p > start && p[-1] == '\\')
		p--;
	return (end - p) % 2;
}

/*
 * As mnt_optstr_next_option(), of which not every version knows that a comma
 * behind a backslash belongs to the value.
 */
static int next_option(char **rest, char **name, size_t *name_len, char **value,
		       size_t *value_len)
{
	int ret =
		mnt_optstr_next_option(rest, name, name_len, value, value_len);
	const char *end;

	while (!ret) {
		char *more_name, *more_value;
		size_t more_name_len, more_value_len;

		end = *value ? *value + *value_len : *name + *name_len;
		if (!ends_with_backslash(*name, end) ||
		    mnt_optstr_next_option(rest, &more_name, &more_name_len,
					   &more_value, &more_value_len))
			break;
		end = more_value ? more_value + more_value_len :
				   more_name + more_name_len;
		if (*value)
			*value_len = end - *value;
		else
			*name_len = end - *name;
	}
	return ret;
}

int fuse_options_split(const char *options, bool read_only,
		       struct fuse_options *split)
{
	char *rest = (char *)options, *name, *value;
	size_t name_len, value_len;
	const struct row *row;
	int ret = 0;

	*split = (struct fuse_options){ 0 };
	if (read_only)
		ret = mnt_optstr_append_option(&split->program, "ro", NULL);
	while (!ret && rest &&
	       !(ret = next_option(&rest, &name, &name_len, &value,
				   &value_len))) {
		row = find_row(name, name_len);
		if (row)
			ret = add_kernel_option(split, row->kernel, value,
						value_len);
		if (!ret && (!row || row->program))
			ret = add_program_option(split, name, name_len, value,
						 value_len);
	}
	if (ret >= 0)
		return 0;
	fuse_options_free(split);
	return ret;
}

void fuse_options_free(struct fuse_options *split)
{
	for (size_t i = 0; i < split->n; i++)
		free(split->kernel[i].value);
	free(split->program);
	*split = (struct fuse_options){ 0 };
}

bool fuse_options_has(const struct fuse_options *split, const char *name)
{
	for (size_t i = 0; i < split->n; i++)
		if (!strcmp(split->kernel[i].name, name))
			return true;
	return false;
}
