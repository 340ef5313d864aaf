/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables: what other parts of the hypervisor need of them. ABI: public/grant_table.h */
#ifndef XEN_GRANT_TABLE_H
#define XEN_GRANT_TABLE_H

#include <xen/types.h>

struct domain;
struct page_info;

/*
 * A new domain's table: one shared frame, version 1. Limits in frames, negative: the default
 * (gnttab_max_frames=, gnttab_max_maptrack_frames=); max_version 0: as the command line says. 0, -EINVAL, -ENOMEM.
 */
int grant_table_init(struct domain *d, int max_frames, int max_maptrack_frames, unsigned int max_version);
/* Pages of handles set aside, so that mapping that many grants takes no memory then. 0, -ENOMEM. */
int gnttab_preallocate(struct domain *d, unsigned int pages);
/* Releases every grant the dying domain d has mapped; 0, or -ERESTART to be called again. */
int grant_table_release(struct domain *d);
/* Frees the table; nothing may be mapped by d any more. */
void grant_table_destroy(struct domain *d);
/*
 * XENMAPSPACE_grant_table: frame idx (XENMAPIDX_grant_table_status: of the status table), growing the
 * table up to it. *page comes with one reference for the caller. 0, -EINVAL, -ENOMEM.
 */
int gnttab_map_frame(struct domain *d, unsigned long idx, struct page_info **page);
/* XENMEM_acquire_resource: frames of the shared (id 0) or status (id 1) table there can be at most. */
unsigned int gnttab_resource_max_frames(const struct domain *d, unsigned int id);
/* One frame of that resource with a reference for the caller; grows the table. */
int gnttab_acquire_resource(struct domain *d, unsigned int id, unsigned long frame, struct page_info **page);
/* Debug key: what is in use by others. Takes the table's lock. */
void gnttab_dump(struct domain *d);

#endif
