/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The p2m: a domain's guest-physical address space as an EPT tree whose leaves
 * hold the references on what they map. Invariants I1-I9: head
 * of p2m/ept.c; protocol: docs/p2m.md.
 *
 * References: every RAM-backed leaf (ram_*, foreign, grant_*) holds exactly one
 * reference on its frame (a superpage leaf: one on each of its frames), taken or
 * handed over in the entry writer, dropped after the flush by the batch.
 */
#ifndef ASM_P2M_H
#define ASM_P2M_H

#include <xen/cpumask.h>
#include <xen/errno.h>
#include <xen/mm.h>
#include <xen/spinlock.h>

struct domain;
struct p2m_domain;

enum p2m_type {
	p2m_invalid = 0, /* nothing there */
	p2m_ram_rw,
	p2m_ram_ro,
	p2m_ram_logdirty, /* RAM, write-protected until the first write marks it dirty */
	p2m_mmio_direct, /* machine MMIO passed through: no reference */
	p2m_mmio_dm, /* emulated: an access exits to MMIO dispatch or the device model */
	p2m_foreign, /* a RAM page of another domain */
	p2m_grant_rw,
	p2m_grant_ro,
	p2m_pod, /* populate on demand: not backed yet */
	p2m_broken, /* memory with a hardware error */
	P2M_TYPES
};
static inline bool p2m_is_ram(enum p2m_type t)
{
	return t == p2m_ram_rw || t == p2m_ram_ro || t == p2m_ram_logdirty;
}
static inline bool p2m_is_grant(enum p2m_type t) { return t == p2m_grant_rw || t == p2m_grant_ro; }
/* Types whose leaf holds a reference on its frame. */
static inline bool p2m_is_referenced(enum p2m_type t)
{
	return p2m_is_ram(t) || t == p2m_foreign || p2m_is_grant(t);
}

/* Access restriction kept with an entry (mem_access); p2m_access_n … as in public/memory.h order. */
enum p2m_access { p2m_access_rwx, p2m_access_rx, p2m_access_rw, p2m_access_r, p2m_access_x, p2m_access_n };

struct p2m_batch;

/* ---- life ---- */
int p2m_init(struct domain *d);
/* Drops every entry and reference of a dying domain; 0, or -ERESTART to be called again. */
int p2m_teardown(struct domain *d);
/* Frees the tree itself (pool pages); nothing may be mapped any more. */
void p2m_final_teardown(struct domain *d);
/*
 * Page-table memory of a domain (XEN_DOMCTL_set_paging_mempool_size), in 4K pages: that much is set aside from
 * free memory and is the limit. ~0: no limit, nothing set aside. 0, -ENOMEM, -EINVAL (dying), -ERESTART.
 */
int p2m_set_pool(struct domain *d, unsigned long pages);
unsigned long p2m_get_pool(const struct domain *d);
/*
 * Sets frames aside for table pages, before the domain runs: what dom0 maps and unmaps then leaves free memory
 * as it was. 0 or -ENOMEM.
 */
int p2m_preallocate(struct domain *d, unsigned int pages);
/* EPT pointer value of the tree. */
u64 p2m_eptp(const struct domain *d);
/*
 * Set by vmx at start: make every CPU of the mask drop translations of this tree, wait for it. ram: the
 * domain's own RAM lost something too; else every gfn that led to RAM still leads to the same frame.
 */
extern void (*p2m_flush_hook)(struct p2m_domain *p2m, bool ram);
/* vmx marks a CPU as possibly holding translations of this tree, before entry. */
void p2m_mark_cpu(struct domain *d, unsigned int cpu);
cpumask_t p2m_cpus(const struct p2m_domain *p2m);
struct domain *p2m_to_domain(const struct p2m_domain *p2m);

/* vmx, before the first domain: what EPT offers, and whether superpages may be executable (iTLB multi-hit). */
void p2m_set_capabilities(bool has_2m, bool has_1g, bool exec_superpages);
/* RAM of d at gfn == mfn stays reserved to it when it is removed (1:1 dom0). Before any RAM is added. */
void p2m_set_identity(struct domain *d);
/* Frame number gfn is kept for d's gfn: assign_pages_at(d, _mfn(gfn_x(gfn)), 0) gives it back. */
bool p2m_reserved_frame(struct domain *d, gfn_t gfn);

