/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking at a p2m: ranges, counters, for tools and the debug key. Changes nothing. */
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/p2m.h>
#include "p2m-private.h"

#define PREEMPT_STEP 512
/* Ranges p2m_dump() prints at most. */
#define DUMP_RANGES 512UL

static const char *const type_names[P2M_TYPES] = {
	[p2m_invalid] = "hole",	     [p2m_ram_rw] = "ram",
	[p2m_ram_ro] = "ram-ro",     [p2m_ram_logdirty] = "ram-logdirty",
	[p2m_mmio_direct] = "mmio",  [p2m_mmio_dm] = "mmio-dm",
	[p2m_foreign] = "foreign",   [p2m_grant_rw] = "grant",
	[p2m_grant_ro] = "grant-ro", [p2m_pod] = "on-demand",
	[p2m_broken] = "broken",
};

s64 p2m_total(const struct p2m_domain *p2m, size_t offset)
{
	s64 sum = 0;

	for (unsigned int i = 0; i < P2M_COUNTS; i++)
		sum += atomic64_read((const atomic64_t *)((const char *)&p2m->counts[i] + offset));
	return sum;
}

void p2m_get_stats(const struct domain *d, struct p2m_stats *s)
{
	const struct p2m_domain *p2m = to_p2m(d);

	memset(s, 0, sizeof(*s));
	for (unsigned int t = p2m_invalid + 1; t < P2M_TYPES; t++)
		for (unsigned int level = 0; level < EPT_TOP; level++)
			s->entries[t][level] = (unsigned long)p2m_total(
				p2m, offsetof(struct p2m_counts, leaves) +
					     (level * P2M_TYPES + t) * sizeof(atomic64_t));
	s->tables = (unsigned long)atomic64_read(&p2m->pool_used);
	s->pool = p2m_get_pool(d);
	s->foreign_made = (unsigned long)p2m_total(p2m, offsetof(struct p2m_counts, foreign_made));
	s->foreign_released = -s->entries[p2m_foreign][0];
	s->entries[p2m_foreign][0] += s->foreign_made;
}

struct range {
	unsigned long start, nr;
	mfn_t mfn;
	enum p2m_type t;
};

static u16 owner_of(enum p2m_type t, mfn_t mfn)
{
	return p2m_is_referenced(t) && mfn_valid(mfn) ? page_owner_id(mfn_to_page(mfn)) : DOMID_INVALID;
}

/* A leaf that covers gfn, from gfn on, goes on where the range ends. */
static bool extends(const struct range *r, enum p2m_type t, mfn_t mfn)
{
	return r->nr && r->t == t && (!ept_type_has_mfn(t) || mfn_eq(mfn_add(r->mfn, r->nr), mfn)) &&
	       owner_of(t, r->mfn) == owner_of(t, mfn);
}

int p2m_walk(struct domain *d, unsigned long *gfn, unsigned long max_ranges,
	     int (*fn)(void *arg, gfn_t start, unsigned long nr, mfn_t mfn, enum p2m_type t), void *arg)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long g = *gfn, end = p2m_max_gfn(d) + 1, ranges = 0;
	struct range r = { .nr = 0 };
	bool stop = false;
	int rc = 0;

	for (unsigned int steps = 1; !rc && !stop; steps++) {
		struct ept_pos pos = { .e = EPT_EMPTY, .level = 0 };
		enum p2m_type t;
		unsigned long n;
		mfn_t mfn;

		if (g < end)
			ept_walk(p2m, g, 0, &pos);
		t = ept_type(pos.e);
		n = ept_next(g, pos.level) - g;
		mfn = ept_type_has_mfn(t) ? mfn_add(ept_mfn(pos.e), g & (ept_pages(pos.level) - 1))
					  : INVALID_MFN;
		stop = g >= end || (steps > PREEMPT_STEP && hypercall_preempt_check());
		if (!stop && extends(&r, t, mfn)) {
			r.nr += n;
		} else {
			if (r.nr) {
				rc = fn(arg, _gfn(r.start), r.nr, r.mfn, r.t);
				stop |= ++ranges == max_ranges;
			}
			*gfn = g;
			r = (struct range){ g, t == p2m_invalid ? 0 : n, mfn, t };
		}
		g += n;
	}
	if (rc)
		return rc;
	return *gfn < end ? -ERESTART : 0;
}

static int print_range(void *arg, gfn_t start, unsigned long nr, mfn_t mfn, enum p2m_type t)
{
	if (mfn_eq(mfn, INVALID_MFN))
		printk("  gfn %09lx-%09lx %s\n", gfn_x(start), gfn_x(start) + nr - 1, type_names[t]);
	else
		printk("  gfn %09lx-%09lx mfn %09lx %s\n", gfn_x(start), gfn_x(start) + nr - 1, mfn_x(mfn),
		       type_names[t]);
	return 0;
}

void p2m_dump(struct domain *d)
{
	struct p2m_stats s;
	unsigned long gfn = 0;

	p2m_get_stats(d, &s);
	printk("p2m of d%u: %lu tables of %lu, foreign mappings made %lu, released %lu, CPUs %#lx\n",
	       d->domain_id, s.tables, s.pool, s.foreign_made, s.foreign_released,
	       (unsigned long)p2m_cpus(to_p2m(d)).bits);
	for (unsigned int t = p2m_invalid + 1; t < P2M_TYPES; t++)
		if (s.entries[t][0] || s.entries[t][1] || s.entries[t][2])
			printk("  %-12s %lu x 4K, %lu x 2M, %lu x 1G\n", type_names[t], s.entries[t][0],
			       s.entries[t][1], s.entries[t][2]);
	if (p2m_walk(d, &gfn, DUMP_RANGES, print_range, NULL) == -ERESTART)
		printk("  more from gfn %lx\n", gfn);
}
