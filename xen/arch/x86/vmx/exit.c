/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM exits: one table, one row per basic exit reason (SDM, appendix "VMX Basic
 * Exit Reasons"), and the handlers.
 *
 * Interrupts are off when an exit arrives; rows without EXIT_IRQS_OFF get them
 * on before their handler runs, the others turn them on themselves. Rows with
 * EXIT_EVENT can interrupt the delivery of an event, which is queued again first.
 */
#include <xen/hypercall.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <public/sched.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/processor.h>
#include <asm/vmx.h>

#define EXIT_IRQS_OFF 1U
#define EXIT_EVENT    2U

struct exit_row {
	void (*fn)(struct vcpu *v);
	u8 flags;
	const char *name;
};

static unsigned int insn_len(void) { return (unsigned int)vmread(VM_EXIT_INSN_LEN); }

/* ---- events ---- */

/* SDM, "Information for VM Exits During Event Delivery": deliver again what the exit interrupted. */
static void requeue_event(struct vcpu *v, u32 info)
{
	struct hvm_event *e = &v->arch.hvm.event;

	e->pending = true;
	e->type = (info & INTR_INFO_TYPE) >> INTR_INFO_TYPE_SHIFT;
	e->vector = (u8)info;
	e->has_error = info & INTR_INFO_HAS_ERROR;
	e->error = e->has_error ? (u32)vmread(IDT_VECTORING_ERROR) : 0;
	e->insn_len = e->type >= HVM_EVENT_SW_INT ? (u8)insn_len() : 0;
	e->cr2 = read_cr2();
	/* The first attempt blocked NMIs; the second one would be refused. */
	if (e->type == HVM_EVENT_NMI)
		v->arch.hvm.blocking &= ~(u32)BLOCKING_NMI;
}

/* SDM, "Resuming Guest Software after Handling an Exception": an IRET that faulted had unblocked NMIs. */
static void restore_nmi_blocking(struct vcpu *v, bool unblocked)
{
	if (unblocked && !v->arch.hvm.event.pending)
		v->arch.hvm.blocking |= BLOCKING_NMI;
}

static void exit_exception_db(struct vcpu *v, u32 info)
{
	u64 qual = vmread(EXIT_QUALIFICATION);

	/* The exit left DR6 and DR7.GD as they were before the exception. */
	vmx_load_debug_regs(v);
	write_dr6((read_dr6() & ~0xfUL) | (qual & 0xe00f) | X86_DR6_DEFAULT);
	vmwrite(GUEST_DR7, vmread(GUEST_DR7) & ~BIT(13));
	hvm_inject_exception(v, X86_EXC_DB, -1);
	/* INT1 raises it as an instruction: the guest goes on behind it. */
	if ((info & INTR_INFO_TYPE) >> INTR_INFO_TYPE_SHIFT == HVM_EVENT_PRIV_SW_EXCEPTION) {
		v->arch.hvm.event.type = HVM_EVENT_PRIV_SW_EXCEPTION;
		v->arch.hvm.event.insn_len = (u8)insn_len();
	}
}

static void exit_exception_nmi(struct vcpu *v)
{
	u32 info = (u32)vmread(VM_EXIT_INTR_INFO), idt = (u32)vmread(IDT_VECTORING_INFO);
	u8 vector = info & INTR_INFO_VECTOR;

	/* An NMI or machine check is the machine's: let the hypervisor's own handlers see it. */
	if ((info & INTR_INFO_TYPE) >> INTR_INFO_TYPE_SHIFT == HVM_EVENT_NMI)
		__asm__ __volatile__("int $2");
	else if (vector == X86_EXC_MC)
		__asm__ __volatile__("int $18");
	local_irq_enable();
	if (idt & INTR_INFO_VALID)
		requeue_event(v, idt);
	if ((info & INTR_INFO_TYPE) >> INTR_INFO_TYPE_SHIFT == HVM_EVENT_NMI || vector == X86_EXC_MC)
		return;
	restore_nmi_blocking(v, info & INTR_INFO_NMI_UNBLOCKED);
	if (vector == X86_EXC_DB)
		exit_exception_db(v, info);
	else if (vector == X86_EXC_AC)
		hvm_inject_exception(v, X86_EXC_AC, (s64)vmread(VM_EXIT_INTR_ERROR));
	else
		domain_crash(v->domain, "exit for exception %u, which is not intercepted", vector);
}

static void exit_external_interrupt(struct vcpu *v)
{
	do_irq((u8)vmread(VM_EXIT_INTR_INFO));
	local_irq_enable();
}

static void exit_triple_fault(struct vcpu *v)
{
	if (is_hardware_domain(v->domain))
		vmx_dump(v);
	hvm_triple_fault(v);
}

/* SDM, "EOI Virtualization": a level-triggered vector whose end the IO-APIC waits for. */
static void exit_virtual_eoi(struct vcpu *v) { vioapic_eoi(v->domain, (u8)vmread(EXIT_QUALIFICATION)); }

static void exit_window(struct vcpu *v)
{
	/* hvm_intr_assist() finds out what is due, and opens what it needs again. */
	hvm->set_windows(v, false, false);
}

/* Only a request to look at something. */
static void exit_nothing(struct vcpu *v) {}

/* INIT, SMI and SIPI signals do not reach guests of this hypervisor. */
static void exit_unexpected(struct vcpu *v)
{
	domain_crash(v->domain, "unexpected VM exit %lu, qualification %#lx",
		     (unsigned long)vmread(VM_EXIT_REASON), (unsigned long)vmread(EXIT_QUALIFICATION));
}

/* ---- instructions ---- */

static void exit_cpuid(struct vcpu *v)
{
	struct guest_regs *r = &v->arch.regs;
	u32 out[4];

	hvm_cpuid(v, (u32)r->rax, (u32)r->rcx, out);
	r->rax = out[0];
	r->rbx = out[1];
	r->rcx = out[2];
	r->rdx = out[3];
	hvm_skip_instruction(v, 2);
}

/* Only of guests whose TSC the CPU cannot show them. */
static void exit_rdtsc(struct vcpu *v)
{
	u64 tsc = hvm_guest_tsc(v);

	v->arch.regs.rax = (u32)tsc;
	v->arch.regs.rdx = tsc >> 32;
	hvm_skip_instruction(v, insn_len());
}

static void exit_rdtscp(struct vcpu *v)
{
	v->arch.regs.rcx = (u32)v->arch.hvm.msr_tsc_aux;
	exit_rdtsc(v);
}

static void exit_rdmsr(struct vcpu *v)
{
	struct guest_regs *r = &v->arch.regs;
	u64 val;

	if (hvm_rdmsr(v, (u32)r->rcx, &val)) {
		hvm_inject_exception(v, X86_EXC_GP, 0);
		return;
	}
	r->rax = (u32)val;
	r->rdx = val >> 32;
	hvm_skip_instruction(v, 2);
}

static void exit_wrmsr(struct vcpu *v)
{
	struct guest_regs *r = &v->arch.regs;

	if (hvm_wrmsr(v, (u32)r->rcx, r->rdx << 32 | (u32)r->rax))
		hvm_inject_exception(v, X86_EXC_GP, 0);
	else
		hvm_skip_instruction(v, 2);
}

/* A guest that halts with interrupts off never comes back: that vCPU is down, the last one ends the domain. */
static void halt_for_ever(struct vcpu *v)
{
	struct domain *d = v->domain;
	struct vcpu *o;

	set_bit(VPF_down, &v->pause_flags);
	vcpu_sleep_nosync(v);
	for_each_vcpu(d, o)
		if (!test_bit(VPF_down, &o->pause_flags))
			return;
	domain_shutdown(d, SHUTDOWN_poweroff);
}

static void exit_hlt(struct vcpu *v)
{
	hvm_skip_instruction(v, 1);
	if (v->arch.hvm.nmi_pending || v->arch.hvm.event.pending)
		return;
	if (!(v->arch.regs.rflags & X86_EFLAGS_IF))
		halt_for_ever(v);
	else if (!hvm_interrupt_pending(v))
		vcpu_block_current();
}

static void exit_inject_ud(struct vcpu *v) { hvm_inject_exception(v, X86_EXC_UD, -1); }

static void exit_inject_gp(struct vcpu *v) { hvm_inject_exception(v, X86_EXC_GP, 0); }

/* INVD would throw away other domains' data: write back as well. */
static void exit_wbinvd(struct vcpu *v)
{
	if (v->domain->is_privileged)
		wbinvd();
	hvm_skip_instruction(v, insn_len());
}

static void exit_xsetbv(struct vcpu *v)
{
	struct guest_regs *r = &v->arch.regs;

	if ((u32)r->rcx != 0 || hvm_set_xcr0(v, r->rdx << 32 | (u32)r->rax))
		hvm_inject_exception(v, X86_EXC_GP, 0);
	else
		hvm_skip_instruction(v, 3);
}

static void exit_pause(struct vcpu *v)
{
	hvm_skip_instruction(v, insn_len());
	vcpu_yield_current();
}

static void exit_task_switch(struct vcpu *v)
{
	domain_crash(v->domain, "hardware task switch to selector %#lx: not virtualised",
		     (unsigned long)vmread(EXIT_QUALIFICATION) & 0xffff);
}

/* ---- control and debug registers: SDM, "Exit Qualification for Control-Register Accesses" ---- */

static void write_gpr(struct vcpu *v, unsigned int n, u64 val)
{
	v->arch.regs.gpr[n] = hvm_guest_x86_mode(v) == 8 ? val : (u32)val;
}

static u64 read_gpr(struct vcpu *v, unsigned int n)
{
	return hvm_guest_x86_mode(v) == 8 ? v->arch.regs.gpr[n] : (u32)v->arch.regs.gpr[n];
}

static int mov_to_cr(struct vcpu *v, unsigned int cr, u64 val)
{
	switch (cr) {
	case 0:
		return hvm_set_cr0(v, val);
	case 3:
		return hvm_set_cr3(v, val);
	case 4:
		return hvm_set_cr4(v, val);
	case 8:
		if (val & ~0xfUL)
			return -EINVAL;
		vlapic_set_tpr(v, (u8)(val << 4));
		return 0;
	}
	return -EINVAL;
}

static u64 mov_from_cr(struct vcpu *v, unsigned int cr)
{
	switch (cr) {
	case 0:
		return v->arch.hvm.cr0;
	case 3:
		return hvm->get_cr3(v);
	case 4:
		return v->arch.hvm.cr4;
	default:
		return vlapic_get_tpr(v) >> 4;
	}
}

static void exit_cr_access(struct vcpu *v)
{
	u64 qual = vmread(EXIT_QUALIFICATION);
	unsigned int cr = qual & 15, gpr = qual >> 8 & 15;
	u64 cr0 = v->arch.hvm.cr0;
	int rc = 0;

	switch (qual >> 4 & 3) {
	case 0:
		rc = mov_to_cr(v, cr, read_gpr(v, gpr));
		break;
	case 1:
		write_gpr(v, gpr, mov_from_cr(v, cr));
		break;
	case 2: /* CLTS */
		rc = hvm_set_cr0(v, cr0 & ~(u64)X86_CR0_TS);
		break;
	default: /* LMSW sets PE, never clears it */
		rc = hvm_set_cr0(v, (cr0 & ~0xeUL) | (qual >> 16 & 0xf));
		break;
	}
	if (rc)
		hvm_inject_exception(v, X86_EXC_GP, 0);
	else
		hvm_skip_instruction(v, insn_len());
}

/* The first access since v was loaded: from now on they are the CPU's, and go without an exit. */
static void exit_dr_access(struct vcpu *v)
{
	local_irq_disable();
	vmx_load_debug_regs(v);
	local_irq_enable();
}

/* ---- ports: SDM, "Exit Qualification for I/O Instructions" ---- */

static void exit_io(struct vcpu *v)
{
	u64 qual = vmread(EXIT_QUALIFICATION);
	bool string = qual & BIT(4);
	unsigned int addr_size = 0;
	enum hvm_seg seg = HVM_SEG_DS;

	if (string) {
		/* Address size and segment of the operand: SDM, "VM-Exit Instruction Information" for INS, OUTS. */
		u64 info = 0;

		(void)vmread_safe(VM_EXIT_INSN_INFO, &info);
		addr_size = 2U << (info >> 7 & 3);
		seg = qual & BIT(3) ? HVM_SEG_ES : (enum hvm_seg)(info >> 15 & 7);
	}
	hvm_handle_portio_exit(v, (u16)(qual >> 16), (unsigned int)(qual & 7) + 1, !(qual & BIT(3)), string,
			       qual & BIT(5), insn_len(), addr_size, seg);
}

/* ---- memory: SDM, "Exit Qualification for EPT Violations" ---- */

static void exit_ept_violation(struct vcpu *v)
{
	u64 qual = vmread(EXIT_QUALIFICATION);
	gpa_t gpa = vmread(GUEST_PHYSICAL_ADDRESS);
	bool gla_valid = qual & BIT(7);

	restore_nmi_blocking(v, qual & BIT(12));
	switch (p2m_handle_fault(v->domain, gpa_to_gfn(gpa), qual & BIT(1), qual & BIT(2))) {
	case P2M_FAULT_FIXED:
		return;
	case P2M_FAULT_DENIED:
		hvm_inject_exception(v, X86_EXC_GP, 0);
		return;
	case P2M_FAULT_NO_MEMORY:
		domain_crash(v->domain, "no memory to populate gpa %#lx on demand", (unsigned long)gpa);
		return;
	case P2M_FAULT_EMULATE:
	case P2M_FAULT_DM:
		break;
	}
	/* The CPU itself was delivering an event: there is no instruction that could be carried out instead. */
	if (unlikely(v->arch.hvm.event.pending)) {
		domain_crash(v->domain, "event delivery through gpa %#lx, which is not memory",
			     (unsigned long)gpa);
		return;
	}
	/* Nor for an access to a page table; emulation finds out, walking it again. */
	hvm_emulate_mmio(v, gpa, gla_valid && (qual & BIT(8)), gla_valid ? vmread(GUEST_LINEAR_ADDRESS) : 0);
}

static void exit_ept_misconfiguration(struct vcpu *v)
{
	gpa_t gpa = vmread(GUEST_PHYSICAL_ADDRESS);

	printk(XENLOG_ERR "%pv: EPT entry of gpa %#lx is malformed\n", v, (unsigned long)gpa);
	p2m_dump(v->domain);
	domain_crash(v->domain, "EPT misconfiguration");
}

/* ---- the table ---- */

static const struct exit_row exit_rows[] = {
	[0] = { exit_exception_nmi, EXIT_IRQS_OFF, "exception or NMI" },
	[1] = { exit_external_interrupt, EXIT_IRQS_OFF, "external interrupt" },
	[2] = { exit_triple_fault, 0, "triple fault" },
	[3] = { exit_unexpected, 0, "INIT" },
	[4] = { exit_unexpected, 0, "start-up IPI" },
	[5] = { exit_unexpected, 0, "I/O SMI" },
	[6] = { exit_unexpected, 0, "other SMI" },
	[7] = { exit_window, 0, "interrupt window" },
	[8] = { exit_window, 0, "NMI window" },
	[9] = { exit_task_switch, EXIT_EVENT, "task switch" },
	[10] = { exit_cpuid, 0, "CPUID" },
	[11] = { exit_inject_ud, 0, "GETSEC" },
	[12] = { exit_hlt, 0, "HLT" },
	[13] = { exit_wbinvd, 0, "INVD" },
	[14] = { exit_unexpected, 0, "INVLPG" },
	[15] = { exit_inject_gp, 0, "RDPMC" },
	[16] = { exit_rdtsc, 0, "RDTSC" },
	[17] = { exit_inject_ud, 0, "RSM" },
	[18] = { hypercall_dispatch, 0, "VMCALL" },
	[19] = { exit_inject_ud, 0, "VMCLEAR" },
	[20] = { exit_inject_ud, 0, "VMLAUNCH" },
	[21] = { exit_inject_ud, 0, "VMPTRLD" },
	[22] = { exit_inject_ud, 0, "VMPTRST" },
	[23] = { exit_inject_ud, 0, "VMREAD" },
	[24] = { exit_inject_ud, 0, "VMRESUME" },
	[25] = { exit_inject_ud, 0, "VMWRITE" },
	[26] = { exit_inject_ud, 0, "VMXOFF" },
	[27] = { exit_inject_ud, 0, "VMXON" },
	[28] = { exit_cr_access, 0, "CR access" },
	[29] = { exit_dr_access, 0, "DR access" },
	[30] = { exit_io, 0, "I/O port" },
	[31] = { exit_rdmsr, 0, "RDMSR" },
	[32] = { exit_wrmsr, 0, "WRMSR" },
	[33 ... 35] = { exit_unexpected, 0, "reserved or entry failure" },
	[36] = { exit_inject_ud, 0, "MWAIT" },
	[37] = { exit_unexpected, 0, "monitor trap" },
	[38] = { exit_unexpected, 0, "reserved" },
	[39] = { exit_inject_ud, 0, "MONITOR" },
	[40] = { exit_pause, 0, "PAUSE" },
	[41 ... 42] = { exit_unexpected, 0, "reserved or entry failure" },
	[43] = { exit_unexpected, 0, "TPR below threshold" },
	[44] = { exit_unexpected, EXIT_EVENT, "APIC access" },
	[45] = { exit_virtual_eoi, 0, "virtualised EOI" },
	[46] = { exit_unexpected, 0, "GDTR or IDTR access" },
	[47] = { exit_unexpected, 0, "LDTR or TR access" },
	[48] = { exit_ept_violation, EXIT_EVENT, "EPT violation" },
	[49] = { exit_ept_misconfiguration, EXIT_EVENT, "EPT misconfiguration" },
	[50] = { exit_inject_ud, 0, "INVEPT" },
	[51] = { exit_rdtscp, 0, "RDTSCP" },
	[52] = { exit_nothing, 0, "preemption timer" },
	[53] = { exit_inject_ud, 0, "INVVPID" },
	[54] = { exit_wbinvd, 0, "WBINVD" },
	[55] = { exit_xsetbv, 0, "XSETBV" },
	[56] = { exit_unexpected, 0, "APIC write" },
	[57] = { exit_unexpected, 0, "RDRAND" },
	[58] = { exit_unexpected, 0, "INVPCID" },
	[59] = { exit_inject_ud, 0, "VMFUNC" },
	[60] = { exit_inject_ud, 0, "ENCLS" },
	[61] = { exit_unexpected, 0, "RDSEED" },
	[62] = { exit_unexpected, 0, "page-modification log full" },
	[63] = { exit_inject_ud, 0, "XSAVES" },
	[64] = { exit_inject_ud, 0, "XRSTORS" },
};

const char *vmx_exit_name(u32 reason)
{
	return reason < ARRAY_SIZE(exit_rows) ? exit_rows[reason].name : NULL;
}

void vmx_handle_exit(struct vcpu *v, u32 reason)
{
	const struct exit_row *row = &exit_rows[reason];

	if (unlikely(reason >= ARRAY_SIZE(exit_rows))) {
		vmx_entry_failed(v, reason, 0);
		return;
	}
	v->arch.hvm.exit_counts[reason]++;
	if (unlikely(row->flags)) {
		if (row->flags & EXIT_EVENT) {
			u32 idt = (u32)vmread(IDT_VECTORING_INFO);

			local_irq_enable();
			if (idt & INTR_INFO_VALID)
				requeue_event(v, idt);
		}
		row->fn(v);
		return;
	}
	local_irq_enable();
	row->fn(v);
}
