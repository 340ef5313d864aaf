/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who may do what to whom, in one table (common/access.c). There are two kinds
 * of domains: privileged ones (dom0) and the others, and a device model's domain
 * counts as privileged over nobody.
 */
#ifndef XEN_ACCESS_H
#define XEN_ACCESS_H

#include <xen/sched.h>

enum access_op {
	/* event channels */
	ACCESS_EVTCHN_UNBOUND,
	ACCESS_EVTCHN_STATUS,
	ACCESS_EVTCHN_RESET,
	/* memory */
	ACCESS_MEM_ADJUST,
	ACCESS_MEM_STAT,
	ACCESS_MEM_CLAIM,
	ACCESS_MEM_PHYSMAP,
	ACCESS_MEM_SET_MAP,
	ACCESS_MEM_POD,
	ACCESS_MEM_RESOURCE,
	ACCESS_MEM_VNUMA,
	/* virtual platform */
	ACCESS_HVM_PARAM_SET,
	ACCESS_HVM_PARAM_GET,
	ACCESS_HVM_MEM_TYPE,
	/* life and scheduling */
	ACCESS_REMOTE_SHUTDOWN,
	ACCESS_PIN_OVERRIDE,
	/* the machine */
	ACCESS_CONSOLE_WRITE,
	ACCESS_CONSOLE_READ,
	ACCESS_PLATFORM,
	ACCESS_PHYSDEV,
	ACCESS_VERSION_PRIVATE,
	/* tool stack */
	ACCESS_DOMCTL,
	ACCESS_SYSCTL,
	ACCESS_DM,
	ACCESS_GRANT_OTHER,
	NR_ACCESS_OPS
};

/* May the current domain do op to target (NULL: the machine)? 0 or -EPERM. */
int access_check(enum access_op op, const struct domain *target);

/*
 * The domain that id (which may be DOMID_SELF) names, if the current one may do op to it: a counted
 * reference in *d. -ESRCH, -EPERM: none is held.
 */
int get_domain_for(enum access_op op, domid_t id, struct domain **d);

#endif
