/* SPDX-License-Identifier: GPL-2.0-only */
/* Small objects: contents, alignment, misuse, what comes back to the page allocator. */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/percpu.h>
#include "host/arena.h"
#include "host/owners.h"
#include "host/tap.h"

#define FRAMES 4096UL
#define CPUS 4
#define OBJECTS 1000

static void before(void)
{
	cpu_online_map = (cpumask_t){ (1 << CPUS) - 1 };
	host_percpu_init(CPUS);
	host_arena_init(FRAMES);
	host_owners_reset();
	init_heap_pages(_mfn(1), FRAMES - 1);
}

struct object {
	u8 *p;
	size_t size;
	u8 mark;
};

/* Zero when new, own to the end: every byte is written and found again. */
static void random_step(struct object *o)
{
	if (o->p) {
		for (size_t i = 0; i < o->size; i++)
			CHECK_EQ(o->p[i], o->mark);
		xfree(o->p);
		o->p = NULL;
		return;
	}
	o->size = tap_random_below(8) ? tap_random_below(600) : tap_random_below(20000);
	o->p = xzalloc_bytes(o->size);
	CHECK(o->p && IS_ALIGNED((unsigned long)o->p, 16));
	for (size_t i = 0; i < o->size; i++)
		CHECK_EQ(o->p[i], 0);
	o->mark = (u8)tap_random();
	memset(o->p, o->mark, o->size);
}

static void objects_are_zero_and_do_not_overlap(void)
{
	static struct object o[OBJECTS];

	for (unsigned long i = 0; i < tap_rounds(20000); i++)
		random_step(&o[tap_random_below(OBJECTS)]);
	for (unsigned int i = 0; i < OBJECTS; i++)
		if (o[i].p)
			random_step(&o[i]);
	/* No slab is kept. */
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static void sizes_that_overflow_are_refused(void)
{
	CHECK(!xzalloc_bytes_n(1UL << 33, 1UL << 33));
	CHECK(!xzalloc_bytes(~0UL));
	CHECK(!xzalloc_bytes(GB(2)));
	CHECK(xzalloc_bytes(0));
	CHECK(xzalloc_array(u64, 0));
	xfree(NULL);
}

static void running_out_gives_null(void)
{
	unsigned long n = 0;

	while (xzalloc_bytes(1000))
		n++;
	CHECK(n > (FRAMES - 40) * 4);
	CHECK(!xzalloc_bytes(1000));
}

static void freeing_what_is_no_object_is_a_bug(void)
{
	char *p = xzalloc_bytes(100);

	CHECK_PANICS(xfree(p + 8));
}

static void writing_to_a_freed_object_is_found(void)
{
	char *p = xzalloc_bytes(100), *q = xzalloc_bytes(100);

	xfree(p);
	p[50] = 1;
	CHECK(q);
	CHECK_PANICS(xzalloc_bytes(100));
}

static void churn(unsigned int cpu)
{
	static struct object o[CPUS][100];

	host_cpu = cpu;
	for (unsigned long i = 0; i < tap_rounds(3000); i++)
		random_step(&o[cpu][tap_random_below(100)]);
	for (unsigned int i = 0; i < 100; i++)
		if (o[cpu][i].p)
			random_step(&o[cpu][i]);
}

static void several_cpus_share_the_slabs(void)
{
	host_threads(CPUS, churn);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

static const struct unit_case cases[] = {
	CASE(objects_are_zero_and_do_not_overlap),
	CASE(sizes_that_overflow_are_refused),
	CASE(running_out_gives_null),
	CASE(freeing_what_is_no_object_is_a_bug),
	CASE(writing_to_a_freed_object_is_found),
	CASE(several_cpus_share_the_slabs),
};
TAP_MAIN(cases, before);
