/* SPDX-License-Identifier: GPL-2.0-only */
/* References to pages, owners, frames reserved for a 1:1 domain; and all of it from several CPUs at once. */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/percpu.h>
#include <xen/sched.h>
#include "host/arena.h"
#include "host/owners.h"
#include "host/tap.h"

#define FRAMES 4096UL
#define CPUS 4

static struct domain *const d1 = &host_owner[1], *const d2 = &host_owner[2];

static void before(void)
{
	cpu_online_map = (cpumask_t){ (1 << CPUS) - 1 };
	host_percpu_init(CPUS);
	host_arena_init(FRAMES);
	host_owners_reset();
	init_heap_pages(_mfn(1), FRAMES - 1);
}

static long owned(const struct domain *d) { return atomic64_read(&d->tot_pages); }

static void the_last_reference_frees_wherever_it_goes(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 0, 0);

	CHECK_EQ(owned(d1), 1);
	CHECK(get_page(p, d1));
	CHECK(get_page(p, d1));
	put_page(p);
	put_page(p);
	CHECK_EQ(owned(d1), 1);
	put_page(p);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(page_count(p), 0);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static void free_pages_cannot_be_referenced(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 0, 0);
	u16 owner;

	put_page(p);
	CHECK(!get_page(p, d1));
	CHECK(!get_page_any(p, &owner));
	CHECK(!get_page(mfn_to_page(_mfn(0)), d1));
}

static void only_the_owner_is_right(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 0, 0), *x = alloc_pages(0, 0);
	u16 owner;

	CHECK(!get_page(p, d2));
	CHECK_EQ(page_count(p), 1);
	CHECK(get_page_any(p, &owner));
	CHECK_EQ(owner, 1);
	CHECK(!get_page(x, d1));
	CHECK(get_page_any(x, &owner));
	CHECK_EQ(owner, DOMID_XEN);
}

static void a_count_near_overflow_gives_no_reference(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 0, 0);
	u16 owner;

	p->ref += 0xffffffefUL;
	CHECK(!get_page(p, d1));
	CHECK(!get_page_any(p, &owner));
	p->ref -= 1;
	CHECK(get_page(p, d1));
	CHECK_EQ(page_owner_id(p), 1);
}

static void dropping_too_often_is_a_bug(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 0, 0);

	CHECK_PANICS(put_page_n(p, 2));
}

static void limits_of_a_domain_hold(void)
{
	d1->max_pages = 40;
	CHECK(alloc_domheap_pages(d1, 5, 0));
	CHECK(!alloc_domheap_pages(d1, 4, 0));
	CHECK(alloc_domheap_pages(d1, 3, 0));
	CHECK(!alloc_domheap_pages(d1, 0, 0));
	CHECK_EQ(owned(d1), 40);
	d2->is_dying = DOMDYING_dying;
	CHECK(!alloc_domheap_pages(d2, 0, 0));
	CHECK_EQ(owned(d2), 0);
}

static void pages_without_owner_are_not_counted(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 2, MEMF_no_owner);

	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(page_owner_id(p), DOMID_XEN);
	free_pages(p, 2);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static void shared_pages_count_apart(void)
{
	struct page_info *p = alloc_shared_page(d1);

	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(atomic64_read(&d1->xen_pages), 1);
	CHECK(p->ref & PGC_xen);
	CHECK(get_page(p, d1));
	put_page(p);
	put_page(p);
	CHECK_EQ(atomic64_read(&d1->xen_pages), 0);
	CHECK(!(p->ref & PGC_xen));
}

