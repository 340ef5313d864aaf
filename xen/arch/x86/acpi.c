/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The firmware's ACPI tables, as far as the hypervisor needs them: found,
 * checked (length, checksum), mapped read-only; CPUs, IO-APICs and interrupt
 * overrides from the MADT, power registers from the FADT. Firmware may hand
 * over anything: what is broken is named and left out.
 * Source: ACPI specification 6.4, chapter 5.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <asm/apic.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include "boot/boot.h"
#include "setup.h"

#define TABLES_MAX 96
/* Larger than any table of a real machine. */
#define TABLE_SIZE_MAX MB(16)

static struct {
	maddr_t maddr;
	const struct acpi_header *h; /* NULL: broken */
} tables[TABLES_MAX] __ro_after_init;
static unsigned int nr_tables __ro_after_init;

struct acpi_fadt_info acpi_fadt __ro_after_init = { .reset_type = 0xff };
struct isa_irq isa_irqs[16] __ro_after_init;
unsigned int nr_cpu_entries __ro_after_init;
struct cpu_entry cpu_entries[NR_CPUS] __ro_after_init;
static unsigned int cpus_beyond __initdata;

struct acpi_rsdp {
	char sig[8];
	u8 checksum;
	char oem_id[6];
	u8 revision;
	u32 rsdt;
	u32 length;
	u64 xsdt;
	u8 ext_checksum, reserved[3];
} __packed;

static bool __init sum_ok(const void *p, size_t n)
{
	const u8 *b = p;
	u8 sum = 0;

	while (n--)
		sum = (u8)(sum + *b++);
	return !sum;
}

static bool __init rsdp_ok(const struct acpi_rsdp *r)
{
	return !memcmp(r->sig, "RSD PTR ", 8) && sum_ok(r, 20);
}

static maddr_t __init scan_rsdp(maddr_t start, size_t len)
{
	const u8 *p = map_firmware(start, len);
	maddr_t found = 0;

	for (size_t o = 0; p && !found && o + 20 <= len; o += 16)
		if (rsdp_ok((const void *)(p + o)))
			found = start + o;
	if (p)
		unmap_firmware(p);
	return found;
}

/* A BIOS puts it into the first KiB of its extended data area, or between 0xe0000 and 0xfffff. */
static maddr_t __init bios_rsdp(void)
{
	const u16 *bda = map_firmware(0x40e, 2);
	maddr_t ebda = bda ? (maddr_t)*bda << 4 : 0, found = 0;

	if (bda)
		unmap_firmware(bda);
	if (ebda >= 0x80000 && ebda < 0xa0000)
		found = scan_rsdp(ebda, 1024);
	return found ? found : scan_rsdp(0xe0000, 0x20000);
}

/* EFI lists it in the system table (UEFI specification, "EFI Configuration Table"). */
static maddr_t __init efi_rsdp(void)
{
	static const u8 acpi2[16] __initconst = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
						  0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 };
	static const u8 acpi1[16] __initconst = { 0x30, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11,
						  0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d };
	struct efi_config_table {
		u8 guid[16];
		u64 table;
	} const *t;
	const u8 *st = map_firmware(boot_info.efi_systab, 120);
	u64 n = 0, at = 0;
	maddr_t found = 0;

	if (!st)
		return 0;
	if (!memcmp(st, "IBI SYST", 8)) {
		memcpy(&n, st + 104, 8);
		memcpy(&at, st + 112, 8);
	}
	unmap_firmware(st);
	t = n && n < 1024 ? map_firmware(at, n * sizeof(*t)) : NULL;
	for (u64 i = 0; t && i < n; i++)
		if (!memcmp(t[i].guid, acpi2, 16) || (!found && !memcmp(t[i].guid, acpi1, 16)))
			found = t[i].table;
	if (t)
		unmap_firmware(t);
	return found;
}

static void __init add_table(maddr_t ma)
{
	const struct acpi_header *h;
	char sig[5] = "";
	u32 length;

	if (!ma)
		return;
	if (nr_tables == TABLES_MAX) {
		printk(XENLOG_WARNING "ACPI: more than %u tables\n", TABLES_MAX);
		return;
	}
	tables[nr_tables].h = NULL;
	tables[nr_tables++].maddr = ma;
	h = map_firmware(ma, sizeof(*h));
	if (!h)
		return;
	memcpy(sig, h->sig, 4);
	length = h->length;
	unmap_firmware(h);
	if (length < sizeof(*h) || length > TABLE_SIZE_MAX) {
		printk(XENLOG_WARNING "ACPI: table %s at %lx has length %u: ignored\n", sig,
		       (unsigned long)ma, length);
		return;
	}
	h = map_firmware(ma, length);
	if (!h)
		return;
	if (!sum_ok(h, length)) {
		printk(XENLOG_WARNING "ACPI: table %s at %lx has a bad checksum: ignored\n", sig,
		       (unsigned long)ma);
		unmap_firmware(h);
		return;
	}
	tables[nr_tables - 1].h = h;
}

