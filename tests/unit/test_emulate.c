/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Emulated instructions against the machine the test runs on: random ones are
 * executed by the CPU and by emulate.c on the same memory and registers, and
 * must leave the same. Guest-linear is host-virtual; every byte of data is
 * "device memory" that hvm_mmio() serves, or RAM, as the case chooses.
 */
#include <xen/lib.h>
#include <xen/softirq.h>
#include <xen/guest_access.h>
#include <asm/p2m.h>
#include <asm/processor.h>
#include "../../xen/arch/x86/hvm/platform.h"
#include "../../xen/arch/x86/hvm/decode.h"
#include "host/exec.h"
#include "host/tap.h"

#define DATA_BYTES 8192U
#define FLAGS_ARITH \
	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static struct {
	u8 *code, *data;		/* a page of code, then the data */
	bool data_is_ram, skipped, not_present_second;
	unsigned int mmio_count, retry_at;
	int exception;			/* vector, -1: none */
	u64 cr2;
	u32 pfec;
} m;

static struct domain dom;
static struct vcpu vc = { .domain = &dom };

/* ---- what emulate.c calls ---- */

DEFINE_PER_CPU(unsigned int, softirq_pending_bits);
struct page_info *host_frame_table;
unsigned long host_directmap;
static void get_segment(struct vcpu *v, enum hvm_seg seg, struct hvm_segment *out)
{
	*out = (struct hvm_segment){ .limit = ~0U, .attr = HVM_SEG_P | HVM_SEG_S | HVM_SEG_D | HVM_SEG_G | 3 };
}
static const struct hvm_ops ops = { .get_segment = get_segment };
const struct hvm_ops *hvm = &ops;

unsigned int hvm_guest_x86_mode(struct vcpu *v) { return 8; }
unsigned int hvm_get_cpl(struct vcpu *v) { return 0; }
void hvm_inject_exception(struct vcpu *v, u8 vector, s64 error) { m.exception = vector; }
void hvm_inject_page_fault(struct vcpu *v, u32 error, u64 cr2)
{
	m.exception = X86_EXC_PF;
	m.pfec = error;
	m.cr2 = cr2;
}
void hvm_skip_instruction(struct vcpu *v, unsigned int len)
{
	v->arch.regs.rip += len;
	m.skipped = true;
}
/* Always the long way. */
bool fetch_from_guest(struct vcpu *v, unsigned long gva, void *dst, size_t n) { return false; }
bool hvm_gva_to_gpa(struct vcpu *v, unsigned long gva, u32 access, u32 *pfec, gpa_t *gpa)
{
	*gpa = gva;
	*pfec = access;
	return !(m.not_present_second && gva >= (unsigned long)m.data + PAGE_SIZE);
}
struct page_info *get_page_from_gfn(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int flags)
{
	bool ram = gfn_to_gpa(gfn) == (unsigned long)m.code || m.data_is_ram;

	*t = ram ? p2m_ram_rw : p2m_invalid;
	return ram ? frame_table + gfn_x(gfn) : NULL;
}
struct p2m_frame p2m_find(const struct domain *d, gfn_t gfn)
{
	return (struct p2m_frame){ INVALID_MFN, p2m_invalid, 0 };
}
void put_page(struct page_info *p) {}
enum p2m_fault p2m_handle_fault(struct domain *d, gfn_t gfn, bool write, bool exec) { return P2M_FAULT_FIXED; }
void *ioremap(maddr_t ma, size_t len) { return NULL; }
void iounmap(void *v) {}
void domain_crash(struct domain *d, const char *fmt, ...) { m.exception = 1000; }
bool dom0_mmio_fault(struct domain *d, gfn_t gfn) { return false; }
bool hvm_mmio_next_trapped(struct domain *d, u64 start, u64 end, u64 *s, u64 *e) { return true; }
void ioreq_forget(struct vcpu *v) {}
void ioreq_note_mmio(struct vcpu *v, gpa_t gpa, unsigned long gla) {}

int hvm_mmio(struct vcpu *v, gpa_t gpa, unsigned int size, bool write, u64 *val)
{
	if (++m.mmio_count == m.retry_at)
		return HVM_IO_RETRY;
	CHECK(gpa >= (unsigned long)m.data && gpa + size <= (unsigned long)m.data + DATA_BYTES);
	if (write)
		memcpy((void *)gpa, val, size);
	else
		memcpy(val, (void *)gpa, size);
	return HVM_IO_OK;
}

