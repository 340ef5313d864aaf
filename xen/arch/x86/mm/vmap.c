/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Address space handed out on demand: device memory, firmware tables, guarded
 * stacks. First fit in a window of 1 GiB, two bits a page (taken; last page of
 * an area); every area is followed by a page that stays unmapped.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/spinlock.h>
#include <asm/bitops.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/traps.h>

#define VMAP_PAGES (GB(1) >> PAGE_SHIFT)
static unsigned long taken[BITS_TO_LONGS(VMAP_PAGES)], last[BITS_TO_LONGS(VMAP_PAGES)];
static DEFINE_SPINLOCK(vmap_lock, RANK_MM);

void *vmap_reserve(unsigned long nr)
{
	unsigned int at = 0, end, need = (unsigned int)nr + 1;
	void *v = NULL;

	if (!nr || nr >= VMAP_PAGES)
		return NULL;
	spin_lock(&vmap_lock);
	for (;; at = end + 1) {
		at = find_next_zero_bit(taken, VMAP_PAGES, at);
		if (at + need > VMAP_PAGES)
			break;
		end = find_next_bit(taken, at + need, at);
		if (end < at + need)
			continue;
		for (unsigned int i = at; i < at + need; i++)
			__set_bit(i, taken);
		__set_bit(at + need - 1, last);
		v = (void *)(VMAP_START + ((unsigned long)at << PAGE_SHIFT));
		break;
	}
	spin_unlock(&vmap_lock);
	return v;
}

static unsigned int area_index(const void *v)
{
	unsigned long i = ((unsigned long)v - VMAP_START) >> PAGE_SHIFT;

	BUG_ON(i >= VMAP_PAGES || !test_bit((unsigned int)i, taken));
	return (unsigned int)i;
}

void vmap_release(void *v)
{
	unsigned int i = area_index(v);

	spin_lock(&vmap_lock);
	for (;; i++) {
		bool end = test_bit(i, last);

		__clear_bit(i, taken);
		__clear_bit(i, last);
		if (end)
			break;
	}
	spin_unlock(&vmap_lock);
}

/* Unmaps an area whole; its pages may be used for something else once this returns. */
static void unmap_area(void *v)
{
	unsigned int i = area_index(v), end = find_next_bit(last, VMAP_PAGES, i);

	host_unmap((unsigned long)v & PAGE_MASK, end - i);
	flush_tlb_all();
	vmap_release(v);
}

static void *map_area(maddr_t ma, size_t len, u64 flags)
{
	unsigned long off = ma & ~PAGE_MASK, nr = (off + len + PAGE_SIZE - 1) >> PAGE_SHIFT;
	void *v;

	if (!len || ma + len < ma || (ma + len - 1) >> boot_cpu.phys_bits)
		return NULL;
	v = vmap_reserve(nr);
	if (!v)
		return NULL;
	/* Page by page: areas are unmapped that way. */
	for (unsigned long i = 0; i < nr; i++)
		if (host_map((unsigned long)v + (i << PAGE_SHIFT), (ma & PAGE_MASK) + (i << PAGE_SHIFT), 1,
			     flags)) {
			unmap_area(v);
			return NULL;
		}
	return (char *)v + off;
}

void *ioremap(maddr_t ma, size_t len) { return map_area(ma, len, MAP_UC); }
const void *map_firmware(maddr_t ma, size_t len) { return map_area(ma, len, MAP_RO); }
void iounmap(void *v) { unmap_area((void *)((unsigned long)v & PAGE_MASK)); }
void unmap_firmware(const void *v) { unmap_area((void *)((unsigned long)v & PAGE_MASK)); }

/* Fresh pages for nr pages of an area. */
static bool populate(void *v, unsigned long nr)
{
	for (unsigned long i = 0; i < nr; i++) {
		void *p = alloc_xenheap_page();

		if (!p)
			return false;
		if (host_map((unsigned long)v + (i << PAGE_SHIFT), virt_to_maddr(p), 1, MAP_RW)) {
			free_xenheap_page(p);
			return false;
		}
	}
	return true;
}

static void free_pages_of(void *v, unsigned long nr)
{
	maddr_t ma[32];

	while (nr) {
		unsigned long n = min_t(unsigned long, nr, ARRAY_SIZE(ma));

		for (unsigned long i = 0; i < n; i++)
			ma[i] = host_walk((unsigned long)v + (i << PAGE_SHIFT), NULL) & PTE_ADDR_MASK;
		host_unmap((unsigned long)v, n);
		flush_tlb_all();
		for (unsigned long i = 0; i < n; i++)
			if (ma[i])
				free_xenheap_page(maddr_to_virt(ma[i]));
		v = (char *)v + (n << PAGE_SHIFT);
		nr -= n;
	}
}

struct cpu_stacks *alloc_cpu_stacks(void)
{
	struct cpu_stacks *s = vmap_reserve(sizeof(*s) >> PAGE_SHIFT);

	if (!s)
		return NULL;
	if (populate(s->nmi, STACK_IST_SIZE >> PAGE_SHIFT) && populate(s->df, STACK_IST_SIZE >> PAGE_SHIFT) &&
	    populate(s->mc, STACK_IST_SIZE >> PAGE_SHIFT) && populate(s->main, STACK_MAIN_SIZE >> PAGE_SHIFT))
		return s;
	free_pages_of(s, sizeof(*s) >> PAGE_SHIFT);
	vmap_release(s);
	return NULL;
}
