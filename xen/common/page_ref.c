/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * References to page frames and their owners; allocations that give a frame an
 * owner. The rules are at the head of xen/mm.h.
 */
#include "page_alloc.h"

#include <xen/lib.h>
#include <xen/sched.h>

/* A count this high is a leak or an attack: no reference is given out beyond. */
#define PGC_count_limit 0xfffffff0U
#define PGC_owner(ref)	((u16)((ref) >> PGC_owner_shift))
#define owner_bits(id)	((u64)(u16)(id) << PGC_owner_shift)

bool get_page(struct page_info *p, const struct domain *d)
{
	u64 old = READ_ONCE(p->ref);

	do {
		if (unlikely(!(u32)old || (u32)old >= PGC_count_limit || PGC_owner(old) != d->domain_id))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&p->ref, &old, old + 1, false, __ATOMIC_ACQUIRE,
						       __ATOMIC_RELAXED)));
	return true;
}

bool get_page_any(struct page_info *p, u16 *owner)
{
	u64 old = READ_ONCE(p->ref);

	do {
		if (unlikely(!(u32)old || (u32)old >= PGC_count_limit))
			return false;
	} while (unlikely(!__atomic_compare_exchange_n(&p->ref, &old, old + 1, false, __ATOMIC_ACQUIRE,
						       __ATOMIC_RELAXED)));
	*owner = PGC_owner(old);
	return true;
}

/* The owner of n frames that nobody refers to any more lets go of them. ref: their last value. */
static void uncount(u64 ref, long n)
{
	struct domain *d;

	if (PGC_owner(ref) == DOMID_XEN)
		return;
	d = page_owner_domain(PGC_owner(ref));
	BUG_ON(!d);
	if (ref & PGC_xen)
		domain_sub_xen_pages(d, n);
	else
		domain_sub_pages(d, n);
}

/*
 * n consecutive frames whose count has become 0; ref, the value all of them
 * have, was seen by the atomic operation that did it, so they are this CPU's alone.
 */
static void release_frames(struct page_info *p, unsigned long n, u64 ref)
{
	/* A reserved frame keeps its owner and waits for assign_pages_at(). */
	if (unlikely(ref & PGC_reserved)) {
		uncount(ref, (long)n);
		return;
	}
	for (unsigned long i = 0; i < n; i++)
		__atomic_store_n(&p[i].ref, ref & PGC_broken, __ATOMIC_RELAXED);
	uncount(ref, (long)n);
	if (likely(!(ref & PGC_broken)))
		heap_free(p, n);
}

void put_page(struct page_info *p) { put_page_n(p, 1); }

void put_page_n(struct page_info *p, u32 n)
{
	u64 left = __atomic_sub_fetch(&p->ref, n, __ATOMIC_ACQ_REL);

	ASSERT((u32)left < PGC_count_limit);
	if (unlikely(!(u32)left))
		release_frames(p, 1, left);
}

void put_pages(struct page_info *p, unsigned long nr)
{
	unsigned long run = 0; /* frames before p that got free together, with this value */
	u64 run_ref = 0;

	for (; nr; nr--, p++) {
		u64 left = __atomic_sub_fetch(&p->ref, 1, __ATOMIC_ACQ_REL);

		ASSERT((u32)left < PGC_count_limit);
		if (run && left != run_ref) {
			release_frames(p - run, run, run_ref);
			run = 0;
		}
		if (!(u32)left) {
			run_ref = left;
			run++;
		}
	}
	if (run)
		release_frames(p - run, run, run_ref);
}

/* Gives frames fresh from the heap to an owner. Release: whoever can take a reference sees them scrubbed. */
static void set_owner(struct page_info *p, unsigned long nr, u64 ref)
{
	for (unsigned long i = 0; i < nr; i++) {
		p[i].u.inuse.gfn = gfn_x(INVALID_GFN);
		__atomic_store_n(&p[i].ref, ref, __ATOMIC_RELEASE);
	}
}

struct page_info *alloc_pages(unsigned int order, unsigned int flags)
{
	struct page_info *p = heap_alloc(NULL, order, flags);

	if (p)
		set_owner(p, 1UL << order, owner_bits(DOMID_XEN) | 1);
	return p;
}

