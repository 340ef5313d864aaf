// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holding a grant: the handshake with the guest's entry (public/grant_table.h,
 * "Entry in use" bits) and the count of holders in the active entry.
 *
 * The guest revokes an entry by clearing it and looking at the in-use bits. In
 * version 1 flags and bits share a word, so one compare-exchange of the whole
 * header takes the grant. In version 2 the bits live elsewhere: set them, then
 * look at the header again; if it changed meanwhile, take them back.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <asm/p2m.h>
#include "grant_table.h"

/* Tries against a guest that changes its entry all the time. */
#define HOLD_TRIES 4

union header {
	struct grant_entry_header h;
	u32 word;
};

static s16 check_header(union header hdr, const struct domain *user, bool readonly)
{
	if ((hdr.h.flags & GTF_type_mask) != GTF_permit_access || hdr.h.domid != user->domain_id)
		return GNTST_general_error;
	if (!readonly && (hdr.h.flags & GTF_readonly))
		return GNTST_general_error;
	return GNTST_okay;
}

static s16 take_v1(struct grant_table *gt, u32 ref, const struct domain *user, bool readonly)
{
	u32 *word = (u32 *)gt_v1(gt, ref);

	for (unsigned int i = 0; i < HOLD_TRIES; i++) {
		union header old = { .word = READ_ONCE(*word) }, new = old;
		s16 rc = check_header(old, user, readonly);

		if (rc)
			return rc;
		new.h.flags |= GTF_reading | (readonly ? 0 : GTF_writing);
		if (cmpxchg(word, old.word, new.word) == old.word)
			return GNTST_okay;
	}
	return GNTST_general_error;
}

