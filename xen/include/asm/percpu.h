/* SPDX-License-Identifier: GPL-2.0-only */
/* How a CPU finds its own copy of the per-CPU section: by GS base. */
#ifndef ASM_PERCPU_H
#define ASM_PERCPU_H

/* Offset of each CPU's copy from the section as linked. Written by setup and AP start-up. */
extern unsigned long per_cpu_offset[NR_CPUS];
/* First variable of every copy: that copy's offset, so that %gs:… gives this CPU's. */
extern unsigned long per_cpu__percpu_self;
extern unsigned int per_cpu__cpu_id;

#define per_cpu_ptr_asm(p, cpu) ((__typeof__(p))((unsigned long)(p) + per_cpu_offset[cpu]))

static inline unsigned long this_cpu_offset(void)
{
	unsigned long off;

	__asm__("movq %%gs:%c1, %0" : "=r"(off) : "i"(&per_cpu__percpu_self));
	return off;
}

#define this_cpu_ptr_asm(p) ((__typeof__(p))((unsigned long)(p) + this_cpu_offset()))

static inline unsigned int smp_processor_id(void)
{
	unsigned int id;

	__asm__("movl %%gs:%c1, %0" : "=r"(id) : "i"(&per_cpu__cpu_id));
	return id;
}

#endif
