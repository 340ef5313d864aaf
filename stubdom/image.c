/* SPDX-License-Identifier: GPL-2.0-only */
/* The program's own image as it was loaded, to start guests from it. */
#include <stubdom/domain.h>
#include <stubdom/lib.h>

extern uint8_t __image_start[], __image_end[], __data_start[], __data_end[], __data_copy[];
void start32(void);

void image_save(void) { memcpy(__data_copy, __data_start, (size_t)(__data_end - __data_start)); }

uint64_t image_first_gfn(void) { return (uint64_t)__image_start >> PAGE_SHIFT; }

unsigned long image_pages(void) { return (unsigned long)(__image_end - __image_start) >> PAGE_SHIFT; }

uint64_t image_entry(void) { return (uint64_t)start32; }

bool image_page(unsigned long page, void *dst)
{
	const uint8_t *src = __image_start + page * PAGE_SIZE;

	if (src < __data_start) {
		memcpy(dst, src, PAGE_SIZE);
		return true;
	}
	if (src < __data_end) {
		memcpy(dst, __data_copy + (src - __data_start), PAGE_SIZE);
		return true;
	}
	return false;
}
