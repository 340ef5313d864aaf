/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structured random hypercalls, repeatable by their seed: each call takes an operation from a table
 * and fills its argument with values that are likely to reach deep. The hypervisor must live, this
 * domain must live, and afterwards all memory must be accounted for.
 *
 * fuzz-dom0 calls from dom0, about victim domains; fuzz-guest has a guest do it.
 */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include <xen/hvm/dm_op.h>
#include "errors.h"

#define ARG_BYTES    256u
#define VICTIMS	     3u
#define VICTIM_PAGES 64u
#define BATCH	     16u
#define ROUND_SLACK  8ul /* pages */
#define GRANTS	     48u /* references of a victim that dom0 may map */
#define MAPS	     256u /* grant mappings remembered, to undo them */

struct grant_map {
	uint64_t addr;
	grant_handle_t handle;
	uint32_t flags; /* GNTMAP_*; 0: not used */
};

struct fuzz {
	struct rng rng;
	uint8_t *arg; /* a page: the argument */
	uint64_t *lists; /* a page: what the argument's handles point to */
	uint64_t scratch; /* own gfns that may be mapped, populated, removed */
	unsigned int scratch_count;
	domid_t victim[VICTIMS];
	struct grant_map map[MAPS];
	bool privileged;
	uint64_t kinds; /* which kinds of calls: all, or command line word kinds= */
};

static uint64_t below(struct fuzz *f, uint64_t limit)
{
	return rng_below(&f->rng, limit);
}

/* Numbers at the edges of things, or small, or any. */
static uint64_t interesting(struct fuzz *f)
{
	static const uint64_t edges[] = { 0,	      1,	  2,	       63,
					  64,	      0xff,	  0x100,       0xfff,
					  0x1000,     0xffff,	  0x10000,     0x7fffffff,
					  0x80000000, 0xffffffff, 0x100000000, 1ull << 40,
					  1ull << 47, 1ull << 52, 1ull << 62,  1ull << 63,
					  ~0ull,      ~0ull - 1 };

	switch (below(f, 4)) {
	case 0:
		return edges[below(f, ARRAY_SIZE(edges))];
	case 1:
		return below(f, 64);
	case 2:
		return below(f, 1u << 20);
	default:
		return rng_next(&f->rng) >> below(f, 64);
	}
}

static domid_t some_domain(struct fuzz *f)
{
	static const domid_t special[] = { DOMID_SELF,	  DOMID_IO,   DOMID_XEN,    DOMID_COW,
					   DOMID_INVALID, DOMID_IDLE, DOMID_NOBODY, 0 };
	uint64_t kind = below(f, 8);

	if (kind < 5 && f->privileged)
		return f->victim[below(f, VICTIMS)];
	if (kind < 7)
		return DOMID_SELF;
	return special[below(f, ARRAY_SIZE(special))];
}

/* A gfn of the scratch range, of a victim, or any. Never one this program lives in. */
static uint64_t some_gfn(struct fuzz *f)
{
	switch (below(f, 4)) {
	case 0:
	case 1:
		return f->scratch + below(f, f->scratch_count);
	case 2:
		return below(f, VICTIM_PAGES + 8) | (below(f, 8) ? 0 : 1ull << 40);
	default:
		return (1ull << 24) + below(f, 1u << 20);
	}
}

/*
 * An own gfn that a call may take away, for RAM, a foreign page or a grant. Real Xen crashes a domain
 * that populates or grant-maps over a foreign or grant mapping: there each kind has its third.
 */
enum kind { RAM, FOREIGN, GRANT };

static uint64_t own_gfn(struct fuzz *f, enum kind kind)
{
	uint64_t third = f->scratch_count / 3;

	if (!below(f, 16))
		return (1ull << 40) + interesting(f) % (1ull << 62); /* beyond any width */
	if (on_xen)
		return f->scratch + below(f, third) + kind * third;
	return f->scratch + below(f, f->scratch_count);
}

static void *some_pointer(struct fuzz *f, void *good)
{
	switch (below(f, 24)) {
	case 0:
		return BAD_PTR;
	case 1:
		return (void *)(1ul << 47);
	case 2:
		return (void *)~7ul;
	default:
		return good;
	}
}

