/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Exceptions in the hypervisor: the IDT, each CPU's GDT and TSS, repair by the
 * exception table, and what is shown when there is none.
 */
#include <xen/irq.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <xen/symbols.h>
#include <xen/time.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/traps.h>
#include "setup.h"

struct extable_entry {
	u64 from, to;
};
extern const struct extable_entry __ex_table_start[], __ex_table_end[];
extern const u8 idt_stubs[256][16];
extern const u64 boot_gdt[GDT_ENTRIES];
extern struct cpu_stacks cpu0_stacks;

struct cpu_stacks cpu0_stacks __section(".bss.page_aligned") __aligned(4096);
struct idt_entry idt[256] __ro_after_init __aligned(4096);
DEFINE_PER_CPU(u64, gdt[GDT_ENTRIES]) __aligned(16);
DEFINE_PER_CPU(struct tss, tss) __aligned(128);
static DEFINE_PER_CPU(struct cpu_stacks *, my_stacks);

unsigned long nmi_count_unknown;

/* Stopping the others for a panic. */
static cpumask_t stop_mask, stopped_mask;
static bool stop_show;
/* What the interrupt that is being handled here interrupted; NULL: a guest, or there is none. */
static DEFINE_PER_CPU(const struct trap_frame *, irq_frame);

static const char *const trap_names[32] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor overrun",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualization",
	"control protection",
};

void __init traps_init(void)
{
	for (unsigned int v = 0; v < 256; v++) {
		u64 stub = (u64)idt_stubs[v];

		idt[v] = (struct idt_entry){
			.offset_low = (u16)stub,
			.offset_mid = (u16)(stub >> 16),
			.offset_high = (u32)(stub >> 32),
			.selector = SEL_CS,
			.type = 0x8e, /* present interrupt gate, DPL 0 */
		};
	}
	idt[X86_EXC_NMI].ist = IST_NMI;
	idt[X86_EXC_DF].ist = IST_DF;
	idt[X86_EXC_MC].ist = IST_MC;
	traps_cpu_init(&cpu0_stacks);
}

void traps_cpu_init(struct cpu_stacks *stacks)
{
	struct tss *t = &this_cpu(tss);
	u64 *g = this_cpu(gdt), base = (u64)t;
	struct desc_ptr p = { sizeof(u64) * GDT_ENTRIES - 1, (u64)g };

	this_cpu(my_stacks) = stacks;
	t->ist[IST_NMI - 1] = (u64)stacks->guard1;
	t->ist[IST_DF - 1] = (u64)stacks->guard2;
	t->ist[IST_MC - 1] = (u64)stacks->guard3;
	t->rsp[0] = (u64)(stacks + 1);
	t->iomap_base = sizeof(*t);

	memcpy(g, boot_gdt, sizeof(u64) * GDT_ENTRIES);
	g[SEL_TSS / 8] = (sizeof(*t) - 1) | (base & 0xffffff) << 16 | 0x89UL << 40 | (base >> 24 & 0xff) << 56;
	g[SEL_TSS / 8 + 1] = base >> 32;
	lgdt(&p);
	ltr(SEL_TSS);
	p = (struct desc_ptr){ sizeof(idt) - 1, (u64)idt };
	lidt(&p);
}

void __init traps_guard_boot_stacks(void)
{
	host_unmap((unsigned long)cpu0_stacks.guard0, 1);
	host_unmap((unsigned long)cpu0_stacks.guard1, 1);
	host_unmap((unsigned long)cpu0_stacks.guard2, 1);
	host_unmap((unsigned long)cpu0_stacks.guard3, 1);
	flush_tlb_local();
}

/* A frame-pointer pair may be read there: on one of this CPU's stacks, below its end. */
static bool on_my_stacks(unsigned long p)
{
	const struct cpu_stacks *s = this_cpu(my_stacks);
	unsigned long off = p - (unsigned long)s;

	if (!s || (p & 7) || p < (unsigned long)s || off + 16 > sizeof(*s))
		return false;
	return host_walk(p, NULL) & PTE_P;
}

