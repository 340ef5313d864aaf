/* SPDX-License-Identifier: GPL-2.0-only */
/* What the CPUs can do, and the control registers every one of them gets. */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/percpu.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/pgtable.h>
#include <asm/processor.h>

struct cpu_info boot_cpu __ro_after_init;

static const struct {
	u16 feature;
	const char *name;
} needed[] = {
	{ X86_FEATURE_FPU, "x87" }, { X86_FEATURE_TSC, "time stamp counter" }, { X86_FEATURE_MSR, "MSRs" },
	{ X86_FEATURE_PAE, "PAE" }, { X86_FEATURE_CX8, "CMPXCHG8B" }, { X86_FEATURE_APIC, "local APIC" },
	{ X86_FEATURE_PGE, "global pages" }, { X86_FEATURE_PAT, "PAT" }, { X86_FEATURE_FXSR, "FXSAVE" },
	{ X86_FEATURE_NX, "no-execute" }, { X86_FEATURE_LM, "64-bit mode" },
}, shown[] = {
	{ X86_FEATURE_VMX, "vmx" }, { X86_FEATURE_SVM, "svm" }, { X86_FEATURE_X2APIC, "x2apic" },
	{ X86_FEATURE_TSC_DEADLINE, "tsc-deadline" }, { X86_FEATURE_ITSC, "invariant-tsc" },
	{ X86_FEATURE_PAGE1GB, "1g-pages" }, { X86_FEATURE_SMEP, "smep" }, { X86_FEATURE_SMAP, "smap" },
	{ X86_FEATURE_XSAVE, "xsave" }, { X86_FEATURE_XSAVES, "xsaves" }, { X86_FEATURE_PCID, "pcid" },
};

static void read_words(struct cpu_info *c)
{
	u32 a, b, d, x;

	cpuid(1, &a, &b, &c->word[CPUID_1_ECX], &c->word[CPUID_1_EDX]);
	c->stepping = a & 15;
	c->model = a >> 4 & 15;
	c->family = a >> 8 & 15;
	if (c->family == 6 || c->family == 15)
		c->model |= a >> 12 & 0xf0;
	if (c->family == 15)
		c->family = (u8)(c->family + (a >> 20 & 0xff));
	if (c->max_leaf >= 6)
		c->word[CPUID_6_EAX] = cpuid_eax(6);
	if (c->max_leaf >= 7) {
		cpuid_count(7, 0, &a, &c->word[CPUID_7_EBX], &c->word[CPUID_7_ECX], &c->word[CPUID_7_EDX]);
		if (a >= 1)
			cpuid_count(7, 1, &c->word[CPUID_71_EAX], &b, &x, &d);
	}
	if (c->max_leaf >= 13 && c->word[CPUID_1_ECX] >> 26 & 1)
		cpuid_count(13, 1, &c->word[CPUID_D1_EAX], &b, &x, &d);
	if (c->max_ext_leaf >= 0x80000001)
		cpuid(0x80000001, &a, &b, &c->word[CPUID_81_ECX], &c->word[CPUID_81_EDX]);
	if (c->max_ext_leaf >= 0x80000007)
		c->word[CPUID_87_EDX] = cpuid_edx(0x80000007);
	c->phys_bits = 36;
	c->virt_bits = 48;
	if (c->max_ext_leaf >= 0x80000008) {
		cpuid(0x80000008, &a, &c->word[CPUID_88_EBX], &x, &d);
		c->phys_bits = (u8)a;
		c->virt_bits = (u8)(a >> 8);
	}
}

static void read_cpu(struct cpu_info *c)
{
	u32 id[3], brand[12] = { 0 };

	memset(c, 0, sizeof(*c));
	cpuid(0, &c->max_leaf, &id[0], &id[2], &id[1]);
	memcpy(c->vendor_id, id, 12);
	c->vendor = !strcmp(c->vendor_id, "GenuineIntel")   ? VENDOR_INTEL
		    : !strcmp(c->vendor_id, "AuthenticAMD") ? VENDOR_AMD
							    : VENDOR_OTHER;
	c->max_ext_leaf = cpuid_eax(0x80000000);
	if (c->max_ext_leaf < 0x80000000 || c->max_ext_leaf > 0x8000ffff)
		c->max_ext_leaf = 0;
	read_words(c);
	if (c->max_ext_leaf >= 0x80000004)
		for (u32 i = 0; i < 3; i++)
			cpuid(0x80000002 + i, &brand[4 * i], &brand[4 * i + 1], &brand[4 * i + 2],
			      &brand[4 * i + 3]);
	memcpy(c->model_id, brand, 48);
}

void __init cpu_features_init(void)
{
	const char *model = boot_cpu.model_id;

	read_cpu(&boot_cpu);
	/* Firmware may hide the higher CPUID leaves. */
	if (boot_cpu.vendor == VENDOR_INTEL && boot_cpu.max_leaf < 7) {
		u64 misc;

		if (!rdmsr_safe(MSR_IA32_MISC_ENABLE, &misc) && (misc & MISC_ENABLE_LIMIT_CPUID)) {
			wrmsr(MSR_IA32_MISC_ENABLE, misc & ~MISC_ENABLE_LIMIT_CPUID);
			read_cpu(&boot_cpu);
		}
	}
	while (*model == ' ')
		model++;
	printk("CPU: %s (%s), family %u model %u stepping %u, %u-bit physical addresses\n", model,
	       boot_cpu.vendor_id, boot_cpu.family, boot_cpu.model, boot_cpu.stepping, boot_cpu.phys_bits);
	printk("CPU features:");
	for (unsigned int i = 0; i < ARRAY_SIZE(shown); i++)
		if (cpu_has(shown[i].feature))
			printk(" %s", shown[i].name);
	printk("\n");
	for (unsigned int i = 0; i < ARRAY_SIZE(needed); i++)
		if (!cpu_has(needed[i].feature))
			panic("this CPU has no %s\n", needed[i].name);
}

void cpu_setup(void)
{
	unsigned long cr4 = X86_CR4_PAE | X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_DE;

	if (cpu_has(X86_FEATURE_MCE))
		cr4 |= X86_CR4_MCE;
	if (cpu_has(X86_FEATURE_SMEP))
		cr4 |= X86_CR4_SMEP;
	if (cpu_has(X86_FEATURE_SMAP))
		cr4 |= X86_CR4_SMAP;
	if (cpu_has(X86_FEATURE_XSAVE))
		cr4 |= X86_CR4_OSXSAVE;
	wrmsr(MSR_IA32_PAT, HOST_PAT);
	write_cr4(cr4);
	write_cr0(X86_CR0_PG | X86_CR0_WP | X86_CR0_NE | X86_CR0_ET | X86_CR0_MP | X86_CR0_PE);
	flush_tlb_local();
	write_dr7(X86_DR7_DEFAULT);
}

int cpu_features_check(unsigned int cpu)
{
	struct cpu_info c;

	read_cpu(&c);
	for (unsigned int i = 0; i < CPUID_WORDS; i++) {
		/* Of leaf 1 ECX, OSXSAVE mirrors CR4. */
		u32 missing = boot_cpu.word[i] & ~c.word[i] & ~(i == CPUID_1_ECX ? 1U << 27 : 0);

		if (!missing)
			continue;
		printk(XENLOG_ERR "CPU %u lacks features of CPU 0: word %u bits %08x\n", cpu, i, missing);
		return -ENODEV;
	}
	return 0;
}
