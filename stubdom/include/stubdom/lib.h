/* SPDX-License-Identifier: GPL-2.0-only */
/* Strings, formatted print and a repeatable random number generator. */
#ifndef STUBDOM_LIB_H
#define STUBDOM_LIB_H

#include <stdarg.h>
#include <stubdom/types.h>

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strstr(const char *s, const char *needle);
unsigned long strtoul(const char *s, char **end, int base);

/* Format into buf (always terminated); returns the length the whole text has. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);

/* xorshift64*: the same seed gives the same sequence on every hypervisor. */
struct rng {
	uint64_t state;
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* A number below limit (limit > 0). */
uint64_t rng_below(struct rng *r, uint64_t limit);

#endif
