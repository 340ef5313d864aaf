/* SPDX-License-Identifier: GPL-2.0-only */
/* Work an interrupt or another CPU leaves for a CPU's main loop. */
#ifndef XEN_SOFTIRQ_H
#define XEN_SOFTIRQ_H

#include <xen/percpu.h>
#include <xen/cpumask.h>

enum softirq {
	TIMER_SOFTIRQ,
	RCU_SOFTIRQ,
	SCHEDULE_SOFTIRQ, /* pick another vCPU; handled after the others */
	TASKLET_SOFTIRQ,
	CONSOLE_SOFTIRQ,
	NR_SOFTIRQS
};

DECLARE_PER_CPU(unsigned int, softirq_pending_bits);
#define softirq_pending() READ_ONCE(this_cpu(softirq_pending_bits))

void open_softirq(enum softirq nr, void (*handler)(void));
/* On this CPU; callable from interrupt handlers. */
void raise_softirq(enum softirq nr);
/* On another CPU: sets the bit and sends an IPI unless it is set already. */
void cpu_raise_softirq(unsigned int cpu, enum softirq nr);
void cpumask_raise_softirq(cpumask_t mask, enum softirq nr);
/* Runs handlers until no bit is set; interrupts enabled. Main loop only. */
void do_softirq(void);

/*
 * Something waits for this CPU (softirq of any kind): long hypercalls look
 * here every few steps and continue later (invariant I6).
 */
static inline bool hypercall_preempt_check(void) { return unlikely(softirq_pending() != 0); }

/* A function to run once in the main loop of a CPU (deferred from interrupts or locks). */
struct tasklet {
	struct tasklet *next;
	unsigned int scheduled;
	void (*func)(void *arg);
	void *arg;
};
void tasklet_init(struct tasklet *t, void (*func)(void *arg), void *arg);
void tasklet_schedule(struct tasklet *t);
void tasklet_schedule_on_cpu(struct tasklet *t, unsigned int cpu);
void softirq_init(void);

#endif
