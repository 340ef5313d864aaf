/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Free page frames: a buddy heap, and a small cache of single frames per CPU.
 *
 * A free block of 2^n frames is aligned to its size and linked, through its
 * first frame's page_info, into the list of its node, zone, order and state: clean
 * (all zero) or dirty. Blocks are joined with buddies of the same state only, so
 * that one freed frame does not make megabytes dirty; if a large block is wanted
 * and there is none, join_mixed() joins across states. The idle loop makes dirty
 * blocks clean. Allocations take clean frames while there are any.
 *
 * Single frames come from and go to the CPU's cache, mostly without the heap's
 * lock. The cache has a lock of its own, because a CPU that runs out takes back
 * what the others hold.
 *
 * Locks: cache (RANK_PCP), then heap (RANK_ALLOC). Not for interrupt context.
 */
#include "page_alloc.h"

#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/sched.h>
#include <xen/spinlock.h>

/* struct page_info.state */
#define PGS_BUSY  0 /* in use, or not the first frame of a free block */
#define PGS_CLEAN 1 /* first frame of a clean free block */
#define PGS_DIRTY 2

enum { CLEAN, DIRTY, STATES };

/* Frames for devices and start-up code with narrow addresses are handed out last. Borders are block borders. */
#define NR_ZONES 3
static const unsigned long zone_end[NR_ZONES] = { MB(16) >> PAGE_SHIFT, GB(4) >> PAGE_SHIFT, ~0UL };

#define NO_FRAME (~0U)
/* The frame table has holes, but not inside what one page of it describes. */
#define HOLE_ORDER 7
_Static_assert((sizeof(struct page_info) << HOLE_ORDER) == PAGE_SIZE, "frames described by a page");
#define CACHE_SIZE	  64
#define CACHE_BATCH_ORDER 5
#define CACHE_BATCH	  (1U << CACHE_BATCH_ORDER)
#define SCRUB_ORDER	  4 /* of what the idle loop scrubs at a time */
#define NODE_RANGES	  16

struct free_list {
	u32 first;
	unsigned long blocks;
};
struct zone {
	struct free_list list[STATES][MAX_PAGE_ORDER + 1];
	u32 orders[STATES]; /* bit n: the list of order n is not empty */
};

static struct {
	spinlock_t lock;
	struct zone zone[MAX_NODES][NR_ZONES];
	unsigned int nr_nodes;
	unsigned long free; /* frames in the lists, or being scrubbed */
	unsigned long dirty; /* of them in the dirty lists */
	unsigned long scrubbing; /* of them in the hands of scrub_free_pages() */
	unsigned int scrub_hold; /* > 0: scrub_free_pages() takes none */
	unsigned long claimed; /* sum of all domains' outstanding_pages */
} heap = { .lock = SPIN_LOCK_INIT(RANK_ALLOC), .nr_nodes = 1 };

struct page_cache {
	spinlock_t lock;
	unsigned int nr[STATES];
	u32 frame[STATES][CACHE_SIZE];
};
static DEFINE_PER_CPU(struct page_cache, page_cache) = { .lock = SPIN_LOCK_INIT(RANK_PCP) };
/*
 * Frames freed on this CPU less those allocated on it. The sum over the CPUs is what is free, exactly, wherever a
 * free frame is just then: in a list, in a cache, in between, or in the hands of somebody who scrubs it.
 */
static DEFINE_PER_CPU(unsigned long, freed);

static struct {
	unsigned long start, nr;
	unsigned int node;
} node_range[NODE_RANGES] __ro_after_init;

static struct page_info *frame_page(u32 frame) { return frame_table + frame; }
static u32 page_frame(const struct page_info *p) { return (u32)(p - frame_table); }

/* Counters that others read without the lock. */
static void count(unsigned long *counter, unsigned long n) { WRITE_ONCE(*counter, *counter + n); }
static void uncount(unsigned long *counter, unsigned long n) { WRITE_ONCE(*counter, *counter - n); }
static void count_free(unsigned long n) { count(&this_cpu(freed), n); }
static void uncount_free(unsigned long n) { uncount(&this_cpu(freed), n); }

