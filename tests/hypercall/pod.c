/* SPDX-License-Identifier: GPL-2.0-only */
/* Populate on demand: more map than memory, the target, and what a balloon does with it. */
#include <stubdom/boot.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include "errors.h"
#include "target.h"

#define MAP    2048u /* gfns of the domain */
#define MEMORY 1024u /* pages it may have */

static uint64_t win; /* own gfns without RAM */
static domid_t dom;

static long pod(unsigned int cmd, domid_t id, uint64_t pages, struct xen_pod_target *t)
{
	*t = (struct xen_pod_target){ .target_pages = pages, .domid = id };
	return hc_memory_op(cmd, t);
}

static long on_demand(domid_t id, uint64_t first, unsigned long count, unsigned int order)
{
	xen_pfn_t gfns[8];
	struct xen_memory_reservation r = { .domid = id,
					    .nr_extents = count,
					    .extent_order = order,
					    .mem_flags = XENMEMF_populate_on_demand };

	for (unsigned int i = 0; i < count && i < ARRAY_SIZE(gfns); i++)
		gfns[i] = first + ((uint64_t)i << order);
	set_xen_guest_handle(r.extent_start, gfns);
	return hc_memory_op(XENMEM_populate_physmap, &r);
}

static bool accounts(uint64_t tot, uint64_t entries_less_cache)
{
	struct xen_pod_target t;

	return CHECK_EQ(pod(XENMEM_get_pod_target, dom, 0, &t), 0) && CHECK_EQ(t.tot_pages, tot) &&
	       CHECK_EQ(t.pod_entries - t.pod_cache_pages, entries_less_cache) &&
	       CHECK_EQ(domain_pages(dom), tot);
}

/* As libxl builds a guest with maxmem above memory: the target first, then the map. */
static bool build(void)
{
	struct xen_pod_target t;

	if (!CHECK_EQ(domain_create(&dom, 1, MAP + 256), 0))
		return false;
	CHECK_EQ(pod(XENMEM_set_pod_target, dom, MEMORY, &t), 0);
	CHECK_EQ(t.tot_pages, MEMORY);
	CHECK_EQ(t.pod_cache_pages, MEMORY);
	CHECK_EQ(t.pod_entries, 0);
	CHECK_EQ(on_demand(dom, 0, MAP / 512, 9), MAP / 512);
	return accounts(MEMORY, MAP - MEMORY);
}

static void setup(void)
{
	if (!win)
		win = hole_gfn_alloc(16, 1);
}

/* Dom0 looks at a page of the domain: the way its builder and its back ends first touch it. */
static long swap_word(uint64_t gfn, uint64_t value, uint64_t *old)
{
	volatile uint64_t *p = gfn_ptr(win);
	long rc = foreign_map(dom, gfn, win, 1);

	if (rc)
		return rc;
	*old = *p;
	*p = value;
	return foreign_unmap(win, 1);
}

static void target_and_entries(void)
{
	uint64_t free = host_free_settled(), old = 0;
	struct xen_pod_target t;

	if (!build())
		return;
	/* A page that is there now: memory moves from the cache to the map, and nothing else changes. */
	CHECK_EQ(swap_word(5, 7, &old), 0);
	CHECK_EQ(old, 0);
	accounts(MEMORY, MAP - MEMORY);
	CHECK_EQ(pod(XENMEM_get_pod_target, dom, 0, &t), 0);
	CHECK(t.pod_cache_pages < MEMORY && t.pod_entries < MAP);
	/* The balloon takes gfns that were never there. */
	CHECK_EQ(domain_depopulate(dom, 1500, 100, 0), 100);
	accounts(MEMORY, MAP - MEMORY - 100);
	/* And one that is: its memory is for the others. */
	CHECK_EQ(domain_depopulate(dom, 5, 1, 0), 1);
	accounts(MEMORY, MAP - MEMORY - 101);
	/* mem-set: more comes at once, less is the balloon's to give. */
	CHECK_EQ(pod(XENMEM_set_pod_target, dom, MEMORY + 76, &t), 0);
	accounts(MEMORY + 76, MAP - MEMORY - 177);
	CHECK_EQ(pod(XENMEM_set_pod_target, dom, 100, &t), 0);
	accounts(MEMORY + 76, MAP - MEMORY - 177);
	CHECK(domain_reap(dom));
	CHECK_EQ(host_free_wait(free, 2000), free);
}