static void fill_lists(struct fuzz *f, bool own)
{
	unsigned int i;

	for (i = 0; i < 3 * BATCH; i++)
		f->lists[i] = own ? own_gfn(f, RAM) : some_gfn(f);
}

static long fuzz_reservation(struct fuzz *f)
{
	static const unsigned int cmds[] = { XENMEM_populate_physmap, XENMEM_decrease_reservation,
					     XENMEM_increase_reservation, XENMEM_claim_pages };
	struct xen_memory_reservation *r = (void *)f->arg;

	r->domid = some_domain(f);
	fill_lists(f, !r->domid || r->domid >= DOMID_FIRST_RESERVED || !f->privileged);
	set_xen_guest_handle(r->extent_start, some_pointer(f, f->lists));
	r->nr_extents = below(f, 20) ? below(f, BATCH) : interesting(f);
	if (r->nr_extents > BATCH && r->nr_extents < 1ull << 40)
		r->nr_extents = BATCH;
	r->extent_order = below(f, 20) ? 0 : (unsigned int)interesting(f);
	if (r->extent_order && r->extent_order < 20)
		r->extent_order = 30;
	r->mem_flags = below(f, 8) ? 0 : (unsigned int)interesting(f) & ~(1u << 16);
	return hc_memory_op(cmds[below(f, ARRAY_SIZE(cmds))], some_pointer(f, r));
}

static long fuzz_physmap(struct fuzz *f)
{
	struct xen_add_to_physmap *m = (void *)f->arg;

	m->domid = below(f, 2) ? DOMID_SELF : some_domain(f);
	m->size = (uint16_t)below(f, 8);
	m->space = (unsigned int)(below(f, 8) ? 1 + below(f, 4) : interesting(f));
	m->idx = m->space == XENMAPSPACE_grant_table ? below(f, 40) : own_gfn(f, RAM);
	m->gpfn = own_gfn(f, RAM);
	return hc_memory_op(XENMEM_add_to_physmap, some_pointer(f, m));
}

static long fuzz_foreign(struct fuzz *f)
{
	struct xen_add_to_physmap_batch *b = (void *)f->arg;
	unsigned int i;

	b->domid = below(f, 8) ? DOMID_SELF : some_domain(f);
	b->space = below(f, 16) ? XENMAPSPACE_gmfn_foreign : (uint16_t)interesting(f);
	if (b->space == XENMAPSPACE_shared_info)
		b->space = XENMAPSPACE_gmfn_foreign;
	b->size = (uint16_t)below(f, BATCH);
	b->u.foreign_domid = some_domain(f);
	for (i = 0; i < BATCH; i++) {
		f->lists[i] = below(f, 8) ? below(f, VICTIM_PAGES) : some_gfn(f);
		f->lists[BATCH + i] = own_gfn(f, FOREIGN);
	}
	set_xen_guest_handle(b->idxs, some_pointer(f, f->lists));
	set_xen_guest_handle(b->gpfns, some_pointer(f, f->lists + BATCH));
	set_xen_guest_handle(b->errs, some_pointer(f, (int *)(f->lists + 2 * BATCH)));
	return hc_memory_op(XENMEM_add_to_physmap_batch, some_pointer(f, b));
}

static long fuzz_remove(struct fuzz *f)
{
	struct xen_remove_from_physmap *r = (void *)f->arg;

	r->domid = below(f, 4) ? DOMID_SELF : some_domain(f);
	r->gpfn = own_gfn(f, below(f, 2) ? FOREIGN : RAM);
	return hc_memory_op(XENMEM_remove_from_physmap, some_pointer(f, r));
}

static void random_bytes(struct fuzz *f, void *p, unsigned int n)
{
	uint64_t *w = p;

	/*
	 * A number may be taken for the address of a buffer, by its low 48 bits: keep those off the
	 * memory this program lives in.
	 */
	for (n /= 8; n; n--, w++) {
		uint64_t low;

		*w = interesting(f);
		low = *w & ((1ull << 48) - 1);
		if (low >= 1ull << 20 && low < 1ull << 32)
			*w &= 0xfffff;
	}
}

