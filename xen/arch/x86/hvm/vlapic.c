/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual local APIC: registers, by memory (xAPIC) and by MSR (x2APIC), and the
 * way of a vector through IRR and ISR. SDM volume 3, "Advanced Programmable
 * Interrupt Controller".
 */
#include <xen/lib.h>
#include <xen/smp.h>
#include "vlapic.h"
#include <public/hvm/save.h>

/* Version 14h, six LVT entries, no suppression of EOI broadcasts. */
#define VLAPIC_VERSION 0x00050014

/* Bits software may set in the LVT entries, from APIC_LVTT on. */
static const u32 lvt_mask[6] = { 0x700ff, 0x107ff, 0x107ff, 0x1a7ff, 0x1a7ff, 0x100ff };

void *vlapic_regs(struct vcpu *v) { return v->arch.vlapic->regs; }

void *vlapic_posted(struct vcpu *v) { return &v->arch.vlapic->posted; }

bool vlapic_enabled(const struct vcpu *v)
{
	const struct vlapic *l = v->arch.vlapic;

	return vlapic_hw_enabled(l) && (vlapic_reg(l, APIC_SPIV) & APIC_SPIV_ENABLE);
}

/* ---- IRR, ISR, priorities ---- */

static int highest_vector(const struct vlapic *l, unsigned int field)
{
	int word;

	for (word = 7; word >= 0; word--) {
		u32 bits = vlapic_reg(l, field + (unsigned int)word * 16);

		if (bits)
			return word * 32 + 31 - __builtin_clz(bits);
	}
	return -1;
}

static void recount_isr(struct vlapic *l)
{
	unsigned int word;

	l->isr_top = (s16)highest_vector(l, APIC_ISR);
	l->isr_count = 0;
	for (word = 0; word < 8; word++)
		l->isr_count += (u16)__builtin_popcount(vlapic_reg(l, APIC_ISR + word * 16));
}

/* Processor priority: the task priority, or the class of what is in service. Others read it for arbitration. */
u32 vlapic_ppr(const struct vlapic *l)
{
	u32 tpr = vlapic_reg(l, APIC_TPR) & 0xff;
	int top = l->by_cpu ? highest_vector(l, APIC_ISR) : READ_ONCE(l->isr_top);
	u32 service = top < 0 ? 0 : (u32)top & 0xf0;

	return (tpr & 0xf0) >= service ? tpr : service;
}

/* The way of a vector to an APIC whose page is the CPU's; the order of the steps is docs/vmx.md's. */
static void post(struct vlapic *l, u8 vector, bool level)
{
	u32 *words = level ? l->held : l->posted.requests;
	bool notify = true;

	(void)__atomic_fetch_or(&words[vector >> 5], 1U << (vector & 31), __ATOMIC_SEQ_CST);
	if (!level)
		notify = !(__atomic_fetch_or(&l->posted.outstanding, 1U, __ATOMIC_SEQ_CST) & 1);
	WRITE_ONCE(l->irr_pending, true);
	if (notify)
		vcpu_notify(l->vcpu,
			    !level && hvm_has_posted_interrupts() ? smp_send_posted : smp_send_event_check);
}

void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
	struct vlapic *l = v->arch.vlapic;
	u32 bit = 1U << (vector & 31);
	u32 *tmr = vlapic_vector_word(l, APIC_TMR, vector);

	if (level)
		(void)__atomic_fetch_or(tmr, bit, __ATOMIC_RELAXED);
	else if (READ_ONCE(*tmr) & bit)
		(void)__atomic_fetch_and(tmr, ~bit, __ATOMIC_RELAXED);
	if (l->by_cpu) {
		post(l, vector, level);
		return;
	}
	(void)__atomic_fetch_or(vlapic_vector_word(l, APIC_IRR, vector), bit, __ATOMIC_SEQ_CST);
	WRITE_ONCE(l->irr_pending, true);
	vcpu_kick(v);
}

