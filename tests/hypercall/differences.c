/* SPDX-License-Identifier: GPL-2.0-only */
/* Where Pavise by decision answers differently from Xen 4.17: one row per case, with the reason. */
#include <stubdom/tap.h>

const struct difference differences[] = {
	{ "foreign: over a foreign page",
	  "-ENXIO, the old mapping stays", "0, the new page is mapped, the old reference dropped",
	  "one atomic replacement spares a tool the window between unmap and map" },
	{ "foreign: the same page again",
	  "-ENXIO", "0, nothing changes", "the same rule as for another page" },
	{ "foreign: a batch over a batch",
	  "refused entry by entry", "each page replaces the one before",
	  "the same rule, for a batch" },
	{ "foreign: populate over it",
	  "domain_crash of the caller", "the extent is refused, the mapping stays",
	  "no hypercall argument may take the caller down" },
	{ "zombie: replacing its last mapping frees it",
	  "the mapping can not be replaced (-ENXIO)", "replaced, and the domain goes",
	  "the same rule as for live domains" },
	{ "memory: remove own RAM",
	  "the page leaks: it stays in tot_pages", "the page is freed",
	  "removing or replacing RAM leaks nothing" },
	{ "memory: populate over RAM",
	  "the old page leaks: it stays in tot_pages", "the old page is freed",
	  "removing or replacing RAM leaks nothing" },
	{ "memory: populate out of range",
	  "0, and the page it had allocated leaks", "0, and nothing changes",
	  "a refused extent costs nothing" },
	{ "domctl: creation that fails late",
	  "on VT-x the host goes down (common/domain.c:466)", "everything is undone, and the error",
	  "no hypercall argument may take the host down" },
	{ "domctl: create and destroy cost nothing",
	  "the free page count wanders by a few pages of its own heap", "exactly as before",
	  "a leak of one page a cycle must be visible" },
	{ "grant: map over own RAM",
	  "the RAM page leaks: it stays in tot_pages for ever", "the RAM page is freed",
	  "removing or replacing RAM leaks nothing" },
	{ "grant: map over a foreign mapping",
	  "domain_crash of the caller", "replaced, the foreign reference dropped; or refused",
	  "no hypercall argument may take the caller down" },
};

const unsigned int difference_count = ARRAY_SIZE(differences);
