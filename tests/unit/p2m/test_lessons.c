/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong elsewhere: a test for each lesson that is the p2m's (docs/lessons.md has the list, and why
 * the others need none here). The model, the stress test and the allocation sweep stand for some as well.
 */
#include "cases.h"
#include <pthread.h>

static void b1_new_before_old(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q = ram_at(g1, &b1, 6);

	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(5), &b0), 0);
	end_all();
	/* Failing after the look-up, for want of a table: nothing is taken or dropped. */
	host_fail_after = 1;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1UL << 30), g1, _gfn(6), &b0), -ENOMEM);
	host_fail_after = 0;
	CHECK(count_of(p) == 2 && count_of(q) == 1 && mfn_at(dom0, 100) == frame_of(p));
	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(6), &b0), 0);
	CHECK(count_of(p) == 2 && count_of(q) == 2);
}

static void b2_batch_boundaries(void)
{
	static const unsigned int sizes[] = { 1, 63, 64, 65, 127, 128, 129, 512 };

	for (unsigned int s = 0; s < ARRAY_SIZE(sizes); s++) {
		struct page_info *p[512];

		for (unsigned int i = 0; i < sizes[s]; i++)
			p[i] = ram_at(g1, &b1, i);
		for (unsigned int i = 0; i < sizes[s]; i++)
			CHECK_RC(p2m_add_foreign(dom0, _gfn(1000 + i), g1, _gfn(i), &b0), 0);
		/* The other vCPU keeps using all of them: freeing one it still translates to ends the test. */
		for (unsigned int i = 0; i < sizes[s]; i++)
			host_touch(dom0, 1, 1000 + i, true);
		for (unsigned int i = 0; i < sizes[s]; i++) {
			CHECK_RC(p2m_release_range(g1, _gfn(i), 0, &b1), 0);
			CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(1000 + i), &b0), 0);
			CHECK(count_of(p[i]) >= 1);
			host_touch(dom0, 1, 1000 + i - i % 7, true);
		}
		end_all();
		for (unsigned int i = 0; i < sizes[s]; i++)
			CHECK(!count_of(p[i]));
	}
}

static void b3_no_flush_override(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);

	/* An error in the middle of a batch does not forget that a flush is due. */
	for (unsigned int fail = 0; fail < 4; fail++) {
		CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(5), &b0), 0);
		host_touch(dom0, 0, 100, true);
		for (unsigned int i = 0; i < 4; i++) {
			if (i == fail)
				CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(100), &b0), 0);
			else
				CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(101 + i), &b0), -ENOENT);
			CHECK(!!b0.need_flush == (i >= fail));
		}
		p2m_batch_flush(&b0);
		CHECK(!b0.need_flush && count_of(p) == 1);
		CHECK(mfn_eq(host_touch(dom0, 0, 100, false), INVALID_MFN));
	}
}

static void b4_levels_and_recalculation(void)
{
	struct page_info *p = super_at(g1, &b1, 512);
	unsigned long done;
	struct p2m_stats s;

	for (unsigned int i = 0; i < 512; i++)
		CHECK_RC(p2m_add_foreign(dom0, _gfn(i), g1, _gfn(512 + i), &b0), 0);
	/* Retyping by superpage, by page, and collapsing again leave every count as it is. */
	CHECK_RC(p2m_change_type_range(g1, _gfn(512), 512, p2m_ram_rw, p2m_ram_logdirty, &done), 0);
	CHECK(done == 512 && order_at(g1, 600) == 9);
	CHECK_RC(p2m_change_type_range(g1, _gfn(600), 100, p2m_ram_logdirty, p2m_ram_rw, &done), 0);
	CHECK(order_at(g1, 600) == 0);
	CHECK_RC(p2m_change_type_range(g1, _gfn(512), 512, p2m_ram_logdirty, p2m_ram_rw, &done), 0);
	CHECK(order_at(g1, 600) == 9 && type_at(g1, 600) == p2m_ram_rw);
	for (unsigned int i = 0; i < 512; i++)
		CHECK(count_of(p + i) == 2);
	p2m_get_stats(dom0, &s);
	CHECK(s.entries[p2m_foreign][0] == 512 && s.foreign_made == 512 && !s.foreign_released);
}

static void b6_mapper_dies(void)
{
	struct page_info *p[512];

	for (unsigned int i = 0; i < 512; i++)
		p[i] = ram_at(g1, &b1, i);
	for (unsigned long i = 0; i < 1UL << 20; i++)
		CHECK_RC(p2m_add_foreign(g2, _gfn((1UL << 21) + i), g1, _gfn(i & 511), &b2), 0);
	CHECK(count_of(p[17]) == 2049);
	end_all();
	per_cpu__softirq_pending_bits = 1;
	host_kill(g2);
	per_cpu__softirq_pending_bits = 0;
	for (unsigned int i = 0; i < 512; i++)
		CHECK(count_of(p[i]) == 1);
	host_rcu_barrier();
	CHECK(atomic64_read(&g2->arch.p2m->pool_used) == 1);
}

static struct domain *dies;
static bool torn_down;
static void die_now(void)
{
	host_alloc_hook = NULL;
	dies->is_dying = DOMDYING_dying;
	if (torn_down)
		host_kill(dies);
}

