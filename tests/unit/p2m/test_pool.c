/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames for tables: what a domain sets aside, uses, and gives back. */
#include "cases.h"

#define FAR (1UL << 30)

static unsigned long aside(const struct domain *d) { return d->arch.p2m->pool_free; }
static unsigned long tables(const struct domain *d) { return (unsigned long)atomic64_read(&d->arch.p2m->pool_used); }

/* Three tables: 1G, 2M and 4K. */
static void need_tables(struct domain *d, unsigned long gfn)
{
	CHECK_RC(p2m_change_type_one(d, _gfn(gfn), p2m_invalid, p2m_mmio_dm), 0);
}

static void size_of_a_pool(void)
{
	unsigned long free = host_frames_in_use();

	CHECK(p2m_get_pool(g1) == ~0UL && !aside(g1));
	CHECK_RC(p2m_set_pool(g1, 200), 0);
	CHECK(p2m_get_pool(g1) == 200 && aside(g1) == 199 && tables(g1) == 1);
	CHECK(host_frames_in_use() == free + 199);
	/* Tables come from what is set aside, and return to it. */
	need_tables(g1, FAR);
	CHECK(tables(g1) == 4 && aside(g1) == 196 && host_frames_in_use() == free + 199);
	/* Less, and less than is used; more; and without a limit, where nothing is set aside in advance. */
	CHECK_RC(p2m_set_pool(g1, 50), 0);
	CHECK(p2m_get_pool(g1) == 50 && aside(g1) == 46);
	CHECK_RC(p2m_set_pool(g1, 0), 0);
	CHECK(p2m_get_pool(g1) == 4 && !aside(g1) && host_frames_in_use() == free + 3);
	CHECK_RC(p2m_change_type_one(g1, _gfn(2 * FAR), p2m_invalid, p2m_mmio_dm), -ENOMEM);
	CHECK_RC(p2m_set_pool(g1, 7), 0);
	need_tables(g1, 2 * FAR);
	CHECK_RC(p2m_set_pool(g1, ~0UL), 0);
	need_tables(g1, 3 * FAR);
	CHECK(tables(g1) == 10 && !aside(g1));
	g2->is_dying = DOMDYING_dying;
	CHECK_RC(p2m_set_pool(g2, 10), -EINVAL);
}

static void pools_give_way(void)
{
	unsigned int calls;

	/* Somebody waits: 64 frames a call, and each call gets further. */
	per_cpu__softirq_pending_bits = 1;
	for (calls = 1; p2m_set_pool(g1, 400) == -ERESTART; calls++)
		CHECK(calls < 10);
	CHECK(calls == 7 && aside(g1) == 399 && p2m_get_pool(g1) == 400);
	for (calls = 1; p2m_set_pool(g1, 1) == -ERESTART; calls++)
		CHECK(calls < 10);
	CHECK(calls == 7 && !aside(g1) && p2m_get_pool(g1) == 1);
	/* dom0's, before it runs, does not. */
	CHECK_RC(p2m_preallocate(dom0, 300), 0);
	CHECK(aside(dom0) == 300);
	/* Nor does the end of a domain before its pool is empty. */
	CHECK_RC(p2m_set_pool(g2, 10), 0);
	per_cpu__softirq_pending_bits = 0;
	CHECK_RC(p2m_set_pool(g2, 300), 0);
	g2->is_dying = DOMDYING_dying;
	per_cpu__softirq_pending_bits = 1;
	for (calls = 1; p2m_teardown(g2) == -ERESTART; calls++)
		CHECK(calls < 1000);
	CHECK(calls > 4 && !aside(g2));
}

static void pools_without_memory(void)
{
	unsigned long free = host_frames_in_use();

	/* The first one: nothing remains of the try. */
	host_fail_after = 50;
	CHECK_RC(p2m_set_pool(g1, 100), -ENOMEM);
	CHECK(!aside(g1) && p2m_get_pool(g1) == ~0UL && host_frames_in_use() == free);
	/* A larger one: the old one remains. */
	host_fail_after = 0;
	CHECK_RC(p2m_set_pool(g1, 100), 0);
	need_tables(g1, FAR);
	per_cpu__softirq_pending_bits = 1;
	host_fail_after = 100;
	CHECK_RC(p2m_set_pool(g1, 300), -ERESTART);
	CHECK_RC(p2m_set_pool(g1, 300), -ENOMEM);
	CHECK(aside(g1) == 96 && p2m_get_pool(g1) == 100 && host_frames_in_use() == free + 99);
	host_fail_after = 1;
	CHECK_RC(p2m_preallocate(dom0, 10), -ENOMEM);
	host_fail_after = 0;
	/* A frame that cannot be replaced is missed, and no more. */
	super_at(g2, &b2, 512);
	CHECK_RC(p2m_set_pool(g2, 20), 0);
	CHECK_RC(p2m_change_type_one(g2, _gfn(600), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK(tables(g2) == 4 && aside(g2) == 16);
	CHECK_RC(p2m_release_range(g2, _gfn(512), 9, &b2), 0);
	host_fail_after = 1;
	end_all();
	host_fail_after = 0;
	CHECK(tables(g2) == 3 && aside(g2) == 16);
	/* With memory it is replaced. */
	need_tables(g2, 512);
	CHECK(tables(g2) == 4 && aside(g2) == 15);
	CHECK_RC(p2m_change_type_one(g2, _gfn(512), p2m_mmio_dm, p2m_invalid), 0);
	CHECK(ept_collapse(g2->arch.p2m, 512, 1, 0, &b2));
	end_all();
	CHECK(tables(g2) == 3 && aside(g2) == 16);
}

/* A table that lost the race, or was made in vain, goes where it came from. */
static struct domain *raced;
static void other_cpu(void)
{
	host_alloc_hook = NULL;
	need_tables(raced, 5);
}

static void tables_that_nobody_saw(void)
{
	unsigned long used;

	raced = g1;
	host_heap_unlocked(true);
	used = host_frames_in_use();
	host_alloc_hook = other_cpu;
	need_tables(g1, 6);
	CHECK(tables(g1) == 4 && host_frames_in_use() == used + 3);
	/* The same with frames set aside. */
	raced = g2;
	CHECK_RC(p2m_set_pool(g2, 4), 0);
	p2m_set_pool(g2, ~0UL);
	need_tables(g2, 6);
	CHECK(tables(g2) == 4 && !aside(g2));
}

static void dying_domains_take_none(void)
{
	unsigned long allocations;

	CHECK_RC(p2m_set_pool(g1, 100), 0);
	for (unsigned long i = 1; i < 20; i++)
		need_tables(g1, i << 18);
	CHECK(tables(g1) > 20);
	g1->is_dying = DOMDYING_dying;
	/* Tables that go while it dies are not replaced, neither before teardown has come to the pool ... */
	allocations = host_allocations;
	CHECK_RC(p2m_change_type_one(g1, _gfn(1 << 18), p2m_mmio_dm, p2m_invalid), -EINVAL);
	per_cpu__softirq_pending_bits = 1;
	while (p2m_teardown(g1) == -ERESTART)
		host_quiescent();
	/* ... nor afterwards. */
	CHECK(host_allocations == allocations && !aside(g1) && tables(g1) == 1);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "a pool has the size it was given", size_of_a_pool },
		{ "growing, shrinking and draining give way", pools_give_way },
		{ "without memory the old size stays", pools_without_memory },
		{ "tables that nobody saw go back at once", tables_that_nobody_saw },
		{ "a dying domain takes no frames", dying_domains_take_none },
	};

	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