static void a_range_frees_what_nobody_else_holds(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 9, 0);

	for (unsigned int i = 100; i < 110; i++)
		CHECK(get_page(p + i, d1));
	put_pages(p, 512);
	CHECK_EQ(owned(d1), 10);
	CHECK_EQ(free_page_count(), FRAMES - 1 - 10);
	for (unsigned int i = 0; i < 512; i++)
		CHECK_EQ(page_count(p + i), i >= 100 && i < 110);
	put_pages(p + 100, 10);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static void a_range_of_several_owners_is_told_apart(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 3, 0);

	/* As if neighbours had been allocated one by one. */
	for (unsigned int i = 0; i < 8; i += 2) {
		put_page(p + i);
		CHECK_EQ(assign_pages_at(d2, page_to_mfn(p + i), 0), 0);
	}
	CHECK_EQ(owned(d1), 4);
	CHECK_EQ(owned(d2), 4);
	put_pages(p, 8);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(owned(d2), 0);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static void broken_frames_never_come_back(void)
{
	struct page_info *p = alloc_domheap_pages(d1, 0, 0);

	p->ref |= PGC_broken;
	put_page(p);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(free_page_count(), FRAMES - 2);
	CHECK(p->ref & PGC_broken);
}

/* ---- frames at given places ---- */

