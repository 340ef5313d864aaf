/* SPDX-License-Identifier: GPL-2.0-only */
/* Heap sort: in place, no recursion, n log n whatever the input. Not stable. */
#include <xen/lib.h>

static void swap_elements(u8 *a, u8 *b, size_t size)
{
	for (; size; size--, a++, b++) {
		u8 t = *a;

		*a = *b;
		*b = t;
	}
}

/* Restores the heap order below element i of n. */
static void sift_down(u8 *base, size_t i, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n && cmp(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (cmp(base + i * size, base + child * size) >= 0)
			return;
		swap_elements(base + i * size, base + child * size, size);
		i = child;
	}
}

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(base, i, n, size, cmp);
	for (size_t i = n; i-- > 1;) {
		swap_elements(base, (u8 *)base + i * size, size);
		sift_down(base, 0, i, size, cmp);
	}
}
