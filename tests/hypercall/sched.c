/* SPDX-License-Identifier: GPL-2.0-only */
/* sched_op, and time: what halting, polling and watchdogs do, and how clocks run. */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include "errors.h"
#include "peer.h"

static void yield(void)
{
	CHECK_EQ(hc_sched_op(SCHEDOP_yield, NULL), 0);
}

static void block_wakes_by_timer(void)
{
	uint64_t start = system_time();

	CHECK_EQ(timer_arm(start + 2000000), 0);
	CHECK_EQ(hc_sched_op(SCHEDOP_block, NULL), 0);
	CHECK(system_time() - start >= 1900000);
	CHECK(system_time() - start < 500000000); /* others may have their slices first */
	irq_enable();
}

static long poll(evtchn_port_t *ports, unsigned int count, uint64_t timeout)
{
	struct sched_poll p = { .nr_ports = count, .timeout = timeout };

	set_xen_guest_handle(p.ports, ports);
	return hc_sched_op(SCHEDOP_poll, &p);
}

static void poll_times_out(void)
{
	uint64_t start = system_time();
	long port = event_bind_ipi(0);
	evtchn_port_t p = (evtchn_port_t)port;

	irq_disable();
	CHECK_EQ(poll(&p, 1, start + 3000000), 0);
	irq_enable();
	CHECK(system_time() - start >= 3000000);
	CHECK(system_time() - start < 500000000); /* others may have their slices first */
	event_close(p);
}

static void poll_sees_pending(void)
{
	long port = event_bind_ipi(0);
	evtchn_port_t p = (evtchn_port_t)port;
	uint64_t start = system_time();

	event_send(p);
	CHECK_EQ(poll(&p, 1, start + 1000000000), 0);
	CHECK(system_time() - start < 500000000); /* others may have their slices first */
	event_close(p);
}

static void poll_errors(void)
{
	evtchn_port_t p = ~0u;

	CHECK_EQ(poll(&p, 1, system_time() + 1000), -EINVAL);
	CHECK_EQ(poll(BAD_PTR, 1, system_time() + 1000), -EFAULT);
	CHECK_EQ(poll(&p, 129, system_time() + 1000), -EINVAL);
	CHECK_EQ(hc_sched_op(SCHEDOP_poll, BAD_PTR), -EFAULT);
}

static void unknown_op(void)
{
	CHECK_EQ(hc_sched_op(66, NULL), -ENOSYS);
	CHECK_EQ(hc_sched_op(SCHEDOP_shutdown, BAD_PTR), -EFAULT);
}

static void remote_shutdown_errors(void)
{
	struct sched_remote_shutdown r = { .domain_id = DOMID_NOBODY };

	CHECK_EQ(hc_sched_op(SCHEDOP_remote_shutdown, &r), -ESRCH);
	CHECK_EQ(hc_sched_op(SCHEDOP_remote_shutdown, BAD_PTR), -EFAULT);
}

static void remote_shutdown_unprivileged(void)
{
	struct sched_remote_shutdown r = { .domain_id = 0 };

	CHECK_EQ(hc_sched_op(SCHEDOP_remote_shutdown, &r), -EPERM);
}

static void watchdog(void)
{
	struct sched_watchdog w = { .id = 0, .timeout = 10 };
	long id = hc_sched_op(SCHEDOP_watchdog, &w);

	REQUIRE(id > 0);
	w.id = (uint32_t)id;
	CHECK_EQ(hc_sched_op(SCHEDOP_watchdog, &w), 0);
	w.timeout = 0;
	CHECK_EQ(hc_sched_op(SCHEDOP_watchdog, &w), 0);
	w.timeout = 5;
	CHECK_EQ(hc_sched_op(SCHEDOP_watchdog, &w), -EINVAL);
	w.id = 55;
	CHECK_EQ(hc_sched_op(SCHEDOP_watchdog, &w), -EINVAL);
}

static void pin_override(void)
{
	struct sched_pin_override p = { .pcpu = 0 };
	long rc = hc_sched_op(SCHEDOP_pin_override, &p);

	if (!is_dom0()) {
		CHECK_EQ(rc, -EPERM);
		return;
	}
	CHECK_EQ(rc, 0);
	p.pcpu = -1;
	CHECK_EQ(hc_sched_op(SCHEDOP_pin_override, &p), 0);
}

static long bark(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	struct sched_watchdog w = { .id = 0, .timeout = 1 };

	return hc_sched_op(SCHEDOP_watchdog, &w);
}

