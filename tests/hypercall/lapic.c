/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual local APIC (MMIO and MSRs), its timer and IPIs, and dom0's virtual IO-APIC. */
#include <stubdom/boot.h>
#include <stubdom/cpu.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>

#define APIC_ID	     0x020
#define APIC_VERSION 0x030
#define APIC_TPR     0x080
#define APIC_PPR     0x0a0
#define APIC_EOI     0x0b0
#define APIC_LDR     0x0d0
#define APIC_DFR     0x0e0
#define APIC_SVR     0x0f0
#define APIC_ISR     0x100
#define APIC_IRR     0x200
#define APIC_ESR     0x280
#define APIC_ICR     0x300
#define APIC_ICR2    0x310
#define APIC_LVTT    0x320
#define APIC_LVT0    0x350
#define APIC_LVT_ERR 0x370
#define APIC_TMICT   0x380
#define APIC_TMCCT   0x390
#define APIC_TDCR    0x3e0

#define VECTOR	     0x71
#define VECTOR_HIGH  0x91

static uint32_t rd(unsigned int reg)
{
	return ((volatile uint32_t *)0xfee00000ul)[reg / 4];
}

static void wr(unsigned int reg, uint32_t v)
{
	((volatile uint32_t *)0xfee00000ul)[reg / 4] = v;
}

static volatile unsigned int taken[2];
static volatile uint32_t isr_seen, ppr_seen;

static bool on_vector(struct trap_frame *f __unused)
{
	taken[0]++;
	isr_seen = rd(APIC_ISR + VECTOR / 32 * 16);
	ppr_seen = rd(APIC_PPR);
	wr(APIC_EOI, 0);
	return true;
}

static bool on_high(struct trap_frame *f __unused)
{
	taken[1]++;
	wr(APIC_EOI, 0);
	return true;
}

static void setup(void)
{
	trap_set_handler(VECTOR, on_vector);
	trap_set_handler(VECTOR_HIGH, on_high);
	wr(APIC_SVR, 0x1ff);
	wr(APIC_TPR, 0);
}

static void teardown(void)
{
	wr(APIC_LVTT, 0x10000);
	wr(APIC_TMICT, 0);
	trap_set_handler(VECTOR, NULL);
	trap_set_handler(VECTOR_HIGH, NULL);
}

static bool wait_taken(unsigned int which, unsigned int before, unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (taken[which] == before)
		if (system_time() > end)
			return false;
	return true;
}

static void version(void)
{
	uint32_t v = rd(APIC_VERSION);

	CHECK_EQ(v & 0xff, 0x14);
	CHECK((v >> 16 & 0xff) >= 5);
}

static void id(void)
{
	CHECK_EQ(rd(APIC_ID) >> 24, 0);
}

static void registers_hold(void)
{
	wr(APIC_TPR, 0x30);
	CHECK_EQ(rd(APIC_TPR), 0x30);
	CHECK_EQ(read_cr8(), 3);
	wr(APIC_TPR, 0);
	wr(APIC_LDR, 0x5a000000);
	CHECK_EQ(rd(APIC_LDR), 0x5a000000);
	wr(APIC_LDR, 0x01000000);
	wr(APIC_DFR, 0xffffffff);
	CHECK_EQ(rd(APIC_DFR), 0xffffffff);
	wr(APIC_LVT_ERR, 0x10055);
	CHECK_EQ(rd(APIC_LVT_ERR), 0x10055);
	wr(APIC_TDCR, 0xb);
	CHECK_EQ(rd(APIC_TDCR), 0xb);
}

static void reserved_bits_drop(void)
{
	wr(APIC_LVTT, 0xffff0000 | VECTOR);
	CHECK_EQ(rd(APIC_LVTT) & 0xfff80f00, 0);
	wr(APIC_LVTT, 0x10000);
}

