/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSRs that guests see, in one table sorted by number: a row without a reader or
 * a writer raises #GP for that access, and so does a number without a row.
 * Most frequent are the x2APIC's, which are looked at first.
 */
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#define MSR_XEN_HYPERCALL_PAGE 0x40000000

struct msr_row {
	u32 first, last;
	int (*read)(struct vcpu *v, u32 msr, u64 *val); /* 0, -EINVAL: #GP */
	int (*write)(struct vcpu *v, u32 msr, u64 val);
	const char *name;
};

/* ---- TSC ---- */

/* As the CPU does it: SDM, "TSC scaling" among the VM-execution controls. */
u64 hvm_scale_tsc(const struct domain *d, u64 tsc)
{
	u64 ratio = d->arch.hvm.tsc_ratio;

	return ratio ? (u64)((unsigned __int128)tsc * ratio >> 48) : tsc;
}

u64 hvm_guest_tsc(struct vcpu *v) { return hvm_scale_tsc(v->domain, rdtsc()) + v->arch.hvm.tsc_offset; }

void hvm_set_guest_tsc(struct vcpu *v, u64 tsc)
{
	v->arch.hvm.tsc_offset = tsc - hvm_scale_tsc(v->domain, rdtsc());
	hvm->update_tsc(v);
}

int hvm_set_tsc_mode(struct domain *d, unsigned int mode, u32 khz)
{
	struct hvm_domain *h = &d->arch.hvm;
	u64 now = rdtsc(), before = hvm_scale_tsc(d, now);
	struct vcpu *v;

	if (!khz || mode == TSC_MODE_NEVER)
		khz = (u32)tsc_khz;
	if (mode > TSC_MODE_NEVER || khz / 256 > tsc_khz || khz < tsc_khz / 256)
		return -EINVAL;
	h->tsc_mode = mode;
	h->tsc_khz = khz == tsc_khz ? 0 : khz;
	h->tsc_ratio = h->tsc_khz ? muldiv64(khz, 1ULL << 48, tsc_khz) : 0;
	for_each_vcpu(d, v) {
		v->arch.hvm.tsc_offset += before - hvm_scale_tsc(d, now);
		hvm->update_tsc(v);
		vcpu_update_time_info(v);
	}
	return 0;
}

static int rd_tsc(struct vcpu *v, u32 msr, u64 *val)
{
	*val = hvm_guest_tsc(v);
	return 0;
}

/* SDM, "IA32_TSC_ADJUST Register Support": a write to one moves the other. */
static int wr_tsc(struct vcpu *v, u32 msr, u64 val)
{
	v->arch.hvm.msr_tsc_adjust += val - hvm_guest_tsc(v);
	hvm_set_guest_tsc(v, val);
	vcpu_update_time_info(v);
	return 0;
}

static int rd_tsc_adjust(struct vcpu *v, u32 msr, u64 *val)
{
	*val = v->arch.hvm.msr_tsc_adjust;
	return 0;
}

static int wr_tsc_adjust(struct vcpu *v, u32 msr, u64 val)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	h->tsc_offset += val - h->msr_tsc_adjust;
	h->msr_tsc_adjust = val;
	hvm->update_tsc(v);
	vcpu_update_time_info(v);
	return 0;
}

/* ---- simple ones ---- */

static int rd_zero(struct vcpu *v, u32 msr, u64 *val)
{
	*val = 0;
	return 0;
}

static int wr_ignore(struct vcpu *v, u32 msr, u64 val) { return 0; }

static int wr_zero(struct vcpu *v, u32 msr, u64 val) { return val ? -EINVAL : 0; }

/* Locked, with VMX off. */
static int rd_feature_control(struct vcpu *v, u32 msr, u64 *val)
{
	*val = FEATURE_CONTROL_LOCK;
	return 0;
}

static int rd_ucode_rev(struct vcpu *v, u32 msr, u64 *val)
{
	return rdmsr_safe(MSR_IA32_UCODE_REV, val) ? -EINVAL : 0;
}

static int rd_platform_info(struct vcpu *v, u32 msr, u64 *val)
{
	*val = cpu_policy_platform_info(v->domain);
	return 0;
}

static int rd_arch_caps(struct vcpu *v, u32 msr, u64 *val)
{
	if (!cpu_policy_has(v->domain, XEN_X86_FEATURE_ARCH_CAPS))
		return -EINVAL;
	*val = cpu_policy_arch_caps(v->domain);
	return 0;
}

static int rd_misc_enable(struct vcpu *v, u32 msr, u64 *val)
{
	*val = v->arch.hvm.msr_misc_enable;
	return 0;
}

/* Only the bits that change nothing here. */
static int wr_misc_enable(struct vcpu *v, u32 msr, u64 val)
{
	u64 ours = MISC_ENABLE_FAST_STRING;

	if ((val ^ v->arch.hvm.msr_misc_enable) & ~ours)
		return -EINVAL;
	v->arch.hvm.msr_misc_enable = val;
	return 0;
}

