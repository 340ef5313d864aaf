/* SPDX-License-Identifier: GPL-2.0-only */
/* The 256 exception and interrupt entry points, 16 bytes apart, and the common path to C. */
#define __ASSEMBLY__
#include <stubdom/x86.h>

	.text
	.balign	16
	.globl	trap_stubs
trap_stubs:
	.set	vec, 0
	.rept	256
	.balign	16
	/* Vectors that push an error code by themselves: 8, 10-14, 17, 21, 29, 30. */
	.if	(vec < 32) && ((1 << (vec & 31)) & 0x60227d00)
	.else
	pushq	$0
	.endif
	pushq	$vec
	jmp	trap_common
	.set	vec, vec + 1
	.endr

trap_common:
	cld
	push	%rdi
	push	%rsi
	push	%rdx
	push	%rcx
	push	%rax
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	and	$~15, %rsp
	call	trap_dispatch
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rax
	pop	%rcx
	pop	%rdx
	pop	%rsi
	pop	%rdi
	add	$16, %rsp
	iretq

/*
 * ring3_enter(fn, arg, user stack, saved stack pointer): go to ring 3. The saved stack is where
 * ring3_leave() comes back to, with the value this function then returns.
 */
	.globl	ring3_enter, ring3_leave, ring3_done
ring3_enter:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, (%rcx)
	lea	ring3_done(%rip), %rax
	sub	$8, %rdx
	mov	%rax, (%rdx)
	pushq	$SEL_UDATA
	push	%rdx
	pushq	$0x202
	pushq	$SEL_UCODE64
	push	%rdi
	mov	%rsi, %rdi
	iretq
/* ring3_leave(stack pointer, value) */
ring3_leave:
	mov	%rdi, %rsp
	mov	%rsi, %rax
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	sti
	ret
/* The function in ring 3 returned: tell by a breakpoint at a known address. */
ring3_done:
	int3
	ud2
	.section .note.GNU-stack, "", @progbits
