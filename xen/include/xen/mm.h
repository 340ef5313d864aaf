/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Page frames: who owns one, how many references it has, and the allocator.
 *
 * A frame in use has count > 0. The count is the number of reasons it may not
 * be freed: one for each p2m entry that names it (a RAM entry of its owner, a
 * foreign or grant entry of another domain), one for each pin (a mapped
 * vcpu_info, …), and one for each reference held across a short section. There
 * is no separate "allocated" flag: a page leaves its domain when the p2m entry
 * goes, and is freed when the last reference goes, whichever of the two is last.
 */
#ifndef XEN_MM_H
#define XEN_MM_H

#include <asm/atomic.h>
#include <asm/page.h>
#include <xen/rcupdate.h>

struct domain;

/*
 * struct page_info.ref, one atomic word:
 *   bits  0-31  references; 0: the frame is free (or not RAM)
 *   bits 32-47  owner: a domain id, or DOMID_XEN for the hypervisor's own
 *   bit  48     PGC_xen: allocated by the hypervisor on behalf of its owner (shared info, grant
 *               frames, …): not counted in tot_pages, never given to an allocator by a guest
 *   bit  49     PGC_reserved: kept for its gfn in a 1:1 domain while ballooned out (count 0)
 *   bit  50     PGC_broken: had a hardware error, is never allocated again
 */
#define PGC_owner_shift 32
#define PGC_owner_mask	(0xffffUL << PGC_owner_shift)
#define PGC_xen		(1UL << 48)
#define PGC_reserved	(1UL << 49)
#define PGC_broken	(1UL << 50)

struct page_info {
	u64 ref;
	union {
		struct { /* free: in an allocator list, as frame numbers */
			u32 next, prev;
		} link;
		struct { /* owned by a domain: where its own p2m maps it */
			unsigned long gfn; /* INVALID_GFN when nowhere */
		} inuse;
		struct rcu_head rcu; /* an unlinked page-table page waiting for a grace period */
	} u;
	u8 order; /* free head: order of the block */
	u8 state; /* allocator's own: see page_alloc.c */
	u8 node;
	u8 pad[5];
};
_Static_assert(sizeof(struct page_info) == 32, "frame table entries are half a cache line");

#ifdef PAVISE_HOST
extern struct page_info *host_frame_table;
#define frame_table host_frame_table
#else
#define frame_table ((struct page_info *)FRAMETABLE_START)
#endif
/* One past the highest frame number that has a frame table entry. */
extern unsigned long max_page;
/* Frames of RAM in the machine; frames free in the allocator (clean and dirty). */
extern unsigned long total_pages;

static inline struct page_info *mfn_to_page(mfn_t m) { return frame_table + mfn_x(m); }
static inline mfn_t page_to_mfn(const struct page_info *p) { return _mfn((unsigned long)(p - frame_table)); }
static inline void *page_to_virt(const struct page_info *p) { return mfn_to_virt(page_to_mfn(p)); }
static inline struct page_info *virt_to_page(const void *v) { return mfn_to_page(virt_to_mfn(v)); }
static inline struct page_info *maddr_to_page(maddr_t a) { return mfn_to_page(maddr_to_mfn(a)); }
/* True if the frame is RAM with a frame table entry that can be referenced at all. */
bool mfn_valid(mfn_t m);

static inline u16 page_owner_id(const struct page_info *p)
{
	return (u16)(READ_ONCE(p->ref) >> PGC_owner_shift);
}
static inline u32 page_count(const struct page_info *p) { return (u32)READ_ONCE(p->ref); }

/*
 * Take a reference on a page that d owns. Fails (false) when the page is free,
 * is being freed, belongs to somebody else, or the count would overflow; one
 * compare-exchange decides all of it. Never blocks, takes no lock.
 */
bool __must_check get_page(struct page_info *p, const struct domain *d);
/* As get_page, whoever the owner is; *owner gets its domain id. For code that holds another reference. */
bool __must_check get_page_any(struct page_info *p, u16 *owner);
/* Drop n references at once; the last one frees the page (and may complete a dying domain's death). */
void put_page(struct page_info *p);
void put_page_n(struct page_info *p, u32 n);
/* Drop one reference on each of nr consecutive frames: much cheaper than one by one where runs of them get free. */
void put_pages(struct page_info *p, unsigned long nr);

