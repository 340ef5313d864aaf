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

#define MEMMAP_MAX 64u

static struct hvm_memmap_table_entry map_table[MEMMAP_MAX];
static unsigned int map_entries;

void stubdom_start(const struct hvm_start_info *si, unsigned int early);

bool is_dom0(void) { return start_info->flags & SIF_INITDOMAIN; }

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

/* An e820 entry, the format XENMEM_memory_map answers in. */
struct e820_entry {
	uint64_t addr, size;
	uint32_t type;
} __packed;

/*
 * Xen 4.17 gives dom0 a version 0 start_info, without a memory map: ask for it. Types are the same
 * numbers in both formats.
 */
void memmap_fetch(void)
{
	static struct e820_entry e820[MEMMAP_MAX];
	struct xen_memory_map map = { .nr_entries = MEMMAP_MAX };
	const struct hvm_memmap_table_entry *given = (const void *)start_info->memmap_paddr;
	unsigned int i;
	long rc;

	if (start_info->version >= 1 && start_info->memmap_entries) {
		map_entries = MIN(start_info->memmap_entries, MEMMAP_MAX);
		memcpy(map_table, given, map_entries * sizeof(*given));
		return;
	}
	set_xen_guest_handle(map.buffer, e820);
	rc = hc_memory_op(XENMEM_memory_map, &map);
	if (rc)
		panic("no memory map in start_info, and XENMEM_memory_map: %ld", rc);
	map_entries = map.nr_entries;
	for (i = 0; i < map_entries; i++)
		map_table[i] = (struct hvm_memmap_table_entry){ .addr = e820[i].addr,
								.size = e820[i].size,
								.type = e820[i].type };
}

const struct hvm_memmap_table_entry *memmap(unsigned int *count)
{
	*count = map_entries;
	return map_table;
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
	       (const void *)start_info, start_info->magic, start_info->version, start_info->flags,
	       start_info->nr_modules, xen_cpuid_base);
	printf("stubdom: command line: %s\n", cmdline);
	map = memmap(&count);
	for (i = 0; i < count; i++)
		printf("stubdom: memory %lx + %lx type %u\n", map[i].addr, map[i].size, map[i].type);
}

void stubdom_start(const struct hvm_start_info *si, unsigned int early)
{
	unsigned int keep;

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
	/* The port is for the time before: "early=e9,keep" goes on with both. */
	keep = strstr(cmdline, "early=e9,keep") ? CONSOLE_PORT_E9 : 0;
	if (si->flags & SIF_INITDOMAIN)
		console_select(CONSOLE_HYPERCALL | keep);
	else if (console_ring_init())
		console_select(CONSOLE_RING | keep);
	console_quiet(strstr(cmdline, " quiet") != NULL);
	if (si->magic != XEN_HVM_START_MAGIC_VALUE)
		panic("bad start_info magic %x", si->magic);
	memmap_fetch();
	print_boot();
	mm_init();
	event_init();
	cpus[0].online = true;
	printf("stubdom: events set up, interrupts on\n");
	console_quiet(false);
	irq_enable();
	stubdom_main();
	power_off(SHUTDOWN_poweroff);
}
