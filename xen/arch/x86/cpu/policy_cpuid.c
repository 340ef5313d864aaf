/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The CPUID instruction of a guest: its domain's policy, completed by what is
 * particular to the vCPU, and the leaves of the Xen ABI from 0x40000000 on
 * (public/arch-x86/cpuid.h).
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <public/arch-x86/cpuid.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/processor.h>

#define XEN_VERSION    4U
#define XEN_SUBVERSION 17U

static unsigned int topology_width(const struct domain *d) { return fls64(2UL * d->max_vcpus - 1); }

static void leaf_1(struct vcpu *v, struct cpuid_regs *r)
{
	unsigned int logical = min_t(unsigned int, 1U << topology_width(v->domain), 255);

	r->b |= vcpu_apic_id(v->vcpu_id) << 24 | logical << 16;
	if (v->arch.hvm.cr4 & X86_CR4_OSXSAVE)
		r->c |= 1U << (XEN_X86_FEATURE_OSXSAVE % 32);
}

/* Caches: first levels are private to a vCPU, the last one is everybody's. */
static void leaf_4(struct vcpu *v, u32 sub, struct cpuid_regs *r)
{
	u32 all = (1U << topology_width(v->domain)) - 1;

	*r = (struct cpuid_regs){ 0 };
	if (sub >= POLICY_CACHE || !(v->domain->arch.cpu_policy->cache[sub].a & 31))
		return;
	*r = v->domain->arch.cpu_policy->cache[sub];
	r->a &= 0x3fff;
	r->a |= min_t(u32, all >> 1, 63) << 26;
	if ((r->a >> 5 & 7) >= 3)
		r->a |= min_t(u32, all, 0xfff) << 14;
}

/* Extended topology: one thread per core, all cores in one package; ids are twice the vCPU's number. */
static void leaf_b(struct vcpu *v, u32 sub, struct cpuid_regs *r)
{
	*r = (struct cpuid_regs){ .c = sub & 0xff, .d = vcpu_apic_id(v->vcpu_id) };
	if (sub == 0) {
		r->a = 1;
		r->b = 1;
		r->c |= 1 << 8;
	} else if (sub == 1) {
		r->a = topology_width(v->domain);
		r->b = v->domain->max_vcpus;
		r->c |= 2 << 8;
	}
}

/* Bytes of the compacted format: SDM, "Extended Region of an XSAVE Area". */
static u32 compacted_size(const struct cpu_policy *p, u64 xcr0)
{
	u32 size = 576;
	unsigned int i;

	for (i = 2; i < POLICY_XSTATE; i++) {
		if (!(xcr0 >> i & 1))
			continue;
		if (p->xstate[i].c & 2)
			size = ROUND_UP(size, 64);
		size += p->xstate[i].a;
	}
	return size;
}

static void leaf_d(struct vcpu *v, u32 sub, struct cpuid_regs *r)
{
	const struct cpu_policy *p = v->domain->arch.cpu_policy;

	*r = (struct cpuid_regs){ 0 };
	if (sub >= POLICY_XSTATE || !p->xcr0_mask)
		return;
	*r = p->xstate[sub];
	if (sub == 0)
		r->b = hvm_xsave_size(v->arch.hvm.xcr0);
	else if (sub == 1 && (r->a & 2))
		r->b = compacted_size(p, v->arch.hvm.xcr0);
}

/* Leaf +3: public/arch-x86/cpuid.h, "Leaf 4". */
static void xen_time_leaf(struct vcpu *v, u32 sub, struct cpuid_regs *r)
{
	const struct hvm_domain *h = &v->domain->arch.hvm;
	u64 offset = v->arch.hvm.tsc_offset;

	switch (sub) {
	case 0:
		r->a = 2 | (cpu_policy_has(v->domain, XEN_X86_FEATURE_RDTSCP) ? 4 : 0);
		r->b = h->tsc_mode;
		r->c = (u32)(h->tsc_khz ? h->tsc_khz : tsc_khz);
		r->d = h->tsc_incarnation;
		break;
	case 1:
		offset = tsc_to_ns(offset);
		r->a = (u32)offset;
		r->b = (u32)(offset >> 32);
		r->c = tsc_to_system_mul;
		r->d = (u32)(s32)tsc_shift;
		break;
	case 2:
		r->a = (u32)tsc_khz;
		break;
	}
}

static void xen_leaf(struct vcpu *v, u32 leaf, u32 sub, struct cpuid_regs *r)
{
	const struct cpu_policy *p = v->domain->arch.cpu_policy;
	u32 limit = XEN_CPUID_FIRST_LEAF + XEN_CPUID_MAX_NUM_LEAVES - 1;

	if (p->hv_limit)
		limit = min(limit, p->hv_limit);
	*r = (struct cpuid_regs){ 0 };
	if (leaf > limit)
		return;
	switch (leaf - XEN_CPUID_FIRST_LEAF) {
	case 0:
		*r = (struct cpuid_regs){ limit, XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
					  XEN_CPUID_SIGNATURE_EDX };
		break;
	case 1:
		r->a = XEN_VERSION << 16 | XEN_SUBVERSION;
		break;
	case 2:
		r->a = 1; /* one hypercall page, */
		r->b = XEN_CPUID_FIRST_LEAF; /* set by this MSR */
		break;
	case 3:
		xen_time_leaf(v, sub, r);
		break;
	case 4:
		r->a = XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
		       (hvm_has_apicv() ? XEN_HVM_CPUID_X2APIC_VIRT : 0);
		r->b = v->vcpu_id;
		r->c = v->domain->domain_id;
		break;
	}
}

static void basic_leaf(struct vcpu *v, u32 leaf, u32 sub, struct cpuid_regs *r)
{
	const struct cpu_policy *p = v->domain->arch.cpu_policy;

	*r = p->basic[leaf];
	switch (leaf) {
	case 1:
		leaf_1(v, r);
		break;
	case 4:
		leaf_4(v, sub, r);
		break;
	case 7:
		if (sub <= p->feat[0].a && sub < POLICY_FEAT)
			*r = p->feat[sub];
		break;
	case 0xb:
		leaf_b(v, sub, r);
		break;
	case 0xd:
		leaf_d(v, sub, r);
		break;
	}
}

/* What leaves beyond the highest one read as: nothing. */
void hvm_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, u32 out[4])
{
	const struct cpu_policy *p = v->domain->arch.cpu_policy;
	struct cpuid_regs r = { 0 };

	if (leaf <= min_t(u32, p->basic[0].a, POLICY_BASIC - 1))
		basic_leaf(v, leaf, subleaf, &r);
	else if (leaf - XEN_CPUID_FIRST_LEAF < 0x100)
		xen_leaf(v, leaf, subleaf, &r);
	else if (leaf - 0x80000000 <= min_t(u32, p->ext[0].a - 0x80000000, POLICY_EXT - 1))
		r = p->ext[leaf - 0x80000000];
	out[0] = r.a;
	out[1] = r.b;
	out[2] = r.c;
	out[3] = r.d;
}