/* ---- lists. All these: heap.lock is held, and heap.free is the caller's business. ---- */

static struct zone *zone_of(u32 frame)
{
	unsigned int z = 0;

	while (frame >= zone_end[z])
		z++;
	return &heap.zone[frame_page(frame)->node][z];
}

static void list_push(u32 frame, unsigned int order, unsigned int state)
{
	struct zone *zone = zone_of(frame);
	struct free_list *l = &zone->list[state][order];
	struct page_info *p = frame_page(frame);

	p->state = state == CLEAN ? PGS_CLEAN : PGS_DIRTY;
	p->order = (u8)order;
	p->u.link.prev = NO_FRAME;
	p->u.link.next = l->blocks ? l->first : NO_FRAME;
	if (l->blocks)
		frame_page(l->first)->u.link.prev = frame;
	l->first = frame;
	l->blocks++;
	zone->orders[state] |= 1U << order;
	if (state == DIRTY)
		count(&heap.dirty, 1UL << order);
}

static void list_remove(u32 frame)
{
	struct page_info *p = frame_page(frame);
	unsigned int order = p->order, state = p->state == PGS_CLEAN ? CLEAN : DIRTY;
	struct zone *zone = zone_of(frame);
	struct free_list *l = &zone->list[state][order];

	if (p->u.link.prev == NO_FRAME)
		l->first = p->u.link.next;
	else
		frame_page(p->u.link.prev)->u.link.next = p->u.link.next;
	if (p->u.link.next != NO_FRAME)
		frame_page(p->u.link.next)->u.link.prev = p->u.link.prev;
	if (!--l->blocks)
		zone->orders[state] &= ~(1U << order);
	if (state == DIRTY)
		uncount(&heap.dirty, 1UL << order);
	p->state = PGS_BUSY;
}

/* Does a free block of this order start at frame, which is near a frame of RAM: in a block of order + 1 with one? */
static bool is_free_block(u32 frame, unsigned int order)
{
	const struct page_info *p = frame_page(frame);

	if (order >= HOLE_ORDER && !mfn_valid(_mfn(frame)))
		return false;
	return p->state != PGS_BUSY && p->order == order;
}

/*
 * The buddy is free, of the same node, and whole. Zones need no check: frame 0
 * is never free, and larger borders are multiples of the largest block.
 */
static bool can_join(u32 frame, u32 buddy, unsigned int order)
{
	return is_free_block(buddy, order) && frame_page(buddy)->node == frame_page(frame)->node;
}

static void free_block(u32 frame, unsigned int order, unsigned int state)
{
	u8 page_state = state == CLEAN ? PGS_CLEAN : PGS_DIRTY;

	for (; order < MAX_PAGE_ORDER; order++) {
		u32 buddy = frame ^ (1U << order);

		if (!can_join(frame, buddy, order) || frame_page(buddy)->state != page_state)
			break;
		list_remove(buddy);
		frame &= ~(1U << order);
	}
	list_push(frame, order, state);
}

/* Any range, as the fewest blocks. */
static void free_range(u32 frame, unsigned long nr, unsigned int state)
{
	while (nr) {
		unsigned int order = (unsigned int)__builtin_ctz(frame | (1U << MAX_PAGE_ORDER));

		order = min(order, fls64(nr) - 1);
		free_block(frame, order, state);
		frame += 1U << order;
		nr -= 1UL << order;
	}
}

/* Takes a free block off its list and gives back all but its first 2^order frames. */
static u32 take_front(u32 frame, unsigned int order)
{
	const struct page_info *p = frame_page(frame);
	unsigned int have = p->order, state = p->state == PGS_CLEAN ? CLEAN : DIRTY;

	list_remove(frame);
	while (have > order) {
		have--;
		frame_page(frame + (1U << have))->node = p->node;
		list_push(frame + (1U << have), have, state);
	}
	return frame;
}

