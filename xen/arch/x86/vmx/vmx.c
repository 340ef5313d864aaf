/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The vendor table of VT-x (struct hvm_ops): entering a guest, switching vCPUs,
 * and carrying guest state between hvm-types.h and the VMCS.
 */
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/cpu-policy.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/p2m-use.h>
#include <asm/processor.h>
#include <asm/vmx.h>

_Static_assert(offsetof(struct guest_regs, rcx) == 8 && offsetof(struct guest_regs, rbx) == 24 &&
		       offsetof(struct guest_regs, rbp) == 40 && offsetof(struct guest_regs, rdi) == 56 &&
		       offsetof(struct guest_regs, r8) == 64 && offsetof(struct guest_regs, r15) == 120,
	       "entry.S knows these offsets");

/* Ticks of the preemption timer in 1 ms. */
static u64 if0_timer_value __ro_after_init;

static int vmx_cpu_up(void)
{
	if (!if0_timer_value)
		if0_timer_value = max_t(u64, tsc_khz >> vmx_caps.preempt_shift, 1);
	return vmx_cpu_on();
}

static int vmx_domain_init(struct domain *d)
{
	/* A tree at this address may have existed before: no CPU may use what it remembers of it. */
	d->arch.hvm.flush_pending = ~0ULL;
	return 0;
}

static void vmx_domain_destroy(struct domain *d) {}

static int vmx_vcpu_init(struct vcpu *v)
{
	int rc;

	v->arch.hvm.vmx = xzalloc(struct vmx_vcpu);
	if (!v->arch.hvm.vmx)
		return -ENOMEM;
	rc = vmx_vmcs_create(v);
	if (rc) {
		xfree(v->arch.hvm.vmx);
		v->arch.hvm.vmx = NULL;
	}
	return rc;
}

static void vmx_vcpu_destroy(struct vcpu *v)
{
	if (!v->arch.hvm.vmx)
		return;
	vmx_vmcs_destroy(v);
	xfree(v->arch.hvm.vmx);
	v->arch.hvm.vmx = NULL;
}

/* ---- switching ---- */

void vmx_load_debug_regs(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	if (h->dr_dirty)
		return;
	write_dr0(h->dr[0]);
	write_dr1(h->dr[1]);
	write_dr2(h->dr[2]);
	write_dr3(h->dr[3]);
	write_dr6(h->dr6);
	h->dr_dirty = true;
	vmx_update_proc(v, 0, PROC_MOV_DR_EXITING);
}

static void save_debug_regs(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	if (!h->dr_dirty)
		return;
	h->dr[0] = read_dr0();
	h->dr[1] = read_dr1();
	h->dr[2] = read_dr2();
	h->dr[3] = read_dr3();
	h->dr6 = read_dr6();
	h->dr_dirty = false;
	vmx_update_proc(v, PROC_MOV_DR_EXITING, 0);
}

/* The hypervisor uses none of these registers, so they stay the guest's until another one runs. */
static void vmx_switch_from(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	h->cr2 = read_cr2();
	h->msr_star = rdmsr(MSR_STAR);
	h->msr_lstar = rdmsr(MSR_LSTAR);
	h->msr_cstar = rdmsr(MSR_CSTAR);
	h->msr_sfmask = rdmsr(MSR_SYSCALL_MASK);
	h->msr_kernel_gs = rdmsr(MSR_KERNEL_GS_BASE);
	save_debug_regs(v);
	vmx_vmcs_clear(v);
}

static void vmx_switch_to(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	p2m_mark_cpu(v->domain, smp_processor_id());
	vmx_vmcs_load(v);
	vmx_update_io_bitmap(v);
	vmwrite(GUEST_PAT, h->msr_pat);
	write_cr2(h->cr2);
	wrmsr(MSR_STAR, h->msr_star);
	wrmsr(MSR_LSTAR, h->msr_lstar);
	wrmsr(MSR_CSTAR, h->msr_cstar);
	wrmsr(MSR_SYSCALL_MASK, h->msr_sfmask);
	wrmsr(MSR_KERNEL_GS_BASE, h->msr_kernel_gs);
	if (hvm_has_rdtscp())
		wrmsr(MSR_TSC_AUX, h->msr_tsc_aux);
	if (vmread(GUEST_DR7) & 0xff)
		vmx_load_debug_regs(v);
}

/* ---- running ---- */

/*
 * Bounds the time until the next exit while the guest has interrupts off. On hardware an interrupt
 * ends guest mode all the same; emulators exist that hold it back until the guest sets IF.
 */
