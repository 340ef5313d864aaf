/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events into the guest: exceptions raised by the hypervisor, NMIs, event
 * channel upcalls by vector, vectors of the local APIC. One is injected per
 * entry; for what is left a window is opened, which exits as soon as the guest
 * can take it.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <public/hvm/params.h>
#include <public/sched.h>
#include <asm/hvm.h>
#include <asm/processor.h>

#define BLOCKED_BY_SHADOW 3U /* STI, MOV SS */
#define BLOCKED_NMI	  8U

/* ---- raising ---- */

enum exception_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

/* SDM, "Interrupt and Exception Classes". */
static enum exception_class class_of(u8 vector)
{
	switch (vector) {
	case X86_EXC_DE:
	case X86_EXC_TS:
	case X86_EXC_NP:
	case X86_EXC_SS:
	case X86_EXC_GP:
		return CONTRIBUTORY;
	case X86_EXC_PF:
		return PAGE_FAULT;
	case X86_EXC_DF:
		return DOUBLE_FAULT;
	default:
		return BENIGN;
	}
}

/* The domain ends as its tool stack chose (HVM_PARAM_TRIPLE_FAULT_REASON); by default it restarts. */
void hvm_triple_fault(struct vcpu *v)
{
	u8 reason = (u8)READ_ONCE(v->domain->arch.hvm.params[HVM_PARAM_TRIPLE_FAULT_REASON]);

	printk(XENLOG_G_WARNING "%pv: triple fault at rip %#lx: shutdown with reason %u\n", v,
	       v->arch.regs.rip, reason);
	domain_shutdown(v->domain, reason);
}

/* Faults push RF set, so that an instruction breakpoint does not hit again. */
static bool is_fault(u8 vector)
{
	return vector != X86_EXC_DB && vector != X86_EXC_BP && vector != X86_EXC_OF && vector != X86_EXC_DF;
}

/*
 * The current vCPU's instruction raises this exception; error: its error code, or negative for none.
 * Together with one that is waiting already it may become a double or triple fault (SDM, "Conditions
 * for Generating a Double Fault").
 */
void hvm_inject_exception(struct vcpu *v, u8 vector, s64 error)
{
	struct hvm_event *e = &v->arch.hvm.event;

	if (e->pending && e->type == HVM_EVENT_HW_EXCEPTION) {
		enum exception_class first = class_of(e->vector), second = class_of(vector);

		if (first == DOUBLE_FAULT) {
			e->pending = false;
			hvm_triple_fault(v);
			return;
		}
		if ((first == CONTRIBUTORY && second == CONTRIBUTORY) ||
		    (first == PAGE_FAULT && (second == CONTRIBUTORY || second == PAGE_FAULT))) {
			vector = X86_EXC_DF;
			error = 0;
		}
	}
	if (is_fault(vector))
		v->arch.regs.rflags |= X86_EFLAGS_RF;
	*e = (struct hvm_event){
		.pending = true,
		.type = HVM_EVENT_HW_EXCEPTION,
		.vector = vector,
		.has_error = error >= 0,
		.error = error >= 0 ? (u32)error : 0,
	};
}

void hvm_inject_page_fault(struct vcpu *v, u32 error, u64 cr2)
{
	bool was_fault = v->arch.hvm.event.pending && v->arch.hvm.event.vector == X86_EXC_DF;

	hvm_inject_exception(v, X86_EXC_PF, error);
	if (was_fault)
		return;
	/* v is current, so its CR2 is in the CPU; the copy is for one that is being saved. */
	v->arch.hvm.cr2 = cr2;
	write_cr2(cr2);
}

/* Any CPU may raise an NMI in any vCPU. */
void hvm_inject_nmi(struct vcpu *v)
{
	WRITE_ONCE(v->arch.hvm.nmi_pending, true);
	vcpu_kick(v);
}

/* ---- what is due ---- */

static bool callback_due(const struct vcpu *v)
{
	/* evtchn_upcall_mask means nothing to a guest that has IF. */
	return READ_ONCE(v->vcpu_info->evtchn_upcall_pending) &&
	       v->domain->arch.hvm.callback.via == HVM_PARAM_CALLBACK_TYPE_VECTOR &&
	       !v->arch.hvm.upcall_vector;
}

bool hvm_interrupt_pending(const struct vcpu *v)
{
	return READ_ONCE(v->arch.hvm.nmi_pending) || READ_ONCE(v->arch.hvm.init_pending) || callback_due(v) ||
	       vlapic_interrupt_pending((struct vcpu *)v);
}

static bool interrupts_open(const struct vcpu *v)
{
	return (v->arch.regs.rflags & X86_EFLAGS_IF) && !(v->arch.hvm.blocking & BLOCKED_BY_SHADOW);
}

static void inject_vector(struct vcpu *v, u8 type, u8 vector)
{
	struct hvm_event e = { .type = type, .vector = vector };

	hvm->inject(v, &e);
}

/* Something is due, vector being the local APIC's or -1. */
static noinline void assist(struct vcpu *v, int vector)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	bool callback = callback_due(v), taken = false;

	if (h->event.pending) {
		h->event.pending = false;
		hvm->inject(v, &h->event);
		taken = true;
	} else if (h->nmi_pending && !(h->blocking & (BLOCKED_NMI | BLOCKED_BY_SHADOW))) {
		WRITE_ONCE(h->nmi_pending, false);
		inject_vector(v, HVM_EVENT_NMI, X86_EXC_NMI);
		taken = true;
	}
	if (!taken && (callback || vector >= 0) && interrupts_open(v)) {
		/* An upcall has no place in the local APIC: the guest clears what made it due. */
		if (callback) {
			inject_vector(v, HVM_EVENT_EXTINT, v->domain->arch.hvm.callback.vector);
			callback = false;
		} else {
			vlapic_accept(v, (u8)vector);
			inject_vector(v, HVM_EVENT_EXTINT, (u8)vector);
			vector = vlapic_pending_vector(v);
		}
	}
	if (callback || vector >= 0 || h->nmi_pending)
		hvm->set_windows(v, callback || vector >= 0, h->nmi_pending);
}

/*
 * Before every entry, interrupts off. All that usually happens is four loads.
 */
void hvm_intr_assist(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	int vector = vlapic_pending_vector(v);

	if (likely(vector < 0) && !h->event.pending && !READ_ONCE(h->nmi_pending) &&
	    !READ_ONCE(v->vcpu_info->evtchn_upcall_pending))
		return;
	assist(v, vector);
}

/*
 * HVM_PARAM_CALLBACK_IRQ. As on Xen, ways that a domain without the matching interrupt
 * controller cannot use are accepted and do nothing. 0, or -EINVAL for a vector below 16.
 */
int hvm_set_callback_via(struct domain *d, u64 via)
{
	struct hvm_callback *c = &d->arch.hvm.callback;
	unsigned int type = via >> 56;
	u8 vector = (u8)via;

	if (type != HVM_PARAM_CALLBACK_TYPE_VECTOR) {
		c->via = 0;
		if (via)
			printk(XENLOG_G_INFO "%pd: event channel callback by %s is not available\n", d,
			       type == HVM_PARAM_CALLBACK_TYPE_GSI	  ? "GSI"
			       : type == HVM_PARAM_CALLBACK_TYPE_PCI_INTX ? "PCI INTx"
									  : "unknown means");
		return 0;
	}
	if (vector < 16)
		return -EINVAL;
	c->vector = vector;
	smp_wmb();
	WRITE_ONCE(c->via, HVM_PARAM_CALLBACK_TYPE_VECTOR);
	return 0;
}
