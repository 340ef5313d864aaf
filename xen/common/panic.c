/* SPDX-License-Identifier: GPL-2.0-only */
/* The end: what was wrong, where every CPU is, and then a halt or a restart. */
#include <xen/console.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/percpu.h>
#include <xen/time.h>
#include <asm/atomic.h>
#include <asm/irqflags.h>
#include <asm/page.h>
#include <asm/setup.h>
#include <asm/traps.h>

#define REBOOT_SECONDS 5

static bool opt_noreboot;
boolean_param("noreboot", opt_noreboot, "halt after a panic, do not restart; default off");

/* CPU that panics, + 1. */
static unsigned int panic_cpu;

void halt_or_restart(void)
{
	if (opt_noreboot) {
		printk("Halted; 'noreboot' was given\n");
		machine_halt();
	}
	printk("Restart in %d seconds\n", REBOOT_SECONDS);
	for (unsigned int i = 0; i < REBOOT_SECONDS * 100; i++)
		udelay(10000);
	machine_restart();
}

/* Stops this CPU for good if another one, or this one, is in panic() already. */
static void enter_panic(void)
{
	unsigned int me = smp_processor_id() + 1, first;

	local_irq_disable();
	first = cmpxchg(&panic_cpu, 0U, me);
	if (first == me) {
		/* A panic while panicking: say no more than that. */
		printk("Panic within a panic\n");
		halt_or_restart();
	}
	while (first)
		cpu_relax();
	console_force_sync();
}

static void say_why(const char *fmt, va_list ap)
{
	printk("****************************************\nPanic on CPU %u:\n", smp_processor_id());
	vprintk(fmt, ap);
	printk("****************************************\n");
}

void panic(const char *fmt, ...)
{
	va_list ap;

	enter_panic();
	va_start(ap, fmt);
	say_why(fmt, ap);
	va_end(ap);
	show_execution_state();
	stop_other_cpus(true);
	halt_or_restart();
}

void panic_at(const struct trap_frame *at, const char *fmt, ...)
{
	va_list ap;

	enter_panic();
	va_start(ap, fmt);
	say_why(fmt, ap);
	va_end(ap);
	show_trap_frame(at);
	stop_other_cpus(true);
	halt_or_restart();
}

void bug_at(const char *file, int line, const char *what) { panic("%s at %s:%d\n", what, file, line); }

void warn_at(const char *file, int line, const char *what)
{
	printk(XENLOG_ERR "Warning: %s at %s:%d\n", what, file, line);
	show_execution_state();
}
