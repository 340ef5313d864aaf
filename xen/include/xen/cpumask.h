/* SPDX-License-Identifier: GPL-2.0-only */
/* Sets of physical CPUs. NR_CPUS is 64, so a set is one word and is passed by value. */
#ifndef XEN_CPUMASK_H
#define XEN_CPUMASK_H

#include <xen/lib.h>
#include <asm/bitops.h>

_Static_assert(NR_CPUS <= 64, "cpumask_t is one word");

typedef struct {
	u64 bits;
} cpumask_t;

#define CPUMASK_NONE ((cpumask_t){ 0 })
#define CPUMASK_ALL  ((cpumask_t){ ~0ULL })

/* CPUs that take part in scheduling and get IPIs. Set by smp.c, never shrinks after boot. */
extern cpumask_t cpu_online_map;

static inline cpumask_t cpumask_of(unsigned int cpu) { return (cpumask_t){ 1ULL << cpu }; }
static inline bool cpumask_test(cpumask_t m, unsigned int cpu) { return (m.bits >> cpu) & 1; }
static inline cpumask_t cpumask_and(cpumask_t a, cpumask_t b) { return (cpumask_t){ a.bits & b.bits }; }
static inline cpumask_t cpumask_or(cpumask_t a, cpumask_t b) { return (cpumask_t){ a.bits | b.bits }; }
static inline cpumask_t cpumask_without(cpumask_t a, unsigned int cpu)
{
	return (cpumask_t){ a.bits & ~(1ULL << cpu) };
}
static inline bool cpumask_empty(cpumask_t m) { return !m.bits; }
static inline unsigned int cpumask_weight(cpumask_t m) { return (unsigned int)__builtin_popcountll(m.bits); }
/* Lowest CPU of the set, or NR_CPUS when it is empty. */
static inline unsigned int cpumask_first(cpumask_t m)
{
	return m.bits ? (unsigned int)__builtin_ctzll(m.bits) : NR_CPUS;
}
/* Atomic on a shared mask. */
static inline void cpumask_set_atomic(cpumask_t *m, unsigned int cpu) { set_bit(cpu, &m->bits); }
static inline void cpumask_clear_atomic(cpumask_t *m, unsigned int cpu) { clear_bit(cpu, &m->bits); }

#define for_each_cpu(cpu, mask) \
	for (u64 b_ = (mask).bits; b_ && (((cpu) = (unsigned int)__builtin_ctzll(b_)), true); b_ &= b_ - 1)
#define for_each_online_cpu(cpu) for_each_cpu(cpu, cpu_online_map)

#endif