static void self_ipi(void)
{
	unsigned int before = taken[0];

	wr(APIC_ICR2, 0);
	wr(APIC_ICR, 0x40000 | VECTOR);
	CHECK(wait_taken(0, before, 20));
	CHECK_EQ(taken[0], before + 1);
	CHECK(isr_seen & 1u << VECTOR % 32);
	CHECK_EQ(ppr_seen & 0xf0, VECTOR & 0xf0);
	CHECK_EQ(rd(APIC_ISR + VECTOR / 32 * 16), 0);
}

static void ipi_by_id(void)
{
	unsigned int before = taken[0];

	wr(APIC_ICR2, 0);
	wr(APIC_ICR, 0x4000 | VECTOR);
	CHECK(wait_taken(0, before, 20));
	CHECK_EQ(rd(APIC_ICR) & 0x1000, 0);
}

static void ipi_to_nobody(void)
{
	unsigned int before = taken[0];

	wr(APIC_ICR2, 0x77000000);
	wr(APIC_ICR, 0x4000 | VECTOR);
	sleep_ms(1);
	CHECK_EQ(taken[0], before);
}

static void ipi_all_including_self(void)
{
	unsigned int before = taken[0];

	wr(APIC_ICR, 0x80000 | VECTOR);
	CHECK(wait_taken(0, before, 20));
}

static void ipi_all_but_self(void)
{
	unsigned int before = taken[0];

	wr(APIC_ICR, 0xc0000 | VECTOR);
	sleep_ms(1);
	CHECK_EQ(taken[0], before);
}

static void held_back_by_tpr(void)
{
	unsigned int before = taken[0];

	wr(APIC_TPR, 0x80);
	wr(APIC_ICR, 0x40000 | VECTOR);
	sleep_ms(1);
	CHECK_EQ(taken[0], before);
	CHECK(rd(APIC_IRR + VECTOR / 32 * 16) & 1u << VECTOR % 32);
	wr(APIC_TPR, 0);
	CHECK(wait_taken(0, before, 20));
	CHECK_EQ(rd(APIC_IRR + VECTOR / 32 * 16), 0);
}

static void held_back_by_cr8(void)
{
	unsigned int before = taken[0];

	write_cr8(8);
	wr(APIC_ICR, 0x40000 | VECTOR);
	sleep_ms(1);
	CHECK_EQ(taken[0], before);
	write_cr8(0);
	CHECK(wait_taken(0, before, 20));
}

static void higher_first(void)
{
	unsigned int low = taken[0], high = taken[1];

	irq_disable();
	wr(APIC_ICR, 0x40000 | VECTOR);
	wr(APIC_ICR, 0x40000 | VECTOR_HIGH);
	CHECK(rd(APIC_IRR + VECTOR / 32 * 16) & 1u << VECTOR % 32);
	CHECK(rd(APIC_IRR + VECTOR_HIGH / 32 * 16) & 1u << VECTOR_HIGH % 32);
	irq_enable();
	CHECK(wait_taken(0, low, 20));
	CHECK_EQ(taken[0], low + 1);
	CHECK_EQ(taken[1], high + 1);
}

static void two_of_a_kind_merge(void)
{
	unsigned int before = taken[0];

	irq_disable();
	wr(APIC_ICR, 0x40000 | VECTOR);
	wr(APIC_ICR, 0x40000 | VECTOR);
	irq_enable();
	CHECK(wait_taken(0, before, 20));
	sleep_ms(1);
	CHECK_EQ(taken[0], before + 1);
}

static void vectors_below_16(void)
{
	wr(APIC_ESR, 0);
	wr(APIC_ICR, 0x40000 | 5);
	wr(APIC_ESR, 0);
	CHECK(rd(APIC_ESR) & 0x60 || rd(APIC_ESR) == 0);
	wr(APIC_ESR, 0);
}

/* Count the timer for a while; initial count and divide value are in timer ticks. */
static unsigned int run_timer(uint32_t mode, uint32_t initial, unsigned int ms)
{
	unsigned int before = taken[0];
	uint64_t end;

	wr(APIC_TDCR, 0xb); /* divide by 1 */
	wr(APIC_LVTT, mode | VECTOR);
	wr(APIC_TMICT, initial);
	end = system_time() + ms * 1000000ull;
	while (system_time() < end)
		cpu_relax();
	wr(APIC_LVTT, 0x10000);
	wr(APIC_TMICT, 0);
	return taken[0] - before;
}

