/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-copy-update by quiescent states.
 *
 * One grace period is in progress at a time. It has a number and a mask of
 * CPUs that have not passed a quiescent state since it began; the CPU that
 * clears the last bit ends it. Idle CPUs are left out when it begins. A CPU in
 * guest mode is not: it gets an interrupt, and its main loop reports.
 *
 * Ordering. A reader's loads come before the atomic clearing of its bit; the
 * last clearing comes before the callbacks. For idle CPUs: call_rcu()'s caller
 * unlinked, then (full barrier) the idle mask is read; a CPU leaving idle
 * clears its bit there (full barrier), then reads. So a CPU seen idle sees the
 * unlinking when it reads again.
 */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/rcupdate.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>
#include <asm/atomic.h>

/* Callbacks run in one pass; the rest waits for the next, so that other softirqs get their turn. */
#define RCU_BATCH 64

struct rcu_list {
	struct rcu_head *head, **tail;
};

struct rcu_cpu {
	struct rcu_list next; /* queued here, not assigned to a grace period yet */
	struct rcu_list wait; /* wait for the end of grace period wait_gp */
	struct rcu_list done; /* their grace period is over */
	u64 wait_gp;
};
static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu);

static struct {
	spinlock_t lock; /* of the numbers, and of beginning and ending */
	u64 current_gp; /* number of the latest that began */
	u64 completed_gp; /* number of the latest that ended */
	u64 wanted_gp; /* highest number a CPU waits for */
	cpumask_t pending; /* [a] CPUs the one in progress waits for */
	cpumask_t idle; /* [a] CPUs that are no readers now */
	cpumask_t waiting[2]; /* CPUs with callbacks in wait, to be told; by the lowest bit of wait_gp */
} rcu = { .lock = SPIN_LOCK_INIT(RANK_RCU) };

static void list_append(struct rcu_list *l, struct rcu_head *h)
{
	h->next = NULL;
	if (l->head)
		*l->tail = h;
	else
		l->head = h;
	l->tail = &h->next;
}

static void list_move(struct rcu_list *from, struct rcu_list *to)
{
	if (!from->head)
		return;
	if (to->head)
		*to->tail = from->head;
	else
		to->head = from->head;
	to->tail = from->tail;
	from->head = NULL;
}

/* Begins the next grace period. Returns the CPUs that must be told. Caller holds the lock; none is in progress. */
static cpumask_t begin_gp(void)
{
	cpumask_t cpus;

	rcu.current_gp++;
	smp_mb();
	cpus.bits = cpu_online_map.bits & ~__atomic_load_n(&rcu.idle.bits, __ATOMIC_SEQ_CST);
	/*
	 * This CPU is in its softirq handler, which is no read-side section: it is quiescent. Publishing
	 * the mask starts the reports.
	 */
	cpus = cpumask_without(cpus, smp_processor_id());
	__atomic_store_n(&rcu.pending.bits, cpus.bits, __ATOMIC_SEQ_CST);
	return cpus;
}

/*
 * Ends the grace period if all have reported, and begins another while one is
 * wanted and nobody needs to be waited for. Returns CPUs to interrupt through
 * *report (to pass a quiescent state) and *run (to run callbacks).
 */
static void advance_gp(cpumask_t *report, cpumask_t *run)
{
	spin_lock(&rcu.lock);
	for (;;) {
		if (rcu.completed_gp != rcu.current_gp) {
			if (__atomic_load_n(&rcu.pending.bits, __ATOMIC_SEQ_CST))
				break;
			smp_store_release(&rcu.completed_gp, rcu.current_gp);
			*run = cpumask_or(*run, rcu.waiting[rcu.completed_gp & 1]);
			rcu.waiting[rcu.completed_gp & 1] = CPUMASK_NONE;
		}
		if (rcu.wanted_gp <= rcu.current_gp)
			break;
		*report = begin_gp();
		if (!cpumask_empty(*report))
			break;
	}
	spin_unlock(&rcu.lock);
}

