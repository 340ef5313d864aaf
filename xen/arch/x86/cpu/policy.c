/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUID and MSR policies: what the machine has (raw), the most a domain may see
 * (max: the machine's, as far as it is virtualised), what one gets unless the
 * tool stack says otherwise (default). A feature is named in one place: the
 * table of what is virtualised.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/cpu-policy.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

struct cpu_policy raw_policy, hvm_max_policy, hvm_default_policy;

#define F(name) XEN_X86_FEATURE_##name

/* Features guests may use: they need nothing of the hypervisor, or it does what they need. */
static const u16 virtualised[] = {
	F(FPU),
	F(VME),
	F(DE),
	F(PSE),
	F(TSC),
	F(MSR),
	F(PAE),
	F(MCE),
	F(CX8),
	F(APIC),
	F(SEP),
	F(MTRR),
	F(PGE),
	F(MCA),
	F(CMOV),
	F(PAT),
	F(PSE36),
	F(CLFLUSH),
	F(MMX),
	F(FXSR),
	F(SSE),
	F(SSE2),
	F(SS),
	F(HTT),
	F(SSE3),
	F(PCLMULQDQ),
	F(SSSE3),
	F(FMA),
	F(CX16),
	F(PCID),
	F(SSE4_1),
	F(SSE4_2),
	F(X2APIC),
	F(MOVBE),
	F(POPCNT),
	F(TSC_DEADLINE),
	F(AESNI),
	F(XSAVE),
	F(AVX),
	F(F16C),
	F(RDRAND),
	F(HYPERVISOR),
	F(SYSCALL),
	F(NX),
	F(PAGE1GB),
	F(RDTSCP),
	F(LM),
	F(LAHF_LM),
	F(ABM),
	F(3DNOWPREFETCH),
	F(XSAVEOPT),
	F(XSAVEC),
	F(XGETBV1),
	F(FSGSBASE),
	F(TSC_ADJUST),
	F(BMI1),
	F(AVX2),
	F(FDP_EXCP_ONLY),
	F(SMEP),
	F(BMI2),
	F(ERMS),
	F(INVPCID),
	F(NO_FPU_SEL),
	F(AVX512F),
	F(AVX512DQ),
	F(RDSEED),
	F(ADX),
	F(SMAP),
	F(AVX512_IFMA),
	F(CLFLUSHOPT),
	F(CLWB),
	F(AVX512CD),
	F(SHA),
	F(AVX512BW),
	F(AVX512VL),
	F(AVX512_VBMI),
	F(UMIP),
	F(AVX512_VBMI2),
	F(GFNI),
	F(VAES),
	F(VPCLMULQDQ),
	F(AVX512_VNNI),
	F(AVX512_BITALG),
	F(AVX512_VPOPCNTDQ),
	F(RDPID),
	F(CLDEMOTE),
	F(MOVDIRI),
	F(MOVDIR64B),
	F(ITSC),
	F(FSRM),
	F(AVX512_VP2INTERSECT),
	F(MD_CLEAR),
	F(SERIALIZE),
	F(AVX_VNNI),
	F(AVX512_BF16),
	F(FZRM),
	F(FSRS),
	F(FSRCS),
};

/* Virtualised whatever the machine has. */
static const u16 emulated[] = { F(APIC), F(X2APIC), F(TSC_DEADLINE), F(TSC_ADJUST), F(MTRR), F(HYPERVISOR) };
/* Only where asked for: a domain that sees it cannot move to a machine with another TSC. */
static const u16 not_default[] = { F(ITSC) };

/* The second is of no use without the first. */
static const u16 needs[][2] = {
	{ F(XSAVE), F(XSAVEOPT) },
	{ F(XSAVE), F(XSAVEC) },
	{ F(XSAVE), F(XGETBV1) },
	{ F(XSAVE), F(AVX) },
	{ F(AVX), F(FMA) },
	{ F(AVX), F(F16C) },
	{ F(AVX), F(AVX2) },
	{ F(AVX), F(VAES) },
	{ F(AVX), F(VPCLMULQDQ) },
	{ F(AVX2), F(AVX512F) },
	{ F(AVX2), F(AVX_VNNI) },
	{ F(AVX512F), F(AVX512DQ) },
	{ F(AVX512F), F(AVX512_IFMA) },
	{ F(AVX512F), F(AVX512CD) },
	{ F(AVX512F), F(AVX512BW) },
	{ F(AVX512F), F(AVX512VL) },
	{ F(AVX512F), F(AVX512_VBMI) },
	{ F(AVX512F), F(AVX512_VBMI2) },
	{ F(AVX512F), F(AVX512_VNNI) },
	{ F(AVX512F), F(AVX512_BITALG) },
	{ F(AVX512F), F(AVX512_VPOPCNTDQ) },
	{ F(AVX512F), F(AVX512_BF16) },
	{ F(AVX512F), F(AVX512_VP2INTERSECT) },
	{ F(LM), F(PCID) },
	{ F(PCID), F(INVPCID) },
	{ F(LM), F(LAHF_LM) },
	{ F(APIC), F(X2APIC) },
	{ F(APIC), F(TSC_DEADLINE) },
	{ F(RDTSCP), F(RDPID) },
};

/* Bits of CR4 that exist with a feature. */
static const struct {
	u16 feature;
	u32 bit;
} cr4_bits[] = {
	{ F(VME), X86_CR4_VME | X86_CR4_PVI },
	{ F(TSC), X86_CR4_TSD },
	{ F(DE), X86_CR4_DE },
	{ F(PSE), X86_CR4_PSE },
	{ F(PAE), X86_CR4_PAE },
	{ F(MCE), X86_CR4_MCE },
	{ F(PGE), X86_CR4_PGE },
	{ F(MSR), X86_CR4_PCE },
	{ F(FXSR), X86_CR4_OSFXSR },
	{ F(SSE), X86_CR4_OSXMMEXCPT },
	{ F(UMIP), X86_CR4_UMIP },
	{ F(FSGSBASE), X86_CR4_FSGSBASE },
	{ F(PCID), X86_CR4_PCIDE },
	{ F(XSAVE), X86_CR4_OSXSAVE },
	{ F(SMEP), X86_CR4_SMEP },
	{ F(SMAP), X86_CR4_SMAP },
};

/* Where each word of the featureset lies; words without a place are 0 here (AMD's, and later ones). */
u32 *cpu_policy_word(struct cpu_policy *p, unsigned int word)
{
	switch (word) {
	case 0:
		return &p->basic[1].d;
	case 1:
		return &p->basic[1].c;
	case 2:
		return &p->ext[1].d;
	case 3:
		return &p->ext[1].c;
	case 4:
		return &p->xstate[1].a;
	case 5:
		return &p->feat[0].b;
	case 6:
		return &p->feat[0].c;
	case 7:
		return &p->ext[7].d;
	case 8:
		return &p->ext[8].b;
	case 9:
		return &p->feat[0].d;
	case 10:
		return &p->feat[1].a;
	case 12:
		return &p->feat[1].b;
	case 14:
		return &p->feat[1].c;
	case 15:
		return &p->feat[1].d;
	case 16:
		return (u32 *)&p->arch_caps;
	case 17:
		return (u32 *)&p->arch_caps + 1;
	default:
		return NULL;
	}
}

static bool has(const struct cpu_policy *p, unsigned int feature)
{
	const u32 *w = cpu_policy_word((struct cpu_policy *)p, feature / 32);

	return w && (*w >> (feature % 32) & 1);
}

static void clear_feature(struct cpu_policy *p, unsigned int feature)
{
	u32 *w = cpu_policy_word(p, feature / 32);

	if (w)
		*w &= ~(1U << (feature % 32));
}

/* ---- what the machine has ---- */

static void read_leaf(struct cpuid_regs *r, u32 leaf, u32 sub)
{
	cpuid_count(leaf, sub, &r->a, &r->b, &r->c, &r->d);
}

static void read_raw(struct cpu_policy *p)
{
	u32 i, max = min_t(u32, boot_cpu.max_leaf, POLICY_BASIC - 1);
	u32 max_ext = boot_cpu.max_ext_leaf & 0x80000000 ? boot_cpu.max_ext_leaf - 0x80000000 : 0;

	for (i = 0; i <= max; i++)
		read_leaf(&p->basic[i], i, 0);
	p->basic[0].a = max;
	for (i = 0; max >= 4 && i < POLICY_CACHE; i++) {
		read_leaf(&p->cache[i], 4, i);
		if (!(p->cache[i].a & 31))
			break;
	}
	if (max >= 7) {
		read_leaf(&p->feat[0], 7, 0);
		p->feat[0].a = min_t(u32, p->feat[0].a, POLICY_FEAT - 1);
		for (i = 1; i <= p->feat[0].a; i++)
			read_leaf(&p->feat[i], 7, i);
	}
	for (i = 0; max >= 0xd && i < POLICY_XSTATE; i++)
		read_leaf(&p->xstate[i], 0xd, i);
	max_ext = min_t(u32, max_ext, POLICY_EXT - 1);
	for (i = 0; i <= max_ext; i++)
		read_leaf(&p->ext[i], 0x80000000 + i, 0);
	p->ext[0].a = 0x80000000 + max_ext;
	if (cpu_has(X86_FEATURE_ARCH_CAPS) && rdmsr_safe(MSR_IA32_ARCH_CAPABILITIES, &p->arch_caps))
		p->arch_caps = 0;
}

/* ---- what a domain may see ---- */

static void clear_leaf(struct cpuid_regs *r) { *r = (struct cpuid_regs){ 0 }; }

/* Leaves whose contents are the machine's own business, or are made up when they are asked for. */
static void clear_private_leaves(struct cpu_policy *p)
{
	static const u8 basic[] = { 3, 4, 5, 6, 7, 8, 9, 0xa, 0xb, 0xc, 0xd };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(basic); i++)
		clear_leaf(&p->basic[basic[i]]);
	p->basic[1].b &= 0x0000ff00; /* CLFLUSH line size; the rest is per vCPU */
	p->ext[1].a = p->ext[1].b = 0;
	p->ext[7].a = p->ext[7].b = p->ext[7].c = 0;
	p->ext[8].c = p->ext[8].d = 0;
	p->ext[8].a &= 0xffff;
}

