/* SPDX-License-Identifier: GPL-2.0-only */
/* The invariants I1 to I9 (docs/p2m.md), one by one. */
#include "cases.h"

/* ---- I1: one reference for each entry ---- */

static void i1_foreign_counts(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q = ram_at(g1, &b1, 6);

	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(101), g1, _gfn(5), &b0), 0);
	CHECK(count_of(p) == 3 && type_at(dom0, 100) == p2m_foreign && mfn_at(dom0, 101) == frame_of(p));
	/* Replaced: the new one counted at once, the old one until the flush. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(6), &b0), 0);
	CHECK(count_of(p) == 3 && count_of(q) == 2);
	p2m_batch_flush(&b0);
	CHECK(count_of(p) == 2 && count_of(q) == 2);
	/* The same page again over itself: still one. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(101), g1, _gfn(5), &b0), 0);
	p2m_batch_flush(&b0);
	CHECK(count_of(p) == 2);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(101), &b0), 0);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(101), &b0), -ENOENT);
	p2m_batch_flush(&b0);
	CHECK(count_of(p) == 1);
}

static void i1_page_outlives_owner(void)
{
	struct page_info *p = ram_at(g1, &b1, 5);

	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(5), &b0), 0);
	/* decrease_reservation by the owner: the page stays, counted in its tot_pages. */
	CHECK_RC(p2m_release_range(g1, _gfn(5), 0, &b1), 0);
	end_all();
	CHECK(count_of(p) == 1 && atomic64_read(&g1->tot_pages) == 1 && mfn_at(dom0, 100) == frame_of(p));
	host_kill(g1);
	CHECK(count_of(p) == 1);
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(100), &b0), 0);
	end_all();
	CHECK(!count_of(p) && !atomic64_read(&g1->tot_pages));
}

static void i1_superpage_counts(void)
{
	struct page_info *p = super_at(g1, &b1, 512);

	CHECK(order_at(g1, 600) == 9);
	for (unsigned int i = 0; i < 512; i++)
		CHECK(count_of(p + i) == 1);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(600), &b0), 0);
	CHECK(count_of(p + 88) == 2 && order_at(g1, 600) == 9);
	/* One page out of the middle: split, the others untouched. */
	CHECK_RC(p2m_remove_page(g1, _gfn(700), INVALID_MFN, &b1), 0);
	end_all();
	CHECK(!count_of(p + 188) && type_at(g1, 700) == p2m_invalid);
	for (unsigned int i = 0; i < 512; i++)
		CHECK(i == 188 || (mfn_at(g1, 512 + i) == frame_of(p + i) && order_at(g1, 512 + i) == 0));
}

/* ---- I2: flush, then put ---- */

static u32 count_at_flush;
static struct page_info *watched;
static void note_count(struct p2m_domain *p2m) { count_at_flush = count_of(watched); }

static void i2_flush_before_put(void)
{
	watched = ram_at(g1, &b1, 5);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(5), &b0), 0);
	CHECK(mfn_x(host_touch(dom0, 1, 100, true)) == frame_of(watched));
	CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(100), &b0), 0);
	/* A stale translation is still in use, so the reference is. */
	CHECK(mfn_x(host_touch(dom0, 1, 100, true)) == frame_of(watched) && count_of(watched) == 2);
	host_flush_watch = note_count;
	p2m_batch_flush(&b0);
	CHECK(count_at_flush == 2 && count_of(watched) == 1);
	CHECK(mfn_eq(host_touch(dom0, 1, 100, true), INVALID_MFN));
	host_flush_watch = NULL;
}

static void i2_page_with_new_owner(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q;

	host_touch(g1, 2, 5, true);
	CHECK_RC(p2m_release_range(g1, _gfn(5), 0, &b1), 0);
	/* Somebody else asks for memory before the flush: gets another frame. */
	q = ram_at(g2, &b2, 5);
	CHECK(q != p);
	p2m_batch_flush(&b1);
	CHECK(!count_of(p));
}

/* ---- I3: who stores ---- is checked on the sources, by the Makefile ---- */

/* ---- I4: tables ---- */

