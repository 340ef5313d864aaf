/* SPDX-License-Identifier: GPL-2.0-only */
/* The test kernel: everything is in the areas. */
#include <stubdom/boot.h>
#include <stubdom/tap.h>

void stubdom_main(void)
{
	tap_main();
}
