/* SPDX-License-Identifier: GPL-2.0-only */
/* Locks: exclusion between threads, and the order checker. */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/spinlock.h>
#include "host/tap.h"

#define CPUS 4

static DEFINE_SPINLOCK(low, RANK_DOMAIN);
static DEFINE_SPINLOCK(low2, RANK_DOMAIN);
static DEFINE_SPINLOCK(high, RANK_ALLOC);
static rwlock_t rw = RW_LOCK_INIT(RANK_P2M);
static unsigned long guarded, guarded2;

static void before(void)
{
	host_percpu_init(CPUS);
}

static void count_under_lock(unsigned int cpu)
{
	host_cpu = cpu;
	for (unsigned long i = 0; i < tap_rounds(20000); i++) {
		unsigned long flags;

		if (tap_random_below(2)) {
			spin_lock_irqsave(&high, flags);
			guarded++;
			CHECK(!local_irq_is_enabled());
			spin_unlock_irqrestore(&high, flags);
			CHECK(local_irq_is_enabled());
		} else {
			while (!spin_trylock(&high))
				cpu_relax();
			guarded++;
			spin_unlock(&high);
		}
	}
}

static void threads_exclude_each_other(void)
{
	host_threads(CPUS, count_under_lock);
	CHECK_EQ(guarded, CPUS * tap_rounds(20000));
}

/* Tickets wrap at 65536; the count of threads' passes goes over it. */
static void tickets_wrap(void)
{
	for (unsigned long i = 0; i < 200000; i++) {
		spin_lock(&high);
		CHECK(spin_is_locked_by_me(&high));
		CHECK(!spin_trylock(&high));
		spin_unlock(&high);
	}
	CHECK(!spin_is_locked_by_me(&high));
}

static void read_and_write(unsigned int cpu)
{
	host_cpu = cpu;
	for (unsigned long i = 0; i < tap_rounds(10000); i++) {
		if (tap_random_below(4)) {
			read_lock(&rw);
			CHECK_EQ(guarded, guarded2);
			read_unlock(&rw);
		} else {
			write_lock(&rw);
			guarded++;
			cpu_relax();
			guarded2++;
			write_unlock(&rw);
		}
	}
}

static void readers_never_meet_a_writer(void)
{
	host_threads(CPUS, read_and_write);
	CHECK_EQ(guarded, guarded2);
	CHECK(guarded);
}

static void taking_a_lower_rank_is_reported(void)
{
	spin_lock(&high);
	CHECK_PANICS(spin_lock(&low));
}

static void taking_the_same_lock_twice_is_reported(void)
{
	unsigned long flags = 0;

	spin_lock_irqsave(&high, flags);
	CHECK_PANICS(spin_lock(&high));
	CHECK(!irqs_enabled_in(local_save_flags()) && irqs_enabled_in(flags));
}

static void a_second_of_the_same_rank_must_be_nested(void)
{
	spin_lock(&low);
	spin_lock_nested(&low2);
	spin_unlock(&low);
	spin_unlock(&low2);
	spin_lock(&low2);
	CHECK_PANICS(spin_lock(&low));
}

static void locks_are_released_in_any_order(void)
{
	spin_lock(&low);
	read_lock(&rw);
	spin_lock(&high);
	spin_unlock(&low);
	spin_unlock(&high);
	read_unlock(&rw);
	spin_lock(&low);
	spin_unlock(&low);
}

static void releasing_what_is_not_held_is_reported(void)
{
	CHECK_PANICS(spin_unlock(&low));
}

static void a_lock_without_rank_is_reported(void)
{
	static spinlock_t none;

	CHECK_PANICS(spin_lock(&none));
}

static void handlers_take_lower_ranks_than_what_they_interrupt(void)
{
	unsigned long flags;

	spin_lock(&high);
	/* An interrupt arrives: */
	local_irq_disable();
	spin_lock_irqsave(&low2, flags);
	spin_unlock_irqrestore(&low2, flags);
	CHECK(!local_irq_is_enabled());
	local_irq_enable();
	spin_unlock(&high);
}

static void irqsave_after_a_higher_rank_is_reported(void)
{
	spin_lock(&high);
	CHECK_PANICS(spin_lock_irqsave_fn(&low2));
}

static const struct unit_case cases[] = {
	CASE(threads_exclude_each_other),
	CASE(tickets_wrap),
	CASE(readers_never_meet_a_writer),
	CASE(taking_a_lower_rank_is_reported),
	CASE(taking_the_same_lock_twice_is_reported),
	CASE(a_second_of_the_same_rank_must_be_nested),
	CASE(locks_are_released_in_any_order),
	CASE(releasing_what_is_not_held_is_reported),
	CASE(a_lock_without_rank_is_reported),
	CASE(handlers_take_lower_ranks_than_what_they_interrupt),
	CASE(irqsave_after_a_higher_rank_is_reported),
};
TAP_MAIN(cases, before);