static void i4_split_keeps_all(void)
{
	struct page_info *p = super_at(g1, &b1, 1024);

	host_touch(g1, 0, 1500, true);
	host_flushes = 0;
	CHECK_RC(p2m_change_type_one(g1, _gfn(1500), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK(host_flushes == 1);
	for (unsigned int i = 0; i < 512; i++) {
		CHECK(mfn_at(g1, 1024 + i) == frame_of(p + i) && count_of(p + i) == 1);
		CHECK(mfn_eq(host_touch(g1, 0, 1024 + i, true), INVALID_MFN) == (i == 476));
	}
}

static void i4_table_freed_after_flush_and_grace(void)
{
	unsigned long tables;
	struct page_info *p = super_at(g1, &b1, 0);
	struct p2m_stats s;

	CHECK_RC(p2m_remove_page(g1, _gfn(7), INVALID_MFN, &b1), 0);
	end_all();
	host_touch(g1, 3, 8, true);
	p2m_get_stats(g1, &s);
	tables = s.tables;
	/* A superpage over it all: the table goes, but not while a CPU may walk through it (the TLB checks). */
	p = super_at(g1, &b1, 0);
	CHECK(order_at(g1, 8) == 9 && mfn_at(g1, 8) == frame_of(p + 8));
	p2m_batch_flush(&b1);
	p2m_get_stats(g1, &s);
	CHECK(s.tables == tables - 1);
	tables = host_frames_in_use();
	host_quiescent();
	CHECK(host_frames_in_use() == tables - 1);
}

static void i4_cached_table_unlinked(void)
{
	struct page_info *q;

	ram_at(g2, &b2, 5);
	ram_at(g1, &b1, 3);
	/* b0 remembers the tables of both sides; both are replaced by superpages behind its back. */
	CHECK_RC(p2m_add_foreign(g1, _gfn(3), g2, _gfn(5), &b1), 0);
	super_at(g2, &b2, 0);
	{
		struct p2m_batch other;

		p2m_batch_init(&other, g1);
		CHECK_RC(p2m_remove_from_physmap(g1, _gfn(3), &other), 0);
		q = super_at(g1, &other, 0);
		p2m_batch_flush(&other);
	}
	p2m_batch_flush(&b2);
	CHECK_RC(p2m_add_foreign(g1, _gfn(4), g2, _gfn(6), &b1), 0);
	CHECK(type_at(g1, 4) == p2m_foreign && mfn_at(g1, 4) == mfn_at(g2, 6));
	CHECK(mfn_at(g1, 5) == frame_of(q + 5));
}

/* ---- I5: a reader works on its copy, and makes sure of it ---- */

static struct page_info *newcomer;
static void replace_before_get(void)
{
	/* The entry has been read; before its page is referenced another CPU puts another page there. */
	host_get_hook = NULL;
	newcomer = ram_at(g1, &b1, 5);
}

static void replace_foreign_before_get(void)
{
	host_get_hook = NULL;
	CHECK_RC(p2m_add_foreign(g1, _gfn(7), g2, _gfn(6), &b1), 0);
}

static void i5_reference_is_on_what_the_entry_names(void)
{
	struct page_info *first = ram_at(g1, &b1, 5), *p;
	enum p2m_type t;

	host_get_hook = replace_before_get;
	p = get_page_from_gfn(g1, _gfn(5), &t, P2M_QUERY);
	CHECK(p == newcomer && count_of(newcomer) == 2 && count_of(first) == 1);
	put_page(p);
	/* The same in the quick path of a foreign mapping. */
	first = newcomer;
	host_get_hook = replace_before_get;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	CHECK(newcomer != first && mfn_at(dom0, 1) == frame_of(newcomer) && count_of(first) == 1);
	/* The same for the page of somebody else, which is looked up the long way. */
	ram_at(g2, &b2, 5);
	ram_at(g2, &b2, 6);
	CHECK_RC(p2m_add_foreign(g1, _gfn(7), g2, _gfn(5), &b1), 0);
	host_get_hook = replace_foreign_before_get;
	p = get_page_from_gfn(g1, _gfn(7), &t, P2M_QUERY);
	CHECK(frame_of(p) == mfn_at(g2, 6) && count_of(p) == 3 && t == p2m_foreign);
	put_page(p);
	/* And where it is gone altogether. */
	end_all();
	CHECK(!count_of(first) && count_of(newcomer) == 2);
}

/* ---- I6: preemption ---- */

static unsigned long calls_until_done(int (*fn)(void))
{
	unsigned long calls = 1;

	per_cpu__softirq_pending_bits = 1;
	while (fn() == -ERESTART)
		CHECK(++calls < 100000);
	per_cpu__softirq_pending_bits = 0;
	return calls;
}

static unsigned long at, done_now;
static int step_mmio(void)
{
	int rc = p2m_set_mmio(dom0, _gfn(0x10001 + at), _mfn(HOST_MMIO_BASE + 7 + at), 500 - at, &done_now);

	at += done_now;
	return rc;
}
static int step_unmmio(void)
{
	int rc = p2m_clear_mmio(dom0, _gfn(0x10001 + at), _mfn(HOST_MMIO_BASE + 7 + at), 500 - at, &done_now);

	at += done_now;
	return rc;
}
static int step_retype(void)
{
	int rc = p2m_change_type_range(g1, _gfn(at), 500 - at, p2m_ram_rw, p2m_ram_ro, &done_now);

	at += done_now;
	return rc;
}
static int step_enable(void) { return p2m_logdirty_enable(g1, true); }
static int step_disable(void) { return p2m_logdirty_disable(g1); }
static int step_target(void) { return p2m_pod_set_target(g2, 40); }
static int step_teardown(void) { return p2m_teardown(g1); }
static int drop_bits(void *arg, unsigned long first, const void *bytes, size_t n)
{
	*(unsigned long *)arg += n;
	return 0;
}
static unsigned long bytes_out;
static int step_read(void)
{
	u64 dirty, faults;

	return p2m_logdirty_read(g1, true, 20000, &at, drop_bits, &bytes_out, &dirty, &faults);
}

static void i6_everything_long_restarts(void)
{
	CHECK(calls_until_done(step_mmio) == 8 && at == 500);
	at = 0;
	CHECK(calls_until_done(step_unmmio) == 8 && at == 500);
	for (unsigned int i = 0; i < 500; i++)
		ram_at(g1, &b1, i);
	at = 0;
	CHECK(calls_until_done(step_retype) == 8 && at == 500);
	at = 0;
	CHECK(calls_until_done(step_enable) == 8);
	CHECK(calls_until_done(step_read) == 5 && at == 20000 && bytes_out == 2500);
	CHECK(calls_until_done(step_disable) == 8);
	CHECK_RC(p2m_pod_set_range(g2, _gfn(0), 6), 0);
	CHECK(calls_until_done(step_target) == 40);
	end_all();
	g1->is_dying = DOMDYING_dying;
	CHECK(calls_until_done(step_teardown) >= 8);
}

/* ---- I7: flushes ---- */

static void i7_flush_only_when_lost(void)
{
	ram_at(g1, &b1, 5);
	ram_at(g1, &b1, 6);
	host_touch(dom0, 0, 100, true);
	host_touch(g1, 0, 5, true);
	end_all();
	host_flushes = 0;
	/* Appearing: none. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(100), g1, _gfn(5), &b0), 0);
	ram_at(g1, &b1, 7);
	end_all();
	CHECK(!host_flushes);
	/* More rights: none. Fewer: one. */
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_rw, p2m_ram_logdirty), 0);
	CHECK(host_flushes == 1);
	CHECK(p2m_handle_fault(g1, _gfn(5), true, false) == P2M_FAULT_FIXED);
	CHECK_RC(p2m_change_type_one(g1, _gfn(6), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK_RC(p2m_change_type_one(g1, _gfn(6), p2m_ram_ro, p2m_ram_rw), 0);
	CHECK(host_flushes == 2);
	/* One for a whole batch. */
	for (unsigned int i = 0; i < 60; i++)
		CHECK_RC(p2m_add_foreign(dom0, _gfn(200 + i), g1, _gfn(5), &b0), 0);
	for (unsigned int i = 0; i < 60; i++)
		CHECK_RC(p2m_remove_from_physmap(dom0, _gfn(200 + i), &b0), 0);
	end_all();
	CHECK(host_flushes == 3);
	/* Not reachable (no rights): none. */
	CHECK_RC(p2m_set_access(g1, _gfn(6), p2m_access_n), 0);
	CHECK(host_flushes == 4);
	CHECK_RC(p2m_remove_page(g1, _gfn(6), INVALID_MFN, &b1), 0);
	end_all();
	CHECK(host_flushes == 4);
	/* Nobody ever ran it: none. */
	ram_at(g2, &b2, 0);
	CHECK_RC(p2m_remove_page(g2, _gfn(0), INVALID_MFN, &b2), 0);
	end_all();
	CHECK(host_flushes == 4);
}

/* ---- I8: what was there is known from the change itself ---- */

static struct page_info *racing_page;
static void race_add(void)
{
	/* While the first one allocates its table, another CPU maps a page at the same gfn. */
	struct p2m_batch b;

	host_alloc_hook = NULL;
	p2m_batch_init(&b, g1);
	host_fail_after = 0;
	CHECK_RC(p2m_add_page(g1, _gfn(0x5000), page_to_mfn(racing_page), 0, p2m_ram_rw, &b), 0);
	p2m_batch_flush(&b);
}

static void i8_racing_adds(void)
{
	struct page_info *p = alloc_domheap_pages(g1, 0, 0);

	racing_page = alloc_domheap_pages(g1, 0, 0);
	host_heap_unlocked(true);
	host_alloc_hook = race_add;
	CHECK_RC(p2m_add_page(g1, _gfn(0x5000), page_to_mfn(p), 0, p2m_ram_rw, &b1), 0);
	/* Last one wins; the first one's page goes after the flush, once. */
	CHECK(mfn_at(g1, 0x5000) == frame_of(p) && count_of(racing_page) == 1);
	end_all();
	CHECK(!count_of(racing_page) && atomic64_read(&g1->tot_pages) == 1);
}

/* ---- I9: refusals ---- */

static void i9_refusals(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *q = ram_at(g2, &b2, 5);
	struct p2m_domain *none = g2->arch.p2m;
	unsigned long done;

	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), dom0, _gfn(2), &b0), -EPERM);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(4), &b0), -EINVAL);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1UL << 36), g1, _gfn(5), &b0), -EINVAL);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(1UL << 36), &b0), -EINVAL);
	/* No chains: a foreign or granted page of g1 is not g1's to give. */
	CHECK_RC(p2m_add_foreign(g1, _gfn(6), g2, _gfn(5), &b1), 0);
	CHECK_RC(p2m_add_grant(g1, _gfn(7), q, false, &b1), 0);
	CHECK_RC(p2m_add_grant(g1, _gfn(8), q, true, &b1), 0);
	for (unsigned int g = 6; g <= 8; g++)
		CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(g), &b0), -EINVAL);
	CHECK_RC(p2m_set_mmio(g1, _gfn(9), _mfn(HOST_MMIO_BASE), 1, &done), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(9), &b0), -EINVAL);
	CHECK(count_of(q) == 4 && count_of(p) == 1);
	/* The target: mmio stays. */
	CHECK_RC(p2m_set_mmio(dom0, _gfn(2), _mfn(HOST_MMIO_BASE), 1, &done), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(2), g1, _gfn(5), &b0), -EPERM);
	CHECK(type_at(dom0, 2) == p2m_mmio_direct && count_of(p) == 1);
	/* Read-only and log-dirty RAM are plain RAM. */
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), 0);
	/* No p2m (a pseudo domain), a dying owner, a dying mapper. */
	g2->arch.p2m = NULL;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(3), g2, _gfn(5), &b0), -EINVAL);
	g2->arch.p2m = none;
	g2->is_dying = DOMDYING_dying;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(3), g2, _gfn(5), &b0), -EINVAL);
	CHECK_RC(p2m_add_foreign(g2, _gfn(3), g1, _gfn(5), &b2), -EINVAL);
	CHECK(count_of(p) == 2);
}

