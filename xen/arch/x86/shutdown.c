/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's end: restart by the ways machines have, and halt. */
#include <xen/console.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/param.h>
#include <xen/smp.h>
#include <xen/time.h>
#include <asm/desc.h>
#include <asm/io.h>
#include <asm/irqflags.h>
#include <asm/processor.h>
#include <asm/setup.h>
#include <asm/traps.h>

/* RESET_REG of the FADT (ACPI specification, "Reset Register"). */
static void reset_by_acpi(void)
{
	u64 a = acpi_fadt.reset_addr;

	if (acpi_fadt.reset_type == 1 && a < 0x10000) {
		outb(acpi_fadt.reset_value, (u16)a);
	} else if (acpi_fadt.reset_type == 2) {
		/* Bus 0: device, function, register in words of the address. */
		outl(0x80000000U | (u32)(a >> 32 & 0x1f) << 11 | (u32)(a >> 16 & 7) << 8 | (u32)(a & 0xfc),
		     0xcf8);
		outb(acpi_fadt.reset_value, (u16)(0xcfc + (a & 3)));
	} else if (acpi_fadt.reset_type == 0 && a) {
		u8 *p = (u8 *)ioremap(a, 1);

		if (p)
			writeb(acpi_fadt.reset_value, p);
	}
}

/* The chipset's reset control register; the second value asks for a full reset. */
static void reset_by_cf9(void)
{
	u8 v = inb(0xcf9) & (u8)~6;

	outb(v | 2, 0xcf9);
	udelay(50);
	outb(v | 6, 0xcf9);
}

static void reset_by_keyboard(void)
{
	for (unsigned int i = 0; i < 10; i++) {
		for (unsigned int j = 0; j < 1000 && inb(0x64) & 2; j++)
			udelay(10);
		outb(0xfe, 0x64);
		udelay(1000);
	}
}

/* An exception that cannot be delivered. */
static void reset_by_triple_fault(void)
{
	struct desc_ptr none = { 0, 0 };

	lidt(&none);
	__asm__ __volatile__("int3");
}

void machine_restart(void)
{
	static void (*const ways[])(void) = {
		reset_by_acpi,
		reset_by_cf9,
		reset_by_keyboard,
		reset_by_triple_fault,
	};

	printk("Restarting\n");
	console_force_sync();
	local_irq_disable();
	stop_other_cpus(false);
	for (unsigned int i = 0; i < ARRAY_SIZE(ways); i++) {
		ways[i]();
		udelay(100000);
	}
	machine_halt();
}

void machine_halt(void)
{
	console_force_sync();
	local_irq_disable();
	stop_other_cpus(false);
	for (;;)
		halt();
}
