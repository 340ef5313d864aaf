/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ACPI tables as firmware makes them, and as broken firmware does. Mappings are
 * exact copies on the heap, so that ASan sees a read beyond what was mapped.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/apic.h>
#include <asm/setup.h>
#include "../../xen/arch/x86/boot/boot.h"
#include "../../xen/arch/x86/setup.h"
#include "host/tap.h"

/* ---- the machine ---- */

#define MEMORY MB(2)
#define BIOS_AREA 0xe0000
#define TABLES 0x100000
static u8 *memory;
static u32 cursor;
static void *mapped[4096];
static unsigned int nr_mapped;

struct boot_info boot_info;
u8 boot_rsdp_copy[36];
static unsigned int ioapics_added;
static bool x2apic_required;
static u8 century;

const void *map_firmware(maddr_t ma, size_t len)
{
	u8 *p;

	if (!len || len > MB(64) || nr_mapped == ARRAY_SIZE(mapped))
		return NULL;
	p = mapped[nr_mapped++] = host_alloc(len);
	memset(p, 0xff, len);
	if (ma < MEMORY)
		memcpy(p, memory + ma, min_t(u64, len, MEMORY - ma));
	return p;
}

void unmap_firmware(const void *v) {}
u32 apic_id(void) { return 0; }
void apic_require_x2apic(void) { x2apic_required = true; }
void ioapic_add(u8 id, u32 addr, u32 gsi_base) { ioapics_added++; }
void rtc_set_century_register(u8 index) { century = index; }

static void reset(void)
{
	while (nr_mapped)
		host_free(mapped[--nr_mapped]);
	if (!memory)
		memory = host_alloc(MEMORY);
	memset(memory, 0, MEMORY);
	memset(&boot_info, 0, sizeof(boot_info));
	memset(boot_rsdp_copy, 0, sizeof(boot_rsdp_copy));
	cursor = TABLES;
	ioapics_added = 0;
	x2apic_required = false;
}

static void fix_sum(u8 *p, size_t n, u8 *sum)
{
	*sum = 0;
	for (size_t i = 0; i < n; i++)
		*sum = (u8)(*sum - (i == (size_t)(sum - p) ? 0 : p[i]));
}

static void fix_table(u32 at)
{
	struct acpi_header *h = (void *)(memory + at);

	fix_sum((u8 *)h, h->length, &h->checksum);
}

/* A table with this body after the header; its address. */
static u32 put_table(const char *sig, const void *body, u32 n)
{
	u32 at = cursor;
	struct acpi_header *h = (void *)(memory + at);

	memcpy(h->sig, sig, 4);
	h->length = (u32)sizeof(*h) + n;
	memcpy(h + 1, body, n);
	fix_table(at);
	cursor = ROUND_UP(at + h->length, 16);
	return at;
}

static void put_rsdp(u32 at, u32 rsdt, u64 xsdt)
{
	u8 *p = memory + at;

	memcpy(p, "RSD PTR ", 8);
	p[15] = xsdt ? 2 : 0;
	memcpy(p + 16, &rsdt, 4);
	p[20] = 36;
	memcpy(p + 24, &xsdt, 8);
	fix_sum(p, 20, p + 8);
	fix_sum(p, 36, p + 32);
}

static const u8 madt_body[] = {
	0, 0, 0xe0, 0xfe, 1, 0, 0, 0,
	0, 8, 0, 0, 1, 0, 0, 0,			/* CPU 0 */
	0, 8, 1, 2, 1, 0, 0, 0,			/* APIC id 2 */
	0, 8, 2, 4, 0, 0, 0, 0,			/* not there */
	9, 16, 0, 0, 0x00, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,	/* x2APIC id 256 */
	1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0,
	2, 10, 0, 0, 2, 0, 0, 0, 0, 0,		/* ISA 0 is GSI 2 */
	2, 10, 0, 9, 9, 0, 0, 0, 0x0f, 0,	/* ISA 9: level, low */
	4, 6, 0xff, 0, 0, 1,
};
static u8 fadt_body[244 - 36];
static u32 madt_at, fadt_at, hpet_at, xsdt_at, rsdt_at;

static void put_machine(bool with_xsdt)
{
	u32 list32[3];
	u64 list64[3];
	u8 hpet_body[20] = { 0 };

	fadt_body[56 - 36] = 0x00;
	fadt_body[57 - 36] = 0x06;	/* PM1a event 0x600 */
	fadt_body[64 - 36] = 0x04;
	fadt_body[65 - 36] = 0x06;
	fadt_body[76 - 36] = 0x08;
	fadt_body[77 - 36] = 0x06;
	fadt_body[46 - 36] = 9;
	fadt_body[108 - 36] = 0x32;
	fadt_body[113 - 36] = 0x04;	/* flags: reset register */
	fadt_body[116 - 36] = 1;
	fadt_body[120 - 36] = 0xf9;
	fadt_body[121 - 36] = 0x0c;
	fadt_body[128 - 36] = 6;
	list64[0] = list32[0] = fadt_at = put_table("FACP", fadt_body, sizeof(fadt_body));
	list64[1] = list32[1] = madt_at = put_table("APIC", madt_body, sizeof(madt_body));
	list64[2] = list32[2] = hpet_at = put_table("HPET", hpet_body, sizeof(hpet_body));
	rsdt_at = put_table("RSDT", list32, sizeof(list32));
	xsdt_at = put_table("XSDT", list64, sizeof(list64));
	put_rsdp(BIOS_AREA + 0x40, rsdt_at, with_xsdt ? xsdt_at : 0);
}

