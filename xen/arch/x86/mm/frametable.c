/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame table: one struct page_info per frame of RAM, at the frame's index
 * from FRAMETABLE_START. Only the parts that describe RAM are mapped; which
 * ones, a bitmap says.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/bitops.h>
#include <asm/pgtable.h>
#include <asm/setup.h>
#include "mm.h"

/* Frames whose entries share a page of the table. */
#define FRAMES_PER_PAGE (PAGE_SIZE / sizeof(struct page_info))
#define FRAMES_PER_2M	(MB(2) / sizeof(struct page_info))

unsigned long max_page __ro_after_init;
/* A bit for each page of the table: mapped. */
static unsigned long *mapped __ro_after_init;

bool mfn_valid(mfn_t m)
{
	unsigned long n = mfn_x(m);

	return n < max_page && test_bit((unsigned int)(n / FRAMES_PER_PAGE), mapped) &&
	       !(READ_ONCE(frame_table[n].ref) & PGC_broken);
}

/* Map the pages of the table for frames [start, end), both multiples of FRAMES_PER_PAGE. */
static void __init map_part(unsigned long start, unsigned long end)
{
	while (start < end) {
		unsigned long n = FRAMES_PER_PAGE;

		if (!(start % FRAMES_PER_2M) && end - start >= FRAMES_PER_2M)
			n = FRAMES_PER_2M;
		if (host_map((unsigned long)(frame_table + start),
			     bootmem_alloc(n * sizeof(struct page_info), n * sizeof(struct page_info)),
			     n / FRAMES_PER_PAGE, MAP_RW))
			panic("out of memory for the frame table\n");
		for (unsigned long i = start; i < start + n; i += FRAMES_PER_PAGE)
			__set_bit((unsigned int)(i / FRAMES_PER_PAGE), mapped);
		start += n;
	}
}

/* Frames [start, end) are not RAM: where they have an entry, it says so. */
static void __init mark_hole(unsigned long start, unsigned long end)
{
	for (; start < end && start % FRAMES_PER_PAGE; start++)
		frame_table[start].ref = PGC_broken;
	if (start < end && test_bit((unsigned int)((end - 1) / FRAMES_PER_PAGE), mapped))
		for (unsigned long i = max(start, ROUND_DOWN(end - 1, FRAMES_PER_PAGE)); i < end; i++)
			frame_table[i].ref = PGC_broken;
}

void __init frametable_init(void)
{
	unsigned long end = 0, done = 0, ram_end = 0;

	for (unsigned int i = 0; i < e820.nr; i++)
		if (e820.e[i].type == E820_RAM)
			end = (e820.e[i].addr + e820.e[i].size) >> PAGE_SHIFT;
	max_page = end;
	end = ROUND_UP(end, FRAMES_PER_PAGE);
	mapped = maddr_to_virt(bootmem_alloc(BITS_TO_LONGS(end / FRAMES_PER_PAGE) * sizeof(long), PAGE_SIZE));

	for (unsigned int i = 0; i < e820.nr; i++) {
		unsigned long s = e820.e[i].addr >> PAGE_SHIFT, e = s + (e820.e[i].size >> PAGE_SHIFT);

		if (e820.e[i].type != E820_RAM)
			continue;
		s = max(ROUND_DOWN(s, FRAMES_PER_PAGE), done);
		done = ROUND_UP(e, FRAMES_PER_PAGE);
		map_part(s, done);
	}
	for (unsigned int i = 0; i < e820.nr; i++) {
		unsigned long s = e820.e[i].addr >> PAGE_SHIFT;

		if (e820.e[i].type != E820_RAM)
			continue;
		mark_hole(ram_end, s);
		ram_end = s + (e820.e[i].size >> PAGE_SHIFT);
	}
	mark_hole(ram_end, end);
}
