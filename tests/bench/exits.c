/* SPDX-License-Identifier: GPL-2.0-only */
/* Bench: hypercall and instruction exits, local APIC. */
#include <stubdom/hypercall.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>
#include "bench.h"

#define VECTOR 0x71

static long null_hypercall(void)
{
	return CHEAPEST(50, hc_xen_version(XENVER_version, NULL));
}

static long argument_copied(void)
{
	struct xen_feature_info f = { .submap_idx = 0 };

	return CHEAPEST(50, hc_xen_version(XENVER_get_features, &f));
}

static long cpuid_exit(void)
{
	return CHEAPEST(50, cpuid(0, 0));
}

static long rdmsr_exit(void)
{
	return CHEAPEST(50, rdmsr(MSR_APIC_BASE));
}

static long port_exit(void)
{
	return CHEAPEST(50, inl(0xcf8));
}

static long port_nobody(void)
{
	return CHEAPEST(50, inb(0x21));
}

static long yield(void)
{
	return CHEAPEST(50, hc_sched_op(SCHEDOP_yield, NULL));
}

static volatile uint32_t *apic(unsigned int reg)
{
	return (volatile uint32_t *)(0xfee00000ul + reg);
}

static long apic_timer_arm(void)
{
	long v;

	*apic(0xf0) = 0x1ff;
	*apic(0x3e0) = 0xb;
	*apic(0x320) = 0x10000 | VECTOR;
	v = CHEAPEST(20, *apic(0x380) = 0x7fffffff);
	*apic(0x380) = 0;
	return v;
}

static long apic_read(void)
{
	return CHEAPEST(20, (void)*apic(0x390));
}

static volatile unsigned int taken;

static bool on_vector(struct trap_frame *f __unused)
{
	taken++;
	*apic(0xb0) = 0;
	return true;
}

/* Armed with a count that is over at once. */
static void fire_and_wait(void)
{
	unsigned int before = taken;

	*apic(0x380) = 1;
	while (taken == before)
		cpu_relax();
}

static long apic_timer_fires(void)
{
	long v;

	trap_set_handler(VECTOR, on_vector);
	*apic(0xf0) = 0x1ff;
	*apic(0x3e0) = 0xb;
	*apic(0x320) = VECTOR;
	v = CHEAPEST(20, fire_and_wait());
	*apic(0x320) = 0x10000 | VECTOR;
	trap_set_handler(VECTOR, NULL);
	return v;
}

static void ipi_and_wait(void)
{
	unsigned int before = taken;

	*apic(0x300) = 0x40000 | VECTOR;
	while (taken == before)
		cpu_relax();
}

static long apic_self_ipi(void)
{
	long v;

	trap_set_handler(VECTOR, on_vector);
	*apic(0xf0) = 0x1ff;
	v = CHEAPEST(20, ipi_and_wait());
	trap_set_handler(VECTOR, NULL);
	return v;
}

const struct row rows_exits[] = {
	{ "null hypercall (XENVER_version)", null_hypercall },
	{ "hypercall with an 8-byte argument (XENVER_get_features)", argument_copied },
	{ "CPUID exit", cpuid_exit },
	{ "RDMSR APIC base exit", rdmsr_exit },
	{ "port CF8 exit", port_exit },
	{ "exit for a port nobody has (21)", port_nobody },
	{ "SCHEDOP_yield alone", yield },
	{ "vLAPIC timer: set the count", apic_timer_arm },
	{ "vLAPIC timer: read the count", apic_read },
	{ "vLAPIC timer: set to expire at once, with the interrupt", apic_timer_fires },
	{ "vLAPIC IPI to self, with the interrupt", apic_self_ipi },
};

const unsigned int row_count_exits = ARRAY_SIZE(rows_exits);