/* Debug builds keep frame pointers: what the chain of them says is exact. */
static void follow_frames(unsigned long rbp)
{
	for (unsigned int i = 0; i < 32 && on_my_stacks(rbp); i++) {
		const unsigned long *fp = (const unsigned long *)rbp;

		if (!fp[1])
			break;
		printk("   %pS\n", (void *)fp[1]);
		/* Exceptions change to another stack, so the chain may go down: but never in place. */
		if (fp[0] == rbp)
			break;
		rbp = fp[0];
	}
}

/* Others do not: every word on the stack that looks like a return address, stale ones among them. */
static void scan_stack(unsigned long rsp)
{
	unsigned int shown = 0;

	for (unsigned long p = ROUND_UP(rsp, 8); shown < 32 && on_my_stacks(p); p += 8) {
		unsigned long word = *(const unsigned long *)p;

		if (!is_kernel_text(word))
			continue;
		printk("   %pS\n", (void *)word);
		shown++;
	}
}

static void show_backtrace(unsigned long rip, unsigned long rbp, unsigned long rsp)
{
	printk(CONFIG_DEBUG ? "Backtrace:\n" : "Backtrace (addresses found on the stack):\n");
	printk("   %pS\n", (void *)rip);
	if (CONFIG_DEBUG)
		follow_frames(rbp);
	else
		scan_stack(rsp);
}

static void show_registers(const struct trap_frame *f)
{
	printk("rip %lx:%016lx %pS\n", (unsigned long)f->cs, (unsigned long)f->rip, (void *)f->rip);
	printk("rsp %lx:%016lx rflags %08lx cr2 %016lx\n", (unsigned long)f->ss, (unsigned long)f->rsp,
	       (unsigned long)f->rflags, read_cr2());
	printk("rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", (unsigned long)f->rax, (unsigned long)f->rbx,
	       (unsigned long)f->rcx, (unsigned long)f->rdx);
	printk("rsi %016lx rdi %016lx rbp %016lx r8  %016lx\n", (unsigned long)f->rsi, (unsigned long)f->rdi,
	       (unsigned long)f->rbp, (unsigned long)f->r8);
	printk("r9  %016lx r10 %016lx r11 %016lx r12 %016lx\n", (unsigned long)f->r9, (unsigned long)f->r10,
	       (unsigned long)f->r11, (unsigned long)f->r12);
	printk("r13 %016lx r14 %016lx r15 %016lx cr3 %016lx\n", (unsigned long)f->r13, (unsigned long)f->r14,
	       (unsigned long)f->r15, read_cr3());
	show_backtrace(f->rip, f->rbp, f->rsp);
}

void show_trap_frame(const struct trap_frame *f)
{
	const char *name = f->vector < 32 ? trap_names[f->vector] : "interrupt";

	printk("CPU %u: vector %lu (%s), error code %lx\n", smp_processor_id(), (unsigned long)f->vector,
	       name ? name : "reserved", (unsigned long)f->error);
	show_registers(f);
}

/* For show_execution_state(), whose frame is f: the registers after its return. */
static void show_caller(const struct trap_frame *f)
{
	const struct trap_frame *interrupted = this_cpu(irq_frame);
	const u64 *stack = (const u64 *)f->rbp;
	struct trap_frame caller = *f;

	caller.rbp = stack[0];
	caller.rip = stack[1];
	caller.rsp = f->rbp + 16;
	printk("CPU %u:\n", smp_processor_id());
	show_registers(&caller);
	if (interrupted) {
		printk("It interrupted:\n");
		show_registers(interrupted);
	}
}

static bool fix_by_extable(struct trap_frame *f)
{
	for (const struct extable_entry *e = __ex_table_start; e < __ex_table_end; e++)
		if (e->from == f->rip) {
			f->rip = e->to;
			return true;
		}
	return false;
}

