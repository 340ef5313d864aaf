/* SPDX-License-Identifier: GPL-2.0-only */
/* Basic types and the public ABI headers every file of the runtime uses. */
#ifndef STUBDOM_TYPES_H
#define STUBDOM_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define __XEN_TOOLS__ 1
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/memory.h>

#define PAGE_SHIFT	 12
#define PAGE_SIZE	 4096ul
#define PAGE_MASK	 (~(PAGE_SIZE - 1))
#define SIZE_2M		 (2ul << 20)

#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))
#define ALIGN_UP(x, a)	 (((x) + (a)-1) & ~((typeof(x))(a)-1))
#define MIN(a, b)	 ((a) < (b) ? (a) : (b))
#define MAX(a, b)	 ((a) > (b) ? (a) : (b))

#define __noreturn	 __attribute__((noreturn))
#define __printf(f, a)	 __attribute__((format(printf, f, a)))
#define __aligned(x)	 __attribute__((aligned(x)))
#define __packed	 __attribute__((packed))
#define __unused	 __attribute__((unused))
#define barrier()	 __asm__ volatile("" ::: "memory")

#define READ_ONCE(x)	 (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile typeof(x) *)&(x) = (v))

/* An address no page table entry of the runtime covers. */
#define BAD_PTR ((void *)0x700000000000ul)

/* Domain ids that never name a domain a test creates. */
#define DOMID_NOBODY ((domid_t)0x7000)

#endif
