/* SPDX-License-Identifier: GPL-2.0-only */
/* Bench: life cycles of domains. */
#include <stubdom/domain.h>
#include <stubdom/lib.h>
#include <stubdom/x86.h>
#include "bench.h"

static bool gone(domid_t id)
{
	struct xen_domctl_getdomaininfo info;

	return domain_info(id, &info) != 0;
}

static void end(domid_t id)
{
	domain_destroy(id);
	while (!gone(id))
		hc_sched_op(SCHEDOP_yield, NULL);
}

static long create_only(void)
{
	struct xen_domctl_createdomain cfg;
	uint64_t best = ~0ull, t;
	unsigned int n;
	domid_t id;

	for (n = 0; n < 6; n++) {
		domain_cfg_init(&cfg, 1);
		t = rdtsc();
		if (domain_create_cfg(&cfg, &id))
			return -1;
		t = rdtsc() - t;
		if (n && t < best)
			best = t;
		end(id);
	}
	return (long)(best - tsc_cost);
}

/* Create, give memory in extents of 2^order pages, destroy until it is gone. */
static long life_cycle(unsigned long extents, unsigned int order)
{
	uint64_t best = ~0ull, t;
	unsigned int n;
	domid_t id;

	for (n = 0; n < 3; n++) {
		t = rdtsc();
		if (domain_create(&id, 1, (extents << order) + 16))
			return -1;
		if (extents && domain_populate(id, 0, extents, order) != (long)extents) {
			end(id);
			return -12;
		}
		end(id);
		t = rdtsc() - t;
		if (n && t < best)
			best = t;
	}
	return (long)(best - tsc_cost);
}

static long life_empty(void)
{
	return life_cycle(0, 0);
}

static long life_16m(void)
{
	return life_cycle(4096, 0);
}

static long life_256m(void)
{
	return life_cycle(128, 9);
}

static long life_guest(void)
{
	struct guest g;
	uint64_t t = rdtsc();
	long rc = guest_start_server(&g, "", 1, 256);

	if (rc)
		return rc;
	guest_destroy(&g);
	return (long)(rdtsc() - t);
}

const struct row rows_life[] = {
	{ "createdomain", create_only },
	{ "life cycle of an empty domain", life_empty },
	{ "life cycle of a 16 MiB domain, 4K pages", life_16m },
	{ "life cycle of a 256 MiB domain, 2M pages", life_256m },
	{ "life cycle of a guest that runs and answers", life_guest },
};

const unsigned int row_count_life = ARRAY_SIZE(rows_life);
