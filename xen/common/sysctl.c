// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysctl: what the tool stack asks of the whole machine. One table; a handler
 * finds op already copied, and what it changes goes back to the caller. The
 * parts that know processors: arch/x86/sysctl.c. ABI: public/sysctl.h.
 */
#include <xen/console.h>
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/sysctl.h>
#include <public/sysctl.h>

static long sysctl_readconsole(struct xen_sysctl *op)
{
	struct xen_sysctl_readconsole *r = &op->u.readconsole;
	u32 index = r->index, done = 0;
	char *buf = alloc_xenheap_page();
	bool incremental = r->incremental;
	long rc = 0;

	if (!buf)
		return -ENOMEM;
	while (!rc && done < r->count) {
		size_t n =
			console_ring_read(buf, min((size_t)(r->count - done), PAGE_SIZE), &index, incremental);

		if (!n)
			break;
		if (copy_to_guest_offset(r->buffer, done, buf, n))
			rc = -EFAULT;
		done += (u32)n;
		/* The next piece goes on where this one ended. */
		incremental = true;
	}
	free_xenheap_page(buf);
	if (!rc && r->clear)
		console_ring_clear();
	r->index = index;
	r->count = done;
	return rc;
}

static long sysctl_physinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_physinfo *p = &op->u.physinfo;

	memset(p, 0, sizeof(*p));
	p->nr_cpus = cpumask_weight(cpu_online_map);
	p->max_cpu_id = 63 - (u32)__builtin_clzll(cpu_online_map.bits);
	p->nr_nodes = 1;
	p->capabilities = XEN_SYSCTL_PHYSCAP_hvm | XEN_SYSCTL_PHYSCAP_hap | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
			  XEN_SYSCTL_PHYSCAP_gnttab_v2;
	p->total_pages = total_pages;
	p->free_pages = free_page_count();
	p->outstanding_pages = outstanding_claims_total();
	p->max_mfn = max_page - 1;
	arch_physinfo(p);
	return 0;
}

static long sysctl_sched_id(struct xen_sysctl *op)
{
	op->u.sched_id.sched_id = XEN_SCHEDULER_CREDIT2;
	return 0;
}

/* The domain with the lowest id from first on. Under RCU. */
static struct domain *domain_from(unsigned int first)
{
	struct domain *d, *best = NULL;

	for_each_domain(d)
		if (d->domain_id >= first && (!best || d->domain_id < best->domain_id))
			best = d;
	return best;
}

static long sysctl_getdomaininfolist(struct xen_sysctl *op)
{
	struct xen_sysctl_getdomaininfolist *l = &op->u.getdomaininfolist;
	unsigned int next = l->first_domain, n = 0;

	while (n < l->max_domains) {
		struct xen_domctl_getdomaininfo info;
		struct domain *d;

		rcu_read_lock();
		d = domain_from(next);
		if (d)
			fill_domaininfo(d, &info);
		rcu_read_unlock();
		if (!d)
			break;
		if (copy_to_guest_offset(l->buffer, n, &info, 1))
			return -EFAULT;
		next = info.domain + 1U;
		n++;
	}
	l->num_domains = n;
	return 0;
}

static long sysctl_debug_keys(struct xen_sysctl *op)
{
	struct xen_sysctl_debug_keys *k = &op->u.debug_keys;

	for (u32 i = 0; i < min(k->nr_keys, 64U); i++) {
		char c;

		if (copy_from_guest_va(&c, (unsigned long)k->keys.p + i, 1))
			return -EFAULT;
		if (!handle_keypress(c))
			printk("debug key %#x: nothing is bound to it; 'h' lists the keys\n", (unsigned char)c);
	}
	return 0;
}

static long sysctl_getcpuinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_getcpuinfo *g = &op->u.getcpuinfo;
	u32 nr = min(g->max_cpus, 64U - (u32)__builtin_clzll(cpu_online_map.bits));

	for (u32 i = 0; i < nr; i++) {
		struct xen_sysctl_cpuinfo info = {
			.idletime = cpumask_test(cpu_online_map, i) ? get_cpu_idle_time(i) : 0,
		};

		if (copy_to_guest_offset(g->info, i, &info, 1))
			return -EFAULT;
	}
	g->nr_cpus = nr;
	return 0;
}

static long sysctl_availheap(struct xen_sysctl *op)
{
	struct xen_sysctl_availheap *a = &op->u.availheap;

	if (a->node > 0 || a->node < -1)
		return -EINVAL;
	/* Free pages are not counted by address: only the whole can be told. */
	if (a->min_bitwidth || a->max_bitwidth)
		return -EOPNOTSUPP;
	a->avail_bytes = (u64)free_page_count() << PAGE_SHIFT;
	return 0;
}

