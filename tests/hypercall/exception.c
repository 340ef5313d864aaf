/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions and instructions where a hypervisor is easily wrong. */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>

static void invalid_opcode(void)
{
	fault_clear();
	__asm__ volatile(PROBE("ud2"));
	CHECK_EQ(fault_last().vector, X86_UD);
}

static void divide_error(void)
{
	fault_clear();
	__asm__ volatile(PROBE("div %1") : : "a"(1), "r"(0u), "d"(0) : "cc");
	CHECK_EQ(fault_last().vector, X86_DE);
}

static void general_protection(void)
{
	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%ds") : : "r"(0x1234) : "memory");
	CHECK_EQ(fault_last().vector, X86_GP);
	CHECK_EQ(fault_last().error, 0x1234);
}

static void non_canonical_access(void)
{
	CHECK_EQ(probe_read((void *)(1ul << 47), NULL), X86_GP);
	CHECK_EQ(fault_last().error, 0);
}

static void page_fault_read(void)
{
	CHECK_EQ(probe_read(BAD_PTR, NULL), X86_PF);
	CHECK_EQ(fault_last().error, 0);
	CHECK_EQ(fault_last().cr2, (uint64_t)BAD_PTR);
}

static void page_fault_write(void)
{
	CHECK_EQ(probe_write(BAD_PTR, 1), X86_PF);
	CHECK_EQ(fault_last().error, 2);
}

static void page_fault_read_only(void)
{
	void *page = page_alloc();
	void *ro = window_map(ptr_gfn(page), 0);

	CHECK_EQ(probe_read(ro, NULL), -1);
	CHECK_EQ(probe_write(ro, 1), X86_PF);
	CHECK_EQ(fault_last().error, 3);
	window_unmap(ro);
	page_free(page);
}

static void page_fault_reserved_bit(void)
{
	void *va = window_map(1, 1ull << 51);

	CHECK_EQ(probe_read(va, NULL), X86_PF);
	CHECK_EQ(fault_last().error & 9, 9);
	window_unmap(va);
}

static uint64_t fetched_at, fetch_error;

/* The call of what can not be fetched returns. */
static bool return_from_fetch(struct trap_frame *f)
{
	if (f->rip != fetched_at)
		return false;
	fetch_error = f->error;
	f->rip = *(uint64_t *)f->rsp;
	f->rsp += sizeof(uint64_t);
	return true;
}

static void page_fault_nx(void)
{
	uint8_t *page = page_alloc();
	void *nx = window_map(ptr_gfn(page), PTE_NX | PTE_W);

	memset(page, 0xc3, 16); /* ret */
	CHECK_EQ(probe_read(nx, NULL), -1);
	fetched_at = (uint64_t)nx;
	fetch_error = 0;
	trap_set_handler(X86_PF, return_from_fetch);
	__asm__ volatile("call *%0" : : "r"(nx) : "memory");
	trap_set_handler(X86_PF, NULL);
	CHECK_EQ(fetch_error, 0x11); /* a fetch, by protection */
	window_unmap(nx);
	page_free(page);
}

static bool count_breakpoint(struct trap_frame *f __unused)
{
	return true;
}

static void breakpoint(void)
{
	unsigned long before = trap_count(X86_BP);

	trap_set_handler(X86_BP, count_breakpoint);
	__asm__ volatile("int3");
	CHECK_EQ(trap_count(X86_BP), before + 1);
	trap_set_handler(X86_BP, NULL);
}

static void software_interrupt(void)
{
	unsigned long before = trap_count(0x81);

	__asm__ volatile("int $0x81");
	CHECK_EQ(trap_count(0x81), before + 1);
}

static volatile unsigned int steps;
static volatile uint64_t step_rip[16];

static bool count_step(struct trap_frame *f)
{
	if (steps < ARRAY_SIZE(step_rip))
		step_rip[steps] = f->rip;
	steps++;
	return true;
}

