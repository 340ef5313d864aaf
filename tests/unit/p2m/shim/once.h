/* SPDX-License-Identifier: GPL-2.0-only */
/* Included after xen/config.h: single accesses as TSan knows them. */
#ifndef HOST_ONCE_H
#define HOST_ONCE_H

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

#endif