/* ---- the machine's own execution ---- */

void run_native(struct guest_regs *r, const void *code);
__asm__(".text\n"
	".globl run_native\n"
	"run_native:\n"
	"	push %rbx\n push %rbp\n push %r12\n push %r13\n push %r14\n push %r15\n"
	"	mov %rdi, native_regs(%rip)\n"
	"	mov %rsi, native_code(%rip)\n"
	"	push 136(%rdi)\n popfq\n"
	"	mov 0(%rdi), %rax\n mov 8(%rdi), %rcx\n mov 16(%rdi), %rdx\n mov 24(%rdi), %rbx\n"
	"	mov 40(%rdi), %rbp\n mov 48(%rdi), %rsi\n"
	"	mov 64(%rdi), %r8\n mov 72(%rdi), %r9\n mov 80(%rdi), %r10\n mov 88(%rdi), %r11\n"
	"	mov 96(%rdi), %r12\n mov 104(%rdi), %r13\n mov 112(%rdi), %r14\n mov 120(%rdi), %r15\n"
	"	mov 56(%rdi), %rdi\n"
	"	call *native_code(%rip)\n"
	"	mov %rdi, native_rdi(%rip)\n"
	"	mov native_regs(%rip), %rdi\n"
	"	mov %rax, 0(%rdi)\n mov %rcx, 8(%rdi)\n mov %rdx, 16(%rdi)\n mov %rbx, 24(%rdi)\n"
	"	mov %rbp, 40(%rdi)\n mov %rsi, 48(%rdi)\n"
	"	mov %r8, 64(%rdi)\n mov %r9, 72(%rdi)\n mov %r10, 80(%rdi)\n mov %r11, 88(%rdi)\n"
	"	mov %r12, 96(%rdi)\n mov %r13, 104(%rdi)\n mov %r14, 112(%rdi)\n mov %r15, 120(%rdi)\n"
	"	pushfq\n pop %rax\n mov %rax, 136(%rdi)\n"
	"	mov native_rdi(%rip), %rax\n mov %rax, 56(%rdi)\n"
	"	cld\n"
	"	pop %r15\n pop %r14\n pop %r13\n pop %r12\n pop %rbp\n pop %rbx\n"
	"	ret\n"
	".data\n"
	"native_regs: .quad 0\n native_code: .quad 0\n native_rdi: .quad 0\n"
	".text\n");
_Static_assert(offsetof(struct guest_regs, rflags) == 136, "as the assembly above has it");

/* ---- random instructions ---- */

struct maker {
	u8 b[X86_INSN_MAX];
	unsigned int n;
	u8 reg;			/* reg field with REX.R */
	bool addr32;
};

static void put(struct maker *k, u64 v, unsigned int bytes)
{
	while (bytes--) {
		k->b[k->n++] = (u8)v;
		v >>= 8;
	}
}

static void random_regs(struct guest_regs *r)
{
	for (unsigned int i = 0; i < 16; i++)
		r->gpr[i] = tap_random() >> tap_random_below(64);
	r->rsp = 0;
	r->rflags = X86_EFLAGS_MBS | X86_EFLAGS_IF | (tap_random() & FLAGS_ARITH);
}

/* A register that holds part of the address: with 32-bit addresses its upper half is noise. */
static void set_pointer(struct maker *k, u64 *reg, u64 val)
{
	*reg = k->addr32 ? (tap_random() << 32) | (u32)val : val;
}

