/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual PCI: dom0 gets the machine's configuration space, by the ports and by
 * ECAM, but for devices of the hypervisor and the MSI and MSI-X capabilities,
 * whose messages are the hypervisor's to choose (vpci_msi.c).
 */
#include <xen/lib.h>
#include "platform.h"
#include "vpci.h"

static struct vpci_dev *find_device(struct vpci *p, struct pci_id id)
{
	struct vpci_dev *dev;

	list_for_each_entry(dev, &p->devices, list)
		if (dev->id.seg == id.seg && dev->id.bus == id.bus && dev->id.devfn == id.devfn)
			return dev;
	return NULL;
}

/* Devices become known when dom0 first looks at them; NULL: there is none, or no memory. */
static struct vpci_dev *get_device(struct domain *d, struct pci_id id)
{
	struct vpci *p = d->arch.vpci;
	struct vpci_dev *dev = find_device(p, id);
	u32 vendor;

	if (dev)
		return dev;
	vendor = pci_conf_read(id, PCI_VENDOR_ID, 2);
	if (vendor == 0xffff || !vendor)
		return NULL;
	dev = xzalloc(struct vpci_dev);
	if (dev) {
		dev->domain = d;
		dev->id = id;
		vpci_bar_find(dev);
	}
	if (!dev || vpci_msi_find(dev)) {
		printk(XENLOG_WARNING "%pd: no memory for PCI device %04x:%02x:%02x\n", d, id.seg, id.bus,
		       id.devfn);
		xfree(dev);
		return NULL;
	}
	list_add_tail_rcu(&dev->list, &p->devices);
	return dev;
}

static u32 lane_mask(u16 reg, unsigned int size) { return (u32)hvm_size_mask(size) << (8 * (reg & 3)); }

/* A write that goes through, after a look at where it puts the device. */
static void plain_write(struct vpci_dev *dev, u16 reg, unsigned int size, u32 val)
{
	unsigned int shift = 8 * (reg & 3);
	u16 dword = reg & ~3;
	bool placing = dword == PCI_COMMAND || vpci_is_bar(dev, dword);
	u32 mask = lane_mask(reg, size), whole;

	if (placing) {
		whole = (pci_conf_read(dev->id, dword, 4) & ~mask) | (val << shift & mask);
		if (dword == PCI_COMMAND)
			val = (vpci_filter_command(dev, whole) & mask) >> shift;
		else
			vpci_before_bar_write(dev, dword, whole);
	}
	pci_conf_write(dev->id, reg, size, val);
	if (placing && dev->msix.pos)
		vpci_msix_relocate(dev);
}

/* One access within a dword to a device that exists; under hvm.lock. */
static void device_access(struct vpci_dev *dev, u16 reg, unsigned int size, bool write, u32 *val)
{
	unsigned int shift = 8 * (reg & 3);
	u16 dword = reg & ~3;

	if (vpci_msi_owns(dev, dword)) {
		u32 whole = vpci_msi_read(dev, dword), mask = lane_mask(reg, size);

		if (write)
			vpci_msi_write(dev, dword, (whole & ~mask) | (*val << shift & mask), mask);
		else
			*val = (whole & mask) >> shift;
		return;
	}
	if (!write)
		*val = pci_conf_read(dev->id, reg, size);
	else
		plain_write(dev, reg, size, *val);
}

/* size 1, 2 or 4, within a dword. */
static void config_access(struct domain *d, struct pci_id id, u16 reg, unsigned int size, bool write, u32 *val)
{
	struct vpci_dev *dev;

	spin_lock(&d->arch.hvm.lock);
	dev = get_device(d, id);
	if (dev)
		device_access(dev, reg, size, write, val);
	else if (!write)
		*val = (u32)hvm_size_mask(size);
	spin_unlock(&d->arch.hvm.lock);
}

static int cf8_access(struct vcpu *v, u64 port, unsigned int size, bool write, u64 *val, void *data)
{
	struct vpci *p = data;

	if (size != 4 || port != 0xcf8)
		return HVM_IO_UNHANDLED;
	if (write)
		WRITE_ONCE(p->cf8, (u32)*val);
	else
		*val = READ_ONCE(p->cf8);
	return HVM_IO_OK;
}

static int cfc_access(struct vcpu *v, u64 port, unsigned int size, bool write, u64 *val, void *data)
{
	struct vpci *p = data;
	u32 cf8 = READ_ONCE(p->cf8), part = write ? (u32)*val : (u32)hvm_size_mask(size);
	struct pci_id id = { .bus = (u8)(cf8 >> 16), .devfn = (u8)(cf8 >> 8) };

	if (cf8 & 0x80000000)
		config_access(v->domain, id, (u16)((cf8 & 0xfc) | (port & 3)), size, write, &part);
	*val = part;
	return HVM_IO_OK;
}