static void b7_dying(struct domain *who, bool complete, int op)
{
	struct page_info *p = ram_at(g1, &b1, 5), *n = alloc_domheap_pages(g2, 0, 0);
	struct page_info *sp = alloc_shared_page(g2);
	unsigned long done;
	int rc = 0;

	ram_at(g2, &b2, 3);
	end_all();
	dies = who;
	torn_down = complete;
	host_heap_unlocked(true);
	host_alloc_hook = die_now;
	/* Dying begins (and even ends) while the operation gets memory for a table, after it had looked. */
	switch (op) {
	case 0: rc = p2m_add_foreign(g2, _gfn(1UL << 30), g1, _gfn(5), &b2); break;
	case 1: rc = p2m_add_page(g2, _gfn(1UL << 30), page_to_mfn(n), 0, p2m_ram_rw, &b2); break;
	case 2: rc = p2m_add_special(g2, _gfn(1UL << 30), sp, &b2); break;
	case 3: rc = p2m_move_page(g2, _gfn(3), _gfn(1UL << 30), &b2); break;
	case 4: rc = p2m_set_mmio(g2, _gfn(1UL << 30), _mfn(HOST_MMIO_BASE), 1, &done); break;
	}
	host_alloc_hook = NULL;
	host_heap_unlocked(false);
	if (rc && op == 1)
		put_page(n);
	end_all();
	if (op != 1)
		put_page(n);
	/* The page of a living owner is mapped nowhere in the end, and nothing is left in the dead one. */
	host_kill(who);
	CHECK(who == g1 || count_of(p) == 1);
	CHECK(who != g2 || type_at(g2, 1UL << 30) == p2m_invalid);
	put_page(sp);
	end_all();
}
static void b7_mapper_foreign(void) { b7_dying(g2, false, 0); }
static void b7_mapper_page(void) { b7_dying(g2, false, 1); }
static void b7_mapper_special(void) { b7_dying(g2, false, 2); }
static void b7_mapper_move(void) { b7_dying(g2, false, 3); }
static void b7_mapper_mmio(void) { b7_dying(g2, false, 4); }
static void b7_owner(void) { b7_dying(g1, true, 0); }

/* Dying begins between the check of an operation and its entry, with no allocation in between: by the lock. */
static void b7_entry_then_dying(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);
	struct ept_pos pos;

	CHECK_RC(p2m_add_foreign(g2, _gfn(9), g1, _gfn(5), &b2), 0);
	g2->is_dying = DOMDYING_dying;
	ept_walk(g2->arch.p2m, 9, 0, &pos);
	p2m_settle(g2->arch.p2m, &pos, 9, &b2);
	p2m_batch_flush(&b2);
	CHECK(type_at(g2, 9) == p2m_invalid && count_of(p) == 1);
	CHECK_RC(p2m_add_page(g2, _gfn(9), _mfn(1), 0, p2m_ram_rw, &b2), -EINVAL);
	CHECK_RC(p2m_add_grant(g2, _gfn(9), p, false, &b2), -EINVAL);
	CHECK_RC(p2m_move_page(g2, _gfn(9), _gfn(10), &b2), -EINVAL);
	CHECK_RC(p2m_pod_set_range(g2, _gfn(9), 0), -EINVAL);
	CHECK_RC(p2m_pod_set_target(g2, 100), -EINVAL);
	CHECK(count_of(p) == 1);
}

static void b8_sparse_teardown(void)
{
	unsigned long calls = 0, used;

	/* 8 TiB, one page in each GiB, and one at the very end. */
	for (unsigned long i = 0; i < 8192; i++)
		if (i % 8 == 0)
			ram_at(g1, &b1, i << 18);
	ram_at(g1, &b1, (1UL << 36) - 1);
	end_all();
	used = host_frames_in_use();
	CHECK(used > 3000);
	g1->is_dying = DOMDYING_dying;
	per_cpu__softirq_pending_bits = 1;
	while (p2m_teardown(g1) == -ERESTART)
		calls++;
	per_cpu__softirq_pending_bits = 0;
	/* Some progress in each, and never more than its 64 steps. */
	CHECK(calls > used / 128 && calls < 1UL << 20);
	host_rcu_barrier();
	CHECK(atomic64_read(&g1->arch.p2m->pool_used) == 1);
}

static void b8_huge_leaf_teardown(void)
{
	struct page_info *p = alloc_domheap_pages(g1, 18, 0);
	unsigned long calls = 0;

	CHECK_RC(p2m_add_page(g1, _gfn(1UL << 18), page_to_mfn(p), 18, p2m_ram_rw, &b1), 0);
	CHECK(order_at(g1, (1UL << 18) + 5) == 18);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn((1UL << 18) + 77), &b0), 0);
	end_all();
	g1->is_dying = DOMDYING_dying;
	per_cpu__softirq_pending_bits = 1;
	while (p2m_teardown(g1) == -ERESTART)
		calls++;
	per_cpu__softirq_pending_bits = 0;
	CHECK(calls >= 8 && atomic64_read(&g1->tot_pages) == 1 && count_of(p + 77) == 1);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(1), &b0), 0);
}

static void b9_one_place(void)
{
	struct page_info *sp = alloc_shared_page(g1);

	CHECK_RC(p2m_add_special(g1, _gfn(1), sp, &b1), 0);
	CHECK_RC(p2m_add_special(g1, _gfn(0x40000), sp, &b1), 0);
	CHECK(type_at(g1, 1) == p2m_invalid && mfn_at(g1, 0x40000) == frame_of(sp));
	CHECK_RC(p2m_add_special(g1, _gfn(0x40000), sp, &b1), 0);
	end_all();
	CHECK(count_of(sp) == 2 && sp->u.inuse.gfn == 0x40000);
	/* Not anybody's, not an ordinary page. */
	CHECK_RC(p2m_add_special(g2, _gfn(1), sp, &b2), -EINVAL);
	CHECK_RC(p2m_add_special(g1, _gfn(2), ram_at(g1, &b1, 3), &b1), -EINVAL);
	CHECK_RC(p2m_remove_from_physmap(g1, _gfn(0x40000), &b1), 0);
	end_all();
	CHECK(count_of(sp) == 1 && sp->u.inuse.gfn == gfn_x(INVALID_GFN));
	put_page(sp);
}

