/* SPDX-License-Identifier: GPL-2.0-only */
/* Domains that own pages: their counters, checked against going below 0. */
#include "host/owners.h"
#include "host/tap.h"

#include <xen/lib.h>

struct domain host_owner[OWNERS];

void host_owners_reset(void)
{
	memset(host_owner, 0, sizeof(host_owner));
	for (unsigned int i = 0; i < OWNERS; i++) {
		host_owner[i].domain_id = (domid_t)i;
		host_owner[i].max_pages = ~0UL >> 1;
	}
}

struct domain *page_owner_domain(u16 id)
{
	return id < OWNERS ? &host_owner[id] : NULL;
}

bool domain_add_pages(struct domain *d, long n)
{
	s64 old = atomic64_read(&d->tot_pages);

	do {
		if (READ_ONCE(d->is_dying) || (u64)(old + n) > d->max_pages)
			return false;
	} while (!__atomic_compare_exchange_n(&d->tot_pages.v, &old, old + n, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

void domain_sub_pages(struct domain *d, long n)
{
	if (atomic64_add_return(-n, &d->tot_pages) < 0)
		panic("d%u owns less than no pages\n", d->domain_id);
}

void domain_add_xen_pages(struct domain *d, long n) { atomic64_add_return(n, &d->xen_pages); }

void domain_sub_xen_pages(struct domain *d, long n)
{
	if (atomic64_add_return(-n, &d->xen_pages) < 0)
		panic("d%u owns less than no pages of the hypervisor\n", d->domain_id);
}
