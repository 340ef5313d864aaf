/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's PCI configuration space: ports 0xcf8/0xcfc for the first 256
 * bytes of segment 0, ECAM windows for the rest. PCI Local Bus specification,
 * "Configuration Space"; PCI Firmware specification, "MCFG".
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/spinlock.h>
#include <asm/io.h>
#include <asm/pci.h>
#include <asm/setup.h>

#define ECAM_MAX  8
#define BUS_BYTES (1U << 20)

static DEFINE_SPINLOCK(ports_lock, RANK_LEAF); /* the address latch of 0xcf8 */

static struct pci_ecam windows[ECAM_MAX];
static unsigned int window_count;
static bool windows_known;
/* Mapped when a bus is first used, never unmapped. */
static u8 *bus_map[ECAM_MAX][256];

static void find_windows(void)
{
	const struct acpi_header *h = acpi_find_table("MCFG", 0);
	const u8 *p = (const u8 *)h;
	u32 pos;

	windows_known = true;
	for (pos = 44; h && pos + 16 <= h->length && window_count < ECAM_MAX; pos += 16) {
		struct pci_ecam *w = &windows[window_count];

		memcpy(&w->base, p + pos, 8);
		memcpy(&w->seg, p + pos + 8, 2);
		w->bus_first = p[pos + 10];
		w->bus_last = p[pos + 11];
		if (w->base && w->bus_last >= w->bus_first)
			window_count++;
	}
}

/* First called while dom0 is made, when the tables can be read still. */
bool pci_ecam_window(unsigned int n, struct pci_ecam *out)
{
	if (!windows_known)
		find_windows();
	if (n >= window_count)
		return false;
	*out = windows[n];
	return true;
}

static u8 *ecam_address(struct pci_id id, u16 reg)
{
	unsigned int i;

	for (i = 0; i < window_count; i++) {
		const struct pci_ecam *w = &windows[i];
		u8 *map;

		if (w->seg != id.seg || id.bus < w->bus_first || id.bus > w->bus_last)
			continue;
		map = READ_ONCE(bus_map[i][id.bus]);
		if (!map) {
			u8 *fresh = ioremap(w->base + (u64)id.bus * BUS_BYTES, BUS_BYTES);

			if (!fresh)
				return NULL;
			map = cmpxchg(&bus_map[i][id.bus], NULL, fresh);
			if (map)
				iounmap(fresh);
			else
				map = fresh;
		}
		return map + ((unsigned int)id.devfn << 12) + reg;
	}
	return NULL;
}

static u32 port_address(struct pci_id id, u16 reg)
{
	return 0x80000000 | (u32)id.bus << 16 | (u32)id.devfn << 8 | (reg & 0xfc);
}

u32 pci_conf_read(struct pci_id id, u16 reg, unsigned int size)
{
	unsigned long flags;
	u8 *p;
	u32 val;

	if (id.seg || reg > 255) {
		p = ecam_address(id, reg);
		if (!p)
			return size == 4 ? ~0U : (1U << 8 * size) - 1;
		return size == 1 ? readb(p) : size == 2 ? readw(p) : readl(p);
	}
	spin_lock_irqsave(&ports_lock, flags);
	outl(port_address(id, reg), 0xcf8);
	switch (size) {
	case 1:
		val = inb(0xcfc + (reg & 3));
		break;
	case 2:
		val = inw(0xcfc + (reg & 2));
		break;
	default:
		val = inl(0xcfc);
		break;
	}
	spin_unlock_irqrestore(&ports_lock, flags);
	return val;
}

void pci_conf_write(struct pci_id id, u16 reg, unsigned int size, u32 val)
{
	unsigned long flags;
	u8 *p;

	if (id.seg || reg > 255) {
		p = ecam_address(id, reg);
		if (!p)
			return;
		switch (size) {
		case 1:
			writeb((u8)val, p);
			break;
		case 2:
			writew((u16)val, p);
			break;
		default:
			writel(val, p);
			break;
		}
		return;
	}
	spin_lock_irqsave(&ports_lock, flags);
	outl(port_address(id, reg), 0xcf8);
	switch (size) {
	case 1:
		outb((u8)val, 0xcfc + (reg & 3));
		break;
	case 2:
		outw((u16)val, 0xcfc + (reg & 2));
		break;
	default:
		outl(val, 0xcfc);
		break;
	}
	spin_unlock_irqrestore(&ports_lock, flags);
}

u8 pci_find_capability(struct pci_id id, u8 cap)
{
	unsigned int left = 48; /* as many as fit: a list that loops ends */
	u8 pos;

	if (!(pci_conf_read(id, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	pos = (u8)pci_conf_read(id, PCI_CAP_POINTER, 1) & ~3;
	while (pos >= 0x40 && left--) {
		u32 head = pci_conf_read(id, pos, 2);

		if ((u8)head == cap)
			return pos;
		pos = (u8)(head >> 8) & ~3;
	}
	return 0;
}
