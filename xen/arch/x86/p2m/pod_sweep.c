/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Populate on demand, when the cache is empty: a guest touches pages that it does
 * not use (it clears free memory, or its balloon scrubs what it is about to give
 * back). Pages of plain RAM that hold nothing but zeroes and that nobody else
 * refers to become populate-on-demand entries again; the guest cannot tell.
 *
 * A 2M region at a time: protect and mark what looks empty, flush, then take each page
 * whose entry still has the mark (the next write takes it off), that is still empty,
 * and whose only reference is the entry's. The entry is frozen while that is decided, so a
 * look-up comes either before, and has a reference that shows, or after.
 *
 * Nothing here is long (lessons B8 and B36): a call does a few regions, and the guest
 * comes back by another fault. Special, foreign and grant entries are passed over;
 * while the dirty log is on, which says with the same types what was written to,
 * so are dirty pages.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <asm/irqflags.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* Regions swept, and entries passed on the way to them, in one call. */
#define SWEEP_REGIONS 4
#define SWEEP_STEPS   256
#define TYPES_SWEPT   (TYPE_BIT(p2m_ram_rw) | TYPE_BIT(p2m_ram_logdirty))

void p2m_pod_note(struct p2m_domain *p2m, unsigned long gfn)
{
	unsigned int i = __atomic_fetch_add(&p2m->pod_recent_next, 1, __ATOMIC_RELAXED);

	__atomic_store_n(&p2m->pod_recent[i % P2M_POD_RECENT], gfn, __ATOMIC_RELAXED);
}

/*
 * An instruction that needs two pages, neither written to yet, must not have the one taken away for the
 * other over and over.
 */
static bool is_recent(const struct p2m_domain *p2m, unsigned long gfn)
{
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		if (__atomic_load_n(&p2m->pod_recent[i], __ATOMIC_RELAXED) == gfn)
			return true;
	return false;
}

static bool is_zero(const struct page_info *page)
{
	const u64 *word = page_to_virt(page), *end = word + PAGE_SIZE / sizeof(*word);

	for (; word < end; word += 4)
		if (READ_ONCE(word[0]) | READ_ONCE(word[1]) | READ_ONCE(word[2]) | READ_ONCE(word[3]))
			return false;
	return true;
}

/* Empty, and referred to by its entry and by us. */
static bool is_unused(const struct page_info *page) { return page_count(page) == 2 && is_zero(page); }

static bool log_is_on(const struct p2m_domain *p2m)
{
	return __atomic_load_n(&p2m->logdirty, __ATOMIC_SEQ_CST);
}

static bool is_plain(ept_t e)
{
	return type_in(e, TYPES_SWEPT) && !(e.e & EPT_SPECIAL) && ept_access(e) == p2m_access_rwx;
}

/*
 * The page of the 4K entry at pos cannot be written to once b is flushed. With the log on, one that is dirty must
 * stay so.
 */
static bool protect_entry(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, struct p2m_batch *b)
{
	bool clean = ept_type(pos->e) == p2m_ram_logdirty;
	ept_t new = ept_retype(pos->e, p2m_ram_logdirty);

	new.e |= EPT_SWEPT;
	if (!is_plain(pos->e) || (!clean && log_is_on(p2m)) || !ept_replace(p2m, pos, gfn, new, b))
		return false;
	if (clean) {
		/* Whoever made it so may not have flushed yet. */
		b->need_flush = true;
	} else if (log_is_on(p2m)) {
		p2m_make_dirty(p2m, gfn);
		return false;
	}
	return true;
}

/* True: the page at gfn looks unused, and is protected. */
static bool protect(struct p2m_domain *p2m, unsigned long gfn, struct p2m_batch *b)
{
	struct ept_pos pos;
	struct page_info *page = p2m_get_page(p2m, gfn, P2M_QUERY, &pos);
	bool done;

	if (!page)
		return false;
	done = is_plain(pos.e) && is_unused(page) && !is_recent(p2m, gfn) &&
	       (!pos.level || !ept_reach(p2m, gfn, 0, TYPES_SWEPT, &pos)) && protect_entry(p2m, &pos, gfn, b);
	put_page(page);
	return done;
}