/* Instructions between the two popf are: nop, cpuid, nop, pushfq, andq, popfq. */
static void single_step_over_cpuid(void)
{
	uint64_t dr6;

	trap_set_handler(X86_DB, count_step);
	steps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
			 "nop\n cpuid\n nop\n"
			 "pushfq; andq $~0x100, (%%rsp); popfq\n"
			 :
			 : "a"(0)
			 : "rbx", "rcx", "rdx", "cc", "memory");
	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	trap_set_handler(X86_DB, NULL);
	CHECK_EQ(steps, 6);
	CHECK(dr6 & 1 << 14);
	CHECK_EQ(step_rip[1] - step_rip[0], 2); /* cpuid is two bytes */
}

static void single_step_over_hypercall(void)
{
	trap_set_handler(X86_DB, count_step);
	steps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
			 "call *%0\n"
			 "pushfq; andq $~0x100, (%%rsp); popfq\n"
			 :
			 : "r"(hypercall_page + 32 * __HYPERVISOR_xen_version), "D"(0ul), "S"(0ul)
			 : "rax", "rcx", "rdx", "r8", "r10", "r11", "cc", "memory");
	trap_set_handler(X86_DB, NULL);
	/* call, mov, vmcall, ret, pushfq, andq, popfq */
	CHECK_EQ(steps, 7);
}

/* The first instruction that is stepped over is an access to device memory. */
static void single_step_over_a_store(void)
{
	trap_set_handler(X86_DB, count_step);
	steps = 0;
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"
			 "movl %0, (%1)\n"
			 "pushfq; andq $~0x100, (%%rsp); popfq\n"
			 :
			 : "a"(0), "d"(0xfee00080ul)
			 : "cc", "memory");
	trap_set_handler(X86_DB, NULL);
	tap_uses_difference(__FILE__, __LINE__);
	CHECK(steps == 4 || (on_xen && steps == 5));
}

/* Steps over one instruction that exits, of that many bytes: each of the six here is one step. */
#define STEP_OVER(insn, bytes, ...)                                                     \
	do {                                                                            \
		steps = 0;                                                              \
		__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq\n"                 \
				 "nop\n" insn "\nnop\n"                                \
				 "pushfq; andq $~0x100, (%%rsp); popfq\n"               \
				 :                                                      \
				 : __VA_ARGS__                                          \
				 : "cc", "memory");                                     \
		if (!CHECK_EQ(steps, 6) || !CHECK_EQ(step_rip[1] - step_rip[0], bytes)) \
			tap_note("%s", insn);                                           \
	} while (0)

static void single_step_over_exits(void)
{
	uint64_t cr0 = read_cr0(), efer = rdmsr(MSR_EFER);
	uint32_t *apic = (uint32_t *)0xfee00000ul;

	trap_set_handler(X86_DB, count_step);
	STEP_OVER("outb %%al, %%dx", 1, "a"(0), "d"(0x80));
	STEP_OVER("wrmsr", 2, "a"((uint32_t)efer), "d"(0), "c"(MSR_EFER));
	STEP_OVER("mov %0, %%cr0", 3, "a"(cr0 ^ CR0_NE));
	STEP_OVER("mov %0, %%cr0", 3, "a"(cr0));
	STEP_OVER("wbinvd", 2, "a"(0));
	STEP_OVER("orl %0, (%1)", 2, "a"(0), "d"(apic + 0x80 / 4));
	trap_set_handler(X86_DB, NULL);
}

static void debug_registers(void)
{
	uint64_t v = 0x1234567890, back;

	__asm__ volatile("mov %1, %%dr0; mov %%dr0, %0" : "=r"(back) : "r"(v));
	CHECK_EQ(back, v);
	__asm__ volatile("mov %1, %%dr3; mov %%dr3, %0" : "=r"(back) : "r"(v + 1));
	CHECK_EQ(back, v + 1);
	__asm__ volatile("mov %0, %%dr0; mov %0, %%dr3" : : "r"(0ul));
	__asm__ volatile("mov %%dr7, %0" : "=r"(back));
	CHECK_EQ(back, 0x400);
}

static void debug_registers_reserved(void)
{
	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%dr7") : : "r"(1ull << 40));
	CHECK_EQ(fault_last().vector, X86_GP);
	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%dr6") : : "r"(1ull << 40));
	CHECK_EQ(fault_last().vector, X86_GP);
}

static volatile uint64_t watched;

static void data_breakpoint(void)
{
	uint64_t dr6;

	trap_set_handler(X86_DB, count_step);
	steps = 0;
	__asm__ volatile("mov %0, %%dr0" : : "r"((uint64_t)&watched));
	/* DR7: local enable 0, break on 8-byte writes */
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x400ul | 1 | 9ul << 16));
	watched = 1;
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x400ul));
	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	watched = 2;
	trap_set_handler(X86_DB, NULL);
	CHECK_EQ(steps, 1);
	CHECK(dr6 & 1);
	__asm__ volatile("mov %0, %%dr6" : : "r"(0xffff0ff0ul));
}

