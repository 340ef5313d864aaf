/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * System time from the TSC, calibrated at boot against a clock of known rate;
 * and each CPU's timer interrupt, by TSC deadline or the local APIC's counter.
 */
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/percpu.h>
#include <xen/time.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/irqflags.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include "../setup.h"
#include "clock.h"

#define CALIBRATION_US 10000

u64 tsc_khz __ro_after_init;
u32 tsc_to_system_mul __ro_after_init;
s8 tsc_shift __ro_after_init;
u64 tsc_at_boot __ro_after_init;

/* The other way round: ticks = ((ns << shift) * mul) >> 32. */
static u32 ns_mul __ro_after_init;
static s8 ns_shift __ro_after_init;
/* Counts a second of the local APIC's timer; 0: TSC deadlines are used. */
static u64 apic_timer_hz __ro_after_init;

static bool use_deadline __ro_after_init = true;
boolean_param("tdt", use_deadline, "default on; use the local APIC's TSC deadline mode where the CPU has it");

static u64 scale(u64 v, u32 mul, s8 shift)
{
	v = shift < 0 ? v >> -shift : v << shift;
	return (u64)((unsigned __int128)v * mul >> 32);
}

/* Such that scale() multiplies by to/from; mul has its top bit set. */
static void __init make_scale(u64 from, u64 to, u32 *mul, s8 *shift)
{
	*shift = 0;
	for (; to >= from; from <<= 1)
		++*shift;
	for (; to << 1 < from; to <<= 1)
		--*shift;
	*mul = (u32)muldiv64(to, 1UL << 32, from);
}

u64 rdtsc_raw(void) { return rdtsc(); }
u64 tsc_to_ns(u64 ticks) { return scale(ticks, tsc_to_system_mul, tsc_shift); }
u64 ns_to_tsc(u64 ns) { return scale(ns, ns_mul, ns_shift); }
s_time_t NOW(void) { return (s_time_t)tsc_to_ns(rdtsc() - tsc_at_boot); }

void udelay(unsigned int us)
{
	u64 start = rdtsc(), ticks;

	if (!tsc_khz) {
		/* Not calibrated yet: a write to this port takes about that long. */
		while (us--)
			outb(0, 0x80);
		return;
	}
	ticks = (u64)us * tsc_khz / 1000;
	while (rdtsc() - start < ticks)
		cpu_relax();
}

/* ---- calibration ---- */

struct sample {
	u64 tsc;
	u32 clock;
};

/* Clock and TSC at the same moment: of a few tries the one that took least time. */
static struct sample __init take_sample(const struct ref_clock *c)
{
	struct sample best = { 0, 0 };
	u64 best_width = ~0UL;

	for (unsigned int i = 0; i < 4; i++) {
		u64 before = rdtsc_ordered(), after;
		u32 v = c->read();

		after = rdtsc_ordered();
		if (after - before < best_width) {
			best_width = after - before;
			best = (struct sample){ before + best_width / 2, v };
		}
	}
	return best;
}

/* TSC ticks a second by this clock, and counts a second of the APIC timer; 0: the clock stands still. */
static u64 __init calibrate(const struct ref_clock *c, u64 *apic_hz)
{
	u32 span = (u32)(c->hz * CALIBRATION_US / 1000000), last, v, stuck = 0;
	struct sample a = take_sample(c), b;
	u64 counts, elapsed;

	apic_write(APIC_TDCR, APIC_TDCR_DIV_1);
	apic_write(APIC_TMICT, ~0U);
	for (last = a.clock;; last = v) {
		v = c->read();
		if (((v - a.clock) & c->mask) >= span)
			break;
		stuck = v == last ? stuck + 1 : 0;
		if (stuck > 100000)
			return 0;
	}
	b = take_sample(c);
	counts = ~0U - apic_read(APIC_TMCCT);
	apic_write(APIC_TMICT, 0);
	elapsed = (b.clock - a.clock) & c->mask;
	*apic_hz = muldiv64(counts, c->hz, elapsed);
	return muldiv64(b.tsc - a.tsc, c->hz, elapsed);
}

