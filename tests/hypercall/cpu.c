/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUID and MSR policy: what a PVH domain sees, may write, and must fault on. */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>

static void cpuid_basic(void)
{
	struct cpuid_regs r = cpuid(0, 0);

	CHECK(r.eax >= 7);
	CHECK(r.eax < 0x100);
	CHECK(cpuid(0x80000000, 0).eax >= 0x80000008);
	CHECK_EQ(cpuid(0x80000000, 0).eax >> 16, 0x8000);
}

static void cpuid_beyond_is_zero(void)
{
	struct cpuid_regs r = cpuid(cpuid(0, 0).eax + 0x100, 0);

	CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
	r = cpuid(0x40ffff00, 0);
	CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
	r = cpuid(0x8fffffff, 0);
	CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
}

static void cpuid_xen_beyond_is_zero(void)
{
	struct cpuid_regs r = cpuid(xen_cpuid_base + 0x20, 0);

	CHECK_EQ(r.eax | r.ebx | r.ecx | r.edx, 0);
}

static void cpuid_apic_id(void)
{
	CHECK_EQ(cpuid(1, 0).ebx >> 24, 0);
	CHECK_EQ(cpuid(0xb, 0).edx, 0);
	CHECK_EQ(cpuid(0xb, 1).edx, 0);
}

static void cpuid_hidden_features(void)
{
	struct cpuid_regs r = cpuid(1, 0);

	CHECK(!(r.ecx & 1u << 5)); /* VMX */
	CHECK(!(r.ecx & 1u << 6)); /* SMX */
	CHECK(!(r.ecx & 1u << 3)); /* MONITOR */
	CHECK(!(r.ecx & 1u << 2)); /* DTES64 */
}

static void cpuid_needed_features(void)
{
	struct cpuid_regs r = cpuid(1, 0), e = cpuid(0x80000001, 0);

	CHECK(r.edx & 1u << 0); /* FPU */
	CHECK(r.edx & 1u << 4); /* TSC */
	CHECK(r.edx & 1u << 5); /* MSR */
	CHECK(r.edx & 1u << 6); /* PAE */
	CHECK(r.edx & 1u << 9); /* APIC */
	CHECK(r.edx & 1u << 13); /* PGE */
	CHECK(r.edx & 1u << 16); /* PAT */
	CHECK(r.edx & 1u << 24); /* FXSR */
	CHECK(r.edx & 1u << 26); /* SSE2 */
	CHECK(e.edx & 1u << 29); /* long mode */
	CHECK(e.edx & 1u << 20); /* NX */
	CHECK(e.edx & 1u << 11); /* SYSCALL */
}

static void cpuid_osxsave_follows_cr4(void)
{
	uint64_t cr4 = read_cr4();

	if (!(cpuid(1, 0).ecx & 1u << 26)) {
		tap_skip("no XSAVE");
		return;
	}
	CHECK(!(cpuid(1, 0).ecx & 1u << 27));
	write_cr4(cr4 | CR4_OSXSAVE);
	CHECK(cpuid(1, 0).ecx & 1u << 27);
	write_cr4(cr4);
	CHECK(!(cpuid(1, 0).ecx & 1u << 27));
}

static void cpuid_apic_bit_follows_msr(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	CHECK(cpuid(1, 0).edx & 1u << 9);
	CHECK_EQ(rdmsr(MSR_APIC_BASE), base);
}

static void cpuid_xstate(void)
{
	struct cpuid_regs r = cpuid(0xd, 0);

	if (!(cpuid(1, 0).ecx & 1u << 26)) {
		tap_skip("no XSAVE");
		return;
	}
	CHECK_EQ(r.eax & 3, 3);
	CHECK(r.ecx >= 576);
}

static void cpuid_address_width(void)
{
	uint32_t eax = cpuid(0x80000008, 0).eax;

	CHECK((eax & 0xff) >= 36 && (eax & 0xff) <= 52);
	CHECK_EQ(eax >> 8 & 0xff, 48);
}

