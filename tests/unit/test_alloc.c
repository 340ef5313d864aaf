/* SPDX-License-Identifier: GPL-2.0-only */
/* The page allocator: a randomised comparison with a model, and cases worth a name. */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/percpu.h>
#include <xen/sched.h>
#include "host/arena.h"
#include "host/owners.h"
#include "host/tap.h"

#define FRAMES 8192UL
#define CPUS 3

/* Who has a frame, by the model: 0 the allocator, else a number of the test's. */
static u8 holder[FRAMES];

static void start(unsigned long frames)
{
	host_cpu = 0;
	cpu_online_map = (cpumask_t){ (1 << CPUS) - 1 };
	host_percpu_init(CPUS);
	host_arena_init(frames);
	host_owners_reset();
}

/* What most cases begin with. */
static void all_ram(void)
{
	start(FRAMES);
	init_heap_pages(_mfn(0), FRAMES);
	memset(holder, 0, sizeof(holder));
	holder[0] = 255;
}

static unsigned long frame_of(const struct page_info *p) { return mfn_x(page_to_mfn(p)); }

static bool is_zero(const struct page_info *p)
{
	const u64 *w = page_to_virt(p);

	for (size_t i = 0; i < PAGE_SIZE / sizeof(*w); i++)
		if (w[i])
			return false;
	return true;
}

static void scribble(struct page_info *p, unsigned int order)
{
	memset(page_to_virt(p), 0xa5, PAGE_SIZE << order);
}

static void scrub_all(void)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		host_cpu = cpu;
		while (scrub_free_pages())
			;
	}
	host_cpu = 0;
}

/* ---- the model ---- */

struct block {
	struct page_info *p;
	unsigned int order;
};
#define BLOCKS 400
static struct block blocks[BLOCKS];

static void model_take(struct block *b, unsigned int flags)
{
	unsigned int bits = flags >> 24;
	unsigned long f = frame_of(b->p), n = 1UL << b->order;

	CHECK(IS_ALIGNED(f, n));
	CHECK(f + n <= FRAMES);
	if (bits)
		CHECK(f + n <= BIT(bits) >> PAGE_SHIFT);
	for (unsigned long i = 0; i < n; i++) {
		CHECK_EQ(holder[f + i], 0);
		holder[f + i] = 1;
		CHECK_EQ(page_count(b->p + i), 1);
		CHECK_EQ(page_owner_id(b->p + i), DOMID_XEN);
		if (!(flags & MEMF_no_scrub))
			CHECK(is_zero(b->p + i));
	}
}

static void model_give(struct block *b)
{
	unsigned long f = frame_of(b->p);

	for (unsigned long i = 0; i < 1UL << b->order; i++) {
		CHECK_EQ(holder[f + i], 1);
		holder[f + i] = 0;
	}
}

/* True if the model has an aligned free run, so that the allocator must find it too. */
static bool model_has(unsigned int order, unsigned long limit)
{
	unsigned long n = 1UL << order;

	for (unsigned long f = 0; f + n <= limit; f += n) {
		unsigned long i = 0;

		while (i < n && !holder[f + i])
			i++;
		if (i == n)
			return true;
	}
	return false;
}

static void random_alloc(struct block *b)
{
	unsigned int bits = tap_random_below(8) ? 0 : 22 + (unsigned int)tap_random_below(4);
	unsigned int flags = MEMF_bits(bits) | (tap_random_below(3) ? 0 : MEMF_no_scrub);
	unsigned long limit = bits ? min(FRAMES, BIT(bits) >> PAGE_SHIFT) : FRAMES;

	b->order = tap_random_below(3) ? 0 : (unsigned int)tap_random_below(11);
	b->p = alloc_pages(b->order, flags);
	if (b->p) {
		model_take(b, flags);
		scribble(b->p, b->order);
	} else {
		CHECK(!model_has(b->order, limit));
	}
}

