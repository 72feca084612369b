/* SPDX-License-Identifier: GPL-2.0-only */
/* The way to the switching server that does not lead through its mount. */
#ifndef CONTROL_H
#define CONTROL_H

#define CONTROL_MAX 512 /* bytes of a request or an answer, with the NUL */

/*
 * control_listen - a socket at @path, replacing one that is left over there
 *
 * Returns the descriptor, which belongs to the caller, or -errno.
 */
int control_listen(const char *path);

/*
 * control_ask - send @request to the server at @path and wait for its answer
 *
 * The answer, a line without its end, is stored in @answer.  Returns 0, or
 * -errno when the server could not be reached or went away.
 */
int control_ask(const char *path, const char *request,
		char answer[CONTROL_MAX]);

/*
 * control_serve - answer requests on the socket @listener, for ever
 *
 * @handle gets each request and stores its answer in the second argument.
 * Returns only when the socket fails.
 */
void control_serve(int listener,
		   void (*handle)(char *request, char answer[CONTROL_MAX]));

#endif
