/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The FIFO event ABI. A domain that switches to it is another domain, so these cases run in a guest
 * of their own (the guest area starts it). Queues are looked at with interrupts off; then the upcall
 * takes what they hold.
 */
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/fifo.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include "errors.h"

#define ROUNDS 500u

static evtchn_port_t before_switch;
static volatile evtchn_port_t order[8];
static volatile unsigned int taken;

static void note_order(evtchn_port_t port)
{
	if (taken < ARRAY_SIZE(order))
		order[taken] = port;
	taken++;
}

/* The instruction after sti still runs with interrupts off. */
static void take_events(void)
{
	irq_enable();
	cpu_relax();
}

/* A port of this vCPU that events can be sent on, with its word as a new one's. */
static evtchn_port_t new_port(void)
{
	long port = event_bind_ipi(0);

	CHECK(port > 0);
	event_set_handler((evtchn_port_t)port, note_order);
	if (fifo_active)
		event_unmask_plain((evtchn_port_t)port);
	return (evtchn_port_t)port;
}

static long set_priority(evtchn_port_t port, uint32_t priority)
{
	struct evtchn_set_priority op = { .port = port, .priority = priority };

	return hc_event_channel_op(EVTCHNOP_set_priority, &op);
}

static long bind_vcpu(evtchn_port_t port, unsigned int vcpu)
{
	struct evtchn_bind_vcpu op = { .port = port, .vcpu = vcpu };

	return hc_event_channel_op(EVTCHNOP_bind_vcpu, &op);
}

static long try_control(uint64_t gfn, uint32_t offset, uint32_t vcpu)
{
	struct evtchn_init_control op = { .control_gfn = gfn, .offset = offset, .vcpu = vcpu };

	return hc_event_channel_op(EVTCHNOP_init_control, &op);
}

static long try_expand(uint64_t gfn)
{
	struct evtchn_expand_array op = { .array_gfn = gfn };

	return hc_event_channel_op(EVTCHNOP_expand_array, &op);
}

static void control_errors(void)
{
	uint64_t good = ptr_gfn(page_alloc());

	CHECK_EQ(try_control(good, 0, 99), -ENOENT);
	CHECK_EQ(try_control(good, 4, 0), -EINVAL);
	CHECK_EQ(try_control(good, PAGE_SIZE - 64, 0), -EINVAL);
	CHECK_EQ(try_control(good, PAGE_SIZE, 0), -EINVAL);
	CHECK_EQ(try_control(hole_gfn_alloc(1, 1), 0, 0), -EINVAL);
	CHECK_EQ(try_control(1ull << 50, 0, 0), -EINVAL);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_init_control, BAD_PTR), -EFAULT);
	CHECK_EQ(try_expand(good), -EOPNOTSUPP);
	page_free(gfn_ptr(good));
}

/* What is pending in the bitmaps is pending in the queues. */
static void the_switch(void)
{
	unsigned int count;

	before_switch = new_port();
	CHECK_EQ(event_send(before_switch), 0);
	CHECK(event_is_pending(before_switch));
	count = event_count[before_switch];
	event_unmask_plain(before_switch);
	irq_disable();
	REQUIRE_EQ(fifo_init(0), 0);
	REQUIRE_EQ(fifo_add_page(), 0);
	CHECK(fifo_test(before_switch, EVTCHN_FIFO_PENDING));
	CHECK(fifo_test(before_switch, EVTCHN_FIFO_LINKED));
	take_events();
	CHECK_EQ(event_count[before_switch], count + 1);
	CHECK(!fifo_test(before_switch, EVTCHN_FIFO_PENDING));
	/* Nobody clears what the bitmaps say, and after a reset they count again. */
	memset(shared_info->evtchn_pending, 0, sizeof(shared_info->evtchn_pending));
}

