/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bits in arrays of unsigned long. Names without a prefix are atomic (and full
 * barriers where they return a value); __set_bit and the like are not atomic.
 */
#ifndef ASM_BITOPS_H
#define ASM_BITOPS_H

#define BITS_PER_LONG	 64
#define BITS_TO_LONGS(n) (((n) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool test_bit(unsigned int n, const volatile void *p)
{
	const unsigned long *w = (const unsigned long *)p + n / BITS_PER_LONG;

	return (__atomic_load_n(w, __ATOMIC_RELAXED) >> (n % BITS_PER_LONG)) & 1;
}
static inline bool test_and_set_bit(unsigned int n, volatile void *p)
{
	unsigned long *w = (unsigned long *)p + n / BITS_PER_LONG, m = 1UL << (n % BITS_PER_LONG);

	return __atomic_fetch_or(w, m, __ATOMIC_SEQ_CST) & m;
}
static inline bool test_and_clear_bit(unsigned int n, volatile void *p)
{
	unsigned long *w = (unsigned long *)p + n / BITS_PER_LONG, m = 1UL << (n % BITS_PER_LONG);

	return __atomic_fetch_and(w, ~m, __ATOMIC_SEQ_CST) & m;
}
static inline void set_bit(unsigned int n, volatile void *p)
{
	(void)__atomic_fetch_or((unsigned long *)p + n / BITS_PER_LONG, 1UL << (n % BITS_PER_LONG),
				__ATOMIC_SEQ_CST);
}
static inline void clear_bit(unsigned int n, volatile void *p)
{
	(void)__atomic_fetch_and((unsigned long *)p + n / BITS_PER_LONG, ~(1UL << (n % BITS_PER_LONG)),
				 __ATOMIC_SEQ_CST);
}
static inline void __set_bit(unsigned int n, void *p)
{
	((unsigned long *)p)[n / BITS_PER_LONG] |= 1UL << (n % BITS_PER_LONG);
}
static inline void __clear_bit(unsigned int n, void *p)
{
	((unsigned long *)p)[n / BITS_PER_LONG] &= ~(1UL << (n % BITS_PER_LONG));
}

/* First set (clear) bit at or after from, or size when there is none. */
static inline unsigned int find_next_bit(const unsigned long *p, unsigned int size, unsigned int from)
{
	while (from < size) {
		unsigned long w = READ_ONCE(p[from / BITS_PER_LONG]) >> (from % BITS_PER_LONG);

		if (w) {
			from += (unsigned int)__builtin_ctzl(w);
			return from < size ? from : size;
		}
		from = (from / BITS_PER_LONG + 1) * BITS_PER_LONG;
	}
	return size;
}
static inline unsigned int find_next_zero_bit(const unsigned long *p, unsigned int size, unsigned int from)
{
	while (from < size) {
		unsigned long w = ~READ_ONCE(p[from / BITS_PER_LONG]) >> (from % BITS_PER_LONG);

		if (w) {
			from += (unsigned int)__builtin_ctzl(w);
			return from < size ? from : size;
		}
		from = (from / BITS_PER_LONG + 1) * BITS_PER_LONG;
	}
	return size;
}
#define find_first_zero_bit(p, size) find_next_zero_bit(p, size, 0)

#endif
