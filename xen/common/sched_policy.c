/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Proportional share by weighted virtual time; see xen/sched-if.h.
 *
 * Virtual times are comparable between queues: a vCPU keeps its own when it
 * moves, within bounds. So what is unfair between CPUs shows as a difference of
 * virtual times, and sched_choose_victim() evens it out.
 */
#include <xen/sched-if.h>
#include <xen/lib.h>
#include <xen/time.h>

/* All who wait should have run once in this time, but no slice is shorter than the least. */
#define ROUND	    MILLISECS(20)
#define SLICE_MOST  MILLISECS(10)
#define SLICE_LEAST MILLISECS(2)
/* Head start of one who wakes up, in virtual time: interactive before busy ones. */
#define WAKE_BONUS MILLISECS(5)
/* It must be behind by so much to interrupt another. */
#define WAKE_MARGIN MILLISECS(1)
/* Nobody is further behind or ahead of its queue than this: differences from long ago are forgotten. */
#define DRIFT_MOST MILLISECS(60)
/* A vCPU is taken from another CPU's queue only when it is behind by more. */
#define PULL_MARGIN MILLISECS(10)

s64 sched_scale(const struct sched_share *share, s64 ns)
{
	if (likely(share->weight == SCHED_WEIGHT_DEFAULT))
		return ns;
	return ns * SCHED_WEIGHT_DEFAULT / share->weight;
}

static s64 cap_quota(const struct sched_share *share) { return SCHED_CAP_PERIOD * share->cap / 100; }

bool sched_charge(struct sched_entity *e, s64 ns)
{
	e->node.key += sched_scale(e->share, ns);
	if (likely(!READ_ONCE(e->share->cap)))
		return true;
	return __atomic_sub_fetch(&e->share->budget, ns, __ATOMIC_RELAXED) > 0;
}

bool sched_refill(struct sched_share *share)
{
	s64 quota = cap_quota(share), old = __atomic_load_n(&share->budget, __ATOMIC_RELAXED);

	while (!__atomic_compare_exchange_n(&share->budget, &old, min(old + quota, quota), false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return old < quota;
}

static struct sched_entity *first(const struct sched_queue *q)
{
	return q->heap.top ? container_of(q->heap.top, struct sched_entity, node) : NULL;
}

void sched_advance(struct sched_queue *q, s64 curr_vtime)
{
	const struct sched_entity *e = first(q);

	q->vtime = max(q->vtime, e ? min(curr_vtime, e->node.key) : curr_vtime);
}

void sched_enqueue(struct sched_queue *q, struct sched_entity *e, bool woke)
{
	s64 least = q->vtime - (woke ? WAKE_BONUS : DRIFT_MOST);

	e->node.key = clamp_t(s64, e->node.key, least, q->vtime + DRIFT_MOST);
	pheap_add(&q->heap, &e->node);
	e->queued = true;
	q->waiting++;
}

void sched_dequeue(struct sched_queue *q, struct sched_entity *e)
{
	pheap_del(&q->heap, &e->node);
	e->queued = false;
	q->waiting--;
}

struct sched_entity *sched_take_next(struct sched_queue *q, struct sched_entity *prev)
{
	struct sched_entity *e = first(q), *second;

	if (!e)
		return NULL;
	sched_dequeue(q, e);
	q->vtime = max(q->vtime, e->node.key);
	second = first(q);
	if (e != prev || !e->yielded || !second)
		return e;
	/* Behind the one that goes first instead, and so not starved by others that yield. */
	e->node.key = max(e->node.key, second->node.key + 1);
	sched_dequeue(q, second);
	sched_enqueue(q, e, false);
	return second;
}

bool sched_preempts(const struct sched_entity *woken, s64 curr_vtime)
{
	return woken->node.key + WAKE_MARGIN < curr_vtime;
}

s64 sched_slice(const struct sched_queue *q, const struct sched_entity *e)
{
	s64 slice = 0;

	if (q->waiting)
		slice = clamp_t(s64, ROUND / (q->waiting + 1), SLICE_LEAST, SLICE_MOST);
	if (e->share->cap) {
		s64 left = max_t(s64, __atomic_load_n(&e->share->budget, __ATOMIC_RELAXED), MICROSECS(100));

		slice = slice ? min(slice, left) : left;
	}
	return slice;
}

unsigned int sched_choose_victim(const struct sched_view *views, unsigned int n, unsigned int self, bool idle,
				 s64 next_vtime)
{
	unsigned int best = n;

	for (unsigned int i = 0; i < n; i++) {
		if (i == self || !views[i].waiting)
			continue;
		if (!idle && views[i].first + PULL_MARGIN >= next_vtime)
			continue;
		/* The one furthest behind; it has waited longest for its share. */
		if (best == n || views[i].first < views[best].first)
			best = i;
	}
	return best;
}