static void control_twice(void)
{
	uint8_t *page = page_alloc();

	CHECK_EQ(try_control(ptr_gfn(page), 0, 0), -EINVAL);
	CHECK_EQ(try_expand(hole_gfn_alloc(1, 1)), -EINVAL);
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_expand_array, BAD_PTR), -EFAULT);
	page_free(page);
}

static void one_event(void)
{
	struct evtchn_fifo_control_block *c = fifo_control(0);
	evtchn_port_t p = new_port();
	unsigned int count = event_count[p];

	irq_disable();
	CHECK_EQ(event_send(p), 0);
	CHECK_EQ(READ_ONCE(c->ready), 1u << EVTCHN_FIFO_PRIORITY_DEFAULT);
	CHECK_EQ(READ_ONCE(c->head[EVTCHN_FIFO_PRIORITY_DEFAULT]), p);
	CHECK_EQ(READ_ONCE(*fifo_word(p)), 1u << EVTCHN_FIFO_PENDING | 1u << EVTCHN_FIFO_LINKED);
	CHECK_EQ(vcpu_info(0)->evtchn_upcall_pending, 1);
	CHECK_EQ(event_send(p), 0); /* merges with the first */
	take_events();
	CHECK_EQ(event_count[p], count + 1);
	CHECK_EQ(READ_ONCE(*fifo_word(p)), 0);
	CHECK_EQ(event_close(p), 0);
}

static void order_of_sending(void)
{
	evtchn_port_t a = new_port(), b = new_port(), c = new_port();

	irq_disable();
	taken = 0;
	CHECK_EQ(event_send(c), 0);
	CHECK_EQ(event_send(a), 0);
	CHECK_EQ(event_send(b), 0);
	CHECK_EQ(*fifo_word(c) & EVTCHN_FIFO_LINK_MASK, a);
	CHECK_EQ(*fifo_word(a) & EVTCHN_FIFO_LINK_MASK, b);
	CHECK_EQ(*fifo_word(b) & EVTCHN_FIFO_LINK_MASK, 0);
	take_events();
	CHECK_EQ(taken, 3);
	CHECK_EQ(order[0], c);
	CHECK_EQ(order[1], a);
	CHECK_EQ(order[2], b);
	event_close(a);
	event_close(b);
	event_close(c);
}

static void priorities(void)
{
	evtchn_port_t low = new_port(), middle = new_port(), high = new_port();

	CHECK_EQ(set_priority(low, EVTCHN_FIFO_PRIORITY_MIN), 0);
	CHECK_EQ(set_priority(high, EVTCHN_FIFO_PRIORITY_MAX), 0);
	CHECK_EQ(set_priority(high, EVTCHN_FIFO_PRIORITY_MIN + 1), -EINVAL);
	CHECK_EQ(set_priority(99999, 0), -EINVAL);
	irq_disable();
	taken = 0;
	CHECK_EQ(event_send(low), 0);
	CHECK_EQ(event_send(middle), 0);
	CHECK_EQ(event_send(high), 0);
	CHECK_EQ(READ_ONCE(fifo_control(0)->ready), 1u << 15 | 1u << 7 | 1u << 0);
	take_events();
	CHECK_EQ(taken, 3);
	CHECK_EQ(order[0], high);
	CHECK_EQ(order[1], middle);
	CHECK_EQ(order[2], low);
	event_close(low);
	event_close(middle);
	event_close(high);
}

static void masked(void)
{
	evtchn_port_t p = new_port();
	unsigned int count = event_count[p];

	event_mask(p);
	CHECK_EQ(event_send(p), 0);
	CHECK(fifo_test(p, EVTCHN_FIFO_PENDING));
	CHECK(!fifo_test(p, EVTCHN_FIFO_LINKED));
	CHECK_EQ(event_count[p], count);
	CHECK_EQ(event_unmask(p), 0);
	CHECK_EQ(event_count[p], count + 1);
	CHECK(!event_is_masked(p));
	CHECK_EQ(event_close(p), 0);
}

