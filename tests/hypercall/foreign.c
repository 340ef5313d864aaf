/* SPDX-License-Identifier: GPL-2.0-only */
/* Foreign mappings of a live domain: contents, replacement, removal, exact accounting. */
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/trap.h>
#include "errors.h"
#include "target.h"

static uint64_t win; /* 64 own gfns without RAM */
static uint64_t own_pages;

static volatile uint64_t *at(uint64_t gfn)
{
	return gfn_ptr(gfn);
}

static void setup(void)
{
	target_create();
	if (!win)
		win = hole_gfn_alloc(64, 1);
	own_pages = domain_pages(0);
}

/* Put a value into a page of the target that says which one it is. */
static void stamp(uint64_t idx, uint64_t value)
{
	if (CHECK_EQ(map_one(target, idx, win + 63), 0)) {
		at(win + 63)[0] = value;
		at(win + 63)[511] = ~value;
		CHECK_EQ(foreign_unmap(win + 63, 1), 0);
	}
}

static void map_and_unmap(void)
{
	stamp(3, 0x1234567);
	REQUIRE_EQ(map_one(target, 3, win), 0);
	CHECK_EQ(at(win)[0], 0x1234567);
	CHECK_EQ(at(win)[511], ~0x1234567ul);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void fresh_page_is_zero(void)
{
	unsigned int i;
	uint64_t sum = 0;

	REQUIRE_EQ(map_one(target, 200, win), 0);
	for (i = 0; i < 512; i++)
		sum |= at(win)[i];
	CHECK_EQ(sum, 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void unmap_twice(void)
{
	REQUIRE_EQ(map_one(target, 3, win), 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(foreign_unmap(win, 1), -ENOENT);
}

static void two_mappings(void)
{
	REQUIRE_EQ(map_one(target, 4, win), 0);
	REQUIRE_EQ(map_one(target, 4, win + 1), 0);
	at(win)[7] = 77;
	CHECK_EQ(at(win + 1)[7], 77);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(at(win + 1)[7], 77);
	CHECK_EQ(foreign_unmap(win + 1, 1), 0);
}

static void batch_of_64(void)
{
	unsigned int i;

	for (i = 0; i < 63; i++)
		stamp(i, 1000 + i);
	REQUIRE_EQ(foreign_map(target, 0, win, 63), 0);
	for (i = 0; i < 63; i++)
		CHECK_EQ(at(win + i)[0], 1000 + i);
	CHECK_EQ(foreign_unmap(win, 63), 0);
}

static void batch_backwards(void)
{
	xen_ulong_t idx[32];
	xen_pfn_t gfns[32];
	int errs[32];
	unsigned int i;

	for (i = 0; i < 32; i++) {
		stamp(i, 500 + i);
		idx[i] = 31 - i;
		gfns[i] = win + i;
		errs[i] = 99;
	}
	REQUIRE_EQ(foreign_map_batch(target, idx, gfns, errs, 32), 0);
	for (i = 0; i < 32; i++) {
		CHECK_EQ(errs[i], 0);
		CHECK_EQ(at(win + i)[0], 531 - i);
	}
	CHECK_EQ(foreign_unmap(win, 32), 0);
}

static void batch_bad_in_the_middle(void)
{
	xen_ulong_t idx[5] = { 0, 1, TARGET_PAGES + 7, 3, 1ul << 40 };
	xen_pfn_t gfns[5] = { win, win + 1, win + 2, win + 3, win + 4 };
	int errs[5] = { 9, 9, 9, 9, 9 };

	CHECK_EQ(foreign_map_batch(target, idx, gfns, errs, 5), 0);
	CHECK_EQ(errs[0], 0);
	CHECK_EQ(errs[1], 0);
	CHECK_EQ(errs[2], -EINVAL);
	CHECK_EQ(errs[3], 0);
	CHECK_EQ(errs[4], -EINVAL);
	CHECK_EQ(foreign_unmap(win, 2), 0);
	CHECK_EQ(foreign_unmap(win + 2, 1), -ENOENT);
	CHECK_EQ(foreign_unmap(win + 3, 1), 0);
	CHECK_EQ(foreign_unmap(win + 4, 1), -ENOENT);
}

static void batch_of_none(void)
{
	CHECK_EQ(foreign_map_batch(target, NULL, NULL, NULL, 0), 0);
	CHECK_EQ(foreign_map_batch(target, BAD_PTR, BAD_PTR, BAD_PTR, 0), 0);
}

static void batch_unreadable(void)
{
	xen_ulong_t idx = 0;
	xen_pfn_t gfn = win;
	int err = 5;

	CHECK_EQ(foreign_map_batch(target, BAD_PTR, &gfn, &err, 1), -EFAULT);
	CHECK_EQ(foreign_map_batch(target, &idx, BAD_PTR, &err, 1), -EFAULT);
	CHECK_EQ(err, 5);
	CHECK_EQ(foreign_unmap(win, 1), -ENOENT);
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap_batch, BAD_PTR), -EFAULT);
}

static void batch_errs_unwritable(void)
{
	xen_ulong_t idx = 0;
	xen_pfn_t gfn = win;

	CHECK_EQ(foreign_map_batch(target, &idx, &gfn, BAD_PTR, 1), -EFAULT);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void batch_with_large_size(void)
{
	static xen_ulong_t idx[1024];
	static xen_pfn_t gfns[1024];
	static int errs[1024];
	uint64_t far = hole_gfn_alloc(1024, 1);
	unsigned int i, bad = 0;

	for (i = 0; i < 1024; i++) {
		idx[i] = i % TARGET_PAGES;
		gfns[i] = far + i;
		errs[i] = 1;
	}
	REQUIRE_EQ(foreign_map_batch(target, idx, gfns, errs, 1024), 0);
	for (i = 0; i < 1024; i++)
		bad += errs[i] != 0;
	CHECK_EQ(bad, 0);
	CHECK_EQ(foreign_unmap(far, 1024), 0);
}

/* Domain ids that a foreign mapping can not name. */
static void bad_foreign_domid(void)
{
	CHECK_EQ(map_one(DOMID_NOBODY, 0, win), -ESRCH);
	CHECK_EQ(map_one(DOMID_SELF, 0, win), -ESRCH);
	CHECK_EQ(map_one(DOMID_IO, 0, win), -ESRCH);
	CHECK_EQ(map_one(DOMID_COW, 0, win), -ESRCH);
	CHECK_EQ(map_one(DOMID_INVALID, 0, win), -ESRCH);
	CHECK_EQ(map_one(DOMID_IDLE, 0, win), -ESRCH);
	CHECK_EQ(foreign_unmap(win, 1), -ENOENT);
}

static void own_domid(void)
{
	CHECK_EQ(map_one(0, 0x1000, win), -EPERM);
}

static void domid_xen(void)
{
	CHECK_EQ(map_one(DOMID_XEN, 0, win), -EINVAL);
}

static void bad_target_domid(void)
{
	xen_ulong_t idx = 0;
	xen_pfn_t gfn = win;
	int err = 5;
	struct xen_add_to_physmap_batch b = { .domid = DOMID_NOBODY,
					      .space = XENMAPSPACE_gmfn_foreign,
					      .size = 1 };

	b.u.foreign_domid = target;
	set_xen_guest_handle(b.idxs, &idx);
	set_xen_guest_handle(b.gpfns, &gfn);
	set_xen_guest_handle(b.errs, &err);
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap_batch, &b), -ESRCH);
	CHECK_EQ(err, 5);
}

static void other_domain_as_mapper(void)
{
	xen_ulong_t idx = 0;
	xen_pfn_t gfn = 0x500;
	int err = 5;
	struct xen_add_to_physmap_batch b = { .domid = target,
					      .space = XENMAPSPACE_gmfn_foreign,
					      .size = 1 };

	set_xen_guest_handle(b.idxs, &idx);
	set_xen_guest_handle(b.gpfns, &gfn);
	set_xen_guest_handle(b.errs, &err);
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap_batch, &b), 0);
	CHECK_EQ(err, -EPERM);
}

