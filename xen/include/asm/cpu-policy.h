/* SPDX-License-Identifier: GPL-2.0-only */
/* What the CPUID and MSR policy of a domain says about registers. cpu/policy.c */
#ifndef ASM_CPU_POLICY_H
#define ASM_CPU_POLICY_H

#include <xen/sched.h>
#include <asm/hvm.h>
#include <public/arch-x86/cpufeatureset.h>

#define X86_XCR0_AVX512 0xe0UL /* opmask, upper halves of ZMM0-15, ZMM16-31: only together */

/* Registers of one CPUID leaf. */
struct cpuid_regs {
	u32 a, b, c, d;
};

#define POLICY_BASIC	 0xe /* leaves 0 … 0xd */
#define POLICY_EXT	 9 /* leaves 0x80000000 … 8 */
#define POLICY_CACHE	 6 /* subleaves of 4: as many as libxenguest takes */
#define POLICY_FEAT	 2 /* of 7 */
#define POLICY_XSTATE	 63 /* of 0xd */
#define FEATURESET_WORDS 18

/*
 * What CPUID and feature MSRs say to a domain. basic[4], [7], [0xb] and [0xd] are unused: those leaves
 * have subleaves of their own, or are made for each vCPU.
 */
struct cpu_policy {
	struct cpuid_regs basic[POLICY_BASIC], ext[POLICY_EXT];
	struct cpuid_regs cache[POLICY_CACHE], feat[POLICY_FEAT], xstate[POLICY_XSTATE];
	u32 hv_limit; /* highest leaf from 0x40000000 on the tool stack allows, 0: all */
	u64 platform_info, arch_caps;
	/* Derived by cpu_policy_refresh(). */
	u64 cr4_mask, efer_mask, xcr0_mask;
	u8 phys_bits;
};

extern struct cpu_policy raw_policy, hvm_max_policy, hvm_default_policy;
/* policy.c: words of the public featureset; refresh: drops what max does not have, then the derived fields. */
u32 *cpu_policy_word(struct cpu_policy *p, unsigned int word);
void cpu_policy_refresh(struct cpu_policy *p, const struct cpu_policy *max);

u64 cpu_policy_cr4_mask(const struct domain *d);
u64 cpu_policy_efer_mask(const struct domain *d);
u64 cpu_policy_xcr0_mask(const struct domain *d);
unsigned int cpu_policy_phys_bits(const struct domain *d);
bool cpu_policy_has(const struct domain *d, unsigned int feature); /* XEN_X86_FEATURE_* */
u64 cpu_policy_arch_caps(const struct domain *d);
u64 cpu_policy_platform_info(const struct domain *d);
u32 cpu_policy_signature(const struct domain *d); /* CPUID.1:EAX */

/* xsave.c: to the state after a reset. */
void hvm_fpu_reset(struct vcpu *v);

#endif
