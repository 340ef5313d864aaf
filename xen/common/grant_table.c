// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables themselves: making, growing, versions, frames for the guest; and
 * the dispatch of grant_table_op.
 */
#include <xen/access.h>
#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <asm/p2m.h>
#include "grant_table.h"

static unsigned int opt_max_frames = 64;
integer_param("gnttab_max_frames", opt_max_frames,
	      "Frames of a grant table (512 version 1 entries each) a domain may have. Default 64.");
static unsigned int opt_max_track = 1024;
integer_param("gnttab_max_maptrack_frames", opt_max_track,
	      "Frames of mapping handles (256 each) a domain may have. Default 1024.");
static unsigned int opt_max_version = 2;

static int parse_gnttab(const char *s)
{
	if (!strncmp(s, "max-ver:", 8) && (s[8] == '1' || s[8] == '2') && !s[9]) {
		opt_max_version = (unsigned int)(s[8] - '0');
		return 0;
	}
	return -EINVAL;
}
custom_param("gnttab", parse_gnttab, "max-ver:<1|2>: highest grant table version offered. Default 2.");

/* Bound of both limits, so that their arrays stay small allocations. */
#define FRAMES_LIMIT 4096U

static void *alloc_array(unsigned int n) { return xzalloc_array(void *, n ? n : 1); }

static unsigned int active_pages_for(unsigned int frames)
{
	return (unsigned int)DIV_ROUND_UP(frames * V1_PER_FRAME, ACTIVE_PER_PAGE);
}

static unsigned int status_frames_for(unsigned int frames)
{
	return (unsigned int)DIV_ROUND_UP(frames * V2_PER_FRAME, STATUS_PER_FRAME);
}

int grant_table_init(struct domain *d, int max_frames, int max_track, unsigned int max_version)
{
	struct grant_table *gt;
	int rc;

	if (max_version > 2 || (max_frames >= 0 && !max_frames))
		return -EINVAL;
	gt = xzalloc(struct grant_table);
	if (!gt)
		return -ENOMEM;
	spin_lock_init(&gt->lock, RANK_GRANT);
	spin_lock_init(&gt->track_lock, RANK_LEAF);
	gt->version = 1;
	gt->max_version = max_version ? max_version : opt_max_version;
	gt->max_frames = min(max_frames < 0 ? opt_max_frames : (unsigned int)max_frames, FRAMES_LIMIT);
	gt->max_status_frames = status_frames_for(gt->max_frames);
	gt->max_track_pages = min(max_track < 0 ? opt_max_track : (unsigned int)max_track, FRAMES_LIMIT);
	gt->track_free = TRACK_END;
	gt->shared = alloc_array(gt->max_frames);
	gt->status = alloc_array(gt->max_status_frames);
	gt->active = alloc_array(active_pages_for(gt->max_frames));
	gt->track = alloc_array(gt->max_track_pages);
	d->grant_table = gt;
	rc = gt->shared && gt->status && gt->active && gt->track ? 0 : -ENOMEM;
	if (!rc) {
		spin_lock(&gt->lock);
		rc = gt_grow_locked(d, 1);
		spin_unlock(&gt->lock);
	}
	if (rc)
		grant_table_destroy(d);
	return rc;
}

void gt_put_frames(struct grant_table *gt)
{
	bool gone;

	spin_lock(&gt->lock);
	gone = gt->frames_gone;
	gt->frames_gone = true;
	spin_unlock(&gt->lock);
	for (unsigned int i = 0; !gone && i < gt->nr_frames; i++)
		put_page(gt->shared[i]);
	for (unsigned int i = 0; !gone && i < gt->nr_status_frames; i++)
		put_page(gt->status[i]);
}

void grant_table_destroy(struct domain *d)
{
	struct grant_table *gt = d->grant_table;

	if (!gt)
		return;
	d->grant_table = NULL;
	gt_put_frames(gt);
	for (unsigned int i = 0; i < gt->nr_active_pages; i++)
		free_xenheap_page(gt->active[i]);
	for (unsigned int i = 0; i < gt->nr_track_pages; i++)
		free_xenheap_page(gt->track[i]);
	xfree(gt->shared);
	xfree(gt->status);
	xfree(gt->active);
	xfree(gt->track);
	xfree(gt);
}

static int grow_status_locked(struct domain *d, unsigned int frames)
{
	struct grant_table *gt = d->grant_table;

	while (gt->nr_status_frames < status_frames_for(frames)) {
		struct page_info *pg = alloc_shared_page(d);

		if (!pg)
			return -ENOMEM;
		gt->status[gt->nr_status_frames++] = pg;
	}
	return 0;
}