/* The attribute has a place in the entry; nobody sets it yet, so the test does. */
static void i9_private(void)
{
	struct ept_pos pos;
	struct page_info *p = ram_at(g1, &b1, 5), *q = super_at(g1, &b1, 512);

	ept_walk(g1->arch.p2m, 5, 0, &pos);
	pos.slot->e |= EPT_PRIVATE;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(5), &b0), -EINVAL);
	CHECK(count_of(p) == 1);
	ept_walk(g1->arch.p2m, 512, 0, &pos);
	pos.slot->e |= EPT_PRIVATE;
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(600), &b0), -EINVAL);
	/* It goes along when the superpage is split. */
	CHECK_RC(p2m_change_type_one(g1, _gfn(700), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(600), &b0), -EINVAL);
	CHECK(count_of(q + 88) == 1);
}

static void i9_over_what(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *own = ram_at(dom0, &b0, 10), *gp = ram_at(g2, &b2, 1);
	struct page_info *sp = alloc_shared_page(dom0);

	/* Own RAM is freed. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(10), g1, _gfn(5), &b0), 0);
	end_all();
	CHECK(!count_of(own) && !atomic64_read(&dom0->tot_pages));
	/* A hypervisor frame is unhooked. */
	CHECK_RC(p2m_add_special(dom0, _gfn(11), sp, &b0), 0);
	CHECK(count_of(sp) == 2 && sp->u.inuse.gfn == 11);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(11), g1, _gfn(5), &b0), 0);
	end_all();
	CHECK(count_of(sp) == 1 && sp->u.inuse.gfn == gfn_x(INVALID_GFN));
	/* A grant's reference is dropped. */
	CHECK_RC(p2m_add_grant(dom0, _gfn(12), gp, false, &b0), 0);
	CHECK(count_of(gp) == 2);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(12), g1, _gfn(5), &b0), 0);
	end_all();
	CHECK(count_of(gp) == 1 && count_of(p) == 4);
	/* Own memory does not go over them. */
	{
		struct page_info *n = alloc_domheap_pages(dom0, 0, 0);

		CHECK_RC(p2m_add_page(dom0, _gfn(12), page_to_mfn(n), 0, p2m_ram_rw, &b0), -ENXIO);
		CHECK_RC(p2m_add_special(dom0, _gfn(12), sp, &b0), -ENXIO);
		CHECK_RC(p2m_add_grant(dom0, _gfn(12), gp, false, &b0), -ENXIO);
		CHECK_RC(p2m_release_range(dom0, _gfn(12), 0, &b0), -ENXIO);
		CHECK(count_of(n) == 1 && count_of(sp) == 1 && count_of(gp) == 1);
		put_page(n);
	}
	put_page(sp);
}

