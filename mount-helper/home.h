/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef HOME_H
#define HOME_H

/*
 * home_of_caller - what HOME is for who mounts, by passwd(5)
 *
 * The root of a user namespace that may not enter root's is somebody else
 * outside, whose home it is then.  Returns a string that lives until the next
 * call of getpwuid(3).
 */
const char *home_of_caller(void);

#endif