/* ModRM, SIB, displacement for an operand at addr; op_reg: the reg field. rex: where REX stands, negative: nowhere. */
static void put_modrm(struct maker *k, struct guest_regs *r, u8 op_reg, int rex, u64 addr)
{
	unsigned int mod = (unsigned int)tap_random_below(3), rm = (unsigned int)tap_random_below(8);
	unsigned int b = rex >= 0 && tap_random_below(2), x = rex >= 0 && tap_random_below(2);
	s64 disp = mod == 0 ? 0 : mod == 1 ? (s8)tap_random() : (s32)tap_random_below(4096) - 2048;
	unsigned int disp_bytes = mod == 0 ? 0 : mod == 1 ? 1 : 4;

	if (rex >= 0)
		k->b[rex] |= (u8)(b | x << 1);
	if (rm == 5 && mod == 0) {	/* RIP-relative: the caller says the address again when the length is known */
		put(k, 0x05 | (op_reg & 7) << 3, 1);
		put(k, 0xdeadbeef, 4);
		return;
	}
	put(k, mod << 6 | (op_reg & 7) << 3 | rm, 1);
	if (rm == 4) {
		unsigned int base = (unsigned int)tap_random_below(8), index = (unsigned int)tap_random_below(8);
		unsigned int scale = (unsigned int)tap_random_below(4);

		if (base == 4 && !b)
			base = 0;
		put(k, scale << 6 | index << 3 | base, 1);
		if ((index | x << 3) != 4) {
			u64 iv = tap_random_below(64);

			set_pointer(k, &r->gpr[index | x << 3], iv);
			addr -= iv << scale;
		}
		if (base == 5 && mod == 0) {
			put(k, addr, 4);
			return;
		}
		if ((index | x << 3) == (base | b << 3)) {	/* the same register twice: drop the index */
			k->b[k->n - 1] = (u8)(4 << 3 | base);
			if (x)
				k->b[rex] &= (u8)~2;
			addr += (u64)(u32)r->gpr[base | b << 3] << scale;
		}
		set_pointer(k, &r->gpr[base | b << 3], addr - (u64)disp);
	} else {
		set_pointer(k, &r->gpr[rm | b << 3], addr - (u64)disp);
	}
	put(k, (u64)disp, disp_bytes);
}

static bool has_rip_marker(const struct maker *k, unsigned int *at)
{
	for (unsigned int i = 0; i + 4 <= k->n; i++)
		if (!memcmp(k->b + i, "\xef\xbe\xad\xde", 4)) {
			*at = i;
			return true;
		}
	return false;
}

static const struct {
	u8 op[2];
	u8 kind;	/* 'r': reg operand; 'i': immediate of operand size; 'b': imm8; 'n': none; 'B': bit offset in reg */
	u8 ext;		/* reg field when it is part of the opcode: 0xff: free */
	bool byte, lockable;
} table[] = {
	{ { 0x88 }, 'r', 0xff, true, false }, { { 0x89 }, 'r', 0xff, false, false },
	{ { 0x8a }, 'r', 0xff, true, false }, { { 0x8b }, 'r', 0xff, false, false },
	{ { 0xc6 }, 'i', 0, true, false }, { { 0xc7 }, 'i', 0, false, false },
	{ { 0x84 }, 'r', 0xff, true, false }, { { 0x85 }, 'r', 0xff, false, false },
	{ { 0x86 }, 'r', 0xff, true, true }, { { 0x87 }, 'r', 0xff, false, true },
	{ { 0xf6 }, 'i', 0, true, false }, { { 0xf7 }, 'i', 0, false, false },
	{ { 0xf6 }, 'n', 2, true, true }, { { 0xf7 }, 'n', 2, false, true },
	{ { 0xf6 }, 'n', 3, true, true }, { { 0xf7 }, 'n', 3, false, true },
	{ { 0xfe }, 'n', 0, true, true }, { { 0xff }, 'n', 0, false, true },
	{ { 0xfe }, 'n', 1, true, true }, { { 0xff }, 'n', 1, false, true },
	{ { 0x63 }, 'r', 0xff, false, false },
	{ { 0x0f, 0xb6 }, 'r', 0xff, false, false }, { { 0x0f, 0xb7 }, 'r', 0xff, false, false },
	{ { 0x0f, 0xbe }, 'r', 0xff, false, false }, { { 0x0f, 0xbf }, 'r', 0xff, false, false },
	{ { 0x0f, 0xb0 }, 'r', 0xff, true, true }, { { 0x0f, 0xb1 }, 'r', 0xff, false, true },
	{ { 0x0f, 0xc0 }, 'r', 0xff, true, true }, { { 0x0f, 0xc1 }, 'r', 0xff, false, true },
	{ { 0x0f, 0xa3 }, 'B', 0xff, false, false }, { { 0x0f, 0xab }, 'B', 0xff, false, true },
	{ { 0x0f, 0xb3 }, 'B', 0xff, false, true }, { { 0x0f, 0xbb }, 'B', 0xff, false, true },
	{ { 0x0f, 0xba }, 'b', 4, false, false }, { { 0x0f, 0xba }, 'b', 5, false, true },
	{ { 0x0f, 0xba }, 'b', 6, false, true }, { { 0x0f, 0xba }, 'b', 7, false, true },
};