/* The components of XCR0 that go with the features left; sizes and places are the hardware's. */
static void refresh_xstate(struct cpu_policy *p)
{
	u64 mask = 0;
	unsigned int i;

	if (has(p, F(XSAVE)))
		mask = X86_XCR0_X87 | X86_XCR0_SSE;
	if (has(p, F(AVX)))
		mask |= X86_XCR0_YMM;
	if (has(p, F(AVX512F)))
		mask |= X86_XCR0_AVX512;
	mask &= hvm_xcr0_supported();
	p->xcr0_mask = mask;
	p->xstate[0] = (struct cpuid_regs){ (u32)mask, 0, mask ? hvm_xsave_size(mask) : 0, (u32)(mask >> 32) };
	p->xstate[1].b = p->xstate[1].c = p->xstate[1].d = 0;
	for (i = 2; i < POLICY_XSTATE; i++) {
		if (mask >> i & 1)
			p->xstate[i] = raw_policy.xstate[i];
		else
			clear_leaf(&p->xstate[i]);
	}
}

static void refresh_derived(struct cpu_policy *p)
{
	unsigned int i;

	p->cr4_mask = 0;
	for (i = 0; i < ARRAY_SIZE(cr4_bits); i++)
		if (has(p, cr4_bits[i].feature))
			p->cr4_mask |= cr4_bits[i].bit;
	p->efer_mask = (has(p, F(SYSCALL)) ? EFER_SCE : 0) | (has(p, F(LM)) ? EFER_LME : 0) |
		       (has(p, F(NX)) ? EFER_NXE : 0);
	p->phys_bits = p->ext[0].a >= 0x80000008 && (p->ext[8].a & 0xff) >= 32 ? p->ext[8].a & 0xff : 36;
}