/*
 * ---- allocator (common/page_alloc.c). All functions are safe on any CPU, but not in interrupt context;
 * none sleeps. ----
 */
#define MAX_PAGE_ORDER 18
#define MAX_NODES      8
/* Which node frames belong to (ACPI SRAT); before init_heap_pages() gets them. Default: node 0. */
void heap_set_node(mfn_t mfn, unsigned long nr, unsigned int node);
/* Give RAM to the allocator, as dirty: frames mfn to mfn + nr - 1. Frame 0 is left out. */
void init_heap_pages(mfn_t mfn, unsigned long nr);
void page_alloc_init_keys(void);
#define MEMF_bits(n)  ((n) << 24) /* result below 1 << n bytes, 0: anywhere */
#define MEMF_no_scrub (1U << 0) /* the caller overwrites all of it */
#define MEMF_no_owner (1U << 1)
#define MEMF_node(n)  (((n) + 1U) << 8) /* prefer this node */

/*
 * 2^order contiguous frames, aligned to their size, scrubbed unless
 * MEMF_no_scrub, owner DOMID_XEN, count 1 on each. NULL when there are none.
 */
struct page_info *alloc_pages(unsigned int order, unsigned int flags);
void free_pages(struct page_info *p, unsigned int order);
/* Same by direct-map address; zeroed. */
void *alloc_xenheap_pages(unsigned int order, unsigned int flags);
void free_xenheap_pages(void *v, unsigned int order);
#define alloc_xenheap_page() alloc_xenheap_pages(0, 0)
#define free_xenheap_page(v) free_xenheap_pages(v, 0)
/*
 * Frames for d: owner d, count 1 on each (the caller's reference, to be given to a p2m entry or
 * put), counted in d->tot_pages. NULL when out of memory, or above d->max_pages, or d is dying.
 */
struct page_info *alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int flags);
/* A zeroed frame of the hypervisor that d may map: owner d, PGC_xen, count 1 held by the caller. */
struct page_info *alloc_shared_page(struct domain *d);
/*
 * Hand a specific, free or PGC_reserved frame range to d (dom0's 1:1 RAM). Owner d, count 1, counted
 * in tot_pages. -EBUSY when a frame of it is in use.
 */
int __must_check assign_pages_at(struct domain *d, mfn_t mfn, unsigned int order);
/*
 * Frames that nobody else knows of become d's, as they are: a boot module's, or allocated ones (owner DOMID_XEN,
 * one reference, the caller's). The allocator never has them in between, so nobody wipes them. -ENOMEM: over
 * the limit.
 */
int __must_check donate_frames(struct domain *d, mfn_t mfn, unsigned long nr);
/* As put_page, but when the last reference goes the frame stays reserved to its owner, out of tot_pages. */
void put_page_reserved(struct page_info *p);
/* Gives frames that no allocator has had yet (boot memory) to the allocator, as dirty. */
void init_heap_pages(mfn_t start, unsigned long nr);
unsigned long free_page_count(void);
unsigned long dirty_page_count(void);
/* Scrub some dirty free frames (bounded work). True when more is left. Called by the idle loop. */
bool scrub_free_pages(void);
/* Claims: pages set aside for d (XENMEM_claim_pages). 0, -ENOMEM, -EINVAL. */
int domain_set_outstanding_pages(struct domain *d, unsigned long pages);
unsigned long outstanding_claims_total(void);

/* ---- small objects (common/xmalloc.c): zeroed, 16-byte aligned; multiples of 64 bytes up to 512: to 64 ---- */
void *xzalloc_bytes(size_t size);
void xfree(void *p);
/* For the debug key: objects in use of each class. */
void xmalloc_dump(void);
#define xzalloc(type)	       ((type *)xzalloc_bytes(sizeof(type)))
#define xzalloc_array(type, n) ((type *)xzalloc_bytes_n(sizeof(type), n))
/* NULL on overflow of size * n. */
void *xzalloc_bytes_n(size_t size, size_t n);

/* ---- host mappings (arch/x86/mm) ---- */
/* Device memory, uncached, no-execute. NULL when out of memory or address space. Any alignment. */
void *ioremap(maddr_t ma, size_t len);
void iounmap(void *v);
/* Also firmware tables that lie in RAM or reserved memory: write-back, read-only. */
const void *map_firmware(maddr_t ma, size_t len);
void unmap_firmware(const void *v);

#endif