static void b10_split_fails(void)
{
	struct page_info *p = super_at(g1, &b1, 512), *q = super_at(g1, &b1, 1024);

	for (unsigned long n = 1; n <= 2; n++) {
		/* The middle of both: two splits, the n-th has no memory. */
		host_fail_after = n;
		CHECK_RC(p2m_release_range(g1, _gfn(512 + 256), 9, &b1), -ENOMEM);
		host_fail_after = 0;
		end_all();
		for (unsigned int i = 0; i < 512; i++)
			CHECK(count_of(p + i) == 1 && count_of(q + i) == 1 && mfn_at(g1, 512 + i) == frame_of(p + i));
	}
	CHECK_RC(p2m_release_range(g1, _gfn(512 + 256), 9, &b1), 0);
	end_all();
	CHECK(atomic64_read(&g1->tot_pages) == 512 && count_of(p + 255) == 1 && !count_of(p + 256));
}

static void b11_failing_split_returns(void)
{
	struct page_info *p = super_at(g1, &b1, 512);
	unsigned long done;
	u64 tot, cache, entries;

	CHECK_RC(p2m_change_type_range(g1, _gfn(512), 512, p2m_ram_rw, p2m_ram_logdirty, &done), 0);
	p2m_set_pool(g1, 0);
	/* A write fault finds no memory to split with: all of it becomes dirty. */
	CHECK(p2m_handle_fault(g1, _gfn(600), true, false) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 513) == p2m_ram_rw && order_at(g1, 513) == 9);
	CHECK_RC(p2m_change_type_one(g1, _gfn(600), p2m_ram_rw, p2m_ram_ro), -ENOMEM);
	CHECK_RC(p2m_remove_page(g1, _gfn(600), INVALID_MFN, &b1), -ENOMEM);
	CHECK_RC(p2m_set_access(g1, _gfn(600), p2m_access_r), -ENOMEM);
	CHECK(count_of(p + 88) == 1);
	/* Populate on demand without a table, or without memory at all: an end, said once. */
	p2m_set_pool(g1, ~0UL);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(1024), 9), 0);
	p2m_set_pool(g1, 0);
	CHECK(p2m_handle_fault(g1, _gfn(1030), true, false) == P2M_FAULT_NO_MEMORY);
	p2m_set_pool(g1, ~0UL);
	for (unsigned int i = 0; i < 512; i++)
		*(u8 *)page_to_virt(p + i) = 1;
	for (unsigned int i = 0; p2m_handle_fault(g1, _gfn(1030), true, false) != P2M_FAULT_NO_MEMORY; i++)
		CHECK(i < 10);
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(entries == 512 && !cache);
	/* Execution on a superpage that may not be executable. */
	p2m_set_capabilities(true, true, false);
	super_at(g2, &b2, 512);
	p2m_set_pool(g2, 0);
	CHECK(p2m_handle_fault(g2, _gfn(600), false, true) == P2M_FAULT_DENIED);
}

static void b12_alignment(void)
{
	/* Every offset of gfn and of mfn against every order: handled, none asserted. */
	for (unsigned int order = 0; order <= 9; order++) {
		for (unsigned int off = 0; off < 1U << order; off += order > 6 ? 37 : 1) {
			struct page_info *p = alloc_domheap_pages(g1, order, 0);
			unsigned long g = 2048 + off;

			CHECK(p);
			CHECK_RC(p2m_add_page(g1, _gfn(g), page_to_mfn(p), order, p2m_ram_rw, &b1), 0);
			for (unsigned int i = 0; i < 1U << order; i++)
				CHECK(mfn_at(g1, g + i) == frame_of(p + i) && p[i].u.inuse.gfn == g + i);
			CHECK(order_at(g1, g) == (order == 9 && !off ? 9 : 0));
			CHECK_RC(p2m_release_range(g1, _gfn(g), order, &b1), 0);
			end_all();
			CHECK(!atomic64_read(&g1->tot_pages));
			CHECK_RC(p2m_pod_set_range(g1, _gfn(g), order), 0);
			CHECK_RC(p2m_release_range(g1, _gfn(g), order, &b1), 0);
		}
	}
}

static void b13_orders(void)
{
	struct page_info *p = alloc_domheap_pages(g1, 0, 0);

	for (unsigned int order = 19; order < 300; order++) {
		CHECK_RC(p2m_add_page(g1, _gfn(0), page_to_mfn(p), order, p2m_ram_rw, &b1), -EINVAL);
		CHECK_RC(p2m_pod_set_range(g1, _gfn(0), order), -EINVAL);
		CHECK_RC(p2m_release_range(g1, _gfn(0), order, &b1), -EINVAL);
	}
	CHECK_RC(p2m_release_range(g1, _gfn(0), 10, &b1), -EINVAL);
	CHECK_RC(p2m_add_page(g1, _gfn((1UL << 36) - 511), page_to_mfn(p), 9, p2m_ram_rw, &b1), -EINVAL);
	CHECK_RC(p2m_add_page(g1, _gfn(0), page_to_mfn(p), 0, p2m_foreign, &b1), -EINVAL);
	put_page(p);
}