/* 2^order frames from one zone of one node, all below limit. */
static u32 take_from_zone(struct zone *zone, unsigned int order, unsigned int state, unsigned long limit,
			  bool search)
{
	u32 orders = zone->orders[state] & (~0U << order);

	for (; orders; orders &= orders - 1) {
		const struct free_list *l = &zone->list[state][__builtin_ctz(orders)];
		u32 frame = l->first;

		/* Only a zone that the limit cuts through needs a look at more than the first block. */
		while (search && frame != NO_FRAME && frame + (1UL << order) > limit)
			frame = frame_page(frame)->u.link.next;
		if (frame != NO_FRAME)
			return take_front(frame, order);
	}
	return NO_FRAME;
}

static u32 take_from_zones(unsigned int z, unsigned int order, unsigned int state, unsigned int node,
			   unsigned long limit)
{
	unsigned long start = z ? zone_end[z - 1] : 0;

	if (start >= limit)
		return NO_FRAME;
	for (unsigned int i = 0; i < heap.nr_nodes; i++) {
		u32 frame = take_from_zone(&heap.zone[(node + i) % heap.nr_nodes][z], order, state, limit,
					   zone_end[z] > limit);

		if (frame != NO_FRAME)
			return frame;
	}
	return NO_FRAME;
}

/* In one state: of all zones but the lowest, or of the lowest. */
static u32 take_in_state(unsigned int order, unsigned int state, unsigned int node, unsigned long limit,
			 bool low)
{
	for (unsigned int z = low ? 1 : NR_ZONES; z-- > !low;) {
		u32 frame = take_from_zones(z, order, state, node, limit);

		if (frame != NO_FRAME)
			return frame;
	}
	return NO_FRAME;
}

/*
 * 2^order frames in the state wanted if there are any, else in the other one;
 * at last from the lowest zone. Which state they are in: *state.
 */
static u32 take_block(unsigned int order, unsigned int want, unsigned int node, unsigned long limit,
		      unsigned int *state)
{
	u32 frame = NO_FRAME;

	for (unsigned int i = 0; i < 2 * STATES && frame == NO_FRAME; i++) {
		*state = i & 1 ? !want : want;
		frame = take_in_state(order, *state, node, limit, i >= STATES);
	}
	return frame;
}

/* One list of dirty blocks: joins each with a clean buddy into a dirty block of the next order. */
static void join_mixed_list(struct zone *zone, unsigned int order)
{
	struct free_list *l = &zone->list[DIRTY][order];
	u32 frame = l->blocks ? l->first : NO_FRAME;

	while (frame != NO_FRAME) {
		u32 buddy = frame ^ (1U << order), next = frame_page(frame)->u.link.next;

		/* Its buddy is not on the same list, or they would be one block. */
		if (can_join(frame, buddy, order)) {
			list_remove(frame);
			list_remove(buddy);
			free_block(frame & ~(1U << order), order + 1, DIRTY);
		}
		frame = next;
	}
}

/* Makes blocks of 2^order frames where clean and dirty blocks together form them. */
static void join_mixed(unsigned int order)
{
	for (unsigned int o = 0; o < order; o++)
		for (unsigned int node = 0; node < heap.nr_nodes; node++)
			for (unsigned int z = 0; z < NR_ZONES; z++)
				join_mixed_list(&heap.zone[node][z], o);
}

/* ---- the CPUs' caches ---- */

/* The cache's lock is held; it has room, or a frame. */
static void cache_push(struct page_cache *c, unsigned int state, u32 frame)
{
	unsigned int n = c->nr[state];

	c->frame[state][n] = frame;
	WRITE_ONCE(c->nr[state], n + 1);
}

static u32 cache_pop(struct page_cache *c, unsigned int state)
{
	unsigned int n = c->nr[state] - 1;

	WRITE_ONCE(c->nr[state], n);
	return c->frame[state][n];
}

/* Gives the n frames put last into the cache back to the heap. The cache's lock is held. */
static void cache_flush(struct page_cache *c, unsigned int state, unsigned int n)
{
	if (!n)
		return;
	spin_lock(&heap.lock);
	for (unsigned int i = 0; i < n; i++)
		free_block(cache_pop(c, state), 0, state);
	count(&heap.free, n);
	spin_unlock(&heap.lock);
}

