/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies as lists of leaves and MSRs, the form in which the tool stack reads
 * and writes them: XEN_SYSCTL_get_cpu_policy, XEN_DOMCTL_get/set_cpu_policy.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <public/sysctl.h>
#include <public/arch-x86/cpuid.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>

/* NULL: no such leaf in a policy. sub: XEN_CPUID_NO_SUBLEAF for leaves without. */
static struct cpuid_regs *find_leaf(struct cpu_policy *p, u32 leaf, u32 sub)
{
	bool plain = sub == XEN_CPUID_NO_SUBLEAF;

	switch (leaf) {
	case 4:
		return sub < POLICY_CACHE ? &p->cache[sub] : NULL;
	case 7:
		return sub < POLICY_FEAT ? &p->feat[sub] : NULL;
	case 0xd:
		return sub < POLICY_XSTATE ? &p->xstate[sub] : NULL;
	}
	if (!plain)
		return NULL;
	if (leaf < POLICY_BASIC)
		return &p->basic[leaf];
	return leaf - 0x80000000 < POLICY_EXT ? &p->ext[leaf - 0x80000000] : NULL;
}

/* How many subleaves of a leaf are listed; 0: it has none. */
static u32 subleaves(u32 leaf)
{
	switch (leaf) {
	case 4:
		return POLICY_CACHE;
	case 7:
		return POLICY_FEAT;
	case 0xd:
		return POLICY_XSTATE;
	default:
		return 0;
	}
}

struct leaf_sink {
	struct xen_cpuid_leaf *out; /* NULL: count only */
	u32 used, room;
};

static int put_leaf(struct leaf_sink *s, u32 leaf, u32 sub, const struct cpuid_regs *r)
{
	if (s->out) {
		if (s->used == s->room)
			return -ENOBUFS;
		s->out[s->used] = (struct xen_cpuid_leaf){ leaf, sub, r->a, r->b, r->c, r->d };
	}
	s->used++;
	return 0;
}

static int put_leaves(struct leaf_sink *s, struct cpu_policy *p, u32 first, u32 last)
{
	u32 leaf, sub;
	int rc = 0;

	for (leaf = first; leaf <= last && !rc; leaf++) {
		u32 n = subleaves(leaf);

		if (leaf == 0xb) /* made for each vCPU */
			continue;
		if (!n)
			rc = put_leaf(s, leaf, XEN_CPUID_NO_SUBLEAF, find_leaf(p, leaf, XEN_CPUID_NO_SUBLEAF));
		for (sub = 0; sub < n && !rc; sub++)
			rc = put_leaf(s, leaf, sub, find_leaf(p, leaf, sub));
	}
	return rc;
}

/* *nr: room in, used (or, without a list, the most there can be) out. 0 or -ENOBUFS. */
static int list_leaves(struct cpu_policy *p, struct xen_cpuid_leaf *leaves, u32 *nr)
{
	struct leaf_sink s = { .out = leaves, .room = *nr };
	struct cpuid_regs hv = { .a = p->hv_limit }, none = { 0 };
	u32 max = leaves ? min_t(u32, p->basic[0].a, POLICY_BASIC - 1) : POLICY_BASIC - 1;
	u32 max_ext = leaves ? min_t(u32, p->ext[0].a - 0x80000000, POLICY_EXT - 1) : POLICY_EXT - 1;
	int rc = put_leaves(&s, p, 0, max);

	if (!rc)
		rc = put_leaf(&s, XEN_CPUID_FIRST_LEAF, XEN_CPUID_NO_SUBLEAF, &hv);
	if (!rc)
		rc = put_leaf(&s, XEN_CPUID_FIRST_LEAF + 0x100, XEN_CPUID_NO_SUBLEAF, &none);
	if (!rc)
		rc = put_leaves(&s, p, 0x80000000, 0x80000000 + max_ext);
	*nr = s.used;
	return rc;
}

static int list_msrs(const struct cpu_policy *p, struct xen_msr_entry *msrs, u32 *nr)
{
	const struct xen_msr_entry all[] = {
		{ .idx = MSR_PLATFORM_INFO, .val = p->platform_info },
		{ .idx = MSR_IA32_ARCH_CAPABILITIES, .val = p->arch_caps },
	};

	if (msrs) {
		if (*nr < ARRAY_SIZE(all))
			return -ENOBUFS;
		memcpy(msrs, all, sizeof(all));
	}
	*nr = ARRAY_SIZE(all);
	return 0;
}

static int list_policy(struct cpu_policy *p, struct xen_cpuid_leaf *leaves, u32 *nr_leaves,
		       struct xen_msr_entry *msrs, u32 *nr_msrs)
{
	int rc = list_leaves(p, leaves, nr_leaves);
	int rc2 = list_msrs(p, msrs, nr_msrs);

	return rc ? rc : rc2;
}

static struct cpu_policy *system_policy(unsigned int index)
{
	switch (index) {
	case XEN_SYSCTL_cpu_policy_raw:
	case XEN_SYSCTL_cpu_policy_host:
		return &raw_policy;
	case XEN_SYSCTL_cpu_policy_hvm_max:
		return &hvm_max_policy;
	case XEN_SYSCTL_cpu_policy_hvm_default:
		return &hvm_default_policy;
	default:
		return NULL;
	}
}

