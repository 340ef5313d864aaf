/* SPDX-License-Identifier: GPL-2.0-only */
/* Bench: populate, decrease, foreign mappings, grants, log-dirty. */
#include <stubdom/time.h>
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/gnttab.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/x86.h>
#include "bench.h"

#define MAX_PAGES 512u

static domid_t dom;
static uint64_t win;
static xen_pfn_t gfns[MAX_PAGES];
static xen_ulong_t idxs[MAX_PAGES];
static int errs[MAX_PAGES];

/* The domain whose memory is worked on: made once, with 512 pages from gfn 0 on. */
static long need_dom(void)
{
	long rc;

	if (dom)
		return 0;
	rc = domain_create(&dom, 1, 8192);
	if (!rc && domain_populate(dom, 0, MAX_PAGES, 0) != MAX_PAGES)
		rc = -12;
	if (!win)
		win = hole_gfn_alloc(2 * MAX_PAGES, MAX_PAGES);
	return rc;
}

static long reserve(unsigned int cmd, uint64_t first, unsigned long count, unsigned int order)
{
	struct xen_memory_reservation r = { .domid = dom, .nr_extents = count, .extent_order = order };
	unsigned long i;

	for (i = 0; i < count; i++)
		gfns[i] = first + (i << order);
	set_xen_guest_handle(r.extent_start, gfns);
	return hc_memory_op(cmd, &r);
}

/* Long enough for the hypervisor to scrub, in its idle time, what the rows before gave back. */
#define IDLE_MS 3000

/* Time populate and decrease of count extents; the cheaper runs of ten, per extent. */
static long reservation(unsigned int timed, unsigned int count, unsigned int order)
{
	uint64_t t, took, best = ~0ull;
	unsigned int n;

	if (need_dom())
		return -12;
	sleep_ms(IDLE_MS);
	for (n = 0; n < 11; n++) {
		t = rdtsc();
		if (reserve(XENMEM_populate_physmap, 4096, count, order) != (long)count)
			return -1;
		took = rdtsc() - t;
		t = rdtsc();
		if (reserve(XENMEM_decrease_reservation, 4096, count, order) != (long)count)
			return -2;
		if (timed == XENMEM_decrease_reservation)
			took = rdtsc() - t;
		if (n && took < best)
			best = took;
	}
	return (long)((best - tsc_cost) / count);
}

#define RESERVATION(name, timed, count, order)           \
	static long name(void)                           \
	{                                                \
		return reservation(timed, count, order); \
	}

RESERVATION(populate_1, XENMEM_populate_physmap, 1, 0)
RESERVATION(populate_64, XENMEM_populate_physmap, 64, 0)
RESERVATION(populate_512, XENMEM_populate_physmap, 512, 0)
RESERVATION(populate_2m, XENMEM_populate_physmap, 1, 9)
RESERVATION(decrease_1, XENMEM_decrease_reservation, 1, 0)
RESERVATION(decrease_64, XENMEM_decrease_reservation, 64, 0)
RESERVATION(decrease_512, XENMEM_decrease_reservation, 512, 0)
RESERVATION(decrease_2m, XENMEM_decrease_reservation, 1, 9)

enum foreign_part { MAP, TOUCH, UNMAP, REPLACE };

static long map_batch(unsigned int count, unsigned int shift)
{
	unsigned int i;
	long rc;

	for (i = 0; i < count; i++) {
		idxs[i] = (i + shift) % MAX_PAGES;
		gfns[i] = win + i;
	}
	rc = foreign_map_batch(dom, idxs, gfns, errs, count);
	for (i = 0; !rc && i < count; i++)
		rc = errs[i];
	return rc;
}

/* One call that maps count pages is timed, without the filling of its arrays. */
static long timed_map(unsigned int count, unsigned int shift, uint64_t *took)
{
	unsigned int i;
	uint64_t t;
	long rc;

	for (i = 0; i < count; i++) {
		idxs[i] = (i + shift) % MAX_PAGES;
		gfns[i] = win + i;
	}
	t = rdtsc();
	rc = foreign_map_batch(dom, idxs, gfns, errs, count);
	*took = rdtsc() - t;
	for (i = 0; !rc && i < count; i++)
		rc = errs[i];
	return rc;
}