/*
 * Fetches up to a batch of frames into a cache that has none in the state
 * wanted: in that state if possible, in the other one only if the cache has none at
 * all. Cache lock held.
 */
static void cache_fill(struct page_cache *c, unsigned int want)
{
	unsigned int state = want, order = CACHE_BATCH_ORDER + 1;
	u32 frame;

	spin_lock(&heap.lock);
	do {
		order--;
		frame = c->nr[!want] ? take_in_state(order, want, 0, ~0UL, false)
				     : take_block(order, want, 0, ~0UL, &state);
	} while (frame == NO_FRAME && order);
	if (frame != NO_FRAME)
		uncount(&heap.free, 1UL << order);
	spin_unlock(&heap.lock);
	if (frame == NO_FRAME)
		return;
	/* In reverse, so that they are handed out in ascending order. */
	for (unsigned int i = 1U << order; i-- > 0;)
		cache_push(c, state, frame + i);
}

/* Whether the heap has free frames in that state: a guess without its lock, good enough to save a search. */
static bool heap_has(unsigned int state)
{
	unsigned long dirty = READ_ONCE(heap.dirty);

	return state == DIRTY ? dirty : READ_ONCE(heap.free) != dirty;
}

/* One frame, preferably in the state wanted; which it is in: *state. */
static u32 cache_alloc(unsigned int want, unsigned int *state)
{
	struct page_cache *c = &this_cpu(page_cache);
	u32 frame = NO_FRAME;

	spin_lock(&c->lock);
	ASSERT(c->nr[want] <= CACHE_SIZE && c->nr[!want] <= CACHE_SIZE);
	if (unlikely(!c->nr[want]) && (!c->nr[!want] || heap_has(want)))
		cache_fill(c, want);
	*state = c->nr[want] ? want : !want;
	if (likely(c->nr[*state]))
		frame = cache_pop(c, *state);
	spin_unlock(&c->lock);
	return frame;
}

static void cache_free(u32 frame)
{
	struct page_cache *c = &this_cpu(page_cache);

	spin_lock(&c->lock);
	ASSERT(c->nr[DIRTY] <= CACHE_SIZE);
	if (unlikely(c->nr[DIRTY] == CACHE_SIZE))
		cache_flush(c, DIRTY, CACHE_BATCH);
	cache_push(c, DIRTY, frame);
	spin_unlock(&c->lock);
}

/* Every CPU's cached frames go back to the heap. */
static void drain_caches(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct page_cache *c = &per_cpu(page_cache, cpu);

		spin_lock(&c->lock);
		cache_flush(c, CLEAN, c->nr[CLEAN]);
		cache_flush(c, DIRTY, c->nr[DIRTY]);
		spin_unlock(&c->lock);
	}
}

static unsigned long cached_pages(unsigned int state)
{
	unsigned long n = 0;
	unsigned int cpu;

	for_each_online_cpu(cpu)
		n += READ_ONCE(per_cpu(page_cache, cpu).nr[state]);
	return n;
}

unsigned long free_page_count(void)
{
	unsigned long n = READ_ONCE(per_cpu(freed, 0));
	unsigned int cpu;

	/* Early in boot there is CPU 0, and it is not in the map yet. */
	for_each_online_cpu(cpu)
		if (cpu)
			n += READ_ONCE(per_cpu(freed, cpu));
	return n;
}

unsigned long dirty_page_count(void) { return READ_ONCE(heap.dirty) + cached_pages(DIRTY); }

/* ---- claims ---- */

/*
 * May d (NULL: the hypervisor) have n frames although others have set frames
 * aside? Takes them off d's own claim; *used says how many, for claim_undo().
 */
static bool claim_use(struct domain *d, unsigned long n, unsigned long *used)
{
	unsigned long own, others, avail = free_page_count();
	bool ok;

	spin_lock(&heap.lock);
	own = d ? d->outstanding_pages : 0;
	others = heap.claimed - own;
	ok = avail >= others && avail - others >= n;
	*used = ok ? min(n, own) : 0;
	if (*used) {
		d->outstanding_pages -= *used;
		uncount(&heap.claimed, *used);
	}
	spin_unlock(&heap.lock);
	return ok;
}