/* ---- look-up (RCU, no lock) ---- */
#define P2M_QUERY 0U
#define P2M_ALLOC 1U /* populate a populate-on-demand entry */
/* What is behind a gfn; passed in registers. */
struct p2m_frame {
	mfn_t mfn; /* INVALID_MFN when not frame-backed */
	enum p2m_type type;
	unsigned int order; /* size of the leaf */
};
/* The frame behind a gfn at this moment, without a reference. */
struct p2m_frame p2m_find(const struct domain *d, gfn_t gfn);
/* The same in parts; t and order may be NULL. */
static inline mfn_t p2m_lookup(const struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int *order)
{
	struct p2m_frame f = p2m_find(d, gfn);

	if (t)
		*t = f.type;
	if (order)
		*order = f.order;
	return f.mfn;
}
/*
 * The frame behind a gfn with one reference the caller must put, or NULL (type in *t). For foreign and
 * grant entries the reference is on the real owner's page.
 */
struct page_info *get_page_from_gfn(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int flags);

/* ---- change. All return 0 or -errno; on error nothing has changed and the caller keeps its references. ---- */
/*
 * Map owned RAM at [gfn, gfn + 2^order): the caller's reference on each frame passes to the entries.
 * order is at most 18; gfn and mfn need not be aligned to it. A previous RAM mapping is freed, a special
 * one unhooked; over a foreign or grant mapping: -ENXIO, over mmio: -EPERM.
 */
int __must_check p2m_add_page(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t,
			      struct p2m_batch *b);
/*
 * Map a PGC_xen frame of d (shared info, grant frame) at gfn; takes its own reference. The frame is
 * unhooked from where it was mapped before (one place per frame).
 */
int __must_check p2m_add_special(struct domain *d, gfn_t gfn, struct page_info *page, struct p2m_batch *b);
/* Remove RAM at one gfn; expected: the frame it must be, or INVALID_MFN for whatever is there. -ENOENT: nothing there. */
int __must_check p2m_remove_page(struct domain *d, gfn_t gfn, mfn_t expected, struct p2m_batch *b);
/*
 * decrease_reservation: 2^order gfns, order at most 9 (callers go on piecewise); frames go back to the
 * allocator when their last reference goes. -ENOENT: not all of it is RAM or populate-on-demand.
 */
int __must_check p2m_release_range(struct domain *d, gfn_t gfn, unsigned int order, struct p2m_batch *b);
/* Move the writable page at src to dst (XENMAPSPACE_gmfn). -EINVAL: src has none; dst as for p2m_add_page(). */
int __must_check p2m_move_page(struct domain *d, gfn_t src, gfn_t dst, struct p2m_batch *b);
/*
 * nr frames of machine MMIO 1:1 or not; superpages where they fit. With any error *done frames are mapped;
 * -ERESTART: go on from there. -EBUSY: something else than this is mapped there.
 */
int __must_check p2m_set_mmio(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, unsigned long *done);
int __must_check p2m_clear_mmio(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, unsigned long *done);
/* XENMAPSPACE_gmfn_foreign: errors as real Xen 4.17 gives them (I9). */
int __must_check p2m_add_foreign(struct domain *d, gfn_t gfn, struct domain *fd, gfn_t fgfn,
				 struct p2m_batch *b);
/* The same for a page that the caller holds a reference on (XENMEM_acquire_resource); takes one of its own. */
int __must_check p2m_add_foreign_page(struct domain *d, gfn_t gfn, struct page_info *page, struct p2m_batch *b);
/* Whatever RAM-like thing is at gfn goes: foreign, grant, special or own RAM. */
int __must_check p2m_remove_from_physmap(struct domain *d, gfn_t gfn, struct p2m_batch *b);
/* Grant mapping at gfn: takes its own reference on page (whose owner is somebody else, or d itself). */
int __must_check p2m_add_grant(struct domain *d, gfn_t gfn, struct page_info *page, bool readonly,
			       struct p2m_batch *b);
/* Only if gfn still maps this frame as a grant. */
int __must_check p2m_remove_grant(struct domain *d, gfn_t gfn, mfn_t mfn, struct p2m_batch *b);
/*
 * If gfn has type from, make it type to, atomically: one RAM type another, RAM broken, a hole mmio_dm or
 * back. -EINVAL: no such change; -EBUSY, -ENOENT: it has another type, none.
 */
int __must_check p2m_change_type_one(struct domain *d, gfn_t gfn, enum p2m_type from, enum p2m_type to);
/* Likewise for nr gfns: those of type from become to; both RAM types. -ERESTART: go on from *done. */
int __must_check p2m_change_type_range(struct domain *d, gfn_t gfn, unsigned long nr, enum p2m_type from,
				       enum p2m_type to, unsigned long *done);