static void arm_if0_timer(struct vmx_vcpu *x, bool interrupts_off)
{
	if (interrupts_off) {
		vmwrite(GUEST_PREEMPTION_TIMER, if0_timer_value);
		if (!(x->pin & PIN_PREEMPTION_TIMER))
			vmwrite(PIN_BASED_CONTROL, x->pin |= PIN_PREEMPTION_TIMER);
	} else if (x->pin & PIN_PREEMPTION_TIMER) {
		vmwrite(PIN_BASED_CONTROL, x->pin &= ~PIN_PREEMPTION_TIMER);
	}
}

static void flush_vpid(struct vmx_vcpu *x)
{
	x->vpid_flush = false;
	if (x->sec & SEC_VPID)
		(void)invvpid(vmx_caps.invvpid_single ? INVVPID_SINGLE : INVVPID_ALL, x->vpid);
}

static void vmx_run(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	struct guest_regs *r = &v->arch.regs;
	unsigned long fail;
	u32 reason;

	if (unlikely(x->vpid_flush))
		flush_vpid(x);
	/* Nearly every exit moves RIP, few touch the others. */
	vmwrite(GUEST_RIP, r->rip);
	if (unlikely(r->rsp != x->rsp))
		vmwrite(GUEST_RSP, r->rsp);
	if (unlikely(r->rflags != x->rflags))
		vmwrite(GUEST_RFLAGS, r->rflags);
	if (unlikely(v->arch.hvm.blocking != x->blocking))
		vmwrite(GUEST_INTERRUPTIBILITY, v->arch.hvm.blocking);
	if (unlikely((r->rflags & X86_EFLAGS_IF) == 0 || (x->pin & PIN_PREEMPTION_TIMER)) && opt_if0_timer)
		arm_if0_timer(x, !(r->rflags & X86_EFLAGS_IF));

	p2m_use_begin(v->domain);
	fail = vmx_enter(r, x->launched);
	p2m_use_end();

	if (unlikely(fail)) {
		vmx_entry_failed(v, 0, fail);
		return;
	}
	x->launched = true;
	r->rip = vmread(GUEST_RIP);
	r->rsp = x->rsp = vmread(GUEST_RSP);
	r->rflags = x->rflags = vmread(GUEST_RFLAGS);
	v->arch.hvm.blocking = x->blocking = (u32)vmread(GUEST_INTERRUPTIBILITY);
	reason = (u32)vmread(VM_EXIT_REASON);
	vmx_handle_exit(v, reason);
}

/* ---- state ---- */

static void vmx_get_segment(struct vcpu *v, enum hvm_seg seg, struct hvm_segment *out)
{
	struct vmx_access a = vmx_access_begin(v);
	u32 ar;

	out->base = vmread(GUEST_ES_BASE + 2U * seg);
	out->limit = (u32)vmread(GUEST_ES_LIMIT + 2U * seg);
	if (seg >= HVM_SEG_GDTR) {
		out->sel = 0;
		out->attr = 0;
	} else {
		out->sel = (u16)vmread(GUEST_ES_SELECTOR + 2U * seg);
		ar = (u32)vmread(GUEST_ES_AR + 2U * seg);
		out->attr = (u16)((ar & 0xff) | (ar >> 4 & 0xf00) | (ar & BIT(16) ? HVM_SEG_UNUSABLE : 0));
	}
	vmx_access_end(a);
}

static void vmx_set_segment(struct vcpu *v, enum hvm_seg seg, const struct hvm_segment *in)
{
	struct vmx_access a = vmx_access_begin(v);
	u32 ar = (in->attr & 0xffU) | (in->attr & 0xf00U) << 4;

	vmwrite(GUEST_ES_BASE + 2U * seg, in->base);
	vmwrite(GUEST_ES_LIMIT + 2U * seg, in->limit);
	if (seg < HVM_SEG_GDTR) {
		if ((in->attr & HVM_SEG_UNUSABLE) || !(in->attr & HVM_SEG_P))
			ar |= BIT(16);
		vmwrite(GUEST_ES_SELECTOR + 2U * seg, in->sel);
		vmwrite(GUEST_ES_AR + 2U * seg, ar);
	}
	vmx_access_end(a);
}

/*
 * PAE paging takes its four top entries from the VMCS: the CPU reloads them when the guest
 * writes CR3, but a write to CR0 or CR4 that the hypervisor carries out must do it here.
 */
static void load_pdptes(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	u64 pdpte[4] = { 0 };
	unsigned int i;

	if (!(h->cr0 & X86_CR0_PG) || !(h->cr4 & X86_CR4_PAE) || (h->efer & EFER_LMA))
		return;
	if (copy_from_guest_gpa(v->domain, pdpte, vmread(GUEST_CR3) & 0xffffffe0, sizeof(pdpte)))
		memset(pdpte, 0, sizeof(pdpte));
	for (i = 0; i < 4; i++) {
		/* VM entry refuses reserved bits: such an entry maps nothing. */
		if (pdpte[i] & ((~0ULL << cpu_policy_phys_bits(v->domain)) | 0x1e6))
			pdpte[i] = 0;
		vmwrite(GUEST_PDPTE0 + 2 * i, pdpte[i]);
	}
}

