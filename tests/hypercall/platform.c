/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A dom0 that programs its platform with random values: local APIC, IO-APIC, HPET, MSRs, control
 * and debug registers, PCI configuration space, ports, and instructions that exit. What it does to
 * itself is its own affair, so registers it lives by are put back; the hypervisor must take all of
 * it. Then kernels that execute garbage: guests, and, each in a boot of its own, dom0 itself.
 */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>

#define APIC_BASE   0xfee00000ul
#define IOAPIC_BASE 0xfec00000ul
#define HPET_BASE   0xfed00000ul
#define APIC_ICR    0x300
#define APIC_SVR    0x0f0

static uint64_t state;

static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t below(uint64_t n)
{
	return any() % n;
}

/* Few bits, many bits, a small number, or noise. */
static uint64_t some_value(void)
{
	switch (below(5)) {
	case 0:
		return 1ull << below(64);
	case 1:
		return ~(1ull << below(64));
	case 2:
		return below(256);
	case 3:
		return any() & 0xffffffff;
	default:
		return any();
	}
}

/* As an interrupt's vector no exception: some of those would push an error code. */
static uint64_t no_exception(uint64_t v)
{
	return (v & 0xf0) == 0x10 ? v | 0x20 : v;
}

static unsigned int storm;	/* interrupts since the last step */

/* A level-triggered line that nobody calms leaves no time for anything else: mask them all. */
static void mask_all_pins(void)
{
	volatile uint32_t *p = (void *)IOAPIC_BASE;
	uint32_t selected = p[0];

	for (uint32_t pin = 0; pin < 24; pin++) {
		p[0] = 0x10 + 2 * pin;
		p[4] = 0x10000;
	}
	p[0] = selected;
	storm = 0;
}

static bool ignore(struct trap_frame *f __unused)
{
	*(volatile uint32_t *)(APIC_BASE + 0xb0) = 0;
	if (++storm > 100)
		mask_all_pins();
	return true;
}

/* An NMI or #DB that a random value asked for; the debug registers stop asking. */
static bool ignore_exception(struct trap_frame *f)
{
	__asm__ volatile("mov %0, %%dr7" : : "r"(0x400ul));
	f->rflags &= ~(uint64_t)RFLAGS_TF;
	return true;
}

/* INIT would end this vCPU's life: it may go to the other one only. */
static bool is_suicide(uint32_t icr)
{
	return (icr >> 8 & 7) == 5;
}

/* A start-up IPI would have the other one execute what lies about, and dom0 die of it. */
static uint64_t no_startup(uint64_t icr)
{
	return (icr >> 8 & 7) == 6 ? icr & ~0x400ull : icr;
}

static void lapic_mmio(void)
{
	unsigned int reg = (unsigned int)below(0x400) & ~15u;
	volatile void *p = (void *)(APIC_BASE + below(0x1000));
	uint64_t v = no_exception(some_value()), old;

	if (reg == APIC_ICR)
		v = no_startup(v);
	switch (below(4)) {
	case 0:
		probe_read(p, &old);
		break;
	case 1:
		(void)*(volatile uint8_t *)p;
		break;
	case 2:
		if (((uint64_t)p & 0xff0) != APIC_ICR)
			*(volatile uint16_t *)((uint64_t)p & ~1ul) = (uint16_t)v;
		break;
	default:
		if (reg == APIC_ICR && is_suicide((uint32_t)v)) {
			((volatile uint32_t *)APIC_BASE)[0x310 / 4] = 2u << 24;
			v &= ~0x800ull;
		}
		((volatile uint32_t *)APIC_BASE)[reg / 4] =
			(uint32_t)v & (reg == APIC_ICR ? ~0xc0000u : ~0u);
		break;
	}
}

static void ioapic(void)
{
	volatile uint32_t *p = (void *)IOAPIC_BASE;

	p[0] = (uint32_t)below(0x48);
	if (below(3))
		p[4] = (uint32_t)no_exception(some_value());
	else
		(void)p[4];
	if (!below(16))
		*(volatile uint64_t *)(IOAPIC_BASE + below(0xff0)) = no_exception(some_value());
}

static void pci_config(void)
{
	static const uint8_t present[] = { 0x00, 0x08, 0x09, 0x0a, 0x0b, 0x10 };
	uint32_t devfn = below(4) ? present[below(sizeof(present))] : (uint32_t)below(256);
	uint32_t bus = below(8) ? 0 : (uint32_t)below(256);
	uint32_t reg = below(2) ? (uint32_t)below(0x40) : (uint32_t)below(256);

	/* The routes of the PIIX's interrupt lines, the host bridge's SMRAM control: Bochs ends at some of them. */
	if ((devfn == 0x08 && (reg & 0xfc) == 0x60) || (devfn == 0 && (reg & 0xfc) == 0x70))
		return;
	outl(0xcf8, below(16) ? 0x80000000 | bus << 16 | devfn << 8 | (reg & 0xfc) : (uint32_t)any() & 0x7fffffff);
	switch (below(4)) {
	case 0:
		outl(0xcfc, (uint32_t)some_value());
		break;
	case 1:
		outb((uint16_t)(0xcfc + (reg & 3)), (uint8_t)some_value());
		break;
	case 2:
		(void)inb((uint16_t)(0xcfc + (reg & 3)));
		break;
	default:
		(void)inl(0xcfc);
		break;
	}
}

