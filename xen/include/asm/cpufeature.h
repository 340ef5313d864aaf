/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the machine's CPUs can do. Words are registers of CPUID leaves; a
 * feature is word * 32 + bit. Filled in by cpu/features.c on the boot CPU;
 * later CPUs must have at least these.
 */
#ifndef ASM_CPUFEATURE_H
#define ASM_CPUFEATURE_H

enum cpu_word {
	CPUID_1_EDX,
	CPUID_1_ECX,
	CPUID_81_EDX,
	CPUID_81_ECX,
	CPUID_7_EBX,
	CPUID_7_ECX,
	CPUID_7_EDX,
	CPUID_D1_EAX,
	CPUID_87_EDX,
	CPUID_6_EAX,
	CPUID_71_EAX,
	CPUID_88_EBX,
	CPUID_WORDS
};
#define X86_FEATURE(word, bit)	 ((word)*32 + (bit))

#define X86_FEATURE_FPU		 X86_FEATURE(CPUID_1_EDX, 0)
#define X86_FEATURE_TSC		 X86_FEATURE(CPUID_1_EDX, 4)
#define X86_FEATURE_MSR		 X86_FEATURE(CPUID_1_EDX, 5)
#define X86_FEATURE_PAE		 X86_FEATURE(CPUID_1_EDX, 6)
#define X86_FEATURE_MCE		 X86_FEATURE(CPUID_1_EDX, 7)
#define X86_FEATURE_CX8		 X86_FEATURE(CPUID_1_EDX, 8)
#define X86_FEATURE_APIC	 X86_FEATURE(CPUID_1_EDX, 9)
#define X86_FEATURE_PGE		 X86_FEATURE(CPUID_1_EDX, 13)
#define X86_FEATURE_PAT		 X86_FEATURE(CPUID_1_EDX, 16)
#define X86_FEATURE_FXSR	 X86_FEATURE(CPUID_1_EDX, 24)

#define X86_FEATURE_VMX		 X86_FEATURE(CPUID_1_ECX, 5)
#define X86_FEATURE_PCID	 X86_FEATURE(CPUID_1_ECX, 17)
#define X86_FEATURE_X2APIC	 X86_FEATURE(CPUID_1_ECX, 21)
#define X86_FEATURE_TSC_DEADLINE X86_FEATURE(CPUID_1_ECX, 24)
#define X86_FEATURE_XSAVE	 X86_FEATURE(CPUID_1_ECX, 26)
#define X86_FEATURE_HYPERVISOR	 X86_FEATURE(CPUID_1_ECX, 31)

#define X86_FEATURE_NX		 X86_FEATURE(CPUID_81_EDX, 20)
#define X86_FEATURE_PAGE1GB	 X86_FEATURE(CPUID_81_EDX, 26)
#define X86_FEATURE_LM		 X86_FEATURE(CPUID_81_EDX, 29)
#define X86_FEATURE_SVM		 X86_FEATURE(CPUID_81_ECX, 2)

#define X86_FEATURE_TSC_ADJUST	 X86_FEATURE(CPUID_7_EBX, 1)
#define X86_FEATURE_SMEP	 X86_FEATURE(CPUID_7_EBX, 7)
#define X86_FEATURE_SMAP	 X86_FEATURE(CPUID_7_EBX, 20)
#define X86_FEATURE_ARCH_CAPS	 X86_FEATURE(CPUID_7_EDX, 29)

#define X86_FEATURE_XSAVES	 X86_FEATURE(CPUID_D1_EAX, 3)
#define X86_FEATURE_ITSC	 X86_FEATURE(CPUID_87_EDX, 8)

enum cpu_vendor { VENDOR_OTHER, VENDOR_INTEL, VENDOR_AMD };

struct cpu_info {
	enum cpu_vendor vendor;
	char vendor_id[13];
	char model_id[49];
	u8 family, model, stepping; /* extended fields added in */
	u8 phys_bits, virt_bits;
	u32 max_leaf, max_ext_leaf;
	u32 word[CPUID_WORDS];
};
extern struct cpu_info boot_cpu;

static inline bool cpu_has(unsigned int feature) { return boot_cpu.word[feature / 32] >> (feature % 32) & 1; }

/* Reads CPUID of the boot CPU; panics when something indispensable is missing. */
void cpu_features_init(void);
/* Control registers and MSRs of this CPU (CR0, CR4, EFER, PAT): every CPU, at start. */
void cpu_setup(void);
/* A later CPU lacks nothing the boot CPU has: 0, or -ENODEV with a message. */
int cpu_features_check(unsigned int cpu);

#endif
