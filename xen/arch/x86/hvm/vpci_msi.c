/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * MSI and MSI-X of dom0's devices. dom0 writes messages that name its own
 * vectors and local APICs; the device gets messages of the hypervisor's, and
 * their interrupts are delivered as dom0's. PCI Local Bus specification, "MSI
 * Capability and Table Structures". The MSI-X tables are emulated: their pages
 * stay out of dom0's p2m. A device has one MSI message here, as many MSI-X ones
 * as its table holds.
 */
#include <xen/irq.h>
#include <xen/lib.h>
#include <asm/io.h>
#include <asm/p2m.h>
#include "platform.h"
#include "vpci.h"

#define MSI_CTRL_ENABLE	  0x0001U
#define MSI_CTRL_MESSAGES 0x007eU /* messages capable and enabled */
#define MSI_CTRL_64BIT	  0x0080U
#define MSI_CTRL_MASKBITS 0x0100U
#define MSIX_CTRL_SIZE	  0x07ffU
#define MSIX_CTRL_MASK	  0x4000U
#define MSIX_CTRL_ENABLE  0x8000U
#define MSIX_ENTRY_BYTES  16
#define MSIX_ENTRY_CTRL	  12
#define MSIX_ENTRY_MASKED 1U

/* The CPU of a vCPU that dom0's message goes to, so that the interrupt comes up there. */
static unsigned int cpu_for_message(struct domain *d, u64 addr)
{
	struct vcpu *t = vlapic_find_target(d, addr >> 12 & 0xff, addr & 4);

	return t ? READ_ONCE(t->processor) : 0;
}

/* ---- MSI ---- */

static void msi_fired(unsigned int irq, void *data)
{
	const struct vpci_dev *dev = data;

	vlapic_deliver_msi(dev->domain, READ_ONCE(dev->msi.addr), READ_ONCE(dev->msi.data));
}

static u16 msi_data_offset(const struct vpci_msi *m) { return m->is_64bit ? 12 : 8; }

static void msi_enable(struct vpci_dev *dev)
{
	struct vpci_msi *m = &dev->msi;
	u32 data, ctrl;
	u64 addr;

	if (m->irq < 0)
		m->irq = create_msi_irq(msi_fired, dev, cpu_for_message(dev->domain, m->addr), &addr, &data);
	if (m->irq < 0) {
		printk(XENLOG_WARNING "%04x:%02x:%02x: no interrupt for its MSI (%d)\n", dev->id.seg,
		       dev->id.bus, dev->id.devfn, m->irq);
		return;
	}
	pci_conf_write(dev->id, m->pos + 4, 4, (u32)addr);
	if (m->is_64bit)
		pci_conf_write(dev->id, m->pos + 8, 4, (u32)(addr >> 32));
	pci_conf_write(dev->id, m->pos + msi_data_offset(m), 2, data & 0xffff);
	ctrl = pci_conf_read(dev->id, m->pos + 2, 2) & ~0x70U;
	pci_conf_write(dev->id, m->pos + 2, 2, ctrl | MSI_CTRL_ENABLE);
}

static void msi_disable(struct vpci_dev *dev)
{
	struct vpci_msi *m = &dev->msi;
	u32 ctrl = pci_conf_read(dev->id, m->pos + 2, 2);

	pci_conf_write(dev->id, m->pos + 2, 2, ctrl & ~MSI_CTRL_ENABLE);
	if (m->irq >= 0)
		destroy_msi_irq((unsigned int)m->irq);
	m->irq = -1;
}

/* Bytes of the capability that hold dom0's message instead of the device's. */
static u16 msi_virtual_bytes(const struct vpci_msi *m) { return msi_data_offset(m) + 4; }

static u32 msi_read(struct vpci_dev *dev, u16 off)
{
	struct vpci_msi *m = &dev->msi;
	u32 hw = pci_conf_read(dev->id, m->pos + off, 4);

	if (off == 0)
		return (hw & ~((MSI_CTRL_ENABLE | MSI_CTRL_MESSAGES) << 16)) |
		       (m->enabled ? MSI_CTRL_ENABLE << 16 : 0);
	if (off == 4)
		return (u32)m->addr;
	if (off == msi_data_offset(m))
		return (hw & 0xffff0000) | m->data;
	return (u32)(m->addr >> 32);
}

