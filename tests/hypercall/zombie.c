/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains destroyed while their pages are mapped: what stays, and when it goes. */
#include <stubdom/domain.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include "errors.h"

#define PAGES 128u

static uint64_t win, before;
static domid_t dom;

static volatile uint64_t *at(uint64_t gfn)
{
	return gfn_ptr(gfn);
}

/* A domain with memory, the first count pages mapped and marked, and destroyed. */
static bool make_zombie(unsigned int count)
{
	unsigned int i;

	if (!win)
		win = hole_gfn_alloc(PAGES, 1);
	before = host_free_settled();
	if (!CHECK_EQ(domain_create(&dom, 1, 1024), 0))
		return false;
	CHECK_EQ(domain_populate(dom, 0, PAGES, 0), PAGES);
	if (count && !CHECK_EQ(foreign_map(dom, 0, win, count), 0))
		return false;
	for (i = 0; i < count; i++)
		at(win + i)[0] = 9000 + i;
	return CHECK_EQ(domain_destroy(dom), 0);
}

static void all_is_back(void)
{
	CHECK(domain_wait_gone(dom, 1000));
	CHECK_EQ(host_free_wait(before, 100), before);
}

static void without_mappings(void)
{
	if (make_zombie(0))
		all_is_back();
}

static void stays_until_unmapped(void)
{
	struct xen_domctl_getdomaininfo info;

	if (!make_zombie(1))
		return;
	sleep_ms(5);
	CHECK_EQ(domain_info(dom, &info), 0);
	CHECK(info.flags & XEN_DOMINF_dying);
	CHECK_EQ(info.tot_pages, 1);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void contents_stay(void)
{
	unsigned int i;

	if (!make_zombie(8))
		return;
	sleep_ms(5);
	for (i = 0; i < 8; i++)
		CHECK_EQ(at(win + i)[0], 9000 + i);
	at(win)[1] = 1;
	CHECK_EQ(at(win)[1], 1);
	CHECK_EQ(domain_pages(dom), 8);
	CHECK_EQ(foreign_unmap(win, 8), 0);
	all_is_back();
}

static void pages_go_one_by_one(void)
{
	unsigned int i;

	if (!make_zombie(16))
		return;
	sleep_ms(5);
	for (i = 0; i < 15; i++) {
		CHECK_EQ(domain_pages(dom), 16 - i);
		CHECK_EQ(foreign_unmap(win + i, 1), 0);
	}
	CHECK_EQ(domain_pages(dom), 1);
	CHECK_EQ(foreign_unmap(win + 15, 1), 0);
	all_is_back();
}

static void two_mappings_of_the_last_page(void)
{
	before = host_free_settled();
	REQUIRE_EQ(domain_create(&dom, 1, 1024), 0);
	CHECK_EQ(domain_populate(dom, 0, PAGES, 0), PAGES);
	CHECK_EQ(foreign_map(dom, 5, win, 1), 0);
	CHECK_EQ(foreign_map(dom, 5, win + 1, 1), 0);
	CHECK_EQ(domain_destroy(dom), 0);
	sleep_ms(5);
	CHECK_EQ(domain_pages(dom), 1);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	sleep_ms(5);
	CHECK_EQ(domain_pages(dom), 1);
	at(win + 1)[3] = 3;
	CHECK_EQ(at(win + 1)[3], 3);
	CHECK_EQ(foreign_unmap(win + 1, 1), 0);
	all_is_back();
}

static void new_maps_refused(void)
{
	if (!make_zombie(1))
		return;
	CHECK_EQ(foreign_map(dom, 0, win + 2, 1), -EINVAL);
	CHECK_EQ(foreign_map(dom, 1, win + 2, 1), -EINVAL);
	CHECK_EQ(foreign_unmap(win + 2, 1), -ENOENT);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void operations_on_it(void)
{
	if (!make_zombie(1))
		return;
	sleep_ms(5);
	CHECK_EQ(domain_op(dom, XEN_DOMCTL_pausedomain), 0);
	CHECK_EQ(domain_op(dom, XEN_DOMCTL_unpausedomain), 0);
	CHECK_EQ(domain_max_mem(dom, 4096), 0);
	CHECK_EQ(domain_destroy(dom), 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void populate_in_it(void)
{
	if (!make_zombie(1))
		return;
	sleep_ms(5);
	CHECK_EQ(domain_populate(dom, 600, 1, 0), 0);
	CHECK_EQ(domain_pages(dom), 1);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void remove_in_it(void)
{
	struct xen_remove_from_physmap r;

	if (!make_zombie(1))
		return;
	sleep_ms(5);
	r = (struct xen_remove_from_physmap){ .domid = dom, .gpfn = 0 };
	CHECK_EQ(hc_memory_op(XENMEM_remove_from_physmap, &r), -ENOENT);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void a_remapped_window_frees_it(void)
{
	domid_t other;

	if (!make_zombie(4))
		return;
	REQUIRE_EQ(domain_create(&other, 1, 1024), 0);
	CHECK_EQ(domain_populate(other, 0, 4, 0), 4);
	CHECK_EQ(foreign_map(other, 0, win, 4), 0);
	CHECK(domain_wait_gone(dom, 1000));
	CHECK_EQ(foreign_unmap(win, 4), 0);
	CHECK(domain_reap(other));
	all_is_back();
}

static void superpage_kept_by_one_mapping(void)
{
	before = host_free_settled();
	REQUIRE_EQ(domain_create(&dom, 1, 1024), 0);
	CHECK_EQ(domain_populate(dom, 512, 1, 9), 1);
	CHECK_EQ(foreign_map(dom, 700, win, 1), 0);
	at(win)[0] = 700;
	CHECK_EQ(domain_destroy(dom), 0);
	sleep_ms(5);
	CHECK_EQ(domain_pages(dom), 1);
	CHECK_EQ(at(win)[0], 700);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void the_id_is_not_reused_while_it_stays(void)
{
	domid_t other;

	if (!make_zombie(1))
		return;
	REQUIRE_EQ(domain_create(&other, 1, 64), 0);
	CHECK(other != dom);
	CHECK(domain_reap(other));
	CHECK_EQ(foreign_unmap(win, 1), 0);
	all_is_back();
}

static void many_in_a_row(void)
{
	unsigned int i;
	uint64_t first = host_free_settled();

	for (i = 0; i < 10; i++) {
		if (!make_zombie(i % 4))
			return;
		CHECK_EQ(foreign_unmap(win, i % 4), 0);
		CHECK(domain_wait_gone(dom, 1000));
	}
	CHECK_EQ(host_free_wait(first, 100), first);
}

static void killed_in_the_middle_of_maps(void)
{
	unsigned int i;

	before = host_free_settled();
	REQUIRE_EQ(domain_create(&dom, 1, 1024), 0);
	CHECK_EQ(domain_populate(dom, 0, PAGES, 0), PAGES);
	for (i = 0; i < 32; i++) {
		long rc = foreign_map(dom, i, win + i, 1);

		if (i < 16)
			CHECK_EQ(rc, 0);
		else
			CHECK(rc == -EINVAL || rc == -ESRCH);
		if (i == 15)
			CHECK_EQ(domain_destroy(dom), 0);
	}
	CHECK_EQ(foreign_unmap(win, 16), 0);
	all_is_back();
}

static const struct test tests[] = {
	{ "a domain without mappings goes at once", without_mappings, TEST_DOM0 },
	{ "one with a mapping stays until it is undone", stays_until_unmapped, TEST_DOM0 },
	{ "contents stay readable and writable", contents_stay, TEST_DOM0 },
	{ "its pages go one by one", pages_go_one_by_one, TEST_DOM0 },
	{ "two mappings of the last page", two_mappings_of_the_last_page, TEST_DOM0 },
	{ "new mappings are refused", new_maps_refused, TEST_DOM0 },
	{ "pause, unpause, max_mem, destroy", operations_on_it, TEST_DOM0 },
	{ "populate in it", populate_in_it, TEST_DOM0 },
	{ "remove in it", remove_in_it, TEST_DOM0 },
	{ "replacing its last mapping frees it", a_remapped_window_frees_it,
	  TEST_DOM0 | TEST_NOT_XEN },
	{ "one page of a superpage", superpage_kept_by_one_mapping, TEST_DOM0 },
	{ "its id is not reused", the_id_is_not_reused_while_it_stays, TEST_DOM0 },
	{ "ten in a row", many_in_a_row, TEST_DOM0 },
	{ "killed between two maps", killed_in_the_middle_of_maps, TEST_DOM0 },
};

AREA(zombie, "zombie", tests, NULL, NULL);