/* Prefixes and REX; returns where REX stands, or -1. */
static int put_prefixes(struct maker *k, bool lock, bool *op16, bool *wide)
{
	int at = -1;

	*op16 = !tap_random_below(4);
	k->addr32 = !tap_random_below(6);
	*wide = false;
	if (*op16)
		put(k, 0x66, 1);
	if (k->addr32)
		put(k, 0x67, 1);
	if (lock)
		put(k, 0xf0, 1);
	if (tap_random_below(2)) {
		at = (int)k->n;
		*wide = tap_random_below(2);
		put(k, 0x40 | (*wide ? 8 : 0), 1);
		if (*wide)
			*op16 = false;
	}
	return at;
}

static void make_plain(struct maker *k, struct guest_regs *r)
{
	/* The first 48: add … cmp in six forms, and group 1 with three. */
	unsigned int which = (unsigned int)tap_random_below(32 + 24 + ARRAY_SIZE(table));
	bool alu = which < 32, group = !alu && which < 56, op16, wide, byte, marker;
	unsigned int t = which - 56, rip_at, size, imm = 0;
	int rex;
	bool lock = !tap_random_below(5);
	u64 addr = (unsigned long)m.data + 2048 + tap_random_below(4096), span, bit_number;
	u8 op_reg = (u8)tap_random_below(8);
	u8 group_op[3] = { 0x80, 0x81, 0x83 };

	if (alu)
		lock = lock && !(which & 2) && (which >> 2) != 7;
	else if (group)
		lock = lock && (which & 7) != 7;
	else
		lock = lock && table[t].lockable;
	rex = put_prefixes(k, lock, &op16, &wide);
	byte = alu ? !(which & 1) : group ? (which - 32) / 8 == 0 : table[t].byte;
	size = byte ? 1 : wide ? 8 : op16 ? 2 : 4;
	if (!alu && !group && table[t].ext != 0xff)
		op_reg = table[t].ext;
	else if (group)
		op_reg = which & 7;
	else if (rex >= 0 && tap_random_below(2)) {
		k->b[rex] |= 4;
		op_reg |= 8;
	}
	/* RSP is the test's own. */
	if (op_reg == 4 && (alu || (!group && table[t].ext == 0xff)) && (!byte || rex >= 0))
		op_reg = 3;
	if (alu) {
		put(k, (which >> 2) << 3 | (which & 3), 1);
	} else if (group) {
		put(k, group_op[(which - 32) / 8], 1);
		imm = (which - 32) / 8 == 1 ? min(size, 4U) : 1;
	} else {
		put(k, table[t].op[0], 1);
		if (table[t].op[0] == 0x0f)
			put(k, table[t].op[1], 1);
		imm = table[t].kind == 'i' ? min(size, 4U) : table[t].kind == 'b';
	}
	if (!alu && !group && table[t].kind == 'B') {
		r->gpr[op_reg] = (u64)((s64)tap_random_below(8192) - 4096);
		/* Above the operand size the register is noise. */
		if (size < 8)
			r->gpr[op_reg] = (r->gpr[op_reg] & ((1ULL << 8 * size) - 1)) | tap_random() << 8 * size;
	}
	bit_number = r->gpr[op_reg];
	put_modrm(k, r, op_reg, rex, addr);
	if (!alu && !group && table[t].kind == 'B' && r->gpr[op_reg] != bit_number) {
		*k = (struct maker){ .n = 0 };	/* the register is part of the address: a bit far away */
		make_plain(k, r);
		return;
	}
	for (span = 0; span < imm; span++)
		put(k, tap_random() & 0x7f, 1);	/* no byte of the marker */
	marker = has_rip_marker(k, &rip_at);
	if (marker) {
		u64 end = (unsigned long)m.code + k->n;
		u32 disp = (u32)(addr - end);

		memcpy(k->b + rip_at, &disp, 4);
	}
}

static void make_string(struct maker *k, struct guest_regs *r)
{
	static const u8 opcodes[6] = { 0xa4, 0xa5, 0xaa, 0xab, 0xac, 0xad };
	bool rep = tap_random_below(2);

	k->addr32 = !tap_random_below(4);
	if (k->addr32)
		put(k, 0x67, 1);
	if (rep)
		put(k, 0xf2 + tap_random_below(2), 1);
	if (!tap_random_below(4))
		put(k, 0x66, 1);
	if (tap_random_below(2))
		put(k, 0x40 | (tap_random_below(2) << 3), 1);
	put(k, opcodes[tap_random_below(6)], 1);
	if (rep)
		set_pointer(k, &r->rcx, tap_random_below(100));
	set_pointer(k, &r->rsi, (unsigned long)m.data + 2048 + tap_random_below(4096));
	set_pointer(k, &r->rdi, (unsigned long)m.data + 2048 + tap_random_below(4096));
	if (tap_random_below(2))
		r->rflags |= X86_EFLAGS_DF;
}