/* Masked after it was linked: the upcall takes it off the queue and leaves it pending. */
static void masked_while_linked(void)
{
	evtchn_port_t p = new_port();
	unsigned int count = event_count[p];

	irq_disable();
	CHECK_EQ(event_send(p), 0);
	event_mask(p);
	take_events();
	CHECK_EQ(event_count[p], count);
	CHECK(fifo_test(p, EVTCHN_FIFO_PENDING));
	CHECK(!fifo_test(p, EVTCHN_FIFO_LINKED));
	CHECK_EQ(event_unmask(p), 0);
	CHECK_EQ(event_count[p], count + 1);
	CHECK_EQ(event_close(p), 0);
}

static void closed_while_linked(void)
{
	evtchn_port_t p = new_port(), q = new_port();
	unsigned int p_count = event_count[p], q_count = event_count[q];

	irq_disable();
	CHECK_EQ(event_send(p), 0);
	CHECK_EQ(event_send(q), 0);
	CHECK_EQ(event_close(p), 0);
	CHECK(!fifo_test(p, EVTCHN_FIFO_PENDING));
	take_events();
	CHECK_EQ(event_count[p], p_count);
	CHECK_EQ(event_count[q], q_count + 1);
	CHECK_EQ(event_close(q), 0);
}

/* The tail of a queue, taken and sent again, is the head of an empty one. */
static void sent_again(void)
{
	evtchn_port_t p = new_port(), q = new_port();
	unsigned int i;

	for (i = 0; i < 20; i++) {
		irq_disable();
		taken = 0;
		CHECK_EQ(event_send(i & 1 ? p : q), 0);
		CHECK_EQ(event_send(i & 1 ? q : p), 0);
		take_events();
		if (!CHECK_EQ(taken, 2))
			break;
	}
	event_close(p);
	event_close(q);
}

static void poll_sees_it(void)
{
	evtchn_port_t p = new_port();
	struct sched_poll poll = { .nr_ports = 1, .timeout = system_time() + 1000000000ull };

	event_mask(p);
	CHECK_EQ(event_send(p), 0);
	set_xen_guest_handle(poll.ports, &p);
	CHECK_EQ(hc_sched_op(SCHEDOP_poll, &poll), 0);
	CHECK(system_time() < poll.timeout);
	CHECK_EQ(event_close(p), 0);
}

static void second_vcpu(void)
{
	unsigned int before;
	long p;

	REQUIRE_EQ(cpu_start(1), 0);
	REQUIRE_EQ(fifo_init(1), 0);
	p = event_bind_ipi(1);
	REQUIRE(p > 0);
	event_unmask_plain((evtchn_port_t)p);
	before = event_count[p];
	CHECK_EQ(event_send((evtchn_port_t)p), 0);
	CHECK(event_wait((evtchn_port_t)p, before, 100));
	CHECK_EQ(READ_ONCE(fifo_control(0)->ready), 0);
	CHECK_EQ(event_close((evtchn_port_t)p), 0);
}

/* Send on a port and wait for its event, ROUNDS times; 1: one was lost. */
static unsigned long send_and_wait(evtchn_port_t send, evtchn_port_t arrives)
{
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		unsigned int before = event_count[arrives];
		uint64_t end = system_time() + 200000000ull;

		event_send(send);
		while (READ_ONCE(event_count[arrives]) == before) {
			if (system_time() > end)
				return 1;
			hc_sched_op(SCHEDOP_yield, NULL);
		}
	}
	return 0;
}

static evtchn_port_t racing;
static volatile unsigned long lost;

static void race_sender(void *unused __unused) { lost = send_and_wait(racing, racing); }

static void two_senders(void)
{
	evtchn_port_t own = new_port();

	REQUIRE_EQ(cpu_start(1), 0);
	racing = new_port();
	cpu_run(1, race_sender, NULL);
	CHECK_EQ(send_and_wait(own, own), 0);
	CHECK(cpu_wait(1, 2000));
	CHECK_EQ(lost, 0);
	event_close(own);
	event_close(racing);
}

