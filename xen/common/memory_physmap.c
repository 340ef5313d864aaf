// SPDX-License-Identifier: GPL-2.0-only
/*
 * Putting pages at places of a domain's physmap: its own special pages, grant
 * table frames, its own pages moved, pages of other domains; and taking them away.
 * The single foreign page is the way unmodified tool stacks map guests: it is short.
 */
#include <xen/grant_table.h>
#include <asm/hvm.h>
#include "memory.h"

static int add_special(struct domain *d, struct page_info *page, gfn_t gfn, struct p2m_batch *b)
{
	return p2m_add_special(d, gfn, page, b);
}

static int add_grant_frame(struct domain *d, unsigned long idx, gfn_t gfn, struct p2m_batch *b)
{
	struct page_info *page;
	int rc = gnttab_map_frame(d, idx, &page);

	if (rc)
		return rc;
	rc = add_special(d, page, gfn, b);
	put_page(page);
	return rc;
}

/* The spaces that have no second domain. -EINVAL: no such space, or nothing at idx. */
static int add_one(struct domain *d, unsigned int space, unsigned long idx, gfn_t gfn, struct p2m_batch *b)
{
	switch (space) {
	case XENMAPSPACE_shared_info:
		return idx || d->is_dying ? -EINVAL : add_special(d, d->shared_info_page, gfn, b);
	case XENMAPSPACE_grant_table:
		return add_grant_frame(d, idx, gfn, b);
	case XENMAPSPACE_gmfn:
	case XENMAPSPACE_gmfn_range:
		return p2m_move_page(d, _gfn(idx), gfn, b);
	}
	return -EINVAL;
}

/* ---- one page, or a range ---- */

/*
 * A range is preemptible between pages; done pages are counted in start. -EILSEQ: a continuation
 * that was not ours.
 */
static long add_range(struct domain *d, const struct xen_add_to_physmap *x, unsigned int cmd,
		      unsigned long start, unsigned long arg)
{
	struct p2m_batch batch;
	unsigned long done = start;
	long rc = 0;

	if (start > x->size)
		return -EILSEQ;
	p2m_batch_init(&batch, d);
	while (done < x->size) {
		rc = add_one(d, x->space, x->idx + done, _gfn(x->gpfn + done), &batch);
		if (rc)
			break;
		done++;
		if (hypercall_preempt_check() && done < x->size) {
			rc = -ERESTART;
			break;
		}
	}
	p2m_batch_flush(&batch);
	return rc == -ERESTART ? memory_continue(cmd, done, arg) : rc;
}

/*
 * -ESRCH, -EPERM; -ENOSYS for foreign pages, which only the batch can name; otherwise as add_one().
 */
long memory_add_to_physmap(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_add_to_physmap x;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&x, arg, sizeof(x)))
		return -EFAULT;
	if (x.space == XENMAPSPACE_gmfn_foreign)
		return -ENOSYS;
	d = get_domain_by_any_id(x.domid);
	if (!d)
		return -ESRCH;
	rc = access_check(ACCESS_MEM_PHYSMAP, d);
	if (!rc) {
		/* Only a range looks at the size. */
		if (x.space != XENMAPSPACE_gmfn_range)
			x.size = 1;
		rc = add_range(d, &x, cmd, start, arg);
	}
	put_domain(d);
	return rc;
}

/* ---- batch ---- */

/* Domains that can be named as owner of pages; a reference. DOMID_SELF is none of them. */
static struct domain *foreign_owner(domid_t id)
{
	if (id == DOMID_XEN)
		return get_domain(dom_xen) ? dom_xen : NULL;
	return get_domain_by_id(id);
}

struct batch_op {
	struct xen_add_to_physmap_batch x;
	struct domain *d, *fd; /* references; fd may be NULL */
	struct p2m_batch p2m;
};

static int batch_entry(struct batch_op *op, unsigned long idx, gfn_t gfn)
{
	int rc;

	if (likely(op->x.space == XENMAPSPACE_gmfn_foreign)) {
		/* The domain that maps must be privileged over the owner, whoever asks. */
		if (unlikely(!op->fd))
			return -ESRCH;
		if (unlikely(!op->d->is_privileged))
			return -EPERM;
		rc = p2m_add_foreign(op->d, gfn, op->fd, _gfn(idx), &op->p2m);
		if (unlikely(rc == -EPERM) && dom0_mmio_release(op->d, gfn))
			rc = p2m_add_foreign(op->d, gfn, op->fd, _gfn(idx), &op->p2m);
		return rc;
	}
	return add_one(op->d, op->x.space, idx, gfn, &op->p2m);
}

/*
 * 0 with an error for each entry; -EFAULT: a list could not be read, or the errors not written (the
 * mapping is made).
 */
static long batch_run(struct batch_op *op, unsigned int cmd, unsigned long start, unsigned long arg)
{
	unsigned long i = start;
	long rc = 0;

	p2m_batch_init(&op->p2m, op->d);
	while (i < op->x.size) {
		xen_ulong_t idx;
		xen_pfn_t gfn;
		int err;

		if (unlikely(copy_from_guest_offset(&idx, op->x.idxs, i, 1) ||
			     copy_from_guest_offset(&gfn, op->x.gpfns, i, 1))) {
			rc = -EFAULT;
			break;
		}
		err = batch_entry(op, idx, _gfn(gfn));
		if (unlikely(copy_to_guest_offset(op->x.errs, i, &err, 1))) {
			rc = -EFAULT;
			break;
		}
		i++;
		if (hypercall_preempt_check() && i < op->x.size) {
			rc = -ERESTART;
			break;
		}
	}
	p2m_batch_flush(&op->p2m);
	return rc == -ERESTART ? memory_continue(cmd, i, arg) : rc;
}

long memory_add_to_physmap_batch(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct batch_op op;
	long rc;

	if (copy_from_guest_va(&op.x, arg, sizeof(op.x)))
		return -EFAULT;
	if (op.x.space == XENMAPSPACE_gmfn_range)
		return -EOPNOTSUPP;
	if (start > op.x.size)
		return -EILSEQ;
	if (!guest_handle_okay(op.x.idxs, op.x.size) || !guest_handle_okay(op.x.gpfns, op.x.size) ||
	    !guest_handle_okay(op.x.errs, op.x.size))
		return -EFAULT;
	op.d = get_domain_by_any_id(op.x.domid);
	if (!op.d)
		return -ESRCH;
	rc = access_check(ACCESS_MEM_PHYSMAP, op.d);
	if (!rc) {
		op.fd = op.x.space == XENMAPSPACE_gmfn_foreign ? foreign_owner(op.x.u.foreign_domid) : NULL;
		rc = batch_run(&op, cmd, start, arg);
		if (op.fd)
			put_domain(op.fd);
	}
	put_domain(op.d);
	return rc;
}

/* ---- away ---- */

/* -ENOENT: nothing is there. */
long memory_remove_from_physmap(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_remove_from_physmap x;
	struct p2m_batch batch;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&x, arg, sizeof(x)))
		return -EFAULT;
	d = get_domain_by_any_id(x.domid);
	if (unlikely(!d))
		return -ESRCH;
	rc = access_check(ACCESS_MEM_PHYSMAP, d);
	if (likely(!rc)) {
		p2m_batch_init(&batch, d);
		rc = p2m_remove_from_physmap(d, _gfn(x.gpfn), &batch);
		p2m_batch_flush(&batch);
		/* Beyond the end of the address space there is nothing either. */
		if (rc == -EINVAL)
			rc = -ENOENT;
	}
	put_domain(d);
	return rc;
}
