/* SPDX-License-Identifier: GPL-2.0-only */
/* Timers: when they fire, where, and what may happen to them meanwhile. */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/softirq.h>
#include <xen/time.h>
#include "host/stubs.h"
#include "host/tap.h"

#define CPUS 3
#define TIMERS 60

static void before(void)
{
	cpu_online_map = (cpumask_t){ (1 << CPUS) - 1 };
	host_percpu_init(CPUS);
	for (unsigned int i = 0; i < CPUS; i++)
		host_armed[i] = STIME_MAX;
	timer_init();
}

/* Time goes on to t; the hardware timers that are due interrupt their CPUs. */
static void advance(s_time_t t)
{
	host_now = t;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		host_cpu = cpu;
		if (host_armed[cpu] <= t) {
			host_armed[cpu] = STIME_MAX;
			raise_softirq(TIMER_SOFTIRQ);
		}
		do_softirq();
	}
	host_cpu = 0;
}

static unsigned int fired, fired_cpu;
static void *fired_data;

static void note(void *data)
{
	fired++;
	fired_cpu = host_cpu;
	fired_data = data;
}

static void a_timer_fires_once_when_due(void)
{
	struct timer t;
	int x;

	init_timer(&t, note, &x, 0);
	CHECK(!timer_is_active(&t));
	set_timer(&t, 100);
	CHECK(timer_is_active(&t));
	CHECK_EQ(host_armed[0], 100);
	advance(99);
	CHECK_EQ(fired, 0);
	advance(100);
	CHECK_EQ(fired, 1);
	CHECK(fired_data == &x);
	CHECK(!timer_is_active(&t));
	advance(1000);
	CHECK_EQ(fired, 1);
}

static void a_time_that_has_passed_fires_at_once(void)
{
	struct timer t;

	host_now = 500;
	init_timer(&t, note, NULL, 0);
	set_timer(&t, 100);
	CHECK(softirq_pending());
	do_softirq();
	CHECK_EQ(fired, 1);
}

static void a_timer_set_again_moves(void)
{
	struct timer t;

	init_timer(&t, note, NULL, 0);
	set_timer(&t, 100);
	set_timer(&t, 300);
	advance(200);
	CHECK_EQ(fired, 0);
	set_timer(&t, 250);
	CHECK_EQ(host_armed[0], 250);
	advance(260);
	CHECK_EQ(fired, 1);
}

static void a_stopped_timer_does_not_fire(void)
{
	struct timer t;

	init_timer(&t, note, NULL, 0);
	set_timer(&t, 100);
	stop_timer(&t);
	stop_timer(&t);
	advance(200);
	CHECK_EQ(fired, 0);
}

static void another_cpus_timer_runs_there(void)
{
	struct timer t;

	init_timer(&t, note, NULL, 2);
	set_timer(&t, 100);
	CHECK_EQ(host_event_checks[2], 1);
	advance(50);
	CHECK_EQ(host_armed[2], 100);
	advance(100);
	CHECK_EQ(fired_cpu, 2);
}

static void a_timer_migrates_with_its_deadline(void)
{
	struct timer t;

	init_timer(&t, note, NULL, 1);
	migrate_timer(&t, 2);
	CHECK(!timer_is_active(&t));
	set_timer(&t, 100);
	migrate_timer(&t, 0);
	CHECK(timer_is_active(&t));
	CHECK_EQ(host_armed[0], 100);
	advance(150);
	CHECK_EQ(fired, 1);
	CHECK_EQ(fired_cpu, 0);
}

static void a_killed_timer_cannot_be_set(void)
{
	struct timer t;

	init_timer(&t, note, NULL, 0);
	set_timer(&t, 100);
	kill_timer(&t);
	set_timer(&t, 150);
	migrate_timer(&t, 1);
	set_timer(&t, 150);
	advance(200);
	CHECK_EQ(fired, 0);
	CHECK(!timer_is_active(&t));
}

static struct timer periodic;

static void rearm(void *data)
{
	if (++fired < 5)
		set_timer(&periodic, host_now + 10);
	else
		kill_timer(&periodic);
}

