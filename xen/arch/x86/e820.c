/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes sense of the firmware's memory map, whatever is in it. Pure: the unit
 * tests build this file as it is.
 */
#include <xen/errno.h>
#include <xen/types.h>
#include <asm/page.h>
#include <asm/setup.h>

/* Entries looked at: more than any firmware gives. */
#define RAW_MAX (2 * E820_MAX)

/* Which type wins where entries overlap: the higher. Types nobody knows count as reserved. */
static unsigned int severity(u32 type)
{
	switch (type) {
	case E820_RAM:
		return 1;
	case E820_ACPI:
		return 2;
	case E820_NVS:
		return 3;
	case E820_UNUSABLE:
		return 5;
	default:
		return 4;
	}
}
static const u32 type_of_severity[] = { 0, E820_RAM, E820_ACPI, E820_NVS, E820_RESERVED, E820_UNUSABLE };

/* End of an entry; the address space's where it would wrap. RAM that wraps is nonsense: no bytes. */
static u64 entry_end(const struct e820_entry *e)
{
	u64 end;

	if (!__builtin_add_overflow(e->addr, e->size, &end))
		return end;
	return e->type == E820_RAM ? e->addr : ~0UL;
}

/* Sorted list of all addresses where something starts or ends. */
static unsigned int boundaries(u64 *at, const struct e820_entry *in, unsigned int nr)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < 2 * nr; i++) {
		u64 a = i & 1 ? entry_end(&in[i / 2]) : in[i / 2].addr;
		unsigned int j = n;

		while (j && at[j - 1] > a)
			j--;
		if (j && at[j - 1] == a)
			continue;
		for (unsigned int k = n; k > j; k--)
			at[k] = at[k - 1];
		at[j] = a;
		n++;
	}
	return n;
}

/* Appends; joins like neighbours. False when the map is full. */
static bool append(struct e820_map *out, u64 start, u64 end, u32 type)
{
	struct e820_entry *last = out->nr ? &out->e[out->nr - 1] : NULL;

	if (last && last->type == type && last->addr + last->size == start) {
		last->size += end - start;
		return true;
	}
	if (out->nr == E820_MAX)
		return false;
	out->e[out->nr++] = (struct e820_entry){ start, end - start, type };
	return true;
}

/* RAM in whole pages; what is not even one goes. True if some is left. */
static bool trim_ram(struct e820_map *map)
{
	unsigned int n = 0;
	bool ram = false;

	for (unsigned int i = 0; i < map->nr; i++) {
		struct e820_entry e = map->e[i];

		if (e.type == E820_RAM) {
			u64 end = (e.addr + e.size) & PAGE_MASK;

			e.addr = (e.addr + PAGE_SIZE - 1) & PAGE_MASK;
			if (end <= e.addr)
				continue;
			e.size = end - e.addr;
			ram = true;
		}
		map->e[n++] = e;
	}
	map->nr = n;
	return ram;
}

int e820_sanitise(struct e820_map *out, const struct e820_entry *in, unsigned int nr)
{
	u64 at[2 * RAW_MAX];
	unsigned int n;

	out->nr = 0;
	/* What lies in entries that are not looked at could be reserved: do not guess. */
	if (nr > RAW_MAX)
		return -EINVAL;
	n = boundaries(at, in, nr);
	for (unsigned int i = 0; i + 1 < n; i++) {
		unsigned int worst = 0;

		for (unsigned int j = 0; j < nr; j++)
			if (in[j].addr <= at[i] && entry_end(&in[j]) > at[i] && severity(in[j].type) > worst)
				worst = severity(in[j].type);
		/* A full map leaves the rest out, which nobody will use then. */
		if (worst && !append(out, at[i], at[i + 1], type_of_severity[worst]))
			break;
	}
	return trim_ram(out) ? 0 : -EINVAL;
}
