/* SPDX-License-Identifier: GPL-2.0-only */
/* What compilers call for operations the machine has no instruction for (otherwise in libgcc). */
#include <xen/types.h>

typedef unsigned __int128 u128;
typedef __int128 s128;

int __popcountdi2(u64 x);
u128 __udivti3(u128 a, u128 b);
u128 __umodti3(u128 a, u128 b);
s128 __divti3(s128 a, s128 b);

int __popcountdi2(u64 x)
{
	/* Sums of 2, 4, then 8 bits, side by side; the multiplication adds up the bytes. */
	x -= (x >> 1) & 0x5555555555555555UL;
	x = (x & 0x3333333333333333UL) + ((x >> 2) & 0x3333333333333333UL);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
	return (int)((x * 0x0101010101010101UL) >> 56);
}

/* (high:low) / b for high < b: one instruction. */
static u64 div_128_64(u64 high, u64 low, u64 b, u64 *rem)
{
	u64 quot;

	__asm__("divq %4" : "=a"(quot), "=d"(*rem) : "a"(low), "d"(high), "r"(b) : "cc");
	return quot;
}

static u128 divide(u128 a, u128 b, u128 *rem)
{
	u128 quot = 0;
	u64 r;

	if (!(b >> 64)) {
		u64 high = (u64)(a >> 64), d = (u64)b;
		u64 low = div_128_64(high % d, (u64)a, d, &r);

		*rem = r;
		return (u128)(high / d) << 64 | low;
	}
	/* The quotient has at most 64 bits: bit by bit. */
	for (int i = 63; i >= 0; i--) {
		if ((a >> i) >= b) {
			a -= b << i;
			quot |= (u128)1 << i;
		}
	}
	*rem = a;
	return quot;
}

u128 __udivti3(u128 a, u128 b)
{
	u128 rem;

	return divide(a, b, &rem);
}

u128 __umodti3(u128 a, u128 b)
{
	u128 rem;

	divide(a, b, &rem);
	return rem;
}

s128 __divti3(s128 a, s128 b)
{
	u128 quot = __udivti3(a < 0 ? 0 - (u128)a : (u128)a, b < 0 ? 0 - (u128)b : (u128)b);

	return (a < 0) != (b < 0) ? (s128)(0 - quot) : (s128)quot;
}
