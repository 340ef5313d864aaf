/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of p2m/ share and nobody else sees. */
#ifndef P2M_PRIVATE_H
#define P2M_PRIVATE_H

#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/sched.h>
#include <asm/p2m.h>
#include "ept.h"

#define P2M_POD_CHUNKS 2 /* free lists of the populate-on-demand cache: 4K, 2M */
#define P2M_POD_RECENT 64 /* more than the instructions in flight on some vCPUs can need at once */

/* CPUs count in one of this many places, lest faults of different CPUs wait for the same cache lines. */
#define P2M_COUNTS 8
struct p2m_counts {
	atomic64_t leaves[EPT_TOP][P2M_TYPES];
	/* Foreign leaves are counted when they are made, and in leaves[], negative, when they go. */
	atomic64_t foreign_made;
	atomic64_t write_faults;
} __cacheline_aligned;

/*
 * Letters: [c] constant after p2m_init, [l] p2m->lock, [a] atomic, [p] pod_lock.
 * Entries of the tree are changed without a lock; what the lock protects besides
 * is the unlinking of tables, and entries with EPT_SPECIAL (docs/p2m.md).
 */
struct p2m_domain {
	/* What every walk and change reads, and few write. */
	struct domain *domain; /* [c] */
	ept_t *root; /* [c] */
	bool identity; /* RAM at gfn == mfn stays reserved when it goes; set before RAM exists */
	bool honour_pat; /* [c] guest PAT applies to RAM: a domain with devices */
	bool logdirty; /* [a] */
	unsigned long max_gfn; /* [a] highest gfn ever mapped */
	u64 leaf_bits[P2M_TYPES]; /* [c] a 4K leaf of each type of RAM-backed page, less the address */
	cpumask_t cpus; /* [a] CPUs that may hold translations; only grows */
	atomic64_t pod_entries; /* pages that are to be populated on demand */

	struct p2m_counts counts[P2M_COUNTS];

	spinlock_t lock; /* RANK_P2M */
	unsigned int pins; /* [l] operations that rely on tables staying where they are */
	atomic64_t pool_used; /* table pages, root included */
	unsigned long pool_limit; /* [a] */
	/* Frames set aside for tables, linked by frame number [pool_lock]; kept: freed tables are replaced. */
	spinlock_t pool_lock; /* RANK_LEAF */
	u32 pool_first;
	unsigned long pool_free;
	bool pool_kept; /* [a] */

	/* Enabling and disabling, by callers that take turns: how far they are. */
	enum { LOGDIRTY_OFF, LOGDIRTY_ENABLING, LOGDIRTY_ON, LOGDIRTY_DISABLING } logdirty_state;
	unsigned long logdirty_gfn;
	u64 faults_reported; /* of the write faults counted */

	spinlock_t pod_lock; /* RANK_POD */
	struct page_info *pod_free[P2M_POD_CHUNKS]; /* [p] linked by frame number in u.inuse.gfn */
	unsigned long pod_cache; /* [p] frames in the lists */
	/* The sweep for zero pages: where it goes on, gfns it has passed without finding any. */
	unsigned long sweep_gfn, sweep_barren; /* [a] */
	bool sweeping; /* [a] by one CPU at a time */
	unsigned long pod_recent[P2M_POD_RECENT]; /* [a] gfns populated last: not swept */
	unsigned int pod_recent_next; /* [a] */

	/* Where teardown goes on: next gfn, frames of a cleared superpage not put yet. */
	unsigned long teardown_gfn, teardown_mfn, teardown_left;
	struct rcu_head rcu;
};

#define to_p2m(d) ((d)->arch.p2m)

/* ---- counters ---- */
static inline struct p2m_counts *p2m_my_counts(struct p2m_domain *p2m)
{
	return &p2m->counts[smp_processor_id() % P2M_COUNTS];
}
static inline void p2m_count(atomic64_t *counter, s64 n)
{
	(void)__atomic_fetch_add(&counter->v, n, __ATOMIC_RELAXED);
}
/* Over all CPUs; offset: of the counter in struct p2m_counts. */
s64 p2m_total(const struct p2m_domain *p2m, size_t offset);

/* ---- pool.c ---- */
void p2m_pool_init(struct p2m_domain *p2m);
/* A frame for a table, counted; NULL at the limit, or when there is no memory. */
struct page_info *p2m_pool_take(struct p2m_domain *p2m);
/* Back at once: for tables that were never published. */
void p2m_pool_give(struct p2m_domain *p2m, struct page_info *page);
/* A table went to RCU: another frame takes its place in the pool. */
void p2m_pool_replace(struct p2m_domain *p2m);
/* The pool of a dead domain goes back; false: call again. */
bool p2m_pool_drain(struct p2m_domain *p2m);

