/* SPDX-License-Identifier: GPL-2.0-only */
/* Grants: the own table in version 1, and mappings of other domains' pages. */
#include <stubdom/gnttab.h>
#include <stubdom/mm.h>

static struct grant_entry_v1 *table;

long gnttab_set_version(uint32_t version)
{
	struct gnttab_set_version v = { .version = version };

	return hc_grant_table_op(GNTTABOP_set_version, &v, 1);
}

long gnttab_map_frame(uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap m = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .idx = idx, .gpfn = gfn
	};

	return hc_memory_op(XENMEM_add_to_physmap, &m);
}

long gnttab_init(void)
{
	uint64_t gfn;
	long rc;

	if (table)
		return 0;
	gfn = hole_gfn_alloc(1, 1);
	/* It is refused when the table is in use in another version: then the map tells. */
	gnttab_set_version(1);
	rc = gnttab_map_frame(0, gfn);
	if (!rc)
		table = gfn_ptr(gfn);
	return rc;
}

struct grant_entry_v1 *gnttab_table(void) { return table; }

void gnttab_grant(grant_ref_t ref, domid_t to, uint64_t gfn, uint16_t flags)
{
	table[ref].frame = (uint32_t)gfn;
	table[ref].domid = to;
	barrier();
	WRITE_ONCE(table[ref].flags, GTF_permit_access | flags);
}

void gnttab_revoke(grant_ref_t ref) { WRITE_ONCE(table[ref].flags, 0); }

int gnttab_map(domid_t dom, grant_ref_t ref, uint64_t gfn, uint32_t flags, grant_handle_t *handle)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = gfn << PAGE_SHIFT, .flags = GNTMAP_host_map | flags, .ref = ref, .dom = dom
	};
	long rc = hc_grant_table_op(GNTTABOP_map_grant_ref, &m, 1);

	*handle = m.handle;
	return rc ? GNTST_general_error : m.status;
}

int gnttab_unmap(uint64_t gfn, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref u = { .host_addr = gfn << PAGE_SHIFT, .handle = handle };

	return hc_grant_table_op(GNTTABOP_unmap_grant_ref, &u, 1) ? GNTST_general_error : u.status;
}
