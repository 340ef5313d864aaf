/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where a started CPU begins: 16-bit code, copied to a page below 1 MiB. One
 * CPU at a time; boot/trampoline's variables are filled in by smp_boot.c
 * before each start-up IPI. Ends in secondary_entry (head.S).
 */
#include <asm/desc.h>

#define T(sym) ((sym) - trampoline_start)

	.section .init.rodata, "a", @progbits
	.balign 16
	.globl trampoline_start, trampoline_end, trampoline_vars
	.code16
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	movzwl %ax, %ebp
	shll $4, %ebp
	lgdtl T(gdtr)
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl *T(to32)

	.code32
	.globl trampoline_32
trampoline_32:
	movl $SEL_DS32, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl $0x20, %eax		/* PAE */
	movl %eax, %cr4
	movl T(boot_cr3)(%ebp), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		/* EFER: long mode, no-execute */
	rdmsr
	orl $0x900, %eax
	wrmsr
	movl $0x80010033, %eax		/* PG WP NE ET MP PE */
	movl %eax, %cr0
	ljmpl *T(to64)(%ebp)

	.code64
	.globl trampoline_64
trampoline_64:
	movl $SEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %ebp, %ebx
	movq T(stack)(%rbx), %rsp
	movl T(gs_base)(%rbx), %eax
	movl T(gs_base) + 4(%rbx), %edx
	movl $0xc0000101, %ecx		/* GS base */
	wrmsr
	movq T(host_cr3)(%rbx), %rcx
	jmp *T(entry)(%rbx)

	/* struct trampoline_vars in smp_boot.c */
	.balign 8
trampoline_vars:
stack:		.quad 0
gs_base:	.quad 0
host_cr3:	.quad 0
entry:		.quad 0
boot_cr3:	.long 0
to32:		.long 0		/* trampoline_32 in the copy */
		.short SEL_CS32, 0
to64:		.long 0		/* trampoline_64 in the copy */
		.short SEL_CS, 0
gdtr:		.short GDT_ENTRIES * 8 - 1
		.long 0		/* gdt in the copy */
		.short 0
gdt:		.quad 0
		.quad GDT_CODE32
		.quad GDT_DATA32
		.quad GDT_CODE64
		.quad GDT_DATA64
		.quad 0, 0
trampoline_end:

	.section .note.GNU-stack, "", @progbits
