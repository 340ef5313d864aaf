/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains that own pages, without the rest of domain.c. */
#ifndef HOST_OWNERS_H
#define HOST_OWNERS_H

#include <xen/sched.h>

#define OWNERS 8
extern struct domain host_owner[OWNERS];	/* ids 0 … OWNERS - 1 */

/* All counters 0, max_pages without limit. */
void host_owners_reset(void);

#endif
