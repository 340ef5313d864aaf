/* SPDX-License-Identifier: GPL-2.0-only */
/* Inside of memory_op: the operations, and how long ones continue. */
#ifndef COMMON_MEMORY_H
#define COMMON_MEMORY_H

#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <asm/p2m.h>
#include <public/memory.h>

/* The first argument holds the operation in its low bits, and above them how far it got. */
#define MEMOP_EXTENT_SHIFT 6
#define MEMOP_CMD_MASK	   ((1UL << MEMOP_EXTENT_SHIFT) - 1)
#define MEMOP_EXTENT_MAX   (~0UL >> MEMOP_EXTENT_SHIFT)

/* start: what an interrupted run has done already; arg: the guest's argument. */
typedef long (*memory_fn_t)(unsigned int cmd, unsigned long start, unsigned long arg);

static inline long memory_continue(unsigned int cmd, unsigned long done, unsigned long arg)
{
	return hypercall_create_continuation(__HYPERVISOR_memory_op, 2, cmd | done << MEMOP_EXTENT_SHIFT, arg);
}

/* memory_physmap.c */
long memory_add_to_physmap(unsigned int cmd, unsigned long start, unsigned long arg);
long memory_add_to_physmap_batch(unsigned int cmd, unsigned long start, unsigned long arg);
long memory_remove_from_physmap(unsigned int cmd, unsigned long start, unsigned long arg);
/* memory_resource.c */
long memory_acquire_resource(unsigned int cmd, unsigned long start, unsigned long arg);
/* memory_reservation.c */
long memory_increase_reservation(unsigned int cmd, unsigned long start, unsigned long arg);
long memory_decrease_reservation(unsigned int cmd, unsigned long start, unsigned long arg);
long memory_populate_physmap(unsigned int cmd, unsigned long start, unsigned long arg);
long memory_claim_pages(unsigned int cmd, unsigned long start, unsigned long arg);

/* lowmem.c: memory was taken; dom0 hears of it when there is little left. No locks held. */
void lowmem_check(void);

#endif
