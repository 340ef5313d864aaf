/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory and string functions. The compilers call memcpy, memmove, memset and
 * memcmp on their own, so these names are fixed.
 */
#include <xen/lib.h>

#undef memcpy
#undef memmove
#undef memset
#undef memcmp

/*
 * String instructions: no vector registers are at hand, and every CPU with EPT
 * runs them at cache bandwidth. Whole words first: an emulator counts each
 * iteration.
 */
void *memset(void *d, int c, size_t n)
{
	void *p = d;
	unsigned long pattern = 0x0101010101010101UL * (u8)c;
	size_t words = n / 8, rest = n % 8;

	__asm__ __volatile__("rep stosq" : "+D"(p), "+c"(words) : "a"(pattern) : "memory");
	__asm__ __volatile__("rep stosb" : "+D"(p), "+c"(rest) : "a"(pattern) : "memory");
	return d;
}

void *memcpy(void *d, const void *s, size_t n)
{
	void *p = d;
	size_t words = n / 8, rest = n % 8;

	__asm__ __volatile__("rep movsq" : "+D"(p), "+S"(s), "+c"(words) : : "memory");
	__asm__ __volatile__("rep movsb" : "+D"(p), "+S"(s), "+c"(rest) : : "memory");
	return d;
}

void *memmove(void *d, const void *s, size_t n)
{
	u8 *to = d;
	const u8 *from = s;

	if ((unsigned long)d - (unsigned long)s >= n)
		return memcpy(d, s, n);
	/* The destination starts inside the source: from the end. */
	while (n--)
		to[n] = from[n];
	return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;

	for (; n; n--, p++)
		if (*p == (u8)c)
			return (void *)(unsigned long)p;
	return NULL;
}

size_t strlen(const char *s)
{
	const char *p = s;

	while (*p)
		p++;
	return (size_t)(p - s);
}

size_t strnlen(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i])
		i++;
	return i;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++)
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	return 0;
}

static int to_lower(int c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

int strcasecmp(const char *a, const char *b)
{
	while (*a && to_lower((u8)*a) == to_lower((u8)*b)) {
		a++;
		b++;
	}
	return to_lower((u8)*a) - to_lower((u8)*b);
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(unsigned long)s;
}

char *strstr(const char *s, const char *needle)
{
	size_t n = strlen(needle);

	for (; strncmp(s, needle, n); s++)
		if (!*s)
			return NULL;
	return (char *)(unsigned long)s;
}

size_t strlcpy(char *d, const char *s, size_t size)
{
	size_t len = strlen(s);

	if (size) {
		size_t n = min(len, size - 1);

		memcpy(d, s, n);
		d[n] = '\0';
	}
	return len;
}
