// SPDX-License-Identifier: GPL-2.0-only
/*
 * XENMEM_acquire_resource: pages the hypervisor keeps for a domain, mapped into the tool stack's
 * domain.
 */
#include <xen/grant_table.h>
#include <asm/ioreq.h>
#include "memory.h"

struct resource {
	u16 type;
	const char *name;
	/* Frames there can be at most; 0: no such id. */
	unsigned long (*max_frames)(struct domain *d, u32 id);
	/* The frame with one reference for the caller. 0 or -errno. */
	int (*acquire)(struct domain *d, u32 id, unsigned long frame, struct page_info **page);
};

static unsigned long grant_max_frames(struct domain *d, u32 id) { return gnttab_resource_max_frames(d, id); }

/*
 * The frame of buffered requests and that of the others; servers that do not exist have none to
 * acquire.
 */
static unsigned long ioreq_max_frames(struct domain *d, u32 id)
{
	return XENMEM_resource_ioreq_server_frame_ioreq(0) + 1;
}

static int ioreq_acquire(struct domain *d, u32 id, unsigned long frame, struct page_info **page)
{
	return id > 0xffff ? -EINVAL : ioreq_get_frame(d, current->domain->domain_id, (u16)id, frame, page);
}

static const struct resource resources[] = {
	{ XENMEM_resource_ioreq_server, "ioreq_server", ioreq_max_frames, ioreq_acquire },
	{ XENMEM_resource_grant_table, "grant_table", grant_max_frames, gnttab_acquire_resource },
};

static const struct resource *resource_find(u16 type)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(resources); i++)
		if (resources[i].type == type)
			return &resources[i];
	return NULL;
}

static int resource_map_one(struct domain *d, const struct resource *r,
			    const struct xen_mem_acquire_resource *op, unsigned long i, struct p2m_batch *b)
{
	struct page_info *page;
	xen_pfn_t gfn;
	int rc;

	if (copy_from_guest_offset(&gfn, op->frame_list, i, 1))
		return -EFAULT;
	rc = r->acquire(d, op->id, op->frame + i, &page);
	if (rc)
		return rc;
	rc = p2m_add_foreign_page(current->domain, _gfn(gfn), page, b);
	put_page(page);
	return rc;
}

/* An error after the first frame was mapped is -EIO: the caller unmaps them all. */
static long resource_map(struct domain *d, const struct resource *r, const struct xen_mem_acquire_resource *op,
			 unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct p2m_batch batch;
	unsigned long i = start;
	long rc = 0;

	p2m_batch_init(&batch, current->domain);
	while (i < op->nr_frames) {
		rc = resource_map_one(d, r, op, i, &batch);
		if (rc)
			break;
		i++;
		if (hypercall_preempt_check() && i < op->nr_frames) {
			rc = -ERESTART;
			break;
		}
	}
	p2m_batch_flush(&batch);
	if (rc == -ERESTART)
		return memory_continue(cmd, i, arg);
	return rc && i ? -EIO : rc;
}

static long resource_op(struct domain *d, struct xen_mem_acquire_resource *op, unsigned int cmd,
			unsigned long start, unsigned long arg)
{
	const struct resource *r = resource_find(op->type);
	unsigned long limit = r ? r->max_frames(d, op->id) : 0;

	if (!r)
		return -EOPNOTSUPP;
	if (!limit)
		return -EINVAL;
	if (guest_handle_is_null(op->frame_list)) {
		if (op->nr_frames || start)
			return -EINVAL;
		op->nr_frames = (u32)limit;
		return copy_to_guest_va(arg, op, sizeof(*op)) ? -EFAULT : 0;
	}
	if (start > op->nr_frames || op->frame + op->nr_frames > limit)
		return -EINVAL;
	if (!guest_handle_okay(op->frame_list, op->nr_frames))
		return -EFAULT;
	return resource_map(d, r, op, cmd, start, arg);
}

/*
 * -ESRCH; -EPERM: oneself, or not privileged over it; -EOPNOTSUPP: no such kind of resource;
 * -EINVAL: no such one, or frames it cannot have; -EIO: mapped in part.
 */
long memory_acquire_resource(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_mem_acquire_resource op;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	/* The offset has 64 bits, the resource's size 32. */
	if (op.pad || op.frame > ~0U || op.frame + op.nr_frames > ~0U)
		return -EINVAL;
	rc = get_domain_for(ACCESS_MEM_RESOURCE, op.domid, &d);
	if (rc)
		return rc;
	rc = resource_op(d, &op, cmd, start, arg);
	put_domain(d);
	return rc;
}
