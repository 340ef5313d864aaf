/* SPDX-License-Identifier: GPL-2.0-only */
/* Configuration space of the machine's PCI devices. */
#ifndef ASM_PCI_H
#define ASM_PCI_H

#include <xen/types.h>

/* Segment, bus, device and function. */
struct pci_id {
	u16 seg;
	u8 bus, devfn;
};

#define PCI_VENDOR_ID	      0x00
#define PCI_COMMAND	      0x04
#define PCI_COMMAND_IO	      0x0001
#define PCI_COMMAND_MEMORY    0x0002
#define PCI_STATUS	      0x06
#define PCI_STATUS_CAP_LIST   0x0010
#define PCI_CLASS	      0x0a
#define PCI_CLASS_HOST_BRIDGE 0x0600
#define PCI_HEADER_TYPE	      0x0e
#define PCI_BAR0	      0x10
#define PCI_ROM		      0x30
#define PCI_CAP_POINTER	      0x34
#define PCI_ROM_BRIDGE	      0x38
#define PCI_CAP_MSI	      0x05
#define PCI_CAP_MSIX	      0x11

/*
 * reg: offset, 0 … 4095; size 1, 2 or 4, within one aligned dword. What cannot be reached (beyond 255 without
 * an ECAM window for the bus, a segment nobody knows) reads as all ones and drops writes. Not in interrupt context.
 */
u32 pci_conf_read(struct pci_id id, u16 reg, unsigned int size);
void pci_conf_write(struct pci_id id, u16 reg, unsigned int size, u32 val);
/* Offset of a capability in the list of a device, or 0. */
u8 pci_find_capability(struct pci_id id, u8 cap);

/* ECAM windows of the MCFG table. False: there is no n-th one. */
struct pci_ecam {
	maddr_t base; /* of bus 0, whether the window has it or not */
	u16 seg;
	u8 bus_first, bus_last;
};
bool pci_ecam_window(unsigned int n, struct pci_ecam *out);

#endif
