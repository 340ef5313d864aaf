// SPDX-License-Identifier: GPL-2.0-only
/* sysctl of x86: CPU topology, feature sets and policies. */
#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <xen/smp.h>
#include <xen/sysctl.h>
#include <asm/hvm.h>
#include <asm/processor.h>
#include <public/sysctl.h>

/* Bits of an APIC id that name the thread in a core, and both thread and core (CPUID leaf 0xb). */
static unsigned int smt_shift(void) { return cpuid_eax(0) >= 0xb ? cpuid_eax(0xb) & 0x1f : 0; }

static unsigned int core_shift(void)
{
	u32 a, b, c, d;

	if (cpuid_eax(0) < 0xb)
		return 0;
	cpuid_count(0xb, 1, &a, &b, &c, &d);
	return a & 0x1f;
}

void arch_cputopo(unsigned int cpu, struct xen_sysctl_cputopo *topo)
{
	unsigned int id = cpu_to_apicid(cpu), smt = smt_shift(), core = max(core_shift(), smt);

	topo->core = (id >> smt) & ((1U << (core - smt)) - 1);
	topo->socket = id >> core;
	topo->node = 0;
}

/* Those of public/arch-x86/cpufeatureset.h. */
#define FEATURESET_WORDS 14

#define LEAVES_MAX	 512U
#define MSRS_MAX	 64U

void arch_physinfo(struct xen_sysctl_physinfo *p)
{
	unsigned int smt = smt_shift(), core = max(core_shift(), smt), cores = 0, threads = 0, cpu;

	for_each_online_cpu(cpu) {
		unsigned int id = cpu_to_apicid(cpu), first = cpu_to_apicid(cpumask_first(cpu_online_map));

		/* Counted, not taken from the shifts, which are only upper bounds. */
		if (id >> core == first >> core && !(id & ((1U << smt) - 1)))
			cores++;
		if (id >> smt == first >> smt)
			threads++;
	}
	p->cores_per_socket = max(cores, 1U);
	p->threads_per_core = max(threads, 1U);
	p->cpu_khz = (u32)tsc_khz;
	(void)cpu_policy_featureset(XEN_SYSCTL_cpu_policy_host, p->hw_cap, ARRAY_SIZE(p->hw_cap));
}

long arch_sysctl_levelling_caps(struct xen_sysctl *op)
{
	/* Guests' CPUID always exits: nothing needs the processor's help. */
	op->u.cpu_levelling_caps.caps = 0;
	return 0;
}

long arch_sysctl_featureset(struct xen_sysctl *op)
{
	static const unsigned int policy_of[] = {
		[XEN_SYSCTL_cpu_featureset_raw] = XEN_SYSCTL_cpu_policy_raw,
		[XEN_SYSCTL_cpu_featureset_host] = XEN_SYSCTL_cpu_policy_host,
		[XEN_SYSCTL_cpu_featureset_pv] = XEN_SYSCTL_cpu_policy_pv_default,
		[XEN_SYSCTL_cpu_featureset_hvm] = XEN_SYSCTL_cpu_policy_hvm_default,
		[XEN_SYSCTL_cpu_featureset_pv_max] = XEN_SYSCTL_cpu_policy_pv_max,
		[XEN_SYSCTL_cpu_featureset_hvm_max] = XEN_SYSCTL_cpu_policy_hvm_max,
	};
	struct xen_sysctl_cpu_featureset *f = &op->u.cpu_featureset;
	u32 fs[FEATURESET_WORDS], nr;
	int rc;

	if (!f->features.p) {
		f->nr_features = FEATURESET_WORDS;
		return 0;
	}
	if (f->index >= ARRAY_SIZE(policy_of))
		return -EINVAL;
	rc = cpu_policy_featureset(policy_of[f->index], fs, FEATURESET_WORDS);
	if (rc)
		return rc;
	nr = min(f->nr_features, (u32)FEATURESET_WORDS);
	if (copy_to_guest(f->features, fs, nr))
		return -EFAULT;
	f->nr_features = nr;
	return nr < FEATURESET_WORDS ? -ENOBUFS : 0;
}

long arch_sysctl_cpu_policy(struct xen_sysctl *op)
{
	struct xen_sysctl_cpu_policy *p = &op->u.cpu_policy;
	u32 nl = LEAVES_MAX, nm = MSRS_MAX;
	xen_cpuid_leaf_t *leaves;
	xen_msr_entry_t *msrs;
	long rc;

	if (p->_rsvd)
		return -EINVAL;
	leaves = xzalloc_array(xen_cpuid_leaf_t, LEAVES_MAX);
	msrs = xzalloc_array(xen_msr_entry_t, MSRS_MAX);
	rc = leaves && msrs ? cpu_policy_get_system(p->index, leaves, &nl, msrs, &nm) : -ENOMEM;
	if (!rc && ((p->leaves.p && p->nr_leaves < nl) || (p->msrs.p && p->nr_msrs < nm)))
		rc = -ENOBUFS;
	if (!rc && ((p->leaves.p && copy_to_guest(p->leaves, leaves, nl)) ||
		    (p->msrs.p && copy_to_guest(p->msrs, msrs, nm))))
		rc = -EFAULT;
	p->nr_leaves = nl;
	p->nr_msrs = nm;
	xfree(leaves);
	xfree(msrs);
	return rc;
}
