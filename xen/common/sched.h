/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the parts of the scheduler: sched.c (run queues, switching) and sched_ctl.c (pausing, parameters). */
#ifndef COMMON_SCHED_H
#define COMMON_SCHED_H

#include <xen/sched-if.h>
#include <xen/sched.h>

struct sched_vcpu {
	struct sched_entity entity;
	struct vcpu *vcpu;
	s_time_t charged; /* up to here its running is in its virtual time */
	s_time_t started; /* when it was put on the CPU */
};

struct sched_dom {
	struct sched_share share;
	struct domain *domain;
	struct timer refill; /* set while a vCPU has used some of the cap */
};

/* Least time a vCPU runs before one that wakes may take over. XEN_SYSCTL_SCHEDOP_putinfo. */
extern u32 sched_ratelimit_us;

#endif
