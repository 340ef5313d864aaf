// SPDX-License-Identifier: GPL-2.0-only
/* The vcpu_op hypercall, and the vCPU's own timer (set_timer_op). */
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <asm/hvm.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/sched.h>

/* Timeouts further away than this mean "never"; some guests compute such values by overflow. */
#define FAR_AWAY (1LL << 50)

static void arm_singleshot(struct vcpu *v, s_time_t when)
{
	if (v->singleshot_timer.cpu != smp_processor_id())
		migrate_timer(&v->singleshot_timer, smp_processor_id());
	set_timer(&v->singleshot_timer, when);
}

long do_set_timer_op(const unsigned long *a)
{
	struct vcpu *v = current;
	s_time_t when = (s_time_t)a[0];

	if (!when)
		stop_timer(&v->singleshot_timer);
	else if (when - NOW() > FAR_AWAY)
		arm_singleshot(v, NOW() + MILLISECS(100));
	else
		arm_singleshot(v, when);
	return 0;
}

/* ---- life of a vCPU ---- */

/*
 * -EFAULT; -EINVAL for a state that cannot be; -EEXIST: it was initialised before; -EBUSY: it is
 * being started by other means (a start-up IPI). It stays down.
 */
static long initialise(struct vcpu *v, unsigned long arg)
{
	struct domain *d = v->domain;
	struct vcpu_hvm_context ctx;
	long rc = -EEXIST;

	if (copy_from_guest_va(&ctx, arg, sizeof(ctx)))
		return -EFAULT;
	/* Paused and found not running, it cannot start to run while its state is written. */
	if (v != current)
		vcpu_pause_nosync(v);
	spin_lock(&d->domain_lock);
	if (!v->is_initialised && v != current) {
		rc = READ_ONCE(v->is_running) ? -EBUSY : hvm_vcpu_set_context(v, &ctx);
		if (!rc)
			v->is_initialised = true;
	}
	spin_unlock(&d->domain_lock);
	if (v != current)
		vcpu_unpause(v);
	return rc;
}

static long up(struct vcpu *v, unsigned long arg)
{
	if (!v->is_initialised)
		return -EINVAL;
	if (test_and_clear_bit(VPF_down, &v->pause_flags))
		vcpu_wake(v);
	return 0;
}

/* The last vCPU that goes down takes the domain with it. */
static long down(struct vcpu *v, unsigned long arg)
{
	struct domain *d = v->domain;
	struct vcpu *o;

	if (test_and_set_bit(VPF_down, &v->pause_flags))
		return 0;
	vcpu_sleep_nosync(v);
	for_each_vcpu(d, o)
		if (!test_bit(VPF_down, &o->pause_flags))
			return 0;
	domain_shutdown(d, SHUTDOWN_poweroff);
	return 0;
}

static long is_up(struct vcpu *v, unsigned long arg) { return !test_bit(VPF_down, &v->pause_flags); }

/* ---- areas ---- */

