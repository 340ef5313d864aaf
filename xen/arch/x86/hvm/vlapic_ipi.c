/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt messages between virtual local APICs and from devices: who is
 * meant, and what the message does there. INIT and start-up IPIs are noted
 * with the target, which carries them out itself before its next entry, so
 * nobody waits for another CPU.
 */
#include <xen/lib.h>
#include "platform.h"
#include "vlapic.h"

#define BROADCAST_X2APIC 0xffffffffU
#define BROADCAST_XAPIC	 0xffU

static void post_init(struct vcpu *t)
{
	struct vlapic *l = t->arch.vlapic;

	spin_lock(&t->domain->domain_lock);
	if (t->is_initialised) {
		l->got_init = true;
		l->got_sipi = -1;
		t->is_initialised = false;
		WRITE_ONCE(t->arch.hvm.init_pending, true);
	}
	spin_unlock(&t->domain->domain_lock);
	vcpu_kick(t);
}

/* Counts only for a vCPU that waits for it: after INIT, or never started. */
static void post_sipi(struct vcpu *t, u8 vector)
{
	struct vlapic *l = t->arch.vlapic;
	bool start;

	spin_lock(&t->domain->domain_lock);
	start = !t->is_initialised;
	if (start) {
		l->got_sipi = vector;
		t->is_initialised = true;
		WRITE_ONCE(t->arch.hvm.init_pending, true);
		clear_bit(VPF_wait_sipi, &t->pause_flags);
		clear_bit(VPF_down, &t->pause_flags);
	}
	spin_unlock(&t->domain->domain_lock);
	if (start)
		vcpu_kick(t);
	vcpu_wake(t);
}

bool vlapic_handle_init(struct vcpu *v)
{
	struct vlapic *l = v->arch.vlapic;
	bool init;
	int sipi;

	spin_lock(&v->domain->domain_lock);
	init = l->got_init;
	sipi = l->got_sipi;
	l->got_init = false;
	l->got_sipi = -1;
	WRITE_ONCE(v->arch.hvm.init_pending, false);
	if (init && sipi < 0) {
		set_bit(VPF_wait_sipi, &v->pause_flags);
		set_bit(VPF_down, &v->pause_flags);
	}
	spin_unlock(&v->domain->domain_lock);

	if (init || sipi >= 0) {
		hvm_vcpu_reset(v);
		vlapic_reset(v);
	}
	if (sipi >= 0)
		hvm_vcpu_sipi(v, (u8)sipi);
	else if (init)
		raise_softirq(SCHEDULE_SOFTIRQ);
	return sipi >= 0 || !init;
}

/* What a message does at one target that it names. False: it was not accepted. */
static bool accept_message(struct vcpu *t, u8 mode, u8 vector, bool level)
{
	switch (mode) {
	case DM_FIXED:
	case DM_LOWEST:
		if (!vlapic_enabled(t))
			return false;
		if (unlikely(vector < 16))
			vlapic_error(t->arch.vlapic, APIC_ESR_RECEIVE_VECTOR);
		else
			vlapic_set_irq(t, vector, level);
		return true;
	case DM_NMI:
		hvm_inject_nmi(t);
		vcpu_kick(t);
		return true;
	default:
		return false; /* SMI, ExtINT: there is nothing they could reach */
	}
}

static bool matches_logical(const struct vlapic *l, u32 dest)
{
	u32 ldr = vlapic_reg(l, APIC_LDR);

	if (vlapic_is_x2apic(l))
		return dest == BROADCAST_X2APIC || (dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff));
	if (dest == BROADCAST_X2APIC)
		return true;
	ldr >>= 24;
	if (vlapic_reg(l, APIC_DFR) >> 28 == 0xf)
		return dest & ldr & 0xff;
	return ((dest >> 4 & 0xf) == ldr >> 4 || (dest >> 4 & 0xf) == 0xf) && (dest & ldr & 0xf);
}

static bool is_broadcast(u32 dest) { return dest == BROADCAST_X2APIC || dest == BROADCAST_XAPIC; }

static bool matches(const struct vcpu *t, u32 dest, bool logical)
{
	const struct vlapic *l = READ_ONCE(t->arch.vlapic);

	if (!l || !vlapic_hw_enabled(l))
		return false;
	if (logical)
		return matches_logical(l, dest);
	return is_broadcast(dest) || dest == vcpu_apic_id(t->vcpu_id);
}

