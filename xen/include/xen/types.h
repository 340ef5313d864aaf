/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed-width types, and the frame and address types that must not be mixed up. */
#ifndef XEN_TYPES_H
#define XEN_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;
typedef long ssize_t;

/* Nanoseconds of system time since boot; signed so that differences are. */
typedef s64 s_time_t;

/* Machine frame number: a 4 KiB frame of the machine. */
typedef struct {
	unsigned long m;
} mfn_t;
/* Guest frame number: a 4 KiB frame of a domain's guest-physical space. */
typedef struct {
	unsigned long g;
} gfn_t;
/* Machine address, in bytes. */
typedef u64 maddr_t;
/* Guest-physical address, in bytes. */
typedef u64 gpa_t;

static inline mfn_t _mfn(unsigned long m) { return (mfn_t){ m }; }
static inline unsigned long mfn_x(mfn_t m) { return m.m; }
static inline gfn_t _gfn(unsigned long g) { return (gfn_t){ g }; }
static inline unsigned long gfn_x(gfn_t g) { return g.g; }
static inline mfn_t mfn_add(mfn_t m, unsigned long n) { return _mfn(m.m + n); }
static inline gfn_t gfn_add(gfn_t g, unsigned long n) { return _gfn(g.g + n); }
static inline bool mfn_eq(mfn_t a, mfn_t b) { return a.m == b.m; }
static inline bool gfn_eq(gfn_t a, gfn_t b) { return a.g == b.g; }

#define INVALID_MFN _mfn(~0UL)
#define INVALID_GFN _gfn(~0UL)

#endif