static void msi_write(struct vpci_dev *dev, u16 off, u32 val)
{
	struct vpci_msi *m = &dev->msi;
	bool enable = val >> 16 & MSI_CTRL_ENABLE;

	if (off == 4) {
		WRITE_ONCE(m->addr, (m->addr & ~0xffffffffULL) | (val & ~3U));
	} else if (off == msi_data_offset(m)) {
		WRITE_ONCE(m->data, val & 0xffff);
	} else if (off == 8) {
		WRITE_ONCE(m->addr, (m->addr & 0xffffffff) | (u64)val << 32);
	} else if (enable != m->enabled) {
		m->enabled = enable;
		if (enable)
			msi_enable(dev);
		else
			msi_disable(dev);
	}
}

/* ---- MSI-X ---- */

u64 vpci_msix_first_page(const struct vpci_dev *dev) { return dev->msix.table & PAGE_MASK; }

u64 vpci_msix_end_page(const struct vpci_dev *dev)
{
	return ROUND_UP(dev->msix.table + dev->msix.count * MSIX_ENTRY_BYTES, PAGE_SIZE);
}

static u8 *hw_entry(const struct vpci_msix *x, unsigned int i)
{
	return x->map + (x->table & ~PAGE_MASK) + i * MSIX_ENTRY_BYTES;
}

static void msix_fired(unsigned int irq, void *data)
{
	const struct vpci_msix_entry *e = data;

	vlapic_deliver_msi(e->domain, READ_ONCE(e->addr), READ_ONCE(e->data));
}

/* Gives the entry an interrupt of the machine when it first needs one, and the device its mask. */
static void entry_update(struct vpci_dev *dev, unsigned int i)
{
	struct vpci_msix *x = &dev->msix;
	struct vpci_msix_entry *e = &x->entry[i];
	bool active = x->enabled && !e->masked && x->map;
	u8 *hw;

	if (active && e->irq < 0) {
		u64 addr;
		u32 data;

		e->irq = create_msi_irq(msix_fired, e, cpu_for_message(dev->domain, e->addr), &addr, &data);
		if (e->irq < 0) {
			printk(XENLOG_WARNING "%04x:%02x:%02x: no interrupt for MSI-X entry %u (%d)\n",
			       dev->id.seg, dev->id.bus, dev->id.devfn, i, e->irq);
			return;
		}
		hw = hw_entry(x, i);
		writel((u32)addr, hw);
		writel((u32)(addr >> 32), hw + 4);
		writel(data, hw + 8);
	}
	if (x->map)
		writel(active ? 0 : MSIX_ENTRY_MASKED, hw_entry(x, i) + MSIX_ENTRY_CTRL);
}

static void msix_update_all(struct vpci_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->msix.count; i++)
		entry_update(dev, i);
}

static void msix_release_irqs(struct vpci_dev *dev)
{
	unsigned int i;

	for (i = 0; i < dev->msix.count; i++) {
		struct vpci_msix_entry *e = &dev->msix.entry[i];

		if (e->irq >= 0)
			destroy_msi_irq((unsigned int)e->irq);
		e->irq = -1;
	}
}

