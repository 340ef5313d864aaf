/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Operations on ranges of gfns, with the largest leaves that fit.
 *
 * A range operation that must succeed or do nothing goes in three steps: look
 * whether all of it may be changed; make the tables it will need (this may run
 * out of memory, and has changed nothing the guest can see); change the
 * entries, which cannot fail. Between the second and the third step tables must
 * not be unlinked by others: the operation pins the structure meanwhile.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/irqflags.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* Entries between two looks at pending work. */
#define PREEMPT_STEP 64

void p2m_pin(struct p2m_domain *p2m)
{
	spin_lock(&p2m->lock);
	p2m->pins++;
	spin_unlock(&p2m->lock);
}

void p2m_unpin(struct p2m_domain *p2m)
{
	spin_lock(&p2m->lock);
	ASSERT(p2m->pins);
	p2m->pins--;
	spin_unlock(&p2m->lock);
}

bool p2m_is_pinned(struct p2m_domain *p2m)
{
	bool pinned;

	spin_lock(&p2m->lock);
	pinned = p2m->pins;
	spin_unlock(&p2m->lock);
	return pinned;
}

/* For who must not come between the steps of a pinned operation. */
static void lock_unpinned(struct p2m_domain *p2m)
{
	spin_lock(&p2m->lock);
	while (p2m->pins) {
		spin_unlock(&p2m->lock);
		cpu_relax();
		spin_lock(&p2m->lock);
	}
}

void p2m_set_owner_gfn(mfn_t mfn, unsigned long nr, unsigned long gfn, unsigned long step)
{
	struct page_info *page = mfn_to_page(mfn);

	for (; nr; nr--, page++, gfn += step)
		page->u.inuse.gfn = gfn;
}

int p2m_check_range(struct p2m_domain *p2m, unsigned long gfn, unsigned long nr, u32 allowed)
{
	unsigned long end = gfn + nr;
	struct ept_pos pos;

	while (gfn < end) {
		ept_look(p2m, gfn, &pos);
		if (!type_in(pos.e, allowed))
			return p2m_refusal(ept_type(pos.e));
		gfn = ept_next(gfn, pos.level);
	}
	return 0;
}

int p2m_split_at(struct p2m_domain *p2m, unsigned long gfn)
{
	struct ept_pos pos;

	for (;;) {
		int rc;

		ept_look(p2m, gfn, &pos);
		if (ept_is_hole(pos.e) || !(gfn & (ept_pages(pos.level) - 1)))
			return 0;
		rc = ept_reach(p2m, gfn, pos.level - 1, TYPES_ALL, &pos);
		if (rc)
			return rc;
	}
}

/* Largest level of a leaf that can start at gfn, map mfn (INVALID_MFN: nothing), and end within nr pages. */
static unsigned int fit(unsigned long gfn, mfn_t mfn, unsigned long nr)
{
	unsigned long bits = gfn | (mfn_eq(mfn, INVALID_MFN) ? 0 : mfn_x(mfn));
	unsigned int level = ept_max_level;

	while ((bits & (ept_pages(level) - 1)) || nr < ept_pages(level))
		level--;
	return level;
}

static mfn_t advance(mfn_t mfn, unsigned long n) { return mfn_eq(mfn, INVALID_MFN) ? mfn : mfn_add(mfn, n); }

/* ---- filling ---- */

/* Tables for all leaves to come, and no leaf across an edge of one. */
static int prepare(struct p2m_domain *p2m, unsigned long gfn, unsigned long nr, mfn_t mfn, u32 over)
{
	while (nr) {
		unsigned int level = fit(gfn, mfn, nr);
		/* One look does for all 4K leaves in a table. */
		unsigned long step = level ? ept_pages(level) : min(nr, ept_next(gfn, 1) - gfn);
		struct ept_pos pos;
		int rc = ept_reach(p2m, gfn, level, over, &pos);

		if (rc)
			return rc < 0 ? rc : p2m_refusal(ept_type(pos.e));
		gfn += step;
		mfn = advance(mfn, step);
		nr -= step;
	}
	return 0;
}

