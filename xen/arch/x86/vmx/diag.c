/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the CPU refuses to enter a guest: the fields that the SDM's chapter "VM
 * Entries" checks, in its order and by its names, and what can be said of them.
 * The domain pays for it, not the machine. The same fields show a debug key.
 */
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <asm/vmx.h>

static const struct field_row {
	u32 field;
	const char *name;
} control_fields[] = {
	{ PIN_BASED_CONTROL, "pin-based" }, { PROC_BASED_CONTROL, "processor-based" },
	{ SECONDARY_CONTROL, "secondary" }, { EXCEPTION_BITMAP, "exception bitmap" },
	{ CR3_TARGET_COUNT, "CR3-target count" },
	{ IO_BITMAP_A, "I/O bitmap A" }, { IO_BITMAP_B, "I/O bitmap B" }, { MSR_BITMAP, "MSR bitmap" },
	{ EPT_POINTER, "EPTP" }, { VPID, "VPID" },
	{ VM_EXIT_CONTROLS, "exit controls" }, { VM_EXIT_MSR_STORE_COUNT, "exit MSR-store count" },
	{ VM_EXIT_MSR_STORE_ADDR, "exit MSR-store address" }, { VM_EXIT_MSR_LOAD_COUNT, "exit MSR-load count" },
	{ VM_EXIT_MSR_LOAD_ADDR, "exit MSR-load address" }, { VM_ENTRY_CONTROLS, "entry controls" },
	{ VM_ENTRY_MSR_LOAD_COUNT, "entry MSR-load count" }, { VM_ENTRY_MSR_LOAD_ADDR, "entry MSR-load address" },
	{ VM_ENTRY_INTR_INFO, "entry interruption" }, { VM_ENTRY_EXCEPTION_ERROR, "entry error code" },
	{ VM_ENTRY_INSN_LEN, "entry instruction length" }, { TSC_OFFSET, "TSC offset" },
	{ VIRTUAL_APIC_PAGE, "virtual-APIC page" }, { TPR_THRESHOLD, "TPR threshold" },
	{ POSTED_VECTOR, "posted-interrupt vector" }, { POSTED_DESCRIPTOR, "posted-interrupt descriptor" },
}, host_fields[] = {
	{ HOST_CR0, "CR0" }, { HOST_CR3, "CR3" }, { HOST_CR4, "CR4" }, { HOST_EFER, "EFER" },
	{ HOST_PAT, "PAT" }, { HOST_SYSENTER_ESP, "SYSENTER ESP" }, { HOST_SYSENTER_EIP, "SYSENTER EIP" },
	{ HOST_CS_SELECTOR, "CS" }, { HOST_SS_SELECTOR, "SS" }, { HOST_DS_SELECTOR, "DS" },
	{ HOST_ES_SELECTOR, "ES" }, { HOST_FS_SELECTOR, "FS" }, { HOST_GS_SELECTOR, "GS" },
	{ HOST_TR_SELECTOR, "TR" }, { HOST_TR_BASE, "TR base" }, { HOST_FS_BASE, "FS base" },
	{ HOST_GS_BASE, "GS base" }, { HOST_GDTR_BASE, "GDTR base" }, { HOST_IDTR_BASE, "IDTR base" },
	{ HOST_RIP, "RIP" }, { HOST_RSP, "RSP" },
}, guest_fields[] = {
	{ GUEST_CR0, "CR0" }, { GUEST_CR3, "CR3" }, { GUEST_CR4, "CR4" }, { GUEST_DEBUGCTL, "DEBUGCTL" },
	{ GUEST_DR7, "DR7" }, { GUEST_PAT, "PAT" }, { GUEST_EFER, "EFER" },
	{ GUEST_SYSENTER_CS, "SYSENTER CS" }, { GUEST_SYSENTER_ESP, "SYSENTER ESP" },
	{ GUEST_SYSENTER_EIP, "SYSENTER EIP" }, { GUEST_RIP, "RIP" }, { GUEST_RSP, "RSP" },
	{ GUEST_RFLAGS, "RFLAGS" }, { GUEST_ACTIVITY, "activity" },
	{ GUEST_INTERRUPTIBILITY, "interruptibility" }, { GUEST_PENDING_DEBUG, "pending debug" },
	{ GUEST_INTR_STATUS, "interrupt status" },
	{ VMCS_LINK_POINTER, "link pointer" }, { GUEST_PDPTE0, "PDPTE 0" }, { GUEST_PDPTE0 + 2, "PDPTE 1" },
	{ GUEST_PDPTE0 + 4, "PDPTE 2" }, { GUEST_PDPTE0 + 6, "PDPTE 3" },
	{ GUEST_GDTR_BASE, "GDTR base" }, { GUEST_GDTR_LIMIT, "GDTR limit" },
	{ GUEST_IDTR_BASE, "IDTR base" }, { GUEST_IDTR_LIMIT, "IDTR limit" },
};

