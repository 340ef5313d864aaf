/* SPDX-License-Identifier: GPL-2.0-only */
/* lib/: strings, numbers, printing, sorting, pairing heap. */
#include <xen/lib.h>
#include <xen/pheap.h>
#include "host/tap.h"

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
/* The hypervisor's, beside the C library's of the same names. */
void *xen_memcpy(void *d, const void *s, size_t n);
void *xen_memmove(void *d, const void *s, size_t n);
void *xen_memset(void *d, int c, size_t n);
int xen_memcmp(const void *a, const void *b, size_t n);
void *xen_memchr(const void *s, int c, size_t n);
size_t xen_strlen(const char *s);
size_t xen_strnlen(const char *s, size_t n);
int xen_strcmp(const char *a, const char *b);
int xen_strncmp(const char *a, const char *b, size_t n);
int xen_strcasecmp(const char *a, const char *b);
char *xen_strchr(const char *s, int c);
char *xen_strstr(const char *s, const char *needle);

typedef unsigned __int128 u128;
typedef __int128 s128;
int xen___popcountdi2(u64 x);
u128 xen___udivti3(u128 a, u128 b);
u128 xen___umodti3(u128 a, u128 b);
s128 xen___divti3(s128 a, s128 b);

static int sign(int x) { return (x > 0) - (x < 0); }

static void memory_functions_do_as_the_c_library(void)
{
	static u8 a[300], b[300], c[300];

	for (unsigned long i = 0; i < tap_rounds(20000); i++) {
		size_t from = tap_random_below(40), to = tap_random_below(40), n = tap_random_below(200);

		for (size_t j = 0; j < sizeof(a); j++)
			a[j] = b[j] = (u8)tap_random_below(4);
		switch (tap_random_below(4)) {
		case 0:
			CHECK(xen_memmove(a + to, a + from, n) == a + to);
			memmove(b + to, b + from, n);
			break;
		case 1:
			CHECK(xen_memset(a + to, (int)n, n) == a + to);
			memset(b + to, (int)n, n);
			break;
		case 2:
			CHECK(xen_memcpy(c, a + from, n) == c);
			CHECK(!memcmp(c, a + from, n));
			break;
		case 3:
			CHECK_EQ(sign(xen_memcmp(a + from, a + to, n)), sign(memcmp(a + from, a + to, n)));
			CHECK(xen_memchr(a + from, 3, n) == memchr(a + from, 3, n));
			break;
		}
		CHECK(!memcmp(a, b, sizeof(a)));
	}
}

static void random_text(char *s, size_t most)
{
	size_t n = tap_random_below(most);

	for (size_t i = 0; i < n; i++)
		s[i] = (char)("aAbB"[tap_random_below(4)]);
	s[n] = '\0';
}

static void string_functions_do_as_the_c_library(void)
{
	char a[16], b[16];

	for (unsigned long i = 0; i < tap_rounds(20000); i++) {
		random_text(a, sizeof(a));
		random_text(b, 4);
		CHECK_EQ(xen_strlen(a), strlen(a));
		CHECK_EQ(xen_strnlen(a, 5), strnlen(a, 5));
		CHECK_EQ(sign(xen_strcmp(a, b)), sign(strcmp(a, b)));
		CHECK_EQ(sign(xen_strncmp(a, b, 2)), sign(strncmp(a, b, 2)));
		CHECK_EQ(sign(xen_strcasecmp(a, b)), sign(strcasecmp(a, b)));
		CHECK(xen_strchr(a, 'b') == strchr(a, 'b'));
		CHECK(xen_strchr(a, 0) == strchr(a, 0));
		CHECK(xen_strstr(a, b) == strstr(a, b));
	}
}

static void strlcpy_cuts_and_terminates(void)
{
	char buf[4] = "xyz";

	CHECK_EQ(strlcpy(buf, "abcdef", sizeof(buf)), 6);
	CHECK_STR(buf, "abc");
	CHECK_EQ(strlcpy(buf, "a", sizeof(buf)), 1);
	CHECK_STR(buf, "a");
	CHECK_EQ(strlcpy(buf, "zzz", 0), 3);
	CHECK_STR(buf, "a");
}

