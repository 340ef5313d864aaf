/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual platform: the seam to the vendor code (struct hvm_ops), and what
 * the platform offers to common code.
 */
#ifndef ASM_HVM_H
#define ASM_HVM_H

#include <xen/sched.h>

/*
 * What a vendor supplies (vmx/vmx.c). One constant instance, chosen at boot.
 * Unless said otherwise, v is current or not running, and its state is loaded
 * or loadable on this CPU.
 */
struct hvm_ops {
	const char *name;
	int (*cpu_up)(void); /* every CPU, at start */
	void (*cpu_down)(void);
	int (*domain_init)(struct domain *d);
	void (*domain_destroy)(struct domain *d);
	int (*vcpu_init)(struct vcpu *v);
	void (*vcpu_destroy)(struct vcpu *v);
	void (*switch_from)(struct vcpu *v); /* interrupts off */
	void (*switch_to)(struct vcpu *v);
	/* Enter the guest once (interrupts off on entry and return to caller with them on), handle the exit. */
	void (*run)(struct vcpu *v);
	void (*get_segment)(struct vcpu *v, enum hvm_seg seg, struct hvm_segment *out);
	void (*set_segment)(struct vcpu *v, enum hvm_seg seg, const struct hvm_segment *in);
	/* The guest's CR0/CR3/CR4/EFER in v->arch.hvm changed: carry them over. cr: 0, 3, 4, or 5 for EFER. */
	void (*update_cr)(struct vcpu *v, unsigned int cr);
	u64 (*get_cr3)(struct vcpu *v);
	/* CPL, and bytes of the default operand size of the code segment (2, 4; 8: 64-bit mode). */
	unsigned int (*get_cpl)(struct vcpu *v);
	unsigned int (*get_mode)(struct vcpu *v);
	void (*update_tsc)(struct vcpu *v); /* offset, ratio, or mode changed */
	void (*update_pat)(struct vcpu *v); /* v is current; otherwise switch_to() carries it over */
	void (*update_dr7)(struct vcpu *v, u64 dr7);
	u64 (*get_dr7)(struct vcpu *v);
	/* Vendor-held MSRs (SYSENTER, FS/GS base, DEBUGCTL, …): 0, or -ENOENT: not mine. */
	int (*rdmsr)(struct vcpu *v, u32 msr, u64 *val);
	int (*wrmsr)(struct vcpu *v, u32 msr, u64 val);
	void (*flush_guest_tlb)(struct vcpu *v); /* linear translations of v, all */
	void (*policy_changed)(struct vcpu *v); /* CPUID/MSR/I/O policy: bitmaps, intercepts */
	void (*dump)(struct vcpu *v);
	const char *(*exit_name)(u32 reason); /* of v->arch.hvm.exit_counts; NULL: no such reason */
	/* Deliver this event at the next entry; nothing else may be queued for it. */
	void (*inject)(struct vcpu *v, const struct hvm_event *e);
	/* Ask for an exit as soon as the guest can take an interrupt (irq), an NMI (nmi). */
	void (*set_windows)(struct vcpu *v, bool irq, bool nmi);
	/*
	 * With hvm_has_apicv(), v being about to enter: the highest vectors requested and in service (0: none), those
	 * whose EOI must exit, one bit each, and whether the page answers the x2APIC's MSRs.
	 */
	void (*sync_apic)(struct vcpu *v, u8 irr, u8 isr, const u64 level[4], bool x2apic);
};
extern const struct hvm_ops *hvm;
extern const struct hvm_ops vmx_ops;

/* Finds and starts the vendor support on the boot CPU; says what is missing. 0 or -ENODEV. */
int hvm_init(void);
int hvm_cpu_up(void);
/* MSR_TSC_AUX and other host-wide facts of the vendor support, for CPUID: physical bits EPT can map, … */
bool hvm_has_rdtscp(void);
bool hvm_has_invpcid(void);
bool hvm_has_apicv(void); /* the CPU delivers interrupts from vlapic_regs() */
bool hvm_has_posted_interrupts(void); /* in guest mode it takes over what is in vlapic_posted() */

/* ---- life (hvm/hvm.c) ---- */
int hvm_domain_init(struct domain *d);
int hvm_domain_relinquish(struct domain *d); /* 0 or -ERESTART */
void hvm_domain_destroy(struct domain *d);
int hvm_vcpu_init(struct vcpu *v);
void hvm_vcpu_destroy(struct vcpu *v);
/* Reset to the state after INIT, or the 32-bit flat state of a PVH start (public/arch-x86/hvm/start_info.h). */
void hvm_vcpu_reset(struct vcpu *v);
void hvm_set_pvh_start(struct vcpu *v, u32 entry, u32 start_info_gpa);
/* 16-bit start at vector << 12 after a start-up IPI. */
void hvm_vcpu_sipi(struct vcpu *v, u8 vector);

