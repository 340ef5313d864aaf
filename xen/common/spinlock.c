/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ticket spinlocks and reader/writer locks, with the order of acquisition
 * checked in debug builds.
 *
 * The checker keeps, per CPU, the ranks held in two stacks: locks taken with
 * interrupts on, and locks taken with interrupts off. An interrupt can only
 * arrive while the second stack is empty, so that one is never shared with a
 * handler; a handler's locks say nothing about those the interrupted code holds
 * with interrupts on, because no handler takes such a lock: that is checked
 * apart (irq_use).
 */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/spinlock.h>

#define LOCK_DEPTH_MAX 12
#define IRQ_USE_OFF    1
#define IRQ_USE_ON     2

struct held_locks {
	unsigned int count;
	const void *lock[LOCK_DEPTH_MAX];
	u8 rank[LOCK_DEPTH_MAX];
};
/* [0]: taken with interrupts on, [1]: with interrupts off */
static DEFINE_PER_CPU(struct held_locks, held)[2];

static void check_rank(const struct held_locks *h, unsigned int rank, bool nested)
{
	for (unsigned int i = 0; i < h->count; i++)
		if (unlikely(h->rank[i] > rank || (h->rank[i] == rank && !nested)))
			panic("lock order: rank %u taken while rank %u is held (lock %p)\n", rank, h->rank[i],
			      h->lock[i]);
}

/*
 * Before waiting for a lock, so that a deadlock to come is reported and not
 * met. irqs_on: state before an irqsave variant turned them off.
 */
static void check_order(const void *lock, unsigned int rank, bool irqs_on, bool nested)
{
	const struct held_locks *h = this_cpu(held);

	BUG_ON(!rank);
	/* Interrupts were on: this is no handler, what is held either way counts. */
	if (irqs_on)
		check_rank(&h[0], rank, nested);
	check_rank(&h[1], rank, nested);
	for (unsigned int i = 0; i < h[1].count; i++)
		if (unlikely(h[1].lock[i] == lock))
			panic("lock of rank %u taken twice\n", rank);
}

static void note_taken(const void *lock, unsigned int rank)
{
	struct held_locks *h = &this_cpu(held)[!local_irq_is_enabled()];

	BUG_ON(h->count == LOCK_DEPTH_MAX);
	h->lock[h->count] = lock;
	h->rank[h->count] = (u8)rank;
	h->count++;
}

static bool forget(struct held_locks *h, const void *lock)
{
	for (unsigned int i = h->count; i-- > 0;) {
		if (h->lock[i] != lock)
			continue;
		for (h->count--; i < h->count; i++) {
			h->lock[i] = h->lock[i + 1];
			h->rank[i] = h->rank[i + 1];
		}
		return true;
	}
	return false;
}

static void note_released(const void *lock)
{
	struct held_locks *h = this_cpu(held);
	bool irqs_off = !local_irq_is_enabled();

	/* Usually the same state as when it was taken; else the other one. */
	if (!forget(&h[irqs_off], lock) && !forget(&h[!irqs_off], lock))
		panic("lock %p released by a CPU that does not hold it\n", lock);
}

/* A lock that needs interrupts off in one place needs them off everywhere. Said once per lock. */
static void note_irq_use(spinlock_t *l, u8 use)
{
	if (likely(READ_ONCE(l->irq_use) & use))
		return;
	if (__atomic_or_fetch(&l->irq_use, use, __ATOMIC_RELAXED) == (IRQ_USE_OFF | IRQ_USE_ON))
		printk(XENLOG_ERR "lock %p of rank %u is taken both with irqsave and with interrupts on\n",
		       (void *)l, l->rank);
}

static void debug_taken(spinlock_t *l)
{
	l->cpu = (u8)(smp_processor_id() + 1);
	note_taken(l, l->rank);
}

void spin_lock_init(spinlock_t *l, enum lock_rank rank) { *l = (spinlock_t)SPIN_LOCK_INIT((u8)rank); }

static always_inline void ticket_lock(spinlock_t *l)
{
	u32 old = __atomic_fetch_add(&l->t.word, 1U << 16, __ATOMIC_ACQUIRE);
	u16 ticket = (u16)(old >> 16);

	if (likely((u16)old == ticket))
		return;
	while (__atomic_load_n(&l->t.owner, __ATOMIC_ACQUIRE) != ticket)
		cpu_relax();
}

