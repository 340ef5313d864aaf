/* SPDX-License-Identifier: GPL-2.0-only */
/* The passive domain of the memory areas. */
#include <stubdom/boot.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include "target.h"

domid_t target;

void target_create(void)
{
	long rc;

	if (!is_dom0())
		return;
	rc = domain_create(&target, 1, TARGET_MAX);
	if (!rc)
		rc = domain_populate(target, 0, TARGET_PAGES, 0);
	if (rc != TARGET_PAGES)
		tap_note("creating the target domain: %ld", rc);
}

void target_destroy(void)
{
	if (is_dom0() && target && !domain_reap(target))
		tap_note("the target domain %u stays", target);
	target = 0;
}
