// SPDX-License-Identifier: GPL-2.0-only
/* domctl of x86 on a guest's memory: page-table pool, dirty log, page types, device ranges. */
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/rangeset.h>
#include <asm/hvm.h>
#include <asm/p2m.h>

/* ---- page-table pool ---- */

static long set_pool(struct domain *d, u64 pages)
{
	/* More than there is can only be a mistake. */
	if (pages > total_pages)
		return -EINVAL;
	return p2m_set_pool(d, (unsigned long)pages);
}

long arch_domctl_get_mempool(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	op->u.paging_mempool.size = (u64)p2m_get_pool(d) << PAGE_SHIFT;
	*copyback = true;
	return 0;
}

long arch_domctl_set_mempool(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	u64 size = op->u.paging_mempool.size;

	if (size & ~PAGE_MASK)
		return -EINVAL;
	return set_pool(d, size >> PAGE_SHIFT);
}

/* ---- dirty log ---- */

struct bitmap_out {
	struct xen_domctl_shadow_op *s;
};

static int put_bitmap(void *arg, unsigned long first_bit, const void *bytes, size_t n)
{
	struct bitmap_out *o = arg;
	unsigned long va = (unsigned long)o->s->dirty_bitmap.p + first_bit / 8;

	return copy_to_guest_va(va, bytes, n) ? -EFAULT : 0;
}

static int put_nothing(void *arg, unsigned long first_bit, const void *bytes, size_t n) { return 0; }

static long logdirty_read(struct domain *d, struct xen_domctl_shadow_op *s, bool *copyback)
{
	bool clean = s->op == XEN_DOMCTL_SHADOW_OP_CLEAN;
	unsigned long nr = (unsigned long)min(s->pages, (u64)p2m_max_gfn(d) + 1);
	u64 dirty = 0, faults = 0;
	struct bitmap_out out = { s };
	long rc;

	if ((s->mode & ~XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL) || d == current->domain)
		return -EINVAL;
	if (!d->arch.logdirty_cursor)
		guest_areas_mark_dirty(d);
	rc = p2m_logdirty_read(d, clean, nr, &d->arch.logdirty_cursor,
			       s->dirty_bitmap.p ? put_bitmap : put_nothing, &out, &dirty, &faults);
	d->arch.logdirty_found += dirty;
	if (rc == -ERESTART)
		return rc;
	s->pages = nr;
	s->stats.dirty_count = (u32)d->arch.logdirty_found;
	s->stats.fault_count = (u32)faults;
	d->arch.logdirty_cursor = 0;
	d->arch.logdirty_found = 0;
	*copyback = true;
	return rc;
}

static long logdirty_enable(struct domain *d, const struct xen_domctl_shadow_op *s)
{
	if (s->op == XEN_DOMCTL_SHADOW_OP_ENABLE && !(s->mode & XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY))
		return -EINVAL;
	d->arch.logdirty_cursor = 0;
	d->arch.logdirty_found = 0;
	return p2m_logdirty_enable(d, true);
}

long arch_domctl_shadow_op(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_shadow_op *s = &op->u.shadow_op;

	if (d == current->domain)
		return -EINVAL;
	switch (s->op) {
	case XEN_DOMCTL_SHADOW_OP_OFF:
		return p2m_logdirty_disable(d);
	case XEN_DOMCTL_SHADOW_OP_ENABLE:
	case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
		return logdirty_enable(d, s);
	case XEN_DOMCTL_SHADOW_OP_CLEAN:
	case XEN_DOMCTL_SHADOW_OP_PEEK:
		return logdirty_read(d, s, copyback);
	case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
		s->mb = (u32)DIV_ROUND_UP(p2m_get_pool(d), 256UL);
		*copyback = true;
		return 0;
	case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
		return set_pool(d, (u64)s->mb << (20 - PAGE_SHIFT));
	default:
		return -EINVAL;
	}
}

/* ---- page types, for saving: RAM, or nothing that could be saved ---- */

#define TYPES_CHUNK 64U

static u32 page_type(struct domain *d, unsigned long gfn)
{
	enum p2m_type t;
	struct page_info *page = get_page_from_gfn(d, _gfn(gfn), &t, P2M_ALLOC);

	if (page)
		put_page(page);
	if (t == p2m_broken)
		return XEN_DOMCTL_PFINFO_BROKEN;
	return page && p2m_is_ram(t) ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XTAB;
}

long arch_domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_getpageframeinfo3 *g = &op->u.getpageframeinfo3;

	if (d == current->domain || g->num > 1024)
		return d == current->domain ? -EINVAL : -E2BIG;
	while (g->num) {
		xen_pfn_t chunk[TYPES_CHUNK];
		unsigned int n = (unsigned int)min(g->num, (u64)TYPES_CHUNK);

		if (copy_from_guest(chunk, g->array, n))
			return -EFAULT;
		for (unsigned int i = 0; i < n; i++)
			chunk[i] = page_type(d, chunk[i]);
		if (copy_to_guest(g->array, chunk, n))
			return -EFAULT;
		g->num -= n;
		g->array.p += n;
		if (g->num && hypercall_preempt_check()) {
			*copyback = true;
			return -ERESTART;
		}
	}
	return 0;
}

/* ---- device ranges of the machine for a guest ---- */

#define MAPPING_CHUNK 512UL

long arch_domctl_memory_mapping(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_memory_mapping *m = &op->u.memory_mapping;
	unsigned long nr = (unsigned long)m->nr_mfns, done = 0;
	u64 last;
	int rc;

	if (!nr || __builtin_add_overflow(m->first_mfn, nr - 1, &last) || last > (~0ULL >> PAGE_SHIFT) ||
	    m->first_gfn + (nr - 1) < m->first_gfn)
		return -EINVAL;
	/* libxc asks again with smaller pieces. */
	if (nr > MAPPING_CHUNK)
		return -E2BIG;
	if (!rangeset_contains(d->iomem_caps, m->first_mfn, last))
		return -EPERM;
	if (m->add_mapping == DPCI_ADD_MAPPING)
		rc = p2m_set_mmio(d, _gfn(m->first_gfn), _mfn(m->first_mfn), nr, &done);
	else
		rc = p2m_clear_mmio(d, _gfn(m->first_gfn), _mfn(m->first_mfn), nr, &done);
	return rc;
}