static void cpuid_in_ring3(void *arg)
{
	*(uint32_t *)arg = cpuid(xen_cpuid_base, 0).ebx;
}

static void cpuid_from_ring3(void)
{
	uint32_t ebx = 0;

	CHECK_EQ(run_in_ring3(cpuid_in_ring3, &ebx), -1);
	CHECK_EQ(ebx, 0x566e6558);
}

static void cpuid_time_leaf(void)
{
	struct cpuid_regs r = cpuid(xen_cpuid_base + 3, 0);

	CHECK((r.ebx & 0xff) <= 3);
	CHECK(r.ecx > 1000); /* kHz */
	CHECK_EQ(cpuid(xen_cpuid_base + 3, 9).eax, 0);
}

/* --- MSRs */

static void efer_bits(void)
{
	uint64_t efer = rdmsr(MSR_EFER);

	CHECK_EQ(probe_wrmsr(MSR_EFER, efer ^ EFER_SCE), -1);
	CHECK_EQ(rdmsr(MSR_EFER), efer ^ EFER_SCE);
	CHECK_EQ(probe_wrmsr(MSR_EFER, efer), -1);
	CHECK_EQ(probe_wrmsr(MSR_EFER, efer | 1ull << 30), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_EFER, efer | 2), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_EFER, efer & ~(uint64_t)EFER_LME), X86_GP);
	CHECK_EQ(rdmsr(MSR_EFER), efer);
}

static void efer_svme(void)
{
	CHECK_EQ(probe_wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1ull << 12), X86_GP);
}

static void msr_holds(uint32_t msr, uint64_t value)
{
	uint64_t old = 0, v = 0;

	CHECK_EQ(probe_rdmsr(msr, &old), -1);
	CHECK_EQ(probe_wrmsr(msr, value), -1);
	CHECK_EQ(probe_rdmsr(msr, &v), -1);
	CHECK_EQ(v, value);
	CHECK_EQ(probe_wrmsr(msr, old), -1);
}

static void syscall_msrs(void)
{
	msr_holds(MSR_STAR, 0x0023001000000000);
	msr_holds(MSR_LSTAR, 0xffff800000001234);
	msr_holds(MSR_CSTAR, 0xffff800000005678);
	msr_holds(MSR_SFMASK, 0x47700);
}

static void sysenter_msrs(void)
{
	msr_holds(MSR_SYSENTER_CS, 0x10);
	msr_holds(MSR_SYSENTER_ESP, 0xffff800000001000);
	msr_holds(MSR_SYSENTER_EIP, 0xffff800000002000);
}

static void base_msrs(void)
{
	msr_holds(MSR_FS_BASE, 0x123456789000);
	msr_holds(MSR_KERNEL_GS_BASE, 0x223456789000);
}

static void non_canonical_bases(void)
{
	CHECK_EQ(probe_wrmsr(MSR_FS_BASE, 1ull << 47), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_KERNEL_GS_BASE, 1ull << 62), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_LSTAR, 1ull << 47), X86_GP);
}

static void non_canonical_sysenter(void)
{
	CHECK_EQ(probe_wrmsr(MSR_SYSENTER_ESP, 1ull << 47), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_SYSENTER_EIP, 1ull << 47), X86_GP);
}

static void pat(void)
{
	uint64_t old = rdmsr(MSR_PAT);

	CHECK_EQ(old & 0xff, 6);
	CHECK_EQ(probe_wrmsr(MSR_PAT, 0x0007010600070106), -1);
	CHECK_EQ(rdmsr(MSR_PAT), 0x0007010600070106);
	CHECK_EQ(probe_wrmsr(MSR_PAT, 0x0207010600070106), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_PAT, old), -1);
}

static void mtrr_cap(void)
{
	uint64_t cap = 0;

	CHECK_EQ(probe_rdmsr(MSR_MTRRCAP, &cap), -1);
	CHECK_EQ(cap & 0xff, 8);
	CHECK_EQ(probe_wrmsr(MSR_MTRRCAP, cap), X86_GP);
}

