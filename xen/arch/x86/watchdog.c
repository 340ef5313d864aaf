/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watchdog (off unless asked for: it makes idle CPUs tick): each CPU says once
 * a second, from its main loop, that it is alive, and its timer interrupt looks
 * at all. One that has been silent too long brings a panic, which shows where
 * every CPU is. It takes one CPU with interrupts on: a machine whose only CPU
 * hangs with them off is silent.
 */
#include <xen/cpumask.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/percpu.h>
#include <xen/softirq.h>
#include <xen/time.h>
#include "setup.h"

bool watchdog_on __ro_after_init;
static bool opt_watchdog __ro_after_init;
boolean_param("watchdog", opt_watchdog,
	      "panic when a CPU does not pass its main loop for watchdog_timeout=; default off");
static unsigned int opt_timeout __ro_after_init = 5;
integer_param("watchdog_timeout", opt_timeout, "SECONDS: default 5; 0: no watchdog");

static DEFINE_PER_CPU(struct timer, alive_timer);
static DEFINE_PER_CPU(struct tasklet, start_tasklet);
static DEFINE_PER_CPU(s_time_t, last_alive); /* 0: has not begun */

static void alive(void *data)
{
	s_time_t now = NOW();

	WRITE_ONCE(this_cpu(last_alive), now);
	set_timer(&this_cpu(alive_timer), now + SECONDS(1));
}

void watchdog_look(void)
{
	s_time_t now = NOW();
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		s_time_t last = READ_ONCE(per_cpu(last_alive, cpu));

		if (last && now - last > SECONDS(opt_timeout))
			panic("watchdog: CPU %u has not been in its main loop for %lu ms\n", cpu,
			      (unsigned long)((now - last) / 1000000));
	}
	/* In case the main loop does not come to the timers, which would set this anew. */
	(void)reprogram_timer(now + SECONDS(1));
}

static void begin(void *unused)
{
	init_timer(&this_cpu(alive_timer), alive, NULL, smp_processor_id());
	alive(NULL);
}

void __init watchdog_init(void)
{
	unsigned int cpu;

	watchdog_on = opt_watchdog && opt_timeout;
	if (!watchdog_on)
		return;
	/* The other CPUs are in their main loops; this one will be soon. */
	for_each_online_cpu(cpu) {
		tasklet_init(&per_cpu(start_tasklet, cpu), begin, NULL);
		tasklet_schedule_on_cpu(&per_cpu(start_tasklet, cpu), cpu);
	}
	printk("Watchdog: %u seconds\n", opt_timeout);
}
