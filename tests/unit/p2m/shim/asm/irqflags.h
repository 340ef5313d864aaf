/* SPDX-License-Identifier: GPL-2.0-only */
/* Host build: no interrupts; a thread that waits lets others run. */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

void host_relax(void);
static inline void cpu_relax(void) { host_relax(); }

#endif
