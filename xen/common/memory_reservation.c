// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much memory a domain has: populating its physmap, giving memory back,
 * claims. By the ABI these operations answer with the number of extents done, and
 * say no more about an error than that the number is too small.
 */
#include "memory.h"

/* Largest extents by who asks: 2 MiB for a guest, 1 GiB for the tool stack. */
#define ORDER_MAX_GUEST PAGE_ORDER_2M
#define ORDER_MAX_PRIV	PAGE_ORDER_1G

struct reservation {
	struct xen_memory_reservation r;
	struct domain *d; /* a reference */
	unsigned int memflags;
	unsigned long done;
};

static bool order_allowed(unsigned int order)
{
	return order <= (current->domain->is_privileged ? ORDER_MAX_PRIV : ORDER_MAX_GUEST);
}

/* XENMEMF_* as the allocator has them. False: an address limit that nothing can meet. */
static bool memflags_of(const struct xen_memory_reservation *r, unsigned int *flags)
{
	unsigned int bits = XENMEMF_get_address_bits(r->mem_flags), node = XENMEMF_get_node(r->mem_flags);

	*flags = 0;
	if (bits && bits < 64) {
		if (bits <= PAGE_SHIFT)
			return false;
		*flags = MEMF_bits(bits);
	}
	/*
	 * Virtual nodes are not offered; a machine node is a wish unless it is exact, and there is
	 * node 0 only.
	 */
	if (r->mem_flags & XENMEMF_vnode)
		return true;
	return !(r->mem_flags & XENMEMF_exact_node_request) || node == 0;
}

/*
 * The argument, checked. False: nothing can be done, the answer is the number of extents done
 * before.
 */
static bool reservation_begin(struct reservation *res, unsigned long start, unsigned long arg)
{
	if (copy_from_guest_va(&res->r, arg, sizeof(res->r)))
		return false;
	if (res->r.nr_extents > MEMOP_EXTENT_MAX || start >= res->r.nr_extents ||
	    !guest_handle_okay(res->r.extent_start, res->r.nr_extents) ||
	    !order_allowed(res->r.extent_order) || !memflags_of(&res->r, &res->memflags))
		return false;
	if (get_domain_for(ACCESS_MEM_ADJUST, res->r.domid, &res->d))
		return false;
	res->done = start;
	return true;
}

/*
 * One extent after the other. step: 0, or an error that ends it. The batch is flushed at the end,
 * once for all.
 */
static long reservation_run(struct reservation *res, unsigned int cmd, unsigned long arg,
			    int (*step)(struct reservation *res, gfn_t gfn, struct p2m_batch *b))
{
	bool preempted = false;
	struct p2m_batch batch;

	p2m_batch_init(&batch, res->d);
	while (res->done < res->r.nr_extents) {
		xen_pfn_t gfn;

		if (copy_from_guest_offset(&gfn, res->r.extent_start, res->done, 1) ||
		    step(res, _gfn(gfn), &batch))
			break;
		res->done++;
		if (hypercall_preempt_check() && res->done < res->r.nr_extents) {
			preempted = true;
			break;
		}
	}
	p2m_batch_flush(&batch);
	put_domain(res->d);
	return preempted ? memory_continue(cmd, res->done, arg) : (long)res->done;
}

/* Of a 1:1 domain: the frames kept for the gfns, so that its devices find them at their place. */
static int populate_reserved(struct domain *d, gfn_t gfn, unsigned int order, struct p2m_batch *b)
{
	mfn_t mfn = _mfn(gfn_x(gfn));
	int rc;

	if (!IS_ALIGNED(gfn_x(gfn), 1UL << order) || assign_pages_at(d, mfn, order))
		return -ENOMEM;
	rc = p2m_add_page(d, gfn, mfn, order, p2m_ram_rw, b);
	for (unsigned long i = 0; rc && i < 1UL << order; i++)
		put_page_reserved(mfn_to_page(mfn) + i);
	return rc;
}

static int populate_one(struct reservation *res, gfn_t gfn, struct p2m_batch *b)
{
	unsigned int order = res->r.extent_order;
	struct page_info *page;
	int rc;

	if (res->r.mem_flags & XENMEMF_populate_on_demand)
		return res->d == current->domain ? -EPERM : p2m_pod_set_range(res->d, gfn, order);
	if (unlikely(p2m_reserved_frame(res->d, gfn)))
		return populate_reserved(res->d, gfn, order, b);
	page = alloc_domheap_pages(res->d, order, res->memflags);
	if (!page)
		return -ENOMEM;
	rc = p2m_add_page(res->d, gfn, page_to_mfn(page), order, p2m_ram_rw, b);
	if (rc)
		put_pages(page, 1UL << order);
	return rc;
}

long memory_populate_physmap(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct reservation res;
	long rc;

	if (!reservation_begin(&res, start, arg))
		return (long)start;
	rc = reservation_run(&res, cmd, arg, populate_one);
	lowmem_check();
	return rc;
}

/*
 * Large extents go piecewise. An extent that fails in the middle stays half released, as on Xen;
 * the caller sees that it was not done.
 */
static int release_one(struct reservation *res, gfn_t gfn, struct p2m_batch *b)
{
	unsigned int order = min(res->r.extent_order, (unsigned int)PAGE_ORDER_2M);
	unsigned long end = 1UL << res->r.extent_order;

	for (unsigned long i = 0; i < end; i += 1UL << order) {
		int rc = p2m_release_range(res->d, gfn_add(gfn, i), order, b);

		if (rc)
			return rc;
	}
	return 0;
}

long memory_decrease_reservation(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct reservation res;

	if (!reservation_begin(&res, start, arg))
		return (long)start;
	return reservation_run(&res, cmd, arg, release_one);
}

/* Pages that are nowhere in the physmap do not exist here; PVH domains populate instead. */
long memory_increase_reservation(unsigned int cmd, unsigned long start, unsigned long arg)
{
	(void)hypercall_unimplemented("XENMEM_increase_reservation", XENMEM_increase_reservation);
	return (long)start;
}

/* -EPERM; -EINVAL, also for a domain that is not there; -ENOMEM: that much is not free. */
long memory_claim_pages(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_memory_reservation r;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&r, arg, sizeof(r)))
		return -EFAULT;
	if (!guest_handle_is_null(r.extent_start) || r.extent_order || r.mem_flags)
		return -EINVAL;
	d = get_domain_by_id(r.domid);
	if (!d)
		return -EINVAL;
	rc = access_check(ACCESS_MEM_CLAIM, d);
	if (!rc)
		rc = domain_set_outstanding_pages(d, r.nr_extents);
	put_domain(d);
	return rc;
}
