/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Virtual IO-APICs. Those of dom0 mirror the machine's, pin by pin: what dom0
 * writes into a redirection entry decides how the machine's line is bound and
 * where its interrupt is delivered; the machine's own entries stay the
 * hypervisor's. Registers: 82093AA data sheet.
 */
#include <xen/irq.h>
#include <xen/lib.h>
#include <asm/apic.h>
#include "platform.h"

#define RTE_VECTOR     0xffULL
#define RTE_LOGICAL    (1ULL << 11)
#define RTE_ACTIVE_LOW (1ULL << 13)
#define RTE_REMOTE_IRR (1ULL << 14)
#define RTE_LEVEL      (1ULL << 15)
#define RTE_MASKED     (1ULL << 16)
#define RTE_DEST_SHIFT 56
#define RTE_READ_ONLY  (1ULL << 12 | RTE_REMOTE_IRR)
#define RTE_WRITABLE   (0xff0000000001ffffULL & ~RTE_READ_ONLY)

/* As on Xen: the 82093AA, which has no EOI register. */
#define VIOAPIC_VERSION 0x11
#define IOAPIC_REGSEL	0x00
#define IOAPIC_WINDOW	0x10

struct vioapic_pin {
	u64 rte; /* written under hvm.lock, read by anybody */
	unsigned int gsi;
	u8 service_vector; /* vector the pin was delivered with while in_service */
	bool in_service; /* [a] level: delivered, waits for an EOI. Reads as remote IRR */
	bool retry; /* [a] level: nobody took it; the machine's line stays masked until the entry changes */
	bool bound; /* hvm.lock: the machine's line is bound to this pin */
	bool line; /* hvm.lock: level of an emulated pin */
	struct vioapic *owner;
};

struct vioapic_chip {
	struct hvm_io_handler io;
	struct vioapic *owner;
	u32 select, id;
	unsigned int gsi_base, nr_pins;
	struct vioapic_pin *pin;
};

struct vioapic {
	struct domain *domain;
	bool passthrough;
	unsigned int chip_count;
	struct vioapic_chip *chip;
};

static bool deliver(struct vioapic_pin *p, u64 rte)
{
	return vlapic_deliver(p->owner->domain, (u32)(rte >> RTE_DEST_SHIFT), rte & RTE_LOGICAL, rte >> 8 & 7,
			      (u8)rte, rte & RTE_LEVEL);
}

/*
 * The machine's line fired: interrupt context, no lock. A level interrupt that cannot be delivered is
 * remembered; whoever changes the entry meanwhile is either seen here, or sees retry.
 */
static void gsi_fired(unsigned int gsi, void *data)
{
	struct vioapic_pin *p = data;
	u64 rte;

	do {
		rte = READ_ONCE(p->rte);
		if (!(rte & RTE_LEVEL)) {
			if (!(rte & RTE_MASKED))
				deliver(p, rte);
			return;
		}
		if (!(rte & RTE_MASKED)) {
			p->service_vector = (u8)rte;
			smp_store_release(&p->in_service, true);
			if (deliver(p, rte))
				return;
			WRITE_ONCE(p->in_service, false);
		}
		(void)xchg(&p->retry, true);
	} while (READ_ONCE(p->rte) != rte && xchg(&p->retry, false));
}

static void set_affinity(struct vioapic_pin *p, u64 rte)
{
	struct vcpu *t = vlapic_find_target(p->owner->domain, (u32)(rte >> RTE_DEST_SHIFT), rte & RTE_LOGICAL);

	if (t)
		irq_set_affinity(p->gsi, READ_ONCE(t->processor));
}

