/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Foreign mappings: a page of one domain in the p2m of another (I9).
 *
 * The reference is taken by the look-up in the owner's p2m, under whatever
 * protects it there (the owner's own entry is still in place after the count
 * went up), and passes into the new entry. The owner's view is not touched:
 * neither its entry nor where the frame table says its own p2m maps the page.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* A page of fd with a reference, by way of the table the batch saw last; NULL when it is not plain RAM of fd. */
static struct page_info *foreign_page(struct p2m_domain *fp2m, unsigned long fgfn, struct p2m_batch *b)
{
	ept_t *table = NULL;
	struct page_info *page;
	struct ept_pos pos;

	if (b->fcached_p2m == fp2m && !((fgfn ^ gfn_x(b->fcached_gfn)) >> EPT_SHIFT))
		table = b->fcached_table;
	page = p2m_get_page(fp2m, fgfn, table, P2M_ALLOC, &pos);
	if (unlikely(!page))
		return NULL;
	if (unlikely(!type_in(pos.e, TYPES_RAM) || (pos.e.e & EPT_PRIVATE))) {
		put_page(page);
		return NULL;
	}
	if (!pos.level) {
		b->fcached_p2m = fp2m;
		b->fcached_gfn = _gfn(fgfn);
		b->fcached_table = pos.slot - ept_index(fgfn, 0);
	}
	return page;
}

int p2m_add_foreign(struct domain *d, gfn_t gfn, struct domain *fd, gfn_t fgfn, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d), *fp2m = to_p2m(fd);
	struct page_info *page;
	ept_t new;
	int rc;

	if (unlikely(d == fd))
		return -EPERM;
	if (unlikely(!fp2m || !p2m_gfn_valid(gfn_x(gfn), 1) || !p2m_gfn_valid(gfn_x(fgfn), 1) ||
		     p2m_dying(p2m) || p2m_dying(fp2m)))
		return -EINVAL;
	page = foreign_page(fp2m, gfn_x(fgfn), b);
	if (unlikely(!page))
		return -EINVAL;
	new = ept_leaf(p2m, gfn_x(gfn), page_to_mfn(page), 0, p2m_foreign, p2m_access_rwx);
	rc = p2m_put_leaf(p2m, gfn_x(gfn), new, TYPES_OVER | TYPES_GRANT | TYPE_BIT(p2m_foreign), b);
	if (unlikely(rc))
		put_page(page);
	return rc;
}

int p2m_add_foreign_page(struct domain *d, gfn_t gfn, struct page_info *page, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	u16 owner;
	ept_t new;
	int rc;

	if (!p2m_gfn_valid(gfn_x(gfn), 1) || p2m_dying(p2m))
		return -EINVAL;
	if (!get_page_any(page, &owner))
		return -EINVAL;
	new = ept_leaf(p2m, gfn_x(gfn), page_to_mfn(page), 0, p2m_foreign, p2m_access_rwx);
	rc = p2m_put_leaf(p2m, gfn_x(gfn), new, TYPES_OVER | TYPES_GRANT | TYPE_BIT(p2m_foreign), b);
	if (rc)
		put_page(page);
	return rc;
}
