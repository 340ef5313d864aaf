/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pausing vCPUs and domains, and the scheduling parameters the tool stack sees:
 * weight and cap of a domain, as of the credit2 scheduler of public/domctl.h.
 */
#include "sched.h"

#include <xen/lib.h>
#include <public/sysctl.h>

/* A tool stack that pauses again and again must not wrap the counter. */
#define CONTROLLER_PAUSES_MAX 255

/* ---- pausing ---- */

void vcpu_pause(struct vcpu *v)
{
	atomic_inc(&v->pause_count);
	vcpu_sleep_sync(v);
}

void vcpu_pause_nosync(struct vcpu *v)
{
	atomic_inc(&v->pause_count);
	vcpu_sleep_nosync(v);
}

void vcpu_unpause(struct vcpu *v)
{
	if (atomic_dec_and_test(&v->pause_count))
		vcpu_wake(v);
}

/* First all get to know, then each is waited for. */
void domain_pause(struct domain *d)
{
	struct vcpu *v;

	ASSERT(d != current->domain);
	domain_pause_nosync(d);
	for_each_vcpu(d, v)
		vcpu_sleep_sync(v);
}

void domain_pause_nosync(struct domain *d)
{
	struct vcpu *v;

	atomic_inc(&d->pause_count);
	for_each_vcpu(d, v)
		vcpu_sleep_nosync(v);
}

void domain_unpause(struct domain *d)
{
	struct vcpu *v;

	if (!atomic_dec_and_test(&d->pause_count))
		return;
	for_each_vcpu(d, v)
		vcpu_wake(v);
}

/* Adds n (1 or -1) to the tool stack's pauses. False: there would be too many, or there are none. */
static bool controller_pauses_add(struct domain *d, int n)
{
	unsigned int old = READ_ONCE(d->controller_pause_count), was;

	for (;; old = was) {
		if (n > 0 ? old >= CONTROLLER_PAUSES_MAX : !old)
			return false;
		was = cmpxchg(&d->controller_pause_count, old, old + (unsigned int)n);
		if (was == old)
			return true;
	}
}

/* 0, or -EBUSY: paused too often. Waits until no vCPU of d runs. */
int domain_pause_by_controller(struct domain *d)
{
	if (!controller_pauses_add(d, 1))
		return -EBUSY;
	domain_pause(d);
	return 0;
}

/* 0, or -EINVAL: the tool stack has not paused it. The first one ends the domain's creation. */
int domain_unpause_by_controller(struct domain *d)
{
	if (!controller_pauses_add(d, -1))
		return -EINVAL;
	if (!READ_ONCE(d->controller_pause_count))
		WRITE_ONCE(d->creation_finished, true);
	domain_unpause(d);
	return 0;
}

/* ---- caps ---- */

/* Begins a new period of the cap, and lets those run again that were stopped by it. */
static void refill_cap(void *data)
{
	struct sched_dom *sd = data;
	struct vcpu *v;

	/* A period in which nothing was used is the last: the next one begins when one of its vCPUs runs. */
	if (sched_refill(&sd->share))
		set_timer(&sd->refill, NOW() + SCHED_CAP_PERIOD);
	for_each_vcpu(sd->domain, v)
		if (test_and_clear_bit(VPF_parked, &v->pause_flags))
			vcpu_wake(v);
}

int sched_init_domain(struct domain *d)
{
	struct sched_dom *sd = xzalloc(struct sched_dom);

	if (!sd)
		return -ENOMEM;
	sd->share.weight = SCHED_WEIGHT_DEFAULT;
	sd->domain = d;
	init_timer(&sd->refill, refill_cap, sd, smp_processor_id());
	d->sched = sd;
	return 0;
}

/* When no vCPU of d can run any more. */
void sched_destroy_domain(struct domain *d)
{
	if (!d->sched)
		return;
	kill_timer(&d->sched->refill);
	xfree(d->sched);
	d->sched = NULL;
}

/* ---- parameters ---- */

static void set_params(struct domain *d, const struct xen_domctl_sched_credit2 *p)
{
	struct sched_share *share = &d->sched->share;

	if (p->weight)
		WRITE_ONCE(share->weight, p->weight);
	WRITE_ONCE(share->cap, p->cap);
	/* A whole period of the new cap from now on; without a cap nobody stays stopped. */
	__atomic_store_n(&share->budget, 0, __ATOMIC_RELAXED);
	refill_cap(d->sched);
}

/* -EINVAL: meant for another scheduler, or for single vCPUs, which have no parameters of their own. */
long sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op)
{
	if (op->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EINVAL;
	switch (op->cmd) {
	case XEN_DOMCTL_SCHEDOP_putinfo:
		set_params(d, &op->u.credit2);
		return 0;
	case XEN_DOMCTL_SCHEDOP_getinfo:
		op->u.credit2.weight = d->sched->share.weight;
		op->u.credit2.cap = d->sched->share.cap;
		return 0;
	default:
		return -EINVAL;
	}
}

long sched_sysctl(struct xen_sysctl_scheduler_op *op)
{
	u32 limit = op->u.sched_credit2.ratelimit_us;

	if (op->cpupool_id)
		return -ESRCH;
	if (op->sched_id != XEN_SCHEDULER_CREDIT2)
		return -EINVAL;
	switch (op->cmd) {
	case XEN_SYSCTL_SCHEDOP_putinfo:
		if (limit && (limit < XEN_SYSCTL_SCHED_RATELIMIT_MIN || limit > XEN_SYSCTL_SCHED_RATELIMIT_MAX))
			return -EINVAL;
		WRITE_ONCE(sched_ratelimit_us, limit);
		return 0;
	case XEN_SYSCTL_SCHEDOP_getinfo:
		op->u.sched_credit2.ratelimit_us = sched_ratelimit_us;
		return 0;
	default:
		return -EINVAL;
	}
}
