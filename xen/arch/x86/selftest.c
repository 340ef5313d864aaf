/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What make SELFTEST=1 runs on the machine itself, on all its CPUs, once they
 * are up: allocator, IPIs, TLB shootdown, RCU, timers, locks, page permissions.
 * Reports in TAP on the console. The other CPUs are in their main loops; the
 * boot CPU runs its softirqs while it waits.
 */
#include <xen/console.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/percpu.h>
#include <xen/rcupdate.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <asm/atomic.h>
#include <asm/msr-index.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/traps.h>
#include "setup.h"

extern struct cpu_stacks cpu0_stacks;
extern u8 __image_start[], __image_end[], __text_start[], __init_text_end[];

/* The first complaint of the test that runs. */
static char complaint[128];
static bool failed;

#define CHECK(cond, ...)                                                     \
	do {                                                                 \
		if (!(cond) && !xchg(&failed, true))                         \
			snprintf(complaint, sizeof(complaint), __VA_ARGS__); \
	} while (0)

/* ---- all CPUs at once, in their main loops ---- */

static struct tasklet jobs[NR_CPUS];
static atomic_t jobs_left;
static void (*job)(unsigned int cpu);

static void run_job(void *arg)
{
	job(smp_processor_id());
	atomic_dec(&jobs_left);
}

/* Waits until *left is 0, doing this CPU's own work; false after some seconds. */
static bool wait_for_none(const atomic_t *left, s_time_t limit)
{
	s_time_t end = NOW() + limit;

	while (atomic_read(left)) {
		do_softirq();
		rcu_quiescent();
		cpu_relax();
		if (NOW() > end)
			return false;
	}
	return true;
}

static void on_all_cpus(void (*fn)(unsigned int cpu))
{
	unsigned int cpu;

	job = fn;
	atomic_set(&jobs_left, (int)cpumask_weight(cpu_online_map));
	for_each_online_cpu(cpu) {
		tasklet_init(&jobs[cpu], run_job, NULL);
		tasklet_schedule_on_cpu(&jobs[cpu], cpu);
	}
	/* A CPU that never comes back would use what the next test does. */
	if (!wait_for_none(&jobs_left, SECONDS(120)))
		panic("selftest: a CPU does not finish\n");
}

static u32 random_next(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* ---- allocator ---- */

#define SLOTS 24
static void allocator_job(unsigned int cpu)
{
	struct page_info *page[SLOTS] = { NULL };
	unsigned int order[SLOTS];
	u32 seed = cpu + 1;

	for (unsigned int i = 0; i < 400; i++) {
		unsigned int s = random_next(&seed) % SLOTS;
		u64 *p;

		if (page[s]) {
			p = page_to_virt(page[s]);
			CHECK(p[1] == (u64)cpu << 32 && p[0] == s, "CPU %u: page overwritten", cpu);
			free_pages(page[s], order[s]);
			page[s] = NULL;
			continue;
		}
		order[s] = random_next(&seed) % 4;
		page[s] = alloc_pages(order[s], 0);
		if (!page[s])
			continue;
		p = page_to_virt(page[s]);
		CHECK(!(page_to_mfn(page[s]).m & ((1UL << order[s]) - 1)), "block not aligned");
		CHECK(!p[0] && !p[1] && !p[511] && !p[(512UL << order[s]) - 1], "page not scrubbed");
		p[0] = s;
		p[1] = (u64)cpu << 32;
		p[511] = p[(512UL << order[s]) - 1] = ~0UL;
	}
	for (unsigned int s = 0; s < SLOTS; s++)
		if (page[s])
			free_pages(page[s], order[s]);
}

/* The other CPUs scrub what is free meanwhile; the count is not to show it. */
static void test_allocator(void)
{
	unsigned long before = free_page_count(), after;

	on_all_cpus(allocator_job);
	after = free_page_count();
	CHECK(before == after, "%lu pages free before, %lu after", before, after);
}

static void small_object_job(unsigned int cpu)
{
	u8 *p[32] = { NULL };
	u32 seed = cpu + 77;

	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int s = random_next(&seed) % ARRAY_SIZE(p), size = 2 + random_next(&seed) % 700;

		if (p[s]) {
			CHECK(p[s][0] == (u8)cpu && p[s][1] == (u8)s, "CPU %u: object overwritten", cpu);
			xfree(p[s]);
			p[s] = NULL;
			continue;
		}
		p[s] = xzalloc_bytes(size);
		if (!p[s])
			continue;
		CHECK(!p[s][0] && !p[s][size - 1], "object not zeroed");
		memset(p[s], 0xff, size);
		p[s][0] = (u8)cpu;
		p[s][1] = (u8)s;
	}
	for (unsigned int s = 0; s < ARRAY_SIZE(p); s++)
		xfree(p[s]);
}

