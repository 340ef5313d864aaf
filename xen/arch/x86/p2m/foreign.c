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

static inline unsigned int is_dying(const struct domain *d)
{
	return __atomic_load_n(&d->is_dying, __ATOMIC_SEQ_CST);
}

/* RAM of the domain that it does not keep private: type and attribute in one look. */
static inline bool is_plain_ram(ept_t e)
{
	_Static_assert(p2m_ram_rw == 1 && p2m_ram_ro == 2 && p2m_ram_logdirty == 3 &&
			       EPT_PRIVATE == 0x10ULL << EPT_TYPE_SHIFT,
		       "RAM types come first, the attribute stands above the type");
	return (e.e >> EPT_TYPE_SHIFT & 0x1f) - 1 < 3;
}

/* What the quick look did not settle: superpages, populate on demand, changes under way. */
static noinline bool foreign_page_slow(struct p2m_domain *fp2m, unsigned long fgfn, maddr_t *ma)
{
	struct ept_pos pos;
	struct page_info *page = p2m_get_page(fp2m, fgfn, P2M_ALLOC, &pos);

	if (!page)
		return false;
	if (!is_plain_ram(pos.e)) {
		put_page(page);
		return false;
	}
	*ma = mfn_to_maddr(page_to_mfn(page));
	return true;
}

/*
 * The frame at fgfn with a reference, by way of the table the batch saw last. False: it is not plain RAM
 * of fd.
 */
static always_inline bool foreign_page(struct domain *fd, struct p2m_domain *fp2m, unsigned long fgfn,
				       struct p2m_batch *b, maddr_t *ma)
{
	ept_t *table = b->fcached_table, *slot, e;

	if ((fgfn ^ gfn_x(b->fcached_gfn)) >> EPT_SHIFT || b->fcached_p2m != fp2m) {
		table = ept_table0(fp2m, fgfn);
		if (unlikely(!table))
			return foreign_page_slow(fp2m, fgfn, ma);
		b->fcached_p2m = fp2m;
		b->fcached_gfn = _gfn(fgfn);
		b->fcached_table = table;
	}
	slot = &table[ept_index(fgfn, 0)];
	e = ept_read(slot);
	*ma = e.e & EPT_MFN_MASK;
	if (unlikely(!is_plain_ram(e) || !get_page(maddr_to_page(*ma), fd)))
		return foreign_page_slow(fp2m, fgfn, ma);
	/* While the entry is there so is its reference: the page was this gfn's when we took ours. */
	if (likely(ept_eq(ept_read(slot), e)))
		return true;
	put_page(maddr_to_page(*ma));
	return foreign_page_slow(fp2m, fgfn, ma);
}

static noinline int put_foreign_slow(struct p2m_domain *p2m, unsigned long gfn, ept_t new, struct p2m_batch *b)
{
	int rc = p2m_put_leaf(p2m, gfn, new, TYPES_OVER | TYPES_GRANT | TYPE_BIT(p2m_foreign), b);

	if (rc)
		put_page(mfn_to_page(ept_mfn(new)));
	return rc;
}

/* Puts new at gfn, or its reference back; quick where there is a table and nothing in the slot. */
static always_inline int put_foreign(struct domain *d, struct p2m_domain *p2m, unsigned long gfn, ept_t new,
				     struct p2m_batch *b)
{
	ept_t *table = b->cached_table;
	struct ept_pos pos;

	if ((gfn ^ gfn_x(b->cached_gfn)) >> EPT_SHIFT) {
		table = ept_table0(p2m, gfn);
		if (unlikely(!table))
			return put_foreign_slow(p2m, gfn, new, b);
		b->cached_table = table;
		b->cached_gfn = _gfn(gfn);
	}
	if (unlikely(!ept_install(p2m, &table[ept_index(gfn, 0)], gfn, new)))
		return put_foreign_slow(p2m, gfn, new, b);
	if (unlikely(is_dying(d))) {
		pos = (struct ept_pos){ &table[ept_index(gfn, 0)], new, 0 };
		p2m_settle(p2m, &pos, gfn, b);
	}
	return 0;
}

int p2m_add_foreign(struct domain *d, gfn_t gfn, struct domain *fd, gfn_t fgfn, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d), *fp2m = to_p2m(fd);
	maddr_t ma;
	ept_t new;

	if (unlikely(d == fd))
		return -EPERM;
	if (unlikely(!fp2m || (gfn_x(gfn) | gfn_x(fgfn)) >> EPT_GFN_BITS || (is_dying(d) | is_dying(fd))))
		return -EINVAL;
	if (unlikely(!foreign_page(fd, fp2m, gfn_x(fgfn), b, &ma)))
		return -EINVAL;
	new.e = p2m->leaf_bits[p2m_foreign] | ma;
	return put_foreign(d, p2m, gfn_x(gfn), new, b);
}

/* The page may be one the hypervisor keeps for its owner: it is in nobody's p2m. */
int p2m_add_foreign_page(struct domain *d, gfn_t gfn, struct page_info *page, struct p2m_batch *b)
{
	struct p2m_domain *p2m = to_p2m(d);
	u16 owner;
	ept_t new;

	if (gfn_x(gfn) >> EPT_GFN_BITS || is_dying(d) || !get_page_any(page, &owner))
		return -EINVAL;
	new.e = p2m->leaf_bits[p2m_foreign] | mfn_to_maddr(page_to_mfn(page));
	return put_foreign(d, p2m, gfn_x(gfn), new, b);
}
