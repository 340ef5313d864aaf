/* SPDX-License-Identifier: GPL-2.0-only */
/* The x86 part of domains and vCPUs. The structures of each subsystem stand in its own header. */
#ifndef ASM_DOMAIN_H
#define ASM_DOMAIN_H

#include <asm/regs.h>
#include <asm/hvm-types.h>

struct p2m_domain;
struct e820_entry;
struct vlapic;
struct vioapic;
struct vpci;

struct arch_domain {
	struct p2m_domain *p2m; /* [c] */
	struct hvm_domain hvm;
	struct vioapic *vioapic; /* dom0 (and guests with an emulated IO-APIC), else NULL */
	struct vpci *vpci; /* dom0, else NULL */
	/* Memory map the guest asks for (XENMEM_memory_map); set by the builder or XENMEM_set_memory_map. [d] */
	struct e820_entry *e820; /* xzalloc'd */
	unsigned int nr_e820;
	u32 emulation_flags; /* [c] XEN_X86_EMU_* */
	/* A preempted read of the dirty log: gfns done, dirty ones among them. Under the caller's serialisation. */
	unsigned long logdirty_cursor;
	u64 logdirty_found;
	struct cpu_policy *cpu_policy; /* CPUID and MSR policy; [d] until first run, then constant */
};

struct arch_vcpu {
	struct guest_regs regs; /* [o], or paused */
	struct hvm_vcpu hvm;
	struct vlapic *vlapic; /* [c] */
};

#endif
