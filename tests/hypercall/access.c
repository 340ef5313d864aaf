/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a hypercall's argument is: the guest's page tables and its physmap decide at the time of the
 * call, whatever the hypervisor remembers of the calls before.
 */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/domain.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/x86.h>
#include <xen/features.h>
#include "errors.h"
#include "target.h"

#define OWN_BASE  0xffff900000000000ul /* a slot of the top level that nobody else uses */
#define UNTOUCHED 0x5a5a5a5aU

extern uint64_t boot_pml4[];

static uint64_t own_tables[4][512] __aligned(4096); /* third, second level; two tables of the last */
static volatile struct xen_feature_info *page[2]; /* through the 1:1 mapping */
static uint64_t hole;

/* A call that reads its argument and writes next to what it read. */
static long call(volatile void *va)
{
	return hc_xen_version(XENVER_get_features, (void *)va);
}

static void reset(volatile struct xen_feature_info *f)
{
	f->submap_idx = 0;
	f->submap = UNTOUCHED;
}

static bool written(const volatile struct xen_feature_info *f)
{
	return f->submap != UNTOUCHED && (f->submap & 1u << XENFEAT_auto_translated_physmap);
}

/* The call with the argument at va works on page i of the two, and not on the other. */
static void check_goes_to(volatile void *va, unsigned int i)
{
	reset(page[0]);
	reset(page[1]);
	CHECK_EQ(call(va), 0);
	CHECK(written(page[i]));
	CHECK_EQ(page[!i]->submap, UNTOUCHED);
}

static void setup(void)
{
	unsigned int slot = (OWN_BASE >> 39) & 511;

	page[0] = page_alloc();
	page[1] = page_alloc();
	if (!hole)
		hole = hole_gfn_alloc(4, 1);
	memset(own_tables, 0, sizeof(own_tables));
	own_tables[0][0] = (uint64_t)own_tables[1] | PTE_P | PTE_W;
	boot_pml4[slot] = (uint64_t)own_tables[0] | PTE_P | PTE_W;
}

static void teardown(void)
{
	boot_pml4[(OWN_BASE >> 39) & 511] = 0;
	write_cr3(read_cr3());
	page_free((void *)page[0]);
	page_free((void *)page[1]);
}

static void entry_changed(void)
{
	void *va = window_map(ptr_gfn(page[0]), PTE_W);
	unsigned int i;

	for (i = 0; i < 6; i++) {
		*pte_of(va) = (ptr_gfn(page[i & 1]) << PAGE_SHIFT) | PTE_P | PTE_W;
		invlpg(va);
		check_goes_to(va, i & 1);
	}
	window_unmap(va);
	CHECK_EQ(call(va), -EFAULT);
}

static void set_pde(uint64_t pde)
{
	own_tables[1][0] = pde;
	write_cr3(read_cr3());
}

static void table_changed(void)
{
	void *va = (void *)OWN_BASE;
	unsigned int i;

	own_tables[2][0] = (uint64_t)page[0] | PTE_P | PTE_W;
	own_tables[3][0] = (uint64_t)page[1] | PTE_P | PTE_W;
	for (i = 0; i < 6; i++) {
		set_pde((uint64_t)own_tables[2 + (i & 1)] | PTE_P | PTE_W);
		check_goes_to(va, i & 1);
	}
	set_pde(0);
	CHECK_EQ(call(va), -EFAULT);
}

/* The two pages by 2M pages, and by a table in between. */
static void table_or_superpage(void)
{
	unsigned int i;

	own_tables[2][0] = (uint64_t)page[1] | PTE_P | PTE_W;
	for (i = 0; i < 4; i++) {
		set_pde(((uint64_t)page[0] & ~(SIZE_2M - 1)) | PTE_P | PTE_W | PTE_PS);
		check_goes_to((char *)OWN_BASE + ((uint64_t)page[0] & (SIZE_2M - 1)), 0);
		set_pde((uint64_t)own_tables[2] | PTE_P | PTE_W);
		check_goes_to((void *)OWN_BASE, 1);
	}
	set_pde(0);
}

static void gigabyte_page(void)
{
	uint64_t offset = (uint64_t)page[1] & ((1ul << 30) - 1);

	own_tables[0][0] = ((uint64_t)page[1] & ~((1ul << 30) - 1)) | PTE_P | PTE_W | PTE_PS;
	write_cr3(read_cr3());
	check_goes_to((char *)OWN_BASE + offset, 1);
	own_tables[0][0] = (uint64_t)own_tables[1] | PTE_P | PTE_W;
	write_cr3(read_cr3());
	CHECK_EQ(call((char *)OWN_BASE + offset), -EFAULT);
}

