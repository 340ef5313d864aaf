/* SPDX-License-Identifier: GPL-2.0-only */
/* Virtual PCI on a machine with one device: pass-through, MSI, MSI-X, and where a device may be placed. */
#include <xen/irq.h>
#include <xen/lib.h>
#include <asm/apic.h>
#include <asm/p2m.h>
#include <asm/setup.h>
#include "../../xen/arch/x86/hvm/platform.h"
#include "../../xen/arch/x86/hvm/vpci.h"
#include "host/tap.h"

#define DEVFN 0x18
#define BAR_BASE 0xc0000000U
#define BAR_SIZE 0x4000U
#define TABLE_OFFSET 0x1000U
#define MSI_POS 0x50
#define MSIX_POS 0x70
#define ENTRIES 4

static struct domain dom;
static struct vcpu vc = { .domain = &dom };
static u8 config[256];
static u8 *table_pages;			/* what the device has in the table's page */
static u64 mapped_at;
static unsigned int irqs_live, next_irq, cleared_pages, delivered;
static u64 delivered_addr;
static u32 delivered_data;
static struct { irq_handler_t fn; void *data; bool live; } irqs[16];
static struct hvm_io_handler *handlers[8];
static unsigned int handler_count;

struct e820_map e820 = { .nr = 1, .e = { { 0x100000, 0x3ff00000, E820_RAM } } };
struct ioapic_info ioapics[1] = { { .addr = 0xfec00000, .pins = 24 } };
unsigned int nr_ioapics = 1;

/* ---- the machine ---- */

static u32 get(u16 reg, unsigned int size)
{
	u32 v = 0;

	memcpy(&v, config + reg, size);
	return v;
}

static void put(u16 reg, unsigned int size, u32 v) { memcpy(config + reg, &v, size); }

u32 pci_conf_read(struct pci_id id, u16 reg, unsigned int size)
{
	u32 ones = size == 4 ? ~0U : (1U << 8 * size) - 1;

	return id.seg || id.bus || id.devfn != DEVFN || reg > 255 ? ones : get(reg, size);
}

/* Identity and capability headers are read-only; the address register keeps its size. */
void pci_conf_write(struct pci_id id, u16 reg, unsigned int size, u32 val)
{
	if (id.seg || id.bus || id.devfn != DEVFN || reg > 255 || reg < 4)
		return;
	if ((reg & ~3) == PCI_BAR0 + 4 || (reg & ~3) == PCI_BAR0 + 8 || (reg & ~3) == PCI_BAR0 + 12 ||
	    (reg & ~3) == PCI_BAR0 + 16 || (reg & ~3) == PCI_BAR0 + 20 || (reg & ~3) == PCI_ROM)
		return;
	put(reg, size, val);
	if ((reg & ~3) == MSIX_POS)
		put(MSIX_POS, 4, (get(MSIX_POS, 4) & 0xc0000000) | (ENTRIES - 1) << 16 | 0x0011);
	if ((reg & ~3) == PCI_BAR0)
		put(PCI_BAR0, 4, get(PCI_BAR0, 4) & ~(BAR_SIZE - 1));
}

u8 pci_find_capability(struct pci_id id, u8 cap)
{
	return cap == PCI_CAP_MSI ? MSI_POS : cap == PCI_CAP_MSIX ? MSIX_POS : 0;
}
bool pci_ecam_window(unsigned int n, struct pci_ecam *out) { return false; }
bool hvm_ports_are_claimed(u16 first, unsigned int count) { return first <= 0x3ff && first + count > 0x3f8; }

