/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Per-CPU variables. Each CPU has a copy of the .data.percpu section; GS base
 * holds that copy's offset from the section as linked, so this_cpu() is one
 * %gs-relative access. CPU 0's copy is in the image, the others' are made when
 * they are started.
 */
#ifndef XEN_PERCPU_H
#define XEN_PERCPU_H

#include <asm/percpu.h>

#define DEFINE_PER_CPU(type, name)  __section(".data.percpu") __typeof__(type) per_cpu__##name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) per_cpu__##name

/* per_cpu(name, cpu): the copy of another CPU; this_cpu(name): an lvalue, this CPU's copy. */
#define per_cpu(name, cpu) (*per_cpu_ptr_asm(&per_cpu__##name, cpu))
#define this_cpu(name)	   (*this_cpu_ptr_asm(&per_cpu__##name))

#endif