static void icebp(void)
{
	trap_set_handler(X86_DB, count_step);
	steps = 0;
	__asm__ volatile(".byte 0xf1");
	trap_set_handler(X86_DB, NULL);
	CHECK_EQ(steps, 1);
}

/* --- control registers */

static void cr4_reserved(void)
{
	uint64_t cr4 = read_cr4();

	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%cr4") : : "r"(cr4 | 1ull << 40) : "memory");
	CHECK_EQ(fault_last().vector, X86_GP);
	CHECK_EQ(read_cr4(), cr4);
}

static void cr4_vmxe(void)
{
	uint64_t cr4 = read_cr4();

	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%cr4") : : "r"(cr4 | CR4_VMXE) : "memory");
	CHECK_EQ(fault_last().vector, X86_GP);
	CHECK_EQ(read_cr4(), cr4);
}

static void cr4_pae_in_long_mode(void)
{
	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%cr4")
			 :
			 : "r"(read_cr4() & ~(uint64_t)CR4_PAE)
			 : "memory");
	CHECK_EQ(fault_last().vector, X86_GP);
}

static void cr4_bits_hold(void)
{
	uint64_t cr4 = read_cr4();

	write_cr4(cr4 ^ CR4_PGE);
	CHECK_EQ(read_cr4(), cr4 ^ CR4_PGE);
	write_cr4(cr4 | CR4_TSD | CR4_DE);
	CHECK_EQ(read_cr4(), cr4 | CR4_TSD | CR4_DE);
	write_cr4(cr4);
	CHECK_EQ(read_cr4(), cr4);
}

static void cr0_bad_combinations(void)
{
	uint64_t cr0 = read_cr0();

	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%cr0") : : "r"(cr0 & ~(uint64_t)CR0_PE) : "memory");
	CHECK_EQ(fault_last().vector, X86_GP);
	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%cr0") : : "r"(cr0 | 1ull << 40) : "memory");
	CHECK_EQ(fault_last().vector, X86_GP);
	CHECK_EQ(read_cr0(), cr0);
}

static void cr0_bits_hold(void)
{
	uint64_t cr0 = read_cr0();

	write_cr0(cr0 ^ CR0_AM);
	CHECK_EQ(read_cr0(), cr0 ^ CR0_AM);
	write_cr0(cr0 | CR0_TS);
	CHECK_EQ(read_cr0(), cr0 | CR0_TS);
	__asm__ volatile("clts");
	CHECK_EQ(read_cr0() & CR0_TS, 0);
	write_cr0(cr0);
}

static void cr0_ne_stays(void)
{
	uint64_t cr0 = read_cr0();

	write_cr0(cr0 & ~(uint64_t)CR0_NE);
	CHECK_EQ(read_cr0() & CR0_NE, 0);
	write_cr0(cr0);
}

static void lmsw_smsw(void)
{
	uint64_t cr0 = read_cr0();
	uint16_t msw;

	__asm__ volatile("smsw %0" : "=r"(msw));
	CHECK_EQ(msw, (uint16_t)cr0);
	__asm__ volatile("lmsw %0" : : "r"((uint16_t)(msw | CR0_TS)));
	CHECK(read_cr0() & CR0_TS);
	write_cr0(cr0);
}