static void timer_one_shot(void)
{
	CHECK_EQ(run_timer(0, 100000, 20), 1);
}

static void timer_periodic(void)
{
	/* 100 MHz bus: 200,000 ticks are 2 ms. */
	unsigned int n = run_timer(0x20000, 200000, 20);

	CHECK(n >= 8 && n <= 11);
}

static void timer_masked(void)
{
	CHECK_EQ(run_timer(0x10000, 100000, 5), 0);
}

static void timer_counts_down(void)
{
	uint32_t a, b;

	wr(APIC_TDCR, 0xb);
	wr(APIC_LVTT, 0x10000 | VECTOR);
	wr(APIC_TMICT, 0xffffffff);
	a = rd(APIC_TMCCT);
	sleep_ms(2);
	b = rd(APIC_TMCCT);
	CHECK(a > b);
	CHECK(a - b >= 190000 && a - b < 20000000);
	CHECK_EQ(rd(APIC_TMICT), 0xffffffff);
	wr(APIC_TMICT, 0);
	CHECK_EQ(rd(APIC_TMCCT), 0);
}

static void timer_wakes_hlt(void)
{
	unsigned int before = taken[0];
	uint64_t start = system_time();

	wr(APIC_TDCR, 0xb);
	wr(APIC_LVTT, VECTOR);
	irq_disable();
	wr(APIC_TMICT, 300000);
	while (taken[0] == before && system_time() - start < 1000000000) {
		wait_for_interrupt();
		irq_disable();
	}
	irq_enable();
	CHECK_EQ(taken[0], before + 1);
	CHECK(system_time() - start >= 2900000);
	wr(APIC_LVTT, 0x10000);
}

static void tsc_deadline(void)
{
	unsigned int before = taken[0];

	if (!(cpuid(1, 0).ecx & 1u << 24)) {
		tap_skip("no TSC deadline timer");
		return;
	}
	wr(APIC_LVTT, 0x40000 | VECTOR);
	wrmsr(MSR_TSC_DEADLINE, rdtsc() + 100000);
	CHECK(wait_taken(0, before, 100));
	CHECK_EQ(rdmsr(MSR_TSC_DEADLINE), 0);
	wr(APIC_LVTT, 0x10000);
}

static void software_disable(void)
{
	unsigned int before = taken[0];

	wr(APIC_SVR, 0xff);
	CHECK_EQ(rd(APIC_SVR) & 0x100, 0);
	CHECK(rd(APIC_LVT_ERR) & 0x10000);
	wr(APIC_ICR, 0x40000 | VECTOR);
	sleep_ms(1);
	CHECK_EQ(taken[0], before);
	wr(APIC_SVR, 0x1ff);
	if (rd(APIC_IRR + VECTOR / 32 * 16) & 1u << VECTOR % 32)
		wait_taken(0, before, 20);
}

static void wide_and_narrow_reads(void)
{
	volatile uint8_t *byte = (volatile uint8_t *)0xfee00000ul + APIC_VERSION;
	volatile uint16_t *half = (volatile uint16_t *)byte;

	CHECK_EQ(*byte, rd(APIC_VERSION) & 0xff);
	CHECK_EQ(*half, rd(APIC_VERSION) & 0xffff);
}

