/* SPDX-License-Identifier: GPL-2.0-only */
/* Names of the image's functions, for backtraces; the table is linked in by the build. */
#ifndef XEN_SYMBOLS_H
#define XEN_SYMBOLS_H

/* Name of the function that holds addr, or NULL; *offset from its start, *size of it. */
const char *symbols_lookup(unsigned long addr, unsigned long *offset, unsigned long *size);
/* Name and address of the n-th function in the order of addresses; NULL past the last. */
const char *symbols_nth(u32 n, unsigned long *addr);
bool is_kernel_text(unsigned long addr);

#endif
