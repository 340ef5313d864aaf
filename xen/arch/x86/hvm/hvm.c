/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Life of the virtual platform: domains and vCPUs come and go, vCPUs start (PVH
 * entry, INIT, start-up IPI, VCPUOP_initialise), and instructions are skipped.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <public/hvm/hvm_vcpu.h>
#include <public/hvm/params.h>
#include <public/sched.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/processor.h>
#include "platform.h"

/* ---- domains ---- */

/* 0 or -errno; on error everything done here is undone. */
int hvm_domain_init(struct domain *d)
{
	int rc;

	spin_lock_init(&d->arch.hvm.lock, RANK_HVM);
	INIT_LIST_HEAD(&d->arch.hvm.io_handlers);
	d->arch.hvm.params[HVM_PARAM_TRIPLE_FAULT_REASON] = SHUTDOWN_reboot;
	rc = cpu_policy_init(d);
	if (rc)
		return rc;
	rc = hvm_io_init(d);
	if (!rc && !is_hardware_domain(d))
		rc = debugport_init(d);
	if (!rc)
		rc = hvm->domain_init(d);
	if (rc)
		hvm_domain_destroy(d);
	return rc;
}

int hvm_domain_relinquish(struct domain *d)
{
	hvm_io_relinquish(d);
	return 0;
}

void hvm_domain_destroy(struct domain *d)
{
	hvm->domain_destroy(d);
	debugport_destroy(d);
	hvm_io_destroy(d);
	cpu_policy_destroy(d);
}

/* ---- vCPUs ---- */

int hvm_vcpu_init(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	int rc;

	h->loaded_cpu = NR_CPUS;
	h->msr_pat = 0x0007040600070406ULL; /* SDM, "Page Attribute Table": after reset */
	h->msr_misc_enable =
		MISC_ENABLE_FAST_STRING | MISC_ENABLE_BTS_UNAVAILABLE | MISC_ENABLE_PEBS_UNAVAILABLE;
	if (v->vcpu_id && v->domain->vcpu[0])
		h->tsc_offset = v->domain->vcpu[0]->arch.hvm.tsc_offset;
	rc = hvm_fpu_init(v);
	if (!rc)
		rc = vlapic_init(v);
	if (!rc)
		rc = hvm->vcpu_init(v);
	if (rc) {
		hvm_vcpu_destroy(v);
		return rc;
	}
	hvm_mtrr_init(v);
	hvm_vcpu_reset(v);
	return 0;
}

void hvm_vcpu_destroy(struct vcpu *v)
{
	hvm->vcpu_destroy(v);
	vlapic_destroy(v);
	hvm_fpu_destroy(v);
}

/* ---- starting ---- */

static void set_seg(struct vcpu *v, enum hvm_seg seg, u16 sel, u64 base, u32 limit, u16 attr)
{
	struct hvm_segment s = { .sel = sel, .base = base, .limit = limit, .attr = attr };

	hvm->set_segment(v, seg, &s);
}

#define ATTR_CODE64 (HVM_SEG_G | HVM_SEG_L | HVM_SEG_P | HVM_SEG_S | 0xb)
#define ATTR_CODE32 (HVM_SEG_G | HVM_SEG_D | HVM_SEG_P | HVM_SEG_S | 0xb)
#define ATTR_DATA32 (HVM_SEG_G | HVM_SEG_D | HVM_SEG_P | HVM_SEG_S | 0x3)
#define ATTR_CODE16 (HVM_SEG_P | HVM_SEG_S | 0xb)
#define ATTR_DATA16 (HVM_SEG_P | HVM_SEG_S | 0x3)
#define ATTR_LDT    (HVM_SEG_P | 0x2)
#define ATTR_TSS    (HVM_SEG_P | 0xb)

/* Code and data segments as given, flat ones with base 0; tables empty. */
static void set_segments(struct vcpu *v, u16 code, u16 data, u32 limit)
{
	static const enum hvm_seg all[] = { HVM_SEG_DS, HVM_SEG_ES, HVM_SEG_SS, HVM_SEG_FS, HVM_SEG_GS };
	unsigned int i;

	set_seg(v, HVM_SEG_CS, 0, 0, limit, code);
	for (i = 0; i < ARRAY_SIZE(all); i++)
		set_seg(v, all[i], 0, 0, limit, data);
	set_seg(v, HVM_SEG_LDTR, 0, 0, 0xffff, ATTR_LDT);
	set_seg(v, HVM_SEG_TR, 0, 0, limit == 0xffff ? 0xffff : 0x67, ATTR_TSS);
	set_seg(v, HVM_SEG_GDTR, 0, 0, limit == 0xffff ? 0xffff : 0, 0);
	set_seg(v, HVM_SEG_IDTR, 0, 0, limit == 0xffff ? 0xffff : 0, 0);
}

