/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starting the other CPUs: INIT to all of them, then one after the other a
 * start-up IPI with a page that leads to start_secondary(). Sequence: SDM
 * volume 3, "Multiple-Processor (MP) Initialization".
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <xen/smp.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/desc.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/traps.h>
#include "boot/boot.h"
#include "setup.h"

/* As laid out in boot/trampoline.S; addresses are physical. */
struct trampoline_vars {
	u64 stack, gs_base, host_cr3, entry;
	u32 boot_cr3;
	u32 to32;
	u16 cs32, pad32;
	u32 to64;
	u16 cs64, pad64;
	u16 gdt_limit;
	u32 gdt_base;
	u16 pad;
	u64 gdt[GDT_ENTRIES];
} __packed;

extern const u8 trampoline_start[], trampoline_end[], trampoline_vars[], trampoline_32[], trampoline_64[];
extern const u8 __percpu_start[], __percpu_end[];
void secondary_entry(void);

static unsigned int max_cpus __initdata = NR_CPUS;
integer_param("maxcpus", max_cpus, "CPUs to use at most; default all (up to 64)");

/* Hand-shake with the CPU being started. */
static unsigned int starting_cpu;
static struct cpu_stacks *starting_stacks;
static enum { AP_NONE, AP_RUNNING, AP_READY, AP_FAILED, AP_ABANDONED } ap_state;

/* TSC comparison: the larger of the values both CPUs have seen, and how far one of them was behind it. */
static u64 warp_last, warp_max;
static unsigned int warp_lock, warp_go;
static u64 boot_tsc_adjust;
static unsigned int warps_seen;

/* ---- the boot CPU's side ---- */

static u64 __init virt_to_cr3(const void *image_addr) { return image_to_maddr(image_addr); }

/* Tables for the way up: the hypervisor's, and the trampoline page where it is physically. */
static u64 ap_l4[512] __initdata __aligned(4096), ap_l3[512] __initdata __aligned(4096);
static u64 ap_l2[512] __initdata __aligned(4096), ap_l1[512] __initdata __aligned(4096);

static void __init make_ap_tables(void)
{
	memcpy(ap_l4, host_l4, sizeof(ap_l4));
	ap_l4[0] = image_to_maddr(ap_l3) | PTE_P | PTE_W | PTE_A;
	ap_l3[0] = image_to_maddr(ap_l2) | PTE_P | PTE_W | PTE_A;
	ap_l2[0] = image_to_maddr(ap_l1) | PTE_P | PTE_W | PTE_A;
	ap_l1[trampoline_maddr >> PAGE_SHIFT] = trampoline_maddr | PTE_P | PTE_A;
}

static struct trampoline_vars *__init install_trampoline(void)
{
	u8 *page = maddr_to_virt(trampoline_maddr);
	u32 base = (u32)trampoline_maddr;
	struct trampoline_vars *t = (void *)(page + (trampoline_vars - trampoline_start));

	BUG_ON((unsigned long)(trampoline_end - trampoline_start) > PAGE_SIZE);
	memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	t->to32 = base + (u32)(trampoline_32 - trampoline_start);
	t->to64 = base + (u32)(trampoline_64 - trampoline_start);
	t->gdt_base = base + (u32)((u8 *)t->gdt - page);
	t->boot_cr3 = (u32)virt_to_cr3(ap_l4);
	t->host_cr3 = virt_to_cr3(host_l4);
	t->entry = (u64)secondary_entry;
	return t;
}

/* Its copy of the per-CPU section, with what this_cpu() rests on. */
static bool __init make_percpu(unsigned int cpu)
{
	size_t size = (size_t)(__percpu_end - __percpu_start);
	u8 *area = alloc_xenheap_pages(get_order_from_bytes(size), 0);

	if (!area)
		return false;
	memcpy(area, __percpu_start, size);
	per_cpu_offset[cpu] = (unsigned long)area - (unsigned long)__percpu_start;
	per_cpu(percpu_self, cpu) = per_cpu_offset[cpu];
	per_cpu(cpu_id, cpu) = cpu;
	return true;
}

static bool __init wait_for_ap(unsigned int ms)
{
	for (unsigned int i = 0; i < ms * 20; i++) {
		if (smp_load_acquire(&ap_state) != AP_NONE)
			return true;
		udelay(50);
	}
	return false;
}

#define WARP_ROUNDS 64
static void warp_rounds(void)
{
	for (unsigned int i = 0; i < WARP_ROUNDS; i++) {
		u64 now;

		while (cmpxchg(&warp_lock, 0U, 1U))
			cpu_relax();
		now = rdtsc_ordered();
		if (now < warp_last && warp_last - now > warp_max)
			warp_max = warp_last - now;
		warp_last = max(warp_last, now);
		smp_store_release(&warp_lock, 0U);
	}
}

