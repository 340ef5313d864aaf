/* SPDX-License-Identifier: GPL-2.0-only */
/* The IO-APICs: one redirection entry per GSI. Source: 82093AA data sheet; ACPI MADT for which there are. */
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/spinlock.h>
#include <asm/apic.h>
#include <asm/io.h>

#define MAX_IOAPICS    16
#define IOREGSEL       0x00
#define IOWIN	       0x10
#define REG_VERSION    1
#define REG_ENTRY(pin) (0x10 + 2 * (pin))

#define RTE_ACTIVE_LOW (1U << 13)
#define RTE_LEVEL      (1U << 15)
#define RTE_MASKED     (1U << 16)

struct ioapic_info ioapics[MAX_IOAPICS] __ro_after_init;
unsigned int nr_ioapics __ro_after_init;
static u8 *regs[MAX_IOAPICS] __ro_after_init;
/* Selecting a register and accessing it are two steps. */
static DEFINE_SPINLOCK(ioapic_lock, RANK_LEAF);

static u32 read_reg(unsigned int n, u32 reg)
{
	writel(reg, regs[n] + IOREGSEL);
	return readl(regs[n] + IOWIN);
}

static void write_reg(unsigned int n, u32 reg, u32 val)
{
	writel(reg, regs[n] + IOREGSEL);
	writel(val, regs[n] + IOWIN);
}

void __init ioapic_add(u8 id, u32 addr, u32 gsi_base)
{
	u8 *p;
	u32 version;

	if (nr_ioapics == MAX_IOAPICS) {
		printk(XENLOG_WARNING "more than %u IO-APICs\n", MAX_IOAPICS);
		return;
	}
	p = ioremap(addr, 0x20);
	if (!p)
		return;
	writel(REG_VERSION, p + IOREGSEL);
	version = readl(p + IOWIN);
	/* What answers with all zeros or ones is not there. */
	if (!version || version == 0xffffffff || gsi_base > 4096) {
		printk(XENLOG_WARNING "IO-APIC %u at %x (GSI %u on) is not usable: ignored\n", id, addr,
		       gsi_base);
		iounmap(p);
		return;
	}
	regs[nr_ioapics] = p;
	ioapics[nr_ioapics++] = (struct ioapic_info){
		.id = id,
		.addr = addr,
		.gsi_base = gsi_base,
		.pins = (version >> 16 & 0xff) + 1,
	};
}

/* Number of the IO-APIC a GSI is on, and its pin; -1: none. */
static int find_pin(unsigned int gsi, unsigned int *pin)
{
	for (unsigned int n = 0; n < nr_ioapics; n++)
		if (gsi - ioapics[n].gsi_base < ioapics[n].pins) {
			*pin = gsi - ioapics[n].gsi_base;
			return (int)n;
		}
	return -1;
}

void __init ioapic_init(void)
{
	for (unsigned int n = 0; n < nr_ioapics; n++) {
		printk("IO-APIC %u: %lx, GSIs %u-%u\n", ioapics[n].id, (unsigned long)ioapics[n].addr,
		       ioapics[n].gsi_base, ioapics[n].gsi_base + ioapics[n].pins - 1);
		for (unsigned int pin = 0; pin < ioapics[n].pins; pin++) {
			/* Entries that bring SMIs belong to the firmware. */
			if ((read_reg(n, REG_ENTRY(pin)) & 0x700) == APIC_DM_SMI)
				continue;
			write_reg(n, REG_ENTRY(pin), RTE_MASKED);
			write_reg(n, REG_ENTRY(pin) + 1, 0);
		}
	}
}

void ioapic_program(unsigned int gsi, u8 vector, bool level, bool active_low, u32 dest, bool masked)
{
	unsigned int pin;
	int n = find_pin(gsi, &pin);
	unsigned long flags;

	if (n < 0)
		return;
	spin_lock_irqsave(&ioapic_lock, flags);
	/* Masked while the halves differ. */
	write_reg((unsigned int)n, REG_ENTRY(pin), RTE_MASKED);
	write_reg((unsigned int)n, REG_ENTRY(pin) + 1, dest << 24);
	write_reg((unsigned int)n, REG_ENTRY(pin),
		  vector | (level ? RTE_LEVEL : 0) | (active_low ? RTE_ACTIVE_LOW : 0) |
			  (masked ? RTE_MASKED : 0));
	spin_unlock_irqrestore(&ioapic_lock, flags);
}

void ioapic_set_mask(unsigned int gsi, bool masked)
{
	unsigned int pin;
	int n = find_pin(gsi, &pin);
	unsigned long flags;
	u32 low;

	if (n < 0)
		return;
	spin_lock_irqsave(&ioapic_lock, flags);
	low = read_reg((unsigned int)n, REG_ENTRY(pin)) & ~RTE_MASKED;
	write_reg((unsigned int)n, REG_ENTRY(pin), low | (masked ? RTE_MASKED : 0));
	/* Read back: when this returns, the pin is masked. */
	(void)read_reg((unsigned int)n, REG_ENTRY(pin));
	spin_unlock_irqrestore(&ioapic_lock, flags);
}

void ioapic_set_dest(unsigned int gsi, u32 dest)
{
	unsigned int pin;
	int n = find_pin(gsi, &pin);
	unsigned long flags;

	if (n < 0)
		return;
	spin_lock_irqsave(&ioapic_lock, flags);
	write_reg((unsigned int)n, REG_ENTRY(pin) + 1, dest << 24);
	spin_unlock_irqrestore(&ioapic_lock, flags);
}

u64 ioapic_read_entry(unsigned int gsi)
{
	unsigned int pin;
	int n = find_pin(gsi, &pin);
	unsigned long flags;
	u64 e;

	if (n < 0)
		return 0;
	spin_lock_irqsave(&ioapic_lock, flags);
	e = read_reg((unsigned int)n, REG_ENTRY(pin));
	e |= (u64)read_reg((unsigned int)n, REG_ENTRY(pin) + 1) << 32;
	spin_unlock_irqrestore(&ioapic_lock, flags);
	return e;
}