static int rd_tsc_aux(struct vcpu *v, u32 msr, u64 *val)
{
	if (!cpu_policy_has(v->domain, XEN_X86_FEATURE_RDTSCP))
		return -EINVAL;
	*val = v->arch.hvm.msr_tsc_aux;
	return 0;
}

static int wr_tsc_aux(struct vcpu *v, u32 msr, u64 val)
{
	if (!cpu_policy_has(v->domain, XEN_X86_FEATURE_RDTSCP) || val >> 32)
		return -EINVAL;
	v->arch.hvm.msr_tsc_aux = val;
	wrmsr(MSR_TSC_AUX, val); /* v is current, and nothing of the hypervisor uses it */
	return 0;
}

static int rd_efer(struct vcpu *v, u32 msr, u64 *val)
{
	*val = v->arch.hvm.efer;
	return 0;
}

static int wr_efer(struct vcpu *v, u32 msr, u64 val) { return hvm_set_efer(v, val); }

static int wr_pat(struct vcpu *v, u32 msr, u64 val)
{
	int rc = hvm_mtrr_wrmsr(v, msr, val);

	if (!rc)
		hvm->update_pat(v);
	return rc;
}

/* ---- the hypercall page: public/arch-x86/cpuid.h, leaf 3 ---- */

static void fill_hypercall_page(u8 *page)
{
	static const u8 stub[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x01, 0xc1, 0xc3 }; /* mov $nr, %eax; vmcall; ret */
	unsigned int nr;

	memset(page, 0xcc, PAGE_SIZE);
	for (nr = 0; nr < PAGE_SIZE / 32; nr++) {
		u8 *p = page + nr * 32;

		if (nr == __HYPERVISOR_iret) { /* PV only */
			p[0] = 0x0f;
			p[1] = 0x0b;
			continue;
		}
		memcpy(p, stub, sizeof(stub));
		p[1] = (u8)nr;
	}
}

/* Also XEN_DOMCTL_hypercall_init. 0, -ENOMEM, or -EINVAL: no memory of d that it may write is there. */
int hvm_write_hypercall_page(struct domain *d, gpa_t gpa)
{
	u8 *page = alloc_xenheap_page();
	int rc;

	if (!page)
		return -ENOMEM;
	fill_hypercall_page(page);
	rc = copy_to_guest_gpa(d, gpa, page, PAGE_SIZE);
	free_xenheap_page(page);
	return rc;
}

static int wr_hypercall_page(struct vcpu *v, u32 msr, u64 val)
{
	if (val & ~PAGE_MASK) /* there is only page 0 */
		return -EINVAL;
	if (!hvm_write_hypercall_page(v->domain, val))
		return 0;
	gprintk(XENLOG_G_WARNING "hypercall page at %#lx: no memory there\n", (unsigned long)val);
	return -EINVAL;
}

/* ---- others' ---- */

static int rd_vendor(struct vcpu *v, u32 msr, u64 *val) { return hvm->rdmsr(v, msr, val); }
static int wr_vendor(struct vcpu *v, u32 msr, u64 val) { return hvm->wrmsr(v, msr, val); }