static void unknown_space(void)
{
	xen_ulong_t idx = 0;
	xen_pfn_t gfn = win;
	int err = 5;
	struct xen_add_to_physmap_batch b = { .domid = DOMID_SELF, .space = 77, .size = 1 };

	set_xen_guest_handle(b.idxs, &idx);
	set_xen_guest_handle(b.gpfns, &gfn);
	set_xen_guest_handle(b.errs, &err);
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap_batch, &b), 0);
	CHECK_EQ(err, -EINVAL);
	b.space = XENMAPSPACE_gmfn_range;
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap_batch, &b), -EOPNOTSUPP);
}

static void by_the_single_call(void)
{
	struct xen_add_to_physmap m = { .domid = DOMID_SELF,
					.space = XENMAPSPACE_gmfn_foreign,
					.gpfn = win };

	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, &m), -ENOSYS);
}

static void gfn_out_of_range(void)
{
	CHECK_EQ(map_one(target, 0, 1ul << 40), -EINVAL);
	CHECK_EQ(map_one(target, 0, ~0ul), -EINVAL);
	CHECK_EQ(map_one(target, ~0ul, win), -EINVAL);
	CHECK_EQ(foreign_unmap(1ul << 40, 1), -ENOENT);
	CHECK_EQ(foreign_unmap(~0ul, 1), -ENOENT);
}

