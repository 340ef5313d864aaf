/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual PCI of dom0: the devices whose configuration space is not passed through as it is. */
#ifndef HVM_VPCI_H
#define HVM_VPCI_H

#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/pci.h>

/* MSI: one message; what dom0 wrote, and the interrupt that stands for it in the machine. */
struct vpci_msi {
	u8 pos; /* of the capability, 0: none */
	bool is_64bit;
	bool enabled; /* as dom0 sees it */
	int irq; /* of the machine, negative: none */
	u64 addr; /* dom0's; read by the interrupt handler */
	u32 data;
};

struct vpci_msix_entry {
	u64 addr; /* dom0's; read by the interrupt handler */
	u32 data;
	bool masked;
	int irq; /* negative: none */
	struct domain *domain;
};

struct vpci_msix {
	u8 pos;
	unsigned int count; /* entries */
	bool enabled, masked; /* message control, as dom0 sees it */
	u64 table; /* machine address of the table, 0: its BAR does not decode */
	u8 *map; /* pages of the table, from table & PAGE_MASK on */
	struct vpci_msix_entry *entry;
};

/* A base address register, as it was found; the last is the expansion ROM's. */
#define VPCI_BARS 7
struct vpci_bar {
	u64 size; /* 0: not there */
	u16 reg;
	bool is_io, is_64bit, is_rom;
};

/* Everything under hvm.lock. */
struct vpci_dev {
	struct list_head list;
	struct domain *domain;
	struct pci_id id;
	struct vpci_bar bar[VPCI_BARS];
	struct vpci_msi msi;
	struct vpci_msix msix;
};

struct vpci {
	struct list_head devices;
	u32 cf8; /* address latch */
	struct hvm_io_handler cf8_io, cfc_io;
	unsigned int window_count;
	struct vpci_window {
		struct hvm_io_handler io;
		struct pci_ecam ecam;
	} * window;
};

/* vpci_msi.c; under hvm.lock. Finds the capabilities of a new device; frees what belongs to one. */
int vpci_msi_find(struct vpci_dev *dev);
void vpci_msi_release(struct vpci_dev *dev);
/* reg lies in one of the two capabilities: aligned dwords of what dom0 sees there. */
bool vpci_msi_owns(const struct vpci_dev *dev, u16 reg);
u32 vpci_msi_read(struct vpci_dev *dev, u16 reg);
void vpci_msi_write(struct vpci_dev *dev, u16 reg, u32 val, u32 written_mask);
/* Command register or a BAR changed: the table may be elsewhere now. */
void vpci_msix_relocate(struct vpci_dev *dev);
/* An access to the pages of the table. */
void vpci_msix_access(struct vpci_dev *dev, u64 addr, unsigned int size, bool write, u64 *val);
u64 vpci_msix_first_page(const struct vpci_dev *dev); /* 0: no table */
u64 vpci_msix_end_page(const struct vpci_dev *dev);

/* vpci_bar.c; under hvm.lock. */
void vpci_bar_find(struct vpci_dev *dev);
bool vpci_is_bar(const struct vpci_dev *dev, u16 reg);
void vpci_before_bar_write(struct vpci_dev *dev, u16 reg, u32 val);
/* What the command register may become of what dom0 wants. */
u32 vpci_filter_command(struct vpci_dev *dev, u32 command);

#endif
