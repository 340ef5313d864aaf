/* SPDX-License-Identifier: GPL-2.0-only */
/* State of I/O request servers: shared by their administration and the path of a request. */
#ifndef HVM_IOREQ_H
#define HVM_IOREQ_H

#include <xen/rangeset.h>
#include <xen/sched.h>
#include <asm/ioreq.h>
#include "platform.h"
#include <public/hvm/dm_op.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/ioreq.h>

#define IOREQ_SERVERS_MAX 8
#define IOREQ_RANGES_MAX  256
#define IOREQ_RANGE_TYPES 3

struct ioreq_page {
	unsigned int slot; /* bit of gfns_used; the parameters that gave it may have changed since */
	struct page_info *page; /* one reference */
	void *va;
	gfn_t gfn; /* taken from the guest's p2m; INVALID_GFN: the hypervisor's own page */
	bool hidden; /* out of the guest's p2m now */
};

/* Changed under domain_lock with the domain paused; its vCPUs read without a lock. */
struct ioreq_server {
	struct domain *target;
	u16 emulator;
	u8 bufioreq_handling;
	bool enabled;
	struct ioreq_page ioreq, bufioreq;
	u32 bufioreq_port;
	struct rangeset *range[IOREQ_RANGE_TYPES];
	u32 *vcpu_port; /* by vCPU; 0: none */
};

/* One access of the instruction being carried out that has been answered. */
struct ioreq_answer {
	u64 addr, val;
	u8 size;
	bool mmio, write;
};

/* More accesses than any emulated instruction makes. */
#define IOREQ_ANSWERS_MAX 32

/* [o] of the vCPU; server also by who takes a server away, with the domain paused. */
struct hvm_io_state {
	struct ioreq_server *server; /* that was asked; NULL: it is gone */
	struct ioreq_answer asked;
	struct ioreq_answer done[IOREQ_ANSWERS_MAX];
	unsigned int done_count, replayed;
	bool again_portio, again_mmio; /* what to run again */
	struct hvm_portio_exit portio;
	gpa_t gpa;
	unsigned long gla;
};

struct ioreq_servers {
	struct ioreq_server *server[IOREQ_SERVERS_MAX];
	u32 cf8; /* last address a vCPU wrote to port 0xcf8 */
	unsigned long gfns_used; /* of HVM_PARAM_IOREQ_SERVER_PFN and following */
	struct hvm_io_state *vcpu; /* by vCPU */
};

/* The vCPU's slot in the shared page; NULL: the page does not exist. */
static inline struct ioreq *ioreq_slot(const struct ioreq_server *s, const struct vcpu *v)
{
	return s->ioreq.va ? (struct ioreq *)s->ioreq.va + v->vcpu_id : NULL;
}

/* Event channel callback: the device model has answered on this port. */
void ioreq_answered(struct vcpu *v, u32 port);
/* The domain is paused and s goes: whoever waits for it gets all ones. */
void ioreq_abandon(struct ioreq_server *s);

#endif
