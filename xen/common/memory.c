// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory_op hypercall: dispatch, and the operations that only ask or set a number. ABI:
 * public/memory.h
 */
#include <asm/setup.h>
#include "memory.h"

/* Entries as guests see them: INT 15h, AX=E820h. */
struct guest_e820_entry {
	u64 addr, size;
	u32 type;
} __packed;

/* ---- questions about a domain ---- */

static long domain_question(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_memory_domain op;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_domain_for(ACCESS_MEM_STAT, op.domid, &d);
	if (rc)
		return rc;
	switch (cmd) {
	case XENMEM_current_reservation:
		rc = atomic64_read(&d->tot_pages);
		break;
	case XENMEM_maximum_reservation:
		rc = (long)d->max_pages;
		break;
	default:
		rc = (long)p2m_max_gfn(d);
		break;
	}
	put_domain(d);
	return rc;
}

static long maximum_ram_page(unsigned int cmd, unsigned long start, unsigned long arg)
{
	return (long)max_page;
}

/* ---- memory maps ---- */

/* [domain lock] */
static long copy_map_out(const struct domain *d, struct xen_memory_map *map)
{
	u32 nr = min(map->nr_entries, d->arch.nr_e820);

	for (u32 i = 0; i < nr; i++) {
		const struct e820_entry *e = &d->arch.e820[i];
		struct guest_e820_entry out = { e->addr, e->size, e->type };

		if (copy_to_guest_va((unsigned long)map->buffer.p + i * sizeof(out), &out, sizeof(out)))
			return -EFAULT;
	}
	map->nr_entries = nr;
	return 0;
}

/* The caller's own. -ENOSYS: it has none. */
static long memory_map(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct domain *d = current->domain;
	struct xen_memory_map map;
	long rc;

	if (copy_from_guest_va(&map, arg, sizeof(map)))
		return -EFAULT;
	spin_lock(&d->domain_lock);
	rc = d->arch.nr_e820 ? copy_map_out(d, &map) : -ENOSYS;
	spin_unlock(&d->domain_lock);
	if (!rc && copy_to_guest_va(arg, &map, sizeof(map)))
		rc = -EFAULT;
	return rc;
}

static struct e820_entry *copy_map_in(const struct xen_memory_map *map, long *rc)
{
	struct e820_entry *e = xzalloc_array(struct e820_entry, map->nr_entries);

	*rc = e ? 0 : -ENOMEM;
	for (u32 i = 0; e && i < map->nr_entries; i++) {
		struct guest_e820_entry in;

		if (copy_from_guest_va(&in, (unsigned long)map->buffer.p + i * sizeof(in), sizeof(in))) {
			*rc = -EFAULT;
			xfree(e);
			return NULL;
		}
		e[i] = (struct e820_entry){ in.addr, in.size, in.type };
	}
	return e;
}

/* -EINVAL: too many entries; -ESRCH, -EPERM, -ENOMEM. */
static long set_memory_map(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_foreign_memory_map op;
	struct e820_entry *fresh, *old;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (!op.map.nr_entries || op.map.nr_entries > E820_MAX)
		return -EINVAL;
	rc = get_domain_for(ACCESS_MEM_SET_MAP, op.domid, &d);
	if (rc)
		return rc;
	fresh = copy_map_in(&op.map, &rc);
	if (fresh) {
		spin_lock(&d->domain_lock);
		old = d->arch.e820;
		d->arch.e820 = fresh;
		d->arch.nr_e820 = op.map.nr_entries;
		spin_unlock(&d->domain_lock);
		xfree(old);
	}
	put_domain(d);
	return rc;
}

/* Without an IOMMU no device has memory of its own that guests must leave free. */
static long reserved_device_memory_map(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_reserved_device_memory_map op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.flags & ~XENMEM_RDM_ALL)
		return -EINVAL;
	op.nr_entries = 0;
	return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* ---- populate on demand ---- */

static long pod_target(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_pod_target op;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_domain_for(ACCESS_MEM_POD, op.domid, &d);
	if (rc)
		return rc;
	if (cmd == XENMEM_set_pod_target)
		rc = op.target_pages > d->max_pages ? -EINVAL : p2m_pod_set_target(d, op.target_pages);
	if (!rc) {
		p2m_pod_get_target(d, &op.tot_pages, &op.pod_cache_pages, &op.pod_entries);
		if (copy_to_guest_va(arg, &op, sizeof(op)))
			rc = -EFAULT;
	}
	put_domain(d);
	return rc == -ERESTART ? memory_continue(cmd, start, arg) : rc;
}

