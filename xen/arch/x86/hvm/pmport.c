/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dom0's way to power the machine off and to reset it: the ACPI PM1 control
 * registers, and the ports that reset a PC. Everything else that goes through
 * these ports reaches the machine unchanged, but for the A20 gate: it stays open.
 * Hardware ignores it in VMX operation (SDM, "Restrictions on VMX Operation");
 * without it in an emulator that does not, the hypervisor's own addresses go wrong.
 */
#include <xen/console.h>
#include <xen/lib.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <public/sched.h>
#include "platform.h"

/* ACPI specification, "PM1 Control Registers". */
#define PM1_SLEEP_ENABLE 0x2000
#define PM1_SLEEP_TYPE	 0x1c00

#define PORTS_MAX	 7

/* A port and the writes to it that mean a reset: (value & mask) == match. */
struct reset_port {
	u16 port;
	u8 mask, match;
};
static const struct reset_port reset_ports[] = {
	{ 0x64, 0xf1, 0xf0 }, /* keyboard controller: pulse its reset line */
	{ 0x92, 0x01, 0x01 }, /* system control port A: fast reset */
	{ 0xcf9, 0x04, 0x04 }, /* reset control register of the chip set */
};

/* Only dom0 has any, and there is one dom0. */
static struct hvm_io_handler handlers[PORTS_MAX];
static unsigned int handler_count;
static struct reset_port fadt_reset;
static u16 pm1_value[2]; /* what dom0 last wrote to PM1a and PM1b control */

/*
 * Commands of the keyboard controller: close the A20 gate; the next byte at port 0x60 is for the
 * output port, whose bit 0 is not to reset and bit 1 the gate.
 */
#define KBC_A20_OFF	 0xdd
#define KBC_WRITE_OUTPUT 0xd1
static bool kbc_output_next;

static void reset_by(struct vcpu *v, u64 port)
{
	printk(XENLOG_INFO "dom0 resets the machine through port %#x\n", (u32)port);
	domain_shutdown(v->domain, SHUTDOWN_reboot);
}

static int reset_access(struct vcpu *v, u64 port, unsigned int size, bool write, u64 *val, void *data)
{
	const struct reset_port *r = data;

	if (!write) {
		*val = hvm_machine_in((u16)port, size);
		return HVM_IO_OK;
	}
	if ((*val & r->mask) == r->match) {
		reset_by(v, port);
		return HVM_IO_OK;
	}
	if (port == 0x64)
		kbc_output_next = *val == KBC_WRITE_OUTPUT;
	if (port != 0x64 || *val != KBC_A20_OFF)
		hvm_machine_out((u16)port, size, port == 0x92 ? *val | 2 : *val);
	return HVM_IO_OK;
}

static int kbc_data_access(struct vcpu *v, u64 port, unsigned int size, bool write, u64 *val, void *data)
{
	if (!write)
		*val = hvm_machine_in((u16)port, size);
	else if (!xchg(&kbc_output_next, false))
		hvm_machine_out((u16)port, size, *val);
	else if (*val & 1)
		hvm_machine_out((u16)port, size, *val | 2);
	else
		reset_by(v, port);
	return HVM_IO_OK;
}

/* PM1a and PM1b control get their sleep types ahead of the bit that acts on both. */
static int pm1_access(struct vcpu *v, u64 port, unsigned int size, bool write, u64 *val, void *data)
{
	u16 *last = data, base = last == &pm1_value[1] ? acpi_fadt.pm1b_cnt : acpi_fadt.pm1a_cnt, cnt;
	unsigned int shift = 8 * (unsigned int)(port - base);
	int rc;

	if (!write) {
		*val = hvm_machine_in((u16)port, size);
		return HVM_IO_OK;
	}
	cnt = size == 1 ? (u16)((inw(base) & ~(0xff << shift)) | *val << shift) : (u16)*val;
	*last = cnt;
	if (!(cnt & PM1_SLEEP_ENABLE)) {
		hvm_machine_out((u16)port, size, *val);
		return HVM_IO_OK;
	}
	printk(XENLOG_INFO "dom0 puts the machine to sleep, type %u\n", (cnt & PM1_SLEEP_TYPE) >> 10);
	hvm_dump_exits(v->domain);
	console_force_sync();
	rc = acpi_enter_sleep(last == &pm1_value[0] ? cnt : pm1_value[0] | PM1_SLEEP_ENABLE,
			      last == &pm1_value[1] ? cnt : pm1_value[1] | PM1_SLEEP_ENABLE);
	if (rc)
		printk(XENLOG_ERR "entering that sleep state failed (%d)\n", rc);
	return HVM_IO_OK;
}

static void add(struct domain *d, u16 port, unsigned int len,
		int (*access)(struct vcpu *, u64, unsigned int, bool, u64 *, void *), void *data)
{
	struct hvm_io_handler *h = &handlers[handler_count++];

	*h = (struct hvm_io_handler){ .start = port, .len = len, .access = access, .data = data };
	hvm_register_io(d, h);
}

int pmport_init(struct domain *d)
{
	bool listed = acpi_fadt.reset_type != 1 || acpi_fadt.reset_addr > 0xffff;
	unsigned int i;

	if (handler_count)
		return -EBUSY;
	for (i = 0; i < ARRAY_SIZE(reset_ports); i++) {
		add(d, reset_ports[i].port, 1, reset_access, (void *)&reset_ports[i]);
		listed |= reset_ports[i].port == acpi_fadt.reset_addr;
	}
	add(d, 0x60, 1, kbc_data_access, NULL);
	if (!listed) {
		fadt_reset = (struct reset_port){ (u16)acpi_fadt.reset_addr, 0xff, acpi_fadt.reset_value };
		add(d, fadt_reset.port, 1, reset_access, &fadt_reset);
	}
	if (acpi_fadt.pm1a_cnt)
		add(d, acpi_fadt.pm1a_cnt, 2, pm1_access, &pm1_value[0]);
	if (acpi_fadt.pm1b_cnt)
		add(d, acpi_fadt.pm1b_cnt, 2, pm1_access, &pm1_value[1]);
	return 0;
}

void pmport_destroy(struct domain *d)
{
	if (!d->is_privileged)
		return;
	while (handler_count)
		hvm_unregister_io(d, &handlers[--handler_count]);
}
