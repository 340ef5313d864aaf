/* SPDX-License-Identifier: GPL-2.0-only */
/* The machine's memory on the host: frame table and direct map are reserved address space. */
#include "host/arena.h"
#include "host/tap.h"

#include <xen/lib.h>

struct page_info *host_frame_table;
unsigned long host_directmap;
unsigned long max_page, total_pages;

void host_arena_init(unsigned long frames)
{
	if (max_page) {
		host_unreserve(host_frame_table, max_page * sizeof(struct page_info));
		host_unreserve((void *)host_directmap, max_page * PAGE_SIZE);
	}
	host_frame_table = host_reserve(frames * sizeof(struct page_info));
	host_directmap = (unsigned long)host_reserve(frames * PAGE_SIZE);
	max_page = frames;
	total_pages = frames;
}

__weak bool mfn_valid(mfn_t m)
{
	return mfn_x(m) < max_page && !(READ_ONCE(mfn_to_page(m)->ref) & PGC_broken);
}
