/* SPDX-License-Identifier: GPL-2.0-only */
/* The test machine: frames and page words, locks with ranks, RCU by quiescent states, output. */
#include "host.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>

unsigned long host_directmap;
struct page_info *host_frame_table;
unsigned long max_page = HOST_FRAMES;
unsigned long host_fail_after, host_allocations;
void (*host_fail_hook)(const char *text);
void (*host_alloc_hook)(void);
void (*host_get_hook)(void);
unsigned int per_cpu__softirq_pending_bits;
struct host_mtrr host_mtrr_state;
static pthread_mutex_t heap_lock = PTHREAD_MUTEX_INITIALIZER;
__thread unsigned int host_my_cpu;
static bool heap_unlocked;

void host_heap_unlocked(bool unlocked) { heap_unlocked = unlocked; }
static void lock_heap(void)
{
	if (!heap_unlocked)
		pthread_mutex_lock(&heap_lock);
}
static void unlock_heap(void)
{
	if (!heap_unlocked)
		pthread_mutex_unlock(&heap_lock);
}

void host_tlb_check_free(mfn_t m);
void host_tlb_reset(void);

/* ---- failing ---- */

void host_fail(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (host_fail_hook)
		host_fail_hook(text);
	printf("# FAILED: %s\n", text);
	fflush(stdout);
	_exit(3);
}

void bug_at(const char *file, int line, const char *what) { host_fail("%s:%d: %s", file, line, what); }
void warn_at(const char *file, int line, const char *what) { host_fail("%s:%d: warning: %s", file, line, what); }

/* What the p2m prints goes through vsnprintf (so the arguments are checked) and is kept for tests. */
char host_last_line[256];
void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(host_last_line, sizeof(host_last_line), fmt, ap);
	va_end(ap);
}
__thread char host_guest_line[256];
void gprintk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(host_guest_line, sizeof(host_guest_line), fmt, ap);
	va_end(ap);
}

/* ---- frames ---- */

static u32 small_free[HOST_SMALL];
static unsigned long small_count;
static u16 block_used[HOST_BLOCKS];
static u32 huge_used[HOST_HUGE];
static unsigned long in_use;
static bool poison = true;

static void *reserve(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		host_fail("no address space");
	return p;
}

void host_reset(void)
{
	/* LIFO from low frames on; frame 0 is never given out. */
	small_count = 0;
	for (unsigned long m = HOST_SMALL - 1; m; m--)
		small_free[small_count++] = (u32)m;
	for (unsigned int i = 0; i < HOST_BLOCKS; i++)
		block_used[i] = 0;
	memset(huge_used, 0, sizeof(huge_used));
	/* Only what an episode can have touched. */
	memset(host_frame_table, 0, (HOST_BLOCK_BASE + HOST_BLOCKS * 512) * sizeof(struct page_info));
	in_use = 0;
	host_fail_after = 0;
	host_allocations = 0;
	host_tlb_reset();
}

void host_init(void)
{
	host_directmap = (unsigned long)reserve(HOST_FRAMES << PAGE_SHIFT);
	host_frame_table = reserve(HOST_FRAMES * sizeof(struct page_info));
	host_mtrr_state.def_type = X86_MT_WB | MTRR_DEF_TYPE_ENABLE;
	host_reset();
	host_thread_start(0);
}

bool mfn_valid(mfn_t m) { return mfn_x(m) < max_page; }
unsigned long host_frames_in_use(void) { return in_use; }
bool host_frame_free(mfn_t m) { return !mfn_to_page(m)->state; }

static bool may_allocate(void)
{
	host_allocations++;
	if (host_alloc_hook)
		host_alloc_hook();
	if (!host_fail_after)
		return true;
	if (host_fail_after > 1) {
		host_fail_after--;
		return true;
	}
	return false;
}

/* state: 0 free, 1 in use. */
static struct page_info *take(unsigned long mfn, unsigned long nr, u64 owner_ref)
{
	struct page_info *p = host_frame_table + mfn;

	for (unsigned long i = 0; i < nr; i++) {
		if (p[i].state || (u32)READ_ONCE(p[i].ref))
			host_fail("frame %#lx given out while in use", mfn + i);
		p[i].state = 1;
		p[i].u.inuse.gfn = gfn_x(INVALID_GFN);
		__atomic_store_n(&p[i].ref, owner_ref | 1, __ATOMIC_RELEASE);
	}
	in_use += nr;
	return p;
}

static struct page_info *heap_alloc(unsigned int order, u64 owner_ref)
{
	struct page_info *p = NULL;

