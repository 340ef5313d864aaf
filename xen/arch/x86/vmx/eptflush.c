/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dropping EPT translations (INVEPT) on the CPUs that may hold them.
 *
 * A flush costs other CPUs nothing unless they use the tree at this moment: it
 * marks them in d->arch.hvm.flush_pending, and they flush before they use it
 * next. Those inside a section of <asm/p2m-use.h> are sent an event check, which
 * ends guest mode, and are waited for. The protocol is described there.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/guest_access.h>
#include <asm/p2m.h>
#include <asm/p2m-use.h>
#include <asm/vmx.h>

DEFINE_PER_CPU(struct domain *, p2m_user);

/* Also called by p2m_use_begin() inside the section, with interrupts on or off. */
void p2m_flush_this_cpu(struct domain *d)
{
	/* Clear first: a flush that comes after this marks the CPU again. */
	clear_bit(smp_processor_id(), &d->arch.hvm.flush_pending);
	guest_access_flush_cpu(d);
	if (!invept(vmx_caps.invept_single ? INVEPT_SINGLE : INVEPT_ALL, p2m_eptp(d)))
		BUG();
}

/* CPUs of the mask that are inside a section for d and have not flushed yet. */
static cpumask_t still_inside(const struct domain *d, cpumask_t mask)
{
	cpumask_t m = CPUMASK_NONE;
	unsigned int cpu;

	for_each_cpu(cpu, mask) if (READ_ONCE(per_cpu(p2m_user, cpu)) == d &&
				    (READ_ONCE(d->arch.hvm.flush_pending) >> cpu & 1)) m.bits |= 1UL << cpu;
	return m;
}

/*
 * p2m_flush_hook: when this returns, no CPU uses, or will use, a translation of
 * the tree from before the call. Any context outside a section.
 */
static void flush_p2m(struct p2m_domain *p2m, bool ram)
{
	struct domain *d = p2m_to_domain(p2m);
	unsigned int cpu, me = smp_processor_id();
	cpumask_t mask = p2m_cpus(p2m), inside;

	ASSERT(!this_cpu(p2m_user));
	/* Full barriers: entries changed before are visible to whoever sees the mark, or the number. */
	if (ram)
		(void)__atomic_fetch_add(&d->arch.hvm.ram_changes, 1, __ATOMIC_SEQ_CST);
	(void)__atomic_fetch_or(&d->arch.hvm.flush_pending, mask.bits, __ATOMIC_SEQ_CST);
	if (cpumask_test(mask, me)) {
		unsigned long flags = local_irq_save();

		p2m_flush_this_cpu(d);
		local_irq_restore(flags);
		/* Its remembered frames are pinned, but may no longer be what the guest's addresses mean. */
		if (current->domain == d)
			guest_access_invalidate(current);
	}
	inside = still_inside(d, cpumask_without(mask, me));
	for_each_cpu(cpu, inside) smp_send_event_check(cpu);
	while (!cpumask_empty(inside)) {
		cpu_relax();
		inside = still_inside(d, inside);
	}
}

void vmx_flush_init(void) { p2m_flush_hook = flush_p2m; }