static void dump_fields(const char *what, const struct field_row *f, unsigned int n)
{
	unsigned int i;
	u64 val;

	printk(XENLOG_INFO "%s:\n", what);
	for (i = 0; i < n; i++)
		if (vmread_safe(f[i].field, &val))
			printk(XENLOG_INFO "  %-26s %016lx\n", f[i].name, (unsigned long)val);
}

static void dump_segments(void)
{
	static const char names[][5] = { "ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		printk(XENLOG_INFO "  %-5s sel %04lx base %016lx limit %08lx access %05lx\n", names[i],
		       (unsigned long)vmread(GUEST_ES_SELECTOR + 2 * i),
		       (unsigned long)vmread(GUEST_ES_BASE + 2 * i),
		       (unsigned long)vmread(GUEST_ES_LIMIT + 2 * i),
		       (unsigned long)vmread(GUEST_ES_AR + 2 * i));
}

static void dump_gprs(const struct guest_regs *r)
{
	printk(XENLOG_INFO "  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", r->rax, r->rbx, r->rcx, r->rdx);
	printk(XENLOG_INFO "  rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", r->rsi, r->rdi, r->rbp, r->r8);
	printk(XENLOG_INFO "  r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", r->r9, r->r10, r->r11, r->r12);
	printk(XENLOG_INFO "  r13 %016lx r14 %016lx r15 %016lx\n", r->r13, r->r14, r->r15);
}

/* v is current, or does not run. */
void vmx_dump(struct vcpu *v)
{
	struct vmx_access a = vmx_access_begin(v);

	printk(XENLOG_INFO "%pv: VMCS\n", v);
	dump_fields("guest state", guest_fields, ARRAY_SIZE(guest_fields));
	dump_segments();
	dump_gprs(&v->arch.regs);
	dump_fields("controls", control_fields, ARRAY_SIZE(control_fields));
	vmx_access_end(a);
}

static void dump_all(char key)
{
	struct domain *d;
	struct vcpu *v;

	rcu_read_lock();
	for_each_domain(d) {
		for_each_vcpu(d, v) {
			if (v != current)
				vcpu_pause(v);
			vmx_dump(v);
			if (v != current)
				vcpu_unpause(v);
		}
	}
	rcu_read_unlock();
}

/*
 * For tests/hypercall/entry.c, with make SELFTEST=1 only: what the first VMCS of every guest holds in one field is made
 * what the test says; two of the guest's parameters are the field's number and the value.
 */
static void spoil_field(char key)
{
	struct domain *d;

	rcu_read_lock();
	for_each_domain(d) {
		const u64 *params = d->arch.hvm.params;
		struct vmx_access a;

		if (is_hardware_domain(d) || !d->vcpu[0])
			continue;
		vcpu_pause(d->vcpu[0]);
		a = vmx_access_begin(d->vcpu[0]);
		vmwrite(params[HVM_PARAM_STORE_PFN], params[HVM_PARAM_CONSOLE_PFN]);
		vmx_access_end(a);
		vcpu_unpause(d->vcpu[0]);
	}
	rcu_read_unlock();
}

void __init vmx_diag_init(void)
{
	register_keyhandler('v', dump_all, "VMCS of each vCPU");
	if (CONFIG_SELFTEST)
		register_keyhandler('!', spoil_field, "spoil a VMCS field of each guest");
}

/* SDM, "VM-Instruction Error Numbers", those that VMLAUNCH and VMRESUME give. */
static const char *insn_error_name(u64 err)
{
	switch (err) {
	case 4:
		return "VMLAUNCH of a VMCS that is launched";
	case 5:
		return "VMRESUME of a VMCS that is not launched";
	case 7:
		return "invalid control field";
	case 8:
		return "invalid host-state field";
	case 26:
		return "events blocked by MOV SS";
	default:
		return "unknown";
	}
}

