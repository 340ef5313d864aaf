/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carries out instructions on emulated memory: fetches and decodes the one at
 * RIP, forms its address, moves the data. Another vCPU may have changed the
 * instruction or the page tables since the access that exited, so everything is
 * checked again; nothing of the exit is trusted but the page it names.
 */
#include <xen/guest_access.h>
#include <xen/lib.h>
#include <asm/apic.h>
#include <asm/io.h>
#include <asm/p2m.h>
#include <asm/processor.h>
#include "alu.h"
#include "platform.h"

/* The access that exited, so that its translation need not be found again. */
struct fault {
	gpa_t gpa;
	unsigned long gla;
};

void hvm_write_reg(u64 *reg, u64 val, unsigned int size)
{
	u64 mask = hvm_size_mask(size);

	if (size == 4)
		*reg = (u32)val;
	else
		*reg = (*reg & ~mask) | (val & mask);
}

/* ---- guest-physical ---- */

/* Naturally sized moves are single accesses, as other vCPUs and devices expect. */
static void copy_sized(void *dst, const void *src, unsigned int n)
{
	switch (n) {
	case 1:
		*(volatile u8 *)dst = *(const volatile u8 *)src;
		break;
	case 2:
		*(volatile u16 *)dst = *(const volatile u16 *)src;
		break;
	case 4:
		*(volatile u32 *)dst = *(const volatile u32 *)src;
		break;
	case 8:
		*(volatile u64 *)dst = *(const volatile u64 *)src;
		break;
	default:
		memcpy(dst, src, n);
		break;
	}
}

static bool type_is_writable(enum p2m_type t)
{
	return t == p2m_ram_rw || t == p2m_ram_logdirty || t == p2m_foreign || t == p2m_grant_rw;
}

/* A page of RAM, referenced by the caller. Writes to what is read-only are dropped. */
static void ram_rw(struct vcpu *v, struct page_info *page, enum p2m_type t, gpa_t gpa, void *buf,
		   unsigned int n, bool write)
{
	u8 *at = (u8 *)page_to_virt(page) + (gpa & ~PAGE_MASK);

	if (!write) {
		copy_sized(buf, at, n);
		return;
	}
	if (!type_is_writable(t))
		return;
	if (t == p2m_ram_logdirty)
		p2m_handle_fault(v->domain, gpa_to_gfn(gpa), true, false);
	copy_sized(at, buf, n);
}

/* Device memory the guest has mapped, met as the other operand of an emulated instruction. */
static void direct_rw(mfn_t mfn, gpa_t gpa, void *buf, unsigned int n, bool write)
{
	u8 *page = ioremap(mfn_to_maddr(mfn), PAGE_SIZE), *at;

	if (!page) {
		if (!write)
			memset(buf, 0xff, n);
		return;
	}
	at = page + (gpa & ~PAGE_MASK);
	copy_sized(write ? (void *)at : buf, write ? buf : (void *)at, n);
	iounmap(page);
}

/* Emulated memory: in pieces of 1, 2, 4 or 8 bytes. */
static enum hvm_rw mmio_rw(struct vcpu *v, gpa_t gpa, void *buf, unsigned int n, bool write)
{
	u8 *p = buf;

	while (n) {
		unsigned int size = n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
		u64 val = 0;

		if (write)
			memcpy(&val, p, size);
		if (hvm_mmio(v, gpa, size, write, &val) == HVM_IO_RETRY)
			return HVM_RW_RETRY;
		if (!write)
			memcpy(p, &val, size);
		p += size;
		gpa += size;
		n -= size;
	}
	return HVM_RW_OK;
}

/* n bytes within one page of v's guest-physical space, whatever is there. */
static enum hvm_rw physical_rw(struct vcpu *v, gpa_t gpa, void *buf, unsigned int n, bool write)
{
	struct page_info *page;
	enum p2m_type t;
	mfn_t mfn;

