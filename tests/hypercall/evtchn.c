/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels: each operation, delivery rules, between domains and between vCPUs. */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include "errors.h"
#include "peer.h"

static domid_t self(void)
{
	return DOMID_SELF;
}

static long status_of(domid_t dom, evtchn_port_t port, struct evtchn_status *s)
{
	memset(s, 0, sizeof(*s));
	s->dom = dom;
	s->port = port;
	return hc_event_channel_op(EVTCHNOP_status, s);
}

static long lowest_free(void)
{
	struct evtchn_status op = { .dom = DOMID_SELF, .port = 1 };

	while (!hc_event_channel_op(EVTCHNOP_status, &op) && op.status != EVTCHNSTAT_closed)
		op.port++;
	return (long)op.port;
}

static void alloc_lowest_free(void)
{
	long first = lowest_free(), second, a, b;

	a = event_alloc_unbound(self(), self());
	second = lowest_free();
	b = event_alloc_unbound(self(), self());
	REQUIRE(a > 0 && b > 0);
	CHECK_EQ(a, first);
	CHECK_EQ(b, second);
	CHECK_EQ(event_close((evtchn_port_t)a), 0);
	CHECK_EQ(event_alloc_unbound(self(), self()), a);
	CHECK_EQ(event_close((evtchn_port_t)a), 0);
	CHECK_EQ(event_close((evtchn_port_t)b), 0);
}

static void alloc_for_nobody(void)
{
	long port = event_alloc_unbound(self(), DOMID_NOBODY);

	CHECK(port > 0);
	CHECK_EQ(event_close((evtchn_port_t)port), 0);
}

static void alloc_in_no_domain(void)
{
	CHECK_EQ(event_alloc_unbound(DOMID_NOBODY, self()), -ESRCH);
	CHECK_EQ(event_alloc_unbound(DOMID_IDLE, self()), -ESRCH);
	CHECK_EQ(event_alloc_unbound(DOMID_INVALID, self()), -ESRCH);
}

static void alloc_in_another_domain(void)
{
	CHECK_EQ(event_alloc_unbound(0, self()), -EPERM);
}

