// SPDX-License-Identifier: GPL-2.0-only
/* The sched_op hypercall: what a domain does to its own running, and remote shutdown. */
#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <asm/processor.h>
#include <public/sched.h>

#define POLL_PORTS_MAX 128

static long yield_op(unsigned long arg)
{
	vcpu_yield_current();
	return 0;
}

static long block(unsigned long arg)
{
	/* By the ABI blocking lets events in, so that a wake-up is not missed. */
	WRITE_ONCE(current->vcpu_info->evtchn_upcall_mask, 0);
	smp_mb();
	vcpu_block_current();
	return 0;
}

static long shutdown_op(unsigned long arg)
{
	struct sched_shutdown op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	domain_shutdown(current->domain, (u8)op.reason);
	return 0;
}

static long shutdown_code(unsigned long arg)
{
	struct domain *d = current->domain;
	struct sched_shutdown op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	(void)cmpxchg(&d->shutdown_code, -1, (int)(u8)op.reason);
	return 0;
}

/* 1: one of the ports is pending; 0: none; -EINVAL, -EFAULT. */
static int poll_ports_pending(struct vcpu *v, const struct sched_poll *op)
{
	struct domain *d = v->domain;
	u32 port;

	for (unsigned int i = 0; i < op->nr_ports; i++) {
		if (copy_from_guest_offset(&port, op->ports, i, 1))
			return -EFAULT;
		if (port >= READ_ONCE(d->evtchn.valid_ports))
			return -EINVAL;
		if (evtchn_port_is_pending(d, port))
			return 1;
	}
	if (op->nr_ports == 1)
		v->poll_evtchn = port;
	return 0;
}

/*
 * With interrupts off a pending upcall is no reason to come back: guests poll inside their locks.
 */
static bool upcall_comes(const struct vcpu *v)
{
	return v->arch.regs.rflags & X86_EFLAGS_IF && vcpu_event_delivery_due(v);
}

/* Blocks until a port is pending, an event is due, or the absolute time has come. */
static long poll_op(unsigned long arg)
{
	struct vcpu *v = current;
	struct domain *d = v->domain;
	struct sched_poll op;
	int rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.nr_ports > POLL_PORTS_MAX)
		return -EINVAL;
	if (!guest_handle_okay(op.ports, op.nr_ports))
		return -EFAULT;

	/* First be found by senders, then look: an event in between wakes. */
	set_bit(VPF_blocked, &v->pause_flags);
	v->poll_evtchn = ~0U;
	set_bit(v->vcpu_id, &d->evtchn.poll_mask);
	rc = upcall_comes(v) ? 1 : poll_ports_pending(v, &op);
	if (rc) {
		clear_bit(v->vcpu_id, &d->evtchn.poll_mask);
		clear_bit(VPF_blocked, &v->pause_flags);
		return rc > 0 ? 0 : rc;
	}
	if (op.timeout) {
		if (v->poll_timer.cpu != smp_processor_id())
			migrate_timer(&v->poll_timer, smp_processor_id());
		set_timer(&v->poll_timer, (s_time_t)op.timeout);
	}
	raise_softirq(SCHEDULE_SOFTIRQ);
	return 0;
}

/* -ESRCH; -EPERM: not privileged over it; -EINVAL: no such reason. */
static long remote_shutdown(unsigned long arg)
{
	struct sched_remote_shutdown op;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	d = get_domain_by_id(op.domain_id);
	if (!d)
		return -ESRCH;
	rc = access_check(ACCESS_REMOTE_SHUTDOWN, d);
	if (!rc)
		domain_shutdown(d, (u8)op.reason);
	put_domain(d);
	return rc;
}

/*
 * id 0 and a timeout (seconds): a new timer, its id is the result. -ENOSPC: all in use; -EINVAL;
 * -EEXIST: id not in use.
 */
static long watchdog(unsigned long arg)
{
	struct domain *d = current->domain;
	struct sched_watchdog op;
	unsigned int i;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.id > NR_WATCHDOGS)
		return -EINVAL;
	spin_lock(&d->domain_lock);
	if (!op.id) {
		for (i = 0; i < NR_WATCHDOGS && d->watchdog_map >> i & 1; i++)
			;
		rc = !op.timeout ? -EINVAL : i == NR_WATCHDOGS ? -ENOSPC : (long)i + 1;
	} else {
		i = op.id - 1;
		rc = d->watchdog_map >> i & 1 ? 0 : -EINVAL;
	}
	if (rc >= 0 && op.timeout) {
		d->watchdog_map |= 1U << i;
		set_timer(&d->watchdog[i], NOW() + SECONDS(op.timeout));
	} else if (rc >= 0) {
		stop_timer(&d->watchdog[i]);
		d->watchdog_map &= ~(1U << i);
	}
	spin_unlock(&d->domain_lock);
	return rc;
}

/* -EPERM; -EINVAL: no such CPU, or nothing to undo; -EBUSY: pinned so already. */
static long pin_override(unsigned long arg)
{
	struct vcpu *v = current;
	struct sched_pin_override op;
	int rc;

	if (access_check(ACCESS_PIN_OVERRIDE, NULL))
		return -EPERM;
	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.pcpu < 0) {
		if (cpumask_empty(v->saved_affinity))
			return -EINVAL;
		rc = vcpu_set_hard_affinity(v, v->saved_affinity);
		if (!rc)
			v->saved_affinity = CPUMASK_NONE;
		return rc;
	}
	if (op.pcpu >= NR_CPUS || !cpumask_test(cpu_online_map, (unsigned int)op.pcpu))
		return -EINVAL;
	if (!cpumask_empty(v->saved_affinity))
		return -EBUSY;
	v->saved_affinity = v->hard_affinity;
	rc = vcpu_set_hard_affinity(v, cpumask_of((unsigned int)op.pcpu));
	if (rc)
		v->saved_affinity = CPUMASK_NONE;
	return rc;
}

static const struct sched_row {
	const char *name;
	long (*fn)(unsigned long arg);
} sched_table[] = {
	[SCHEDOP_yield] = { "yield", yield_op },
	[SCHEDOP_block] = { "block", block },
	[SCHEDOP_shutdown] = { "shutdown", shutdown_op },
	[SCHEDOP_poll] = { "poll", poll_op },
	[SCHEDOP_remote_shutdown] = { "remote_shutdown", remote_shutdown },
	[SCHEDOP_shutdown_code] = { "shutdown_code", shutdown_code },
	[SCHEDOP_watchdog] = { "watchdog", watchdog },
	[SCHEDOP_pin_override] = { "pin_override", pin_override },
};

long do_sched_op(const unsigned long *a)
{
	unsigned int cmd = (unsigned int)a[0];

	if (cmd >= ARRAY_SIZE(sched_table) || !sched_table[cmd].fn)
		return hypercall_unimplemented("sched_op", cmd);
	return sched_table[cmd].fn(a[1]);
}
