/* SPDX-License-Identifier: GPL-2.0-only */
/* Exceptions, interrupt vectors, and probes: instructions that are allowed to fault. */
#ifndef STUBDOM_TRAP_H
#define STUBDOM_TRAP_H

#include <stubdom/types.h>

struct trap_frame {
	uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};

/* A handler returns true when the trap is dealt with; false continues as without one. */
typedef bool (*trap_handler_t)(struct trap_frame *f);

void traps_init(void);
/* GDT, TSS and IDT of CPU number cpu, on that CPU. */
void traps_init_cpu(unsigned int cpu);
/* Install (or with NULL remove) the handler of a vector; returns the old one. */
trap_handler_t trap_set_handler(unsigned int vector, trap_handler_t handler);
/* When not NULL: called by the first CPU at an exception that nobody expects, instead of panic(). Does not return. */
extern void (*trap_way_out)(void);
/* How often the vector was taken, by all CPUs. */
unsigned long trap_count(unsigned int vector);

/* What the last probe on this CPU ended with: vector -1 for "did not fault". */
struct fault {
	int vector;
	uint32_t error;
	uint64_t cr2;
};

struct fault *fault_slot(void);

static inline void fault_clear(void) { fault_slot()->vector = -1; }

static inline struct fault fault_last(void) { return *fault_slot(); }

/* Wrap one instruction so that a fault in it continues after it. Use with fault_clear(). */
#define PROBE(insn)                      \
	"771: " insn "\n772:\n"          \
	".pushsection .extable, \"a\"\n" \
	".quad 771b, 772b\n"             \
	".popsection\n"

/* Probed accesses: the vector, or -1; *error (may be NULL) gets the error code. */
int probe_rdmsr(uint32_t msr, uint64_t *value);
int probe_wrmsr(uint32_t msr, uint64_t value);
int probe_read(const volatile void *p, uint64_t *value);
int probe_write(volatile void *p, uint64_t value);

/*
 * Run fn(arg) in ring 3 on a page of its own stack. Returns -1 when it came back by itself, else
 * the vector of the exception that ended it. The code must be reachable with user rights: the
 * whole program is mapped with them while this runs.
 */
int run_in_ring3(void (*fn)(void *), void *arg);

#endif
