// SPDX-License-Identifier: GPL-2.0-only
/* What Pavise tells dom0 beyond Xen's ABI: <pavise/pavise_op.h>. For dom0 only (a column of the hypercall table). */
#include <pavise/pavise_op.h>
#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <asm/p2m.h>

_Static_assert((int)PAVISE_P2M_TYPES == (int)P2M_TYPES && (int)PAVISE_P2M_FOREIGN == (int)p2m_foreign &&
		       (int)PAVISE_P2M_BROKEN == (int)p2m_broken &&
		       (int)PAVISE_P2M_GRANT_RO == (int)p2m_grant_ro,
	       "the numbers told to tools are the p2m's own");
_Static_assert(P2M_TYPES <= 16, "room in struct pavise_p2m_stats");

#define NO_OWNER 0x7fff

/* Ranges copied out under one walk; the caller comes back for more. */
#define RANGES_MAX 256U

struct collect {
	struct domain *d;
	unsigned long out; /* guest-virtual address of the next range */
	u32 nr, room;
};

static int collect_range(void *arg, gfn_t start, unsigned long nr, mfn_t mfn, enum p2m_type t)
{
	struct collect *c = arg;
	struct pavise_p2m_range r = {
		.gfn = gfn_x(start),
		.nr = nr,
		.mfn = mfn_x(mfn),
		.type = t,
		.owner = NO_OWNER,
	};

	if (p2m_is_referenced(t) && mfn_valid(mfn)) {
		const struct page_info *page = mfn_to_page(mfn);

		r.owner = page_owner_id(page);
		r.refs = (u16)min(page_count(page), 0xffffU);
	}
	if (c->nr == c->room)
		return -ENOSPC;
	if (copy_to_guest_va(c->out, &r, sizeof(r)))
		return -EFAULT;
	c->out += sizeof(r);
	c->nr++;
	return 0;
}

static long op_p2m_ranges(unsigned long uop)
{
	struct pavise_p2m_ranges op;
	unsigned long gfn;
	struct collect c;
	int rc;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	if (op.version != PAVISE_OP_VERSION || !op.nr)
		return -EINVAL;
	c = (struct collect){ .d = get_domain_by_any_id(op.domid),
			      .out = op.ranges,
			      .room = min(op.nr, RANGES_MAX) };
	if (!c.d)
		return -ESRCH;
	gfn = op.next_gfn;
	rc = p2m_walk(c.d, &gfn, c.room, collect_range, &c);
	put_domain(c.d);
	if (rc && rc != -ERESTART)
		return rc;
	op.nr = c.nr;
	op.next_gfn = rc == -ERESTART ? gfn : ~0ULL;
	return copy_to_guest_va(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

static long op_p2m_stats(unsigned long uop)
{
	struct pavise_p2m_stats op;
	struct p2m_stats s;
	struct domain *d;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	if (op.version != PAVISE_OP_VERSION)
		return -EINVAL;
	d = get_domain_by_any_id(op.domid);
	if (!d)
		return -ESRCH;
	p2m_get_stats(d, &s);
	memset(op.entries, 0, sizeof(op.entries));
	for (unsigned int t = 0; t < P2M_TYPES; t++)
		for (unsigned int l = 0; l < 3; l++)
			op.entries[t][l] = s.entries[t][l];
	op.tables = s.tables;
	op.pool = s.pool;
	op.foreign_made = s.foreign_made;
	op.foreign_released = s.foreign_released;
	op.max_gfn = p2m_max_gfn(d);
	put_domain(d);
	return copy_to_guest_va(uop, &op, sizeof(op)) ? -EFAULT : 0;
}

long do_pavise_op(const unsigned long *a)
{
	switch (a[0]) {
	case PAVISE_OP_p2m_ranges:
		return op_p2m_ranges(a[1]);
	case PAVISE_OP_p2m_stats:
		return op_p2m_stats(a[1]);
	default:
		return hypercall_unimplemented("pavise_op", a[0]);
	}
}