static void show_machine_check(void)
{
	u64 cap, status, val;

	if (rdmsr_safe(MSR_IA32_MCG_CAP, &cap) || rdmsr_safe(MSR_IA32_MCG_STATUS, &status))
		return;
	printk("machine check: global status %lx\n", (unsigned long)status);
	for (unsigned int i = 0; i < (cap & 0xff); i++) {
		if (rdmsr_safe(MSR_IA32_MC_STATUS(i), &val) || !(val >> 63))
			continue;
		printk("bank %u: status %016lx", i, (unsigned long)val);
		if (!rdmsr_safe(MSR_IA32_MC_ADDR(i), &val))
			printk(" address %016lx", (unsigned long)val);
		printk("\n");
	}
}

static void __noreturn fatal_trap(struct trap_frame *f)
{
	const struct cpu_stacks *s = this_cpu(my_stacks);

	if (f->vector == X86_EXC_MC)
		show_machine_check();
	if (f->vector == X86_EXC_DF && s && f->rsp >= (u64)s->guard3 - STACK_MAIN_SIZE / 2 &&
	    f->rsp <= (u64)s->main + 256)
		printk("stack overflow on CPU %u\n", smp_processor_id());
	panic_at(f, "unexpected exception %lu (%s)\n", (unsigned long)f->vector,
		 f->vector < 32 && trap_names[f->vector] ? trap_names[f->vector] : "reserved");
}

static void do_nmi(struct trap_frame *f)
{
	unsigned int cpu = smp_processor_id();

	if (cpumask_test((cpumask_t){ READ_ONCE(stop_mask.bits) }, cpu)) {
		if (stop_show) {
			printk("--- CPU %u\n", cpu);
			show_trap_frame(f);
		}
		cpumask_set_atomic(&stopped_mask, cpu);
		cpumask_clear_atomic(&stop_mask, cpu);
		for (;;)
			halt();
	}
	nmi_count_unknown++;
}

void stop_other_cpus(bool show)
{
	unsigned int cpu, me = smp_processor_id();

	stop_show = show;
	for_each_online_cpu(cpu) {
		if (cpu == me || cpumask_test(stopped_mask, cpu))
			continue;
		cpumask_set_atomic(&stop_mask, cpu);
		apic_send_ipi(cpu_to_apicid(cpu), APIC_DM_NMI);
		for (unsigned int i = 0; i < 1000 && cpumask_test(stop_mask, cpu); i++)
			udelay(1000);
		if (cpumask_test(stop_mask, cpu))
			printk("CPU %u does not answer\n", cpu);
		/* Asked once: it stops as soon as it can. */
		cpumask_set_atomic(&stopped_mask, cpu);
	}
}

static void show_this_cpu(void *unused)
{
	const struct trap_frame *f = this_cpu(irq_frame);

	printk("--- CPU %u%s\n", smp_processor_id(), f ? "" : " (in its main loop)");
	if (f)
		show_trap_frame(f);
	else
		show_execution_state();
	if (!is_idle_vcpu(current))
		hvm->dump(current);
}

/*
 * By an ordinary interrupt: a CPU that does not take it hangs, and the watchdog is for that. An NMI could
 * come while that CPU holds the console's lock.
 */
static void show_cpus(char key)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		on_selected_cpus(cpumask_of(cpu), show_this_cpu, NULL, true);
}

void __init traps_late_init(void) { register_keyhandler('d', show_cpus, "registers of every CPU"); }

void do_trap(struct trap_frame *f)
{
	if (f->vector >= 32) {
		const struct trap_frame *outer = this_cpu(irq_frame);

		this_cpu(irq_frame) = f;
		do_irq((unsigned int)f->vector);
		this_cpu(irq_frame) = outer;
	} else if (f->vector == X86_EXC_NMI)
		do_nmi(f);
	else if (f->rip == (u64)execution_state_shown)
		show_caller(f);
	else if (!fix_by_extable(f))
		fatal_trap(f);
}
