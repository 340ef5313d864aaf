/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The p2m of a domain: its beginning and end, look-ups, and everything that
 * changes one gfn. No lock: an operation finds its entry, decides on a copy of
 * it, and changes it by one compare-exchange, or starts again.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* Table pages a domain may have before the tool stack says how many (hap default of the 4.17 ABI). */
#define DEFAULT_POOL 256
/* How often a look-up has memory looked for. */
#define POPULATE_TRIES 16
#define EPTP_WB	       6UL
#define EPTP_WALK_4    (3UL << 3)

int p2m_init(struct domain *d)
{
	struct p2m_domain *p2m = xzalloc(struct p2m_domain);

	if (!p2m)
		return -ENOMEM;
	p2m->domain = d;
	p2m->honour_pat = d->is_privileged;
	p2m->pool_limit = d->is_privileged ? ~0UL : DEFAULT_POOL;
	ept_init_leaf_bits(p2m);
	spin_lock_init(&p2m->lock, RANK_P2M);
	spin_lock_init(&p2m->pod_lock, RANK_POD);
	p2m_pool_init(p2m);
	p2m->root = ept_new_root(p2m);
	if (!p2m->root) {
		xfree(p2m);
		return -ENOMEM;
	}
	d->arch.p2m = p2m;
	return 0;
}

static void free_p2m_rcu(struct rcu_head *head) { xfree(container_of(head, struct p2m_domain, rcu)); }

void p2m_final_teardown(struct domain *d)
{
	struct p2m_domain *p2m = to_p2m(d);

	if (!p2m)
		return;
	ept_free_tree(p2m);
	ASSERT(!atomic64_read(&p2m->pool_used));
	while (!p2m_pool_drain(p2m))
		;
	d->arch.p2m = NULL;
	call_rcu(&p2m->rcu, free_p2m_rcu);
}

u64 p2m_eptp(const struct domain *d) { return virt_to_maddr(to_p2m(d)->root) | EPTP_WB | EPTP_WALK_4; }

void p2m_set_identity(struct domain *d)
{
	ASSERT(!atomic64_read(&d->tot_pages));
	to_p2m(d)->identity = true;
}

bool p2m_reserved_frame(struct domain *d, gfn_t gfn)
{
	mfn_t mfn = _mfn(gfn_x(gfn));
	u64 ref;

	if (!to_p2m(d)->identity || gfn_x(gfn) >= max_page || !mfn_valid(mfn))
		return false;
	ref = READ_ONCE(mfn_to_page(mfn)->ref);
	return (ref & PGC_reserved) && (ref & PGC_owner_mask) >> PGC_owner_shift == d->domain_id;
}

unsigned long p2m_max_gfn(const struct domain *d)
{
	return __atomic_load_n(&to_p2m(d)->max_gfn, __ATOMIC_RELAXED);
}

/* ---- look-up ---- */

static inline mfn_t frame_at(const struct ept_pos *pos, unsigned long gfn)
{
	return mfn_add(ept_mfn(pos->e), gfn & (ept_pages(pos->level) - 1));
}

/* Holes, entries without a frame, and those that somebody is just changing. */
static noinline struct p2m_frame find_slow(const struct p2m_domain *p2m, unsigned long gfn)
{
	struct p2m_frame f = { INVALID_MFN, p2m_invalid, EPT_TOP * EPT_SHIFT };
	struct ept_pos pos;

	if (!p2m_gfn_valid(gfn, 1))
		return f;
	ept_walk(p2m, gfn, 0, &pos);
	f.type = ept_type(pos.e);
	f.order = pos.level * EPT_SHIFT;
	if (ept_type_has_mfn(f.type))
		f.mfn = frame_at(&pos, gfn);
	return f;
}

static always_inline struct p2m_frame find_here(const struct p2m_domain *p2m, unsigned long gfn, ept_t *slot,
						ept_t e, unsigned int level)
{
	struct ept_pos pos = { slot, e, level };

	if (unlikely(!ept_type_has_mfn(ept_type(e))))
		return find_slow(p2m, gfn);
	return (struct p2m_frame){ frame_at(&pos, gfn), ept_type(e), level * EPT_SHIFT };
}

struct p2m_frame p2m_find(const struct domain *d, gfn_t gfn)
{
	const struct p2m_domain *p2m = to_p2m(d);
	unsigned long g = gfn_x(gfn);
	ept_t *slot, e;