void hvm_register_io(struct domain *d, struct hvm_io_handler *h) { handlers[handler_count++] = h; }
void hvm_unregister_io(struct domain *d, struct hvm_io_handler *h) { handler_count--; }
struct vcpu *vlapic_find_target(struct domain *d, u32 dest, bool logical) { return &vc; }
bool vlapic_deliver_msi(struct domain *d, u64 addr, u32 data)
{
	delivered++;
	delivered_addr = addr;
	delivered_data = data;
	return true;
}
int create_msi_irq(irq_handler_t fn, void *data, unsigned int cpu, u64 *addr, u32 *val)
{
	unsigned int i = next_irq++;

	irqs[i].fn = fn;
	irqs[i].data = data;
	irqs[i].live = true;
	irqs_live++;
	*addr = 0xfee01000;
	*val = 0x30 + i;
	return (int)(100 + i);
}
void destroy_msi_irq(unsigned int irq)
{
	CHECK(irqs[irq - 100].live);
	irqs[irq - 100].live = false;
	irqs_live--;
}
void *ioremap(maddr_t ma, size_t len)
{
	mapped_at = ma;
	return table_pages;
}
void iounmap(void *v) { mapped_at = 0; }
int p2m_clear_mmio(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned long nr, unsigned long *done)
{
	CHECK_EQ(gfn_x(gfn), mfn_x(mfn));
	cleared_pages++;
	return 0;
}
void spin_lock_init(spinlock_t *l, enum lock_rank rank) { l->rank = rank; }
void spin_lock(spinlock_t *l)
{
	CHECK(!l->cpu);
	l->cpu = 1;
}
void spin_unlock(spinlock_t *l) { l->cpu = 0; }
void *xzalloc_bytes(size_t size) { return memset(host_alloc(size), 0, size); }
void *xzalloc_bytes_n(size_t size, size_t n) { return xzalloc_bytes(size * n); }
void xfree(void *p) { host_free(p); }

/* ---- dom0's accesses ---- */

static void config_io(u8 devfn, u16 reg, unsigned int size, bool write, u32 *val)
{
	u64 v = 0x80000000 | (u32)devfn << 8 | (reg & 0xfc);

	CHECK_EQ(handlers[0]->access(&vc, 0xcf8, 4, true, &v, handlers[0]->data), HVM_IO_OK);
	v = *val;
	CHECK_EQ(handlers[1]->access(&vc, 0xcfc + (reg & 3), size, write, &v, handlers[1]->data), HVM_IO_OK);
	*val = (u32)v;
}

static u32 rd(u16 reg, unsigned int size)
{
	u32 v = 0;

	config_io(DEVFN, reg, size, false, &v);
	return v;
}

static void wr(u16 reg, unsigned int size, u32 v) { config_io(DEVFN, reg, size, true, &v); }

static u64 entry_rd(unsigned int off, unsigned int size)
{
	u64 v = 0;

	CHECK_EQ(vpci_mmio(&vc, BAR_BASE + TABLE_OFFSET + off, size, false, &v), HVM_IO_OK);
	return v;
}

static void entry_wr(unsigned int off, unsigned int size, u64 v)
{
	CHECK_EQ(vpci_mmio(&vc, BAR_BASE + TABLE_OFFSET + off, size, true, &v), HVM_IO_OK);
}

static u32 hw_entry(unsigned int off)
{
	u32 v;

	memcpy(&v, table_pages + off, 4);
	return v;
}

static void set_up(void)
{
	put(PCI_VENDOR_ID, 4, 0x100e8086);
	put(PCI_CLASS, 2, 0x0200);
	put(PCI_BAR0, 4, BAR_BASE);
	put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	put(MSI_POS, 4, 0x00867005);		/* 64-bit, eight messages */
	put(MSIX_POS, 4, (ENTRIES - 1) << 16 | 0x0011);
	put(MSIX_POS + 4, 4, TABLE_OFFSET);
	table_pages = host_alloc(4096);
	memset(table_pages, 0, 4096);
	CHECK_EQ(vpci_init(&dom), 0);
	CHECK_EQ(handler_count, 2);
}

/* ---- cases ---- */

