/* SPDX-License-Identifier: GPL-2.0-only */
/* Start-up steps of the parts in and below this folder, in the order setup.c takes them. */
#ifndef ARCH_X86_SETUP_H
#define ARCH_X86_SETUP_H

#include <xen/types.h>

void acpi_init(void);
void rtc_set_century_register(u8 index);
void time_init(void); /* time/time.c: calibrates, on the boot CPU */
void time_init_cpu(void); /* this CPU's timer */
void smp_prepare_boot_cpu(void);
void smp_boot_cpus(void); /* smp_boot.c: all that maxcpus= allows */
void set_cpu_apicid(unsigned int cpu, u32 apicid);
void traps_late_init(void); /* traps.c: its debug key */
void watchdog_init(void); /* watchdog.c: if asked for */
extern bool watchdog_on;
void watchdog_look(void); /* in the timer interrupt, if it is on: panics when a CPU is silent */
int selftest_run(void); /* selftest.c: number of failures */

#endif
