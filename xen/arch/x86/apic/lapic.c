/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The local APIC of each CPU, by memory (xAPIC) or MSRs (x2APIC); physical
 * destinations in both modes. x2APIC is used where firmware has switched it on,
 * where an APIC id needs it, or by x2apic=1: without interrupt remapping,
 * devices reach ids below 255 only.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/percpu.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/irqflags.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

bool x2apic_enabled __ro_after_init;
static u8 *apic_regs __ro_after_init;
static bool x2apic_wanted __initdata;
boolean_param("x2apic", x2apic_wanted,
	      "default off; use x2APIC mode although the firmware did not switch it on");

u32 apic_read(unsigned int reg)
{
	return x2apic_enabled ? (u32)rdmsr(MSR_X2APIC(reg)) : readl(apic_regs + reg);
}

void apic_write(unsigned int reg, u32 val)
{
	if (x2apic_enabled)
		wrmsr(MSR_X2APIC(reg), val);
	else
		writel(val, apic_regs + reg);
}

void apic_eoi(void) { apic_write(APIC_EOI, 0); }

u32 apic_id(void)
{
	u32 id = apic_read(APIC_ID);

	return x2apic_enabled ? id : id >> 24;
}

static void wait_icr_idle(void)
{
	while (readl(apic_regs + APIC_ICR) & APIC_ICR_BUSY)
		cpu_relax();
}

void apic_send_ipi(u32 dest, u32 mode)
{
	unsigned long flags;

	if (x2apic_enabled) {
		/* The write of this MSR orders nothing: what the other CPU is to see goes first. */
		__asm__ __volatile__("mfence; lfence" : : : "memory");
		wrmsr(MSR_X2APIC(APIC_ICR), (u64)dest << 32 | APIC_ICR_ASSERT | mode);
		return;
	}
	/* The two halves belong together; an interrupt handler may send as well. */
	flags = local_irq_save();
	wait_icr_idle();
	writel(dest << 24, apic_regs + APIC_ICR2);
	writel(APIC_ICR_ASSERT | mode, apic_regs + APIC_ICR);
	wait_icr_idle();
	local_irq_restore(flags);
}

void __init apic_require_x2apic(void)
{
	if (!cpu_has(X86_FEATURE_X2APIC) || x2apic_enabled)
		return;
	wrmsr(MSR_IA32_APICBASE, rdmsr(MSR_IA32_APICBASE) | APICBASE_EXTD);
	x2apic_enabled = true;
}

void __init apic_init(void)
{
	u64 base = rdmsr(MSR_IA32_APICBASE);

	if (!(base & APICBASE_ENABLE)) {
		base |= APICBASE_ENABLE;
		wrmsr(MSR_IA32_APICBASE, base);
	}
	if (cpu_has(X86_FEATURE_X2APIC) && ((base & APICBASE_EXTD) || x2apic_wanted)) {
		apic_require_x2apic();
	} else {
		apic_regs = ioremap(base & APICBASE_ADDR_MASK, PAGE_SIZE);
		if (!apic_regs)
			panic("no address space for the local APIC\n");
	}
}

/* A level or edge of nobody's: what firmware left in service is acknowledged. */
static void clear_in_service(void)
{
	for (unsigned int i = 0; i < 256; i++) {
		bool any = false;

		for (unsigned int reg = 0; reg < 8; reg++)
			any |= apic_read(APIC_ISR + 16 * reg) != 0;
		if (!any)
			return;
		apic_eoi();
	}
}

void apic_cpu_init(void)
{
	u64 base = rdmsr(MSR_IA32_APICBASE) | APICBASE_ENABLE;
	unsigned int max_lvt;

	wrmsr(MSR_IA32_APICBASE, base);
	if (x2apic_enabled) {
		wrmsr(MSR_IA32_APICBASE, base | APICBASE_EXTD);
	} else {
		/* Flat model, nobody's logical id: only physical destinations are used. */
		apic_write(APIC_DFR, 0xffffffff);
		apic_write(APIC_LDR, 0);
	}
	max_lvt = apic_read(APIC_LVR) >> 16 & 0xff;
	apic_write(APIC_SPIV, APIC_SPIV_ENABLE | VECTOR_SPURIOUS);
	apic_write(APIC_LVTT, APIC_LVT_MASKED | VECTOR_LOCAL_TIMER);
	apic_write(APIC_LVT0, APIC_LVT_MASKED);
	/* NMIs of the platform come in at the boot CPU's second pin. */
	apic_write(APIC_LVT1, (smp_processor_id() ? APIC_LVT_MASKED : 0) | APIC_DM_NMI);
	if (max_lvt >= 4)
		apic_write(APIC_LVTPC, APIC_LVT_MASKED);
	if (max_lvt >= 5)
		apic_write(APIC_LVTTHMR, APIC_LVT_MASKED);
	if (max_lvt >= 6)
		apic_write(APIC_LVTCMCI, APIC_LVT_MASKED);
	apic_write(APIC_TPR, 0);
	clear_in_service();
	apic_write(APIC_ESR, 0);
	apic_write(APIC_ESR, 0);
	apic_write(APIC_LVTERR, VECTOR_APIC_ERROR);
}
