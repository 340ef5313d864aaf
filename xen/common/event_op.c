// SPDX-License-Identifier: GPL-2.0-only
/*
 * The event_channel_op hypercall: operations on the caller's ports, and the tool stack's on
 * others'.
 */
#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include "event_channel.h"

static bool vcpu_exists(const struct domain *d, u32 id)
{
	return id < d->max_vcpus && READ_ONCE(d->vcpu[id]);
}

/* -ESRCH, -EPERM, -ENOSPC, -ENOMEM. The remote domain need not exist. */
static int alloc_unbound(void *arg)
{
	struct evtchn_alloc_unbound *op = arg;
	struct domain *d;
	int rc = get_domain_for(ACCESS_EVTCHN_UNBOUND, op->dom, &d);

	if (rc)
		return rc;
	spin_lock(&d->event_lock);
	rc = evtchn_get_free_port(d);
	if (rc > 0) {
		domid_t remote = op->remote_dom == DOMID_SELF ? current->domain->domain_id : op->remote_dom;

		op->port = (u32)rc;
		evtchn_by_port(d, op->port)->remote_domid = remote;
		evtchn_open(d, op->port, ECS_UNBOUND, 0);
		rc = 0;
	}
	spin_unlock(&d->event_lock);
	put_domain(d);
	return rc;
}

/* Both event locks are held. */
static int connect(struct domain *ld, struct domain *rd, struct evtchn_bind_interdomain *op)
{
	struct evtchn *peer = evtchn_by_port(rd, op->remote_port), *chn;
	int port = evtchn_get_free_port(ld);

	if (port < 0)
		return port;
	if (!peer || peer->state != ECS_UNBOUND || peer->remote_domid != ld->domain_id || rd->is_dying)
		return -EINVAL;
	chn = evtchn_open(ld, (u32)port, ECS_INTERDOMAIN, 0);
	WRITE_ONCE(peer->state, ECS_INTERDOMAIN);
	smp_store_release(&chn->remote, peer);
	smp_store_release(&peer->remote, chn);
	/* What the peer sent before this moment is not lost. */
	evtchn_set_pending(chn);
	op->local_port = (u32)port;
	return 0;
}

static int bind_interdomain(void *arg)
{
	struct evtchn_bind_interdomain *op = arg;
	struct domain *ld = current->domain, *rd = get_domain_by_any_id(op->remote_dom);
	int rc;

	if (!rd)
		return -ESRCH;
	evtchn_lock_both(ld, rd);
	rc = connect(ld, rd, op);
	evtchn_unlock_both(ld, rd);
	put_domain(rd);
	return rc;
}

/*
 * -EINVAL: no such VIRQ, or a global one not on vCPU 0; -ENOENT: no such vCPU; -EEXIST: bound
 * already.
 */
static int bind_virq(void *arg)
{
	struct evtchn_bind_virq *op = arg;
	struct domain *d = current->domain;
	struct vcpu *v;
	int port;

	if (op->virq >= NR_VIRQS || (!virq_is_per_vcpu(op->virq) && op->vcpu))
		return -EINVAL;
	if (!vcpu_exists(d, op->vcpu))
		return -ENOENT;
	v = d->vcpu[op->vcpu];
	spin_lock(&d->event_lock);
	port = v->virq_to_evtchn[op->virq] ? -EEXIST : evtchn_get_free_port(d);
	if (port > 0) {
		evtchn_by_port(d, (u32)port)->virq = op->virq;
		evtchn_open(d, (u32)port, ECS_VIRQ, op->vcpu);
		smp_store_release(&v->virq_to_evtchn[op->virq], (u32)port);
		op->port = (u32)port;
		port = 0;
	}
	spin_unlock(&d->event_lock);
	return port;
}

/* PVH domains get interrupts from their IO-APIC and by MSI, not as event channels. */
static int bind_pirq(void *arg)
{
	return (int)hypercall_unimplemented("EVTCHNOP_bind_pirq", EVTCHNOP_bind_pirq);
}