static void b15_owner_api_only(void)
{
	struct page_info *sp = alloc_shared_page(g1);
	unsigned long done;

	CHECK_RC(p2m_set_mmio(g1, _gfn(0), _mfn(HOST_MMIO_BASE), 1024, &done), 0);
	CHECK(order_at(g1, 3) == 9);
	CHECK_RC(p2m_remove_from_physmap(g1, _gfn(3), &b1), -ENOENT);
	CHECK_RC(p2m_remove_page(g1, _gfn(3), INVALID_MFN, &b1), -ENOENT);
	CHECK_RC(p2m_release_range(g1, _gfn(3), 0, &b1), -EPERM);
	CHECK_RC(p2m_move_page(g1, _gfn(3), _gfn(4000), &b1), -EINVAL);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(3), 0), -EPERM);
	CHECK_RC(p2m_add_special(g1, _gfn(3), sp, &b1), -EPERM);
	CHECK(order_at(g1, 3) == 9 && type_at(g1, 3) == p2m_mmio_direct);
	/* mmio over mmio: the same is fine, another is not. */
	CHECK_RC(p2m_set_mmio(g1, _gfn(1), _mfn(HOST_MMIO_BASE + 1), 1023, &done), 0);
	CHECK_RC(p2m_set_mmio(g1, _gfn(1), _mfn(HOST_MMIO_BASE + 2), 1, &done), -EBUSY);
	ram_at(g1, &b1, 5000);
	CHECK_RC(p2m_set_mmio(g1, _gfn(4999), _mfn(HOST_MMIO_BASE), 3, &done), -EBUSY);
	CHECK(done == 1 && type_at(g1, 5000) == p2m_ram_rw);
	CHECK_RC(p2m_clear_mmio(g1, _gfn(10), _mfn(HOST_MMIO_BASE), 1, &done), -ENOENT);
	CHECK_RC(p2m_clear_mmio(g1, _gfn(10), _mfn(HOST_MMIO_BASE + 10), 500, &done), 0);
	CHECK(done == 500 && type_at(g1, 9) == p2m_mmio_direct && type_at(g1, 10) == p2m_invalid);
	/* A special page is not the balloon's. */
	CHECK_RC(p2m_add_special(g1, _gfn(3000), sp, &b1), 0);
	CHECK_RC(p2m_release_range(g1, _gfn(3000), 0, &b1), -EINVAL);
	CHECK_RC(p2m_move_page(g1, _gfn(3000), _gfn(3001), &b1), -EINVAL);
	CHECK(mfn_at(g1, 3000) == frame_of(sp));
	put_page(sp);
}

static void b16_moving_raises_nothing(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q = ram_at(g2, &b2, 5), *r = ram_at(g1, &b1, 6);

	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK_RC(p2m_add_foreign(g1, _gfn(7), g2, _gfn(5), &b1), 0);
	CHECK_RC(p2m_add_grant(g1, _gfn(8), q, true, &b1), 0);
	CHECK_RC(p2m_set_access(g1, _gfn(6), p2m_access_r), 0);
	for (unsigned int g = 5; g <= 8; g++) {
		enum p2m_type t = type_at(g1, g);

		CHECK_RC(p2m_move_page(g1, _gfn(g), _gfn(100), &b1), -EINVAL);
		CHECK(type_at(g1, g) == t && type_at(g1, 100) == p2m_invalid);
	}
	CHECK(count_of(p) == 1 && count_of(q) == 3 && count_of(r) == 1);
	/* Onto them: refused, and the source stays. */
	ram_at(g1, &b1, 20);
	CHECK_RC(p2m_move_page(g1, _gfn(20), _gfn(7), &b1), -ENXIO);
	CHECK_RC(p2m_move_page(g1, _gfn(20), _gfn(8), &b1), -ENXIO);
	CHECK(type_at(g1, 20) == p2m_ram_rw);
}

static void b17_moves(void)
{
	struct page_info *p[4];

	for (unsigned int i = 0; i < 4; i++)
		p[i] = ram_at(g1, &b1, i);
	CHECK_RC(p2m_move_page(g1, _gfn(1), _gfn(1), &b1), 0);
	CHECK(mfn_at(g1, 1) == frame_of(p[1]) && count_of(p[1]) == 1);
	/* Forward over its neighbour, then backward: what was there goes, each page once. */
	CHECK_RC(p2m_move_page(g1, _gfn(0), _gfn(1), &b1), 0);
	CHECK_RC(p2m_move_page(g1, _gfn(3), _gfn(2), &b1), 0);
	end_all();
	CHECK(mfn_at(g1, 1) == frame_of(p[0]) && mfn_at(g1, 2) == frame_of(p[3]) && !count_of(p[1]));
	CHECK(type_at(g1, 0) == p2m_invalid && type_at(g1, 3) == p2m_invalid && p[0]->u.inuse.gfn == 1);
	CHECK(atomic64_read(&g1->tot_pages) == 2);
	/* Out of a superpage, into another. */
	super_at(g1, &b1, 512);
	super_at(g1, &b1, 1024);
	CHECK_RC(p2m_move_page(g1, _gfn(600), _gfn(1100), &b1), 0);
	end_all();
	CHECK(atomic64_read(&g1->tot_pages) == 2 + 1023);
}

static void b18_real_owner(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q;
	enum p2m_type t;

	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_add_grant(dom0, _gfn(2), p, true, &b0), 0);
	q = get_page_from_gfn(dom0, _gfn(1), &t, P2M_QUERY);
	CHECK(q == p && t == p2m_foreign && count_of(p) == 4 && page_owner_id(q) == 1);
	put_page(q);
	q = get_page_from_gfn(dom0, _gfn(2), &t, P2M_QUERY);
	CHECK(q == p && t == p2m_grant_ro);
	put_page(q);
	CHECK(!get_page_from_gfn(dom0, _gfn(3), &t, P2M_QUERY) && t == p2m_invalid);
}