static void check_machine(void)
{
	CHECK_EQ(nr_cpu_entries, 3);
	CHECK_EQ(cpu_entries[1].apic_id, 2);
	CHECK_EQ(cpu_entries[2].apic_id, 256);
	CHECK_EQ(cpu_entries[2].acpi_id, 7);
	CHECK(x2apic_required);
	CHECK_EQ(ioapics_added, 1);
	CHECK_EQ(isa_irqs[0].gsi, 2);
	CHECK_EQ(isa_irqs[4].gsi, 4);
	CHECK(isa_irqs[9].level && isa_irqs[9].active_low && !isa_irqs[4].level);
	CHECK_EQ(acpi_fadt.pm1a_evt, 0x600);
	CHECK_EQ(acpi_fadt.pm1a_cnt, 0x604);
	CHECK_EQ(acpi_fadt.pm_tmr, 0x608);
	CHECK_EQ(acpi_fadt.sci_int, 9);
	CHECK_EQ(acpi_fadt.reset_type, 1);
	CHECK_EQ(acpi_fadt.reset_addr, 0xcf9);
	CHECK_EQ(acpi_fadt.reset_value, 6);
	CHECK_EQ(century, 0x32);
}

/* ---- cases ---- */

static void a_good_machine_is_read(void)
{
	put_machine(true);
	acpi_init();
	check_machine();
	CHECK_EQ(acpi_table_maddr("HPET", 0), hpet_at);
	CHECK_EQ(acpi_table_maddr("HPET", 1), 0);
	CHECK(!acpi_find_table("SRAT", 0));
	CHECK_EQ(acpi_nth_table(1), madt_at);
	CHECK_EQ(acpi_nth_table(3), 0);
}

static void an_old_machine_has_an_rsdt(void)
{
	put_machine(false);
	acpi_init();
	check_machine();
}

static void a_broken_xsdt_leaves_the_rsdt(void)
{
	put_machine(true);
	memory[xsdt_at + 9]++;
	acpi_init();
	check_machine();
}

static void a_broken_extended_rsdp_leaves_the_rsdt(void)
{
	put_machine(true);
	memory[BIOS_AREA + 0x40 + 33]++;
	acpi_init();
	check_machine();
}

static void the_loaders_rsdp_serves_when_there_is_no_other(void)
{
	put_machine(true);
	memcpy(boot_rsdp_copy, memory + BIOS_AREA + 0x40, 36);
	memset(memory + BIOS_AREA, 0, 0x1000);
	acpi_init();
	check_machine();
	CHECK_EQ(boot_info.rsdp, 0);
}

static void efi_lists_the_rsdp(void)
{
	static const u8 guid[16] = { 0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
				     0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81 };
	u64 n = 2, at = 0x1f0000, rsdp = 0x1e0000;

	put_machine(true);
	memcpy(memory + rsdp, memory + BIOS_AREA + 0x40, 36);
	memset(memory + BIOS_AREA, 0, 0x1000);
	boot_info.efi = true;
	boot_info.efi_systab = 0x1f8000;
	memcpy(memory + 0x1f8000, "IBI SYST", 8);
	memcpy(memory + 0x1f8000 + 104, &n, 8);
	memcpy(memory + 0x1f8000 + 112, &at, 8);
	memcpy(memory + at + 24, guid, 16);
	memcpy(memory + at + 24 + 16, &rsdp, 8);
	acpi_init();
	CHECK_EQ(boot_info.rsdp, rsdp);
	check_machine();
}

/* What is left of a machine whose firmware says nothing: the CPU that runs. */
static void check_nothing(void)
{
	CHECK_EQ(nr_cpu_entries, 1);
	CHECK_EQ(ioapics_added, 0);
	CHECK_EQ(isa_irqs[15].gsi, 15);
}

static void no_tables_at_all(void)
{
	acpi_init();
	check_nothing();
	CHECK_EQ(acpi_fadt.pm_tmr, 0);
	CHECK_EQ(acpi_fadt.reset_type, 0xff);
}

static void tables_where_there_is_no_memory(void)
{
	put_rsdp(BIOS_AREA, 0xfffffff0, ~0UL - 15);
	acpi_init();
	check_nothing();
}

static void a_madt_with_a_bad_checksum_is_ignored(void)
{
	put_machine(true);
	memory[madt_at + 50]++;
	acpi_init();
	check_nothing();
	CHECK_EQ(acpi_fadt.pm_tmr, 0x608);
	CHECK_EQ(acpi_nth_table(1), madt_at);
}