/* The vCPU with this physical id, or NULL. */
static struct vcpu *by_apic_id(struct domain *d, u32 id)
{
	struct vcpu *t;

	if ((id & 1) || id / 2 >= d->max_vcpus)
		return NULL;
	t = READ_ONCE(d->vcpu[id / 2]);
	return t && matches(t, id, false) ? t : NULL;
}

/* Lowest-priority arbitration among those that match: who is least busy with interrupts. */
static struct vcpu *lowest_priority(struct domain *d, u32 dest, bool logical)
{
	struct vcpu *t, *best = NULL;

	for_each_vcpu(d, t)
		if (matches(t, dest, logical) && vlapic_enabled(t) &&
		    (!best || vlapic_ppr(t->arch.vlapic) < vlapic_ppr(best->arch.vlapic)))
			best = t;
	return best;
}

struct vcpu *vlapic_find_target(struct domain *d, u32 dest, bool logical)
{
	struct vcpu *t;

	for_each_vcpu(d, t)
		if (matches(t, dest, logical))
			return t;
	return NULL;
}

bool vlapic_deliver(struct domain *d, u32 dest, bool logical, u8 delivery_mode, u8 vector, bool level)
{
	struct vcpu *t;
	bool any = false;

	if (delivery_mode == DM_LOWEST && (logical || is_broadcast(dest))) {
		t = lowest_priority(d, dest, logical);
		return t && accept_message(t, DM_FIXED, vector, level);
	}
	if (!logical && !is_broadcast(dest)) {
		t = by_apic_id(d, dest);
		return t && accept_message(t, delivery_mode, vector, level);
	}
	for_each_vcpu(d, t)
		if (matches(t, dest, logical))
			any |= accept_message(t, delivery_mode, vector, level);
	return any;
}

bool vlapic_deliver_msi(struct domain *d, u64 addr, u32 data)
{
	if ((addr & ~0xfffffULL) != 0xfee00000ULL)
		return false;
	return vlapic_deliver(d, addr >> 12 & 0xff, addr & 4, data >> 8 & 7, data & 0xff, data & 0x8000);
}

/* One target of an IPI. Level-triggered IPIs do not exist on processors of today. */
static void send_one(struct vcpu *t, u8 mode, u8 vector)
{
	switch (mode) {
	case DM_INIT:
		post_init(t);
		break;
	case DM_STARTUP:
		post_sipi(t, vector);
		break;
	default:
		accept_message(t, mode, vector, false);
		break;
	}
}

static void send_shorthand(struct vlapic *l, unsigned int shorthand, u8 mode, u8 vector)
{
	struct vcpu *t;

	for_each_vcpu(l->vcpu->domain, t) {
		if (t == l->vcpu ? shorthand == 3 : shorthand == 1)
			continue;
		if (matches(t, BROADCAST_X2APIC, false))
			send_one(t, mode, vector);
	}
}

/* SDM, "Interrupt Command Register". dest: 8 bits in xAPIC mode, 32 in x2APIC mode. */
void vlapic_send_ipi(struct vlapic *l, u32 icr_low, u32 dest)
{
	struct domain *d = l->vcpu->domain;
	u8 mode = icr_low >> 8 & 7, vector = (u8)icr_low;
	unsigned int shorthand = icr_low >> 18 & 3;
	bool logical = icr_low & 0x800;
	struct vcpu *t;

	if (unlikely(vector < 16 && mode <= DM_LOWEST)) {
		vlapic_error(l, APIC_ESR_SEND_VECTOR);
		return;
	}
	/* The de-assertion of INIT only matters to processors with a bus between their APICs. */
	if (mode == DM_INIT && (icr_low & 0xc000) == 0x8000)
		return;
	if (shorthand) {
		send_shorthand(l, shorthand, mode, vector);
		return;
	}
	if (mode <= DM_NMI) {
		vlapic_deliver(d, dest, logical, mode, vector, false);
		return;
	}
	for_each_vcpu(d, t)
		if (matches(t, dest, logical))
			send_one(t, mode, vector);
}