/* This CPU is quiescent, and the grace period in progress waits for it. */
static void report_quiescent(void)
{
	cpumask_t report = CPUMASK_NONE, run = CPUMASK_NONE;
	u64 bit = 1ULL << smp_processor_id();

	if (__atomic_and_fetch(&rcu.pending.bits, ~bit, __ATOMIC_SEQ_CST))
		return;
	advance_gp(&report, &run);
	cpumask_raise_softirq(cpumask_or(report, run), RCU_SOFTIRQ);
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	list_append(&this_cpu(rcu_cpu).next, head);
}

/* Assigns what was queued to the first grace period that begins after now. */
static void assign_next(struct rcu_cpu *rc)
{
	cpumask_t *waiting;

	if (rc->wait.head || !rc->next.head)
		return;
	list_move(&rc->next, &rc->wait);
	spin_lock(&rcu.lock);
	rc->wait_gp = rcu.current_gp + 1;
	rcu.wanted_gp = max(rcu.wanted_gp, rc->wait_gp);
	waiting = &rcu.waiting[rc->wait_gp & 1];
	*waiting = cpumask_or(*waiting, cpumask_of(smp_processor_id()));
	spin_unlock(&rcu.lock);
}

/* Acquire: what readers did before they reported comes before the callbacks. */
static bool gp_is_over(u64 gp) { return smp_load_acquire(&rcu.completed_gp) >= gp; }

static void run_callbacks(struct rcu_cpu *rc)
{
	for (unsigned int n = 0; n < RCU_BATCH && rc->done.head; n++) {
		struct rcu_head *h = rc->done.head;

		rc->done.head = h->next;
		h->func(h);
	}
	if (rc->done.head)
		raise_softirq(RCU_SOFTIRQ);
}

static void rcu_softirq(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);
	cpumask_t report = CPUMASK_NONE, run = CPUMASK_NONE;

	if (READ_ONCE(rcu.pending.bits) & (1ULL << smp_processor_id()))
		report_quiescent();
	assign_next(rc);
	if (rc->wait.head && !gp_is_over(rc->wait_gp)) {
		advance_gp(&report, &run);
		cpumask_raise_softirq(cpumask_or(report, run), RCU_SOFTIRQ);
	}
	if (rc->wait.head && gp_is_over(rc->wait_gp))
		list_move(&rc->wait, &rc->done);
	run_callbacks(rc);
}

/*
 * Cheap when there is nothing to do: callbacks queued since the last pass are
 * only noticed here, so that queueing one does not cut a long hypercall short.
 */
void rcu_quiescent(void)
{
	if (unlikely(READ_ONCE(rcu.pending.bits) & (1ULL << smp_processor_id())))
		report_quiescent();
	if (unlikely(rcu_needs_cpu()))
		raise_softirq(RCU_SOFTIRQ);
}

/* Callbacks that no grace period has been asked for yet, or that could run. */
bool rcu_needs_cpu(void)
{
	const struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	return (rc->next.head && !rc->wait.head) || rc->done.head;
}

void rcu_idle_enter(void)
{
	cpumask_set_atomic(&rcu.idle, smp_processor_id());
	if (READ_ONCE(rcu.pending.bits) & (1ULL << smp_processor_id()))
		report_quiescent();
}

void rcu_idle_exit(void) { cpumask_clear_atomic(&rcu.idle, smp_processor_id()); }

/* A handler that interrupts the idle halt may read: the CPU is no longer left out while it runs. */
bool rcu_irq_enter(void)
{
	u64 bit = 1ULL << smp_processor_id();

	if (likely(!(READ_ONCE(rcu.idle.bits) & bit)))
		return false;
	rcu_idle_exit();
	return true;
}

void rcu_irq_exit(bool was_idle)
{
	if (unlikely(was_idle))
		rcu_idle_enter();
}

void rcu_init(void) { open_softirq(RCU_SOFTIRQ, rcu_softirq); }