static void mtrr_def_type(void)
{
	uint64_t v = 0;

	CHECK_EQ(probe_rdmsr(MSR_MTRR_DEF_TYPE, &v), -1);
	CHECK_EQ(v & 0xff, 6);
	CHECK(v & 0x800);
	CHECK_EQ(probe_wrmsr(MSR_MTRR_DEF_TYPE, 2), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_MTRR_DEF_TYPE, v | 1 << 9), X86_GP);
	CHECK_EQ(rdmsr(MSR_MTRR_DEF_TYPE), v);
}

static void mtrr_variable(void)
{
	uint64_t base = 0, mask = 0;

	CHECK_EQ(probe_rdmsr(0x200, &base), -1);
	CHECK_EQ(probe_rdmsr(0x201, &mask), -1);
	CHECK_EQ(probe_rdmsr(0x20f, NULL), -1);
	CHECK_EQ(probe_wrmsr(0x20e, 0xd0000001), -1);
	CHECK_EQ(rdmsr(0x20e), 0xd0000001);
	CHECK_EQ(probe_wrmsr(0x20e, 0), -1);
	CHECK_EQ(probe_wrmsr(0x20e, 0xd0000002), X86_GP);
}

static void tsc_reads_and_moves(void)
{
	uint64_t a = rdmsr(MSR_TSC), b = rdtsc();

	CHECK(b > a);
	CHECK(b - a < 1000000);
}

static void tsc_adjust(void)
{
	if (!(cpuid(7, 0).ebx & 2)) {
		CHECK_EQ(probe_rdmsr(MSR_TSC_ADJUST, NULL), X86_GP);
		return;
	}
	CHECK_EQ(probe_wrmsr(MSR_TSC_ADJUST, 0), -1);
	CHECK_EQ(rdmsr(MSR_TSC_ADJUST), 0);
}

static void tsc_aux(void)
{
	bool rdtscp = cpuid(0x80000001, 0).edx & 1u << 27;
	uint32_t lo, hi, aux;

	if (!rdtscp) {
		tap_skip("no RDTSCP");
		return;
	}
	CHECK_EQ(probe_wrmsr(MSR_TSC_AUX, 0x55), -1);
	__asm__ volatile("rdtscp" : "=a"(lo), "=d"(hi), "=c"(aux));
	CHECK_EQ(aux, 0x55);
	CHECK_EQ(probe_wrmsr(MSR_TSC_AUX, 1ull << 32), X86_GP);
}

static void unknown_msrs(void)
{
	static const uint32_t none[] = { 0x5,	     0x4b0000,	 0xc0000200,
					 0xdeadbeef, 0x40000500, 0xc0010200 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++) {
		if (!CHECK_EQ(probe_rdmsr(none[i], NULL), X86_GP) ||
		    !CHECK_EQ(probe_wrmsr(none[i], 0), X86_GP))
			tap_note("MSR %x", none[i]);
	}
}

static void vmx_msrs_hidden(void)
{
	unsigned int i;

	for (i = 0x480; i <= 0x491; i++)
		if (!CHECK_EQ(probe_rdmsr(i, NULL), X86_GP))
			break;
}

static void faults_carry_zero(void)
{
	CHECK_EQ(probe_rdmsr(0xdeadbeef, NULL), X86_GP);
	CHECK_EQ(fault_last().error, 0);
	CHECK_EQ(probe_wrmsr(0xdeadbeef, 1), X86_GP);
	CHECK_EQ(fault_last().error, 0);
}

static void rdmsr_in_ring3(void *arg __unused)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(MSR_EFER));
}

static void msrs_from_ring3(void)
{
	CHECK_EQ(run_in_ring3(rdmsr_in_ring3, NULL), X86_GP);
}

static void feature_control(void)
{
	uint64_t v = 0;

	CHECK_EQ(probe_rdmsr(0x3a, &v), -1);
	CHECK_EQ(v & ~1ull & ~(1ull << 20), 0);
	CHECK_EQ(probe_wrmsr(0x3a, 5), X86_GP);
}

