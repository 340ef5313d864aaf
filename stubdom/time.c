/* SPDX-License-Identifier: GPL-2.0-only */
/* System time from vcpu_time_info, and the one-shot timer. */
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>

static long timer_port[MAX_CPUS];

uint64_t system_time(void)
{
	struct vcpu_time_info *t = &vcpu_info(this_cpu()->id)->time;
	uint64_t delta, now;
	uint32_t version;

	do {
		version = READ_ONCE(t->version);
		barrier();
		delta = rdtsc() - t->tsc_timestamp;
		delta = t->tsc_shift >= 0 ? delta << t->tsc_shift : delta >> -t->tsc_shift;
		now = t->system_time + (uint64_t)(((unsigned __int128)delta * t->tsc_to_system_mul) >> 32);
		barrier();
	} while ((version & 1) || version != READ_ONCE(t->version));
	return now;
}

long timer_init(void)
{
	unsigned int cpu = this_cpu()->id;

	if (!timer_port[cpu]) {
		long port = event_bind_virq(VIRQ_TIMER, cpu);

		if (port < 0)
			return port;
		timer_port[cpu] = port;
		event_unmask((evtchn_port_t)port);
	}
	return timer_port[cpu];
}

void timer_forget(void) { timer_port[this_cpu()->id] = 0; }

long timer_arm(uint64_t when_ns)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = when_ns };
	long rc = timer_init();

	if (rc < 0)
		return rc;
	return hc_vcpu_op(VCPUOP_set_singleshot_timer, this_cpu()->id, &t);
}

long timer_stop(void) { return hc_vcpu_op(VCPUOP_stop_singleshot_timer, this_cpu()->id, NULL); }

void sleep_ms(unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (system_time() < end) {
		timer_arm(end);
		irq_disable();
		if (system_time() < end)
			wait_for_interrupt();
		irq_enable();
	}
}
