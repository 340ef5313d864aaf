/* SPDX-License-Identifier: GPL-2.0-only */
/* vcpu_op: state, runstate, timers, registered areas, start and stop of a second vCPU. */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include <xen/hvm/hvm_vcpu.h>
#include "errors.h"

static void is_up(void)
{
	CHECK_EQ(hc_vcpu_op(VCPUOP_is_up, 0, NULL), 1);
	CHECK_EQ(hc_vcpu_op(VCPUOP_is_up, 100, NULL), -ENOENT);
	CHECK_EQ(hc_vcpu_op(VCPUOP_is_up, ~0u, NULL), -ENOENT);
}

static void unknown_op(void)
{
	CHECK_EQ(hc_vcpu_op(77, 0, NULL), -ENOSYS);
	CHECK_EQ(hc_vcpu_op(77, 100, NULL), -ENOENT);
}

static void unreadable(void)
{
	CHECK_EQ(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_vcpu_op(VCPUOP_get_runstate_info, 0, BAD_PTR), -EFAULT);
}

static void runstate(void)
{
	struct vcpu_runstate_info r;
	uint64_t before, sum;

	memset(&r, 0, sizeof(r));
	CHECK_EQ(hc_vcpu_op(VCPUOP_get_runstate_info, 0, &r), 0);
	CHECK_EQ(r.state, RUNSTATE_running);
	before = r.time[RUNSTATE_running];
	CHECK(before > 0);
	sleep_ms(2);
	CHECK_EQ(hc_vcpu_op(VCPUOP_get_runstate_info, 0, &r), 0);
	CHECK(r.time[RUNSTATE_running] > before);
	CHECK(r.time[RUNSTATE_blocked] >= 1000000);
	sum = r.time[0] + r.time[1] + r.time[2] + r.time[3];
	CHECK(sum <= system_time() + 1000000);
}

static void runstate_area(void)
{
	struct vcpu_runstate_info *r = page_alloc();
	struct vcpu_register_runstate_memory_area a = { .addr.v = r };

	CHECK_EQ(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a), 0);
	CHECK_EQ(READ_ONCE(r->state), RUNSTATE_running);
	sleep_ms(2);
	CHECK(READ_ONCE(r->time[RUNSTATE_blocked]) > 0);
	CHECK(READ_ONCE(r->time[RUNSTATE_running]) > 0);
	a.addr.v = NULL;
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &a), 0);
	page_free(r);
}

static void time_area(void)
{
	struct vcpu_time_info *t = page_alloc();
	struct vcpu_register_time_memory_area a = { .addr.v = t };

	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &a), 0);
	sleep_ms(2);
	CHECK(READ_ONCE(t->system_time) > 0);
	CHECK_EQ(t->tsc_to_system_mul, vcpu_info(0)->time.tsc_to_system_mul);
	CHECK_EQ(t->tsc_shift, vcpu_info(0)->time.tsc_shift);
	a.addr.v = NULL;
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &a), 0);
	page_free(t);
}

static void vcpu_info_errors(void)
{
	struct vcpu_register_vcpu_info r = { .mfn = ptr_gfn(page_alloc()), .offset = 4090 };

	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &r), -ENXIO);
	r.offset = 3;
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &r), -ENXIO);
	r.offset = 0;
	r.mfn = hole_gfn_alloc(1, 1);
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 0, &r), -EINVAL);
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 100, &r), -ENOENT);
}

static void singleshot(void)
{
	long port = timer_init();
	unsigned int before;

	REQUIRE(port > 0);
	before = event_count[port];
	CHECK_EQ(timer_arm(system_time() + 2000000), 0);
	CHECK_EQ(event_count[port], before);
	while (event_count[port] == before && before != ~0u)
		wait_for_interrupt();
	CHECK_EQ(event_count[port], before + 1);
}

/* As event_wait(), without arming the timer that is under test. */
static bool timer_fires(evtchn_port_t port, unsigned int before, unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (event_count[port] == before && system_time() < end)
		hc_sched_op(SCHEDOP_yield, NULL);
	return event_count[port] != before;
}

static void singleshot_in_the_past(void)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future };
	long port = timer_init();
	unsigned int before = event_count[port];

	/* It fires at once, whatever the flag says. */
	CHECK_EQ(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	CHECK(timer_fires((evtchn_port_t)port, before, 50));
	before = event_count[port];
	t.flags = 0;
	CHECK_EQ(hc_vcpu_op(VCPUOP_set_singleshot_timer, 0, &t), 0);
	CHECK(timer_fires((evtchn_port_t)port, before, 50));
}

static void singleshot_stopped(void)
{
	long port = timer_init();
	unsigned int before = event_count[port];
	uint64_t end = system_time() + 5000000;

	CHECK_EQ(timer_arm(system_time() + 2000000), 0);
	CHECK_EQ(timer_stop(), 0);
	while (system_time() < end)
		cpu_relax();
	CHECK_EQ(event_count[port], before);
}

static void singleshot_rearmed(void)
{
	long port = timer_init();
	unsigned int before = event_count[port];
	uint64_t start = system_time();

	CHECK_EQ(timer_arm(start + 1000000000), 0);
	CHECK_EQ(timer_arm(start + 3000000), 0);
	while (event_count[port] == before)
		wait_for_interrupt();
	CHECK(system_time() - start >= 3000000);
	CHECK(system_time() - start < 500000000);
}