/* The access restriction of the page at gfn. -ENOENT: no page there. */
int __must_check p2m_set_access(struct domain *d, gfn_t gfn, enum p2m_access a);
int __must_check p2m_get_access(struct domain *d, gfn_t gfn, enum p2m_access *a);
/* Populate on demand: mark a range (XENMEMF_populate_on_demand), give it frames, account. */
int __must_check p2m_pod_set_range(struct domain *d, gfn_t gfn, unsigned int order);
int p2m_pod_set_target(struct domain *d, unsigned long target_pages);
void p2m_pod_get_target(const struct domain *d, u64 *tot, u64 *cache, u64 *entries);

/* ---- faults ---- */
enum p2m_fault { P2M_FAULT_FIXED, P2M_FAULT_EMULATE, P2M_FAULT_DM, P2M_FAULT_DENIED, P2M_FAULT_NO_MEMORY };
/* An EPT violation at gfn; repairs what can be (log-dirty, populate on demand, spurious). */
enum p2m_fault p2m_handle_fault(struct domain *d, gfn_t gfn, bool write, bool exec);

/* ---- log dirty ---- */
int p2m_logdirty_enable(struct domain *d, bool global);
int p2m_logdirty_disable(struct domain *d);
/*
 * XEN_DOMCTL_SHADOW_OP_CLEAN/PEEK; bitmap words go out through the callback (NULL: nowhere), then what was
 * reported is cleaned. *done: where to begin (0, or where -ERESTART left it); pages before it are done.
 * *dirty_count: dirty pages this call found; *fault_count, at the end: write faults since the last cleaning.
 */
int p2m_logdirty_read(struct domain *d, bool clean, unsigned long nr, unsigned long *done,
		      int (*out)(void *arg, unsigned long first_bit, const void *bytes, size_t n), void *arg,
		      u64 *dirty_count, u64 *fault_count);
void p2m_mark_dirty(struct domain *d, gfn_t gfn);
/* Whether that has any effect: log-dirty mode is on or being switched on. */
bool p2m_logdirty_active(const struct domain *d);

/*
 * ---- batch: what may be dropped only after the flush (I2) ----
 * Lives on the stack of one operation: it remembers tables, so it is not used again after the CPU has
 * gone through its main loop. Not flushed, and not filled up, under a lock of rank P2M or above.
 */
#define P2M_BATCH_MAX	 64
#define P2M_FLUSH_ALL	 1
#define P2M_FLUSH_MAPPED 2 /* nothing but foreign, grant and device mappings lost anything */
struct p2m_batch {
	struct p2m_domain *p2m;
	u8 need_flush; /* P2M_FLUSH_* of what was lost, or 0 */
	unsigned int count;
	struct {
		u32 mfn;
		u8 order;
		u8 flags;
	} put[P2M_BATCH_MAX];
	struct page_info *tables; /* unlinked table pages, freed by RCU after the flush */
	gfn_t cached_gfn; /* neighbour of the last walk: its level-1 table */
	void *cached_table;
	gfn_t fcached_gfn; /* the same for the foreign tree */
	void *fcached_table;
	struct p2m_domain *fcached_p2m;
};
void p2m_batch_init(struct p2m_batch *b, struct domain *d);
/* Flushes if anything reachable went, then drops what was collected. The batch can be used on. */
void p2m_batch_flush(struct p2m_batch *b);

/* ---- looking ---- */
unsigned long p2m_max_gfn(const struct domain *d);
struct p2m_stats {
	unsigned long entries[P2M_TYPES][3]; /* by type and level: 4K, 2M, 1G leaves */
	unsigned long tables, pool, foreign_made, foreign_released;
};
void p2m_get_stats(const struct domain *d, struct p2m_stats *s);
/* Calls fn for each maximal range of like entries from *gfn on; -ERESTART with *gfn to continue. */
int p2m_walk(struct domain *d, unsigned long *gfn, unsigned long max_ranges,
	     int (*fn)(void *arg, gfn_t start, unsigned long nr, mfn_t mfn, enum p2m_type t), void *arg);
void p2m_dump(struct domain *d);

/* Memory type of a RAM or MMIO mapping for the EPT entry (0 UC, 1 WC, 4 WT, 5 WP, 6 WB), and ignore-PAT. */
u8 p2m_memory_type(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t, bool *ipat);

#endif
