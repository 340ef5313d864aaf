/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's memory map: e820_sanitise() against a page-by-page model. */
#include <xen/errno.h>
#include <xen/lib.h>
#include <asm/page.h>
#include <asm/setup.h>
#include "host/tap.h"

static struct e820_map out;

static void sorted_without_overlaps(void)
{
	for (unsigned int i = 0; i < out.nr; i++) {
		CHECK(out.e[i].size);
		if (!i)
			continue;
		CHECK(out.e[i].addr >= out.e[i - 1].addr + out.e[i - 1].size);
		CHECK(out.e[i].addr > out.e[i - 1].addr + out.e[i - 1].size || out.e[i].type != out.e[i - 1].type);
	}
	for (unsigned int i = 0; i < out.nr; i++)
		if (out.e[i].type == E820_RAM)
			CHECK(IS_ALIGNED(out.e[i].addr | out.e[i].size, PAGE_SIZE));
}

static u32 type_at(u64 addr)
{
	for (unsigned int i = 0; i < out.nr; i++)
		if (addr - out.e[i].addr < out.e[i].size)
			return out.e[i].type;
	return 0;
}

static void a_normal_map_stays(void)
{
	static const struct e820_entry in[] = {
		{ 0, 0x9fc00, E820_RAM }, { 0x9fc00, 0x400, E820_RESERVED }, { 0xf0000, 0x10000, E820_RESERVED },
		{ 0x100000, 0x3fef0000, E820_RAM }, { 0x3fff0000, 0x10000, E820_ACPI },
	};

	CHECK_EQ(e820_sanitise(&out, in, ARRAY_SIZE(in)), 0);
	sorted_without_overlaps();
	CHECK_EQ(type_at(0), E820_RAM);
	CHECK_EQ(type_at(0x9eff0), E820_RAM);
	/* The page that is partly reserved is no RAM. */
	CHECK(type_at(0x9f000) != E820_RAM);
	CHECK_EQ(type_at(0x100000), E820_RAM);
	CHECK_EQ(type_at(0x3fff0000), E820_ACPI);
	CHECK_EQ(type_at(0xa0000), 0);
}

static void the_order_of_entries_does_not_matter(void)
{
	static const struct e820_entry in[] = {
		{ 0x200000, 0x100000, E820_RAM }, { 0, 0x80000, E820_RAM }, { 0x100000, 0x100000, E820_RAM },
	};

	CHECK_EQ(e820_sanitise(&out, in, ARRAY_SIZE(in)), 0);
	sorted_without_overlaps();
	CHECK_EQ(out.nr, 2);
	CHECK_EQ(out.e[1].size, 0x200000);
}

static void the_more_restrictive_type_wins(void)
{
	static const struct e820_entry in[] = {
		{ 0, 0x1000000, E820_RAM }, { 0x100000, 0x1000, E820_ACPI }, { 0x100000, 0x2000, E820_NVS },
		{ 0x101000, 0x2000, E820_RESERVED }, { 0x102000, 0x1000, E820_UNUSABLE }, { 0x200000, 0x1000, 77 },
	};

	CHECK_EQ(e820_sanitise(&out, in, ARRAY_SIZE(in)), 0);
	sorted_without_overlaps();
	CHECK_EQ(type_at(0x100000), E820_NVS);
	CHECK_EQ(type_at(0x101000), E820_RESERVED);
	CHECK_EQ(type_at(0x102000), E820_UNUSABLE);
	CHECK_EQ(type_at(0x103000), E820_RAM);
	CHECK_EQ(type_at(0x200000), E820_RESERVED);
}

static void nonsense_is_survived(void)
{
	static const struct e820_entry in[] = {
		{ 0x100000, 0x100000, E820_RAM }, { ~0UL, 2, E820_RAM }, { ~0UL - 0xfff, ~0UL, E820_RESERVED },
		{ 0x300000, 0, E820_RAM }, { 0x400123, 0x10, E820_RAM },
	};

	CHECK_EQ(e820_sanitise(&out, in, ARRAY_SIZE(in)), 0);
	sorted_without_overlaps();
	CHECK_EQ(type_at(0x100000), E820_RAM);
	CHECK_EQ(type_at(0x300000), 0);
	CHECK(type_at(0x400123) != E820_RAM);
}

static void a_map_without_ram_is_refused(void)
{
	static const struct e820_entry in[] = { { 0, 0x100000, E820_RESERVED }, { 0x200000, 0x800, E820_RAM } };

	CHECK_EQ(e820_sanitise(&out, in, ARRAY_SIZE(in)), -EINVAL);
	CHECK_EQ(e820_sanitise(&out, in, 0), -EINVAL);
}

#define PAGES 64
#define ENTRIES 12

static unsigned int rank(u32 type)
{
	static const u8 order[] = { 0, 1, 4, 2, 3, 5 };

	return type < ARRAY_SIZE(order) ? order[type] : 4;
}

static void random_maps_agree_with_a_model(void)
{
	for (unsigned long round = 0; round < tap_rounds(20000); round++) {
		struct e820_entry in[ENTRIES];
		u32 model[2 * PAGES] = { 0 };	/* half pages */
		unsigned int n = 1 + (unsigned int)tap_random_below(ENTRIES);
		bool ram = false;

		for (unsigned int i = 0; i < n; i++) {
			unsigned int s = (unsigned int)tap_random_below(2 * PAGES);
			unsigned int len = (unsigned int)tap_random_below(2 * PAGES - s + 1);

			in[i].addr = s * 2048UL;
			in[i].size = len * 2048UL;
			in[i].type = 1 + (u32)tap_random_below(6);
			for (unsigned int k = s; k < s + len; k++)
				if (rank(in[i].type) > rank(model[k]))
					model[k] = in[i].type < 6 ? in[i].type : E820_RESERVED;
		}
		for (unsigned int p = 0; p < PAGES; p++)
			ram |= model[2 * p] == E820_RAM && model[2 * p + 1] == E820_RAM;
		CHECK_EQ(e820_sanitise(&out, in, n), ram ? 0 : -EINVAL);
		if (!ram)
			continue;
		sorted_without_overlaps();
		for (unsigned int k = 0; k < 2 * PAGES; k++) {
			bool whole = model[k] == E820_RAM && model[k ^ 1] == E820_RAM;

			if (model[k] == E820_RAM)
				CHECK_EQ(type_at(k * 2048UL) == E820_RAM, whole);
			else
				CHECK_EQ(type_at(k * 2048UL), model[k]);
		}
	}
}

static const struct unit_case cases[] = {
	CASE(a_normal_map_stays),
	CASE(the_order_of_entries_does_not_matter),
	CASE(the_more_restrictive_type_wins),
	CASE(nonsense_is_survived),
	CASE(a_map_without_ram_is_refused),
	CASE(random_maps_agree_with_a_model),
};
TAP_MAIN(cases, NULL);