static void b20_edges(void)
{
	static const unsigned long gfns[] = { 0, 511, 512, (1UL << 18) - 1, 1UL << 18, (1UL << 36) - 1 };

	ram_at(g1, &b1, 77);
	for (unsigned int i = 0; i < ARRAY_SIZE(gfns); i++) {
		CHECK_RC(p2m_add_foreign(dom0, _gfn(gfns[i]), g1, _gfn(77), &b0), 0);
		CHECK(p2m_max_gfn(dom0) == gfns[i]);
		CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(gfns[i]), &b0), 0);
		CHECK(type_at(dom0, gfns[i]) == p2m_invalid);
	}
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1UL << 36), g1, _gfn(77), &b0), -EINVAL);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(1UL << 36), &b0), -EINVAL);
	CHECK(type_at(dom0, 1UL << 36) == p2m_invalid && type_at(dom0, ~0UL) == p2m_invalid);
	CHECK(p2m_handle_fault(dom0, _gfn(1UL << 36), true, false) == P2M_FAULT_EMULATE);
}

static void b21_owner_view(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);

	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	CHECK(p->u.inuse.gfn == 5);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(1), &b0), 0);
	CHECK_RC(p2m_add_grant(dom0, _gfn(1), p, false, &b0), 0);
	CHECK_RC(p2m_remove_grant(dom0, _gfn(1), page_to_mfn(p), &b0), 0);
	end_all();
	CHECK(p->u.inuse.gfn == 5 && mfn_at(g1, 5) == frame_of(p));
}

static void b26_grant_of_this_frame(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q = ram_at(g1, &b1, 6);

	CHECK_RC(p2m_add_grant(dom0, _gfn(1), p, false, &b0), 0);
	CHECK_RC(p2m_remove_grant(dom0, _gfn(1), page_to_mfn(q), &b0), -ENOENT);
	CHECK_RC(p2m_remove_grant(dom0, _gfn(2), page_to_mfn(p), &b0), -ENOENT);
	CHECK_RC(p2m_remove_grant(g1, _gfn(5), page_to_mfn(p), &b1), -ENOENT);
	CHECK(count_of(p) == 2);
	CHECK_RC(p2m_remove_grant(dom0, _gfn(1), page_to_mfn(p), &b0), 0);
	/* A domain's own page granted to itself. */
	CHECK_RC(p2m_add_grant(g1, _gfn(50), p, false, &b1), 0);
	end_all();
	CHECK(count_of(p) == 2 && mfn_at(g1, 5) == frame_of(p) && type_at(g1, 50) == p2m_grant_rw);
}

static void b23_allocated_is_counted_and_owned(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *sp = alloc_shared_page(g1);

	super_at(g1, &b1, 512);
	CHECK_RC(p2m_add_special(g1, _gfn(6), sp, &b1), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_add_grant(g2, _gfn(1), p, true, &b2), 0);
	CHECK_RC(p2m_release_range(g1, _gfn(5), 0, &b1), 0);
	CHECK_RC(p2m_release_range(g1, _gfn(600), 3, &b1), 0);
	CHECK_RC(p2m_remove_from_physmap(g1, _gfn(6), &b1), 0);
	CHECK_RC(p2m_pod_set_target(g2, 40), 0);
	end_all();
	put_page(sp);
	for (unsigned long m = 1; m < HOST_HUGE_BASE; m++) {
		struct page_info *f = host_frame_table + m;

		CHECK(host_frame_free(_mfn(m)) == !count_of(f));
		CHECK(!count_of(f) || page_owner_id(f));
	}
	CHECK(count_of(p) == 2 && page_owner_id(p) == 1 && host_frame_free(page_to_mfn(sp)));
}

static void b27_filled_then_published(void)
{
	struct page_info *huge = alloc_domheap_pages(g1, 18, 0), *p = super_at(g1, &b1, 512);
	const unsigned long gig = 1UL << 18;
	unsigned long before;

	CHECK_RC(p2m_add_page(g1, _gfn(gig), page_to_mfn(huge), 18, p2m_ram_rw, &b1), 0);
	CHECK(order_at(g1, gig) == 18);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(1024), 9), 0);
	before = host_tables_published;
	/* Each is compared, before it can be reached, with what it takes the place of (host_before_cas()). */
	CHECK_RC(p2m_change_type_one(g1, _gfn(gig + 77777), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK(host_tables_published == before + 2);
	CHECK_RC(p2m_set_access(g1, _gfn(600), p2m_access_rx), 0);
	CHECK(host_tables_published == before + 3);
	CHECK_RC(p2m_release_range(g1, _gfn(1030), 0, &b1), 0);
	CHECK(host_tables_published == before + 4);
	CHECK_RC(p2m_change_type_one(g1, _gfn(1UL << 30), p2m_invalid, p2m_mmio_dm), 0);
	CHECK(host_tables_published == before + 7);
	CHECK(mfn_at(g1, gig + 77776) == frame_of(huge) + 77776 && mfn_at(g1, 601) == frame_of(p) + 89);
}

static void b29_no_executable_superpages(void)
{
	unsigned long gfn = 600;

	p2m_set_capabilities(true, true, false);
	super_at(g1, &b1, 512);
	CHECK(order_at(g1, gfn) == 9 && !(host_walk(g1, gfn).e & EPT_X));
	CHECK(p2m_handle_fault(g1, _gfn(gfn), false, true) == P2M_FAULT_FIXED);
	CHECK(order_at(g1, gfn) == 0 && (host_walk(g1, gfn).e & EPT_X));
	/* And again: nothing to do, no livelock. */
	CHECK(p2m_handle_fault(g1, _gfn(gfn), false, true) == P2M_FAULT_FIXED);
	/* What must not be executed at all is not made so. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(gfn), &b0), 0);
	CHECK(p2m_handle_fault(dom0, _gfn(1), false, true) == P2M_FAULT_DENIED);
	/* Without 1G, without 2M. */
	p2m_set_capabilities(true, false, true);
	CHECK_RC(p2m_pod_set_range(g2, _gfn(1UL << 18), 18), 0);
	CHECK(order_at(g2, 1UL << 18) == 9);
	p2m_set_capabilities(false, false, true);
	super_at(g2, &b2, 512);
	CHECK(order_at(g2, 600) == 0);
}

static void b30_counts_do_not_overflow(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);
	enum p2m_type t;

	p->ref += 0xfffffffdUL;
	CHECK(count_of(p) == 0xfffffffe);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(2), g1, _gfn(5), &b0), -EINVAL);
	CHECK(!get_page_from_gfn(g1, _gfn(5), &t, P2M_QUERY) && t == p2m_ram_rw);
	CHECK_RC(p2m_add_grant(dom0, _gfn(2), p, false, &b0), -EINVAL);
	CHECK(count_of(p) == ~0U && page_owner_id(p) == 1);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(1), &b0), 0);
	end_all();
	p->ref -= 0xfffffffdUL;
}

