/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * domctl rows. A handler finds op already copied from the caller, and d with a
 * counted reference unless its row has no domain; what it changes in op goes
 * back to the caller when it sets *copyback. -ERESTART: the same call again,
 * with op as it is then (copied back first).
 */
#ifndef XEN_DOMCTL_H
#define XEN_DOMCTL_H

#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/sched.h>
#include <public/domctl.h>

typedef long (*domctl_fn_t)(struct domain *d, struct xen_domctl *op, bool *copyback);

/* Life and identity: domctl.c */
/* vCPUs: domctl_vcpu.c */
long domctl_max_vcpus(struct domain *d, struct xen_domctl *op, bool *copyback);
long domctl_getvcpuinfo(struct domain *d, struct xen_domctl *op, bool *copyback);
long domctl_setvcpuaffinity(struct domain *d, struct xen_domctl *op, bool *copyback);
long domctl_getvcpuaffinity(struct domain *d, struct xen_domctl *op, bool *copyback);
long domctl_setnodeaffinity(struct domain *d, struct xen_domctl *op, bool *copyback);
long domctl_getnodeaffinity(struct domain *d, struct xen_domctl *op, bool *copyback);
long domctl_scheduler_op(struct domain *d, struct xen_domctl *op, bool *copyback);
/* x86: arch/x86/domctl*.c */
long arch_domctl_setvcpucontext(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_getvcpucontext(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_sendtrigger(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_gethvmcontext(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_sethvmcontext(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_gethvmcontext_partial(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_address_size(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_hypercall_init(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_vcpu_msrs(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_gettscinfo(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_settscinfo(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_shadow_op(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_get_mempool(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_set_mempool(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_getpageframeinfo3(struct domain *d, struct xen_domctl *op, bool *copyback);
long arch_domctl_memory_mapping(struct domain *d, struct xen_domctl *op, bool *copyback);

/* Of getdomaininfo: size of guest-physical space, and how d was created. */
u8 arch_gpaddr_bits(void);
void arch_fill_domaininfo(struct domain *d, struct xen_arch_domainconfig *config);

/* A struct xenctl_bitmap of the caller's, to and from a set of CPUs (or nodes). 0 or -EFAULT. */
int copy_cpumask_from_bitmap(cpumask_t *m, const struct xenctl_bitmap *b);
int copy_cpumask_to_bitmap(const struct xenctl_bitmap *b, cpumask_t m);

/* Fills what getdomaininfo and getdomaininfolist tell. */
void fill_domaininfo(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* vCPU of d, or NULL. */
static inline struct vcpu *domain_vcpu(struct domain *d, unsigned int id)
{
	return id < d->max_vcpus ? READ_ONCE(d->vcpu[id]) : NULL;
}

#endif
