/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The dirty log. It has no bitmap of its own: while it is on, RAM that has not
 * been written to since it was last reported is ram_logdirty (read-only to the
 * CPU), and ram_rw is what "dirty" means. A page that is removed leaves a hole
 * marked EPT_GONE. Whatever enters the p2m enters as dirty. So log and mapping
 * cannot disagree, and marking dirty is one compare-exchange (lesson B33).
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/p2m.h>
#include "p2m-private.h"

#define PREEMPT_STEP 64
/* Pages reported at a time. */
#define CHUNK 4096UL

static void set_state(struct p2m_domain *p2m, unsigned int state)
{
	p2m->logdirty_state = state;
	p2m->logdirty_gfn = 0;
	__atomic_store_n(&p2m->logdirty, state == LOGDIRTY_ENABLING || state == LOGDIRTY_ON, __ATOMIC_SEQ_CST);
}

/* How e looks with the log on, or off again. */
static ept_t converted(ept_t e, bool on)
{
	if (on)
		return ept_type(e) == p2m_ram_rw ? ept_retype(e, p2m_ram_logdirty) : e;
	if (ept_type(e) == p2m_ram_logdirty)
		return ept_retype(e, p2m_ram_rw);
	return ept_is_hole(e) ? EPT_EMPTY : e;
}

/* All leaves, from the cursor on: 0 or -ERESTART. */
static int convert(struct p2m_domain *p2m, bool on)
{
	unsigned long g = p2m->logdirty_gfn, end = p2m_max_gfn(p2m->domain) + 1;
	struct p2m_batch b;
	struct ept_pos pos;
	int rc = 0;

	p2m_batch_init(&b, p2m->domain);
	for (unsigned int steps = 1; g < end && !rc; steps++) {
		ept_t new;

		ept_look(p2m, g, &pos);
		new = converted(pos.e, on);
		if (!ept_eq(new, pos.e) && !ept_replace(p2m, &pos, g, new, &b))
			continue;
		g = ept_next(g, pos.level);
		/* Log-dirty faults have split superpages. */
		if (!on && !pos.level && !(g & (ept_pages(1) - 1)))
			ept_collapse(p2m, g - 1, 1, 0, &b);
		if (!(steps % PREEMPT_STEP) && g < end && hypercall_preempt_check())
			rc = -ERESTART;
	}
	p2m->logdirty_gfn = g;
	p2m_batch_flush(&b);
	return rc;
}

static u64 write_faults(const struct p2m_domain *p2m)
{
	return (u64)p2m_total(p2m, offsetof(struct p2m_counts, write_faults));
}

int p2m_logdirty_enable(struct domain *d, bool global)
{
	struct p2m_domain *p2m = to_p2m(d);
	int rc = 0;

	if (p2m->logdirty_state == LOGDIRTY_OFF) {
		p2m->faults_reported = write_faults(p2m);
		set_state(p2m, LOGDIRTY_ENABLING);
	} else if (p2m->logdirty_state != LOGDIRTY_ENABLING) {
		return -EINVAL;
	}
	if (global)
		rc = convert(p2m, true);
	if (!rc)
		set_state(p2m, LOGDIRTY_ON);
	return rc;
}

int p2m_logdirty_disable(struct domain *d)
{
	struct p2m_domain *p2m = to_p2m(d);
	int rc;

	if (p2m->logdirty_state == LOGDIRTY_OFF)
		return 0;
	if (p2m->logdirty_state != LOGDIRTY_DISABLING)
		set_state(p2m, LOGDIRTY_DISABLING);
	rc = convert(p2m, false);
	if (!rc)
		set_state(p2m, LOGDIRTY_OFF);
	return rc;
}

/* ---- marking ---- */

void p2m_make_dirty(struct p2m_domain *p2m, unsigned long gfn)
{
	struct p2m_batch b;
	struct ept_pos pos;

	p2m_batch_init(&b, p2m->domain);
	do {
		/* Out of memory for a table: then all of the superpage is dirty. */
		if (ept_reach(p2m, gfn, 0, TYPE_BIT(p2m_ram_logdirty), &pos))
			ept_look(p2m, gfn, &pos);
		if (ept_type(pos.e) != p2m_ram_logdirty)
			return;
	} while (!ept_replace(p2m, &pos, gfn, ept_retype(pos.e, p2m_ram_rw), &b));
	/* Nothing was lost by it, so there is nothing to flush or to put. */
	ASSERT(!b.need_flush && !b.count);
}