/* The tables an RSDT (entries of 4 bytes) or XSDT (8) lists. False when it is broken itself. */
static bool __init add_root(maddr_t ma, const char *sig, unsigned int width)
{
	const struct acpi_header *h;

	add_table(ma);
	if (!nr_tables)
		return false;
	h = tables[--nr_tables].h;
	if (!h || memcmp(h->sig, sig, 4)) {
		printk(XENLOG_WARNING "ACPI: no valid %s at %lx\n", sig, (unsigned long)ma);
		return false;
	}
	for (u32 o = sizeof(*h); o + width <= h->length; o += width) {
		u64 at = 0;

		memcpy(&at, (const u8 *)h + o, width);
		add_table(at);
	}
	return nr_tables > 0;
}

const struct acpi_header *acpi_find_table(const char *sig, unsigned int instance)
{
	for (unsigned int i = 0; i < nr_tables; i++)
		if (tables[i].h && !memcmp(tables[i].h->sig, sig, 4) && !instance--)
			return tables[i].h;
	return NULL;
}

maddr_t acpi_table_maddr(const char *sig, unsigned int instance)
{
	for (unsigned int i = 0; i < nr_tables; i++)
		if (tables[i].h && !memcmp(tables[i].h->sig, sig, 4) && !instance--)
			return tables[i].maddr;
	return 0;
}

maddr_t acpi_nth_table(unsigned int n) { return n < nr_tables ? tables[n].maddr : 0; }

/* ---- MADT ---- */

static void __init add_cpu(u32 id, u32 acpi_id, u32 flags)
{
	/* Not present, and not to be added later either. */
	if (!(flags & 1) || id == ~0U)
		return;
	for (unsigned int i = 0; i < nr_cpu_entries; i++)
		if (cpu_entries[i].apic_id == id) {
			cpu_entries[i].acpi_id = acpi_id;
			return;
		}
	if (id >= 255)
		apic_require_x2apic();
	if (nr_cpu_entries == NR_CPUS) {
		cpus_beyond++;
		return;
	}
	cpu_entries[nr_cpu_entries++] =
		(struct cpu_entry){ .apic_id = id, .acpi_id = acpi_id, .enabled = true };
}

static u32 __init get32(const u8 *p)
{
	u32 v;

	memcpy(&v, p, 4);
	return v;
}

static void __init add_override(const u8 *e)
{
	u16 flags = (u16)(e[8] | e[9] << 8);
	struct isa_irq *i = &isa_irqs[e[3] & 15];

	if (e[2] || e[3] > 15)
		return;
	i->gsi = get32(e + 4);
	/* Polarity: 3 active low; trigger: 3 level; 0 as the ISA bus has it. */
	i->active_low = (flags & 3) == 3;
	i->level = (flags >> 2 & 3) == 3;
}

/* One MADT entry of length n. */
static void __init parse_madt_entry(const u8 *e, unsigned int n)
{
	switch (e[0]) {
	case 0:
		if (n >= 8)
			add_cpu(e[3], e[2], get32(e + 4));
		break;
	case 1:
		if (n >= 12)
			ioapic_add(e[2], get32(e + 4), get32(e + 8));
		break;
	case 2:
		if (n >= 10)
			add_override(e);
		break;
	case 9:
		if (n >= 16)
			add_cpu(get32(e + 4), get32(e + 12), get32(e + 8));
		break;
	}
}

static void __init parse_madt(void)
{
	const struct acpi_header *h = acpi_find_table("APIC", 0);
	const u8 *p = (const u8 *)h;
	u32 o = sizeof(*h) + 8;

	if (!h) {
		printk(XENLOG_WARNING "ACPI: no usable MADT: one CPU, no device interrupts\n");
		return;
	}
	while (o + 2 <= h->length) {
		u8 n = p[o + 1];

		if (n < 2 || o + n > h->length) {
			printk(XENLOG_WARNING "ACPI: MADT entry at offset %u is cut off; the rest is ignored\n",
			       o);
			break;
		}
		parse_madt_entry(p + o, n);
		o += n;
	}
	if (cpus_beyond)
		printk(XENLOG_WARNING "%u CPUs beyond the first %u are not used\n", cpus_beyond, NR_CPUS);
}