static long foreign(enum foreign_part part, unsigned int count)
{
	uint64_t took = 0, other, best = ~0ull, t;
	unsigned int n, i;
	long rc;

	if (need_dom())
		return -12;
	for (n = 0; n < 11; n++) {
		rc = timed_map(count, 0, part == MAP ? &took : &other);
		if (rc)
			return rc;
		t = rdtsc();
		for (i = 0; i < count; i++)
			*(volatile uint64_t *)gfn_ptr(win + i) = i;
		if (part == TOUCH)
			took = rdtsc() - t;
		if (part == REPLACE) {
			rc = timed_map(count, 7, &took);
			if (rc) {
				foreign_unmap(win, count);
				return rc;
			}
		}
		t = rdtsc();
		rc = foreign_unmap(win, count);
		if (part == UNMAP)
			took = rdtsc() - t;
		if (rc)
			return rc;
		if (n && took < best)
			best = took;
	}
	return (long)((best - tsc_cost) / count);
}

#define FOREIGN(name, part, count)           \
	static long name(void)               \
	{                                    \
		return foreign(part, count); \
	}

FOREIGN(map_1, MAP, 1)
FOREIGN(map_64, MAP, 64)
FOREIGN(map_512, MAP, 512)
FOREIGN(touch_1, TOUCH, 1)
FOREIGN(touch_64, TOUCH, 64)
FOREIGN(touch_512, TOUCH, 512)
FOREIGN(unmap_1, UNMAP, 1)
FOREIGN(unmap_64, UNMAP, 64)
FOREIGN(unmap_512, UNMAP, 512)
FOREIGN(replace_1, REPLACE, 1)
FOREIGN(replace_64, REPLACE, 64)
FOREIGN(replace_512, REPLACE, 512)

/* As Linux does: XENMEM_add_to_physmap_range, the other name of the batch, with one page a call. */
static long map_single(unsigned int count)
{
	uint64_t t;
	unsigned int i;
	long rc = need_dom();

	if (rc || map_batch(1, 0) || foreign_unmap(win, 1))
		return -12;
	t = rdtsc();
	for (i = 0; i < count && !rc; i++)
		rc = foreign_map(dom, i, win + i, 1);
	t = rdtsc() - t;
	foreign_unmap(win, count);
	return rc ? rc : (long)(t / count);
}

static long map_64_single(void)
{
	return map_single(64);
}

static long map_512_single(void)
{
	return map_single(512);
}

/* The life of a mapping as Linux makes it: one call to map a page, one to unmap it. */
static long map_unmap_single(void)
{
	uint64_t t;
	unsigned int i;
	long rc = need_dom();

	if (rc || map_batch(1, 0) || foreign_unmap(win, 1))
		return -12;
	t = rdtsc();
	for (i = 0; i < 64 && !rc; i++)
		rc = foreign_map(dom, i, win + i, 1) ?: foreign_unmap(win + i, 1);
	return rc ? rc : (long)((rdtsc() - t) / 64);
}

/* --- grants: of a guest, made by a function that runs in it */

#define REF GNTTAB_NR_RESERVED_ENTRIES

static long grant_page(uint64_t ref, uint64_t b __unused, uint64_t c __unused)
{
	long rc = gnttab_init();

	if (!rc)
		gnttab_grant((grant_ref_t)ref, 0, ptr_gfn(page_alloc()), 0);
	return rc;
}

enum grant_part { GRANT_MAP, GRANT_UNMAP, GRANT_COPY };

static long grant_once(struct guest *g, enum grant_part part, uint64_t *took)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = win << PAGE_SHIFT, .flags = GNTMAP_host_map, .ref = REF, .dom = g->id
	};
	struct gnttab_unmap_grant_ref u = { .host_addr = win << PAGE_SHIFT };
	struct gnttab_copy c = { .len = PAGE_SIZE, .flags = GNTCOPY_source_gref };
	uint64_t t = rdtsc();
	static void *page;

	if (!page)
		page = page_alloc();
	if (part == GRANT_COPY) {
		c.source.u.ref = REF;
		c.source.domid = g->id;
		c.dest.u.gmfn = ptr_gfn(page);
		c.dest.domid = DOMID_SELF;
		t = rdtsc();
		hc_grant_table_op(GNTTABOP_copy, &c, 1);
		*took = rdtsc() - t;
		return c.status;
	}
	t = rdtsc();
	hc_grant_table_op(GNTTABOP_map_grant_ref, &m, 1);
	*took = rdtsc() - t;
	if (m.status)
		return m.status;
	u.handle = m.handle;
	t = rdtsc();
	hc_grant_table_op(GNTTABOP_unmap_grant_ref, &u, 1);
	if (part == GRANT_UNMAP)
		*took = rdtsc() - t;
	return u.status;
}

