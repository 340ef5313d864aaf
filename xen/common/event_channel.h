/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels from the inside: the structure of a port, and the two ways
 * its pending state reaches the guest (2-level bitmaps, FIFO queues).
 *
 * Sending takes no lock. A port's structure stays in place until its domain is
 * freed, after an RCU grace period, and the peer is one pointer, so a sender
 * either sees it or does not. Changes of state are made under the event lock
 * of every domain that has an end. What a late sender can do is set a port pending
 * that has just been closed or bound anew: the ABI has guests expect that.
 */
#ifndef COMMON_EVENT_CHANNEL_H
#define COMMON_EVENT_CHANNEL_H

#include <xen/sched.h>

enum evtchn_state { ECS_FREE, ECS_RESERVED, ECS_UNBOUND, ECS_INTERDOMAIN, ECS_VIRQ, ECS_IPI };

struct evtchn {
	struct domain *domain; /* [c] whose port it is */
	struct evtchn *remote; /* the other end; NULL unless interdomain. READ_ONCE by senders */
	void (*notify)(struct vcpu *v, u32 port); /* the hypervisor's end: called instead of setting pending */
	u32 port; /* [c] */
	u8 state; /* enum evtchn_state */
	u8 priority; /* FIFO */
	u8 last_priority; /* queue it was linked on last: by whoever sets LINKED */
	bool pending; /* FIFO: set before its event word existed */
	u16 notify_vcpu;
	u16 last_vcpu;
	domid_t remote_domid; /* unbound: who may bind */
	u32 virq;
};
#define EVTCHNS_PER_BLOCK 64

/* The bound of port numbers by the ABI the domain uses now. */
u32 evtchn_abi_ports(const struct domain *d);

static inline struct evtchn *evtchn_by_port(const struct domain *d, u32 port)
{
	if (port >= READ_ONCE(d->evtchn.valid_ports))
		return NULL;
	smp_rmb();
	return d->evtchn.bucket[port / EVTCHNS_PER_BLOCK] + port % EVTCHNS_PER_BLOCK;
}

/* Wakes vCPUs of d that wait in SCHEDOP_poll for this port. */
void evtchn_wake_pollers(struct domain *d, u32 port);

/* event_channel.c, for event_op.c; comments stand there. */
int evtchn_get_free_port(struct domain *d);
struct evtchn *evtchn_open(struct domain *d, u32 port, enum evtchn_state state, unsigned int vcpu);
void evtchn_lock_both(struct domain *a, struct domain *b);
void evtchn_unlock_both(struct domain *a, struct domain *b);
int evtchn_close(struct domain *d, u32 port, bool by_guest);
int evtchn_close_all(struct domain *d, u32 *next, bool all);
bool evtchn_port_is_masked(struct domain *d, u32 port);
bool virq_is_per_vcpu(u32 virq);

/* event_2l.c */
void evtchn_2l_set_pending(struct vcpu *v, const struct evtchn *chn);
void evtchn_2l_clear_pending(struct domain *d, const struct evtchn *chn);
void evtchn_2l_unmask(struct domain *d, const struct evtchn *chn);
bool evtchn_2l_is_pending(const struct domain *d, u32 port);
bool evtchn_2l_is_masked(const struct domain *d, u32 port);

/* event_fifo.c: only while d->evtchn.fifo is set. */
void evtchn_fifo_set_pending(struct vcpu *v, struct evtchn *chn);
void evtchn_fifo_clear_pending(struct domain *d, const struct evtchn *chn);
void evtchn_fifo_unmask(struct domain *d, struct evtchn *chn);
bool evtchn_fifo_is_pending(const struct domain *d, u32 port);
bool evtchn_fifo_is_masked(const struct domain *d, u32 port);
int evtchn_fifo_init_control(struct evtchn_init_control *op);
int evtchn_fifo_expand_array(const struct evtchn_expand_array *op);
/* Back to 2-level; the pages are put after a grace period. Caller holds the event lock. */
void evtchn_fifo_destroy(struct domain *d);

/* chn's owner's vCPU learns of it. */
static inline void evtchn_set_pending(struct evtchn *chn)
{
	struct domain *d = chn->domain;
	struct vcpu *v = d->vcpu[READ_ONCE(chn->notify_vcpu)];

	/* The tool stack may make channels before vCPUs. */
	if (unlikely(!v))
		return;
	if (READ_ONCE(d->evtchn.fifo))
		evtchn_fifo_set_pending(v, chn);
	else
		evtchn_2l_set_pending(v, chn);
	if (unlikely(READ_ONCE(d->evtchn.poll_mask)))
		evtchn_wake_pollers(d, chn->port);
}

#endif