	if (unlikely(g >> EPT_GFN_BITS))
		return find_slow(p2m, g);
	slot = &p2m->root[g >> (EPT_SHIFT * EPT_TOP)];
	e = ept_read(slot);
	/* One path for each size of leaf, on which all shifts are constant. */
	if (unlikely(!ept_down(&slot, &e, g, 2)))
		return find_slow(p2m, g);
	if (unlikely(!ept_down(&slot, &e, g, 1)))
		return find_here(p2m, g, slot, e, 2);
	if (!ept_down(&slot, &e, g, 0))
		return find_here(p2m, g, slot, e, 1);
	return find_here(p2m, g, slot, e, 0);
}

struct page_info *p2m_get_page(struct p2m_domain *p2m, unsigned long gfn, unsigned int flags,
			       struct ept_pos *pos)
{
	for (unsigned int tries = 0;;) {
		struct page_info *page;
		enum p2m_type t;
		u16 owner;

		ept_look(p2m, gfn, pos);
		t = ept_type(pos->e);
		if (!p2m_is_referenced(t)) {
			int rc = t == p2m_pod && (flags & P2M_ALLOC) ? p2m_pod_populate(p2m, gfn) : -ENOENT;

			if (!rc || (rc == -ERESTART && tries++ < POPULATE_TRIES))
				continue;
			return NULL;
		}
		page = mfn_to_page(frame_at(pos, gfn));
		if (p2m_is_ram(t) ? get_page(page, p2m->domain) : get_page_any(page, &owner)) {
			/* While the entry is there so is its reference: the page was this gfn's when we took ours. */
			if (likely(ept_eq(ept_read(pos->slot), pos->e)))
				return page;
			put_page(page);
		} else if (ept_eq(ept_read(pos->slot), pos->e)) {
			/* Not gone: its count is full. */
			return NULL;
		}
	}
}

struct page_info *get_page_from_gfn(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int flags)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct page_info *page = NULL;
	struct ept_pos pos = { .e = EPT_EMPTY };

	if (unlikely(!p2m_gfn_valid(gfn_x(gfn), 1)))
		goto out;
	ept_look(p2m, gfn_x(gfn), &pos);
	/* The same as below, for what is most often there. */
	page = mfn_to_page(frame_at(&pos, gfn_x(gfn)));
	if (likely(p2m_is_ram(ept_type(pos.e)) && get_page(page, d))) {
		if (likely(ept_eq(ept_read(pos.slot), pos.e)))
			goto out;
		put_page(page);
	}
	page = p2m_get_page(p2m, gfn_x(gfn), flags, &pos);
out:
	if (t)
		*t = ept_type(pos.e);
	return page;
}

/* ---- one gfn ---- */

int p2m_refusal(enum p2m_type t)
{
	switch (t) {
	case p2m_invalid:
		return -ENOENT;
	case p2m_mmio_direct:
		return -EPERM;
	case p2m_foreign:
	case p2m_grant_rw:
	case p2m_grant_ro:
		return -ENXIO;
	case p2m_broken:
		return -EINVAL;
	default:
		return -EBUSY;
	}
}

/* As ept_reach() to level 0, by way of the table the batch was in last. */
static inline int reach_cached(struct p2m_domain *p2m, unsigned long gfn, u32 allowed, struct ept_pos *pos,
			       struct p2m_batch *b)
{
	int rc;

	ASSERT(b->p2m == p2m);
	if (!((gfn ^ gfn_x(b->cached_gfn)) >> EPT_SHIFT)) {
		pos->slot = (ept_t *)b->cached_table + ept_index(gfn, 0);
		pos->e = ept_read(pos->slot);
		pos->level = 0;
		if (likely(!ept_frozen(pos->e)))
			return 0;
		b->cached_gfn = INVALID_GFN;
	}
	rc = ept_reach(p2m, gfn, 0, allowed, pos);
	if (!rc) {
		b->cached_table = pos->slot - ept_index(gfn, 0);
		b->cached_gfn = _gfn(gfn);
	}
	return rc;
}

void p2m_settle(struct p2m_domain *p2m, struct ept_pos *pos, unsigned long gfn, struct p2m_batch *b)
{
	if (likely(!p2m_dying(p2m)))
		return;
	while (!ept_is_hole(pos->e) && !ept_frozen(pos->e)) {
		p2m_batch_reserve(b);
		if (ept_replace(p2m, pos, gfn, EPT_EMPTY, b))
			break;
	}
}