static const struct test_case cases[] = {
	{ "I1: a foreign entry holds one reference", i1_foreign_counts },
	{ "I1: the page lives until its last mapping goes", i1_page_outlives_owner },
	{ "I1: a superpage holds one on each frame", i1_superpage_counts },
	{ "I2: the reference is dropped after the flush", i2_flush_before_put },
	{ "I2: no new owner before the flush", i2_page_with_new_owner },
	{ "I4: a split changes no translation", i4_split_keeps_all },
	{ "I4: a table is freed after flush and grace period", i4_table_freed_after_flush_and_grace },
	{ "I4: a remembered table that was unlinked is noticed", i4_cached_table_unlinked },
	{ "I5: a reference is on what the entry names", i5_reference_is_on_what_the_entry_names },
	{ "I6: long operations stop and go on", i6_everything_long_restarts },
	{ "I7: flushes when something was lost, only then, once", i7_flush_only_when_lost },
	{ "I8: of two racing adds each page is accounted for", i8_racing_adds },
	{ "I9: who may not be mapped, and who may not map", i9_refusals },
	{ "I9: private pages", i9_private },
	{ "I9: what a foreign page may be mapped over", i9_over_what },
};

int main(int argc, char **argv) { return run_cases(cases, ARRAY_SIZE(cases), argc, argv); }