/* Machine address of the table by what the BAR says now, or 0. */
static u64 table_address(struct vpci_dev *dev)
{
	u32 where = pci_conf_read(dev->id, dev->msix.pos + 4, 4), bar;
	u16 reg = PCI_BAR0 + (where & 7) * 4;
	u64 base;

	if ((where & 7) > 5 || !(pci_conf_read(dev->id, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY))
		return 0;
	bar = pci_conf_read(dev->id, reg, 4);
	if (bar & 1)
		return 0;
	base = bar & ~0xfU;
	if ((bar & 6) == 4 && (where & 7) < 5)
		base |= (u64)pci_conf_read(dev->id, reg + 4, 4) << 32;
	return base && base < 1ULL << PADDR_BITS ? base + (where & ~7U) : 0;
}

/* dom0 must not reach the machine's table: whatever maps its pages goes, and stays away (vpci_next_trapped). */
static void unmap_table(struct vpci_dev *dev)
{
	u64 page;

	for (page = vpci_msix_first_page(dev); page < vpci_msix_end_page(dev); page += PAGE_SIZE) {
		unsigned long done;
		int rc;

		do {
			rc = p2m_clear_mmio(dev->domain, gpa_to_gfn(page), maddr_to_mfn(page), 1, &done);
		} while (rc == -ERESTART);
	}
}

void vpci_msix_relocate(struct vpci_dev *dev)
{
	struct vpci_msix *x = &dev->msix;
	u64 table = table_address(dev);

	if (table == x->table)
		return;
	if (x->map)
		iounmap(x->map);
	x->map = NULL;
	x->table = table;
	if (!table)
		return;
	x->map = ioremap(vpci_msix_first_page(dev), vpci_msix_end_page(dev) - vpci_msix_first_page(dev));
	unmap_table(dev);
	if (!x->map)
		printk(XENLOG_WARNING "%04x:%02x:%02x: MSI-X table cannot be mapped\n", dev->id.seg,
		       dev->id.bus, dev->id.devfn);
	else if (x->enabled)
		msix_update_all(dev);
}

static u32 msix_read_ctrl(struct vpci_dev *dev)
{
	u32 hw = pci_conf_read(dev->id, dev->msix.pos, 4) & ~((MSIX_CTRL_ENABLE | MSIX_CTRL_MASK) << 16);

	return hw | (dev->msix.enabled ? MSIX_CTRL_ENABLE << 16 : 0) |
	       (dev->msix.masked ? MSIX_CTRL_MASK << 16 : 0);
}

static void msix_write_ctrl(struct vpci_dev *dev, u32 ctrl)
{
	struct vpci_msix *x = &dev->msix;
	bool was = x->enabled;

	x->enabled = ctrl & MSIX_CTRL_ENABLE;
	x->masked = ctrl & MSIX_CTRL_MASK;
	/* Entries are written while the function is masked, so that no half-written message is sent. */
	if (x->enabled && !was) {
		pci_conf_write(dev->id, x->pos + 2, 2, MSIX_CTRL_ENABLE | MSIX_CTRL_MASK);
		msix_update_all(dev);
	}
	pci_conf_write(dev->id, x->pos + 2, 2, ctrl & (MSIX_CTRL_ENABLE | MSIX_CTRL_MASK));
	if (!x->enabled && was) {
		msix_update_all(dev);
		msix_release_irqs(dev);
	}
}

static u32 entry_read(const struct vpci_msix_entry *e, unsigned int off)
{
	switch (off) {
	case 0:
		return (u32)e->addr;
	case 4:
		return (u32)(e->addr >> 32);
	case 8:
		return e->data;
	default:
		return e->masked ? MSIX_ENTRY_MASKED : 0;
	}
}

static void entry_write(struct vpci_dev *dev, unsigned int i, unsigned int off, u32 val)
{
	struct vpci_msix_entry *e = &dev->msix.entry[i];

	switch (off) {
	case 0:
		WRITE_ONCE(e->addr, (e->addr & ~0xffffffffULL) | (val & ~3U));
		break;
	case 4:
		WRITE_ONCE(e->addr, (e->addr & 0xffffffff) | (u64)val << 32);
		break;
	case 8:
		WRITE_ONCE(e->data, val);
		break;
	default:
		if (e->masked != (val & MSIX_ENTRY_MASKED)) {
			e->masked = val & MSIX_ENTRY_MASKED;
			entry_update(dev, i);
		}
		break;
	}
}

/* The rest of the table's pages belongs to the device. */
static void beside_table(struct vpci_msix *x, u64 addr, unsigned int size, bool write, u64 *val)
{
	u8 *p = x->map ? x->map + (addr - (x->table & PAGE_MASK)) : NULL;

	if (!p) {
		*val = hvm_size_mask(size);
		return;
	}
	switch (size) {
	case 1:
		if (write)
			writeb((u8)*val, p);
		else
			*val = readb(p);
		break;
	case 2:
		if (write)
			writew((u16)*val, p);
		else
			*val = readw(p);
		break;
	case 4:
		if (write)
			writel((u32)*val, p);
		else
			*val = readl(p);
		break;
	default:
		if (write)
			writeq(*val, p);
		else
			*val = readq(p);
		break;
	}
}

/* Entries take aligned dwords and quadwords, as the specification has it; other shapes do nothing. */
void vpci_msix_access(struct vpci_dev *dev, u64 addr, unsigned int size, bool write, u64 *val)
{
	struct vpci_msix *x = &dev->msix;
	u64 off = addr - x->table, all = 0;
	unsigned int done;

	if (addr < x->table || off >= (u64)x->count * MSIX_ENTRY_BYTES) {
		beside_table(x, addr, size, write, val);
		return;
	}
	if (size < 4 || (addr & (size - 1))) {
		*val = write ? *val : hvm_size_mask(size);
		return;
	}
	for (done = 0; done < size; done += 4, off += 4) {
		unsigned int i = (unsigned int)(off / MSIX_ENTRY_BYTES), field = off % MSIX_ENTRY_BYTES;

		if (write)
			entry_write(dev, i, field, (u32)(*val >> (8 * done)));
		else
			all |= (u64)entry_read(&x->entry[i], field) << (8 * done);
	}
	if (!write)
		*val = all;
}

/* ---- both ---- */

bool vpci_msi_owns(const struct vpci_dev *dev, u16 reg)
{
	const struct vpci_msi *m = &dev->msi;

	return (m->pos && reg >= m->pos && reg < m->pos + msi_virtual_bytes(m)) ||
	       (dev->msix.pos && reg == dev->msix.pos);
}

u32 vpci_msi_read(struct vpci_dev *dev, u16 reg)
{
	if (reg == dev->msix.pos)
		return msix_read_ctrl(dev);
	return msi_read(dev, reg - dev->msi.pos);
}

/* val: the dword as it shall be; written_mask: the bytes that dom0 wrote. */
void vpci_msi_write(struct vpci_dev *dev, u16 reg, u32 val, u32 written_mask)
{
	if (reg != dev->msix.pos)
		msi_write(dev, reg - dev->msi.pos, val);
	else if (written_mask & 0xff000000)
		msix_write_ctrl(dev, val >> 16);
}

static int find_msix(struct vpci_dev *dev, u8 pos)
{
	struct vpci_msix *x = &dev->msix;
	unsigned int i, n = (pci_conf_read(dev->id, pos + 2, 2) & MSIX_CTRL_SIZE) + 1;

	x->entry = xzalloc_array(struct vpci_msix_entry, n);
	if (!x->entry)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		x->entry[i].irq = -1;
		x->entry[i].masked = true;
		x->entry[i].domain = dev->domain;
	}
	x->pos = pos;
	x->count = n;
	pci_conf_write(dev->id, pos + 2, 2, 0);
	vpci_msix_relocate(dev);
	return 0;
}

/* 0, or -ENOMEM. */
int vpci_msi_find(struct vpci_dev *dev)
{
	u8 msi = pci_find_capability(dev->id, PCI_CAP_MSI), msix = pci_find_capability(dev->id, PCI_CAP_MSIX);

	dev->msi.irq = -1;
	if (msi) {
		u32 ctrl = pci_conf_read(dev->id, msi + 2, 2);

		dev->msi.pos = msi;
		dev->msi.is_64bit = ctrl & MSI_CTRL_64BIT;
		/* Firmware's messages would go to the hypervisor's vectors. */
		pci_conf_write(dev->id, msi + 2, 2, ctrl & ~MSI_CTRL_ENABLE);
	}
	return msix ? find_msix(dev, msix) : 0;
}

void vpci_msi_release(struct vpci_dev *dev)
{
	if (dev->msi.pos)
		msi_disable(dev);
	if (dev->msix.pos) {
		pci_conf_write(dev->id, dev->msix.pos + 2, 2, 0);
		msix_release_irqs(dev);
	}
	if (dev->msix.map)
		iounmap(dev->msix.map);
	xfree(dev->msix.entry);
}
