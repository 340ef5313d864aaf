/* SPDX-License-Identifier: GPL-2.0-only */
/* The boot loader's information: what is copied out of it, and what cannot be led astray by it. */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/setup.h>
#include "../../xen/arch/x86/boot/boot.h"
#include "host/tap.h"

/* Stands for memory from address 0; the information ends where it ends. */
unsigned long host_directmap;
static u8 *mbi;
static u32 used;
#define MBI_MAX 16384

static void begin(void)
{
	mbi = mbi ? mbi : host_alloc(MBI_MAX);
	memset(mbi, 0, MBI_MAX);
	host_directmap = (unsigned long)mbi;
	used = 8;
}

static u8 *put_tag(u32 type, const void *data, u32 n)
{
	u8 *p = mbi + used;
	u32 size = n + 8;

	memcpy(p, &type, 4);
	memcpy(p + 4, &size, 4);
	memcpy(p + 8, data, n);
	used += ROUND_UP(size, 8);
	return p + 8;
}

static void put_module(u32 start, u32 end, const char *cmdline)
{
	u8 data[9000];
	u32 n = (u32)strlen(cmdline) + 1;

	memcpy(data, &start, 4);
	memcpy(data + 4, &end, 4);
	memcpy(data + 8, cmdline, n);
	put_tag(3, data, n + 8);
}

static void put_mmap(const struct e820_entry *e, unsigned int nr, u32 entry_size)
{
	u8 data[4096] = { 0 };

	memcpy(data, &entry_size, 4);
	for (unsigned int i = 0; i < nr; i++) {
		memcpy(data + 8 + i * entry_size, &e[i].addr, 8);
		memcpy(data + 8 + i * entry_size + 8, &e[i].size, 8);
		memcpy(data + 8 + i * entry_size + 16, &e[i].type, 4);
	}
	put_tag(6, data, 8 + nr * entry_size);
}

static void parse(void)
{
	put_tag(0, "", 0);
	memcpy(mbi, &used, 4);
	boot_info_parse(0);
}

static const struct e820_entry ram[] = {
	{ 0, 0x9f000, E820_RAM }, { 0x100000, 0x1000000, E820_RAM }, { 0x1100000, 0x1000, E820_ACPI },
};

static void put_grub_entry(void)
{
	put_tag(1, "com1=115200 loglvl=all", 23);
	put_tag(2, "GRUB 2.06", 10);
	put_module(0x200000, 0x300000, "console=hvc0");
	put_module(0x400000, 0x400010, "");
	put_mmap(ram, 3, 24);
	put_tag(0, "", 0);
	memcpy(mbi, &used, 4);
}

static void a_grub_entry_is_read(void)
{
	put_grub_entry();
	boot_info_parse(0);
	CHECK_STR(boot_info.cmdline, "com1=115200 loglvl=all");
	CHECK_STR(boot_info.loader, "GRUB 2.06");
	CHECK_EQ(boot_info.nr_modules, 2);
	CHECK_EQ(boot_info.module[0].start, 0x200000);
	CHECK_EQ(boot_info.module[0].size, 0x100000);
	CHECK_STR(boot_info.module[0].cmdline, "console=hvc0");
	CHECK_STR(boot_info.module[1].cmdline, "");
	CHECK(!boot_info.efi && !boot_info.has_framebuffer);
	e820_init();
	CHECK_EQ(e820.nr, 3);
	CHECK_EQ(e820.e[1].size, 0x1000000);
}

static void larger_map_entries_are_stepped_over(void)
{
	put_mmap(ram, 3, 40);
	parse();
	e820_init();
	CHECK_EQ(e820.nr, 3);
	CHECK_EQ(e820.e[2].type, E820_ACPI);
}