	if ((gpa & PAGE_MASK) == APIC_DEFAULT_BASE) /* by far the most frequent: nothing is ever mapped there */
		return mmio_rw(v, gpa, buf, n, write);
	page = get_page_from_gfn(v->domain, gpa_to_gfn(gpa), &t, P2M_ALLOC);
	if (page) {
		ram_rw(v, page, t, gpa, buf, n, write);
		put_page(page);
		return HVM_RW_OK;
	}
	if (t == p2m_mmio_direct) {
		mfn = p2m_lookup(v->domain, gpa_to_gfn(gpa), &t, NULL);
		if (t == p2m_mmio_direct && !mfn_eq(mfn, INVALID_MFN)) {
			direct_rw(mfn, gpa, buf, n, write);
			return HVM_RW_OK;
		}
	}
	return mmio_rw(v, gpa, buf, n, write);
}

/* ---- linear ---- */

/* Guest-physical addresses of the one or two pages of an access; false: #PF has been injected. */
static bool translate(struct vcpu *v, unsigned long gva, unsigned int n, u32 access, gpa_t gpa[2])
{
	unsigned long page2 = (gva + n - 1) & PAGE_MASK;
	u32 pfec = 0;

	if (!hvm_gva_to_gpa(v, gva, access, &pfec, &gpa[0])) {
		hvm_inject_page_fault(v, pfec, gva);
		return false;
	}
	if (page2 != (gva & PAGE_MASK) && !hvm_gva_to_gpa(v, page2, access, &pfec, &gpa[1])) {
		hvm_inject_page_fault(v, pfec, page2);
		return false;
	}
	return true;
}

enum hvm_rw hvm_linear_rw(struct vcpu *v, unsigned long gva, void *buf, unsigned int n, bool write, u32 access)
{
	unsigned int first = min_t(unsigned int, n, PAGE_SIZE - (gva & ~PAGE_MASK));
	enum hvm_rw rc;
	gpa_t gpa[2];

	if (!translate(v, gva, n, access | (write ? PFEC_W : 0), gpa))
		return HVM_RW_FAULT;
	rc = physical_rw(v, gpa[0], buf, first, write);
	if (rc == HVM_RW_OK && first < n)
		rc = physical_rw(v, gpa[1], (u8 *)buf + first, n - first, write);
	return rc;
}

static bool segment_allows(const struct hvm_segment *s, u64 offset, unsigned int n, bool write)
{
	bool code = s->attr & 8;

	if (s->attr & HVM_SEG_UNUSABLE)
		return false;
	if (write ? code || !(s->attr & 2) : code && !(s->attr & 2))
		return false;
	if (!code && (s->attr & 4)) /* expand-down: valid above the limit */
		return offset > s->limit && offset + n - 1 <= (s->attr & HVM_SEG_D ? 0xffffffffULL : 0xffff);
	return offset + n - 1 <= s->limit;
}

bool hvm_linear_address(struct vcpu *v, enum hvm_seg seg, u64 offset, unsigned int n, bool write,
			unsigned int addr_size, unsigned long *gva)
{
	struct hvm_segment s;
	unsigned int unused;

	offset &= hvm_size_mask(addr_size);
	if (hvm_guest_x86_mode(v) == 8) {
		*gva = offset;
		if (seg == HVM_SEG_FS || seg == HVM_SEG_GS) {
			hvm->get_segment(v, seg, &s);
			*gva += s.base;
		}
		unused = v->arch.hvm.cr4 & X86_CR4_LA57 ? 7 : 16;
		if ((s64)(*gva << unused) >> unused == (s64)*gva)
			return true;
	} else {
		hvm->get_segment(v, seg, &s);
		*gva = (u32)(s.base + offset);
		if (segment_allows(&s, offset, n, write))
			return true;
	}
	hvm_inject_exception(v, seg == HVM_SEG_SS ? X86_EXC_SS : X86_EXC_GP, 0);
	return false;
}

/* ---- instruction ---- */

static u32 user_access(struct vcpu *v) { return hvm_get_cpl(v) == 3 ? PFEC_U : 0; }

