/* SPDX-License-Identifier: GPL-2.0-only */
/* Serial ports (drivers/ns16550.c): when boot starts them. */
#ifndef XEN_SERIAL_H
#define XEN_SERIAL_H

/* Finds the ports and gives them to the console; polled until … */
void ns16550_init(void);
/* … interrupts work. */
void ns16550_start_irqs(void);

#endif
