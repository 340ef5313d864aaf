/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a p2m: every leaf and every table of a dying domain goes, a few
 * at a time. is_dying is set before; whoever publishes an entry afterwards
 * sees that, and removes it again (p2m_settle()).
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/p2m.h>
#include "p2m-private.h"

#define PREEMPT_STEP 64
/* Frames of a cleared 1G leaf put between two looks at pending work. */
#define PUT_STEP 512UL

/* Clears the leaf at pos. What a 1G leaf held is remembered, and put little by little. */
static bool clear_leaf(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, struct p2m_batch *b)
{
	ept_t old = pos->e;

	p2m_batch_reserve(b);
	if (pos->level < 2 || !p2m_is_referenced(ept_type(old)))
		return ept_replace(p2m, pos, gfn, EPT_EMPTY, b);
	if (!ept_take(p2m, pos, gfn, b))
		return false;
	p2m->teardown_mfn = mfn_x(ept_mfn(old));
	p2m->teardown_left = ept_pages(pos->level);
	return true;
}

/* All tables that end where gfn begins are empty now: from the one that held an entry of level below up. */
static void unlink_tables(struct p2m_domain *p2m, unsigned long gfn, unsigned int below, struct p2m_batch *b)
{
	for (unsigned int level = below + 1; level <= EPT_TOP && !(gfn & (ept_pages(level) - 1)); level++)
		ept_collapse(p2m, gfn - 1, level, 0, b);
}

static void put_some(struct p2m_domain *p2m, struct p2m_batch *b)
{
	unsigned long n = min(p2m->teardown_left, PUT_STEP);

	p2m_batch_flush(b);
	p2m_drop_frames(p2m, _mfn(p2m->teardown_mfn), n, 0);
	p2m->teardown_mfn += n;
	p2m->teardown_left -= n;
}

/* One step: a leaf, a hole, or some frames. */
static void teardown_step(struct p2m_domain *p2m, struct p2m_batch *b)
{
	struct ept_pos pos;

	if (p2m->teardown_left) {
		put_some(p2m, b);
		return;
	}
	ept_walk(p2m, p2m->teardown_gfn, 0, &pos);
	if (pos.level < EPT_TOP && !ept_eq(pos.e, EPT_EMPTY) && !clear_leaf(p2m, &pos, p2m->teardown_gfn, b))
		return;
	p2m->teardown_gfn = ept_next(p2m->teardown_gfn, pos.level);
	unlink_tables(p2m, p2m->teardown_gfn, pos.level, b);
}

int p2m_teardown(struct domain *d)
{
	struct p2m_domain *p2m = to_p2m(d);
	/* All of it: tables may be where nothing was ever mapped, for want of memory for the next one. */
	unsigned long end = 1UL << EPT_GFN_BITS;
	struct p2m_batch b;
	int rc = 0;

	ASSERT(p2m_dying(p2m));
	/* An operation that began before its domain died, on another CPU. */
	if (p2m_is_pinned(p2m))
		return -ERESTART;
	p2m_batch_init(&b, d);
	for (unsigned int steps = 1; !rc && (p2m->teardown_gfn < end || p2m->teardown_left); steps++) {
		teardown_step(p2m, &b);
		if (!(steps % PREEMPT_STEP) && hypercall_preempt_check())
			rc = -ERESTART;
	}
	p2m_batch_flush(&b);
	while (!rc && !p2m_pod_trim(p2m, 0, PUT_STEP))
		if (hypercall_preempt_check())
			rc = -ERESTART;
	if (!rc && !p2m_pool_drain(p2m))
		rc = -ERESTART;
	return rc;
}