/* Pages all over the map are touched; their number fits, the 2M around them would not. */
static void touches_all_over(void)
{
	uint64_t free = host_free_settled(), old = 0;
	unsigned int i;

	if (!build())
		return;
	for (i = 0; i < MAP; i += 8)
		if (!CHECK_EQ(swap_word(i, i + 1, &old), 0) || !CHECK_EQ(old, 0))
			break;
	for (i = 0; i < MAP; i += 8)
		if (!CHECK_EQ(swap_word(i, i + 2, &old), 0) || !CHECK_EQ(old, i + 1))
			break;
	accounts(MEMORY, MAP - MEMORY);
	CHECK(domain_reap(dom));
	CHECK_EQ(host_free_wait(free, 2000), free);
}

/* A balloon clears what it gives back, so each page of it is there for a moment. */
static void balloon(void)
{
	uint64_t free = host_free_settled(), old = 0;
	unsigned int i, gone = 0;

	if (!build())
		return;
	for (i = 0; i < 600; i++)
		if (!CHECK_EQ(swap_word(i * 3, i + 1, &old), 0))
			break;
	for (i = 0; i < MAP && gone < MAP - MEMORY; i++) {
		if (i % 3 == 0 && i / 3 < 600)
			continue;
		if (!CHECK_EQ(swap_word(i, 0, &old), 0) || !CHECK_EQ(old, 0) ||
		    !CHECK_EQ(domain_depopulate(dom, i, 1, 0), 1))
			break;
		gone++;
	}
	CHECK_EQ(gone, MAP - MEMORY);
	accounts(MEMORY, 0);
	/* It has all of its memory. */
	for (i = 0; i < MAP; i++) {
		bool used = i % 3 == 0 && i / 3 < 600;
		long rc = swap_word(i, 9, &old);

		if (rc == 0 && !CHECK_EQ(old, used ? i / 3 + 1 : 0))
			break;
		if (used && !CHECK_EQ(rc, 0))
			break;
	}
	accounts(MEMORY, 0);
	CHECK(domain_reap(dom));
	CHECK_EQ(host_free_wait(free, 2000), free);
}

static void refused(void)
{
	struct xen_pod_target t;

	CHECK_EQ(pod(XENMEM_get_pod_target, DOMID_NOBODY, 0, &t), -ESRCH);
	CHECK_EQ(pod(XENMEM_set_pod_target, DOMID_NOBODY, 10, &t), -ESRCH);
	CHECK_EQ(hc_memory_op(XENMEM_get_pod_target, BAD_PTR), -EFAULT);
	/* Not for oneself. */
	CHECK_EQ(on_demand(DOMID_SELF, win, 1, 0), 0);
}

static void unprivileged(void)
{
	struct xen_pod_target t;

	CHECK_EQ(pod(XENMEM_get_pod_target, 0, 0, &t), -EPERM);
	CHECK_EQ(pod(XENMEM_set_pod_target, 0, 10, &t), -EPERM);
}

static const struct test tests[] = {
	{ "target, cache and entries add up", target_and_entries, TEST_DOM0 },
	{ "touches all over the map", touches_all_over, TEST_DOM0 },
	{ "a balloon that clears its pages", balloon, TEST_DOM0 },
	{ "nobody, nowhere, oneself", refused, TEST_DOM0 },
	{ "target of another domain, unprivileged", unprivileged, TEST_GUEST },
};

AREA(pod, "pod", tests, setup, NULL);