static void configuration_space_goes_through(void)
{
	u32 v = 0;

	CHECK_EQ(rd(PCI_VENDOR_ID, 4), 0x100e8086);
	CHECK_EQ(rd(PCI_VENDOR_ID + 2, 2), 0x100e);
	CHECK_EQ(rd(PCI_VENDOR_ID + 1, 1), 0x80);
	wr(0x3c, 1, 0x0b);
	CHECK_EQ(config[0x3c], 0x0b);
	config_io(0x10, 0, 4, false, &v);
	CHECK_EQ(v, ~0U);
}

static void one_message_is_offered_and_translated(void)
{
	CHECK_EQ(rd(MSI_POS + 2, 2), 0x0080);
	wr(MSI_POS + 4, 4, 0xfee02000);
	wr(MSI_POS + 8, 4, 0);
	wr(MSI_POS + 12, 2, 0x4055);
	CHECK_EQ(get(MSI_POS + 12, 2), 0);	/* nothing reached the device yet */
	wr(MSI_POS + 2, 2, 0x0081);
	CHECK_EQ(irqs_live, 1);
	CHECK_EQ(get(MSI_POS + 4, 4), 0xfee01000);
	CHECK_EQ(get(MSI_POS + 12, 2), 0x30);
	CHECK(get(MSI_POS + 2, 2) & 1);
	CHECK_EQ(rd(MSI_POS + 4, 4), 0xfee02000);
	CHECK_EQ(rd(MSI_POS + 12, 2), 0x4055);
	CHECK_EQ(rd(MSI_POS + 2, 2), 0x0081);
	irqs[0].fn(100, irqs[0].data);
	CHECK_EQ(delivered_addr, 0xfee02000);
	CHECK_EQ(delivered_data, 0x4055);
	wr(MSI_POS + 12, 2, 0x4066);		/* a new vector takes effect, the device is left alone */
	CHECK_EQ(get(MSI_POS + 12, 2), 0x30);
	irqs[0].fn(100, irqs[0].data);
	CHECK_EQ(delivered_data, 0x4066);
	wr(MSI_POS + 2, 2, 0x0080);
	CHECK_EQ(irqs_live, 0);
	CHECK(!(get(MSI_POS + 2, 2) & 1));
}

static void table_of_messages_is_emulated(void)
{
	u64 s, e, v = 0;

	CHECK_EQ(rd(MSIX_POS + 2, 2), ENTRIES - 1);
	CHECK_EQ(cleared_pages, 1);
	CHECK(vpci_next_trapped(&dom, 0, ~0ULL, &s, &e));
	CHECK_EQ(s, BAR_BASE + TABLE_OFFSET);
	CHECK_EQ(e, BAR_BASE + TABLE_OFFSET + PAGE_SIZE);
	wr(MSIX_POS + 2, 2, 0xc000);
	CHECK_EQ(hw_entry(12), 1);
	entry_wr(16, 8, 0xfee04000);
	entry_wr(24, 4, 0x4071);
	CHECK_EQ(irqs_live, 0);
	entry_wr(28, 4, 0);
	CHECK_EQ(irqs_live, 1);
	CHECK_EQ(hw_entry(16), 0xfee01000);
	CHECK_EQ(hw_entry(24), 0x30);
	CHECK_EQ(hw_entry(28), 0);
	CHECK_EQ(entry_rd(16, 8), 0xfee04000);
	CHECK_EQ(entry_rd(24, 4), 0x4071);
	wr(MSIX_POS + 2, 2, 0x8000);
	CHECK_EQ(get(MSIX_POS + 2, 2), 0x8000 | (ENTRIES - 1));
	irqs[0].fn(100, irqs[0].data);
	CHECK_EQ(delivered_addr, 0xfee04000);
	CHECK_EQ(delivered_data, 0x4071);
	entry_wr(28, 4, 1);
	CHECK_EQ(hw_entry(28), 1);
	CHECK_EQ(vpci_mmio(&vc, BAR_BASE + TABLE_OFFSET + 17, 1, false, &v), HVM_IO_OK);	/* no such access */
	CHECK_EQ(v, 0xff);
	v = 0x12345678;
	CHECK_EQ(vpci_mmio(&vc, BAR_BASE + TABLE_OFFSET + 0x100, 4, true, &v), HVM_IO_OK);	/* beside the table */
	CHECK_EQ(hw_entry(0x100), 0x12345678);
	CHECK_EQ(vpci_mmio(&vc, BAR_BASE, 4, true, &v), HVM_IO_UNHANDLED);
	wr(MSIX_POS + 2, 2, 0);
	CHECK_EQ(irqs_live, 0);
}

