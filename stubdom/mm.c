/* SPDX-License-Identifier: GPL-2.0-only */
/* Page allocator, guest frames without RAM, and the mapping window. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/x86.h>

#define WINDOW_BASE  0xffff800000000000ul
#define WINDOW_PAGES 512u
#define LOW_LIMIT    (1ul << 20)
#define HOLE_LIMIT   0xfc000000ul

extern uint8_t __image_start[], __image_end[];
extern uint64_t boot_pml4[];

/* One byte per page of [heap_start, heap_end): 1 is taken. */
static uint8_t *heap_map;
static uint64_t heap_start, heap_pages, heap_free;
static uint64_t hole_next, hole_end;
static uint64_t hole_free[32];
static unsigned int hole_free_count;
static uint64_t window_pdpt[512] __aligned(4096), window_pd[512] __aligned(4096);
static uint64_t window_pt[WINDOW_PAGES] __aligned(4096);

struct range {
	uint64_t start, end;
};

/* Everything the builder placed in memory: image, start_info and what it points to. */
static unsigned int boot_ranges(struct range *r, unsigned int limit)
{
	const struct hvm_modlist_entry *mod;
	unsigned int i, count, n = 0;

#define ADD(addr, size)                                                                            \
	do {                                                                                       \
		if (n < limit)                                                                     \
			r[n++] = (struct range){ (uint64_t)(addr)&PAGE_MASK,                       \
						 ALIGN_UP((uint64_t)(addr) + (size), PAGE_SIZE) }; \
	} while (0)
	ADD(__image_start, (uint64_t)(__image_end - __image_start));
	ADD(start_info, sizeof(*start_info));
	ADD(start_info->cmdline_paddr, strlen(cmdline) + 1);
	mod = modules(&count);
	ADD(mod, count * sizeof(*mod));
	for (i = 0; i < count; i++)
		ADD(mod[i].paddr, mod[i].size);
#undef ADD
	return n;
}

/* From a page on, how far the memory is free of all ranges (0 when it is inside one). */
static uint64_t free_until(uint64_t from, uint64_t end, const struct range *r, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (r[i].start <= from && from < r[i].end)
			return from;
		if (r[i].start > from && r[i].start < end)
			end = r[i].start;
	}
	return end;
}

/* The heap: the largest piece of RAM from 1 MiB to 4 GiB without anything of the builder in it. */
static void heap_init(void)
{
	const struct hvm_memmap_table_entry *map;
	unsigned int i, j, count, ranges;
	struct range r[32];
	uint64_t best = 0;

	ranges = boot_ranges(r, ARRAY_SIZE(r));
	map = memmap(&count);
	for (i = 0; i < count; i++) {
		uint64_t start = MAX(ALIGN_UP(map[i].addr, PAGE_SIZE), LOW_LIMIT);
		uint64_t end = MIN((map[i].addr + map[i].size) & PAGE_MASK, 1ul << 32);

		if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
			continue;
		for (j = 0; j <= ranges; j++) {
			uint64_t from = j < ranges ? r[j].end : start;
			uint64_t top;

			if (from < start || from >= end)
				continue;
			top = free_until(from, end, r, ranges);
			if (top - from > best) {
				best = top - from;
				heap_start = from;
			}
		}
	}
	if (best < 64 * PAGE_SIZE)
		panic("no memory for the heap (%lu bytes)", best);
	heap_map = (uint8_t *)heap_start;
	heap_pages = best >> PAGE_SHIFT;
	i = (unsigned int)(ALIGN_UP(heap_pages, PAGE_SIZE) >> PAGE_SHIFT);
	heap_start += i * PAGE_SIZE;
	heap_pages -= i;
	heap_free = heap_pages;
	memset(heap_map, 0, heap_pages);
}

