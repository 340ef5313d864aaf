/* SPDX-License-Identifier: GPL-2.0-only */
/* The HVM context of a guest: its records, taken, changed, put back; and records that can not be. */
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include <xen/hvm/save.h>
#include "errors.h"
#include "peer.h"

#define PAGES 4u
#define SIZE  (PAGES * PAGE_SIZE)

static uint8_t *buf; /* a context */
static uint32_t used; /* bytes of it */

static long transfer(uint32_t cmd, domid_t dom, uint32_t *size)
{
	struct xen_domctl op = { .cmd = cmd, .domain = dom };
	long rc;

	op.u.hvmcontext.size = *size;
	set_xen_guest_handle(op.u.hvmcontext.buffer, buf);
	rc = hc_domctl(&op);
	*size = op.u.hvmcontext.size;
	return rc;
}

static long partial(domid_t dom, uint32_t type, uint32_t instance, void *to, uint64_t *size)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_gethvmcontext_partial, .domain = dom };
	long rc;

	op.u.hvmcontext_partial.type = type;
	op.u.hvmcontext_partial.instance = instance;
	op.u.hvmcontext_partial.bufsz = *size;
	set_xen_guest_handle(op.u.hvmcontext_partial.buffer, (uint8_t *)to);
	rc = hc_domctl(&op);
	*size = op.u.hvmcontext_partial.bufsz;
	return rc;
}

/* The peer's context, with the peer paused; false when that fails. */
static bool take(void)
{
	if (!CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_pausedomain), 0))
		return false;
	used = SIZE;
	return CHECK_EQ(transfer(XEN_DOMCTL_gethvmcontext, peer.id, &used), 0);
}

static long put(void)
{
	uint32_t size = used;

	return transfer(XEN_DOMCTL_sethvmcontext, peer.id, &size);
}

static void let_run(void) { CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_unpausedomain), 0); }

static struct hvm_save_descriptor *find(uint16_t code)
{
	struct hvm_save_descriptor *d = (void *)buf;

	while (d->typecode && d->typecode != code)
		d = (void *)((uint8_t *)(d + 1) + d->length);
	return d->typecode == code ? d : NULL;
}

#define BODY(name) ((HVM_SAVE_TYPE(name) *)(find(HVM_SAVE_CODE(name)) + 1))

static long plus_one(uint64_t a, uint64_t b __unused, uint64_t c __unused) { return (long)a + 1; }

static void records(void)
{
	static const struct {
		uint16_t code;
		uint32_t size;
	} must[] = {
		{ HVM_SAVE_CODE(HEADER), sizeof(struct hvm_save_header) },
		{ HVM_SAVE_CODE(CPU), sizeof(struct hvm_hw_cpu) },
		{ HVM_SAVE_CODE(LAPIC), sizeof(struct hvm_hw_lapic) },
		{ HVM_SAVE_CODE(LAPIC_REGS), sizeof(struct hvm_hw_lapic_regs) },
		{ HVM_SAVE_CODE(MTRR), sizeof(struct hvm_hw_mtrr) },
		{ HVM_SAVE_CODE(TSC_ADJUST), sizeof(struct hvm_tsc_adjust) },
	};
	unsigned int i;

	if (!take())
		return;
	for (i = 0; i < ARRAY_SIZE(must); i++) {
		struct hvm_save_descriptor *d = find(must[i].code);

		if (!CHECK(d != NULL) || !CHECK_EQ(d->length, must[i].size) || !CHECK_EQ(d->instance, 0))
			tap_note("record %u", must[i].code);
	}
	CHECK_EQ(((struct hvm_save_descriptor *)buf)->typecode, HVM_SAVE_CODE(HEADER));
	let_run();
}

