/* SPDX-License-Identifier: GPL-2.0-only */
/* Printing, assertions, strings and small arithmetic helpers used everywhere. */
#ifndef XEN_LIB_H
#define XEN_LIB_H

#include <stdarg.h>

/* ---- printing (common/printk.c; formats: C99 plus %pS symbol+offset, %pd domain, %pv vCPU) ---- */
#define XENLOG_ERR     "<0>"
#define XENLOG_WARNING "<1>"
#define XENLOG_INFO    "<2>"
#define XENLOG_DEBUG   "<3>"
/* Prefix of messages a guest can provoke: filtered by guest_loglvl= and rate limited. */
#define XENLOG_G_ERR	 "<G><0>"
#define XENLOG_G_WARNING "<G><1>"
#define XENLOG_G_INFO	 "<G><2>"
#define XENLOG_G_DEBUG	 "<G><3>"

void printk(const char *fmt, ...) __printf(1, 2);
void vprintk(const char *fmt, va_list ap) __printf(1, 0);
/* printk for conditions a guest causes; names the current vCPU ahead of the text. */
void gprintk(const char *fmt, ...) __printf(1, 2);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap) __printf(3, 0);
/*
 * What %p followed by kind prints (common/printk.c): writes text of at most size bytes, terminated;
 * false when there is no such kind.
 */
bool format_pointer(char *buf, size_t size, char kind, const void *p);

/* Say what is wrong, with a backtrace, and stop the machine (or reboot, unless noreboot). */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;
/* The end after something went wrong: as noreboot says. */
void halt_or_restart(void) __noreturn;
void bug_at(const char *file, int line, const char *what) __noreturn;
void warn_at(const char *file, int line, const char *what);

/* For the hypervisor's own mistakes only: never reachable through guest input. */
#define BUG() bug_at(__FILE__, __LINE__, "BUG")
#define BUG_ON(c)                                       \
	do {                                            \
		if (unlikely(c))                        \
			bug_at(__FILE__, __LINE__, #c); \
	} while (0)
#define WARN_ON(c)                                       \
	do {                                             \
		if (unlikely(c))                         \
			warn_at(__FILE__, __LINE__, #c); \
	} while (0)
#define ASSERT(c)                                                     \
	do {                                                          \
		if (CONFIG_DEBUG && unlikely(!(c)))                   \
			bug_at(__FILE__, __LINE__, "ASSERT(" #c ")"); \
	} while (0)
#define ASSERT_UNREACHABLE() ASSERT(!"reachable")

/* ---- strings (lib/string.c) ---- */
void *memcpy(void *d, const void *s, size_t n);
void *memmove(void *d, const void *s, size_t n);
void *memset(void *d, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
/* A freestanding build calls them for every copy; by these names small ones become a few moves. */
#define memcpy(d, s, n)	 __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)	 __builtin_memset(d, c, n)
#define memcmp(a, b, n)	 __builtin_memcmp(a, b, n)
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
int strcasecmp(const char *a, const char *b);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
/* Copies at most size-1 characters and always terminates; returns strlen(s). */
size_t strlcpy(char *d, const char *s, size_t size);
unsigned long long strtoull(const char *s, const char **end, unsigned int base);
/* Size with an optional suffix B K M G T (default unit: KiB); *end is the first character not used. */
unsigned long long parse_size(const char *s, const char **end);

void sort(void *base, size_t n, size_t size, int (*cmp)(const void *, const void *));

/* ---- arithmetic ---- */
#define min(a, b)                       \
	({                              \
		__typeof__(a) a_ = (a); \
		__typeof__(b) b_ = (b); \
		a_ < b_ ? a_ : b_;      \
	})
#define max(a, b)                       \
	({                              \
		__typeof__(a) c_ = (a); \
		__typeof__(b) d_ = (b); \
		c_ > d_ ? c_ : d_;      \
	})
#define min_t(t, a, b)	      min((t)(a), (t)(b))
#define max_t(t, a, b)	      max((t)(a), (t)(b))
#define clamp_t(t, v, lo, hi) min_t(t, max_t(t, v, lo), hi)
#define DIV_ROUND_UP(n, d)    (((n) + (d)-1) / (d))
#define ROUND_UP(x, a)	      (((x) + (a)-1) & ~((__typeof__(x))(a)-1))
#define ROUND_DOWN(x, a)      ((x) & ~((__typeof__(x))(a)-1))
#define IS_ALIGNED(x, a)      (((x) & ((__typeof__(x))(a)-1)) == 0)
#define BIT(n)		      (1UL << (n))
#define KB(n)		      ((u64)(n) << 10)
#define MB(n)		      ((u64)(n) << 20)
#define GB(n)		      ((u64)(n) << 30)

static inline unsigned int fls64(u64 x) { return x ? 64 - (unsigned int)__builtin_clzll(x) : 0; }
static inline unsigned int ffs64(u64 x) { return x ? 1 + (unsigned int)__builtin_ctzll(x) : 0; }
/* Smallest order such that (1 << order) pages hold size bytes. */
static inline unsigned int get_order_from_bytes(u64 size)
{
	return size <= 4096 ? 0 : fls64((size - 1) >> 12);
}
/* a * b / c without losing the high half. */
static inline u64 muldiv64(u64 a, u64 b, u64 c) { return (u64)((unsigned __int128)a * b / c); }

#endif