static void over_own_ram(void)
{
	uint64_t *page = page_alloc();
	uint64_t before = host_free_settled();

	stamp(9, 0x999);
	REQUIRE_EQ(map_one(target, 9, ptr_gfn(page)), 0);
	CHECK_EQ(page[0], 0x999);
	CHECK_HV(host_free_wait(before + on_xen, 50), before + 1, before);
	CHECK_EQ(domain_pages(0), own_pages - 1);
	CHECK_EQ(foreign_unmap(ptr_gfn(page), 1), 0);
	CHECK_EQ(domain_populate(DOMID_SELF, ptr_gfn(page), 1, 0), 1);
	CHECK_EQ(page[0], 0);
	CHECK_EQ(host_free_wait(before, 50), before);
	CHECK_EQ(domain_pages(0), own_pages);
	page_free(page);
}

static void over_a_foreign_page(void)
{
	stamp(10, 0x10);
	stamp(11, 0x11);
	REQUIRE_EQ(map_one(target, 10, win), 0);
	CHECK_HV(map_one(target, 11, win), -ENXIO, 0);
	CHECK_HV(at(win)[0], 0x10, 0x11);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(foreign_unmap(win, 1), -ENOENT);
}

static void same_page_again(void)
{
	REQUIRE_EQ(map_one(target, 10, win), 0);
	CHECK_HV(map_one(target, 10, win), -ENXIO, 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void replacing_a_batch(void)
{
	unsigned int i;

	for (i = 0; i < 32; i++)
		stamp(64 + i, 6400 + i);
	REQUIRE_EQ(foreign_map(target, 0, win, 32), 0);
	REQUIRE_EQ(foreign_map(target, 64, win, 32), 0);
	for (i = 0; i < 32; i++)
		CHECK_EQ(at(win + i)[0], 6400 + i);
	CHECK_EQ(foreign_unmap(win, 32), 0);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
}

/* Taking the page from the target keeps it alive, and counted there, while it is mapped. */
static void page_taken_while_mapped(void)
{
	uint64_t before = host_free_settled();

	stamp(100, 0xabc);
	REQUIRE_EQ(map_one(target, 100, win), 0);
	CHECK_EQ(domain_depopulate(target, 100, 1, 0), 1);
	CHECK_EQ(at(win)[0], 0xabc);
	CHECK_EQ(host_free_settled(), before);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
	CHECK_EQ(map_one(target, 100, win + 1), -EINVAL);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(host_free_wait(before + 1, 50), before + 1);
	CHECK_EQ(domain_pages(target), TARGET_PAGES - 1);
	CHECK_EQ(domain_populate(target, 100, 1, 0), 1);
	CHECK_EQ(host_free_wait(before, 50), before);
}

static void of_a_hole(void)
{
	CHECK_EQ(map_one(target, TARGET_PAGES, win), -EINVAL);
	CHECK_EQ(map_one(target, 0xfffff, win), -EINVAL);
}

static void accounting_of_many(void)
{
	uint64_t before = host_free_settled();
	unsigned int round;

	for (round = 0; round < 20; round++) {
		REQUIRE_EQ(foreign_map(target, round * 8, win, 60), 0);
		REQUIRE_EQ(foreign_unmap(win, 60), 0);
	}
	CHECK_EQ(host_free_wait(before, 50), before);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
	CHECK_EQ(domain_pages(0), own_pages);
}

static void moving_a_foreign_gfn(void)
{
	struct xen_add_to_physmap m = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .idx = win, .gpfn = win + 1
	};

	REQUIRE_EQ(map_one(target, 5, win), 0);
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, &m), -EINVAL);
	CHECK_EQ(foreign_unmap(win + 1, 1), -ENOENT);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void moving_ram_over_foreign(void)
{
	void *page = page_alloc();
	struct xen_add_to_physmap m = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .idx = ptr_gfn(page), .gpfn = win
	};

	REQUIRE_EQ(map_one(target, 5, win), 0);
	CHECK_EQ(hc_memory_op(XENMEM_add_to_physmap, &m), -ENXIO);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	page_free(page);
}

