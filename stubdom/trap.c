/* SPDX-License-Identifier: GPL-2.0-only */
/* Descriptor tables, dispatch of exceptions and interrupts, probes, ring 3. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/cpu.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/x86.h>

#define GDT_SLOTS (SEL_TSS0 / 8 + 2 * MAX_CPUS)

struct idt_entry {
	uint16_t offset_lo, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_hi, zero;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3], reserved1, ist[7], reserved2;
	uint16_t reserved3, iomap;
} __packed;

struct desc_ptr {
	uint16_t limit;
	uint64_t base;
} __packed;

struct extable_entry {
	uint64_t insn, fixup;
};

extern const struct extable_entry __extable_start[], __extable_end[];
extern uint8_t trap_stubs[], ring3_done[];
extern const struct desc_ptr boot_gdt_desc;
void trap_dispatch(struct trap_frame *f);
long ring3_enter(void (*fn)(void *), void *arg, void *stack, uint64_t *saved);
void ring3_leave(uint64_t stack, long value) __noreturn;

static struct idt_entry idt[256] __aligned(4096);
static uint64_t gdt[GDT_SLOTS] __aligned(64);
static struct tss tss[MAX_CPUS] __aligned(128);
static uint8_t fault_stack[MAX_CPUS][PAGE_SIZE] __aligned(16);
static uint8_t ring0_stack[MAX_CPUS][2 * PAGE_SIZE] __aligned(16);
static trap_handler_t handlers[256];
static unsigned long counts[256];
static uint64_t ring3_saved;

void traps_init(void)
{
	unsigned int v;

	memcpy(gdt, (const void *)boot_gdt_desc.base, boot_gdt_desc.limit + 1);
	for (v = 0; v < 256; v++) {
		uint64_t addr = (uint64_t)trap_stubs + v * 16;

		idt[v] = (struct idt_entry){
			.offset_lo = (uint16_t)addr,
			.offset_mid = (uint16_t)(addr >> 16),
			.offset_hi = (uint32_t)(addr >> 32),
			.selector = SEL_CODE64,
			.ist = v == X86_DF ? 1 : 0,
			.type = v == X86_BP || v == X86_OF || v == 0x80 ? 0xee : 0x8e,
		};
	}
	traps_init_cpu(0);
}

void traps_init_cpu(unsigned int cpu)
{
	struct desc_ptr gdtr = { sizeof(gdt) - 1, (uint64_t)gdt };
	struct desc_ptr idtr = { sizeof(idt) - 1, (uint64_t)idt };
	uint64_t base = (uint64_t)&tss[cpu];
	uint64_t *slot = &gdt[SEL_TSS0 / 8 + 2 * cpu];

	tss[cpu].rsp[0] = (uint64_t)ring0_stack[cpu] + sizeof(ring0_stack[cpu]);
	tss[cpu].ist[0] = (uint64_t)fault_stack[cpu] + PAGE_SIZE;
	tss[cpu].iomap = sizeof(struct tss);
	slot[0] = (sizeof(struct tss) - 1) | (base & 0xffffff) << 16 | 0x89ull << 40 |
		  (base >> 24 & 0xff) << 56;
	slot[1] = base >> 32;
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2"
			 :
			 : "m"(gdtr), "m"(idtr), "r"(SEL_TSS0 + 16 * cpu)
			 : "memory");
	cpus[cpu].self = &cpus[cpu];
	cpus[cpu].id = cpu;
	cpus[cpu].fault.vector = -1;
	wrmsr(MSR_GS_BASE, (uint64_t)&cpus[cpu]);
}

trap_handler_t trap_set_handler(unsigned int vector, trap_handler_t handler)
{
	trap_handler_t old = handlers[vector];

	handlers[vector] = handler;
	return old;
}

unsigned long trap_count(unsigned int vector) { return READ_ONCE(counts[vector]); }

struct fault *fault_slot(void) { return &this_cpu()->fault; }

void (*trap_way_out)(void);

static void __noreturn trap_fatal(const struct trap_frame *f)
{
	if (trap_way_out && !this_cpu()->id)
		trap_way_out();
	printf("stubdom: exception %lu error %lx at %lx (cr2 %lx)\n", f->vector, f->error, f->rip, read_cr2());
	printf("  rax %lx rbx %lx rcx %lx rdx %lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	printf("  rsi %lx rdi %lx rbp %lx rsp %lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
	printf("  r8 %lx r9 %lx r10 %lx r11 %lx\n", f->r8, f->r9, f->r10, f->r11);
	printf("  rflags %lx cs %lx ss %lx cr0 %lx cr3 %lx cr4 %lx\n", f->rflags, f->cs, f->ss, read_cr0(),
	       read_cr3(), read_cr4());
	panic("unexpected exception");
}

void trap_dispatch(struct trap_frame *f)
{
	const struct extable_entry *e;
	struct fault *slot;

	__asm__ volatile("lock incq %0" : "+m"(counts[f->vector]));
	if (handlers[f->vector] && handlers[f->vector](f))
		return;
	if (f->vector >= 32)
		return;
	slot = fault_slot();
	if ((f->cs & 3) == 3) {
		slot->vector = (int)f->vector;
		slot->error = (uint32_t)f->error;
		slot->cr2 = read_cr2();
		ring3_leave(ring3_saved,
			    f->vector == X86_BP && f->rip == (uint64_t)ring3_done + 1 ? -1 : (long)f->vector);
	}
	for (e = __extable_start; e < __extable_end; e++) {
		if (e->insn != f->rip)
			continue;
		slot->vector = (int)f->vector;
		slot->error = (uint32_t)f->error;
		slot->cr2 = read_cr2();
		f->rip = e->fixup;
		return;
	}
	trap_fatal(f);
}

int probe_rdmsr(uint32_t msr, uint64_t *value)
{
	uint32_t lo = 0, hi = 0;

	fault_clear();
	__asm__ volatile(PROBE("rdmsr") : "+a"(lo), "+d"(hi) : "c"(msr) : "memory");
	if (value)
		*value = lo | (uint64_t)hi << 32;
	return fault_last().vector;
}

int probe_wrmsr(uint32_t msr, uint64_t value)
{
	fault_clear();
	__asm__ volatile(PROBE("wrmsr")
			 :
			 : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
	return fault_last().vector;
}

int probe_read(const volatile void *p, uint64_t *value)
{
	uint64_t v = 0;

	fault_clear();
	__asm__ volatile(PROBE("mov (%1), %0") : "+r"(v) : "r"(p) : "memory");
	if (value)
		*value = v;
	return fault_last().vector;
}

int probe_write(volatile void *p, uint64_t value)
{
	fault_clear();
	__asm__ volatile(PROBE("mov %0, (%1)") : : "r"(value), "r"(p) : "memory");
	return fault_last().vector;
}

static void map_user(bool user)
{
	extern uint64_t boot_pml4[], boot_pdpt[], boot_pd[];
	unsigned int i;

	for (i = 0; i < 2048; i++)
		boot_pd[i] = user ? boot_pd[i] | PTE_U : boot_pd[i] & ~PTE_U;
	for (i = 0; i < 4; i++)
		boot_pdpt[i] = user ? boot_pdpt[i] | PTE_U : boot_pdpt[i] & ~PTE_U;
	boot_pml4[0] = user ? boot_pml4[0] | PTE_U : boot_pml4[0] & ~PTE_U;
	write_cr3(read_cr3());
}

int run_in_ring3(void (*fn)(void *), void *arg)
{
	uint8_t *stack = page_alloc();
	long vector;

	map_user(true);
	vector = ring3_enter(fn, arg, stack + PAGE_SIZE - 16, &ring3_saved);
	map_user(false);
	page_free(stack);
	return (int)vector;
}
