/* SPDX-License-Identifier: GPL-2.0-only */
/* VT-x: what the CPU offers, the state of a vCPU beyond hvm-types.h, and the parts of xen/arch/x86/vmx. */
#ifndef ASM_VMX_H
#define ASM_VMX_H

#include <asm/hvm.h>
#include <asm/vmcs.h>

/* Controls: SDM "VM-Execution Control Fields", "VM-Exit Control Fields", "VM-Entry Control Fields". */
#define PIN_EXT_INTR_EXITING   BIT(0)
#define PIN_NMI_EXITING	       BIT(3)
#define PIN_VIRTUAL_NMIS       BIT(5)
#define PIN_PREEMPTION_TIMER   BIT(6)
#define PIN_POSTED	       BIT(7)

#define PROC_INTR_WINDOW       BIT(2)
#define PROC_TSC_OFFSETTING    BIT(3)
#define PROC_HLT_EXITING       BIT(7)
#define PROC_INVLPG_EXITING    BIT(9)
#define PROC_MWAIT_EXITING     BIT(10)
#define PROC_RDPMC_EXITING     BIT(11)
#define PROC_RDTSC_EXITING     BIT(12)
#define PROC_CR3_LOAD_EXITING  BIT(15)
#define PROC_CR3_STORE_EXITING BIT(16)
#define PROC_CR8_LOAD_EXITING  BIT(19)
#define PROC_CR8_STORE_EXITING BIT(20)
#define PROC_TPR_SHADOW	       BIT(21)
#define PROC_NMI_WINDOW	       BIT(22)
#define PROC_MOV_DR_EXITING    BIT(23)
#define PROC_IO_BITMAPS	       BIT(25)
#define PROC_MSR_BITMAPS       BIT(28)
#define PROC_MONITOR_EXITING   BIT(29)
#define PROC_SECONDARY	       BIT(31)

#define SEC_EPT		       BIT(1)
#define SEC_RDTSCP	       BIT(3)
#define SEC_VIRT_X2APIC	       BIT(4)
#define SEC_VPID	       BIT(5)
#define SEC_WBINVD_EXITING     BIT(6)
#define SEC_UNRESTRICTED       BIT(7)
#define SEC_APIC_REG_VIRT      BIT(8)
#define SEC_VIRT_INTR_DELIVERY BIT(9)
#define SEC_PLE		       BIT(10)
#define SEC_INVPCID	       BIT(12)
#define SEC_XSAVES	       BIT(20)
#define SEC_TSC_SCALING	       BIT(25)
#define SEC_APICV	       (SEC_VIRT_X2APIC | SEC_APIC_REG_VIRT | SEC_VIRT_INTR_DELIVERY)

#define EXIT_SAVE_DEBUG	       BIT(2)
#define EXIT_HOST_64	       BIT(9)
#define EXIT_ACK_INTR	       BIT(15)
#define EXIT_SAVE_PAT	       BIT(18)
#define EXIT_LOAD_PAT	       BIT(19)
#define EXIT_SAVE_EFER	       BIT(20)
#define EXIT_LOAD_EFER	       BIT(21)

#define ENTRY_LOAD_DEBUG       BIT(2)
#define ENTRY_IA32E_GUEST      BIT(9)
#define ENTRY_LOAD_PAT	       BIT(14)
#define ENTRY_LOAD_EFER	       BIT(15)

/* Interruption-information and IDT-vectoring fields. */
#define INTR_INFO_VECTOR	  0xffU
#define INTR_INFO_TYPE_SHIFT	  8
#define INTR_INFO_TYPE		  0x700U
#define INTR_INFO_HAS_ERROR	  BIT(11)
#define INTR_INFO_NMI_UNBLOCKED	  BIT(12) /* exit: an IRET had unblocked NMIs before the fault */
#define INTR_INFO_VALID		  BIT(31)

#define BLOCKING_NMI		  BIT(3)

#define EXIT_REASON_ENTRY_FAILURE BIT(31)