/* ---- batch.c ---- */
#define P2M_PUT_RESERVED 1U /* the frame stays reserved to its gfn (1:1 domain) */
#define P2M_PUT_POD	 2U /* goes to the populate-on-demand cache if nobody else uses it */
/* Room for one more displaced entry; may flush and put, so not under a lock that matters for that. */
static inline void p2m_batch_reserve(struct p2m_batch *b)
{
	if (unlikely(b->count == P2M_BATCH_MAX))
		p2m_batch_flush(b);
}
void p2m_batch_table(struct p2m_batch *b, ept_t *table);
void p2m_drop_frames(struct p2m_domain *p2m, mfn_t mfn, unsigned long nr, unsigned int flags);
static inline void p2m_batch_put(struct p2m_batch *b, mfn_t mfn, unsigned int level, unsigned int flags)
{
	ASSERT(b->count < P2M_BATCH_MAX);
	b->put[b->count].mfn = (u32)mfn_x(mfn);
	b->put[b->count].order = (u8)(level * EPT_SHIFT);
	b->put[b->count].flags = (u8)flags;
	b->count++;
}

/* ---- ept.c ---- */
/* A place in the tree, and the entry as it was read there, once. */
struct ept_pos {
	ept_t *slot;
	ept_t e;
	unsigned int level;
};
extern unsigned int ept_max_level;

ept_t *ept_new_root(struct p2m_domain *p2m);
/* Frees a table nobody else can see. */
void ept_free_table(struct p2m_domain *p2m, ept_t *table);
static inline ept_t ept_read(const ept_t *slot)
{
	return (ept_t){ __atomic_load_n(&slot->e, __ATOMIC_ACQUIRE) };
}
static inline ept_t *ept_table(ept_t e) { return maddr_to_virt(e.e & EPT_MFN_MASK); }
/* If e points to a table: from there to what covers gfn one level down, which is level. */
static always_inline bool ept_down(ept_t **slot, ept_t *e, unsigned long gfn, unsigned int level)
{
	/* An entry that points to a table is its address and the rights, and nothing else. */
	u64 table = e->e - EPT_RWX;

	if (table & ~EPT_MFN_MASK)
		return false;
	*slot = (ept_t *)maddr_to_virt(table) + ept_index(gfn, level);
	*e = ept_read(*slot);
	return true;
}
/* The level-0 table that covers gfn, or NULL: there is none, look with ept_walk(). */
static always_inline ept_t *ept_table0(const struct p2m_domain *p2m, unsigned long gfn)
{
	ept_t *slot = &p2m->root[gfn >> (EPT_SHIFT * EPT_TOP)], e = ept_read(slot);

	if (unlikely(!ept_down(&slot, &e, gfn, 2) || !ept_down(&slot, &e, gfn, 1) || !ept_is_table(e)))
		return NULL;
	return ept_table(e);
}
/* Down to the leaf or hole that covers gfn, not below level stop (there the entry may be a table). */
void ept_walk(const struct p2m_domain *p2m, unsigned long gfn, unsigned int stop, struct ept_pos *pos);
/* As ept_walk() to level 0, quick, for a gfn that is a valid one. */
static always_inline void ept_look(const struct p2m_domain *p2m, unsigned long gfn, struct ept_pos *pos)
{
	ept_t *slot = &p2m->root[gfn >> (EPT_SHIFT * EPT_TOP)], e = ept_read(slot);
	unsigned int level = EPT_TOP;

	if (likely(ept_down(&slot, &e, gfn, 2))) {
		level = 2;
		if (likely(ept_down(&slot, &e, gfn, 1)))
			level = ept_down(&slot, &e, gfn, 0) ? 0 : 1;
	}
	*pos = (struct ept_pos){ slot, e, level };
	if (unlikely(ept_frozen(e))) {
		/* Not by way of pos, which may stay in registers so. */
		struct ept_pos walked;

		ept_walk(p2m, gfn, 0, &walked);
		*pos = walked;
	}
}
/*
 * Down to level exactly, making tables on the way (of holes) and splitting (leaves). 0, -ENOMEM, or
 * 1 when a leaf of a type not in the set allowed stands in the way: *pos is that leaf.
 */
int __must_check ept_reach(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, u32 allowed,
			   struct ept_pos *pos);
