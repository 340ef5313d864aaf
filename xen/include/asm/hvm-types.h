/* SPDX-License-Identifier: GPL-2.0-only */
/* Per-domain and per-vCPU state of the virtual platform that every vendor shares. */
#ifndef ASM_HVM_TYPES_H
#define ASM_HVM_TYPES_H

#include <xen/list.h>
#include <xen/spinlock.h>
#include <public/hvm/params.h>

struct vmx_vcpu;
struct hvm_io_handler;

/* One event to deliver at the next entry (interrupt, exception, software interrupt). */
struct hvm_event {
	bool pending;
	u8 type; /* HVM_EVENT_* below: the encoding of the VM-entry interruption field */
	u8 vector;
	bool has_error;
	u32 error;
	u8 insn_len; /* software events: length of the instruction */
	u64 cr2; /* page faults */
};
#define HVM_EVENT_EXTINT	    0
#define HVM_EVENT_NMI		    2
#define HVM_EVENT_HW_EXCEPTION	    3
#define HVM_EVENT_SW_INT	    4
#define HVM_EVENT_PRIV_SW_EXCEPTION 5

#define X86_EXC_DE		    0
#define X86_EXC_DB		    1
#define X86_EXC_NMI		    2
#define X86_EXC_BP		    3
#define X86_EXC_OF		    4
#define X86_EXC_UD		    6
#define X86_EXC_DF		    8
#define X86_EXC_TS		    10
#define X86_EXC_NP		    11
#define X86_EXC_SS		    12
#define X86_EXC_GP		    13
#define X86_EXC_PF		    14
#define X86_EXC_AC		    17
#define X86_EXC_MC		    18

enum hvm_seg {
	HVM_SEG_ES,
	HVM_SEG_CS,
	HVM_SEG_SS,
	HVM_SEG_DS,
	HVM_SEG_FS,
	HVM_SEG_GS,
	HVM_SEG_LDTR,
	HVM_SEG_TR,
	HVM_SEG_GDTR,
	HVM_SEG_IDTR,
	HVM_SEGS
};
struct hvm_segment {
	u64 base;
	u32 limit;
	u16 sel;
	u16 attr; /* as in the VMCS access rights: type, S, DPL, P, AVL, L, D, G from bit 0; bit 15: unusable */
};
#define HVM_SEG_TYPE	  0x000f
#define HVM_SEG_S	  0x0010
#define HVM_SEG_DPL_SHIFT 5
#define HVM_SEG_P	  0x0080
#define HVM_SEG_L	  0x0200
#define HVM_SEG_D	  0x0400
#define HVM_SEG_G	  0x0800
#define HVM_SEG_UNUSABLE  0x8000

/* A guest-linear to machine translation remembered within one VM exit (hypercall copies). */
#define HVM_GVA_CACHE 4
struct hvm_gva_entry {
	unsigned long va; /* page address | 1: writable; ~0: empty */
	mfn_t mfn;
};

/* The entry of the guest's page tables, for 2M, that the last of those went through: a table or a page. */
struct hvm_gva_table {
	unsigned long region; /* address >> 21, plus 1; 0: none */
	u64 pde, rights; /* the entry; what all above it, and it, allow */
};

struct mtrr_state {
	u64 cap, def_type;
	u64 fixed[11];
	u64 var[8][2]; /* base, mask */
};

struct hvm_vcpu {
	/* Control registers as the guest sees them. CR3 is read at exit only when needed: hvm_get_cr3(). */
	u64 cr0, cr2, cr3, cr4, efer;
	u64 xcr0, xcr0_accum, xss; /* accum: every bit XCR0 ever had */
	u64 msr_pat, msr_tsc_aux, msr_tsc_adjust, msr_misc_enable, msr_spec_ctrl;
	u64 msr_star, msr_lstar, msr_cstar, msr_sfmask, msr_kernel_gs;
	u64 dr[4], dr6;
	bool dr_dirty;
	struct mtrr_state mtrr;
	u64 tsc_offset; /* guest TSC = host TSC, scaled by the domain's tsc_ratio, + this */

	struct hvm_event event; /* to deliver at the next entry */
	bool nmi_pending;
	bool init_pending; /* INIT or start-up IPI to carry out: vlapic_handle_init() */
	u8 upcall_vector; /* HVMOP_set_evtchn_upcall_vector; 0: the domain's callback */
	bool in_hypercall;
	/*
	 * Interruptibility, true while the vCPU is not in guest mode:
	 * STI (1) and MOV SS (2) shadow, NMIs blocked (8). [o], or paused
	 */
	u32 blocking;
	/* CPU whose registers hold (lazily) this vCPU's state, or NR_CPUS. Written by that CPU only. */
	unsigned int loaded_cpu;

	/* XSAVE image while the vCPU's extended state is not in the CPU; 64-byte aligned. */
	void *xsave_area;
	bool fpu_loaded; /* the state is in the registers of the CPU it last ran on */

	struct hvm_gva_entry gva_cache[HVM_GVA_CACHE];
	struct hvm_gva_table gva_table;
	unsigned int gva_cache_next;

	/* Set while a device model owes an answer: hvm_io_resume() before the next entry. See hvm/ioreq.c. */
	struct hvm_io_state *io;

	struct vmx_vcpu *vmx; /* vendor state */
	unsigned long exit_counts[70]; /* by basic exit reason */
};

/* How events reach the guest: HVM_PARAM_CALLBACK_IRQ. */
struct hvm_callback {
	u8 via; /* 0 none, 1 INTx, 2 vector, 3 GSI */
	u8 vector;
	u32 gsi;
};

struct hvm_domain {
	u64 params[HVM_NR_PARAMS];
	struct hvm_callback callback;
	spinlock_t lock; /* RANK_HVM: I/O handler list, vIO-APIC, virtual PCI */
	struct list_head io_handlers;
	u64 tsc_khz; /* 0: native */
	u64 tsc_ratio; /* guest's ticks to one of the machine's, 48 fraction bits; 0: the machine's own */
	u64 tsc_elapsed_offset;
	unsigned int tsc_mode, tsc_incarnation;
	unsigned long *io_bitmap; /* 65536 bits, set: exit; two pages */
	u64 flush_pending; /* [a] CPUs that drop translations of this p2m before they use it again */
	u64 ram_changes; /* [a] flushes after which gfns that led to RAM may lead elsewhere */
	struct debug_port *debug_port; /* hvm/debugport.c; NULL for dom0 */
	bool is_s3_suspended;
};

#endif
