/* SPDX-License-Identifier: GPL-2.0-only */
/* XENMEM_*: reservations, physmap, sizes, memory map; of the own and of another domain. */
#include <stubdom/boot.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/trap.h>
#include "errors.h"
#include "target.h"

static uint64_t win; /* 2 MiB aligned own gfns without RAM */

static void setup(void)
{
	target_create();
	if (!win)
		win = hole_gfn_alloc(2048, 512);
}

static volatile uint64_t *at(uint64_t gfn)
{
	return gfn_ptr(gfn);
}

static long reserve(unsigned int cmd, domid_t dom, xen_pfn_t *gfns, unsigned long count,
		    unsigned int order)
{
	struct xen_memory_reservation r = { .domid = dom, .nr_extents = count, .extent_order = order };

	set_xen_guest_handle(r.extent_start, gfns);
	return hc_memory_op(cmd, &r);
}

static long own_pages(void)
{
	struct xen_memory_domain d = { .domid = DOMID_SELF };

	return hc_memory_op(XENMEM_current_reservation, &d);
}

static long physmap(domid_t dom, unsigned int space, uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap m = { .domid = dom, .space = space, .idx = idx, .gpfn = gfn };

	return hc_memory_op(XENMEM_add_to_physmap, &m);
}

static long remove_gfn(domid_t dom, uint64_t gfn)
{
	struct xen_remove_from_physmap r = { .domid = dom, .gpfn = gfn };

	return hc_memory_op(XENMEM_remove_from_physmap, &r);
}

/* dom0's own populate needs room below its limit: give back a page first, take it again after. */
static uint64_t lend_page(void)
{
	uint64_t gfn = ptr_gfn(page_alloc());

	CHECK_EQ(domain_depopulate(DOMID_SELF, gfn, 1, 0), 1);
	return gfn;
}

static void take_back(uint64_t gfn)
{
	CHECK_EQ(domain_populate(DOMID_SELF, gfn, 1, 0), 1);
	page_free(gfn_ptr(gfn));
}

static void decrease_and_populate(void)
{
	long pages = own_pages();
	uint64_t gfn = lend_page(), value = 1;

	CHECK_EQ(own_pages(), pages - 1);
	CHECK_EQ(domain_populate(DOMID_SELF, win, 1, 0), 1);
	CHECK_EQ(own_pages(), pages);
	CHECK_EQ(probe_read(gfn_ptr(win), &value), -1);
	CHECK_EQ(value, 0);
	at(win)[5] = 55;
	CHECK_EQ(at(win)[5], 55);
	CHECK_EQ(domain_depopulate(DOMID_SELF, win, 1, 0), 1);
	take_back(gfn);
	CHECK_EQ(own_pages(), pages);
}

/* Pages that a domain filled and died with come to the next one without its data. */
static void pages_of_the_dead_are_clean(void)
{
	uint64_t map_at = win + 512, poison = 0x5ec2e7da7a5ec2e7;
	unsigned int i, j, found = 0;
	domid_t dom;

	REQUIRE_EQ(domain_create(&dom, 1, 1024), 0);
	CHECK_EQ(domain_populate(dom, 0, 256, 0), 256);
	REQUIRE_EQ(foreign_map(dom, 0, map_at, 256), 0);
	for (i = 0; i < 256; i++)
		for (j = 0; j < 512; j++)
			at(map_at + i)[j] = poison;
	CHECK_EQ(foreign_unmap(map_at, 256), 0);
	CHECK(domain_reap(dom));
	REQUIRE_EQ(domain_create(&dom, 1, 1024), 0);
	CHECK_EQ(domain_populate(dom, 0, 512, 0), 512);
	REQUIRE_EQ(foreign_map(dom, 0, map_at, 512), 0);
	for (i = 0; i < 512; i++)
		for (j = 0; j < 512; j++)
			found += at(map_at + i)[j] == poison;
	CHECK_EQ(found, 0);
	CHECK_EQ(foreign_unmap(map_at, 512), 0);
	CHECK(domain_reap(dom));
}

static void decrease_of_hole(void)
{
	CHECK_EQ(domain_depopulate(DOMID_SELF, win + 9, 1, 0), 0);
}