/* All control registers at once, checked by the caller. */
static void set_crs(struct vcpu *v, u64 cr0, u64 cr3, u64 cr4, u64 efer)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	h->cr0 = cr0 | X86_CR0_ET;
	h->cr3 = cr3;
	h->cr4 = cr4;
	h->efer = efer;
	hvm->update_cr(v, 5);
	hvm->update_cr(v, 3);
	hvm->update_cr(v, 0);
	hvm->update_cr(v, 4);
}

static void reset_debug_regs(struct hvm_vcpu *h)
{
	memset(h->dr, 0, sizeof(h->dr));
	h->dr6 = X86_DR6_DEFAULT;
	if (!h->dr_dirty)
		return;
	write_dr0(0);
	write_dr1(0);
	write_dr2(0);
	write_dr3(0);
	write_dr6(X86_DR6_DEFAULT);
}

/* SDM, "IA-32 and Intel 64 Processor States Following Power-up, Reset, or INIT". v does not run, or is current. */
void hvm_vcpu_reset(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	if (v != current)
		sync_vcpu_state(v); /* or what is left of it in a CPU would be saved over this */
	memset(&v->arch.regs, 0, sizeof(v->arch.regs));
	v->arch.regs.rip = 0xfff0;
	v->arch.regs.rflags = X86_EFLAGS_MBS;
	v->arch.regs.rdx = cpu_policy_signature(v->domain);
	h->event.pending = false;
	h->nmi_pending = false;
	h->blocking = 0;
	reset_debug_regs(h);
	set_crs(v, X86_CR0_CD | X86_CR0_NW, 0, 0, 0);
	set_segments(v, ATTR_CODE16, ATTR_DATA16, 0xffff);
	set_seg(v, HVM_SEG_CS, 0xf000, 0xffff0000, 0xffff, ATTR_CODE16);
	hvm->update_dr7(v, X86_DR7_DEFAULT);
}

/* public/arch-x86/hvm/start_info.h: 32-bit flat, no paging, %ebx holds the start info. */
void hvm_set_pvh_start(struct vcpu *v, u32 entry, u32 start_info_gpa)
{
	hvm_vcpu_reset(v);
	v->arch.regs.rdx = 0;
	v->arch.regs.rbx = start_info_gpa;
	v->arch.regs.rip = entry;
	set_segments(v, ATTR_CODE32, ATTR_DATA32, ~0U);
	set_crs(v, X86_CR0_PE, 0, 0, 0);
}

void hvm_vcpu_sipi(struct vcpu *v, u8 vector)
{
	v->arch.regs.rip = 0;
	set_seg(v, HVM_SEG_CS, (u16)(vector << 8), (u64)vector << 12, 0xffff, ATTR_CODE16);
}

/* ---- VCPUOP_initialise: public/hvm/hvm_vcpu.h ---- */

static int check_crs(const struct domain *d, u64 cr0, u64 cr3, u64 cr4, u64 efer, bool long_mode)
{
	if (cr0 >> 32 || (cr4 & ~cpu_policy_cr4_mask(d)) || (efer & ~(cpu_policy_efer_mask(d) | EFER_LMA)))
		return -EINVAL;
	if ((cr0 & X86_CR0_PG) && !(cr0 & X86_CR0_PE))
		return -EINVAL;
	if (cr3 >> cpu_policy_phys_bits(d))
		return -EINVAL;
	if (long_mode && (!(cr0 & X86_CR0_PG) || !(cr4 & X86_CR4_PAE) ||
			  (efer & (EFER_LME | EFER_LMA)) != (EFER_LME | EFER_LMA)))
		return -EINVAL;
	return 0;
}

static int set_context64(struct vcpu *v, const struct vcpu_hvm_x86_64 *c)
{
	struct guest_regs *r = &v->arch.regs;

	if (check_crs(v->domain, c->cr0, c->cr3, c->cr4, c->efer, true) || (c->rflags & X86_EFLAGS_VM))
		return -EINVAL;
	hvm_vcpu_reset(v);
	r->rax = c->rax;
	r->rcx = c->rcx;
	r->rdx = c->rdx;
	r->rbx = c->rbx;
	r->rsp = c->rsp;
	r->rbp = c->rbp;
	r->rsi = c->rsi;
	r->rdi = c->rdi;
	r->rip = c->rip;
	r->rflags = (c->rflags & 0x3f7fd7) | X86_EFLAGS_MBS;
	set_segments(v, ATTR_CODE64, ATTR_DATA32, ~0U);
	set_crs(v, c->cr0, c->cr3, c->cr4, c->efer);
	return 0;
}