/* The vCPU is not in guest mode. True: there was something; the CPU must be told before the next entry. */
static bool take_posted(struct vlapic *l)
{
	unsigned int word;
	bool any = false;

	if (READ_ONCE(l->posted.outstanding))
		(void)xchg(&l->posted.outstanding, 0U);
	for (word = 0; word < 8; word++) {
		u32 bits = READ_ONCE(l->posted.requests[word]) ? xchg(&l->posted.requests[word], 0U) : 0;

		if (READ_ONCE(l->held[word]))
			bits |= xchg(&l->held[word], 0U);
		if (bits) {
			vlapic_set_reg(l, APIC_IRR + word * 16, vlapic_reg(l, APIC_IRR + word * 16) | bits);
			any = true;
		}
	}
	return any;
}

/* Before an entry: the CPU learns what came, what was changed by emulation, and whose EOI must be told of. */
static void tell_cpu(struct vlapic *l)
{
	u64 level[4];
	unsigned int i;
	int irr, isr;

	WRITE_ONCE(l->irr_pending, false);
	smp_mb(); /* what is posted from here on sets the flag again */
	(void)take_posted(l);
	irr = vlapic_enabled(l->vcpu) ? highest_vector(l, APIC_IRR) : -1;
	isr = highest_vector(l, APIC_ISR);
	for (i = 0; i < 4; i++)
		level[i] = vlapic_reg(l, APIC_TMR + i * 32) | (u64)vlapic_reg(l, APIC_TMR + i * 32 + 16) << 32;
	hvm->sync_apic(l->vcpu, (u8)max(irr, 0), (u8)max(isr, 0), level, vlapic_is_x2apic(l));
}

static noinline int look_for_vector(struct vlapic *l)
{
	int vector;

	if (l->by_cpu) {
		tell_cpu(l);
		return -1;
	}
	/* What waits in an APIC that is disabled is looked for again when it is enabled. */
	WRITE_ONCE(l->irr_pending, false);
	if (!vlapic_enabled(l->vcpu))
		return -1;
	smp_mb(); /* a bit set from here on sets the flag again */
	vector = highest_vector(l, APIC_IRR);
	if (vector < 0)
		return -1;
	WRITE_ONCE(l->irr_pending, true);
	return ((u32)vector & 0xf0) > (vlapic_ppr(l) & 0xf0) ? vector : -1;
}

int vlapic_pending_vector(struct vcpu *v)
{
	struct vlapic *l = v->arch.vlapic;

	return likely(!READ_ONCE(l->irr_pending)) ? -1 : look_for_vector(l);
}

bool vlapic_interrupt_pending(struct vcpu *v)
{
	struct vlapic *l = v->arch.vlapic;

	if (!l->by_cpu)
		return vlapic_pending_vector(v) >= 0;
	/* Whoever posted it may not have set the flag yet, and a notification alone would find nothing. */
	if (take_posted(l))
		WRITE_ONCE(l->irr_pending, true);
	return vlapic_enabled(v) && (highest_vector(l, APIC_IRR) & ~0xf) > (int)(vlapic_ppr(l) & 0xf0);
}

void vlapic_accept(struct vcpu *v, u8 vector)
{
	struct vlapic *l = v->arch.vlapic;
	u32 bit = 1U << (vector & 31);
	u32 *isr = vlapic_vector_word(l, APIC_ISR, vector);

	(void)__atomic_fetch_and(vlapic_vector_word(l, APIC_IRR, vector), ~bit, __ATOMIC_SEQ_CST);
	if (!(*isr & bit)) {
		*isr |= bit;
		l->isr_count++;
	}
	if (vector > l->isr_top)
		WRITE_ONCE(l->isr_top, (s16)vector);
}

static void vlapic_eoi(struct vlapic *l)
{
	int vector;
	u32 bit;

	if (l->by_cpu) {
		recount_isr(l);
		WRITE_ONCE(l->irr_pending, true);
	}
	vector = l->isr_top;
	if (vector < 0)
		return;
	bit = 1U << (vector & 31);
	*vlapic_vector_word(l, APIC_ISR, (u8)vector) &= ~bit;
	l->isr_count--;
	WRITE_ONCE(l->isr_top, (s16)(l->isr_count ? highest_vector(l, APIC_ISR) : -1));
	if (READ_ONCE(*vlapic_vector_word(l, APIC_TMR, (u8)vector)) & bit)
		vioapic_eoi(l->vcpu->domain, (u8)vector);
}