static void make_moffs(struct maker *k, struct guest_regs *r)
{
	bool op16, wide;

	put_prefixes(k, false, &op16, &wide);
	put(k, 0xa0 + tap_random_below(4), 1);
	put(k, (unsigned long)m.data + 2048 + tap_random_below(4096), k->addr32 ? 4 : 8);
}

static void describe(const struct maker *k, char *text)
{
	for (unsigned int i = 0; i < k->n; i++)
		snprintf(text + 3 * i, 4, "%02x ", k->b[i]);
}

/* Arithmetic flags that the manual defines after the instruction. */
static u64 defined_flags(const struct maker *k)
{
	struct x86_insn in;

	CHECK_EQ(x86_decode(&in, k->b, k->n, 8), X86_DECODE_OK);
	switch (in.op) {
	case X86_OP_AND: case X86_OP_OR: case X86_OP_XOR: case X86_OP_TEST: return FLAGS_ARITH & ~X86_EFLAGS_AF;
	case X86_OP_BT: case X86_OP_BTS: case X86_OP_BTR: case X86_OP_BTC: return X86_EFLAGS_CF | X86_EFLAGS_ZF;
	default: return FLAGS_ARITH;
	}
}

/* Runs one instruction both ways. */
static void compare(const struct maker *k, const struct guest_regs *start)
{
	static u8 before[DATA_BYTES], native[DATA_BYTES];
	struct guest_regs nat = *start;
	char text[64];

	memcpy(m.code, k->b, k->n);
	m.code[k->n] = 0xc3;
	memcpy(before, m.data, DATA_BYTES);
	run_native(&nat, m.code);
	memcpy(native, m.data, DATA_BYTES);
	memcpy(m.data, before, DATA_BYTES);

	vc.arch.regs = *start;
	vc.arch.regs.rip = (unsigned long)m.code;
	m.skipped = false;
	m.exception = -1;
	hvm_emulate_mmio(&vc, (unsigned long)m.data, true, 0);
	describe(k, text);
	if (!m.skipped || vc.arch.regs.rip != (unsigned long)m.code + k->n)
		tap_fail(__FILE__, __LINE__, "%s: not carried out, exception %d", text, m.exception);
	if (memcmp(native, m.data, DATA_BYTES))
		tap_fail(__FILE__, __LINE__, "%s: memory differs", text);
	for (unsigned int i = 0; i < 16; i++)
		if (i != 4 && nat.gpr[i] != vc.arch.regs.gpr[i])
			tap_fail(__FILE__, __LINE__, "%s: register %u is %#llx, on the CPU %#llx", text, i,
				 (unsigned long long)vc.arch.regs.gpr[i], (unsigned long long)nat.gpr[i]);
	if ((nat.rflags ^ vc.arch.regs.rflags) & defined_flags(k))
		tap_fail(__FILE__, __LINE__, "%s: flags %#llx, on the CPU %#llx", text,
			 (unsigned long long)vc.arch.regs.rflags, (unsigned long long)nat.rflags);
}

static void fill_data(void)
{
	for (unsigned int i = 0; i < DATA_BYTES; i += 8) {
		u64 v = tap_random();

		memcpy(m.data + i, &v, 8);
	}
}

static void set_up(void)
{
	m.code = host_exec_memory(PAGE_SIZE + DATA_BYTES);
	m.data = m.code + PAGE_SIZE;
	host_percpu_init(1);
	fill_data();
}

static void compare_many(void (*make)(struct maker *, struct guest_regs *))
{
	for (unsigned long i = 0; i < tap_rounds(100000); i++) {
		struct maker k = { .n = 0 };
		struct guest_regs r;

		random_regs(&r);
		if (!(i & 255))
			fill_data();
		/* Half the exchanges shall find what they compare with. */
		r.rax = tap_random_below(2) ? *(u64 *)(m.data + 2048) : r.rax;
		m.data_is_ram = tap_random_below(2);
		make(&k, &r);
		compare(&k, &r);
	}
}

static void plain_instructions_do_what_the_cpu_does(void) { compare_many(make_plain); }
static void string_moves_do_what_the_cpu_does(void) { compare_many(make_string); }
static void absolute_moves_do_what_the_cpu_does(void) { compare_many(make_moffs); }