static void test_small_objects(void) { on_all_cpus(small_object_job); }

/* ---- IPIs ---- */

static atomic_t calls;
static void count_call(void *arg)
{
	CHECK(!local_irq_is_enabled(), "function called with interrupts on");
	atomic_inc(&calls);
}

static void ipi_job(unsigned int cpu)
{
	for (unsigned int i = 0; i < 50; i++)
		on_selected_cpus(cpu_online_map, count_call, NULL, i & 1);
}

static void test_ipi(void)
{
	int n = (int)cpumask_weight(cpu_online_map);
	s_time_t end;

	atomic_set(&calls, 0);
	on_all_cpus(ipi_job);
	/* Those not waited for may come a little later. */
	end = NOW() + SECONDS(1);
	while (atomic_read(&calls) != 50 * n * n && NOW() < end)
		cpu_relax();
	CHECK(atomic_read(&calls) == 50 * n * n, "%d calls, not %d", atomic_read(&calls), 50 * n * n);
}

/* ---- TLB shootdown ---- */

static u64 *shot;
static u64 expected;

static void shootdown_job(unsigned int cpu)
{
	u64 seen = READ_ONCE(*shot);

	CHECK(seen == expected, "CPU %u reads %lu, not %lu", cpu, (unsigned long)seen, (unsigned long)expected);
}

static void test_shootdown(void)
{
	u64 *page[2] = { alloc_xenheap_page(), alloc_xenheap_page() };

	shot = vmap_reserve(1);
	CHECK(shot && page[0] && page[1], "out of memory");
	if (failed)
		return;
	for (u64 i = 0; i < 20; i++) {
		expected = *page[i & 1] = i + 1000;
		CHECK(!host_map((unsigned long)shot, virt_to_maddr(page[i & 1]), 1, MAP_RW), "host_map fails");
		on_all_cpus(shootdown_job);
		host_unmap((unsigned long)shot, 1);
		flush_tlb_all();
	}
	vmap_release(shot);
	free_xenheap_page(page[0]);
	free_xenheap_page(page[1]);
}

/* ---- RCU ---- */

struct rcu_thing {
	struct rcu_head rcu;
	u64 alive;
};
static struct rcu_thing things[64];
static struct rcu_thing *shared_thing;
static atomic_t callbacks_left;

static void thing_gone(struct rcu_head *h)
{
	container_of(h, struct rcu_thing, rcu)->alive = 0;
	atomic_dec(&callbacks_left);
}

static void rcu_job(unsigned int cpu)
{
	for (unsigned int i = 0; i < 3000; i++) {
		const struct rcu_thing *t;

		rcu_read_lock();
		t = rcu_dereference(shared_thing);
		for (unsigned int j = 0; j < 10; j++)
			CHECK(READ_ONCE(t->alive), "CPU %u: reader sees a freed object", cpu);
		rcu_read_unlock();
		/* Another one each time, on the boot CPU. */
		if (!cpu && !(i % 64) && i / 64 + 1 < ARRAY_SIZE(things)) {
			struct rcu_thing *old = shared_thing, *next = &things[i / 64 + 1];

			next->alive = 1;
			rcu_assign_pointer(shared_thing, next);
			call_rcu(&old->rcu, thing_gone);
			atomic_inc(&callbacks_left);
		}
	}
}

static void test_rcu(void)
{
	atomic_set(&callbacks_left, 0);
	shared_thing = &things[0];
	shared_thing->alive = 1;
	on_all_cpus(rcu_job);
	CHECK(wait_for_none(&callbacks_left, SECONDS(5)), "%d callbacks do not come",
	      atomic_read(&callbacks_left));
}

/* ---- timers ---- */

#define TIMERS 8
static struct test_timer {
	struct timer t;
	s_time_t due;
} timers[NR_CPUS][TIMERS];
static atomic_t timers_left;
static s_time_t latest;

