/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Segment and interrupt descriptors. Each CPU has a GDT, a TSS and stacks of
 * its own; the IDT is shared. SDM volume 3, "Protected-Mode Memory Management",
 * "Interrupt and Exception Handling".
 */
#ifndef ASM_DESC_H
#define ASM_DESC_H

/* Selectors. The 32-bit ones serve boot and AP start-up only. */
#define SEL_CS32    0x08
#define SEL_DS32    0x10
#define SEL_CS	    0x18
#define SEL_DS	    0x20
#define SEL_TSS	    0x28
#define GDT_ENTRIES 7 /* the TSS descriptor takes two */

/* With the accessed bit set: the boot copy lies in read-only memory. */
#define GDT_CODE32 0x00cf9b000000ffff
#define GDT_DATA32 0x00cf93000000ffff
#define GDT_CODE64 0x00af9b000000ffff
#define GDT_DATA64 0x00cf93000000ffff

#define IST_NMI	   1
#define IST_DF	   2
#define IST_MC	   3

#ifndef __ASSEMBLER__

#include <xen/percpu.h>

struct desc_ptr {
	u16 limit;
	u64 base;
} __packed;

struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* ist[0] is IST1 */
	u64 reserved2;
	u16 reserved3;
	u16 iomap_base;
} __packed;

struct idt_entry {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

/* Of each CPU, for LGDT/LTR and for a VMCS's host state. */
DECLARE_PER_CPU(u64, gdt[GDT_ENTRIES]);
DECLARE_PER_CPU(struct tss, tss);
extern struct idt_entry idt[256];

static inline void lgdt(const struct desc_ptr *p) { __asm__ __volatile__("lgdt %0" : : "m"(*p)); }
static inline void lidt(const struct desc_ptr *p) { __asm__ __volatile__("lidt %0" : : "m"(*p)); }
static inline void ltr(u16 sel) { __asm__ __volatile__("ltr %0" : : "r"(sel)); }

#endif
#endif