/* Up to n bytes of code at gva, all in one page. How many; 0 with *injected: there was a page fault. */
static unsigned int fetch_bytes(struct vcpu *v, unsigned long gva, u8 *buf, unsigned int n, bool *injected)
{
	unsigned int here = min_t(unsigned int, n, PAGE_SIZE - (gva & ~PAGE_MASK));
	struct page_info *page;
	enum p2m_type t;
	u32 pfec = 0;
	gpa_t gpa;

	*injected = false;
	if (likely(fetch_from_guest(v, gva, buf, here)))
		return here;
	if (!hvm_gva_to_gpa(v, gva, PFEC_I | user_access(v), &pfec, &gpa)) {
		hvm_inject_page_fault(v, pfec, gva);
		*injected = true;
		return 0;
	}
	page = get_page_from_gfn(v->domain, gpa_to_gfn(gpa), &t, P2M_ALLOC);
	if (!page)
		return 0;
	memcpy(buf, (u8 *)page_to_virt(page) + (gpa & ~PAGE_MASK), here);
	put_page(page);
	return here;
}

/* Fetches as much as the instruction has and decodes it. False: an exception has been injected. */
static bool fetch_and_decode(struct vcpu *v, struct x86_insn *in)
{
	unsigned int mode = hvm_guest_x86_mode(v), have;
	unsigned long gva = v->arch.regs.rip;
	enum x86_decode_result r = X86_DECODE_UNKNOWN;
	struct hvm_segment cs;
	u8 bytes[X86_INSN_MAX] = { 0 };
	bool injected;

	if (mode != 8) {
		hvm->get_segment(v, HVM_SEG_CS, &cs);
		gva = (u32)(cs.base + gva);
	}
	have = fetch_bytes(v, gva, bytes, sizeof(bytes), &injected);
	if (have)
		r = x86_decode(in, bytes, have, mode);
	if (r == X86_DECODE_MORE && have < sizeof(bytes)) {
		unsigned int more = fetch_bytes(v, gva + have, bytes + have, sizeof(bytes) - have, &injected);

		r = more ? x86_decode(in, bytes, have + more, mode) : X86_DECODE_UNKNOWN;
	}
	if (r == X86_DECODE_OK)
		return true;
	if (injected)
		return false;
	if (r == X86_DECODE_TOO_LONG) {
		hvm_inject_exception(v, X86_EXC_GP, 0);
		return false;
	}
	if (r != X86_DECODE_INVALID)
		gprintk(XENLOG_G_WARNING "access to emulated memory by an instruction that is not emulated: "
					 "%02x %02x %02x %02x %02x %02x %02x %02x at %#lx\n",
			bytes[0], bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7], gva);
	hvm_inject_exception(v, X86_EXC_UD, -1);
	return false;
}

static u64 read_operand_reg(const struct vcpu *v, const struct x86_insn *in)
{
	return v->arch.regs.gpr[in->reg] >> (in->high_byte ? 8 : 0) & hvm_size_mask(in->reg_size);
}

static void write_operand_reg(struct vcpu *v, const struct x86_insn *in, u64 val)
{
	u64 *reg = &v->arch.regs.gpr[in->reg];

	if (in->high_byte)
		*reg = (*reg & ~0xff00ULL) | (val & 0xff) << 8;
	else
		hvm_write_reg(reg, val, in->reg_size);
}

static u64 effective_address(const struct vcpu *v, const struct x86_insn *in)
{
	const u64 *gpr = v->arch.regs.gpr;
	u64 ea = (u64)in->disp;

	if (in->base != X86_NO_REG)
		ea += gpr[in->base];
	if (in->index != X86_NO_REG)
		ea += gpr[in->index] << in->scale;
	if (in->rip_relative)
		ea += v->arch.regs.rip + in->len;
	/* A bit number in a register reaches beyond the operand; one in an immediate does not. */
	if (in->form == X86_MEM_REG && in->op >= X86_OP_BT && in->op <= X86_OP_BTC) {
		s64 bit = (s64)(gpr[in->reg] << (64 - 8 * in->size)) >> (64 - 8 * in->size);

		ea += (u64)((bit >> (in->size == 8 ? 6 : in->size == 4 ? 5 : 4)) * in->size);
	}
	return ea;
}

