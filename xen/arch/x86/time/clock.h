/* SPDX-License-Identifier: GPL-2.0-only */
/* Clocks of known rate, to measure the TSC by; and the wall clock. */
#ifndef ARCH_X86_CLOCK_H
#define ARCH_X86_CLOCK_H

#include <xen/types.h>

struct ref_clock {
	const char *name;
	u64 hz;
	u32 mask; /* of the bits that count; it counts up and wraps */
	u32 (*read)(void);
};
/* Each: the clock, running; NULL when the machine has none. */
const struct ref_clock *hpet_clock(void);
const struct ref_clock *pm_timer_clock(void);
const struct ref_clock *pit_clock(void);

/* Reads the RTC; once, after system time runs. */
void wallclock_init(void);

#endif
