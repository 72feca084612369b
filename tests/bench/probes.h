/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROBES_H
#define PROBES_H

struct probed {
	int calls;   /* of IMA's hooks, as far as there is a policy */
	int matches; /* those that the policy matched */
	int hashes;  /* files that were hashed to their end */
};

/* Count what every task does, from one to the other, with probes in the kernel.
 */
void probes_start(void);
struct probed probes_stop(void);

#endif