static void b31_pool_limit(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);
	unsigned long n = 0;
	struct p2m_stats s;
	int rc;

	p2m_set_pool(g2, 100);
	CHECK(p2m_get_pool(g2) == 100);
	/* A page in each GiB: a table for each, until there is an end. */
	do
		rc = p2m_add_foreign(g2, _gfn(n++ << 18), g1, _gfn(5), &b2);
	while (!rc && n < 1000);
	CHECK(rc == -ENOMEM && n < 60);
	p2m_get_stats(g2, &s);
	CHECK(s.tables == 100 && s.pool == 100 && count_of(p) == n);
	/* The others do not notice; more pool, and it goes on; less than is used cannot be. */
	ram_at(g1, &b1, 1UL << 30);
	CHECK_RC(p2m_set_pool(g2, 110), 0);
	CHECK_RC(p2m_add_foreign(g2, _gfn(n << 18), g1, _gfn(5), &b2), 0);
	CHECK_RC(p2m_set_pool(g2, 3), 0);
	CHECK(p2m_get_pool(g2) >= 100);
	/* What a domain has before anybody said. */
	{
		struct domain *d = host_domain(9, false);

		CHECK(p2m_get_pool(d) == 256);
		host_kill(d);
		host_free_domain(d);
	}
}

static void dirty_list(struct domain *d, bool clean, unsigned long nr, u8 *bytes);
static u8 *list_to;
static int take(void *arg, unsigned long first, const void *bytes, size_t n)
{
	memcpy(list_to + first / 8, bytes, n);
	return 0;
}
static void dirty_list(struct domain *d, bool clean, unsigned long nr, u8 *bytes)
{
	unsigned long done = 0;
	u64 dirty, faults;

	list_to = bytes;
	CHECK_RC(p2m_logdirty_read(d, clean, nr, &done, take, NULL, &dirty, &faults), 0);
}

static void b33_changes_under_log_dirty(void)
{
	u8 bits[512];
	u64 dirty, faults;
	unsigned long done = 0;

	for (unsigned int i = 0; i < 64; i++)
		ram_at(g1, &b1, i);
	super_at(g1, &b1, 1024);
	CHECK_RC(p2m_logdirty_read(g1, true, 64, &done, take, NULL, &dirty, &faults), -EINVAL);
	CHECK_RC(p2m_logdirty_enable(g1, true), 0);
	/* Modes exclude each other. */
	CHECK_RC(p2m_logdirty_enable(g1, false), -EINVAL);
	dirty_list(g1, true, 4096, bits);
	for (unsigned int i = 0; i < sizeof(bits); i++)
		CHECK(!bits[i]);
	/* Written, added, removed, moved, mapped over, marked: all of them are reported. */
	CHECK(mfn_eq(host_touch(g1, 0, 3, true), INVALID_MFN));
	CHECK(p2m_handle_fault(g1, _gfn(3), true, false) == P2M_FAULT_FIXED);
	CHECK(!mfn_eq(host_touch(g1, 0, 3, true), INVALID_MFN));
	ram_at(g1, &b1, 100);
	CHECK_RC(p2m_remove_page(g1, _gfn(5), INVALID_MFN, &b1), 0);
	CHECK_RC(p2m_move_page(g1, _gfn(7), _gfn(101), &b1), 0);
	p2m_mark_dirty(g1, _gfn(9));
	p2m_mark_dirty(g1, _gfn(1100));
	p2m_mark_dirty(g1, _gfn(1UL << 40));
	end_all();
	dirty_list(g1, false, 4096, bits);
	for (unsigned int i = 0; i < 4096; i++)
		CHECK((bits[i / 8] >> (i % 8) & 1) ==
		      (i == 3 || i == 5 || i == 7 || i == 9 || i == 100 || i == 101 || i == 1100));
	/* Peeking changes nothing, cleaning does, and counts. */
	done = 0;
	CHECK_RC(p2m_logdirty_read(g1, true, 4096, &done, take, NULL, &dirty, &faults), 0);
	CHECK(dirty == 7 && faults == 1);
	dirty_list(g1, false, 4096, bits);
	for (unsigned int i = 0; i < sizeof(bits); i++)
		CHECK(!bits[i]);
	CHECK(mfn_eq(host_touch(g1, 0, 3, true), INVALID_MFN));
	/* Off again: superpages are whole. */
	CHECK_RC(p2m_logdirty_disable(g1), 0);
	CHECK_RC(p2m_logdirty_disable(g1), 0);
	CHECK(order_at(g1, 1100) == 9 && type_at(g1, 1100) == p2m_ram_rw);
	p2m_mark_dirty(g1, _gfn(9));
}

/* While the bits are on their way out, another vCPU writes to a page that was clean. */
static int write_meanwhile(void *arg, unsigned long first, const void *bytes, size_t n)
{
	if (!first)
		CHECK(p2m_handle_fault(g1, _gfn(2), true, false) == P2M_FAULT_FIXED);
	return 0;
}

