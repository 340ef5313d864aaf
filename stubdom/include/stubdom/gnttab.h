/* SPDX-License-Identifier: GPL-2.0-only */
/* Grants: giving own pages (version 1 table), and mapping those of others. */
#ifndef STUBDOM_GNTTAB_H
#define STUBDOM_GNTTAB_H

#include <stubdom/hypercall.h>

/* References of the one table frame that is mapped. */
#define GRANT_REFS 512u

/* The own table: its version, and frame idx of it (XENMAPIDX_*) at an own gfn; the hypercall's answer. */
long gnttab_set_version(uint32_t version);
long gnttab_map_frame(uint64_t idx, uint64_t gfn);

/* Select version 1 and map the table's first frame, once. 0, or a negative error. */
long gnttab_init(void);
/* The table, for tests that look at the flags; NULL before gnttab_init(). */
struct grant_entry_v1 *gnttab_table(void);

/* Fill in an entry: page gfn for domain to. flags: GTF_readonly or 0. */
void gnttab_grant(grant_ref_t ref, domid_t to, uint64_t gfn, uint16_t flags);
/* Withdraw it; mappings that exist stay. */
void gnttab_revoke(grant_ref_t ref);

/* Map a reference of dom at an own gfn; GNTST_*, and the handle. */
int gnttab_map(domid_t dom, grant_ref_t ref, uint64_t gfn, uint32_t flags, grant_handle_t *handle);
int gnttab_unmap(uint64_t gfn, grant_handle_t handle);

#endif