/* Sub-operations of memory_op that only ask or are for others. */
static long fuzz_memory_other(struct fuzz *f)
{
	static const unsigned int cmds[] = { 2,	 3,  4,	 5,  8,	 10, 11, 12, 14, 16,
					     17, 18, 19, 24, 25, 26, 27, 29, 40, 63 };

	random_bytes(f, f->arg, 64);
	*(domid_t *)f->arg = some_domain(f);
	return hc_memory_op(cmds[below(f, ARRAY_SIZE(cmds))], some_pointer(f, f->arg));
}

static long fuzz_evtchn(struct fuzz *f)
{
	static const unsigned int cmds[] = { EVTCHNOP_bind_interdomain,
					     EVTCHNOP_bind_virq,
					     EVTCHNOP_bind_pirq,
					     EVTCHNOP_send,
					     EVTCHNOP_status,
					     EVTCHNOP_alloc_unbound,
					     EVTCHNOP_bind_ipi,
					     EVTCHNOP_bind_vcpu,
					     EVTCHNOP_unmask,
					     EVTCHNOP_set_priority,
					     EVTCHNOP_close,
					     EVTCHNOP_close,
					     EVTCHNOP_close,
					     99 };
	unsigned int cmd = cmds[below(f, ARRAY_SIZE(cmds))];
	uint32_t *w = (uint32_t *)f->arg;
	unsigned int i;

	for (i = 0; i < 6; i++)
		w[i] = (uint32_t)(below(f, 3) ? below(f, 64) : interesting(f));
	if (cmd == EVTCHNOP_bind_interdomain || cmd == EVTCHNOP_alloc_unbound ||
	    cmd == EVTCHNOP_status) {
		((domid_t *)w)[0] = some_domain(f);
		((domid_t *)w)[1] = some_domain(f);
	}
	/* Leave the ports the program itself uses alone: they are the lowest. */
	if (cmd == EVTCHNOP_close && w[0] < 24)
		w[0] += 24;
	if (cmd == EVTCHNOP_bind_virq && w[0] == VIRQ_TIMER)
		w[0] = VIRQ_DEBUG;
	return hc_event_channel_op(cmd, some_pointer(f, w));
}

static long fuzz_grant_map(struct fuzz *f)
{
	struct gnttab_map_grant_ref *m = (void *)f->arg;
	unsigned int i;
	long rc;

	for (i = 0; i < MAPS && f->map[i].flags; i++)
		continue;
	if (i == MAPS)
		return -ENOSPC;
	if (on_xen && i >= f->scratch_count / 3)
		return -ENOSPC;
	m->host_addr = (on_xen ? f->scratch + 2 * (f->scratch_count / 3) + i : own_gfn(f, GRANT))
		       << PAGE_SHIFT;
	m->flags = (uint32_t)(below(f, 4) ? GNTMAP_host_map | below(f, 2) << 2 : below(f, 256));
	m->dom = some_domain(f);
	m->ref = (uint32_t)(below(f, 8) ? below(f, GRANTS + 8) : interesting(f));
	m->status = -1;
	rc = hc_grant_table_op(GNTTABOP_map_grant_ref, m, 1);
	if (!rc && m->status == GNTST_okay)
		f->map[i] = (struct grant_map){ m->host_addr, m->handle, m->flags };
	return rc ? rc : m->status;
}

static long unmap_grant(struct fuzz *f, unsigned int i)
{
	struct gnttab_unmap_grant_ref *u = (void *)f->arg;

	u->host_addr = f->map[i].flags & GNTMAP_host_map ? f->map[i].addr : 0;
	u->dev_bus_addr = 0;
	u->handle = f->map[i].handle;
	f->map[i].flags = 0;
	return hc_grant_table_op(GNTTABOP_unmap_grant_ref, u, 1);
}

