/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the virtual platform share among themselves. */
#ifndef HVM_PLATFORM_H
#define HVM_PLATFORM_H

#include <xen/sched.h>
#include <asm/hvm.h>

/* ---- emulate.c ---- */
enum hvm_rw { HVM_RW_OK, HVM_RW_FAULT, HVM_RW_RETRY };
/*
 * n (at most 8) bytes of the current vCPU's linear address space, RAM or emulated. HVM_RW_FAULT: an
 * exception has been injected and nothing was written. access: PFEC_U for user accesses, else 0.
 */
enum hvm_rw hvm_linear_rw(struct vcpu *v, unsigned long gva, void *buf, unsigned int n, bool write, u32 access);
/* Linear address of an access; false: #GP or #SS has been injected. */
bool hvm_linear_address(struct vcpu *v, enum hvm_seg seg, u64 offset, unsigned int n, bool write,
			unsigned int addr_size, unsigned long *gva);
/* Writes a register the way instructions do: 4 bytes clear the upper half, 1 and 2 keep the rest. */
void hvm_write_reg(u64 *reg, u64 val, unsigned int size);
static inline u64 hvm_size_mask(unsigned int size) { return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1; }

/* ---- io.c ---- */
/* Ports [first, first + count) of d exit (intercept) or go straight to the machine (dom0, passed-through devices). */
int hvm_intercept_ports(struct domain *d, u16 first, unsigned int count, bool intercept);
/* The hypervisor keeps one of these ports for itself. */
bool hvm_ports_are_claimed(u16 first, unsigned int count);
/* The machine's port. */
u64 hvm_machine_in(u16 port, unsigned int size);
void hvm_machine_out(u16 port, unsigned int size, u64 val);

/* ---- vlapic_ipi.c ---- */
/* Some vCPU that a message with this destination goes to, or NULL. */
struct vcpu *vlapic_find_target(struct domain *d, u32 dest, bool logical);

/* ---- vpci.c ---- */
bool vpci_next_trapped(struct domain *d, u64 start, u64 end, u64 *trap_start, u64 *trap_end);
/* MSI-X tables. */
int vpci_mmio(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val);

/* ---- pmport.c ---- */
int pmport_init(struct domain *d);
void pmport_destroy(struct domain *d);

/* ---- debugport.c ---- */
int debugport_init(struct domain *d);
void debugport_destroy(struct domain *d);

/* ---- ioreq.c ---- */
/* Hands an access to the device model that claimed it. mmio: addr is guest-physical, else a port. */
int ioreq_access(struct vcpu *v, bool mmio, u64 addr, unsigned int size, bool write, u64 *val);
/* An instruction is finished: answers kept for its second attempt are void. */
void ioreq_forget(struct vcpu *v);
/* What to do again once the answer has come. */
struct hvm_portio_exit {
	u16 port;
	u8 size, insn_len, addr_size, seg;
	bool write, string, rep;
};
void ioreq_note_portio(struct vcpu *v, const struct hvm_portio_exit *e);
void ioreq_note_mmio(struct vcpu *v, gpa_t gpa, unsigned long gla);

#endif
