/* SPDX-License-Identifier: GPL-2.0-only */
/* The model: domains, frames, checks, random operations. Each operation's own half is in world_ops.c. */
#include "world.h"
#include "world-private.h"

unsigned long world_done[OP_CODES];

static const char *const op_names[OP_CODES] = {
	"add", "add_range", "remove", "release", "foreign", "remove_physmap", "grant", "ungrant", "move",
	"special", "change_one", "change_range", "access", "mmio", "unmmio", "pod_range", "pod_target",
	"fault", "logdirty", "read_dirty", "mark_dirty", "hold", "unhold", "touch", "flush", "kill",
	"preempt", "pool", "walk", "bad",
};
/* How often each code comes up, relative to the others. */
static const u8 weights[OP_CODES] = {
	60, 3, 25, 12, 80, 40, 25, 20, 15, 10, 12, 2, 8, 4, 4, 4, 4, 30, 2, 3, 8, 15, 15, 60, 12, 1, 1, 1, 2, 6,
};

struct op world_random_op(struct rng *r)
{
	static unsigned int total;
	struct op op;
	unsigned int pick;

	if (!total)
		for (unsigned int i = 0; i < OP_CODES; i++)
			total += weights[i];
	pick = rng_below(r, total);
	for (op.code = 0; pick >= weights[op.code]; op.code++)
		pick -= weights[op.code];
	op.dom = (u8)rng_next(r);
	op.dom2 = (u8)rng_next(r);
	op.order = (u8)rng_next(r);
	op.a = (u16)rng_next(r);
	op.b = (u16)rng_next(r);
	/* Half of all addresses lie close together. */
	if (rng_next(r) & 1)
		op.a &= 31;
	if (rng_next(r) & 1)
		op.b &= 31;
	op.arg = (u8)rng_next(r);
	op.fail = rng_below(r, 8) ? 0 : (u8)(1 + rng_below(r, 3));
	op.misc = (u16)rng_next(r);
	return op;
}

void world_print_op(FILE *f, const struct op *op)
{
	fprintf(f, "{ %u /* %s */, %u, %u, %u, %u, %u, %u, %u, %u },\n", op->code,
		op_names[op->code % OP_CODES], op->dom, op->dom2, op->order, op->a, op->b, op->arg, op->fail,
		op->misc);
}

/* ---- domains ---- */

static const unsigned long bases[W_SLOTS] = {
	0, (1UL << 18) - 1024, (1UL << 36) - W_GFNS, HOST_BLOCK_BASE,
};

static void slot_begin(struct world *w, unsigned int i)
{
	struct slot *s = &w->slot[i];

	memset(s->e, 0, sizeof(s->e));
	s->pods = 0;
	s->base = bases[i];
	s->identity = i == 3;
	s->logdirty = false;
	s->d = host_domain(w->next_id++, !i);
	p2m_set_pool(s->d, ~0UL);
	if (s->identity)
		p2m_set_identity(s->d);
	for (unsigned int k = 0; k < W_SPECIALS; k++) {
		s->special[k] = alloc_shared_page(s->d);
		w->refs[mfn_x(page_to_mfn(s->special[k]))]++;
	}
	p2m_batch_init(&s->b, s->d);
}

void world_begin(struct world *w)
{
	host_reset();
	memset(w, 0, sizeof(*w));
	w->next_id = 1;
	for (unsigned int i = 0; i < W_SLOTS; i++)
		slot_begin(w, i);
}

void w_flush(struct slot *s)
{
	p2m_batch_flush(&s->b);
	if (s->b.count || s->b.need_flush || s->b.tables)
		host_fail("a flushed batch is not empty");
	p2m_batch_init(&s->b, s->d);
}

/* A batch remembers tables, so it does not outlive a hypercall: all end before a quiescent state. */
void w_flush_all(struct world *w)
{
	for (unsigned int i = 0; i < W_SLOTS; i++)
		w_flush(&w->slot[i]);
	host_quiescent();
}

static void bury(struct world *w)
{
	struct zombie **z = &w->zombies;

	while (*z) {
		struct zombie *gone = *z;

		if (atomic64_read(&gone->d->tot_pages) || atomic64_read(&gone->d->xen_pages)) {
			z = &gone->next;
			continue;
		}
		*z = gone->next;
		host_free_domain(gone->d);
		free(gone);
	}
}

static void slot_end(struct world *w, struct slot *s)
{
	struct zombie *z = calloc(1, sizeof(*z));

	w_flush(s);
	host_kill(s->d);
	for (unsigned int i = 0; i < W_GFNS; i++)
		w_displace(w, s, i);
	for (unsigned int k = 0; k < W_SPECIALS; k++) {
		w_drop(w, mfn_x(page_to_mfn(s->special[k])));
		put_page(s->special[k]);
	}
	host_release_reserved(s->d);
	host_quiescent();
	host_rcu_barrier();
	if (atomic64_read(&s->d->arch.p2m->pool_used) != 1)
		host_fail("teardown left %ld tables", (long)atomic64_read(&s->d->arch.p2m->pool_used));
	z->d = s->d;
	z->next = w->zombies;
	w->zombies = z;
}

