/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Port 0xe9 of guests: characters written there go to the hypervisor's console
 * a line at a time, as on Xen. Linux uses it for earlyprintk=xen.
 */
#include <xen/console.h>
#include <xen/lib.h>
#include "platform.h"

#define DEBUG_PORT 0xe9

struct debug_port {
	struct hvm_io_handler handler;
	spinlock_t lock; /* several vCPUs may write */
	unsigned int used;
	char line[160];
};

static void put_char(struct debug_port *p, char c)
{
	if (c == '\r')
		return;
	if (c != '\n')
		p->line[p->used++] = c >= ' ' && c < 0x7f ? c : c == '\t' ? '\t' : '?';
	if (c == '\n' || p->used == sizeof(p->line) - 1) {
		p->line[p->used++] = '\n';
		console_guest_write(p->line, p->used);
		p->used = 0;
	}
}

static int debug_port_access(struct vcpu *v, u64 port, unsigned int size, bool write, u64 *val, void *data)
{
	struct debug_port *p = data;

	if (!write) {
		*val = hvm_size_mask(size);
		return HVM_IO_OK;
	}
	spin_lock(&p->lock);
	put_char(p, (char)*val);
	spin_unlock(&p->lock);
	return HVM_IO_OK;
}

int debugport_init(struct domain *d)
{
	struct debug_port *p = xzalloc(struct debug_port);

	if (!p)
		return -ENOMEM;
	spin_lock_init(&p->lock, RANK_HVM);
	p->handler =
		(struct hvm_io_handler){ .start = DEBUG_PORT, .len = 1, .access = debug_port_access, .data = p };
	d->arch.hvm.debug_port = p;
	hvm_register_io(d, &p->handler);
	return 0;
}

void debugport_destroy(struct domain *d)
{
	struct debug_port *p = d->arch.hvm.debug_port;

	if (!p)
		return;
	hvm_unregister_io(d, &p->handler);
	d->arch.hvm.debug_port = NULL;
	xfree(p);
}