/* ---- events into the guest (hvm/intr.c) ---- */
void hvm_inject_exception(struct vcpu *v, u8 vector, s64 error /* <0: none */);
void hvm_triple_fault(struct vcpu *v);
void hvm_inject_page_fault(struct vcpu *v, u32 error, u64 cr2);
void hvm_inject_nmi(struct vcpu *v);
/* Before entry: what is due (event, NMI, upcall vector, vLAPIC), inject one, open windows for the rest. Vendor helpers below. */
void hvm_intr_assist(struct vcpu *v);
/* Something the vCPU would wake from HLT for is pending and deliverable. */
bool hvm_interrupt_pending(const struct vcpu *v);
/* VCPUOP_initialise: checked and taken over; v is down. 0 or -EINVAL. */
struct vcpu_hvm_context;
int hvm_vcpu_set_context(struct vcpu *v, const struct vcpu_hvm_context *ctx);
int hvm_set_callback_via(struct domain *d, u64 via);

/* ---- registers ---- */
int hvm_set_cr0(struct vcpu *v, u64 val); /* 0, or -EINVAL: #GP */
int hvm_set_cr3(struct vcpu *v, u64 val);
int hvm_set_cr4(struct vcpu *v, u64 val);
int hvm_set_efer(struct vcpu *v, u64 val);
int hvm_set_xcr0(struct vcpu *v, u64 val);
bool hvm_long_mode(const struct vcpu *v); /* EFER.LMA */
unsigned int hvm_guest_x86_mode(struct vcpu *v); /* bytes of the default operand: 2, 4, 8 */
unsigned int hvm_get_cpl(struct vcpu *v);
/* 0, or -EINVAL: #GP. */
int hvm_rdmsr(struct vcpu *v, u32 msr, u64 *val);
int hvm_wrmsr(struct vcpu *v, u32 msr, u64 val);
int hvm_write_hypercall_page(struct domain *d, gpa_t gpa);
void hvm_cpuid(struct vcpu *v, u32 leaf, u32 subleaf, u32 out[4]);
/* public/arch-x86/cpuid.h, "Leaf 4": by default the TSC is shown as it is, or scaled by the CPU; else emulated. */
#define TSC_MODE_DEFAULT 0
#define TSC_MODE_EMULATE 1 /* each look exits */
#define TSC_MODE_NEVER	 2 /* the machine's own, whatever the domain had before */
u64 hvm_scale_tsc(const struct domain *d, u64 tsc); /* the machine's to the domain's, without offset */
u64 hvm_guest_tsc(struct vcpu *v);
/*
 * mode: TSC_MODE_*; khz: what the guest's TSC counts, 0: as the machine's. d is paused, its TSCs go on from
 * where they are. 0, or -EINVAL.
 */
int hvm_set_tsc_mode(struct domain *d, unsigned int mode, u32 khz);
void hvm_set_guest_tsc(struct vcpu *v, u64 tsc);
/* Extended state (hvm/xsave.c). init: every CPU, at start; its size for the bits of XCR0 (0: everything offered). */
int hvm_xsave_cpu_init(void);
int hvm_fpu_init(struct vcpu *v);
void hvm_fpu_destroy(struct vcpu *v);
u64 hvm_xcr0_supported(void);
u32 hvm_xsave_size(u64 xcr0);
void hvm_fpu_load(struct vcpu *v);
void hvm_fpu_save(struct vcpu *v);
/* Skips the instruction that exited: rip += len, clears the STI/MOV SS shadow, raises #DB for single step. */
void hvm_skip_instruction(struct vcpu *v, unsigned int len);

/* ---- guest memory ---- */
/* Kinds of access, as in the error code of a page fault. */
#define PFEC_P 1U
#define PFEC_W 2U
#define PFEC_U 4U
#define PFEC_I 16U
/* Guest-linear to guest-physical of the current vCPU, by its page tables; *pfec: the fault to raise when false. */
bool hvm_gva_to_gpa(struct vcpu *v, unsigned long gva, u32 access, u32 *pfec, gpa_t *gpa);