static void timer_fires(void *data)
{
	struct test_timer *t = data;
	s_time_t now = NOW();

	CHECK(smp_processor_id() == t->t.cpu, "timer of CPU %u runs on CPU %u", t->t.cpu, smp_processor_id());
	CHECK(now >= t->due, "timer %ld ns early", (long)(t->due - now));
	if (now - t->due > latest)
		latest = now - t->due;
	atomic_dec(&timers_left);
}

static void timer_job(unsigned int cpu)
{
	for (unsigned int i = 0; i < TIMERS; i++) {
		struct test_timer *t = &timers[cpu][i];

		init_timer(&t->t, timer_fires, t, cpu);
		t->due = NOW() + MICROSECS(500 + 700 * ((i * 5 + cpu) % TIMERS));
		set_timer(&t->t, t->due);
		atomic_inc(&timers_left);
	}
	/* One that is stopped in time does not fire; its count is given back here. */
	stop_timer(&timers[cpu][TIMERS - 1].t);
	if (!timer_is_active(&timers[cpu][TIMERS - 1].t))
		atomic_dec(&timers_left);
}

static void test_timers(void)
{
	unsigned int cpu;

	latest = 0;
	atomic_set(&timers_left, 0);
	on_all_cpus(timer_job);
	CHECK(wait_for_none(&timers_left, SECONDS(2)), "%d timers do not fire", atomic_read(&timers_left));
	for_each_online_cpu(cpu)
		for (unsigned int i = 0; i < TIMERS; i++)
			kill_timer(&timers[cpu][i].t);
	/* Emulated CPUs take turns: this is only to find timers that wait for some other event. */
	CHECK(latest < MILLISECS(500), "a timer is %ld us late", (long)(latest / 1000));
}

/*
 * Turns of each CPU where all want one lock: an emulator on fewer cores than it has CPUs hands it on only when
 * its host lets the next one run.
 */
#define CONTENDED 400UL

static s_time_t last_now;
static DEFINE_SPINLOCK(now_lock, RANK_LEAF);

static void time_job(unsigned int cpu)
{
	for (unsigned int i = 0; i < CONTENDED; i++) {
		s_time_t now;

		spin_lock(&now_lock);
		now = NOW();
		CHECK(now >= last_now, "CPU %u: time goes back by %ld ns", cpu, (long)(last_now - now));
		last_now = now;
		spin_unlock(&now_lock);
	}
}

static void test_time(void) { on_all_cpus(time_job); }

/* ---- locks ---- */

static DEFINE_SPINLOCK(count_lock, RANK_LEAF);
static rwlock_t count_rwlock = RW_LOCK_INIT(RANK_DOMAIN);
static unsigned long counted, counted_rw, mirror_rw;

static void lock_job(unsigned int cpu)
{
	for (unsigned int i = 0; i < CONTENDED; i++) {
		unsigned long flags;

		spin_lock_irqsave(&count_lock, flags);
		counted = counted + 1;
		spin_unlock_irqrestore(&count_lock, flags);
		if (i % 8 == cpu % 8) {
			write_lock(&count_rwlock);
			WRITE_ONCE(counted_rw, counted_rw + 1);
			WRITE_ONCE(mirror_rw, mirror_rw + 1);
			write_unlock(&count_rwlock);
		} else {
			read_lock(&count_rwlock);
			CHECK(READ_ONCE(counted_rw) == READ_ONCE(mirror_rw), "reader beside a writer");
			read_unlock(&count_rwlock);
		}
	}
}

static void test_locks(void)
{
	unsigned long n = cpumask_weight(cpu_online_map);

	on_all_cpus(lock_job);
	CHECK(counted == CONTENDED * n, "%lu counted, not %lu", counted, CONTENDED * n);
	CHECK(counted_rw == CONTENDED / 8 * n, "%lu written, not %lu", counted_rw, CONTENDED / 8 * n);
}

/* ---- page tables and exceptions ---- */

static void test_permissions(void)
{
	for (unsigned long va = (unsigned long)__image_start; va < (unsigned long)__image_end; va += PAGE_SIZE) {
		u64 e = host_walk(va, NULL);
		bool code = va >= (unsigned long)__text_start && va < (unsigned long)__init_text_end;

		if (!(e & PTE_P))
			continue;
		CHECK(!(e & PTE_W) || (e & PTE_NX), "%lx is writable and executable", va);
		CHECK(code == !(e & PTE_NX), "%lx: wrong permissions %lx", va, (unsigned long)e);
		CHECK(!host_walk(DIRECTMAP_START + image_to_maddr((void *)va), NULL),
		      "%lx has a second mapping", va);
	}
	CHECK(!host_walk((unsigned long)cpu0_stacks.guard3, NULL), "a stack's guard page is mapped");
	CHECK(!host_walk(0, NULL) && !host_walk(trampoline_maddr, NULL), "the lower half is not empty");
	CHECK(host_walk((unsigned long)maddr_to_virt(MB(1)), NULL) & PTE_NX, "the direct map is executable");
}