static long get_runstate_info(struct vcpu *v, unsigned long arg)
{
	struct vcpu_runstate_info info;

	vcpu_runstate_get(v, &info);
	return copy_to_guest_va(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static long register_runstate(struct vcpu *v, unsigned long arg)
{
	struct vcpu_register_runstate_memory_area area;

	if (copy_from_guest_va(&area, arg, sizeof(area)))
		return -EFAULT;
	if (guest_area_register(&v->runstate_area, area.addr.p, sizeof(struct vcpu_runstate_info)))
		return -EFAULT;
	vcpu_update_runstate_area(v);
	return 0;
}

static long register_time(struct vcpu *v, unsigned long arg)
{
	struct vcpu_register_time_memory_area area;

	if (copy_from_guest_va(&area, arg, sizeof(area)))
		return -EFAULT;
	if (guest_area_register(&v->time_area, area.addr.p, sizeof(struct vcpu_time_info)))
		return -EFAULT;
	vcpu_update_time_info(v);
	return 0;
}

static long register_info(struct vcpu *v, unsigned long arg)
{
	struct vcpu_register_vcpu_info info;

	if (copy_from_guest_va(&info, arg, sizeof(info)))
		return -EFAULT;
	/* Of another vCPU only while that does not run: it looks there for its events. */
	if (v != current && !test_bit(VPF_down, &v->pause_flags))
		return -EINVAL;
	return vcpu_info_register(v, _gfn(info.mfn), info.offset);
}

/* ---- timers ---- */

static long set_periodic(struct vcpu *v, unsigned long arg)
{
	struct vcpu_set_periodic_timer op;
	s_time_t now = NOW();

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.period_ns < (u64)MILLISECS(1) || op.period_ns > (u64)FAR_AWAY)
		return -EINVAL;
	v->periodic_period = (s_time_t)op.period_ns;
	v->periodic_last_event = now + v->periodic_period;
	set_timer(&v->periodic_timer, v->periodic_last_event);
	return 0;
}

static long stop_periodic(struct vcpu *v, unsigned long arg)
{
	WRITE_ONCE(v->periodic_period, 0);
	stop_timer(&v->periodic_timer);
	return 0;
}

static long set_singleshot(struct vcpu *v, unsigned long arg)
{
	struct vcpu_set_singleshot_timer op;

	if (v != current)
		return -EINVAL;
	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	/* VCPU_SSHOTTMR_future may be ignored, and is: a timeout in the past fires at once. */
	arm_singleshot(v, (s_time_t)op.timeout_abs_ns);
	return 0;
}

static long stop_singleshot(struct vcpu *v, unsigned long arg)
{
	if (v != current)
		return -EINVAL;
	stop_timer(&v->singleshot_timer);
	return 0;
}

/* ---- */

static long send_nmi(struct vcpu *v, unsigned long arg)
{
	if (arg)
		return -EINVAL;
	hvm_inject_nmi(v);
	return 0;
}

/* dom0's vCPUs are not bound to CPUs for good, so there is no answer to give. */
static long get_physid(struct vcpu *v, unsigned long arg) { return -EINVAL; }

static const struct vcpu_row {
	const char *name;
	long (*fn)(struct vcpu *v, unsigned long arg);
} vcpu_table[] = {
	[VCPUOP_initialise] = { "initialise", initialise },
	[VCPUOP_up] = { "up", up },
	[VCPUOP_down] = { "down", down },
	[VCPUOP_is_up] = { "is_up", is_up },
	[VCPUOP_get_runstate_info] = { "get_runstate_info", get_runstate_info },
	[VCPUOP_register_runstate_memory_area] = { "register_runstate_memory_area", register_runstate },
	[VCPUOP_set_periodic_timer] = { "set_periodic_timer", set_periodic },
	[VCPUOP_stop_periodic_timer] = { "stop_periodic_timer", stop_periodic },
	[VCPUOP_set_singleshot_timer] = { "set_singleshot_timer", set_singleshot },
	[VCPUOP_stop_singleshot_timer] = { "stop_singleshot_timer", stop_singleshot },
	[VCPUOP_register_vcpu_info] = { "register_vcpu_info", register_info },
	[VCPUOP_send_nmi] = { "send_nmi", send_nmi },
	[VCPUOP_get_physid] = { "get_physid", get_physid },
	[VCPUOP_register_vcpu_time_memory_area] = { "register_vcpu_time_memory_area", register_time },
};

/* -ENOENT: the caller has no such vCPU. */
long do_vcpu_op(const unsigned long *a)
{
	unsigned int cmd = (unsigned int)a[0], id = (unsigned int)a[1];
	struct domain *d = current->domain;
	struct vcpu *v = id < d->max_vcpus ? READ_ONCE(d->vcpu[id]) : NULL;

	if (!v)
		return -ENOENT;
	if (cmd >= ARRAY_SIZE(vcpu_table) || !vcpu_table[cmd].fn)
		return hypercall_unimplemented("vcpu_op", cmd);
	return vcpu_table[cmd].fn(v, a[2]);
}
