/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the decompression libraries expect of a C library, while and only while
 * they run: between libc_shim_enter() and libc_shim_leave(), on the boot CPU,
 * before any guest exists, with interrupts off (the libraries use the red zone
 * below the stack pointer, which an interrupt would overwrite).
 */
#ifndef PVH_LIBC_SHIM_H
#define PVH_LIBC_SHIM_H

/* limit: bytes that may be allocated at a time. */
void libc_shim_enter(u64 limit);
/* Gives back everything that is still allocated. */
void libc_shim_leave(void);
void *libc_shim_alloc(size_t n);

#endif
