/* SPDX-License-Identifier: GPL-2.0-only */
/* What the domain builder handed over: hvm_start_info, command line, memory map, modules. */
#ifndef STUBDOM_BOOT_H
#define STUBDOM_BOOT_H

#include <stubdom/types.h>
#include <xen/arch-x86/hvm/start_info.h>

extern const struct hvm_start_info *start_info;
extern const char *cmdline;

/* True for the hardware domain (SIF_INITDOMAIN in hvm_start_info.flags). */
bool is_dom0(void);

/* Copy the value of "name=value" from the command line; false when it is not there. */
bool cmdline_value(const char *name, char *buf, size_t size);
/* The same as a number, or dflt. */
unsigned long cmdline_number(const char *name, unsigned long dflt);

/* Reads it once more, from where it was given. */
void memmap_fetch(void);
const struct hvm_memmap_table_entry *memmap(unsigned int *count);
const struct hvm_modlist_entry *modules(unsigned int *count);

/* The program's main(), called on the boot CPU with everything up; returning powers off. */
void stubdom_main(void);

void power_off(unsigned int reason) __noreturn;

#endif