/* A segment that VM entry will accept: present, of the right kind, limit and granularity agree. */
static bool segment_ok(u16 attr, u32 limit, bool code)
{
	if ((attr & 0xf000) || !(attr & HVM_SEG_P) || !(attr & HVM_SEG_S) || !!(attr & 8) != code)
		return false;
	if ((attr >> HVM_SEG_DPL_SHIFT & 3) || (attr & HVM_SEG_L))
		return false;
	return attr & HVM_SEG_G ? (limit & 0xfff) == 0xfff : !(limit >> 20);
}

static int set_context32(struct vcpu *v, const struct vcpu_hvm_x86_32 *c)
{
	struct guest_regs *r = &v->arch.regs;
	u64 efer = c->efer;

	if (check_crs(v->domain, c->cr0, c->cr3, c->cr4, efer, efer & (EFER_LME | EFER_LMA)) ||
	    (c->eflags & X86_EFLAGS_VM) || !segment_ok(c->cs_ar, c->cs_limit, true) ||
	    !segment_ok(c->ds_ar, c->ds_limit, false) || !segment_ok(c->ss_ar, c->ss_limit, false) ||
	    !segment_ok(c->es_ar, c->es_limit, false) || (c->tr_ar & ~0x8fU & 0x0fff) ||
	    !(c->tr_ar & HVM_SEG_P) || (c->tr_limit >> 20))
		return -EINVAL;
	hvm_vcpu_reset(v);
	r->rax = c->eax;
	r->rcx = c->ecx;
	r->rdx = c->edx;
	r->rbx = c->ebx;
	r->rsp = c->esp;
	r->rbp = c->ebp;
	r->rsi = c->esi;
	r->rdi = c->edi;
	r->rip = c->eip;
	r->rflags = (c->eflags & 0x3f7fd7) | X86_EFLAGS_MBS;
	set_segments(v, ATTR_CODE32, ATTR_DATA32, ~0U);
	set_seg(v, HVM_SEG_CS, 0, c->cs_base, c->cs_limit, c->cs_ar | 1);
	set_seg(v, HVM_SEG_DS, 0, c->ds_base, c->ds_limit, c->ds_ar | 1);
	set_seg(v, HVM_SEG_SS, 0, c->ss_base, c->ss_limit, c->ss_ar | 1);
	set_seg(v, HVM_SEG_ES, 0, c->es_base, c->es_limit, c->es_ar | 1);
	set_seg(v, HVM_SEG_TR, 0, c->tr_base, c->tr_limit, ATTR_TSS);
	set_crs(v, c->cr0, c->cr3, c->cr4, efer);
	return 0;
}

/* v is down and does not run. 0, or -EINVAL for a state that cannot be entered. */
int hvm_vcpu_set_context(struct vcpu *v, const struct vcpu_hvm_context *ctx)
{
	switch (ctx->mode) {
	case VCPU_HVM_MODE_32B:
		return set_context32(v, &ctx->cpu_regs.x86_32);
	case VCPU_HVM_MODE_64B:
		return set_context64(v, &ctx->cpu_regs.x86_64);
	default:
		return -EINVAL;
	}
}

/* ---- instructions ---- */

/* What is rare: the instruction pointer crosses 4 GiB, the guest single-steps, RF was set. */
static noinline void skip_carefully(struct vcpu *v, u64 rip)
{
	struct guest_regs *r = &v->arch.regs;
	struct hvm_vcpu *h = &v->arch.hvm;

	/* Outside 64-bit mode the instruction pointer wraps. */
	r->rip = hvm_guest_x86_mode(v) == 8 ? rip : (u32)rip;
	r->rflags &= ~(u64)X86_EFLAGS_RF;
	if (!(r->rflags & X86_EFLAGS_TF))
		return;
	h->dr6 |= BIT(14);
	if (h->dr_dirty)
		write_dr6(read_dr6() | BIT(14));
	hvm_inject_exception(v, X86_EXC_DB, -1);
}

/* The current vCPU's instruction of this length has been carried out. */
void hvm_skip_instruction(struct vcpu *v, unsigned int len)
{
	struct guest_regs *r = &v->arch.regs;
	u64 rip = r->rip + len;

	v->arch.hvm.blocking &= ~3U;
	if (likely(!((rip ^ r->rip) >> 32) && !(r->rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF))))
		r->rip = rip;
	else
		skip_carefully(v, rip);
}
