/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The EPT tree: the walk down it, and the writers, the only code that stores
 * to a table others can see.
 *
 * Invariants (docs/p2m.md gives the reasons):
 * I1  A present leaf of a referenced type holds exactly one reference on each of its frames. A
 *     reference passes into an entry, and out of it to a batch, in displace() and its callers here,
 *     nowhere else.
 * I2  Reference, publish, flush, drop: what an entry gave up goes to the batch, and the batch
 *     drops it after its flush.
 * I3  Only this file stores to tables.
 * I4  A table is filled before one compare-exchange makes it visible; unlinked whole, freed after the
 *     flush and a grace period.
 * I5  ept_read() is the only load of an entry; all else works on the copy.
 * I6  Loops here are bounded by one table; loops over ranges are the callers' and preemptible.
 * I7  Only an entry that was present and loses something asks for a flush.
 * I8  Every store is a compare-exchange against the copy that was decided upon.
 * I9  Who may map what is foreign.c's.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/rcupdate.h>
#include <xen/sched.h>
#include <asm/irqflags.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* Highest level leaves may have, and whether superpages may be executable (iTLB multi-hit). */
unsigned int ept_max_level = 2;
static bool exec_superpages = true;

void p2m_set_capabilities(bool has_2m, bool has_1g, bool exec_super)
{
	ept_max_level = has_2m ? (has_1g ? 2 : 1) : 0;
	exec_superpages = exec_super;
}

static const u8 type_rights[P2M_TYPES] = {
	[p2m_ram_rw] = EPT_RWX,	     [p2m_ram_ro] = EPT_R | EPT_X,  [p2m_ram_logdirty] = EPT_R | EPT_X,
	[p2m_mmio_direct] = EPT_RWX, [p2m_foreign] = EPT_R | EPT_W, [p2m_grant_rw] = EPT_R | EPT_W,
	[p2m_grant_ro] = EPT_R,
};
static const u8 access_rights[8] = {
	[p2m_access_rwx] = EPT_RWX, [p2m_access_rx] = EPT_R | EPT_X, [p2m_access_rw] = EPT_R | EPT_W,
	[p2m_access_r] = EPT_R,	    [p2m_access_x] = EPT_X,
};

u64 ept_rights(enum p2m_type t, enum p2m_access a, unsigned int level)
{
	u64 rights = type_rights[t] & access_rights[a];

	if (level && !exec_superpages)
		rights &= ~EPT_X;
	return rights;
}

ept_t ept_at_level(ept_t e, unsigned int level)
{
	if (ept_is_hole(e))
		return e;
	e.e &= ~(EPT_RWX | EPT_SP);
	e.e |= ept_rights(ept_type(e), ept_access(e), level) | (level ? EPT_SP : 0);
	return e;
}

ept_t ept_retype(ept_t e, enum p2m_type t)
{
	unsigned int level = e.e & EPT_SP ? 1 : 0;

	e.e = (e.e & ~(EPT_TYPE_MASK | EPT_SWEPT)) | (u64)t << EPT_TYPE_SHIFT;
	return ept_at_level(e, level);
}

ept_t ept_restrict(ept_t e, enum p2m_access a)
{
	unsigned int level = e.e & EPT_SP ? 1 : 0;

	e.e = (e.e & ~EPT_ACCESS_MASK) | (u64)a << EPT_ACCESS_SHIFT;
	return ept_at_level(e, level);
}

/* How far apart the addresses of neighbouring entries of this level are. */
static u64 ept_stride(ept_t e, unsigned int level)
{
	return ept_type_has_mfn(ept_type(e)) ? (u64)ept_pages(level) << PAGE_SHIFT : 0;
}

ept_t ept_child(ept_t e, unsigned int level, unsigned int i)
{
	ept_t c = ept_at_level(e, level);

	c.e += i * ept_stride(e, level);
	return c;
}

