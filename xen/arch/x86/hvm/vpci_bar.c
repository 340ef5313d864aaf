/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Base address registers of dom0's devices. dom0 places its devices as it
 * likes, but not over RAM, the interrupt controllers, or the ports of the
 * hypervisor: there the device's decoding is switched off before it can answer.
 * PCI Local Bus specification, "Base Addresses".
 */
#include <xen/lib.h>
#include <asm/apic.h>
#include <asm/setup.h>
#include "platform.h"
#include "vpci.h"

#define BAR_IO	   1U
#define BAR_64BIT  4U
#define ROM_ENABLE 1U

static bool overlaps(u64 start, u64 size, u64 with, u64 with_size)
{
	return start < with + with_size && with < start + size;
}

/* Machine memory that is no place for a device. */
static bool memory_is_taken(u64 start, u64 size)
{
	unsigned int i;

	if (overlaps(start, size, APIC_DEFAULT_BASE, PAGE_SIZE))
		return true;
	for (i = 0; i < nr_ioapics; i++)
		if (overlaps(start, size, ioapics[i].addr & PAGE_MASK, PAGE_SIZE))
			return true;
	for (i = 0; i < e820.nr; i++)
		if (e820.e[i].type != E820_RESERVED && overlaps(start, size, e820.e[i].addr, e820.e[i].size))
			return true;
	return false;
}

/* Whether the register, holding lo and hi, would decode something it must not. */
static bool conflicts(const struct vpci_bar *b, u32 lo, u32 hi)
{
	u64 base;

	if (!b->size)
		return false;
	if (b->is_io) {
		base = lo & 0xfffc & ~(b->size - 1);
		return base &&
		       hvm_ports_are_claimed((u16)base, (unsigned int)min_t(u64, b->size, 0x10000 - base));
	}
	if (b->is_rom && !(lo & ROM_ENABLE))
		return false;
	base = ((u64)hi << 32 | lo) & ~(b->size - 1);
	return base && memory_is_taken(base, b->size);
}

/* Bits of the command register that the registers, as they are, rule out. */
static u32 forbidden_decoding(struct vpci_dev *dev)
{
	u32 bits = 0;
	unsigned int i;

	for (i = 0; i < VPCI_BARS; i++) {
		const struct vpci_bar *b = &dev->bar[i];

		if (b->size && conflicts(b, pci_conf_read(dev->id, b->reg, 4),
					 b->is_64bit ? pci_conf_read(dev->id, b->reg + 4, 4) : 0))
			bits |= b->is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	}
	return bits;
}

static void complain(const struct vpci_dev *dev)
{
	printk(XENLOG_G_WARNING
	       "%04x:%02x:%02x.%u: placed over memory or ports it must not have: switched off\n",
	       dev->id.seg, dev->id.bus, dev->id.devfn >> 3, dev->id.devfn & 7);
}

u32 vpci_filter_command(struct vpci_dev *dev, u32 command)
{
	u32 bad = command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY) ? forbidden_decoding(dev) & command : 0;

	if (bad)
		complain(dev);
	return command & ~bad;
}

/* The dword reg is about to become val: what then decodes wrongly is switched off first. */
void vpci_before_bar_write(struct vpci_dev *dev, u16 reg, u32 val)
{
	u32 command = pci_conf_read(dev->id, PCI_COMMAND, 2);
	unsigned int i;

	for (i = 0; i < VPCI_BARS; i++) {
		const struct vpci_bar *b = &dev->bar[i];
		u32 bit = b->is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY, lo, hi;

		if (!b->size || !(command & bit) || (reg != b->reg && !(b->is_64bit && reg == b->reg + 4)))
			continue;
		lo = reg == b->reg ? val : pci_conf_read(dev->id, b->reg, 4);
		hi = !b->is_64bit ? 0 : reg != b->reg ? val : pci_conf_read(dev->id, b->reg + 4, 4);
		if (!conflicts(b, lo, hi))
			continue;
		complain(dev);
		pci_conf_write(dev->id, PCI_COMMAND, 2, command & ~bit);
	}
}

bool vpci_is_bar(const struct vpci_dev *dev, u16 reg)
{
	unsigned int i;

	for (i = 0; i < VPCI_BARS; i++)
		if (dev->bar[i].size &&
		    (reg == dev->bar[i].reg || (dev->bar[i].is_64bit && reg == dev->bar[i].reg + 4)))
			return true;
	return false;
}

/* Writes all ones and puts the old value back; decoding is off. */
static u32 probe(struct vpci_dev *dev, u16 reg, u32 ones)
{
	u32 old = pci_conf_read(dev->id, reg, 4), got;

	pci_conf_write(dev->id, reg, 4, ones);
	got = pci_conf_read(dev->id, reg, 4);
	pci_conf_write(dev->id, reg, 4, old);
	return got;
}

/* Returns how many registers it takes. */
static unsigned int size_bar(struct vpci_dev *dev, struct vpci_bar *b, u16 reg, bool last)
{
	u32 lo = probe(dev, reg, ~0U), hi = ~0U;

	b->reg = reg;
	if (!lo)
		return 1;
	b->is_io = lo & BAR_IO;
	if (b->is_io) {
		b->size = (~(u64)(lo | 0xffff0003) & 0xffff) + 1;
		return 1;
	}
	b->is_64bit = (lo & 6) == BAR_64BIT && !last;
	if (b->is_64bit)
		hi = probe(dev, reg + 4, ~0U);
	b->size = ~((u64)hi << 32 | (lo & ~0xfU)) + 1;
	return b->is_64bit ? 2 : 1;
}

void vpci_bar_find(struct vpci_dev *dev)
{
	u8 type = (u8)pci_conf_read(dev->id, PCI_HEADER_TYPE, 1) & 0x7f;
	unsigned int i, n = type == 0 ? 6 : type == 1 ? 2 : 0;
	u32 command = pci_conf_read(dev->id, PCI_COMMAND, 2), rom;
	struct vpci_bar *b = &dev->bar[6];

	if (!n)
		return;
	/* A host bridge may be what reaches memory. */
	if (pci_conf_read(dev->id, PCI_CLASS, 2) != PCI_CLASS_HOST_BRIDGE)
		pci_conf_write(dev->id, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (i = 0; i < n;)
		i += size_bar(dev, &dev->bar[i], (u16)(PCI_BAR0 + 4 * i), i + 1 == n);
	b->reg = type ? PCI_ROM_BRIDGE : PCI_ROM;
	rom = probe(dev, b->reg, ~ROM_ENABLE) & ~0x7ffU;
	b->is_rom = true;
	b->size = rom ? ~(u64)(0xffffffff00000000ULL | rom) + 1 : 0;
	pci_conf_write(dev->id, PCI_COMMAND, 2, command);
}