static void lengths_that_cannot_be_are_ignored(void)
{
	static const u32 lengths[] = { 0, 8, 35, 0x7fffffff, 0xffffffff };

	for (unsigned int i = 0; i < ARRAY_SIZE(lengths); i++) {
		reset();
		put_machine(true);
		memcpy(memory + madt_at + 4, &lengths[i], 4);
		acpi_init();
		check_nothing();
	}
}

static void a_madt_entry_without_length_ends_it(void)
{
	put_machine(true);
	memory[madt_at + 44 + 24 + 1] = 0;
	fix_table(madt_at);
	acpi_init();
	CHECK_EQ(nr_cpu_entries, 2);
	CHECK_EQ(ioapics_added, 0);
}

static void a_madt_entry_beyond_the_end_is_not_read(void)
{
	put_machine(true);
	memory[madt_at + 44 + sizeof(madt_body) - 8 - 6 + 1] = 200;
	fix_table(madt_at);
	acpi_init();
	check_machine();
}

static void a_madt_with_only_its_header(void)
{
	put_machine(true);
	((struct acpi_header *)(memory + madt_at))->length = 36;
	fix_table(madt_at);
	acpi_init();
	check_nothing();
}

static void more_cpus_than_there_is_room_for(void)
{
	u8 body[8 + 255 * 8] = { 0 };
	u64 list;

	for (unsigned int i = 0; i < 255; i++) {
		u8 *e = body + 8 + 8 * i;

		e[1] = 8;
		e[3] = (u8)i;
		e[4] = 1;
	}
	list = put_table("APIC", body, sizeof(body));
	put_rsdp(BIOS_AREA, 0, put_table("XSDT", &list, 8));
	acpi_init();
	CHECK_EQ(nr_cpu_entries, NR_CPUS);
}

static void more_tables_than_there_is_room_for(void)
{
	u64 list[300];
	u32 at = put_table("APIC", madt_body, sizeof(madt_body));

	for (unsigned int i = 0; i < ARRAY_SIZE(list); i++)
		list[i] = at;
	put_rsdp(BIOS_AREA, 0, put_table("XSDT", list, sizeof(list)));
	acpi_init();
	CHECK(acpi_nth_table(95) == at && !acpi_nth_table(96));
	CHECK_EQ(nr_cpu_entries, 3);
}

static void a_short_fadt_is_ignored(void)
{
	put_machine(true);
	((struct acpi_header *)(memory + fadt_at))->length = 100;
	fix_table(fadt_at);
	acpi_init();
	CHECK_EQ(acpi_fadt.pm_tmr, 0);
	CHECK_EQ(nr_cpu_entries, 3);
}

/* Whatever the bytes are: no read beyond a table, and results within their limits. */
static void random_damage_is_survived(void)
{
	for (unsigned long round = 0; round < tap_rounds(3000); round++) {
		const u32 at[] = { fadt_at, madt_at, hpet_at, rsdt_at, xsdt_at };

		reset();
		put_machine(tap_random() & 1);
		for (u64 n = 1 + tap_random_below(6); n; n--) {
			u32 t = at[tap_random_below(ARRAY_SIZE(at))];
			u32 off = (u32)tap_random_below(tap_random() & 1 ? 48 : 140);

			if (!t)
				continue;
			memory[t + off] = (u8)tap_random();
			/* A length within memory, so that the sum is right and the contents get looked at. */
			if (((struct acpi_header *)(memory + t))->length < MEMORY - t && tap_random_below(8))
				fix_table(t);
		}
		acpi_init();
		CHECK(nr_cpu_entries >= 1 && nr_cpu_entries <= NR_CPUS);
		for (unsigned int i = 0; i < 16; i++) {
			const struct acpi_header *h = acpi_find_table("APIC", i);

			CHECK(!h || h->length >= sizeof(*h));
		}
	}
}

static const struct unit_case cases[] = {
	CASE(a_good_machine_is_read),
	CASE(an_old_machine_has_an_rsdt),
	CASE(a_broken_xsdt_leaves_the_rsdt),
	CASE(a_broken_extended_rsdp_leaves_the_rsdt),
	CASE(the_loaders_rsdp_serves_when_there_is_no_other),
	CASE(efi_lists_the_rsdp),
	CASE(no_tables_at_all),
	CASE(tables_where_there_is_no_memory),
	CASE(a_madt_with_a_bad_checksum_is_ignored),
	CASE(lengths_that_cannot_be_are_ignored),
	CASE(a_madt_entry_without_length_ends_it),
	CASE(a_madt_entry_beyond_the_end_is_not_read),
	CASE(a_madt_with_only_its_header),
	CASE(more_cpus_than_there_is_room_for),
	CASE(more_tables_than_there_is_room_for),
	CASE(a_short_fadt_is_ignored),
	CASE(random_damage_is_survived),
};
TAP_MAIN(cases, reset);
