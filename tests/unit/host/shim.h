/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included ahead of every hypervisor source that is built for the host, after
 * xen/config.h. Functions whose names the C library has with another meaning
 * get a name of their own; host/include shadows the headers that are machine code.
 */
#ifndef HOST_SHIM_H
#define HOST_SHIM_H

#include <errno.h>

#define snprintf xen_snprintf
#define vsnprintf xen_vsnprintf
#define strtoull xen_strtoull
#define strtoll xen_strtoll
#define strlcpy xen_strlcpy
#define strlcat xen_strlcat
#define sort xen_sort

/* No sections the host's linker would not know. */
#undef __init
#define __init
#undef __initdata
#define __initdata
#undef __initconst
#define __initconst
#undef __ro_after_init
#define __ro_after_init

/* So that TSan sees them as the atomic accesses they stand for. */
#undef READ_ONCE
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#undef WRITE_ONCE
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)

#endif
