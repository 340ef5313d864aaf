/* SPDX-License-Identifier: GPL-2.0-only */
/* The bench kernel: prints "BENCH name: instructions" for every row. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/domain.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <stubdom/x86.h>
#include "bench.h"

uint64_t tsc_cost;

/* The harness of the tests is linked in; the bench has no differences to declare. */
const struct difference differences[] = { { "", "", "", "" } };
const unsigned int difference_count;

static void run_rows(const struct row *rows, unsigned int count, const char *only)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		long v;

		if (only && strncmp(rows[i].name, only, strlen(only)))
			continue;
		v = rows[i].fn();
		if (v < 0)
			printf("BENCH %s: failed (%ld)\n", rows[i].name, v);
		else
			printf("BENCH %s: %ld\n", rows[i].name, v);
	}
}

static void print_memory(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

	if (!hc_sysctl(&op))
		printf("BENCH hypervisor memory, pages: %lu\n",
		       op.u.physinfo.total_pages - op.u.physinfo.free_pages - domain_pages(0));
}

void stubdom_main(void)
{
	char role[16], only[64];
	bool some = cmdline_value("rows", only, sizeof(only));

	if (cmdline_value("role", role, sizeof(role)) && !strcmp(role, "server"))
		remote_server();
	tsc_cost = (uint64_t)CHEAPEST(20, barrier());
	printf("bench: starts\n");
	if (!some)
		print_memory();
	run_rows(rows_exits, row_count_exits, some ? only : NULL);
	run_rows(rows_events, row_count_events, some ? only : NULL);
	run_rows(rows_memory, row_count_memory, some ? only : NULL);
	run_rows(rows_life, row_count_life, some ? only : NULL);
	printf("bench: BENCH-DONE\n");
}
