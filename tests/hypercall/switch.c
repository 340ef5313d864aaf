/* SPDX-License-Identifier: GPL-2.0-only */
/* What a switch to another domain keeps: both load a register with values of their own, and take turns. */
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include "peer.h"

#define AVX (1u << 28)

struct reg {
	const char *name;
	void (*load)(uint64_t v);
	uint64_t (*read)(void);
};

#define DEBUG_REGISTER(n)                                                                             \
	static void load_dr##n(uint64_t v) { __asm__ volatile("mov %0, %%dr" #n : : "r"(v)); }        \
	static uint64_t read_dr##n(void)                                                              \
	{                                                                                             \
		uint64_t v;                                                                           \
                                                                                                      \
		__asm__ volatile("mov %%dr" #n ", %0" : "=r"(v));                                     \
		return v;                                                                             \
	}

DEBUG_REGISTER(0)
DEBUG_REGISTER(1)
DEBUG_REGISTER(2)
DEBUG_REGISTER(3)
DEBUG_REGISTER(7)

static const struct reg debug_regs[] = {
	{ "DR0", load_dr0, read_dr0 },
	{ "DR1", load_dr1, read_dr1 },
	{ "DR2", load_dr2, read_dr2 },
	{ "DR3", load_dr3, read_dr3 },
};

#define MSR(name, index)                                            \
	static void load_##name(uint64_t v) { wrmsr(index, v); }    \
	static uint64_t read_##name(void) { return rdmsr(index); }

MSR(star, MSR_STAR)
MSR(lstar, MSR_LSTAR)
MSR(cstar, MSR_CSTAR)
MSR(sfmask, MSR_SFMASK)
MSR(kernel_gs, MSR_KERNEL_GS_BASE)
MSR(fs, MSR_FS_BASE)
MSR(sysenter_esp, MSR_SYSENTER_ESP)
MSR(sysenter_eip, MSR_SYSENTER_EIP)

static const struct reg msrs[] = {
	{ "STAR", load_star, read_star },
	{ "LSTAR", load_lstar, read_lstar },
	{ "CSTAR", load_cstar, read_cstar },
	{ "SFMASK", load_sfmask, read_sfmask },
	{ "KERNEL_GS_BASE", load_kernel_gs, read_kernel_gs },
	{ "FS_BASE", load_fs, read_fs },
	{ "SYSENTER_ESP", load_sysenter_esp, read_sysenter_esp },
	{ "SYSENTER_EIP", load_sysenter_eip, read_sysenter_eip },
};

#define XMM(n)                                                                                     \
	static void load_xmm##n(uint64_t v) { __asm__ volatile("movq %0, %%xmm" #n : : "r"(v)); }  \
	static uint64_t read_xmm##n(void)                                                          \
	{                                                                                          \
		uint64_t v;                                                                        \
                                                                                                   \
		__asm__ volatile("movq %%xmm" #n ", %0" : "=r"(v));                                \
		return v;                                                                          \
	}

XMM(0)
XMM(7)
XMM(15)

static void load_mxcsr(uint64_t v)
{
	uint32_t w = 0x1f80 | (uint32_t)(v >> 45 & 1) << 13; /* rounding */

	__asm__ volatile("ldmxcsr %0" : : "m"(w));
}

static uint64_t read_mxcsr(void)
{
	uint32_t w;

	__asm__ volatile("stmxcsr %0" : "=m"(w));
	return w & 0x6000;
}

static void load_fcw(uint64_t v)
{
	uint16_t w = (uint16_t)(0x37f | (v >> 45 & 1) << 10);

	__asm__ volatile("fldcw %0" : : "m"(w));
}

static uint64_t read_fcw(void)
{
	uint16_t w;

	__asm__ volatile("fnstcw %0" : "=m"(w));
	return w & 0xc00;
}

static const struct reg sse[] = {
	{ "XMM0", load_xmm0, read_xmm0 },
	{ "XMM7", load_xmm7, read_xmm7 },
	{ "XMM15", load_xmm15, read_xmm15 },
	{ "MXCSR", load_mxcsr, read_mxcsr },
	{ "x87 control word", load_fcw, read_fcw },
};

/* The upper half of a 256-bit register; the feature must be on (avx_on). */
static void load_ymm9(uint64_t v)
{
	uint64_t half[4] = { 1, 2, v, v + 1 };

	__asm__ volatile("vmovdqu %0, %%ymm9" : : "m"(half));
}

static uint64_t read_ymm9(void)
{
	uint64_t half[4];

	__asm__ volatile("vmovdqu %%ymm9, %0" : "=m"(half));
	return half[3] == half[2] + 1 ? half[2] : ~0ul;
}

static const struct reg avx[] = { { "YMM9", load_ymm9, read_ymm9 } };

static long avx_on(uint64_t on, uint64_t b __unused, uint64_t c __unused)
{
	uint64_t cr4 = read_cr4() | CR4_OSXSAVE | CR4_OSFXSR;

	if (on)
		write_cr4(cr4);
	__asm__ volatile("xsetbv" : : "a"(on ? 7 : 1), "d"(0), "c"(0));
	if (!on)
		write_cr4(cr4 & ~(uint64_t)CR4_OSXSAVE);
	return 0;
}

#define REGS 8u

static uint64_t kept[REGS]; /* what this domain's registers must hold */

/* Load each register with a value of its own, and remember what it holds then. */
static long load_all(uint64_t regs, uint64_t count, uint64_t base)
{
	const struct reg *r = (const struct reg *)regs;
	unsigned int i;

	for (i = 0; i < count; i++) {
		r[i].load(base + 0x1111 * i);
		kept[i] = r[i].read();
	}
	return 0;
}

/* A bit for each that holds something else now; to: where kept[] goes. */
static long changed(uint64_t regs, uint64_t count, uint64_t to)
{
	const struct reg *r = (const struct reg *)regs;
	unsigned int i;
	long bits = 0;

	for (i = 0; i < count; i++)
		bits |= (long)(r[i].read() != kept[i]) << i;
	if (to)
		memcpy((void *)to, kept, sizeof(kept));
	return bits;
}

/* The values are addresses that are canonical. Few calls: Xen on two CPUs takes a second for one. */
static void keep(const struct reg *r, unsigned int count)
{
	const uint64_t *theirs = (const uint64_t *)peer.mailbox->data;
	uint64_t old[REGS];
	unsigned int i;

	for (i = 0; i < count; i++)
		old[i] = r[i].read();
	load_all((uint64_t)r, count, 0x123456789000);
	CHECK_EQ(PEER_CALL(load_all, r, count, 0x3edcba987000), 0);
	CHECK_EQ(changed((uint64_t)r, count, 0), 0);
	sleep_ms(2);
	CHECK_EQ(changed((uint64_t)r, count, 0), 0);
	CHECK_EQ(PEER_CALL(changed, r, count, guest_data(&peer)), 0);
	CHECK_EQ(changed((uint64_t)r, count, 0), 0);
	for (i = 0; i < count; i++)
		if (!CHECK(kept[i] != theirs[i]))
			tap_note("%s", r[i].name);
	for (i = 0; i < count; i++)
		r[i].load(old[i]);
}

static void debug_registers(void) { keep(debug_regs, ARRAY_SIZE(debug_regs)); }

/* Breakpoints that are armed here do not strike there. */
static void armed_breakpoints(void)
{
	static volatile uint64_t word; /* at the same address in both */

	load_dr0((uint64_t)&word);
	load_dr7(0x400 | 1 | 9ul << 16);
	peer_poke((uint64_t)&word, 5);
	CHECK_EQ(peer_peek((uint64_t)&word), 5);
	CHECK_EQ(read_dr7(), 0x400 | 1 | 9ul << 16);
	load_dr7(0x400);
	load_dr0(0);
}

static void msrs_keep(void) { keep(msrs, ARRAY_SIZE(msrs)); }

static void sse_keeps(void) { keep(sse, ARRAY_SIZE(sse)); }

static void avx_keeps(void)
{
	if (!(cpuid(1, 0).ecx & AVX)) {
		tap_skip("no AVX");
		return;
	}
	avx_on(1, 0, 0);
	CHECK_EQ(PEER_CALL(avx_on, 1, 0, 0), 0);
	keep(avx, ARRAY_SIZE(avx));
	CHECK_EQ(PEER_CALL(avx_on, 0, 0, 0), 0);
	avx_on(0, 0, 0);
}

static const struct test tests[] = {
	{ "debug registers", debug_registers, TEST_DOM0 },
	{ "armed breakpoints", armed_breakpoints, TEST_DOM0 },
	{ "MSRs", msrs_keep, TEST_DOM0 },
	{ "SSE and x87 state", sse_keeps, TEST_DOM0 },
	{ "AVX state", avx_keeps, TEST_DOM0 },
};

AREA(switching, "switch", tests, peer_start, peer_stop);