/* Registers that do not matter to a guest in its idle loop's halt: changed, read back, put back. */
static void set_and_get(void)
{
	struct hvm_hw_cpu *c, old;

	if (!take())
		return;
	c = BODY(CPU);
	old = *c;
	c->rax = 0x1111111111111111;
	c->r15 = 0x2222222222222222;
	c->rsp = 0x888888888888;
	c->cr2 = 0x333333333333;
	c->dr0 = 0x444444444444;
	c->dr3 = 0x555555555555;
	c->shadow_gs = 0x666666666666;
	c->msr_lstar = 0x777777777777;
	c->sysenter_esp = 0x123456;
	c->fs_base = 0x654321;
	CHECK_EQ(put(), 0);
	used = SIZE;
	CHECK_EQ(transfer(XEN_DOMCTL_gethvmcontext, peer.id, &used), 0);
	CHECK_EQ(c->rax, 0x1111111111111111);
	CHECK_EQ(c->r15, 0x2222222222222222);
	CHECK_EQ(c->rsp, 0x888888888888);
	CHECK_EQ(c->cr2, 0x333333333333);
	CHECK_EQ(c->dr0, 0x444444444444);
	CHECK_EQ(c->dr3, 0x555555555555);
	CHECK_EQ(c->shadow_gs, 0x666666666666);
	CHECK_EQ(c->msr_lstar, 0x777777777777);
	CHECK_EQ(c->sysenter_esp, 0x123456);
	CHECK_EQ(c->fs_base, 0x654321);
	CHECK_EQ(c->rip, old.rip);
	CHECK_EQ(c->cr3, old.cr3);
	*c = old;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(plus_one, 7, 0, 0), 8);
}

static long wait_for_register(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	uint64_t value = 0;

	__asm__ volatile("mov $0, %%r12\n"
			 "1: pause\n"
			 "test %%r12, %%r12\n"
			 "jz 1b\n"
			 "mov %%r12, %0\n"
			 : "=r"(value)
			 :
			 : "r12");
	return (long)value;
}

/* A register set from outside ends the guest's loop. */
static void the_guest_goes_on_with_it(void)
{
	guest_ask(&peer, wait_for_register, 0, 0, 0);
	CHECK_EQ(guest_reply(&peer, 10), GUEST_NO_REPLY);
	if (!take())
		return;
	BODY(CPU)->r12 = 0x4242;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(guest_reply(&peer, 1000), 0x4242);
}

static long read_tpr(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	return ((volatile uint32_t *)0xfee00000ul)[0x80 / 4];
}

static void lapic_registers(void)
{
	if (!take())
		return;
	((uint32_t *)BODY(LAPIC_REGS)->data)[0x80 / 4] = 0x10;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(read_tpr, 0, 0, 0), 0x10);
	if (!take())
		return;
	((uint32_t *)BODY(LAPIC_REGS)->data)[0x80 / 4] = 0;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(read_tpr, 0, 0, 0), 0);
}

static long read_pat(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	return (long)rdmsr(MSR_PAT);
}

static void mtrr_and_pat(void)
{
	uint64_t old;

	if (!take())
		return;
	old = BODY(MTRR)->msr_pat_cr;
	BODY(MTRR)->msr_pat_cr = 0x0606060606060606;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(read_pat, 0, 0, 0), 0x0606060606060606);
	if (!take())
		return;
	BODY(MTRR)->msr_pat_cr = old;
	CHECK_EQ(put(), 0);
	let_run();
}

/* One field of a record that can not be so: all of it is refused, and the guest goes on. */
struct bad_field {
	const char *what;
	uint16_t code, offset, width;
	uint64_t value;
};

#define FIELD(name, field, value)                                                     \
	{                                                                             \
		#name "." #field, HVM_SAVE_CODE(name),                                \
			(uint16_t)offsetof(HVM_SAVE_TYPE(name), field),               \
			(uint16_t)sizeof(((HVM_SAVE_TYPE(name) *)0)->field), value    \
	}

static const struct bad_field bad_fields[] = {
	FIELD(CPU, cr0, CR0_PG | CR0_ET),
	FIELD(CPU, cr0, 1ull << 40 | CR0_PE | CR0_PG | CR0_ET | CR0_NE),
	FIELD(CPU, cr0, CR0_PE | CR0_PG | CR0_NE),
	FIELD(CPU, cr4, 1ull << 50 | CR4_PAE),
	FIELD(CPU, msr_efer, 1ull << 50 | EFER_LME | EFER_LMA),
	FIELD(CPU, flags, 0x80),
	FIELD(HEADER, magic, 0),
};

static void bad_values(void)
{
	unsigned int i;

	if (!take())
		return;
	for (i = 0; i < ARRAY_SIZE(bad_fields); i++) {
		const struct bad_field *b = &bad_fields[i];
		uint8_t *at = (uint8_t *)(find(b->code) + 1) + b->offset;
		uint64_t old;

		memcpy(&old, at, b->width);
		memcpy(at, &b->value, b->width);
		if (!CHECK(put() < 0))
			tap_note("%s", b->what);
		memcpy(at, &old, b->width);
	}
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(plus_one, 1, 0, 0), 2);
}

