/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Names of the image's functions. The table comes from tools-symbols.py: sorted
 * offsets from the start of the image, and for each the place of its name.
 */
#include <xen/lib.h>
#include <xen/symbols.h>
#include <asm/page.h>

/* Empty (count 0) in the first pass of the link. */
extern const u32 symbols_count;
extern const u32 symbols_addresses[], symbols_names[];
extern const char symbols_strings[];
extern const char __text_start[], __text_end[], __init_text_start[], __init_text_end[];

bool is_kernel_text(unsigned long addr)
{
	return (addr >= (unsigned long)__text_start && addr < (unsigned long)__text_end) ||
	       (addr >= (unsigned long)__init_text_start && addr < (unsigned long)__init_text_end);
}

const char *symbols_lookup(unsigned long addr, unsigned long *offset, unsigned long *size)
{
	unsigned long rel = addr - IMAGE_START;
	u32 low = 0, high;

	if (!is_kernel_text(addr) || !symbols_count || rel < symbols_addresses[0])
		return NULL;
	/* The last entry at or below addr lies in [low, high). */
	for (high = symbols_count; high - low > 1;) {
		u32 mid = low + (high - low) / 2;

		if (symbols_addresses[mid] <= rel)
			low = mid;
		else
			high = mid;
	}
	*offset = rel - symbols_addresses[low];
	*size = (low + 1 < symbols_count ? symbols_addresses[low + 1]
					 : (unsigned long)__init_text_end - IMAGE_START) -
		symbols_addresses[low];
	return symbols_strings + symbols_names[low];
}

const char *symbols_nth(u32 n, unsigned long *addr)
{
	if (n >= symbols_count)
		return NULL;
	*addr = IMAGE_START + symbols_addresses[n];
	return symbols_strings + symbols_names[n];
}