static const struct msr_row msr_rows[] = {
	{ MSR_IA32_P5_MC_ADDR, MSR_IA32_P5_MC_TYPE, rd_zero, NULL, "P5_MC" },
	{ MSR_IA32_TSC, MSR_IA32_TSC, rd_tsc, wr_tsc, "TSC" },
	{ MSR_IA32_PLATFORM_ID, MSR_IA32_PLATFORM_ID, rd_zero, NULL, "PLATFORM_ID" },
	{ MSR_IA32_APICBASE, MSR_IA32_APICBASE, vlapic_rdmsr, vlapic_wrmsr, "APIC_BASE" },
	{ MSR_IA32_FEATURE_CONTROL, MSR_IA32_FEATURE_CONTROL, rd_feature_control, NULL, "FEATURE_CONTROL" },
	{ MSR_IA32_TSC_ADJUST, MSR_IA32_TSC_ADJUST, rd_tsc_adjust, wr_tsc_adjust, "TSC_ADJUST" },
	{ MSR_IA32_UCODE_WRITE, MSR_IA32_UCODE_WRITE, NULL, wr_ignore, "BIOS_UPDT_TRIG" },
	{ MSR_IA32_UCODE_REV, MSR_IA32_UCODE_REV, rd_ucode_rev, wr_ignore, "BIOS_SIGN_ID" },
	{ MSR_PLATFORM_INFO, MSR_PLATFORM_INFO, rd_platform_info, NULL, "PLATFORM_INFO" },
	{ MSR_IA32_MTRRCAP, MSR_IA32_MTRRCAP, hvm_mtrr_rdmsr, hvm_mtrr_wrmsr, "MTRRCAP" },
	{ MSR_IA32_ARCH_CAPABILITIES, MSR_IA32_ARCH_CAPABILITIES, rd_arch_caps, NULL, "ARCH_CAPABILITIES" },
	{ MSR_IA32_SYSENTER_CS, MSR_IA32_SYSENTER_EIP, rd_vendor, wr_vendor, "SYSENTER" },
	{ MSR_IA32_MCG_CAP, MSR_IA32_MCG_CAP, rd_zero, NULL, "MCG_CAP" }, /* no banks */
	{ MSR_IA32_MCG_STATUS, MSR_IA32_MCG_STATUS, rd_zero, wr_zero, "MCG_STATUS" },
	{ MSR_IA32_PERF_STATUS, MSR_IA32_PERF_CTL, rd_zero, wr_ignore, "PERF" },
	{ MSR_IA32_MISC_ENABLE, MSR_IA32_MISC_ENABLE, rd_misc_enable, wr_misc_enable, "MISC_ENABLE" },
	{ MSR_IA32_DEBUGCTL, MSR_IA32_DEBUGCTL, rd_zero, wr_zero, "DEBUGCTL" },
	{ MSR_IA32_LASTBRANCHFROMIP, MSR_IA32_LASTINTTOIP, rd_zero, NULL, "last branch" },
	{ 0x200, 0x26f, hvm_mtrr_rdmsr, hvm_mtrr_wrmsr, "MTRR" },
	{ MSR_IA32_PAT, MSR_IA32_PAT, hvm_mtrr_rdmsr, wr_pat, "PAT" },
	{ MSR_IA32_MTRR_DEF_TYPE, MSR_IA32_MTRR_DEF_TYPE, hvm_mtrr_rdmsr, hvm_mtrr_wrmsr, "MTRR_DEF_TYPE" },
	{ MSR_IA32_TSC_DEADLINE, MSR_IA32_TSC_DEADLINE, vlapic_rdmsr, vlapic_wrmsr, "TSC_DEADLINE" },
	{ MSR_XEN_HYPERCALL_PAGE, MSR_XEN_HYPERCALL_PAGE, rd_zero, wr_hypercall_page, "Xen hypercall page" },
	{ MSR_EFER, MSR_EFER, rd_efer, wr_efer, "EFER" },
	{ MSR_STAR, MSR_SYSCALL_MASK, rd_vendor, wr_vendor, "SYSCALL" },
	{ MSR_FS_BASE, MSR_KERNEL_GS_BASE, rd_vendor, wr_vendor, "segment bases" },
	{ MSR_TSC_AUX, MSR_TSC_AUX, rd_tsc_aux, wr_tsc_aux, "TSC_AUX" },
};

static const struct msr_row *find_row(u32 msr)
{
	unsigned int lo = 0, hi = ARRAY_SIZE(msr_rows);

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (msr > msr_rows[mid].last)
			lo = mid + 1;
		else if (msr < msr_rows[mid].first)
			hi = mid;
		else
			return &msr_rows[mid];
	}
	return NULL;
}

/* Each number is told once: guests probe a lot. */
static noinline void note_unknown(u32 msr, bool write, u64 val)
{
	static u32 seen[64];
	u32 key = msr << 1 | write;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seen); i++) {
		if (READ_ONCE(seen[i]) == key)
			return;
		if (!READ_ONCE(seen[i]) && cmpxchg(&seen[i], 0U, key) == 0)
			break;
	}
	if (i == ARRAY_SIZE(seen)) /* somebody tries numbers at random */
		return;
	if (write)
		gprintk(XENLOG_G_DEBUG "WRMSR %#x of %#lx: #GP\n", msr, (unsigned long)val);
	else
		gprintk(XENLOG_G_DEBUG "RDMSR %#x: #GP\n", msr);
}

int hvm_rdmsr(struct vcpu *v, u32 msr, u64 *val)
{
	const struct msr_row *row;
	int rc = -EINVAL;

	if (msr - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST)
		return vlapic_rdmsr(v, msr, val);
	row = find_row(msr);
	if (row && row->read)
		rc = row->read(v, msr, val);
	if (rc)
		note_unknown(msr, false, 0);
	return rc ? -EINVAL : 0;
}

int hvm_wrmsr(struct vcpu *v, u32 msr, u64 val)
{
	const struct msr_row *row;
	int rc = -EINVAL;

	if (msr - MSR_X2APIC_FIRST <= MSR_X2APIC_LAST - MSR_X2APIC_FIRST)
		return vlapic_wrmsr(v, msr, val);
	row = find_row(msr);
	if (row && row->write)
		rc = row->write(v, msr, val);
	if (rc)
		note_unknown(msr, true, val);
	return rc ? -EINVAL : 0;
}
