/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast: bench (operations per second), bench -l (names of cases), bench -c CASE (that case, COUNT
 * times, inside bench_measured(): for callgrind --toggle-collect).
 */
#include "host.h"
#include <pthread.h>
#include <time.h>

#define PAGES 4096U		/* of the guest whose memory is mapped */
#define TARGET_BASE 0x100000UL	/* where it is mapped to: the far hole of a dom0 */

static struct domain *dom0, *guest;
static struct page_info *spare[PAGES];

static void setup(void)
{
	struct p2m_batch b;

	host_init();
	host_check_tlb = false;
	dom0 = host_domain(0, true);
	guest = host_domain(1, false);
	p2m_set_pool(guest, ~0UL);
	p2m_batch_init(&b, guest);
	for (unsigned int i = 0; i < PAGES; i++)
		if (p2m_add_page(guest, _gfn(i), page_to_mfn(alloc_domheap_pages(guest, 0, 0)), 0, p2m_ram_rw, &b))
			host_fail("setup");
	p2m_batch_flush(&b);
	/* A page mapped once, so that the tables are there. */
	p2m_batch_init(&b, dom0);
	for (unsigned int i = 0; i < PAGES; i += 512) {
		if (p2m_add_foreign(dom0, _gfn(TARGET_BASE + i), guest, _gfn(0), &b) ||
		    p2m_remove_from_physmap(dom0, _gfn(TARGET_BASE + i), &b))
			host_fail("setup");
	}
	p2m_batch_flush(&b);
}

typedef int add_fn(struct domain *d, gfn_t gfn, struct domain *fd, gfn_t fgfn, struct p2m_batch *b);

static noinline void add_by(add_fn *add, unsigned int n, unsigned int batch)
{
	struct p2m_batch b;

	for (unsigned int i = 0; i < n;) {
		p2m_batch_init(&b, dom0);
		for (unsigned int k = 0; k < batch && i < n; k++, i++)
			if (add(dom0, _gfn(TARGET_BASE + i), guest, _gfn(i), &b))
				host_fail("add_foreign");
		p2m_batch_flush(&b);
	}
}

static void remove_foreign(unsigned int n, unsigned int batch)
{
	struct p2m_batch b;

	for (unsigned int i = 0; i < n;) {
		p2m_batch_init(&b, dom0);
		for (unsigned int k = 0; k < batch && i < n; k++, i++)
			if (p2m_remove_from_physmap(dom0, _gfn(TARGET_BASE + i), &b))
				host_fail("remove_foreign");
		p2m_batch_flush(&b);
	}
}

static void map_ram(unsigned int n)
{
	struct p2m_batch b;

	for (unsigned int i = 0; i < n; i++) {
		p2m_batch_init(&b, guest);
		if (p2m_add_page(guest, _gfn(TARGET_BASE + i), page_to_mfn(spare[i]), 0, p2m_ram_rw, &b))
			host_fail("map");
		p2m_batch_flush(&b);
	}
}

static void unmap_ram(unsigned int n)
{
	struct p2m_batch b;

	for (unsigned int i = 0; i < n; i++) {
		p2m_batch_init(&b, guest);
		if (p2m_release_range(guest, _gfn(TARGET_BASE + i), 0, &b))
			host_fail("unmap");
		p2m_batch_flush(&b);
	}
}

static void take_spare(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		spare[i] = alloc_domheap_pages(guest, 0, 0);
}

static void look_up(unsigned int n)
{
	enum p2m_type t;

	for (unsigned int i = 0; i < n; i++)
		if (mfn_eq(p2m_lookup(guest, _gfn(i), &t, NULL), INVALID_MFN))
			host_fail("lookup");
}

static void get_put(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		put_page(get_page_from_gfn(guest, _gfn(i), NULL, P2M_QUERY));
}

static void faults(unsigned int first, unsigned int n)
{
	for (unsigned int i = first; i < first + n; i++)
		if (p2m_handle_fault(guest, _gfn(i), true, false) != P2M_FAULT_FIXED)
			host_fail("fault");
}

static void write_protect(unsigned int first, unsigned int n)
{
	unsigned long done;

	if (p2m_change_type_range(guest, _gfn(first), n, p2m_ram_rw, p2m_ram_logdirty, &done))
		host_fail("write_protect");
}

/* ---- cases: what comes before, what is measured, what comes after ---- */

static void none(unsigned int n) { (void)n; }
static void add1(unsigned int n) { add_by(p2m_add_foreign, n, 1); }
static void add64(unsigned int n) { add_by(p2m_add_foreign, n, 64); }
static void add512(unsigned int n) { add_by(p2m_add_foreign, n, 512); }
static void rem1(unsigned int n) { remove_foreign(n, 1); }
static void rem64(unsigned int n) { remove_foreign(n, 64); }
static void rem512(unsigned int n) { remove_foreign(n, 512); }
static void protect(unsigned int n) { write_protect(0, n); }
static void fault_all(unsigned int n) { faults(0, n); }

