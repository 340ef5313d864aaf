/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The batch: what entries gave up, held back until no CPU can use it any more
 * (I2). One batch serves a whole hypercall; a full one flushes itself. Never
 * flushed under a lock of rank P2M or higher: a last reference may end a domain.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/rcupdate.h>
#include <xen/sched.h>
#include <asm/p2m.h>
#include "p2m-private.h"

void (*p2m_flush_hook)(struct p2m_domain *p2m, bool ram);

void p2m_batch_init(struct p2m_batch *b, struct domain *d)
{
	b->p2m = to_p2m(d);
	b->need_flush = 0;
	b->count = 0;
	b->tables = NULL;
	/* No gfn is like it: tables are remembered from here on. */
	b->cached_gfn = b->fcached_gfn = INVALID_GFN;
}

void p2m_batch_table(struct p2m_batch *b, ept_t *table)
{
	struct page_info *page = virt_to_page(table);

	/* Its frame table entry is free for use until call_rcu() takes it. */
	page->u.rcu.next = b->tables ? &b->tables->u.rcu : NULL;
	b->tables = page;
	/* CPUs may hold pointers to it in their paging-structure caches. */
	b->need_flush = P2M_FLUSH_ALL;
}

void p2m_drop_frames(struct p2m_domain *p2m, mfn_t mfn, unsigned long nr, unsigned int flags)
{
	struct page_info *page = mfn_to_page(mfn);

	if (!flags && nr > 1) {
		put_pages(page, nr);
		return;
	}
	for (; nr; nr--, page++) {
		if (flags & P2M_PUT_RESERVED)
			put_page_reserved(page);
		else if (!(flags & P2M_PUT_POD) || !p2m_pod_reclaim(p2m, page))
			put_page(page);
	}
}

static void free_table_rcu(struct rcu_head *head)
{
	free_pages(container_of(head, struct page_info, u.rcu), 0);
}

static void free_tables(struct p2m_batch *b)
{
	struct page_info *page = b->tables;

	b->tables = NULL;
	while (page) {
		struct rcu_head *next = page->u.rcu.next;

		p2m_pool_replace(b->p2m);
		call_rcu(&page->u.rcu, free_table_rcu);
		page = next ? container_of(next, struct page_info, u.rcu) : NULL;
	}
}

static void flush(struct p2m_domain *p2m, bool ram)
{
	/*
	 * The entries were changed by full barriers; a CPU marks itself by one
	 * before it first walks the tree. So a CPU that is not in the set yet
	 * cannot have loaded what was there before.
	 */
	if (p2m_flush_hook && !cpumask_empty(p2m_cpus(p2m)))
		p2m_flush_hook(p2m, ram);
}

void p2m_batch_flush(struct p2m_batch *b)
{
	unsigned int n = b->count;

	if (b->need_flush) {
		flush(b->p2m, b->need_flush & P2M_FLUSH_ALL);
		b->need_flush = 0;
	}
	b->count = 0;
	for (unsigned int i = 0; i < n; i++) {
		mfn_t mfn = _mfn(b->put[i].mfn);

		if (likely(!(b->put[i].order | b->put[i].flags)))
			put_page(mfn_to_page(mfn));
		else
			p2m_drop_frames(b->p2m, mfn, 1UL << b->put[i].order, b->put[i].flags);
	}
	if (unlikely(b->tables))
		free_tables(b);
}

/* ---- which CPUs ---- */

void p2m_mark_cpu(struct domain *d, unsigned int cpu)
{
	struct p2m_domain *p2m = to_p2m(d);

	if (!test_bit(cpu, &p2m->cpus.bits))
		cpumask_set_atomic(&p2m->cpus, cpu);
}

cpumask_t p2m_cpus(const struct p2m_domain *p2m)
{
	return (cpumask_t){ __atomic_load_n(&p2m->cpus.bits, __ATOMIC_SEQ_CST) };
}

struct domain *p2m_to_domain(const struct p2m_domain *p2m) { return p2m->domain; }