static void debug_taking(spinlock_t *l, bool irqs_on, bool nested)
{
	check_order(l, l->rank, irqs_on, nested);
	if (irqs_on)
		note_irq_use(l, IRQ_USE_ON);
}

void spin_lock(spinlock_t *l)
{
	if (CONFIG_DEBUG)
		debug_taking(l, local_irq_is_enabled(), false);
	ticket_lock(l);
	if (CONFIG_DEBUG)
		debug_taken(l);
}

void spin_lock_nested(spinlock_t *l)
{
	if (CONFIG_DEBUG)
		debug_taking(l, local_irq_is_enabled(), true);
	ticket_lock(l);
	if (CONFIG_DEBUG)
		debug_taken(l);
}

/* Never waits, so it cannot deadlock: no order to keep. */
bool spin_trylock(spinlock_t *l)
{
	u32 old = READ_ONCE(l->t.word);

	if ((u16)old != (u16)(old >> 16) ||
	    !__atomic_compare_exchange_n(&l->t.word, &old, old + (1U << 16), false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	if (CONFIG_DEBUG)
		debug_taken(l);
	return true;
}

void spin_unlock(spinlock_t *l)
{
	if (CONFIG_DEBUG) {
		note_released(l);
		l->cpu = 0;
	}
	/* Only the holder writes owner: no locked instruction is needed. */
	__atomic_store_n(&l->t.owner, (u16)(READ_ONCE(l->t.owner) + 1), __ATOMIC_RELEASE);
}

bool spin_is_locked_by_me(const spinlock_t *l)
{
	u32 word;

	if (CONFIG_DEBUG)
		return READ_ONCE(l->cpu) == smp_processor_id() + 1;
	word = READ_ONCE(l->t.word);
	return (u16)word != (u16)(word >> 16);
}

unsigned long spin_lock_irqsave_fn(spinlock_t *l)
{
	unsigned long flags = local_irq_save();

	if (CONFIG_DEBUG) {
		check_order(l, l->rank, irqs_enabled_in(flags), false);
		note_irq_use(l, IRQ_USE_OFF);
	}
	ticket_lock(l);
	if (CONFIG_DEBUG)
		debug_taken(l);
	return flags;
}

void spin_unlock_irqrestore(spinlock_t *l, unsigned long flags)
{
	spin_unlock(l);
	local_irq_restore(flags);
}

void spin_lock_irq(spinlock_t *l)
{
	ASSERT(local_irq_is_enabled());
	(void)spin_lock_irqsave_fn(l);
}

void spin_unlock_irq(spinlock_t *l)
{
	spin_unlock(l);
	local_irq_enable();
}

#define RW_WRITER (1U << 31)

void rwlock_init(rwlock_t *l, enum lock_rank rank) { *l = (rwlock_t)RW_LOCK_INIT((u8)rank); }

void read_lock(rwlock_t *l)
{
	if (CONFIG_DEBUG)
		check_order(l, l->rank, local_irq_is_enabled(), false);
	while (unlikely(__atomic_add_fetch(&l->cnt, 1, __ATOMIC_ACQUIRE) & RW_WRITER)) {
		/* Step back until the writer is through: it waits for the count to become 0. */
		__atomic_sub_fetch(&l->cnt, 1, __ATOMIC_RELAXED);
		while (READ_ONCE(l->cnt) & RW_WRITER)
			cpu_relax();
	}
	if (CONFIG_DEBUG)
		note_taken(l, l->rank);
}

void read_unlock(rwlock_t *l)
{
	if (CONFIG_DEBUG)
		note_released(l);
	__atomic_sub_fetch(&l->cnt, 1, __ATOMIC_RELEASE);
}

void write_lock(rwlock_t *l)
{
	/* Writers queue here, with the rank check; the bit then keeps new readers out. */
	spin_lock(&l->wlock);
	__atomic_fetch_or(&l->cnt, RW_WRITER, __ATOMIC_ACQUIRE);
	while (__atomic_load_n(&l->cnt, __ATOMIC_ACQUIRE) != RW_WRITER)
		cpu_relax();
}

void write_unlock(rwlock_t *l)
{
	__atomic_fetch_and(&l->cnt, ~RW_WRITER, __ATOMIC_RELEASE);
	spin_unlock(&l->wlock);
}
