/* SPDX-License-Identifier: GPL-2.0-only */
/* RCU, softirqs and tasklets: CPUs are played one after the other, or by threads. */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/rcupdate.h>
#include <xen/softirq.h>
#include <asm/atomic.h>
#include <asm/irqflags.h>
#include "host/stubs.h"
#include "host/tap.h"

#define CPUS 3

static void before(void)
{
	cpu_online_map = (cpumask_t){ (1 << CPUS) - 1 };
	host_percpu_init(CPUS);
	softirq_init();
}

/* One pass of a CPU through its main loop. */
static void pass(unsigned int cpu)
{
	host_cpu = cpu;
	do_softirq();
	rcu_quiescent();
}

static void passes(unsigned int n)
{
	while (n--)
		for (unsigned int cpu = 0; cpu < CPUS; cpu++)
			pass(cpu);
}

struct item {
	struct rcu_head rcu;
	unsigned int called;
};

static void callback(struct rcu_head *h)
{
	container_of(h, struct item, rcu)->called++;
}

static void on_one_cpu_the_next_passes_are_enough(void)
{
	struct item i = { .called = 0 };

	cpu_online_map = (cpumask_t){ 1 };
	call_rcu(&i.rcu, callback);
	CHECK(!softirq_pending());
	CHECK(rcu_needs_cpu());
	CHECK_EQ(i.called, 0);
	rcu_quiescent();
	CHECK(softirq_pending());
	do_softirq();
	CHECK_EQ(i.called, 1);
	CHECK(!rcu_needs_cpu());
}

static void a_callback_waits_for_every_cpu(void)
{
	struct item i = { .called = 0 };

	call_rcu(&i.rcu, callback);
	for (unsigned int n = 0; n < 5; n++) {
		pass(0);
		pass(1);
	}
	CHECK_EQ(i.called, 0);
	/* The third was told. */
	CHECK(host_event_checks[2]);
	pass(2);
	passes(2);
	CHECK_EQ(i.called, 1);
}

static void idle_cpus_are_not_waited_for(void)
{
	struct item i = { .called = 0 };

	host_cpu = 2;
	rcu_idle_enter();
	host_cpu = 0;
	call_rcu(&i.rcu, callback);
	for (unsigned int n = 0; n < 5; n++) {
		pass(0);
		pass(1);
	}
	CHECK_EQ(i.called, 1);
	CHECK_EQ(host_event_checks[2], 0);
}

static void a_cpu_going_idle_reports(void)
{
	struct item i = { .called = 0 };

	call_rcu(&i.rcu, callback);
	pass(0);
	pass(0);
	pass(1);
	host_cpu = 2;
	rcu_idle_enter();
	pass(0);
	CHECK_EQ(i.called, 1);
}

static void an_interrupt_in_idle_is_a_reader(void)
{
	struct item i = { .called = 0 };
	bool was;

	host_cpu = 2;
	rcu_idle_enter();
	was = rcu_irq_enter();
	CHECK(was);
	host_cpu = 0;
	call_rcu(&i.rcu, callback);
	for (unsigned int n = 0; n < 5; n++) {
		pass(0);
		pass(1);
	}
	CHECK_EQ(i.called, 0);
	host_cpu = 2;
	rcu_irq_exit(was);
	pass(0);
	CHECK_EQ(i.called, 1);
	host_cpu = 1;
	CHECK(!rcu_irq_enter());
}

static void callbacks_of_all_cpus_run_once(void)
{
	static struct item i[CPUS][100];

	for (unsigned int n = 0; n < 100; n++) {
		for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
			host_cpu = cpu;
			call_rcu(&i[cpu][n].rcu, callback);
			if (!tap_random_below(3))
				pass((unsigned int)tap_random_below(CPUS));
		}
	}
	passes(12);
	for (unsigned int cpu = 0; cpu < CPUS; cpu++)
		for (unsigned int n = 0; n < 100; n++)
			CHECK_EQ(i[cpu][n].called, 1);
}

static struct item again;

static void queue_again(struct rcu_head *h)
{
	if (++container_of(h, struct item, rcu)->called < 5)
		call_rcu(h, queue_again);
}

static void a_callback_may_queue_itself(void)
{
	host_cpu = 1;
	call_rcu(&again.rcu, queue_again);
	passes(30);
	CHECK_EQ(again.called, 5);
}

/* ---- threads: what a reader sees is never freed under it ---- */

struct value {
	struct rcu_head rcu;
	unsigned long alive;
};
static struct value values[64];
static unsigned long in_use[64];
static struct value *published = &values[0];
static unsigned int finished;

static void free_value(struct rcu_head *h)
{
	struct value *v = container_of(h, struct value, rcu);

	v->alive = 0;
	__atomic_store_n(&in_use[v - values], 0, __ATOMIC_RELEASE);
}