void free_pages(struct page_info *p, unsigned int order) { put_pages(p, 1UL << order); }

void *alloc_xenheap_pages(unsigned int order, unsigned int flags)
{
	struct page_info *p = alloc_pages(order, flags & ~MEMF_no_scrub);

	return p ? page_to_virt(p) : NULL;
}

void free_xenheap_pages(void *v, unsigned int order)
{
	if (v)
		free_pages(virt_to_page(v), order);
}

/* With MEMF_no_owner the frames are d's in nothing but its claim: owner DOMID_XEN, not counted. */
struct page_info *alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int flags)
{
	long n = 1L << order;
	struct page_info *p;
	u64 owner = flags & MEMF_no_owner ? DOMID_XEN : d->domain_id;

	if (unlikely(order > MAX_PAGE_ORDER))
		return NULL;
	if (!(flags & MEMF_no_owner) && !domain_add_pages(d, n))
		return NULL;
	p = heap_alloc(d, order, flags);
	if (likely(p))
		set_owner(p, (unsigned long)n, owner_bits(owner) | 1);
	else if (!(flags & MEMF_no_owner))
		domain_sub_pages(d, n);
	return p;
}

struct page_info *alloc_shared_page(struct domain *d)
{
	struct page_info *p = heap_alloc(NULL, 0, 0);

	if (!p)
		return NULL;
	domain_add_xen_pages(d, 1);
	set_owner(p, 1, owner_bits(d->domain_id) | PGC_xen | 1);
	return p;
}

/* ---- frames that stay with their domain (1:1 dom0) ---- */

/*
 * The mark is set together with the drop: whichever reference goes last, the
 * frame stays its owner's.
 */
void put_page_reserved(struct page_info *p)
{
	u64 old = READ_ONCE(p->ref), left;

	do {
		ASSERT((u32)old && (u32)old < PGC_count_limit);
		left = (old - 1) | PGC_reserved;
	} while (!__atomic_compare_exchange_n(&p->ref, &old, left, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	if (!(u32)left)
		release_frames(p, 1, left);
}

static bool reserved_for(const struct page_info *p, const void *arg)
{
	const struct domain *d = arg;
	u64 ref = READ_ONCE(p->ref);

	return (ref & PGC_reserved) && PGC_owner(ref) == d->domain_id;
}

/*
 * Takes one frame that is reserved for d back into use. True if somebody still
 * refers to it, and so it is counted already.
 */
static bool take_reserved(struct page_info *p)
{
	u64 old = READ_ONCE(p->ref);

	while (!__atomic_compare_exchange_n(&p->ref, &old, (old & ~PGC_reserved) + 1, false, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED))
		;
	return (u32)old;
}

/*
 * What the frames hold is not wiped: this is for dom0, which gets memory as
 * boot left it, and its own frames back later. The caller keeps others from
 * assigning the same frames to d at the same time (d's domain lock, or boot).
 */
int assign_pages_at(struct domain *d, mfn_t mfn, unsigned int order)
{
	unsigned long n = 1UL << order;
	struct page_info *p = mfn_to_page(mfn);
	long counted = 0;
	int rc;

	if (order > MAX_PAGE_ORDER || mfn_x(mfn) + n > max_page || mfn_x(mfn) + n < n)
		return -EINVAL;
	if (!domain_add_pages(d, (long)n))
		return -ENOMEM;
	/* The usual single frame: no need to ask the heap. */
	rc = n == 1 && reserved_for(p, d) ? 0 : heap_take_range(mfn, n, reserved_for, d);
	if (rc) {
		domain_sub_pages(d, (long)n);
		return rc;
	}
	for (unsigned long i = 0; i < n; i++) {
		if (reserved_for(p + i, d))
			counted += take_reserved(p + i);
		else
			set_owner(p + i, 1, owner_bits(d->domain_id) | 1);
	}
	if (counted)
		domain_sub_pages(d, counted);
	return 0;
}

int donate_frames(struct domain *d, mfn_t mfn, unsigned long nr)
{
	if (!domain_add_pages(d, (long)nr))
		return -ENOMEM;
	heap_adopt_frames(mfn, nr);
	set_owner(mfn_to_page(mfn), nr, owner_bits(d->domain_id) | 1);
	return 0;
}
