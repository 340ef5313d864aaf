/* SPDX-License-Identifier: GPL-2.0-only */
/* Between the two halves of the page allocator: free frames (page_alloc.c), references and owners (page_ref.c). */
#ifndef COMMON_PAGE_ALLOC_H
#define COMMON_PAGE_ALLOC_H

#include <xen/mm.h>

/*
 * 2^order free frames on behalf of d (its claim counts; NULL: nobody's), count 0, zeroed unless
 * MEMF_no_scrub. The caller alone knows them until it sets ref.
 */
struct page_info *heap_alloc(struct domain *d, unsigned int order, unsigned int flags);
/* nr consecutive frames nobody refers to any more (ref 0) become free and dirty. */
void heap_free(struct page_info *p, unsigned long nr);
/* Prepares frames that were never in the heap for the day they are freed into it. */
void heap_adopt_frames(mfn_t mfn, unsigned long nr);
/*
 * Takes those of the nr frames from mfn on that are free out of the heap. Each of the others must satisfy
 * may_stay(); -EBUSY, and nothing changed, if one does not.
 */
int heap_take_range(mfn_t mfn, unsigned long nr, bool (*may_stay)(const struct page_info *p, const void *arg),
		    const void *arg);

#endif