ept_t ept_leaf(const struct p2m_domain *p2m, unsigned long gfn, mfn_t mfn, unsigned int level,
	       enum p2m_type t, enum p2m_access a);
/* The unrestricted 4K leaf of a referenced type. */
static inline ept_t ept_leaf0(const struct p2m_domain *p2m, mfn_t mfn, enum p2m_type t)
{
	return (ept_t){ p2m->leaf_bits[t] | mfn_x(mfn) << PAGE_SHIFT };
}
/* Fills p2m->leaf_bits. */
void ept_init_leaf_bits(struct p2m_domain *p2m);
/*
 * The two writers of the busiest paths, both at level 0. Install: the slot is empty, and gets new, a foreign
 * leaf, which brings its reference along. Remove: e, a foreign or grant leaf, goes; its reference passes to b, which has room.
 */
bool __must_check ept_install(struct p2m_domain *p2m, ept_t *slot, unsigned long gfn, ept_t new);
bool __must_check ept_remove(struct p2m_domain *p2m, ept_t *slot, ept_t e, struct p2m_batch *b);
/*
 * pos->e becomes new, if it is still there: true, and *pos is updated. A reference new needs passes
 * from the caller to the entry; the old entry's passes to b, which must have room. False: nothing
 * happened, pos->e is what is there now.
 */
bool __must_check ept_replace(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, ept_t new,
			      struct p2m_batch *b);
/* The same with p2m->lock held. */
bool __must_check ept_replace_locked(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn,
				     ept_t new, struct p2m_batch *b);
/* As ept_replace() by a hole, but what the old entry held is the caller's. Not for special entries. */
bool __must_check ept_take(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, struct p2m_batch *b);
/*
 * The RAM page at pos (4K) gives way to new, which names no frame, if may() says so; meanwhile look-ups wait. False:
 * nothing happened, or pos->e is what is there now.
 */
bool __must_check ept_give_up(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, ept_t new,
			      bool (*may)(const struct page_info *page), struct p2m_batch *b);
/*
 * The RAM page at src goes to dst as ram_rw, over a leaf of a type in the set. p2m->lock is held. -EAGAIN: src
 * has changed, or p2m_refusal() of what is at dst; then nothing has happened.
 */
int __must_check ept_move_locked(struct p2m_domain *p2m, struct ept_pos *src, unsigned long sgfn,
				 struct ept_pos *dst, unsigned long dgfn, u32 over, struct p2m_batch *b);
/*
 * If the 512 entries below the level's entry at gfn are alike, one entry takes their place and the
 * table goes to b. Takes p2m->lock. own_pins: how many of p2m->pins are the caller's.
 */
bool ept_collapse(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, unsigned int own_pins,
		  struct p2m_batch *b);
/* Frees the tree, when nobody can reach the domain any more. */
void ept_free_tree(struct p2m_domain *p2m);

/* ---- logdirty.c ---- */
/* The page at gfn is written to: log-dirty RAM becomes ram_rw, anything else stays as it is. */
void p2m_make_dirty(struct p2m_domain *p2m, unsigned long gfn);

/* ---- p2m.c ---- */
#define TYPE_BIT(t) (1U << (t))
#define TYPES_RAM   (TYPE_BIT(p2m_ram_rw) | TYPE_BIT(p2m_ram_ro) | TYPE_BIT(p2m_ram_logdirty))
#define TYPES_GRANT (TYPE_BIT(p2m_grant_rw) | TYPE_BIT(p2m_grant_ro))
/* What a domain's own memory, or a special page, may be mapped over. */
#define TYPES_FREE (TYPE_BIT(p2m_invalid) | TYPE_BIT(p2m_mmio_dm) | TYPE_BIT(p2m_pod) | TYPE_BIT(p2m_broken))
#define TYPES_OVER (TYPES_FREE | TYPES_RAM)
#define TYPES_ALL  ((1U << P2M_TYPES) - 1)
static inline bool type_in(ept_t e, u32 set) { return set >> ept_type(e) & 1; }

