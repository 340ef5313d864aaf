/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the files of this folder. */
#ifndef ARCH_X86_MM_H
#define ARCH_X86_MM_H

extern bool heap_ready;
/* host_map() in another tree; no lock: only while that tree is not in use. */
int host_map_root(u64 *root, unsigned long va, maddr_t pa, unsigned long nr, u64 flags);

/* Maps the frame table for all RAM, and fills in what is not RAM (mm/frametable.c). */
void frametable_init(void);

#endif
