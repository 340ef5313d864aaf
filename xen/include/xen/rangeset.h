/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of numbers kept as sorted, disjoint ranges: what device resources a domain may use. */
#ifndef XEN_RANGESET_H
#define XEN_RANGESET_H

#include <xen/types.h>

struct rangeset;

/* limit: ranges the set may grow to, so that nobody can make it eat memory. NULL: out of memory. */
struct rangeset *rangeset_new(unsigned int limit);
void rangeset_destroy(struct rangeset *r);
/* first and last are both inside. 0, -ENOMEM, or -ENOSPC at the limit (nothing changed). */
int rangeset_add(struct rangeset *r, u64 first, u64 last);
int rangeset_remove(struct rangeset *r, u64 first, u64 last);
bool rangeset_contains(struct rangeset *r, u64 first, u64 last);
bool rangeset_overlaps(struct rangeset *r, u64 first, u64 last);

#endif
