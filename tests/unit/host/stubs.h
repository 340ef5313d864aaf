/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests may set or look at of host/stubs.c. */
#ifndef HOST_STUBS_H
#define HOST_STUBS_H

#include <xen/types.h>

extern s_time_t host_now;			/* what NOW() says */
extern s_time_t host_armed[NR_CPUS];		/* last deadline given to each CPU's hardware timer */
extern unsigned long host_event_checks[NR_CPUS];	/* interrupts sent to each CPU */

#endif