static int bind_ipi(void *arg)
{
	struct evtchn_bind_ipi *op = arg;
	struct domain *d = current->domain;
	int port;

	if (!vcpu_exists(d, op->vcpu))
		return -ENOENT;
	spin_lock(&d->event_lock);
	port = evtchn_get_free_port(d);
	if (port > 0) {
		evtchn_open(d, (u32)port, ECS_IPI, op->vcpu);
		op->port = (u32)port;
		port = 0;
	}
	spin_unlock(&d->event_lock);
	return port;
}

static int close_port(void *arg)
{
	return evtchn_close(current->domain, ((struct evtchn_close *)arg)->port, true);
}

static int send(void *arg) { return evtchn_send(current->domain, ((struct evtchn_send *)arg)->port); }

static int status_of(struct domain *d, struct evtchn_status *op)
{
	const struct evtchn *chn = evtchn_by_port(d, op->port);

	if (!chn)
		return -EINVAL;
	if (chn->notify)
		return -EACCES;
	switch (chn->state) {
	case ECS_FREE:
	case ECS_RESERVED:
		op->status = EVTCHNSTAT_closed;
		break;
	case ECS_UNBOUND:
		op->status = EVTCHNSTAT_unbound;
		op->u.unbound.dom = chn->remote_domid;
		break;
	case ECS_INTERDOMAIN:
		op->status = EVTCHNSTAT_interdomain;
		op->u.interdomain.dom = chn->remote->domain->domain_id;
		op->u.interdomain.port = chn->remote->port;
		break;
	case ECS_VIRQ:
		op->status = EVTCHNSTAT_virq;
		op->u.virq = chn->virq;
		break;
	case ECS_IPI:
		op->status = EVTCHNSTAT_ipi;
		break;
	}
	op->vcpu = chn->notify_vcpu;
	return 0;
}

/* -ESRCH, -EPERM; -EINVAL: no such port; -EACCES: one of the hypervisor's. */
static int status(void *arg)
{
	struct evtchn_status *op = arg;
	struct domain *d;
	int rc = get_domain_for(ACCESS_EVTCHN_STATUS, op->dom, &d);

	if (rc)
		return rc;
	spin_lock(&d->event_lock);
	rc = status_of(d, op);
	spin_unlock(&d->event_lock);
	put_domain(d);
	return rc;
}

/* -ENOENT: no such vCPU; -EINVAL: no such port, or one whose vCPU is fixed. */
static int bind_vcpu(void *arg)
{
	const struct evtchn_bind_vcpu *op = arg;
	struct domain *d = current->domain;
	struct evtchn *chn;
	int rc = -EINVAL;

	if (!vcpu_exists(d, op->vcpu))
		return -ENOENT;
	spin_lock(&d->event_lock);
	chn = evtchn_by_port(d, op->port);
	if (chn && !chn->notify &&
	    (chn->state == ECS_UNBOUND || chn->state == ECS_INTERDOMAIN ||
	     (chn->state == ECS_VIRQ && !virq_is_per_vcpu(chn->virq)))) {
		WRITE_ONCE(chn->notify_vcpu, (u16)op->vcpu);
		rc = 0;
	}
	spin_unlock(&d->event_lock);
	return rc;
}

static int unmask(void *arg)
{
	struct domain *d = current->domain;
	struct evtchn *chn = evtchn_by_port(d, ((struct evtchn_unmask *)arg)->port);

	if (!chn)
		return -EINVAL;
	if (d->evtchn.fifo)
		evtchn_fifo_unmask(d, chn);
	else
		evtchn_2l_unmask(d, chn);
	return 0;
}

static int init_control(void *arg) { return evtchn_fifo_init_control(arg); }

static int expand_array(void *arg) { return evtchn_fifo_expand_array(arg); }

