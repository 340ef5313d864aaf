/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timers: one heap per CPU, ordered by deadline; the hardware timer of the CPU
 * is armed for the first one only.
 *
 * A timer belongs to the CPU in t->cpu, and that CPU's lock protects it. The
 * function runs in that CPU's main loop; it may set, stop or free its timer.
 */
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>
#include <xen/time.h>

enum {
	TIMER_INACTIVE,
	TIMER_ACTIVE, /* in the heap of t->cpu */
	TIMER_MOVING, /* migrate_timer() has taken it off one heap and will add it to another */
	TIMER_KILLED
};

struct timer_base {
	spinlock_t lock;
	struct pheap heap;
	const struct timer *running; /* whose function runs; for kill_timer() */
};
static DEFINE_PER_CPU(struct timer_base, timer_base) = { .lock = SPIN_LOCK_INIT(RANK_TIMER) };

static struct timer *first_timer(const struct timer_base *base)
{
	return base->heap.top ? container_of(base->heap.top, struct timer, node) : NULL;
}

/* Locks the base of the CPU the timer is on; the CPU may change until that lock is held. */
static struct timer_base *lock_base(struct timer *t, unsigned long *flags)
{
	for (;;) {
		unsigned int cpu = READ_ONCE(t->cpu);
		struct timer_base *base = &per_cpu(timer_base, cpu);

		spin_lock_irqsave(&base->lock, *flags);
		/* Acquire: what migrate_timer() did under the other CPU's lock comes with the new CPU. */
		if (likely(smp_load_acquire(&t->cpu) == cpu))
			return base;
		spin_unlock_irqrestore(&base->lock, *flags);
	}
}

static void deactivate(struct timer_base *base, struct timer *t)
{
	if (t->status == TIMER_ACTIVE)
		pheap_del(&base->heap, &t->node);
	if (t->status != TIMER_KILLED)
		t->status = TIMER_INACTIVE;
}

/*
 * t came to the top of its CPU's heap: the hardware must know. Another CPU's is
 * armed by its own softirq. A timer that went from the top leaves the hardware
 * armed: one interrupt for nothing is cheaper than programming it again.
 */
static void arm(const struct timer *t)
{
	if (t->cpu != smp_processor_id())
		cpu_raise_softirq(t->cpu, TIMER_SOFTIRQ);
	else if (!reprogram_timer(t->node.key))
		raise_softirq(TIMER_SOFTIRQ);
}

static void activate(struct timer_base *base, struct timer *t)
{
	pheap_add(&base->heap, &t->node);
	t->status = TIMER_ACTIVE;
	if (first_timer(base) == t)
		arm(t);
}

void init_timer(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu)
{
	*t = (struct timer){ .function = fn, .data = data, .cpu = cpu, .status = TIMER_INACTIVE };
}

/* At an absolute time; a timer set already is moved. Any context. Nothing happens to a killed one. */
void set_timer(struct timer *t, s_time_t expires)
{
	unsigned long flags;
	struct timer_base *base = lock_base(t, &flags);

	if (t->status != TIMER_KILLED) {
		deactivate(base, t);
		t->node.key = expires;
		activate(base, t);
	}
	spin_unlock_irqrestore(&base->lock, flags);
}

/* Its function may still be running on another CPU. */
void stop_timer(struct timer *t)
{
	unsigned long flags;
	struct timer_base *base = lock_base(t, &flags);

	deactivate(base, t);
	spin_unlock_irqrestore(&base->lock, flags);
}

/* Between taking it off one heap and putting it on the other no lock is held; t->cpu says which one counts. */
void migrate_timer(struct timer *t, unsigned int cpu)
{
	unsigned long flags;
	struct timer_base *base = lock_base(t, &flags);
	bool active = t->status == TIMER_ACTIVE;

	if (READ_ONCE(t->cpu) == cpu) {
		spin_unlock_irqrestore(&base->lock, flags);
		return;
	}
	deactivate(base, t);
	if (active)
		t->status = TIMER_MOVING;
	smp_store_release(&t->cpu, cpu);
	spin_unlock_irqrestore(&base->lock, flags);
	if (!active)
		return;
	base = lock_base(t, &flags);
	/* Set or stopped meanwhile by somebody else: that stands. */
	if (t->status == TIMER_MOVING)
		activate(base, t);
	spin_unlock_irqrestore(&base->lock, flags);
}

void kill_timer(struct timer *t)
{
	unsigned long flags;
	struct timer_base *base = lock_base(t, &flags);
	unsigned int cpu = t->cpu;

	deactivate(base, t);
	t->status = TIMER_KILLED;
	spin_unlock_irqrestore(&base->lock, flags);
	/* From its own function it cannot wait for itself. */
	while (cpu != smp_processor_id() && __atomic_load_n(&base->running, __ATOMIC_ACQUIRE) == t)
		cpu_relax();
}

bool timer_is_active(const struct timer *t) { return READ_ONCE(t->status) == TIMER_ACTIVE; }

/* Runs what is due, then arms the hardware for the first of the rest. */
static void timer_softirq(void)
{
	struct timer_base *base = &this_cpu(timer_base);
	struct timer *t;

	spin_lock_irq(&base->lock);
	while ((t = first_timer(base)) && t->node.key <= NOW()) {
		void (*function)(void *data) = t->function;
		void *data = t->data;

		deactivate(base, t);
		WRITE_ONCE(base->running, t);
		spin_unlock_irq(&base->lock);
		function(data);
		spin_lock_irq(&base->lock);
		__atomic_store_n(&base->running, NULL, __ATOMIC_RELEASE);
	}
	if (!reprogram_timer(t ? t->node.key : STIME_MAX))
		raise_softirq(TIMER_SOFTIRQ);
	spin_unlock_irq(&base->lock);
}

static void dump_timers(char key)
{
	unsigned int cpu;

	printk("Timers, now %ld ns:\n", NOW());
	for_each_online_cpu(cpu) {
		struct timer_base *base = &per_cpu(timer_base, cpu);
		const struct pheap_node *n = NULL;
		unsigned long flags;

		printk("CPU%u:\n", cpu);
		spin_lock_irqsave(&base->lock, flags);
		while ((n = pheap_iterate(&base->heap, n))) {
			const struct timer *t = container_of(n, struct timer, node);

			printk("  in %ld us: %pS(%p)\n", (long)(t->node.key - NOW()) / 1000,
			       (void *)t->function, t->data);
		}
		spin_unlock_irqrestore(&base->lock, flags);
	}
}

void timer_init(void)
{
	open_softirq(TIMER_SOFTIRQ, timer_softirq);
	register_keyhandler('a', dump_timers, "timers");
}
