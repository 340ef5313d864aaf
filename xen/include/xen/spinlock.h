/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ticket spinlocks and reader/writer locks. Every lock has a rank: a CPU may
 * only take a lock whose rank is higher than that of every lock it holds
 * (same-rank pairs only through spin_lock_nested, which callers order by
 * address). Checked in debug builds; docs/locking.md lists what each rank
 * protects.
 */
#ifndef XEN_SPINLOCK_H
#define XEN_SPINLOCK_H

#include <asm/atomic.h>
#include <asm/irqflags.h>

/* Order of acquisition: lower first. */
enum lock_rank {
	RANK_DOMCTL = 10, /* one domctl/sysctl that changes global state at a time */
	RANK_DOMLIST = 20, /* the domain list and table, for writers */
	RANK_DOMAIN = 30, /* d->domain_lock: life cycle, hypercall-level state of a domain */
	RANK_GRANT = 40, /* a grant table; two only via nested, by domain id */
	RANK_EVENT = 50, /* d->event_lock: event channel allocation and binding */
	RANK_HVM = 60, /* vLAPIC, vIO-APIC, virtual PCI of a domain */
	RANK_P2M = 70, /* p2m structure: split, collapse, range changes */
	RANK_POD = 72, /* populate-on-demand cache of a domain */
	RANK_VPORT = 75, /* one event channel's FIFO queue */
	RANK_IRQ = 80, /* an interrupt descriptor */
	RANK_SCHED = 90, /* a CPU's run queue; two only via nested */
	RANK_TIMER = 100, /* a CPU's timer heap */
	RANK_MM = 110, /* host page tables, vmap */
	RANK_SLAB = 115, /* small-object allocator */
	RANK_PCP = 118, /* a CPU's cache of free pages */
	RANK_ALLOC = 120, /* page allocator */
	RANK_RCU = 130,
	RANK_CONSOLE = 140, /* console ring and serial port: printk works under any lock */
	RANK_LEAF = 150, /* nothing is taken while holding it */
};

typedef struct spinlock {
	union {
		u32 word;
		struct {
			u16 owner, next;
		};
	} t;
	u8 rank;
	u8 cpu; /* debug: holder + 1, 0 when free */
	u8 irq_use; /* debug: 1 taken with interrupts off, 2 with interrupts on; both is a deadlock to come */
} spinlock_t;

#define SPIN_LOCK_INIT(r)   \
	{                   \
		.rank = (r) \
	}
#define DEFINE_SPINLOCK(name, r) spinlock_t name = SPIN_LOCK_INIT(r)

void spin_lock_init(spinlock_t *l, enum lock_rank rank);
void spin_lock(spinlock_t *l);
bool spin_trylock(spinlock_t *l);
void spin_unlock(spinlock_t *l);
/* Second lock of the same rank; the caller keeps an order of its own. */
void spin_lock_nested(spinlock_t *l);
bool spin_is_locked_by_me(const spinlock_t *l);

/* For locks that interrupt handlers take as well. */
unsigned long spin_lock_irqsave_fn(spinlock_t *l);
void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags);
#define spin_lock_irqsave(l, flags) ((flags) = spin_lock_irqsave_fn(l))
void spin_lock_irq(spinlock_t *l);
void spin_unlock_irq(spinlock_t *l);

/* Many readers or one writer; writers are not starved. */
typedef struct rwlock {
	u32 cnt; /* readers, bit 31: a writer holds or waits */
	u8 rank;
	spinlock_t wlock;
} rwlock_t;

#define RW_LOCK_INIT(r)                                 \
	{                                               \
		.rank = (r), .wlock = SPIN_LOCK_INIT(r) \
	}
void rwlock_init(rwlock_t *l, enum lock_rank rank);
void read_lock(rwlock_t *l);
void read_unlock(rwlock_t *l);
void write_lock(rwlock_t *l);
void write_unlock(rwlock_t *l);

#endif
