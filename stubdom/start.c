/* SPDX-License-Identifier: GPL-2.0-only */
/* First C code: take over what the builder left, bring the runtime up, run the program. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/cpu.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/x86.h>

const struct hvm_start_info *start_info;
const char *cmdline = "";

void stubdom_start(const struct hvm_start_info *si, unsigned int early);

bool is_dom0(void)
{
	return start_info->flags & SIF_INITDOMAIN;
}

bool cmdline_value(const char *name, char *buf, size_t size)
{
	size_t len = strlen(name), i;
	const char *p = cmdline;

	while (*p) {
		while (*p == ' ')
			p++;
		if (!strncmp(p, name, len) && p[len] == '=') {
			p += len + 1;
			for (i = 0; *p && *p != ' ' && i + 1 < size; i++)
				buf[i] = *p++;
			buf[i] = '\0';
			return true;
		}
		while (*p && *p != ' ')
			p++;
	}
	return false;
}

unsigned long cmdline_number(const char *name, unsigned long dflt)
{
	char buf[32];

	return cmdline_value(name, buf, sizeof(buf)) ? strtoul(buf, NULL, 0) : dflt;
}

const struct hvm_memmap_table_entry *memmap(unsigned int *count)
{
	*count = start_info->version >= 1 ? start_info->memmap_entries : 0;
	return (const void *)start_info->memmap_paddr;
}

const struct hvm_modlist_entry *modules(unsigned int *count)
{
	*count = start_info->nr_modules;
	return (const void *)start_info->modlist_paddr;
}

void power_off(unsigned int reason)
{
	struct sched_shutdown s = { .reason = reason };

	if (xen_cpuid_base)
		hc_sched_op(SCHEDOP_shutdown, &s);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static void print_boot(void)
{
	const struct hvm_memmap_table_entry *map;
	unsigned int i, count;

	printf("stubdom: start_info %p magic %x version %u flags %x, %u modules, cpuid base %x\n",
	       (const void *)start_info, start_info->magic, start_info->version,
	       start_info->flags, start_info->nr_modules, xen_cpuid_base);
	printf("stubdom: command line: %s\n", cmdline);
	map = memmap(&count);
	for (i = 0; i < count; i++)
		printf("stubdom: memory %lx + %lx type %u\n", map[i].addr, map[i].size,
		       map[i].type);
}

void stubdom_start(const struct hvm_start_info *si, unsigned int early)
{
	image_save();
	start_info = si;
	if (si->cmdline_paddr)
		cmdline = (const char *)si->cmdline_paddr;
	if (early || strstr(cmdline, "early=e9"))
		console_select(CONSOLE_PORT_E9);
	printf("\nstubdom: in 64-bit mode\n");
	traps_init();
	printf("stubdom: traps set up\n");
	if (!hypercall_init())
		panic("no hypervisor with Xen's CPUID signature");
	printf("stubdom: hypercall page set up\n");
	if (si->flags & SIF_INITDOMAIN)
		console_select(CONSOLE_HYPERCALL | (early ? CONSOLE_PORT_E9 : 0));
	else if (console_ring_init())
		console_select(CONSOLE_RING | (early ? CONSOLE_PORT_E9 : 0));
	print_boot();
	if (si->magic != XEN_HVM_START_MAGIC_VALUE)
		panic("bad start_info magic");
	mm_init();
	event_init();
	cpus[0].online = true;
	printf("stubdom: events set up, interrupts on\n");
	irq_enable();
	stubdom_main();
	power_off(SHUTDOWN_poweroff);
}
