/* SPDX-License-Identifier: GPL-2.0-only */
/* The ports of a PC that dom0 finds: A20 gate and keyboard controller, interval timer, interrupt controllers. */
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/x86.h>

#define KBC_OUTPUT_FULL 1
#define KBC_INPUT_FULL	2
#define A20		2 /* in port 0x92 and in the keyboard controller's output port */

static bool kbc_wait(uint8_t bit, uint8_t want)
{
	unsigned int tries;

	for (tries = 0; tries < 100000; tries++)
		if ((inb(0x64) & bit) == want)
			return true;
	return false;
}

static bool kbc_command(uint8_t command)
{
	if (!kbc_wait(KBC_INPUT_FULL, 0))
		return false;
	outb(0x64, command);
	return kbc_wait(KBC_INPUT_FULL, 0);
}

/* The output port, or -1. */
static int kbc_output_port(void)
{
	while (inb(0x64) & KBC_OUTPUT_FULL)
		(void)inb(0x60);
	if (!kbc_command(0xd0) || !kbc_wait(KBC_OUTPUT_FULL, KBC_OUTPUT_FULL))
		return -1;
	return inb(0x60);
}

static void keyboard_controller(void)
{
	CHECK(inb(0x64) != 0xff);
	CHECK_EQ(inb(0x92) & A20, A20);
	CHECK_EQ(kbc_output_port() & (A20 | 1), A20 | 1);
	outb(0x92, inb(0x92));
	CHECK_EQ(inb(0x92) & A20, A20);
}

/* By all ways, it does not close. */
static void gate_stays_open(void)
{
	outb(0x92, (uint8_t)(inb(0x92) & ~(A20 | 1)));
	CHECK_EQ(inb(0x92) & A20, A20);
	CHECK(kbc_command(0xdd));
	CHECK_EQ(kbc_output_port() & A20, A20);
	CHECK(kbc_command(0xd1));
	outb(0x60, 0xdd);
	CHECK_EQ(kbc_output_port() & A20, A20);
	CHECK_EQ(inb(0x92) & A20, A20);
}

static void legacy_devices(void)
{
	static const uint16_t none[] = { 0x20, 0x21, 0xa0, 0xa1, 0x43, 0x61 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		CHECK_EQ(inb(none[i]), 0xff);
	for (i = 0x40; i <= 0x42; i++)
		CHECK_HV(inb((uint16_t)i), 0xff, 0);
}

static const struct test tests[] = {
	{ "keyboard controller and A20 gate are the machine's", keyboard_controller, TEST_DOM0 },
	{ "the A20 gate stays open", gate_stays_open, TEST_DOM0 | TEST_NOT_XEN },
	{ "no interrupt controllers, no interval timer", legacy_devices, TEST_DOM0 },
};

AREA(ports, "ports", tests, NULL, NULL);