/* Empties the leaves of the table at the 2M entry for gfn, and unlinks it. own_pins: as for ept_collapse(). */
static bool make_room(struct p2m_domain *p2m, unsigned long gfn, u32 over, unsigned int own_pins,
		      struct p2m_batch *b)
{
	struct ept_pos pos;

	for (unsigned long g = gfn; g < gfn + ept_pages(1); g++) {
		p2m_batch_reserve(b);
		do
			ept_look(p2m, g, &pos);
		while (!ept_eq(pos.e, EPT_EMPTY) && type_in(pos.e, over) &&
		       !ept_replace(p2m, &pos, g, EPT_EMPTY, b));
	}
	return ept_collapse(p2m, gfn, 1, own_pins, b);
}

/* The level at which the piece goes in: lower than fits where a table cannot be got rid of. */
static unsigned int piece_level(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, u32 over,
				unsigned int own_pins, struct p2m_batch *b)
{
	struct ept_pos pos;

	for (; level; level--) {
		ept_walk(p2m, gfn, level, &pos);
		if (!ept_is_table(pos.e))
			break;
		if (level == 1 && make_room(p2m, gfn, over, own_pins, b))
			break;
	}
	return level;
}

/*
 * Whatever leaf is there was looked at before, or has come in a race, and is replaced all the same.
 * False: somebody has put a table there since piece_level().
 */
static bool put_piece(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, mfn_t mfn,
		      enum p2m_type t, struct p2m_batch *b)
{
	ept_t new = ept_leaf(p2m, gfn, mfn, level, t, p2m_access_rwx);
	struct ept_pos pos;

	p2m_batch_reserve(b);
	do {
		ept_walk(p2m, gfn, level, &pos);
		if (level && ept_is_table(pos.e))
			return false;
	} while (!ept_replace(p2m, &pos, gfn, new, b));
	p2m_settle(p2m, &pos, gfn, b);
	return true;
}

int p2m_fill(struct p2m_domain *p2m, unsigned long gfn, unsigned long nr, mfn_t mfn, enum p2m_type t,
	     u32 over, struct p2m_batch *b)
{
	int rc = p2m_check_range(p2m, gfn, nr, over);

	if (rc)
		return rc;
	p2m_pin(p2m);
	rc = prepare(p2m, gfn, nr, mfn, over);
	while (!rc && nr) {
		unsigned int level = piece_level(p2m, gfn, fit(gfn, mfn, nr), over, 1, b);

		if (!put_piece(p2m, gfn, level, mfn, t, b))
			continue;
		gfn += ept_pages(level);
		mfn = advance(mfn, ept_pages(level));
		nr -= ept_pages(level);
	}
	p2m_unpin(p2m);
	return rc;
}

/* ---- giving back ---- */

#define TYPES_RELEASE (TYPES_RAM | TYPE_BIT(p2m_pod))

static int check_release(struct p2m_domain *p2m, unsigned long gfn, unsigned long end)
{
	struct ept_pos pos;

	while (gfn < end) {
		ept_look(p2m, gfn, &pos);
		if (pos.e.e & EPT_SPECIAL)
			return -EINVAL;
		if (!type_in(pos.e, TYPES_RELEASE))
			return p2m_refusal(ept_type(pos.e));
		gfn = ept_next(gfn, pos.level);
	}
	return 0;
}

/* Nothing straddles an edge. What others put there meanwhile may, and stays. */
static void clear_range(struct p2m_domain *p2m, unsigned long gfn, unsigned long end, struct p2m_batch *b)
{
	struct ept_pos pos;

	while (gfn < end) {
		unsigned long next;

		p2m_batch_reserve(b);
		ept_look(p2m, gfn, &pos);
		next = ept_next(gfn, pos.level);
		if (!type_in(pos.e, TYPES_RELEASE) || next > end ||
		    ept_replace(p2m, &pos, gfn, p2m_hole(p2m), b))
			gfn = next;
	}
}