void cpu_policy_refresh(struct cpu_policy *p, const struct cpu_policy *max)
{
	unsigned int i;

	for (i = 0; i < FEATURESET_WORDS; i++) {
		u32 *w = cpu_policy_word(p, i);

		if (w)
			*w &= *cpu_policy_word((struct cpu_policy *)max, i);
	}
	for (i = 0; i < ARRAY_SIZE(needs); i++)
		if (!has(p, needs[i][0]))
			clear_feature(p, needs[i][1]);
	clear_private_leaves(p);
	p->basic[0].a = min(p->basic[0].a, max->basic[0].a);
	p->ext[0].a = min(p->ext[0].a, max->ext[0].a);
	p->feat[0].a = min(p->feat[0].a, max->feat[0].a);
	if ((p->ext[8].a & 0xff) > (max->ext[8].a & 0xff))
		p->ext[8].a = max->ext[8].a;
	p->platform_info &= max->platform_info;
	refresh_xstate(p);
	refresh_derived(p);
}

static void make_max(struct cpu_policy *p)
{
	static struct cpu_policy limit;
	unsigned int i;

	*p = limit = raw_policy;
	/* limit: the table's features, all set; what the machine lacks drops out below. */
	for (i = 0; i < FEATURESET_WORDS; i++)
		if (cpu_policy_word(&limit, i))
			*cpu_policy_word(&limit, i) = 0;
	for (i = 0; i < ARRAY_SIZE(virtualised); i++)
		*cpu_policy_word(&limit, virtualised[i] / 32) |= 1U << (virtualised[i] % 32);
	for (i = 0; i < ARRAY_SIZE(emulated); i++)
		*cpu_policy_word(p, emulated[i] / 32) |= 1U << (emulated[i] % 32);
	if (!hvm_has_rdtscp())
		clear_feature(p, F(RDTSCP));
	if (!hvm_has_invpcid())
		clear_feature(p, F(INVPCID));
	if (!hvm_xcr0_supported())
		clear_feature(p, F(XSAVE));
	/* Four levels of EPT reach 48 bits. */
	limit.ext[8].a = (limit.ext[8].a & ~0xffU) | min_t(u32, limit.ext[8].a & 0xff, 48);
	limit.platform_info = 0;
	cpu_policy_refresh(p, &limit);
}

