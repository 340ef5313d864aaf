/* SPDX-License-Identifier: GPL-2.0-only */
/* What setup.c uses of this folder. */
#ifndef ARCH_X86_BOOT_H
#define ARCH_X86_BOOT_H

#include <xen/types.h>

/* Copies the boot information at that address (below 4 GiB) into boot_info. Prints nothing. */
void boot_info_parse(maddr_t mbi);
void boot_info_show(void);
/* Makes and shows e820; panics without RAM. */
void e820_init(void);
/* The loader's copy of the RSDP; zero when it gave none. */
extern u8 boot_rsdp_copy[36];

/* Where the boot CPU enters C (head.S), and the others (smp_boot.c). */
void start_xen(maddr_t mbi);
void start_secondary(void);

#endif
