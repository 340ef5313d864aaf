/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Arithmetic of emulated instructions, with the flags as the SDM defines them
 * on each instruction's page. Builds for the host unchanged.
 */
#include <xen/lib.h>
#include <asm/processor.h>
#include "alu.h"

#define FLAGS_ARITH \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static u64 size_mask(unsigned int size) { return size >= 8 ? ~0ULL : (1ULL << (8 * size)) - 1; }

/* Flags that depend on the result alone. */
static u64 result_flags(unsigned int size, u64 r)
{
	u64 f = 0;

	if (!r)
		f |= X86_EFLAGS_ZF;
	if (r >> (8 * size - 1) & 1)
		f |= X86_EFLAGS_SF;
	if (!(__builtin_popcount((unsigned int)r & 0xff) & 1))
		f |= X86_EFLAGS_PF;
	return f;
}

static u64 add_with(unsigned int size, u64 a, u64 b, u64 carry, u64 *flags)
{
	u64 mask = size_mask(size), r = (a + b + carry) & mask;
	u64 f = result_flags(size, r);

	if (r < a || (carry && r == a))
		f |= X86_EFLAGS_CF;
	if (((a ^ r) & (b ^ r)) >> (8 * size - 1) & 1)
		f |= X86_EFLAGS_OF;
	*flags = f | ((a ^ b ^ r) & X86_EFLAGS_AF);
	return r;
}

static u64 sub_with(unsigned int size, u64 a, u64 b, u64 borrow, u64 *flags)
{
	u64 mask = size_mask(size), r = (a - b - borrow) & mask;
	u64 f = result_flags(size, r);

	if (a < b || (borrow && a == b))
		f |= X86_EFLAGS_CF;
	if (((a ^ b) & (a ^ r)) >> (8 * size - 1) & 1)
		f |= X86_EFLAGS_OF;
	*flags = f | ((a ^ b ^ r) & X86_EFLAGS_AF);
	return r;
}

static u64 bit_op(enum x86_op op, unsigned int size, u64 a, u64 b, u64 *rflags)
{
	u64 bit = 1ULL << (b & (8 * size - 1));

	*rflags = (*rflags & ~(u64)X86_EFLAGS_CF) | (a & bit ? X86_EFLAGS_CF : 0);
	switch (op) {
	case X86_OP_BTS:
		return a | bit;
	case X86_OP_BTR:
		return a & ~bit;
	case X86_OP_BTC:
		return a ^ bit;
	default:
		return a;
	}
}

u64 x86_alu(enum x86_op op, unsigned int size, u64 a, u64 b, u64 *rflags)
{
	u64 mask = size_mask(size), keep = 0, f = 0, r;
	u64 carry = *rflags & X86_EFLAGS_CF;

	a &= mask;
	b &= mask;
	switch (op) {
	case X86_OP_ADD:
	case X86_OP_XADD:
		r = add_with(size, a, b, 0, &f);
		break;
	case X86_OP_ADC:
		r = add_with(size, a, b, carry, &f);
		break;
	case X86_OP_SUB:
	case X86_OP_CMP:
	case X86_OP_CMPXCHG:
		r = sub_with(size, a, b, 0, &f);
		break;
	case X86_OP_SBB:
		r = sub_with(size, a, b, carry, &f);
		break;
	case X86_OP_NEG:
		r = sub_with(size, 0, a, 0, &f);
		break;
	case X86_OP_INC:
		r = add_with(size, a, 1, 0, &f);
		keep = X86_EFLAGS_CF;
		break;
	case X86_OP_DEC:
		r = sub_with(size, a, 1, 0, &f);
		keep = X86_EFLAGS_CF;
		break;
	case X86_OP_OR:
		r = a | b;
		f = result_flags(size, r);
		break;
	case X86_OP_AND:
	case X86_OP_TEST:
		r = a & b;
		f = result_flags(size, r);
		break;
	case X86_OP_XOR:
		r = a ^ b;
		f = result_flags(size, r);
		break;
	case X86_OP_BT:
	case X86_OP_BTS:
	case X86_OP_BTR:
	case X86_OP_BTC:
		return bit_op(op, size, a, b, rflags);
	case X86_OP_NOT:
		return ~a & mask;
	default:
		return b; /* the moves: no flags */
	}
	*rflags = (*rflags & ~(FLAGS_ARITH & ~keep)) | (f & ~keep);
	return r;
}