static s16 take_v2(struct grant_table *gt, u32 ref, const struct domain *user, bool readonly)
{
	u32 *word = (u32 *)gt_v2(gt, ref);
	grant_status_t *status = gt_status(gt, ref);
	grant_status_t bits = (grant_status_t)(GTF_reading | (readonly ? 0 : GTF_writing));
	union header old = { .word = READ_ONCE(*word) }, again;
	s16 rc = check_header(old, user, readonly);
	grant_status_t had;

	if (rc)
		return rc;
	had = __atomic_fetch_or(status, bits, __ATOMIC_SEQ_CST);
	again.word = __atomic_load_n(word, __ATOMIC_SEQ_CST);
	if (again.word != old.word) {
		(void)__atomic_fetch_and(status, (grant_status_t) ~(bits & ~had), __ATOMIC_SEQ_CST);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

static void clear_bits(struct grant_table *gt, u32 ref, u16 bits)
{
	u16 *where = gt->version == 2 ? gt_status(gt, ref) : &gt_v1(gt, ref)->flags;

	(void)__atomic_fetch_and(where, (u16)~bits, __ATOMIC_SEQ_CST);
}

/* Gives back what take_*() set, as far as no other holder needs it. */
static void untake(struct grant_table *gt, u32 ref, const struct active_entry *act)
{
	u16 bits = 0;

	/* Nobody is left to look at them. */
	if (gt->frames_gone)
		return;
	if (!act->writers)
		bits |= GTF_writing;
	if (!act->writers && !act->readers)
		bits |= GTF_reading;
	if (bits)
		clear_bits(gt, ref, bits);
}

/* The frame and the granted part of it, as the guest's entry says now. */
static s16 read_frame(struct grant_table *gt, u32 ref, struct active_entry *act)
{
	act->start = 0;
	act->length = PAGE_SIZE;
	if (gt->version == 1) {
		act->gfn = READ_ONCE(gt_v1(gt, ref)->frame);
	} else {
		grant_entry_v2_t *e = gt_v2(gt, ref);

		if (READ_ONCE(e->hdr.flags) & GTF_sub_page) {
			act->start = READ_ONCE(e->sub_page.page_off);
			act->length = READ_ONCE(e->sub_page.length);
			act->gfn = READ_ONCE(e->sub_page.frame);
		} else {
			act->gfn = READ_ONCE(e->full_page.frame);
		}
	}
	return (u32)act->start + act->length <= PAGE_SIZE ? GNTST_okay : GNTST_general_error;
}

/* First holder: find the page, which must be RAM of the granter's own, writable if it is to be written. */
static s16 first_hold(struct domain *rd, u32 ref, struct active_entry *act, bool readonly)
{
	enum p2m_type t;
	struct page_info *page;
	s16 rc = read_frame(rd->grant_table, ref, act);

	if (rc)
		return rc;
	page = get_page_from_gfn(rd, _gfn(act->gfn), &t, P2M_ALLOC);
	if (!page)
		return GNTST_bad_page;
	if (!p2m_is_ram(t) || (!readonly && t == p2m_ram_ro) || page_owner_id(page) != rd->domain_id) {
		put_page(page);
		return GNTST_bad_page;
	}
	act->page = page;
	return GNTST_okay;
}

static s16 hold_locked(struct domain *rd, u32 ref, const struct domain *user, bool readonly, bool whole,
		       struct grant_hold *hold)
{
	struct grant_table *gt = rd->grant_table;
	struct active_entry *act;
	s16 rc;

	if (gt->frames_gone || ref >= gt_nr_entries(gt))
		return GNTST_bad_gntref;
	act = gt_active(gt, ref);
	/* A holder exists: the same user may join it; a change of the guest's entry does not affect it. */
	if ((act->readers || act->writers) && act->domid != user->domain_id)
		return GNTST_general_error;
	if ((!act->readers && !act->writers) || (!readonly && !act->writers)) {
		rc = gt->version == 2 ? take_v2(gt, ref, user, readonly) : take_v1(gt, ref, user, readonly);
		if (rc)
			return rc;
	}
	if (!act->readers && !act->writers) {
		rc = first_hold(rd, ref, act, readonly);
		if (rc) {
			untake(gt, ref, act);
			return rc;
		}
		act->domid = user->domain_id;
		gt->held++;
	}
	if (readonly)
		act->readers++;
	else
		act->writers++;
	hold->granter = rd;
	hold->ref = ref;
	hold->readonly = readonly;
	hold->page = act->page;
	hold->start = act->start;
	hold->length = act->length;
	if (whole && act->length != PAGE_SIZE)
		return GNTST_general_error;
	return GNTST_okay;
}

static struct page_info *unhold_locked(struct domain *rd, u32 ref, bool readonly)
{
	struct grant_table *gt = rd->grant_table;
	struct active_entry *act = gt_active(gt, ref);
	struct page_info *page = NULL;

	if (readonly) {
		ASSERT(act->readers);
		act->readers--;
	} else {
		ASSERT(act->writers);
		act->writers--;
		p2m_mark_dirty(rd, _gfn(act->gfn));
	}
	untake(gt, ref, act);
	if (!act->readers && !act->writers) {
		page = act->page;
		act->page = NULL;
		gt->held--;
	}
	return page;
}

s16 grant_hold(struct domain *rd, u32 ref, const struct domain *user, bool readonly, bool whole,
	       struct grant_hold *hold)
{
	struct grant_table *gt = rd->grant_table;
	struct page_info *drop = NULL;
	s16 rc;

	hold->page = NULL;
	spin_lock(&gt->lock);
	rc = READ_ONCE(rd->is_dying) ? GNTST_bad_domain : hold_locked(rd, ref, user, readonly, whole, hold);
	/* Held, but not what a mapping needs. */
	if (rc && hold->page)
		drop = unhold_locked(rd, ref, readonly);
	spin_unlock(&gt->lock);
	if (drop)
		put_page(drop);
	return rc;
}

void grant_unhold(struct domain *rd, u32 ref, bool readonly)
{
	struct grant_table *gt = rd->grant_table;
	struct page_info *page;

	spin_lock(&gt->lock);
	page = unhold_locked(rd, ref, readonly);
	spin_unlock(&gt->lock);
	if (page)
		put_page(page);
}