static long fuzz_grant_unmap(struct fuzz *f)
{
	struct gnttab_unmap_grant_ref *u = (void *)f->arg;
	unsigned int i = (unsigned int)below(f, MAPS);

	if (f->map[i].flags && below(f, 8))
		return unmap_grant(f, i);
	u->host_addr = own_gfn(f, GRANT) << PAGE_SHIFT;
	u->dev_bus_addr = below(f, 8) ? 0 : interesting(f);
	u->handle = (uint32_t)(100000 + interesting(f) % 100000);
	return hc_grant_table_op(GNTTABOP_unmap_grant_ref, some_pointer(f, u), 1);
}

static long fuzz_grant_other(struct fuzz *f)
{
	unsigned int cmd = 3 + (unsigned int)below(f, 14), i, count = (unsigned int)below(f, 4);

	if (cmd == GNTTABOP_set_version)
		cmd = GNTTABOP_copy;
	random_bytes(f, f->arg, ARG_BYTES);
	for (i = 0; i < 4 && cmd == GNTTABOP_copy; i++) {
		struct gnttab_copy *c = (struct gnttab_copy *)f->arg + i;

		c->source.domid = some_domain(f);
		c->dest.domid = some_domain(f);
		c->source.u.gmfn =
			below(f, 2) ? own_gfn(f, below(f, 2) ? FOREIGN : RAM) : below(f, GRANTS);
		c->dest.u.gmfn =
			below(f, 2) ? own_gfn(f, below(f, 2) ? FOREIGN : RAM) : below(f, GRANTS);
		c->source.offset = (uint16_t)below(f, 8192);
		c->dest.offset = (uint16_t)below(f, 8192);
		c->len = (uint16_t)below(f, 5000);
		c->flags = (uint16_t)below(f, 4);
		/* A frame number of this domain beyond the scratch range may be the program's. */
		if (!(c->flags & GNTCOPY_dest_gref) &&
		    (c->dest.u.gmfn < f->scratch || c->dest.u.gmfn >= f->scratch + f->scratch_count))
			c->dest.u.gmfn = f->scratch;
	}
	return hc_grant_table_op(cmd, some_pointer(f, f->arg),
				 below(f, 16) ? count : (unsigned int)interesting(f) | 1u << 31);
}

static long fuzz_domctl(struct fuzz *f)
{
	/* Everything that exists but what creates, ends, or runs domains. */
	static const uint32_t cmds[] = { 3,  4,	 5,  9,	 10, 11, 12,   13,   14,   15,	 16, 17, 18,
					 19, 20, 21, 22, 24, 25, 29,   33,   34,   35,	 36, 38, 39,
					 40, 42, 43, 45, 48, 50, 54,   55,   56,   57,	 59, 60, 61,
					 62, 63, 64, 65, 67, 68, 69,   71,   72,   73,	 74, 75, 77,
					 78, 81, 82, 83, 84, 85, 1000, 1001, 1002, 1003, 99, 0 };
	struct xen_domctl *op = (void *)f->arg;

	memset(op, 0, sizeof(*op));
	random_bytes(f, &op->u, 48);
	op->cmd = cmds[below(f, ARRAY_SIZE(cmds))];
	op->domain = f->victim[below(f, VICTIMS)];
	if (!f->privileged || !below(f, 12))
		op->domain = DOMID_NOBODY;
	return hc_domctl(op);
}

static long fuzz_sysctl(struct fuzz *f)
{
	static const uint32_t cmds[] = { 3, 4, 6, 8, 9, 16, 17, 20, 21, 22, 23, 25, 26, 29, 99, 0 };
	struct xen_sysctl *op = (void *)f->arg;

	memset(op, 0, sizeof(*op));
	random_bytes(f, &op->u, 40);
	op->cmd = cmds[below(f, ARRAY_SIZE(cmds))];
	return hc_sysctl(op);
}

static long fuzz_hvm(struct fuzz *f)
{
	struct xen_hvm_param *p = (void *)f->arg;
	unsigned int cmd = (unsigned int)below(f, 3);

	random_bytes(f, f->arg, 64);
	p->domid = f->privileged ? f->victim[below(f, VICTIMS)] : DOMID_SELF;
	p->index = (uint32_t)(below(f, 8) ? below(f, HVM_NR_PARAMS + 2) : interesting(f));
	if (cmd == 0)
		return hc_hvm_op(HVMOP_get_param, some_pointer(f, p));
	if (cmd == 1 && f->privileged)
		return hc_hvm_op(HVMOP_set_param, some_pointer(f, p));
	*(domid_t *)f->arg = some_domain(f);
	return hc_hvm_op(HVMOP_get_mem_type, some_pointer(f, f->arg));
}