/* Notes an error for the ESR and raises the error interrupt, unless that is what is wrong. */
void vlapic_error(struct vlapic *l, u32 bit)
{
	u32 lvt = vlapic_reg(l, APIC_LVTERR);

	(void)__atomic_fetch_or(&l->esr, bit, __ATOMIC_RELAXED);
	if (!(lvt & APIC_LVT_MASKED) && (lvt & APIC_LVT_VECTOR) >= 16)
		vlapic_set_irq(l->vcpu, lvt & APIC_LVT_VECTOR, false);
}

u8 vlapic_get_tpr(struct vcpu *v) { return (u8)vlapic_reg(v->arch.vlapic, APIC_TPR); }

void vlapic_set_tpr(struct vcpu *v, u8 tpr) { vlapic_set_reg(v->arch.vlapic, APIC_TPR, tpr); }

/* ---- registers ---- */

/* Offsets (in units of 16 bytes) that exist in xAPIC mode. */
static bool register_exists(unsigned int off)
{
	static const u64 exists = 1ULL << 0x02 | 1ULL << 0x03 | 1ULL << 0x08 | 1ULL << 0x09 | 1ULL << 0x0a |
				  1ULL << 0x0b | 1ULL << 0x0d | 1ULL << 0x0e | 1ULL << 0x0f |
				  0xffffffULL << 0x10 | 1ULL << 0x28 | 0xffULL << 0x30 | 1ULL << 0x38 |
				  1ULL << 0x39 | 1ULL << 0x3e;

	return off < 0x400 && (exists >> (off >> 4) & 1);
}

static u32 read_register(struct vlapic *l, unsigned int off)
{
	switch (off) {
	case APIC_PPR:
		return vlapic_ppr(l);
	case APIC_APR:
	case APIC_EOI:
		return 0;
	case APIC_TMCCT:
		return vlapic_read_tmcct(l);
	default:
		return vlapic_reg(l, off);
	}
}

static void write_svr(struct vlapic *l, u32 val)
{
	unsigned int i;

	vlapic_set_reg(l, APIC_SPIV, val & 0x3ff);
	WRITE_ONCE(l->irr_pending, true); /* look again */
	if (val & APIC_SPIV_ENABLE)
		return;
	/* Software disabling masks the LVT entries, and they stay so. */
	for (i = 0; i < ARRAY_SIZE(lvt_mask); i++)
		vlapic_set_reg(l, APIC_LVTT + i * 16, vlapic_reg(l, APIC_LVTT + i * 16) | APIC_LVT_MASKED);
}

static void write_lvt(struct vlapic *l, unsigned int off, u32 val)
{
	val &= lvt_mask[(off - APIC_LVTT) >> 4];
	if (!(vlapic_reg(l, APIC_SPIV) & APIC_SPIV_ENABLE))
		val |= APIC_LVT_MASKED;
	if (off == APIC_LVTT)
		vlapic_write_lvtt(l, val);
	else
		vlapic_set_reg(l, off, val);
}

/* Registers written alike in both modes. Others are read-only: the write is dropped. */
static void write_register(struct vlapic *l, unsigned int off, u32 val)
{
	switch (off) {
	case APIC_TPR:
		vlapic_set_reg(l, APIC_TPR, val & 0xff);
		break;
	case APIC_EOI:
		vlapic_eoi(l);
		break;
	case APIC_SPIV:
		write_svr(l, val);
		break;
	case APIC_ESR:
		vlapic_set_reg(l, APIC_ESR, xchg(&l->esr, 0U));
		break;
	case APIC_TMICT:
		vlapic_write_tmict(l, val);
		break;
	case APIC_TDCR:
		vlapic_write_tdcr(l, val & 0xb);
		break;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
		write_lvt(l, off, val);
		break;
	default:
		break;
	}
}