	lock_heap();
	if (may_allocate()) {
		if (!order && small_count)
			p = take(small_free[--small_count], 1, owner_ref);
		for (unsigned int i = 0; order && order <= 9 && !p && i < HOST_BLOCKS; i++)
			if (!block_used[i]) {
				block_used[i] = (u16)(1U << order);
				p = take(HOST_BLOCK_BASE + i * 512, 1UL << order, owner_ref);
			}
		for (unsigned int i = 0; order > 9 && order <= 18 && !p && i < HOST_HUGE; i++)
			if (!huge_used[i]) {
				huge_used[i] = 1U << order;
				p = take(HOST_HUGE_BASE + ((unsigned long)i << 18), 1UL << order, owner_ref);
			}
	}
	unlock_heap();
	return p;
}

static void heap_free(struct page_info *p)
{
	unsigned long mfn = mfn_x(page_to_mfn(p));

	if (host_check_tlb)
		host_tlb_check_free(_mfn(mfn));
	lock_heap();
	if (!p->state)
		host_fail("frame %#lx freed twice", mfn);
	p->state = 0;
	in_use--;
	if (mfn < HOST_SMALL) {
		/* A table or page used after this shows. */
		if (poison)
			memset(page_to_virt(p), 0xe5, PAGE_SIZE);
		small_free[small_count++] = (u32)mfn;
	} else if (mfn < HOST_HUGE_BASE) {
		/* Tests write to the first word only. */
		*(u64 *)page_to_virt(p) = 0;
		block_used[(mfn - HOST_BLOCK_BASE) / 512]--;
	} else {
		huge_used[(mfn - HOST_HUGE_BASE) >> 18]--;
	}
	unlock_heap();
}

#define XEN_OWNER ((u64)DOMID_XEN << PGC_owner_shift)

struct page_info *alloc_pages(unsigned int order, unsigned int flags)
{
	struct page_info *p = heap_alloc(order, XEN_OWNER);

	if (p && !(flags & MEMF_no_scrub))
		memset(page_to_virt(p), 0, PAGE_SIZE << order);
	return p;
}

void free_pages(struct page_info *p, unsigned int order)
{
	for (unsigned long i = 0; i < 1UL << order; i++) {
		if (__atomic_exchange_n(&p[i].ref, 0, __ATOMIC_SEQ_CST) != (XEN_OWNER | 1))
			host_fail("free_pages: frame %#lx is referenced", mfn_x(page_to_mfn(p + i)));
		heap_free(p + i);
	}
}

static struct domain *domains[1 << 16];

struct page_info *alloc_domheap_pages(struct domain *d, unsigned int order, unsigned int flags)
{
	struct page_info *p;

	if (READ_ONCE(d->is_dying) || (u64)atomic64_read(&d->tot_pages) + (1UL << order) > d->max_pages)
		return NULL;
	p = heap_alloc(order, (u64)d->domain_id << PGC_owner_shift);
	if (p)
		atomic64_add_return(1L << order, &d->tot_pages);
	/* The others are empty whenever they are free. */
	if (p && !order)
		memset(page_to_virt(p), 0, PAGE_SIZE);
	return p;
}

struct page_info *alloc_shared_page(struct domain *d)
{
	struct page_info *p = heap_alloc(0, (u64)d->domain_id << PGC_owner_shift | PGC_xen);

	if (p)
		atomic64_add_return(1, &d->xen_pages);
	return p;
}

/* A reserved frame of d, which somebody may still refer to, or a free one in a 2M block nobody uses. */
int assign_pages_at(struct domain *d, mfn_t mfn, unsigned int order)
{
	struct page_info *p = mfn_to_page(mfn);
	u64 owner = (u64)d->domain_id << PGC_owner_shift;
	unsigned long block = (mfn_x(mfn) - HOST_BLOCK_BASE) / 512;

	if (p->ref & PGC_reserved) {
		if (order || page_owner_id(p) != d->domain_id)
			return -EBUSY;
		atomic64_add_return((u32)p->ref ? 0 : 1, &d->tot_pages);
		p->ref = owner | ((u32)p->ref + 1);
	} else {
		if (mfn_x(mfn) < HOST_BLOCK_BASE || block >= HOST_BLOCKS || order > 9 ||
		    (mfn_x(mfn) & ((1UL << order) - 1)))
			return -EBUSY;
		for (unsigned long i = 0; i < 1UL << order; i++)
			if (p[i].state)
				return -EBUSY;
		block_used[block] = (u16)(block_used[block] + (1U << order));
		take(mfn_x(mfn), 1UL << order, owner);
		atomic64_add_return(1L << order, &d->tot_pages);
	}
	p->u.inuse.gfn = gfn_x(INVALID_GFN);
	return 0;
}