static void random_operations_agree_with_a_model(void)
{
	all_ram();
	memset(blocks, 0, sizeof(blocks));
	for (unsigned long round = 0; round < tap_rounds(20000); round++) {
		struct block *b = &blocks[tap_random_below(BLOCKS)];
		unsigned long held = 0;

		host_cpu = (unsigned int)tap_random_below(CPUS);
		if (!tap_random_below(4))
			scrub_free_pages();
		if (b->p) {
			model_give(b);
			free_pages(b->p, b->order);
			b->p = NULL;
		} else {
			random_alloc(b);
		}
		if (round % 256)
			continue;
		for (unsigned long f = 0; f < FRAMES; f++)
			held += holder[f] != 0;
		CHECK_EQ(free_page_count(), FRAMES - held);
	}
	for (unsigned int i = 0; i < BLOCKS; i++)
		if (blocks[i].p)
			free_pages(blocks[i].p, blocks[i].order);
	CHECK_EQ(free_page_count(), FRAMES - 1);
}

/* ---- single properties ---- */

static void every_frame_but_the_first_can_be_had(void)
{
	unsigned long n = 0;

	all_ram();
	for (struct page_info *p; (p = alloc_pages(0, MEMF_no_scrub)); n++)
		CHECK_EQ(holder[frame_of(p)]++, 0);
	CHECK_EQ(n, FRAMES - 1);
	CHECK_EQ(free_page_count(), 0);
}

static void memory_joins_again_after_all_is_freed(void)
{
	static struct page_info *p[FRAMES];

	all_ram();
	scrub_all();
	for (unsigned long i = 0; i < FRAMES - 1; i++) {
		host_cpu = (unsigned int)(i % CPUS);
		p[i] = alloc_pages(0, MEMF_no_scrub);
	}
	for (unsigned long i = 0; i < FRAMES - 1; i++) {
		host_cpu = (unsigned int)(i * 7 % CPUS);
		put_page(p[i]);
	}
	host_cpu = 0;
	/* The upper half is one block of 2^12. */
	CHECK(alloc_pages(12, MEMF_no_scrub));
}

static void clean_and_dirty_parts_make_a_large_block(void)
{
	static struct page_info *p[FRAMES];
	unsigned long n = 0;

	all_ram();
	while ((p[n] = alloc_pages(0, MEMF_no_scrub)))
		n++;
	for (unsigned long i = 0; i < n; i++) {
		put_page(p[i]);
		if (i % 3)
			scrub_free_pages();
	}
	CHECK(alloc_pages(12, 0));
}

static void clean_frames_are_taken_first(void)
{
	struct page_info *p;

	all_ram();
	scrub_all();
	CHECK_EQ(dirty_page_count(), 0);
	p = alloc_pages(5, 0);
	scribble(p, 5);
	free_pages(p, 5);
	CHECK_EQ(dirty_page_count(), 32);
	for (unsigned int i = 0; i < 100; i++) {
		CHECK(alloc_pages(0, 0));
		CHECK(alloc_pages(4, 0));
	}
	CHECK_EQ(dirty_page_count(), 32);
}

static void unscrubbed_allocations_spare_clean_frames(void)
{
	struct page_info *p;

	all_ram();
	scrub_all();
	p = alloc_pages(8, 0);
	free_pages(p, 8);
	CHECK_EQ(dirty_page_count(), 256);
	CHECK(alloc_pages(6, MEMF_no_scrub));
	CHECK(alloc_pages(0, MEMF_no_scrub));
	CHECK_EQ(dirty_page_count(), 256 - 64 - 1);
}

static void idle_scrubbing_ends_and_counts_stay(void)
{
	unsigned long calls = 0;

	all_ram();
	for (unsigned long f = 1; f < FRAMES; f++)
		memset(mfn_to_virt(_mfn(f)), 0x5a, 64);
	CHECK_EQ(dirty_page_count(), FRAMES - 1);
	while (scrub_free_pages()) {
		CHECK_EQ(free_page_count(), FRAMES - 1);
		CHECK(++calls < FRAMES);
	}
	CHECK_EQ(dirty_page_count(), 0);
	for (unsigned long f = 1; f < FRAMES; f++)
		CHECK(is_zero(mfn_to_page(_mfn(f))));
}

static unsigned int scrubbers_done;

