// SPDX-License-Identifier: GPL-2.0-only
/* Which machine interrupts, ports and device memory the tool stack lets a domain have. */
#include <xen/errno.h>
#include <xen/iocap.h>
#include <xen/rangeset.h>
#include <xen/sched.h>

/* Ranges of each kind a domain's configuration may name. */
#define IOCAP_RANGES 64

int iocap_init(struct domain *d)
{
	d->irq_caps = rangeset_new(IOCAP_RANGES);
	d->ioport_caps = rangeset_new(IOCAP_RANGES);
	d->iomem_caps = rangeset_new(IOCAP_RANGES);
	if (d->irq_caps && d->ioport_caps && d->iomem_caps)
		return 0;
	iocap_destroy(d);
	return -ENOMEM;
}

void iocap_destroy(struct domain *d)
{
	rangeset_destroy(d->irq_caps);
	rangeset_destroy(d->ioport_caps);
	rangeset_destroy(d->iomem_caps);
	d->irq_caps = d->ioport_caps = d->iomem_caps = NULL;
}
