/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels: what other parts of the hypervisor need of them. ABI: public/event_channel.h */
#ifndef XEN_EVENT_H
#define XEN_EVENT_H

#include <xen/spinlock.h>
#include <public/xen.h>
#include <public/event_channel.h>

struct domain;
struct vcpu;
struct evtchn;
struct evtchn_fifo_domain;
struct evtchn_fifo_vcpu;

/* Embedded in struct domain; everything [e] unless stated in common/event_channel.c. */
struct evtchn_domain {
	struct evtchn **bucket; /* pointers to blocks of ports; entries only grow */
	u32 valid_ports; /* ports that have a structure; READ_ONCE by senders */
	u32 max_port; /* highest port the domain may use */
	u32 active_count;
	struct evtchn_fifo_domain *fifo; /* NULL: 2-level */
	u64 poll_mask; /* [a] vCPUs waiting in SCHEDOP_poll */
	u32 next_free; /* no free port below */
};

int evtchn_init(struct domain *d, u32 max_port);
/* Structures for ports below nr set aside, so that opening them takes no memory then. 0, -ENOMEM. */
int evtchn_preallocate(struct domain *d, u32 nr);
/* Closes all channels; -ERESTART when it wants to be called again. */
int evtchn_destroy(struct domain *d);
void evtchn_destroy_final(struct domain *d);
/* A VIRQ for one vCPU (timer, debug) or for the domain (console, dom_exc): dropped when unbound. */
void send_guest_vcpu_virq(struct vcpu *v, u32 virq);
void send_guest_global_virq(struct domain *d, u32 virq);
/* To whoever bound a global VIRQ: dom0. */
void send_global_virq(u32 virq);
/* XEN_DOMCTL_set_virq_handler: d instead of dom0 gets a global VIRQ (NULL: dom0 again). -EINVAL: not global. */
int set_global_virq_handler(struct domain *d, u32 virq);
/* Channels the hypervisor itself is one end of (device models' request ports). */
int alloc_unbound_xen_event_channel(struct domain *ld, unsigned int lvcpu, domid_t remote,
				    void (*notify)(struct vcpu *v, u32 port));
void free_xen_event_channel(struct domain *d, u32 port);
void notify_via_xen_event_channel(struct domain *ld, u32 lport);
/* For SCHEDOP_poll. */
bool evtchn_port_is_pending(struct domain *d, u32 port);
/* Marks an upcall pending on v and makes v notice (kick, or interrupt if it runs). */
void vcpu_mark_events_pending(struct vcpu *v);
/* Of the vCPU's own vcpu_info: an upcall is due (pending and not masked). */
bool vcpu_event_delivery_due(const struct vcpu *v);
/*
 * Of vCPUs beyond the shared page's slots until they register their own, and of those of dead domains: one for
 * all, nothing is ever pending in it.
 */
extern struct vcpu_info dummy_vcpu_info;
/* Re-evaluates everything pending after vcpu_info moved. */
void evtchn_vcpu_info_moved(struct vcpu *v);
/* The guest's pages with FIFO words and queues, which are written through the direct map, are dirty. */
void evtchn_fifo_mark_dirty(struct domain *d);
void evtchn_dump(struct domain *d);
/* EVTCHNOP_send by ld itself, or by the hypervisor on its behalf. -EINVAL: not a port to send on. */
int evtchn_send(struct domain *ld, u32 lport);
long do_event_channel_op(const unsigned long *a);

#endif
