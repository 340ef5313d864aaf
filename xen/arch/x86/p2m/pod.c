/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Populate on demand: a domain boots with a larger memory map than it has
 * memory for, and its balloon driver gives gfns back before they were ever
 * backed. Entries say "not backed yet"; a cache of the domain's own frames
 * (owned and counted, but mapped nowhere) backs them at the first access.
 *
 * Only frames of the allocator, and frames released by the guest or found empty
 * (pod_sweep.c) with no other reference, enter the cache; special, foreign and
 * granted ones never do (lesson B36).
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* Looks at the entry in one call: splits down to it, and a few sweeps. */
#define POPULATE_ROUNDS 16

static const unsigned int chunk_order[P2M_POD_CHUNKS] = { PAGE_ORDER_4K, PAGE_ORDER_2M };

static unsigned long cached(const struct p2m_domain *p2m)
{
	return __atomic_load_n(&p2m->pod_cache, __ATOMIC_RELAXED);
}

/* ---- the cache ---- */

static void push_locked(struct p2m_domain *p2m, unsigned int chunk, struct page_info *page)
{
	struct page_info *next = p2m->pod_free[chunk];

	page->u.inuse.gfn = next ? mfn_x(page_to_mfn(next)) : gfn_x(INVALID_GFN);
	p2m->pod_free[chunk] = page;
}

static struct page_info *pop_locked(struct p2m_domain *p2m, unsigned int chunk)
{
	struct page_info *page = p2m->pod_free[chunk];
	unsigned long next;

	if (!page)
		return NULL;
	next = page->u.inuse.gfn;
	p2m->pod_free[chunk] = next == gfn_x(INVALID_GFN) ? NULL : mfn_to_page(_mfn(next));
	return page;
}

static void add_cached(struct p2m_domain *p2m, long n)
{
	__atomic_store_n(&p2m->pod_cache, p2m->pod_cache + (unsigned long)n, __ATOMIC_RELAXED);
}

static void cache_put(struct p2m_domain *p2m, unsigned int chunk, struct page_info *page)
{
	spin_lock(&p2m->pod_lock);
	push_locked(p2m, chunk, page);
	add_cached(p2m, 1L << chunk_order[chunk]);
	spin_unlock(&p2m->pod_lock);
}

static struct page_info *cache_get(struct p2m_domain *p2m, unsigned int chunk)
{
	struct page_info *page;

	spin_lock(&p2m->pod_lock);
	page = pop_locked(p2m, chunk);
	if (!page && !chunk) {
		/* Break up a large one. */
		page = pop_locked(p2m, 1);
		for (unsigned int i = EPT_ENTRIES - 1; page && i; i--)
			push_locked(p2m, 0, page + i);
	}
	if (page)
		add_cached(p2m, -(1L << chunk_order[chunk]));
	spin_unlock(&p2m->pod_lock);
	return page;
}

bool p2m_pod_reclaim(struct p2m_domain *p2m, struct page_info *page)
{
	/*
	 * One reference: ours. A look-up that still has the old entry in hand may
	 * take another for a moment, but finds the entry gone and drops it.
	 */
	if (!p2m_pod_wants(p2m) || p2m_dying(p2m) || page_count(page) != 1)
		return false;
	memset(page_to_virt(page), 0, PAGE_SIZE);
	cache_put(p2m, 0, page);
	return true;
}

bool p2m_pod_trim(struct p2m_domain *p2m, unsigned long keep, unsigned long max)
{
	for (; cached(p2m) > keep; max--) {
		struct page_info *page = max ? cache_get(p2m, 0) : NULL;

		if (!page)
			return !max ? false : true;
		page->u.inuse.gfn = gfn_x(INVALID_GFN);
		put_page(page);
	}
	return true;
}

/* ---- entries ---- */

int p2m_pod_set_range(struct domain *d, gfn_t gfn, unsigned int order)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long nr = 1UL << (order & 63);
	struct p2m_batch b;
	int rc;

	if (order > PAGE_ORDER_1G || !p2m_gfn_valid(gfn_x(gfn), nr) || p2m_dying(p2m))
		return -EINVAL;
	p2m_batch_init(&b, d);
	rc = p2m_fill(p2m, gfn_x(gfn), nr, INVALID_MFN, p2m_pod, TYPE_BIT(p2m_invalid), &b);
	p2m_batch_flush(&b);
	return rc;
}

