/* SPDX-License-Identifier: GPL-2.0-only */
/* Interrupts of the machine: GSIs through the IO-APICs, MSIs, and the hypervisor's own vectors. */
#ifndef XEN_IRQ_H
#define XEN_IRQ_H

#include <xen/spinlock.h>

/* Handlers run in interrupt context on the CPU the interrupt went to, interrupts disabled. */
typedef void (*irq_handler_t)(unsigned int irq, void *data);

/*
 * irq: a GSI (0 … nr_gsis-1) or one from create_msi_irq(). The hypervisor's own use: unmasked at once.
 * -EBUSY when somebody has it.
 */
int request_irq(unsigned int irq, const char *name, irq_handler_t fn, void *data);
/*
 * Claim a GSI for a guest: fn is called on every interrupt, and the line then stays masked (level) or
 * acknowledged (edge) until guest_irq_eoi(). trigger/polarity as the guest programmed its IO-APIC.
 */
int bind_guest_gsi(unsigned int gsi, bool level, bool active_low, irq_handler_t fn, void *data);
void unbind_guest_gsi(unsigned int gsi);
void guest_gsi_eoi(unsigned int gsi);
void guest_gsi_mask(unsigned int gsi, bool mask);
/* Steer a bound GSI or MSI to another physical CPU. */
void irq_set_affinity(unsigned int irq, unsigned int cpu);
/* A message-signalled interrupt: vector on a CPU; address and data to write into the device. Negative errno on failure. */
int create_msi_irq(irq_handler_t fn, void *data, unsigned int cpu, u64 *addr, u32 *val);
void destroy_msi_irq(unsigned int irq);
extern unsigned int nr_gsis;
bool gsi_is_hypervisors(unsigned int gsi);
/* Called with the vector of an external interrupt that ended guest mode, or from the IDT stubs. */
void do_irq(unsigned int vector);
void dump_irqs(void);

#endif
