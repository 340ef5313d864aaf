/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The boot loader's information, copied out of the loader's memory: command
 * line, modules, memory map, firmware tables. Format: Multiboot2
 * specification, "Boot information".
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/setup.h>
#include "boot.h"

struct mb2_info {
	u32 total_size, reserved;
};
struct mb2_tag {
	u32 type, size;
	u8 data[];
};
#define TAG_END		0
#define TAG_CMDLINE	1
#define TAG_LOADER	2
#define TAG_MODULE	3
#define TAG_MMAP	6
#define TAG_FRAMEBUFFER 8
#define TAG_EFI64	12
#define TAG_RSDP_OLD	14
#define TAG_RSDP_NEW	15
#define TAG_EFI_MMAP	17

struct mb2_mmap {
	u32 entry_size, version;
	u8 entries[];
};
struct mb2_mmap_entry {
	u64 addr, len;
	u32 type, reserved;
};
struct mb2_efi_mmap {
	u32 desc_size, version;
	u8 entries[];
};
struct efi_memory_desc {
	u32 type, pad;
	u64 phys, virt, pages, attribute;
};
struct mb2_framebuffer {
	u64 addr;
	u32 pitch, width, height;
	u8 bpp, type, reserved;
} __packed;

struct boot_info boot_info __ro_after_init;
struct e820_map e820 __ro_after_init;
u8 boot_rsdp_copy[36] __ro_after_init;

static struct e820_entry raw[2 * E820_MAX] __initdata;
static unsigned int nr_raw __initdata;
static char module_cmdlines[8192] __initdata;
static unsigned int cmdlines_used __initdata;
static const struct mb2_tag *efi_mmap_tag __initdata;
static bool cmdline_cut __initdata, modules_dropped __initdata;

/* The zero-terminated string at p, of at most n bytes. */
static bool __init copy_string(char *dst, size_t size, const char *p, size_t n)
{
	size_t len = strnlen(p, n), fits = min(len, size - 1);

	memcpy(dst, p, fits);
	dst[fits] = 0;
	return fits == len;
}

static void __init parse_module(const struct mb2_tag *t, size_t n)
{
	u32 start, end;
	struct boot_module *m = &boot_info.module[boot_info.nr_modules];
	char *cmdline = module_cmdlines + cmdlines_used;

	if (n < 8)
		return;
	if (boot_info.nr_modules == BOOT_MODULES_MAX) {
		modules_dropped = true;
		return;
	}
	memcpy(&start, t->data, 4);
	memcpy(&end, t->data + 4, 4);
	if (!copy_string(cmdline, sizeof(module_cmdlines) - cmdlines_used, (const char *)t->data + 8, n - 8))
		cmdline_cut = true;
	m->start = start;
	m->size = end > start ? end - start : 0;
	m->cmdline = cmdline;
	cmdlines_used += (unsigned int)strlen(cmdline);
	/* The last byte stays a terminator that later, cut-off lines point at. */
	if (cmdlines_used < sizeof(module_cmdlines) - 1)
		cmdlines_used++;
	boot_info.nr_modules++;
}

static void __init add_raw(u64 addr, u64 size, u32 type)
{
	if (nr_raw < ARRAY_SIZE(raw))
		raw[nr_raw] = (struct e820_entry){ addr, size, type };
	/* Counted on, so that e820_sanitise() refuses a map that is not here in full. */
	nr_raw++;
}

static void __init parse_mmap(const struct mb2_tag *t, size_t n)
{
	const struct mb2_mmap *m = (const void *)t->data;

	if (n < sizeof(*m) || m->entry_size < sizeof(struct mb2_mmap_entry) - 4)
		return;
	for (size_t o = sizeof(*m); o + m->entry_size <= n; o += m->entry_size) {
		const struct mb2_mmap_entry *e = (const void *)(t->data + o);

		add_raw(e->addr, e->len, e->type);
	}
}

/* EFI memory types (UEFI specification, "Memory Type Usage after ExitBootServices"). */
static u32 __init efi_type_to_e820(u32 type)
{
	switch (type) {
	case 1 ... 4: /* loader, boot services */
	case 7: /* conventional */
		return E820_RAM;
	case 8:
		return E820_UNUSABLE;
	case 9:
		return E820_ACPI;
	case 10:
		return E820_NVS;
	default:
		return E820_RESERVED;
	}
}

