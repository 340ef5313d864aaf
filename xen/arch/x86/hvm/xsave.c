/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * x87, SSE, AVX and further extended state of vCPUs. The hypervisor uses none of
 * it, so it stays in the CPU until another vCPU runs there (hvm/run.c), and is
 * then saved and loaded as a whole, whatever XCR0 the guest has chosen.
 */
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <asm/cpu-policy.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/processor.h>

#define FXSAVE_SIZE  512
#define XSAVE_HEADER 64

static u64 xcr0_all __ro_after_init; /* 0: no XSAVE, plain FXSAVE */
static u32 xsave_bytes __ro_after_init = FXSAVE_SIZE;

static bool opt_xsave = true;
boolean_param("xsave", opt_xsave, "on|off (on): XSAVE and the state that needs it (AVX, AVX-512) for guests");

/* The components that are switched; others (MPX, PT, PKRU, AMX) are hidden from guests. */
u64 hvm_xcr0_supported(void) { return xcr0_all; }

/* Bytes of the standard format for these components; they have fixed places (SDM, "XSAVE Area"). */
u32 hvm_xsave_size(u64 xcr0)
{
	u32 size = FXSAVE_SIZE + XSAVE_HEADER, a, b, c, d;
	unsigned int i;

	if (!xcr0)
		return xsave_bytes;
	for (i = 2; i < 63; i++) {
		if (!(xcr0 & xcr0_all & (1UL << i)))
			continue;
		cpuid_count(0xd, i, &a, &b, &c, &d);
		size = max_t(u32, size, a + b);
	}
	return size;
}

static int discover(void)
{
	u32 a, b, c, d;

	if (!opt_xsave || !cpu_has(X86_FEATURE_XSAVE))
		return 0;
	cpuid_count(0xd, 0, &a, &b, &c, &d);
	xcr0_all = ((u64)d << 32 | a) & (X86_XCR0_X87 | X86_XCR0_SSE | X86_XCR0_YMM | X86_XCR0_AVX512);
	if ((xcr0_all & X86_XCR0_AVX512) != X86_XCR0_AVX512)
		xcr0_all &= ~(u64)X86_XCR0_AVX512;
	xsave_bytes = hvm_xsave_size(xcr0_all);
	return 0;
}

/* Every CPU, before it runs a guest. 0, or -ENODEV with a message. */
int hvm_xsave_cpu_init(void)
{
	if (smp_processor_id() == 0)
		discover();
	write_cr4(read_cr4() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT);
	clts();
	if (!xcr0_all)
		return 0;
	write_cr4(read_cr4() | X86_CR4_OSXSAVE);
	xsetbv(0, xcr0_all);
	if (hvm_xsave_size(xcr0_all) != xsave_bytes) {
		printk(XENLOG_ERR "CPU%u: extended state differs from the boot CPU's\n", smp_processor_id());
		return -ENODEV;
	}
	return 0;
}

/* What FNINIT and a reset leave; XRSTOR takes MXCSR from the area in any case. */
void hvm_fpu_reset(struct vcpu *v)
{
	u8 *area = v->arch.hvm.xsave_area;

	memset(area, 0, xsave_bytes);
	*(u16 *)area = 0x37f; /* FCW */
	*(u32 *)(area + 24) = 0x1f80; /* MXCSR */
	v->arch.hvm.xcr0 = v->arch.hvm.xcr0_accum = X86_XCR0_X87;
}

int hvm_fpu_init(struct vcpu *v)
{
	/* Pages: XSAVE wants 64-byte alignment. */
	v->arch.hvm.xsave_area = alloc_xenheap_pages(get_order_from_bytes(xsave_bytes), 0);
	if (!v->arch.hvm.xsave_area)
		return -ENOMEM;
	hvm_fpu_reset(v);
	return 0;
}

void hvm_fpu_destroy(struct vcpu *v)
{
	if (v->arch.hvm.xsave_area)
		free_xenheap_pages(v->arch.hvm.xsave_area, get_order_from_bytes(xsave_bytes));
	v->arch.hvm.xsave_area = NULL;
}

void hvm_fpu_load(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	h->fpu_loaded = true;
	if (!xcr0_all) {
		__asm__ __volatile__("fxrstor64 (%0)" : : "r"(h->xsave_area) : "memory");
		return;
	}
	xsetbv(0, xcr0_all);
	__asm__ __volatile__("xrstor64 (%0)" : : "r"(h->xsave_area), "a"(~0U), "d"(~0U) : "memory");
	if (h->xcr0 != xcr0_all)
		xsetbv(0, h->xcr0);
}

void hvm_fpu_save(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	h->fpu_loaded = false;
	if (!xcr0_all) {
		__asm__ __volatile__("fxsave64 (%0)" : : "r"(h->xsave_area) : "memory");
		return;
	}
	if (h->xcr0 != xcr0_all)
		xsetbv(0, xcr0_all);
	__asm__ __volatile__("xsave64 (%0)" : : "r"(h->xsave_area), "a"(~0U), "d"(~0U) : "memory");
}