/* Brings the machine's line in agreement with the entry, which is new already. Under hvm.lock. */
static void update_line(struct vioapic_pin *p, u64 old, u64 rte)
{
	bool fresh = false;
	int rc;

	if (p->bound && ((old ^ rte) & (RTE_LEVEL | RTE_ACTIVE_LOW))) {
		unbind_guest_gsi(p->gsi);
		p->bound = false;
		WRITE_ONCE(p->in_service, false);
		(void)xchg(&p->retry, false);
	}
	if (!p->bound) {
		if ((rte & RTE_MASKED) || gsi_is_hypervisors(p->gsi))
			return;
		rc = bind_guest_gsi(p->gsi, rte & RTE_LEVEL, rte & RTE_ACTIVE_LOW, gsi_fired, p);
		if (rc) {
			printk(XENLOG_G_WARNING "%pd: GSI %u cannot be bound (%d)\n", p->owner->domain,
			       p->gsi, rc);
			return;
		}
		p->bound = fresh = true;
	} else if ((old ^ rte) & RTE_MASKED) {
		guest_gsi_mask(p->gsi, rte & RTE_MASKED);
	}
	if (fresh || (old ^ rte) >> RTE_DEST_SHIFT || ((old ^ rte) & RTE_LOGICAL))
		set_affinity(p, rte);
	if (!(rte & RTE_MASKED) && xchg(&p->retry, false))
		guest_gsi_eoi(p->gsi);
}

/* An emulated pin with its line high: raise it unless masked or in service. Under hvm.lock. */
static void raise_emulated(struct vioapic_pin *p)
{
	if (!p->line || (p->rte & RTE_MASKED) || p->in_service)
		return;
	p->service_vector = (u8)p->rte;
	if (deliver(p, p->rte) && (p->rte & RTE_LEVEL))
		WRITE_ONCE(p->in_service, true);
}

static void write_rte(struct vioapic_pin *p, u64 rte)
{
	u64 old = p->rte;

	rte &= RTE_WRITABLE;
	(void)xchg(&p->rte, rte);
	if (!(rte & RTE_LEVEL))
		WRITE_ONCE(p->in_service, false);
	if (p->owner->passthrough)
		update_line(p, old, rte);
	else if (rte & RTE_LEVEL)
		raise_emulated(p);
}

static u64 read_rte(const struct vioapic_pin *p)
{
	return p->rte | (READ_ONCE(p->in_service) && (p->rte & RTE_LEVEL) ? RTE_REMOTE_IRR : 0);
}

static u32 read_indirect(const struct vioapic_chip *c)
{
	unsigned int n = c->select - 0x10;

	switch (c->select) {
	case 0:
	case 2:
		return c->id;
	case 1:
		return VIOAPIC_VERSION | (c->nr_pins - 1) << 16;
	default:
		break;
	}
	if (c->select < 0x10 || n / 2 >= c->nr_pins)
		return 0;
	return (u32)(read_rte(&c->pin[n / 2]) >> (n & 1 ? 32 : 0));
}

static void write_indirect(struct vioapic_chip *c, u32 val)
{
	unsigned int n = c->select - 0x10;
	struct vioapic_pin *p;

	if (c->select == 0) {
		c->id = val & 0x0f000000;
		return;
	}
	if (c->select < 0x10 || n / 2 >= c->nr_pins)
		return;
	p = &c->pin[n / 2];
	if (n & 1)
		write_rte(p, (p->rte & 0xffffffff) | (u64)val << 32);
	else
		write_rte(p, (p->rte & ~0xffffffffULL) | val);
}

/* End of service of one pin; the line may be active still, and fires again. */
static void pin_eoi(struct vioapic_pin *p)
{
	if (!xchg(&p->in_service, false))
		return;
	if (p->owner->passthrough) {
		guest_gsi_eoi(p->gsi);
	} else {
		spin_lock(&p->owner->domain->arch.hvm.lock);
		raise_emulated(p);
		spin_unlock(&p->owner->domain->arch.hvm.lock);
	}
}

static void chip_eoi(struct vioapic_chip *c, u8 vector)
{
	unsigned int i;

	for (i = 0; i < c->nr_pins; i++)
		if (READ_ONCE(c->pin[i].in_service) && c->pin[i].service_vector == vector)
			pin_eoi(&c->pin[i]);
}

