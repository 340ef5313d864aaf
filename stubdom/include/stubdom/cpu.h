/* SPDX-License-Identifier: GPL-2.0-only */
/* Per-CPU data and the start of further virtual CPUs. */
#ifndef STUBDOM_CPU_H
#define STUBDOM_CPU_H

#include <stubdom/trap.h>

#define MAX_CPUS   8
#define STACK_SIZE (4 * PAGE_SIZE)

struct cpu {
	struct cpu *self; /* offset 0: this_cpu() */
	uint8_t *stack_top; /* offset 8: entry.S */
	unsigned int id; /* vCPU number */
	unsigned int upcall_depth;
	bool online;
	struct fault fault;
	void (*volatile work)(void *); /* run by an idle AP, then cleared */
	void *work_arg;
};

extern struct cpu cpus[MAX_CPUS];

static inline struct cpu *this_cpu(void)
{
	struct cpu *c;

	__asm__ volatile("mov %%gs:0, %0" : "=r"(c));
	return c;
}

/* Number of vCPUs this domain has, by VCPUOP_is_up until it fails. */
unsigned int vcpu_count(void);

/* Start vCPU id by VCPUOP_initialise and VCPUOP_up in 64-bit mode; 0, or the failing answer. */
long cpu_start(unsigned int id);
/* Start vCPU id by INIT and SIPI through the local APIC, from real mode; false on timeout. */
bool cpu_start_sipi(unsigned int id);
/* Run fn(arg) on an online AP; cpu_wait() returns when it is done, false after ms. */
void cpu_run(unsigned int id, void (*fn)(void *), void *arg);
bool cpu_wait(unsigned int id, unsigned int ms);
/* VCPUOP_down for an idle AP, waiting until it is down. */
bool cpu_stop(unsigned int id);

#endif
