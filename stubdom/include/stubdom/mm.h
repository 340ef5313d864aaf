/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory. Guest-physical memory below 4 GiB is mapped 1:1 (2 MiB pages), so a pointer and an
 * address are the same number there; a window high up takes 4 KiB mappings with chosen rights.
 */
#ifndef STUBDOM_MM_H
#define STUBDOM_MM_H

#include <stubdom/types.h>

#define PTE_P	 0x001ull
#define PTE_W	 0x002ull
#define PTE_U	 0x004ull
#define PTE_PWT	 0x008ull
#define PTE_PCD	 0x010ull
#define PTE_A	 0x020ull
#define PTE_D	 0x040ull
#define PTE_PS	 0x080ull
#define PTE_G	 0x100ull
#define PTE_NX	 (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

static inline void *gfn_ptr(uint64_t gfn) { return (void *)(gfn << PAGE_SHIFT); }

static inline uint64_t ptr_gfn(const volatile void *p) { return (uint64_t)p >> PAGE_SHIFT; }

void mm_init(void);

/* count pages of RAM, contiguous, the first aligned to align pages (a power of two); zeroed. */
void *pages_alloc(unsigned long count, unsigned long align);
void pages_free(void *p, unsigned long count);
static inline void *page_alloc(void) { return pages_alloc(1, 1); }
static inline void page_free(void *p) { pages_free(p, 1); }
/* Pages not handed out, for leak checks. */
unsigned long pages_free_count(void);

/*
 * Guest frames without RAM behind them, below 4 GiB and so within the 1:1 mapping: where foreign
 * pages, grants and populated pages of tests go. Given out in ascending order, aligned to align.
 */
uint64_t hole_gfn_alloc(unsigned long count, unsigned long align);
/* Give back a single one, with nothing mapped there: the next single one asked for. */
void hole_gfn_free(uint64_t gfn);

/* Map one page at a free address of the window (PTE_* flags, PTE_P is implied); never fails. */
void *window_map(uint64_t gfn, uint64_t flags);
void window_unmap(void *va);
/* The leaf entry that maps va (4 KiB or 2 MiB), or NULL. */
uint64_t *pte_of(const volatile void *va);

#endif