/* ---- port and MMIO dispatch (hvm/io.c) ---- */
#define HVM_IO_UNHANDLED (-1)
#define HVM_IO_OK	 0
#define HVM_IO_RETRY	 1 /* a device model was asked: run the instruction again when it has answered */
struct hvm_io_handler {
	struct list_head list;
	bool is_mmio;
	u64 start, len;
	/* size 1, 2, 4, 8; *val in and out */
	int (*access)(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val, void *data);
	void *data;
};
void hvm_register_io(struct domain *d, struct hvm_io_handler *h);
void hvm_unregister_io(struct domain *d, struct hvm_io_handler *h);
int hvm_portio(struct vcpu *v, u16 port, unsigned int size, bool write, u64 *val);
int hvm_mmio(struct vcpu *v, gpa_t gpa, unsigned int size, bool write, u64 *val);
/* An I/O exit with its decoded qualification (string forms included). */
void hvm_handle_portio_exit(struct vcpu *v, u16 port, unsigned int size, bool write, bool string, bool rep,
			    unsigned int insn_len, unsigned int addr_size, enum hvm_seg seg);
/* An EPT violation that p2m_handle_fault() left to emulation: decode the instruction at RIP, carry it out. */
void hvm_emulate_mmio(struct vcpu *v, gpa_t gpa, bool gpa_valid_for_gla, unsigned long gla);
void hvm_dump_exits(struct domain *d);
/*
 * An access of dom0 to a machine range that is neither RAM nor the hypervisor's and not mapped yet: maps it
 * 1:1 and returns true (run the instruction again). pvh/dom0_mem.c; tried when no MMIO handler claims the address.
 */
bool dom0_mmio_fault(struct domain *d, gfn_t gfn);
/*
 * dom0 wants something else at a gfn that refuses it: true if that was device memory mapped on first use (a mere
 * look at a hole is enough for that), which is gone now; try again.
 */
bool dom0_mmio_release(struct domain *d, gfn_t gfn);
/*
 * hvm_domain_init() calls this with hvm.lock and io_handlers initialised: port bitmap, and for dom0
 * (d->is_privileged) its vIO-APICs, PCI configuration space and power management ports as well.
 */
int hvm_io_init(struct domain *d);
void hvm_io_destroy(struct domain *d);
/* d dies and its vCPUs do not run: pages and channels shared with device models go back. */
void hvm_io_relinquish(struct domain *d);
/*
 * The lowest range of pages in [start, end) that d must not have mapped because the hypervisor
 * emulates something there (local APIC, IO-APICs, ECAM, MSI-X tables). False: there is none.
 */
bool hvm_mmio_next_trapped(struct domain *d, u64 start, u64 end, u64 *trap_start, u64 *trap_end);
/* Ports of the machine the hypervisor keeps (serial): claimed while booting, dom0 cannot reach them. */
void hvm_claim_ports(u16 first, u16 count);
/*
 * A device model owes v an answer (v->arch.hvm.io is set): before anything is injected, finish the
 * instruction. True: done, v may enter the guest; false: v waits on, SCHEDULE_SOFTIRQ is raised.
 */
bool hvm_io_resume(struct vcpu *v);

/* ---- vLAPIC, vIO-APIC (hvm/vlapic.c, hvm/vioapic.c) ---- */
int vlapic_init(struct vcpu *v);
void vlapic_destroy(struct vcpu *v);
void vlapic_reset(struct vcpu *v);
/* Sets vector in the IRR and kicks the vCPU. */
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level);
/* Before an entry: the highest deliverable vector above the PPR, or -1: none, or the CPU will deliver it itself. */
int vlapic_pending_vector(struct vcpu *v);
/* There is one, whoever delivers it. v is not in guest mode. */
bool vlapic_interrupt_pending(struct vcpu *v);
void vlapic_accept(struct vcpu *v, u8 vector); /* IRR to ISR: it was injected */
int vlapic_mmio(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val, void *data);
int vlapic_rdmsr(struct vcpu *v, u32 msr, u64 *val); /* x2APIC range and APIC_BASE, TSC_DEADLINE */
int vlapic_wrmsr(struct vcpu *v, u32 msr, u64 val);
/* Save records of the local APIC. Load: 0, or -EINVAL for a state that cannot be. */
struct hvm_hw_lapic;
struct hvm_hw_lapic_regs;
void vlapic_save(struct vcpu *v, struct hvm_hw_lapic *hid, struct hvm_hw_lapic_regs *regs);
int vlapic_load(struct vcpu *v, const struct hvm_hw_lapic *hid, const struct hvm_hw_lapic_regs *regs);
u8 vlapic_get_tpr(struct vcpu *v);
void vlapic_set_tpr(struct vcpu *v, u8 tpr);
bool vlapic_enabled(const struct vcpu *v);
/*
 * Fixed/lowest-priority delivery by destination fields, as a message (IO-APIC, MSI). True if somebody
 * accepted it. Safe in interrupt context.
 */
