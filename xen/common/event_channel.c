// SPDX-License-Identifier: GPL-2.0-only
/*
 * Event channels: ports and their bindings. The hypercall's operations are in
 * event_op.c, the delivery to guests in event_2l.c and event_fifo.c; why sending
 * needs no lock, in event_channel.h.
 */
#include <asm/hvm.h>
#include "event_channel.h"

#define BUCKETS(max_port) ((max_port) / EVTCHNS_PER_BLOCK + 1)

u32 evtchn_abi_ports(const struct domain *d)
{
	return d->evtchn.fifo ? EVTCHN_FIFO_NR_CHANNELS : (u32)EVTCHN_2L_NR_CHANNELS;
}

/* ---- ports ---- */

/* Structures for the block that holds port. [event lock] */
static int block_add(struct domain *d, u32 port)
{
	struct evtchn *block = xzalloc_array(struct evtchn, EVTCHNS_PER_BLOCK);

	if (!block)
		return -ENOMEM;
	ASSERT(port == d->evtchn.valid_ports);
	for (u32 i = 0; i < EVTCHNS_PER_BLOCK; i++) {
		block[i].domain = d;
		block[i].port = port + i;
		block[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
		block[i].last_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	}
	d->evtchn.bucket[port / EVTCHNS_PER_BLOCK] = block;
	smp_store_release(&d->evtchn.valid_ports, port + EVTCHNS_PER_BLOCK);
	return 0;
}

/* A free port, or -ENOSPC, -ENOMEM. [event lock] */
int evtchn_get_free_port(struct domain *d)
{
	u32 end = min(d->evtchn.max_port + 1, evtchn_abi_ports(d));
	u32 port = d->evtchn.next_free;

	if (d->is_dying)
		return -EINVAL;
	while (port < min(end, d->evtchn.valid_ports) && evtchn_by_port(d, port)->state != ECS_FREE)
		port++;
	d->evtchn.next_free = port;
	if (port >= end)
		return -ENOSPC;
	if (port == d->evtchn.valid_ports && block_add(d, port))
		return -ENOMEM;
	return (int)port;
}

/* The structure of a port just found free, as a new channel. [event lock] */
struct evtchn *evtchn_open(struct domain *d, u32 port, enum evtchn_state state, unsigned int vcpu)
{
	struct evtchn *chn = evtchn_by_port(d, port);

	chn->notify_vcpu = (u16)vcpu;
	chn->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
	d->evtchn.active_count++;
	smp_store_release(&chn->state, (u8)state);
	return chn;
}

static void port_free(struct domain *d, struct evtchn *chn)
{
	chn->notify = NULL;
	WRITE_ONCE(chn->pending, false);
	WRITE_ONCE(chn->state, ECS_FREE);
	if (d->evtchn.fifo)
		evtchn_fifo_clear_pending(d, chn);
	else
		evtchn_2l_clear_pending(d, chn);
	d->evtchn.active_count--;
	d->evtchn.next_free = min(d->evtchn.next_free, chn->port);
}

/* The event locks of two domains, or of one, in the order of their addresses. */
void evtchn_lock_both(struct domain *a, struct domain *b)
{
	if (a == b) {
		spin_lock(&a->event_lock);
	} else if (a < b) {
		spin_lock(&a->event_lock);
		spin_lock_nested(&b->event_lock);
	} else {
		spin_lock(&b->event_lock);
		spin_lock_nested(&a->event_lock);
	}
}

void evtchn_unlock_both(struct domain *a, struct domain *b)
{
	if (a != b)
		spin_unlock(&b->event_lock);
	spin_unlock(&a->event_lock);
}

static void virq_unbind(struct domain *d, u32 virq, u32 port)
{
	struct vcpu *v;

	for_each_vcpu(d, v)
		if (v->virq_to_evtchn[virq] == port)
			WRITE_ONCE(v->virq_to_evtchn[virq], 0);
}

/*
 * Closes a port; the other end of an interdomain channel is unbound again and waits for d.
 * by_guest: ports of the hypervisor's own are not the guest's to close. -EINVAL: nothing to close
 * there.
 */
int evtchn_close(struct domain *d, u32 port, bool by_guest)
{
	struct evtchn *chn = evtchn_by_port(d, port), *peer;
	struct domain *other;

	if (!chn)
		return -EINVAL;
	for (;;) {
		/*
		 * The peer is only certain with both locks held; its domain cannot go while it is
		 * our peer.
		 */
		peer = READ_ONCE(chn->remote);
		other = peer ? peer->domain : d;
		evtchn_lock_both(d, other);
		if (peer == chn->remote)
			break;
		evtchn_unlock_both(d, other);
	}
	if (chn->state == ECS_FREE || chn->state == ECS_RESERVED || (by_guest && chn->notify)) {
		evtchn_unlock_both(d, other);
		return -EINVAL;
	}
	if (chn->state == ECS_VIRQ)
		virq_unbind(d, chn->virq, port);
	if (peer) {
		WRITE_ONCE(peer->remote, NULL);
		peer->remote_domid = d->domain_id;
		WRITE_ONCE(peer->state, ECS_UNBOUND);
		WRITE_ONCE(chn->remote, NULL);
	}
	port_free(d, chn);
	evtchn_unlock_both(d, other);
	return 0;
}

/* ---- sending ---- */

int evtchn_send(struct domain *ld, u32 lport)
{
	struct evtchn *chn = evtchn_by_port(ld, lport), *peer;
	void (*notify)(struct vcpu * v, u32 port);

	if (unlikely(!chn || chn->notify))
		return -EINVAL;
	peer = READ_ONCE(chn->remote);
	if (likely(peer)) {
		notify = READ_ONCE(peer->notify);
		if (unlikely(notify))
			notify(peer->domain->vcpu[peer->notify_vcpu], peer->port);
		else
			evtchn_set_pending(peer);
		return 0;
	}
	switch (READ_ONCE(chn->state)) {
	case ECS_IPI:
		evtchn_set_pending(chn);
		return 0;
	case ECS_UNBOUND:
	case ECS_INTERDOMAIN: /* being closed at this moment */
		return 0;
	default:
		return -EINVAL;
	}
}

void vcpu_mark_events_pending(struct vcpu *v)
{
	struct vcpu_info *info = READ_ONCE(v->vcpu_info);

	/* The exchange orders the port's bits before the vCPU's look at what is due. */
	if (unlikely(info == &dummy_vcpu_info) || xchg(&info->evtchn_upcall_pending, 1))
		return;
	/*
	 * By the local APIC, or by the callback vector, for which hvm_intr_assist() looks at
	 * vcpu_info.
	 */
	if (v->arch.hvm.upcall_vector)
		vlapic_set_irq(v, v->arch.hvm.upcall_vector, false);
	else
		vcpu_kick(v);
}

bool vcpu_event_delivery_due(const struct vcpu *v)
{
	const struct vcpu_info *i = v->vcpu_info;

	return READ_ONCE(i->evtchn_upcall_pending) && !READ_ONCE(i->evtchn_upcall_mask);
}

void evtchn_vcpu_info_moved(struct vcpu *v)
{
	__atomic_store_n(&v->vcpu_info->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
	v->vcpu_info->evtchn_upcall_pending = 0;
	vcpu_mark_events_pending(v);
}

void evtchn_wake_pollers(struct domain *d, u32 port)
{
	u64 left = READ_ONCE(d->evtchn.poll_mask);

	for (; left; left &= left - 1) {
		unsigned int id = (unsigned int)__builtin_ctzll(left);
		struct vcpu *v = d->vcpu[id];
		u32 waits = READ_ONCE(v->poll_evtchn);

		if ((waits == port || waits == ~0U) && test_and_clear_bit(id, &d->evtchn.poll_mask))
			vcpu_unblock(v);
	}
}

bool evtchn_port_is_pending(struct domain *d, u32 port)
{
	return d->evtchn.fifo ? evtchn_fifo_is_pending(d, port) : evtchn_2l_is_pending(d, port);
}

bool evtchn_port_is_masked(struct domain *d, u32 port)
{
	return d->evtchn.fifo ? evtchn_fifo_is_masked(d, port) : evtchn_2l_is_masked(d, port);
}

/* ---- virtual interrupts ---- */

/* Who gets a global VIRQ instead of dom0; each holds a reference. */
static struct domain *virq_handler[NR_VIRQS];

bool virq_is_per_vcpu(u32 virq)
{
	return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

void send_guest_vcpu_virq(struct vcpu *v, u32 virq)
{
	u32 port = READ_ONCE(v->virq_to_evtchn[virq]);
	struct evtchn *chn = port ? evtchn_by_port(v->domain, port) : NULL;

	if (chn && READ_ONCE(chn->state) == ECS_VIRQ)
		evtchn_set_pending(chn);
}

void send_guest_global_virq(struct domain *d, u32 virq)
{
	struct vcpu *v = d && d->max_vcpus ? d->vcpu[0] : NULL;

	/* bind_vcpu moves the channel, not its entry: that stays with vCPU 0. */
	if (v)
		send_guest_vcpu_virq(v, virq);
}

void send_global_virq(u32 virq)
{
	struct domain *d = rcu_dereference(virq_handler[virq]);

	send_guest_global_virq(d ? d : hardware_domain, virq);
}

static void virq_handlers_forget(struct domain *d)
{
	for (u32 virq = 0; virq < NR_VIRQS; virq++)
		if (cmpxchg(&virq_handler[virq], d, NULL) == d)
			put_domain(d);
}

int set_global_virq_handler(struct domain *d, u32 virq)
{
	struct domain *old;

	if (virq >= NR_VIRQS || virq_is_per_vcpu(virq))
		return -EINVAL;
	if (d && (d->is_dying || !get_domain(d)))
		return -EINVAL;
	old = xchg(&virq_handler[virq], d);
	if (old)
		put_domain(old);
	/* One that began to die meanwhile may have been here already. */
	if (d && READ_ONCE(d->is_dying))
		virq_handlers_forget(d);
	return 0;
}

/* ---- the hypervisor's own ends ---- */

int alloc_unbound_xen_event_channel(struct domain *ld, unsigned int lvcpu, domid_t remote,
				    void (*notify)(struct vcpu *v, u32 port))
{
	struct evtchn *chn;
	int port;

	spin_lock(&ld->event_lock);
	port = evtchn_get_free_port(ld);
	if (port > 0) {
		/* The callback before the state: whoever binds finds it. */
		evtchn_by_port(ld, (u32)port)->notify = notify;
		chn = evtchn_open(ld, (u32)port, ECS_UNBOUND, lvcpu);
		chn->remote_domid = remote;
	}
	spin_unlock(&ld->event_lock);
	return port;
}

void free_xen_event_channel(struct domain *d, u32 port)
{
	/*
	 * A dying domain's channels are closed by evtchn_destroy(), which may have been here first.
	 */
	(void)evtchn_close(d, port, false);
}

void notify_via_xen_event_channel(struct domain *ld, u32 lport)
{
	struct evtchn *chn = evtchn_by_port(ld, lport);
	struct evtchn *peer = chn ? READ_ONCE(chn->remote) : NULL;

	if (peer)
		evtchn_set_pending(peer);
}

/* ---- life ---- */

/* max_port: highest port d may use. -ENOMEM. */
int evtchn_init(struct domain *d, u32 max_port)
{
	d->evtchn.max_port = min_t(u32, max_port, EVTCHN_FIFO_NR_CHANNELS - 1);
	d->evtchn.bucket = xzalloc_array(struct evtchn *, BUCKETS(d->evtchn.max_port));
	if (!d->evtchn.bucket)
		return -ENOMEM;
	if (block_add(d, 0)) {
		xfree(d->evtchn.bucket);
		d->evtchn.bucket = NULL;
		return -ENOMEM;
	}
	/* Port 0 means "none" in many places of the ABI. */
	d->evtchn.bucket[0][0].state = ECS_RESERVED;
	d->evtchn.next_free = 1;
	return 0;
}

int evtchn_preallocate(struct domain *d, u32 nr)
{
	int rc = 0;

	spin_lock(&d->event_lock);
	while (!rc && d->evtchn.valid_ports < min(nr, d->evtchn.max_port + 1))
		rc = block_add(d, d->evtchn.valid_ports);
	spin_unlock(&d->event_lock);
	return rc;
}

/*
 * Closes ports from *next on, except the hypervisor's own unless all is set. -ERESTART with *next
 * to go on.
 */
int evtchn_close_all(struct domain *d, u32 *next, bool all)
{
	for (; *next < d->evtchn.valid_ports; ++*next) {
		if (READ_ONCE(evtchn_by_port(d, *next)->state) == ECS_FREE)
			continue;
		(void)evtchn_close(d, *next, !all);
		if (hypercall_preempt_check() && *next % 16 == 15) {
			++*next;
			return -ERESTART;
		}
	}
	return 0;
}

/* d is dying: no port is opened any more, so closing starts from the first at each call. */
int evtchn_destroy(struct domain *d)
{
	u32 next = 1;
	int rc = evtchn_close_all(d, &next, true);

	if (rc)
		return rc;
	spin_lock(&d->event_lock);
	evtchn_fifo_destroy(d);
	spin_unlock(&d->event_lock);
	virq_handlers_forget(d);
	return 0;
}

void evtchn_destroy_final(struct domain *d)
{
	for (u32 port = 0; port < d->evtchn.valid_ports; port += EVTCHNS_PER_BLOCK)
		xfree(d->evtchn.bucket[port / EVTCHNS_PER_BLOCK]);
	xfree(d->evtchn.bucket);
}

static const char *const state_name[] = { "free", "reserved", "unbound", "interdomain", "virq", "ipi" };

void evtchn_dump(struct domain *d)
{
	printk("d%u: event channels: %u in use, %s\n", d->domain_id, d->evtchn.active_count,
	       d->evtchn.fifo ? "FIFO" : "2-level");
	for (u32 port = 1; port < d->evtchn.valid_ports; port++) {
		const struct evtchn *chn = evtchn_by_port(d, port);
		const struct evtchn *peer = READ_ONCE(chn->remote);

		if (chn->state == ECS_FREE)
			continue;
		printk("  %4u [%c%c] %s v%u", port, evtchn_port_is_pending(d, port) ? 'p' : '-',
		       evtchn_port_is_masked(d, port) ? 'm' : '-', state_name[chn->state], chn->notify_vcpu);
		if (peer)
			printk(" d%u:%u", peer->domain->domain_id, peer->port);
		else if (chn->state == ECS_VIRQ)
			printk(" virq %u", chn->virq);
		else if (chn->state == ECS_UNBOUND)
			printk(" for d%u", chn->remote_domid);
		printk("%s\n", chn->notify ? " (hypervisor's)" : "");
	}
}