/* Only used when there is no other map. */
static void __init parse_efi_mmap(const struct mb2_tag *t)
{
	const struct mb2_efi_mmap *m = (const void *)t->data;
	size_t n = t->size - sizeof(*t);

	if (n < sizeof(*m) || m->desc_size < sizeof(struct efi_memory_desc))
		return;
	for (size_t o = sizeof(*m); o + m->desc_size <= n; o += m->desc_size) {
		const struct efi_memory_desc *e = (const void *)(t->data + o);

		/* Neighbours of one kind are joined: EFI maps are long. */
		if (nr_raw && nr_raw <= ARRAY_SIZE(raw) && raw[nr_raw - 1].type == efi_type_to_e820(e->type) &&
		    raw[nr_raw - 1].addr + raw[nr_raw - 1].size == e->phys)
			raw[nr_raw - 1].size += e->pages << PAGE_SHIFT;
		else
			add_raw(e->phys, e->pages << PAGE_SHIFT, efi_type_to_e820(e->type));
	}
}

static void __init parse_framebuffer(const struct mb2_tag *t, size_t n)
{
	struct mb2_framebuffer f;

	if (n < sizeof(f))
		return;
	memcpy(&f, t->data, sizeof(f));
	boot_info.has_framebuffer = true;
	boot_info.fb_addr = f.addr;
	boot_info.fb_pitch = f.pitch;
	boot_info.fb_width = f.width;
	boot_info.fb_height = f.height;
	boot_info.fb_bpp = f.bpp;
	boot_info.fb_type = f.type;
}

static void __init parse_tag(const struct mb2_tag *t)
{
	size_t n = t->size - sizeof(*t);
	const char *s = (const char *)t->data;

	switch (t->type) {
	case TAG_CMDLINE:
		if (!copy_string(boot_info.cmdline, sizeof(boot_info.cmdline), s, n))
			cmdline_cut = true;
		break;
	case TAG_LOADER:
		copy_string(boot_info.loader, sizeof(boot_info.loader), s, n);
		break;
	case TAG_MODULE:
		parse_module(t, n);
		break;
	case TAG_MMAP:
		parse_mmap(t, n);
		break;
	case TAG_FRAMEBUFFER:
		parse_framebuffer(t, n);
		break;
	case TAG_EFI64:
		if (n >= 8) {
			memcpy(&boot_info.efi_systab, t->data, 8);
			boot_info.efi = true;
		}
		break;
	case TAG_EFI_MMAP:
		efi_mmap_tag = t;
		break;
	case TAG_RSDP_OLD:
	case TAG_RSDP_NEW:
		/* The newer one is longer, and wins in whichever order they come. */
		if (t->type == TAG_RSDP_NEW || !boot_rsdp_copy[0])
			memcpy(boot_rsdp_copy, t->data, min(n, sizeof(boot_rsdp_copy)));
		break;
	}
}

void __init boot_info_parse(maddr_t mbi)
{
	const struct mb2_info *info = maddr_to_virt(mbi);
	const u8 *p = (const u8 *)(info + 1), *end = (const u8 *)info + info->total_size;

	while (p + sizeof(struct mb2_tag) <= end) {
		const struct mb2_tag *t = (const void *)p;

		if (t->type == TAG_END || t->size < sizeof(*t) || t->size > (size_t)(end - p))
			break;
		parse_tag(t);
		p += ROUND_UP(t->size, 8);
	}
	if (!nr_raw && efi_mmap_tag)
		parse_efi_mmap(efi_mmap_tag);
}

static const char *__init type_name(u32 type)
{
	static const char *const names[] = { "", "RAM", "reserved", "ACPI", "NVS", "unusable" };

	return type < ARRAY_SIZE(names) ? names[type] : "reserved";
}

void __init boot_info_show(void)
{
	printk("Loader: %s%s, %u module%s\n", boot_info.loader, boot_info.efi ? " (EFI)" : "",
	       boot_info.nr_modules, boot_info.nr_modules == 1 ? "" : "s");
	if (cmdline_cut)
		printk(XENLOG_WARNING "a command line was too long and has been cut\n");
	if (modules_dropped)
		printk(XENLOG_WARNING "more than %u modules: the last ones are ignored\n", BOOT_MODULES_MAX);
	for (unsigned int i = 0; i < boot_info.nr_modules; i++)
		printk("Module %u: %lx-%lx %s\n", i, (unsigned long)boot_info.module[i].start,
		       (unsigned long)(boot_info.module[i].start + boot_info.module[i].size),
		       boot_info.module[i].cmdline);
}

void __init e820_init(void)
{
	if (!nr_raw)
		panic("the boot loader gave no memory map\n");
	if (e820_sanitise(&e820, raw, nr_raw))
		panic("the boot loader's memory map (%u entries) has no usable RAM\n", nr_raw);
	printk("Memory map:\n");
	for (unsigned int i = 0; i < e820.nr; i++)
		printk(" %011lx-%011lx %s\n", (unsigned long)e820.e[i].addr,
		       (unsigned long)(e820.e[i].addr + e820.e[i].size - 1), type_name(e820.e[i].type));
}