/* ---- what is not there, with the errors of a Xen that has it switched off ---- */

/* No virtual NUMA topology is ever set. */
static long get_vnumainfo(unsigned int cmd, unsigned long start, unsigned long arg)
{
	struct xen_vnuma_topology_info op;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_domain_for(ACCESS_MEM_VNUMA, op.domid, &d);
	if (rc)
		return rc;
	put_domain(d);
	return -EOPNOTSUPP;
}

/*
 * Of the translation tables of PV domains; also the machine's memory map is not for translated
 * domains.
 */
static long not_translated(unsigned int cmd, unsigned long start, unsigned long arg) { return -ENOSYS; }

static long not_supported(unsigned int cmd, unsigned long start, unsigned long arg) { return -EOPNOTSUPP; }

/* Access restrictions need somebody who listens to violations, and there is no monitor ring. */
static long access_op(unsigned int cmd, unsigned long start, unsigned long arg) { return -ENODEV; }

/* ---- dispatch ---- */

static const struct memory_row {
	const char *name;
	memory_fn_t fn;
} memory_table[] = {
	[XENMEM_increase_reservation] = { "increase_reservation", memory_increase_reservation },
	[XENMEM_decrease_reservation] = { "decrease_reservation", memory_decrease_reservation },
	[XENMEM_maximum_ram_page] = { "maximum_ram_page", maximum_ram_page },
	[XENMEM_current_reservation] = { "current_reservation", domain_question },
	[XENMEM_maximum_reservation] = { "maximum_reservation", domain_question },
	[XENMEM_machphys_mfn_list] = { "machphys_mfn_list", not_translated },
	[XENMEM_populate_physmap] = { "populate_physmap", memory_populate_physmap },
	[XENMEM_add_to_physmap] = { "add_to_physmap", memory_add_to_physmap },
	[XENMEM_memory_map] = { "memory_map", memory_map },
	[XENMEM_machine_memory_map] = { "machine_memory_map", not_translated },
	[XENMEM_exchange] = { "exchange", not_supported },
	[XENMEM_machphys_mapping] = { "machphys_mapping", not_translated },
	[XENMEM_set_memory_map] = { "set_memory_map", set_memory_map },
	[XENMEM_maximum_gpfn] = { "maximum_gpfn", domain_question },
	[XENMEM_remove_from_physmap] = { "remove_from_physmap", memory_remove_from_physmap },
	[XENMEM_set_pod_target] = { "set_pod_target", pod_target },
	[XENMEM_get_pod_target] = { "get_pod_target", pod_target },
	[XENMEM_get_sharing_freed_pages] = { "get_sharing_freed_pages", not_translated },
	[XENMEM_get_sharing_shared_pages] = { "get_sharing_shared_pages", not_translated },
	[XENMEM_paging_op] = { "paging_op", not_supported },
	[XENMEM_access_op] = { "access_op", access_op },
	[XENMEM_sharing_op] = { "sharing_op", not_supported },
	[XENMEM_add_to_physmap_batch] = { "add_to_physmap_batch", memory_add_to_physmap_batch },
	[XENMEM_claim_pages] = { "claim_pages", memory_claim_pages },
	[XENMEM_machphys_compat_mfn_list] = { "machphys_compat_mfn_list", not_translated },
	[XENMEM_get_vnumainfo] = { "get_vnumainfo", get_vnumainfo },
	[XENMEM_reserved_device_memory_map] = { "reserved_device_memory_map", reserved_device_memory_map },
	[XENMEM_acquire_resource] = { "acquire_resource", memory_acquire_resource },
};

long do_memory_op(const unsigned long *a)
{
	unsigned int cmd = a[0] & MEMOP_CMD_MASK;

	if (unlikely(cmd >= ARRAY_SIZE(memory_table) || !memory_table[cmd].fn))
		return hypercall_unimplemented("memory_op", cmd);
	return memory_table[cmd].fn(cmd, a[0] >> MEMOP_EXTENT_SHIFT, a[1]);
}