ept_t ept_leaf(const struct p2m_domain *p2m, unsigned long gfn, mfn_t mfn, unsigned int level,
	       enum p2m_type t, enum p2m_access a)
{
	ept_t e = { (u64)t << EPT_TYPE_SHIFT | (u64)a << EPT_ACCESS_SHIFT };
	bool ipat = !p2m->honour_pat;
	u8 mtype = X86_MT_WB;

	if (!ept_type_has_mfn(t))
		return ept_at_level(e, level);
	if (t == p2m_mmio_direct)
		mtype = p2m_memory_type(p2m->domain, _gfn(gfn), mfn, level * EPT_SHIFT, t, &ipat);
	e.e |= mfn_x(mfn) << PAGE_SHIFT | (u64)mtype << EPT_EMT_SHIFT | (ipat ? EPT_IPAT : 0);
	e.e |= ept_rights(t, a, level) | (level ? EPT_SP : 0);
	return e;
}

void ept_init_leaf_bits(struct p2m_domain *p2m)
{
	for (unsigned int t = 0; t < P2M_TYPES; t++)
		if (p2m_is_referenced((enum p2m_type)t))
			p2m->leaf_bits[t] = ept_leaf(p2m, 0, _mfn(0), 0, (enum p2m_type)t, p2m_access_rwx).e;
}

/* ---- tables ---- */

static ept_t *alloc_table(struct p2m_domain *p2m)
{
	/* The tree of a dying domain does not grow. */
	struct page_info *page = p2m_dying(p2m) ? NULL : p2m_pool_take(p2m);

	return page ? page_to_virt(page) : NULL;
}

void ept_free_table(struct p2m_domain *p2m, ept_t *table) { p2m_pool_give(p2m, virt_to_page(table)); }

ept_t *ept_new_root(struct p2m_domain *p2m)
{
	ept_t *root = alloc_table(p2m);

	if (root)
		memset(root, 0, PAGE_SIZE);
	return root;
}

static inline ept_t table_entry(const ept_t *table) { return (ept_t){ virt_to_maddr(table) | EPT_RWX }; }

/* ---- the one store, and what goes with it ---- */

