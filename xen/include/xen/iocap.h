/* SPDX-License-Identifier: GPL-2.0-only */
/* Which machine interrupts, ports and device memory the tool stack lets a domain have. */
#ifndef XEN_IOCAP_H
#define XEN_IOCAP_H

struct domain;

int iocap_init(struct domain *d);
void iocap_destroy(struct domain *d);

#endif