int gt_grow_locked(struct domain *d, unsigned int nr)
{
	struct grant_table *gt = d->grant_table;
	int rc = 0;

	if (nr > gt->max_frames || gt->frames_gone)
		return -EINVAL;
	while (gt->nr_active_pages < active_pages_for(nr)) {
		struct active_entry *page = alloc_xenheap_page();

		if (!page)
			return -ENOMEM;
		gt->active[gt->nr_active_pages++] = page;
	}
	if (gt->version == 2)
		rc = grow_status_locked(d, nr);
	while (!rc && gt->nr_frames < nr) {
		struct page_info *pg = alloc_shared_page(d);

		if (!pg)
			return -ENOMEM;
		gt->shared[gt->nr_frames++] = pg;
	}
	return rc;
}

/* Frame number frame of the shared (id 0) or status (id 1) table, with a reference. */
static int frame_get(struct domain *d, unsigned int id, unsigned long frame, struct page_info **page)
{
	struct grant_table *gt = d->grant_table;
	struct page_info *pg = NULL;
	u16 owner;
	int rc = 0;

	if (frame >= (id ? gt->max_status_frames : gt->max_frames))
		return -EINVAL;
	spin_lock(&gt->lock);
	if (gt->frames_gone || (id && gt->version != 2))
		rc = -EINVAL;
	else if (id && frame >= gt->nr_status_frames)
		rc = gt_grow_locked(d, (unsigned int)min((frame + 1) * (STATUS_PER_FRAME / V2_PER_FRAME),
							 (unsigned long)gt->max_frames));
	else if (!id && frame >= gt->nr_frames)
		rc = gt_grow_locked(d, (unsigned int)frame + 1);
	if (!rc)
		pg = id ? gt->status[frame] : gt->shared[frame];
	if (!rc && (!pg || !get_page_any(pg, &owner)))
		rc = -EINVAL;
	spin_unlock(&gt->lock);
	*page = pg;
	return rc;
}

int gnttab_map_frame(struct domain *d, unsigned long idx, struct page_info **page)
{
	bool status = idx & XENMAPIDX_grant_table_status;

	if (!d->grant_table)
		return -EINVAL;
	return frame_get(d, status, idx & ~(unsigned long)XENMAPIDX_grant_table_status, page);
}

unsigned int gnttab_resource_max_frames(const struct domain *d, unsigned int id)
{
	const struct grant_table *gt = d->grant_table;

	if (!gt)
		return 0;
	return id == XENMEM_resource_grant_table_id_shared   ? gt->max_frames
	       : id == XENMEM_resource_grant_table_id_status ? gt->max_status_frames
							     : 0;
}

int gnttab_acquire_resource(struct domain *d, unsigned int id, unsigned long frame, struct page_info **page)
{
	if (!d->grant_table || id > XENMEM_resource_grant_table_id_status)
		return -EINVAL;
	return frame_get(d, id, frame, page);
}

void gnttab_dump(struct domain *d)
{
	struct grant_table *gt = d->grant_table;
	unsigned int shown = 0;

	if (!gt)
		return;
	spin_lock(&gt->lock);
	printk("d%u: grant table version %u, %u of %u frames, %lu entries held\n", d->domain_id, gt->version,
	       gt->nr_frames, gt->max_frames, gt->held);
	for (u32 ref = 0; ref < gt_nr_entries(gt) && shown < 32; ref++) {
		const struct active_entry *a = gt_active(gt, ref);

		if (!a->readers && !a->writers)
			continue;
		printk("  ref %u: gfn %#lx for d%u, %u readers, %u writers\n", ref, a->gfn, a->domid,
		       a->readers, a->writers);
		shown++;
	}
	spin_unlock(&gt->lock);
}

/* ---- operations ---- */

/* A table the caller may ask about: its own, or, for dom0, anybody's. Counted reference in *d, or a GNTST_*. */
static s16 find_table(domid_t id, struct domain **d)
{
	int rc = get_domain_for(ACCESS_GRANT_OTHER, id, d);

	if (rc)
		return rc == -ESRCH ? GNTST_bad_domain : GNTST_permission_denied;
	if ((*d)->grant_table)
		return GNTST_okay;
	put_domain(*d);
	return GNTST_permission_denied;
}

