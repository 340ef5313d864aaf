/* SPDX-License-Identifier: GPL-2.0-only */
/* The instruction decoder: encodings by hand, in the three modes; what it must refuse; what it must survive. */
#include <xen/lib.h>
#include <asm/hvm-types.h>
#include "../../xen/arch/x86/hvm/decode.h"
#include "host/tap.h"

#define NONE X86_NO_REG
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R12 = 12, R13, R15 = 15 };

struct row {
	const char *what;
	u8 mode, n;
	u8 b[X86_INSN_MAX];
	struct x86_insn want;
};

#define MEM(b_, i_, s_, d_) .base = b_, .index = i_, .scale = s_, .disp = d_
#define REGOP(r, s) .reg = r, .size = s, .reg_size = s
#define B(...) sizeof((u8[]){ __VA_ARGS__ }), { __VA_ARGS__ }

static const struct row rows[] = {
	{ "mov [rdi], eax", 8, B(0x89, 0x07),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RAX, 4), .addr_size = 8, MEM(RDI, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "mov rax, [rsi+0x10]", 8, B(0x48, 0x8b, 0x46, 0x10),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 8), .addr_size = 8, MEM(RSI, NONE, 0, 0x10), .seg = HVM_SEG_DS } },
	{ "mov r15b, [r12+r13*4-1]", 8, B(0x47, 0x8a, 0x7c, 0xac, 0xff),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(R15, 1), .addr_size = 8, MEM(R12, R13, 2, -1), .seg = HVM_SEG_DS } },
	{ "mov [rip+0x1000], cx", 8, B(0x66, 0x89, 0x0d, 0x00, 0x10, 0, 0),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RCX, 2), .addr_size = 8, MEM(NONE, NONE, 0, 0x1000), .seg = HVM_SEG_DS,
	    .rip_relative = true } },
	{ "mov ah, [eax] in 64-bit mode", 8, B(0x67, 0x8a, 0x20),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 1), .high_byte = true, .addr_size = 4, MEM(RAX, NONE, 0, 0),
	    .seg = HVM_SEG_DS } },
	{ "mov spl, [rax]: REX makes 4 SPL", 8, B(0x40, 0x8a, 0x20),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RSP, 1), .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "mov dword [rbp-8], -1: SS by base", 8, B(0xc7, 0x45, 0xf8, 0xff, 0xff, 0xff, 0xff),
	  { X86_OP_MOV, X86_MEM_IMM, .size = 4, .addr_size = 8, MEM(RBP, NONE, 0, -8), .seg = HVM_SEG_SS, .imm = ~0ULL } },
	{ "mov qword [0x12345678 by SIB], 5", 8, B(0x48, 0xc7, 0x04, 0x25, 0x78, 0x56, 0x34, 0x12, 5, 0, 0, 0),
	  { X86_OP_MOV, X86_MEM_IMM, .size = 8, .addr_size = 8, MEM(NONE, NONE, 0, 0x12345678), .seg = HVM_SEG_DS,
	    .imm = 5 } },
	{ "mov eax, [64-bit offset]", 8, B(0xa1, 1, 2, 3, 4, 5, 6, 7, 8),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 4), .addr_size = 8, MEM(NONE, NONE, 0, 0x0807060504030201),
	    .seg = HVM_SEG_DS } },
	{ "gs mov al, [rdx]", 8, B(0x65, 0x8a, 0x02),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 1), .addr_size = 8, MEM(RDX, NONE, 0, 0), .seg = HVM_SEG_GS,
	    .seg_override = true } },
	{ "fs stays when a flat override follows in 64-bit mode", 8, B(0x64, 0x3e, 0x8a, 0x02),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 1), .addr_size = 8, MEM(RDX, NONE, 0, 0), .seg = HVM_SEG_FS,
	    .seg_override = true } },
	{ "REX ahead of a legacy prefix does not count", 8, B(0x48, 0x66, 0x89, 0x07),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RAX, 2), .addr_size = 8, MEM(RDI, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "movzx eax, byte [rdi]", 8, B(0x0f, 0xb6, 0x07),
	  { X86_OP_MOVZX, X86_REG_MEM, .size = 1, .reg_size = 4, .addr_size = 8, MEM(RDI, NONE, 0, 0),
	    .seg = HVM_SEG_DS } },
	{ "movsx rcx, word [rdi]", 8, B(0x48, 0x0f, 0xbf, 0x0f),
	  { X86_OP_MOVSX, X86_REG_MEM, .size = 2, .reg_size = 8, .reg = RCX, .addr_size = 8, MEM(RDI, NONE, 0, 0),
	    .seg = HVM_SEG_DS } },
	{ "movsxd rcx, dword [rdi]", 8, B(0x48, 0x63, 0x0f),
	  { X86_OP_MOVSX, X86_REG_MEM, .size = 4, .reg_size = 8, .reg = RCX, .addr_size = 8, MEM(RDI, NONE, 0, 0),
	    .seg = HVM_SEG_DS } },
	{ "lock or dword [rax], imm8", 8, B(0xf0, 0x83, 0x08, 0x80),
	  { X86_OP_OR, X86_MEM_IMM, .reg = 1, .size = 4, .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS,
	    .imm = ~0x7fULL, .lock = true } },
	{ "and byte [rax], imm8", 8, B(0x80, 0x20, 0x7f),
	  { X86_OP_AND, X86_MEM_IMM, .reg = 4, .size = 1, .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS,
	    .imm = 0x7f } },
	{ "cmp [rax], rdx", 8, B(0x48, 0x39, 0x10),
	  { X86_OP_CMP, X86_MEM_REG, REGOP(RDX, 8), .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "xor edx, [rax]", 8, B(0x33, 0x10),
	  { X86_OP_XOR, X86_REG_MEM, REGOP(RDX, 4), .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "test word [rax], imm16", 8, B(0x66, 0xf7, 0x00, 0x34, 0x12),
	  { X86_OP_TEST, X86_MEM_IMM, .size = 2, .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS,
	    .imm = 0x1234 } },
	{ "xchg [rax], ebx", 8, B(0x87, 0x18),
	  { X86_OP_XCHG, X86_MEM_REG, REGOP(RBX, 4), .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "bts dword [rax], 7", 8, B(0x0f, 0xba, 0x28, 7),
	  { X86_OP_BTS, X86_MEM_IMM, .reg = 5, .size = 4, .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS,
	    .imm = 7 } },
	{ "btr [rax], ecx", 8, B(0x0f, 0xb3, 0x08),
	  { X86_OP_BTR, X86_MEM_REG, REGOP(RCX, 4), .addr_size = 8, MEM(RAX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "rep movsd", 8, B(0xf3, 0xa5),
	  { X86_OP_MOVS, X86_STRING, .size = 4, .reg_size = 4, .addr_size = 8, MEM(NONE, NONE, 0, 0),
	    .seg = HVM_SEG_DS, .rep = true } },
	{ "rep stosb, 32-bit addresses", 8, B(0x67, 0xf3, 0xaa),
	  { X86_OP_STOS, X86_STRING, .size = 1, .reg_size = 1, .addr_size = 4, MEM(NONE, NONE, 0, 0),
	    .seg = HVM_SEG_DS, .rep = true } },
	{ "movnti [rdi], rax", 8, B(0x48, 0x0f, 0xc3, 0x07),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RAX, 8), .addr_size = 8, MEM(RDI, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "32-bit: mov [0x11223344], eax", 4, B(0xa3, 0x44, 0x33, 0x22, 0x11),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RAX, 4), .addr_size = 4, MEM(NONE, NONE, 0, 0x11223344),
	    .seg = HVM_SEG_DS } },
	{ "32-bit: mov [disp32], edx is not RIP-relative", 4, B(0x89, 0x15, 0, 0, 0xe0, 0xfe),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RDX, 4), .addr_size = 4, MEM(NONE, NONE, 0, (s32)0xfee00000),
	    .seg = HVM_SEG_DS } },
	{ "32-bit: mov es:[ebx+si16 form by 67]", 4, B(0x26, 0x67, 0x88, 0x02),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RAX, 1), .addr_size = 2, MEM(RBP, RSI, 0, 0), .seg = HVM_SEG_ES,
	    .seg_override = true } },
	{ "32-bit: inc dword [ecx]", 4, B(0xff, 0x01),
	  { X86_OP_INC, X86_MEM_ONLY, .size = 4, .addr_size = 4, MEM(RCX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "16-bit: mov [bp+di+0x10], ax: SS", 2, B(0x89, 0x43, 0x10),
	  { X86_OP_MOV, X86_MEM_REG, REGOP(RAX, 2), .addr_size = 2, MEM(RBP, RDI, 0, 0x10), .seg = HVM_SEG_SS } },
	{ "16-bit: mov al, [0x1234]", 2, B(0x8a, 0x06, 0x34, 0x12),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 1), .addr_size = 2, MEM(NONE, NONE, 0, 0x1234), .seg = HVM_SEG_DS } },
	{ "16-bit: mov eax, [ebx] by both prefixes", 2, B(0x66, 0x67, 0x8b, 0x03),
	  { X86_OP_MOV, X86_REG_MEM, REGOP(RAX, 4), .addr_size = 4, MEM(RBX, NONE, 0, 0), .seg = HVM_SEG_DS } },
	{ "16-bit: cs movsb", 2, B(0x2e, 0xa4),
	  { X86_OP_MOVS, X86_STRING, .size = 1, .reg_size = 1, .addr_size = 2, MEM(NONE, NONE, 0, 0),
	    .seg = HVM_SEG_CS, .seg_override = true } },
};

