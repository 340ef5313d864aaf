// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tells dom0 that free memory gets low (VIRQ_ENOMEM), so that xen-lowmemd can shrink dom0 in
 * time. What is claimed is not free: a large guest's claim tells, before it has its memory. Once
 * below the limit, and again at each half of what was left then; from the limit again when the
 * memory has come back.
 */
#include <xen/event.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include "memory.h"

static unsigned long opt_limit = 64UL << 20;
size_param("low_mem_virq_limit", opt_limit,
	   "free memory below which dom0 gets VIRQ_ENOMEM; default 64M, 0: never");

/* The next VIRQ is due below this many free pages. */
static unsigned long mark = ~0UL;

void lowmem_check(void)
{
	unsigned long limit = opt_limit >> PAGE_SHIFT, free = free_page_count(), old = READ_ONCE(mark), due;

	free -= min(free, outstanding_claims_total());
	if (likely(free >= limit)) {
		if (unlikely(old != limit))
			WRITE_ONCE(mark, limit);
		return;
	}
	due = min(old, limit);
	/* Of several CPUs that see it one says so. */
	if (free < due && cmpxchg(&mark, old, free / 2) == old)
		send_global_virq(VIRQ_ENOMEM);
}
