/* SPDX-License-Identifier: GPL-2.0-only */
/* Encodings of VMCS fields (SDM volume 3, appendix "Field Encoding in VMCS"), and how to read and write them. */
#ifndef ASM_VMCS_H
#define ASM_VMCS_H

/* 16-bit */
#define VPID		  0x0000
#define POSTED_VECTOR	  0x0002
#define GUEST_ES_SELECTOR 0x0800 /* then CS, SS, DS, FS, GS, LDTR, TR, 2 apart */
#define GUEST_INTR_STATUS 0x0810
#define HOST_ES_SELECTOR  0x0c00
#define HOST_CS_SELECTOR  0x0c02
#define HOST_SS_SELECTOR  0x0c04
#define HOST_DS_SELECTOR  0x0c06
#define HOST_FS_SELECTOR  0x0c08
#define HOST_GS_SELECTOR  0x0c0a
#define HOST_TR_SELECTOR  0x0c0c
/* 64-bit */
#define IO_BITMAP_A	       0x2000
#define IO_BITMAP_B	       0x2002
#define MSR_BITMAP	       0x2004
#define VM_EXIT_MSR_STORE_ADDR 0x2006
#define VM_EXIT_MSR_LOAD_ADDR  0x2008
#define VM_ENTRY_MSR_LOAD_ADDR 0x200a
#define TSC_OFFSET	       0x2010
#define VIRTUAL_APIC_PAGE      0x2012
#define POSTED_DESCRIPTOR      0x2016
#define EPT_POINTER	       0x201a
#define EOI_EXIT_BITMAP0       0x201c
#define TSC_MULTIPLIER	       0x2032
#define GUEST_PHYSICAL_ADDRESS 0x2400
#define VMCS_LINK_POINTER      0x2800
#define GUEST_DEBUGCTL	       0x2802
#define GUEST_PAT	       0x2804
#define GUEST_EFER	       0x2806
#define GUEST_PDPTE0	       0x280a /* then 1, 2, 3, 2 apart */
#define HOST_PAT	       0x2c00
#define HOST_EFER	       0x2c02
/* 32-bit */
#define PIN_BASED_CONTROL	 0x4000
#define PROC_BASED_CONTROL	 0x4002
#define EXCEPTION_BITMAP	 0x4004
#define PF_ERROR_CODE_MASK	 0x4006
#define PF_ERROR_CODE_MATCH	 0x4008
#define CR3_TARGET_COUNT	 0x400a
#define VM_EXIT_CONTROLS	 0x400c
#define VM_EXIT_MSR_STORE_COUNT	 0x400e
#define VM_EXIT_MSR_LOAD_COUNT	 0x4010
#define VM_ENTRY_CONTROLS	 0x4012
#define VM_ENTRY_MSR_LOAD_COUNT	 0x4014
#define VM_ENTRY_INTR_INFO	 0x4016
#define VM_ENTRY_EXCEPTION_ERROR 0x4018
#define VM_ENTRY_INSN_LEN	 0x401a
#define TPR_THRESHOLD		 0x401c
#define SECONDARY_CONTROL	 0x401e
#define PLE_GAP			 0x4020
#define PLE_WINDOW		 0x4022
#define VM_INSN_ERROR		 0x4400
#define VM_EXIT_REASON		 0x4402
#define VM_EXIT_INTR_INFO	 0x4404
#define VM_EXIT_INTR_ERROR	 0x4406
#define IDT_VECTORING_INFO	 0x4408
#define IDT_VECTORING_ERROR	 0x440a
#define VM_EXIT_INSN_LEN	 0x440c
#define VM_EXIT_INSN_INFO	 0x440e
#define GUEST_ES_LIMIT		 0x4800 /* then CS … TR, GDTR, IDTR */
#define GUEST_GDTR_LIMIT	 0x4810
#define GUEST_IDTR_LIMIT	 0x4812
#define GUEST_ES_AR		 0x4814 /* then CS … TR */
#define GUEST_CS_AR		 0x4816
#define GUEST_SS_AR		 0x4818
#define GUEST_TR_AR		 0x4822
#define GUEST_INTERRUPTIBILITY	 0x4824
#define GUEST_ACTIVITY		 0x4826
#define GUEST_SYSENTER_CS	 0x482a
#define GUEST_PREEMPTION_TIMER	 0x482e
#define HOST_SYSENTER_CS	 0x4c00
/* natural width */
#define CR0_GUEST_HOST_MASK  0x6000
#define CR4_GUEST_HOST_MASK  0x6002
#define CR0_READ_SHADOW	     0x6004
#define CR4_READ_SHADOW	     0x6006
#define EXIT_QUALIFICATION   0x6400
#define GUEST_LINEAR_ADDRESS 0x640a
#define GUEST_CR0	     0x6800
#define GUEST_CR3	     0x6802
#define GUEST_CR4	     0x6804
#define GUEST_ES_BASE	     0x6806 /* then CS … TR, GDTR, IDTR */
#define GUEST_FS_BASE	     0x680e
#define GUEST_GS_BASE	     0x6810
#define GUEST_GDTR_BASE	     0x6816
#define GUEST_IDTR_BASE	     0x6818
#define GUEST_DR7	     0x681a
#define GUEST_RSP	     0x681c
#define GUEST_RIP	     0x681e
#define GUEST_RFLAGS	     0x6820
#define GUEST_PENDING_DEBUG  0x6822
#define GUEST_SYSENTER_ESP   0x6824
#define GUEST_SYSENTER_EIP   0x6826
#define HOST_CR0	     0x6c00
#define HOST_CR3	     0x6c02
#define HOST_CR4	     0x6c04
#define HOST_FS_BASE	     0x6c06
#define HOST_GS_BASE	     0x6c08
#define HOST_TR_BASE	     0x6c0a
#define HOST_GDTR_BASE	     0x6c0c
#define HOST_IDTR_BASE	     0x6c0e
#define HOST_SYSENTER_ESP    0x6c10
#define HOST_SYSENTER_EIP    0x6c12
#define HOST_RSP	     0x6c14
#define HOST_RIP	     0x6c16