static void write_xapic(struct vlapic *l, unsigned int off, u32 val)
{
	switch (off) {
	case APIC_LDR:
		vlapic_set_reg(l, APIC_LDR, val & 0xff000000);
		break;
	case APIC_DFR:
		vlapic_set_reg(l, APIC_DFR, val | 0x0fffffff);
		break;
	case APIC_ICR2:
		vlapic_set_reg(l, APIC_ICR2, val & 0xff000000);
		break;
	case APIC_ICR:
		val &= 0xccfff;
		vlapic_set_reg(l, APIC_ICR, val);
		vlapic_send_ipi(l, val, vlapic_reg(l, APIC_ICR2) >> 24);
		break;
	default:
		write_register(l, off, val);
		break;
	}
}

/*
 * Registers are 32 bits wide at multiples of 16. Reads of a part of one work; other shapes are undefined
 * on hardware: they read as zero here, and writes are dropped.
 */
int vlapic_mmio(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val, void *data)
{
	struct vlapic *l = v->arch.vlapic;
	unsigned int off = addr & ~PAGE_MASK, part = off & 15;

	if ((addr & PAGE_MASK) != APIC_DEFAULT_BASE || !vlapic_hw_enabled(l) || vlapic_is_x2apic(l))
		return HVM_IO_UNHANDLED;
	off &= ~15U;
	if (!write)
		*val = 0;
	if (part + size > 4 || (write && size != 4))
		return HVM_IO_OK;
	if (!register_exists(off))
		vlapic_error(l, APIC_ESR_REGISTER);
	else if (write)
		write_xapic(l, off, (u32)*val);
	else
		*val = (u64)read_register(l, off) >> (8 * part) &
		       (size == 4 ? 0xffffffffU : (1U << 8 * size) - 1);
	return HVM_IO_OK;
}

/* ---- x2APIC ---- */

/* Bits that must be zero in a write; ~0: the register is read-only, or there is none. */
static u32 x2apic_reserved(unsigned int off)
{
	switch (off) {
	case APIC_TPR:
		return ~0xffU;
	case APIC_EOI:
	case APIC_ESR:
		return ~0U;
	case APIC_SPIV:
		return ~0x3ffU;
	case APIC_ICR:
		return ~0xcdfffU;
	case APIC_LVTT:
		return ~0x710ffU;
	case APIC_LVTTHMR:
	case APIC_LVTPC:
		return ~0x117ffU;
	case APIC_LVT0:
	case APIC_LVT1:
		return ~0x1f7ffU;
	case APIC_LVTERR:
		return ~0x110ffU;
	case APIC_TMICT:
		return 0;
	case APIC_TDCR:
		return ~0xbU;
	case APIC_SELF_IPI:
		return ~0xffU;
	default:
		return ~0U;
	}
}

static bool x2apic_is_writable(unsigned int off)
{
	return x2apic_reserved(off) != ~0U || off == APIC_EOI || off == APIC_ESR;
}

static int x2apic_write(struct vlapic *l, unsigned int off, u64 val)
{
	if (off == APIC_EOI && !val) {
		vlapic_eoi(l);
		return 0;
	}
	if (!x2apic_is_writable(off) || ((u32)val & x2apic_reserved(off)) || (val >> 32 && off != APIC_ICR))
		return -EINVAL;
	switch (off) {
	case APIC_ICR:
		vlapic_set_reg(l, APIC_ICR, (u32)val & 0xccfff);
		vlapic_set_reg(l, APIC_ICR2, (u32)(val >> 32));
		vlapic_send_ipi(l, (u32)val & 0xccfff, (u32)(val >> 32));
		break;
	case APIC_SELF_IPI:
		vlapic_send_ipi(l, 0x40000 | ((u32)val & 0xff), 0);
		break;
	default:
		write_register(l, off, (u32)val);
		break;
	}
	return 0;
}