static void claim_undo(struct domain *d, unsigned long used)
{
	if (!used)
		return;
	spin_lock(&heap.lock);
	d->outstanding_pages += used;
	count(&heap.claimed, used);
	spin_unlock(&heap.lock);
}

/*
 * pages: how many d shall be able to have in all, those it has included; 0 gives
 * the claim up. -EINVAL: it has a claim already, has as many, or may not have so many.
 */
int domain_set_outstanding_pages(struct domain *d, unsigned long pages)
{
	unsigned long avail = free_page_count(), have = (unsigned long)atomic64_read(&d->tot_pages);
	int rc = 0;

	spin_lock(&heap.lock);
	if (!pages) {
		uncount(&heap.claimed, d->outstanding_pages);
		d->outstanding_pages = 0;
	} else if (d->outstanding_pages || pages <= have || pages > d->max_pages) {
		rc = -EINVAL;
	} else if (heap.claimed + (pages - have) > avail) {
		rc = -ENOMEM;
	} else {
		d->outstanding_pages = pages - have;
		count(&heap.claimed, pages - have);
	}
	spin_unlock(&heap.lock);
	return rc;
}

unsigned long outstanding_claims_total(void) { return READ_ONCE(heap.claimed); }

/* ---- allocation ---- */

static u32 heap_take(unsigned int order, unsigned int flags, unsigned int want, unsigned int *state)
{
	unsigned int bits = flags >> 24, node = (flags >> 8) & 0xff;
	unsigned long limit = bits && bits < 64 ? BIT(bits) >> PAGE_SHIFT : ~0UL;
	u32 frame;

	spin_lock(&heap.lock);
	frame = take_block(order, want, node ? node - 1 : 0, limit, state);
	if (frame != NO_FRAME)
		uncount(&heap.free, 1UL << order);
	spin_unlock(&heap.lock);
	return frame;
}

/*
 * Second attempt, when there seems to be nothing left: what other CPUs have
 * cached or are scrubbing, and blocks that are partly clean.
 */
static u32 heap_take_hard(unsigned int order, unsigned int flags, unsigned int want, unsigned int *state)
{
	while (READ_ONCE(heap.scrubbing))
		cpu_relax();
	drain_caches();
	if (order) {
		spin_lock(&heap.lock);
		join_mixed(order);
		spin_unlock(&heap.lock);
	}
	return heap_take(order, flags, want, state);
}

static void scrub_frames(u32 frame, unsigned int order)
{
	memset(page_to_virt(frame_page(frame)), 0, PAGE_SIZE << order);
}

/* A clean frame is all zero: its ends are looked at, in debug builds. */
static void check_clean(u32 frame)
{
	const u64 *p = page_to_virt(frame_page(frame));

	ASSERT(!p[0] && !p[1] && !p[PAGE_SIZE / sizeof(*p) - 1]);
}

struct page_info *heap_alloc(struct domain *d, unsigned int order, unsigned int flags)
{
	unsigned int want = flags & MEMF_no_scrub ? DIRTY : CLEAN, state;
	unsigned long used = 0;
	u32 frame;

	if (order > MAX_PAGE_ORDER)
		return NULL;
	if (unlikely(READ_ONCE(heap.claimed)) && !claim_use(d, 1UL << order, &used))
		return NULL;
	/* The flags' upper bits are the address limit and the node: only the heap knows them. */
	if (likely(!order && !(flags >> 8)))
		frame = cache_alloc(want, &state);
	else
		frame = heap_take(order, flags, want, &state);
	if (unlikely(frame == NO_FRAME)) {
		frame = heap_take_hard(order, flags, want, &state);
		if (frame == NO_FRAME) {
			claim_undo(d, used);
			return NULL;
		}
	}
	uncount_free(1UL << order);
	if (state == DIRTY && want == CLEAN)
		scrub_frames(frame, order);
	else if (CONFIG_DEBUG && state == CLEAN)
		check_clean(frame);
	return frame_page(frame);
}

