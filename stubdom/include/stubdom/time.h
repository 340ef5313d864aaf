/* SPDX-License-Identifier: GPL-2.0-only */
/* Time from the shared page, and the one-shot timer. */
#ifndef STUBDOM_TIME_H
#define STUBDOM_TIME_H

#include <stubdom/types.h>

/* Nanoseconds since boot of the hypervisor, by this CPU's vcpu_time_info. */
uint64_t system_time(void);
/* Bind VIRQ_TIMER of this CPU (once); returns the port or a negative error. */
long timer_init(void);
/* Its port was closed (EVTCHNOP_reset): the next use binds another one. */
void timer_forget(void);
/* Arm for an absolute time; answer of VCPUOP_set_singleshot_timer. */
long timer_arm(uint64_t when_ns);
long timer_stop(void);
/* Halt (with the timer) for at least ms milliseconds. */
void sleep_ms(unsigned int ms);

#endif
