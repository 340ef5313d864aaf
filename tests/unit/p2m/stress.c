/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Threads that race on the same gfns: stress [-s SEED] [-r ROUNDS] [-n OPERATIONS a thread and round].
 * In each round one domain dies in the middle of it. Afterwards every count must be what the trees say,
 * and in the end nothing may be left. Built with TSan by `make check`, and once without, for more rounds.
 */
#include "host.h"
#include <pthread.h>

#define THREADS 4U
#define DOMAINS 3U
#define GFNS 2048U
#define SPECIALS 2U

static struct domain *dom[DOMAINS];
static struct page_info *special[DOMAINS][SPECIALS];
static unsigned long round_ops = 2000;
static u64 seed = 1;
static unsigned int victim;
static pthread_barrier_t start_line;
static u16 refs[HOST_BLOCK_BASE + HOST_BLOCKS * 512];
static unsigned long done[16];

struct job {
	pthread_t thread;
	struct rng rng;
	unsigned int cpu;
};

/* Few gfns, so that all collide; sometimes anywhere in four 2M regions. */
static gfn_t some_gfn(struct rng *r)
{
	return _gfn(rng_below(r, 8) ? rng_below(r, 6) : rng_below(r, GFNS));
}

static void add_ram(struct domain *d, gfn_t gfn, unsigned int order, struct p2m_batch *b)
{
	struct page_info *page = alloc_domheap_pages(d, order, 0);

	if (page && p2m_add_page(d, gfn, page_to_mfn(page), order, p2m_ram_rw, b))
		for (unsigned long i = 0; i < 1UL << order; i++)
			put_page(page + i);
}

static void add_grant(struct domain *d, gfn_t gfn, struct domain *f, gfn_t fgfn, struct p2m_batch *b)
{
	enum p2m_type t;
	struct page_info *page = get_page_from_gfn(f, fgfn, &t, P2M_ALLOC);
	int rc = 0;

	if (page && p2m_is_ram(t))
		rc = p2m_add_grant(d, gfn, page, false, b);
	(void)rc;
	if (page)
		put_page(page);
}

static int no_bits(void *arg, unsigned long first, const void *bytes, size_t n) { return 0; }

/* Operations that callers serialise in the hypervisor (domctls): one thread does them. */
static void serial_op(struct rng *r, struct domain *d)
{
	unsigned long n = 0;
	u64 dirty, faults;
	int rc = 0;

	switch (rng_below(r, 4)) {
	case 0: rc = p2m_logdirty_enable(d, true); break;
	case 1: rc = p2m_logdirty_disable(d); break;
	case 2: rc = p2m_logdirty_read(d, true, GFNS, &n, no_bits, NULL, &dirty, &faults); break;
	case 3: rc = p2m_pod_set_target(d, (u64)atomic64_read(&d->tot_pages) + 8); break;
	}
	(void)rc;
}

static void one_op(struct job *j)
{
	struct rng *r = &j->rng;
	struct domain *d = dom[rng_below(r, DOMAINS)], *f = dom[rng_below(r, DOMAINS)];
	gfn_t g = some_gfn(r), h = some_gfn(r);
	unsigned int op = rng_below(r, 16);
	struct p2m_batch b;
	unsigned long n;
	int rc = 0;

	p2m_batch_init(&b, d);
	__atomic_fetch_add(&done[op], 1, __ATOMIC_RELAXED);
	switch (op) {
	case 0: add_ram(d, g, 0, &b); break;
	case 1: add_ram(d, _gfn(gfn_x(g) & ~511UL), rng_below(r, 8) ? 3 : 9, &b); break;
	case 2:
	case 3: rc = p2m_add_foreign(d, g, f, h, &b); break;
	case 4:
	case 5: rc = p2m_remove_from_physmap(d, g, &b); break;
	case 6: rc = p2m_release_range(d, g, rng_below(r, 4) ? 0 : rng_below(r, 10), &b); break;
	case 7: rc = p2m_move_page(d, g, h, &b); break;
	case 8: rc = p2m_add_special(d, g, special[(d == dom[1]) + 2 * (d == dom[2])]
				     [rng_below(r, SPECIALS)], &b); break;
	case 9: add_grant(d, g, f, h, &b); break;
	case 10: rc = p2m_remove_from_physmap(d, h, &b); break;
	case 11: (void)p2m_handle_fault(d, g, rng_below(r, 2), false); break;
	case 12: rc = p2m_change_type_range(d, g, 1 + rng_below(r, 64), p2m_ram_rw, p2m_ram_ro, &n); break;
	case 13: rc = p2m_pod_set_range(d, g, rng_below(r, 4)); break;
	case 14: rc = p2m_change_type_range(d, g, 1 + rng_below(r, 64), p2m_ram_ro, p2m_ram_rw, &n); break;
	case 15:
		if (!j->cpu)
			serial_op(r, d);
		else if (rng_below(r, 2))
			rc = p2m_set_mmio(d, g, _mfn(HOST_MMIO_BASE + gfn_x(g)), 1 + rng_below(r, 4), &n);
		else
			rc = p2m_clear_mmio(d, g, _mfn(HOST_MMIO_BASE + gfn_x(g)), 1 + rng_below(r, 4), &n);
		break;
	}
	(void)rc;
	host_touch(d, j->cpu, gfn_x(g), rng_below(r, 2));
	p2m_batch_flush(&b);
	if (host_locks_held())
		host_fail("lock held after operation %u", op);
	host_quiescent();
}