/* The emulator has to decode these: reads and writes with several instructions. */
static void instruction_forms(void)
{
	volatile uint32_t *tpr = (volatile uint32_t *)(0xfee00000ul + APIC_TPR);
	uint64_t zx = ~0ul;
	uint32_t v = 0x20;

	__asm__ volatile("movl $0x40, (%0)" : : "r"(tpr) : "memory");
	CHECK_EQ(*tpr, 0x40);
	__asm__ volatile("andl $0xf0, (%0)" : : "r"(tpr) : "memory", "cc");
	CHECK_EQ(*tpr, 0x40);
	__asm__ volatile("orl $0x10, (%0)" : : "r"(tpr) : "memory", "cc");
	CHECK_EQ(*tpr, 0x50);
	__asm__ volatile("xchgl %0, (%1)" : "+r"(v) : "r"(tpr) : "memory");
	CHECK_EQ(v, 0x50);
	CHECK_EQ(*tpr, 0x20);
	__asm__ volatile("movzbl (%1), %k0" : "+r"(zx) : "r"(tpr) : "memory");
	CHECK_EQ(zx, 0x20);
	__asm__ volatile("testl $0x20, (%1); setnz %b0" : "+q"(zx) : "r"(tpr) : "memory", "cc");
	CHECK_EQ(zx & 0xff, 1);
	__asm__ volatile("cmpl $0x20, (%1); sete %b0" : "+q"(zx) : "r"(tpr) : "memory", "cc");
	CHECK_EQ(zx & 0xff, 1);
	*tpr = 0;
}

/* --- x2APIC mode, on a vCPU that can be started again */

static volatile uint64_t x2[6];

static void x2apic_on_ap(void *arg __unused)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	wrmsr(MSR_APIC_BASE, base | 0x400);
	x2[0] = rdmsr(MSR_X2APIC_BASE + APIC_ID / 16);
	x2[1] = rdmsr(MSR_X2APIC_BASE + APIC_LDR / 16);
	x2[2] = (uint64_t)probe_wrmsr(MSR_X2APIC_BASE + APIC_ID / 16, 0);
	x2[3] = (uint64_t)probe_rdmsr(MSR_X2APIC_BASE + APIC_ICR2 / 16, NULL);
	x2[4] = rdmsr(MSR_APIC_BASE) & 0xc00;
	x2[5] = (uint64_t)probe_wrmsr(MSR_APIC_BASE, base);
}

static void x2apic(void)
{
	if (!(cpuid(1, 0).ecx & 1u << 21)) {
		tap_skip("no x2APIC");
		return;
	}
	REQUIRE_EQ(cpu_start(1), 0);
	cpu_run(1, x2apic_on_ap, NULL);
	CHECK(cpu_wait(1, 1000));
	CHECK_EQ(x2[0], 2);
	CHECK_EQ(x2[1], 1u << 2);
	CHECK_EQ((long)x2[2], X86_GP);
	CHECK_EQ((long)x2[3], X86_GP);
	CHECK_EQ(x2[4], 0xc00);
	CHECK_EQ((long)x2[5], X86_GP);
	CHECK(cpu_stop(1));
}

static volatile bool ap_ready;

static void ap_waits_for_vector(void *arg)
{
	unsigned int spins = 0, before = (unsigned int)(uint64_t)arg;

	wr(APIC_SVR, 0x1ff);
	ap_ready = true;
	while (taken[0] == before && ++spins < 3000000)
		cpu_relax();
}

static void ipi_to_second_vcpu(void)
{
	unsigned int before = taken[0];

	REQUIRE_EQ(cpu_start(1), 0);
	ap_ready = false;
	cpu_run(1, ap_waits_for_vector, (void *)(uint64_t)before);
	while (!ap_ready)
		hc_sched_op(SCHEDOP_yield, NULL);
	wr(APIC_ICR2, 2u << 24);
	wr(APIC_ICR, 0x4000 | VECTOR);
	CHECK(cpu_wait(1, 3000));
	CHECK_EQ(taken[0], before + 1);
	CHECK(cpu_stop(1));
}

static void init_sipi_starts_it(void)
{
	REQUIRE(cpu_start_sipi(1));
	CHECK_EQ(hc_vcpu_op(VCPUOP_is_up, 1, NULL), 1);
	CHECK(cpu_stop(1));
}

/* --- IO-APIC of dom0 */

static uint32_t io_read(uint32_t reg)
{
	volatile uint32_t *io = (volatile uint32_t *)0xfec00000ul;

	io[0] = reg;
	return io[4];
}