static long fuzz_vcpu_and_sched(struct fuzz *f)
{
	static const unsigned int vcpu_cmds[] = { VCPUOP_is_up,
						  VCPUOP_get_runstate_info,
						  VCPUOP_get_physid,
						  VCPUOP_set_periodic_timer,
						  VCPUOP_stop_periodic_timer,
						  40 };
	struct sched_remote_shutdown *r = (void *)f->arg;
	unsigned int cmd;

	random_bytes(f, f->arg, 64);
	if (below(f, 2)) {
		cmd = vcpu_cmds[below(f, ARRAY_SIZE(vcpu_cmds))];
		if (cmd == VCPUOP_set_periodic_timer)
			*(uint64_t *)f->arg = 1;
		return hc_vcpu_op(cmd, (unsigned int)(below(f, 2) ? 0 : interesting(f)),
				  some_pointer(f, f->arg));
	}
	r->domain_id = DOMID_NOBODY;
	return hc_sched_op(below(f, 2) ? SCHEDOP_remote_shutdown : 50, some_pointer(f, r));
}

static long fuzz_dm(struct fuzz *f)
{
	struct xen_dm_op *op = (void *)f->arg;
	struct xen_dm_op_buf bufs[2] = { { .size = below(f, 8) ? sizeof(*op) : below(f, 256) },
					 { .size = below(f, 256) } };
	uint16_t *w = (uint16_t *)&op->u;
	unsigned int i;

	memset(op, 0, sizeof(*op));
	op->op = (uint32_t)below(f, 20);
	op->pad = below(f, 32) ? 0 : 1;
	/* A server, a type and two bounds have their place in the first 24 bytes of most operations. */
	w[0] = (uint16_t)below(f, 9);
	for (i = 1; i < 12; i++)
		w[i] = (uint16_t)(below(f, 3) ? 0 : below(f, 2) ? below(f, 8) : interesting(f));
	/* Extents of modified memory: short, or the test is about nothing else. */
	for (i = 0; i < BATCH; i++) {
		f->lists[2 * i] = below(f, 16) ? below(f, 64) : below(f, 1u << 14) | below(f, 2) << 32;
		f->lists[2 * i + 1] = below(f, 8) ? below(f, VICTIM_PAGES) : some_gfn(f);
	}
	set_xen_guest_handle(bufs[0].h, some_pointer(f, op));
	set_xen_guest_handle(bufs[1].h, some_pointer(f, f->lists));
	return hypercall(__HYPERVISOR_dm_op, f->privileged ? f->victim[below(f, VICTIMS)] : some_domain(f),
			 below(f, 16) ? 1 + below(f, 2) : below(f, 4), HC_PTR(some_pointer(f, bufs)), 0, 0);
}

/* Grant tables and the pages of servers that fuzz_dm() made, over whatever the scratch gfns hold. */
static long fuzz_resource(struct fuzz *f)
{
	struct xen_mem_acquire_resource *a = (void *)f->arg;
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->domid = some_domain(f);
	a->type = (uint16_t)(below(f, 16) ? below(f, 2) : below(f, 5));
	a->id = (uint32_t)(below(f, 16) ? below(f, 3) : interesting(f));
	a->nr_frames = (uint32_t)(below(f, 16) ? below(f, BATCH) : interesting(f) | BATCH << 8);
	a->frame = below(f, 16) ? below(f, 4) : interesting(f);
	if (a->nr_frames > BATCH && a->nr_frames < 1u << 20)
		a->nr_frames = BATCH;
	for (i = 0; i < BATCH; i++)
		f->lists[i] = own_gfn(f, FOREIGN);
	if (below(f, 16))
		set_xen_guest_handle(a->frame_list, some_pointer(f, f->lists));
	return hc_memory_op(XENMEM_acquire_resource, some_pointer(f, a));
}