static void another_address_space(void)
{
	uint64_t *top = page_alloc(), old = read_cr3();
	unsigned int i;

	memcpy(top, boot_pml4, PAGE_SIZE);
	own_tables[2][0] = (uint64_t)page[0] | PTE_P | PTE_W;
	set_pde((uint64_t)own_tables[2] | PTE_P | PTE_W);
	/* The other one has the second page there. */
	own_tables[3][0] = (uint64_t)page[1] | PTE_P | PTE_W;
	own_tables[3][1] = (uint64_t)own_tables[3] | PTE_P | PTE_W;
	top[(OWN_BASE >> 39) & 511] = (uint64_t)own_tables[0] | PTE_P | PTE_W;
	for (i = 0; i < 3; i++) {
		check_goes_to((void *)OWN_BASE, 0);
		own_tables[1][0] = (uint64_t)own_tables[3] | PTE_P | PTE_W;
		write_cr3((uint64_t)top);
		check_goes_to((void *)OWN_BASE, 1);
		own_tables[1][0] = (uint64_t)own_tables[2] | PTE_P | PTE_W;
		write_cr3(old);
	}
	set_pde(0);
	page_free(top);
}

static void write_protected(void)
{
	void *va = window_map(ptr_gfn(page[0]), 0);

	reset(page[0]);
	CHECK_EQ(call(va), -EFAULT);
	CHECK_EQ(page[0]->submap, UNTOUCHED);
	*pte_of(va) |= PTE_W;
	invlpg(va);
	check_goes_to(va, 0);
	/* Writing it has set what a CPU's write sets. */
	CHECK_EQ(*pte_of(va) & (PTE_A | PTE_D), PTE_A | PTE_D);
	*pte_of(va) &= ~PTE_W;
	invlpg(va);
	reset(page[0]);
	CHECK_EQ(call(va), -EFAULT);
	CHECK_EQ(page[0]->submap, UNTOUCHED);
	window_unmap(va);
}

static void across_two_pages(void)
{
	uint64_t *both = pages_alloc(2, 1);
	char *first = window_map(ptr_gfn(both) + 1, PTE_W), *second = window_map(ptr_gfn(both), PTE_W);
	struct xen_feature_info f = { .submap = UNTOUCHED }, seen;

	/* Neighbours in the window, in the other order in memory. */
	REQUIRE(second == first + PAGE_SIZE);
	memcpy(second - 4, &f, sizeof(f));
	CHECK_EQ(call(second - 4), 0);
	memcpy(&seen, second - 4, sizeof(seen));
	CHECK(written(&seen));
	CHECK(*(uint32_t *)both == seen.submap);
	window_unmap(second);
	CHECK_EQ(call(second - 4), -EFAULT);
	window_unmap(first);
	pages_free(both, 2);
}

/* More pages, one after the other, than anybody remembers. */
static void many_pages(void)
{
	struct xen_feature_info *va[48];
	char *pages = pages_alloc(48, 1);
	unsigned int i, n;

	for (i = 0; i < 48; i++)
		va[i] = window_map(ptr_gfn(pages) + i, PTE_W);
	for (n = 0; n < 2; n++) {
		for (i = 0; i < 48; i++) {
			reset(va[i]);
			CHECK_EQ(call(va[i]), 0);
		}
		for (i = 0; i < 48; i++)
			CHECK(written((struct xen_feature_info *)(pages + i * PAGE_SIZE)));
	}
	for (i = 0; i < 48; i++)
		window_unmap(va[i]);
	pages_free(pages, 48);
}

static long move(uint64_t from, uint64_t to)
{
	struct xen_add_to_physmap m = { .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn, .idx = from, .gpfn = to };

	return hc_memory_op(XENMEM_add_to_physmap, &m);
}

/* The frame at a gfn is another one after each step. */
static void frame_moved(void)
{
	uint64_t gfn = ptr_gfn(page[0]);
	volatile struct xen_feature_info *at_hole = gfn_ptr(hole);
	void *va = window_map(gfn, PTE_W);

	check_goes_to(va, 0);
	reset(page[0]);
	REQUIRE_EQ(move(gfn, hole), 0);
	CHECK(call(va) != 0);
	CHECK_EQ(at_hole->submap, UNTOUCHED);
	/* What was the second page is there now. */
	REQUIRE_EQ(move(ptr_gfn(page[1]), gfn), 0);
	reset(page[0]);
	CHECK_EQ(call(va), 0);
	CHECK(written(page[0]));
	CHECK_EQ(at_hole->submap, UNTOUCHED);
	/* Both back. */
	REQUIRE_EQ(move(gfn, ptr_gfn(page[1])), 0);
	REQUIRE_EQ(move(hole, gfn), 0);
	check_goes_to(va, 0);
	window_unmap(va);
}

