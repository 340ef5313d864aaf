/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instruction decoder for what drivers do to device memory. Knows the general
 * instructions with one memory operand and the string moves; everything else
 * is reported as unknown. Encodings: SDM volume 2, "Instruction Format" and the
 * opcode maps. Builds for the host unchanged.
 */
#include <xen/lib.h>
#include <asm/hvm-types.h>
#include "decode.h"

struct cursor {
	const u8 *p;
	unsigned int at, n;
	bool overrun; /* bytes were wanted that are not there */
	unsigned int mode;
	u8 rex;
	bool opsize_prefix, repne, repe;
};

#define REX_W 8
#define REX_R 4
#define REX_X 2
#define REX_B 1

static u8 next_byte(struct cursor *c)
{
	if (c->at >= c->n) {
		c->overrun = true;
		return 0;
	}
	return c->p[c->at++];
}

/* Little-endian value of 1, 2, 4 or 8 bytes, sign-extended. */
static s64 next_signed(struct cursor *c, unsigned int bytes)
{
	u64 v = 0;
	unsigned int i;

	for (i = 0; i < bytes; i++)
		v |= (u64)next_byte(c) << (8 * i);
	if (bytes < 8 && (v >> (8 * bytes - 1) & 1))
		v |= ~0ULL << (8 * bytes);
	return (s64)v;
}

/* 64-bit mode ignores the overrides of segments that it treats as flat. */
static void set_segment(const struct cursor *c, struct x86_insn *in, enum hvm_seg seg)
{
	if (c->mode == 8 && seg != HVM_SEG_FS && seg != HVM_SEG_GS)
		return;
	in->seg = seg;
	in->seg_override = true;
}

/* Consumes prefixes, REX last; returns the first opcode byte. */
static u8 decode_prefixes(struct cursor *c, struct x86_insn *in)
{
	bool addr_prefix = false;
	u8 b;

	for (;;) {
		b = next_byte(c);
		if (c->overrun)
			return 0;
		switch (b) {
		case 0x66:
			c->opsize_prefix = true;
			break;
		case 0x67:
			addr_prefix = true;
			break;
		case 0xf0:
			in->lock = true;
			break;
		case 0xf2:
			c->repne = true;
			c->repe = false;
			break;
		case 0xf3:
			c->repe = true;
			c->repne = false;
			break;
		case 0x26:
			set_segment(c, in, HVM_SEG_ES);
			break;
		case 0x2e:
			set_segment(c, in, HVM_SEG_CS);
			break;
		case 0x36:
			set_segment(c, in, HVM_SEG_SS);
			break;
		case 0x3e:
			set_segment(c, in, HVM_SEG_DS);
			break;
		case 0x64:
			set_segment(c, in, HVM_SEG_FS);
			break;
		case 0x65:
			set_segment(c, in, HVM_SEG_GS);
			break;
		default:
			if (c->mode == 8 && (b & 0xf0) == 0x40) {
				c->rex = b;
				continue;
			}
			goto done;
		}
		c->rex = 0; /* counts only right ahead of the opcode */
	}
done:
	if (c->mode == 8)
		in->addr_size = addr_prefix ? 4 : 8;
	else
		in->addr_size = (c->mode == 4) != addr_prefix ? 4 : 2;
	return b;
}

/* Operand size of an instruction whose opcode has the width bit w. */
static u8 operand_size(const struct cursor *c, bool w)
{
	if (!w)
		return 1;
	if (c->rex & REX_W)
		return 8;
	if (c->mode == 8)
		return c->opsize_prefix ? 2 : 4;
	return (c->mode == 4) != c->opsize_prefix ? 4 : 2;
}

static void decode_mem16(struct cursor *c, struct x86_insn *in, u8 mod, u8 rm)
{
	static const u8 base[8] = { 3, 3, 5, 5, X86_NO_REG, X86_NO_REG, 5, 3 };
	static const u8 index[8] = { 6, 7, 6, 7, 6, 7, X86_NO_REG, X86_NO_REG };

	in->base = base[rm];
	in->index = index[rm];
	if (mod == 0 && rm == 6) {
		in->base = X86_NO_REG;
		in->disp = next_signed(c, 2);
	} else if (mod != 0) {
		in->disp = next_signed(c, mod == 1 ? 1 : 2);
	}
	if (!in->seg_override)
		in->seg = in->base == 5 ? HVM_SEG_SS : HVM_SEG_DS;
}

