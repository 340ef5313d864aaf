/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Control registers and EFER: what a guest may write, by SDM "Control Registers"
 * and "Extended Feature Enable Register". Each setter checks everything first,
 * then changes v->arch.hvm and tells the vendor code. 0, or -EINVAL: #GP.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

#define CR0_DEFINED                                                                                 \
	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | \
	 X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | X86_CR0_PG)

bool hvm_long_mode(const struct vcpu *v) { return v->arch.hvm.efer & EFER_LMA; }
unsigned int hvm_guest_x86_mode(struct vcpu *v) { return hvm->get_mode(v); }
unsigned int hvm_get_cpl(struct vcpu *v) { return hvm->get_cpl(v); }

/* VM entry in IA-32e mode wants a busy 32/64-bit TSS in TR, where the CPU itself would take a 16-bit one. */
static void fix_task_register(struct vcpu *v)
{
	struct hvm_segment tr;

	hvm->get_segment(v, HVM_SEG_TR, &tr);
	if ((tr.attr & HVM_SEG_TYPE) == 0xb)
		return;
	tr.attr = (u16)((tr.attr & ~HVM_SEG_TYPE) | 0xb);
	hvm->set_segment(v, HVM_SEG_TR, &tr);
}

static int enable_paging(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	struct hvm_segment cs;

	if (!(h->efer & EFER_LME))
		return 0;
	hvm->get_segment(v, HVM_SEG_CS, &cs);
	if (!(h->cr4 & X86_CR4_PAE) || (cs.attr & HVM_SEG_L))
		return -EINVAL;
	fix_task_register(v);
	h->efer |= EFER_LMA;
	return 0;
}

static int disable_paging(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	if ((h->cr4 & X86_CR4_PCIDE) || hvm_guest_x86_mode(v) == 8)
		return -EINVAL;
	h->efer &= ~EFER_LMA;
	return 0;
}

int hvm_set_cr0(struct vcpu *v, u64 val)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	u64 old = h->cr0, old_efer = h->efer;
	int rc = 0;

	if (val >> 32)
		return -EINVAL;
	val = (val & CR0_DEFINED) | X86_CR0_ET;
	if ((val & (X86_CR0_PG | X86_CR0_PE)) == X86_CR0_PG || (val & (X86_CR0_NW | X86_CR0_CD)) == X86_CR0_NW)
		return -EINVAL;
	if ((val & ~old) & X86_CR0_PG)
		rc = enable_paging(v);
	else if ((old & ~val) & X86_CR0_PG)
		rc = disable_paging(v);
	if (rc)
		return rc;
	h->cr0 = val;
	if (h->efer != old_efer)
		hvm->update_cr(v, 5);
	hvm->update_cr(v, 0);
	return 0;
}

int hvm_set_cr3(struct vcpu *v, u64 val)
{
	if (hvm_long_mode(v)) {
		val &= ~BIT(63);
		if (val >> cpu_policy_phys_bits(v->domain))
			return -EINVAL;
	}
	v->arch.hvm.cr3 = val;
	hvm->update_cr(v, 3);
	return 0;
}

int hvm_set_cr4(struct vcpu *v, u64 val)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	u64 on = val & ~h->cr4;

	if (val & ~cpu_policy_cr4_mask(v->domain))
		return -EINVAL;
	if (hvm_long_mode(v) && (!(val & X86_CR4_PAE) || ((val ^ h->cr4) & X86_CR4_LA57)))
		return -EINVAL;
	if ((on & X86_CR4_PCIDE) && (!hvm_long_mode(v) || (hvm->get_cr3(v) & 0xfff)))
		return -EINVAL;
	h->cr4 = val;
	hvm->update_cr(v, 4);
	return 0;
}

int hvm_set_efer(struct vcpu *v, u64 val)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	if (val & ~(cpu_policy_efer_mask(v->domain) | EFER_LMA))
		return -EINVAL;
	if (((val ^ h->efer) & EFER_LME) && (h->cr0 & X86_CR0_PG))
		return -EINVAL;
	h->efer = (val & ~EFER_LMA) | (h->efer & EFER_LMA);
	hvm->update_cr(v, 5);
	return 0;
}

/* SDM, "Extended Control Registers (Including XCR0)". */
int hvm_set_xcr0(struct vcpu *v, u64 val)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	if ((val & ~cpu_policy_xcr0_mask(v->domain)) || !(val & X86_XCR0_X87) ||
	    ((val & X86_XCR0_YMM) && !(val & X86_XCR0_SSE)) ||
	    ((val & X86_XCR0_AVX512) && ((val & X86_XCR0_AVX512) != X86_XCR0_AVX512 || !(val & X86_XCR0_YMM))))
		return -EINVAL;
	h->xcr0 = val;
	h->xcr0_accum |= val;
	if (v == current && v->arch.hvm.loaded_cpu == smp_processor_id())
		xsetbv(0, val);
	return 0;
}
