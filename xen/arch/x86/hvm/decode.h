/* SPDX-License-Identifier: GPL-2.0-only */
/* What an instruction that touches emulated memory does, as plain data. */
#ifndef HVM_DECODE_H
#define HVM_DECODE_H

#include <xen/types.h>

#define X86_INSN_MAX 15

enum x86_op {
	X86_OP_MOV,
	X86_OP_MOVZX,
	X86_OP_MOVSX,
	/* In the order of the encoding: bits 3-5 of the opcode, or the reg field of 80 … 83. */
	X86_OP_ADD,
	X86_OP_OR,
	X86_OP_ADC,
	X86_OP_SBB,
	X86_OP_AND,
	X86_OP_SUB,
	X86_OP_XOR,
	X86_OP_CMP,
	X86_OP_TEST,
	X86_OP_XCHG,
	X86_OP_CMPXCHG,
	X86_OP_XADD,
	X86_OP_NOT,
	X86_OP_NEG,
	X86_OP_INC,
	X86_OP_DEC,
	X86_OP_BT,
	X86_OP_BTS,
	X86_OP_BTR,
	X86_OP_BTC, /* in the order of their encoding */
	X86_OP_MOVS,
	X86_OP_STOS,
	X86_OP_LODS,
};

/* Which operand is the destination and what the other one is; the memory operand always exists. */
enum x86_form {
	X86_MEM_REG, /* memory op= register */
	X86_REG_MEM, /* register op= memory */
	X86_MEM_IMM, /* memory op= immediate */
	X86_MEM_ONLY, /* not, neg, inc, dec */
	X86_STRING, /* memory at rSI and/or rDI */
};

#define X86_NO_REG 0xff

struct x86_insn {
	enum x86_op op;
	enum x86_form form;
	u8 len; /* bytes of the whole instruction */
	u8 size; /* of the memory operand: 1, 2, 4, 8 */
	u8 reg_size; /* of the register operand: differs from size for movzx and movsx */
	u8 addr_size; /* 2, 4, 8 */
	u8 reg; /* register operand, 0 … 15 */
	bool high_byte; /* reg names AH, CH, DH, BH: bits 8-15 of reg */
	u8 base, index; /* X86_NO_REG: none */
	u8 scale; /* shift of the index */
	bool rip_relative; /* disp counts from the next instruction */
	u8 seg; /* enum hvm_seg: of the memory operand (string forms: of rSI) */
	bool seg_override;
	s64 disp;
	u64 imm; /* sign-extended */
	bool rep; /* F3 or F2 on a string form */
	bool lock;
};

enum x86_decode_result {
	X86_DECODE_OK,
	X86_DECODE_MORE, /* the instruction goes on past the bytes given */
	X86_DECODE_INVALID, /* the CPU raises #UD for it */
	X86_DECODE_TOO_LONG, /* the CPU raises #GP for it */
	X86_DECODE_UNKNOWN, /* valid or not, it is none of those that are emulated */
};

/*
 * Decodes the instruction at bytes[0 … n). mode: 2, 4 or 8, the default operand size of the code segment
 * (8: 64-bit mode). Pure: no state, no memory but its arguments.
 */
enum x86_decode_result x86_decode(struct x86_insn *out, const u8 *bytes, unsigned int n, unsigned int mode);

#endif
