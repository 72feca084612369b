/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TARGET_H
#define TARGET_H

#include <sys/types.h>

/*
 * target_open - open the mount point, with O_PATH
 * @type: where S_IFDIR or S_IFREG goes
 *
 * Devices are refused: whoever mounts over /dev/fuse ends FUSE for all.
 * Returns a descriptor, or -1 after a message.
 */
int target_open(const char *target, mode_t *type);

#endif
