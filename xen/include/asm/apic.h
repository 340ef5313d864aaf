/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Local APIC, IO-APICs, and the vectors. Registers: SDM volume 3, "Advanced
 * Programmable Interrupt Controller"; 82093AA data sheet.
 */
#ifndef ASM_APIC_H
#define ASM_APIC_H

#include <xen/cpumask.h>

/* Vectors: exceptions below 0x20, the PIC's (only ever spurious) to 0x2f, devices, then these. */
#define VECTOR_PIC_BASE	     0x20
#define VECTOR_DEVICE_FIRST  0x30
#define VECTOR_DEVICE_LAST   0xef
#define VECTOR_POSTED	     0xf9 /* posted interrupts: means something to a CPU in guest mode only */
#define VECTOR_LOCAL_TIMER   0xfa
#define VECTOR_CALL_FUNCTION 0xfb
#define VECTOR_EVENT_CHECK   0xfc
#define VECTOR_APIC_ERROR    0xfe
#define VECTOR_SPURIOUS	     0xff

#define APIC_DEFAULT_BASE    0xfee00000UL
#define APIC_ID		     0x020
#define APIC_LVR	     0x030
#define APIC_TPR	     0x080
#define APIC_PPR	     0x0a0
#define APIC_EOI	     0x0b0
#define APIC_LDR	     0x0d0
#define APIC_DFR	     0x0e0
#define APIC_SPIV	     0x0f0
#define APIC_SPIV_ENABLE     0x100
#define APIC_ISR	     0x100
#define APIC_TMR	     0x180
#define APIC_IRR	     0x200
#define APIC_ESR	     0x280
#define APIC_LVTCMCI	     0x2f0
#define APIC_ICR	     0x300
#define APIC_ICR2	     0x310
#define APIC_LVTT	     0x320
#define APIC_LVTT_DEADLINE   (2U << 17)
#define APIC_LVTTHMR	     0x330
#define APIC_LVTPC	     0x340
#define APIC_LVT0	     0x350
#define APIC_LVT1	     0x360
#define APIC_LVTERR	     0x370
#define APIC_TMICT	     0x380
#define APIC_TMCCT	     0x390
#define APIC_TDCR	     0x3e0
#define APIC_TDCR_DIV_1	     0xb
#define APIC_SELF_IPI	     0x3f0
#define APIC_LVT_MASKED	     (1U << 16)

#define APIC_DM_FIXED	     0x000
#define APIC_DM_SMI	     0x200
#define APIC_DM_NMI	     0x400
#define APIC_DM_INIT	     0x500
#define APIC_DM_STARTUP	     0x600
#define APIC_ICR_BUSY	     0x01000
#define APIC_ICR_ASSERT	     0x04000

extern bool x2apic_enabled;

u32 apic_read(unsigned int reg);
void apic_write(unsigned int reg, u32 val);
void apic_eoi(void);
u32 apic_id(void);
/* dest: an APIC id; mode: APIC_DM_* | vector. Waits until the APIC has sent it. */
void apic_send_ipi(u32 dest, u32 mode);

/* Finds the mode and maps the registers, on the boot CPU; then sets up this CPU's APIC, on every CPU. */
void apic_init(void);
/* Between the two: a CPU's id does not fit into xAPIC mode. */
void apic_require_x2apic(void);
void apic_cpu_init(void);

/* IO-APICs (apic/ioapic.c), from the MADT. Called by apic/irq.c. */
struct ioapic_info {
	u8 id;
	maddr_t addr;
	u32 gsi_base, pins;
};
extern unsigned int nr_ioapics;
extern struct ioapic_info ioapics[];
void ioapic_add(u8 id, u32 addr, u32 gsi_base);
void ioapic_init(void);
/* All with the caller's interrupt descriptor locked. */
void ioapic_program(unsigned int gsi, u8 vector, bool level, bool active_low, u32 dest, bool masked);
void ioapic_set_mask(unsigned int gsi, bool masked);
void ioapic_set_dest(unsigned int gsi, u32 dest);
u64 ioapic_read_entry(unsigned int gsi);

/* ISA interrupts: the GSI each is wired to, and how (MADT source overrides). */
struct isa_irq {
	u32 gsi;
	bool level, active_low;
};
extern struct isa_irq isa_irqs[16];

/* CPUs of the machine as firmware lists them; filled from the MADT, boot CPU first. */
struct cpu_entry {
	u32 apic_id, acpi_id;
	bool enabled;
};
extern unsigned int nr_cpu_entries;
extern struct cpu_entry cpu_entries[NR_CPUS];

void irq_init(void);
/* Sends VECTOR to a CPU. */
void send_ipi(unsigned int cpu, u8 vector);
void send_ipi_mask(cpumask_t mask, u8 vector);
/* Asks a CPU in guest mode to take over what is posted (VECTOR_POSTED). */
void smp_send_posted(unsigned int cpu);
/* What smp.c does on VECTOR_CALL_FUNCTION. */
void smp_call_function_interrupt(void);

#endif