static void efi_memory_serves_without_another_map(void)
{
	struct { u32 type, pad; u64 phys, virt, pages, attr, more; } d[] = {
		{ 7, 0, 0x100000, 0, 0x100, 0, 0 }, { 4, 0, 0x200000, 0, 0x100, 0, 0 }, { 6, 0, 0x300000, 0, 1, 0, 0 },
		{ 9, 0, 0x301000, 0, 1, 0, 0 }, { 10, 0, 0x302000, 0, 1, 0, 0 }, { 8, 0, 0x303000, 0, 1, 0, 0 },
		{ 14, 0, 0x304000, 0, 1, 0, 0 },
	};
	u8 data[8 + sizeof(d)] = { sizeof(d[0]) };
	u64 systab = 0x7f001000;

	memcpy(data + 8, d, sizeof(d));
	put_tag(17, data, sizeof(data));
	put_tag(12, &systab, 8);
	parse();
	CHECK(boot_info.efi);
	CHECK_EQ(boot_info.efi_systab, systab);
	e820_init();
	CHECK_EQ(e820.nr, 6);
	CHECK_EQ(e820.e[0].size, 0x200000);
	CHECK_EQ(e820.e[0].type, E820_RAM);
	CHECK_EQ(e820.e[1].type, E820_RESERVED);
	CHECK_EQ(e820.e[2].type, E820_ACPI);
	CHECK_EQ(e820.e[3].type, E820_NVS);
	CHECK_EQ(e820.e[4].type, E820_UNUSABLE);
	CHECK_EQ(e820.e[5].type, E820_RESERVED);
}

static void long_lines_are_cut(void)
{
	char line[8400];

	memset(line, 'x', sizeof(line));
	line[3000] = 0;
	put_tag(1, line, 3001);
	put_module(1, 2, line);
	line[3000] = 'x';
	line[8399] = 0;
	put_module(3, 4, line);
	put_module(5, 6, "late");
	parse();
	CHECK_EQ(strlen(boot_info.cmdline), sizeof(boot_info.cmdline) - 1);
	CHECK_EQ(strlen(boot_info.module[0].cmdline), 3000);
	CHECK(strlen(boot_info.module[1].cmdline) < 8192 - 3000);
	CHECK_STR(boot_info.module[2].cmdline, "");
}

static void a_string_without_an_end_stops_at_its_tag(void)
{
	put_tag(1, "abcdefgh", 4);
	put_tag(2, "ijkl", 4);
	parse();
	CHECK_STR(boot_info.cmdline, "abcd");
	CHECK_STR(boot_info.loader, "ijkl");
}

static void modules_beyond_the_table_are_dropped(void)
{
	for (u32 i = 0; i < BOOT_MODULES_MAX + 3; i++)
		put_module(i * 16, i * 16 + 8, "m");
	put_module(100, 50, "negative");
	parse();
	CHECK_EQ(boot_info.nr_modules, BOOT_MODULES_MAX);
}

static void a_module_that_ends_before_it_starts_is_empty(void)
{
	put_module(100, 50, "negative");
	parse();
	CHECK_EQ(boot_info.module[0].size, 0);
}

static void no_map_is_fatal(void)
{
	parse();
	CHECK_PANICS(e820_init());
}

static void a_map_longer_than_the_table_is_fatal(void)
{
	static struct e820_entry many[160];

	for (unsigned int i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct e820_entry){ i * 0x100000UL, 0x80000, E820_RAM };
	for (unsigned int i = 0; i < 4; i++)
		put_mmap(many, 160, 24);
	parse();
	CHECK_PANICS(e820_init());
}

/* Sizes that lie, tags that overlap the end: never a byte beyond total_size is read. */
static void random_damage_is_survived(void)
{
	for (unsigned long round = 0; round < tap_rounds(5000); round++) {
		u8 *exact;
		u32 total;

		begin();
		put_grub_entry();
		for (u64 n = 1 + tap_random_below(8); n; n--)
			mbi[8 + tap_random_below(used - 8)] = (u8)tap_random();
		total = max((u32)tap_random_below(used) + 1, 8U);
		exact = host_alloc(total);
		memcpy(exact, mbi, total);
		memcpy(exact, &total, 4);
		host_directmap = (unsigned long)exact;
		memset(&boot_info, 0, sizeof(boot_info));
		boot_info_parse(0);
		CHECK(boot_info.nr_modules <= BOOT_MODULES_MAX);
		host_free(exact);
	}
}

static const struct unit_case cases[] = {
	CASE(a_grub_entry_is_read),
	CASE(larger_map_entries_are_stepped_over),
	CASE(efi_memory_serves_without_another_map),
	CASE(long_lines_are_cut),
	CASE(a_string_without_an_end_stops_at_its_tag),
	CASE(modules_beyond_the_table_are_dropped),
	CASE(a_module_that_ends_before_it_starts_is_empty),
	CASE(no_map_is_fatal),
	CASE(a_map_longer_than_the_table_is_fatal),
	CASE(random_damage_is_survived),
};
TAP_MAIN(cases, begin);