static void decrease_stops_at_the_bad_one(void)
{
	uint64_t a = ptr_gfn(page_alloc()), b = ptr_gfn(page_alloc());
	xen_pfn_t gfns[3] = { a, win + 9, b };
	long pages = own_pages();

	CHECK_EQ(reserve(XENMEM_decrease_reservation, DOMID_SELF, gfns, 3, 0), 1);
	CHECK_EQ(own_pages(), pages - 1);
	take_back(a);
	page_free(gfn_ptr(b));
}

static void populate_order_9(void)
{
	uint8_t *big = pages_alloc(512, 512);
	uint64_t gfn = ptr_gfn(big);
	long pages = own_pages();

	CHECK_EQ(domain_depopulate(DOMID_SELF, gfn, 1, 9), 1);
	CHECK_EQ(own_pages(), pages - 512);
	CHECK_EQ(domain_populate(DOMID_SELF, gfn, 1, 9), 1);
	CHECK_EQ(own_pages(), pages);
	CHECK_EQ(at(gfn)[0], 0);
	CHECK_EQ(at(gfn + 511)[511], 0);
	pages_free(big, 512);
}

static void populate_as_small_pages(void)
{
	uint8_t *big = pages_alloc(512, 512);
	uint64_t gfn = ptr_gfn(big);
	long pages = own_pages();
	unsigned int i, bad = 0;

	CHECK_EQ(domain_depopulate(DOMID_SELF, gfn, 512, 0), 512);
	CHECK_EQ(own_pages(), pages - 512);
	CHECK_EQ(domain_populate(DOMID_SELF, gfn, 512, 0), 512);
	for (i = 0; i < 512; i++)
		at(gfn + i)[0] = i;
	for (i = 0; i < 512; i++)
		bad += at(gfn + i)[0] != i;
	CHECK_EQ(bad, 0);
	pages_free(big, 512);
}

static void hole_in_a_superpage(void)
{
	uint8_t *big = pages_alloc(512, 512);
	uint64_t gfn = ptr_gfn(big), value = 0;

	at(gfn + 99)[0] = 99;
	at(gfn + 101)[0] = 101;
	CHECK_EQ(domain_depopulate(DOMID_SELF, gfn + 100, 1, 0), 1);
	CHECK_EQ(at(gfn + 99)[0], 99);
	CHECK_EQ(at(gfn + 101)[0], 101);
	CHECK_EQ(probe_read(gfn_ptr(gfn + 100), &value), -1);
	CHECK_EQ(value, ~0ul);
	CHECK_EQ(domain_populate(DOMID_SELF, gfn + 100, 1, 0), 1);
	CHECK_EQ(at(gfn + 100)[0], 0);
	pages_free(big, 512);
}

static void orders_too_large(void)
{
	xen_pfn_t gfn = 0x400000;
	unsigned int order;

	for (order = 19; order < 64; order++) {
		long rc = reserve(XENMEM_populate_physmap, DOMID_SELF, &gfn, 1, order);

		if (rc > 0 || (rc < 0 && rc != -EINVAL && rc != -EPERM)) {
			tap_note("order %u", order);
			CHECK_EQ(rc, 0);
		}
	}
}

static void no_extents(void)
{
	CHECK_EQ(reserve(XENMEM_populate_physmap, DOMID_SELF, NULL, 0, 0), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, DOMID_SELF, NULL, 0, 0), 0);
	CHECK_EQ(reserve(XENMEM_increase_reservation, DOMID_SELF, NULL, 0, 0), 0);
}

static void extents_beyond_the_limit(void)
{
	CHECK_EQ(reserve(XENMEM_decrease_reservation, DOMID_SELF, BAD_PTR, ~0ul, 0), 0);
	CHECK_EQ(reserve(XENMEM_populate_physmap, DOMID_SELF, BAD_PTR, 1ul << 62, 0), 0);
}

static void extents_unreadable(void)
{
	CHECK_EQ(reserve(XENMEM_populate_physmap, DOMID_SELF, BAD_PTR, 1, 0), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, DOMID_SELF, BAD_PTR, 1, 0), 0);
}

static void reservation_bad_domain(void)
{
	xen_pfn_t gfn = 0;

	CHECK_EQ(reserve(XENMEM_populate_physmap, DOMID_NOBODY, &gfn, 1, 0), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, DOMID_NOBODY, &gfn, 1, 0), 0);
}