static void make_policies(void)
{
	unsigned int i;

	read_raw(&raw_policy);
	make_max(&hvm_max_policy);
	hvm_default_policy = hvm_max_policy;
	for (i = 0; i < ARRAY_SIZE(not_default); i++)
		clear_feature(&hvm_default_policy, not_default[i]);
}

/* ---- domains ---- */

int cpu_policy_init(struct domain *d)
{
	struct cpu_policy *p = xzalloc(struct cpu_policy);

	if (!p)
		return -ENOMEM;
	/* The first domain is made while only the boot CPU runs. */
	if (!raw_policy.basic[0].b)
		make_policies();
	*p = d->is_privileged ? hvm_max_policy : hvm_default_policy;
	d->arch.cpu_policy = p;
	return 0;
}

void cpu_policy_destroy(struct domain *d)
{
	xfree(d->arch.cpu_policy);
	d->arch.cpu_policy = NULL;
}

u64 cpu_policy_cr4_mask(const struct domain *d) { return d->arch.cpu_policy->cr4_mask; }
u64 cpu_policy_efer_mask(const struct domain *d) { return d->arch.cpu_policy->efer_mask; }
u64 cpu_policy_xcr0_mask(const struct domain *d) { return d->arch.cpu_policy->xcr0_mask; }
unsigned int cpu_policy_phys_bits(const struct domain *d) { return d->arch.cpu_policy->phys_bits; }
u64 cpu_policy_arch_caps(const struct domain *d) { return d->arch.cpu_policy->arch_caps; }
u64 cpu_policy_platform_info(const struct domain *d) { return d->arch.cpu_policy->platform_info; }
u32 cpu_policy_signature(const struct domain *d) { return d->arch.cpu_policy->basic[1].a; }
bool cpu_policy_has(const struct domain *d, unsigned int feature) { return has(d->arch.cpu_policy, feature); }