bool vlapic_deliver(struct domain *d, u32 dest, bool logical, u8 delivery_mode, u8 vector, bool level);
/* A message as a device would write it: address 0xfeexxxxx and data. */
bool vlapic_deliver_msi(struct domain *d, u64 addr, u32 data);
/*
 * An INIT or start-up IPI waits for v (v->arch.hvm.init_pending): carried out by v itself at the head of
 * hvm_intr_assist(). False: v waits for a start-up IPI and must not enter, SCHEDULE_SOFTIRQ is raised.
 */
bool vlapic_handle_init(struct vcpu *v);
/* Local APIC ids are part of the ABI: MADTs made by the tool stack say the same. */
static inline u32 vcpu_apic_id(unsigned int vcpu_id) { return vcpu_id * 2; }
/* The register page, laid out as the CPU's virtual-APIC page. */
void *vlapic_regs(struct vcpu *v);
void *vlapic_posted(struct vcpu *v); /* 64 bytes, aligned to that */
int vioapic_init(struct domain *d, bool passthrough);
void vioapic_destroy(struct domain *d);
void vioapic_eoi(struct domain *d, u8 vector);
/* Assert/deassert a pin of an emulated IO-APIC. */
void vioapic_set_pin(struct domain *d, unsigned int gsi, bool level);
int vpci_init(struct domain *d);
void vpci_destroy(struct domain *d);

/* ---- MTRRs and PAT (hvm/mtrr.c) ---- */
void hvm_mtrr_init(struct vcpu *v);
/* 0; -EINVAL: #GP; -ENOENT: not one of MTRRcap, the MTRRs, PAT. */
int hvm_mtrr_rdmsr(struct vcpu *v, u32 msr, u64 *val);
int hvm_mtrr_wrmsr(struct vcpu *v, u32 msr, u64 val);
/* Type (0 UC, 1 WC, 4 WT, 5 WP, 6 WB) that the MTRRs of v give to the page at gpa. */

/* ---- save records (hvm/save.c) ---- */
struct hvm_hw_cpu;
struct hvm_hw_mtrr;
/* v does not run. Loading: 0, or -EINVAL for a state that cannot be. */
void hvm_mtrr_save(struct vcpu *v, struct hvm_hw_mtrr *out);
int hvm_mtrr_load(struct vcpu *v, const struct hvm_hw_mtrr *in);
void hvm_save_cpu(struct vcpu *v, struct hvm_hw_cpu *out);
int hvm_load_cpu(struct vcpu *v, const struct hvm_hw_cpu *in);
/* Whole context of a domain in the format of public/arch-x86/hvm/save.h. */
size_t hvm_context_size(struct domain *d);
int hvm_context_save(struct domain *d, void *buf, size_t size, size_t *used);
int hvm_context_load(struct domain *d, const void *buf, size_t size);
int hvm_context_save_one(struct domain *d, u16 type, u16 instance, void *buf, size_t size, size_t *used);

/* ---- CPUID/MSR policy (cpu/policy.c) ---- */
struct cpu_policy;
/* The first nr words of a system policy's featureset (public/arch-x86/cpufeatureset.h). Errors of cpu_policy_get_system(). */
int cpu_policy_featureset(unsigned int index, u32 *words, u32 nr);
struct xen_cpuid_leaf;
struct xen_msr_entry;
int cpu_policy_init(struct domain *d);
void cpu_policy_destroy(struct domain *d);
/* For XEN_SYSCTL_get_cpu_policy: index XEN_SYSCTL_cpu_policy_*; and XEN_DOMCTL_get/set_cpu_policy. Counts in and out. */
int cpu_policy_get_system(unsigned int index, struct xen_cpuid_leaf *leaves, u32 *nr_leaves,
			  struct xen_msr_entry *msrs, u32 *nr_msrs);
int cpu_policy_get(struct domain *d, struct xen_cpuid_leaf *leaves, u32 *nr_leaves,
		   struct xen_msr_entry *msrs, u32 *nr_msrs);
int cpu_policy_set(struct domain *d, const struct xen_cpuid_leaf *leaves, u32 nr_leaves,
		   const struct xen_msr_entry *msrs, u32 nr_msrs, u32 err[3]);

#endif
