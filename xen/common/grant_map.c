// SPDX-License-Identifier: GPL-2.0-only
/*
 * GNTTABOP_map_grant_ref and GNTTABOP_unmap_grant_ref. host_addr is a
 * guest-physical address: the callers are PVH. Also what happens to the
 * mappings of a domain that dies.
 */
#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <asm/p2m.h>
#include "grant_table.h"

/* The handles of a fresh page; false when there are as many as allowed. Caller holds the track lock. */
static bool track_add_page(struct grant_table *gt, struct track_entry *page)
{
	u32 base = gt->nr_track_pages * (u32)TRACK_PER_PAGE;

	if (gt->nr_track_pages >= gt->max_track_pages)
		return false;
	for (u32 i = 0; i < TRACK_PER_PAGE; i++)
		page[i].ref = i + 1 < TRACK_PER_PAGE ? base + i + 1 : gt->track_free;
	gt->track[gt->nr_track_pages] = page;
	/* Whoever sees the new count sees the page. */
	smp_store_release(&gt->nr_track_pages, gt->nr_track_pages + 1);
	gt->track_free = base;
	return true;
}

int gnttab_preallocate(struct domain *d, unsigned int pages)
{
	struct grant_table *gt = d->grant_table;

	for (; pages; pages--) {
		struct track_entry *page = alloc_xenheap_page();
		bool added;

		if (!page)
			return -ENOMEM;
		spin_lock(&gt->track_lock);
		added = track_add_page(gt, page);
		spin_unlock(&gt->track_lock);
		if (!added) {
			free_xenheap_page(page);
			break;
		}
	}
	return 0;
}

int track_alloc(struct grant_table *gt, u32 *handle)
{
	struct track_entry *page = NULL;
	int rc = 0;

	if (gt->track_free == TRACK_END)
		page = alloc_xenheap_page();
	spin_lock(&gt->track_lock);
	if (gt->track_free == TRACK_END && page && track_add_page(gt, page))
		page = NULL;
	if (gt->track_free == TRACK_END) {
		rc = -ENOSPC;
	} else {
		struct track_entry *t;

		*handle = gt->track_free;
		t = &gt->track[*handle / TRACK_PER_PAGE][*handle % TRACK_PER_PAGE];
		gt->track_free = t->ref;
	}
	spin_unlock(&gt->track_lock);
	if (page)
		free_xenheap_page(page);
	return rc;
}

struct track_entry *track_get(struct grant_table *gt, u32 handle)
{
	if (handle / TRACK_PER_PAGE >= smp_load_acquire(&gt->nr_track_pages))
		return NULL;
	return &gt->track[handle / TRACK_PER_PAGE][handle % TRACK_PER_PAGE];
}

void track_free(struct grant_table *gt, u32 handle)
{
	struct track_entry *t = track_get(gt, handle);

	spin_lock(&gt->track_lock);
	t->ref = gt->track_free;
	gt->track_free = handle;
	spin_unlock(&gt->track_lock);
}

/* Hold, handle, p2m entry: each undone when the next fails. */
static s16 map_one(struct domain *d, struct domain *rd, struct gnttab_map_grant_ref *op, struct p2m_batch *b)
{
	struct grant_table *gt = d->grant_table;
	bool readonly = op->flags & GNTMAP_readonly;
	struct grant_hold hold;
	struct track_entry *t;
	u32 handle;
	s16 rc;

	rc = grant_hold(rd, op->ref, d, readonly, true, &hold);
	if (rc)
		return rc;
	if (track_alloc(gt, &handle)) {
		grant_unhold(rd, op->ref, readonly);
		return GNTST_no_space;
	}
	if ((op->flags & GNTMAP_host_map) &&
	    p2m_add_grant(d, gpa_to_gfn(op->host_addr), hold.page, readonly, b)) {
		track_free(gt, handle);
		grant_unhold(rd, op->ref, readonly);
		return GNTST_general_error;
	}
	t = track_get(gt, handle);
	t->ref = op->ref;
	t->domid = rd->domain_id;
	t->gfn = gfn_x(gpa_to_gfn(op->host_addr));
	/* From here on unmap finds it. */
	smp_store_release(&t->flags, (u16)(op->flags & 0xff));
	op->handle = handle;
	op->dev_bus_addr = mfn_to_maddr(page_to_mfn(hold.page));
	return GNTST_okay;
}

static s16 map_op(struct domain *d, struct gnttab_map_grant_ref *op, struct p2m_batch *b)
{
	struct domain *rd;
	s16 rc;

	/* What user space wants in its own page tables is not offered to a PVH domain. */
	if (op->flags & GNTMAP_contains_pte)
		return GNTST_general_error;
	if (!(op->flags & (GNTMAP_host_map | GNTMAP_device_map)) || (op->host_addr & ~PAGE_MASK))
		return GNTST_bad_gntref;
	rd = get_domain_by_id(op->dom);
	if (!rd)
		return GNTST_bad_domain;
	rc = rd->grant_table ? map_one(d, rd, op, b) : GNTST_bad_domain;
	put_domain(rd);
	return rc;
}