static int x2apic_read(struct vlapic *l, unsigned int off, u64 *val)
{
	if (!register_exists(off) || off == APIC_EOI || off == APIC_DFR || off == APIC_ICR2 || off == APIC_APR)
		return -EINVAL;
	*val = read_register(l, off);
	if (off == APIC_ICR)
		*val |= (u64)vlapic_reg(l, APIC_ICR2) << 32;
	return 0;
}

static void set_ids(struct vlapic *l)
{
	u32 id = vcpu_apic_id(l->vcpu->vcpu_id);

	if (vlapic_is_x2apic(l)) {
		vlapic_set_reg(l, APIC_ID, id);
		vlapic_set_reg(l, APIC_LDR, (id >> 4) << 16 | 1U << (id & 15));
	} else {
		vlapic_set_reg(l, APIC_ID, id << 24);
		vlapic_set_reg(l, APIC_LDR, 0);
	}
}

/* Only the mode changes that the SDM's state diagram allows, and the page stays where it is. */
static int write_base(struct vlapic *l, u64 val)
{
	u64 old = l->base, mode = val & (APICBASE_ENABLE | APICBASE_EXTD);
	u64 old_mode = old & (APICBASE_ENABLE | APICBASE_EXTD);

	if ((val & ~(u64)(APICBASE_ENABLE | APICBASE_EXTD | APICBASE_BSP)) != APIC_DEFAULT_BASE)
		return -EINVAL;
	if (mode == APICBASE_EXTD)
		return -EINVAL;
	if ((old_mode == (APICBASE_ENABLE | APICBASE_EXTD) && mode == APICBASE_ENABLE) ||
	    (!old_mode && (mode & APICBASE_EXTD)))
		return -EINVAL;
	WRITE_ONCE(l->base, val);
	if (mode == old_mode)
		return 0;
	WRITE_ONCE(l->irr_pending, true); /* look again */
	if (!(mode & APICBASE_ENABLE) || !(old_mode & APICBASE_ENABLE))
		vlapic_reset(l->vcpu);
	set_ids(l);
	return 0;
}

int vlapic_rdmsr(struct vcpu *v, u32 msr, u64 *val)
{
	struct vlapic *l = v->arch.vlapic;

	if (msr - MSR_X2APIC_FIRST < 0x100)
		return vlapic_is_x2apic(l) ? x2apic_read(l, (msr - MSR_X2APIC_FIRST) << 4, val) : -EINVAL;
	switch (msr) {
	case MSR_IA32_APICBASE:
		*val = l->base;
		return 0;
	case MSR_IA32_TSC_DEADLINE:
		*val = vlapic_read_deadline(l);
		return 0;
	default:
		return -EINVAL;
	}
}

