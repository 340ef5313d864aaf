/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions in the hypervisor, what is shown of them, and the CPUs' stacks. */
#ifndef ASM_TRAPS_H
#define ASM_TRAPS_H

#include <asm/page.h>
#include <asm/regs.h>

/*
 * The stacks of one CPU, each with an unmapped page below it: running over one
 * is a #PF, hence (no stack to push on) a #DF, which has a stack of its own.
 */
#define STACK_IST_SIZE	(2 * PAGE_SIZE)
#define STACK_MAIN_SIZE (8 * PAGE_SIZE)
struct cpu_stacks {
	u8 guard0[PAGE_SIZE];
	u8 nmi[STACK_IST_SIZE];
	u8 guard1[PAGE_SIZE];
	u8 df[STACK_IST_SIZE];
	u8 guard2[PAGE_SIZE];
	u8 mc[STACK_IST_SIZE];
	u8 guard3[PAGE_SIZE];
	u8 main[STACK_MAIN_SIZE];
};

/* Fills the IDT. Once, on the boot CPU. */
void traps_init(void);
/* GDT, TSS, IDT of this CPU, with these stacks. */
void traps_cpu_init(struct cpu_stacks *stacks);
/* The boot CPU's stacks lie in the image: take their guard pages out of the page tables. */
void traps_guard_boot_stacks(void);

/* The registers of f and a backtrace from there; any context. */
void show_trap_frame(const struct trap_frame *f);
/* The same of the caller, and of what the interrupt being handled, if any, interrupted. */
void show_execution_state(void);
/* panic() for an exception: shows the registers it came with. */
void panic_at(const struct trap_frame *at, const char *fmt, ...) __printf(2, 3) __noreturn;
/*
 * For panics: makes every other CPU show where it is (when show is true), one after the other, and halt
 * for good. Uses NMIs, so that it works with interrupts off there. Returns when they have, or after a second.
 */
void stop_other_cpus(bool show);
/* Machine-level ends; asm/setup.h: machine_restart(), machine_halt(). */

/* NMIs seen, for those whose business they are not (dump_irqs). */
extern unsigned long nmi_count_unknown;

/* Called from the stubs in entry.S; where show_execution_state()'s own breakpoint returns to. */
extern const u8 execution_state_shown[];
void do_trap(struct trap_frame *f);

#endif