int p2m_release_range(struct domain *d, gfn_t gfn, unsigned int order, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long start = gfn_x(gfn), end = start + (1UL << (order & 63));
	bool had_pod = p2m_pod_entries(p2m);
	int rc;

	if (order > PAGE_ORDER_2M || !p2m_gfn_valid(start, end - start))
		return -EINVAL;
	rc = check_release(p2m, start, end);
	if (rc)
		return rc;
	if (order) {
		p2m_pin(p2m);
		rc = p2m_split_at(p2m, start);
		if (!rc)
			rc = p2m_split_at(p2m, end);
		if (!rc)
			clear_range(p2m, start, end, b);
		p2m_unpin(p2m);
		if (!rc && order == PAGE_ORDER_2M && !(start & (ept_pages(1) - 1)))
			ept_collapse(p2m, start, 1, 0, b);
	} else {
		rc = p2m_take_leaf(p2m, start, INVALID_MFN, TYPES_RELEASE, b);
	}
	if (had_pod)
		p2m_pod_trim(p2m, p2m_pod_entries(p2m), 2 * EPT_ENTRIES);
	return rc;
}

/* ---- device memory ---- */

#define TYPES_MMIO_OVER (TYPE_BIT(p2m_invalid) | TYPE_BIT(p2m_mmio_dm) | TYPE_BIT(p2m_mmio_direct))

static bool mmio_args_valid(gfn_t gfn, mfn_t mfn, unsigned long nr)
{
	unsigned long limit = 1UL << (PADDR_BITS - PAGE_SHIFT);

	return p2m_gfn_valid(gfn_x(gfn), nr) && mfn_x(mfn) < limit && nr <= limit - mfn_x(mfn);
}

/* fit(), and small enough to have one memory type. */
static unsigned int fit_mmio(struct p2m_domain *p2m, unsigned long gfn, mfn_t mfn, unsigned long nr,
			     struct p2m_batch *b)
{
	unsigned int level = fit(gfn, mfn, nr);
	u64 start = mfn_to_maddr(mfn);
	bool uniform = false;

	while (level) {
		(void)mtrr_range_type(host_mtrr(), start, start + (ept_pages(level) << PAGE_SHIFT), &uniform);
		if (uniform)
			break;
		level--;
	}
	return piece_level(p2m, gfn, level, 0, 0, b);
}

/* Maps one piece at gfn; *step: pages it has. */
static int set_mmio_piece(struct p2m_domain *p2m, unsigned long gfn, mfn_t mfn, unsigned long nr,
			  unsigned long *step, struct p2m_batch *b)
{
	unsigned int level;
	struct ept_pos pos;
	bool done;
	int rc;

	do {
		ept_look(p2m, gfn, &pos);
		if (ept_type(pos.e) == p2m_mmio_direct) {
			*step = min(nr, ept_next(gfn, pos.level) - gfn);
			return mfn_x(ept_mfn(pos.e)) + (gfn & (ept_pages(pos.level) - 1)) == mfn_x(mfn)
				       ? 0
				       : -EBUSY;
		}
		level = fit_mmio(p2m, gfn, mfn, nr, b);
		rc = ept_reach(p2m, gfn, level, TYPES_MMIO_OVER, &pos);
		if (rc < 0)
			return rc;
		if (rc || (!ept_is_table(pos.e) && !type_in(pos.e, TYPES_MMIO_OVER)))
			return -EBUSY;
		lock_unpinned(p2m);
		ept_walk(p2m, gfn, level, &pos);
		done = pos.level == level && !(level && ept_is_table(pos.e)) &&
		       ept_type(pos.e) != p2m_mmio_direct && type_in(pos.e, TYPES_MMIO_OVER) &&
		       ept_replace_locked(p2m, &pos, gfn,
					  ept_leaf(p2m, gfn, mfn, level, p2m_mmio_direct, p2m_access_rwx), b);
		spin_unlock(&p2m->lock);
	} while (!done);
	p2m_settle(p2m, &pos, gfn, b);
	*step = ept_pages(level);
	return 0;
}