static void cr8_is_the_tpr(void)
{
	write_cr8(5);
	CHECK_EQ(read_cr8(), 5);
	CHECK_EQ(((volatile uint32_t *)0xfee00000ul)[0x80 / 4] >> 4, 5);
	write_cr8(0);
	fault_clear();
	__asm__ volatile(PROBE("mov %0, %%cr8") : : "r"(16ul));
	CHECK_EQ(fault_last().vector, X86_GP);
}

static void device_not_available(void)
{
	uint64_t cr0 = read_cr0();

	write_cr0(cr0 | CR0_TS);
	fault_clear();
	__asm__ volatile(PROBE("fninit"));
	CHECK_EQ(fault_last().vector, X86_NM);
	write_cr0(cr0);
	fault_clear();
	__asm__ volatile(PROBE("fninit"));
	CHECK_EQ(fault_last().vector, -1);
}

static void fpu_state_survives(void)
{
	uint64_t in[2] = { 0x1122334455667788, 0x99aabbccddeeff00 }, out[2] = { 0, 0 };
	unsigned int i;

	__asm__ volatile("movdqu %0, %%xmm9" : : "m"(in));
	for (i = 0; i < 3; i++) {
		hc_sched_op(SCHEDOP_yield, NULL);
		cpuid(0, 0);
	}
	__asm__ volatile("movdqu %%xmm9, %0" : "=m"(out));
	CHECK_EQ(out[0], in[0]);
	CHECK_EQ(out[1], in[1]);
}

static void xsetbv_rules(void)
{
	uint64_t cr4 = read_cr4();
	uint32_t lo, hi;

	if (!(cpuid(1, 0).ecx & 1u << 26)) {
		tap_skip("no XSAVE");
		return;
	}
	fault_clear();
	__asm__ volatile(PROBE("xgetbv") : "=a"(lo), "=d"(hi) : "c"(0));
	CHECK_EQ(fault_last().vector, X86_UD);
	write_cr4(cr4 | CR4_OSXSAVE);
	__asm__ volatile("xsetbv" : : "a"(3), "d"(0), "c"(0));
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	CHECK_EQ(lo, 3);
	CHECK_EQ(hi, 0);
	fault_clear();
	__asm__ volatile(PROBE("xsetbv") : : "a"(2), "d"(0), "c"(0));
	CHECK_EQ(fault_last().vector, X86_GP);
	fault_clear();
	__asm__ volatile(PROBE("xsetbv") : : "a"(5), "d"(0), "c"(0));
	CHECK_EQ(fault_last().vector, X86_GP);
	fault_clear();
	__asm__ volatile(PROBE("xsetbv") : : "a"(3), "d"(0x40000000), "c"(0));
	CHECK_EQ(fault_last().vector, X86_GP);
	fault_clear();
	__asm__ volatile(PROBE("xsetbv") : : "a"(3), "d"(0), "c"(1));
	CHECK_EQ(fault_last().vector, X86_GP);
	__asm__ volatile("xsetbv" : : "a"(1), "d"(0), "c"(0));
	write_cr4(cr4);
}

static void privileged_instructions(void)
{
	__asm__ volatile("wbinvd" ::: "memory");
	__asm__ volatile("invlpg (%0)" : : "r"(0x1000ul) : "memory");
	fault_clear();
	__asm__ volatile(PROBE("vmxoff"));
	CHECK_EQ(fault_last().vector, X86_UD);
	fault_clear();
	__asm__ volatile(PROBE("vmlaunch"));
	CHECK_EQ(fault_last().vector, X86_UD);
	fault_clear();
	__asm__ volatile(PROBE(".byte 0x0f, 0x01, 0xc8") : : "a"(0), "c"(0), "d"(0)); /* monitor */
	CHECK_EQ(fault_last().vector, X86_UD);
}