#ifndef __ASSEMBLER__
#include <xen/lib.h>

/* A failure means that the field does not exist or no VMCS is current: the hypervisor's own mistake. */
static inline u64 vmread(unsigned long field)
{
	bool fail;
	u64 v;

	__asm__ __volatile__("vmread %[field], %[v]"
			     : [v] "=rm"(v), "=@ccbe"(fail)
			     : [field] "r"(field)
			     : "memory");
	ASSERT(!fail);
	return v;
}
static inline void vmwrite(unsigned long field, u64 v)
{
	bool fail;

	__asm__ __volatile__("vmwrite %[v], %[field]"
			     : "=@ccbe"(fail)
			     : [field] "r"(field), [v] "rm"(v)
			     : "memory");
	ASSERT(!fail);
}
/* For fields that a CPU may lack, and for dumps. False: no such field. */
static inline bool vmread_safe(unsigned long field, u64 *v)
{
	bool fail;

	*v = 0;
	__asm__ __volatile__("vmread %[field], %[v]"
			     : [v] "+r"(*v), "=@ccbe"(fail)
			     : [field] "r"(field)
			     : "memory");
	return !fail;
}

static inline bool __must_check vmxon(maddr_t region)
{
	bool fail;

	__asm__ __volatile__("vmxon %[r]" : "=@ccbe"(fail) : [r] "m"(region) : "memory");
	return !fail;
}
static inline void vmxoff(void) { __asm__ __volatile__("vmxoff" : : : "memory", "cc"); }
static inline bool __must_check vmclear(maddr_t vmcs)
{
	bool fail;

	__asm__ __volatile__("vmclear %[r]" : "=@ccbe"(fail) : [r] "m"(vmcs) : "memory");
	return !fail;
}
static inline bool __must_check vmptrld(maddr_t vmcs)
{
	bool fail;

	__asm__ __volatile__("vmptrld %[r]" : "=@ccbe"(fail) : [r] "m"(vmcs) : "memory");
	return !fail;
}
#define INVEPT_SINGLE 1UL
#define INVEPT_ALL    2UL
static inline bool invept(unsigned long type, u64 eptp)
{
	struct {
		u64 eptp, zero;
	} d = { eptp, 0 };
	bool fail;

	__asm__ __volatile__("invept %[d], %[t]" : "=@ccbe"(fail) : [d] "m"(d), [t] "r"(type) : "memory");
	return !fail;
}
#define INVVPID_SINGLE 1UL
#define INVVPID_ALL    2UL
static inline bool invvpid(unsigned long type, u16 vpid)
{
	struct {
		u64 vpid, la;
	} d = { vpid, 0 };
	bool fail;

	__asm__ __volatile__("invvpid %[d], %[t]" : "=@ccbe"(fail) : [d] "m"(d), [t] "r"(type) : "memory");
	return !fail;
}

#endif
#endif