static void check_row(const struct row *r)
{
	const struct x86_insn *w = &r->want;
	struct x86_insn in;

	if (x86_decode(&in, r->b, r->n, r->mode) != X86_DECODE_OK)
		tap_fail(__FILE__, __LINE__, "%s: not decoded", r->what);
	if (in.op != w->op || in.form != w->form || in.len != r->n || in.size != w->size ||
	    in.addr_size != w->addr_size || in.base != w->base || in.index != w->index || in.scale != w->scale ||
	    in.disp != w->disp || in.imm != w->imm || in.seg != w->seg || in.seg_override != w->seg_override ||
	    in.rip_relative != w->rip_relative || in.rep != w->rep || in.lock != w->lock)
		tap_fail(__FILE__, __LINE__, "%s: op %d form %d len %d size %d base %d index %d disp %lld imm %#llx seg %d",
			 r->what, in.op, in.form, in.len, in.size, in.base, in.index, (long long)in.disp,
			 (unsigned long long)in.imm, in.seg);
	if ((w->form == X86_MEM_REG || w->form == X86_REG_MEM) &&
	    (in.reg != w->reg || in.reg_size != w->reg_size || in.high_byte != w->high_byte))
		tap_fail(__FILE__, __LINE__, "%s: register %d size %d", r->what, in.reg, in.reg_size);
}

