/* SPDX-License-Identifier: GPL-2.0-only */
/* What dom0 does with other domains: create, populate, foreign-map, start from the own image. */
#ifndef STUBDOM_DOMAIN_H
#define STUBDOM_DOMAIN_H

#include <stubdom/hypercall.h>

/* The program's image as loaded; image_save() is the very first thing at start. */
void image_save(void);
uint64_t image_first_gfn(void);
unsigned long image_pages(void);
uint64_t image_entry(void);
/* Fill a page with page number page of the image; false: it is all zeroes, dst is not touched. */
bool image_page(unsigned long page, void *dst);

#endif
