/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own page tables: map, unmap, change permissions. Everything
 * above is one tree (host_l4) that all CPUs share; tables are never freed.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/smp.h>
#include <xen/spinlock.h>
#include <asm/cpufeature.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include "mm.h"

static DEFINE_SPINLOCK(host_pt_lock, RANK_MM);
/* The page allocator has taken over from boot memory. */
bool heap_ready __ro_after_init;

#define TABLE_FLAGS (PTE_P | PTE_W | PTE_A)

/* The first tables lie in the image, which the direct map leaves out. */
static u64 *table_virt(maddr_t ma)
{
	extern u8 __image_start[], __image_end[];

	if (ma >= image_to_maddr(__image_start) && ma < image_to_maddr(__image_end))
		return (u64 *)(ma - image_phys_base + IMAGE_START);
	return maddr_to_virt(ma);
}

static maddr_t new_table(void)
{
	void *v;

	if (!heap_ready)
		return bootmem_alloc(PAGE_SIZE, PAGE_SIZE);
	v = alloc_xenheap_page();
	return v ? virt_to_maddr(v) : 0;
}

static unsigned int table_index(unsigned long va, unsigned int shift) { return va >> shift & 511; }

/* The entry for va at the level whose entries span 1 << shift bytes, tables made on the way; NULL: no memory. */
static u64 *get_entry(u64 *root, unsigned long va, unsigned int shift)
{
	u64 *t = root;

	for (unsigned int s = 39; s > shift; s -= 9) {
		u64 *e = t + table_index(va, s);

		if (!(*e & PTE_P)) {
			maddr_t ma = new_table();

			if (!ma)
				return NULL;
			WRITE_ONCE(*e, ma | TABLE_FLAGS);
		}
		BUG_ON(*e & PTE_PS);
		t = table_virt(*e & PTE_ADDR_MASK);
	}
	return t + table_index(va, shift);
}

static unsigned int best_shift(unsigned long va, maddr_t pa, unsigned long nr)
{
	if (cpu_has(X86_FEATURE_PAGE1GB) && !((va | pa) & (GB(1) - 1)) && nr >= 1UL << PAGE_ORDER_1G)
		return 30;
	if (!((va | pa) & (MB(2) - 1)) && nr >= 1UL << PAGE_ORDER_2M)
		return 21;
	return 12;
}

int host_map_root(u64 *root, unsigned long va, maddr_t pa, unsigned long nr, u64 flags)
{
	while (nr) {
		unsigned int shift = best_shift(va, pa, nr);
		u64 *e = get_entry(root, va, shift);

		if (!e)
			return -ENOMEM;
		BUG_ON(*e & PTE_P);
		WRITE_ONCE(*e, pa | flags | (shift > 12 ? PTE_PS : 0));
		va += 1UL << shift;
		pa += 1UL << shift;
		nr -= 1UL << (shift - 12);
	}
	return 0;
}

int host_map(unsigned long va, maddr_t pa, unsigned long nr, u64 flags)
{
	int rc;

	spin_lock(&host_pt_lock);
	rc = host_map_root(host_l4, va, pa, nr, flags);
	spin_unlock(&host_pt_lock);
	return rc;
}

/* Each of nr existing 4K entries: flags 0 clears it, else it keeps its frame. */
static void change_range(unsigned long va, unsigned long nr, u64 flags)
{
	spin_lock(&host_pt_lock);
	for (; nr; nr--, va += PAGE_SIZE) {
		unsigned int shift;
		u64 old = host_walk(va, &shift);

		if (!(old & PTE_P))
			continue;
		BUG_ON(shift != 12);
		WRITE_ONCE(*get_entry(host_l4, va, 12), flags ? (old & PTE_ADDR_MASK) | flags : 0);
	}
	spin_unlock(&host_pt_lock);
}

void host_unmap(unsigned long va, unsigned long nr) { change_range(va, nr, 0); }
void host_protect(unsigned long va, unsigned long nr, u64 flags) { change_range(va, nr, flags); }

u64 host_walk(unsigned long va, unsigned int *shift)
{
	const u64 *t = host_l4;

	for (unsigned int s = 39;; s -= 9) {
		u64 e = READ_ONCE(t[table_index(va, s)]);

		if (shift)
			*shift = s;
		if (!(e & PTE_P) || s == 12 || (e & PTE_PS))
			return e & PTE_P ? e : 0;
		t = table_virt(e & PTE_ADDR_MASK);
	}
}

void flush_tlb_local(void)
{
	unsigned long f = local_irq_save(), cr4 = read_cr4();

	write_cr4(cr4 & ~X86_CR4_PGE);
	write_cr4(cr4 | X86_CR4_PGE);
	local_irq_restore(f);
}

static void flush_one(void *unused) { flush_tlb_local(); }

void flush_tlb_all(void)
{
	if (cpumask_empty(cpumask_without(cpu_online_map, smp_processor_id())))
		flush_tlb_local();
	else
		on_selected_cpus(cpu_online_map, flush_one, NULL, true);
}
