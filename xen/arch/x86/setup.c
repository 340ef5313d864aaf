/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The start, in order, on the boot CPU: from the loader's information to
 * "ready for dom0", and on to dom0.
 */
#include <xen/console.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <xen/serial.h>
#include <xen/softirq.h>
#include <xen/time.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/pgtable.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/traps.h>
#include "boot/boot.h"
#include "setup.h"

/* What needs no memory but the image's. */
static void __init start_early(maddr_t mbi)
{
	traps_init();
	boot_info_parse(mbi);
	cmdline_parse(boot_info.cmdline);
	console_init_early();
	ns16550_init();
	printk("Pavise: a hypervisor for PVH domains, with the ABI of Xen 4.17\n");
	printk("Command line: %s\n", boot_info.cmdline);
	boot_info_show();
	cpu_features_init();
	cpu_setup();
}

/* Memory, interrupts, time. */
static void __init start_machine(void)
{
	e820_init();
	mm_init();
	printk("Memory: %lu MiB RAM, %lu MiB free; image at %lx\n", total_pages >> 8, free_page_count() >> 8,
	       image_phys_base + IMAGE_OFFSET);
	apic_init();
	acpi_init();
	apic_cpu_init();
	smp_prepare_boot_cpu();
	irq_init();
	time_init();
}

/* What common code brings, and the other CPUs. True when domains can be run. */
static bool __init start_services(void)
{
	bool can_run;

	softirq_init();
	timer_init();
	domain_init();
	scheduler_init();
	local_irq_enable();
	ns16550_start_irqs();
	can_run = !hvm_init();
	smp_boot_cpus();
	console_init_late();
	traps_late_init();
	return can_run;
}

/*
 * Where boot ends. Not init code itself: it frees that. The boot CPU's stack is its stack for good; the
 * frames of start_xen() and its callers are left behind on it.
 */
static void noinline __noreturn finish_start(void)
{
	free_init_memory();
	cpu_main_loop();
}

void __init start_xen(maddr_t mbi)
{
	u64 start = rdtsc();
	bool can_run;

	start_early(mbi);
	start_machine();
	can_run = start_services();
	if (CONFIG_SELFTEST)
		selftest_run();
	if (can_run)
		printk("Pavise: ready for dom0, %lu us after the start\n",
		       (unsigned long)(tsc_to_ns(rdtsc() - start) / 1000));
	if (!boot_info.nr_modules)
		printk(XENLOG_ERR "no dom0 kernel: add a module2 line to the GRUB entry\n");
	else if (!can_run)
		printk(XENLOG_ERR "no domain can run on this machine (see above): dom0 is not started\n");
	else
		dom0_build();
	bootmem_release_held();
	watchdog_init();
	finish_start();
}