int p2m_put_leaf(struct p2m_domain *p2m, unsigned long gfn, ept_t new, u32 over, struct p2m_batch *b)
{
	struct ept_pos pos;

	p2m_batch_reserve(b);
	do {
		int rc = reach_cached(p2m, gfn, over, &pos, b);

		if (unlikely(rc < 0))
			return rc;
		if (unlikely(rc > 0 || !type_in(pos.e, over)))
			return p2m_refusal(ept_type(pos.e));
	} while (unlikely(!ept_replace(p2m, &pos, gfn, new, b)));
	p2m_settle(p2m, &pos, gfn, b);
	return 0;
}

int p2m_take_leaf(struct p2m_domain *p2m, unsigned long gfn, mfn_t expected, u32 types, struct p2m_batch *b)
{
	struct ept_pos pos;

	if (!p2m_gfn_valid(gfn, 1))
		return -EINVAL;
	p2m_batch_reserve(b);
	do {
		ept_look(p2m, gfn, &pos);
		if (!type_in(pos.e, types))
			return -ENOENT;
		if (!mfn_eq(expected, INVALID_MFN) && !mfn_eq(frame_at(&pos, gfn), expected))
			return -EINVAL;
		if (pos.level) {
			/* Split down to the one page, then look again. */
			int rc = ept_reach(p2m, gfn, 0, types, &pos);

			if (rc < 0)
				return rc;
			continue;
		}
		if (ept_replace(p2m, &pos, gfn, p2m_hole(p2m), b))
			return 0;
	} while (true);
}

int p2m_add_page(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t,
		 struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long g = gfn_x(gfn), nr = 1UL << (order & 63);
	ept_t new;
	int rc;

	if (order > PAGE_ORDER_1G || !p2m_is_ram(t) || !p2m_gfn_valid(g, nr) || p2m_dying(p2m))
		return -EINVAL;
	p2m_set_owner_gfn(mfn, nr, g, 1);
	if (order) {
		rc = p2m_fill(p2m, g, nr, mfn, t, TYPES_OVER, b);
	} else {
		new = ept_leaf0(p2m, mfn, t);
		rc = p2m_put_leaf(p2m, g, new, TYPES_OVER, b);
		/* The last page of what could be a superpage. */
		if (!rc && !(~g & (EPT_ENTRIES - 1)) && !(~mfn_x(mfn) & (EPT_ENTRIES - 1)))
			ept_collapse(p2m, g, 1, 0, b);
	}
	if (rc)
		p2m_set_owner_gfn(mfn, nr, gfn_x(INVALID_GFN), 0);
	return rc;
}

int p2m_remove_page(struct domain *d, gfn_t gfn, mfn_t expected, struct p2m_batch *b)
{
	return p2m_take_leaf(to_p2m(d), gfn_x(gfn), expected, TYPES_RAM, b);
}

/* A foreign or grant mapping goes at once, if nobody interferes. */
static inline bool take_quickly(struct p2m_domain *p2m, unsigned long gfn, u32 types, struct p2m_batch *b)
{
	ept_t *table, e;

	if (unlikely(gfn >> EPT_GFN_BITS || b->count == P2M_BATCH_MAX))
		return false;
	table = ept_table0(p2m, gfn);
	if (unlikely(!table))
		return false;
	e = ept_read(&table[ept_index(gfn, 0)]);
	return likely(type_in(e, types)) && ept_remove(p2m, &table[ept_index(gfn, 0)], e, b);
}

int p2m_remove_from_physmap(struct domain *d, gfn_t gfn, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	bool had_pod;
	int rc;

	if (likely(take_quickly(p2m, gfn_x(gfn), TYPES_GRANT | TYPE_BIT(p2m_foreign), b)))
		return 0;
	had_pod = p2m_pod_entries(p2m);
	rc = p2m_take_leaf(p2m, gfn_x(gfn), INVALID_MFN,
			   TYPES_RAM | TYPES_GRANT | TYPE_BIT(p2m_foreign) | TYPE_BIT(p2m_pod), b);
	if (had_pod)
		p2m_pod_trim(p2m, p2m_pod_entries(p2m), 2 * EPT_ENTRIES);
	return rc;
}