/* The largest range below HOLE_LIMIT the memory map says nothing about; its upper half is used. */
static void hole_init(void)
{
	const struct hvm_memmap_table_entry *map;
	unsigned int i, j, count;
	uint64_t best = 0;

	map = memmap(&count);
	for (i = 0; i < count; i++) {
		uint64_t start = map[i].addr + map[i].size, end = HOLE_LIMIT;

		for (j = 0; j < count; j++) {
			if (map[j].addr >= start && map[j].addr < end)
				end = map[j].addr;
			else if (map[j].addr < start && map[j].addr + map[j].size > start)
				end = start;
		}
		if (start < end && end - start > best) {
			best = end - start;
			hole_next = ALIGN_UP(start + best / 2, SIZE_2M) >> PAGE_SHIFT;
			hole_end = end >> PAGE_SHIFT;
		}
	}
	if (!best)
		panic("no hole in the memory map");
}

void mm_init(void)
{
	unsigned int slot = (WINDOW_BASE >> 39) & 511;

	heap_init();
	hole_init();
	window_pd[0] = (uint64_t)window_pt | PTE_P | PTE_W | PTE_U;
	window_pdpt[0] = (uint64_t)window_pd | PTE_P | PTE_W | PTE_U;
	boot_pml4[slot] = (uint64_t)window_pdpt | PTE_P | PTE_W | PTE_U;
	printf("stubdom: heap %lx + %lu pages, hole gfns %lx-%lx\n", heap_start, heap_pages, hole_next,
	       hole_end);
}

void *pages_alloc(unsigned long count, unsigned long align)
{
	uint64_t first = ALIGN_UP(heap_start >> PAGE_SHIFT, align) - (heap_start >> PAGE_SHIFT);
	uint64_t i;

	for (; first + count <= heap_pages; first += align) {
		for (i = 0; i < count && !heap_map[first + i]; i++)
			continue;
		if (i < count)
			continue;
		memset(heap_map + first, 1, count);
		heap_free -= count;
		return memset((void *)(heap_start + (first << PAGE_SHIFT)), 0, count << PAGE_SHIFT);
	}
	panic("out of memory: %lu pages, aligned to %lu", count, align);
}

void pages_free(void *p, unsigned long count)
{
	uint64_t first = ((uint64_t)p - heap_start) >> PAGE_SHIFT;

	memset(heap_map + first, 0, count);
	heap_free += count;
}

unsigned long pages_free_count(void) { return heap_free; }

uint64_t hole_gfn_alloc(unsigned long count, unsigned long align)
{
	uint64_t gfn = ALIGN_UP(hole_next, align);

	if (count == 1 && hole_free_count)
		return hole_free[--hole_free_count];

	if (gfn + count > hole_end)
		panic("out of hole gfns");
	hole_next = gfn + count;
	return gfn;
}

void hole_gfn_free(uint64_t gfn)
{
	if (hole_free_count < ARRAY_SIZE(hole_free))
		hole_free[hole_free_count++] = gfn;
}

void *window_map(uint64_t gfn, uint64_t flags)
{
	unsigned int i;

	for (i = 0; i < WINDOW_PAGES; i++) {
		void *va = (void *)(WINDOW_BASE + i * PAGE_SIZE);

		if (window_pt[i])
			continue;
		window_pt[i] = gfn << PAGE_SHIFT | flags | PTE_P;
		invlpg(va);
		return va;
	}
	panic("mapping window full");
}

void window_unmap(void *va)
{
	window_pt[((uint64_t)va - WINDOW_BASE) >> PAGE_SHIFT] = 0;
	invlpg(va);
}

uint64_t *pte_of(const volatile void *va)
{
	uint64_t *table = boot_pml4;
	int shift;

	for (shift = 39;; shift -= 9) {
		uint64_t *e = &table[(uint64_t)va >> shift & 511];

		if (!(*e & PTE_P))
			return NULL;
		if (shift == 12 || (*e & PTE_PS))
			return e;
		table = (uint64_t *)(*e & PTE_ADDR);
	}
}