static void current_and_maximum(void)
{
	struct xen_memory_domain d = { .domid = DOMID_SELF };
	long now = hc_memory_op(XENMEM_current_reservation, &d);
	long max = hc_memory_op(XENMEM_maximum_reservation, &d);

	CHECK(now > 500);
	CHECK(max >= now || max == 0x7fffffff);
	d.domid = DOMID_NOBODY;
	CHECK_EQ(hc_memory_op(XENMEM_current_reservation, &d), -ESRCH);
	CHECK_EQ(hc_memory_op(XENMEM_maximum_reservation, &d), -ESRCH);
}

static void maximum_gpfn(void)
{
	struct xen_memory_domain d = { .domid = DOMID_SELF };
	long top = hc_memory_op(XENMEM_maximum_gpfn, &d);

	CHECK(top >= (long)image_first_gfn());
	CHECK(top < 1l << 40);
	d.domid = DOMID_NOBODY;
	CHECK_EQ(hc_memory_op(XENMEM_maximum_gpfn, &d), -ESRCH);
}

static void maximum_ram_page(void)
{
	long top = hc_memory_op(XENMEM_maximum_ram_page, NULL);

	CHECK(top >= 0x1000);
	CHECK(top < 1l << 36);
}

static void memory_map(void)
{
	struct {
		uint64_t addr, size;
		uint32_t type;
	} __packed e[64];
	struct xen_memory_map m = { .nr_entries = 64 };
	uint64_t ram = 0;
	unsigned int i;
	long rc;

	set_xen_guest_handle(m.buffer, e);
	rc = hc_memory_op(XENMEM_memory_map, &m);
	if (!is_dom0()) {
		CHECK_EQ(rc, -ENOSYS);
		return;
	}
	REQUIRE_EQ(rc, 0);
	for (i = 0; i < m.nr_entries; i++)
		ram += e[i].type == 1 ? e[i].size : 0;
	CHECK(ram >> PAGE_SHIFT >= (uint64_t)own_pages() - 512);
	for (i = 1; i < m.nr_entries; i++)
		CHECK(e[i].addr >= e[i - 1].addr + e[i - 1].size);
}

static void memory_map_too_small(void)
{
	uint8_t e[20];
	struct xen_memory_map m = { .nr_entries = 1 };
	long rc;

	memset(e, 0, sizeof(e));
	set_xen_guest_handle(m.buffer, e);
	rc = hc_memory_op(XENMEM_memory_map, &m);
	CHECK_EQ(rc, 0);
	CHECK_EQ(m.nr_entries, 1);
}

static void machine_memory_map(void)
{
	struct xen_memory_map m = { .nr_entries = 0 };

	set_xen_guest_handle(m.buffer, NULL);
	CHECK_EQ(hc_memory_op(XENMEM_machine_memory_map, &m), -ENOSYS);
}

static void not_for_pvh(void)
{
	struct xen_memory_exchange x;
	xen_pfn_t in = ptr_gfn(page_alloc()), out = in;

	memset(&x, 0, sizeof(x));
	x.in.domid = x.out.domid = DOMID_SELF;
	x.in.nr_extents = x.out.nr_extents = 1;
	set_xen_guest_handle(x.in.extent_start, &in);
	set_xen_guest_handle(x.out.extent_start, &out);
	CHECK_EQ(hc_memory_op(XENMEM_exchange, &x), -EOPNOTSUPP);
	CHECK_EQ(hc_memory_op(XENMEM_machphys_mapping, &x), -ENOSYS);
	page_free(gfn_ptr(in));
}

static void unknown_op(void)
{
	uint64_t z[8] = { 0 };

	CHECK_EQ(hc_memory_op(60, z), -ENOSYS);
	CHECK_EQ(hc_memory_op(8, z), -ENOSYS);
	CHECK_EQ(hc_memory_op(63, z), -ENOSYS);
}