static void decode_mem32(struct cursor *c, struct x86_insn *in, u8 mod, u8 rm)
{
	bool disp32 = mod == 2;

	if (rm == 4) {
		u8 sib = next_byte(c);

		in->scale = sib >> 6;
		in->index = (sib >> 3 & 7) | (c->rex & REX_X ? 8 : 0);
		if (in->index == 4)
			in->index = X86_NO_REG;
		in->base = (sib & 7) | (c->rex & REX_B ? 8 : 0);
		if ((sib & 7) == 5 && mod == 0) {
			in->base = X86_NO_REG;
			disp32 = true;
		}
	} else if (rm == 5 && mod == 0) {
		in->rip_relative = c->mode == 8;
		disp32 = true;
	} else {
		in->base = rm | (c->rex & REX_B ? 8 : 0);
	}
	if (mod == 1)
		in->disp = next_signed(c, 1);
	else if (disp32)
		in->disp = next_signed(c, 4);
	if (!in->seg_override)
		in->seg = in->base == 4 || in->base == 5 ? HVM_SEG_SS : HVM_SEG_DS;
}

/* ModRM and what follows it. False: the operand is a register, which touches no memory. */
static bool decode_modrm(struct cursor *c, struct x86_insn *in)
{
	u8 modrm = next_byte(c), mod = modrm >> 6, rm = modrm & 7;

	in->reg = (modrm >> 3 & 7) | (c->rex & REX_R ? 8 : 0);
	if (mod == 3)
		return false;
	if (in->addr_size == 2)
		decode_mem16(c, in, mod, rm);
	else
		decode_mem32(c, in, mod, rm);
	return true;
}

static void set_reg_operand(const struct cursor *c, struct x86_insn *in, u8 size)
{
	in->reg_size = size;
	if (size == 1 && !c->rex && in->reg >= 4) {
		in->high_byte = true;
		in->reg -= 4;
	}
}

/* An instruction with a ModRM byte and a register as the other operand. */
static enum x86_decode_result modrm_reg(struct cursor *c, struct x86_insn *in, enum x86_op op,
					enum x86_form form, bool w)
{
	in->op = op;
	in->form = form;
	in->size = operand_size(c, w);
	if (!decode_modrm(c, in))
		return X86_DECODE_UNKNOWN;
	set_reg_operand(c, in, in->size);
	return X86_DECODE_OK;
}

/* An instruction with an immediate after the ModRM operand; imm8: a sign-extended byte. */
static enum x86_decode_result modrm_imm(struct cursor *c, struct x86_insn *in, bool imm8)
{
	unsigned int bytes = imm8 ? 1 : min_t(unsigned int, in->size, 4);

	in->form = X86_MEM_IMM;
	in->imm = (u64)next_signed(c, bytes);
	return X86_DECODE_OK;
}

/* F6, F7: test, not, neg by the reg field. */
static enum x86_decode_result decode_group3(struct cursor *c, struct x86_insn *in, bool w)
{
	in->size = operand_size(c, w);
	if (!decode_modrm(c, in))
		return X86_DECODE_UNKNOWN;
	in->form = X86_MEM_ONLY;
	switch (in->reg & 7) {
	case 0:
	case 1:
		in->op = X86_OP_TEST;
		return modrm_imm(c, in, false);
	case 2:
		in->op = X86_OP_NOT;
		return X86_DECODE_OK;
	case 3:
		in->op = X86_OP_NEG;
		return X86_DECODE_OK;
	default:
		return X86_DECODE_UNKNOWN;
	}
}

static enum x86_decode_result decode_string(struct cursor *c, struct x86_insn *in, enum x86_op op, bool w)
{
	in->op = op;
	in->form = X86_STRING;
	in->size = in->reg_size = operand_size(c, w);
	in->rep = c->repe || c->repne;
	if (!in->seg_override)
		in->seg = HVM_SEG_DS;
	return X86_DECODE_OK;
}

/* A0 … A3: accumulator and an absolute offset of the address size. */
static enum x86_decode_result decode_moffs(struct cursor *c, struct x86_insn *in, u8 opcode)
{
	in->op = X86_OP_MOV;
	in->form = opcode & 2 ? X86_MEM_REG : X86_REG_MEM;
	in->size = in->reg_size = operand_size(c, opcode & 1);
	in->disp = next_signed(c, in->addr_size);
	if (!in->seg_override)
		in->seg = HVM_SEG_DS;
	return X86_DECODE_OK;
}

/* movzx, movsx: the memory operand has its own size. */
static enum x86_decode_result decode_extend(struct cursor *c, struct x86_insn *in, enum x86_op op, u8 mem_size)
{
	in->op = op;
	in->form = X86_REG_MEM;
	in->size = mem_size;
	if (!decode_modrm(c, in))
		return X86_DECODE_UNKNOWN;
	in->reg_size = operand_size(c, true);
	return X86_DECODE_OK;
}

static enum x86_decode_result decode_0f(struct cursor *c, struct x86_insn *in)
{
	u8 b = next_byte(c);

