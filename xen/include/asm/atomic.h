/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Atomic operations, as names for the compilers' __atomic built-ins. On x86
 * every locked operation is a full barrier and loads/stores have
 * acquire/release order; the orders are still stated, so that host builds
 * under TSan check the protocol and not the machine.
 */
#ifndef ASM_ATOMIC_H
#define ASM_ATOMIC_H

typedef struct {
	int v;
} atomic_t;
typedef struct {
	s64 v;
} atomic64_t;

#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb()		__atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb()		__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_load_acquire(p)	__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v) __atomic_store_n(p, v, __ATOMIC_RELEASE)

#define xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
/* Stores n if *p == o. Returns what *p held: equal to o exactly when the store happened. */
#define cmpxchg(p, o, n)                                                                            \
	({                                                                                          \
		__typeof__(*(p)) o_ = (o);                                                          \
		__atomic_compare_exchange_n(p, &o_, (__typeof__(*(p)))(n), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_SEQ_CST);                                      \
		o_;                                                                                 \
	})

static inline int atomic_read(const atomic_t *a) { return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }
static inline void atomic_set(atomic_t *a, int i) { __atomic_store_n(&a->v, i, __ATOMIC_RELAXED); }
static inline void atomic_inc(atomic_t *a) { __atomic_fetch_add(&a->v, 1, __ATOMIC_SEQ_CST); }
static inline void atomic_dec(atomic_t *a) { __atomic_fetch_sub(&a->v, 1, __ATOMIC_SEQ_CST); }
static inline bool atomic_dec_and_test(atomic_t *a)
{
	return __atomic_sub_fetch(&a->v, 1, __ATOMIC_SEQ_CST) == 0;
}
/* Increments unless the value is u; true if it did. */
static inline bool atomic_add_unless(atomic_t *a, int i, int u)
{
	int o = atomic_read(a);

	while (o != u)
		if (__atomic_compare_exchange_n(&a->v, &o, o + i, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
	return false;
}

static inline s64 atomic64_read(const atomic64_t *a) { return __atomic_load_n(&a->v, __ATOMIC_RELAXED); }
static inline s64 atomic64_add_return(s64 i, atomic64_t *a)
{
	return __atomic_add_fetch(&a->v, i, __ATOMIC_SEQ_CST);
}

#endif