static void ring3_hlt(void *arg __unused)
{
	__asm__ volatile("hlt");
}

static void ring3_cli(void *arg __unused)
{
	__asm__ volatile("cli");
}

static void ring3_out(void *arg __unused)
{
	outb(0x80, 0);
}

static void ring3_cr(void *arg __unused)
{
	write_cr3(read_cr3());
}

static void ring3_wbinvd(void *arg __unused)
{
	__asm__ volatile("wbinvd");
}

static void privileged_in_ring3(void)
{
	CHECK_EQ(run_in_ring3(ring3_hlt, NULL), X86_GP);
	CHECK_EQ(run_in_ring3(ring3_cli, NULL), X86_GP);
	CHECK_EQ(run_in_ring3(ring3_out, NULL), X86_GP);
	CHECK_EQ(run_in_ring3(ring3_cr, NULL), X86_GP);
	CHECK_EQ(run_in_ring3(ring3_wbinvd, NULL), X86_GP);
}

static void ring3_nothing(void *arg)
{
	*(volatile int *)arg = 1;
}

static void ring3_works(void)
{
	volatile int ran = 0;

	CHECK_EQ(run_in_ring3(ring3_nothing, (void *)&ran), -1);
	CHECK_EQ(ran, 1);
}

static void alignment_check(void *arg)
{
	__asm__ volatile("pushfq; orq $0x40000, (%%rsp); popfq\n"
			 "mov (%0), %%rax\n"
			 :
			 : "r"(arg)
			 : "rax", "cc", "memory");
}

static void alignment_in_ring3(void)
{
	uint64_t cr0 = read_cr0(), *page = page_alloc();

	write_cr0(cr0 | CR0_AM);
	CHECK_EQ(run_in_ring3(alignment_check, (uint8_t *)page + 1), X86_AC);
	write_cr0(cr0);
	page_free(page);
}

static void rdtsc_when_forbidden(void *arg __unused)
{
	rdtsc();
}

static void tsd(void)
{
	uint64_t cr4 = read_cr4();

	write_cr4(cr4 | CR4_TSD);
	CHECK_EQ(run_in_ring3(rdtsc_when_forbidden, NULL), X86_GP);
	write_cr4(cr4);
	CHECK_EQ(run_in_ring3(rdtsc_when_forbidden, NULL), -1);
}

/* --- ports */

static void unclaimed_ports(void)
{
	CHECK_EQ(inb(0x1234), 0xff);
	outb(0x1234, 0x55);
	CHECK_EQ(inb(0x1234), 0xff);
}

static void string_io(void)
{
	uint8_t buf[8];
	void *p = buf;
	uint64_t n = sizeof(buf);

	memset(buf, 0, sizeof(buf));
	__asm__ volatile("rep insb" : "+D"(p), "+c"(n) : "d"(0x1234) : "memory");
	CHECK_EQ(n, 0);
	CHECK_EQ((uint64_t)p, (uint64_t)buf + sizeof(buf));
	CHECK_EQ(buf[0], 0xff);
	CHECK_EQ(buf[7], 0xff);
}

static void string_io_faults(void)
{
	void *p = BAD_PTR;

	fault_clear();
	__asm__ volatile(PROBE("insb") : "+D"(p) : "d"(0x1234) : "memory");
	CHECK_EQ(fault_last().vector, X86_PF);
	CHECK_EQ((uint64_t)p, (uint64_t)BAD_PTR);
}

