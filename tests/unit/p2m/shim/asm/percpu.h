/* SPDX-License-Identifier: GPL-2.0-only */
/* Host build: one copy of each per-CPU variable; CPU numbers are the test's. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

extern __thread unsigned int host_my_cpu;
#define per_cpu_ptr_asm(p, cpu) ((void)(cpu), (p))
#define this_cpu_ptr_asm(p) (p)
#define smp_processor_id() host_my_cpu

#endif
