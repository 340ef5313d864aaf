/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory while the page allocator does not exist: ranges of free RAM, taken
 * from the top downwards (low memory is the scarce kind), never given back.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/pgtable.h>
#include <asm/setup.h>

#define RANGES_MAX (E820_MAX + 64)
static struct {
	maddr_t start, end;
} ranges[RANGES_MAX] __initdata;
static unsigned int nr_ranges __initdata;
static maddr_t limit __initdata = GB(4);

static void __init remove_range(unsigned int i)
{
	memmove(&ranges[i], &ranges[i + 1], sizeof(ranges[0]) * (nr_ranges - i - 1));
	nr_ranges--;
}

void __init bootmem_reserve(maddr_t start, maddr_t end)
{
	start = ROUND_DOWN(start, PAGE_SIZE);
	end = ROUND_UP(end, PAGE_SIZE);
	for (unsigned int i = 0; i < nr_ranges; i++) {
		maddr_t s = ranges[i].start, e = ranges[i].end;

		if (end <= s || start >= e)
			continue;
		if (start > s && end < e) {
			if (nr_ranges == RANGES_MAX)
				panic("boot memory is in too many pieces\n");
			memmove(&ranges[i + 1], &ranges[i], sizeof(ranges[0]) * (nr_ranges - i));
			nr_ranges++;
			ranges[i].end = start;
			ranges[++i].start = end;
		} else if (start > s) {
			ranges[i].end = start;
		} else if (end < e) {
			ranges[i].start = end;
		} else {
			remove_range(i--);
		}
	}
}

void __init bootmem_init(void)
{
	for (unsigned int i = 0; i < e820.nr; i++) {
		if (e820.e[i].type != E820_RAM)
			continue;
		ranges[nr_ranges].start = e820.e[i].addr;
		ranges[nr_ranges++].end = e820.e[i].addr + e820.e[i].size;
	}
}

void __init bootmem_set_limit(maddr_t l) { limit = l; }

maddr_t __init bootmem_alloc(u64 size, u64 align)
{
	size = ROUND_UP(size, PAGE_SIZE);
	align = max_t(u64, align, PAGE_SIZE);
	for (unsigned int i = nr_ranges; i-- > 0;) {
		maddr_t top = min(ranges[i].end, limit), at;
		void *d;
		u64 words = size / 8;

		if (top < ranges[i].start + size || top < size)
			continue;
		at = ROUND_DOWN(top - size, align);
		if (at < ranges[i].start)
			continue;
		bootmem_reserve(at, at + size);
		d = maddr_to_virt(at);
		__asm__ __volatile__("rep stosq" : "+D"(d), "+c"(words) : "a"(0UL) : "memory");
		return at;
	}
	panic("out of memory: no %lu KiB of RAM left while starting\n", (unsigned long)(size >> 10));
}

/* Low RAM held back from the allocator while dom0 has not been built: dom0's kernel and RAM are wanted there, 1:1. */
#define HOLD_MAX MB(512)

static maddr_t __init hold_limit(void)
{
	u64 total = 0;

	for (unsigned int i = 0; i < nr_ranges; i++)
		total += ranges[i].end - ranges[i].start;
	return ROUND_DOWN(min(total / 2, (u64)HOLD_MAX), MB(2));
}

void __init bootmem_finish(void)
{
	maddr_t hold = hold_limit();

	for (unsigned int i = nr_ranges; i-- > 0;) {
		maddr_t start = max(ranges[i].start, hold);

		if (start >= ranges[i].end)
			continue;
		init_heap_pages(maddr_to_mfn(start), (ranges[i].end - start) >> PAGE_SHIFT);
		ranges[i].end = start;
		if (ranges[i].start >= start)
			remove_range(i);
	}
}

void __init bootmem_release_held(void)
{
	for (unsigned int i = 0; i < nr_ranges; i++)
		init_heap_pages(maddr_to_mfn(ranges[i].start), (ranges[i].end - ranges[i].start) >> PAGE_SHIFT);
	nr_ranges = 0;
}
