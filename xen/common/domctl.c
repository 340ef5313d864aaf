// SPDX-License-Identifier: GPL-2.0-only
/*
 * domctl: what the tool stack does to domains. This file has the table, the
 * dispatch, and a domain's life and identity. ABI: public/domctl.h.
 */
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/grant_table.h>
#include <xen/lib.h>
#include <xen/rangeset.h>

/* Creation and vCPU set-up change global state: one at a time. */
static DEFINE_SPINLOCK(domctl_lock, RANK_DOMCTL);
static domid_t last_domid; /* domctl_lock */

/* The next free id after the last one given out, so that ids are not reused soon. */
static int pick_domid(domid_t wanted, domid_t *out)
{
	if (wanted && wanted < DOMID_FIRST_RESERVED) {
		*out = wanted;
		return domid_is_free(wanted) ? 0 : -EEXIST;
	}
	for (unsigned int i = 1; i < DOMID_FIRST_RESERVED; i++) {
		domid_t id = (domid_t)((last_domid + i) % DOMID_FIRST_RESERVED);

		if (id && domid_is_free(id)) {
			*out = last_domid = id;
			return 0;
		}
	}
	return -ENOMEM;
}

static long domctl_createdomain(struct domain *unused, struct xen_domctl *op, bool *copyback)
{
	struct domain *d;
	domid_t id;
	int rc;

	spin_lock(&domctl_lock);
	rc = pick_domid(op->domain, &id);
	if (!rc)
		rc = domain_create(id, &op->u.createdomain, false, &d);
	if (!rc) {
		domain_publish(d);
		op->domain = id;
		*copyback = true;
	}
	spin_unlock(&domctl_lock);
	return rc;
}

static long domctl_destroydomain(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	if (d == current->domain)
		return -EINVAL;
	return domain_kill(d);
}

static long domctl_pausedomain(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	return d == current->domain ? -EINVAL : domain_pause_by_controller(d);
}

static long domctl_unpausedomain(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	return domain_unpause_by_controller(d);
}

static long domctl_resumedomain(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	if (d == current->domain)
		return -EINVAL;
	domain_resume(d);
	return 0;
}

/* The domain with this id, or the next higher one: how libxc walks all domains. */
static long domctl_getdomaininfo(struct domain *unused, struct xen_domctl *op, bool *copyback)
{
	struct domain *d, *best = NULL;

	if (op->domain == DOMID_SELF)
		return -EINVAL;
	rcu_read_lock();
	for_each_domain(d)
		if (d->domain_id >= op->domain && (!best || d->domain_id < best->domain_id))
			best = d;
	if (best)
		fill_domaininfo(best, &op->u.getdomaininfo);
	rcu_read_unlock();
	if (!best)
		return -ESRCH;
	op->domain = op->u.getdomaininfo.domain;
	*copyback = true;
	return 0;
}

static u32 domain_flags(const struct domain *d, bool blocked, bool running)
{
	u32 f = XEN_DOMINF_hvm_guest | XEN_DOMINF_hap;

	if (d->is_dying == DOMDYING_dead || d->is_dying == DOMDYING_dying)
		f |= XEN_DOMINF_dying;
	if (d->is_shut_down)
		f |= XEN_DOMINF_shutdown;
	if (d->controller_pause_count)
		f |= XEN_DOMINF_paused;
	if (d->create_flags & XEN_DOMCTL_CDF_xs_domain)
		f |= XEN_DOMINF_xs_domain;
	if (running)
		f |= XEN_DOMINF_running;
	else if (blocked)
		f |= XEN_DOMINF_blocked;
	if (d->shutdown_code >= 0)
		f |= (u32)(d->shutdown_code & XEN_DOMINF_shutdownmask) << XEN_DOMINF_shutdownshift;
	return f;
}

void fill_domaininfo(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
	bool blocked = true, running = false;
	struct vcpu *v;

	memset(info, 0, sizeof(*info));
	info->domain = d->domain_id;
	info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
	for_each_vcpu(d, v) {
		struct vcpu_runstate_info rs;

		vcpu_runstate_get(v, &rs);
		info->cpu_time += rs.time[RUNSTATE_running];
		info->max_vcpu_id = v->vcpu_id;
		if (test_bit(VPF_down, &v->pause_flags))
			continue;
		info->nr_online_vcpus++;
		if (!test_bit(VPF_blocked, &v->pause_flags))
			blocked = false;
		if (READ_ONCE(v->is_running))
			running = true;
	}
	info->flags = domain_flags(d, blocked, running);
	info->tot_pages = (u64)atomic64_read(&d->tot_pages);
	info->max_pages = d->max_pages;
	info->outstanding_pages = d->outstanding_pages;
	info->shared_info_frame = d->shared_info_page ? d->shared_info_page->u.inuse.gfn : ~0UL;
	info->ssidref = d->ssidref;
	memcpy(info->handle, d->handle, sizeof(info->handle));
	info->gpaddr_bits = arch_gpaddr_bits();
	arch_fill_domaininfo(d, &info->arch_config);
}