static void unreadable(void)
{
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_memory_op(XENMEM_remove_from_physmap, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_memory_op(XENMEM_current_reservation, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_memory_op(XENMEM_maximum_gpfn, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_memory_op(XENMEM_populate_physmap, BAD_PTR), 0);
}

/* --- physmap */

static void shared_info_again(void)
{
	CHECK_EQ(physmap(DOMID_SELF, XENMAPSPACE_shared_info, 1, win + 16), -EINVAL);
	CHECK_EQ(physmap(DOMID_SELF, 99, 0, win + 16), -EINVAL);
	CHECK_EQ(physmap(DOMID_NOBODY, XENMAPSPACE_shared_info, 0, win + 16), -ESRCH);
}

static void move_ram(void)
{
	uint64_t *page = page_alloc(), value = 0;
	uint64_t gfn = ptr_gfn(page);
	long pages = own_pages();

	page[0] = 0x7777;
	CHECK_EQ(physmap(DOMID_SELF, XENMAPSPACE_gmfn, gfn, win + 17), 0);
	CHECK_EQ(at(win + 17)[0], 0x7777);
	CHECK_EQ(probe_read(page, &value), -1);
	CHECK_EQ(value, ~0ul);
	CHECK_EQ(own_pages(), pages);
	CHECK_EQ(physmap(DOMID_SELF, XENMAPSPACE_gmfn, win + 17, gfn), 0);
	CHECK_EQ(page[0], 0x7777);
	page_free(page);
}

static void move_a_hole(void)
{
	CHECK_EQ(physmap(DOMID_SELF, XENMAPSPACE_gmfn, win + 18, win + 19), -EINVAL);
	CHECK_EQ(physmap(DOMID_SELF, XENMAPSPACE_gmfn, 1ul << 50, win + 19), -EINVAL);
}

static void move_range(void)
{
	uint64_t *pages = pages_alloc(8, 1);
	struct xen_add_to_physmap m = { .domid = DOMID_SELF,
					.space = XENMAPSPACE_gmfn_range,
					.size = 8,
					.idx = ptr_gfn(pages),
					.gpfn = win + 24 };
	unsigned int i;

	for (i = 0; i < 8; i++)
		pages[i * 512] = 70 + i;
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, &m), 0);
	for (i = 0; i < 8; i++)
		CHECK_EQ(at(win + 24 + i)[0], 70 + i);
	m = (struct xen_add_to_physmap){ .domid = DOMID_SELF,
					 .space = XENMAPSPACE_gmfn_range,
					 .size = 8,
					 .idx = win + 24,
					 .gpfn = ptr_gfn(pages) };
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, &m), 0);
	for (i = 0; i < 8; i++)
		CHECK_EQ(pages[i * 512], 70 + i);
	pages_free(pages, 8);
}

static void remove_of_a_hole(void)
{
	CHECK_EQ(remove_gfn(DOMID_SELF, win + 30), -ENOENT);
	CHECK_EQ(remove_gfn(DOMID_NOBODY, win + 30), -ESRCH);
}

static void remove_own_ram(void)
{
	uint64_t gfn = ptr_gfn(page_alloc()), value = 0;
	long pages = own_pages();

	CHECK_EQ(remove_gfn(DOMID_SELF, gfn), 0);
	CHECK_EQ(probe_read(gfn_ptr(gfn), &value), -1);
	CHECK_EQ(value, ~0ul);
	CHECK_HV(own_pages(), pages, pages - 1);
	CHECK_EQ(domain_populate(DOMID_SELF, gfn, 1, 0), 1);
	CHECK_HV(own_pages(), pages + 1, pages);
	page_free(gfn_ptr(gfn));
}

static void write_to_a_hole(void)
{
	uint64_t value = 0;

	CHECK_EQ(probe_write(gfn_ptr(win + 31), 1), -1);
	CHECK_EQ(probe_read(gfn_ptr(win + 31), &value), -1);
	CHECK_EQ(value, ~0ul);
}

/* --- another domain's memory */

static void target_populate(void)
{
	CHECK_EQ(domain_populate(target, 400, 10, 0), 10);
	CHECK_EQ(domain_pages(target), TARGET_PAGES + 10);
	CHECK_EQ(domain_depopulate(target, 400, 10, 0), 10);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
}

static void target_limit(void)
{
	CHECK_EQ(domain_max_mem(target, (TARGET_PAGES + 4) * 4), 0);
	CHECK_EQ(domain_populate(target, 400, 10, 0), 4);
	CHECK_EQ(domain_pages(target), TARGET_PAGES + 4);
	CHECK_EQ(domain_depopulate(target, 400, 4, 0), 4);
	CHECK_EQ(domain_max_mem(target, TARGET_MAX * 4), 0);
}