int p2m_set_mmio(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, unsigned long *done)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct p2m_batch b;
	int rc = 0;

	*done = 0;
	if (!mmio_args_valid(gfn, mfn, nr) || p2m_dying(p2m))
		return -EINVAL;
	p2m_batch_init(&b, d);
	for (unsigned int steps = 1; *done < nr; steps++) {
		unsigned long g = gfn_x(gfn) + *done, step;

		rc = set_mmio_piece(p2m, g, mfn_add(mfn, *done), nr - *done, &step, &b);
		if (rc)
			break;
		*done += step;
		if (!((g + step) & (ept_pages(1) - 1)))
			ept_collapse(p2m, g, 1, 0, &b);
		if (!(steps % PREEMPT_STEP) && *done < nr && hypercall_preempt_check()) {
			rc = -ERESTART;
			break;
		}
	}
	p2m_batch_flush(&b);
	return rc;
}

static int clear_mmio_piece(struct p2m_domain *p2m, unsigned long gfn, mfn_t mfn, unsigned long nr,
			    unsigned long *step, struct p2m_batch *b)
{
	struct ept_pos pos;
	int rc;

	do {
		rc = p2m_split_at(p2m, gfn);
		if (!rc)
			rc = p2m_split_at(p2m, gfn + nr);
		if (rc)
			return rc;
		ept_look(p2m, gfn, &pos);
		if (ept_type(pos.e) != p2m_mmio_direct || !mfn_eq(ept_mfn(pos.e), mfn))
			return -ENOENT;
		*step = ept_pages(pos.level);
	} while (*step > nr || (gfn & (*step - 1)) || !ept_replace(p2m, &pos, gfn, EPT_EMPTY, b));
	return 0;
}

int p2m_clear_mmio(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, unsigned long *done)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct p2m_batch b;
	int rc = 0;

	*done = 0;
	if (!mmio_args_valid(gfn, mfn, nr))
		return -EINVAL;
	p2m_batch_init(&b, d);
	for (unsigned int steps = 1; *done < nr; steps++) {
		unsigned long g = gfn_x(gfn) + *done, step;

		rc = clear_mmio_piece(p2m, g, mfn_add(mfn, *done), nr - *done, &step, &b);
		if (rc)
			break;
		*done += step;
		if (!((g + step) & (ept_pages(1) - 1)))
			ept_collapse(p2m, g, 1, 0, &b);
		if (!(steps % PREEMPT_STEP) && *done < nr && hypercall_preempt_check()) {
			rc = -ERESTART;
			break;
		}
	}
	p2m_batch_flush(&b);
	return rc;
}

/* ---- types ---- */

int p2m_change_type_range(struct domain *d, gfn_t gfn, unsigned long nr, enum p2m_type from, enum p2m_type to,
			  unsigned long *done)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long g = gfn_x(gfn), end = g + nr;
	struct p2m_batch b;
	struct ept_pos pos;
	int rc = 0;

	*done = 0;
	if (!p2m_is_ram(from) || !p2m_is_ram(to) || !p2m_gfn_valid(g, nr))
		return -EINVAL;
	p2m_batch_init(&b, d);
	for (unsigned int steps = 1; g < end && !rc; steps++) {
		ept_look(p2m, g, &pos);
		if (ept_type(pos.e) == from) {
			if ((g & (ept_pages(pos.level) - 1)) || ept_next(g, pos.level) > end) {
				rc = p2m_split_at(p2m, g);
				if (!rc)
					rc = p2m_split_at(p2m, end);
				continue;
			}
			if (!ept_replace(p2m, &pos, g, ept_retype(pos.e, to), &b))
				continue;
		}
		g = min(ept_next(g, pos.level), end);
		*done = g - gfn_x(gfn);
		if (!pos.level && !(g & (ept_pages(1) - 1)))
			ept_collapse(p2m, g - 1, 1, 0, &b);
		if (!(steps % PREEMPT_STEP) && g < end && hypercall_preempt_check())
			rc = -ERESTART;
	}
	p2m_batch_flush(&b);
	return rc;
}