/* True: the page at gfn, protected before, is on its way to the cache. Else it can be written to again. */
static bool take(struct p2m_domain *p2m, unsigned long gfn, struct p2m_batch *b)
{
	ept_t pod = ept_leaf(p2m, gfn, INVALID_MFN, 0, p2m_pod, p2m_access_rwx);
	struct ept_pos pos;
	struct page_info *page = p2m_get_page(p2m, gfn, P2M_QUERY, &pos);
	bool taken;

	if (!page)
		return false;
	p2m_batch_reserve(b);
	/* Without the mark it was written to since, and made read-only again by somebody who has yet to flush. */
	taken = !pos.level && is_plain(pos.e) && (pos.e.e & EPT_SWEPT) &&
		ept_give_up(p2m, &pos, gfn, pod, is_unused, b);
	if (taken)
		p2m_settle(p2m, &pos, gfn, b);
	else
		p2m_make_dirty(p2m, gfn);
	put_page(page);
	return taken;
}

static unsigned int sweep_region(struct p2m_domain *p2m, unsigned long gfn)
{
	unsigned long found[BITS_TO_LONGS(EPT_ENTRIES)] = { 0 };
	struct p2m_batch b;
	unsigned int n = 0;

	p2m_batch_init(&b, p2m->domain);
	for (unsigned int i = 0; i < EPT_ENTRIES; i++)
		if (protect(p2m, gfn + i, &b))
			__set_bit(i, found);
	p2m_batch_flush(&b);
	for (unsigned int i = find_next_bit(found, EPT_ENTRIES, 0); i < EPT_ENTRIES;
	     i = find_next_bit(found, EPT_ENTRIES, i + 1))
		n += take(p2m, gfn + i, &b);
	if (n)
		ept_collapse(p2m, gfn, 1, 0, &b);
	p2m_batch_flush(&b);
	return n;
}

/* The next 2M region with RAM in it is the caller's to sweep: false when none was found in so many steps. */
static bool next_region(struct p2m_domain *p2m, unsigned long *gfn)
{
	unsigned long end = p2m_max_gfn(p2m->domain) + 1;

	for (unsigned int steps = 0; steps < SWEEP_STEPS; steps++) {
		unsigned long seen = __atomic_load_n(&p2m->sweep_gfn, __ATOMIC_RELAXED), next;
		struct ept_pos pos;

		*gfn = seen < end ? seen : 0;
		ept_walk(p2m, *gfn, 1, &pos);
		next = ept_next(*gfn, pos.level);
		if (!__atomic_compare_exchange_n(&p2m->sweep_gfn, &seen, next, false, __ATOMIC_RELAXED,
						 __ATOMIC_RELAXED))
			continue;
		__atomic_fetch_add(&p2m->sweep_barren, next - *gfn, __ATOMIC_RELAXED);
		if (pos.level == 1 && (ept_is_table(pos.e) || type_in(pos.e, TYPES_SWEPT)))
			return true;
	}
	return false;
}

static int sweep_some(struct p2m_domain *p2m)
{
	unsigned long gfn;

	for (unsigned int i = 0; i < SWEEP_REGIONS; i++) {
		unsigned long all = p2m_max_gfn(p2m->domain) + EPT_ENTRIES;

		if (p2m_dying(p2m) || __atomic_load_n(&p2m->sweep_barren, __ATOMIC_RELAXED) > 2 * all) {
			/* All of it, twice, in vain. Another time there may be some. */
			__atomic_store_n(&p2m->sweep_barren, 0, __ATOMIC_RELAXED);
			return -ENOMEM;
		}
		if (next_region(p2m, &gfn) && sweep_region(p2m, gfn)) {
			__atomic_store_n(&p2m->sweep_barren, 0, __ATOMIC_RELAXED);
			return 0;
		}
	}
	return -ERESTART;
}

int p2m_pod_sweep(struct p2m_domain *p2m)
{
	int rc = 0;

	if (!__atomic_exchange_n(&p2m->sweeping, true, __ATOMIC_ACQUIRE)) {
		rc = sweep_some(p2m);
		__atomic_store_n(&p2m->sweeping, false, __ATOMIC_RELEASE);
	}
	/* What another CPU finds is for all. */
	while (__atomic_load_n(&p2m->sweeping, __ATOMIC_ACQUIRE))
		cpu_relax();
	return rc;
}