void w_kill(struct world *w, struct slot *s)
{
	w_flush_all(w);
	slot_end(w, s);
	bury(w);
	slot_begin(w, (unsigned int)(s - w->slot));
}

void world_end(struct world *w)
{
	for (unsigned int i = 0; i < w->holds; i++) {
		w_drop(w, mfn_x(page_to_mfn(w->hold[i])));
		put_page(w->hold[i]);
	}
	w->holds = 0;
	per_cpu__softirq_pending_bits = 0;
	w_flush_all(w);
	for (unsigned int i = 0; i < W_SLOTS; i++)
		slot_end(w, &w->slot[i]);
	bury(w);
	if (w->zombies)
		host_fail("d%u: %ld pages are still there", w->zombies->d->domain_id,
			  (long)atomic64_read(&w->zombies->d->tot_pages));
	host_rcu_barrier();
	if (host_frames_in_use())
		host_fail("%lu frames are still in use", host_frames_in_use());
}

/* ---- checks ---- */

static void check_gfn(struct world *w, struct slot *s, unsigned int i)
{
	const struct ment *m = &s->e[i];
	struct host_leaf hw = host_walk(s->d, s->base + i);
	enum p2m_type t;
	unsigned int order;
	mfn_t mfn = p2m_lookup(s->d, _gfn(s->base + i), &t, &order);
	const char *bad = NULL;

	if (t != m->type)
		bad = "type";
	else if (ept_type_has_mfn(t) ? mfn_x(mfn) != m->mfn : !mfn_eq(mfn, INVALID_MFN))
		bad = "frame";
	else if (order != hw.level * 9)
		bad = "order";
	else if ((hw.e >> 10 & 1) != m->gone)
		bad = "gone mark";
	else if ((hw.e >> 11 & 1) != m->special)
		bad = "special mark";
	else if (p2m_is_ram(t) && (hw.e >> 57 & 7) != m->access)
		bad = "access";
	else if (p2m_is_ram(t) && mfn_to_page(mfn)->u.inuse.gfn != s->base + i)
		bad = "owner's gfn";
	else if (p2m_is_referenced(t) && ((hw.e & EPT_EMT_MASK) >> EPT_EMT_SHIFT) != X86_MT_WB)
		bad = "memory type of RAM";
	else if (is_counted(m->type) && w->mark[m->mfn] && *(u64 *)mfn_to_virt(mfn) != w->mark[m->mfn])
		bad = "content";
	if (bad)
		host_fail("d%u gfn %#lx: wrong %s: type %u mfn %#lx entry %#lx; expected type %u mfn %#x%s%s",
			  s->d->domain_id, s->base + i, bad, t, mfn_x(mfn), (unsigned long)hw.e, m->type, m->mfn,
			  m->special ? " special" : "", m->gone ? " gone" : "");
}

/* Every count equals the reasons; what has a count and no reason is in a populate-on-demand cache. */
static void check_frames(struct world *w)
{
	unsigned long cached = 0, tables = 0, used = 0, in_cache = 0;
	u64 tot, cache, entries;

	for (unsigned long m = 1; m < W_FRAMES; m++) {
		const struct page_info *p = host_frame_table + m;
		u32 count = page_count(p);
		bool table = count && page_owner_id(p) == DOMID_XEN;

		used += p->state;
		tables += table;
		if (table || count == w->refs[m]) {
			/* I1 and B23: a referenced frame has an owner, a free one no count. */
			if (count && !page_owner_id(p))
				host_fail("frame %#lx has no owner", m);
			continue;
		}
		if (w->refs[m] || count != 1)
			host_fail("frame %#lx of d%u has count %u, expected %u", m, page_owner_id(p), count,
				  w->refs[m]);
		in_cache++;
	}
	for (unsigned int i = 0; i < W_SLOTS; i++) {
		struct slot *s = &w->slot[i];

		p2m_pod_get_target(s->d, &tot, &cache, &entries);
		cached += cache;
		tables -= (unsigned long)atomic64_read(&s->d->arch.p2m->pool_used) + s->d->arch.p2m->pool_free;
	}
	for (struct zombie *z = w->zombies; z; z = z->next)
		tables -= (unsigned long)atomic64_read(&z->d->arch.p2m->pool_used) + z->d->arch.p2m->pool_free;
	if (cached != in_cache)
		host_fail("%lu frames are mapped nowhere, %lu of them in caches", in_cache, cached);
	if (tables)
		host_fail("%ld tables more than accounted", (long)tables);
	if (used != host_frames_in_use())
		host_fail("%lu frames used, %lu counted", used, host_frames_in_use());
}

void world_check(struct world *w)
{
	w_flush_all(w);
	host_rcu_barrier();
	bury(w);
	for (unsigned int i = 0; i < W_SLOTS; i++) {
		struct slot *s = &w->slot[i];

		for (unsigned int g = 0; g < W_GFNS; g++)
			check_gfn(w, s, g);
		host_check_tree(s->d);
		if ((unsigned long)(atomic64_read(&s->d->tot_pages) + atomic64_read(&s->d->xen_pages)) !=
		    host_owned(s->d))
			host_fail("d%u: tot_pages %ld, owned %lu", s->d->domain_id,
				  (long)atomic64_read(&s->d->tot_pages), host_owned(s->d));
	}
	check_frames(w);
}