/* What the CPUs can do; from the boot CPU, others must be able to do the same. */
struct vmx_caps {
	u32 pin, proc, sec, exit, entry; /* controls to use */
	u32 revision;
	u8 preempt_shift; /* preemption timer: TSC >> this; valid with has_preempt_timer */
	bool has_preempt_timer, has_vpid, has_ept_ad, has_apicv;
	bool invept_single, invvpid_single;
	u64 ept_vpid;
	u64 cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
};
extern struct vmx_caps vmx_caps;
extern bool opt_if0_timer;

struct vmx_vcpu {
	void *vmcs;
	maddr_t vmcs_ma;
	bool launched;
	unsigned int vmcs_cpu; /* CPU on which the VMCS is active, or NR_CPUS: cleared */
	unsigned int host_cpu; /* CPU whose host state and VPID translations are in it */
	u16 vpid;
	bool vpid_flush; /* linear translations are stale: INVVPID before the next entry */
	bool windows_wanted; /* an interrupt or NMI window is open */
	/* Last values of fields written often: a VMWRITE is made only when they change. */
	u64 rsp, rflags;
	u32 pin, proc, sec, exc_bitmap, blocking;
	u64 eoi_exits[4];
	unsigned long *io_bitmap; /* the one whose address is in the VMCS */
};

/* The VMCS memory type and basics (vmcs.c). */
int vmx_discover(void);
/* Superpages may be executable: the CPU is not one of those that the iTLB multi-hit erratum stops. */
bool vmx_exec_superpages(void);
int vmx_cpu_on(void);
void vmx_cpu_off(void);
int vmx_vmcs_create(struct vcpu *v);
void vmx_vmcs_destroy(struct vcpu *v);
/* Makes v's VMCS current on this CPU, wherever it was active. Interrupts off, v does not run elsewhere. */
void vmx_vmcs_load(struct vcpu *v);
/* VMCLEAR, if it is active on this CPU. */
void vmx_vmcs_clear(struct vcpu *v);
/*
 * Around accesses to the VMCS of any vCPU: nothing to do for the one whose VMCS is current here. The
 * other's state must not be running; vmx_access_end() gives the CPU its own VMCS back.
 */
struct vmx_access {
	struct vcpu *v, *prev;
	unsigned long flags;
};
struct vmx_access vmx_access_begin(struct vcpu *v);
void vmx_access_end(struct vmx_access a);
DECLARE_PER_CPU(struct vcpu *, vmx_current); /* whose VMCS is current on this CPU, or NULL */
void vmx_update_io_bitmap(struct vcpu *v);
void vmx_load_debug_regs(struct vcpu *v);
void vmx_write_tsc(struct vcpu *v);
void vmx_update_proc(struct vcpu *v, u32 set, u32 clear);

/* entry.S: 0 after an exit, else VMLAUNCH/VMRESUME failed (1: with VM_INSN_ERROR, 2: no current VMCS). */
unsigned long vmx_enter(struct guest_regs *regs, bool launched);
void vmx_exit_point(void);

/* exit.c: the exit just taken, by the table; interrupts off on entry, on at return. */
void vmx_handle_exit(struct vcpu *v, u32 reason);
const char *vmx_exit_name(u32 reason);

/* eptflush.c */
void vmx_flush_init(void);

/* msr.c: 0; -ENOENT: not one of these; -EINVAL: #GP. */
int vmx_rdmsr(struct vcpu *v, u32 msr, u64 *val);
int vmx_wrmsr(struct vcpu *v, u32 msr, u64 val);
int vmx_msr_bitmap_init(void);
maddr_t vmx_msr_bitmap(bool x2apic);

/* diag.c: says why the CPU refused the state, and crashes the domain. */
void vmx_entry_failed(struct vcpu *v, u32 reason, unsigned long insn_fail);
void vmx_dump(struct vcpu *v);
void vmx_diag_init(void); /* the debug key */

#endif
