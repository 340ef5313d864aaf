/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The EPT entry: its bits, and pure functions on a copy of one. Nothing here
 * reads or writes a table; that is ept.c's.
 *
 * Bits as in SDM volume 3, "EPT Translation Mechanism" and "Format of an EPT
 * Paging-Structure Entry". Of the bits used by software, 10, 57 and 58 mean
 * something to a CPU only with VM-execution controls that stay off (mode-based
 * execute control, guest-paging verification, paging-write).
 */
#ifndef P2M_EPT_H
#define P2M_EPT_H

#include <asm/p2m.h>

#define EPT_R		 (1ULL << 0)
#define EPT_W		 (1ULL << 1)
#define EPT_X		 (1ULL << 2)
#define EPT_RWX		 (EPT_R | EPT_W | EPT_X)
#define EPT_EMT_SHIFT	 3 /* leaf: memory type */
#define EPT_EMT_MASK	 (7ULL << EPT_EMT_SHIFT)
#define EPT_IPAT	 (1ULL << 6) /* leaf: ignore the guest's PAT */
#define EPT_SP		 (1ULL << 7) /* leaf above level 0; a table entry never has it */
#define EPT_GONE	 (1ULL << 10) /* software: a hole made while log-dirty was on */
#define EPT_SPECIAL	 (1ULL << 11) /* software: a PGC_xen frame; changed under the p2m lock only */
#define EPT_MFN_MASK	 0x000ffffffffff000ULL
#define EPT_TYPE_SHIFT	 52 /* software: enum p2m_type */
#define EPT_TYPE_MASK	 (0xfULL << EPT_TYPE_SHIFT)
#define EPT_PRIVATE	 (1ULL << 56) /* software: the guest keeps this page from everybody else */
#define EPT_ACCESS_SHIFT 57 /* software: enum p2m_access */
#define EPT_ACCESS_MASK	 (7ULL << EPT_ACCESS_SHIFT)
#define EPT_SWEPT \
	(1ULL << 62) /* software: made read-only by the sweep that is under way, and not written to since */

#define EPT_EMPTY ((ept_t){ 0 })
/* Not present, and not to be changed but by who put it there: read again from the root. */
#define EPT_FROZEN  ((ept_t){ 0xfULL << EPT_TYPE_SHIFT })

#define EPT_SHIFT   9
#define EPT_ENTRIES (1U << EPT_SHIFT)
/* Levels of entries: 0 maps 4K, 1 2M, 2 1G; the root's are level 3 and never leaves. */
#define EPT_TOP	     3U
#define EPT_GFN_BITS (EPT_SHIFT * (EPT_TOP + 1))

typedef struct {
	u64 e;
} ept_t;

_Static_assert(P2M_TYPES < 15, "type 15 is the frozen entry");
_Static_assert(sizeof(ept_t) == 8, "an entry is one word");
_Static_assert(EPT_ENTRIES * sizeof(ept_t) == PAGE_SIZE, "a table is one page");
_Static_assert(!(EPT_MFN_MASK & (EPT_TYPE_MASK | EPT_ACCESS_MASK | EPT_SPECIAL | EPT_GONE | EPT_PRIVATE)),
	       "software bits lie outside the address");

static inline bool ept_eq(ept_t a, ept_t b) { return a.e == b.e; }
static inline enum p2m_type ept_type(ept_t e) { return (enum p2m_type)(e.e >> EPT_TYPE_SHIFT & 0xf); }
static inline enum p2m_access ept_access(ept_t e) { return (enum p2m_access)(e.e >> EPT_ACCESS_SHIFT & 7); }
static inline mfn_t ept_mfn(ept_t e) { return _mfn((e.e & EPT_MFN_MASK) >> PAGE_SHIFT); }
static inline bool ept_present(ept_t e) { return e.e & EPT_RWX; }
static inline bool ept_frozen(ept_t e) { return ept_eq(e, EPT_FROZEN); }
/* Points to a table: all rights and no type. Only above level 0, where every leaf has a type. */
static inline bool ept_is_table(ept_t e) { return (e.e & (EPT_TYPE_MASK | EPT_RWX)) == EPT_RWX; }
static inline bool ept_is_hole(ept_t e) { return !(e.e & ~EPT_GONE); }

static inline unsigned long ept_pages(unsigned int level) { return 1UL << (EPT_SHIFT * level); }
static inline unsigned int ept_index(unsigned long gfn, unsigned int level)
{
	return (gfn >> (EPT_SHIFT * level)) & (EPT_ENTRIES - 1);
}
/* First gfn after the entry of this level that covers gfn. */
static inline unsigned long ept_next(unsigned long gfn, unsigned int level)
{
	return (gfn | (ept_pages(level) - 1)) + 1;
}

/* Types whose entry names a frame. */
static inline bool ept_type_has_mfn(enum p2m_type t)
{
	return p2m_is_referenced(t) || t == p2m_mmio_direct || t == p2m_broken;
}

/* What hardware may do with a leaf: by type, less what the access restriction takes away. */
u64 ept_rights(enum p2m_type t, enum p2m_access a, unsigned int level);
/*
 * The entry e as a leaf of another level at the same start: rights and size bit anew. Together with
 * an offset this is how a superpage's children, and a table's superpage, are made.
 */
ept_t ept_at_level(ept_t e, unsigned int level);
/* The leaf e with another type that names the same frame; not EPT_SWEPT any more. */
ept_t ept_retype(ept_t e, enum p2m_type t);
/* The leaf e with another access restriction. */
ept_t ept_restrict(ept_t e, enum p2m_access a);
/* Child i (of level) of the superpage leaf or hole e. */
ept_t ept_child(ept_t e, unsigned int level, unsigned int i);

#endif