int vlapic_wrmsr(struct vcpu *v, u32 msr, u64 val)
{
	struct vlapic *l = v->arch.vlapic;

	if (msr - MSR_X2APIC_FIRST < 0x100)
		return vlapic_is_x2apic(l) ? x2apic_write(l, (msr - MSR_X2APIC_FIRST) << 4, val) : -EINVAL;
	switch (msr) {
	case MSR_IA32_APICBASE:
		return write_base(l, val);
	case MSR_IA32_TSC_DEADLINE:
		vlapic_write_deadline(l, val);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- life ---- */

/* State after INIT or a global disable: IA32_APIC_BASE, and with it the mode and the ids, stays. */
void vlapic_reset(struct vcpu *v)
{
	struct vlapic *l = v->arch.vlapic;
	unsigned int i;

	vlapic_timer_stop(l);
	memset(l->regs, 0, PAGE_SIZE);
	memset(&l->posted, 0, sizeof(l->posted));
	memset(l->held, 0, sizeof(l->held));
	vlapic_set_reg(l, APIC_LVR, VLAPIC_VERSION);
	vlapic_set_reg(l, APIC_SPIV, 0xff);
	vlapic_set_reg(l, APIC_DFR, ~0U);
	for (i = 0; i < ARRAY_SIZE(lvt_mask); i++)
		vlapic_set_reg(l, APIC_LVTT + i * 16, APIC_LVT_MASKED);
	set_ids(l);
	l->isr_top = -1;
	l->isr_count = 0;
	l->esr = 0;
	/* A vector that came in between keeps its flag only if its bit is still there: look again. */
	WRITE_ONCE(l->irr_pending, true);
}

int vlapic_init(struct vcpu *v)
{
	struct vlapic *l = xzalloc(struct vlapic);

	if (!l)
		return -ENOMEM;
	l->regs = alloc_xenheap_page();
	if (!l->regs) {
		xfree(l);
		return -ENOMEM;
	}
	l->vcpu = v;
	l->by_cpu = hvm_has_apicv();
	l->got_sipi = -1;
	l->base = APIC_DEFAULT_BASE | APICBASE_ENABLE | (v->vcpu_id ? 0 : APICBASE_BSP);
	vlapic_timer_init(l);
	v->arch.vlapic = l;
	vlapic_reset(v);
	return 0;
}

void vlapic_destroy(struct vcpu *v)
{
	struct vlapic *l = v->arch.vlapic;

	if (!l)
		return;
	kill_timer(&l->timer);
	v->arch.vlapic = NULL;
	free_xenheap_page(l->regs);
	xfree(l);
}

/* ---- save records ---- */

void vlapic_save(struct vcpu *v, struct hvm_hw_lapic *hid, struct hvm_hw_lapic_regs *regs)
{
	struct vlapic *l = v->arch.vlapic;

	*hid = (struct hvm_hw_lapic){
		.apic_base_msr = l->base,
		.disabled = (vlapic_hw_enabled(l) ? 0 : 2) |
			    (vlapic_reg(l, APIC_SPIV) & APIC_SPIV_ENABLE ? 0 : 1),
		.timer_divisor = vlapic_timer_divisor(l),
		.tdt_msr = vlapic_read_deadline(l),
	};
	if (take_posted(l))
		WRITE_ONCE(l->irr_pending, true);
	vlapic_set_reg(l, APIC_PPR, vlapic_ppr(l));
	vlapic_set_reg(l, APIC_TMCCT, vlapic_read_tmcct(l));
	memcpy(regs->data, l->regs, sizeof(regs->data));
}

int vlapic_load(struct vcpu *v, const struct hvm_hw_lapic *hid, const struct hvm_hw_lapic_regs *regs)
{
	struct vlapic *l = v->arch.vlapic;
	u64 mode = hid->apic_base_msr & (APICBASE_ENABLE | APICBASE_EXTD);
	unsigned int i;
	u32 ldr;

	if ((hid->apic_base_msr & ~(u64)(APICBASE_ENABLE | APICBASE_EXTD | APICBASE_BSP)) != APIC_DEFAULT_BASE ||
	    mode == APICBASE_EXTD)
		return -EINVAL;
	vlapic_timer_stop(l);
	WRITE_ONCE(l->base, hid->apic_base_msr);
	memcpy(l->regs, regs->data, sizeof(regs->data));
	ldr = vlapic_reg(l, APIC_LDR);
	set_ids(l);
	if (!vlapic_is_x2apic(l))
		vlapic_set_reg(l, APIC_LDR, ldr & 0xff000000);
	vlapic_set_reg(l, APIC_LVR, VLAPIC_VERSION);
	vlapic_set_reg(l, APIC_TPR, vlapic_reg(l, APIC_TPR) & 0xff);
	vlapic_set_reg(l, APIC_SPIV, vlapic_reg(l, APIC_SPIV) & 0x3ff);
	vlapic_set_reg(l, APIC_TDCR, vlapic_reg(l, APIC_TDCR) & 0xb);
	for (i = 0; i < ARRAY_SIZE(lvt_mask); i++)
		vlapic_set_reg(l, APIC_LVTT + i * 16, vlapic_reg(l, APIC_LVTT + i * 16) & lvt_mask[i]);
	recount_isr(l);
	l->tsc_deadline = hid->tdt_msr;
	vlapic_timer_restart(l);
	WRITE_ONCE(l->irr_pending, true);
	return 0;
}