/* Backs the entry at pos, by a chunk of its level: 0, -EAGAIN (no such chunk), or 1: it has changed. */
static int back_entry(struct p2m_domain *p2m, unsigned long gfn, struct ept_pos *pos, struct p2m_batch *b)
{
	unsigned long start = gfn & ~(ept_pages(pos->level) - 1);
	struct page_info *page = cache_get(p2m, pos->level);
	unsigned int level = pos->level;
	ept_t new;

	if (!page)
		return -EAGAIN;
	p2m_pod_note(p2m, gfn);
	p2m_set_owner_gfn(page_to_mfn(page), ept_pages(level), start, 1);
	new = ept_leaf(p2m, start, page_to_mfn(page), level, p2m_ram_rw, p2m_access_rwx);
	if (!ept_replace(p2m, pos, gfn, new, b)) {
		cache_put(p2m, level, page);
		return 1;
	}
	p2m_settle(p2m, pos, gfn, b);
	return 0;
}

/*
 * 2M for one touch, of which the guest may need no more than a page: as long as what is left then is not
 * little against what it may still touch.
 */
static bool is_plenty(const struct p2m_domain *p2m)
{
	return 4 * cached(p2m) > p2m_pod_entries(p2m) + 3 * EPT_ENTRIES;
}

/* One try. 1: look again. */
static int populate(struct p2m_domain *p2m, unsigned long gfn, struct p2m_batch *b)
{
	struct ept_pos pos;
	int rc = -EAGAIN;

	ept_look(p2m, gfn, &pos);
	if (ept_type(pos.e) != p2m_pod)
		return 0;
	if (!pos.level || (pos.level == 1 && is_plenty(p2m)))
		rc = back_entry(p2m, gfn, &pos, b);
	if (rc != -EAGAIN)
		return rc;
	if (pos.level)
		return ept_reach(p2m, gfn, pos.level - 1, TYPE_BIT(p2m_pod), &pos) < 0 ? -ENOMEM : 1;
	rc = p2m_pod_sweep(p2m);
	return rc ? rc : 1;
}

int p2m_pod_populate(struct p2m_domain *p2m, unsigned long gfn)
{
	struct p2m_batch b;
	int rc;

	p2m_batch_init(&b, p2m->domain);
	/* What one CPU's sweep finds another's touches may take: the guest, or the hypercall, tries again. */
	for (unsigned int tries = 0; (rc = populate(p2m, gfn, &b)) == 1;) {
		if (++tries == POPULATE_ROUNDS) {
			rc = -ERESTART;
			break;
		}
	}
	p2m_batch_flush(&b);
	if (rc == -ENOMEM)
		gprintk(XENLOG_G_WARNING "d%u: no memory to populate gfn %#lx on demand (%lu pages to go)\n",
			p2m->domain->domain_id, gfn, p2m_pod_entries(p2m));
	return rc;
}

/* ---- the tool stack's target ---- */

static int grow(struct p2m_domain *p2m, unsigned long to)
{
	while (cached(p2m) < to) {
		unsigned int chunk = to - cached(p2m) >= EPT_ENTRIES;
		struct page_info *page = alloc_domheap_pages(p2m->domain, chunk_order[chunk], 0);

		if (!page && chunk) {
			chunk = 0;
			page = alloc_domheap_pages(p2m->domain, 0, 0);
		}
		if (!page)
			return -ENOMEM;
		cache_put(p2m, chunk, page);
		if (cached(p2m) < to && hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

/*
 * target: pages the domain is to have, populated and cached. Before anything is populated the cache takes all
 * of it; later it takes what is missing, but never more than there are entries to populate. A target below
 * what the domain has is the balloon driver's to reach.
 */
int p2m_pod_set_target(struct domain *d, unsigned long target)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long tot = (unsigned long)atomic64_read(&d->tot_pages), entries = p2m_pod_entries(p2m);
	unsigned long populated = tot - min(tot, cached(p2m)), want;

	if (p2m_dying(p2m))
		return -EINVAL;
	if ((populated && !entries) || target < tot)
		return 0;
	want = target - populated;
	if (populated)
		want = min(want, entries);
	if (want > cached(p2m))
		return grow(p2m, want);
	while (!p2m_pod_trim(p2m, want, EPT_ENTRIES))
		if (hypercall_preempt_check())
			return -ERESTART;
	return 0;
}

void p2m_pod_get_target(const struct domain *d, u64 *tot, u64 *cache, u64 *entries)
{
	*tot = (u64)atomic64_read(&d->tot_pages);
	*cache = cached(to_p2m(d));
	*entries = p2m_pod_entries(to_p2m(d));
}
