/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer of the virtual local APIC: one-shot, periodic and TSC-deadline on
 * a hypervisor timer. The counter's clock is 100 MHz, as on Xen, so that saved
 * counts mean the same.
 */
#include <xen/lib.h>
#include "vlapic.h"

#define NS_PER_TICK 10
/* A periodic timer faster than this would take a CPU for itself. */
#define PERIOD_MIN MICROSECS(100)

enum { MODE_ONESHOT, MODE_PERIODIC, MODE_DEADLINE, MODE_RESERVED };

static unsigned int timer_mode(const struct vlapic *l) { return vlapic_reg(l, APIC_LVTT) >> 17 & 3; }

/* SDM, divide configuration register: bits 0, 1, 3 count powers of two, 111 is 1. */
u32 vlapic_timer_divisor(const struct vlapic *l)
{
	u32 tdcr = vlapic_reg(l, APIC_TDCR);

	return 1U << ((((tdcr & 3) | (tdcr >> 1 & 4)) + 1) & 7);
}

/* Program the hypervisor timer on the CPU where this happens; the lock is held. */
static void arm(struct vlapic *l, s_time_t expires)
{
	unsigned int cpu = smp_processor_id();

	if (l->timer.cpu != cpu)
		migrate_timer(&l->timer, cpu);
	set_timer(&l->timer, expires);
}

static void disarm(struct vlapic *l)
{
	l->timer_period = 0;
	l->tsc_deadline = 0;
	stop_timer(&l->timer);
}

/* Length of a guest TSC difference in ns. */
static s_time_t guest_ticks_to_ns(const struct domain *d, u64 ticks)
{
	u64 ns;

	ticks = min_t(u64, ticks, 1ULL << 60);
	ns = d->arch.hvm.tsc_khz ? muldiv64(ticks, 1000000, d->arch.hvm.tsc_khz) : tsc_to_ns(ticks);
	return (s_time_t)min_t(u64, ns, 1ULL << 61);
}

/* Time from now until the guest's TSC reaches the deadline. */
static s_time_t until_deadline(struct vlapic *l)
{
	u64 tsc = hvm_guest_tsc(l->vcpu);

	return tsc >= l->tsc_deadline ? 0 : guest_ticks_to_ns(l->vcpu->domain, l->tsc_deadline - tsc);
}

/* Starts counting down from tmict at start; the lock is held. */
static void start_count(struct vlapic *l, u32 tmict, s_time_t start)
{
	s_time_t period = (s_time_t)tmict * vlapic_timer_divisor(l) * NS_PER_TICK;

	if (!tmict) {
		disarm(l);
		return;
	}
	if (timer_mode(l) == MODE_PERIODIC && period < PERIOD_MIN)
		period = PERIOD_MIN;
	l->timer_start = start;
	l->timer_period = period;
	arm(l, start + period);
}

/*
 * The hypervisor timer went off. The guest may have reprogrammed the timer meanwhile: what counts is the
 * state under the lock, and a count that is not over yet is armed again. True: raise the interrupt.
 */
static bool timer_expired(struct vlapic *l)
{
	s_time_t now = NOW(), left;

	if (timer_mode(l) == MODE_DEADLINE) {
		if (!l->tsc_deadline)
			return false;
		left = until_deadline(l);
		if (left > 0) {
			set_timer(&l->timer, now + left);
			return false;
		}
		l->tsc_deadline = 0;
		return true;
	}
	if (!l->timer_period)
		return false;
	if (now < l->timer_start + l->timer_period) {
		set_timer(&l->timer, l->timer_start + l->timer_period);
		return false;
	}
	if (timer_mode(l) == MODE_PERIODIC) {
		/* Periods that were missed altogether are not made up for. */
		l->timer_start += (now - l->timer_start) / l->timer_period * l->timer_period;
		set_timer(&l->timer, l->timer_start + l->timer_period);
	} else {
		l->timer_period = 0;
	}
	return true;
}

static void timer_fn(void *data)
{
	struct vlapic *l = data;
	u32 lvtt;
	bool fire;

	spin_lock(&l->timer_lock);
	fire = timer_expired(l);
	lvtt = vlapic_reg(l, APIC_LVTT);
	spin_unlock(&l->timer_lock);
	if (!fire || (lvtt & APIC_LVT_MASKED))
		return;
	if ((lvtt & APIC_LVT_VECTOR) < 16)
		vlapic_error(l, APIC_ESR_RECEIVE_VECTOR);
	else
		vlapic_set_irq(l->vcpu, lvtt & APIC_LVT_VECTOR, false);
}

