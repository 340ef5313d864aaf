/* SPDX-License-Identifier: GPL-2.0-only */
/* Other CPUs: calling functions there. */
#ifndef XEN_SMP_H
#define XEN_SMP_H

#include <xen/cpumask.h>
#include <xen/percpu.h>

/*
 * Runs fn(arg) on each CPU of the mask (this one included if it is in it), in
 * interrupt context there; waits for all when wait is true. Interrupts must be
 * enabled here, and no spinlock held that an interrupt handler takes.
 */
void on_selected_cpus(cpumask_t mask, void (*fn)(void *arg), void *arg, bool wait);
/* Makes the CPU leave guest mode or its idle halt and look at its softirqs. */
void smp_send_event_check(unsigned int cpu);
unsigned int cpu_to_apicid(unsigned int cpu);

#endif