/* What the entry controls must agree on; a hint for the reader of the dump, not a decision. */
static void hint_controls(void)
{
	u64 info = vmread(VM_ENTRY_INTR_INFO), cr0 = vmread(GUEST_CR0);

	if ((info & INTR_INFO_VALID) && (info & INTR_INFO_HAS_ERROR) && !(cr0 & X86_CR0_PE))
		printk(XENLOG_INFO "hint: an error code is injected in real mode\n");
	if ((vmread(EPT_POINTER) & 7) != 6)
		printk(XENLOG_INFO "hint: EPTP memory type is not write-back\n");
}

static void hint_guest_state(void)
{
	u64 efer = vmread(GUEST_EFER), cr0 = vmread(GUEST_CR0), cr4 = vmread(GUEST_CR4);
	u64 rflags = vmread(GUEST_RFLAGS), info = vmread(VM_ENTRY_INTR_INFO);
	bool ia32e = vmread(VM_ENTRY_CONTROLS) & ENTRY_IA32E_GUEST;
	u64 cs = vmread(GUEST_CS_AR), ss = vmread(GUEST_SS_AR);

	if (ia32e && (!(cr0 & X86_CR0_PG) || !(cr4 & X86_CR4_PAE)))
		printk(XENLOG_INFO "hint: IA-32e mode without paging or PAE\n");
	if (!!(efer & EFER_LMA) != ia32e || ((cr0 & X86_CR0_PG) && !!(efer & EFER_LME) != ia32e))
		printk(XENLOG_INFO "hint: EFER disagrees with the IA-32e mode control\n");
	if (!ia32e && (cr4 & X86_CR4_PCIDE))
		printk(XENLOG_INFO "hint: PCIDs outside IA-32e mode\n");
	if (!(rflags & X86_EFLAGS_MBS) || (rflags & ~0x3f7fd7UL))
		printk(XENLOG_INFO "hint: reserved bits of RFLAGS\n");
	if ((info & INTR_INFO_VALID) && !(info & INTR_INFO_TYPE) && !(rflags & X86_EFLAGS_IF))
		printk(XENLOG_INFO "hint: an external interrupt is injected with IF clear\n");
	if (!(cs & 0x80) || !(cs & 0x10) || (cs & BIT(16)))
		printk(XENLOG_INFO "hint: CS is not a present code segment\n");
	if (!(ss & BIT(16)) && (cr0 & X86_CR0_PE) && (ss >> 5 & 3) != (vmread(GUEST_ES_SELECTOR + 4) & 3))
		printk(XENLOG_INFO "hint: SS.DPL differs from its selector's RPL\n");
	if (!(vmread(GUEST_TR_AR) & 0x80) || (vmread(GUEST_TR_AR) & BIT(16)))
		printk(XENLOG_INFO "hint: TR is not usable\n");
}

/*
 * insn_fail: what vmx_enter() returned, or 0 when the entry failed as a VM exit with this reason
 * (SDM, "VM-Entry Failures During or After Loading Guest State") or the exit is one without a row.
 */
void vmx_entry_failed(struct vcpu *v, u32 reason, unsigned long insn_fail)
{
	u64 err = insn_fail == 1 ? vmread(VM_INSN_ERROR) : 0;
	u64 qual = insn_fail ? 0 : vmread(EXIT_QUALIFICATION);

	local_irq_enable();
	if (insn_fail == 2)
		panic("%s: no current VMCS at VM entry", __func__);
	if (insn_fail) {
		printk(XENLOG_ERR "%pv: VM entry refused: error %lu, %s\n", v, (unsigned long)err,
		       insn_error_name(err));
		hint_controls();
		dump_fields("host state", host_fields, ARRAY_SIZE(host_fields));
	} else if (reason & EXIT_REASON_ENTRY_FAILURE) {
		printk(XENLOG_ERR "%pv: VM entry failed: %s (%#x), qualification %#lx\n", v,
		       (reason & 0xffff) == 33	 ? "invalid guest state"
		       : (reason & 0xffff) == 34 ? "MSR loading"
						 : "machine check",
		       reason, (unsigned long)qual);
		hint_guest_state();
	} else {
		printk(XENLOG_ERR "%pv: VM exit %#x has no handler, qualification %#lx\n", v, reason,
		       (unsigned long)qual);
	}
	vmx_dump(v);
	domain_crash(v->domain, "VM entry failed");
}