/* CPU 0 counts while the others scrub: lists, and their own caches, which frames of theirs got dirty. */
static void count_or_scrub(unsigned int cpu)
{
	struct page_info *p[16];

	host_cpu = cpu;
	if (cpu) {
		while (scrub_free_pages())
			;
		__atomic_fetch_add(&scrubbers_done, 1, __ATOMIC_RELEASE);
		return;
	}
	do {
		/* This CPU's own frames come and go between two counts. */
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
			p[i] = alloc_pages(0, MEMF_no_scrub);
		CHECK_EQ(free_page_count(), FRAMES - 1 - ARRAY_SIZE(p));
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++)
			free_pages(p[i], 0);
		CHECK_EQ(free_page_count(), FRAMES - 1);
	} while (__atomic_load_n(&scrubbers_done, __ATOMIC_ACQUIRE) < CPUS - 1);
}

static void the_count_is_exact_while_others_scrub(void)
{
	static struct page_info *p[FRAMES];

	all_ram();
	for (unsigned int round = 0; round < 20; round++) {
		/* All dirty again, and every cache full of such frames. */
		for (unsigned long i = 1; i < FRAMES; i++)
			CHECK((p[i] = alloc_pages(0, MEMF_no_scrub)));
		for (unsigned long i = 1; i < FRAMES; i++) {
			host_cpu = (unsigned int)(i % CPUS);
			free_pages(p[i], 0);
		}
		host_cpu = 0;
		scrubbers_done = 0;
		host_threads(CPUS, count_or_scrub);
	}
}

static void what_other_cpus_cached_is_found(void)
{
	static struct page_info *p[FRAMES];
	unsigned long n = 0;

	all_ram();
	while ((p[n] = alloc_pages(0, MEMF_no_scrub)))
		n++;
	host_cpu = 1;
	for (unsigned int i = 0; i < 20; i++)
		put_page(p[i]);
	host_cpu = 2;
	for (unsigned int i = 0; i < 20; i++)
		CHECK(alloc_pages(0, 0));
	CHECK(!alloc_pages(0, 0));
}

static void orders_beyond_the_largest_are_refused(void)
{
	all_ram();
	CHECK(!alloc_pages(MAX_PAGE_ORDER + 1, 0));
	CHECK(!alloc_pages(MAX_PAGE_ORDER, 0));
	CHECK(!alloc_pages(~0U, 0));
	CHECK(!alloc_domheap_pages(&host_owner[1], 63, 0));
	CHECK_EQ(atomic64_read(&host_owner[1].tot_pages), 0);
}

/* A machine of 6 GiB of which only some frames are ever touched. */
static void narrow_addresses_are_kept_for_those_who_need_them(void)
{
	unsigned long four_gib = GB(4) >> PAGE_SHIFT;
	struct page_info *p;

	start(GB(6) >> PAGE_SHIFT);
	init_heap_pages(_mfn(1), 1000);
	init_heap_pages(_mfn(four_gib - 512), 512);
	init_heap_pages(_mfn(four_gib), 600);
	for (unsigned int i = 0; i < 500; i++)
		CHECK(frame_of(alloc_pages(0, MEMF_no_scrub)) >= four_gib);
	p = alloc_pages(0, MEMF_bits(32));
	CHECK(frame_of(p) < four_gib && frame_of(p) >= four_gib - 512);
	p = alloc_pages(3, MEMF_bits(20));
	CHECK(frame_of(p) < 256);
	/* Blocks do not join across the border. */
	CHECK(!alloc_pages(10, 0));
}

static void a_node_is_preferred_not_insisted_on(void)
{
	struct page_info *p;

	start(3 * 4096);
	heap_set_node(_mfn(8192), 4096, 1);
	init_heap_pages(_mfn(4096), 8192);
	p = alloc_pages(4, MEMF_node(1));
	CHECK_EQ(p->node, 1);
	CHECK(frame_of(p) >= 8192);
	CHECK(frame_of(alloc_pages(4, MEMF_node(0))) < 8192);
	for (unsigned int i = 0; i < 15; i++)
		CHECK(alloc_pages(8, MEMF_node(1) | MEMF_no_scrub));
	CHECK_EQ(alloc_pages(8, MEMF_node(1) | MEMF_no_scrub)->node, 0);
}