void heap_free(struct page_info *p, unsigned long nr)
{
	count_free(nr);
	if (likely(nr == 1)) {
		cache_free(page_frame(p));
		return;
	}
	spin_lock(&heap.lock);
	free_range(page_frame(p), nr, DIRTY);
	count(&heap.free, nr);
	spin_unlock(&heap.lock);
}

/* First frame of the free block that frame lies in, or NO_FRAME. Heap lock held. */
static u32 containing_block(u32 frame)
{
	for (unsigned int order = 0; order <= MAX_PAGE_ORDER; order++) {
		u32 head = frame & ~((1U << order) - 1);

		if (is_free_block(head, order))
			return head;
	}
	return NO_FRAME;
}

/* Takes [frame, end) out of the free block that starts at head, and gives back the rest. Heap lock held. */
static u32 carve(u32 head, u32 frame, u32 end)
{
	unsigned int state = frame_page(head)->state == PGS_CLEAN ? CLEAN : DIRTY;
	u32 block_end = head + (1U << frame_page(head)->order);

	list_remove(head);
	end = min(end, block_end);
	free_range(head, frame - head, state);
	free_range(end, block_end - end, state);
	uncount(&heap.free, end - frame);
	uncount_free(end - frame);
	return end;
}

static int take_range_locked(u32 start, u32 end, bool (*may_stay)(const struct page_info *p, const void *arg),
			     const void *arg)
{
	for (u32 f = start, head; f < end;) {
		head = containing_block(f);
		if (head != NO_FRAME)
			f = head + (1U << frame_page(head)->order);
		else if (may_stay(frame_page(f), arg))
			f++;
		else
			return -EBUSY;
	}
	for (u32 f = start, head; f < end;) {
		head = containing_block(f);
		f = head != NO_FRAME ? carve(head, f, end) : f + 1;
	}
	return 0;
}

int heap_take_range(mfn_t mfn, unsigned long nr, bool (*may_stay)(const struct page_info *p, const void *arg),
		    const void *arg)
{
	u32 start = (u32)mfn_x(mfn), end = start + (u32)nr;
	int rc;

	spin_lock(&heap.lock);
	rc = take_range_locked(start, end, may_stay, arg);
	if (rc)
		heap.scrub_hold++;
	spin_unlock(&heap.lock);
	if (!rc)
		return 0;
	/* Perhaps a CPU has it in its cache, or scrubs it, and would go on to another part of it. */
	while (READ_ONCE(heap.scrubbing))
		cpu_relax();
	drain_caches();
	spin_lock(&heap.lock);
	rc = take_range_locked(start, end, may_stay, arg);
	heap.scrub_hold--;
	spin_unlock(&heap.lock);
	return rc;
}

/* ---- scrubbing ---- */

/* One frame of the CPU's cache. True if there was one. */
static bool scrub_cached(void)
{
	struct page_cache *c = &this_cpu(page_cache);
	bool any;

	spin_lock(&c->lock);
	any = c->nr[DIRTY];
	if (any) {
		u32 frame = cache_pop(c, DIRTY);

		if (c->nr[CLEAN] == CACHE_SIZE)
			cache_flush(c, CLEAN, CACHE_BATCH);
		scrub_frames(frame, 0);
		cache_push(c, CLEAN, frame);
	}
	spin_unlock(&c->lock);
	return any;
}

/* A dirty block of at most 2^SCRUB_ORDER frames; small ones first, so that what was split gets joined again. */
static u32 take_dirty(unsigned int *order)
{
	for (unsigned int node = 0; node < heap.nr_nodes; node++) {
		for (unsigned int z = NR_ZONES; z-- > 0;) {
			u32 orders = heap.zone[node][z].orders[DIRTY];

			if (!orders)
				continue;
			*order = min_t(unsigned int, __builtin_ctz(orders), SCRUB_ORDER);
			return take_from_zone(&heap.zone[node][z], *order, DIRTY, ~0UL, false);
		}
	}
	return NO_FRAME;
}