/* An event that waits for interrupts comes behind the instruction after sti, whether that exits or not. */
static void interrupt_shadow(void)
{
	long port = event_bind_ipi(0);
	unsigned int count;

	REQUIRE(port > 0);
	event_unmask_plain((evtchn_port_t)port);
	count = event_count[port];
	irq_disable();
	CHECK_EQ(event_send((evtchn_port_t)port), 0);
	__asm__ volatile("sti; cli" ::: "memory");
	CHECK_EQ(READ_ONCE(event_count[port]), count);
	__asm__ volatile("sti; nop; cli" ::: "memory");
	CHECK_EQ(READ_ONCE(event_count[port]), count + 1);
	CHECK_EQ(event_send((evtchn_port_t)port), 0);
	__asm__ volatile("xor %%eax, %%eax; sti; cpuid; cli" ::: "rax", "rbx", "rcx", "rdx", "memory");
	CHECK_EQ(READ_ONCE(event_count[port]), count + 2);
	irq_enable();
	__asm__ volatile("mov %%ss, %%eax; mov %%eax, %%ss; cpuid"
			 :
			 :
			 : "rax", "rbx", "rcx", "rdx");
	CHECK(read_rflags() & RFLAGS_IF);
	CHECK_EQ(event_close((evtchn_port_t)port), 0);
}

static void rdrand(void)
{
	unsigned int i, good = 0;

	if (!(cpuid(1, 0).ecx & 1u << 30)) {
		tap_skip("no RDRAND");
		return;
	}
	for (i = 0; i < 10; i++) {
		uint64_t v;
		uint8_t ok;

		__asm__ volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok) : : "cc");
		good += ok;
	}
	CHECK(good > 0);
}

static const struct test tests[] = {
	{ "#UD", invalid_opcode, 0 },
	{ "#DE", divide_error, 0 },
	{ "#GP with a selector", general_protection, 0 },
	{ "#GP of a non-canonical address", non_canonical_access, 0 },
	{ "#PF of a read", page_fault_read, 0 },
	{ "#PF of a write", page_fault_write, 0 },
	{ "#PF of a write to a read-only page", page_fault_read_only, 0 },
	{ "#PF by a reserved bit", page_fault_reserved_bit, 0 },
	{ "a no-execute page is read, not run", page_fault_nx, 0 },
	{ "#BP", breakpoint, 0 },
	{ "int n", software_interrupt, 0 },
	{ "#DB: single step over CPUID", single_step_over_cpuid, 0 },
	{ "#DB: single step over a hypercall", single_step_over_hypercall, 0 },
	{ "#DB: single step over a store to the local APIC", single_step_over_a_store, 0 },
	{ "#DB: single step over other exits", single_step_over_exits, 0 },
	{ "#DB: data breakpoint", data_breakpoint, 0 },
	{ "#DB: icebp", icebp, 0 },
	{ "debug registers hold values", debug_registers, 0 },
	{ "debug registers' reserved bits", debug_registers_reserved, 0 },
	{ "CR4: reserved bit", cr4_reserved, 0 },
	{ "CR4: VMXE", cr4_vmxe, 0 },
	{ "CR4: PAE can not go in long mode", cr4_pae_in_long_mode, 0 },
	{ "CR4: bits hold", cr4_bits_hold, 0 },
	{ "CR0: bad combinations", cr0_bad_combinations, 0 },
	{ "CR0: bits hold", cr0_bits_hold, 0 },
	{ "CR0: NE can be cleared", cr0_ne_stays, 0 },
	{ "LMSW and SMSW", lmsw_smsw, 0 },
	{ "CR8 is the TPR", cr8_is_the_tpr, 0 },
	{ "#NM", device_not_available, 0 },
	{ "SSE registers survive exits", fpu_state_survives, 0 },
	{ "XSETBV", xsetbv_rules, 0 },
	{ "instructions of the other rings and of VMX", privileged_instructions, 0 },
	{ "ring 3 works", ring3_works, 0 },
	{ "privileged instructions in ring 3", privileged_in_ring3, 0 },
	{ "#AC in ring 3", alignment_in_ring3, 0 },
	{ "RDTSC with CR4.TSD", tsd, 0 },
	{ "ports nobody has", unclaimed_ports, 0 },
	{ "string input", string_io, 0 },
	{ "string input that faults", string_io_faults, 0 },
	{ "interrupt shadow", interrupt_shadow, 0 },
	{ "RDRAND", rdrand, 0 },
};

AREA(exception, "exception", tests, NULL, NULL);
