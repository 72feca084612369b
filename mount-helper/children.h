/* SPDX-License-Identifier: GPL-2.0-only */
/* The processes that a FUSE program consists of. */
#ifndef CHILDREN_H
#define CHILDREN_H

/*
 * children_adopt - have all that is started from here on as one's own
 *
 * What a program leaves behind, as one does that puts itself in the background,
 * becomes a child of the caller, and so can be found.  The caller must have no
 * other children; if it has, a new process goes on in its place, and the call
 * does not return in the old one.
 *
 * Returns 0, or -1 after a message that names @target.
 */
int children_adopt(const char *target);

/*
 * children_kill - end all children, and theirs, and wait until they are gone
 *
 * Those that do not end within some seconds are left, after a message that
 * names @target.
 */
void children_kill(const char *target);

/*
 * children_left - whether there is any child, ended or not
 *
 * Collects those that have ended.
 */
int children_left(void);

#endif
