/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The main loop of every CPU, and whose state is in its registers.
 *
 * context_switch() only says who is current. The registers of the vCPU that ran
 * last stay loaded (v->arch.hvm.loaded_cpu) until another vCPU enters here, or
 * somebody needs them: so idling between two runs of a vCPU costs nothing, and
 * loading happens where interrupts are on and other CPUs can be asked.
 */
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <asm/hvm.h>
#include <asm/processor.h>

static DEFINE_PER_CPU(struct vcpu *, loaded_vcpu);

/* Interrupts off. */
static void save_loaded(void)
{
	struct vcpu *v = this_cpu(loaded_vcpu);

	if (!v)
		return;
	hvm->switch_from(v);
	hvm_fpu_save(v);
	this_cpu(loaded_vcpu) = NULL;
	smp_store_release(&v->arch.hvm.loaded_cpu, NR_CPUS);
}

static void save_if_loaded(void *arg)
{
	unsigned long flags = local_irq_save();

	if (this_cpu(loaded_vcpu) == arg)
		save_loaded();
	local_irq_restore(flags);
}

/*
 * The registers of v, which does not run, go to memory, wherever they are.
 * Interrupts on, unless they are in this CPU.
 */
void sync_vcpu_state(struct vcpu *v)
{
	unsigned int cpu = smp_load_acquire(&v->arch.hvm.loaded_cpu);

	if (cpu >= NR_CPUS)
		return;
	if (cpu == smp_processor_id())
		save_if_loaded(v);
	else
		on_selected_cpus(cpumask_of(cpu), save_if_loaded, v, true);
}

static void load_vcpu(struct vcpu *v)
{
	unsigned int cpu = smp_processor_id();

	if (READ_ONCE(v->arch.hvm.loaded_cpu) != cpu)
		sync_vcpu_state(v);
	local_irq_disable();
	save_loaded();
	hvm->switch_to(v);
	hvm_fpu_load(v);
	v->arch.hvm.loaded_cpu = cpu;
	this_cpu(loaded_vcpu) = v;
	local_irq_enable();
}

void context_switch(struct vcpu *prev, struct vcpu *next) { current = next; }

static void idle(void)
{
	if (scrub_free_pages())
		return;
	local_irq_disable();
	if (!softirq_pending()) {
		rcu_idle_enter();
		safe_halt();
		rcu_idle_exit();
	}
	local_irq_enable();
}

/* What may keep v from entering: a start-up IPI to wait for, a device model's answer. True: nothing any more. */
static noinline bool become_ready(struct vcpu *v)
{
	if (v != this_cpu(loaded_vcpu))
		load_vcpu(v);
	if (v->arch.hvm.init_pending && !vlapic_handle_init(v))
		return false;
	return !v->arch.hvm.io || hvm_io_resume(v);
}

static void run_vcpu(struct vcpu *v)
{
	if (unlikely(v->arch.hvm.init_pending || v->arch.hvm.io) && !become_ready(v))
		return;
	local_irq_disable();
	if (unlikely(softirq_pending())) {
		local_irq_enable();
		return;
	}
	/* From here to the entry interrupts are off: a kick that comes now ends guest mode at once. */
	if (unlikely(v != this_cpu(loaded_vcpu))) {
		/* Loading may wait for another CPU: interrupts on, and everything is looked at again. */
		local_irq_enable();
		load_vcpu(v);
		return;
	}
	hvm_intr_assist(v);
	hvm->run(v);
}

void cpu_main_loop(void)
{
	for (;;) {
		struct vcpu *v;

		if (unlikely(softirq_pending()))
			do_softirq();
		rcu_quiescent();
		v = current;
		if (unlikely(is_idle_vcpu(v)))
			idle();
		else
			run_vcpu(v);
	}
}
