/* SPDX-License-Identifier: GPL-2.0-only */
/* Port I/O, and accesses to device memory that the compiler may neither merge nor repeat. */
#ifndef ASM_IO_H
#define ASM_IO_H

#define ASM_PORT_IO(suffix, type)                                                       \
	static inline void out##suffix(type val, u16 port)                              \
	{                                                                               \
		__asm__ __volatile__("out" #suffix " %0, %1" : : "a"(val), "Nd"(port)); \
	}                                                                               \
	static inline type in##suffix(u16 port)                                         \
	{                                                                               \
		type val;                                                               \
		__asm__ __volatile__("in" #suffix " %1, %0" : "=a"(val) : "Nd"(port));  \
		return val;                                                             \
	}
ASM_PORT_IO(b, u8)
ASM_PORT_IO(w, u16)
ASM_PORT_IO(l, u32)

#define ASM_MMIO(suffix, type)                                                                      \
	static inline void write##suffix(type val, volatile void *p) { *(volatile type *)p = val; } \
	static inline type read##suffix(const volatile void *p) { return *(const volatile type *)p; }
ASM_MMIO(b, u8)
ASM_MMIO(w, u16)
ASM_MMIO(l, u32)
ASM_MMIO(q, u64)

#endif