void vioapic_eoi(struct domain *d, u8 vector)
{
	struct vioapic *io = d->arch.vioapic;
	unsigned int i;

	if (!io)
		return;
	for (i = 0; i < io->chip_count; i++)
		chip_eoi(&io->chip[i], vector);
}

static int vioapic_access(struct vcpu *v, u64 addr, unsigned int size, bool write, u64 *val, void *data)
{
	struct vioapic_chip *c = data;
	unsigned int off = (unsigned int)(addr - c->io.start);

	spin_lock(&v->domain->arch.hvm.lock);
	if (!write)
		*val = off == IOAPIC_REGSEL ? c->select : off == IOAPIC_WINDOW ? read_indirect(c) : 0;
	else if (off == IOAPIC_REGSEL)
		c->select = *val & 0xff;
	else if (off == IOAPIC_WINDOW)
		write_indirect(c, (u32)*val);
	spin_unlock(&v->domain->arch.hvm.lock);
	return HVM_IO_OK;
}

void vioapic_set_pin(struct domain *d, unsigned int gsi, bool level)
{
	struct vioapic *io = d->arch.vioapic;
	struct vioapic_chip *c;
	struct vioapic_pin *p;

	if (!io || io->passthrough)
		return;
	c = &io->chip[0];
	if (gsi >= c->nr_pins)
		return;
	p = &c->pin[gsi];
	spin_lock(&d->arch.hvm.lock);
	if (p->line != level) {
		p->line = level;
		raise_emulated(p);
	}
	spin_unlock(&d->arch.hvm.lock);
}

static int add_chip(struct vioapic *io, const struct ioapic_info *m)
{
	struct vioapic_chip *c = &io->chip[io->chip_count];
	unsigned int i;

	c->pin = xzalloc_array(struct vioapic_pin, m->pins);
	if (!c->pin)
		return -ENOMEM;
	for (i = 0; i < m->pins; i++) {
		c->pin[i].rte = RTE_MASKED;
		c->pin[i].gsi = m->gsi_base + i;
		c->pin[i].owner = io;
	}
	c->owner = io;
	c->id = (u32)m->id << 24;
	c->gsi_base = m->gsi_base;
	c->nr_pins = m->pins;
	c->io = (struct hvm_io_handler){
		.is_mmio = true,
		.start = m->addr,
		.len = PAGE_SIZE - (m->addr & ~PAGE_MASK),
		.access = vioapic_access,
		.data = c,
	};
	io->chip_count++;
	hvm_register_io(io->domain, &c->io);
	return 0;
}

/* passthrough: one for each of the machine's. Else a single one with 48 pins, fed by vioapic_set_pin(). */
int vioapic_init(struct domain *d, bool passthrough)
{
	static const struct ioapic_info emulated = { .addr = 0xfec00000, .pins = 48, .id = 1 };
	unsigned int i, n = passthrough ? nr_ioapics : 1;
	struct vioapic *io = xzalloc(struct vioapic);
	int rc = 0;

	if (!io)
		return -ENOMEM;
	io->domain = d;
	io->passthrough = passthrough;
	d->arch.vioapic = io;
	io->chip = xzalloc_array(struct vioapic_chip, n);
	if (!io->chip)
		return -ENOMEM;
	for (i = 0; i < n && !rc; i++)
		rc = add_chip(io, passthrough ? &ioapics[i] : &emulated);
	return rc;
}

/* No vCPU of d runs any more. */
void vioapic_destroy(struct domain *d)
{
	struct vioapic *io = d->arch.vioapic;
	unsigned int i, n;

	if (!io)
		return;
	for (i = 0; i < io->chip_count; i++) {
		struct vioapic_chip *c = &io->chip[i];

		hvm_unregister_io(d, &c->io);
		for (n = 0; n < c->nr_pins; n++)
			if (c->pin[n].bound)
				unbind_guest_gsi(c->pin[n].gsi);
		xfree(c->pin);
	}
	d->arch.vioapic = NULL;
	xfree(io->chip);
	xfree(io);
}
