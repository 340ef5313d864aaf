/* SPDX-License-Identifier: GPL-2.0-only */
/* The interrupt flag of this CPU. */
#ifndef ASM_IRQFLAGS_H
#define ASM_IRQFLAGS_H

static inline unsigned long local_save_flags(void)
{
	unsigned long f;

	__asm__ __volatile__("pushfq; popq %0" : "=rm"(f));
	return f;
}
static inline void local_irq_disable(void) { __asm__ __volatile__("cli" ::: "memory"); }
static inline void local_irq_enable(void) { __asm__ __volatile__("sti" ::: "memory"); }
/* Were interrupts on in flags that local_irq_save() returned? */
static inline bool irqs_enabled_in(unsigned long f) { return f & 0x200; }
static inline bool local_irq_is_enabled(void) { return irqs_enabled_in(local_save_flags()); }
static inline unsigned long local_irq_save(void)
{
	unsigned long f = local_save_flags();

	local_irq_disable();
	return f;
}
static inline void local_irq_restore(unsigned long f)
{
	if (f & 0x200)
		local_irq_enable();
}
static inline void cpu_relax(void) { __asm__ __volatile__("pause" ::: "memory"); }

#endif