static void replace(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
		unsigned long none = 0;

		if (!__atomic_compare_exchange_n(&in_use[i], &none, 1, false, __ATOMIC_ACQUIRE,
						 __ATOMIC_RELAXED))
			continue;
		values[i].alive = 1;
		call_rcu(&xchg(&published, &values[i])->rcu, free_value);
		return;
	}
}

static void reader_and_updater(unsigned int cpu)
{
	for (unsigned long i = 0; i < tap_rounds(20000); i++) {
		pass(cpu);
		for (unsigned int k = 0; k < 4; k++) {
			const struct value *v = __atomic_load_n(&published, __ATOMIC_ACQUIRE);

			CHECK_EQ(v->alive, 1);
		}
		if (!tap_random_below(5))
			replace();
		if (!tap_random_below(8)) {
			rcu_idle_enter();
			cpu_relax();
			rcu_idle_exit();
		}
	}
	/* The others may wait for this CPU. */
	rcu_idle_enter();
	__atomic_fetch_add(&finished, 1, __ATOMIC_SEQ_CST);
}

static void readers_never_see_what_was_freed(void)
{
	values[0].alive = 1;
	in_use[0] = 1;
	host_threads(CPUS, reader_and_updater);
	CHECK_EQ(finished, CPUS);
}

/* ---- softirqs and tasklets ---- */

static unsigned int order_run[8], runs;
static void note_timer(void) { order_run[runs++] = TIMER_SOFTIRQ; }
static void note_schedule(void) { order_run[runs++] = SCHEDULE_SOFTIRQ; }
static void note_console(void)
{
	order_run[runs++] = CONSOLE_SOFTIRQ;
	if (runs < 4)
		raise_softirq(TIMER_SOFTIRQ);
}

static void scheduling_comes_after_all_others(void)
{
	open_softirq(TIMER_SOFTIRQ, note_timer);
	open_softirq(SCHEDULE_SOFTIRQ, note_schedule);
	open_softirq(CONSOLE_SOFTIRQ, note_console);
	raise_softirq(SCHEDULE_SOFTIRQ);
	raise_softirq(CONSOLE_SOFTIRQ);
	raise_softirq(TIMER_SOFTIRQ);
	CHECK(hypercall_preempt_check());
	do_softirq();
	CHECK_EQ(runs, 4);
	CHECK_EQ(order_run[0], TIMER_SOFTIRQ);
	CHECK_EQ(order_run[1], CONSOLE_SOFTIRQ);
	CHECK_EQ(order_run[2], TIMER_SOFTIRQ);
	CHECK_EQ(order_run[3], SCHEDULE_SOFTIRQ);
	CHECK(!hypercall_preempt_check());
}

static void another_cpu_is_interrupted_once(void)
{
	cpu_raise_softirq(1, SCHEDULE_SOFTIRQ);
	cpu_raise_softirq(1, SCHEDULE_SOFTIRQ);
	cpu_raise_softirq(0, SCHEDULE_SOFTIRQ);
	CHECK_EQ(host_event_checks[1], 1);
	CHECK_EQ(host_event_checks[0], 0);
	pass(1);
	host_cpu = 0;
	cpumask_raise_softirq((cpumask_t){ 6 }, SCHEDULE_SOFTIRQ);
	CHECK_EQ(host_event_checks[1], 2);
	CHECK_EQ(host_event_checks[2], 1);
}

static unsigned int tasklet_runs, tasklet_cpu;
static struct tasklet self_scheduling;

static void tasklet_fn(void *arg)
{
	tasklet_runs++;
	tasklet_cpu = host_cpu;
	if (arg && tasklet_runs < 3)
		tasklet_schedule(&self_scheduling);
}

static void tasklets_run_once_where_asked(void)
{
	struct tasklet t;

	tasklet_init(&t, tasklet_fn, NULL);
	tasklet_schedule_on_cpu(&t, 2);
	tasklet_schedule_on_cpu(&t, 1);
	passes(1);
	CHECK_EQ(tasklet_runs, 1);
	CHECK_EQ(tasklet_cpu, 2);
	tasklet_init(&self_scheduling, tasklet_fn, &t);
	tasklet_runs = 0;
	host_cpu = 0;
	tasklet_schedule(&self_scheduling);
	do_softirq();
	CHECK_EQ(tasklet_runs, 3);
}

static const struct unit_case cases[] = {
	CASE(on_one_cpu_the_next_passes_are_enough),
	CASE(a_callback_waits_for_every_cpu),
	CASE(idle_cpus_are_not_waited_for),
	CASE(a_cpu_going_idle_reports),
	CASE(an_interrupt_in_idle_is_a_reader),
	CASE(callbacks_of_all_cpus_run_once),
	CASE(a_callback_may_queue_itself),
	CASE(readers_never_see_what_was_freed),
	CASE(scheduling_comes_after_all_others),
	CASE(another_cpu_is_interrupted_once),
	CASE(tasklets_run_once_where_asked),
};
TAP_MAIN(cases, before);