static long grant(enum grant_part part)
{
	uint64_t took, best = ~0ull;
	struct guest g;
	unsigned int n;
	long rc;

	if (need_dom() || guest_start_server(&g, "", 1, 256))
		return -12;
	rc = guest_call(&g, grant_page, REF, 0, 0, 1000);
	for (n = 0; n < 11 && !rc; n++) {
		rc = grant_once(&g, part, &took);
		if (n && took < best)
			best = took;
	}
	guest_destroy(&g);
	return rc ? -1 : (long)(best - tsc_cost);
}

static long grant_map(void)
{
	return grant(GRANT_MAP);
}

static long grant_unmap(void)
{
	return grant(GRANT_UNMAP);
}

static long grant_copy(void)
{
	return grant(GRANT_COPY);
}

/* --- log-dirty: a guest writes to its own pages, each for the first time */

static long write_pages(uint64_t first, uint64_t count, uint64_t c __unused)
{
	uint64_t best = ~0ull, t;

	for (; count; count--, first++) {
		t = rdtsc();
		*(volatile uint64_t *)gfn_ptr(first) = count;
		t = rdtsc() - t;
		if (t < best)
			best = t;
	}
	return (long)best;
}

static long log_dirty_fault(void)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_shadow_op };
	struct guest g;
	uint64_t first;
	long rc, v;

	if (guest_start_server(&g, "", 1, 512))
		return -12;
	first = g.last_gfn - 200;
	guest_call(&g, write_pages, first, 64, 0, 1000);
	op.domain = g.id;
	op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY;
	rc = hc_domctl(&op);
	v = rc ? rc : guest_call(&g, write_pages, first, 64, 0, 1000);
	op.u.shadow_op.op = XEN_DOMCTL_SHADOW_OP_OFF;
	if (!rc)
		hc_domctl(&op);
	guest_destroy(&g);
	return v < 0 ? v : v - (long)tsc_cost;
}

const struct row rows_memory[] = {
	{ "populate 4K, 1", populate_1 },
	{ "populate 4K, per page of 64", populate_64 },
	{ "populate 4K, per page of 512", populate_512 },
	{ "populate one 2M page", populate_2m },
	{ "decrease 4K, 1", decrease_1 },
	{ "decrease 4K, per page of 64", decrease_64 },
	{ "decrease 4K, per page of 512", decrease_512 },
	{ "decrease one 2M page", decrease_2m },
	{ "foreign map, batch of 1", map_1 },
	{ "foreign map, batch, per page of 64", map_64 },
	{ "foreign map, batch, per page of 512", map_512 },
	{ "foreign map, one call a page, per page of 64", map_64_single },
	{ "foreign map, one call a page, per page of 512", map_512_single },
	{ "foreign map and unmap, two calls a page, per page of 64", map_unmap_single },
	{ "foreign touch, 1", touch_1 },
	{ "foreign touch, per page of 64", touch_64 },
	{ "foreign touch, per page of 512", touch_512 },
	{ "foreign unmap, 1", unmap_1 },
	{ "foreign unmap, per page of 64", unmap_64 },
	{ "foreign unmap, per page of 512", unmap_512 },
	{ "foreign page over a foreign page, 1", replace_1 },
	{ "foreign page over a foreign page, per page of 64", replace_64 },
	{ "foreign page over a foreign page, per page of 512", replace_512 },
	{ "grant map", grant_map },
	{ "grant unmap", grant_unmap },
	{ "grant copy 4K", grant_copy },
	{ "log-dirty write fault", log_dirty_fault },
};

const unsigned int row_count_memory = ARRAY_SIZE(rows_memory);
