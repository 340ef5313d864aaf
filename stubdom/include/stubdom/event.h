/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels: upcall by callback vector, 2-level ABI or FIFO (fifo.h), and the usual operations. */
#ifndef STUBDOM_EVENT_H
#define STUBDOM_EVENT_H

#include <stubdom/types.h>

#define UPCALL_VECTOR 0xf0
#define EVENT_PORTS   4096u /* limit of the 2-level ABI on x86-64 */

extern struct shared_info *shared_info;
/* Events taken by the upcall, per port. */
extern volatile unsigned int event_count[EVENT_PORTS];

/* Map the shared info page and set the callback vector. */
void event_init(void);
struct vcpu_info *vcpu_info(unsigned int cpu);
/* After VCPUOP_register_vcpu_info: where the vCPU's is from now on. */
void event_use_vcpu_info(unsigned int cpu, struct vcpu_info *vi);

typedef void (*event_handler_t)(evtchn_port_t port);
void event_set_handler(evtchn_port_t port, event_handler_t fn);
/* In the upcall: count the event, call its handler. */
void event_take(evtchn_port_t port);

/* Each returns 0 (or the port, >= 0) or a negative error number. */
long event_alloc_unbound(domid_t dom, domid_t remote);
long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port);
long event_bind_virq(unsigned int virq, unsigned int vcpu);
long event_bind_ipi(unsigned int vcpu);
long event_close(evtchn_port_t port);
long event_send(evtchn_port_t port);
long event_unmask(evtchn_port_t port);

void event_mask(evtchn_port_t port);
bool event_is_pending(evtchn_port_t port);
bool event_is_masked(evtchn_port_t port);
void event_clear(evtchn_port_t port);
/* Clear the mask bit only, without the hypercall that looks for what is pending. */
void event_unmask_plain(evtchn_port_t port);

/* Halt until event_count[port] differs from before; false after ms milliseconds. */
bool event_wait(evtchn_port_t port, unsigned int before, unsigned int ms);

#endif