static void start(const u8 *code, unsigned int n)
{
	memcpy(m.code, code, n);
	vc.arch.regs = (struct guest_regs){ .rip = (unsigned long)m.code, .rflags = X86_EFLAGS_MBS };
	m.skipped = false;
	m.exception = -1;
	m.mmio_count = m.retry_at = 0;
}

static void exchange_that_fails_writes_nothing_to_a_register_before_memory(void)
{
	static const u8 xchg_rdi_eax[] = { 0x87, 0x07 };

	start(xchg_rdi_eax, sizeof(xchg_rdi_eax));
	vc.arch.regs.rdi = (unsigned long)m.data;
	vc.arch.regs.rax = 0x1234;
	m.retry_at = 2;			/* the write has to wait */
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK(!m.skipped);
	CHECK_EQ(vc.arch.regs.rax, 0x1234);
	CHECK_EQ(m.exception, -1);
}

static void access_over_a_page_end_faults_on_the_second_page_before_any_access(void)
{
	static const u8 mov_rdi_eax[] = { 0x89, 0x07 };

	start(mov_rdi_eax, sizeof(mov_rdi_eax));
	m.not_present_second = true;
	vc.arch.regs.rdi = (unsigned long)m.data + PAGE_SIZE - 2;
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK_EQ(m.exception, X86_EXC_PF);
	CHECK_EQ(m.cr2, (unsigned long)m.data + PAGE_SIZE);
	CHECK(m.pfec & PFEC_W);
	CHECK_EQ(m.mmio_count, 0);
	CHECK(!m.skipped);
	m.not_present_second = false;
}

static void a_string_move_checks_its_destination_before_it_reads_its_source(void)
{
	static const u8 movsd[] = { 0xa5 };

	start(movsd, sizeof(movsd));
	m.not_present_second = true;
	vc.arch.regs.rsi = (unsigned long)m.data;
	vc.arch.regs.rdi = (unsigned long)m.data + PAGE_SIZE;
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK_EQ(m.exception, X86_EXC_PF);
	CHECK_EQ(m.mmio_count, 0);
	CHECK_EQ(vc.arch.regs.rsi, (unsigned long)m.data);
}

static void a_repeated_move_stops_for_other_work_where_it_is(void)
{
	static const u8 rep_stosb[] = { 0xf3, 0xaa };

	start(rep_stosb, sizeof(rep_stosb));
	vc.arch.regs.rdi = (unsigned long)m.data;
	vc.arch.regs.rcx = 100;
	this_cpu(softirq_pending_bits) = 1;
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK(!m.skipped);
	CHECK_EQ(vc.arch.regs.rcx, 99);
	CHECK_EQ(vc.arch.regs.rdi, (unsigned long)m.data + 1);
	this_cpu(softirq_pending_bits) = 0;
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK(m.skipped);
	CHECK_EQ(vc.arch.regs.rcx, 0);
}

static void non_canonical_and_unknown_raise_what_the_cpu_raises(void)
{
	static const u8 mov_rdi_eax[] = { 0x89, 0x07 }, mov_rbp_eax[] = { 0x89, 0x45, 0x00 };
	static const u8 movaps[] = { 0x0f, 0x29, 0x07 };

	start(mov_rdi_eax, sizeof(mov_rdi_eax));
	vc.arch.regs.rdi = 0x800000000000ULL;
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK_EQ(m.exception, X86_EXC_GP);
	start(mov_rbp_eax, sizeof(mov_rbp_eax));
	vc.arch.regs.rbp = 0x800000000000ULL;
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK_EQ(m.exception, X86_EXC_SS);
	start(movaps, sizeof(movaps));
	hvm_emulate_mmio(&vc, 0, true, 0);
	CHECK_EQ(m.exception, X86_EXC_UD);
}

static const struct unit_case cases[] = {
	CASE(plain_instructions_do_what_the_cpu_does),
	CASE(string_moves_do_what_the_cpu_does),
	CASE(absolute_moves_do_what_the_cpu_does),
	CASE(exchange_that_fails_writes_nothing_to_a_register_before_memory),
	CASE(access_over_a_page_end_faults_on_the_second_page_before_any_access),
	CASE(a_string_move_checks_its_destination_before_it_reads_its_source),
	CASE(a_repeated_move_stops_for_other_work_where_it_is),
	CASE(non_canonical_and_unknown_raise_what_the_cpu_raises),
};
TAP_MAIN(cases, set_up);
