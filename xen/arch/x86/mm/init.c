/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the machine's memory map to a running allocator: direct map, frame
 * table, heap; and what happens to the image's memory when boot is over.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/traps.h>
#include "mm.h"

extern u8 __image_start[], __image_end[], __init_text_start[], __init_text_end[];
extern u8 __ro_after_init_start[], __ro_after_init_end[], __init_data_start[], __init_data_end[];

unsigned long image_phys_base __ro_after_init;
unsigned long total_pages __ro_after_init;
maddr_t trampoline_maddr __ro_after_init;

#define DIRECTMAP_SLOT(va) ((va) >> 39 & 511)

static void __init map_ram(u64 *root, maddr_t start, maddr_t end)
{
	if (start < end &&
	    host_map_root(root, DIRECTMAP_START + start, start, (end - start) >> PAGE_SHIFT, MAP_RW))
		panic("out of memory for the direct map\n");
}

/*
 * All RAM but the image, whose frames have one mapping only (else its code would be writable through the
 * other). Built beside the map in use, which covers the first 4 GiB, then exchanged.
 */
static void __init make_directmap(void)
{
	maddr_t img = image_to_maddr(__image_start), img_end = image_to_maddr(__image_end);
	u64 *root = maddr_to_virt(bootmem_alloc(PAGE_SIZE, PAGE_SIZE));

	for (unsigned int i = 0; i < e820.nr; i++) {
		maddr_t s = e820.e[i].addr, e = s + e820.e[i].size;

		if (e820.e[i].type != E820_RAM)
			continue;
		if (e <= img || s >= img_end) {
			map_ram(root, s, e);
		} else {
			map_ram(root, s, min(e, img));
			map_ram(root, max(s, img_end), e);
		}
	}
	for (unsigned long i = DIRECTMAP_SLOT(DIRECTMAP_START); i < DIRECTMAP_SLOT(DIRECTMAP_END); i++)
		host_l4[i] = root[i];
	flush_tlb_local();
	bootmem_set_limit(~0UL);
}

/* RAM above what the direct map can hold is left alone. */
static void __init clip_ram(void)
{
	unsigned int n = 0;
	u64 top = 1UL << PADDR_BITS;

	for (unsigned int i = 0; i < e820.nr; i++) {
		struct e820_entry e = e820.e[i];

		if (e.type == E820_RAM && e.addr + e.size > top) {
			printk(XENLOG_WARNING "RAM above %lu TiB is not used\n", (unsigned long)(top >> 40));
			if (e.addr >= top)
				continue;
			e.size = top - e.addr;
		}
		if (e.type == E820_RAM)
			total_pages += e.size >> PAGE_SHIFT;
		e820.e[n++] = e;
	}
	e820.nr = n;
}

/* A page for starting CPUs: below 640 KiB, not the one with the BIOS's data. */
static void __init find_trampoline(void)
{
	for (unsigned int i = 0; i < e820.nr; i++) {
		maddr_t s = max_t(u64, e820.e[i].addr, KB(32)), e = e820.e[i].addr + e820.e[i].size;

		if (e820.e[i].type == E820_RAM && s + PAGE_SIZE <= min_t(u64, e, KB(640))) {
			trampoline_maddr = s;
			return;
		}
	}
}

static bool __init in_ram(maddr_t start, u64 size)
{
	for (unsigned int i = 0; i < e820.nr; i++)
		if (e820.e[i].type == E820_RAM && start >= e820.e[i].addr &&
		    start + size <= e820.e[i].addr + e820.e[i].size)
			return true;
	return false;
}

/* What is read through the direct map later must be in it. */
static void __init reserve_modules(void)
{
	for (unsigned int i = 0; i < boot_info.nr_modules; i++) {
		const struct boot_module *m = &boot_info.module[i];

		if (!m->size)
			continue;
		if (!in_ram(m->start, m->size))
			panic("module %u (%lx-%lx) does not lie in RAM\n", i, (unsigned long)m->start,
			      (unsigned long)(m->start + m->size));
		bootmem_reserve(m->start, m->start + m->size);
	}
}

void __init mm_init(void)
{
	clip_ram();
	if (total_pages < MB(32) >> PAGE_SHIFT)
		panic("too little memory: %lu KiB of RAM\n", total_pages * (PAGE_SIZE / 1024));
	bootmem_init();
	bootmem_reserve(0, PAGE_SIZE);
	bootmem_reserve(image_to_maddr(__image_start), image_to_maddr(__image_end));
	reserve_modules();
	find_trampoline();
	if (trampoline_maddr)
		bootmem_reserve(trampoline_maddr, trampoline_maddr + PAGE_SIZE);
	make_directmap();
	frametable_init();
	traps_guard_boot_stacks();
	bootmem_finish();
	heap_ready = true;
}

/* Part of the image: out of its own mapping, into the direct map, to the allocator. */
static void give_back(u8 *start, u8 *end)
{
	unsigned long nr = (unsigned long)(end - start) >> PAGE_SHIFT;
	maddr_t ma = image_to_maddr(start);

	host_unmap((unsigned long)start, nr);
	flush_tlb_all();
	if (host_map(DIRECTMAP_START + ma, ma, nr, MAP_RW)) {
		printk(XENLOG_WARNING "%lu KiB of boot code cannot be reused: no memory\n", nr * 4);
		return;
	}
	init_heap_pages(maddr_to_mfn(ma), nr);
}

void free_init_memory(void)
{
	unsigned long kib =
		(unsigned long)(__init_text_end - __init_text_start + __init_data_end - __init_data_start) >>
		10;

	host_protect((unsigned long)__ro_after_init_start,
		     (unsigned long)(__ro_after_init_end - __ro_after_init_start) >> PAGE_SHIFT, MAP_RO);
	flush_tlb_all();
	give_back(__init_text_start, __init_text_end);
	give_back(__init_data_start, __init_data_end);
	if (trampoline_maddr)
		init_heap_pages(maddr_to_mfn(trampoline_maddr), 1);
	printk(XENLOG_DEBUG "%lu KiB of boot code and data freed\n", kib);
}