static void decrease_of_foreign(void)
{
	stamp(6, 66);
	REQUIRE_EQ(map_one(target, 6, win), 0);
	CHECK_EQ(domain_depopulate(DOMID_SELF, win, 1, 0), 0);
	CHECK_EQ(at(win)[0], 66);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void populate_over_foreign(void)
{
	stamp(6, 66);
	REQUIRE_EQ(map_one(target, 6, win), 0);
	CHECK_EQ(domain_populate(DOMID_SELF, win, 1, 0), 0);
	CHECK_EQ(at(win)[0], 66);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(domain_pages(0), own_pages);
}

static void hypercall_buffer_in_foreign(void)
{
	struct xen_feature_info *f = gfn_ptr(win);

	REQUIRE_EQ(map_one(target, 6, win), 0);
	f->submap_idx = 0;
	f->submap = 0;
	CHECK_EQ(hc_xen_version(XENVER_get_features, f), 0);
	CHECK(f->submap != 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void unmapped_gfn_faults_or_reads_ones(void)
{
	uint64_t value = 0;
	int vector;

	REQUIRE_EQ(map_one(target, 6, win), 0);
	at(win)[0] = 1;
	CHECK_EQ(foreign_unmap(win, 1), 0);
	vector = probe_read(gfn_ptr(win), &value);
	CHECK_EQ(vector, -1);
	CHECK_EQ(value, ~0ul);
}

static void of_a_superpage(void)
{
	uint64_t before = host_free_settled();

	REQUIRE_EQ(domain_populate(target, 512, 1, 9), 1);
	CHECK_EQ(map_one(target, 512, win), 0);
	CHECK_EQ(map_one(target, 1023, win + 1), 0);
	CHECK_EQ(map_one(target, 700, win + 2), 0);
	at(win + 2)[1] = 700;
	CHECK_EQ(at(win)[1], 0);
	CHECK_EQ(at(win + 1)[1], 0);
	CHECK_EQ(foreign_unmap(win, 3), 0);
	CHECK_EQ(domain_depopulate(target, 512, 1, 9), 1);
	CHECK_EQ(host_free_wait(before, 50), before);
	CHECK_EQ(domain_pages(target), TARGET_PAGES);
}

static const struct test tests[] = {
	{ "map, contents, unmap", map_and_unmap, TEST_DOM0 },
	{ "a fresh page is zero", fresh_page_is_zero, TEST_DOM0 },
	{ "unmap twice", unmap_twice, TEST_DOM0 },
	{ "two mappings of a page", two_mappings, TEST_DOM0 },
	{ "63 in one batch", batch_of_64, TEST_DOM0 },
	{ "batch in another order", batch_backwards, TEST_DOM0 },
	{ "batch with bad entries in the middle", batch_bad_in_the_middle, TEST_DOM0 },
	{ "batch of none", batch_of_none, TEST_DOM0 },
	{ "batch with unreadable arrays", batch_unreadable, TEST_DOM0 },
	{ "batch with unwritable errs", batch_errs_unwritable, TEST_DOM0 },
	{ "batch of 1024", batch_with_large_size, TEST_DOM0 },
	{ "foreign domid that is no domain", bad_foreign_domid, TEST_DOM0 },
	{ "the own domid", own_domid, TEST_DOM0 },
	{ "DOMID_XEN", domid_xen, TEST_DOM0 },
	{ "target domid that is no domain", bad_target_domid, TEST_DOM0 },
	{ "another domain as mapper", other_domain_as_mapper, TEST_DOM0 },
	{ "unknown space in a batch", unknown_space, TEST_DOM0 },
	{ "by the single call", by_the_single_call, TEST_DOM0 },
	{ "gfn out of range", gfn_out_of_range, TEST_DOM0 },
	{ "over own RAM", over_own_ram, TEST_DOM0 },
	{ "over a foreign page", over_a_foreign_page, TEST_DOM0 },
	{ "the same page again", same_page_again, TEST_DOM0 },
	{ "a batch over a batch", replacing_a_batch, TEST_DOM0 | TEST_NOT_XEN },
	{ "page taken while mapped", page_taken_while_mapped, TEST_DOM0 },
	{ "of a hole", of_a_hole, TEST_DOM0 },
	{ "accounting of many", accounting_of_many, TEST_DOM0 },
	{ "moving a foreign gfn", moving_a_foreign_gfn, TEST_DOM0 },
	{ "moving RAM over it", moving_ram_over_foreign, TEST_DOM0 },
	{ "decrease_reservation of it", decrease_of_foreign, TEST_DOM0 },
	{ "populate over it", populate_over_foreign, TEST_DOM0 | TEST_NOT_XEN },
	{ "hypercall buffer in it", hypercall_buffer_in_foreign, TEST_DOM0 },
	{ "read after unmap", unmapped_gfn_faults_or_reads_ones, TEST_DOM0 },
	{ "of a superpage", of_a_superpage, TEST_DOM0 },
};

AREA(foreign, "foreign", tests, setup, target_destroy);
