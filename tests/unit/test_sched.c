/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler as it ships (mechanics and policy) on a machine of the test's: CPUs are played in turn, time
 * is a variable, guests are what they want to do next.
 */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/sched-if.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <public/sysctl.h>
#include "host/stubs.h"
#include "host/tap.h"

#define CPUS 4
#define DOMS 6
#define VCPUS 4

static unsigned int nr_cpus = CPUS;
static struct domain idle_dom, dom[DOMS];
static struct vcpu *vcpu_slots[DOMS][VCPUS], *idle_slots[NR_CPUS];
/* What ran, in nanoseconds; and how long a vCPU runs before it blocks, 0: never blocks. */
static s64 ran[DOMS][VCPUS];
static s64 burst[DOMS][VCPUS], left[DOMS][VCPUS];

/* ---- what surrounds the scheduler ---- */

struct domain *hardware_domain;

int domain_create(domid_t domid, const struct xen_domctl_createdomain *config, bool is_priv, struct domain **out)
{
	idle_dom.domain_id = domid;
	idle_dom.vcpu = idle_slots;
	idle_dom.max_vcpus = NR_CPUS;
	*out = &idle_dom;
	return 0;
}

struct vcpu *vcpu_create(struct domain *d, unsigned int id)
{
	struct vcpu *v = host_alloc(sizeof(*v));

	v->domain = d;
	v->vcpu_id = id;
	CHECK_EQ(sched_init_vcpu(v), 0);
	d->vcpu[id] = v;
	return v;
}

void context_switch(struct vcpu *prev, struct vcpu *next)
{
	CHECK(current == prev);
	CHECK(!local_irq_is_enabled());
	current = next;
}

void sync_vcpu_state(struct vcpu *v) { CHECK(!v->is_running); }
bool vcpu_event_delivery_due(const struct vcpu *v) { return false; }
bool hvm_interrupt_pending(const struct vcpu *v) { return false; }
void vcpu_update_runstate_area(struct vcpu *v) {}
void *xzalloc_bytes(size_t n) { return host_alloc(n); }
void xfree(void *p) { host_free(p); }

/* ---- the machine ---- */

static void start(unsigned int cpus, unsigned int doms, unsigned int vcpus)
{
	nr_cpus = cpus;
	cpu_online_map = (cpumask_t){ (1ULL << cpus) - 1 };
	host_percpu_init(cpus);
	for (unsigned int i = 0; i < cpus; i++)
		host_armed[i] = STIME_MAX;
	softirq_init();
	timer_init();
	scheduler_init();
	for (unsigned int i = 1; i < cpus; i++)
		sched_start_cpu(i);
	for (unsigned int i = 0; i < doms; i++) {
		dom[i].domain_id = (domid_t)i;
		dom[i].vcpu = vcpu_slots[i];
		dom[i].max_vcpus = vcpus;
		CHECK_EQ(sched_init_domain(&dom[i]), 0);
		for (unsigned int k = 0; k < vcpus; k++)
			vcpu_create(&dom[i], k);
	}
}

static void wake_all(unsigned int doms, unsigned int vcpus)
{
	for (unsigned int i = 0; i < doms; i++)
		for (unsigned int k = 0; k < vcpus; k++)
			vcpu_wake(dom[i].vcpu[k]);
}

/* Softirqs of all CPUs until none is left. */
static void settle(void)
{
	bool any = true;

	while (any) {
		any = false;
		for (host_cpu = 0; host_cpu < nr_cpus; host_cpu++) {
			if (host_armed[host_cpu] <= host_now) {
				host_armed[host_cpu] = STIME_MAX;
				raise_softirq(TIMER_SOFTIRQ);
			}
			any |= softirq_pending() != 0;
			do_softirq();
			rcu_quiescent();
		}
	}
	host_cpu = 0;
}

/* The guest on host_cpu has run for ns. */
static void account(struct vcpu *v, s64 ns)
{
	unsigned int d = v->domain->domain_id, k = v->vcpu_id;

	ran[d][k] += ns;
	if (!burst[d][k])
		return;
	left[d][k] -= ns;
	if (left[d][k] <= 0) {
		left[d][k] = burst[d][k];
		vcpu_block_current();
	}
}

