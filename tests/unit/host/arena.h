/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's memory on the host: frame table and direct map. */
#ifndef HOST_ARENA_H
#define HOST_ARENA_H

#include <xen/mm.h>

/* Fresh memory of so many frames, all of RAM, none given to the allocator. Only what is touched costs anything. */
void host_arena_init(unsigned long frames);

#endif