static void bad_memory_types(void)
{
	uint64_t old;

	if (!take())
		return;
	old = BODY(MTRR)->msr_pat_cr;
	BODY(MTRR)->msr_pat_cr = 0x0202020202020202;
	CHECK_HV(put() < 0, 0, 1);
	BODY(MTRR)->msr_pat_cr = old;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(read_pat, 0, 0, 0), old);
}

static void bad_descriptors(void)
{
	struct hvm_save_descriptor *cpu, old;

	if (!take())
		return;
	cpu = find(HVM_SAVE_CODE(CPU));
	old = *cpu;
	cpu->typecode = 200;
	CHECK_EQ(put(), -EINVAL);
	*cpu = old;
	cpu->instance = 77;
	CHECK_EQ(put(), -EINVAL);
	*cpu = old;
	cpu->length -= 8;
	CHECK(put() < 0);
	cpu->length = 0xfffffff0;
	CHECK(put() < 0);
	*cpu = old;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(plus_one, 1, 0, 0), 2);
}

/* A context that stops before its end mark. */
static void cut_short(void)
{
	uint32_t whole, cut;

	if (!take())
		return;
	whole = used;
	for (cut = 8; cut < whole; cut += whole / 5) {
		used = whole - cut;
		if (!CHECK(put() < 0))
			tap_note("%u of %u bytes", used, whole);
	}
	used = whole;
	CHECK_EQ(put(), 0);
	let_run();
	CHECK_EQ(PEER_CALL(plus_one, 1, 0, 0), 2);
}

static void one_record(void)
{
	struct hvm_hw_mtrr *mtrr = page_alloc();
	uint64_t size = PAGE_SIZE;

	CHECK_EQ(partial(peer.id, HVM_SAVE_CODE(MTRR), 0, mtrr, &size), 0);
	CHECK_EQ(size, sizeof(*mtrr));
	CHECK_EQ(mtrr->msr_mtrr_def_type, 0x806);
	size = 8;
	CHECK(partial(peer.id, HVM_SAVE_CODE(MTRR), 0, mtrr, &size) < 0);
	size = PAGE_SIZE;
	CHECK_EQ(partial(peer.id, HVM_SAVE_CODE(MTRR), 99, mtrr, &size), -ENOENT);
	size = PAGE_SIZE;
	CHECK_EQ(partial(peer.id, 250, 0, mtrr, &size), -EINVAL);
	size = PAGE_SIZE;
	CHECK_EQ(partial(peer.id, HVM_SAVE_CODE(CPU), 0, BAD_PTR, &size), -EFAULT);
	page_free(mtrr);
}

static void of_oneself(void)
{
	uint32_t size = SIZE;

	CHECK_EQ(transfer(XEN_DOMCTL_gethvmcontext, 0, &size), -EINVAL);
	size = used;
	CHECK_EQ(transfer(XEN_DOMCTL_sethvmcontext, 0, &size), -EINVAL);
	size = SIZE;
	CHECK_EQ(transfer(XEN_DOMCTL_gethvmcontext, DOMID_SELF, &size), -ESRCH);
}

static void setup(void)
{
	peer_start();
	if (!buf)
		buf = pages_alloc(PAGES, 1);
}

static const struct test tests[] = {
	{ "the records there are", records, TEST_DOM0 },
	{ "what was set is read back", set_and_get, TEST_DOM0 },
	{ "the guest goes on with what was set", the_guest_goes_on_with_it, TEST_DOM0 },
	{ "local APIC registers", lapic_registers, TEST_DOM0 },
	{ "memory types", mtrr_and_pat, TEST_DOM0 },
	{ "values that can not be", bad_values, TEST_DOM0 },
	{ "memory types that can not be", bad_memory_types, TEST_DOM0 },
	{ "descriptors that can not be", bad_descriptors, TEST_DOM0 },
	{ "cut short", cut_short, TEST_DOM0 },
	{ "one record", one_record, TEST_DOM0 },
	{ "of oneself", of_oneself, TEST_DOM0 },
};

AREA(context, "context", tests, setup, peer_stop);
