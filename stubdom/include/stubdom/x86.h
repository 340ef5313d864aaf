/* SPDX-License-Identifier: GPL-2.0-only */
/* x86 instructions, control register bits and MSR numbers (Intel SDM). */
#ifndef STUBDOM_X86_H
#define STUBDOM_X86_H

#ifndef __ASSEMBLY__
#include <stubdom/types.h>
#endif

#define CR0_PE		   0x00000001
#define CR0_MP		   0x00000002
#define CR0_EM		   0x00000004
#define CR0_TS		   0x00000008
#define CR0_ET		   0x00000010
#define CR0_NE		   0x00000020
#define CR0_WP		   0x00010000
#define CR0_AM		   0x00040000
#define CR0_NW		   0x20000000
#define CR0_CD		   0x40000000
#define CR0_PG		   0x80000000
#define CR4_TSD		   0x00000004
#define CR4_DE		   0x00000008
#define CR4_PSE		   0x00000010
#define CR4_PAE		   0x00000020
#define CR4_PGE		   0x00000080
#define CR4_OSFXSR	   0x00000200
#define CR4_OSXMMEXCPT	   0x00000400
#define CR4_VMXE	   0x00002000
#define CR4_FSGSBASE	   0x00010000
#define CR4_PCIDE	   0x00020000
#define CR4_OSXSAVE	   0x00040000
#define CR4_SMEP	   0x00100000

#define MSR_TSC		   0x10
#define MSR_APIC_BASE	   0x1b
#define MSR_SYSENTER_CS	   0x174
#define MSR_SYSENTER_ESP   0x175
#define MSR_SYSENTER_EIP   0x176
#define MSR_MISC_ENABLE	   0x1a0
#define MSR_MTRRCAP	   0xfe
#define MSR_MTRR_DEF_TYPE  0x2ff
#define MSR_PAT		   0x277
#define MSR_TSC_DEADLINE   0x6e0
#define MSR_TSC_ADJUST	   0x3b
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_CSTAR	   0xc0000083
#define MSR_SFMASK	   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX	   0xc0000103
#define MSR_X2APIC_BASE	   0x800

#define EFER_SCE	   0x001
#define EFER_LME	   0x100
#define EFER_LMA	   0x400
#define EFER_NXE	   0x800

#define RFLAGS_TF	   0x100
#define RFLAGS_IF	   0x200
#define RFLAGS_AC	   0x40000

#define X86_DE		   0
#define X86_DB		   1
#define X86_NMI		   2
#define X86_BP		   3
#define X86_OF		   4
#define X86_UD		   6
#define X86_NM		   7
#define X86_DF		   8
#define X86_TS		   10
#define X86_NP		   11
#define X86_SS		   12
#define X86_GP		   13
#define X86_PF		   14
#define X86_MF		   16
#define X86_AC		   17
#define X86_XM		   19

#define SEL_CODE64	   0x08
#define SEL_DATA	   0x10
#define SEL_CODE32	   0x18
#define SEL_UDATA	   0x23
#define SEL_UCODE64	   0x2b
#define SEL_UCODE32	   0x33
#define SEL_TSS0	   0x40 /* one 16-byte descriptor per CPU */

#ifndef __ASSEMBLY__

static inline void outb(uint16_t port, uint8_t v) { __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port)); }

static inline uint8_t inb(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outl(uint16_t port, uint32_t v) { __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port)); }

static inline uint16_t inw(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void outw(uint16_t port, uint16_t v) { __asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port)); }

static inline uint32_t inl(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint64_t rdmsr(uint32_t msr)
{
	uint32_t lo, hi;

	__asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return lo | (uint64_t)hi << 32;
}

static inline void wrmsr(uint32_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)) : "memory");
}

struct cpuid_regs {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_regs r;

	__asm__ volatile("cpuid"
			 : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
			 : "0"(leaf), "2"(subleaf));
	return r;
}

static inline uint64_t rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return lo | (uint64_t)hi << 32;
}

#define DEFINE_CR(n)                                                           \
	static inline uint64_t read_cr##n(void)                                \
	{                                                                      \
		uint64_t v;                                                    \
                                                                               \
		__asm__ volatile("mov %%cr" #n ", %0" : "=r"(v) : : "memory"); \
		return v;                                                      \
	}                                                                      \
                                                                               \
	static inline void write_cr##n(uint64_t v)                             \
	{                                                                      \
		__asm__ volatile("mov %0, %%cr" #n : : "r"(v) : "memory");     \
	}

DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
DEFINE_CR(8)

static inline void invlpg(const volatile void *va) { __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory"); }

static inline void irq_disable(void) { __asm__ volatile("cli" ::: "memory"); }

static inline void irq_enable(void) { __asm__ volatile("sti" ::: "memory"); }

/* Wait for one interrupt; it is taken, and interrupts are on again, on return. */
static inline void wait_for_interrupt(void) { __asm__ volatile("sti; hlt" ::: "memory"); }

static inline uint64_t read_rflags(void)
{
	uint64_t v;

	__asm__ volatile("pushfq; pop %0" : "=r"(v) : : "memory");
	return v;
}

static inline void cpu_relax(void) { __asm__ volatile("pause" ::: "memory"); }

#endif
#endif