void vlapic_timer_init(struct vlapic *l)
{
	spin_lock_init(&l->timer_lock, RANK_HVM);
	init_timer(&l->timer, timer_fn, l, l->vcpu->processor);
}

void vlapic_timer_stop(struct vlapic *l)
{
	spin_lock(&l->timer_lock);
	disarm(l);
	spin_unlock(&l->timer_lock);
}

void vlapic_write_tmict(struct vlapic *l, u32 val)
{
	spin_lock(&l->timer_lock);
	if (timer_mode(l) != MODE_DEADLINE) {
		vlapic_set_reg(l, APIC_TMICT, val);
		start_count(l, val, NOW());
	}
	spin_unlock(&l->timer_lock);
}

static u32 current_count(const struct vlapic *l)
{
	s_time_t elapsed, tick = (s_time_t)vlapic_timer_divisor(l) * NS_PER_TICK;

	if (!l->timer_period)
		return 0;
	elapsed = NOW() - l->timer_start;
	if (elapsed >= l->timer_period) {
		if (timer_mode(l) != MODE_PERIODIC)
			return 0;
		elapsed %= l->timer_period;
	}
	return (u32)min_t(s_time_t, DIV_ROUND_UP(l->timer_period - elapsed, tick), vlapic_reg(l, APIC_TMICT));
}

u32 vlapic_read_tmcct(struct vlapic *l)
{
	u32 count;

	spin_lock(&l->timer_lock);
	count = current_count(l);
	spin_unlock(&l->timer_lock);
	return count;
}

/* A new divisor: what is left of the count goes on at the new speed. */
void vlapic_write_tdcr(struct vlapic *l, u32 val)
{
	u32 left;

	spin_lock(&l->timer_lock);
	left = current_count(l);
	vlapic_set_reg(l, APIC_TDCR, val);
	if (left) {
		u32 gone = vlapic_reg(l, APIC_TMICT) - left;

		start_count(l, vlapic_reg(l, APIC_TMICT),
			    NOW() - (s_time_t)gone * vlapic_timer_divisor(l) * NS_PER_TICK);
	}
	spin_unlock(&l->timer_lock);
}

/* Going to or from TSC-deadline mode disarms the timer. */
void vlapic_write_lvtt(struct vlapic *l, u32 val)
{
	unsigned int old;

	spin_lock(&l->timer_lock);
	old = timer_mode(l);
	vlapic_set_reg(l, APIC_LVTT, val);
	if (old != timer_mode(l) && (old == MODE_DEADLINE || timer_mode(l) == MODE_DEADLINE)) {
		vlapic_set_reg(l, APIC_TMICT, 0);
		disarm(l);
	} else if (timer_mode(l) == MODE_PERIODIC && l->timer_period && l->timer_period < PERIOD_MIN) {
		l->timer_period = PERIOD_MIN;
	}
	spin_unlock(&l->timer_lock);
}

void vlapic_write_deadline(struct vlapic *l, u64 val)
{
	spin_lock(&l->timer_lock);
	if (timer_mode(l) == MODE_DEADLINE) {
		l->tsc_deadline = val;
		if (val)
			arm(l, NOW() + until_deadline(l));
		else
			disarm(l);
	}
	spin_unlock(&l->timer_lock);
}

u64 vlapic_read_deadline(struct vlapic *l)
{
	u64 val;

	spin_lock(&l->timer_lock);
	val = timer_mode(l) == MODE_DEADLINE ? l->tsc_deadline : 0;
	spin_unlock(&l->timer_lock);
	return val;
}

void vlapic_timer_restart(struct vlapic *l)
{
	u32 tmict = vlapic_reg(l, APIC_TMICT), left = vlapic_reg(l, APIC_TMCCT);

	spin_lock(&l->timer_lock);
	if (timer_mode(l) == MODE_DEADLINE) {
		if (l->tsc_deadline)
			arm(l, NOW() + until_deadline(l));
	} else {
		l->tsc_deadline = 0;
		left = left && left <= tmict ? left : tmict;
		if (left || timer_mode(l) == MODE_PERIODIC)
			start_count(l, tmict,
				    NOW() - (s_time_t)(tmict - left) * vlapic_timer_divisor(l) * NS_PER_TICK);
	}
	spin_unlock(&l->timer_lock);
}