int p2m_add_grant(struct domain *d, gfn_t gfn, struct page_info *page, bool readonly, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	enum p2m_type t = readonly ? p2m_grant_ro : p2m_grant_rw;
	u16 owner;
	int rc;

	if (!p2m_gfn_valid(gfn_x(gfn), 1) || p2m_dying(p2m) || !get_page_any(page, &owner))
		return -EINVAL;
	rc = p2m_put_leaf(p2m, gfn_x(gfn), ept_leaf0(p2m, page_to_mfn(page), t), TYPES_OVER, b);
	if (rc)
		put_page(page);
	return rc;
}

int p2m_remove_grant(struct domain *d, gfn_t gfn, mfn_t mfn, struct p2m_batch *b)
{
	int rc = p2m_take_leaf(to_p2m(d), gfn_x(gfn), mfn, TYPES_GRANT, b);

	return rc == -EINVAL ? -ENOENT : rc;
}

/* ---- two places at once: under the lock ---- */

/* 0; 1: it is there already; -EAGAIN: the table has gone meanwhile; or a refusal. */
static int put_special_locked(struct p2m_domain *p2m, unsigned long gfn, struct page_info *page, ept_t new,
			      struct ept_pos *pos, struct p2m_batch *b)
{
	unsigned long from = page->u.inuse.gfn;
	struct ept_pos old;

	do {
		ept_walk(p2m, gfn, 0, pos);
		if ((pos->e.e & EPT_SPECIAL) && mfn_eq(ept_mfn(pos->e), ept_mfn(new)))
			return 1;
		if (!type_in(pos->e, TYPES_OVER))
			return p2m_refusal(ept_type(pos->e));
		if (pos->level)
			return -EAGAIN;
	} while (!ept_replace_locked(p2m, pos, gfn, new, b));
	/* Nobody else changes an entry of this frame, so what was true a moment ago still is. */
	if (from != gfn_x(INVALID_GFN)) {
		ept_walk(p2m, from, 0, &old);
		ASSERT(mfn_eq(ept_mfn(old.e), page_to_mfn(page)) && (old.e.e & EPT_SPECIAL));
		if (!ept_replace_locked(p2m, &old, from, p2m_hole(p2m), b))
			ASSERT_UNREACHABLE();
	}
	page->u.inuse.gfn = gfn;
	return 0;
}

int p2m_add_special(struct domain *d, gfn_t gfn, struct page_info *page, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	unsigned long g = gfn_x(gfn);
	struct ept_pos pos;
	ept_t new;
	int rc;

	if (!p2m_gfn_valid(g, 1) || p2m_dying(p2m) || !(READ_ONCE(page->ref) & PGC_xen) || !get_page(page, d))
		return -EINVAL;
	new = ept_leaf0(p2m, page_to_mfn(page), p2m_ram_rw);
	new.e |= EPT_SPECIAL;
	/* Two entries may be displaced below, where there is no flushing. */
	if (b->count > P2M_BATCH_MAX - 2)
		p2m_batch_flush(b);
	do {
		rc = ept_reach(p2m, g, 0, TYPES_OVER, &pos);
		if (rc) {
			rc = rc < 0 ? rc : p2m_refusal(ept_type(pos.e));
			break;
		}
		spin_lock(&p2m->lock);
		rc = put_special_locked(p2m, g, page, new, &pos, b);
		spin_unlock(&p2m->lock);
	} while (rc == -EAGAIN);
	if (rc)
		put_page(page);
	else
		p2m_settle(p2m, &pos, g, b);
	return rc > 0 ? 0 : rc;
}

static bool movable(ept_t e)
{
	return type_in(e, TYPE_BIT(p2m_ram_rw) | TYPE_BIT(p2m_ram_logdirty)) && !(e.e & EPT_SPECIAL) &&
	       ept_access(e) == p2m_access_rwx;
}

/* Leaves of 4K at both, and what may be there: 0, -errno. */
static int reach_both(struct p2m_domain *p2m, unsigned long src, unsigned long dst)
{
	struct ept_pos pos;
	int rc;

	ept_walk(p2m, src, 0, &pos);
	if (!movable(pos.e))
		return -EINVAL;
	rc = ept_reach(p2m, dst, 0, TYPES_OVER, &pos);
	if (rc)
		return rc < 0 ? rc : p2m_refusal(ept_type(pos.e));
	rc = ept_reach(p2m, src, 0, TYPES_RAM, &pos);
	return rc > 0 ? -EINVAL : rc;
}