static void numbers_parse_with_bases_and_saturate(void)
{
	static const struct { const char *s; unsigned int base; unsigned long long val; size_t used; } rows[] = {
		{ "0", 0, 0, 1 }, { "42x", 0, 42, 2 }, { "0x1f", 0, 31, 4 }, { "0X1F", 16, 31, 4 },
		{ "017", 0, 15, 3 }, { "0x", 0, 0, 1 }, { "0xg", 16, 0, 1 }, { "", 0, 0, 0 }, { "z", 10, 0, 0 },
		{ "18446744073709551615", 0, ~0ULL, 20 }, { "18446744073709551616", 0, ~0ULL, 20 },
		{ "99999999999999999999999", 10, ~0ULL, 23 }, { "zz", 36, 35 * 36 + 35, 2 }, { "12", 2, 1, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *end;

		CHECK_EQ(strtoull(rows[i].s, &end, rows[i].base), rows[i].val);
		CHECK_EQ(end - rows[i].s, rows[i].used);
	}
}

static void sizes_take_suffixes(void)
{
	static const struct { const char *s; u64 val; char stop; } rows[] = {
		{ "1", KB(1), 0 }, { "1B", 1, 0 }, { "2k", KB(2), 0 }, { "512M", MB(512), 0 }, { "3G", GB(3), 0 },
		{ "1T", GB(1024), 0 }, { "0x10M,x", MB(16), ',' }, { "1KB", KB(1), 'B' }, { "M", 0, 'M' },
		{ "99999999999999T", ~0ULL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *end;

		CHECK_EQ(parse_size(rows[i].s, &end), rows[i].val);
		CHECK_EQ(*end, rows[i].stop);
	}
}

static __printf(1, 2) void same_as_libc(const char *fmt, ...)
{
	char got[128], want[128];
	va_list ap, ap2;
	int len;

	va_start(ap, fmt);
	va_copy(ap2, ap);
	len = host_vsnprintf(want, sizeof(want), fmt, ap2);
	CHECK_EQ(vsnprintf(got, sizeof(got), fmt, ap), len);
	va_end(ap2);
	va_end(ap);
	CHECK_STR(got, want);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static void integers_print_as_the_c_library_does(void)
{
	static const char flags[] = "-+ #0", lengths[][3] = { "", "h", "hh", "l", "ll", "z" }, convs[] = "diuxXo";

	for (unsigned long i = 0; i < tap_rounds(100000); i++) {
		char fmt[32] = "<%", *p = fmt + 2;
		unsigned int len = (unsigned int)tap_random_below(ARRAY_SIZE(lengths));
		u64 val = tap_random() >> tap_random_below(64);

		for (size_t f = 0; f < 5; f++)
			if (!tap_random_below(4))
				*p++ = flags[f];
		if (tap_random_below(2))
			*p++ = (char)('1' + tap_random_below(9));
		if (!tap_random_below(3)) {
			*p++ = '.';
			*p++ = (char)('0' + tap_random_below(10));
		}
		for (const char *l = lengths[len]; *l; l++)
			*p++ = *l;
		*p++ = convs[tap_random_below(6)];
		*p = '\0';
		if (len < 3)
			same_as_libc(fmt, (int)val);
		else
			same_as_libc(fmt, (long)val);
	}
}
#pragma GCC diagnostic pop

static void texts_print_with_width_and_precision(void)
{
	same_as_libc("%s|%5s|%-5s|%.2s|%5.1s|%-4.3s|", "abc", "abc", "abc", "abc", "abc", "abcdef");
	same_as_libc("%c%3c%-3c%%", 'a', 'b', 'c');
	same_as_libc("%*d|%-*d|%.*d|%*.*s|", 5, 1, 5, 2, 3, 7, 6, 2, "hello");
	same_as_libc("%*d|", -5, 1);
}

static void output_is_cut_and_its_length_told(void)
{
	char buf[8] = "zzzzzzz";

	CHECK_EQ(snprintf(buf, 4, "%d", 123456), 6);
	CHECK_STR(buf, "123");
	CHECK(buf[4] == 'z');
	CHECK_EQ(snprintf(buf, 0, "abc"), 3);
	CHECK_EQ(snprintf(NULL, 0, "%s", "abc"), 3);
	CHECK_EQ(snprintf(buf, sizeof(buf), "%p", (void *)0x1234), 16);
}

static int compare_ints(const void *a, const void *b)
{
	const int *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void sort_orders_and_loses_nothing(void)
{
	int v[64];

	for (unsigned long i = 0; i < tap_rounds(2000); i++) {
		size_t n = tap_random_below(ARRAY_SIZE(v) + 1);
		long sum = 0;

		for (size_t j = 0; j < n; j++)
			sum += v[j] = (int)tap_random_below(40) - 20;
		sort(v, n, sizeof(v[0]), compare_ints);
		for (size_t j = 0; j < n; j++) {
			CHECK(!j || v[j - 1] <= v[j]);
			sum -= v[j];
		}
		CHECK_EQ(sum, 0);
	}
}

#define NODES 200

static s64 smallest(const struct pheap_node *n, const bool *in)
{
	s64 best = (s64)1 << 62;

	for (size_t i = 0; i < NODES; i++)
		if (in[i])
			best = min(best, n[i].key);
	return best;
}

static void heap_gives_the_smallest_whatever_goes(void)
{
	static struct pheap_node node[NODES];
	static bool in[NODES];
	struct pheap h = { NULL };
	size_t count = 0;

	memset(in, 0, sizeof(in));
	for (unsigned long i = 0; i < tap_rounds(20000); i++) {
		size_t k = tap_random_below(NODES);
		const struct pheap_node *n = NULL;

		if (in[k]) {
			pheap_del(&h, &node[k]);
			count--;
		} else {
			node[k].key = (s64)tap_random_below(1000) - 500;
			pheap_add(&h, &node[k]);
			count++;
		}
		in[k] = !in[k];
		CHECK_EQ(h.top != NULL, count != 0);
		if (h.top)
			CHECK_EQ(h.top->key, smallest(node, in));
		if (i % 64)
			continue;
		/* Iterating meets each element once. */
		size_t met = 0;

		while ((n = pheap_iterate(&h, n))) {
			CHECK(in[n - node]);
			met++;
		}
		CHECK_EQ(met, count);
	}
}

static void heap_empties_in_order(void)
{
	static struct pheap_node node[NODES];
	struct pheap h = { NULL };
	s64 last = -1000;

	for (size_t i = 0; i < NODES; i++) {
		node[i].key = (s64)tap_random_below(100);
		pheap_add(&h, &node[i]);
	}
	for (size_t i = 0; i < NODES; i++) {
		CHECK(h.top->key >= last);
		last = h.top->key;
		pheap_del(&h, h.top);
	}
	CHECK(!h.top);
}

/* Of any length, so that all paths are met. */
static u128 random_wide(void)
{
	u128 x = (u128)tap_random() << 64 | tap_random();

	return x >> tap_random_below(128);
}

static void wide_division_does_as_libgcc(void)
{
	for (unsigned long i = 0; i < tap_rounds(100000); i++) {
		u128 a = random_wide(), b = random_wide();
		s128 sa = tap_random_below(2) ? (s128)a : -(s128)(a >> 1), sb = tap_random_below(2) ? (s128)b : -(s128)(b >> 1);

		if (b)
			CHECK(xen___udivti3(a, b) == a / b && xen___umodti3(a, b) == a % b);
		if (sb && sb != -1)
			CHECK(xen___divti3(sa, sb) == sa / sb);
		CHECK_EQ(xen___popcountdi2((u64)a), __builtin_popcountll((u64)a));
	}
}

static const struct unit_case cases[] = {
	CASE(memory_functions_do_as_the_c_library),
	CASE(string_functions_do_as_the_c_library),
	CASE(strlcpy_cuts_and_terminates),
	CASE(numbers_parse_with_bases_and_saturate),
	CASE(sizes_take_suffixes),
	CASE(integers_print_as_the_c_library_does),
	CASE(texts_print_with_width_and_precision),
	CASE(output_is_cut_and_its_length_told),
	CASE(sort_orders_and_loses_nothing),
	CASE(heap_gives_the_smallest_whatever_goes),
	CASE(heap_empties_in_order),
	CASE(wide_division_does_as_libgcc),
};
TAP_MAIN(cases, NULL);