/* ---- FADT ---- */

/* A generic address (12 bytes) at offset o, when it is a port. */
static u16 __init gas_port(const struct acpi_header *h, u32 o)
{
	const u8 *g = (const u8 *)h + o;
	u64 addr;

	if (o + 12 > h->length || g[0] != 1)
		return 0;
	memcpy(&addr, g + 4, 8);
	return addr < 0x10000 ? (u16)addr : 0;
}

static u16 __init fadt_port(const struct acpi_header *h, u32 legacy, u32 extended)
{
	u32 v = get32((const u8 *)h + legacy);

	return v && v < 0x10000 ? (u16)v : gas_port(h, extended);
}

static void __init parse_fadt(void)
{
	const struct acpi_header *h = acpi_find_table("FACP", 0);
	const u8 *p = (const u8 *)h;
	struct acpi_fadt_info *f = &acpi_fadt;
	u32 flags;

	if (!h || h->length < 116) {
		printk(XENLOG_WARNING "ACPI: no usable FADT: no power-off, no PM timer\n");
		return;
	}
	flags = get32(p + 112);
	f->sci_int = (u16)(p[46] | p[47] << 8);
	f->pm1a_evt = fadt_port(h, 56, 148);
	f->pm1b_evt = fadt_port(h, 60, 160);
	f->pm1a_cnt = fadt_port(h, 64, 172);
	f->pm1b_cnt = fadt_port(h, 68, 184);
	f->pm_tmr = fadt_port(h, 76, 208);
	f->pm1_evt_len = p[88];
	f->pm1_cnt_len = p[89];
	f->pm_tmr_32bit = flags & 1U << 8;
	f->facs = get32(p + 36);
	if (!f->facs && h->length >= 140)
		memcpy(&f->facs, p + 132, 8);
	if (flags & 1U << 10 && h->length >= 129 && p[116] <= 2) {
		f->reset_type = p[116];
		memcpy(&f->reset_addr, p + 120, 8);
		f->reset_value = p[128];
	}
	rtc_set_century_register(p[108]);
}

int acpi_enter_sleep(u16 pm1a_val, u16 pm1b_val)
{
	if (!acpi_fadt.pm1a_cnt)
		return -ENODEV;
	wbinvd();
	outw(pm1a_val, acpi_fadt.pm1a_cnt);
	if (acpi_fadt.pm1b_cnt)
		outw(pm1b_val, acpi_fadt.pm1b_cnt);
	return 0;
}

static bool acpi_on __initdata = true;
boolean_param("acpi", acpi_on,
	      "default on; off: ignore the firmware's ACPI tables (one CPU, no device interrupts)");

static void __init find_tables(void)
{
	const struct acpi_rsdp *r, *copy = (const void *)boot_rsdp_copy;
	maddr_t at = boot_info.efi ? efi_rsdp() : 0;

	boot_info.rsdp = at ? at : bios_rsdp();
	r = boot_info.rsdp ? map_firmware(boot_info.rsdp, sizeof(*r)) : NULL;
	if (!r || !rsdp_ok(r))
		r = rsdp_ok(copy) ? copy : NULL;
	if (!r) {
		printk(XENLOG_WARNING "ACPI: no RSDP found\n");
		return;
	}
	if (r->revision >= 2 && r->xsdt && sum_ok(r, sizeof(*r)) && add_root(r->xsdt, "XSDT", 8))
		return;
	nr_tables = 0;
	if (!add_root(r->rsdt, "RSDT", 4))
		nr_tables = 0;
}

void __init acpi_init(void)
{
	nr_tables = nr_cpu_entries = cpus_beyond = 0;
	acpi_fadt = (struct acpi_fadt_info){ .reset_type = 0xff };
	for (u32 i = 0; i < 16; i++)
		isa_irqs[i] = (struct isa_irq){ .gsi = i };
	/* The boot CPU is CPU 0, whatever the MADT's order. */
	add_cpu(apic_id(), 0, 1);
	if (acpi_on)
		find_tables();
	printk("ACPI:");
	for (unsigned int i = 0; i < nr_tables; i++)
		if (tables[i].h)
			printk(" %.4s", tables[i].h->sig);
	printk("%s\n", nr_tables ? "" : " no tables");
	parse_madt();
	parse_fadt();
}