/*
 * Whether a deadline a millisecond away is quiet for a tenth of that; interrupts are off. Bochs counts its
 * deadlines from power-on and the TSC from reset: after a reboot each of them is over at once.
 */
static bool __init deadline_waits(u64 hz)
{
	u64 start = rdtsc(), deadline = start + hz / 1000, now;
	bool early = false;

	apic_write(APIC_LVTT, APIC_LVTT_DEADLINE | VECTOR_LOCAL_TIMER);
	__asm__ __volatile__("mfence" : : : "memory");
	wrmsr(MSR_IA32_TSC_DEADLINE, deadline);
	do {
		bool fired = apic_read(APIC_IRR + VECTOR_LOCAL_TIMER / 32 * 16) >> VECTOR_LOCAL_TIMER % 32 & 1;

		now = rdtsc();
		early = fired && now < deadline;
	} while (!early && now - start < hz / 10000);
	wrmsr(MSR_IA32_TSC_DEADLINE, 0);
	if (early)
		printk(XENLOG_WARNING "TSC deadline timer: does not wait, not used\n");
	return !early;
}

void __init time_init(void)
{
	static const struct ref_clock *(*const probes[])(void)__initconst = {
		hpet_clock,
		pm_timer_clock,
		pit_clock,
	};
	const struct ref_clock *c = NULL;
	u64 hz = 0, apic_hz = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(probes) && !hz; i++) {
		c = probes[i]();
		if (!c)
			continue;
		hz = calibrate(c, &apic_hz);
		/* Nothing that runs this is slower than 1 MHz. */
		if (hz < 1000000) {
			printk(XENLOG_WARNING "%s does not count: not used\n", c->name);
			hz = 0;
		}
	}
	if (!hz)
		panic("no working clock to measure the TSC against (HPET, ACPI PM timer, PIT)\n");
	tsc_khz = hz / 1000;
	make_scale(hz, 1000000000, &tsc_to_system_mul, &tsc_shift);
	make_scale(1000000000, hz, &ns_mul, &ns_shift);
	tsc_at_boot = rdtsc();
	use_deadline = use_deadline && cpu_has(X86_FEATURE_TSC_DEADLINE) && deadline_waits(hz);
	if (!use_deadline) {
		apic_timer_hz = apic_hz;
		if (!apic_hz)
			panic("the local APIC's timer does not count\n");
	}
	printk("TSC: %lu.%03lu MHz by %s; timer: %s\n", (unsigned long)(hz / 1000000),
	       (unsigned long)(hz / 1000 % 1000), c->name, use_deadline ? "TSC deadline" : "local APIC");
	if (!cpu_has(X86_FEATURE_ITSC) && !cpu_has(X86_FEATURE_HYPERVISOR))
		printk(XENLOG_INFO "TSC: this CPU does not promise a constant rate\n");
	wallclock_init();
	time_init_cpu();
}

void time_init_cpu(void)
{
	if (use_deadline) {
		apic_write(APIC_LVTT, APIC_LVTT_DEADLINE | VECTOR_LOCAL_TIMER);
		/* In xAPIC mode the store above and the MSR below are ordered by nothing else. */
		__asm__ __volatile__("mfence" : : : "memory");
	} else {
		apic_write(APIC_TDCR, APIC_TDCR_DIV_1);
		apic_write(APIC_LVTT, VECTOR_LOCAL_TIMER);
	}
}

bool reprogram_timer(s_time_t deadline)
{
	s_time_t now;
	u64 counts;

	if (deadline == STIME_MAX) {
		if (use_deadline)
			wrmsr(MSR_IA32_TSC_DEADLINE, 0);
		else
			apic_write(APIC_TMICT, 0);
		return true;
	}
	now = NOW();
	if (deadline <= now)
		return false;
	if (use_deadline) {
		wrmsr(MSR_IA32_TSC_DEADLINE, tsc_at_boot + ns_to_tsc((u64)deadline) + 1);
		return true;
	}
	/* A deadline further away than the counter reaches: an early interrupt, that arms it again. */
	counts = muldiv64(min_t(u64, (u64)(deadline - now), 1000000000), apic_timer_hz, 1000000000) + 1;
	apic_write(APIC_TMICT, (u32)min_t(u64, counts, ~0U));
	return true;
}