static bool lives_by(uint32_t msr)
{
	return msr == MSR_EFER || msr == MSR_FS_BASE || msr == MSR_GS_BASE || msr == MSR_TSC ||
	       msr == MSR_TSC_ADJUST || msr == MSR_APIC_BASE;
}

/* The page of HVM hypercalls, and x2APIC's interrupt command register with what could end this vCPU. */
static bool is_fatal(uint32_t msr, uint64_t v)
{
	return (msr >= 0x40000000 && msr < 0x50000000) ||
	       (msr == MSR_X2APIC_BASE + 0x30 && (is_suicide((uint32_t)v) || v & 0xc0000));
}

static void msr(void)
{
	static const uint32_t ranges[][2] = {
		{ 0, 0x200 },	      { 0x200, 0x100 },	 { 0x400, 0x80 },
		{ 0x480, 0x20 },      { 0x6e0, 1 },	 { MSR_X2APIC_BASE, 0x100 },
		{ 0xc0000080, 0x10 }, { 0xc0000100, 8 }, { 0xd90, 0x40 },
	};
	unsigned int r = (unsigned int)below(ARRAY_SIZE(ranges) + 1);
	uint32_t index = r < ARRAY_SIZE(ranges) ? ranges[r][0] + (uint32_t)below(ranges[r][1])
						: (uint32_t)any();
	uint64_t old, v = some_value();

	if (probe_rdmsr(index, &old) == -1 && below(2))
		v = old ^ 1ull << below(64);
	if (!below(3) || is_fatal(index, v))
		return;
	if (lives_by(index)) {
		/* Only what must be refused: bits no processor has. */
		if (index == MSR_EFER)
			probe_wrmsr(index, old | 1ull << (20 + below(44)));
		else if (index == MSR_FS_BASE || index == MSR_GS_BASE)
			probe_wrmsr(index, 1ull << 63);
		else if (index == MSR_APIC_BASE)
			probe_wrmsr(index, old ^ (1ull << below(64) & ~0xc00ull));
		return;
	}
	if (index >= MSR_X2APIC_BASE && index < MSR_X2APIC_BASE + 0x100)
		v = no_exception(index == MSR_X2APIC_BASE + 0x30 ? no_startup(v) : v);
	probe_wrmsr(index, v);
}

