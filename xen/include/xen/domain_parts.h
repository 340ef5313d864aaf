/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a domain consists of: each part with how it is made, how its references
 * and pages go back when the domain dies, and how its memory is freed at last.
 */
#ifndef XEN_DOMAIN_PARTS_H
#define XEN_DOMAIN_PARTS_H

#include <xen/guest_access.h>
#include <xen/sched.h>

struct domain_part {
	const char *name;
	int (*init)(struct domain *d, const struct xen_domctl_createdomain *config);
	/*
	 * No vCPU runs. 0, or -ERESTART: call again; what others hold on to stays until they let
	 * go.
	 */
	int (*relinquish)(struct domain *d);
	/* Only for parts whose init succeeded. */
	void (*destroy)(struct domain *d);
};
/* In the order of creation; death goes backwards. common/domain_life.c */
extern const struct domain_part domain_parts[];
extern const unsigned int nr_domain_parts;

#endif