/* -ENOSYS while the domain uses the 2-level ABI. */
static int set_priority(void *arg)
{
	const struct evtchn_set_priority *op = arg;
	struct domain *d = current->domain;
	struct evtchn *chn;
	int rc = -EINVAL;

	spin_lock(&d->event_lock);
	chn = evtchn_by_port(d, op->port);
	if (chn && !d->evtchn.fifo) {
		rc = -ENOSYS;
	} else if (chn && op->priority <= EVTCHN_FIFO_PRIORITY_MIN) {
		WRITE_ONCE(chn->priority, (u8)op->priority);
		rc = 0;
	}
	spin_unlock(&d->event_lock);
	return rc;
}

/* Operations whose argument is copied in, and back when they succeed and return something. */
#define OP(n, type, out) [EVTCHNOP_##n] = { #n, n, sizeof(struct type), out }
static const struct evtchn_row {
	const char *name;
	int (*fn)(void *arg);
	u8 size;
	bool copy_back;
} evtchn_table[] = {
	OP(bind_interdomain, evtchn_bind_interdomain, true),
	OP(bind_virq, evtchn_bind_virq, true),
	OP(bind_pirq, evtchn_bind_pirq, true),
	[EVTCHNOP_close] = { "close", close_port, sizeof(struct evtchn_close), false },
	OP(send, evtchn_send, false),
	OP(status, evtchn_status, true),
	OP(alloc_unbound, evtchn_alloc_unbound, true),
	OP(bind_ipi, evtchn_bind_ipi, true),
	OP(bind_vcpu, evtchn_bind_vcpu, false),
	OP(unmask, evtchn_unmask, false),
	OP(init_control, evtchn_init_control, true),
	OP(expand_array, evtchn_expand_array, false),
	OP(set_priority, evtchn_set_priority, false),
};

/*
 * Preemptible: the first port still to be looked at travels in the third argument. A domain that
 * resets itself goes back to the 2-level ABI.
 */
static long reset(unsigned int cmd, unsigned long arg, unsigned long from)
{
	struct evtchn_reset op;
	struct domain *d;
	u32 next = cmd == EVTCHNOP_reset_cont ? (u32)from : 1;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_domain_for(ACCESS_EVTCHN_RESET, op.dom, &d);
	if (rc)
		return rc;
	rc = evtchn_close_all(d, &next, false);
	if (!rc && d == current->domain) {
		spin_lock(&d->event_lock);
		evtchn_fifo_destroy(d);
		spin_unlock(&d->event_lock);
	}
	put_domain(d);
	if (rc == -ERESTART)
		rc = hypercall_create_continuation(__HYPERVISOR_event_channel_op, 3,
						   (unsigned long)EVTCHNOP_reset_cont, arg,
						   (unsigned long)next);
	return rc;
}

long do_event_channel_op(const unsigned long *a)
{
	unsigned int cmd = (unsigned int)a[0];
	const struct evtchn_row *row;
	union {
		struct evtchn_alloc_unbound alloc_unbound;
		struct evtchn_bind_interdomain bind_interdomain;
		struct evtchn_status status;
		struct evtchn_init_control init_control;
	} arg;
	int rc;

	if (likely(cmd == EVTCHNOP_send)) {
		struct evtchn_send op;

		if (copy_from_guest_va(&op, a[1], sizeof(op)))
			return -EFAULT;
		return evtchn_send(current->domain, op.port);
	}
	if (cmd == EVTCHNOP_reset || cmd == EVTCHNOP_reset_cont)
		return reset(cmd, a[1], a[2]);
	if (cmd >= ARRAY_SIZE(evtchn_table) || !evtchn_table[cmd].fn)
		return hypercall_unimplemented("event_channel_op", cmd);
	row = &evtchn_table[cmd];
	ASSERT(row->size <= sizeof(arg));
	if (copy_from_guest_va(&arg, a[1], row->size))
		return -EFAULT;
	rc = row->fn(&arg);
	if (!rc && row->copy_back && copy_to_guest_va(a[1], &arg, row->size))
		rc = -EFAULT;
	return rc;
}