static void a_function_may_set_and_kill_its_timer(void)
{
	init_timer(&periodic, rearm, NULL, 0);
	set_timer(&periodic, 10);
	for (s_time_t t = 10; t < 100; t += 10)
		advance(t);
	CHECK_EQ(fired, 5);
}

static void the_hardware_is_left_alone_when_nothing_is_due(void)
{
	struct timer t;

	init_timer(&t, note, NULL, 0);
	set_timer(&t, 100);
	advance(100);
	CHECK_EQ(host_armed[0], STIME_MAX);
}

/* ---- against a model ---- */

static struct timer timers[TIMERS];
static s_time_t due[TIMERS];	/* STIME_MAX: not set */
static s_time_t last_fired;

static void check_due(void *data)
{
	unsigned long i = (unsigned long)data;

	CHECK(due[i] <= host_now);
	CHECK_EQ(host_cpu, timers[i].cpu);
	due[i] = STIME_MAX;
	last_fired = host_now;
}

static void random_operations_agree_with_a_model(void)
{
	for (unsigned long i = 0; i < TIMERS; i++) {
		init_timer(&timers[i], check_due, (void *)i, (unsigned int)(i % CPUS));
		due[i] = STIME_MAX;
	}
	for (unsigned long n = 0; n < tap_rounds(20000); n++) {
		unsigned long i = tap_random_below(TIMERS);

		switch (tap_random_below(5)) {
		case 0:
		case 1:
			due[i] = host_now + 1 + (s_time_t)tap_random_below(1000);
			set_timer(&timers[i], due[i]);
			break;
		case 2:
			due[i] = STIME_MAX;
			stop_timer(&timers[i]);
			break;
		case 3:
			migrate_timer(&timers[i], (unsigned int)tap_random_below(CPUS));
			break;
		case 4:
			advance(host_now + (s_time_t)tap_random_below(200));
			/* Whatever was due has fired; nothing else has. */
			for (unsigned int k = 0; k < TIMERS; k++)
				CHECK(due[k] > host_now);
			break;
		}
		CHECK_EQ(timer_is_active(&timers[i]), due[i] != STIME_MAX);
	}
}

/* ---- threads: set, stop, migrate and run at the same time ---- */

static unsigned long thread_fired;

static void count(void *data) { __atomic_fetch_add(&thread_fired, 1, __ATOMIC_RELAXED); }

static void meddle(unsigned int cpu)
{
	host_cpu = cpu;
	for (unsigned long n = 0; n < tap_rounds(10000); n++) {
		struct timer *t = &timers[tap_random_below(8)];

		switch (tap_random_below(4)) {
		case 0:
			set_timer(t, (s_time_t)tap_random_below(100));
			break;
		case 1:
			stop_timer(t);
			break;
		case 2:
			migrate_timer(t, (unsigned int)tap_random_below(CPUS));
			break;
		case 3:
			__atomic_store_n(&host_now, (s_time_t)tap_random_below(100), __ATOMIC_RELAXED);
			raise_softirq(TIMER_SOFTIRQ);
			do_softirq();
			break;
		}
	}
}

static void threads_can_fight_over_timers(void)
{
	for (unsigned int i = 0; i < 8; i++)
		init_timer(&timers[i], count, NULL, 0);
	host_threads(CPUS, meddle);
	host_cpu = 0;
	for (unsigned int i = 0; i < 8; i++)
		kill_timer(&timers[i]);
	CHECK(thread_fired);
	for (unsigned int i = 0; i < 8; i++)
		CHECK(!timer_is_active(&timers[i]));
}

static const struct unit_case cases[] = {
	CASE(a_timer_fires_once_when_due),
	CASE(a_time_that_has_passed_fires_at_once),
	CASE(a_timer_set_again_moves),
	CASE(a_stopped_timer_does_not_fire),
	CASE(another_cpus_timer_runs_there),
	CASE(a_timer_migrates_with_its_deadline),
	CASE(a_killed_timer_cannot_be_set),
	CASE(a_function_may_set_and_kill_its_timer),
	CASE(the_hardware_is_left_alone_when_nothing_is_due),
	CASE(random_operations_agree_with_a_model),
	CASE(threads_can_fight_over_timers),
};
TAP_MAIN(cases, before);