static void update_efer(struct vcpu *v)
{
	u64 efer = v->arch.hvm.efer;
	u64 entry = vmread(VM_ENTRY_CONTROLS);

	vmwrite(VM_ENTRY_CONTROLS, efer & EFER_LMA ? entry | ENTRY_IA32E_GUEST : entry & ~ENTRY_IA32E_GUEST);
	vmwrite(GUEST_EFER, efer);
}

static void vmx_update_cr(struct vcpu *v, unsigned int cr)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	struct vmx_access a = vmx_access_begin(v);

	switch (cr) {
	case 0:
		/* Caching is the EPT's business. PE and PG are free: unrestricted guest. */
		vmwrite(GUEST_CR0, (h->cr0 & ~(u64)(X86_CR0_CD | X86_CR0_NW)) | X86_CR0_ET |
					   (vmx_caps.cr0_fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG)));
		vmwrite(CR0_READ_SHADOW, h->cr0);
		load_pdptes(v);
		break;
	case 3:
		vmwrite(GUEST_CR3, h->cr3);
		load_pdptes(v);
		break;
	case 4:
		vmwrite(GUEST_CR4, h->cr4 | vmx_caps.cr4_fixed0);
		vmwrite(CR4_READ_SHADOW, h->cr4);
		load_pdptes(v);
		break;
	default:
		update_efer(v);
		break;
	}
	h->vmx->vpid_flush = true;
	vmx_access_end(a);
}

/* A field of a vCPU that is nearly always current; the other way is out of line. */
static noinline u64 read_field_elsewhere(struct vcpu *v, unsigned long field)
{
	struct vmx_access a = vmx_access_begin(v);
	u64 val = vmread(field);

	vmx_access_end(a);
	return val;
}

static always_inline u64 read_field(struct vcpu *v, unsigned long field)
{
	if (likely(v == current && v == this_cpu(vmx_current)))
		return vmread(field);
	return read_field_elsewhere(v, field);
}

static u64 vmx_get_cr3(struct vcpu *v) { return read_field(v, GUEST_CR3); }

static unsigned int vmx_get_cpl(struct vcpu *v) { return read_field(v, GUEST_SS_AR) >> 5 & 3; }

static unsigned int vmx_get_mode(struct vcpu *v)
{
	u64 ar = read_field(v, GUEST_CS_AR);

	if ((ar & BIT(13)) && (v->arch.hvm.efer & EFER_LMA))
		return 8;
	return ar & BIT(14) ? 4 : 2;
}

/* The VMCS is current. Without scaling by the CPU a rate of its own costs the guest an exit for each look. */
void vmx_write_tsc(struct vcpu *v)
{
	const struct hvm_domain *h = &v->domain->arch.hvm;
	bool scaling = vmx_caps.sec & SEC_TSC_SCALING;
	bool emulate = h->tsc_mode == TSC_MODE_EMULATE || (h->tsc_ratio && !scaling);

	vmwrite(TSC_OFFSET, v->arch.hvm.tsc_offset);
	if (scaling)
		vmwrite(TSC_MULTIPLIER, h->tsc_ratio ? h->tsc_ratio : 1ULL << 48);
	vmx_update_proc(v, emulate ? PROC_RDTSC_EXITING : 0, emulate ? 0 : PROC_RDTSC_EXITING);
}

static void vmx_update_tsc(struct vcpu *v)
{
	struct vmx_access a = vmx_access_begin(v);

	vmx_write_tsc(v);
	vmx_access_end(a);
}

static void vmx_update_pat(struct vcpu *v) { vmwrite(GUEST_PAT, v->arch.hvm.msr_pat); }

static void vmx_update_dr7(struct vcpu *v, u64 dr7)
{
	struct vmx_access a = vmx_access_begin(v);

	vmwrite(GUEST_DR7, dr7);
	/* Breakpoints count only while their addresses are in the CPU; a switch to v loads them as well. */
	if ((dr7 & 0xff) && v == current)
		vmx_load_debug_regs(v);
	vmx_access_end(a);
}

static u64 vmx_get_dr7(struct vcpu *v)
{
	struct vmx_access a = vmx_access_begin(v);
	u64 dr7 = vmread(GUEST_DR7);

	vmx_access_end(a);
	return dr7;
}

static void vmx_flush_guest_tlb(struct vcpu *v) { v->arch.hvm.vmx->vpid_flush = true; }