/* Lets the machine run in steps; each: every CPU runs its current vCPU for that long. */
static void run_for(s64 ns, s64 step)
{
	for (s64 t = 0; t < ns; t += step) {
		settle();
		host_now += step;
		for (host_cpu = 0; host_cpu < nr_cpus; host_cpu++)
			if (!is_idle_vcpu(current))
				account(current, step);
		host_cpu = 0;
	}
	settle();
}

static bool queued(const struct vcpu *v)
{
	struct sched_entity *e = (struct sched_entity *)v->sched;

	return e->queued;
}

/* Nobody is lost, nobody is twice, nobody is where it may not be. */
static void check_invariants(unsigned int doms, unsigned int vcpus)
{
	unsigned int waiting = 0;

	for (unsigned int i = 0; i < doms; i++) {
		for (unsigned int k = 0; k < vcpus; k++) {
			struct vcpu *v = dom[i].vcpu[k];
			struct vcpu_runstate_info r;
			unsigned int runs = 0;
			u64 sum = 0;

			for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
				runs += per_cpu(curr_vcpu, cpu) == v;
			CHECK_EQ(runs, v->is_running);
			if (runs)
				CHECK(per_cpu(curr_vcpu, v->processor) == v);
			CHECK_EQ(vcpu_runnable(v), v->is_running || queued(v));
			CHECK(!(v->is_running && queued(v)));
			if (v->is_running)
				CHECK(cpumask_test(v->hard_affinity, v->processor));
			vcpu_runstate_get(v, &r);
			for (unsigned int s = 0; s < 4; s++)
				sum += r.time[s];
			CHECK_EQ(sum, host_now);
			CHECK_EQ(r.state == RUNSTATE_running, v->is_running);
			CHECK(r.time[RUNSTATE_running] <= (u64)ran[i][k]);
			waiting += queued(v) && v->hard_affinity.bits == ~0ULL;
		}
	}
	for (unsigned int cpu = 0; cpu < nr_cpus; cpu++)
		CHECK(!waiting || per_cpu(curr_vcpu, cpu) != idle_vcpu[cpu]);
}

static s64 dom_ran(unsigned int d)
{
	s64 sum = 0;

	for (unsigned int k = 0; k < VCPUS; k++)
		sum += ran[d][k];
	return sum;
}

/* a is part/whole of b, to within so many per cent. */
static void check_share(s64 got, s64 want, unsigned int percent)
{
	s64 off = got > want ? got - want : want - got;

	if (off * 100 > want * percent)
		tap_note("got %ld us, expected %ld us", (long)(got / 1000), (long)(want / 1000));
	CHECK(off * 100 <= want * percent);
}

static void set_params(unsigned int d, u16 weight, u16 cap)
{
	struct xen_domctl_scheduler_op op = {
		.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo,
		.u.credit2 = { .weight = weight, .cap = cap },
	};

	CHECK_EQ(sched_domctl(&dom[d], &op), 0);
	op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	op.u.credit2.weight = 0;
	CHECK_EQ(sched_domctl(&dom[d], &op), 0);
	CHECK_EQ(op.u.credit2.weight, weight);
	CHECK_EQ(op.u.credit2.cap, cap);
}

/* ---- shares ---- */

static void equal_weights_get_equal_time(void)
{
	start(1, 3, 1);
	wake_all(3, 1);
	run_for(SECONDS(3), MICROSECS(100));
	for (unsigned int d = 0; d < 3; d++)
		check_share(dom_ran(d), SECONDS(1), 3);
	check_invariants(3, 1);
}

static void time_goes_by_weight(void)
{
	start(1, 3, 1);
	set_params(0, 128, 0);
	set_params(1, 256, 0);
	set_params(2, 1024, 0);
	wake_all(3, 1);
	run_for(SECONDS(11), MICROSECS(100));
	check_share(dom_ran(0), SECONDS(1), 5);
	check_share(dom_ran(1), SECONDS(2), 5);
	check_share(dom_ran(2), SECONDS(8), 5);
}

