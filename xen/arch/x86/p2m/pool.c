// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames for table pages. The pool of a guest is set aside from the host's
 * memory when the tool stack gives its size, so a guest that maps sparsely runs
 * into its own limit and nobody else feels it. dom0 has a pool to begin with,
 * and after that what the host has.
 */
#include <xen/lib.h>
#include <xen/softirq.h>
#include <xen/sched.h>
#include "p2m-private.h"

#define NO_FRAME 0xffffffffU
/* Frames moved between two looks for pending work. */
#define POOL_STEP 64

void p2m_pool_init(struct p2m_domain *p2m)
{
	spin_lock_init(&p2m->pool_lock, RANK_LEAF);
	p2m->pool_first = NO_FRAME;
}

static void push(struct p2m_domain *p2m, struct page_info *page)
{
	spin_lock(&p2m->pool_lock);
	page->u.link.next = p2m->pool_first;
	p2m->pool_first = (u32)mfn_x(page_to_mfn(page));
	p2m->pool_free++;
	spin_unlock(&p2m->pool_lock);
}

static struct page_info *pop(struct p2m_domain *p2m)
{
	struct page_info *page = NULL;

	spin_lock(&p2m->pool_lock);
	if (p2m->pool_first != NO_FRAME) {
		page = mfn_to_page(_mfn(p2m->pool_first));
		p2m->pool_first = page->u.link.next;
		p2m->pool_free--;
	}
	spin_unlock(&p2m->pool_lock);
	return page;
}

struct page_info *p2m_pool_take(struct p2m_domain *p2m)
{
	s64 limit = (s64)min(__atomic_load_n(&p2m->pool_limit, __ATOMIC_RELAXED), (unsigned long)INT64_MAX);
	struct page_info *page = NULL;

	if (atomic64_add_return(1, &p2m->pool_used) <= limit) {
		page = pop(p2m);
		if (!page)
			page = alloc_pages(0, MEMF_no_scrub);
	}
	if (!page)
		atomic64_add_return(-1, &p2m->pool_used);
	return page;
}

void p2m_pool_give(struct p2m_domain *p2m, struct page_info *page)
{
	atomic64_add_return(-1, &p2m->pool_used);
	if (__atomic_load_n(&p2m->pool_kept, __ATOMIC_RELAXED))
		push(p2m, page);
	else
		free_pages(page, 0);
}

void p2m_pool_replace(struct p2m_domain *p2m)
{
	struct page_info *page;

	atomic64_add_return(-1, &p2m->pool_used);
	/* The domain dies: it needs no more tables, and the host what it leaves. */
	if (!__atomic_load_n(&p2m->pool_kept, __ATOMIC_RELAXED) || p2m_dying(p2m))
		return;
	page = alloc_pages(0, MEMF_no_scrub);
	if (page)
		push(p2m, page);
}

/* Fewer frames in the list. False: there is more to do. */
static bool shrink(struct p2m_domain *p2m, unsigned long target)
{
	for (unsigned int n = 1; __atomic_load_n(&p2m->pool_free, __ATOMIC_RELAXED) > target; n++) {
		struct page_info *page = pop(p2m);

		if (!page)
			break;
		free_pages(page, 0);
		if (!(n % POOL_STEP) && hypercall_preempt_check())
			return false;
	}
	return true;
}

static int grow(struct p2m_domain *p2m, unsigned long target)
{
	for (unsigned int n = 1; __atomic_load_n(&p2m->pool_free, __ATOMIC_RELAXED) < target; n++) {
		struct page_info *page = alloc_pages(0, MEMF_no_scrub);

		if (!page)
			return -ENOMEM;
		push(p2m, page);
		if (!(n % POOL_STEP) && hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

bool p2m_pool_drain(struct p2m_domain *p2m)
{
	__atomic_store_n(&p2m->pool_kept, false, __ATOMIC_RELAXED);
	return shrink(p2m, 0);
}

int p2m_preallocate(struct domain *d, unsigned int pages)
{
	struct p2m_domain *p2m = to_p2m(d);
	int rc;

	do
		rc = grow(p2m, pages);
	while (rc == -ERESTART);
	__atomic_store_n(&p2m->pool_kept, true, __ATOMIC_RELAXED);
	return rc;
}

int p2m_set_pool(struct domain *d, unsigned long pages)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long used = (unsigned long)atomic64_read(&p2m->pool_used);
	unsigned long free;
	int rc;

	if (p2m_dying(p2m))
		return -EINVAL;
	if (pages == ~0UL) {
		__atomic_store_n(&p2m->pool_limit, pages, __ATOMIC_RELAXED);
		return 0;
	}
	/* Tables in use are not given up: the limit never says less than there are. */
	pages = max(pages, used);
	free = pages - used;
	if (__atomic_load_n(&p2m->pool_free, __ATOMIC_RELAXED) > free) {
		__atomic_store_n(&p2m->pool_limit, pages, __ATOMIC_RELAXED);
		return shrink(p2m, free) ? 0 : -ERESTART;
	}
	rc = grow(p2m, free);
	if (rc == -ENOMEM) {
		unsigned long limit = __atomic_load_n(&p2m->pool_limit, __ATOMIC_RELAXED);
		bool kept = __atomic_load_n(&p2m->pool_kept, __ATOMIC_RELAXED);

		/* All of it at once: the host has no memory left, and only the tool stack can ask for this. */
		while (!shrink(p2m, kept && limit > used ? limit - used : 0))
			;
	}
	if (rc)
		return rc;
	__atomic_store_n(&p2m->pool_limit, pages, __ATOMIC_RELAXED);
	__atomic_store_n(&p2m->pool_kept, true, __ATOMIC_RELAXED);
	return 0;
}

unsigned long p2m_get_pool(const struct domain *d)
{
	return __atomic_load_n(&to_p2m(d)->pool_limit, __ATOMIC_RELAXED);
}