static int move_locked(struct p2m_domain *p2m, unsigned long src, unsigned long dst, struct ept_pos *to,
		       struct p2m_batch *b)
{
	struct ept_pos from;

	ept_walk(p2m, src, 0, &from);
	ept_walk(p2m, dst, 0, to);
	if (!movable(from.e))
		return -EINVAL;
	if (from.level || to->level)
		return -EAGAIN;
	return ept_move_locked(p2m, &from, src, to, dst, TYPES_OVER, b);
}

int p2m_move_page(struct domain *d, gfn_t src, gfn_t dst, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct ept_pos to;
	int rc;

	if (!p2m_gfn_valid(gfn_x(src), 1) || !p2m_gfn_valid(gfn_x(dst), 1) || p2m_dying(p2m))
		return -EINVAL;
	p2m_batch_reserve(b);
	do {
		rc = reach_both(p2m, gfn_x(src), gfn_x(dst));
		if (rc || gfn_eq(src, dst))
			return rc;
		spin_lock(&p2m->lock);
		rc = move_locked(p2m, gfn_x(src), gfn_x(dst), &to, b);
		spin_unlock(&p2m->lock);
	} while (rc == -EAGAIN);
	if (!rc)
		p2m_settle(p2m, &to, gfn_x(dst), b);
	return rc;
}

/* ---- the same page, differently ---- */

/* RAM to RAM, RAM to broken, a hole to emulated and back. */
static bool may_become(enum p2m_type from, enum p2m_type to)
{
	if (p2m_is_ram(from))
		return p2m_is_ram(to) || to == p2m_broken;
	return (from == p2m_invalid && to == p2m_mmio_dm) || (from == p2m_mmio_dm && to == p2m_invalid);
}

static ept_t as_type(const struct p2m_domain *p2m, ept_t e, enum p2m_type to)
{
	if (to == p2m_invalid)
		return EPT_EMPTY;
	if (to == p2m_broken)
		e.e &= ~EPT_SPECIAL;
	return to == p2m_mmio_dm ? ept_leaf(p2m, 0, INVALID_MFN, 0, to, p2m_access_rwx) : ept_retype(e, to);
}

int p2m_change_type_one(struct domain *d, gfn_t gfn, enum p2m_type from, enum p2m_type to)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct p2m_batch b;
	struct ept_pos pos;

	if (!may_become(from, to) || !p2m_gfn_valid(gfn_x(gfn), 1) || p2m_dying(p2m))
		return -EINVAL;
	p2m_batch_init(&b, d);
	do {
		int rc = ept_reach(p2m, gfn_x(gfn), 0, TYPE_BIT(from), &pos);

		if (rc < 0)
			return rc;
		if (rc || ept_type(pos.e) != from)
			return ept_is_hole(pos.e) ? -ENOENT : -EBUSY;
	} while (!ept_replace(p2m, &pos, gfn_x(gfn), as_type(p2m, pos.e, to), &b));
	p2m_settle(p2m, &pos, gfn_x(gfn), &b);
	p2m_batch_flush(&b);
	return 0;
}

int p2m_set_access(struct domain *d, gfn_t gfn, enum p2m_access a)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct p2m_batch b;
	struct ept_pos pos;

	if (a > p2m_access_n || !p2m_gfn_valid(gfn_x(gfn), 1))
		return -EINVAL;
	p2m_batch_init(&b, d);
	do {
		int rc = ept_reach(p2m, gfn_x(gfn), 0, TYPES_RAM, &pos);

		if (rc < 0)
			return rc;
		if (rc || !type_in(pos.e, TYPES_RAM))
			return -ENOENT;
	} while (!ept_replace(p2m, &pos, gfn_x(gfn), ept_restrict(pos.e, a), &b));
	p2m_batch_flush(&b);
	return 0;
}

int p2m_get_access(struct domain *d, gfn_t gfn, enum p2m_access *a)
{
	struct ept_pos pos;

	if (!p2m_gfn_valid(gfn_x(gfn), 1))
		return -EINVAL;
	ept_walk(to_p2m(d), gfn_x(gfn), 0, &pos);
	if (!type_in(pos.e, TYPES_RAM))
		return -ENOENT;
	*a = ept_access(pos.e);
	return 0;
}