static void exception_job(unsigned int cpu)
{
	unsigned long bad = 1UL << 60, faults = 1;
	u64 val;

	/* Not a canonical address: #GP. */
	__asm__ __volatile__("1: movq (%[p]), %[p]\n\t"
			     "xorl %k[faults], %k[faults]\n\t"
			     "2:\n\t" ASM_EXTABLE(1b, 2b)
			     : [faults] "+&r"(faults), [p] "+&r"(bad)
			     :
			     : "memory");
	CHECK(faults, "CPU %u: no #GP", cpu);
	CHECK(!rdmsr_safe(MSR_FS_BASE, &val), "CPU %u: #GP", cpu);
}

static void test_exceptions(void) { on_all_cpus(exception_job); }

/* ---- ends, instead of the tests: each must show the registers and a backtrace of every CPU ---- */

static char opt_selftest[16];
string_param("selftest", opt_selftest,
	     "bug, fault, overflow, hang, spin: with make SELFTEST=1, how the last CPU ends, not the tests");

static void noinline end_by_bug(void) { BUG_ON(opt_selftest[0]); }

static void noinline end_by_fault(void) { WRITE_ONCE(cpu0_stacks.guard3[8], 1); }

static unsigned int noinline end_by_overflow(volatile unsigned int *depth)
{
	volatile unsigned int more = *depth + 1;

	return *depth ? end_by_overflow(&more) + more : 0;
}

/* For the watchdog. spin: with interrupts on, so that a CPU finds it in itself. */
static void noinline end_by_hang(bool interrupts)
{
	if (!interrupts)
		local_irq_disable();
	for (;;)
		cpu_relax();
}

static void end_now(void *arg)
{
	unsigned int depth = 1;

	switch (opt_selftest[0]) {
	case 'b':
		end_by_bug();
		break;
	case 'f':
		end_by_fault();
		break;
	case 'o':
		end_by_overflow(&depth);
		break;
	default:
		end_by_hang(opt_selftest[0] == 's');
	}
}

/* When all CPUs are in their main loops, and the watchdog has begun. */
static void end_soon(void)
{
	init_timer(&timers[0][0].t, end_now, NULL, 63U - (unsigned int)__builtin_clzll(cpu_online_map.bits));
	set_timer(&timers[0][0].t, NOW() + SECONDS(2));
}

/* ---- the list ---- */

static void say(const char *text)
{
	unsigned long flags = console_lock();

	/* Plain lines: TAP knows no prefix. */
	console_put_text(CONSOLE_SOURCE_XEN, "", text, strlen(text), true);
	console_unlock(flags);
}

int selftest_run(void)
{
	static const struct {
		const char *name;
		void (*fn)(void);
	} tests[] = {
		{ "page allocator on all CPUs", test_allocator },
		{ "small objects on all CPUs", test_small_objects },
		{ "function calls between CPUs", test_ipi },
		{ "TLB shootdown", test_shootdown },
		{ "RCU grace periods", test_rcu },
		{ "timers on every CPU", test_timers },
		{ "system time does not go back", test_time },
		{ "spinlocks and reader/writer locks", test_locks },
		{ "page permissions", test_permissions },
		{ "exceptions are repaired", test_exceptions },
	};
	char line[192];
	int failures = 0;

	if (opt_selftest[0]) {
		end_soon();
		return 0;
	}

	snprintf(line, sizeof(line), "TAP version 13\n1..%u\n# %u CPUs\n", (unsigned int)ARRAY_SIZE(tests),
		 cpumask_weight(cpu_online_map));
	say(line);
	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++) {
		failed = false;
		tests[i].fn();
		failures += failed;
		snprintf(line, sizeof(line), "%sok %u - %s\n%s%s%s", failed ? "not " : "", i + 1,
			 tests[i].name, failed ? "# " : "", failed ? complaint : "", failed ? "\n" : "");
		say(line);
	}
	snprintf(line, sizeof(line), "# selftest: %d failed\n", failures);
	say(line);
	return failures;
}
