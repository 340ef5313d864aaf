/* SPDX-License-Identifier: GPL-2.0-only */
/* System time: nanoseconds since boot, the same on every CPU; wall-clock offset; timers. */
#ifndef XEN_TIME_H
#define XEN_TIME_H

#include <xen/list.h>
#include <xen/pheap.h>

#define SECONDS(s)    ((s_time_t)(s)*1000000000LL)
#define MILLISECS(ms) ((s_time_t)(ms)*1000000LL)
#define MICROSECS(us) ((s_time_t)(us)*1000LL)
#define STIME_MAX     ((s_time_t)0x7fffffffffffffffLL)

/* arch/x86/time: */
s_time_t NOW(void);
extern u64 tsc_khz;
/* Scale of the TSC in pvclock terms: ns = ((tsc << shift) * mul) >> 32; shift may be negative. */
extern u32 tsc_to_system_mul;
extern s8 tsc_shift;
u64 tsc_to_ns(u64 ticks);
u64 ns_to_tsc(u64 ns);
u64 rdtsc_raw(void);
/* TSC value at which NOW() was 0. */
extern u64 tsc_at_boot;
/* Seconds and nanoseconds (UTC) of the moment system time was 0. */
void get_wallclock(u64 *sec, u32 *nsec);
void set_wallclock(u64 sec, u32 nsec, s_time_t system_time);
/* Arrange the timer interrupt of this CPU for an absolute time; STIME_MAX: none. 0 if it has passed already. */
bool reprogram_timer(s_time_t deadline);
void udelay(unsigned int us);

/*
 * Timers (common/timer.c): one heap per CPU. The function runs in the main loop of
 * the timer's CPU (softirq context), interrupts enabled, no lock held.
 */
struct timer {
	struct pheap_node node; /* key: absolute time it is due */
	void (*function)(void *data);
	void *data;
	unsigned int cpu; /* whose heap it belongs to [that heap's lock] */
	u8 status; /* see timer.c */
};
void init_timer(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu);
void set_timer(struct timer *t, s_time_t expires);
void stop_timer(struct timer *t);
void migrate_timer(struct timer *t, unsigned int cpu);
/* Stops it and waits until its function no longer runs on another CPU; it cannot be set again. */
void kill_timer(struct timer *t);
bool timer_is_active(const struct timer *t);
/* When it is due; meaningful while it is active. */
static inline s_time_t timer_expires(const struct timer *t) { return t->node.key; }
void timer_init(void);

#endif
