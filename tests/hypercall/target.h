/* SPDX-License-Identifier: GPL-2.0-only */
/* A passive domain with memory that the memory areas work on. */
#ifndef TESTS_TARGET_H
#define TESTS_TARGET_H

#include <stubdom/domain.h>

#define TARGET_PAGES 256u /* gfns 0 .. 255 are populated by 4 KiB pages */
#define TARGET_MAX   1024u

extern domid_t target;

/* Area set-up and teardown: create the target (paused, one vCPU), destroy it. */
void target_create(void);
void target_destroy(void);

/* Map target frame idx at own gfn; the per-entry error, or the call's. */
static inline long map_one(domid_t dom, uint64_t idx, uint64_t gfn)
{
	return foreign_map(dom, idx, gfn, 1);
}

#endif
