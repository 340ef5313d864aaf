/* SPDX-License-Identifier: GPL-2.0-only */
/* The test kernel: runs its areas, or serves the one that started it as a guest. */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include "defects.h"

void stubdom_main(void)
{
	char role[16];

	if (cmdline_value("role", role, sizeof(role)) && !strcmp(role, "server"))
		remote_server();
	defects_init();
	tap_main();
}