static bool get_if(struct page_info *p, u64 owner, bool any)
{
	u64 old;

	if (HOST_HOOKS && host_get_hook)
		host_get_hook();
	old = __atomic_load_n(&p->ref, __ATOMIC_RELAXED);
	do {
		if (!(u32)old || (u32)old == ~0U ||
		    (!any && (old & PGC_owner_mask) >> PGC_owner_shift != owner))
			return false;
	} while (!__atomic_compare_exchange_n(&p->ref, &old, old + 1, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	return true;
}

bool get_page(struct page_info *p, const struct domain *d) { return get_if(p, d->domain_id, false); }
bool get_page_any(struct page_info *p, u16 *owner)
{
	if (!get_if(p, 0, true))
		return false;
	*owner = page_owner_id(p);
	return true;
}

static void last_put(struct page_info *p, u64 ref)
{
	struct domain *d = domains[(u16)(ref >> PGC_owner_shift)];

	if (!d)
		host_fail("put_page: frame %#lx has no owner", mfn_x(page_to_mfn(p)));
	if ((ref & PGC_reserved) && !READ_ONCE(d->is_dying)) {
		/* Nobody else gets it: state stays 1. */
		if (host_check_tlb)
			host_tlb_check_free(page_to_mfn(p));
		atomic64_add_return(-1, &d->tot_pages);
		return;
	}
	__atomic_store_n(&p->ref, 0, __ATOMIC_SEQ_CST);
	heap_free(p);
	atomic64_add_return(-1, ref & PGC_xen ? &d->xen_pages : &d->tot_pages);
}

static void put(struct page_info *p, u64 mark)
{
	u64 old = __atomic_load_n(&p->ref, __ATOMIC_RELAXED);

	if (host_locks_held())
		host_fail("put_page under a lock");
	do {
		if (!(u32)old)
			host_fail("put_page: frame %#lx has no reference", mfn_x(page_to_mfn(p)));
	} while (!__atomic_compare_exchange_n(&p->ref, &old, (old - 1) | mark, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if ((u32)old == 1)
		last_put(p, old | mark);
}
void put_page(struct page_info *p) { put(p, 0); }
void put_page_n(struct page_info *p, u32 n)
{
	while (n--)
		put(p, 0);
}
void put_pages(struct page_info *p, unsigned long nr)
{
	while (nr--)
		put(p++, 0);
}
void put_page_reserved(struct page_info *p) { put(p, PGC_reserved); }

void host_release_reserved(const struct domain *d)
{
	for (unsigned long m = 1; m < HOST_HUGE_BASE; m++) {
		struct page_info *p = host_frame_table + m;

		if (p->state && (p->ref & PGC_reserved) && page_owner_id(p) == d->domain_id && !(u32)p->ref) {
			p->ref = 0;
			heap_free(p);
		}
	}
}

unsigned long host_owned(const struct domain *d)
{
	unsigned long n = 0;

	for (unsigned long m = 1; m < HOST_BLOCK_BASE + HOST_BLOCKS * 512; m++) {
		u64 ref = host_frame_table[m].ref;

		n += (u32)ref && (u16)(ref >> PGC_owner_shift) == d->domain_id;
	}
	return n;
}

void *xzalloc_bytes(size_t size)
{
	bool may;
	void *p;

	lock_heap();
	may = may_allocate();
	unlock_heap();
	p = may ? aligned_alloc(64, (size + 63) & ~63UL) : NULL;
	return p ? memset(p, 0, size) : NULL;
}
void xfree(void *p) { free(p); }

const struct host_mtrr *host_mtrr(void) { return &host_mtrr_state; }

/* ---- domains ---- */

struct domain *host_domain(u16 id, bool privileged)
{
	struct domain *d = calloc(1, sizeof(*d));

	d->domain_id = id;
	d->is_privileged = privileged;
	d->max_pages = ~0UL >> 1;
	domains[id] = d;
	if (p2m_init(d)) {
		domains[id] = NULL;
		free(d);
		return NULL;
	}
	return d;
}

void host_kill(struct domain *d)
{
	unsigned long calls = 0;

	__atomic_store_n(&d->is_dying, DOMDYING_dying, __ATOMIC_SEQ_CST);
	while (p2m_teardown(d) == -ERESTART)
		if (++calls > 100000000UL)
			host_fail("teardown does not end");
}

void host_free_domain(struct domain *d)
{
	p2m_final_teardown(d);
	host_rcu_barrier();
	if (atomic64_read(&d->tot_pages) || atomic64_read(&d->xen_pages))
		host_fail("d%u: freed with %ld pages", d->domain_id, (long)atomic64_read(&d->tot_pages));
	domains[d->domain_id] = NULL;
	free(d);
}

/* ---- locks, with ranks ---- */

static __thread u8 held[8];
static __thread unsigned int held_count;

unsigned int host_locks_held(void) { return held_count; }
void host_relax(void) { sched_yield(); }

void spin_lock_init(spinlock_t *l, enum lock_rank rank)
{
	l->t.word = 0;
	l->rank = (u8)rank;
	l->cpu = 0;
}
void spin_lock(spinlock_t *l)
{
	if (held_count && held[held_count - 1] >= l->rank)
		host_fail("lock of rank %u taken under rank %u", l->rank, held[held_count - 1]);
	while (__atomic_exchange_n(&l->t.word, 1, __ATOMIC_ACQUIRE))
		host_relax();
	held[held_count++] = l->rank;
	__atomic_store_n(&l->cpu, (u8)(host_my_cpu + 1), __ATOMIC_RELAXED);
}
void spin_unlock(spinlock_t *l)
{
	if (!held_count || held[--held_count] != l->rank)
		host_fail("unlock of a lock not held");
	__atomic_store_n(&l->cpu, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&l->t.word, 0, __ATOMIC_RELEASE);
}
bool spin_is_locked_by_me(const spinlock_t *l)
{
	return __atomic_load_n(&l->cpu, __ATOMIC_RELAXED) == host_my_cpu + 1;
}

/* ---- RCU: a callback runs when every thread has been quiescent since ---- */

#define RCU_QUEUE 65536
static pthread_mutex_t rcu_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { struct rcu_head *head; u64 at; } rcu_queue[RCU_QUEUE];
static unsigned int rcu_first, rcu_last;
static u64 rcu_now = 1;
static u64 rcu_seen[HOST_CPUS + 1];	/* 0: no thread */

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	pthread_mutex_lock(&rcu_lock);
	rcu_queue[rcu_last % RCU_QUEUE].head = head;
	rcu_queue[rcu_last % RCU_QUEUE].at = __atomic_add_fetch(&rcu_now, 1, __ATOMIC_SEQ_CST);
	if (++rcu_last - rcu_first >= RCU_QUEUE)
		host_fail("RCU queue full");
	pthread_mutex_unlock(&rcu_lock);
}

static void run_callbacks(u64 done)
{
	for (;;) {
		struct rcu_head *head = NULL;

		pthread_mutex_lock(&rcu_lock);
		if (rcu_first != rcu_last && rcu_queue[rcu_first % RCU_QUEUE].at <= done)
			head = rcu_queue[rcu_first++ % RCU_QUEUE].head;
		pthread_mutex_unlock(&rcu_lock);
		if (!head)
			return;
		head->func(head);
	}
}

void host_quiescent(void)
{
	u64 done = ~0ULL;

	__atomic_store_n(&rcu_seen[host_my_cpu], __atomic_load_n(&rcu_now, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i <= HOST_CPUS; i++) {
		u64 s = __atomic_load_n(&rcu_seen[i], __ATOMIC_SEQ_CST);

		if (s && s < done)
			done = s;
	}
	run_callbacks(done);
}

void host_rcu_barrier(void) { run_callbacks(~0ULL); }
void host_thread_start(unsigned int cpu)
{
	host_my_cpu = cpu;
	__atomic_store_n(&rcu_seen[cpu], __atomic_load_n(&rcu_now, __ATOMIC_SEQ_CST), __ATOMIC_SEQ_CST);
}
void host_thread_stop(void) { __atomic_store_n(&rcu_seen[host_my_cpu], 0, __ATOMIC_SEQ_CST); }

void host_on_other_cpu(unsigned int cpu, void (*fn)(void))
{
	unsigned int me = host_my_cpu, locks = held_count;
	u8 ranks[sizeof(held)];

	memcpy(ranks, held, sizeof(held));
	held_count = 0;
	host_thread_start(cpu);
	fn();
	host_thread_stop();
	host_my_cpu = me;
	held_count = locks;
	memcpy(held, ranks, sizeof(held));
}

/* ---- TAP ---- */

const char *tap_case;
static unsigned int tap_count, tap_failed;

void tap_ok(bool good, const char *fmt, ...)
{
	va_list ap;

	tap_count++;
	tap_failed += !good;
	printf("%sok %u - ", good ? "" : "not ", tap_count);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

int tap_done(void)
{
	printf("1..%u\n", tap_count);
	fflush(stdout);
	return tap_failed || !tap_count;
}
