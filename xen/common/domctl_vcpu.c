// SPDX-License-Identifier: GPL-2.0-only
/* domctl on vCPUs: making them, where they may run, what they did. */
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/lib.h>

int copy_cpumask_from_bitmap(cpumask_t *m, const struct xenctl_bitmap *b)
{
	unsigned int bytes = min(DIV_ROUND_UP(b->nr_bits, 8U), (unsigned int)sizeof(m->bits));

	m->bits = 0;
	if (copy_from_guest_va(&m->bits, (unsigned long)b->bitmap.p, bytes))
		return -EFAULT;
	if (b->nr_bits < 64)
		m->bits &= (1ULL << b->nr_bits) - 1;
	return 0;
}

int copy_cpumask_to_bitmap(const struct xenctl_bitmap *b, cpumask_t m)
{
	unsigned int bytes = DIV_ROUND_UP(b->nr_bits, 8U), have = min(bytes, (unsigned int)sizeof(m.bits));
	u64 bits = b->nr_bits < 64 ? m.bits & ((1ULL << b->nr_bits) - 1) : m.bits;

	/* More than there can be CPUs here: zeros, but not for ever. */
	bytes = min(bytes, 8192U);
	if (copy_to_guest_va((unsigned long)b->bitmap.p, &bits, have) ||
	    (bytes > have && clear_guest_va((unsigned long)b->bitmap.p + have, bytes - have)))
		return -EFAULT;
	return 0;
}

long domctl_max_vcpus(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	if (d == current->domain || op->u.max_vcpus.max != d->max_vcpus)
		return -EINVAL;
	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (!d->vcpu[i] && !vcpu_create(d, i))
			return -ENOMEM;
	return 0;
}

long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_getvcpuinfo *i = &op->u.getvcpuinfo;
	struct vcpu_runstate_info rs;
	struct vcpu *v;

	if (i->vcpu >= d->max_vcpus)
		return -EINVAL;
	v = domain_vcpu(d, i->vcpu);
	if (!v)
		return -ESRCH;
	vcpu_runstate_get(v, &rs);
	i->online = !test_bit(VPF_down, &v->pause_flags);
	i->blocked = test_bit(VPF_blocked, &v->pause_flags);
	i->running = READ_ONCE(v->is_running);
	i->cpu_time = rs.time[RUNSTATE_running];
	i->cpu = READ_ONCE(v->processor);
	*copyback = true;
	return 0;
}

static long set_affinity(struct vcpu *v, struct xen_domctl_vcpuaffinity *a, bool hard)
{
	struct xenctl_bitmap *b = hard ? &a->cpumap_hard : &a->cpumap_soft;
	cpumask_t m;
	int rc;

	if (copy_cpumask_from_bitmap(&m, b))
		return -EFAULT;
	rc = hard ? vcpu_set_hard_affinity(v, m) : vcpu_set_soft_affinity(v, m);
	/* What is in force now goes back: CPUs that are not there have no part in it. */
	if (!rc)
		rc = copy_cpumask_to_bitmap(b, cpumask_and(hard ? v->hard_affinity : v->soft_affinity,
							   cpu_online_map));
	return rc;
}

long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v = domain_vcpu(d, a->vcpu);
	long rc = 0;

	if (a->vcpu >= d->max_vcpus || !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return -EINVAL;
	if (!v)
		return -ESRCH;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = set_affinity(v, a, true);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = set_affinity(v, a, false);
	return rc;
}

long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v = domain_vcpu(d, a->vcpu);
	long rc = 0;

	if (a->vcpu >= d->max_vcpus || !(a->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)))
		return -EINVAL;
	if (!v)
		return -ESRCH;
	if (a->flags & XEN_VCPUAFFINITY_HARD)
		rc = copy_cpumask_to_bitmap(&a->cpumap_hard, v->hard_affinity);
	if (!rc && (a->flags & XEN_VCPUAFFINITY_SOFT))
		rc = copy_cpumask_to_bitmap(&a->cpumap_soft, v->soft_affinity);
	return rc;
}

/* One node: a map that does not have it cannot be kept. */
long domctl_setnodeaffinity(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	cpumask_t nodes;

	if (copy_cpumask_from_bitmap(&nodes, &op->u.nodeaffinity.nodemap))
		return -EFAULT;
	return cpumask_test(nodes, 0) ? 0 : -EINVAL;
}

long domctl_getnodeaffinity(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	return copy_cpumask_to_bitmap(&op->u.nodeaffinity.nodemap, cpumask_of(0));
}

long domctl_scheduler_op(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	*copyback = true;
	return sched_domctl(d, &op->u.scheduler_op);
}