long gnttab_map_grant_ref(unsigned long uop, unsigned int nr)
{
	struct domain *d = current->domain;
	struct p2m_batch b;
	unsigned int i;
	long rc = 0;

	p2m_batch_init(&b, d);
	for (i = 0; i < nr; i++) {
		unsigned long va = uop + i * sizeof(struct gnttab_map_grant_ref);
		struct gnttab_map_grant_ref op;

		if (i && hypercall_preempt_check())
			break;
		if (copy_from_guest_va(&op, va, sizeof(op))) {
			rc = -EFAULT;
			break;
		}
		op.status = map_op(d, &op, &b);
		if (copy_to_guest_va(va, &op, sizeof(op))) {
			rc = -EFAULT;
			break;
		}
	}
	p2m_batch_flush(&b);
	return rc ? rc : i;
}

/* Operations unmapped under one flush: the holds go after it. */
#define UNMAP_BATCH 16

struct unmapped {
	struct domain *rd; /* counted reference */
	u32 ref;
	bool readonly;
};

/* The p2m entry goes now; the hold and the handle are the caller's to release after the flush. */
static s16 unmap_one(struct domain *d, struct gnttab_unmap_grant_ref *op, struct p2m_batch *b,
		     struct unmapped *out)
{
	struct grant_table *gt = d->grant_table;
	struct track_entry *t = track_get(gt, op->handle);
	struct domain *rd;
	u16 flags;

	if (!t)
		return GNTST_bad_handle;
	flags = READ_ONCE(t->flags);
	if (!flags)
		return GNTST_bad_handle;
	if (op->host_addr && ((flags & GNTMAP_host_map) == 0 || gfn_x(gpa_to_gfn(op->host_addr)) != t->gfn))
		return GNTST_general_error;
	rd = get_domain_by_id(t->domid);
	if (!rd)
		return GNTST_bad_domain;
	/* Two unmaps of one handle: one of them owns it. */
	if (cmpxchg(&t->flags, flags, 0) != flags) {
		put_domain(rd);
		return GNTST_bad_handle;
	}
	out->rd = rd;
	out->ref = t->ref;
	out->readonly = flags & GNTMAP_readonly;
	if (flags & GNTMAP_host_map) {
		struct active_entry *act = gt_active(rd->grant_table, t->ref);

		/* Gone already when something else was mapped over it: nothing to unhook then. */
		if (p2m_remove_grant(d, _gfn(t->gfn), page_to_mfn(act->page), b))
			gprintk(XENLOG_G_DEBUG "grant %u of d%u was no longer mapped at gfn %#lx\n", t->ref,
				rd->domain_id, t->gfn);
	}
	track_free(gt, op->handle);
	return GNTST_okay;
}

static void release_batch(struct p2m_batch *b, struct unmapped *u, unsigned int n)
{
	p2m_batch_flush(b);
	for (unsigned int i = 0; i < n; i++) {
		grant_unhold(u[i].rd, u[i].ref, u[i].readonly);
		put_domain(u[i].rd);
	}
}

long gnttab_unmap_grant_ref(unsigned long uop, unsigned int nr)
{
	struct domain *d = current->domain;
	struct unmapped pending[UNMAP_BATCH];
	struct p2m_batch b;
	unsigned int i, n = 0;
	long rc = 0;

	p2m_batch_init(&b, d);
	for (i = 0; i < nr; i++) {
		unsigned long va = uop + i * sizeof(struct gnttab_unmap_grant_ref);
		struct gnttab_unmap_grant_ref op;

		if (n == UNMAP_BATCH) {
			release_batch(&b, pending, n);
			n = 0;
		}
		if (i && hypercall_preempt_check())
			break;
		if (copy_from_guest_va(&op, va, sizeof(op))) {
			rc = -EFAULT;
			break;
		}
		op.status = unmap_one(d, &op, &b, &pending[n]);
		if (op.status == GNTST_okay)
			n++;
		if (copy_to_guest_va(va + offsetof(struct gnttab_unmap_grant_ref, status), &op.status,
				     sizeof(op.status))) {
			rc = -EFAULT;
			break;
		}
	}
	release_batch(&b, pending, n);
	return rc ? rc : i;
}

/* Handles looked at between two checks for pending work. */
#define RELEASE_STEP 64

int grant_table_release(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	u32 end;

	if (!gt)
		return 0;
	end = gt->nr_track_pages * (u32)TRACK_PER_PAGE;
	/* d does not run any more: its p2m entries go with the p2m, nobody uses them meanwhile. */
	for (; gt->release_next < end; gt->release_next++) {
		struct track_entry *t = track_get(gt, gt->release_next);
		struct domain *rd;
		u16 flags;

		if (gt->release_next % RELEASE_STEP == RELEASE_STEP - 1 && hypercall_preempt_check())
			return -ERESTART;
		flags = xchg(&t->flags, 0);
		if (!flags)
			continue;
		rd = get_domain_by_id(t->domid);
		if (!rd)
			continue;
		if (flags & GNTMAP_host_map) {
			struct p2m_batch b;

			p2m_batch_init(&b, d);
			if (p2m_remove_grant(d, _gfn(t->gfn),
					     page_to_mfn(gt_active(rd->grant_table, t->ref)->page), &b))
				printk(XENLOG_DEBUG "d%u: grant %u of d%u was no longer mapped\n",
				       d->domain_id, t->ref, rd->domain_id);
			p2m_batch_flush(&b);
		}
		grant_unhold(rd, t->ref, flags & GNTMAP_readonly);
		put_domain(rd);
	}
	gt_put_frames(gt);
	return 0;
}