bool scrub_free_pages(void)
{
	unsigned int order = 0;
	u32 frame;

	if (scrub_cached())
		return true;
	if (!READ_ONCE(heap.dirty))
		return false;
	spin_lock(&heap.lock);
	frame = heap.scrub_hold ? NO_FRAME : take_dirty(&order);
	if (frame != NO_FRAME)
		count(&heap.scrubbing, 1UL << order);
	spin_unlock(&heap.lock);
	if (frame == NO_FRAME)
		return false;
	scrub_frames(frame, order);
	spin_lock(&heap.lock);
	free_block(frame, order, CLEAN);
	uncount(&heap.scrubbing, 1UL << order);
	spin_unlock(&heap.lock);
	return READ_ONCE(heap.dirty) != 0;
}

/* ---- set-up ---- */

void __init heap_set_node(mfn_t mfn, unsigned long nr, unsigned int node)
{
	for (unsigned int i = 0; i < NODE_RANGES; i++) {
		if (node_range[i].nr)
			continue;
		if (node >= MAX_NODES)
			break;
		node_range[i].start = mfn_x(mfn);
		node_range[i].nr = nr;
		node_range[i].node = node;
		heap.nr_nodes = max(heap.nr_nodes, node + 1);
		return;
	}
	printk(XENLOG_WARNING "Memory of node %u is treated as node 0's\n", node);
}

/* The node of a frame; *end becomes the end of the part of [frame, *end) that belongs to it. */
static unsigned int node_of(unsigned long frame, unsigned long *end)
{
	for (unsigned int i = 0; i < NODE_RANGES && node_range[i].nr; i++) {
		unsigned long start = node_range[i].start, stop = start + node_range[i].nr;

		if (frame >= start && frame < stop) {
			*end = min(*end, stop);
			return node_range[i].node;
		}
		if (start > frame)
			*end = min(*end, start);
	}
	return 0;
}

void heap_adopt_frames(mfn_t mfn, unsigned long nr)
{
	for (unsigned long f = mfn_x(mfn), stop; nr; nr--, f++) {
		struct page_info *p = frame_table + f;

		stop = f + 1;
		p->state = PGS_BUSY;
		p->node = (u8)node_of(f, &stop);
	}
}

void init_heap_pages(mfn_t mfn, unsigned long nr)
{
	unsigned long frame = mfn_x(mfn), end = min_t(unsigned long, frame + nr, NO_FRAME);

	if (end < frame + nr)
		printk(XENLOG_WARNING "Memory from %#lx on is not used\n",
		       (unsigned long)NO_FRAME << PAGE_SHIFT);
	/* Frame 0 stays out: blocks then never cross a zone's border. */
	if (!frame)
		frame = 1;
	while (frame < end) {
		unsigned long stop = end;
		u8 node = (u8)node_of(frame, &stop);

		for (unsigned long f = frame; f < stop; f++) {
			struct page_info *p = frame_table + f;

			p->ref = 0;
			p->state = PGS_BUSY;
			p->node = node;
		}
		heap_free(frame_table + frame, stop - frame);
		frame = stop;
	}
}

static void show_zone(unsigned int node, unsigned int z)
{
	for (unsigned int s = 0; s < STATES; s++) {
		const struct zone *zone = &heap.zone[node][z];

		if (!zone->orders[s])
			continue;
		printk("  node %u zone %u %s:", node, z, s == CLEAN ? "clean" : "dirty");
		for (unsigned int o = 0; o <= MAX_PAGE_ORDER; o++)
			if (zone->list[s][o].blocks)
				printk(" %lux2^%u", zone->list[s][o].blocks, o);
		printk("\n");
	}
}

static void show_memory(char key)
{
	printk("Memory: %lu pages, %lu free, %lu of them dirty, %lu claimed\n", total_pages,
	       free_page_count(), dirty_page_count(), heap.claimed);
	spin_lock(&heap.lock);
	for (unsigned int node = 0; node < heap.nr_nodes; node++)
		for (unsigned int z = 0; z < NR_ZONES; z++)
			show_zone(node, z);
	spin_unlock(&heap.lock);
	printk("  in caches: %lu clean, %lu dirty\n", cached_pages(CLEAN), cached_pages(DIRTY));
	xmalloc_dump();
}

void page_alloc_init_keys(void) { register_keyhandler('m', show_memory, "memory"); }