/* Eight bytes are two dwords, and what crosses a dword goes by bytes. */
static int ecam_access(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val, void *data)
{
	const struct vpci_window *w = data;
	unsigned int piece = size == 8 && !(addr & 3) ? 4 : (addr & 3) + size > 4 ? 1 : size, done;
	u64 off = addr - w->ecam.base, all = 0;
	struct pci_id id = {
		.seg = w->ecam.seg,
		.bus = (u8)(off >> 20),
		.devfn = (u8)(off >> 12),
	};

	for (done = 0; done < size; done += piece) {
		u32 part = write ? (u32)(*val >> (8 * done) & hvm_size_mask(piece)) : 0;

		config_access(v->domain, id, (u16)((off + done) & 0xfff), piece, write, &part);
		all |= (u64)part << (8 * done);
	}
	if (!write)
		*val = all;
	return HVM_IO_OK;
}

/* The device whose table lies in the page of addr. */
static struct vpci_dev *find_table(struct vpci *p, u64 addr)
{
	struct vpci_dev *dev;

	list_for_each_entry(dev, &p->devices, list)
		if (vpci_msix_first_page(dev) && addr >= vpci_msix_first_page(dev) &&
		    addr < vpci_msix_end_page(dev))
			return dev;
	return NULL;
}

int vpci_mmio(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val)
{
	struct domain *d = v->domain;
	struct vpci_dev *dev;

	spin_lock(&d->arch.hvm.lock);
	dev = find_table(d->arch.vpci, addr);
	if (dev)
		vpci_msix_access(dev, addr, size, write, val);
	spin_unlock(&d->arch.hvm.lock);
	return dev ? HVM_IO_OK : HVM_IO_UNHANDLED;
}

bool vpci_next_trapped(struct domain *d, u64 start, u64 end, u64 *trap_start, u64 *trap_end)
{
	struct vpci_dev *dev;
	bool found = false;

	if (!d->arch.vpci)
		return false;
	spin_lock(&d->arch.hvm.lock);
	list_for_each_entry(dev, &d->arch.vpci->devices, list) {
		u64 s = vpci_msix_first_page(dev), e = vpci_msix_end_page(dev);

		if (!s || s >= end || e <= start || (found && s >= *trap_start))
			continue;
		found = true;
		*trap_start = max(s, start);
		*trap_end = min(e, end);
	}
	spin_unlock(&d->arch.hvm.lock);
	return found;
}

static int add_windows(struct domain *d, struct vpci *p)
{
	struct pci_ecam ecam;
	unsigned int i, n = 0;

	while (pci_ecam_window(n, &ecam))
		n++;
	p->window = n ? xzalloc_array(struct vpci_window, n) : NULL;
	if (n && !p->window)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		struct vpci_window *w = &p->window[i];

		pci_ecam_window(i, &w->ecam);
		w->io = (struct hvm_io_handler){
			.is_mmio = true,
			.start = w->ecam.base + ((u64)w->ecam.bus_first << 20),
			.len = (u64)(w->ecam.bus_last - w->ecam.bus_first + 1) << 20,
			.access = ecam_access,
			.data = w,
		};
		hvm_register_io(d, &w->io);
		p->window_count++;
	}
	return 0;
}

int vpci_init(struct domain *d)
{
	struct vpci *p = xzalloc(struct vpci);

	if (!p)
		return -ENOMEM;
	INIT_LIST_HEAD(&p->devices);
	d->arch.vpci = p;
	p->cf8_io = (struct hvm_io_handler){ .start = 0xcf8, .len = 4, .access = cf8_access, .data = p };
	p->cfc_io = (struct hvm_io_handler){ .start = 0xcfc, .len = 4, .access = cfc_access, .data = p };
	hvm_register_io(d, &p->cf8_io);
	hvm_register_io(d, &p->cfc_io);
	return add_windows(d, p);
}

/* No vCPU of d runs any more. */
void vpci_destroy(struct domain *d)
{
	struct vpci *p = d->arch.vpci;
	struct vpci_dev *dev, *next;
	unsigned int i;

	if (!p)
		return;
	hvm_unregister_io(d, &p->cf8_io);
	hvm_unregister_io(d, &p->cfc_io);
	for (i = 0; i < p->window_count; i++)
		hvm_unregister_io(d, &p->window[i].io);
	list_for_each_entry_safe(dev, next, &p->devices, list) {
		list_del(&dev->list);
		vpci_msi_release(dev);
		xfree(dev);
	}
	d->arch.vpci = NULL;
	xfree(p->window);
	xfree(p);
}