/* The loop of the others around a call that does nothing. */
static noinline int nothing(struct domain *d, gfn_t gfn, struct domain *fd, gfn_t fgfn, struct p2m_batch *b)
{
	barrier();
	return 0;
}
static void empty_loop(unsigned int n) { add_by(nothing, n, 512); }

static const struct bench_case {
	const char *name;
	void (*before)(unsigned int n), (*run)(unsigned int n), (*after)(unsigned int n);
	unsigned int limit;	/* instructions an operation may take; 0: none set */
} cases[] = {
	{ "loop", none, empty_loop, none, 0 },
	{ "map", take_spare, map_ram, unmap_ram, 0 },
	{ "unmap", none, unmap_ram, none, 0 },
	{ "lookup", none, look_up, none, 0 },
	{ "get-put", none, get_put, none, 0 },
	{ "foreign-add-1", none, add1, rem512, 250 },
	{ "foreign-add-64", none, add64, rem512, 0 },
	{ "foreign-add-512", none, add512, rem512, 120 },
	{ "foreign-replace-64", add512, add64, rem512, 0 },
	{ "foreign-remove-1", add512, rem1, none, 250 },
	{ "foreign-remove-64", add512, rem64, none, 0 },
	{ "foreign-remove-512", add512, rem512, none, 0 },
	{ "logdirty-fault", protect, fault_all, none, 0 },
};

void bench_measured(const struct bench_case *c, unsigned int n);
void noinline bench_measured(const struct bench_case *c, unsigned int n)
{
	c->run(n);
	barrier();
}

static void run_case(const struct bench_case *c, unsigned int n)
{
	if (c->run == unmap_ram) {
		take_spare(n);
		map_ram(n);
	}
	c->before(n);
	bench_measured(c, n);
	c->after(n);
}

static double clock_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}
static double now(void) { return clock_of(CLOCK_MONOTONIC); }

static void rate(const struct bench_case *c)
{
	double spent = 0;
	unsigned long done = 0;

	while (spent < 0.2) {
		double start;

		if (c->run == unmap_ram) {
			take_spare(PAGES);
			map_ram(PAGES);
		}
		c->before(PAGES);
		start = now();
		bench_measured(c, PAGES);
		spent += now() - start;
		c->after(PAGES);
		host_quiescent();
		done += PAGES;
	}
	printf("%-22s %12.0f operations/s\n", c->name, (double)done / spent);
}

/*
 * ---- faults on several vCPUs ----
 * Each thread protects pages of its own and then faults on them, over and over, for a time that is long against
 * the waking of a thread: only so do they run at the same time. The time that protecting takes is taken
 * off by its share in the processor time. What one fault takes of that says what the threads cost each other.
 */
#define FAULT_SECONDS 0.5

static unsigned int threads, arrived;
static struct fault_result {
	double cpu, faults;	/* processor time, and that of faults */
	unsigned long done;
} fault_result[HOST_CPUS];

static void *fault_thread(void *arg)
{
	unsigned int cpu = (unsigned int)(unsigned long)arg, part = PAGES / HOST_CPUS;
	struct fault_result r = { 0 };
	double begin, used = 0;

	host_thread_start(cpu);
	__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_RELAXED) < threads)
		cpu_relax();
	begin = now();
	r.cpu = -clock_of(CLOCK_THREAD_CPUTIME_ID);
	while (now() - begin < FAULT_SECONDS) {
		write_protect(cpu * part, part);
		r.faults -= clock_of(CLOCK_THREAD_CPUTIME_ID);
		faults(cpu * part, part);
		used = clock_of(CLOCK_THREAD_CPUTIME_ID);
		r.faults += used;
		r.done += part;
	}
	r.cpu += used;
	fault_result[cpu] = r;
	host_thread_stop();
	return NULL;
}

static void fault_rate(void)
{
	double cpu = 0, in_faults = 0, begin = now(), elapsed;
	unsigned long done = 0;
	pthread_t t[HOST_CPUS];

	arrived = 0;
	for (unsigned int i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, fault_thread, (void *)(unsigned long)i);
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(t[i], NULL);
		cpu += fault_result[i].cpu;
		in_faults += fault_result[i].faults;
		done += fault_result[i].done;
	}
	elapsed = now() - begin;
	host_thread_start(0);
	printf("faults, %u thread%-5s %12.0f operations/s, %4.2f CPUs, %5.1f ns of one each\n", threads,
	       threads > 1 ? "s" : "", (double)done * cpu / in_faults / elapsed, cpu / elapsed,
	       in_faults / (double)done * 1e9);
}

int main(int argc, char **argv)
{
	setup();
	if (argc > 1 && !strcmp(argv[1], "-l")) {
		for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
			printf("%s %u %u\n", cases[i].name, PAGES / 2, cases[i].limit);
		return 0;
	}
	for (unsigned int i = 0; argc > 2 && i < ARRAY_SIZE(cases); i++) {
		if (!strcmp(cases[i].name, argv[2])) {
			run_case(&cases[i], PAGES / 2);
			return 0;
		}
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++)
		rate(&cases[i]);
	for (threads = 1; threads <= HOST_CPUS; threads *= 2)
		fault_rate();
	return 0;
}