/* A GNTST_*. No lock: the lists only grow while their domain is referenced, and of a frame only its gfn is read. */
static s16 gfns_to_guest(unsigned long list, struct page_info *const *frames, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		u64 gfn = frames[i]->u.inuse.gfn;

		if (copy_to_guest_va(list + i * sizeof(gfn), &gfn, sizeof(gfn)))
			return GNTST_bad_virt_addr;
	}
	return GNTST_okay;
}

static long op_setup_table(unsigned long uop, unsigned int count)
{
	struct gnttab_setup_table op;
	struct domain *d;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	op.status = find_table(op.dom, &d);
	if (!op.status) {
		struct grant_table *gt = d->grant_table;
		int rc;

		spin_lock(&gt->lock);
		rc = op.nr_frames > gt->max_frames || gt->frames_gone ? -EINVAL
		     : op.nr_frames > gt->nr_frames		      ? gt_grow_locked(d, op.nr_frames)
								      : 0;
		spin_unlock(&gt->lock);
		if (rc)
			op.status = GNTST_general_error;
		else
			op.status = gfns_to_guest((unsigned long)op.frame_list.p, gt->shared, op.nr_frames);
		put_domain(d);
	}
	return copy_to_guest_va(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static long op_query_size(unsigned long uop, unsigned int count)
{
	struct gnttab_query_size op;
	struct domain *d;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	op.status = find_table(op.dom, &d);
	if (!op.status) {
		op.nr_frames = READ_ONCE(d->grant_table->nr_frames);
		op.max_nr_frames = d->grant_table->max_frames;
		put_domain(d);
	}
	return copy_to_guest_va(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

/* The first entries (console, xenstore) survive a change of version; all others must be unused. */
static void convert_reserved(struct grant_table *gt, unsigned int to)
{
	grant_entry_v1_t v1[GNTTAB_NR_RESERVED_ENTRIES];
	grant_entry_v2_t v2[GNTTAB_NR_RESERVED_ENTRIES];

	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		if (to == 2) {
			v1[i] = *gt_v1(gt, i);
			memset(&v2[i], 0, sizeof(v2[i]));
			v2[i].hdr.flags = v1[i].flags & (u16) ~(GTF_reading | GTF_writing);
			v2[i].hdr.domid = v1[i].domid;
			v2[i].full_page.frame = v1[i].frame;
		} else {
			v2[i] = *gt_v2(gt, i);
			v1[i].flags = v2[i].hdr.flags;
			v1[i].domid = v2[i].hdr.domid;
			v1[i].frame = (u32)v2[i].full_page.frame;
			if ((v2[i].hdr.flags & (GTF_type_mask | GTF_sub_page)) != GTF_permit_access)
				memset(&v1[i], 0, sizeof(v1[i]));
		}
	}
	for (unsigned int i = 0; i < gt->nr_frames; i++)
		memset(page_to_virt(gt->shared[i]), 0, PAGE_SIZE);
	for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
		if (to == 2)
			*gt_v2(gt, i) = v2[i];
		else
			*gt_v1(gt, i) = v1[i];
	}
	for (unsigned int i = 0; i < gt->nr_status_frames; i++)
		memset(page_to_virt(gt->status[i]), 0, PAGE_SIZE);
}

static int set_version_locked(struct domain *d, unsigned int version)
{
	struct grant_table *gt = d->grant_table;
	int rc = 0;

	if (version == gt->version)
		return 0;
	if (gt->held)
		return -EBUSY;
	if (version == 2)
		rc = grow_status_locked(d, gt->nr_frames);
	if (rc)
		return rc;
	convert_reserved(gt, version);
	gt->version = version;
	return 0;
}

static long op_set_version(unsigned long uop, unsigned int count)
{
	struct gnttab_set_version op;
	struct domain *d = current->domain;
	struct grant_table *gt = d->grant_table;
	long rc;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	if (op.version != 1 && op.version != 2)
		return -EINVAL;
	spin_lock(&gt->lock);
	rc = op.version > gt->max_version ? -ENOSYS : set_version_locked(d, op.version);
	op.version = gt->version;
	spin_unlock(&gt->lock);
	if (copy_to_guest_va(uop, &op, sizeof(op)))
		return -EFAULT;
	return rc;
}

static long op_get_version(unsigned long uop, unsigned int count)
{
	struct gnttab_get_version op;
	struct domain *d;
	s16 st;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	st = find_table(op.dom, &d);
	if (st)
		return st == GNTST_bad_domain ? -ESRCH : -EPERM;
	op.version = READ_ONCE(d->grant_table->version);
	put_domain(d);
	return copy_to_guest_va(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static long op_get_status_frames(unsigned long uop, unsigned int count)
{
	struct gnttab_get_status_frames op;
	struct domain *d;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	op.status = find_table(op.dom, &d);
	if (!op.status) {
		struct grant_table *gt = d->grant_table;

		if (op.nr_frames > READ_ONCE(gt->nr_status_frames))
			op.status = GNTST_general_error;
		else
			op.status = gfns_to_guest((unsigned long)op.frame_list.p, gt->status, op.nr_frames);
		put_domain(d);
	}
	return copy_to_guest_va(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static s16 swap_locked(struct grant_table *gt, u32 a, u32 b)
{
	struct active_entry *aa, *ab;

	if (a >= gt_nr_entries(gt) || b >= gt_nr_entries(gt))
		return GNTST_bad_gntref;
	aa = gt_active(gt, a);
	ab = gt_active(gt, b);
	if (aa->readers || aa->writers || ab->readers || ab->writers)
		return GNTST_eagain;
	if (gt->version == 1) {
		grant_entry_v1_t t = *gt_v1(gt, a);

		*gt_v1(gt, a) = *gt_v1(gt, b);
		*gt_v1(gt, b) = t;
	} else {
		grant_entry_v2_t t = *gt_v2(gt, a);

		*gt_v2(gt, a) = *gt_v2(gt, b);
		*gt_v2(gt, b) = t;
	}
	return GNTST_okay;
}

static long op_swap(unsigned long uop, unsigned int count)
{
	struct grant_table *gt = current->domain->grant_table;
	unsigned int i;

	for (i = 0; i < count; i++) {
		unsigned long va = uop + i * sizeof(struct gnttab_swap_grant_ref);
		struct gnttab_swap_grant_ref op;

		if (i && hypercall_preempt_check())
			break;
		if (copy_from_guest_va(&op, va, sizeof(op)))
			return -EFAULT;
		spin_lock(&gt->lock);
		op.status = swap_locked(gt, op.ref_a, op.ref_b);
		spin_unlock(&gt->lock);
		if (copy_to_guest_va(va, &op, sizeof(op)))
			return -EFAULT;
	}
	return i;
}

/* Operations without an array are their own whole; arrays say how many elements were done. */
static const struct gnttab_row {
	const char *name;
	long (*fn)(unsigned long uop, unsigned int count);
	unsigned int size; /* of an array element; 0: no array */
} rows[] = {
	[GNTTABOP_map_grant_ref] = { "map_grant_ref", gnttab_map_grant_ref,
				     sizeof(struct gnttab_map_grant_ref) },
	[GNTTABOP_unmap_grant_ref] = { "unmap_grant_ref", gnttab_unmap_grant_ref,
				       sizeof(struct gnttab_unmap_grant_ref) },
	[GNTTABOP_setup_table] = { "setup_table", op_setup_table, 0 },
	[GNTTABOP_copy] = { "copy", gnttab_copy, sizeof(struct gnttab_copy) },
	[GNTTABOP_query_size] = { "query_size", op_query_size, 0 },
	[GNTTABOP_set_version] = { "set_version", op_set_version, 0 },
	[GNTTABOP_get_status_frames] = { "get_status_frames", op_get_status_frames, 0 },
	[GNTTABOP_get_version] = { "get_version", op_get_version, 0 },
	[GNTTABOP_swap_grant_ref] = { "swap_grant_ref", op_swap, sizeof(struct gnttab_swap_grant_ref) },
};

long do_grant_table_op(const unsigned long *a)
{
	unsigned int cmd = (unsigned int)a[0], count = (unsigned int)a[2];
	unsigned long uop = a[1], end;
	const struct gnttab_row *row;
	long done;

	if ((int)count < 0)
		return -EINVAL;
	row = cmd < ARRAY_SIZE(rows) ? &rows[cmd] : NULL;
	if (!row || !row->fn)
		return hypercall_unimplemented("grant_table_op", cmd);
	if (!current->domain->grant_table || (!row->size && count != 1))
		return -EINVAL;
	if (__builtin_add_overflow(uop, (unsigned long)count * row->size, &end))
		return -EFAULT;
	done = row->fn(uop, count);
	if (done < 0 || !row->size)
		return done;
	if (done == count)
		return 0;
	return hypercall_create_continuation(__HYPERVISOR_grant_table_op, 3, (unsigned long)cmd,
					     uop + (unsigned long)done * row->size,
					     (unsigned long)(count - done));
}
