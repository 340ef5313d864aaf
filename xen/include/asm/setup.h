/* SPDX-License-Identifier: GPL-2.0-only */
/* What boot found: modules, memory map, firmware tables; and how dom0 is built from it. */
#ifndef ASM_SETUP_H
#define ASM_SETUP_H

#include <xen/types.h>

#define E820_MAX      256
#define E820_RAM      1
#define E820_RESERVED 2
#define E820_ACPI     3
#define E820_NVS      4
#define E820_UNUSABLE 5
struct e820_entry {
	u64 addr, size;
	u32 type;
};
struct e820_map {
	unsigned int nr;
	struct e820_entry e[E820_MAX];
};
/* The machine's map, sanitised: sorted, no overlaps, page-aligned RAM. */
extern struct e820_map e820;
/*
 * Overlaps resolved (the more restrictive type wins), sorted, merged, RAM shrunk to whole pages.
 * Pure; built for the host too. Returns -EINVAL for a map without RAM.
 */
int e820_sanitise(struct e820_map *out, const struct e820_entry *in, unsigned int nr);

#define BOOT_MODULES_MAX 8
struct boot_module {
	maddr_t start;
	u64 size;
	const char *cmdline; /* in boot memory, valid until boot ends */
};
struct boot_info {
	char cmdline[1024];
	char loader[64];
	unsigned int nr_modules;
	struct boot_module module[BOOT_MODULES_MAX];
	maddr_t rsdp; /* 0: not found */
	bool efi;
	maddr_t efi_systab;
	/* VGA text/framebuffer facts for dom0, if the loader told */
	bool has_framebuffer;
	u64 fb_addr;
	u32 fb_pitch, fb_width, fb_height;
	u8 fb_bpp, fb_type;
};
extern struct boot_info boot_info;

/* Builds dom0 from module 0 (kernel) and 1 (initramfs); panics with what is wrong when it cannot. pvh/dom0_build.c */
void dom0_build(void);
/* Gives the allocator the low RAM that was held back for dom0, once: by dom0_build(), or when there is no dom0. */
void bootmem_release_held(void);
/* Init memory can be reused from here. */
void free_init_memory(void);

/* ACPI (arch/x86/acpi.c): tables by signature, mapped read-only for the time of boot; NULL when absent or broken. */
struct acpi_header {
	char sig[4];
	u32 length;
	u8 revision, checksum;
	char oem_id[6], oem_table_id[8];
	u32 oem_revision;
	char creator_id[4];
	u32 creator_revision;
} __packed;
const struct acpi_header *acpi_find_table(const char *sig, unsigned int instance);
/* Machine address of that table, or 0. */
maddr_t acpi_table_maddr(const char *sig, unsigned int instance);
/* n-th table of the (X)SDT: machine address, 0 past the end. */
maddr_t acpi_nth_table(unsigned int n);
struct acpi_fadt_info {
	u16 pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm_tmr;
	u8 pm1_evt_len, pm1_cnt_len;
	u16 sci_int;
	u8 reset_type, reset_value; /* type: 0xff none, 0 memory, 1 port, 2 PCI */
	u64 reset_addr;
	bool pm_tmr_32bit;
	maddr_t facs;
};
extern struct acpi_fadt_info acpi_fadt;
/* Power-off and reset by the machine's own registers; machine_restart tries several ways. */
void machine_restart(void) __noreturn;
void machine_halt(void) __noreturn;
/* PM1 control writes for S5 with the sleep type dom0 gives (XENPF_enter_acpi_sleep, or a PM1 write). */
int acpi_enter_sleep(u16 pm1a_val, u16 pm1b_val);

#endif
