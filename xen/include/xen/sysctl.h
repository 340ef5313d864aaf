/* SPDX-License-Identifier: GPL-2.0-only */
/* sysctl: what its table takes from the architecture (arch/x86/sysctl.c). */
#ifndef XEN_SYSCTL_H
#define XEN_SYSCTL_H

struct xen_sysctl;
struct xen_sysctl_physinfo;
struct xen_sysctl_cputopo;

void arch_physinfo(struct xen_sysctl_physinfo *p);
void arch_cputopo(unsigned int cpu, struct xen_sysctl_cputopo *topo);
long arch_sysctl_levelling_caps(struct xen_sysctl *op);
long arch_sysctl_featureset(struct xen_sysctl *op);
long arch_sysctl_cpu_policy(struct xen_sysctl *op);

#endif
