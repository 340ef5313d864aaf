/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's IO-APICs as the MADT lists them; what the virtual ones of dom0 mirror. */
#ifndef ASM_IOAPIC_H
#define ASM_IOAPIC_H

#include <xen/types.h>

#define MACHINE_IOAPICS_MAX 16
struct machine_ioapic {
	maddr_t addr;
	unsigned int gsi_base, nr_pins;
	u8 id;			/* as in the MADT */
	u8 version;		/* low byte of the version register */
};
/* Filled while booting (apic/), constant afterwards. */
extern struct machine_ioapic machine_ioapic[MACHINE_IOAPICS_MAX];
extern unsigned int nr_machine_ioapics;

#endif
