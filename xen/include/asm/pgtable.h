/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's own page tables: entry bits, and the few functions that
 * change them (mm/pgtable.c). One tree serves all CPUs.
 */
#ifndef ASM_PGTABLE_H
#define ASM_PGTABLE_H

#define PTE_P	   0x001
#define PTE_W	   0x002
#define PTE_U	   0x004
#define PTE_PWT	   0x008
#define PTE_PCD	   0x010
#define PTE_A	   0x020
#define PTE_D	   0x040
#define PTE_PS	   0x080
#define PTE_G	   0x100
#define PTE_NX_BIT 63

/* Entries of the tables that boot/head.S makes, as 32-bit halves. */
#define PTE_LO_TABLE (PTE_P | PTE_W | PTE_A)
#define PTE_LO_RO    (PTE_P | PTE_A | PTE_D | PTE_G)
#define PTE_LO_RW    (PTE_P | PTE_W | PTE_A | PTE_D | PTE_G)
#define PTE_HI_NX    0x80000000

/* Space of the image: 2 MiB chunks from IMAGE_START that get page tables at boot. */
#define IMAGE_OFFSET 0x200000
#define IMAGE_CHUNKS 8

#ifndef __ASSEMBLER__

#include <asm/page.h>

#define PTE_NX	      (1UL << PTE_NX_BIT)
#define PTE_ADDR_MASK 0x000ffffffffff000UL
/* Kinds of mappings. */
#define MAP_RW (PTE_P | PTE_W | PTE_A | PTE_D | PTE_G | PTE_NX)
#define MAP_RO (PTE_P | PTE_A | PTE_D | PTE_G | PTE_NX)
#define MAP_UC (MAP_RW | PTE_PCD | PTE_PWT) /* PAT entry 3 */

/* PAT: 0 WB, 1 WT, 2 UC-, 3 UC, 4 WC, 5 WP, 6 UC-, 7 UC. */
#define HOST_PAT 0x0007050100070406UL

/* Top-level table; in the image, below 4 GiB. */
extern u64 host_l4[512];

/*
 * Map nr pages at va to pa with these flags, with large pages where alignment allows it. What was there
 * must be nothing. 0, or -ENOMEM (then part of it is mapped).
 */
int host_map(unsigned long va, maddr_t pa, unsigned long nr, u64 flags);
/* Remove nr 4K mappings (no large ones); the caller flushes. */
void host_unmap(unsigned long va, unsigned long nr);
/* Other flags for nr existing 4K mappings; the caller flushes. */
void host_protect(unsigned long va, unsigned long nr, u64 flags);
/* The entry that maps va (or 0), and the size of its page. Takes no lock. */
u64 host_walk(unsigned long va, unsigned int *shift);

/* ---- boot memory (mm/bootmem.c): what RAM is free, until the page allocator takes over ---- */
void bootmem_init(void);
/* Takes [start, end) out of what is free. */
void bootmem_reserve(maddr_t start, maddr_t end);
/* size bytes of zeroed memory that is never freed: physical address. Panics when there is none. */
maddr_t bootmem_alloc(u64 size, u64 align);
/* Addresses above limit are not handed out (what is mapped so far). */
void bootmem_set_limit(maddr_t limit);
/* Everything left goes to the page allocator. */
void bootmem_finish(void);
/* A page of RAM below 1 MiB for starting CPUs, or 0; given back by free_init_memory(). */
extern maddr_t trampoline_maddr;

/* ---- set-up of all of it (mm/init.c) ---- */
void mm_init(void);

/* nr pages of virtual space above VMAP_START, with an unmapped page after them; NULL when full. */
void *vmap_reserve(unsigned long nr);
void vmap_release(void *v);
struct cpu_stacks;
/* Stacks with unmapped guard pages, for a CPU that is being started. */
struct cpu_stacks *alloc_cpu_stacks(void);

#endif
#endif
