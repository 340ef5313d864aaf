/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupts between CPUs: functions to run elsewhere, and nudges. */
#include <xen/lib.h>
#include <xen/smp.h>
#include <asm/atomic.h>
#include <asm/apic.h>
#include <asm/irqflags.h>
#include <asm/processor.h>
#include "setup.h"

unsigned long per_cpu_offset[NR_CPUS] __ro_after_init;
DEFINE_PER_CPU(unsigned long, percpu_self);
DEFINE_PER_CPU(unsigned int, cpu_id);
cpumask_t cpu_online_map;
static u32 apicid_of_cpu[NR_CPUS] __ro_after_init;

/*
 * One call at a time in the machine. Who waits for its turn has interrupts on,
 * and so takes part in the calls of others meanwhile; this is no spinlock with
 * a rank because handlers take locks of every rank.
 */
static unsigned int call_turn;
static struct {
	void (*fn)(void *arg);
	void *arg;
	bool wait;
	cpumask_t pending; /* CPUs that have not run it (wait), or not fetched it */
} call;

unsigned int cpu_to_apicid(unsigned int cpu) { return apicid_of_cpu[cpu]; }

void set_cpu_apicid(unsigned int cpu, u32 apicid) { apicid_of_cpu[cpu] = apicid; }

void smp_send_event_check(unsigned int cpu)
{
	if (cpu != smp_processor_id())
		send_ipi(cpu, VECTOR_EVENT_CHECK);
}

void smp_send_posted(unsigned int cpu) { send_ipi(cpu, VECTOR_POSTED); }

void smp_call_function_interrupt(void)
{
	unsigned int cpu = smp_processor_id();
	void (*fn)(void *arg);
	void *arg;

	if (!cpumask_test((cpumask_t){ __atomic_load_n(&call.pending.bits, __ATOMIC_ACQUIRE) }, cpu))
		return;
	fn = call.fn;
	arg = call.arg;
	if (call.wait) {
		fn(arg);
		cpumask_clear_atomic(&call.pending, cpu);
	} else {
		cpumask_clear_atomic(&call.pending, cpu);
		fn(arg);
	}
}

void on_selected_cpus(cpumask_t mask, void (*fn)(void *arg), void *arg, bool wait)
{
	unsigned int me = smp_processor_id();
	cpumask_t others;

	mask = cpumask_and(mask, cpu_online_map);
	others = cpumask_without(mask, me);
	if (!cpumask_empty(others)) {
		ASSERT(local_irq_is_enabled());
		while (cmpxchg(&call_turn, 0U, 1U))
			cpu_relax();
		call.fn = fn;
		call.arg = arg;
		call.wait = wait;
		__atomic_store_n(&call.pending.bits, others.bits, __ATOMIC_RELEASE);
		send_ipi_mask(others, VECTOR_CALL_FUNCTION);
	}
	if (cpumask_test(mask, me)) {
		unsigned long flags = local_irq_save();

		fn(arg);
		local_irq_restore(flags);
	}
	if (cpumask_empty(others))
		return;
	while (__atomic_load_n(&call.pending.bits, __ATOMIC_ACQUIRE))
		cpu_relax();
	smp_store_release(&call_turn, 0U);
}