/* Three that are always busy on two CPUs: only by moving can each get two thirds. */
static void odd_numbers_share_cpus_fairly(void)
{
	start(2, 3, 1);
	wake_all(3, 1);
	run_for(SECONDS(6), MICROSECS(100));
	for (unsigned int d = 0; d < 3; d++)
		check_share(dom_ran(d), SECONDS(4), 8);
	check_invariants(3, 1);
}

static void no_cpu_idles_while_others_wait(void)
{
	start(4, 2, 4);
	wake_all(2, 4);
	run_for(SECONDS(2), MICROSECS(100));
	CHECK_EQ(dom_ran(0) + dom_ran(1), 4 * SECONDS(2));
	check_share(dom_ran(0), SECONDS(4), 5);
}

static void a_cap_limits_even_on_an_idle_machine(void)
{
	start(2, 2, 2);
	set_params(0, 256, 50);
	wake_all(1, 2);
	run_for(SECONDS(4), MICROSECS(100));
	check_share(dom_ran(0), SECONDS(2), 5);
	/* Taking it off helps at once. */
	set_params(0, 256, 0);
	ran[0][0] = ran[0][1] = 0;
	run_for(SECONDS(1), MICROSECS(100));
	check_share(dom_ran(0), SECONDS(2), 1);
}

static void what_a_cap_leaves_others_get(void)
{
	start(1, 2, 1);
	set_params(0, 256, 20);
	wake_all(2, 1);
	run_for(SECONDS(5), MICROSECS(100));
	check_share(dom_ran(0), SECONDS(1), 6);
	check_share(dom_ran(1), SECONDS(4), 3);
}

/* ---- waking ---- */

static void one_that_wakes_up_goes_before_busy_ones(void)
{
	s64 slept = 0, late = 0;
	struct vcpu *v;

	start(1, 3, 1);
	wake_all(3, 1);
	burst[2][0] = left[2][0] = MICROSECS(200);
	v = dom[2].vcpu[0];
	run_for(MILLISECS(50), MICROSECS(50));
	for (unsigned int i = 0; i < 200; i++) {
		s64 was, waited = 0;

		run_for(MILLISECS(5), MICROSECS(50));
		slept += !vcpu_runnable(v);
		vcpu_kick(v);
		was = ran[2][0];
		for (; ran[2][0] == was; waited += MICROSECS(50))
			run_for(MICROSECS(50), MICROSECS(50));
		late = max(late, waited);
	}
	CHECK(slept > 150);
	/* The rate limit is 1 ms. */
	CHECK(late <= MICROSECS(1200));
}

static void a_long_sleeper_gets_no_more_than_a_head_start(void)
{
	start(1, 2, 1);
	vcpu_wake(dom[0].vcpu[0]);
	run_for(SECONDS(5), MICROSECS(100));
	vcpu_wake(dom[1].vcpu[0]);
	ran[0][0] = 0;
	run_for(MILLISECS(200), MICROSECS(100));
	check_share(dom_ran(0), MILLISECS(100), 20);
}

static void waking_uses_idle_cpus(void)
{
	start(4, 1, 4);
	wake_all(1, 4);
	run_for(MILLISECS(1), MICROSECS(100));
	for (unsigned int k = 0; k < 4; k++)
		CHECK(dom[0].vcpu[k]->is_running);
}

static void an_idle_machine_does_not_tick(void)
{
	start(2, 1, 1);
	vcpu_wake(dom[0].vcpu[0]);
	burst[0][0] = left[0][0] = MILLISECS(3);
	run_for(MILLISECS(20), MICROSECS(100));
	CHECK(!dom[0].vcpu[0]->is_running);
	CHECK_EQ(host_armed[0], STIME_MAX);
	CHECK_EQ(host_armed[1], STIME_MAX);
	/* Nor does one that runs alone. */
	burst[0][0] = 0;
	vcpu_unblock(dom[0].vcpu[0]);
	run_for(MILLISECS(20), MICROSECS(100));
	CHECK_EQ(host_armed[dom[0].vcpu[0]->processor], STIME_MAX);
	CHECK_EQ(get_cpu_idle_time(0) + get_cpu_idle_time(1), 2 * (u64)host_now - (u64)ran[0][0]);
}

