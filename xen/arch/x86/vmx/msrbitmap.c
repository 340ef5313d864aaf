/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which MSRs a guest reaches without an exit. One bitmap serves all domains, and a second
 * one the vCPUs whose x2APIC the CPU virtualises.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/msr-index.h>
#include <asm/vmx.h>

#define MSR_R 1U
#define MSR_W 2U

/*
 * Only MSRs whose value is the guest's alone while it is loaded: held in the
 * VMCS, or switched with the vCPU (vmx.c); the CPU itself refuses bad values.
 */
static const struct msr_pass {
	u32 msr;
	u8 rights;
} msr_pass[] __initconst = {
	{ MSR_FS_BASE, MSR_R | MSR_W },
	{ MSR_GS_BASE, MSR_R | MSR_W },
	{ MSR_KERNEL_GS_BASE, MSR_R | MSR_W },
	{ MSR_IA32_SYSENTER_CS, MSR_R | MSR_W },
	{ MSR_IA32_SYSENTER_ESP, MSR_R | MSR_W },
	{ MSR_IA32_SYSENTER_EIP, MSR_R | MSR_W },
	{ MSR_STAR, MSR_R | MSR_W },
	{ MSR_LSTAR, MSR_R | MSR_W },
	{ MSR_CSTAR, MSR_R | MSR_W },
	{ MSR_SYSCALL_MASK, MSR_R | MSR_W },
};

/*
 * Registers of the x2APIC that the CPU answers from the page, or carries out: SDM, "Virtualizing MSR-Based APIC
 * Accesses". It would answer for registers that do not exist as well. The timer's current count is not in the
 * page, nor is the upper half of the ICR where it would be looked for.
 */
#define X2APIC_READ                                                                                    \
	(BIT(0x02) | BIT(0x03) | BIT(0x08) | BIT(0x0a) | BIT(0x0d) | BIT(0x0f) | 0xffffffULL << 0x10 | \
	 BIT(0x28) | 0x3fULL << 0x32 | BIT(0x38) | BIT(0x3e))
#define X2APIC_WRITTEN (BIT(0x08) | BIT(0x0b)) /* TPR, EOI */

static u8 *bitmap[2] __ro_after_init; /* set: exit. Reads low/high, then writes low/high, 1 KiB each */

maddr_t vmx_msr_bitmap(bool x2apic) { return virt_to_maddr(bitmap[x2apic]); }

int __init vmx_msr_bitmap_init(void)
{
	unsigned int i;

	bitmap[0] = alloc_xenheap_page();
	bitmap[1] = alloc_xenheap_page();
	if (!bitmap[0] || !bitmap[1])
		return -ENOMEM;
	memset(bitmap[0], 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(msr_pass); i++) {
		u32 msr = msr_pass[i].msr;
		u8 *part = bitmap[0] + (msr >= 0xc0000000 ? 1024 : 0);

		if (msr_pass[i].rights & MSR_R)
			__clear_bit(msr & 0x1fff, part);
		if (msr_pass[i].rights & MSR_W)
			__clear_bit(msr & 0x1fff, part + 2048);
	}
	memcpy(bitmap[1], bitmap[0], PAGE_SIZE);
	*(u64 *)(bitmap[1] + MSR_X2APIC_FIRST / 8) &= ~X2APIC_READ;
	*(u64 *)(bitmap[1] + 2048 + MSR_X2APIC_FIRST / 8) &= ~(u64)X2APIC_WRITTEN;
	return 0;
}