bool p2m_logdirty_active(const struct domain *d)
{
	return __atomic_load_n(&to_p2m(d)->logdirty, __ATOMIC_RELAXED);
}

void p2m_mark_dirty(struct domain *d, gfn_t gfn)
{
	struct p2m_domain *p2m = to_p2m(d);

	if (__atomic_load_n(&p2m->logdirty, __ATOMIC_RELAXED) && p2m_gfn_valid(gfn_x(gfn), 1))
		p2m_make_dirty(p2m, gfn_x(gfn));
}

/* ---- reading ---- */

static bool is_dirty(ept_t e) { return ept_type(e) == p2m_ram_rw || (e.e & EPT_GONE); }

/* Bits of the dirty pages of [gfn, end), less than CHUNK; returns how many there are. */
static unsigned long gather(struct p2m_domain *p2m, unsigned long gfn, unsigned long end, unsigned long *bits)
{
	unsigned long g = gfn, found = 0;
	struct ept_pos pos;

	memset(bits, 0, CHUNK / 8);
	while (g < end) {
		unsigned long next;

		ept_look(p2m, g, &pos);
		next = min(ept_next(g, pos.level), end);
		if (is_dirty(pos.e)) {
			found += next - g;
			for (; g < next; g++)
				__set_bit((unsigned int)(g - gfn), bits);
		}
		g = next;
	}
	return found;
}

/* True if all pages of [gfn, gfn + nr) were reported; start is what bit 0 stands for. */
static bool reported(const unsigned long *bits, unsigned long start, unsigned long gfn, unsigned long nr)
{
	return find_next_zero_bit(bits, (unsigned int)(gfn - start + nr), (unsigned int)(gfn - start)) ==
	       gfn - start + nr;
}

/*
 * What was reported is clean from now on. A leaf that became dirty after gather() looked, or that reaches
 * beyond the chunk and cannot be split, stays dirty and is reported another time.
 */
static void clean(struct p2m_domain *p2m, unsigned long gfn, unsigned long end, const unsigned long *bits,
		  struct p2m_batch *b)
{
	unsigned long g = gfn;
	struct ept_pos pos;

	while (g < end) {
		unsigned long next;
		ept_t new;

		ept_look(p2m, g, &pos);
		next = ept_next(g, pos.level);
		if (is_dirty(pos.e)) {
			if (((g & (ept_pages(pos.level) - 1)) || next > end) && !p2m_split_at(p2m, g) &&
			    !ept_reach(p2m, g, pos.level - 1, TYPES_ALL, &pos))
				continue;
			new = ept_is_hole(pos.e) ? EPT_EMPTY : ept_retype(pos.e, p2m_ram_logdirty);
			if (!(g & (ept_pages(pos.level) - 1)) && next <= end &&
			    reported(bits, gfn, g, next - g) && !ept_replace(p2m, &pos, g, new, b))
				continue;
		}
		g = next;
	}
}

int p2m_logdirty_read(struct domain *d, bool clean_them, unsigned long nr, unsigned long *done,
		      int (*out)(void *arg, unsigned long first_bit, const void *bytes, size_t n), void *arg,
		      u64 *dirty_count, u64 *fault_count)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long bits[BITS_TO_LONGS(CHUNK)];
	struct p2m_batch b;

	*dirty_count = 0;
	if (p2m->logdirty_state != LOGDIRTY_ON)
		return -EINVAL;
	if (!p2m_gfn_valid(0, nr) || (*done % CHUNK && *done < nr))
		return -EINVAL;
	p2m_batch_init(&b, d);
	while (*done < nr) {
		unsigned long end = min(nr, *done + CHUNK);
		int rc = 0;

		*dirty_count += gather(p2m, *done, end, bits);
		if (out)
			rc = out(arg, *done, bits, (end - *done + 7) / 8);
		if (rc)
			return rc;
		if (clean_them) {
			clean(p2m, *done, end, bits, &b);
			p2m_batch_flush(&b);
		}
		*done = end;
		if (*done < nr && hypercall_preempt_check())
			return -ERESTART;
	}
	*fault_count = write_faults(p2m) - p2m->faults_reported;
	if (clean_them)
		p2m->faults_reported += *fault_count;
	return 0;
}
