/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt flag, as each thread's variable. */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

extern __thread bool host_irqs_off;

static inline unsigned long local_save_flags(void) { return host_irqs_off ? 0 : 0x200; }
static inline bool irqs_enabled_in(unsigned long f) { return f & 0x200; }
static inline bool local_irq_is_enabled(void) { return !host_irqs_off; }
static inline void local_irq_disable(void) { host_irqs_off = true; }
static inline void local_irq_enable(void) { host_irqs_off = false; }
static inline unsigned long local_irq_save(void)
{
	unsigned long f = local_save_flags();

	host_irqs_off = true;
	return f;
}
static inline void local_irq_restore(unsigned long f) { host_irqs_off = !irqs_enabled_in(f); }
/* Threads outnumber the processors: let another one run. */
void host_relax(void);
static inline void cpu_relax(void) { host_relax(); }

#endif
