/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs whose value is the guest's alone while it is loaded: held in the VMCS, or
 * in the CPU and switched with the vCPU. A guest reaches them without an exit; the
 * CPU itself refuses bad values.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <asm/vmx.h>

static const struct vmx_msr {
	u32 msr;
	u16 field; /* in the VMCS, or */
	u16 saved; /* offset in struct hvm_vcpu of its value while v is not loaded */
	bool canonical;
	u64 valid; /* bits that may be set, unless it is an address */
} vmx_msrs[] = {
	{ MSR_FS_BASE, GUEST_FS_BASE, 0, true, 0 },
	{ MSR_GS_BASE, GUEST_GS_BASE, 0, true, 0 },
	{ MSR_IA32_SYSENTER_CS, GUEST_SYSENTER_CS, 0, false, 0xffffffff },
	{ MSR_IA32_SYSENTER_ESP, GUEST_SYSENTER_ESP, 0, true, 0 },
	{ MSR_IA32_SYSENTER_EIP, GUEST_SYSENTER_EIP, 0, true, 0 },
	{ MSR_KERNEL_GS_BASE, 0, offsetof(struct hvm_vcpu, msr_kernel_gs), true, 0 },
	{ MSR_STAR, 0, offsetof(struct hvm_vcpu, msr_star), false, ~0ULL },
	{ MSR_LSTAR, 0, offsetof(struct hvm_vcpu, msr_lstar), true, 0 },
	{ MSR_CSTAR, 0, offsetof(struct hvm_vcpu, msr_cstar), true, 0 },
	{ MSR_SYSCALL_MASK, 0, offsetof(struct hvm_vcpu, msr_sfmask), false, 0xffffffff },
};

static const struct vmx_msr *find_msr(u32 msr)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vmx_msrs); i++)
		if (vmx_msrs[i].msr == msr)
			return &vmx_msrs[i];
	return NULL;
}

static bool is_loaded_here(const struct vcpu *v) { return v->arch.hvm.loaded_cpu == smp_processor_id(); }

int vmx_rdmsr(struct vcpu *v, u32 msr, u64 *val)
{
	const struct vmx_msr *m = find_msr(msr);
	struct vmx_access a;

	if (!m)
		return -ENOENT;
	a = vmx_access_begin(v);
	if (m->field)
		*val = vmread(m->field);
	else
		*val = is_loaded_here(v) ? rdmsr(msr) : *(u64 *)((char *)&v->arch.hvm + m->saved);
	vmx_access_end(a);
	return 0;
}

int vmx_wrmsr(struct vcpu *v, u32 msr, u64 val)
{
	const struct vmx_msr *m = find_msr(msr);
	struct vmx_access a;

	if (!m)
		return -ENOENT;
	if (m->canonical ? (u64)((s64)(val << 16) >> 16) != val : (val & ~m->valid) != 0)
		return -EINVAL;
	a = vmx_access_begin(v);
	if (m->field) {
		vmwrite(m->field, val);
	} else {
		*(u64 *)((char *)&v->arch.hvm + m->saved) = val;
		if (is_loaded_here(v))
			wrmsr(msr, val);
	}
	vmx_access_end(a);
	return 0;
}

/*
 * Registers of the x2APIC that the CPU answers from the page, or carries out: SDM, "Virtualizing MSR-Based APIC
 * Accesses". It would answer for registers that do not exist as well. The timer's current count is not in the
 * page, nor is the upper half of the ICR where it would be looked for.
 */
#define X2APIC_READ                                                                                    \
	(BIT(0x02) | BIT(0x03) | BIT(0x08) | BIT(0x0a) | BIT(0x0d) | BIT(0x0f) | 0xffffffULL << 0x10 | \
	 BIT(0x28) | 0x3fULL << 0x32 | BIT(0x38) | BIT(0x3e))
#define X2APIC_WRITTEN (BIT(0x08) | BIT(0x0b)) /* TPR, EOI */

/* One for all domains, and one for vCPUs whose x2APIC the CPU virtualises. */
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
	for (i = 0; i < ARRAY_SIZE(vmx_msrs); i++) {
		u32 msr = vmx_msrs[i].msr;
		u8 *part = bitmap[0] + (msr >= 0xc0000000 ? 1024 : 0);

		__clear_bit(msr & 0x1fff, part);
		__clear_bit(msr & 0x1fff, part + 2048);
	}
	memcpy(bitmap[1], bitmap[0], PAGE_SIZE);
	*(u64 *)(bitmap[1] + MSR_X2APIC_FIRST / 8) &= ~X2APIC_READ;
	*(u64 *)(bitmap[1] + 2048 + MSR_X2APIC_FIRST / 8) &= ~(u64)X2APIC_WRITTEN;
	return 0;
}