static void watchdog_fires(void)
{
	unsigned int reason = 0;

	REQUIRE(peer_up);
	CHECK(PEER_CALL(bark, 0, 0, 0) > 0);
	sleep_ms(900);
	CHECK(!guest_is_down(&peer, NULL));
	CHECK(guest_wait_down(&peer, 1000));
	CHECK(guest_is_down(&peer, &reason));
	CHECK_EQ(reason, SHUTDOWN_watchdog);
}

/* --- time */

static void time_goes_on(void)
{
	uint64_t last = system_time(), now;
	unsigned int i, backwards = 0;

	for (i = 0; i < 10000; i++) {
		now = system_time();
		backwards += now < last;
		last = now;
	}
	CHECK_EQ(backwards, 0);
}

static void sleeping_takes_that_long(void)
{
	uint64_t start = system_time();

	sleep_ms(20);
	CHECK(system_time() - start >= 20000000);
	CHECK(system_time() - start < 200000000);
}

static void tsc_agrees(void)
{
	struct vcpu_time_info *t = &vcpu_info(0)->time;
	uint64_t tsc = rdtsc(), ns = system_time(), hz;

	hz = t->tsc_shift >= 0 ? (1000000000ull << 32) / t->tsc_to_system_mul >> t->tsc_shift
			       : ((1000000000ull << 32) / t->tsc_to_system_mul) << -t->tsc_shift;
	sleep_ms(10);
	tsc = rdtsc() - tsc;
	ns = system_time() - ns;
	CHECK(tsc * 1000 / (hz / 1000) * 1000 < ns + ns / 50 + 10000);
	CHECK(tsc * 1000 / (hz / 1000) * 1000 + ns / 50 + 10000 > ns);
	CHECK(!(t->version & 1));
}

static void wall_clock(void)
{
	uint32_t version = READ_ONCE(shared_info->wc_version);
	uint64_t secs = shared_info->wc_sec | (uint64_t)shared_info->wc_sec_hi << 32;

	CHECK(!(version & 1));
	CHECK(secs > 900000000);
	CHECK(shared_info->wc_nsec < 1000000000);
}

static void set_timer_op(void)
{
	long port = timer_init();
	unsigned int before = event_count[port];
	uint64_t start = system_time();

	CHECK_EQ(hc_set_timer_op(start + 2000000), 0);
	CHECK(event_wait((evtchn_port_t)port, before, 50));
	CHECK(system_time() - start < 500000000); /* others may have their slices first */
	CHECK_EQ(hc_set_timer_op(0), 0);
}

static void many_short_sleeps(void)
{
	uint64_t start = system_time();
	unsigned int i;

	for (i = 0; i < 20; i++)
		sleep_ms(1);
	CHECK(system_time() - start >= 20000000);
	CHECK(system_time() - start < 500000000); /* others may have their slices first */
}

static volatile uint64_t ap_time;

static void read_time(void *arg __unused)
{
	ap_time = system_time();
}

static void vcpus_agree_on_time(void)
{
	uint64_t before, after;
	unsigned int i;

	REQUIRE_EQ(cpu_start(1), 0);
	for (i = 0; i < 20; i++) {
		before = system_time();
		cpu_run(1, read_time, NULL);
		CHECK(cpu_wait(1, 1000));
		after = system_time();
		if (!CHECK(ap_time + 1000 >= before && ap_time <= after + 1000))
			break;
	}
	CHECK(cpu_stop(1));
}

static const struct test tests[] = {
	{ "yield", yield, 0 },
	{ "block ends by the timer", block_wakes_by_timer, 0 },
	{ "poll times out", poll_times_out, 0 },
	{ "poll sees what is pending", poll_sees_pending, 0 },
	{ "poll: errors", poll_errors, 0 },
	{ "unknown sub-operation, unreadable argument", unknown_op, 0 },
	{ "remote_shutdown: errors", remote_shutdown_errors, TEST_DOM0 },
	{ "remote_shutdown, unprivileged", remote_shutdown_unprivileged, TEST_GUEST },
	{ "watchdog", watchdog, 0 },
	{ "pin_override", pin_override, 0 },
	{ "system time never goes back", time_goes_on, 0 },
	{ "sleeping takes as long as asked", sleeping_takes_that_long, 0 },
	{ "the TSC agrees with system time", tsc_agrees, 0 },
	{ "wall clock", wall_clock, 0 },
	{ "set_timer_op", set_timer_op, 0 },
	{ "20 sleeps of 1 ms", many_short_sleeps, 0 },
	{ "two vCPUs agree on time", vcpus_agree_on_time, TEST_SMP },
	{ "the watchdog ends a guest", watchdog_fires, TEST_DOM0 },
};

AREA(sched, "sched", tests, peer_start, peer_stop);