static int no_room(void *arg, unsigned long first, const void *bytes, size_t n) { return -EFAULT; }

static void b33_failing_copy_loses_nothing(void)
{
	unsigned long done = 0;
	u64 dirty, faults;
	u8 bits[512];

	for (unsigned int i = 0; i < 8; i++)
		ram_at(g1, &b1, i);
	CHECK_RC(p2m_logdirty_enable(g1, true), 0);
	CHECK(p2m_handle_fault(g1, _gfn(4), true, false) == P2M_FAULT_FIXED);
	CHECK_RC(p2m_logdirty_read(g1, true, 64, &done, no_room, NULL, &dirty, &faults), -EFAULT);
	dirty_list(g1, false, 64, bits);
	CHECK(bits[0] == 0x10);
	CHECK_RC(p2m_logdirty_read(g1, true, 64, &done, write_meanwhile, NULL, &dirty, &faults), 0);
	dirty_list(g1, false, 64, bits);
	CHECK(bits[0] == 0x04);
	done = 0;
	/* Only cleaning, without a buffer; a start that is no chunk's; a 1G leaf that must be split for it. */
	CHECK_RC(p2m_logdirty_read(g1, true, 64, &done, NULL, NULL, &dirty, &faults), 0);
	done = 5;
	CHECK_RC(p2m_logdirty_read(g1, true, 64, &done, NULL, NULL, &dirty, &faults), -EINVAL);
	CHECK_RC(p2m_logdirty_read(g1, true, ~0UL, &done, NULL, NULL, &dirty, &faults), -EINVAL);
}

static void b33_large_leaves(void)
{
	struct page_info *p = alloc_domheap_pages(g1, 18, 0);
	unsigned long done = 0, base = 1UL << 18;
	u64 dirty, faults;

	CHECK_RC(p2m_add_page(g1, _gfn(base), page_to_mfn(p), 18, p2m_ram_rw, &b1), 0);
	CHECK_RC(p2m_logdirty_enable(g1, false), 0);
	CHECK(order_at(g1, base) == 18 && type_at(g1, base) == p2m_ram_rw);
	/* No table to split with: stays dirty. Part of a leaf at the end of what is asked for: likewise. */
	done = base;
	host_fail_after = 1;
	CHECK_RC(p2m_logdirty_read(g1, true, base + 4096, &done, NULL, NULL, &dirty, &faults), 0);
	host_fail_after = 0;
	CHECK(type_at(g1, base) == p2m_ram_rw && order_at(g1, base) == 18);
	done = base;
	CHECK_RC(p2m_logdirty_read(g1, true, base + 4096 + 100, &done, NULL, NULL, &dirty, &faults), 0);
	CHECK(type_at(g1, base) == p2m_ram_logdirty && order_at(g1, base) == 9);
	CHECK(type_at(g1, base + 4096 + 99) == p2m_ram_logdirty && type_at(g1, base + 4096 + 100) == p2m_ram_rw);
	CHECK_RC(p2m_logdirty_disable(g1), 0);
}

static void b34_owner_gfn_undone(void)
{
	struct page_info *p = alloc_domheap_pages(g1, 0, 0);

	host_fail_after = 1;
	CHECK_RC(p2m_add_page(g1, _gfn(1UL << 30), page_to_mfn(p), 0, p2m_ram_rw, &b1), -ENOMEM);
	host_fail_after = 0;
	CHECK(p->u.inuse.gfn == gfn_x(INVALID_GFN) && count_of(p) == 1);
	put_page(p);
}

static void b35_reclaimed_pages_are_scrubbed(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);
	u64 tot, cache, entries;

	memset(page_to_virt(p), 0x5a, PAGE_SIZE);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(100), 3), 0);
	CHECK_RC(p2m_release_range(g1, _gfn(5), 0, &b1), 0);
	end_all();
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(tot == 1 && cache == 1 && entries == 8);
	CHECK(p2m_handle_fault(g1, _gfn(103), false, false) == P2M_FAULT_FIXED);
	CHECK(mfn_at(g1, 103) == frame_of(p) && p->u.inuse.gfn == 103);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		CHECK(!((u8 *)page_to_virt(p))[i]);
}

static void b36_only_plain_pages_are_cached(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *sp = alloc_shared_page(g1), *q = ram_at(g2, &b2, 5);
	u64 tot, cache, entries;

	CHECK_RC(p2m_pod_set_range(g1, _gfn(100), 3), 0);
	/* Mapped elsewhere: not ours alone. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_release_range(g1, _gfn(5), 0, &b1), 0);
	CHECK_RC(p2m_add_special(g1, _gfn(6), sp, &b1), 0);
	CHECK_RC(p2m_remove_from_physmap(g1, _gfn(6), &b1), 0);
	CHECK_RC(p2m_add_foreign(g1, _gfn(7), g2, _gfn(5), &b1), 0);
	CHECK_RC(p2m_remove_from_physmap(g1, _gfn(7), &b1), 0);
	end_all();
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(!cache && count_of(p) == 1 && count_of(sp) == 1 && count_of(q) == 1);
	put_page(sp);
}

static void b39_ram_is_write_back(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);
	unsigned long done;
	bool ipat;

	/* The machine's MTRRs say uncached for all of it. */
	host_mtrr_state.def_type = X86_MT_UC | MTRR_DEF_TYPE_ENABLE;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(0xfee00), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_add_grant(dom0, _gfn(0xfee01), p, true, &b0), 0);
	CHECK((host_walk(dom0, 0xfee00).e >> 3 & 7) == X86_MT_WB && (host_walk(dom0, 0xfee01).e >> 3 & 7) == X86_MT_WB);
	CHECK(p2m_memory_type(dom0, _gfn(5), _mfn(5), 0, p2m_foreign, &ipat) == X86_MT_WB && !ipat);
	CHECK(p2m_memory_type(g1, _gfn(5), _mfn(5), 0, p2m_ram_rw, &ipat) == X86_MT_WB && ipat);
	CHECK_RC(p2m_set_mmio(dom0, _gfn(1), _mfn(HOST_MMIO_BASE), 1, &done), 0);
	CHECK((host_walk(dom0, 1).e >> 3 & 15) == X86_MT_UC);
}

