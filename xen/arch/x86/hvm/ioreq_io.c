/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The path of an I/O request: an access goes into the vCPU's slot of the shared
 * page, the vCPU waits (VPF_blocked_in_ioreq), and when the answer has come the
 * instruction is carried out once more from its beginning; accesses that have
 * been answered are not asked again. The device model is not trusted: a slot in
 * a state it cannot have ends the guest.
 */
#include <xen/event.h>
#include <xen/lib.h>
#include "ioreq.h"

/* The byte of struct ioreq that holds state, data_is_ptr, dir and df: it changes hands by one store. */
#define SLOT_FLAGS 30
#define FLAG_STATE 0x0f
#define FLAG_READ  0x20
_Static_assert(sizeof(struct ioreq) == 32 && offsetof(struct ioreq, type) == SLOT_FLAGS + 1,
	       "layout of a slot");

static u8 *slot_flags(struct ioreq *slot) { return (u8 *)slot + SLOT_FLAGS; }

/* What kind of request an access is: ports of the PCI configuration mechanism name a device. */
static void classify(struct ioreq_servers *all, const struct ioreq_answer *a, u8 *type, u64 *addr)
{
	u32 cf8 = READ_ONCE(all->cf8);

	*type = a->mmio ? IOREQ_TYPE_COPY : IOREQ_TYPE_PIO;
	*addr = a->addr;
	if (a->mmio || a->addr < 0xcfc || a->addr + a->size > 0xd00 || !(cf8 & 0x80000000))
		return;
	*type = IOREQ_TYPE_PCI_CONFIG;
	*addr = (u64)(cf8 >> 8 & 0xffff) << 32 | (cf8 & 0xfc) | (a->addr & 3);
}

static bool server_wants(struct ioreq_server *s, u8 type, u64 addr, unsigned int size)
{
	switch (type) {
	case IOREQ_TYPE_PCI_CONFIG:
		return rangeset_contains(s->range[XEN_DMOP_IO_RANGE_PCI], addr >> 32, addr >> 32);
	case IOREQ_TYPE_COPY:
		return rangeset_contains(s->range[XEN_DMOP_IO_RANGE_MEMORY], addr, addr + size - 1);
	default:
		return rangeset_contains(s->range[XEN_DMOP_IO_RANGE_PORT], addr, addr + size - 1);
	}
}

static struct ioreq_server *select_server(struct ioreq_servers *all, u8 type, u64 addr, unsigned int size)
{
	unsigned int i;

	for (i = IOREQ_SERVERS_MAX; i-- > 0;) {
		struct ioreq_server *s = READ_ONCE(all->server[i]);

		if (s && s->enabled && s->ioreq.va && server_wants(s, type, addr, size))
			return s;
	}
	return NULL;
}

/* Puts the request into the slot and makes v wait. */
static int send_request(struct vcpu *v, struct ioreq_server *s, const struct ioreq_answer *a, u8 type, u64 addr)
{
	struct ioreq_servers *all = v->domain->ioreq;
	struct hvm_io_state *st = &all->vcpu[v->vcpu_id];
	struct ioreq *slot = ioreq_slot(s, v);

	if ((READ_ONCE(*slot_flags(slot)) & FLAG_STATE) != STATE_IOREQ_NONE) {
		domain_crash(v->domain, "%pv: device model request %s", v, "slot is in use");
		return HVM_IO_RETRY;
	}
	WRITE_ONCE(slot->addr, addr);
	WRITE_ONCE(slot->data, a->write ? a->val : 0);
	WRITE_ONCE(slot->count, 1);
	WRITE_ONCE(slot->size, a->size);
	WRITE_ONCE(slot->type, type);
	WRITE_ONCE(slot->vp_eport, s->vcpu_port[v->vcpu_id]);
	st->server = s;
	st->asked = *a;
	v->arch.hvm.io = st;
	set_bit(VPF_blocked_in_ioreq, &v->pause_flags);
	smp_store_release(slot_flags(slot), (u8)(STATE_IOREQ_READY | (a->write ? 0 : FLAG_READ)));
	notify_via_xen_event_channel(v->domain, s->vcpu_port[v->vcpu_id]);
	raise_softirq(SCHEDULE_SOFTIRQ);
	return HVM_IO_RETRY;
}

static bool same_access(const struct ioreq_answer *x, const struct ioreq_answer *y)
{
	return x->addr == y->addr && x->size == y->size && x->mmio == y->mmio && x->write == y->write;
}

