/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef ATTRIBUTES_H
#define ATTRIBUTES_H

/* those of which a mount has only one */
#define MOUNT_ATTR_ATIMES (MOUNT_ATTR_NOATIME | MOUNT_ATTR_STRICTATIME)

/* attributes_of - MS_* of mount(2) as MOUNT_ATTR_* of fsmount(2) */
unsigned int attributes_of(unsigned long mflags);

#endif
