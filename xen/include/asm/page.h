/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's address space, and conversions between its parts.
 *
 *   0xffff800000000000  direct map: all RAM (and nothing else), writable, no-execute, at this offset
 *   0xffffc00000000000  frame table: struct page_info of every frame below max_page
 *   0xffffd00000000000  mapped on demand: device memory (ioremap), guarded stacks
 *   0xffffffff80000000  the image, 2 MiB aligned physically, W^X per section
 *
 * The lower half is empty, but for the boot and AP trampolines while they run.
 */
#ifndef ASM_PAGE_H
#define ASM_PAGE_H

#define PAGE_SHIFT	 12
#define PAGE_SIZE	 (1UL << PAGE_SHIFT)
#define PAGE_MASK	 (~(PAGE_SIZE - 1))
#define PAGE_ORDER_4K	 0
#define PAGE_ORDER_2M	 9
#define PAGE_ORDER_1G	 18
#define PADDR_BITS	 46

#define DIRECTMAP_START	 0xffff800000000000UL
#define DIRECTMAP_END	 0xffffc00000000000UL
#define FRAMETABLE_START 0xffffc00000000000UL
#define VMAP_START	 0xffffd00000000000UL
#define IMAGE_START	 0xffffffff80000000UL

#ifndef __ASSEMBLER__

#ifdef PAVISE_HOST
/* Host builds of the p2m and allocators: the test's arena stands for the direct map. */
extern unsigned long host_directmap;
#define DIRECTMAP_BASE host_directmap
#else
#define DIRECTMAP_BASE DIRECTMAP_START
#endif

/* Physical address the image was loaded at (2 MiB aligned). */
extern unsigned long image_phys_base;

static inline void *maddr_to_virt(maddr_t ma) { return (void *)(DIRECTMAP_BASE + ma); }
static inline void *mfn_to_virt(mfn_t m) { return maddr_to_virt((maddr_t)mfn_x(m) << PAGE_SHIFT); }
/* Only for direct-map addresses; those of the image go through image_to_maddr(). */
static inline maddr_t virt_to_maddr(const void *v) { return (unsigned long)v - DIRECTMAP_BASE; }
static inline mfn_t virt_to_mfn(const void *v) { return _mfn(virt_to_maddr(v) >> PAGE_SHIFT); }
static inline maddr_t image_to_maddr(const void *v)
{
	return (unsigned long)v - IMAGE_START + image_phys_base;
}
static inline maddr_t mfn_to_maddr(mfn_t m) { return (maddr_t)mfn_x(m) << PAGE_SHIFT; }
static inline mfn_t maddr_to_mfn(maddr_t a) { return _mfn(a >> PAGE_SHIFT); }
static inline gpa_t gfn_to_gpa(gfn_t g) { return (gpa_t)gfn_x(g) << PAGE_SHIFT; }
static inline gfn_t gpa_to_gfn(gpa_t a) { return _gfn(a >> PAGE_SHIFT); }

#endif
#endif
