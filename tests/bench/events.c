/* SPDX-License-Identifier: GPL-2.0-only */
/* Bench: event channels and ping-pong with another domain. */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/time.h>
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

/*
 * A wake-up every 10 ms: if one between two CPUs gets lost, both would wait for ever. Such a round is far
 * from the median.
 */
static void safety_timer(bool on)
{
	struct vcpu_set_periodic_timer t = { .period_ns = 10000000 };

	if (on && timer_init() > 0)
		hc_vcpu_op(VCPUOP_set_periodic_timer, this_cpu()->id, &t);
	else
		hc_vcpu_op(VCPUOP_stop_periodic_timer, this_cpu()->id, NULL);
}

static long pong(uint64_t port, uint64_t rounds, uint64_t safe)
{
	unsigned int before = event_count[port];

	if (safe)
		safety_timer(true);
	event_unmask((evtchn_port_t)port);
	for (; rounds; rounds--, before++) {
		wait_one((evtchn_port_t)port, before);
		event_send((evtchn_port_t)port);
	}
	return 0;
}

static uint64_t took[ROUNDS];

static uint64_t median(void)
{
	unsigned int i, j;

	for (i = 1; i < ROUNDS; i++)
		for (j = i; j > 1 && took[j - 1] > took[j]; j--) {
			uint64_t t = took[j];

			took[j] = took[j - 1];
			took[j - 1] = t;
		}
	return took[ROUNDS / 2];
}

/* mask: CPUs of the other domain. On this CPU the mean of all rounds, on another the median. */
static long ping_pong(uint64_t mask)
{
	bool other = !(mask & 1);
	unsigned int i, before;
	long theirs, ours, v;
	struct guest g;
	uint64_t t;

	v = guest_start_server(&g, "", 1, 256);
	if (v)
		return v;
	domain_pin(0, 0, 1);
	v = domain_pin(g.id, 0, mask);
	if (v) {
		guest_destroy(&g);
		return v;
	}
	theirs = event_alloc_unbound(g.id, DOMID_SELF);
	ours = event_bind_interdomain(g.id, (evtchn_port_t)theirs);
	event_clear((evtchn_port_t)ours);
	event_unmask((evtchn_port_t)ours);
	if (other)
		safety_timer(true);
	guest_ask(&g, pong, (uint64_t)theirs, ROUNDS, other);
	/* It answers the first when it has got there; the rest is timed. */
	before = event_count[ours];
	event_send((evtchn_port_t)ours);
	wait_one((evtchn_port_t)ours, before);
	t = rdtsc();
	for (i = 1; i < ROUNDS; i++) {
		before = event_count[ours];
		event_send((evtchn_port_t)ours);
		wait_one((evtchn_port_t)ours, before);
		took[i] = rdtsc();
	}
	took[0] = t;
	t = (took[ROUNDS - 1] - t) / (ROUNDS - 1);
	for (i = ROUNDS - 1; i; i--)
		took[i] -= took[i - 1];
	if (other) {
		t = median();
		safety_timer(false);
	}
	guest_reply(&g, 1000);
	event_close((evtchn_port_t)ours);
	return guest_destroy(&g) ? (long)t : -1;
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