static evtchn_port_t far_end, near_end;

static void moving_sender(void *unused __unused) { lost = send_and_wait(far_end, near_end); }

/* A port that changes its vCPU all the time loses no event, whichever queue it is on. */
static void moved_while_sent(void)
{
	long unbound = event_alloc_unbound(DOMID_SELF, DOMID_SELF), bound;
	unsigned int i;

	REQUIRE(unbound > 0);
	bound = event_bind_interdomain(DOMID_SELF, (evtchn_port_t)unbound);
	REQUIRE(bound > 0);
	REQUIRE_EQ(cpu_start(1), 0);
	near_end = (evtchn_port_t)unbound;
	far_end = (evtchn_port_t)bound;
	event_mask(far_end);
	event_clear(far_end);
	event_unmask_plain(near_end);
	cpu_run(1, moving_sender, NULL);
	for (i = 0; READ_ONCE(cpus[1].work) && i < 100000; i++) {
		CHECK_EQ(bind_vcpu(near_end, i & 1), 0);
		CHECK_EQ(set_priority(near_end, i >> 1 & 15), 0);
		/* on one CPU the sender runs now: each time with another vCPU and priority */
		if (i % 13 == 12)
			hc_sched_op(SCHEDOP_yield, NULL);
	}
	CHECK(cpu_wait(1, 2000));
	CHECK_EQ(lost, 0);
	event_close(near_end);
	event_close(far_end);
}

static evtchn_port_t after_reset;

static void reset(void)
{
	struct evtchn_reset op = { .dom = DOMID_SELF };
	struct evtchn_status s = { .dom = DOMID_SELF, .port = before_switch };

	if (cpus[1].online)
		CHECK(cpu_stop(1));
	irq_disable();
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_reset, &op), 0);
	fifo_forget();
	timer_forget();
	irq_enable();
	CHECK_EQ(hc_event_channel_op(EVTCHNOP_status, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_closed);
	CHECK_EQ(try_expand(ptr_gfn(&fifo_active)), -EOPNOTSUPP);
	after_reset = new_port();
	event_unmask_plain(after_reset);
	taken = 0;
	CHECK_EQ(event_send(after_reset), 0);
	CHECK_EQ(taken, 1);
}

static void queues_once_more(void)
{
	REQUIRE_EQ(fifo_init(0), 0);
	REQUIRE_EQ(fifo_add_page(), 0);
	taken = 0;
	CHECK_EQ(event_send(after_reset), 0);
	CHECK(fifo_test(after_reset, EVTCHN_FIFO_LINKED) == !taken);
	CHECK_HV(taken, 0, 1);
}

static const struct test tests[] = {
	{ "init_control: errors", control_errors, TEST_GUEST },
	{ "what is pending stays so", the_switch, TEST_GUEST },
	{ "a second control block or a bad array page", control_twice, TEST_GUEST },
	{ "one event", one_event, TEST_GUEST },
	{ "events come in the order of sending", order_of_sending, TEST_GUEST },
	{ "the higher priority first", priorities, TEST_GUEST },
	{ "a masked port is not linked", masked, TEST_GUEST },
	{ "masked while it is linked", masked_while_linked, TEST_GUEST },
	{ "closed while it is linked", closed_while_linked, TEST_GUEST },
	{ "taken and sent again", sent_again, TEST_GUEST },
	{ "poll sees a pending port", poll_sees_it, TEST_GUEST },
	{ "the second vCPU has its own queues", second_vcpu, TEST_GUEST | TEST_SMP },
	{ "two vCPUs send", two_senders, TEST_GUEST | TEST_SMP },
	{ "a port that moves loses nothing", moved_while_sent, TEST_GUEST | TEST_SMP },
	{ "reset goes back to the bitmaps", reset, TEST_GUEST },
	{ "queues once more after a reset", queues_once_more, TEST_GUEST },
};

AREA_MANUAL(fifo, "fifo", tests, NULL, NULL);
