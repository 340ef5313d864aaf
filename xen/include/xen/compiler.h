/* SPDX-License-Identifier: GPL-2.0-only */
/* What the compilers (gcc 12, clang 14) are told about code and data. */
#ifndef XEN_COMPILER_H
#define XEN_COMPILER_H

#define likely(x)	    __builtin_expect(!!(x), 1)
#define unlikely(x)	    __builtin_expect(!!(x), 0)
#define barrier()	    __asm__ __volatile__("" ::: "memory")

#define __must_check	    __attribute__((warn_unused_result))
#define __packed	    __attribute__((packed))
#define __aligned(n)	    __attribute__((aligned(n)))
#define __section(s)	    __attribute__((section(s)))
#define __used		    __attribute__((used))
#define __unused	    __attribute__((unused))
#define __weak		    __attribute__((weak))
#define noinline	    __attribute__((noinline))
#define always_inline	    inline __attribute__((always_inline))
#define __noreturn	    __attribute__((noreturn))
#define __printf(f, a)	    __attribute__((format(printf, f, a)))
#define __cacheline_aligned __aligned(64)
#define fallthrough	    __attribute__((fallthrough))

/* Code and data that only boot uses; freed once dom0 is built. */
#define __init	    __section(".init.text") noinline
#define __initdata  __section(".init.data")
#define __initconst __section(".init.rodata")
/* Written only while booting, read-only to the page tables afterwards. */
#define __ro_after_init __section(".data.ro_after_init")

/*
 * One load or store of the whole object, never torn, repeated or invented by
 * the compiler (invariant I5 of the p2m rests on READ_ONCE).
 */
#define READ_ONCE(x)		      (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	      (*(volatile __typeof__(x) *)&(x) = (v))

#define container_of(p, type, member) ((type *)((char *)(p) - __builtin_offsetof(type, member)))
#define ARRAY_SIZE(a)		      (sizeof(a) / sizeof((a)[0]))

#endif
