/* SPDX-License-Identifier: GPL-2.0-only */
/* Register files: a guest's, between exit and entry; and the hypervisor's own at an exception. */
#ifndef ASM_REGS_H
#define ASM_REGS_H

/* In the order of their numbers in instruction encodings; the entry code and the decoder index it. */
struct guest_regs {
	union {
		u64 gpr[16];
		struct {
			u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
			u64 r8, r9, r10, r11, r12, r13, r14, r15;
		};
	};
	u64 rip, rflags; /* with rsp: read from the VMCS at exit, written back at entry */
};

/* Pushed by the exception stubs of the hypervisor. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

#endif
