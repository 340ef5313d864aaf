/* SPDX-License-Identifier: GPL-2.0-only */
/* 128-bit division, which the compilers turn into a call of this: muldiv64() needs it. */
#include <xen/lib.h>

unsigned __int128 __udivti3(unsigned __int128 n, unsigned __int128 d);

/* (hi << 64 | lo) / d for hi < d, so that the quotient fits. */
static u64 div_step(u64 hi, u64 lo, u64 d, u64 *rem)
{
	u64 q;

	__asm__("divq %[d]" : "=a"(q), "=d"(*rem) : [d] "r"(d), "a"(lo), "d"(hi));
	return q;
}

unsigned __int128 __udivti3(unsigned __int128 n, unsigned __int128 d)
{
	unsigned __int128 q = 0;

	if (!(d >> 64)) {
		u64 hi = (u64)(n >> 64), d0 = (u64)d, rem, low;

		/* A divisor of 0 raises #DE here, as it does for shorter types. */
		low = div_step(hi % d0, (u64)n, d0, &rem);
		return (unsigned __int128)(hi / d0) << 64 | low;
	}
	/* The quotient has 64 bits at most: bit by bit. */
	for (int s = __builtin_clzll((u64)(d >> 64)); s >= 0; s--)
		if (n >> s >= d) {
			n -= d << s;
			q |= (unsigned __int128)1 << s;
		}
	return q;
}