/* HVM_IO_OK with the answer, HVM_IO_RETRY when it was asked for, HVM_IO_UNHANDLED when nobody claims it. */
int ioreq_access(struct vcpu *v, bool mmio, u64 addr, unsigned int size, bool write, u64 *val)
{
	struct ioreq_servers *all = smp_load_acquire(&v->domain->ioreq);
	struct ioreq_answer a = {
		.addr = addr,
		.size = (u8)size,
		.mmio = mmio,
		.write = write,
		.val = write ? *val : 0,
	};
	struct hvm_io_state *st;
	struct ioreq_server *s;
	u64 req_addr;
	u8 type;

	if (likely(!all))
		return HVM_IO_UNHANDLED;
	if (!mmio && write && addr == 0xcf8 && size == 4)
		WRITE_ONCE(all->cf8, (u32)*val);
	st = &all->vcpu[v->vcpu_id];
	if (st->replayed < st->done_count) {
		const struct ioreq_answer *old = &st->done[st->replayed];

		if (same_access(old, &a)) {
			st->replayed++;
			if (!write)
				*val = old->val;
			return HVM_IO_OK;
		}
		st->done_count = st->replayed; /* the instruction is another one now */
	}
	classify(all, &a, &type, &req_addr);
	s = select_server(all, type, req_addr, size);
	return s ? send_request(v, s, &a, type, req_addr) : HVM_IO_UNHANDLED;
}

void ioreq_forget(struct vcpu *v)
{
	struct ioreq_servers *all = v->domain->ioreq;

	if (likely(!all))
		return;
	all->vcpu[v->vcpu_id].done_count = 0;
	all->vcpu[v->vcpu_id].replayed = 0;
}

void ioreq_note_portio(struct vcpu *v, const struct hvm_portio_exit *e)
{
	struct hvm_io_state *st = v->arch.hvm.io;

	st->portio = *e;
	st->again_portio = true;
	st->again_mmio = false;
}

void ioreq_note_mmio(struct vcpu *v, gpa_t gpa, unsigned long gla)
{
	struct hvm_io_state *st = v->arch.hvm.io;

	st->gpa = gpa;
	st->gla = gla;
	st->again_mmio = true;
	st->again_portio = false;
}

void ioreq_answered(struct vcpu *v, u32 port)
{
	clear_bit(VPF_blocked_in_ioreq, &v->pause_flags);
	vcpu_wake(v);
}

void ioreq_abandon(struct ioreq_server *s)
{
	struct vcpu *v;

	for_each_vcpu(s->target, v) {
		struct hvm_io_state *st = &s->target->ioreq->vcpu[v->vcpu_id];

		if (st->server != s)
			continue;
		st->server = NULL;
		if (v->arch.hvm.io)
			ioreq_answered(v, 0);
	}
}

enum answer { ANSWER_THERE, ANSWER_PENDING, ANSWER_BROKEN };

static enum answer look_for_answer(struct vcpu *v, struct hvm_io_state *st)
{
	struct ioreq *slot = st->server ? ioreq_slot(st->server, v) : NULL;

	if (!slot) {
		st->asked.val = ~0ULL;
		return ANSWER_THERE;
	}
	switch (smp_load_acquire(slot_flags(slot)) & FLAG_STATE) {
	case STATE_IORESP_READY:
		if (!st->asked.write)
			st->asked.val = READ_ONCE(slot->data);
		smp_store_release(slot_flags(slot), STATE_IOREQ_NONE);
		return ANSWER_THERE;
	case STATE_IOREQ_READY:
	case STATE_IOREQ_INPROCESS:
		return ANSWER_PENDING;
	default:
		return ANSWER_BROKEN;
	}
}

static void run_again(struct vcpu *v, struct hvm_io_state *st)
{
	const struct hvm_portio_exit *e = &st->portio;

	if (st->again_portio)
		hvm_handle_portio_exit(v, e->port, e->size, e->write, e->string, e->rep, e->insn_len,
				       e->addr_size, (enum hvm_seg)e->seg);
	else if (st->again_mmio)
		hvm_emulate_mmio(v, st->gpa, true, st->gla);
}

bool hvm_io_resume(struct vcpu *v)
{
	struct hvm_io_state *st = v->arch.hvm.io;
	enum answer a = look_for_answer(v, st);

	if (a == ANSWER_PENDING) {
		/* Announce the wait, then look again: an answer in between has no one to wake. */
		set_bit(VPF_blocked_in_ioreq, &v->pause_flags);
		smp_mb();
		a = look_for_answer(v, st);
		if (a == ANSWER_PENDING) {
			raise_softirq(SCHEDULE_SOFTIRQ);
			return false;
		}
		clear_bit(VPF_blocked_in_ioreq, &v->pause_flags);
	}
	if (a == ANSWER_BROKEN || st->done_count == IOREQ_ANSWERS_MAX) {
		v->arch.hvm.io = NULL;
		domain_crash(v->domain, "%pv: device model request %s", v,
			     a == ANSWER_BROKEN ? "is in no valid state" : "belongs to an endless instruction");
		return false;
	}
	v->arch.hvm.io = NULL;
	st->server = NULL;
	st->done[st->done_count++] = st->asked;
	st->replayed = 0;
	run_again(v, st);
	return !v->arch.hvm.io;
}
