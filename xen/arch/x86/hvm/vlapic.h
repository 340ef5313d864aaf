/* SPDX-License-Identifier: GPL-2.0-only */
/* State of a virtual local APIC, shared by its three files: registers, timer, IPIs. */
#ifndef HVM_VLAPIC_H
#define HVM_VLAPIC_H

#include <xen/sched.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>

/* Register offsets: asm/apic.h. The x2APIC MSR of a register is 0x800 + offset / 16. */
#define APIC_APR	0x090
#define APIC_LVT_VECTOR 0xff

/* Delivery modes as the three bits they are in messages. */
enum { DM_FIXED, DM_LOWEST, DM_SMI, DM_NMI = 4, DM_INIT, DM_STARTUP, DM_EXTINT };

#define APIC_ESR_SEND_VECTOR	0x20
#define APIC_ESR_RECEIVE_VECTOR 0x40
#define APIC_ESR_REGISTER	0x80

/* The posted-interrupt descriptor: SDM volume 3, "Posted-Interrupt Processing". */
struct posted_interrupts {
	u32 requests[8]; /* atomic */
	u32 outstanding; /* atomic; bit 0: a notification is under way */
	u32 reserved[7];
} __aligned(64);

/*
 * [o]: only by the vCPU itself, or while it does not run; [a]: atomic, by anybody; [t]: under timer_lock.
 * The register page has the layout of the CPU's virtual-APIC page: IRR and TMR [a], timer registers [t],
 * everything else [o] and read by others with READ_ONCE.
 */
struct vlapic {
	struct posted_interrupts posted; /* [a] by_cpu: vectors on their way to the IRR, which is the CPU's in guest mode */
	u8 *regs; /* [c] a page of its own */
	struct vcpu *vcpu; /* [c] */
	u64 base; /* [o] IA32_APIC_BASE */
	bool by_cpu; /* [c] the CPU delivers interrupts from the page (docs/vmx.md, "APIC virtualisation") */
	/*
	 * [a] false: the IRR is empty; set after, cleared before, a bit in it. by_cpu: false: the CPU knows what is in
	 * the page, and nothing is posted.
	 */
	bool irr_pending;
	s16 isr_top; /* [o] highest bit in the ISR, -1: none; stale with by_cpu */
	u16 isr_count; /* [o] bits in the ISR; stale with by_cpu */
	u32 held[8]; /* [a] by_cpu: as posted, level-triggered: only the hypervisor may hand them on */
	u32 esr; /* [a] errors since the last write to the ESR */

	spinlock_t timer_lock; /* RANK_HVM */
	struct timer timer;
	u64 tsc_deadline; /* [t] guest TSC, 0: not armed */
	s_time_t timer_start; /* [t] when the current count began */
	s_time_t timer_period; /* [t] its length in ns, 0: not running */

	bool got_init; /* domain_lock: INIT arrived, not carried out yet */
	s16 got_sipi; /* domain_lock: vector of a start-up IPI to carry out, -1: none */
};

/* Such sizes are aligned to what the descriptor needs (xmalloc.c). */
_Static_assert(sizeof(struct vlapic) <= 512 && !(sizeof(struct vlapic) & 63), "objects of whole cache lines");

static inline u32 vlapic_reg(const struct vlapic *l, unsigned int off)
{
	return READ_ONCE(*(const u32 *)(l->regs + off));
}
static inline void vlapic_set_reg(struct vlapic *l, unsigned int off, u32 val)
{
	WRITE_ONCE(*(u32 *)(l->regs + off), val);
}
/* The 32-bit word of a 256-bit field that holds vector. */
static inline u32 *vlapic_vector_word(struct vlapic *l, unsigned int field, u8 vector)
{
	return (u32 *)(l->regs + field + (vector >> 5) * 16);
}
static inline bool vlapic_is_x2apic(const struct vlapic *l) { return READ_ONCE(l->base) & APICBASE_EXTD; }
static inline bool vlapic_hw_enabled(const struct vlapic *l) { return READ_ONCE(l->base) & APICBASE_ENABLE; }

/* vlapic.c */
void vlapic_error(struct vlapic *l, u32 bit);
u32 vlapic_ppr(const struct vlapic *l);

/* vlapic_timer.c. Of the current vCPU unless said otherwise. */
void vlapic_timer_init(struct vlapic *l);
void vlapic_timer_stop(struct vlapic *l); /* any vCPU */
void vlapic_write_tmict(struct vlapic *l, u32 val);
void vlapic_write_tdcr(struct vlapic *l, u32 val);
void vlapic_write_lvtt(struct vlapic *l, u32 val);
void vlapic_write_deadline(struct vlapic *l, u64 val);
u32 vlapic_read_tmcct(struct vlapic *l);
u64 vlapic_read_deadline(struct vlapic *l);
void vlapic_timer_restart(struct vlapic *l); /* loaded registers; the vCPU does not run */
u32 vlapic_timer_divisor(const struct vlapic *l);

/* vlapic_ipi.c */
void vlapic_send_ipi(struct vlapic *l, u32 icr_low, u32 dest);

#endif
