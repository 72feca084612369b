/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef COMMAS_H
#define COMMAS_H

/*
 * commas_taken - find what "\," would not keep in the value before it
 * @options: the list of -o
 *
 * libmount knows no such comma, so what is behind one is an option of its own
 * where it has the name of one that mount(8) or the helper takes.
 *
 * Returns it, to be given back with free(); NULL with errno 0 if there is none,
 * or with ENOMEM.
 */
char *commas_taken(const char *options);

#endif
