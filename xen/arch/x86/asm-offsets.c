/* SPDX-License-Identifier: GPL-2.0-only */
/* Offsets and sizes for assembly: the Makefile turns each DEFINE into a #define of asm-offsets.h. */
#include <xen/sched.h>
#include <asm/traps.h>

#define DEFINE(sym, val)	  __asm__ __volatile__(".ascii \"@@@" #sym " %0@@@\"" : : "i"(val))
#define OFFSET(sym, type, member) DEFINE(sym, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
	OFFSET(GR_rax, struct guest_regs, rax);
	OFFSET(GR_rcx, struct guest_regs, rcx);
	OFFSET(GR_rdx, struct guest_regs, rdx);
	OFFSET(GR_rbx, struct guest_regs, rbx);
	OFFSET(GR_rsp, struct guest_regs, rsp);
	OFFSET(GR_rbp, struct guest_regs, rbp);
	OFFSET(GR_rsi, struct guest_regs, rsi);
	OFFSET(GR_rdi, struct guest_regs, rdi);
	OFFSET(GR_r8, struct guest_regs, r8);
	OFFSET(GR_r9, struct guest_regs, r9);
	OFFSET(GR_r10, struct guest_regs, r10);
	OFFSET(GR_r11, struct guest_regs, r11);
	OFFSET(GR_r12, struct guest_regs, r12);
	OFFSET(GR_r13, struct guest_regs, r13);
	OFFSET(GR_r14, struct guest_regs, r14);
	OFFSET(GR_r15, struct guest_regs, r15);
	OFFSET(GR_rip, struct guest_regs, rip);
	OFFSET(GR_rflags, struct guest_regs, rflags);

	DEFINE(STACKS_SIZE, sizeof(struct cpu_stacks));
}
