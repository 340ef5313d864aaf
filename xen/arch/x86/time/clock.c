/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's clocks of known rate. Sources: HPET specification 1.0a; ACPI
 * specification, "Power Management Timer"; 8254 data sheet.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/io.h>
#include <asm/setup.h>
#include "clock.h"

/* ---- HPET ---- */

#define HPET_CAP     0x000
#define HPET_PERIOD  0x004
#define HPET_CONFIG  0x010
#define HPET_COUNTER 0x0f0
#define FEMTOSECONDS 1000000000000000UL

static u8 *hpet;
static u32 read_hpet(void) { return readl(hpet + HPET_COUNTER); }

const struct ref_clock *__init hpet_clock(void)
{
	static struct ref_clock c = { "HPET", 0, ~0U, read_hpet };
	const struct acpi_header *h = acpi_find_table("HPET", 0);
	const u8 *p = (const u8 *)h;
	u64 addr;
	u32 period;

	/* The address: a generic address at offset 40, in memory. */
	if (!h || h->length < 56 || p[40] != 0)
		return NULL;
	memcpy(&addr, p + 44, 8);
	hpet = addr ? ioremap(addr, 0x400) : NULL;
	if (!hpet)
		return NULL;
	period = readl(hpet + HPET_PERIOD);
	/* At most 100 ns, by the specification; all ones when nothing is there. */
	if (!period || period > 100000000)
		return NULL;
	c.hz = FEMTOSECONDS / period;
	writel(readl(hpet + HPET_CONFIG) | 1, hpet + HPET_CONFIG);
	return &c;
}

/* ---- ACPI PM timer ---- */

static u32 read_pm_timer(void) { return inl(acpi_fadt.pm_tmr); }

const struct ref_clock *__init pm_timer_clock(void)
{
	static const struct ref_clock c = { "ACPI PM timer", 3579545, 0xffffff, read_pm_timer };

	return acpi_fadt.pm_tmr ? &c : NULL;
}

/* ---- PIT, channel 2: nobody's interrupt hangs on it ---- */

#define PIT_CH2	 0x42
#define PIT_MODE 0x43
#define PORT_B	 0x61

static u32 read_pit(void)
{
	u32 v;

	outb(0x80, PIT_MODE); /* latch channel 2 */
	v = inb(PIT_CH2);
	v |= (u32)inb(PIT_CH2) << 8;
	return 0xffff - v;
}

const struct ref_clock *__init pit_clock(void)
{
	static const struct ref_clock c = { "PIT", 1193182, 0xffff, read_pit };

	/* Gate on, speaker off; mode 2 (rate generator), both bytes, the longest period. */
	outb((u8)((inb(PORT_B) & ~2) | 1), PORT_B);
	outb(0xb4, PIT_MODE);
	outb(0, PIT_CH2);
	outb(0, PIT_CH2);
	return &c;
}