static void io_write(uint32_t reg, uint32_t v)
{
	volatile uint32_t *io = (volatile uint32_t *)0xfec00000ul;

	io[0] = reg;
	io[4] = v;
}

static void ioapic_version(void)
{
	uint32_t v = io_read(1);

	CHECK((v & 0xff) >= 0x11);
	CHECK((v >> 16 & 0xff) >= 23);
	CHECK((v >> 16 & 0xff) < 240);
}

static void ioapic_pins_start_masked(void)
{
	uint32_t pins = (io_read(1) >> 16 & 0xff) + 1, i, unmasked = 0;

	for (i = 0; i < pins; i++)
		unmasked += !(io_read(0x10 + 2 * i) & 0x10000);
	CHECK_EQ(unmasked, 0);
}

static void ioapic_entry_holds(void)
{
	uint32_t old = io_read(0x10 + 2 * 5);

	io_write(0x10 + 2 * 5, 0x10000 | 0x8000 | VECTOR);
	CHECK_EQ(io_read(0x10 + 2 * 5), 0x10000 | 0x8000 | VECTOR);
	io_write(0x11 + 2 * 5, 0x05000000);
	CHECK_EQ(io_read(0x11 + 2 * 5) & 0xff000000, 0x05000000);
	io_write(0x10 + 2 * 5, old);
	io_write(0x11 + 2 * 5, 0);
}

static void ioapic_read_only_bits(void)
{
	uint32_t old = io_read(0x10 + 2 * 6);

	io_write(0x10 + 2 * 6, 0x10000 | 0x5000 | VECTOR);
	CHECK_EQ(io_read(0x10 + 2 * 6) & 0x5000, 0);
	io_write(0x10 + 2 * 6, old);
}

static void ioapic_bad_register(void)
{
	CHECK(io_read(0xf0) == 0 || io_read(0xf0) == ~0u);
}

static const struct test tests[] = {
	{ "version", version, 0 },
	{ "id", id, 0 },
	{ "registers hold values", registers_hold, 0 },
	{ "reserved bits drop", reserved_bits_drop, 0 },
	{ "self IPI", self_ipi, 0 },
	{ "IPI by id", ipi_by_id, 0 },
	{ "IPI to nobody", ipi_to_nobody, 0 },
	{ "IPI to all including self", ipi_all_including_self, 0 },
	{ "IPI to all but self", ipi_all_but_self, 0 },
	{ "held back by the TPR", held_back_by_tpr, 0 },
	{ "held back by CR8", held_back_by_cr8, 0 },
	{ "the higher vector first", higher_first, 0 },
	{ "two of a kind merge", two_of_a_kind_merge, 0 },
	{ "vectors below 16", vectors_below_16, 0 },
	{ "timer: one shot", timer_one_shot, 0 },
	{ "timer: periodic", timer_periodic, 0 },
	{ "timer: masked", timer_masked, 0 },
	{ "timer: counts down", timer_counts_down, 0 },
	{ "timer: ends hlt", timer_wakes_hlt, 0 },
	{ "timer: TSC deadline", tsc_deadline, 0 },
	{ "software disable", software_disable, 0 },
	{ "narrow reads", wide_and_narrow_reads, 0 },
	{ "forms of instructions", instruction_forms, 0 },
	{ "INIT and SIPI start the second vCPU", init_sipi_starts_it, TEST_SMP },
	{ "IPI to the second vCPU", ipi_to_second_vcpu, TEST_SMP },
	{ "x2APIC mode", x2apic, TEST_SMP },
	{ "IO-APIC: version", ioapic_version, TEST_DOM0 },
	{ "IO-APIC: pins start masked", ioapic_pins_start_masked, TEST_DOM0 },
	{ "IO-APIC: an entry holds", ioapic_entry_holds, TEST_DOM0 },
	{ "IO-APIC: read-only bits", ioapic_read_only_bits, TEST_DOM0 },
	{ "IO-APIC: register that is not there", ioapic_bad_register, TEST_DOM0 },
};

AREA(lapic, "lapic", tests, setup, teardown);
