/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What hypervisor sources expect around them, for tests that have no better
 * idea: all weak, so that a test or the real file takes their place.
 */
#include <xen/cpumask.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include <xen/time.h>
#include <asm/irqflags.h>
#include "host/stubs.h"
#include "host/tap.h"

__weak cpumask_t cpu_online_map = { 1 };
__weak s_time_t host_now;
__weak s_time_t host_armed[NR_CPUS];
__weak unsigned long host_event_checks[NR_CPUS];

__weak s_time_t NOW(void) { return __atomic_load_n(&host_now, __ATOMIC_RELAXED); }

__weak bool reprogram_timer(s_time_t deadline)
{
	host_armed[host_cpu] = deadline;
	return deadline > NOW();
}

__weak void smp_send_event_check(unsigned int cpu)
{
	__atomic_fetch_add(&host_event_checks[cpu], 1, __ATOMIC_RELAXED);
}

__weak void register_keyhandler(char key, void (*fn)(char key), const char *desc) {}

__weak bool format_pointer(char *buf, size_t size, char kind, const void *p) { return false; }

__weak void host_relax(void) { host_yield(); }

static __printf(1, 0) void log_text(const char *fmt, va_list ap)
{
	char text[1024];

	if (!host_verbose())
		return;
	host_vsnprintf(text, sizeof(text), fmt, ap);
	host_log(text);
}

__weak void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_text(fmt, ap);
	va_end(ap);
}

__weak void gprintk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_text(fmt, ap);
	va_end(ap);
}

__weak void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	host_vsnprintf(tap_panic_text, sizeof(tap_panic_text), fmt, ap);
	va_end(ap);
	tap_panicked();
}

__weak void bug_at(const char *file, int line, const char *what)
{
	panic("%s at %s:%d\n", what, file, line);
}

__weak void warn_at(const char *file, int line, const char *what)
{
	printk("%s at %s:%d\n", what, file, line);
}