static void yielding_lets_the_other_go_first(void)
{
	unsigned int other = 0;

	start(1, 2, 1);
	wake_all(2, 1);
	settle();
	for (unsigned int i = 0; i < 20; i++) {
		struct vcpu *was = current;

		vcpu_yield_current();
		run_for(MICROSECS(100), MICROSECS(100));
		other += current != was;
	}
	CHECK_EQ(other, 20);
}

/* ---- pausing and affinity ---- */

static void paused_domains_do_not_run(void)
{
	start(2, 2, 2);
	wake_all(2, 2);
	run_for(MILLISECS(10), MICROSECS(100));
	domain_pause_nosync(&dom[1]);
	CHECK_EQ(domain_pause_by_controller(&dom[0]), 0);
	settle();
	ran[0][0] = ran[0][1] = ran[1][0] = ran[1][1] = 0;
	run_for(MILLISECS(50), MICROSECS(100));
	CHECK_EQ(dom_ran(0) + dom_ran(1), 0);
	CHECK_EQ(domain_unpause_by_controller(&dom[0]), 0);
	CHECK_EQ(domain_unpause_by_controller(&dom[0]), -EINVAL);
	domain_unpause(&dom[1]);
	run_for(MILLISECS(50), MICROSECS(100));
	CHECK(dom_ran(0) && dom_ran(1));
}

static void pauses_of_the_tool_stack_are_counted_and_limited(void)
{
	start(1, 1, 1);
	for (unsigned int i = 0; i < 255; i++)
		CHECK_EQ(domain_pause_by_controller(&dom[0]), 0);
	CHECK_EQ(domain_pause_by_controller(&dom[0]), -EBUSY);
	CHECK_EQ(atomic_read(&dom[0].pause_count), 255);
	for (unsigned int i = 0; i < 255; i++)
		CHECK_EQ(domain_unpause_by_controller(&dom[0]), 0);
	CHECK(dom[0].creation_finished);
	vcpu_wake(dom[0].vcpu[0]);
	run_for(MILLISECS(1), MICROSECS(100));
	CHECK(ran[0][0]);
}

static void hard_affinity_is_kept_and_moves_at_once(void)
{
	struct vcpu *v;

	start(4, 1, 4);
	wake_all(1, 4);
	v = dom[0].vcpu[0];
	run_for(MILLISECS(1), MICROSECS(100));
	for (unsigned int cpu = 0; cpu < 4; cpu++) {
		CHECK_EQ(vcpu_set_hard_affinity(v, cpumask_of(cpu)), 0);
		run_for(MILLISECS(30), MICROSECS(100));
		CHECK(v->processor == cpu);
		check_invariants(1, 4);
	}
	CHECK_EQ(vcpu_set_hard_affinity(v, (cpumask_t){ 0xf0 }), -EINVAL);
	CHECK_EQ(vcpu_set_soft_affinity(v, CPUMASK_NONE), -EINVAL);
}

static void pinned_together_they_share_one_cpu(void)
{
	start(4, 2, 1);
	for (unsigned int d = 0; d < 2; d++)
		CHECK_EQ(vcpu_set_hard_affinity(dom[d].vcpu[0], cpumask_of(3)), 0);
	wake_all(2, 1);
	run_for(SECONDS(1), MICROSECS(100));
	check_share(dom_ran(0), MILLISECS(500), 5);
	check_share(dom_ran(1), MILLISECS(500), 5);
}

static void soft_affinity_is_preferred(void)
{
	start(4, 1, 1);
	CHECK_EQ(vcpu_set_soft_affinity(dom[0].vcpu[0], cpumask_of(2)), 0);
	burst[0][0] = left[0][0] = MICROSECS(500);
	for (unsigned int i = 0; i < 10; i++) {
		clear_bit(VPF_blocked, &dom[0].vcpu[0]->pause_flags);
		vcpu_wake(dom[0].vcpu[0]);
		run_for(MILLISECS(1), MICROSECS(100));
		CHECK_EQ(dom[0].vcpu[0]->processor, 2);
	}
}

/* ---- parameters ---- */