/* Another CPU freezes an entry for a moment; whoever meets it goes round until it is over. */
static struct ept_pos frozen_pos;
static ept_t frozen_was;
static void *thaw_later(void *arg)
{
	host_thread_start(1);
	usleep(2000);
	__atomic_store_n(&frozen_pos.slot->e, frozen_was.e, __ATOMIC_SEQ_CST);
	host_thread_stop();
	return NULL;
}

static void b40_raced_walk_retries(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);
	unsigned long mfn = 0;
	enum p2m_type t;

	CHECK_RC(p2m_add_foreign(dom0, _gfn(9), g1, _gfn(5), &b0), 0);
	for (unsigned int i = 0; i < 6; i++) {
		pthread_t other;

		ept_walk(i < 3 ? g1->arch.p2m : dom0->arch.p2m, i < 3 ? 5 : 9, 0, &frozen_pos);
		frozen_was = frozen_pos.e;
		__atomic_store_n(&frozen_pos.slot->e, EPT_FROZEN.e, __ATOMIC_SEQ_CST);
		pthread_create(&other, NULL, thaw_later, NULL);
		switch (i) {
		case 0: mfn = mfn_at(g1, 5); break;
		case 1: put_page(get_page_from_gfn(g1, _gfn(5), &t, P2M_QUERY)); break;
		case 2: CHECK_RC(p2m_add_foreign(dom0, _gfn(10), g1, _gfn(5), &b0), 0); break;
		case 3: CHECK_RC(p2m_add_foreign(dom0, _gfn(9), g1, _gfn(5), &b0), 0); break;
		case 4: CHECK(p2m_handle_fault(dom0, _gfn(9), true, false) == P2M_FAULT_FIXED); break;
		case 5: CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(9), &b0), 0); break;
		}
		pthread_join(other, NULL);
	}
	end_all();
	CHECK(mfn == frame_of(p) && count_of(p) == 2);
}

static const struct test_case cases[] = {
	{ "B1: the new reference first, the old one last", b1_new_before_old },
	{ "B2: no frame is freed before the flush, at any batch size", b2_batch_boundaries },
	{ "B3: an error does not lose a flush", b3_no_flush_override },
	{ "B4: counts survive splitting, retyping, collapsing", b4_levels_and_recalculation },
	{ "B6: the mapper dies with a million foreign mappings", b6_mapper_dies },
	{ "B7: the mapper begins to die during a foreign add", b7_mapper_foreign },
	{ "B7: … during an add of RAM", b7_mapper_page },
	{ "B7: … during an add of a special page", b7_mapper_special },
	{ "B7: … during a move", b7_mapper_move },
	{ "B7: … during a map of device memory", b7_mapper_mmio },
	{ "B7: the owner dies during a foreign add", b7_owner },
	{ "B7: an entry made meanwhile is taken back; nothing new after", b7_entry_then_dying },
	{ "B8: teardown of a sparse 8 TiB in bounded steps", b8_sparse_teardown },
	{ "B8: teardown of a 1G leaf in bounded steps", b8_huge_leaf_teardown },
	{ "B9: a special frame has one place", b9_one_place },
	{ "B10: a split that fails in the middle of a range", b10_split_fails },
	{ "B11: a split that fails comes back with an answer", b11_failing_split_returns },
	{ "B12: every alignment of every order", b12_alignment },
	{ "B13: orders beyond reason", b13_orders },
	{ "B15: device memory and special pages go by their own API only", b15_owner_api_only },
	{ "B16: moving a page does not raise rights", b16_moving_raises_nothing },
	{ "B17: moves onto itself, forward, backward", b17_moves },
	{ "B18: references through a foreign entry are on the real owner's page", b18_real_owner },
	{ "B20: first and last gfn", b20_edges },
	{ "B21: the owner's view of a mapped page is untouched", b21_owner_view },
	{ "B23: what is allocated has a count and an owner", b23_allocated_is_counted_and_owned },
	{ "B26: a grant mapping goes only with its own frame", b26_grant_of_this_frame },
	{ "B27: a table is filled, then published", b27_filled_then_published },
	{ "B29: superpages that must not be executable", b29_no_executable_superpages },
	{ "B30: a count at its limit refuses", b30_counts_do_not_overflow },
	{ "B31: table memory is limited, accounted, visible", b31_pool_limit },
	{ "B33: changes under log-dirty are reported", b33_changes_under_log_dirty },
	{ "B33: a copy that fails loses no dirty page", b33_failing_copy_loses_nothing },
	{ "B33: superpages and parts of them", b33_large_leaves },
	{ "B34: what was recorded before is undone", b34_owner_gfn_undone },
	{ "B35: a page that comes back by demand is scrubbed", b35_reclaimed_pages_are_scrubbed },
	{ "B36: special, foreign, shared pages stay out of the cache", b36_only_plain_pages_are_cached },
	{ "B39: RAM-backed entries are write-back whatever MTRRs say", b39_ram_is_write_back },
	{ "B40: a walk that meets a change goes round again", b40_raced_walk_retries },
};

int main(int argc, char **argv) { return run_cases(cases, ARRAY_SIZE(cases), argc, argv); }
