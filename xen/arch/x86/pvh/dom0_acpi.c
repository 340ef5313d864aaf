// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI for dom0: a root pointer, a table of tables and an interrupt controller
 * table of its own (its vCPUs, the machine's IO-APICs); every other table by
 * reference to where the firmware put it, but for those that describe what the
 * hypervisor keeps for itself. Layouts: ACPI specification, "ACPI Software
 * Programming Model".
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/apic.h>
#include <asm/io.h>
#include <asm/setup.h>
#include "pvh.h"

/* Tables dom0 does not get: interrupt controllers (replaced), IOMMUs, NUMA and performance of real CPUs, timers. */
static const char *const denied[] = { "APIC", "DMAR", "IVRS", "SRAT", "SLIT",
				      "HMAT", "MPST", "PMTT", "HPET", "SLAT" };

#define MAX_TABLES 64

struct rsdp {
	char sig[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 ext_checksum, reserved[3];
} __packed;

struct madt {
	struct acpi_header h;
	u32 lapic_addr, flags;
} __packed;

#define MADT_ACTIVE_LOW 0x3
#define MADT_LEVEL	0xc
struct madt_override {
	u8 type, length, bus, source;
	u32 gsi;
	u16 flags;
} __packed;
struct madt_lapic {
	u8 type, len, uid, apic_id;
	u32 flags;
} __packed;

struct madt_x2apic {
	u8 type, len;
	u16 reserved;
	u32 apic_id, flags, uid;
} __packed;

static __init u8 checksum(const void *p, size_t n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum += *b++;
	return (u8)-sum;
}

static __init void fill_header(struct acpi_header *h, const char *sig, u8 revision, u32 length)
{
	memcpy(h->sig, sig, 4);
	h->length = length;
	h->revision = revision;
	h->checksum = 0;
	memcpy(h->oem_id, "Pavise", 6);
	memcpy(h->oem_table_id, "PVH-DOM0", 8);
	h->oem_revision = 1;
	memcpy(h->creator_id, "PVSE", 4);
	h->creator_revision = 1;
	h->checksum = checksum(h, length);
}

u64 __init dom0_acpi_size(unsigned int nr_vcpus)
{
	const struct acpi_header *m = acpi_find_table("APIC", 0);

	return ROUND_UP(sizeof(struct rsdp), 16) + sizeof(struct acpi_header) + MAX_TABLES * 8 +
	       sizeof(struct madt) + nr_vcpus * sizeof(struct madt_x2apic) + (m ? m->length : 0) + 64;
}

static __init u32 add_vcpu(u8 *p, unsigned int id)
{
	u32 apic_id = id * 2;

	if (apic_id < 255) {
		struct madt_lapic e = { 0, sizeof(e), (u8)id, (u8)apic_id, 1 };

		memcpy(p, &e, sizeof(e));
		return sizeof(e);
	} else {
		struct madt_x2apic e = { 9, sizeof(e), 0, apic_id, 1, id };

		memcpy(p, &e, sizeof(e));
		return sizeof(e);
	}
}

/* The machine's IO-APICs (1), interrupt overrides (2) and NMI sources (3) are dom0's as they are. */
static __init u32 copy_ioapics(u8 *p)
{
	const struct acpi_header *h = acpi_find_table("APIC", 0);
	const u8 *src = (const u8 *)h;
	u32 out = 0;

	for (u32 pos = sizeof(struct madt); h && pos + 2 <= h->length; pos += src[pos + 1]) {
		u8 type = src[pos], len = src[pos + 1];

		if (len < 2 || pos + len > h->length)
			break;
		if (type < 1 || type > 3)
			continue;
		memcpy(p + out, src + pos, len);
		out += len;
	}
	return out;
}

/*
 * Where firmware wires PCI interrupts to ISA ones (chip sets of the i440FX's age, and emulators of them) the
 * ISA interrupts that are free for it (5, 9, 10, 11) are level-triggered, and the edge/level control registers
 * show it. Without PICs a kernel cannot change the mode of an ISA interrupt later, as bare it does: so dom0 is
 * told by overrides, unless firmware has one. Active low: what PCI and the system control interrupt are, and
 * what interrupt links declare.
 */
static __init u32 add_pci_overrides(u8 *p)
{
	static const u8 candidates[] __initconst = { 5, 9, 10, 11 };
	u32 elcr = inb(0x4d0) | (u32)inb(0x4d1) << 8, len = 0;

	/* These are always edges, where the registers exist. */
	if ((elcr & (BIT(0) | BIT(1) | BIT(2) | BIT(8) | BIT(13))) ||
	    !(elcr & (BIT(5) | BIT(9) | BIT(10) | BIT(11))))
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(candidates); i++) {
		u8 n = candidates[i];
		struct madt_override e = { 2, sizeof(e), 0, n, n, MADT_LEVEL | MADT_ACTIVE_LOW };

		if (isa_irqs[n].level || isa_irqs[n].gsi != n)
			continue;
		memcpy(p + len, &e, sizeof(e));
		len += sizeof(e);
	}
	return len;
}

static __init u32 build_madt(u8 *p, unsigned int nr_vcpus)
{
	struct madt *m = (struct madt *)p;
	u32 len = sizeof(*m);

	m->lapic_addr = 0xfee00000;
	/* No PC-AT compatible 8259s: dom0 has none. */
	m->flags = 0;
	for (unsigned int i = 0; i < nr_vcpus; i++)
		len += add_vcpu(p + len, i);
	len += copy_ioapics(p + len);
	len += add_pci_overrides(p + len);
	fill_header(&m->h, "APIC", 4, len);
	return len;
}

static __init bool is_denied(const char *sig)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(denied); i++)
		if (!memcmp(sig, denied[i], 4))
			return true;
	return false;
}

static __init u32 build_xsdt(u8 *p, u64 madt)
{
	u32 len = sizeof(struct acpi_header);
	unsigned int count = 0;
	maddr_t ma;

	memcpy(p + len, &madt, 8);
	len += 8;
	for (unsigned int i = 0; (ma = acpi_nth_table(i)) != 0; i++) {
		const struct acpi_header *h = map_firmware(ma, sizeof(*h));

		if (!h)
			continue;
		if (is_denied(h->sig))
			printk(XENLOG_DEBUG "dom0: ACPI table %.4s is kept from it\n", h->sig);
		else if (++count < MAX_TABLES) {
			memcpy(p + len, &ma, 8);
			len += 8;
		}
		unmap_firmware(h);
	}
	fill_header((struct acpi_header *)p, "XSDT", 1, len);
	return len;
}

u64 __init dom0_acpi_build(struct domain *d, u64 gpa, unsigned int nr_vcpus)
{
	struct rsdp r = { .revision = 2, .length = sizeof(r) };
	u64 madt = gpa + ROUND_UP(sizeof(r), 16), xsdt;
	u32 len;

	if (!acpi_nth_table(0))
		return 0;
	len = build_madt(maddr_to_virt(madt), nr_vcpus);
	xsdt = madt + ROUND_UP((u64)len, 16);
	build_xsdt(maddr_to_virt(xsdt), madt);

	memcpy(r.sig, "RSD PTR ", 8);
	memcpy(r.oem_id, "Pavise", 6);
	r.xsdt = xsdt;
	r.checksum = checksum(&r, 20);
	r.ext_checksum = checksum(&r, sizeof(r));
	return dom0_store(d, gpa, &r, sizeof(r)) ? 0 : gpa;
}