	switch (b) {
	case 0xa3:
	case 0xab:
	case 0xb3:
	case 0xbb:
		return modrm_reg(c, in, X86_OP_BT + (b >> 3 & 3), X86_MEM_REG, true);
	case 0xba:
		in->size = operand_size(c, true);
		if (!decode_modrm(c, in) || (in->reg & 7) < 4)
			return X86_DECODE_UNKNOWN;
		in->op = X86_OP_BT + (in->reg & 3);
		return modrm_imm(c, in, true);
	case 0xb0:
	case 0xb1:
		return modrm_reg(c, in, X86_OP_CMPXCHG, X86_MEM_REG, b & 1);
	case 0xc0:
	case 0xc1:
		return modrm_reg(c, in, X86_OP_XADD, X86_MEM_REG, b & 1);
	case 0xb6:
	case 0xb7:
		return decode_extend(c, in, X86_OP_MOVZX, b & 1 ? 2 : 1);
	case 0xbe:
	case 0xbf:
		return decode_extend(c, in, X86_OP_MOVSX, b & 1 ? 2 : 1);
	case 0xc3: /* movnti */
		if (c->opsize_prefix || c->repe || c->repne)
			return X86_DECODE_UNKNOWN;
		return modrm_reg(c, in, X86_OP_MOV, X86_MEM_REG, true);
	default:
		return X86_DECODE_UNKNOWN;
	}
}

static enum x86_decode_result decode_opcode(struct cursor *c, struct x86_insn *in, u8 b)
{
	bool w = b & 1;

	if (b < 0x40 && (b & 7) < 4) /* add … cmp with a ModRM operand */
		return modrm_reg(c, in, X86_OP_ADD + (b >> 3), b & 2 ? X86_REG_MEM : X86_MEM_REG, w);
	switch (b) {
	case 0x0f:
		return decode_0f(c, in);
	case 0x63:
		return c->mode == 8 ? decode_extend(c, in, X86_OP_MOVSX, 4) : X86_DECODE_UNKNOWN;
	case 0x80:
	case 0x81:
	case 0x83:
		in->size = operand_size(c, w);
		if (!decode_modrm(c, in))
			return X86_DECODE_UNKNOWN;
		in->op = X86_OP_ADD + (in->reg & 7);
		return modrm_imm(c, in, b == 0x83);
	case 0x84:
	case 0x85:
		return modrm_reg(c, in, X86_OP_TEST, X86_MEM_REG, w);
	case 0x86:
	case 0x87:
		return modrm_reg(c, in, X86_OP_XCHG, X86_MEM_REG, w);
	case 0x88:
	case 0x89:
		return modrm_reg(c, in, X86_OP_MOV, X86_MEM_REG, w);
	case 0x8a:
	case 0x8b:
		return modrm_reg(c, in, X86_OP_MOV, X86_REG_MEM, w);
	case 0xa0:
	case 0xa1:
	case 0xa2:
	case 0xa3:
		return decode_moffs(c, in, b);
	case 0xa4:
	case 0xa5:
		return decode_string(c, in, X86_OP_MOVS, w);
	case 0xaa:
	case 0xab:
		return decode_string(c, in, X86_OP_STOS, w);
	case 0xac:
	case 0xad:
		return decode_string(c, in, X86_OP_LODS, w);
	case 0xc6:
	case 0xc7:
		in->size = operand_size(c, w);
		if (!decode_modrm(c, in) || (in->reg & 7))
			return X86_DECODE_UNKNOWN;
		in->op = X86_OP_MOV;
		return modrm_imm(c, in, false);
	case 0xf6:
	case 0xf7:
		return decode_group3(c, in, w);
	case 0xfe:
	case 0xff:
		in->size = operand_size(c, w);
		if (!decode_modrm(c, in) || (in->reg & 7) > 1)
			return X86_DECODE_UNKNOWN;
		in->op = (in->reg & 7) ? X86_OP_DEC : X86_OP_INC;
		in->form = X86_MEM_ONLY;
		return X86_DECODE_OK;
	default:
		return X86_DECODE_UNKNOWN;
	}
}

/* LOCK is for read-modify-write of memory only. */
static bool lock_allowed(const struct x86_insn *in)
{
	if (in->form == X86_REG_MEM || in->form == X86_STRING)
		return false;
	switch (in->op) {
	case X86_OP_MOV:
	case X86_OP_CMP:
	case X86_OP_TEST:
	case X86_OP_BT:
		return false;
	default:
		return true;
	}
}

enum x86_decode_result x86_decode(struct x86_insn *out, const u8 *bytes, unsigned int n, unsigned int mode)
{
	struct cursor c = { .p = bytes, .n = n > X86_INSN_MAX ? X86_INSN_MAX : n, .mode = mode };
	enum x86_decode_result r;
	u8 b;

	*out = (struct x86_insn){ .base = X86_NO_REG, .index = X86_NO_REG, .seg = HVM_SEG_DS };
	b = decode_prefixes(&c, out);
	r = c.overrun ? X86_DECODE_MORE : decode_opcode(&c, out, b);
	if (c.overrun)
		return n < X86_INSN_MAX ? X86_DECODE_MORE : X86_DECODE_TOO_LONG;
	if (r != X86_DECODE_OK)
		return r;
	if (out->lock && !lock_allowed(out))
		return X86_DECODE_INVALID;
	out->len = (u8)c.at;
	return X86_DECODE_OK;
}