static void periodic(void)
{
	struct vcpu_set_periodic_timer p = { .period_ns = 2000000 };
	long port = timer_init();
	unsigned int before = event_count[port];
	uint64_t end = system_time() + 21000000;

	REQUIRE_EQ(hc_vcpu_op(VCPUOP_set_periodic_timer, 0, &p), 0);
	while (system_time() < end)
		cpu_relax();
	CHECK(event_count[port] - before >= 8);
	CHECK(event_count[port] - before <= 12);
	CHECK_EQ(hc_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
	before = event_count[port];
	sleep_ms(6);
	CHECK(event_count[port] - before <= 4);
}

static void periodic_too_short(void)
{
	struct vcpu_set_periodic_timer p = { .period_ns = 10 };

	CHECK_EQ(hc_vcpu_op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
	p.period_ns = ~0ull;
	CHECK_EQ(hc_vcpu_op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
}

static void timers_of_others(void)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = 1 };

	CHECK_EQ(hc_vcpu_op(VCPUOP_set_singleshot_timer, 1, &t), -EINVAL);
	CHECK_EQ(hc_vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL), -EINVAL);
}

static void physid(void)
{
	struct vcpu_get_physid id = { .phys_id = 0 };

	long rc = hc_vcpu_op(VCPUOP_get_physid, 0, &id);

	/* For a vCPU of the hardware domain that is pinned to one CPU only. */
	CHECK(rc == -EINVAL || (rc == 0 && is_dom0()));
}

static void send_nmi_to_nobody(void)
{
	CHECK_EQ(hc_vcpu_op(VCPUOP_send_nmi, 100, NULL), -ENOENT);
}

/* --- a second vCPU */

static volatile unsigned int ap_id;

static void say_id(void *arg)
{
	ap_id = this_cpu()->id + *(unsigned int *)arg;
}

static void starts_and_stops(void)
{
	unsigned int add = 40, i;

	for (i = 0; i < 3; i++) {
		REQUIRE_EQ(cpu_start(1), 0);
		CHECK_EQ(hc_vcpu_op(VCPUOP_is_up, 1, NULL), 1);
		ap_id = 0;
		cpu_run(1, say_id, &add);
		CHECK(cpu_wait(1, 1000));
		CHECK_EQ(ap_id, 41);
		CHECK(cpu_stop(1));
		CHECK_EQ(hc_vcpu_op(VCPUOP_is_up, 1, NULL), 0);
	}
}

static void initialise_twice(void)
{
	struct vcpu_hvm_context ctx;

	memset(&ctx, 0, sizeof(ctx));
	REQUIRE_EQ(cpu_start(1), 0);
	CHECK(cpu_stop(1));
	ctx.mode = VCPU_HVM_MODE_64B;
	CHECK_EQ(hc_vcpu_op(VCPUOP_initialise, 1, &ctx), -EEXIST);
	CHECK_EQ(hc_vcpu_op(VCPUOP_initialise, 0, &ctx), -EEXIST);
}

static void up_when_up(void)
{
	CHECK_EQ(hc_vcpu_op(VCPUOP_up, 0, NULL), 0);
	CHECK_EQ(hc_vcpu_op(VCPUOP_up, 100, NULL), -ENOENT);
}

static void runstate_of_another(void)
{
	struct vcpu_runstate_info r;

	REQUIRE_EQ(cpu_start(1), 0);
	CHECK(cpu_stop(1));
	CHECK_EQ(hc_vcpu_op(VCPUOP_get_runstate_info, 1, &r), 0);
	CHECK_EQ(r.state, RUNSTATE_offline);
}

/* Move vcpu_info of the second vCPU to a page, once only; its contents go along, events arrive. */
static void vcpu_info_moves(void)
{
	struct vcpu_info *vi = page_alloc();
	struct vcpu_register_vcpu_info r = { .mfn = ptr_gfn(vi), .offset = 64 };

	unsigned int add = 50;

	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 1, &r), 0);
	event_use_vcpu_info(1, vi + 1);
	CHECK_EQ(hc_vcpu_op(VCPUOP_register_vcpu_info, 1, &r), -EINVAL);
	CHECK(vi[1].time.tsc_to_system_mul > 0);
	REQUIRE_EQ(cpu_start(1), 0);
	cpu_run(1, say_id, &add);
	CHECK(cpu_wait(1, 1000));
	CHECK_EQ(ap_id, 51);
	CHECK(cpu_stop(1));
}

static const struct test tests[] = {
	{ "is_up", is_up, 0 },
	{ "unknown sub-operation", unknown_op, 0 },
	{ "unreadable arguments", unreadable, 0 },
	{ "runstate", runstate, 0 },
	{ "runstate area", runstate_area, 0 },
	{ "time area", time_area, 0 },
	{ "register_vcpu_info: errors", vcpu_info_errors, 0 },
	{ "one-shot timer", singleshot, 0 },
	{ "one-shot timer in the past", singleshot_in_the_past, 0 },
	{ "one-shot timer stopped", singleshot_stopped, 0 },
	{ "one-shot timer set again", singleshot_rearmed, 0 },
	{ "periodic timer", periodic, 0 },
	{ "periods out of range", periodic_too_short, 0 },
	{ "timers of another vCPU", timers_of_others, TEST_SMP },
	{ "get_physid", physid, 0 },
	{ "send_nmi to nobody", send_nmi_to_nobody, 0 },
	{ "a second vCPU starts, works, stops", starts_and_stops, TEST_SMP },
	{ "initialise of an initialised vCPU", initialise_twice, TEST_SMP },
	{ "up of a vCPU that is up", up_when_up, 0 },
	{ "runstate of a stopped vCPU", runstate_of_another, TEST_SMP },
	{ "register_vcpu_info once", vcpu_info_moves, TEST_SMP },
};

AREA(vcpu, "vcpu", tests, NULL, NULL);
