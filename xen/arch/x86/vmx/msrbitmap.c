/* SPDX-License-Identifier: GPL-2.0-only */
/* Which MSRs a guest reaches without an exit. One bitmap serves all domains. */
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
	{ MSR_IA32_TSC, MSR_R }, /* with the TSC offset added */
};

static u8 *bitmap __ro_after_init; /* set: exit. Reads low/high, then writes low/high, 1 KiB each */

maddr_t vmx_msr_bitmap(void) { return virt_to_maddr(bitmap); }

int __init vmx_msr_bitmap_init(void)
{
	unsigned int i;

	bitmap = alloc_xenheap_page();
	if (!bitmap)
		return -ENOMEM;
	memset(bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(msr_pass); i++) {
		u32 msr = msr_pass[i].msr;
		u8 *part = bitmap + (msr >= 0xc0000000 ? 1024 : 0);

		if (msr_pass[i].rights & MSR_R)
			__clear_bit(msr & 0x1fff, part);
		if (msr_pass[i].rights & MSR_W)
			__clear_bit(msr & 0x1fff, part + 2048);
	}
	return 0;
}