static void status_of_closed(void)
{
	struct evtchn_status s;
	long port = event_alloc_unbound(self(), self());

	event_close((evtchn_port_t)port);
	CHECK_EQ(status_of(DOMID_SELF, (evtchn_port_t)port, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_closed);
}

static void status_of_unbound(void)
{
	struct evtchn_status s;
	long port = event_alloc_unbound(self(), 3);

	REQUIRE_EQ(status_of(DOMID_SELF, (evtchn_port_t)port, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK_EQ(s.u.unbound.dom, 3);
	CHECK_EQ(s.vcpu, 0);
	event_close((evtchn_port_t)port);
}

static void status_bad_port(void)
{
	struct evtchn_status s;

	CHECK_EQ(status_of(DOMID_SELF, EVENT_PORTS * 64, &s), -EINVAL);
	CHECK_EQ(status_of(DOMID_SELF, ~0u, &s), -EINVAL);
}

static void status_bad_domain(void)
{
	struct evtchn_status s;

	CHECK_EQ(status_of(DOMID_NOBODY, 1, &s), -ESRCH);
}

static void status_of_other_domain_refused(void)
{
	struct evtchn_status s;

	CHECK_EQ(status_of(0, 1, &s), -EPERM);
}

/* Two ports of this domain bound to each other. */
static bool loop_pair(evtchn_port_t *a, evtchn_port_t *b)
{
	long p = event_alloc_unbound(DOMID_SELF, DOMID_SELF), q;

	if (!CHECK(p > 0))
		return false;
	q = event_bind_interdomain(DOMID_SELF, (evtchn_port_t)p);
	if (!CHECK(q > 0))
		return false;
	*a = (evtchn_port_t)p;
	*b = (evtchn_port_t)q;
	event_clear(*a);
	event_clear(*b);
	return true;
}

static void status_of_pair(void)
{
	struct evtchn_status s;
	evtchn_port_t a, b;

	if (!loop_pair(&a, &b))
		return;
	CHECK_EQ(status_of(DOMID_SELF, b, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.port, a);
	event_close(a);
	CHECK_EQ(status_of(DOMID_SELF, b, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	event_close(b);
}

static void bind_marks_pending(void)
{
	long p = event_alloc_unbound(DOMID_SELF, DOMID_SELF), q;

	q = event_bind_interdomain(DOMID_SELF, (evtchn_port_t)p);
	REQUIRE(q > 0);
	CHECK(event_is_pending((evtchn_port_t)q));
	CHECK(!event_is_pending((evtchn_port_t)p));
	event_close((evtchn_port_t)p);
	event_close((evtchn_port_t)q);
}

static void bind_to_what_is_not_unbound(void)
{
	evtchn_port_t a, b;

	if (!loop_pair(&a, &b))
		return;
	CHECK_EQ(event_bind_interdomain(DOMID_SELF, a), -EINVAL);
	event_close(a);
	event_close(b);
	CHECK_EQ(event_bind_interdomain(DOMID_SELF, a), -EINVAL);
	CHECK_EQ(event_bind_interdomain(DOMID_SELF, ~0u), -EINVAL);
	CHECK_EQ(event_bind_interdomain(DOMID_NOBODY, 1), -ESRCH);
}

static void bind_to_what_is_for_another(void)
{
	long p = event_alloc_unbound(DOMID_SELF, DOMID_NOBODY);

	CHECK_EQ(event_bind_interdomain(DOMID_SELF, (evtchn_port_t)p), -EINVAL);
	event_close((evtchn_port_t)p);
}

static void send_masked(void)
{
	evtchn_port_t a, b;
	unsigned int n;

	if (!loop_pair(&a, &b))
		return;
	n = event_count[b];
	irq_disable();
	vcpu_info(0)->evtchn_upcall_pending = 0;
	vcpu_info(0)->evtchn_pending_sel = 0;
	CHECK_EQ(event_send(a), 0);
	CHECK_EQ(vcpu_info(0)->evtchn_upcall_pending, 0);
	CHECK_EQ(vcpu_info(0)->evtchn_pending_sel, 0);
	irq_enable();
	CHECK(event_is_pending(b));
	CHECK(!event_is_pending(a));
	CHECK_EQ(event_count[b], n);
	event_close(a);
	event_close(b);
}

static void send_unmasked(void)
{
	evtchn_port_t a, b;
	unsigned int n;

	if (!loop_pair(&a, &b))
		return;
	event_unmask(b);
	n = event_count[b];
	CHECK_EQ(event_send(a), 0);
	CHECK_EQ(event_count[b], n + 1);
	CHECK(!event_is_pending(b));
	CHECK_EQ(event_send(a), 0);
	CHECK_EQ(event_send(a), 0);
	CHECK_EQ(event_count[b], n + 3);
	event_close(a);
	event_close(b);
}

static void unmask_delivers_what_is_pending(void)
{
	evtchn_port_t a, b;
	unsigned int n;

	if (!loop_pair(&a, &b))
		return;
	n = event_count[b];
	event_send(a);
	CHECK_EQ(event_count[b], n);
	CHECK_EQ(event_unmask(b), 0);
	CHECK_EQ(event_count[b], n + 1);
	event_close(a);
	event_close(b);
}

static void plain_unmask_does_not_deliver(void)
{
	evtchn_port_t a, b;
	unsigned int n;

	if (!loop_pair(&a, &b))
		return;
	n = event_count[b];
	event_send(a);
	event_unmask_plain(b);
	hc_sched_op(SCHEDOP_yield, NULL);
	CHECK_EQ(event_count[b], n);
	CHECK(event_is_pending(b));
	event_close(a);
	event_close(b);
}

static void interrupts_off_hold_it_back(void)
{
	evtchn_port_t a, b;
	unsigned int n;

	if (!loop_pair(&a, &b))
		return;
	event_unmask(b);
	n = event_count[b];
	irq_disable();
	event_send(a);
	hc_sched_op(SCHEDOP_yield, NULL);
	CHECK_EQ(event_count[b], n);
	CHECK(vcpu_info(0)->evtchn_upcall_pending);
	irq_enable();
	__asm__ volatile("nop");
	CHECK_EQ(event_count[b], n + 1);
	event_close(a);
	event_close(b);
}

static void selector_names_the_word(void)
{
	evtchn_port_t a, b;

	if (!loop_pair(&a, &b))
		return;
	irq_disable();
	event_unmask_plain(b);
	event_send(a);
	CHECK(vcpu_info(0)->evtchn_pending_sel & 1ul << b / 64);
	irq_enable();
	event_close(a);
	event_close(b);
}

static void send_bad_port(void)
{
	CHECK_EQ(event_send(0), -EINVAL);
	CHECK_EQ(event_send(900), -EINVAL);
	CHECK_EQ(event_send(~0u), -EINVAL);
}

static void send_unbound(void)
{
	long p = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

	CHECK_EQ(event_send((evtchn_port_t)p), 0);
	CHECK(!event_is_pending((evtchn_port_t)p));
	event_close((evtchn_port_t)p);
}

static void close_bad_port(void)
{
	CHECK_EQ(event_close(0), -EINVAL);
	CHECK_EQ(event_close(900), -EINVAL);
	CHECK_EQ(event_close(~0u), -EINVAL);
}

static void close_keeps_no_pending(void)
{
	evtchn_port_t a, b;
	long c;

	if (!loop_pair(&a, &b))
		return;
	event_send(a);
	CHECK(event_is_pending(b));
	event_close(b);
	event_close(a);
	c = event_alloc_unbound(DOMID_SELF, DOMID_SELF);
	CHECK(!event_is_pending((evtchn_port_t)c));
	event_close((evtchn_port_t)c);
}

static void ipi_to_self(void)
{
	struct evtchn_status s;
	long p = event_bind_ipi(0);
	unsigned int n;

	REQUIRE(p > 0);
	event_unmask((evtchn_port_t)p);
	n = event_count[p];
	CHECK_EQ(event_send((evtchn_port_t)p), 0);
	CHECK_EQ(event_count[p], n + 1);
	CHECK_EQ(status_of(DOMID_SELF, (evtchn_port_t)p, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_ipi);
	event_close((evtchn_port_t)p);
}

static void ipi_bad_vcpu(void)
{
	CHECK_EQ(event_bind_ipi(100), -ENOENT);
	CHECK_EQ(event_bind_ipi(~0u), -ENOENT);
}

static void virq_twice(void)
{
	long p = event_bind_virq(VIRQ_DEBUG, 0);

	REQUIRE(p > 0);
	CHECK_EQ(event_bind_virq(VIRQ_DEBUG, 0), -EEXIST);
	CHECK_EQ(event_close((evtchn_port_t)p), 0);
	p = event_bind_virq(VIRQ_DEBUG, 0);
	CHECK(p > 0);
	CHECK_EQ(event_close((evtchn_port_t)p), 0);
}

static void virq_status(void)
{
	struct evtchn_status s;
	long p = event_bind_virq(VIRQ_DEBUG, 0);

	REQUIRE(p > 0);
	CHECK_EQ(status_of(DOMID_SELF, (evtchn_port_t)p, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_virq);
	CHECK_EQ(s.u.virq, VIRQ_DEBUG);
	event_close((evtchn_port_t)p);
}

static void virq_bad(void)
{
	CHECK_EQ(event_bind_virq(NR_VIRQS, 0), -EINVAL);
	CHECK_EQ(event_bind_virq(~0u, 0), -EINVAL);
	CHECK_EQ(event_bind_virq(VIRQ_DEBUG, 100), -ENOENT);
}

static void virq_global_refuses_other_vcpu(void)
{
	CHECK_EQ(event_bind_virq(VIRQ_DOM_EXC, 1), -EINVAL);
}

static void virq_send_refused(void)
{
	long p = event_bind_virq(VIRQ_DEBUG, 0);

	CHECK_EQ(event_send((evtchn_port_t)p), -EINVAL);
	event_close((evtchn_port_t)p);
}

static long bind_vcpu(evtchn_port_t port, unsigned int vcpu)
{
	struct evtchn_bind_vcpu b = { .port = port, .vcpu = vcpu };

	return hc_event_channel_op(EVTCHNOP_bind_vcpu, &b);
}

static void bind_vcpu_rules(void)
{
	evtchn_port_t a, b;
	long ipi = event_bind_ipi(0), virq = event_bind_virq(VIRQ_DEBUG, 0);

	if (!loop_pair(&a, &b))
		return;
	CHECK_EQ(bind_vcpu(a, 0), 0);
	CHECK_EQ(bind_vcpu(a, 77), -ENOENT);
	CHECK_EQ(bind_vcpu((evtchn_port_t)ipi, 0), -EINVAL);
	CHECK_EQ(bind_vcpu((evtchn_port_t)virq, 0), -EINVAL);
	CHECK_EQ(bind_vcpu(900, 0), -EINVAL);
	CHECK_EQ(bind_vcpu(~0u, 0), -EINVAL);
	event_close(a);
	event_close(b);
	event_close((evtchn_port_t)ipi);
	event_close((evtchn_port_t)virq);
}

static void unmask_bad_port(void)
{
	CHECK_EQ(event_unmask(~0u), -EINVAL);
}

static void unknown_op(void)
{
	struct evtchn_send op = { .port = 1 };

	CHECK_EQ(hc_event_channel_op(99, &op), -ENOSYS);
	CHECK_EQ(hc_event_channel_op(~0u, &op), -ENOSYS);
}

static void unreadable(void)
{
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_alloc_unbound, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_bind_interdomain, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_bind_virq, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_bind_ipi, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_close, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_send, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_status, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_bind_vcpu, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_unmask, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_reset, BAD_PTR), -EFAULT);
}

static void many_ports(void)
{
	static evtchn_port_t ports[256];
	unsigned int i, n;
	long p;

	for (n = 0; n < ARRAY_SIZE(ports); n++) {
		p = event_bind_ipi(0);
		if (!CHECK(p > 0))
			break;
		ports[n] = (evtchn_port_t)p;
	}
	for (i = 0; i < n; i++) {
		unsigned int before = event_count[ports[i]];

		event_unmask(ports[i]);
		event_send(ports[i]);
		if (event_count[ports[i]] != before + 1) {
			CHECK_EQ(event_count[ports[i]], before + 1);
			break;
		}
	}
	for (i = 0; i < n; i++)
		CHECK_EQ(event_close(ports[i]), 0);
}

static void ports_run_out(void)
{
	static evtchn_port_t ports[1100];
	unsigned int n = 0;
	long p;

	while (n < ARRAY_SIZE(ports) && (p = event_alloc_unbound(DOMID_SELF, DOMID_SELF)) > 0)
		ports[n++] = (evtchn_port_t)p;
	CHECK_EQ(event_alloc_unbound(DOMID_SELF, DOMID_SELF), -ENOSPC);
	CHECK(n && ports[n - 1] == 1023);
	while (n)
		event_close(ports[--n]);
}

static void expand_and_priority(void)
{
	struct evtchn_set_priority pr = { .port = 1, .priority = 3 };
	struct evtchn_expand_array ex = { .array_gfn = 1 };

	CHECK_EQ(hc_event_channel_op(EVTCHNOP_set_priority, &pr), -ENOSYS);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_expand_array, &ex), -EOPNOTSUPP);
}

static void pirq_refused(void)
{
	struct evtchn_bind_pirq b = { .pirq = 500 };
	long rc = hc_event_channel_op(EVTCHNOP_bind_pirq, &b);

	CHECK(rc == -EINVAL || rc == -ENOSYS || rc == -EPERM || rc == -EEXIST);
}

/* --- with another domain */

static long remote_alloc(uint64_t remote, uint64_t b __unused, uint64_t c __unused)
{
	return event_alloc_unbound(DOMID_SELF, (domid_t)remote);
}

static long remote_wait(uint64_t port, uint64_t ms, uint64_t c __unused)
{
	unsigned int before = event_count[port];

	if (event_is_pending((evtchn_port_t)port)) {
		event_clear((evtchn_port_t)port);
		return 1;
	}
	event_unmask((evtchn_port_t)port);
	return event_wait((evtchn_port_t)port, before, (unsigned int)ms) ? 2 : 0;
}

static long remote_send(uint64_t port, uint64_t b __unused, uint64_t c __unused)
{
	return event_send((evtchn_port_t)port);
}

static void peer_offers_dom0_binds(void)
{
	long theirs, ours;

	REQUIRE(peer_up);
	theirs = PEER_CALL(remote_alloc, 0, 0, 0);
	REQUIRE(theirs > 0);
	ours = event_bind_interdomain(peer.id, (evtchn_port_t)theirs);
	REQUIRE(ours > 0);
	event_clear((evtchn_port_t)ours);
	CHECK_EQ(event_send((evtchn_port_t)ours), 0);
	CHECK_EQ(PEER_CALL(remote_wait, theirs, 100, 0), 1);
	CHECK_EQ(PEER_CALL(remote_send, theirs, 0, 0), 0);
	CHECK(event_is_pending((evtchn_port_t)ours));
	CHECK_EQ(event_close((evtchn_port_t)ours), 0);
	CHECK_EQ(PEER_CALL(remote_send, theirs, 0, 0), 0);
}

static void peer_offers_to_another(void)
{
	long theirs = PEER_CALL(remote_alloc, 77, 0, 0);

	REQUIRE(theirs > 0);
	CHECK_EQ(event_bind_interdomain(peer.id, (evtchn_port_t)theirs), -EINVAL);
}

static void dom0_allocates_in_peer(void)
{
	long theirs = event_alloc_unbound(peer.id, DOMID_SELF), ours;

	REQUIRE(theirs > 0);
	ours = event_bind_interdomain(peer.id, (evtchn_port_t)theirs);
	REQUIRE(ours > 0);
	event_unmask((evtchn_port_t)ours);
	guest_ask(&peer, remote_wait, (uint64_t)theirs, 200, 0);
	sleep_ms(3);
	CHECK_EQ(event_send((evtchn_port_t)ours), 0);
	CHECK(guest_reply(&peer, 2000) > 0);
	event_close((evtchn_port_t)ours);
}

static void peer_status_by_dom0(void)
{
	struct evtchn_status s;
	long theirs = event_alloc_unbound(peer.id, DOMID_SELF), ours;

	ours = event_bind_interdomain(peer.id, (evtchn_port_t)theirs);
	REQUIRE(ours > 0);
	CHECK_EQ(status_of(peer.id, (evtchn_port_t)theirs, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_interdomain);
	CHECK_EQ(s.u.interdomain.dom, 0);
	CHECK_EQ(s.u.interdomain.port, ours);
	event_close((evtchn_port_t)ours);
}

static void peer_dies(void)
{
	struct evtchn_status s;
	struct guest g;
	long theirs, ours;

	REQUIRE_EQ(guest_start_server(&g, "", 1, 256), 0);
	theirs = event_alloc_unbound(g.id, DOMID_SELF);
	ours = event_bind_interdomain(g.id, (evtchn_port_t)theirs);
	REQUIRE(ours > 0);
	CHECK(guest_destroy(&g));
	CHECK_EQ(status_of(DOMID_SELF, (evtchn_port_t)ours, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK_EQ(event_send((evtchn_port_t)ours), 0);
	CHECK_EQ(event_close((evtchn_port_t)ours), 0);
}

static void dom_exc_on_shutdown(void)
{
	long p = event_bind_virq(VIRQ_DOM_EXC, 0);
	unsigned int before;
	struct guest g;

	REQUIRE(p > 0);
	before = event_count[p];
	event_unmask((evtchn_port_t)p);
	if (CHECK_EQ(guest_start_server(&g, "", 1, 256), 0)) {
		domain_destroy(g.id);
		CHECK(event_wait((evtchn_port_t)p, before, 1000));
		guest_destroy(&g);
	}
	event_close((evtchn_port_t)p);
}

/* --- a second vCPU */

static volatile unsigned int ap_saw;

static void ap_wait_for(void *arg)
{
	unsigned int port = (unsigned int)(uint64_t)arg, spins = 0;

	while (!event_count[port] && ++spins < 10000000)
		cpu_relax();
	ap_saw = event_count[port];
}

static void ipi_to_second_vcpu(void)
{
	long p;

	REQUIRE_EQ(cpu_start(1), 0);
	p = event_bind_ipi(1);
	REQUIRE(p > 0);
	event_count[p] = 0;
	ap_saw = 0;
	event_unmask((evtchn_port_t)p);
	cpu_run(1, ap_wait_for, (void *)p);
	CHECK_EQ(event_send((evtchn_port_t)p), 0);
	CHECK(cpu_wait(1, 2000));
	CHECK_EQ(ap_saw, 1);
	event_close((evtchn_port_t)p);
	CHECK(cpu_stop(1));
}

static void bound_to_second_vcpu(void)
{
	evtchn_port_t a, b;

	REQUIRE_EQ(cpu_start(1), 0);
	if (!loop_pair(&a, &b))
		return;
	CHECK_EQ(bind_vcpu(b, 1), 0);
	event_count[b] = 0;
	ap_saw = 0;
	event_unmask(b);
	cpu_run(1, ap_wait_for, (void *)(uint64_t)b);
	CHECK_EQ(event_send(a), 0);
	CHECK(cpu_wait(1, 2000));
	CHECK_EQ(ap_saw, 1);
	event_close(a);
	event_close(b);
	CHECK(cpu_stop(1));
}

static long set_virq_handler(domid_t dom, uint32_t virq)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_virq_handler, .domain = dom };

	op.u.set_virq_handler.virq = virq;
	return hc_domctl(&op);
}

static long peer_bind_virq(uint64_t virq, uint64_t b __unused, uint64_t c __unused)
{
	long port = event_bind_virq((unsigned int)virq, 0);

	if (port > 0)
		event_unmask((evtchn_port_t)port);
	return port;
}

static long peer_events(uint64_t port, uint64_t b __unused, uint64_t c __unused)
{
	return event_count[port];
}

static bool domain_comes_and_goes(void)
{
	domid_t dom;

	return CHECK_EQ(domain_create(&dom, 1, 64), 0) && CHECK(domain_reap(dom));
}

/* Another domain gets a global virq instead of dom0, until it is given back. */
static void virq_of_another(void)
{
	long own = event_bind_virq(VIRQ_DOM_EXC, 0), theirs = PEER_CALL(peer_bind_virq, VIRQ_DOM_EXC, 0, 0);
	unsigned int before;

	REQUIRE(own > 0);
	REQUIRE(theirs > 0);
	event_mask((evtchn_port_t)own);
	CHECK_EQ(set_virq_handler(peer.id, VIRQ_DOM_EXC), 0);
	/* now nothing comes here any more, not of domains that are going either */
	event_clear((evtchn_port_t)own);
	before = (unsigned int)PEER_CALL(peer_events, theirs, 0, 0);
	if (domain_comes_and_goes()) {
		CHECK((unsigned int)PEER_CALL(peer_events, theirs, 0, 0) > before);
		CHECK(!event_is_pending((evtchn_port_t)own));
	}
	CHECK_EQ(set_virq_handler(0, VIRQ_DOM_EXC), 0);
	before = (unsigned int)PEER_CALL(peer_events, theirs, 0, 0);
	if (domain_comes_and_goes()) {
		CHECK_EQ(PEER_CALL(peer_events, theirs, 0, 0), before);
		CHECK(event_is_pending((evtchn_port_t)own));
	}
	event_close((evtchn_port_t)own);
}

static void virq_handler_errors(void)
{
	CHECK_EQ(set_virq_handler(peer.id, VIRQ_TIMER), -EINVAL);
	CHECK_EQ(set_virq_handler(peer.id, VIRQ_DEBUG), -EINVAL);
	CHECK_EQ(set_virq_handler(peer.id, NR_VIRQS), -EINVAL);
	CHECK_EQ(set_virq_handler(DOMID_NOBODY, VIRQ_DOM_EXC), -ESRCH);
}

/* The domain that has a virq goes: it is dom0's again, and nothing of the domain stays. */
static void virq_handler_dies(void)
{
	uint64_t before = host_free_settled();
	domid_t dom;
	long own;

	REQUIRE_EQ(domain_create(&dom, 1, 64), 0);
	CHECK_EQ(set_virq_handler(dom, VIRQ_DOM_EXC), 0);
	CHECK(domain_reap(dom));
	CHECK_EQ(host_free_wait(before, 100), before);
	own = event_bind_virq(VIRQ_DOM_EXC, 0);
	REQUIRE(own > 0);
	event_mask((evtchn_port_t)own);
	event_clear((evtchn_port_t)own);
	if (domain_comes_and_goes())
		CHECK(event_is_pending((evtchn_port_t)own));
	event_close((evtchn_port_t)own);
}

static const struct test tests[] = {
	{ "alloc_unbound gives the lowest free port", alloc_lowest_free, 0 },
	{ "alloc_unbound for a domain that is not there", alloc_for_nobody, 0 },
	{ "alloc_unbound in a domain that is not there", alloc_in_no_domain, 0 },
	{ "alloc_unbound in another domain, unprivileged", alloc_in_another_domain, TEST_GUEST },
	{ "status of a closed port", status_of_closed, 0 },
	{ "status of an unbound port", status_of_unbound, 0 },
	{ "status of a port out of range", status_bad_port, 0 },
	{ "status in a domain that is not there", status_bad_domain, 0 },
	{ "status of another domain, unprivileged", status_of_other_domain_refused, TEST_GUEST },
	{ "status of a pair, before and after a close", status_of_pair, 0 },
	{ "bind_interdomain marks the local port pending", bind_marks_pending, 0 },
	{ "bind_interdomain to a port not unbound", bind_to_what_is_not_unbound, 0 },
	{ "bind_interdomain to another's port", bind_to_what_is_for_another, 0 },
	{ "send to a masked port", send_masked, 0 },
	{ "send to an unmasked port", send_unmasked, 0 },
	{ "unmask delivers what is pending", unmask_delivers_what_is_pending, 0 },
	{ "clearing the mask bit alone does not", plain_unmask_does_not_deliver, 0 },
	{ "no upcall while interrupts are off", interrupts_off_hold_it_back, 0 },
	{ "the selector names the word", selector_names_the_word, 0 },
	{ "send to a bad port", send_bad_port, 0 },
	{ "send on an unbound port", send_unbound, 0 },
	{ "close of a bad port", close_bad_port, 0 },
	{ "close clears what is pending", close_keeps_no_pending, 0 },
	{ "IPI to the own vCPU", ipi_to_self, 0 },
	{ "IPI to a vCPU that is not there", ipi_bad_vcpu, 0 },
	{ "a virq binds once", virq_twice, 0 },
	{ "status of a virq", virq_status, 0 },
	{ "bad virqs", virq_bad, 0 },
	{ "a global virq on another vCPU", virq_global_refuses_other_vcpu, 0 },
	{ "send on a virq port", virq_send_refused, 0 },
	{ "bind_vcpu", bind_vcpu_rules, 0 },
	{ "unmask of a bad port", unmask_bad_port, 0 },
	{ "unknown sub-operations", unknown_op, 0 },
	{ "unreadable arguments", unreadable, 0 },
	{ "256 ports", many_ports, 0 },
	{ "ports run out", ports_run_out, TEST_GUEST },
	{ "set_priority and expand_array without FIFO", expand_and_priority, 0 },
	{ "a pirq that is not there", pirq_refused, 0 },
	{ "the peer offers, dom0 binds", peer_offers_dom0_binds, TEST_DOM0 },
	{ "the peer offers to another", peer_offers_to_another, TEST_DOM0 },
	{ "dom0 allocates in the peer", dom0_allocates_in_peer, TEST_DOM0 },
	{ "status of the peer's port", peer_status_by_dom0, TEST_DOM0 },
	{ "the peer dies", peer_dies, TEST_DOM0 },
	{ "VIRQ_DOM_EXC when a domain ends", dom_exc_on_shutdown, TEST_DOM0 },
	{ "a global virq of another domain", virq_of_another, TEST_DOM0 },
	{ "set_virq_handler: errors", virq_handler_errors, TEST_DOM0 },
	{ "the handler of a virq dies", virq_handler_dies, TEST_DOM0 },
	{ "IPI to the second vCPU", ipi_to_second_vcpu, TEST_SMP },
	{ "a port bound to the second vCPU", bound_to_second_vcpu, TEST_SMP },
};

AREA(evtchn, "evtchn", tests, peer_start, peer_stop);
