/* SPDX-License-Identifier: GPL-2.0-only */
/* Included after xen/config.h: single accesses as TSan knows them, and compare-exchanges that are watched. */
#ifndef HOST_ONCE_H
#define HOST_ONCE_H

#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

/* The benchmark is built without. */
#ifndef HOST_HOOKS
#define HOST_HOOKS 1
#endif
/* Looks at what is about to be stored, and lets a test interfere just before. */
void host_before_cas(const void *what, unsigned long old, unsigned long new);
#if HOST_HOOKS
#define __atomic_compare_exchange_n(p, expected, desired, weak, success, failure) \
	({ \
		__typeof__(p) cas_p = (p), cas_expected = (expected); \
		__typeof__(*(p)) cas_desired = (desired); \
\
		host_before_cas(cas_p, (unsigned long)*cas_expected, (unsigned long)cas_desired); \
		__atomic_compare_exchange_n(cas_p, cas_expected, cas_desired, weak, success, failure); \
	})
#endif

#endif