static void vmx_policy_changed(struct vcpu *v)
{
	struct vmx_access a = vmx_access_begin(v);

	vmx_update_io_bitmap(v);
	vmx_access_end(a);
}

/* ---- events; v is current ---- */

static void vmx_inject(struct vcpu *v, const struct hvm_event *e)
{
	u32 info = INTR_INFO_VALID | (u32)e->type << INTR_INFO_TYPE_SHIFT | e->vector;

	/* Real mode pushes no error codes (SDM, "Checks on VM-Entry Control Fields"). */
	if (e->has_error && (v->arch.hvm.cr0 & X86_CR0_PE)) {
		info |= INTR_INFO_HAS_ERROR;
		vmwrite(VM_ENTRY_EXCEPTION_ERROR, e->error);
	}
	if (e->type >= HVM_EVENT_SW_INT)
		vmwrite(VM_ENTRY_INSN_LEN, e->insn_len);
	vmwrite(VM_ENTRY_INTR_INFO, info);
}

static void vmx_set_windows(struct vcpu *v, bool irq, bool nmi)
{
	v->arch.hvm.vmx->windows_wanted = irq || nmi;
	vmx_update_proc(v, (irq ? PROC_INTR_WINDOW : 0) | (nmi ? PROC_NMI_WINDOW : 0),
			(irq ? 0 : PROC_INTR_WINDOW) | (nmi ? 0 : PROC_NMI_WINDOW));
}

static void vmx_sync_apic(struct vcpu *v, u8 irr, u8 isr, const u64 level[4], bool x2apic)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	u32 sec = x2apic ? x->sec | SEC_VIRT_X2APIC : x->sec & ~SEC_VIRT_X2APIC;
	unsigned int i;

	if (sec != x->sec) {
		vmwrite(SECONDARY_CONTROL, x->sec = sec);
		vmwrite(MSR_BITMAP, vmx_msr_bitmap(x2apic));
	}
	for (i = 0; i < 4; i++)
		if (x->eoi_exits[i] != level[i])
			vmwrite(EOI_EXIT_BITMAP0 + 2 * i, x->eoi_exits[i] = level[i]);
	vmwrite(GUEST_INTR_STATUS, (u16)isr << 8 | irr);
}

bool hvm_has_rdtscp(void) { return vmx_caps.sec & SEC_RDTSCP; }
bool hvm_has_invpcid(void) { return vmx_caps.sec & SEC_INVPCID; }
bool hvm_has_apicv(void) { return vmx_caps.has_apicv; }
bool hvm_has_posted_interrupts(void) { return vmx_caps.pin & PIN_POSTED; }

const struct hvm_ops vmx_ops = {
	.name = "VT-x",
	.cpu_up = vmx_cpu_up,
	.cpu_down = vmx_cpu_off,
	.domain_init = vmx_domain_init,
	.domain_destroy = vmx_domain_destroy,
	.vcpu_init = vmx_vcpu_init,
	.vcpu_destroy = vmx_vcpu_destroy,
	.switch_from = vmx_switch_from,
	.switch_to = vmx_switch_to,
	.run = vmx_run,
	.get_segment = vmx_get_segment,
	.set_segment = vmx_set_segment,
	.update_cr = vmx_update_cr,
	.get_cr3 = vmx_get_cr3,
	.get_cpl = vmx_get_cpl,
	.get_mode = vmx_get_mode,
	.update_tsc = vmx_update_tsc,
	.update_pat = vmx_update_pat,
	.update_dr7 = vmx_update_dr7,
	.get_dr7 = vmx_get_dr7,
	.rdmsr = vmx_rdmsr,
	.wrmsr = vmx_wrmsr,
	.flush_guest_tlb = vmx_flush_guest_tlb,
	.policy_changed = vmx_policy_changed,
	.dump = vmx_dump,
	.exit_name = vmx_exit_name,
	.inject = vmx_inject,
	.set_windows = vmx_set_windows,
	.sync_apic = vmx_sync_apic,
};

const struct hvm_ops *hvm __ro_after_init;

/* 0, or -ENODEV having said what is missing. */
int __init hvm_init(void)
{
	int rc = vmx_discover();

	if (!rc)
		rc = vmx_msr_bitmap_init();
	if (rc)
		return rc;
	hvm = &vmx_ops;
	p2m_set_capabilities(vmx_caps.ept_vpid & BIT(16), vmx_caps.ept_vpid & BIT(17), vmx_exec_superpages());
	vmx_flush_init();
	vmx_diag_init();
	return hvm_cpu_up();
}

int hvm_cpu_up(void)
{
	int rc = hvm_xsave_cpu_init();

	return rc ? rc : hvm->cpu_up();
}
