/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two vCPUs at the same foreign mappings: one adds, the other removes, replaces, takes the page away
 * from under it, or kills the domain. Whatever the order, every call has one of the answers it may
 * have, and at the end every page is back.
 */
#include <stubdom/cpu.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include "errors.h"
#include "target.h"

#define ROUNDS 400u
#define GFNS   4u

static uint64_t win; /* own gfns that both fight for */
static uint64_t free_before, own_before;

/* What the second vCPU does in a loop, until it is told to stop or has done its rounds. */
struct job {
	void (*step)(unsigned int round);
	volatile bool stop;
	volatile unsigned int done;
};

static struct job other;
static long bad_answer; /* one that no order of the calls explains */

static void run_job(void *arg)
{
	struct job *j = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS && !j->stop; i++) {
		j->step(i);
		j->done = i + 1;
	}
}

static void answer(long rc, bool may_be)
{
	if (rc && !may_be)
		bad_answer = rc;
}

/* A foreign map: over another foreign page it is a replacement, which Xen refuses. */
static void map(uint64_t idx, uint64_t gfn)
{
	long rc = map_one(target, idx, gfn);

	answer(rc, on_xen && rc == -ENXIO);
}

static void unmap(uint64_t gfn)
{
	long rc = foreign_unmap(gfn, 1);

	/* Xen looks twice, and has an error for what changed in between. */
	answer(rc, rc == -ENOENT || rc == -EINVAL || (on_xen && rc == -EILSEQ));
}

static void map_step(unsigned int round) { map(round % 8, win + round % GFNS); }

static void other_map_step(unsigned int round) { map(100 + round % 8, win + round % GFNS); }

static void unmap_step(unsigned int round) { unmap(win + round % GFNS); }

static void mixed_step(unsigned int round)
{
	if (round % 3)
		map(round % 16, win + round % GFNS);
	else
		unmap(win + round / 3 % GFNS);
}

static void batch_step(unsigned int round)
{
	xen_ulong_t idx[8];
	xen_pfn_t gfns[8];
	unsigned int i;
	int errs[8];
	long rc;

	for (i = 0; i < 8; i++) {
		idx[i] = (round + i) % 32;
		gfns[i] = win + (round + i) % GFNS;
		errs[i] = 0;
	}
	rc = foreign_map_batch(target, idx, gfns, errs, 8);
	answer(rc, false);
	for (i = 0; i < 8; i++)
		answer(errs[i], on_xen && errs[i] == -ENXIO);
}

/* The page goes, and another comes in its place. */
static void decrease_step(unsigned int round)
{
	uint64_t idx = round % 8;

	domain_depopulate(target, idx, 1, 0);
	if (domain_populate(target, idx, 1, 0) != 1)
		bad_answer = 1;
}

static void map_what_may_be_gone(unsigned int round)
{
	long rc = map_one(target, round % 8, win + round % GFNS);

	answer(rc, rc == -EINVAL || (on_xen && rc == -ENXIO));
	if (round & 1)
		unmap(win + round / 2 % GFNS);
}

static void populate_own_step(unsigned int round)
{
	uint64_t gfn = win + round % GFNS;

	domain_populate(DOMID_SELF, gfn, 1, 0);
	domain_depopulate(DOMID_SELF, gfn, 1, 0);
}

static bool begin(void)
{
	if (!CHECK_EQ(cpu_start(1), 0))
		return false;
	free_before = host_free_settled();
	own_before = domain_pages(0);
	target_create();
	bad_answer = 0;
	return CHECK(target != 0);
}

/* Both run their steps; then nothing is mapped any more, and every count is as it was. */
static void together(void (*mine)(unsigned int), void (*theirs)(unsigned int))
{
	unsigned int i;

	other = (struct job){ .step = theirs };
	cpu_run(1, run_job, &other);
	for (i = 0; i < ROUNDS || (other.done < ROUNDS && i < 100 * ROUNDS); i++) {
		if (mine)
			mine(i);
		/* On one CPU the other one's turn would come every 30 ms only. */
		if (i % 8 == 7)
			hc_sched_op(SCHEDOP_yield, NULL);
	}
	other.stop = true;
	CHECK(cpu_wait(1, 5000));
	CHECK(other.done > 0);
	CHECK_EQ(bad_answer, 0);
}

static void end(void)
{
	unsigned int i;

	for (i = 0; i < GFNS; i++)
		foreign_unmap(win + i, 1);
	if (target)
		CHECK_EQ(domain_pages(target), TARGET_PAGES);
	target_destroy();
	CHECK_EQ(domain_pages(0), own_before);
	CHECK_EQ(host_free_wait(free_before, 200), free_before);
}

#define RACE(name, mine, theirs)                \
	static void name(void)                  \
	{                                       \
		if (!begin())                   \
			return;                 \
		together(mine, theirs);         \
		end();                          \
	}

RACE(two_map, map_step, other_map_step)
RACE(map_and_unmap, map_step, unmap_step)
RACE(both_mixed, mixed_step, mixed_step)
RACE(two_batches, batch_step, batch_step)
RACE(batch_and_unmap, batch_step, unmap_step)
RACE(pages_go, map_what_may_be_gone, decrease_step)
RACE(populate_and_map, map_step, populate_own_step)

static domid_t victim;

/* Maps from a domain until it is refused because that is dying. */
static void map_until_dead(unsigned int round)
{
	long rc = map_one(victim, round % 32, win + round % GFNS);

	answer(rc, rc == -EINVAL || rc == -ESRCH || (on_xen && rc == -ENXIO));
	if (round % 3 == 2)
		unmap(win + round % GFNS);
}

static void the_domain_dies(void)
{
	unsigned int i, n;

	if (!begin())
		return;
	for (n = 0; n < 12; n++) {
		if (!CHECK_EQ(domain_create(&victim, 1, 256), 0))
			break;
		CHECK_EQ(domain_populate(victim, 0, 32, 0), 32);
		other = (struct job){ .step = map_until_dead };
		cpu_run(1, run_job, &other);
		for (i = 0; other.done < 3 * n && i < 1000; i++)
			hc_sched_op(SCHEDOP_yield, NULL);
		CHECK_EQ(domain_destroy(victim), 0);
		other.stop = true;
		CHECK(cpu_wait(1, 5000));
		for (i = 0; i < GFNS; i++)
			foreign_unmap(win + i, 1);
		CHECK(domain_wait_gone(victim, 2000));
	}
	CHECK_EQ(bad_answer, 0);
	end();
}

static void setup(void)
{
	if (!win)
		win = hole_gfn_alloc(GFNS, 1);
}

static void teardown(void)
{
	if (cpus[1].online && !cpu_stop(1))
		tap_note("the second vCPU does not stop");
}

static const struct test tests[] = {
	{ "two map at the same gfns", two_map, TEST_DOM0 | TEST_SMP },
	{ "one maps, one unmaps", map_and_unmap, TEST_DOM0 | TEST_SMP },
	{ "both map, replace and unmap", both_mixed, TEST_DOM0 | TEST_SMP },
	{ "two batches over each other", two_batches, TEST_DOM0 | TEST_SMP },
	{ "a batch, and unmaps", batch_and_unmap, TEST_DOM0 | TEST_SMP },
	{ "the foreign domain's pages go and come", pages_go, TEST_DOM0 | TEST_SMP },
	{ "own pages come and go there", populate_and_map, TEST_DOM0 | TEST_SMP | TEST_NOT_XEN },
	{ "the foreign domain dies", the_domain_dies, TEST_DOM0 | TEST_SMP },
};

AREA(race, "race", tests, setup, teardown);