static long domctl_max_mem(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	/* Less than the domain has now is allowed: it keeps that and gets no more. */
	d->max_pages = (unsigned long)min(op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10), (u64)0xffffffffU);
	return 0;
}

static long domctl_setdomainhandle(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	spin_lock(&d->domain_lock);
	memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
	spin_unlock(&d->domain_lock);
	return 0;
}

static long domctl_settimeoffset(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	d->time_offset_seconds = op->u.settimeoffset.time_offset_seconds;
	domain_update_wallclock(d);
	return 0;
}

static long domctl_subscribe(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	d->suspend_evtchn = (u16)op->u.subscribe.port;
	return 0;
}

static long domctl_set_virq_handler(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	return set_global_virq_handler(d, op->u.set_virq_handler.virq);
}

static long change_range(struct rangeset *r, u64 first, u64 nr, u64 limit, bool allow)
{
	u64 last;

	if (!nr || __builtin_add_overflow(first, nr - 1, &last) || last > limit)
		return -EINVAL;
	return allow ? rangeset_add(r, first, last) : rangeset_remove(r, first, last);
}

static long domctl_irq_permission(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	return change_range(d->irq_caps, op->u.irq_permission.pirq, 1, 0xffff,
			    op->u.irq_permission.allow_access);
}

static long domctl_iomem_permission(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;

	return change_range(d->iomem_caps, p->first_mfn, p->nr_mfns, ~0ULL >> PAGE_SHIFT, p->allow_access);
}

static long domctl_ioport_permission(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;

	return change_range(d->ioport_caps, p->first_port, p->nr_ports, 0xffff, p->allow_access);
}

enum domctl_needs { NEEDS_DOMAIN, NEEDS_NOTHING };

