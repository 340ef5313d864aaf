/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside of the grant tables (grant_table.c: the tables; grant_entry.c: holding
 * an entry; grant_map.c, grant_copy.c: operations).
 *
 * A grant in use is "held": its active entry counts holders, and while there
 * is one it keeps one reference on the granted page and the in-use bits of the
 * guest's entry set. A mapping is a hold plus an entry in the mapping domain's
 * p2m (which has a reference of its own, by the p2m's rule).
 *
 * Locks: gt->lock (RANK_GRANT) protects the granter's active entries, the
 * version and growth; gt->track_lock (RANK_LEAF) the handles of what this
 * domain has mapped. The two are never held together, nor are two tables'.
 */
#ifndef COMMON_GRANT_TABLE_H
#define COMMON_GRANT_TABLE_H

#include <xen/grant_table.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <public/grant_table.h>

struct active_entry {
	u32 readers, writers; /* holders of each kind */
	domid_t domid; /* who may use it (checked against the guest's entry at first hold) */
	u16 start, length; /* bytes of the page that are granted */
	struct page_info *page; /* one reference while held */
	unsigned long gfn; /* of the granter, for the dirty log */
};
_Static_assert(sizeof(struct active_entry) == 32, "128 to a page");
#define ACTIVE_PER_PAGE (PAGE_SIZE / sizeof(struct active_entry))

/* A handle: what this domain has mapped. */
struct track_entry {
	u32 ref; /* free: next free handle */
	domid_t domid;
	u16 flags; /* GNTMAP_*, 0: free */
	unsigned long gfn; /* where, for host mappings */
};
_Static_assert(sizeof(struct track_entry) == 16, "256 to a page");
#define TRACK_PER_PAGE (PAGE_SIZE / sizeof(struct track_entry))
#define TRACK_END      0xffffffffU

struct grant_table {
	spinlock_t lock, track_lock;
	unsigned int version, max_version;
	unsigned int max_frames, max_status_frames, max_track_pages;
	unsigned int nr_frames, nr_status_frames; /* grow only */
	struct page_info **shared, **status; /* one reference each */
	struct active_entry **active; /* pages, for all entries of nr_frames */
	unsigned int nr_active_pages;
	struct track_entry **track;
	unsigned int nr_track_pages;
	u32 track_free;
	unsigned long held; /* active entries with a holder */
	unsigned int release_next; /* where grant_table_release goes on */
	bool frames_gone; /* the dead domain's frames are given back */
};

#define V1_PER_FRAME	 (PAGE_SIZE / sizeof(grant_entry_v1_t))
#define V2_PER_FRAME	 (PAGE_SIZE / sizeof(grant_entry_v2_t))
#define STATUS_PER_FRAME (PAGE_SIZE / sizeof(grant_status_t))

static inline unsigned int gt_nr_entries(const struct grant_table *gt)
{
	return gt->nr_frames * (unsigned int)(gt->version == 2 ? V2_PER_FRAME : V1_PER_FRAME);
}
static inline struct active_entry *gt_active(const struct grant_table *gt, u32 ref)
{
	return &gt->active[ref / ACTIVE_PER_PAGE][ref % ACTIVE_PER_PAGE];
}
static inline grant_entry_v1_t *gt_v1(const struct grant_table *gt, u32 ref)
{
	return (grant_entry_v1_t *)page_to_virt(gt->shared[ref / V1_PER_FRAME]) + ref % V1_PER_FRAME;
}
static inline grant_entry_v2_t *gt_v2(const struct grant_table *gt, u32 ref)
{
	return (grant_entry_v2_t *)page_to_virt(gt->shared[ref / V2_PER_FRAME]) + ref % V2_PER_FRAME;
}
static inline grant_status_t *gt_status(const struct grant_table *gt, u32 ref)
{
	return (grant_status_t *)page_to_virt(gt->status[ref / STATUS_PER_FRAME]) + ref % STATUS_PER_FRAME;
}

/* Makes the table nr frames large; the caller holds gt->lock. 0, -EINVAL (over the limit), -ENOMEM. */
int gt_grow_locked(struct domain *d, unsigned int nr);
/*
 * Puts the frames of the shared and status tables, once. They are pages of the domain's own and keep its
 * structure, so a dying domain gives them back before others have let go of its grants.
 */
void gt_put_frames(struct grant_table *gt);

/* What a holder gets: the page (referenced by the active entry) and the granted bytes in it. */
struct grant_hold {
	struct domain *granter; /* the caller keeps its reference while it holds */
	u32 ref;
	bool readonly;
	struct page_info *page;
	u16 start, length;
};
/*
 * Hold grant ref of rd for user. Returns GNTST_*. whole: only grants of a whole page will do (mappings).
 * Transitive grants are refused (GNTST_general_error): docs/abi-coverage.md says so.
 */
s16 grant_hold(struct domain *rd, u32 ref, const struct domain *user, bool readonly, bool whole,
	       struct grant_hold *hold);
void grant_unhold(struct domain *rd, u32 ref, bool readonly);

/* Handles of d. -ENOSPC when at the limit. */
int track_alloc(struct grant_table *gt, u32 *handle);
void track_free(struct grant_table *gt, u32 handle);
/* NULL when there is no such handle. Valid as long as the table. */
struct track_entry *track_get(struct grant_table *gt, u32 handle);

/* One kind of operation on an array: returns how many of nr were done, or -errno. */
long gnttab_map_grant_ref(unsigned long uop, unsigned int nr);
long gnttab_unmap_grant_ref(unsigned long uop, unsigned int nr);
long gnttab_copy(unsigned long uop, unsigned int nr);

#endif
