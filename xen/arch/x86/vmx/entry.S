/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unsigned long vmx_enter(struct guest_regs *regs (%rdi), bool launched (%sil))
 *
 * Enters the guest of the current VMCS with the general registers in regs and
 * comes back at the next VM exit with the guest's in regs. RSP, RIP and RFLAGS
 * are the VMCS's business. Interrupts are off on entry and on return.
 *
 * Returns 0 after an exit; 1 when VMLAUNCH or VMRESUME failed and VM_INSN_ERROR
 * says why; 2 when there was no current VMCS.
 *
 * The stack at VM exit is the one set here, so an exit lands in this frame:
 *	(%rsp)	regs
 *	8…48	callee-saved registers, return address above them
 */
#include <asm/vmcs.h>

/* Offsets in struct guest_regs; asserted in vmx.c. */
#define RAX 0
#define RCX 8
#define RDX 16
#define RBX 24
#define RBP 40
#define RSI 48
#define RDI 56
#define R8 64
#define R9 72
#define R10 80
#define R11 88
#define R12 96
#define R13 104
#define R14 112
#define R15 120

	.text
	.globl	vmx_enter
	.type	vmx_enter, @function
	.balign	64
vmx_enter:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	pushq	%rdi
	movl	$HOST_RSP, %eax
	vmwrite	%rsp, %rax
	testb	%sil, %sil		/* nothing up to the jump changes the flags */
	movq	RAX(%rdi), %rax
	movq	RCX(%rdi), %rcx
	movq	RDX(%rdi), %rdx
	movq	RBX(%rdi), %rbx
	movq	RBP(%rdi), %rbp
	movq	RSI(%rdi), %rsi
	movq	R8(%rdi), %r8
	movq	R9(%rdi), %r9
	movq	R10(%rdi), %r10
	movq	R11(%rdi), %r11
	movq	R12(%rdi), %r12
	movq	R13(%rdi), %r13
	movq	R14(%rdi), %r14
	movq	R15(%rdi), %r15
	movq	RDI(%rdi), %rdi
	jz	1f
	vmresume
	jmp	2f
1:	vmlaunch
2:	popq	%rdi
	movl	$2, %eax
	movl	$1, %ecx
	cmovzl	%ecx, %eax		/* ZF: failed with an error number; CF: no current VMCS */
	jmp	vmx_leave

	.globl	vmx_exit_point
	.type	vmx_exit_point, @function
	.balign	64
vmx_exit_point:
	pushq	%rdi
	movq	8(%rsp), %rdi
	movq	%rax, RAX(%rdi)
	movq	%rcx, RCX(%rdi)
	movq	%rdx, RDX(%rdi)
	movq	%rbx, RBX(%rdi)
	movq	%rbp, RBP(%rdi)
	movq	%rsi, RSI(%rdi)
	popq	RDI(%rdi)
	movq	%r8, R8(%rdi)
	movq	%r9, R9(%rdi)
	movq	%r10, R10(%rdi)
	movq	%r11, R11(%rdi)
	movq	%r12, R12(%rdi)
	movq	%r13, R13(%rdi)
	movq	%r14, R14(%rdi)
	movq	%r15, R15(%rdi)
	popq	%rdi
	/* No guest value stays in a register: the rest is overwritten by the pops below. */
	xorl	%eax, %eax
	xorl	%ecx, %ecx
	xorl	%edx, %edx
	xorl	%esi, %esi
	xorl	%r8d, %r8d
	xorl	%r9d, %r9d
	xorl	%r10d, %r10d
	xorl	%r11d, %r11d
vmx_leave:
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
	.size	vmx_enter, . - vmx_enter

	.section .note.GNU-stack, "", @progbits