static void free_frames_can_be_assigned_where_they_are(void)
{
	CHECK_EQ(assign_pages_at(d1, _mfn(512), 9), 0);
	CHECK_EQ(assign_pages_at(d1, _mfn(3), 0), 0);
	CHECK_EQ(owned(d1), 513);
	CHECK_EQ(free_page_count(), FRAMES - 1 - 513);
	CHECK_EQ(page_count(mfn_to_page(_mfn(1023))), 1);
	/* Not twice, and nothing changes when a part is taken. */
	CHECK_EQ(assign_pages_at(d2, _mfn(1023), 0), -EBUSY);
	CHECK_EQ(assign_pages_at(d2, _mfn(0), 10), -EBUSY);
	CHECK_EQ(owned(d2), 0);
	CHECK_EQ(free_page_count(), FRAMES - 1 - 513);
	CHECK_EQ(assign_pages_at(d1, _mfn(FRAMES - 1), 1), -EINVAL);
	CHECK_EQ(assign_pages_at(d1, _mfn(~0UL), 0), -EINVAL);
	CHECK_EQ(assign_pages_at(d1, _mfn(0), 40), -EINVAL);
	d2->max_pages = 3;
	CHECK_EQ(assign_pages_at(d2, _mfn(2048), 2), -ENOMEM);
	put_pages(mfn_to_page(_mfn(512)), 512);
	put_page(mfn_to_page(_mfn(3)));
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static void cached_frames_can_be_assigned_too(void)
{
	struct page_info *p = alloc_domheap_pages(d2, 0, 0);

	host_cpu = 2;
	put_page(p);
	host_cpu = 0;
	CHECK_EQ(assign_pages_at(d1, page_to_mfn(p), 0), 0);
	CHECK_EQ(page_owner_id(p), 1);
}

static void reserved_frames_wait_for_their_owner(void)
{
	struct page_info *p = mfn_to_page(_mfn(2000));

	CHECK_EQ(assign_pages_at(d1, _mfn(2000), 0), 0);
	memset(page_to_virt(p), 7, 16);
	put_page_reserved(p);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(free_page_count(), FRAMES - 2);
	CHECK(!get_page(p, d1));
	CHECK_EQ(assign_pages_at(d2, _mfn(2000), 0), -EBUSY);
	CHECK_EQ(assign_pages_at(d1, _mfn(2000), 0), 0);
	CHECK_EQ(owned(d1), 1);
	CHECK(!(p->ref & PGC_reserved));
	CHECK_EQ(*(u8 *)page_to_virt(p), 7);
}

static void a_frame_reserved_while_others_hold_it_stays(void)
{
	struct page_info *p = mfn_to_page(_mfn(2000));

	CHECK_EQ(assign_pages_at(d1, _mfn(2000), 0), 0);
	CHECK(get_page(p, d1));
	put_page_reserved(p);
	CHECK_EQ(owned(d1), 1);
	put_page(p);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(free_page_count(), FRAMES - 2);
	CHECK_EQ(assign_pages_at(d1, _mfn(2000), 0), 0);
}

static void a_frame_taken_back_while_others_hold_it_counts_once(void)
{
	struct page_info *p = mfn_to_page(_mfn(2000));

	CHECK_EQ(assign_pages_at(d1, _mfn(2000), 0), 0);
	CHECK(get_page(p, d1));
	put_page_reserved(p);
	CHECK_EQ(assign_pages_at(d1, _mfn(2000), 0), 0);
	CHECK_EQ(owned(d1), 1);
	CHECK_EQ(page_count(p), 2);
	put_page(p);
	put_page(p);
	CHECK_EQ(owned(d1), 0);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

/* ---- several CPUs ---- */

#define SHARED 64
static struct page_info *shared[SHARED];

/* Takes and drops references on pages that others free and allocate. */
static void churn(unsigned int cpu)
{
	host_cpu = cpu;
	for (unsigned long i = 0; i < tap_rounds(20000); i++) {
		struct page_info **slot = &shared[tap_random_below(SHARED)], *p;
		struct domain *d = &host_owner[1 + tap_random_below(3)];

		switch (tap_random_below(4)) {
		case 0:
			p = alloc_domheap_pages(d, 0, tap_random_below(2) ? MEMF_no_scrub : 0);
			if (!p)
				break;
			*(volatile u64 *)page_to_virt(p) = tap_random();
			p = xchg(slot, p);
			if (p)
				put_page(p);
			break;
		case 1:
			p = xchg(slot, NULL);
			if (p)
				put_page(p);
			break;
		case 2:
			/* A stale pointer: the frame may belong to anybody by now. */
			p = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
			if (p && get_page(p, d)) {
				CHECK_EQ(page_owner_id(p), d->domain_id);
				put_page(p);
			}
			break;
		case 3:
			scrub_free_pages();
			p = alloc_domheap_pages(d, 4, MEMF_no_scrub);
			if (p)
				put_pages(p, 16);
			break;
		}
	}
}

static void many_cpus_lose_nothing(void)
{
	host_threads(CPUS, churn);
	host_cpu = 0;
	for (unsigned int i = 0; i < SHARED; i++)
		if (shared[i])
			put_page(shared[i]);
	for (unsigned int i = 0; i < OWNERS; i++)
		CHECK_EQ(owned(&host_owner[i]), 0);
	CHECK_EQ(free_page_count(), FRAMES - 1);
	CHECK(alloc_pages(11, MEMF_no_scrub));
}

static struct page_info *contended;
static unsigned int won;

static void race_for_the_last(unsigned int cpu)
{
	host_cpu = cpu;
	for (unsigned int i = 0; i < 1000; i++)
		if (get_page(contended, d1)) {
			__atomic_fetch_add(&won, 1, __ATOMIC_RELAXED);
			put_page(contended);
		}
	if (!cpu)
		put_page(contended);
}

static void references_race_with_the_last_drop(void)
{
	for (unsigned long i = 0; i < tap_rounds(20); i++) {
		contended = alloc_domheap_pages(d1, 0, 0);
		host_threads(CPUS, race_for_the_last);
		CHECK_EQ(page_count(contended), 0);
		CHECK_EQ(owned(d1), 0);
	}
	CHECK(won);
}

static const struct unit_case cases[] = {
	CASE(the_last_reference_frees_wherever_it_goes),
	CASE(free_pages_cannot_be_referenced),
	CASE(only_the_owner_is_right),
	CASE(a_count_near_overflow_gives_no_reference),
	CASE(dropping_too_often_is_a_bug),
	CASE(limits_of_a_domain_hold),
	CASE(pages_without_owner_are_not_counted),
	CASE(shared_pages_count_apart),
	CASE(a_range_frees_what_nobody_else_holds),
	CASE(a_range_of_several_owners_is_told_apart),
	CASE(broken_frames_never_come_back),
	CASE(free_frames_can_be_assigned_where_they_are),
	CASE(cached_frames_can_be_assigned_too),
	CASE(reserved_frames_wait_for_their_owner),
	CASE(a_frame_reserved_while_others_hold_it_stays),
	CASE(a_frame_taken_back_while_others_hold_it_counts_once),
	CASE(many_cpus_lose_nothing),
	CASE(references_race_with_the_last_drop),
};
TAP_MAIN(cases, before);