/* The memory operand; the kernel's own access needs no second walk. */
static enum hvm_rw operand_rw(struct vcpu *v, const struct fault *f, unsigned long gva, u64 *val,
			      unsigned int n, bool write, u32 access)
{
	if (gva == f->gla && !access && (gva & ~PAGE_MASK) + n <= PAGE_SIZE)
		return physical_rw(v, (f->gpa & PAGE_MASK) | (gva & ~PAGE_MASK), val, n, write);
	return hvm_linear_rw(v, gva, val, n, write, access);
}

static bool op_writes_memory(const struct x86_insn *in)
{
	return in->form != X86_REG_MEM && in->op != X86_OP_CMP && in->op != X86_OP_TEST && in->op != X86_OP_BT;
}

/* register op= memory */
static void finish_load(struct vcpu *v, const struct x86_insn *in, u64 mem)
{
	u64 r;

	switch (in->op) {
	case X86_OP_MOVSX:
		mem = (u64)((s64)(mem << (64 - 8 * in->size)) >> (64 - 8 * in->size));
		fallthrough;
	case X86_OP_MOV:
	case X86_OP_MOVZX:
		write_operand_reg(v, in, mem);
		break;
	default:
		r = x86_alu(in->op, in->size, read_operand_reg(v, in), mem, &v->arch.regs.rflags);
		if (in->op != X86_OP_CMP)
			write_operand_reg(v, in, r);
		break;
	}
}

/* memory op= register, immediate, or nothing. Registers and flags change only once memory has. */
static enum hvm_rw do_store(struct vcpu *v, const struct x86_insn *in, const struct fault *f,
			    unsigned long gva, u32 access)
{
	u64 flags = v->arch.regs.rflags, mem = 0, result;
	u64 src = in->form == X86_MEM_IMM ? in->imm : in->form == X86_MEM_REG ? read_operand_reg(v, in) : 0;
	bool write = op_writes_memory(in), equal = true;
	enum hvm_rw rc;

	if (in->op != X86_OP_MOV) {
		/* A read that a write follows needs the right to write: it may have effects. */
		rc = operand_rw(v, f, gva, &mem, in->size, false, access | (write && access ? PFEC_W : 0));
		if (rc != HVM_RW_OK)
			return rc;
	}
	if (in->op == X86_OP_CMPXCHG) {
		x86_alu(X86_OP_CMP, in->size, v->arch.regs.rax, mem, &flags);
		equal = flags & X86_EFLAGS_ZF;
		result = equal ? src : mem;
	} else {
		result = x86_alu(in->op, in->size, mem, src, &flags);
	}
	if (write) {
		rc = operand_rw(v, f, gva, &result, in->size, true, access);
		if (rc != HVM_RW_OK)
			return rc;
	}
	v->arch.regs.rflags = flags;
	if (in->op == X86_OP_XCHG || in->op == X86_OP_XADD)
		write_operand_reg(v, in, mem);
	else if (!equal)
		hvm_write_reg(&v->arch.regs.rax, mem, in->size);
	return HVM_RW_OK;
}

static enum hvm_rw do_plain(struct vcpu *v, const struct x86_insn *in, const struct fault *f)
{
	u32 access = user_access(v);
	unsigned long gva;
	enum hvm_rw rc;
	u64 mem = 0;

	if (!hvm_linear_address(v, (enum hvm_seg)in->seg, effective_address(v, in), in->size,
				op_writes_memory(in), in->addr_size, &gva))
		return HVM_RW_FAULT;
	if (in->form != X86_REG_MEM)
		return do_store(v, in, f, gva, access);
	rc = operand_rw(v, f, gva, &mem, in->size, false, access);
	if (rc == HVM_RW_OK)
		finish_load(v, in, mem);
	return rc;
}

/* ---- string moves ---- */

static void step_index(struct vcpu *v, u64 *reg, const struct x86_insn *in)
{
	u64 step = v->arch.regs.rflags & X86_EFLAGS_DF ? -(u64)in->size : in->size;

	hvm_write_reg(reg, *reg + step, in->addr_size);
}

