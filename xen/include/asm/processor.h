/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Instructions and register bits of the CPU that C has no words for: CPUID,
 * MSRs, control registers, TSC. Bits: SDM volume 3, "Control Registers".
 */
#ifndef ASM_PROCESSOR_H
#define ASM_PROCESSOR_H

#define X86_EFLAGS_CF	   0x00000001
#define X86_EFLAGS_MBS	   0x00000002 /* always set */
#define X86_EFLAGS_PF	   0x00000004
#define X86_EFLAGS_AF	   0x00000010
#define X86_EFLAGS_ZF	   0x00000040
#define X86_EFLAGS_SF	   0x00000080
#define X86_EFLAGS_TF	   0x00000100
#define X86_EFLAGS_IF	   0x00000200
#define X86_EFLAGS_DF	   0x00000400
#define X86_EFLAGS_OF	   0x00000800
#define X86_EFLAGS_RF	   0x00010000
#define X86_EFLAGS_VM	   0x00020000
#define X86_EFLAGS_AC	   0x00040000

#define X86_CR0_PE	   0x00000001
#define X86_CR0_MP	   0x00000002
#define X86_CR0_EM	   0x00000004
#define X86_CR0_TS	   0x00000008
#define X86_CR0_ET	   0x00000010
#define X86_CR0_NE	   0x00000020
#define X86_CR0_WP	   0x00010000
#define X86_CR0_AM	   0x00040000
#define X86_CR0_NW	   0x20000000
#define X86_CR0_CD	   0x40000000
#define X86_CR0_PG	   0x80000000

#define X86_CR4_VME	   0x00000001
#define X86_CR4_PVI	   0x00000002
#define X86_CR4_TSD	   0x00000004
#define X86_CR4_DE	   0x00000008
#define X86_CR4_PSE	   0x00000010
#define X86_CR4_PAE	   0x00000020
#define X86_CR4_MCE	   0x00000040
#define X86_CR4_PGE	   0x00000080
#define X86_CR4_PCE	   0x00000100
#define X86_CR4_OSFXSR	   0x00000200
#define X86_CR4_OSXMMEXCPT 0x00000400
#define X86_CR4_UMIP	   0x00000800
#define X86_CR4_LA57	   0x00001000
#define X86_CR4_VMXE	   0x00002000
#define X86_CR4_FSGSBASE   0x00010000
#define X86_CR4_PCIDE	   0x00020000
#define X86_CR4_OSXSAVE	   0x00040000
#define X86_CR4_SMEP	   0x00100000
#define X86_CR4_SMAP	   0x00200000

#define X86_XCR0_X87	   0x1
#define X86_XCR0_SSE	   0x2
#define X86_XCR0_YMM	   0x4

#define X86_DR6_DEFAULT	   0xffff0ff0UL
#define X86_DR7_DEFAULT	   0x00000400UL

#ifndef __ASSEMBLER__

static inline void cpuid_count(u32 leaf, u32 sub, u32 *a, u32 *b, u32 *c, u32 *d)
{
	__asm__ __volatile__("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "a"(leaf), "c"(sub));
}
static inline void cpuid(u32 leaf, u32 *a, u32 *b, u32 *c, u32 *d) { cpuid_count(leaf, 0, a, b, c, d); }
static inline u32 cpuid_eax(u32 leaf)
{
	u32 a, b, c, d;

	cpuid(leaf, &a, &b, &c, &d);
	return a;
}
static inline u32 cpuid_edx(u32 leaf)
{
	u32 a, b, c, d;

	cpuid(leaf, &a, &b, &c, &d);
	return d;
}

/* For MSRs that are known to exist: a #GP here is a bug of the hypervisor. */
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	__asm__ __volatile__("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 val)
{
	__asm__ __volatile__("wrmsr" : : "c"(msr), "a"((u32)val), "d"((u32)(val >> 32)) : "memory");
}

/* Entry of the exception table: a fault at label from continues at label to. */
#define ASM_EXTABLE(from, to) \
	".pushsection .ex_table, \"a\"\n\t.balign 8\n\t.quad " #from ", " #to "\n\t.popsection\n\t"

/* For MSRs that may be absent: 0, or -1 when the access raised #GP (then *val is 0). */
static inline int __must_check rdmsr_safe(u32 msr, u64 *val)
{
	u32 lo = 0, hi = 0;
	int rc = -1;

	__asm__ __volatile__("1: rdmsr\n\t"
			     "xorl %[rc], %[rc]\n\t"
			     "2:\n\t" ASM_EXTABLE(1b, 2b)
			     : "+a"(lo), "+d"(hi), [rc] "+&r"(rc)
			     : "c"(msr));
	*val = rc ? 0 : (u64)hi << 32 | lo;
	return rc;
}
#define ASM_CR_ACCESS(n)                                                        \
	static inline unsigned long read_cr##n(void)                            \
	{                                                                       \
		unsigned long v;                                                \
		__asm__ __volatile__("movq %%cr" #n ", %0" : "=r"(v));          \
		return v;                                                       \
	}                                                                       \
	static inline void write_cr##n(unsigned long v)                         \
	{                                                                       \
		__asm__ __volatile__("movq %0, %%cr" #n : : "r"(v) : "memory"); \
	}
ASM_CR_ACCESS(0)
ASM_CR_ACCESS(2)
ASM_CR_ACCESS(3)
ASM_CR_ACCESS(4)
ASM_CR_ACCESS(8)

#define ASM_DR_ACCESS(n)                                               \
	static inline unsigned long read_dr##n(void)                   \
	{                                                              \
		unsigned long v;                                       \
		__asm__ __volatile__("movq %%dr" #n ", %0" : "=r"(v)); \
		return v;                                              \
	}                                                              \
	static inline void write_dr##n(unsigned long v)                \
	{                                                              \
		__asm__ __volatile__("movq %0, %%dr" #n : : "r"(v));   \
	}
ASM_DR_ACCESS(0)
ASM_DR_ACCESS(1)
ASM_DR_ACCESS(2)
ASM_DR_ACCESS(3)
ASM_DR_ACCESS(6)
ASM_DR_ACCESS(7)

static inline u64 xgetbv(u32 index)
{
	u32 lo, hi;

	__asm__ __volatile__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(index));
	return (u64)hi << 32 | lo;
}
static inline void xsetbv(u32 index, u64 val)
{
	__asm__ __volatile__("xsetbv" : : "c"(index), "a"((u32)val), "d"((u32)(val >> 32)));
}

/* Not ordered against other instructions; good enough for time stamps. */
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	__asm__ __volatile__("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}
/* All earlier loads are done before the counter is read. */
static inline u64 rdtsc_ordered(void)
{
	u32 lo, hi;

	__asm__ __volatile__("lfence; rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (u64)hi << 32 | lo;
}

static inline void invlpg(unsigned long va) { __asm__ __volatile__("invlpg (%0)" : : "r"(va) : "memory"); }
static inline void wbinvd(void) { __asm__ __volatile__("wbinvd" : : : "memory"); }
static inline void halt(void) { __asm__ __volatile__("hlt" : : : "memory"); }
/* Enables interrupts and halts without a window in between. */
static inline void safe_halt(void) { __asm__ __volatile__("sti; hlt" : : : "memory"); }
static inline void clts(void) { __asm__ __volatile__("clts"); }

/* Full flush of this CPU's translations of the hypervisor's own tables, global ones included. */
void flush_tlb_local(void);
/* The same on every online CPU, and waits. Interrupts enabled, not in an interrupt handler. */
void flush_tlb_all(void);

#endif
#endif