#define PROBE_CR(n, v)                                                            \
	({                                                                        \
		fault_clear();                                                    \
		__asm__ volatile(PROBE("mov %0, %%cr" #n) : : "r"(v) : "memory"); \
		fault_last().vector;                                              \
	})

static void control_registers(void)
{
	uint64_t cr0 = read_cr0(), cr4 = read_cr4(), v;

	switch (below(5)) {
	case 0:
		/* Not the bits whose change would need other code around it. */
		v = cr0 ^ (1ull << below(64) & ~(uint64_t)CR0_PG);
		PROBE_CR(0, v);
		write_cr0(cr0);
		break;
	case 1:
		v = cr4 ^ (1ull << below(64) & ~0x100000ull);
		PROBE_CR(4, v);
		write_cr4(cr4);
		break;
	case 2:
		PROBE_CR(3, read_cr3() | 1ull << (40 + below(23)));
		break;
	case 3:
		PROBE_CR(8, below(2) ? below(16) : any());
		write_cr8(0);
		break;
	default:
		fault_clear();
		__asm__ volatile(PROBE("xsetbv")
				 :
				 : "a"((uint32_t)some_value() | 1), "d"(0), "c"((uint32_t)below(3))
				 : "memory");
		break;
	}
}

static void debug_registers(void)
{
	uint64_t v = some_value();

	fault_clear();
	switch (below(4)) {
	case 0:
		__asm__ volatile(PROBE("mov %0, %%dr0") : : "r"(v));
		break;
	case 1:
		__asm__ volatile(PROBE("mov %0, %%dr3") : : "r"(v));
		break;
	case 2:
		__asm__ volatile(PROBE("mov %0, %%dr6") : : "r"(v));
		break;
	default:
		__asm__ volatile(PROBE("mov %0, %%dr7") : : "r"(v & ~0xffull));
		__asm__ volatile("mov %0, %%dr7" : : "r"(0x400ul));
		break;
	}
}

/* The A20 gate, by both ways; other commands fill up the keyboard buffer of Bochs, which ends of it. */
static void a20_gate(void)
{
	switch (below(3)) {
	case 0:
		outb(0x64, 0xdd);
		break;
	case 1:
		outb(0x64, 0xd1);
		outb(0x60, (uint8_t)any() | 1); /* bit 0 clear is a reset */
		break;
	default:
		outb(0x92, (uint8_t)any() & 0xfe); /* bit 0 set is a reset */
		break;
	}
}

/* Ports that are emulated or kept. */
static void ports(void)
{
	static const uint16_t some[] = { 0x20, 0x21, 0x40,  0x42,  0x43,  0x61, 0x70,
					 0xa0, 0xa1, 0x3f8, 0x3fb, 0xcfa, 0xcfe };
	uint16_t port = some[below(ARRAY_SIZE(some))];

	if (!below(8))
		a20_gate();
	else if (below(2))
		outb(port, (uint8_t)any());
	else if (below(2))
		(void)inl(port);
	else
		(void)inb(port);
}

static void hpet(void)
{
	volatile uint64_t *p = (void *)(HPET_BASE + (below(0x400) & ~7ul));
	uint64_t old;

	if (below(4))
		probe_read(p, &old);
	else
		probe_write(p, some_value());
}

#define ODD(insn)                                               \
	__asm__ volatile(PROBE(insn)                            \
			 : "+a"(a), "+c"(c), "+d"(d)            \
			 : [m] "m"(operand[0]), [r] "r"(type)   \
			 : "memory", "cc", "rbx")

/* Instructions that exit, most of them to be refused. */
static void odd_instructions(void)
{
	static uint64_t operand[2];
	uint64_t a = some_value(), c = some_value(), d = some_value(), type = below(5);

	operand[0] = some_value();
	operand[1] = some_value();
	fault_clear();
	switch (below(20)) {
	case 0:
		ODD("vmlaunch");
		break;
	case 1:
		ODD("vmxoff");
		break;
	case 2:
		ODD("vmptrld %[m]");
		break;
	case 3:
		ODD("vmread %%rax, %%rcx");
		break;
	case 4:
		ODD("invept %[m], %[r]");
		break;
	case 5:
		ODD("invvpid %[m], %[r]");
		break;
	case 6:
		ODD("invpcid %[m], %[r]");
		break;
	case 7:
		ODD("getsec");
		break;
	case 8:
		ODD("rsm");
		break;
	case 9:
		ODD("monitor");
		break;
	case 10:
		ODD("mwait");
		break;
	case 11:
		ODD("rdpmc");
		break;
	case 12:
		ODD("invd");
		break;
	case 13:
		ODD("wbinvd");
		break;
	case 14:
		ODD("int1");
		break;
	case 15:
		c = below(600);
		ODD("vmfunc");
		break;
	case 16:
		a = 64 + (a & 0xff);
		ODD("vmcall");
		break;
	case 17:
		ODD("rdtscp");
		break;
	case 18:
		/* single step over an exit */
		ODD("pushfq; orl $0x100, (%%rsp); popfq; cpuid");
		break;
	default:
		ODD("cpuid");
		break;
	}
}

static void one(void)
{
	static void (*const all[])(void) = {
		lapic_mmio, lapic_mmio,	       ioapic,		pci_config, pci_config,	      msr,
		msr,	    control_registers, debug_registers, ports,	    odd_instructions, hpet,
	};

	storm = 0;
	all[below(ARRAY_SIZE(all))]();
}

static void random_platform(void)
{
	unsigned long calls = cmdline_number("calls", 10000), i;
	trap_handler_t old[256] = { NULL };
	unsigned int v;

	state = cmdline_number("seed", 1) * 0x9e3779b97f4a7c15ull | 1;
	tap_note("fuzz seed=%lu calls=%lu", cmdline_number("seed", 1), calls);
	old[X86_DB] = trap_set_handler(X86_DB, ignore_exception);
	old[X86_NMI] = trap_set_handler(X86_NMI, ignore_exception);
	for (v = 0x20; v < 256; v++)
		old[v] = trap_set_handler(v, ignore);
	for (i = 0; i < calls; i++)
		one();
	irq_disable();
	((volatile uint32_t *)APIC_BASE)[APIC_SVR / 4] = 0xff;
	for (v = 0; v < 256; v++)
		if (v >= 0x20 || v == X86_DB || v == X86_NMI)
			trap_set_handler(v, old[v]);
	irq_enable();
	CHECK(hc_xen_version(0, NULL) > 0);
}

/* --- garbage */

#define GARBAGE_SIZE 0x2000ul

static uint8_t code[GARBAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned long faults_left;

/* Noise, with instructions in it that noise has rarely: privileged ones, and those that exit. */
static void make_garbage(void)
{
	static const uint8_t some[][3] = {
		{ 0x0f, 0x20 }, { 0x0f, 0x22 }, { 0x0f, 0x23 },	      { 0x0f, 0x30 },	    { 0x0f, 0x32 },
		{ 0x0f, 0x00 }, { 0x0f, 0x06 }, { 0x0f, 0x09 },	      { 0x0f, 0xa2 },	    { 0x0f, 0x01, 0xc1 },
		{ 0x0f, 0x01 }, { 0xf4 },	{ 0xfa },	      { 0xfb },		    { 0xcf },
		{ 0x9d },	{ 0xcd },	{ 0x8e },	      { 0xe6 },		    { 0xec },
		{ 0xf3, 0x6e }, { 0xf3, 0xa4 }, { 0x0f, 0x01, 0xd1 }, { 0x0f, 0x01, 0xd9 }, { 0x0f, 0x07 },
	};
	unsigned long i, n;

	for (i = 0; i < GARBAGE_SIZE; i++)
		code[i] = (uint8_t)any();
	for (n = 0; n < GARBAGE_SIZE / 16; n++)
		memcpy(code + below(GARBAGE_SIZE - 3), some[below(ARRAY_SIZE(some))], 1 + below(3));
}

/* Whatever happened, go on somewhere else in it. */
static bool resume_elsewhere(struct trap_frame *f)
{
	if (!faults_left--)
		power_off(SHUTDOWN_crash);
	f->rip = (uint64_t)code + below(GARBAGE_SIZE - 64);
	f->rflags &= ~(uint64_t)RFLAGS_TF;
	return true;
}

static long execute_garbage(uint64_t seed, uint64_t faults, uint64_t c __unused)
{
	unsigned int v;

	state = seed * 0x9e3779b97f4a7c15ull | 1;
	faults_left = faults;
	make_garbage();
	for (v = 0; v < 256; v++)
		trap_set_handler(v, resume_elsewhere);
	((void (*)(void))code)();
	power_off(SHUTDOWN_crash);
}

static void guests_of_garbage(void)
{
	unsigned long count = cmdline_number("calls", 10000) / 10000, i, seed = cmdline_number("seed", 1);
	unsigned long reasons[8] = { 0 };
	struct guest g;

	for (i = 0; i <= count; i++) {
		unsigned int reason = 7;

		REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
		guest_ask(&g, execute_garbage, seed * 1000 + i, 1000, 0);
		if (guest_wait_down(&g, 20))
			guest_is_down(&g, &reason);
		reasons[reason & 7]++;
		CHECK(guest_destroy(&g));
	}
	tap_note("%lu powered off, %lu reset, %lu crashed, %lu ran on", reasons[0], reasons[1], reasons[3],
		 reasons[7]);
}

/* Each ends dom0, and so the machine: what the hypervisor says of it is the test (tests/hypercall/run). */
static void end_by_triple_fault(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
}

static void end_by_garbage(void)
{
	struct sched_watchdog w = { .id = 0, .timeout = 2 };

	/* It may never come to an end by itself. */
	REQUIRE(hc_sched_op(SCHEDOP_watchdog, &w) > 0);
	execute_garbage(cmdline_number("seed", 1), 100000, 0);
}

/* The ways of a PC to reset itself, by the port: keyboard controller, its output port, fast reset, chip set. */
static void end_by_reset(void)
{
	switch (cmdline_number("port", 0)) {
	case 0x64:
		outb(0x64, 0xfe);
		break;
	case 0x60:
		outb(0x64, 0xd1);
		outb(0x60, 0x02);
		break;
	case 0x92:
		outb(0x92, inb(0x92) | 1);
		break;
	case 0xcf9:
		outb(0xcf9, 0x02);
		outb(0xcf9, 0x06);
		break;
	}
	sleep_ms(10);
	CHECK(!"it goes on");
}

static const struct test tests[] = {
	{ "random registers, and the hypervisor lives", random_platform, TEST_DOM0 | TEST_NOT_XEN },
	{ "guests execute garbage, and the hypervisor lives", guests_of_garbage, TEST_DOM0 },
};
static const struct test triple[] = { { "triple fault", end_by_triple_fault, TEST_DOM0 } };
static const struct test garbage[] = { { "garbage", end_by_garbage, TEST_DOM0 } };
static const struct test reset[] = { { "reset", end_by_reset, TEST_DOM0 } };

AREA_MANUAL(platform, "fuzz-platform", tests, NULL, NULL);
AREA_MANUAL(end_triple, "end-triple-fault", triple, NULL, NULL);
AREA_MANUAL(end_garbage, "end-garbage", garbage, NULL, NULL);
AREA_MANUAL(end_reset, "end-reset", reset, NULL, NULL);