static void xenheap_memory_is_zero(void)
{
	all_ram();
	for (unsigned int i = 0; i < 50; i++) {
		u8 *v = alloc_xenheap_pages(1, MEMF_no_scrub);

		CHECK(is_zero(virt_to_page(v)) && is_zero(virt_to_page(v) + 1));
		memset(v, 1, 2 * PAGE_SIZE);
		free_xenheap_pages(v, 1);
	}
	free_xenheap_pages(NULL, 0);
}

/* ---- claims ---- */

static void claims_keep_memory_from_others(void)
{
	struct domain *a = &host_owner[1], *b = &host_owner[2];
	unsigned long all;

	all_ram();
	all = free_page_count();
	CHECK_EQ(domain_set_outstanding_pages(a, all + 1), -ENOMEM);
	CHECK_EQ(domain_set_outstanding_pages(a, all - 10), 0);
	CHECK_EQ(outstanding_claims_total(), all - 10);
	CHECK_EQ(domain_set_outstanding_pages(a, 5), -EINVAL);
	CHECK_EQ(domain_set_outstanding_pages(b, 11), -ENOMEM);
	CHECK(!alloc_domheap_pages(b, 4, 0));
	CHECK_EQ(atomic64_read(&b->tot_pages), 0);
	CHECK(alloc_domheap_pages(b, 3, 0));
	CHECK(!alloc_domheap_pages(b, 2, 0));
	CHECK(alloc_domheap_pages(a, 9, 0));
	CHECK_EQ(outstanding_claims_total(), all - 10 - 512);
	CHECK_EQ(domain_set_outstanding_pages(a, 0), 0);
	CHECK_EQ(outstanding_claims_total(), 0);
	CHECK(alloc_domheap_pages(b, 9, 0));
}

static void a_claim_survives_an_allocation_that_fails(void)
{
	struct domain *a = &host_owner[1];

	all_ram();
	CHECK_EQ(domain_set_outstanding_pages(a, 4096), 0);
	/* There is no block that large. */
	CHECK(!alloc_domheap_pages(a, MAX_PAGE_ORDER, 0));
	CHECK(!alloc_domheap_pages(a, 12, MEMF_bits(22)));
	CHECK_EQ(outstanding_claims_total(), 4096);
}

static void claims_count_what_the_domain_has(void)
{
	struct domain *a = &host_owner[1];

	all_ram();
	a->max_pages = 100;
	CHECK(alloc_domheap_pages(a, 4, 0));
	CHECK_EQ(domain_set_outstanding_pages(a, 16), -EINVAL);
	CHECK_EQ(domain_set_outstanding_pages(a, 101), -EINVAL);
	CHECK_EQ(domain_set_outstanding_pages(a, 100), 0);
	CHECK_EQ(a->outstanding_pages, 84);
	for (unsigned int i = 0; i < 84; i++)
		CHECK(alloc_domheap_pages(a, 0, 0));
	CHECK_EQ(a->outstanding_pages, 0);
	CHECK(!alloc_domheap_pages(a, 0, 0));
}

static const struct unit_case cases[] = {
	CASE(random_operations_agree_with_a_model),
	CASE(every_frame_but_the_first_can_be_had),
	CASE(memory_joins_again_after_all_is_freed),
	CASE(clean_and_dirty_parts_make_a_large_block),
	CASE(clean_frames_are_taken_first),
	CASE(unscrubbed_allocations_spare_clean_frames),
	CASE(idle_scrubbing_ends_and_counts_stay),
	CASE(the_count_is_exact_while_others_scrub),
	CASE(what_other_cpus_cached_is_found),
	CASE(orders_beyond_the_largest_are_refused),
	CASE(narrow_addresses_are_kept_for_those_who_need_them),
	CASE(a_node_is_preferred_not_insisted_on),
	CASE(xenheap_memory_is_zero),
	CASE(claims_keep_memory_from_others),
	CASE(a_claim_survives_an_allocation_that_fails),
	CASE(claims_count_what_the_domain_has),
};
TAP_MAIN(cases, NULL);