static enum hvm_rw string_element(struct vcpu *v, const struct x86_insn *in, const struct fault *f)
{
	struct guest_regs *r = &v->arch.regs;
	bool load = in->op != X86_OP_STOS, store = in->op != X86_OP_LODS;
	unsigned long src = 0, dst = 0;
	u32 access = user_access(v), pfec;
	u64 val = r->rax;
	enum hvm_rw rc;
	gpa_t gpa;

	if (load && !hvm_linear_address(v, (enum hvm_seg)in->seg, r->rsi, in->size, false, in->addr_size, &src))
		return HVM_RW_FAULT;
	if (store && !hvm_linear_address(v, HVM_SEG_ES, r->rdi, in->size, true, in->addr_size, &dst))
		return HVM_RW_FAULT;
	/* A fault on the destination must come before the source is read: reading may have effects. */
	if (load && store && !hvm_gva_to_gpa(v, dst, access | PFEC_W, &pfec, &gpa)) {
		hvm_inject_page_fault(v, pfec, dst);
		return HVM_RW_FAULT;
	}
	if (load) {
		rc = operand_rw(v, f, src, &val, in->size, false, access);
		if (rc != HVM_RW_OK)
			return rc;
	}
	if (store) {
		rc = operand_rw(v, f, dst, &val, in->size, true, access);
		if (rc != HVM_RW_OK)
			return rc;
		step_index(v, &r->rdi, in);
	} else {
		hvm_write_reg(&r->rax, val, in->size);
	}
	if (load)
		step_index(v, &r->rsi, in);
	return HVM_RW_OK;
}

/* HVM_RW_RETRY also when other work waits: the registers say where to go on. */
static enum hvm_rw do_string(struct vcpu *v, const struct x86_insn *in, const struct fault *f)
{
	struct guest_regs *r = &v->arch.regs;
	u64 mask = hvm_size_mask(in->addr_size);
	enum hvm_rw rc;

	if (!in->rep)
		return string_element(v, in, f);
	while (r->rcx & mask) {
		rc = string_element(v, in, f);
		if (rc != HVM_RW_OK)
			return rc;
		ioreq_forget(v);
		hvm_write_reg(&r->rcx, r->rcx - 1, in->addr_size);
		if ((r->rcx & mask) && hypercall_preempt_check())
			return HVM_RW_RETRY;
	}
	return HVM_RW_OK;
}

/* Device memory of the machine that dom0 has not used yet is mapped, unless something is emulated there. */
static bool mapped_on_demand(struct domain *d, gpa_t gpa)
{
	u64 page = gpa & PAGE_MASK, s, e;

	if (!d->is_privileged || page == APIC_DEFAULT_BASE ||
	    hvm_mmio_next_trapped(d, page, page + PAGE_SIZE, &s, &e))
		return false;
	return dom0_mmio_fault(d, gpa_to_gfn(gpa));
}

/*
 * gpa_valid_for_gla: the access was to linear address gla itself, not one of the CPU's own to a page table.
 * On return the instruction is done, or an exception is pending, or v runs it again.
 */
void hvm_emulate_mmio(struct vcpu *v, gpa_t gpa, bool gpa_valid_for_gla, unsigned long gla)
{
	struct fault f = { .gpa = gpa, .gla = gla };
	struct x86_insn in;
	enum hvm_rw rc;

	if (mapped_on_demand(v->domain, gpa))
		return;
	/* The CPU itself walked a page table, or was delivering an event (which is pending again). */
	if (!gpa_valid_for_gla || v->arch.hvm.event.pending) {
		domain_crash(v->domain, "%pv: page table or event delivery in unbacked memory at %#lx", v,
			     (unsigned long)gpa);
		return;
	}
	if (!fetch_and_decode(v, &in)) {
		ioreq_forget(v);
		return;
	}
	rc = in.form == X86_STRING ? do_string(v, &in, &f) : do_plain(v, &in, &f);
	if (rc == HVM_RW_OK)
		hvm_skip_instruction(v, in.len);
	if (rc != HVM_RW_RETRY)
		ioreq_forget(v);
	else if (v->arch.hvm.io)
		ioreq_note_mmio(v, gpa, gla);
}
