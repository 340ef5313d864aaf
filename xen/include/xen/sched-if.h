/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scheduling policy: which vCPU of a run queue comes next, for how long, and
 * from which queue to take one. Pure computation on what it is given (no clock,
 * no locks), so it runs on the host as well; common/sched.c has the mechanics.
 *
 * Proportional share: a vCPU's virtual time advances by the time it runs,
 * divided by its domain's weight; the one that is furthest behind runs next.
 */
#ifndef XEN_SCHED_IF_H
#define XEN_SCHED_IF_H

#include <xen/pheap.h>
#include <xen/types.h>

struct vcpu;

#define SCHED_WEIGHT_DEFAULT 256
/* Time for which a cap's budget is given out. */
#define SCHED_CAP_PERIOD MILLISECS(50)

/* What a domain's vCPUs share. */
struct sched_share {
	u16 weight; /* 1 to 65535 */
	u16 cap; /* per cent of one CPU for all vCPUs together; 0: no limit */
	s64 budget; /* [a] nanoseconds left of the cap in this period; below 0: overdrawn */
};

struct sched_entity {
	struct pheap_node node; /* key: virtual time, nanoseconds at the default weight */
	struct sched_share *share;
	bool queued;
	bool yielded; /* lets one other go first */
};

struct sched_queue {
	struct pheap heap; /* those that wait; the one that runs is not in it */
	unsigned int waiting;
	s64 vtime; /* how far the queue is: never goes back */
};

/* Virtual time that ns nanoseconds of running cost. */
s64 sched_scale(const struct sched_share *share, s64 ns);
/* e ran so long. False: its domain has used up its cap. */
bool sched_charge(struct sched_entity *e, s64 ns);
/* New period of a cap: what was overdrawn is paid first. False: nothing was used in the last one. */
bool sched_refill(struct sched_share *share);

/* The vCPU that runs has come to curr_vtime: nobody who begins to wait now is owed more than since then. */
void sched_advance(struct sched_queue *q, s64 curr_vtime);
/* e begins to wait in q. woke: it slept, and may go ahead of those that ran meanwhile. */
void sched_enqueue(struct sched_queue *q, struct sched_entity *e, bool woke);
void sched_dequeue(struct sched_queue *q, struct sched_entity *e);
/* Takes the next to run out of q; prev: who ran and still wants to (in q), NULL: nobody. NULL: q is empty. */
struct sched_entity *sched_take_next(struct sched_queue *q, struct sched_entity *prev);
/* Should woken take over from one that runs, whose virtual time is now curr_vtime? */
bool sched_preempts(const struct sched_entity *woken, s64 curr_vtime);
/* How long e may run before the choice is made again; 0: until something happens. */
s64 sched_slice(const struct sched_queue *q, const struct sched_entity *e);

/* What a CPU knows of the others, without their locks. */
struct sched_view {
	unsigned int waiting;
	s64 first; /* virtual time of the first that waits */
};
/*
 * From which CPU should self take a waiting vCPU? idle: it has nothing to run; else next_vtime is that of
 * the one it would run. Returns n for none.
 */
unsigned int sched_choose_victim(const struct sched_view *views, unsigned int n, unsigned int self, bool idle,
				 s64 next_vtime);

#endif