static void __init compare_tsc(unsigned int cpu)
{
	warp_last = warp_max = 0;
	smp_store_release(&warp_go, cpu);
	warp_rounds();
	while (smp_load_acquire(&warp_go))
		cpu_relax();
	if (warp_max && !warps_seen++)
		printk(XENLOG_WARNING "CPU %u: TSC is up to %lu ticks behind another CPU's\n", cpu,
		       (unsigned long)warp_max);
}

static int __init start_cpu(unsigned int cpu, u32 apicid, struct trampoline_vars *t)
{
	starting_stacks = alloc_cpu_stacks();
	if (!starting_stacks || !make_percpu(cpu))
		return -ENOMEM;
	set_cpu_apicid(cpu, apicid);
	starting_cpu = cpu;
	ap_state = AP_NONE;
	t->stack = (u64)(starting_stacks + 1);
	t->gs_base = per_cpu_offset[cpu];
	smp_wmb();
	apic_send_ipi(apicid, APIC_DM_STARTUP | (u32)(trampoline_maddr >> PAGE_SHIFT));
	if (!wait_for_ap(1)) {
		/* A second one is for CPUs that missed the first; one that runs ignores it. */
		apic_send_ipi(apicid, APIC_DM_STARTUP | (u32)(trampoline_maddr >> PAGE_SHIFT));
		if (!wait_for_ap(1000)) {
			if (cmpxchg(&ap_state, AP_NONE, AP_ABANDONED) == AP_NONE)
				return -ETIMEDOUT;
		}
	}
	compare_tsc(cpu);
	while (smp_load_acquire(&ap_state) == AP_RUNNING)
		cpu_relax();
	return ap_state == AP_READY ? 0 : -ENODEV;
}

void __init smp_prepare_boot_cpu(void)
{
	set_cpu_apicid(0, apic_id());
	cpumask_set_atomic(&cpu_online_map, 0);
}

void __init smp_boot_cpus(void)
{
	unsigned int cpu = 1, failed = 0;
	struct trampoline_vars *t;

	if (nr_cpu_entries > 1 && max_cpus > 1 && !trampoline_maddr) {
		printk(XENLOG_WARNING "no free page below 1 MiB: other CPUs cannot be started\n");
		return;
	}
	if (cpu_has(X86_FEATURE_TSC_ADJUST))
		boot_tsc_adjust = rdmsr(MSR_IA32_TSC_ADJUST);
	if (nr_cpu_entries > 1 && max_cpus > 1) {
		make_ap_tables();
		t = install_trampoline();
		for (unsigned int i = 1; i < nr_cpu_entries; i++)
			apic_send_ipi(cpu_entries[i].apic_id, APIC_DM_INIT);
		udelay(10000);
		for (unsigned int i = 1; i < nr_cpu_entries && cpu < max_cpus; i++) {
			int rc = start_cpu(cpu, cpu_entries[i].apic_id, t);

			if (!rc) {
				cpu++;
				continue;
			}
			failed++;
			printk(XENLOG_ERR "CPU with APIC id %x does not start (%d)\n", cpu_entries[i].apic_id,
			       rc);
			/* One that is late would use what the next one is given. */
			if (rc == -ETIMEDOUT)
				break;
		}
	}
	printk("CPUs: %u of %u started%s\n", cpu, nr_cpu_entries, failed ? " (see above)" : "");
}

/* ---- the other CPU's side ---- */

static void adjust_tsc(void)
{
	if (!cpu_has(X86_FEATURE_TSC_ADJUST))
		return;
	if (rdmsr(MSR_IA32_TSC_ADJUST) != boot_tsc_adjust)
		wrmsr(MSR_IA32_TSC_ADJUST, boot_tsc_adjust);
}

void start_secondary(void)
{
	unsigned int cpu = starting_cpu;
	int lacks;

	traps_cpu_init(starting_stacks);
	/* The boot CPU gave up waiting, and what it handed over is somebody else's by now. */
	if (cmpxchg(&ap_state, AP_NONE, AP_RUNNING) != AP_NONE)
		for (;;)
			halt();
	lacks = cpu_features_check(cpu);
	if (!lacks)
		cpu_setup();
	apic_cpu_init();
	adjust_tsc();
	while (smp_load_acquire(&warp_go) != cpu)
		cpu_relax();
	warp_rounds();
	smp_store_release(&warp_go, 0U);
	time_init_cpu();
	if (lacks || (hvm && hvm_cpu_up())) {
		smp_store_release(&ap_state, AP_FAILED);
		for (;;)
			halt();
	}
	sched_start_cpu(cpu);
	cpumask_set_atomic(&cpu_online_map, cpu);
	smp_store_release(&ap_state, AP_READY);
	local_irq_enable();
	cpu_main_loop();
}