static void *run(void *arg)
{
	struct job *j = arg;

	host_thread_start(j->cpu);
	pthread_barrier_wait(&start_line);
	for (unsigned long i = 0; i < round_ops; i++) {
		if (j->cpu == THREADS - 1 && i == round_ops / 2) {
			/* As domain_kill() does: dying first, then piece by piece. */
			__atomic_store_n(&dom[victim]->is_dying, DOMDYING_dying, __ATOMIC_SEQ_CST);
			while (p2m_teardown(dom[victim]) == -ERESTART)
				host_quiescent();
		}
		one_op(j);
	}
	host_thread_stop();
	return NULL;
}

static void count_refs(const struct domain *d)
{
	for (unsigned long g = 0; g < GFNS; g++) {
		struct host_leaf leaf = host_walk(d, g);
		ept_t e = { leaf.e };

		if (p2m_is_referenced(ept_type(e)))
			refs[mfn_x(ept_mfn(e)) + (g & ((1UL << (9 * leaf.level)) - 1))]++;
	}
}

/* Tables may be left that were on their way when it died, but nothing in them. */
static void check_dead(const struct domain *d)
{
	struct host_tree t;

	host_count_tree(d, &t);
	for (unsigned int type = 0; type < P2M_TYPES; type++)
		if (t.leaves[type][0] + t.leaves[type][1] + t.leaves[type][2])
			host_fail("d%u is dead and has entries of type %u", d->domain_id, type);
	if (t.tables > 1 + 3 * THREADS)
		host_fail("d%u is dead and has %lu tables", d->domain_id, t.tables);
}

static void check_round(void)
{
	unsigned long cached = 0, loose = 0;
	u64 tot, cache, entries;

	memset(refs, 0, sizeof(refs));
	for (unsigned int i = 0; i < DOMAINS; i++) {
		host_check_tree(dom[i]);
		count_refs(dom[i]);
		for (unsigned int k = 0; k < SPECIALS; k++)
			refs[mfn_x(page_to_mfn(special[i][k]))]++;
		p2m_pod_get_target(dom[i], &tot, &cache, &entries);
		cached += cache;
		if (dom[i]->is_dying)
			check_dead(dom[i]);
	}
	for (unsigned long m = 1; m < ARRAY_SIZE(refs); m++) {
		u32 count = page_count(host_frame_table + m);

		if (!count || page_owner_id(host_frame_table + m) == DOMID_XEN || count == refs[m]) {
			if (!count && refs[m])
				host_fail("frame %#lx is mapped and free", m);
			continue;
		}
		if (refs[m] || count != 1)
			host_fail("frame %#lx: count %u, mapped %u times", m, count, refs[m]);
		loose++;
	}
	if (loose != cached)
		host_fail("%lu frames without a mapping, %lu in caches", loose, cached);
}

static void run_round(unsigned long round)
{
	struct job jobs[THREADS];

	host_reset();
	for (unsigned int i = 0; i < DOMAINS; i++) {
		dom[i] = host_domain((u16)(1 + i), !i);
		p2m_set_pool(dom[i], ~0UL);
		for (unsigned int k = 0; k < SPECIALS; k++)
			special[i][k] = alloc_shared_page(dom[i]);
	}
	victim = (unsigned int)(round % DOMAINS);
	p2m_set_capabilities(true, true, round & 1);
	host_thread_stop();
	pthread_barrier_init(&start_line, NULL, THREADS);
	for (unsigned int t = 0; t < THREADS; t++) {
		jobs[t].cpu = t;
		jobs[t].rng.s = seed + round * THREADS + t;
		pthread_create(&jobs[t].thread, NULL, run, &jobs[t]);
	}
	for (unsigned int t = 0; t < THREADS; t++)
		pthread_join(jobs[t].thread, NULL);
	host_thread_start(0);
	host_rcu_barrier();
	check_round();
	for (unsigned int i = 0; i < DOMAINS; i++) {
		for (unsigned int k = 0; k < SPECIALS; k++)
			put_page(special[i][k]);
		host_kill(dom[i]);
	}
	for (unsigned int i = 0; i < DOMAINS; i++)
		host_free_domain(dom[i]);
	if (host_frames_in_use())
		host_fail("%lu frames are left", host_frames_in_use());
}

static void say_seed(const char *text)
{
	printf("# seed %llu: %s\n", (unsigned long long)seed, text);
}

int main(int argc, char **argv)
{
	unsigned long rounds = 20;
	int opt;

	while ((opt = getopt(argc, argv, "s:r:n:")) >= 0) {
		switch (opt) {
		case 's': seed = strtoul(optarg, NULL, 0); break;
		case 'r': rounds = strtoul(optarg, NULL, 0); break;
		case 'n': round_ops = strtoul(optarg, NULL, 0); break;
		default: return 2;
		}
	}
	host_init();
	host_fail_hook = say_seed;
	for (unsigned long i = 0; i < rounds; i++)
		run_round(i);
	tap_ok(true, "stress: %lu rounds of %u threads, %lu operations each; counts right (seed %llu)", rounds,
	       THREADS, round_ops, (unsigned long long)seed);
	return tap_done();
}
