/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the IDT points: 256 stubs, 16 bytes apart, that bring every vector to
 * do_trap() with a struct trap_frame. Interrupts are off in do_trap(). GS base
 * is this CPU's per-CPU offset always: the hypervisor never runs with a
 * guest's.
 */
	.text
	.balign 16
	.globl idt_stubs
idt_stubs:
vector = 0
	.rept 256
	.balign 16
	/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX push an error code. */
	.if !((vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30))
	pushq $0
	.endif
	pushq $vector
	jmp common_trap
vector = vector + 1
	.endr

	.balign 16
common_trap:
	pushq %rax
	pushq %rbx
	pushq %rcx
	pushq %rdx
	pushq %rsi
	pushq %rdi
	pushq %rbp
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	cld
	movq %rsp, %rdi
	call do_trap
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rbp
	popq %rdi
	popq %rsi
	popq %rdx
	popq %rcx
	popq %rbx
	popq %rax
	addq $16, %rsp
	iretq

	/*
	 * void show_execution_state(void): a breakpoint brings the caller's registers to do_trap(), which
	 * finds the rest of them in the frame.
	 */
	.globl show_execution_state, execution_state_shown
	.type show_execution_state, @function
show_execution_state:
	pushq %rbp
	movq %rsp, %rbp
	int3
execution_state_shown:
	popq %rbp
	ret
	.size show_execution_state, . - show_execution_state

	.section .note.GNU-stack, "", @progbits
