/* SPDX-License-Identifier: GPL-2.0-only */
/* Bench: event channels and ping-pong with another domain. */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/x86.h>
#include "bench.h"

#define ROUNDS 200u

static long send_masked(void)
{
	long port = event_bind_ipi(0), v;

	if (port < 0)
		return port;
	event_mask((evtchn_port_t)port);
	v = CHEAPEST(50, ({
			     event_clear((evtchn_port_t)port);
			     event_send((evtchn_port_t)port);
		     }));
	event_close((evtchn_port_t)port);
	return v;
}

static long send_with_upcall(void)
{
	long port = event_bind_ipi(0), v;

	if (port < 0)
		return port;
	event_unmask((evtchn_port_t)port);
	v = CHEAPEST(50, event_send((evtchn_port_t)port));
	event_close((evtchn_port_t)port);
	return v;
}

/* Halt until an event on port; interrupts are on again after. */
static void wait_one(evtchn_port_t port, unsigned int before)
{
	irq_disable();
	while (event_count[port] == before) {
		wait_for_interrupt();
		irq_disable();
	}
	irq_enable();
}

static long pong(uint64_t port, uint64_t rounds, uint64_t c __unused)
{
	unsigned int before = event_count[port];

	event_unmask((evtchn_port_t)port);
	for (; rounds; rounds--, before++) {
		wait_one((evtchn_port_t)port, before);
		event_send((evtchn_port_t)port);
	}
	return 0;
}

static long ping_pong(uint64_t cpus)
{
	unsigned int i, before;
	long theirs, ours, v;
	struct guest g;
	uint64_t t;

	v = guest_start_server(&g, "", 1, 256);
	if (v)
		return v;
	domain_pin(0, 0, 1);
	v = domain_pin(g.id, 0, cpus);
	if (v) {
		guest_destroy(&g);
		return v;
	}
	theirs = event_alloc_unbound(g.id, DOMID_SELF);
	ours = event_bind_interdomain(g.id, (evtchn_port_t)theirs);
	event_clear((evtchn_port_t)ours);
	event_unmask((evtchn_port_t)ours);
	guest_ask(&g, pong, (uint64_t)theirs, ROUNDS, 0);
	/* It answers the first when it has got there; the rest is timed. */
	before = event_count[ours];
	event_send((evtchn_port_t)ours);
	wait_one((evtchn_port_t)ours, before);
	t = rdtsc();
	for (i = 1; i < ROUNDS; i++) {
		before = event_count[ours];
		event_send((evtchn_port_t)ours);
		wait_one((evtchn_port_t)ours, before);
	}
	t = rdtsc() - t;
	guest_reply(&g, 1000);
	event_close((evtchn_port_t)ours);
	return guest_destroy(&g) ? (long)(t / (ROUNDS - 1)) : -1;
}

static long ping_pong_same_cpu(void)
{
	return ping_pong(1);
}

static long ping_pong_other_cpu(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

	if (hc_sysctl(&op) || op.u.physinfo.nr_cpus < 2)
		return -19;
	return ping_pong(2);
}

const struct row rows_events[] = {
	{ "event channel send, masked", send_masked },
	{ "event channel send to self, with the upcall", send_with_upcall },
	{ "ping-pong with a domain on the same CPU", ping_pong_same_cpu },
	{ "ping-pong with a domain on another CPU", ping_pong_other_cpu },
};

const unsigned int row_count_events = ARRAY_SIZE(rows_events);