static const struct domctl_row {
	const char *name;
	domctl_fn_t fn;
	enum domctl_needs needs;
} rows[] = {
	[XEN_DOMCTL_createdomain] = { "createdomain", domctl_createdomain, NEEDS_NOTHING },
	[XEN_DOMCTL_destroydomain] = { "destroydomain", domctl_destroydomain, NEEDS_DOMAIN },
	[XEN_DOMCTL_pausedomain] = { "pausedomain", domctl_pausedomain, NEEDS_DOMAIN },
	[XEN_DOMCTL_unpausedomain] = { "unpausedomain", domctl_unpausedomain, NEEDS_DOMAIN },
	[XEN_DOMCTL_getdomaininfo] = { "getdomaininfo", domctl_getdomaininfo, NEEDS_NOTHING },
	[XEN_DOMCTL_setvcpuaffinity] = { "setvcpuaffinity", domctl_setvcpuaffinity, NEEDS_DOMAIN },
	[XEN_DOMCTL_shadow_op] = { "shadow_op", arch_domctl_shadow_op, NEEDS_DOMAIN },
	[XEN_DOMCTL_max_mem] = { "max_mem", domctl_max_mem, NEEDS_DOMAIN },
	[XEN_DOMCTL_setvcpucontext] = { "setvcpucontext", arch_domctl_setvcpucontext, NEEDS_DOMAIN },
	[XEN_DOMCTL_getvcpucontext] = { "getvcpucontext", arch_domctl_getvcpucontext, NEEDS_DOMAIN },
	[XEN_DOMCTL_getvcpuinfo] = { "getvcpuinfo", domctl_getvcpuinfo, NEEDS_DOMAIN },
	[XEN_DOMCTL_max_vcpus] = { "max_vcpus", domctl_max_vcpus, NEEDS_DOMAIN },
	[XEN_DOMCTL_scheduler_op] = { "scheduler_op", domctl_scheduler_op, NEEDS_DOMAIN },
	[XEN_DOMCTL_setdomainhandle] = { "setdomainhandle", domctl_setdomainhandle, NEEDS_DOMAIN },
	[XEN_DOMCTL_irq_permission] = { "irq_permission", domctl_irq_permission, NEEDS_DOMAIN },
	[XEN_DOMCTL_iomem_permission] = { "iomem_permission", domctl_iomem_permission, NEEDS_DOMAIN },
	[XEN_DOMCTL_ioport_permission] = { "ioport_permission", domctl_ioport_permission, NEEDS_DOMAIN },
	[XEN_DOMCTL_hypercall_init] = { "hypercall_init", arch_domctl_hypercall_init, NEEDS_DOMAIN },
	[XEN_DOMCTL_settimeoffset] = { "settimeoffset", domctl_settimeoffset, NEEDS_DOMAIN },
	[XEN_DOMCTL_getvcpuaffinity] = { "getvcpuaffinity", domctl_getvcpuaffinity, NEEDS_DOMAIN },
	[XEN_DOMCTL_resumedomain] = { "resumedomain", domctl_resumedomain, NEEDS_DOMAIN },
	[XEN_DOMCTL_sendtrigger] = { "sendtrigger", arch_domctl_sendtrigger, NEEDS_DOMAIN },
	[XEN_DOMCTL_subscribe] = { "subscribe", domctl_subscribe, NEEDS_DOMAIN },
	[XEN_DOMCTL_gethvmcontext] = { "gethvmcontext", arch_domctl_gethvmcontext, NEEDS_DOMAIN },
	[XEN_DOMCTL_sethvmcontext] = { "sethvmcontext", arch_domctl_sethvmcontext, NEEDS_DOMAIN },
	[XEN_DOMCTL_set_address_size] = { "set_address_size", arch_domctl_address_size, NEEDS_DOMAIN },
	[XEN_DOMCTL_get_address_size] = { "get_address_size", arch_domctl_address_size, NEEDS_DOMAIN },
	[XEN_DOMCTL_memory_mapping] = { "memory_mapping", arch_domctl_memory_mapping, NEEDS_DOMAIN },
	[XEN_DOMCTL_gethvmcontext_partial] = { "gethvmcontext_partial", arch_domctl_gethvmcontext_partial,
					       NEEDS_DOMAIN },
	[XEN_DOMCTL_gettscinfo] = { "gettscinfo", arch_domctl_gettscinfo, NEEDS_DOMAIN },
	[XEN_DOMCTL_settscinfo] = { "settscinfo", arch_domctl_settscinfo, NEEDS_DOMAIN },
	[XEN_DOMCTL_getpageframeinfo3] = { "getpageframeinfo3", arch_domctl_getpageframeinfo3, NEEDS_DOMAIN },
	[XEN_DOMCTL_setnodeaffinity] = { "setnodeaffinity", domctl_setnodeaffinity, NEEDS_DOMAIN },
	[XEN_DOMCTL_getnodeaffinity] = { "getnodeaffinity", domctl_getnodeaffinity, NEEDS_DOMAIN },
	[XEN_DOMCTL_set_virq_handler] = { "set_virq_handler", domctl_set_virq_handler, NEEDS_DOMAIN },
	[XEN_DOMCTL_get_vcpu_msrs] = { "get_vcpu_msrs", arch_domctl_vcpu_msrs, NEEDS_DOMAIN },
	[XEN_DOMCTL_set_vcpu_msrs] = { "set_vcpu_msrs", arch_domctl_vcpu_msrs, NEEDS_DOMAIN },
	[XEN_DOMCTL_get_cpu_policy] = { "get_cpu_policy", arch_domctl_get_cpu_policy, NEEDS_DOMAIN },
	[XEN_DOMCTL_set_cpu_policy] = { "set_cpu_policy", arch_domctl_set_cpu_policy, NEEDS_DOMAIN },
	[XEN_DOMCTL_get_paging_mempool_size] = { "get_paging_mempool_size", arch_domctl_get_mempool,
						 NEEDS_DOMAIN },
	[XEN_DOMCTL_set_paging_mempool_size] = { "set_paging_mempool_size", arch_domctl_set_mempool,
						 NEEDS_DOMAIN },
};

static long run_row(const struct domctl_row *row, struct xen_domctl *op, bool *copyback)
{
	struct domain *d = NULL;
	long rc;

	if (row->needs == NEEDS_DOMAIN) {
		d = get_domain_by_id(op->domain); /* DOMID_SELF names nobody here */
		if (!d)
			return -ESRCH;
	}
	rc = row->fn(d, op, copyback);
	if (d)
		put_domain(d);
	return rc;
}

long do_domctl(const unsigned long *a)
{
	unsigned long uop = a[0];
	const struct domctl_row *row;
	struct xen_domctl op;
	bool copyback = false;
	long rc;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	row = op.cmd < ARRAY_SIZE(rows) ? &rows[op.cmd] : NULL;
	if (!row || !row->fn)
		return hypercall_unimplemented("domctl", op.cmd);
	rc = run_row(row, &op, &copyback);
	if (copyback && copy_to_guest_va(uop, &op, sizeof(op)))
		rc = -EFAULT;
	if (rc == -ERESTART)
		return hypercall_create_continuation(__HYPERVISOR_domctl, 1, uop);
	return rc;
}
