/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * free-pages: the hypervisor's free memory to the page (xl info rounds it to
 * MiB), and a domain's page counts when its number is given.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <xenctrl.h>

int main(int argc, char **argv)
{
	xc_interface *xch = xc_interface_open(NULL, NULL, 0);
	xc_physinfo_t phys = { 0 };
	xc_dominfo_t dom;
	uint32_t domid;

	if (!xch || xc_physinfo(xch, &phys)) {
		perror("free-pages: physinfo");
		return 1;
	}
	printf("free_pages=%" PRIu64 " total_pages=%" PRIu64 "\n", phys.free_pages, phys.total_pages);
	if (argc > 1) {
		domid = strtoul(argv[1], NULL, 10);
		if (xc_domain_getinfo(xch, domid, 1, &dom) != 1 || dom.domid != domid) {
			fprintf(stderr, "free-pages: no domain %s\n", argv[1]);
			return 1;
		}
		printf("nr_pages=%lu nr_outstanding_pages=%lu nr_shared_pages=%lu max_memkb=%lu\n",
		       dom.nr_pages, dom.nr_outstanding_pages, dom.nr_shared_pages, dom.max_memkb);
	}
	return 0;
}