/* Full barrier: acquires what the old entry published, releases what the new one names. */
static inline bool ept_cmpxchg(ept_t *slot, ept_t *old, ept_t new)
{
	return __atomic_compare_exchange_n(&slot->e, &old->e, new.e, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

static inline void count_leaves(struct p2m_domain *p2m, ept_t e, unsigned int level, s64 n)
{
	enum p2m_type t = ept_type(e);

	/* Holes are counted as type 0, which nobody looks at: cheaper than asking. */
	p2m_count(&p2m_my_counts(p2m)->leaves[level][t], n);
	if (unlikely(t == p2m_pod))
		p2m_count(&p2m->pod_entries, n * (s64)ept_pages(level));
}

/* A CPU may still use what old allowed and new does not. */
static inline bool loses(ept_t old, ept_t new)
{
	return ept_present(old) &&
	       (((old.e ^ new.e) & (EPT_MFN_MASK | EPT_EMT_MASK | EPT_IPAT)) || (old.e & ~new.e &EPT_RWX));
}

/* Own RAM stays where it is under another type: its reference passes from the old entry to the new. */
static inline bool retyped(ept_t old, ept_t new)
{
	return p2m_is_ram(ept_type(old)) && p2m_is_ram(ept_type(new)) && mfn_eq(ept_mfn(old), ept_mfn(new));
}

/* Own RAM at gfn has gone: nobody else may change where its frames are mapped. */
static void displace_ram(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, ept_t old,
			 struct p2m_batch *b)
{
	unsigned int flags = 0;
	mfn_t mfn = ept_mfn(old);

	p2m_set_owner_gfn(mfn, ept_pages(level), gfn_x(INVALID_GFN), 0);
	if (old.e & EPT_SPECIAL)
		flags = 0;
	else if (p2m->identity && mfn_x(mfn) == gfn && !p2m_dying(p2m))
		flags = P2M_PUT_RESERVED;
	else if (p2m_pod_wants(p2m))
		flags = P2M_PUT_POD;
	p2m_batch_put(b, mfn, level, flags);
}

/* The old entry is out of the tree: what it held goes to the batch. */
static inline void displace(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, ept_t old,
			    struct p2m_batch *b)
{
	enum p2m_type t = ept_type(old);

	if (p2m_is_ram(t)) {
		displace_ram(p2m, gfn, level, old, b);
	} else if (p2m_is_referenced(t)) {
		p2m_batch_put(b, ept_mfn(old), level, 0);
	}
}

static inline bool replace(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, ept_t new,
			   struct p2m_batch *b, bool keep)
{
	ept_t old = pos->e;
	unsigned int level = pos->level;

	ASSERT(!ept_frozen(old) && !(level && ept_is_table(old)) && level < EPT_TOP);
	ASSERT(b->count < P2M_BATCH_MAX);
	if (!ept_cmpxchg(pos->slot, &pos->e, new))
		return false;
	pos->e = new;
	if (loses(old, new))
		b->need_flush |= p2m_is_ram(ept_type(old)) ? P2M_FLUSH_ALL : P2M_FLUSH_MAPPED;
	count_leaves(p2m, old, level, -1);
	if (ept_type(new) == p2m_foreign)
		p2m_count(&p2m_my_counts(p2m)->foreign_made, 1);
	else
		count_leaves(p2m, new, level, 1);
	if (!ept_is_hole(new))
		p2m_note_gfn(p2m, gfn | (ept_pages(level) - 1));
	if (!keep && !retyped(old, new))
		displace(p2m, gfn & ~(ept_pages(level) - 1), level, old, b);
	return true;
}

bool ept_install(struct p2m_domain *p2m, ept_t *slot, unsigned long gfn, ept_t new)
{
	u64 none = 0;

	ASSERT(ept_type(new) == p2m_foreign);
	if (unlikely(!__atomic_compare_exchange_n(&slot->e, &none, new.e, false, __ATOMIC_SEQ_CST,
						  __ATOMIC_RELAXED)))
		return false;
	p2m_count(&p2m_my_counts(p2m)->foreign_made, 1);
	p2m_note_gfn(p2m, gfn);
	return true;
}

bool ept_remove(struct p2m_domain *p2m, ept_t *slot, ept_t e, struct p2m_batch *b)
{
	ASSERT(type_in(e, TYPES_GRANT | TYPE_BIT(p2m_foreign)));
	if (unlikely(!ept_cmpxchg(slot, &e, p2m_hole(p2m))))
		return false;
	count_leaves(p2m, e, 0, -1);
	b->need_flush |= P2M_FLUSH_MAPPED;
	p2m_batch_put(b, ept_mfn(e), 0, 0);
	return true;
}

bool ept_replace(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, ept_t new, struct p2m_batch *b)
{
	bool done;

	if (likely(!(pos->e.e & EPT_SPECIAL)))
		return replace(p2m, pos, gfn, new, b, false);
	spin_lock(&p2m->lock);
	done = replace(p2m, pos, gfn, new, b, false);
	spin_unlock(&p2m->lock);
	return done;
}

bool ept_replace_locked(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, ept_t new,
			struct p2m_batch *b)
{
	ASSERT(spin_is_locked_by_me(&p2m->lock));
	return replace(p2m, pos, gfn, new, b, false);
}

bool ept_take(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, struct p2m_batch *b)
{
	ASSERT(!(pos->e.e & EPT_SPECIAL));
	return replace(p2m, pos, gfn, EPT_EMPTY, b, true);
}

bool ept_give_up(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, ept_t new,
		 bool (*may)(const struct page_info *page), struct p2m_batch *b)
{
	ept_t old = pos->e, frozen = EPT_FROZEN;

	ASSERT(!pos->level && type_in(old, TYPES_RAM) && !(old.e & EPT_SPECIAL) && b->count < P2M_BATCH_MAX);
	if (!ept_cmpxchg(pos->slot, &pos->e, EPT_FROZEN))
		return false;
	pos->e = may(mfn_to_page(ept_mfn(old))) ? new : old;
	(void)ept_cmpxchg(pos->slot, &frozen, pos->e);
	if (ept_eq(pos->e, old))
		return false;
	b->need_flush = true;
	count_leaves(p2m, new, 0, 1);
	count_leaves(p2m, old, 0, -1);
	displace(p2m, gfn, 0, old, b);
	return true;
}

int ept_move_locked(struct p2m_domain *p2m, struct ept_pos *src, unsigned long sgfn, struct ept_pos *dst,
		    unsigned long dgfn, u32 over, struct p2m_batch *b)
{
	ept_t e = src->e, frozen = EPT_FROZEN, new = ept_retype(e, p2m_ram_rw);

	ASSERT(spin_is_locked_by_me(&p2m->lock));
	if (!ept_cmpxchg(src->slot, &src->e, EPT_FROZEN))
		return -EAGAIN;
	/*
	 * Until dst has the page nobody may put another at src: this can still fail, and go back. Once dst
	 * has it the page is anybody's to remove, so where it is is said before.
	 */
	p2m_set_owner_gfn(ept_mfn(e), 1, dgfn, 0);
	while (type_in(dst->e, over) && !ept_frozen(dst->e)) {
		if (!replace(p2m, dst, dgfn, new, b, false))
			continue;
		count_leaves(p2m, e, 0, -1);
		if (ept_present(e))
			b->need_flush = P2M_FLUSH_ALL;
		(void)ept_cmpxchg(src->slot, &frozen, p2m_hole(p2m));
		return 0;
	}
	p2m_set_owner_gfn(ept_mfn(e), 1, sgfn, 0);
	(void)ept_cmpxchg(src->slot, &frozen, e);
	return p2m_refusal(ept_type(dst->e));
}

/* ---- down the tree ---- */

void ept_walk(const struct p2m_domain *p2m, unsigned long gfn, unsigned int stop, struct ept_pos *pos)
{
	for (;;) {
		ept_t *table = p2m->root;

		for (unsigned int level = EPT_TOP;; level--) {
			ept_t *slot = &table[ept_index(gfn, level)];
			ept_t e = ept_read(slot);

			if (level == stop || !ept_is_table(e)) {
				*pos = (struct ept_pos){ slot, e, level };
				break;
			}
			table = ept_table(e);
		}
		if (likely(!ept_frozen(pos->e)))
			return;
		/* Whoever froze it is about to publish what comes instead. */
		cpu_relax();
	}
}

/*
 * A hole or superpage at pos gets a table that says the same, one level down.
 * 0 (*pos is the entry that is there now, this table or another), or -ENOMEM.
 */
static int split(struct p2m_domain *p2m, struct ept_pos *pos)
{
	unsigned int level = pos->level - 1;
	ept_t old = pos->e, new, *table = alloc_table(p2m);

	if (!table)
		return -ENOMEM;
	new = table_entry(table);
	for (unsigned int i = 0; i < EPT_ENTRIES; i++)
		table[i] = ept_child(old, level, i);
	if (ept_cmpxchg(pos->slot, &pos->e, new)) {
		if (!ept_is_hole(old)) {
			/* More before less: there are never fewer pages to populate than it seems. */
			count_leaves(p2m, old, level, EPT_ENTRIES);
			count_leaves(p2m, old, pos->level, -1);
		}
		pos->e = new;
	} else {
		ept_free_table(p2m, table);
	}
	return 0;
}

int ept_reach(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, u32 allowed, struct ept_pos *pos)
{
	if (level)
		ept_walk(p2m, gfn, level, pos);
	else
		ept_look(p2m, gfn, pos);
	while (pos->level > level) {
		int rc;

		if (!type_in(pos->e, allowed))
			return 1;
		rc = split(p2m, pos);
		if (rc)
			return rc;
		ept_walk(p2m, gfn, level, pos);
	}
	return 0;
}

/* ---- unlinking a table ---- */

static void thaw(ept_t *table, unsigned int n, ept_t first, u64 stride)
{
	for (unsigned int i = 0; i < n; i++) {
		ept_t frozen = EPT_FROZEN, was = { first.e + i * stride };
		bool mine = ept_cmpxchg(&table[i], &frozen, was);

		ASSERT(mine);
		(void)mine;
	}
}

/* Freezes all entries, if entry i is first + i * stride for each i; else none. */
static bool freeze(ept_t *table, ept_t first, u64 stride)
{
	for (unsigned int i = 0; i < EPT_ENTRIES; i++) {
		ept_t expect = { first.e + i * stride };

		if (!ept_cmpxchg(&table[i], &expect, EPT_FROZEN)) {
			thaw(table, i, first, stride);
			return false;
		}
	}
	return true;
}

/* The entry of this level that could stand for 512 of the level below, of which this is the first. */
static bool can_merge(ept_t first, unsigned int level, bool dying)
{
	enum p2m_type t = ept_type(first);

	if (ept_frozen(first) || (level > 1 && ept_is_table(first)))
		return false;
	if (ept_is_hole(first))
		return true;
	if (level > ept_max_level || dying || (first.e & EPT_SPECIAL) || t == p2m_foreign || p2m_is_grant(t))
		return false;
	return !ept_type_has_mfn(t) || !(mfn_x(ept_mfn(first)) & (ept_pages(level) - 1));
}

static bool collapse_locked(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, struct p2m_batch *b)
{
	struct ept_pos pos;
	ept_t first, *table;
	u64 stride;
	bool done;

	ept_walk(p2m, gfn, level, &pos);
	if (pos.level != level || !ept_is_table(pos.e))
		return false;
	table = ept_table(pos.e);
	first = ept_read(&table[0]);
	stride = ept_stride(first, level - 1);
	/* The last one tells most tables that will not do apart. */
	if (!can_merge(first, level, p2m_dying(p2m)) ||
	    ept_read(&table[EPT_ENTRIES - 1]).e != first.e + (EPT_ENTRIES - 1) * stride ||
	    !freeze(table, first, stride))
		return false;
	done = ept_cmpxchg(pos.slot, &pos.e, ept_at_level(first, level));
	ASSERT(done);
	(void)done;
	if (!ept_is_hole(first)) {
		count_leaves(p2m, first, level, 1);
		count_leaves(p2m, first, level - 1, -(s64)EPT_ENTRIES);
	}
	p2m_batch_table(b, table);
	return true;
}

bool ept_collapse(struct p2m_domain *p2m, unsigned long gfn, unsigned int level, unsigned int own_pins,
		  struct p2m_batch *b)
{
	bool done = false;

	spin_lock(&p2m->lock);
	if (p2m->pins == own_pins)
		done = collapse_locked(p2m, gfn, level, b);
	spin_unlock(&p2m->lock);
	return done;
}

void ept_free_tree(struct p2m_domain *p2m)
{
	ept_t *path[EPT_TOP + 1] = { [EPT_TOP] = p2m->root };
	unsigned int index[EPT_TOP + 1] = { 0 }, level = EPT_TOP;

	for (;;) {
		ept_t e;

		if (index[level] == EPT_ENTRIES) {
			ept_free_table(p2m, path[level]);
			if (level == EPT_TOP)
				return;
			level++;
			continue;
		}
		e = ept_read(&path[level][index[level]++]);
		if (level && ept_is_table(e)) {
			level--;
			path[level] = ept_table(e);
			index[level] = 0;
		} else {
			WARN_ON(p2m_is_referenced(ept_type(e)) && !ept_frozen(e));
		}
	}
}