static long fuzz_version_and_others(struct fuzz *f)
{
	random_bytes(f, f->arg, 64);
	switch (below(f, 4)) {
	case 0:
		return hc_xen_version((unsigned int)below(f, 14), some_pointer(f, f->arg + 2048));
	case 1:
		return hc_physdev_op((unsigned int)below(f, 34), some_pointer(f, f->arg));
	case 2:
		return hc_vm_assist((unsigned int)below(f, 3), 40 + (unsigned int)below(f, 40));
	default: {
		static const unsigned int none[] = { 0,	 1,  2,	 3,  4,	 5,  8,	 9,  10, 11, 14,
						     19, 22, 25, 28, 30, 38, 42, 45, 50, 55 };

		return hypercall(none[below(f, ARRAY_SIZE(none))], interesting(f), interesting(f),
				 interesting(f), interesting(f), interesting(f));
	}
	}
}

/* One call of a kind that f->kinds (a bit each) allows. */
static long one_call(struct fuzz *f)
{
	static long (*const calls[])(struct fuzz *) = {
		fuzz_reservation,    fuzz_physmap,
		fuzz_foreign,	     fuzz_remove,
		fuzz_memory_other,   fuzz_evtchn,
		fuzz_grant_map,	     fuzz_grant_unmap,
		fuzz_grant_other,    fuzz_domctl,
		fuzz_sysctl,	     fuzz_hvm,
		fuzz_vcpu_and_sched, fuzz_version_and_others,
		fuzz_dm,	     fuzz_resource,
	};
	uint64_t kind;

	do {
		kind = below(f, ARRAY_SIZE(calls));
	} while (!(f->kinds >> kind & 1));
	return calls[kind](f);
}

/* The number of calls that did not fail. */
static unsigned long run(struct fuzz *f, unsigned long calls)
{
	unsigned long good = 0, i;

	for (i = 0; i < calls; i++)
		good += one_call(f) >= 0;
	return good;
}

/* The own grant table as large as it can be: what calls may grow, and what then stays. */
static void grow_grant_table(struct fuzz *f)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_setup_table s = { .dom = DOMID_SELF };

	if (hc_grant_table_op(GNTTABOP_query_size, &q, 1) || q.status)
		return;
	s.nr_frames = MIN(q.max_nr_frames, (uint32_t)(PAGE_SIZE / sizeof(xen_pfn_t)));
	set_xen_guest_handle(s.frame_list, (xen_pfn_t *)f->lists);
	hc_grant_table_op(GNTTABOP_setup_table, &s, 1);
}

static void fuzz_init(struct fuzz *f, uint64_t seed)
{
	rng_seed(&f->rng, seed);
	f->arg = page_alloc();
	f->lists = page_alloc();
	f->scratch_count = 96;
	f->scratch = hole_gfn_alloc(f->scratch_count, 1);
	f->privileged = is_dom0();
	timer_init(); /* its port must be one of those that stay */
	grow_grant_table(f);
	f->kinds = cmdline_number("kinds", 0xffff);
	if (!(f->kinds & 0xffff))
		f->kinds = 0xffff;
}

/* Let dom0 map the victim's pages: fill its grant table, through a foreign mapping of it. */
static void victim_grants(struct fuzz *f, domid_t dom)
{
	struct xen_add_to_physmap m = { .domid = dom,
					.space = XENMAPSPACE_grant_table,
					.gpfn = 2 * VICTIM_PAGES };
	struct grant_entry_v1 *table = gfn_ptr(f->scratch);
	unsigned int i;

	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, &m), 0);
	if (!CHECK_EQ(foreign_map(dom, 2 * VICTIM_PAGES, f->scratch, 1), 0))
		return;
	for (i = GNTTAB_NR_RESERVED_ENTRIES; i < GRANTS; i++) {
		table[i].frame = i;
		table[i].domid = 0;
		barrier();
		table[i].flags = (uint16_t)(GTF_permit_access | (i % 4 ? 0 : GTF_readonly));
	}
	CHECK_EQ(foreign_unmap(f->scratch, 1), 0);
}