static void target_superpage(void)
{
	uint64_t before = host_free_settled();

	CHECK_EQ(domain_populate(target, 512, 1, 9), 1);
	CHECK_EQ(domain_pages(target), TARGET_PAGES + 512);
	CHECK_EQ(domain_depopulate(target, 512, 512, 0), 512);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
	CHECK_EQ(host_free_wait(before, 50), before);
}

static void target_misaligned(void)
{
	long rc = domain_populate(target, 513, 1, 9);

	/* Refused, or given as small pages: never half of it. */
	CHECK(rc == 0 || rc == 1);
	if (rc == 1)
		CHECK_EQ(domain_depopulate(target, 513, 512, 0), 512);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
}

static void target_over_ram(void)
{
	CHECK_EQ(domain_populate(target, 5, 1, 0), 1);
	CHECK_HV(domain_pages(target), TARGET_PAGES + 1, TARGET_PAGES);
}

static void target_out_of_range(void)
{
	long before = (long)domain_pages(target);

	CHECK_EQ(domain_populate(target, 1ul << 45, 1, 0), 0);
	CHECK_HV(domain_pages(target) - before, 1, 0);
}

static void target_sizes(void)
{
	struct xen_memory_domain d = { .domid = target };

	CHECK_EQ(hc_memory_op(XENMEM_current_reservation, &d), domain_pages(target));
	CHECK_EQ(hc_memory_op(XENMEM_maximum_reservation, &d), TARGET_MAX);
	CHECK(hc_memory_op(XENMEM_maximum_gpfn, &d) >= TARGET_PAGES - 1);
}

static void target_move(void)
{
	CHECK_EQ(physmap(target, XENMAPSPACE_gmfn, 7, 3000), 0);
	CHECK_EQ(foreign_map(target, 3000, win + 40, 1), 0);
	CHECK_EQ(foreign_unmap(win + 40, 1), 0);
	CHECK_EQ(foreign_map(target, 7, win + 40, 1), -EINVAL);
	CHECK_EQ(physmap(target, XENMAPSPACE_gmfn, 3000, 7), 0);
}

static void target_memory_map(void)
{
	struct {
		uint64_t addr, size;
		uint32_t type;
	} __packed e[2] = { { 0, 0x100000, 1 }, { 0x100000, 0x200000, 2 } };
	struct xen_foreign_memory_map f = { .domid = target, .map.nr_entries = 2 };

	set_xen_guest_handle(f.map.buffer, e);
	CHECK_EQ(hc_memory_op(XENMEM_set_memory_map, &f), 0);
	f.map.nr_entries = 2000;
	CHECK_EQ(hc_memory_op(XENMEM_set_memory_map, &f), -EINVAL);
	f.map.nr_entries = 2;
	f.domid = DOMID_NOBODY;
	CHECK_EQ(hc_memory_op(XENMEM_set_memory_map, &f), -ESRCH);
}

static void claim(void)
{
	struct xen_memory_reservation r = { .domid = target, .nr_extents = TARGET_PAGES + 100 };

	set_xen_guest_handle(r.extent_start, NULL);
	CHECK_EQ(hc_memory_op(XENMEM_claim_pages, &r), 0);
	r.nr_extents = 1ul << 40;
	CHECK(hc_memory_op(XENMEM_claim_pages, &r) < 0);
	r.nr_extents = 0;
	CHECK_EQ(hc_memory_op(XENMEM_claim_pages, &r), 0);
	r.domid = DOMID_NOBODY;
	CHECK_EQ(hc_memory_op(XENMEM_claim_pages, &r), -EINVAL);
}

static void unprivileged(void)
{
	struct xen_memory_domain d = { .domid = 0 };
	xen_pfn_t gfn = 0x100;

	CHECK_EQ(hc_memory_op(XENMEM_current_reservation, &d), -EPERM);
	CHECK_EQ(hc_memory_op(XENMEM_maximum_gpfn, &d), -EPERM);
	CHECK_EQ(reserve(XENMEM_populate_physmap, 0, &gfn, 1, 0), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 0, &gfn, 1, 0), 0);
	CHECK_EQ(physmap(0, XENMAPSPACE_gmfn, 0x100, 0x90000), -EPERM);
	CHECK_EQ(remove_gfn(0, 0x100), -EPERM);
	CHECK_EQ(foreign_map(0, 0x100, win, 1), -EPERM);
}

