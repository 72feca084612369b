/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <signal.h>

/*
 * signals_block - from here on let no signal end us halfway
 * @user: where those go that a user sends, to be taken as events; or NULL
 *
 * Not even that nobody reads our messages any more.  What is to be undone is
 * undone, and a pending signal counts no more once all is done.  Returns 0 or
 * -errno.
 */
int signals_block(sigset_t *user);

/*
 * signals_keep_children - have children stay until they are waited for
 *
 * Whoever ignores SIGCHLD hands that on, and waitpid(2) then finds nobody.
 */
void signals_keep_children(void);

#endif