static void the_table_moves_with_its_bar(void)
{
	u64 s, e;

	rd(0, 4);
	wr(PCI_COMMAND, 2, 0);
	CHECK(!vpci_next_trapped(&dom, 0, ~0ULL, &s, &e));
	wr(PCI_BAR0, 4, 0xd0000000);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	CHECK(vpci_next_trapped(&dom, 0, ~0ULL, &s, &e));
	CHECK_EQ(s, 0xd0000000 + TABLE_OFFSET);
	CHECK_EQ(mapped_at, s);
	CHECK_EQ(cleared_pages, 2);
}

static void a_device_over_ram_is_switched_off(void)
{
	rd(0, 4);
	wr(PCI_BAR0, 4, 0x200000);		/* while it decodes */
	CHECK(!(get(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY));
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY | 4);
	CHECK_EQ(get(PCI_COMMAND, 2), 4);
	wr(PCI_BAR0, 4, 0xfee00000);
	wr(PCI_COMMAND, 1, PCI_COMMAND_MEMORY);
	CHECK(!(get(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY));
	wr(PCI_BAR0, 4, BAR_BASE);
	wr(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	CHECK(get(PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
}

static void everything_goes_back(void)
{
	rd(0, 4);
	wr(MSI_POS + 2, 2, 0x0081);
	wr(MSIX_POS + 2, 2, 0x8000);
	entry_wr(12, 4, 0);
	CHECK_EQ(irqs_live, 2);
	vpci_destroy(&dom);
	CHECK_EQ(irqs_live, 0);
	CHECK_EQ(handler_count, 0);
	CHECK_EQ(mapped_at, 0);
	CHECK(!dom.arch.vpci);
}

static void random_accesses_keep_the_device_to_the_hypervisors_messages(void)
{
	rd(0, 4);
	for (unsigned long i = 0; i < tap_rounds(100000); i++) {
		unsigned int size = 1U << tap_random_below(3);
		u16 reg = (u16)tap_random_below(2) ? (u16)(0x40 + tap_random_below(0x50)) : (u16)tap_random_below(0x40);
		u64 v = tap_random();

		reg &= (u16)~(size - 1);
		if (tap_random_below(4))
			wr(reg, size, (u32)v);
		else
			vpci_mmio(&vc, (mapped_at ? mapped_at : BAR_BASE) + (tap_random_below(0x80) & ~7UL), 4, true, &v);
		if (next_irq > 12) {
			CHECK(irqs_live <= 1 + ENTRIES);
			if (!irqs_live)
				next_irq = 0;
			else
				break;
		}
		if (get(MSI_POS + 2, 2) & 1)
			CHECK_EQ(get(MSI_POS + 4, 4), 0xfee01000);
	}
}

static const struct unit_case cases[] = {
	CASE(configuration_space_goes_through),
	CASE(one_message_is_offered_and_translated),
	CASE(table_of_messages_is_emulated),
	CASE(the_table_moves_with_its_bar),
	CASE(a_device_over_ram_is_switched_off),
	CASE(everything_goes_back),
	CASE(random_accesses_keep_the_device_to_the_hypervisors_messages),
};
TAP_MAIN(cases, set_up);