static void instructions_decode_as_the_manual_says(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void a_cut_instruction_asks_for_more(void)
{
	struct x86_insn in;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (unsigned int n = 0; n < rows[i].n; n++)
			CHECK_EQ(x86_decode(&in, rows[i].b, n, rows[i].mode), X86_DECODE_MORE);
}

static void bad_instructions_are_refused(void)
{
	static const struct { u8 mode, n, b[15]; enum x86_decode_result want; } bad[] = {
		{ 8, B(0xf0, 0x89, 0x07), X86_DECODE_INVALID },		/* lock mov */
		{ 8, B(0xf0, 0x8b, 0x07), X86_DECODE_INVALID },
		{ 8, B(0xf0, 0x39, 0x07), X86_DECODE_INVALID },		/* lock cmp */
		{ 8, B(0xf0, 0x03, 0x07), X86_DECODE_INVALID },		/* lock add register, memory */
		{ 8, B(0xf0, 0xaa), X86_DECODE_INVALID },
		{ 8, B(0x89, 0xc0), X86_DECODE_UNKNOWN },		/* no memory operand */
		{ 8, B(0xc7, 0x08, 0, 0, 0, 0), X86_DECODE_UNKNOWN },	/* C7 /1 */
		{ 8, B(0x0f, 0xba, 0x00, 0), X86_DECODE_UNKNOWN },	/* 0F BA /0 */
		{ 8, B(0xff, 0x20), X86_DECODE_UNKNOWN },		/* jmp [rax] */
		{ 8, B(0x0f, 0x28, 0x07), X86_DECODE_UNKNOWN },		/* movaps */
		{ 4, B(0x63, 0x07), X86_DECODE_UNKNOWN },		/* arpl */
		{ 8, B(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66),
		  X86_DECODE_TOO_LONG },
		{ 8, B(0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0xc7, 0x40, 0x10, 0x12),
		  X86_DECODE_TOO_LONG },
	};
	struct x86_insn in;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		enum x86_decode_result r = x86_decode(&in, bad[i].b, bad[i].n, bad[i].mode);

		if (r != bad[i].want)
			tap_fail(__FILE__, __LINE__, "row %zu: %d, not %d", i, r, bad[i].want);
	}
}

static void any_bytes_end_in_an_answer(void)
{
	static const u8 modes[3] = { 2, 4, 8 };

	for (unsigned long i = 0; i < tap_rounds(300000); i++) {
		unsigned int n = (unsigned int)tap_random_below(16);
		struct x86_insn in;
		u8 *b = host_alloc(n + !n);	/* so that reading past the end is noticed */

		for (unsigned int j = 0; j < n; j++)
			b[j] = (u8)tap_random();
		if (x86_decode(&in, b, n, modes[i % 3]) == X86_DECODE_OK) {
			CHECK(in.len && in.len <= n);
			CHECK(in.size == 1 || in.size == 2 || in.size == 4 || in.size == 8);
			CHECK(in.base == NONE || in.base < 16);
			CHECK(in.index == NONE || in.index < 16);
			CHECK(in.reg < 16 && in.scale < 4 && in.seg <= HVM_SEG_GS);
		}
		host_free(b);
	}
}

static const struct unit_case cases[] = {
	CASE(instructions_decode_as_the_manual_says),
	CASE(a_cut_instruction_asks_for_more),
	CASE(bad_instructions_are_refused),
	CASE(any_bytes_end_in_an_answer),
};
TAP_MAIN(cases, NULL);
