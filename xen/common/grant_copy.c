// SPDX-License-Identifier: GPL-2.0-only
/* GNTTABOP_copy: bytes between two pages, each named by a grant or a gfn of the caller's own. */
#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <asm/p2m.h>
#include "grant_table.h"

/* One end of a copy, held while the bytes move. */
struct copy_end {
	bool is_grant;
	struct grant_hold hold; /* grant: rd with a counted reference */
	struct page_info *page; /* gfn: one reference */
	unsigned long gfn;
	u8 *bytes;
};

static s16 end_open_grant(struct domain *d, const struct gnttab_copy_ptr *p, u16 len, bool write,
			  struct copy_end *end)
{
	struct domain *rd = get_domain_by_any_id(p->domid);
	s16 rc;

	if (!rd)
		return GNTST_bad_domain;
	rc = rd->grant_table ? grant_hold(rd, p->u.ref, d, !write, false, &end->hold) : GNTST_bad_domain;
	if (rc) {
		put_domain(rd);
		return rc;
	}
	end->is_grant = true;
	end->page = end->hold.page;
	/* A sub-page grant covers only part of the page. */
	if (p->offset < end->hold.start || p->offset + len > end->hold.start + end->hold.length)
		return GNTST_general_error;
	return GNTST_okay;
}

static s16 end_open_gfn(struct domain *d, const struct gnttab_copy_ptr *p, bool write, struct copy_end *end)
{
	enum p2m_type t;

	if (p->domid != DOMID_SELF && p->domid != d->domain_id)
		return GNTST_permission_denied;
	end->gfn = p->u.gmfn;
	end->page = get_page_from_gfn(d, _gfn(end->gfn), &t, P2M_ALLOC);
	if (!end->page)
		return GNTST_bad_page;
	if (!p2m_is_ram(t) || (write && t == p2m_ram_ro))
		return GNTST_bad_page;
	return GNTST_okay;
}

static void end_close(struct domain *d, struct copy_end *end, bool write)
{
	if (end->is_grant) {
		grant_unhold(end->hold.granter, end->hold.ref, !write);
		put_domain(end->hold.granter);
	} else if (end->page) {
		if (write)
			p2m_mark_dirty(d, _gfn(end->gfn));
		put_page(end->page);
	}
}

static s16 end_open(struct domain *d, const struct gnttab_copy_ptr *p, bool by_grant, u16 len, bool write,
		    struct copy_end *end)
{
	s16 rc = by_grant ? end_open_grant(d, p, len, write, end) : end_open_gfn(d, p, write, end);

	if (end->page)
		end->bytes = (u8 *)page_to_virt(end->page) + p->offset;
	return rc;
}

static s16 copy_one(struct domain *d, const struct gnttab_copy *op)
{
	struct copy_end src = { 0 }, dst = { 0 };
	s16 rc;

	if ((u32)op->source.offset + op->len > PAGE_SIZE || (u32)op->dest.offset + op->len > PAGE_SIZE)
		return GNTST_bad_copy_arg;
	rc = end_open(d, &op->source, op->flags & GNTCOPY_source_gref, op->len, false, &src);
	if (!rc)
		rc = end_open(d, &op->dest, op->flags & GNTCOPY_dest_gref, op->len, true, &dst);
	/* The two may be one page; the guest decides what overlapping means. */
	if (!rc)
		memmove(dst.bytes, src.bytes, op->len);
	end_close(d, &dst, true);
	end_close(d, &src, false);
	return rc;
}

long gnttab_copy(unsigned long uop, unsigned int nr)
{
	struct domain *d = current->domain;

	for (unsigned int i = 0; i < nr; i++) {
		unsigned long va = uop + i * sizeof(struct gnttab_copy);
		struct gnttab_copy op;

		if (i && hypercall_preempt_check())
			return i;
		if (copy_from_guest_va(&op, va, sizeof(op)))
			return -EFAULT;
		op.status = copy_one(d, &op);
		if (copy_to_guest_va(va + offsetof(struct gnttab_copy, status), &op.status, sizeof(op.status)))
			return -EFAULT;
	}
	return nr;
}