static void victims_create(struct fuzz *f)
{
	unsigned int i;

	for (i = 0; i < VICTIMS; i++) {
		CHECK_EQ(domain_create(&f->victim[i], 1, 256), 0);
		CHECK_EQ(domain_populate(f->victim[i], 0, VICTIM_PAGES, 0), VICTIM_PAGES);
		victim_grants(f, f->victim[i]);
	}
}

/* Unmap what is left in the scratch gfns and the ports that were opened. */
static void clean_up(struct fuzz *f)
{
	evtchn_port_t port;
	unsigned int i;

	for (i = 0; i < MAPS; i++)
		if (f->map[i].flags)
			unmap_grant(f, i);
	for (i = 0; i < f->scratch_count; i++) {
		if (domain_depopulate(DOMID_SELF, f->scratch + i, 1, 0) != 1)
			foreign_unmap(f->scratch + i, 1);
		foreign_unmap(f->scratch + i, 1);
	}
	for (port = 24; port < EVENT_PORTS; port++)
		event_close(port);
}

/* A round about new victims, which die at its end. */
static void dom0_round(struct fuzz *f, unsigned long calls)
{
	unsigned int i;

	victims_create(f);
	tap_note("%lu of %lu calls succeeded", run(f, calls), calls);
	clean_up(f);
	for (i = 0; i < VICTIMS; i++)
		CHECK(domain_reap(f->victim[i]));
}

/*
 * What dom0's own tables once grew to stays (p2m, event channels, grant mappings): a first round
 * lets them grow, and the second may add a few pages, but no page a call.
 */
static void from_dom0(void)
{
	unsigned long calls = cmdline_number("calls", 10000), seed = cmdline_number("seed", 1);
	static struct fuzz f;
	uint64_t before, after;

	tap_note("fuzz seed=%lu calls=%lu", seed, calls);
	fuzz_init(&f, seed);
	dom0_round(&f, calls / 4);
	before = host_free_settled() + domain_pages(0);
	dom0_round(&f, calls - calls / 4);
	after = host_free_settled() + domain_pages(0);
	tap_note("pages free or dom0's: %lu, before %lu", after, before);
	tap_uses_difference(__FILE__, __LINE__);
	if (!on_xen)
		CHECK(before - after + ROUND_SLACK <= 2 * ROUND_SLACK);
}

static const struct test dom0_tests[] = {
	{ "dom0 and the hypervisor live, memory is accounted for", from_dom0, TEST_DOM0 },
};

AREA_MANUAL(fuzz_dom0, "fuzz-dom0", dom0_tests, NULL, NULL);

static long guest_fuzz(uint64_t seed, uint64_t calls, uint64_t first)
{
	static struct fuzz f;

	if (first)
		fuzz_init(&f, seed);
	return (long)run(&f, calls);
}

static void from_guest(void)
{
	unsigned long calls = cmdline_number("calls", 10000), seed = cmdline_number("seed", 1);
	unsigned long done, good = 0;
	uint64_t before, own = domain_pages(0);
	struct guest g;

	/* The first guest may cost what stays, as tables of dom0's own p2m. */
	REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
	CHECK(guest_destroy(&g));
	before = host_free_settled();
	REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
	tap_note("fuzz seed=%lu calls=%lu", seed, calls);
	for (done = 0; done < calls; done += 1000) {
		long n = guest_call(&g, guest_fuzz, seed, MIN(calls - done, 1000ul), !done, 60000);

		if (!CHECK(n >= 0))
			break;
		good += (unsigned long)n;
	}
	tap_note("%lu calls succeeded", good);
	CHECK(!guest_is_down(&g, NULL));
	CHECK(guest_destroy(&g));
	tap_uses_difference(__FILE__, __LINE__);
	CHECK_EQ(domain_pages(0), own);
	if (on_xen)
		tap_note("free pages %lu, were %lu", host_free_settled(), before);
	else
		CHECK_EQ(host_free_wait(before, 100), before);
}

static const struct test guest_tests[] = {
	{ "the guest and the hypervisor live, memory is accounted for", from_guest, TEST_DOM0 },
};

AREA_MANUAL(fuzz_guest, "fuzz-guest", guest_tests, NULL, NULL);