/* A long call is interrupted, by a timer that fires in its middle, and continued; the result counts everything. */
static void long_populate(void)
{
	static xen_pfn_t gfns[600];
	domid_t dom;
	unsigned int i;

	REQUIRE_EQ(domain_create(&dom, 1, 2048), 0);
	for (i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = 3 * i;
	CHECK_EQ(timer_arm(system_time() + 1000000), 0);
	CHECK_EQ(reserve(XENMEM_populate_physmap, dom, gfns, ARRAY_SIZE(gfns), 0), ARRAY_SIZE(gfns));
	CHECK_EQ(domain_pages(dom), ARRAY_SIZE(gfns));
	for (i = 0; i < ARRAY_SIZE(gfns); i++)
		gfns[i] = 3 * i;
	CHECK_EQ(timer_arm(system_time() + 1000000), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, dom, gfns, ARRAY_SIZE(gfns), 0),
		 ARRAY_SIZE(gfns));
	CHECK_EQ(domain_pages(dom), 0);
	CHECK(domain_reap(dom));
}

static const struct test tests[] = {
	{ "decrease and populate", decrease_and_populate, 0 },
	{ "pages of a dead domain come clean", pages_of_the_dead_are_clean, TEST_DOM0 },
	{ "decrease of a hole", decrease_of_hole, 0 },
	{ "decrease stops at a bad extent", decrease_stops_at_the_bad_one, 0 },
	{ "a 2 MiB extent", populate_order_9, 0 },
	{ "512 small extents", populate_as_small_pages, 0 },
	{ "a hole in a 2 MiB page", hole_in_a_superpage, 0 },
	{ "orders that are too large", orders_too_large, 0 },
	{ "no extents", no_extents, 0 },
	{ "more extents than can be", extents_beyond_the_limit, 0 },
	{ "unreadable extents", extents_unreadable, 0 },
	{ "a domain that is not there", reservation_bad_domain, 0 },
	{ "current and maximum reservation", current_and_maximum, 0 },
	{ "maximum_gpfn", maximum_gpfn, 0 },
	{ "maximum_ram_page", maximum_ram_page, 0 },
	{ "memory_map", memory_map, 0 },
	{ "memory_map into a small buffer", memory_map_too_small, TEST_DOM0 },
	{ "machine_memory_map", machine_memory_map, 0 },
	{ "operations for PV only", not_for_pvh, 0 },
	{ "unknown sub-operations", unknown_op, 0 },
	{ "unreadable arguments", unreadable, 0 },
	{ "bad physmap spaces", shared_info_again, 0 },
	{ "move a page to another gfn", move_ram, 0 },
	{ "move a hole", move_a_hole, 0 },
	{ "move a range", move_range, 0 },
	{ "remove a hole", remove_of_a_hole, 0 },
	{ "remove own RAM", remove_own_ram, 0 },
	{ "a hole reads as ones, drops writes", write_to_a_hole, 0 },
	{ "populate another domain", target_populate, TEST_DOM0 },
	{ "the limit of another domain", target_limit, TEST_DOM0 },
	{ "2 MiB in, 4 KiB out", target_superpage, TEST_DOM0 },
	{ "a misaligned 2 MiB extent", target_misaligned, TEST_DOM0 },
	{ "sizes of another domain", target_sizes, TEST_DOM0 },
	{ "move another domain's page", target_move, TEST_DOM0 },
	{ "set_memory_map", target_memory_map, TEST_DOM0 },
	{ "claim_pages", claim, TEST_DOM0 },
	{ "600 extents in one call", long_populate, TEST_DOM0 },
	{ "populate over RAM", target_over_ram, TEST_DOM0 },
	{ "populate out of range", target_out_of_range, TEST_DOM0 },
	{ "of another domain, unprivileged", unprivileged, TEST_GUEST },
};

AREA(memory, "memory", tests, setup, target_destroy);
