/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Softirqs: work an interrupt or another CPU leaves for a CPU's main loop, one
 * bit each; and tasklets, single functions run by one of them.
 */
#include <xen/lib.h>
#include <xen/rcupdate.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>

DEFINE_PER_CPU(unsigned int, softirq_pending_bits);

static void (*softirq_handlers[NR_SOFTIRQS])(void) __ro_after_init;

void open_softirq(enum softirq nr, void (*handler)(void))
{
	ASSERT(nr < NR_SOFTIRQS && !softirq_handlers[nr]);
	softirq_handlers[nr] = handler;
}

void raise_softirq(enum softirq nr)
{
	__atomic_fetch_or(&this_cpu(softirq_pending_bits), 1U << nr, __ATOMIC_SEQ_CST);
}

void cpu_raise_softirq(unsigned int cpu, enum softirq nr)
{
	unsigned int *bits = &per_cpu(softirq_pending_bits, cpu);

	/* Whoever set the bit first has sent the interrupt; the CPU clears it before it looks for the work. */
	if ((__atomic_fetch_or(bits, 1U << nr, __ATOMIC_SEQ_CST) & (1U << nr)) || cpu == smp_processor_id())
		return;
	smp_send_event_check(cpu);
}

void cpumask_raise_softirq(cpumask_t mask, enum softirq nr)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask) cpu_raise_softirq(cpu, nr);
}

/* One handler of those due; SCHEDULE_SOFTIRQ only when it is alone, so that it sees what the others woke. */
static void run_one_softirq(unsigned int pending)
{
	unsigned int others = pending & ~(1U << SCHEDULE_SOFTIRQ);
	unsigned int nr = others ? (unsigned int)__builtin_ctz(others) : SCHEDULE_SOFTIRQ;

	__atomic_fetch_and(&this_cpu(softirq_pending_bits), ~(1U << nr), __ATOMIC_SEQ_CST);
	if (likely(softirq_handlers[nr] != NULL))
		softirq_handlers[nr]();
}

void do_softirq(void)
{
	unsigned int pending;

	ASSERT(local_irq_is_enabled());
	while ((pending = softirq_pending()) != 0)
		run_one_softirq(pending);
}

/* ---- tasklets ---- */

enum { TASKLET_IDLE, TASKLET_SCHEDULED };

struct tasklet_queue {
	struct tasklet *head, *tail;
	spinlock_t lock;
};
static DEFINE_PER_CPU(struct tasklet_queue, tasklets) = { .lock = SPIN_LOCK_INIT(RANK_LEAF) };

/* Puts t at the end of the queue of a CPU; nothing when it is in one already. */
void tasklet_schedule_on_cpu(struct tasklet *t, unsigned int cpu)
{
	struct tasklet_queue *q = &per_cpu(tasklets, cpu);
	unsigned long flags;

	if (xchg(&t->scheduled, TASKLET_SCHEDULED) == TASKLET_SCHEDULED)
		return;
	t->next = NULL;
	spin_lock_irqsave(&q->lock, flags);
	if (q->tail)
		q->tail->next = t;
	else
		q->head = t;
	q->tail = t;
	spin_unlock_irqrestore(&q->lock, flags);
	cpu_raise_softirq(cpu, TASKLET_SOFTIRQ);
}

void tasklet_schedule(struct tasklet *t) { tasklet_schedule_on_cpu(t, smp_processor_id()); }

void tasklet_init(struct tasklet *t, void (*func)(void *arg), void *arg)
{
	*t = (struct tasklet){ .func = func, .arg = arg };
}

/* Runs one tasklet and raises the softirq again for the next, so that none holds up the other softirqs. */
static void tasklet_softirq(void)
{
	struct tasklet_queue *q = &this_cpu(tasklets);
	void (*func)(void *arg);
	struct tasklet *t;
	unsigned long flags;
	void *arg;

	spin_lock_irqsave(&q->lock, flags);
	t = q->head;
	if (t) {
		q->head = t->next;
		if (!q->head)
			q->tail = NULL;
	}
	spin_unlock_irqrestore(&q->lock, flags);
	if (!t)
		return;
	func = t->func;
	arg = t->arg;
	/* Before it runs: it may schedule itself, or free the structure. */
	smp_store_release(&t->scheduled, TASKLET_IDLE);
	if (READ_ONCE(q->head))
		raise_softirq(TASKLET_SOFTIRQ);
	func(arg);
}

/* Once, on the boot CPU, before the first tasklet or RCU callback. */
void softirq_init(void)
{
	open_softirq(TASKLET_SOFTIRQ, tasklet_softirq);
	rcu_init();
}