/* The frame that holds the guest's own table is another one. */
static void table_moved(void)
{
	uint64_t *copy = page_alloc(), gfn;

	own_tables[2][0] = (uint64_t)page[0] | PTE_P | PTE_W;
	set_pde((uint64_t)own_tables[2] | PTE_P | PTE_W);
	check_goes_to((void *)OWN_BASE, 0);
	memcpy(copy, own_tables[2], PAGE_SIZE);
	copy[0] = (uint64_t)page[1] | PTE_P | PTE_W;
	gfn = ptr_gfn(own_tables[2]);
	REQUIRE_EQ(move(gfn, hole), 0);
	REQUIRE_EQ(move(ptr_gfn(copy), gfn), 0);
	write_cr3(read_cr3());
	check_goes_to((void *)OWN_BASE, 1);
	REQUIRE_EQ(move(gfn, ptr_gfn(copy)), 0);
	REQUIRE_EQ(move(hole, gfn), 0);
	write_cr3(read_cr3());
	check_goes_to((void *)OWN_BASE, 0);
	set_pde(0);
	page_free(copy);
}

/* Another vCPU changes what this one's hypercalls have used. */
static void others_change_the_entry(void *arg)
{
	*pte_of(arg) = (ptr_gfn(page[1]) << PAGE_SHIFT) | PTE_P | PTE_W;
}

/* The frames of the two pages change places. */
static void others_move_the_frame(void *result)
{
	long rc = move(ptr_gfn(page[1]), hole + 1);

	if (!rc)
		rc = move(ptr_gfn(page[0]), ptr_gfn(page[1]));
	if (!rc)
		rc = move(hole + 1, ptr_gfn(page[0]));
	*(long *)result = rc;
}

static void from_another_vcpu(void)
{
	void *va = window_map(ptr_gfn(page[0]), PTE_W);
	unsigned int i;
	long rc;

	REQUIRE_EQ(cpu_start(1), 0);
	check_goes_to(va, 0);
	cpu_run(1, others_change_the_entry, va);
	REQUIRE(cpu_wait(1, 1000));
	invlpg(va);
	check_goes_to(va, 1);
	for (i = 0; i < 20; i++) {
		reset(page[0]);
		reset(page[1]);
		CHECK_EQ(call(va), 0);
		CHECK(written(page[1]));
		cpu_run(1, others_move_the_frame, &rc);
		REQUIRE(cpu_wait(1, 1000));
		REQUIRE_EQ(rc, 0);
		CHECK(written(page[0]));
		CHECK_EQ(page[1]->submap, UNTOUCHED);
		check_goes_to(va, 1);
	}
	CHECK(cpu_stop(1));
	window_unmap(va);
}

/* The argument lies in a page of another domain. */
static void in_a_foreign_page(void)
{
	volatile struct xen_feature_info *f = gfn_ptr(hole);
	unsigned int i;

	target_create();
	for (i = 0; i < 4; i++) {
		REQUIRE_EQ(map_one(target, 10 + i, hole), 0);
		reset(f);
		CHECK_EQ(call(f), 0);
		CHECK(written(f));
		CHECK_EQ(foreign_unmap(hole, 1), 0);
		CHECK(call(f) != 0);
	}
	/* Each call wrote to its own page. */
	for (i = 0; i < 4; i++) {
		REQUIRE_EQ(map_one(target, 10 + i, hole), 0);
		CHECK(written(f));
		CHECK_EQ(foreign_unmap(hole, 1), 0);
	}
	target_destroy();
}

/* A foreign mapping comes over the page, and goes: RAM is lost, then the mapping. */
static void foreign_over_the_page(void)
{
	uint64_t gfn = ptr_gfn(page[0]);
	void *va = window_map(gfn, PTE_W);

	target_create();
	check_goes_to(va, 0);
	REQUIRE_EQ(move(gfn, hole + 2), 0);
	REQUIRE_EQ(map_one(target, 20, gfn), 0);
	reset(page[0]);
	reset(gfn_ptr(hole + 2));
	CHECK_EQ(call(va), 0);
	CHECK(written(page[0]));
	CHECK_EQ(((volatile struct xen_feature_info *)gfn_ptr(hole + 2))->submap, UNTOUCHED);
	CHECK_EQ(foreign_unmap(gfn, 1), 0);
	CHECK(call(va) != 0);
	REQUIRE_EQ(move(hole + 2, gfn), 0);
	check_goes_to(va, 0);
	window_unmap(va);
	target_destroy();
}

static const struct test tests[] = {
	{ "the page table entry changes", entry_changed, 0 },
	{ "the page table changes", table_changed, 0 },
	{ "a table and a 2M page in turn", table_or_superpage, 0 },
	{ "a 1G page", gigabyte_page, 0 },
	{ "another address space", another_address_space, 0 },
	{ "write-protected, and not", write_protected, 0 },
	{ "across two pages", across_two_pages, 0 },
	{ "many pages in turn", many_pages, 0 },
	{ "the frame behind the gfn changes", frame_moved, 0 },
	{ "the frame of the page table changes", table_moved, 0 },
	{ "another vCPU changes it", from_another_vcpu, TEST_SMP },
	{ "in a foreign page", in_a_foreign_page, TEST_DOM0 },
	{ "a foreign mapping takes its place", foreign_over_the_page, TEST_DOM0 },
};

AREA(access, "access", tests, setup, teardown);
