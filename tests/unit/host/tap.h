/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test harness: a table of cases, run in order, printed as TAP; and what
 * tests need of the C library, whose headers cannot stand beside the hypervisor's.
 */
#ifndef HOST_TAP_H
#define HOST_TAP_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unit_case {
	const char *name;	/* what holds, as words_with_underscores */
	void (*fn)(void);
};
#define CASE(f) { #f, f }
/* Runs each case in a process of its own. Returns the exit status. before: called ahead of each; may be NULL. */
int tap_run(const struct unit_case *cases, size_t n, void (*before)(void));
#define TAP_MAIN(cases, before) \
	int main(void) { return tap_run(cases, sizeof(cases) / sizeof((cases)[0]), before); } \
	int main(void)

/* A check that fails ends its case. */
void tap_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
#define CHECK(c) \
	do { \
		if (!(c)) \
			tap_fail(__FILE__, __LINE__, "%s", #c); \
	} while (0)
#define CHECK_EQ(a, b) \
	do { \
		long long a_ = (long long)(a), b_ = (long long)(b); \
		if (a_ != b_) \
			tap_fail(__FILE__, __LINE__, "%s is %lld (%#llx), not %lld (%#llx) (%s)", #a, a_, a_, b_, b_, #b); \
	} while (0)
void tap_check_str(const char *file, int line, const char *got, const char *want);
#define CHECK_STR(got, want) tap_check_str(__FILE__, __LINE__, got, want)
void tap_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* stmt must end in panic() or BUG(); what they say is in tap_panic_text afterwards. */
extern jmp_buf tap_panic_jmp;
extern bool tap_panic_expected;
extern char tap_panic_text[512];
#define CHECK_PANICS(stmt) \
	do { \
		tap_panic_expected = true; \
		if (!setjmp(tap_panic_jmp)) { \
			stmt; \
			tap_panic_expected = false; \
			tap_fail(__FILE__, __LINE__, "%s did not panic", #stmt); \
		} \
		tap_panic_expected = false; \
	} while (0)
/* What panic() and BUG() come to on the host. */
void tap_panicked(void) __attribute__((noreturn));

/* A random number; the seed is printed, and taken from SEED= in the environment. */
uint64_t tap_random(void);
/* In 0 … n - 1. */
uint64_t tap_random_below(uint64_t n);
/* How much a randomised test should do: n, or 20 * n with PAVISE_LONG set. */
unsigned long tap_rounds(unsigned long n);

/* Runs fn(i) for i in 0 … n - 1, each in a thread of its own, and waits. */
void host_threads(unsigned int n, void (*fn)(unsigned int i));
void host_yield(void);
void *host_alloc(size_t n);
void host_free(void *p);
/* Address space with memory where it is touched. */
void *host_reserve(size_t n);
void host_unreserve(void *p, size_t n);
int host_vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap);
bool host_verbose(void);
void host_log(const char *text);

#endif
