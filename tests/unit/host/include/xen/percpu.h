/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU variables on the host: a test says which CPU the thread is
 * (host_cpu), and each CPU has a copy of the section (host_percpu_init).
 */
#ifndef XEN_PERCPU_H
#define XEN_PERCPU_H

extern __thread unsigned int host_cpu;
extern long host_percpu_offset[NR_CPUS];
/* Makes fresh copies for CPUs 0 to nr - 1; all per-CPU variables have their initial values again. */
void host_percpu_init(unsigned int nr);

static inline unsigned int smp_processor_id(void) { return host_cpu; }

#define DEFINE_PER_CPU(type, name) __section("host_percpu") __typeof__(type) per_cpu__##name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) per_cpu__##name
#define per_cpu(name, cpu) \
	(*(__typeof__(&per_cpu__##name))((unsigned long)&per_cpu__##name + (unsigned long)host_percpu_offset[cpu]))
#define this_cpu(name) per_cpu(name, host_cpu)

#endif