static void apic_base_rules(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	CHECK_EQ(probe_wrmsr(MSR_APIC_BASE, base), -1);
	CHECK_EQ(probe_wrmsr(MSR_APIC_BASE, (base & ~0x800ull) | 0x400), X86_GP);
	CHECK_EQ(probe_wrmsr(MSR_APIC_BASE, base | 1ull << 45), X86_GP);
	CHECK_EQ(rdmsr(MSR_APIC_BASE), base);
}

static void x2apic_registers_fault_in_xapic_mode(void)
{
	if (rdmsr(MSR_APIC_BASE) & 0x400) {
		tap_skip("x2APIC mode");
		return;
	}
	CHECK_EQ(probe_rdmsr(0x802, NULL), X86_GP);
	CHECK_EQ(probe_wrmsr(0x80b, 0), X86_GP);
}

static void misc_enable(void)
{
	uint64_t v = 0;

	CHECK_EQ(probe_rdmsr(MSR_MISC_ENABLE, &v), -1);
	CHECK(v & 1 << 11); /* no branch trace store */
	CHECK(v & 1 << 12); /* no PEBS */
}

static const struct test tests[] = {
	{ "CPUID: basic leaves", cpuid_basic, 0 },
	{ "CPUID: beyond the last leaf", cpuid_beyond_is_zero, 0 },
	{ "CPUID: beyond Xen's last leaf", cpuid_xen_beyond_is_zero, 0 },
	{ "CPUID: APIC id of the boot vCPU", cpuid_apic_id, 0 },
	{ "CPUID: hidden features", cpuid_hidden_features, 0 },
	{ "CPUID: features a kernel needs", cpuid_needed_features, 0 },
	{ "CPUID: OSXSAVE follows CR4", cpuid_osxsave_follows_cr4, 0 },
	{ "CPUID: the APIC bit", cpuid_apic_bit_follows_msr, 0 },
	{ "CPUID: extended state", cpuid_xstate, 0 },
	{ "CPUID: address widths", cpuid_address_width, 0 },
	{ "CPUID: from ring 3", cpuid_from_ring3, 0 },
	{ "CPUID: time leaf", cpuid_time_leaf, 0 },
	{ "MSR: EFER", efer_bits, 0 },
	{ "MSR: EFER.SVME", efer_svme, 0 },
	{ "MSR: SYSCALL registers", syscall_msrs, 0 },
	{ "MSR: SYSENTER registers", sysenter_msrs, 0 },
	{ "MSR: FS and GS bases", base_msrs, 0 },
	{ "MSR: non-canonical bases", non_canonical_bases, 0 },
	{ "MSR: non-canonical SYSENTER registers", non_canonical_sysenter, 0 },
	{ "MSR: PAT", pat, 0 },
	{ "MSR: MTRRcap", mtrr_cap, 0 },
	{ "MSR: MTRR default type", mtrr_def_type, 0 },
	{ "MSR: variable MTRRs", mtrr_variable, 0 },
	{ "MSR: TSC", tsc_reads_and_moves, 0 },
	{ "MSR: TSC_ADJUST", tsc_adjust, 0 },
	{ "MSR: TSC_AUX", tsc_aux, 0 },
	{ "MSR: numbers without a register", unknown_msrs, 0 },
	{ "MSR: VMX registers are hidden", vmx_msrs_hidden, 0 },
	{ "MSR: faults carry error code 0", faults_carry_zero, 0 },
	{ "MSR: from ring 3", msrs_from_ring3, 0 },
	{ "MSR: feature control", feature_control, 0 },
	{ "MSR: APIC base", apic_base_rules, 0 },
	{ "MSR: x2APIC registers in xAPIC mode", x2apic_registers_fault_in_xapic_mode, 0 },
	{ "MSR: MISC_ENABLE", misc_enable, 0 },
};

AREA(cpu, "cpu", tests, NULL, NULL);