static void parameters_of_other_schedulers_are_refused(void)
{
	struct xen_domctl_scheduler_op op = { .sched_id = XEN_SCHEDULER_CREDIT };
	struct xen_sysctl_scheduler_op sys = { .sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_SYSCTL_SCHEDOP_putinfo };

	start(1, 1, 1);
	CHECK_EQ(sched_domctl(&dom[0], &op), -EINVAL);
	op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
	CHECK_EQ(sched_domctl(&dom[0], &op), -EINVAL);
	sys.u.sched_credit2.ratelimit_us = 99;
	CHECK_EQ(sched_sysctl(&sys), -EINVAL);
	sys.u.sched_credit2.ratelimit_us = 500001;
	CHECK_EQ(sched_sysctl(&sys), -EINVAL);
	sys.u.sched_credit2.ratelimit_us = 5000;
	CHECK_EQ(sched_sysctl(&sys), 0);
	sys.cmd = XEN_SYSCTL_SCHEDOP_getinfo;
	sys.u.sched_credit2.ratelimit_us = 0;
	CHECK_EQ(sched_sysctl(&sys), 0);
	CHECK_EQ(sys.u.sched_credit2.ratelimit_us, 5000);
	sys.cpupool_id = 1;
	CHECK_EQ(sched_sysctl(&sys), -ESRCH);
}

/* ---- anything at any time ---- */

static void random_event(void)
{
	unsigned int i = (unsigned int)tap_random_below(4), k = (unsigned int)tap_random_below(3);
	struct vcpu *v = dom[i].vcpu[k];
	static unsigned int pauses[4];

	host_cpu = (unsigned int)tap_random_below(nr_cpus);
	switch (tap_random_below(9)) {
	case 0:
	case 1:
		vcpu_kick(v);
		break;
	case 2:
		vcpu_pause_nosync(v);
		settle();
		vcpu_unpause(v);
		break;
	case 3:
		if (pauses[i]++ < 2)
			domain_pause_nosync(&dom[i]);
		break;
	case 4:
		for (; pauses[i]; pauses[i]--)
			if (atomic_read(&dom[i].pause_count))
				domain_unpause(&dom[i]);
		break;
	case 5:
		vcpu_set_hard_affinity(v, tap_random_below(2) ? CPUMASK_ALL :
					  cpumask_of((unsigned int)tap_random_below(nr_cpus)));
		break;
	case 6:
		set_params(i, (u16)(1 + tap_random_below(1000)), tap_random_below(3) ? 0 :
			   (u16)(10 + tap_random_below(200)));
		break;
	case 7:
		if (!is_idle_vcpu(current))
			vcpu_yield_current();
		break;
	case 8:
		burst[i][k] = left[i][k] = tap_random_below(2) ? 0 : MICROSECS(100 + tap_random_below(3000));
		break;
	}
	host_cpu = 0;
}

static void whatever_happens_nobody_is_lost(void)
{
	start(3, 4, 3);
	wake_all(4, 3);
	for (unsigned long n = 0; n < tap_rounds(5000); n++) {
		random_event();
		if (tap_random_below(3))
			run_for(MICROSECS(300), MICROSECS(100));
		else
			settle();
		check_invariants(4, 3);
	}
}

static const struct unit_case cases[] = {
	CASE(equal_weights_get_equal_time),
	CASE(time_goes_by_weight),
	CASE(odd_numbers_share_cpus_fairly),
	CASE(no_cpu_idles_while_others_wait),
	CASE(a_cap_limits_even_on_an_idle_machine),
	CASE(what_a_cap_leaves_others_get),
	CASE(one_that_wakes_up_goes_before_busy_ones),
	CASE(a_long_sleeper_gets_no_more_than_a_head_start),
	CASE(waking_uses_idle_cpus),
	CASE(an_idle_machine_does_not_tick),
	CASE(yielding_lets_the_other_go_first),
	CASE(paused_domains_do_not_run),
	CASE(pauses_of_the_tool_stack_are_counted_and_limited),
	CASE(hard_affinity_is_kept_and_moves_at_once),
	CASE(pinned_together_they_share_one_cpu),
	CASE(soft_affinity_is_preferred),
	CASE(parameters_of_other_schedulers_are_refused),
	CASE(whatever_happens_nobody_is_lost),
};
TAP_MAIN(cases, NULL);