static long sysctl_cputopoinfo(struct xen_sysctl *op)
{
	struct xen_sysctl_cputopoinfo *t = &op->u.cputopoinfo;
	u32 have = 64U - (u32)__builtin_clzll(cpu_online_map.bits), nr = min(t->num_cpus, have);

	for (u32 i = 0; t->cputopo.p && i < nr; i++) {
		xen_sysctl_cputopo_t topo = { XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID, XEN_INVALID_NODE_ID };

		if (cpumask_test(cpu_online_map, i))
			arch_cputopo(i, &topo);
		if (copy_to_guest_offset(t->cputopo, i, &topo, 1))
			return -EFAULT;
	}
	t->num_cpus = t->cputopo.p ? nr : have;
	return 0;
}

static long sysctl_numainfo(struct xen_sysctl *op)
{
	struct xen_sysctl_numainfo *n = &op->u.numainfo;
	xen_sysctl_meminfo_t mem = { (u64)total_pages << PAGE_SHIFT, (u64)free_page_count() << PAGE_SHIFT };
	u32 distance = 10;

	if (n->num_nodes && n->meminfo.p && copy_to_guest(n->meminfo, &mem, 1))
		return -EFAULT;
	if (n->num_nodes && n->distance.p && copy_to_guest(n->distance, &distance, 1))
		return -EFAULT;
	n->num_nodes = 1;
	return 0;
}

/* There is one pool with all CPUs and all domains; it can be looked at, not changed. */
static long cpupool_info(struct xen_sysctl_cpupool_op *p)
{
	struct domain *d;

	if (p->cpupool_id)
		return -ENOENT;
	p->sched_id = XEN_SCHEDULER_CREDIT2;
	p->n_dom = 0;
	rcu_read_lock();
	for_each_domain(d)
		p->n_dom++;
	rcu_read_unlock();
	return copy_cpumask_to_bitmap(&p->cpumap, cpu_online_map);
}

static long sysctl_cpupool_op(struct xen_sysctl *op)
{
	struct xen_sysctl_cpupool_op *p = &op->u.cpupool_op;
	struct domain *d;

	switch (p->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		return cpupool_info(p);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return copy_cpumask_to_bitmap(&p->cpumap, CPUMASK_NONE);
	case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
		d = get_domain_by_id((domid_t)p->domid);
		if (!d)
			return -ESRCH;
		put_domain(d);
		return p->cpupool_id ? -ENOENT : 0;
	default:
		(void)hypercall_unimplemented("sysctl cpupool_op", p->op);
		return -EOPNOTSUPP;
	}
}

static long sysctl_scheduler_op(struct xen_sysctl *op)
{
	if (op->u.scheduler_op.cpupool_id)
		return -ESRCH;
	return sched_sysctl(&op->u.scheduler_op);
}

/* Frequencies and idle states are the firmware's: what xenpm asks has no device behind it. */
static long sysctl_pm(struct xen_sysctl *op) { return -ENODEV; }

static const struct sysctl_row {
	const char *name;
	long (*fn)(struct xen_sysctl *op);
} rows[] = {
	[XEN_SYSCTL_readconsole] = { "readconsole", sysctl_readconsole },
	[XEN_SYSCTL_physinfo] = { "physinfo", sysctl_physinfo },
	[XEN_SYSCTL_sched_id] = { "sched_id", sysctl_sched_id },
	[XEN_SYSCTL_getdomaininfolist] = { "getdomaininfolist", sysctl_getdomaininfolist },
	[XEN_SYSCTL_debug_keys] = { "debug_keys", sysctl_debug_keys },
	[XEN_SYSCTL_getcpuinfo] = { "getcpuinfo", sysctl_getcpuinfo },
	[XEN_SYSCTL_availheap] = { "availheap", sysctl_availheap },
	[XEN_SYSCTL_cputopoinfo] = { "cputopoinfo", sysctl_cputopoinfo },
	[XEN_SYSCTL_numainfo] = { "numainfo", sysctl_numainfo },
	[XEN_SYSCTL_get_pmstat] = { "get_pmstat", sysctl_pm },
	[XEN_SYSCTL_pm_op] = { "pm_op", sysctl_pm },
	[XEN_SYSCTL_cpupool_op] = { "cpupool_op", sysctl_cpupool_op },
	[XEN_SYSCTL_scheduler_op] = { "scheduler_op", sysctl_scheduler_op },
	[XEN_SYSCTL_get_cpu_levelling_caps] = { "get_cpu_levelling_caps", arch_sysctl_levelling_caps },
	[XEN_SYSCTL_get_cpu_featureset] = { "get_cpu_featureset", arch_sysctl_featureset },
	[XEN_SYSCTL_get_cpu_policy] = { "get_cpu_policy", arch_sysctl_cpu_policy },
};

long do_sysctl(const unsigned long *a)
{
	unsigned long uop = a[0];
	const struct sysctl_row *row;
	struct xen_sysctl op;
	long rc;

	if (copy_from_guest_va(&op, uop, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
		return -EACCES;
	row = op.cmd < ARRAY_SIZE(rows) ? &rows[op.cmd] : NULL;
	if (!row || !row->fn)
		return hypercall_unimplemented("sysctl", op.cmd);
	rc = row->fn(&op);
	if ((rc >= 0 || rc == -ENOBUFS) && copy_to_guest_va(uop, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