/* -EOPNOTSUPP for policies of PV guests; -EINVAL for an index that does not exist. */
static int no_system_policy(unsigned int index)
{
	return index <= XEN_SYSCTL_cpu_policy_hvm_default ? -EOPNOTSUPP : -EINVAL;
}

/* 0; -ENOBUFS; as no_system_policy(). */
int cpu_policy_get_system(unsigned int index, struct xen_cpuid_leaf *leaves, u32 *nr_leaves,
			  struct xen_msr_entry *msrs, u32 *nr_msrs)
{
	struct cpu_policy *p = system_policy(index);

	if (!p)
		return no_system_policy(index);
	return list_policy(p, leaves, nr_leaves, msrs, nr_msrs);
}

int cpu_policy_get(struct domain *d, struct xen_cpuid_leaf *leaves, u32 *nr_leaves,
		   struct xen_msr_entry *msrs, u32 *nr_msrs)
{
	return list_policy(d->arch.cpu_policy, leaves, nr_leaves, msrs, nr_msrs);
}

int cpu_policy_featureset(unsigned int index, u32 *words, u32 nr)
{
	struct cpu_policy *p = system_policy(index);

	if (!p)
		return no_system_policy(index);
	for (u32 i = 0; i < nr; i++) {
		const u32 *w = cpu_policy_word(p, i);

		words[i] = w ? *w : 0;
	}
	return 0;
}

/* ---- setting ---- */

static int take_leaf(struct cpu_policy *p, const struct xen_cpuid_leaf *l)
{
	struct cpuid_regs *r;

	if (l->leaf == XEN_CPUID_FIRST_LEAF) {
		if (l->a && (l->a < XEN_CPUID_FIRST_LEAF + 2 || l->a > XEN_CPUID_FIRST_LEAF + 0xff))
			return -EINVAL;
		p->hv_limit = l->a;
		return 0;
	}
	/* Viridian's limit, and topology, which is not the tool stack's to set. */
	if (l->leaf == XEN_CPUID_FIRST_LEAF + 0x100 || l->leaf == 0xb)
		return 0;
	r = find_leaf(p, l->leaf, l->subleaf);
	if (!r) {
		/* An empty leaf of a policy that knows more leaves than this one. */
		return l->a | l->b | l->c | l->d ? -ERANGE : 0;
	}
	*r = (struct cpuid_regs){ l->a, l->b, l->c, l->d };
	return 0;
}

static int take_msr(struct cpu_policy *p, const struct xen_msr_entry *m)
{
	if (m->flags)
		return -EINVAL;
	switch (m->idx) {
	case MSR_PLATFORM_INFO:
		p->platform_info = m->val;
		return 0;
	case MSR_IA32_ARCH_CAPABILITIES:
		p->arch_caps = m->val;
		return 0;
	default:
		return -ERANGE;
	}
}

/* What a domain cannot be given, as opposed to what is silently left out. */
static int check_compatible(const struct cpu_policy *p, u32 err[3])
{
	const struct cpu_policy *max = &hvm_max_policy;

	if (p->basic[0].a > max->basic[0].a) {
		err[0] = 0;
		return -EINVAL;
	}
	if (p->ext[0].a > max->ext[0].a) {
		err[0] = 0x80000000;
		return -EINVAL;
	}
	if (p->basic[0].b != max->basic[0].b || p->basic[0].c != max->basic[0].c ||
	    p->basic[0].d != max->basic[0].d) {
		err[0] = 0;
		return -EINVAL;
	}
	if (p->platform_info & ~max->platform_info) {
		err[2] = MSR_PLATFORM_INFO;
		return -EINVAL;
	}
	return 0;
}

/*
 * Leaves and MSRs not in the lists stay as they are; features beyond the maximum drop out. err: leaf,
 * subleaf and MSR objected to, ~0 where none. 0; -EEXIST: d has run; -ERANGE, -EINVAL, -ENOMEM.
 */
int cpu_policy_set(struct domain *d, const struct xen_cpuid_leaf *leaves, u32 nr_leaves,
		   const struct xen_msr_entry *msrs, u32 nr_msrs, u32 err[3])
{
	struct cpu_policy *p;
	struct vcpu *v;
	int rc = 0;
	u32 i;

	err[0] = err[1] = err[2] = ~0U;
	if (d->creation_finished)
		return -EEXIST;
	p = xzalloc(struct cpu_policy);
	if (!p)
		return -ENOMEM;
	*p = *d->arch.cpu_policy;
	for (i = 0; i < nr_leaves && !rc; i++) {
		rc = take_leaf(p, &leaves[i]);
		if (rc) {
			err[0] = leaves[i].leaf;
			err[1] = leaves[i].subleaf;
		}
	}
	for (i = 0; i < nr_msrs && !rc; i++) {
		rc = take_msr(p, &msrs[i]);
		if (rc)
			err[2] = msrs[i].idx;
	}
	if (!rc)
		rc = check_compatible(p, err);
	if (!rc) {
		cpu_policy_refresh(p, &hvm_max_policy);
		*d->arch.cpu_policy = *p;
		for_each_vcpu(d, v)
			hvm->policy_changed(v);
	}
	xfree(p);
	return rc;
}