/* Why a thing of this type cannot be mapped over, or removed. */
int p2m_refusal(enum p2m_type t);
static inline bool p2m_gfn_valid(unsigned long gfn, unsigned long nr)
{
	return gfn < 1UL << EPT_GFN_BITS && nr <= (1UL << EPT_GFN_BITS) - gfn;
}
static inline bool p2m_dying(const struct p2m_domain *p2m)
{
	return unlikely(__atomic_load_n(&p2m->domain->is_dying, __ATOMIC_SEQ_CST) != DOMDYING_alive);
}
/* The entry that a removed page leaves. */
static inline ept_t p2m_hole(const struct p2m_domain *p2m)
{
	return (ept_t){ unlikely(__atomic_load_n(&p2m->logdirty, __ATOMIC_RELAXED)) ? EPT_GONE : 0 };
}
static inline void p2m_note_gfn(struct p2m_domain *p2m, unsigned long last)
{
	unsigned long max = __atomic_load_n(&p2m->max_gfn, __ATOMIC_RELAXED);

	while (unlikely(last > max) && !__atomic_compare_exchange_n(&p2m->max_gfn, &max, last, false,
								    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}
/*
 * Puts a 4K leaf at gfn over whatever is there, if its type is in the set over. Reference as with
 * ept_replace(): on error it is still the caller's.
 */
int __must_check p2m_put_leaf(struct p2m_domain *p2m, unsigned long gfn, ept_t new, u32 over,
			      struct p2m_batch *b);
/*
 * After an entry was published at pos: if the domain began to die meanwhile its teardown may have passed by
 * already, so the entry goes the way teardown would have sent it. The publisher need not know.
 */
void p2m_settle(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, struct p2m_batch *b);
/* Removes the 4K leaf at gfn if its type is in the set and its frame expected (or INVALID_MFN). */
int __must_check p2m_take_leaf(struct p2m_domain *p2m, unsigned long gfn, mfn_t expected, u32 types,
			       struct p2m_batch *b);
/* get_page_from_gfn() that shows the entry. */
struct page_info *p2m_get_page(struct p2m_domain *p2m, unsigned long gfn, unsigned int flags,
			       struct ept_pos *pos);

/* ---- range.c ---- */
void p2m_pin(struct p2m_domain *p2m);
void p2m_unpin(struct p2m_domain *p2m);
bool p2m_is_pinned(struct p2m_domain *p2m);
/* Every leaf of the range has a type in the set: 0, else why not. */
int __must_check p2m_check_range(struct p2m_domain *p2m, unsigned long gfn, unsigned long nr, u32 allowed);
/* Fills a range, pieces as large as fit; mfn INVALID_MFN for a type without frames. */
int __must_check p2m_fill(struct p2m_domain *p2m, unsigned long gfn, unsigned long nr, mfn_t mfn,
			  enum p2m_type t, u32 over, struct p2m_batch *b);
/* Splits leaves so that none straddles gfn. */
int __must_check p2m_split_at(struct p2m_domain *p2m, unsigned long gfn);
void p2m_set_owner_gfn(mfn_t mfn, unsigned long nr, unsigned long gfn, unsigned long step);

/* ---- pod.c, pod_sweep.c ---- */
/*
 * Backs the page at gfn if it is a populate-on-demand one: 0 (also when it is not, any more), -ENOMEM, or
 * -ERESTART: memory is still being looked for, call again.
 */
int __must_check p2m_pod_populate(struct p2m_domain *p2m, unsigned long gfn);
/* True: the frame, with the reference the caller held, is in the cache now. */
bool p2m_pod_reclaim(struct p2m_domain *p2m, struct page_info *page);
static inline unsigned long p2m_pod_entries(const struct p2m_domain *p2m)
{
	return (unsigned long)__atomic_load_n(&p2m->pod_entries.v, __ATOMIC_RELAXED);
}
static inline bool p2m_pod_wants(const struct p2m_domain *p2m)
{
	return unlikely(p2m_pod_entries(p2m) > __atomic_load_n(&p2m->pod_cache, __ATOMIC_RELAXED));
}
/* Puts pages that hold nothing back into the cache. 0: some; -ERESTART: none yet; -ENOMEM: there are none. */
int __must_check p2m_pod_sweep(struct p2m_domain *p2m);
/* The page at gfn was populated just now, and is about to be used. */
void p2m_pod_note(struct p2m_domain *p2m, unsigned long gfn);
/* Gives back at most max frames of the cache while it has more than keep. True: no more than keep is left. */
bool p2m_pod_trim(struct p2m_domain *p2m, unsigned long keep, unsigned long max);

/* ---- mtype.c and hostmtrr.c ---- */
#define HOST_MTRR_VAR 32
struct host_mtrr {
	u64 cap, def_type;
	u64 fixed[11];
	u64 var[HOST_MTRR_VAR][2]; /* base, mask */
};
u8 mtrr_range_type(const struct host_mtrr *m, u64 start, u64 end, bool *uniform);
const struct host_mtrr *host_mtrr(void);

#endif
