/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduler's mechanics: a run queue per CPU, waking, sleeping, switching.
 * Which vCPU comes next is policy: sched_policy.c.
 *
 * A vCPU belongs to the queue of v->processor, and that queue's lock protects
 * its scheduling state. It is in one of three states: running (v->is_running),
 * waiting (entity.queued), or neither, because a pause flag or count keeps it
 * from running. Whoever takes a reason away calls vcpu_wake(), whoever adds one
 * vcpu_sleep_nosync(); both look at the reasons under the lock, so that none is lost.
 *
 * Switching is only a change of current: the registers follow when the next
 * vCPU enters guest mode (hvm/run.c). So a vCPU may be taken over by another CPU as
 * soon as is_running is false.
 */
#include "sched.h"

#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/smp.h>
#include <asm/hvm.h>

DEFINE_PER_CPU(struct vcpu *, curr_vcpu);
struct vcpu *idle_vcpu[NR_CPUS];

u32 sched_ratelimit_us = 1000;
integer_param("sched_ratelimit_us", sched_ratelimit_us,
	      "microseconds a vCPU runs at least before one that wakes takes over; default 1000");

struct sched_cpu {
	spinlock_t lock;
	struct sched_queue queue;
	struct timer slice; /* end of the time of the vCPU that runs, if others wait */
	unsigned int nudged; /* the CPU that was asked last to take one from here */
};
static DEFINE_PER_CPU(struct sched_cpu, sched_cpu) = { .lock = SPIN_LOCK_INIT(RANK_SCHED) };

/* [a] CPUs that run their idle vCPU, and have not been chosen for another one yet. */
static cpumask_t idle_cpus;
static struct domain *idle_domain;

bool vcpu_runnable(const struct vcpu *v)
{
	return !(READ_ONCE(v->pause_flags) | (unsigned int)atomic_read(&v->pause_count) |
		 (unsigned int)atomic_read(&v->domain->pause_count));
}

/* Locks the queue v belongs to; v->processor may change until that lock is held. */
static struct sched_cpu *lock_queue(const struct vcpu *v, unsigned long *flags)
{
	for (;;) {
		unsigned int cpu = READ_ONCE(v->processor);
		struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

		spin_lock_irqsave(&sc->lock, *flags);
		if (likely(smp_load_acquire(&v->processor) == cpu))
			return sc;
		spin_unlock_irqrestore(&sc->lock, *flags);
	}
}

/* ---- runstates ---- */

static void set_runstate(struct vcpu *v, int state, s_time_t now)
{
	struct vcpu_runstate_info *r = &v->runstate;

	if (r->state == state)
		return;
	r->time[r->state] += (u64)(now - (s_time_t)r->state_entry_time);
	r->state_entry_time = (u64)now;
	r->state = state;
}

/* State of a vCPU that has just become unable to run. One stopped by its cap would run if it could. */
static int stopped_runstate(const struct vcpu *v)
{
	if (test_bit(VPF_blocked, &v->pause_flags))
		return RUNSTATE_blocked;
	return test_bit(VPF_parked, &v->pause_flags) ? RUNSTATE_runnable : RUNSTATE_offline;
}

/* As of now: the time in the present state is counted. */
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out)
{
	unsigned long flags;
	struct sched_cpu *sc = lock_queue(v, &flags);
	s_time_t now = NOW();

	*out = v->runstate;
	out->time[out->state] += (u64)(now - (s_time_t)out->state_entry_time);
	spin_unlock_irqrestore(&sc->lock, flags);
}

u64 get_cpu_idle_time(unsigned int cpu)
{
	struct vcpu_runstate_info r = { .state = 0 };

	if (cpu < NR_CPUS && idle_vcpu[cpu])
		vcpu_runstate_get(idle_vcpu[cpu], &r);
	return r.time[RUNSTATE_running];
}

/* ---- where to run ---- */

static cpumask_t allowed_cpus(const struct vcpu *v) { return cpumask_and(v->hard_affinity, cpu_online_map); }

/* The one of the mask where the fewest wait. */
static unsigned int least_loaded(cpumask_t mask)
{
	unsigned int cpu, best = cpumask_first(mask), least = ~0U;

	for_each_cpu(cpu, mask)
	{
		unsigned int waiting = READ_ONCE(per_cpu(sched_cpu, cpu).queue.waiting);

		if (waiting < least) {
			least = waiting;
			best = cpu;
		}
	}
	return best;
}

/* An idle CPU if there is one, near what it likes and where it was; else where it was. */
static unsigned int choose_cpu(const struct vcpu *v)
{
	cpumask_t allowed = allowed_cpus(v), liked = cpumask_and(allowed, v->soft_affinity);
	cpumask_t idle = { READ_ONCE(idle_cpus.bits) };

	if (cpumask_empty(liked))
		liked = allowed;
	if (!cpumask_empty(cpumask_and(liked, idle)))
		liked = cpumask_and(liked, idle);
	else if (!cpumask_empty(cpumask_and(allowed, idle)))
		liked = cpumask_and(allowed, idle);
	return cpumask_test(liked, v->processor) ? v->processor : least_loaded(liked);
}

/* ---- waking and sleeping ---- */

/* The time the vCPU that runs on a CPU is behind in being charged. */
static s64 current_vtime(const struct vcpu *curr, s_time_t now)
{
	const struct sched_vcpu *sv = curr->sched;

	return sv->entity.node.key + sched_scale(sv->entity.share, now - sv->charged);
}

/*
 * v begins to wait on its CPU's queue: does it take over, now or when the vCPU
 * that runs there has had its least time? Else that one's time gets an end.
 */
static void enqueue_and_tickle(struct sched_cpu *sc, struct vcpu *v, s_time_t now)
{
	unsigned int cpu = v->processor;
	struct vcpu *curr = READ_ONCE(per_cpu(curr_vcpu, cpu));
	struct sched_entity *e = &v->sched->entity;
	s_time_t end;
	s64 vtime;

	if (is_idle_vcpu(curr)) {
		sched_enqueue(&sc->queue, e, true);
		cpumask_clear_atomic(&idle_cpus, cpu);
		cpu_raise_softirq(cpu, SCHEDULE_SOFTIRQ);
		return;
	}
	vtime = current_vtime(curr, now);
	sched_advance(&sc->queue, vtime);
	sched_enqueue(&sc->queue, e, true);
	if (!sched_preempts(e, vtime)) {
		end = curr->sched->started + sched_slice(&sc->queue, &curr->sched->entity);
	} else {
		end = curr->sched->started + MICROSECS(sched_ratelimit_us);
		if (end <= now) {
			cpu_raise_softirq(cpu, SCHEDULE_SOFTIRQ);
			return;
		}
	}
	if (!timer_is_active(&sc->slice) || timer_expires(&sc->slice) > end)
		set_timer(&sc->slice, end);
}

void vcpu_wake(struct vcpu *v)
{
	bool moved = false;
	unsigned long flags;

	for (;;) {
		struct sched_cpu *sc = lock_queue(v, &flags);
		unsigned int cpu;

		if (v->is_running || v->sched->entity.queued || !vcpu_runnable(v)) {
			spin_unlock_irqrestore(&sc->lock, flags);
			return;
		}
		/* Once: then it stays where it is, unless it may not. */
		cpu = moved && cpumask_test(allowed_cpus(v), v->processor) ? v->processor : choose_cpu(v);
		if (cpu == v->processor) {
			s_time_t now = NOW();

			set_runstate(v, RUNSTATE_runnable, now);
			enqueue_and_tickle(sc, v, now);
			spin_unlock_irqrestore(&sc->lock, flags);
			return;
		}
		/* It is in no queue: whoever wants it from here on looks for it there. */
		smp_store_release(&v->processor, cpu);
		moved = true;
		spin_unlock_irqrestore(&sc->lock, flags);
	}
}

void vcpu_unblock(struct vcpu *v)
{
	if (test_and_clear_bit(VPF_blocked, &v->pause_flags))
		vcpu_wake(v);
}

void vcpu_notify(struct vcpu *v, void (*send)(unsigned int cpu))
{
	bool running;

	vcpu_unblock(v);
	/* Pairs with the look at pending events before guest mode: what was set before this is seen there. */
	smp_mb();
	running = READ_ONCE(v->is_running);
	if (running && v != current)
		send(READ_ONCE(v->processor));
}

void vcpu_kick(struct vcpu *v) { vcpu_notify(v, smp_send_event_check); }

void vcpu_sleep_nosync(struct vcpu *v)
{
	unsigned long flags;
	struct sched_cpu *sc = lock_queue(v, &flags);

	if (!vcpu_runnable(v)) {
		if (v->is_running) {
			cpu_raise_softirq(v->processor, SCHEDULE_SOFTIRQ);
		} else {
			if (v->sched->entity.queued)
				sched_dequeue(&sc->queue, &v->sched->entity);
			set_runstate(v, stopped_runstate(v), NOW());
		}
	}
	spin_unlock_irqrestore(&sc->lock, flags);
}

/*
 * Not for current. When it returns v does not run, and its state is in memory,
 * for as long as the reason of the caller stands.
 */
void vcpu_sleep_sync(struct vcpu *v)
{
	ASSERT(v != current);
	vcpu_sleep_nosync(v);
	/* If another took all reasons away, v may run again, and its state is its CPU's. */
	while (!vcpu_runnable(v)) {
		if (!smp_load_acquire(&v->is_running)) {
			sync_vcpu_state(v);
			return;
		}
		cpu_relax();
	}
}

/* SCHEDOP_block and HLT. An event that came before the flag was set unblocks at once; later ones find the flag. */
void vcpu_block_current(void)
{
	struct vcpu *v = current;

	set_bit(VPF_blocked, &v->pause_flags);
	if (vcpu_event_delivery_due(v) || hvm_interrupt_pending(v))
		clear_bit(VPF_blocked, &v->pause_flags);
	else
		raise_softirq(SCHEDULE_SOFTIRQ);
}

void vcpu_yield_current(void)
{
	/* Only this CPU's schedule() looks at it. */
	current->sched->entity.yielded = true;
	raise_softirq(SCHEDULE_SOFTIRQ);
}

/* ---- switching ---- */

/* prev has run until now; if its domain's cap is used up it stops. */
static void charge(struct vcpu *prev, s_time_t now)
{
	struct sched_vcpu *sv = prev->sched;

	if (is_idle_vcpu(prev))
		return;
	if (!sched_charge(&sv->entity, now - sv->charged))
		set_bit(VPF_parked, &prev->pause_flags);
	sv->charged = now;
}

/* v is going to run: a period of its domain's cap begins, unless one is running. */
static void begin_cap_period(const struct vcpu *v, s_time_t now)
{
	struct sched_dom *sd = v->domain->sched;

	if (unlikely(READ_ONCE(sd->share.cap)) && !timer_is_active(&sd->refill))
		set_timer(&sd->refill, now + SCHED_CAP_PERIOD);
}

/* Of those that wait in a queue and may run on cpu, the one furthest behind. */
static struct vcpu *first_movable(const struct sched_queue *q, unsigned int cpu)
{
	const struct pheap_node *n = NULL, *best = NULL;

	while ((n = pheap_iterate(&q->heap, n))) {
		const struct vcpu *v = container_of(n, struct sched_vcpu, entity.node)->vcpu;

		if (cpumask_test(v->hard_affinity, cpu) && (!best || n->key < best->key))
			best = n;
	}
	return best ? container_of(best, struct sched_vcpu, entity.node)->vcpu : NULL;
}

/* Takes one that waits on another CPU and may run here. */
static struct vcpu *steal_from(unsigned int victim, unsigned int cpu)
{
	struct sched_cpu *sc = &per_cpu(sched_cpu, victim);
	struct vcpu *v;

	/* Two queues at once only this way: never wait for the second. */
	if (!spin_trylock(&sc->lock))
		return NULL;
	v = first_movable(&sc->queue, cpu);
	if (v) {
		sched_dequeue(&sc->queue, &v->sched->entity);
		smp_store_release(&v->processor, cpu);
	}
	spin_unlock(&sc->lock);
	return v;
}

/* What the other CPUs' queues look like, without their locks. Returns how many entries of view are filled. */
static unsigned int look_around(struct sched_view *view)
{
	unsigned int cpu, n = 0;

	for_each_online_cpu(cpu) {
		const struct sched_queue *q = &per_cpu(sched_cpu, cpu).queue;
		const struct pheap_node *top = READ_ONCE(q->heap.top);

		for (; n < cpu; n++)
			view[n].waiting = 0;
		view[n].waiting = top ? READ_ONCE(q->waiting) : 0;
		/* Perhaps the node of a vCPU that has left the queue: it stays readable until a grace period. */
		view[n].first = top ? READ_ONCE(top->key) : 0;
		n++;
	}
	return n;
}

/* Pulls one vCPU into this CPU's queue if policy says so. idle: nothing else waits here. */
static void balance(struct sched_cpu *sc, unsigned int cpu, bool idle)
{
	static DEFINE_PER_CPU(struct sched_view, views)[NR_CPUS];
	struct sched_view *view = this_cpu(views);
	unsigned int n = look_around(view), victim;

	for (;;) {
		struct vcpu *v;

		victim = sched_choose_victim(view, n, cpu, idle, idle ? 0 : sc->queue.heap.top->key);
		if (victim == n)
			return;
		v = steal_from(victim, cpu);
		if (v) {
			sched_enqueue(&sc->queue, &v->sched->entity, false);
			return;
		}
		/* All that wait there must. */
		view[victim].waiting = 0;
	}
}

/*
 * Others wait here. A CPU that runs one vCPU alone has no reason to look around: ask
 * one such CPU after the other, at the end of each time slice, to do it.
 */
static void nudge(struct sched_cpu *sc, unsigned int cpu)
{
	cpumask_t above, others = CPUMASK_NONE;
	unsigned int other;

	for_each_online_cpu(other)
		if (other != cpu && !READ_ONCE(per_cpu(sched_cpu, other).queue.waiting))
			others = cpumask_or(others, cpumask_of(other));
	above.bits = others.bits & ~((2ULL << sc->nudged) - 1);
	other = cpumask_first(cpumask_empty(above) ? others : above);
	if (other == NR_CPUS)
		return;
	sc->nudged = other;
	cpu_raise_softirq(other, SCHEDULE_SOFTIRQ);
}

static struct vcpu *choose_next(struct sched_cpu *sc, unsigned int cpu, struct vcpu *prev, bool slice_over)
{
	struct sched_entity *e;

	if ((cpu_online_map.bits & (cpu_online_map.bits - 1)) && (!sc->queue.waiting || slice_over))
		balance(sc, cpu, !sc->queue.waiting);
	e = sched_take_next(&sc->queue, is_idle_vcpu(prev) ? NULL : &prev->sched->entity);
	if (!is_idle_vcpu(prev))
		prev->sched->entity.yielded = false;
	return e ? container_of(e, struct sched_vcpu, entity)->vcpu : idle_vcpu[cpu];
}

/* The change itself. Queue locked, interrupts off. */
static void switch_to(struct vcpu *prev, struct vcpu *next, s_time_t now)
{
	int state = vcpu_runnable(prev) ? RUNSTATE_runnable : stopped_runstate(prev);

	set_runstate(prev, state, now);
	vcpu_update_runstate_area(prev);
	set_runstate(next, RUNSTATE_running, now);
	next->sched->started = now;
	next->sched->charged = now;
	context_switch(prev, next);
	next->is_running = true;
	smp_store_release(&prev->is_running, false);
}

/* Also when nothing changed: who wakes a vCPU takes an idle CPU out of the mask, and the vCPU may be gone again. */
static void note_idle(unsigned int cpu, bool idle)
{
	if (cpumask_test((cpumask_t){ READ_ONCE(idle_cpus.bits) }, cpu) == idle)
		return;
	if (idle)
		cpumask_set_atomic(&idle_cpus, cpu);
	else
		cpumask_clear_atomic(&idle_cpus, cpu);
}

static void set_slice(struct sched_cpu *sc, struct vcpu *next, s_time_t now)
{
	s64 slice = 0;

	if (!is_idle_vcpu(next)) {
		begin_cap_period(next, now);
		slice = sched_slice(&sc->queue, &next->sched->entity);
	}
	if (slice) {
		next->sched->started = now;
		set_timer(&sc->slice, now + slice);
	} else if (timer_is_active(&sc->slice)) {
		stop_timer(&sc->slice);
	}
}

/* All CPUs on which one of those that wait here may run. */
static cpumask_t waiters_cpus(const struct sched_queue *q)
{
	const struct pheap_node *n = NULL;
	cpumask_t cpus = CPUMASK_NONE;

	while ((n = pheap_iterate(&q->heap, n)))
		cpus = cpumask_or(cpus, container_of(n, struct sched_vcpu, entity.node)->vcpu->hard_affinity);
	return cpus;
}

/*
 * Could another CPU run what waits here now? An idle one it may use: at once. (Who woke was
 * given an idle CPU, but it may have to make room for another that has no choice.)
 */
static void tell_others(struct sched_cpu *sc, unsigned int cpu, bool slice_over)
{
	cpumask_t idle = { READ_ONCE(idle_cpus.bits) };

	if (likely(!sc->queue.waiting))
		return;
	if (!cpumask_empty(idle))
		idle = cpumask_and(idle, waiters_cpus(&sc->queue));
	if (!cpumask_empty(idle))
		cpu_raise_softirq(cpumask_first(idle), SCHEDULE_SOFTIRQ);
	else if (slice_over)
		nudge(sc, cpu);
}

static void schedule(void)
{
	unsigned int cpu = smp_processor_id();
	struct sched_cpu *sc = &this_cpu(sched_cpu);
	struct vcpu *prev = current, *next;
	bool elsewhere = false, slice_over;
	s_time_t now;

	spin_lock_irq(&sc->lock);
	now = NOW();
	slice_over = !timer_is_active(&sc->slice);
	charge(prev, now);
	if (!is_idle_vcpu(prev) && vcpu_runnable(prev)) {
		elsewhere = !cpumask_test(prev->hard_affinity, cpu);
		if (!elsewhere)
			sched_enqueue(&sc->queue, &prev->sched->entity, false);
	}
	next = choose_next(sc, cpu, prev, slice_over);
	if (next != prev)
		switch_to(prev, next, now);
	note_idle(cpu, is_idle_vcpu(next));
	set_slice(sc, next, now);
	tell_others(sc, cpu, slice_over);
	spin_unlock_irq(&sc->lock);

	if (next != prev && !is_idle_vcpu(next))
		vcpu_update_runstate_area(next);
	/* It may not run here any more: to a CPU where it may. */
	if (elsewhere)
		vcpu_wake(prev);
}

static void slice_over_fn(void *data) { raise_softirq(SCHEDULE_SOFTIRQ); }

/* ---- affinity ---- */

/* 0, or -EINVAL: no CPU of the machine is in m. A vCPU that may not stay where it is moves by itself, soon. */
int vcpu_set_hard_affinity(struct vcpu *v, cpumask_t m)
{
	unsigned long flags;
	struct sched_cpu *sc;

	if (cpumask_empty(cpumask_and(m, cpu_online_map)))
		return -EINVAL;
	sc = lock_queue(v, &flags);
	v->hard_affinity = m;
	if (v->sched->entity.queued)
		sched_dequeue(&sc->queue, &v->sched->entity);
	else if (v->is_running && !cpumask_test(m, v->processor))
		cpu_raise_softirq(v->processor, SCHEDULE_SOFTIRQ);
	spin_unlock_irqrestore(&sc->lock, flags);
	/* If it waited it is placed anew. */
	vcpu_wake(v);
	return 0;
}

int vcpu_set_soft_affinity(struct vcpu *v, cpumask_t m)
{
	unsigned long flags;
	struct sched_cpu *sc;

	if (cpumask_empty(cpumask_and(m, cpu_online_map)))
		return -EINVAL;
	sc = lock_queue(v, &flags);
	v->soft_affinity = m;
	spin_unlock_irqrestore(&sc->lock, flags);
	return 0;
}

/* ---- life ---- */

/* Spreads the vCPUs of a domain over the CPUs: the n-th after the one the first would get. */
static unsigned int first_cpu_of(const struct vcpu *v)
{
	unsigned int n = (v->domain->domain_id + v->vcpu_id) % cpumask_weight(cpu_online_map), cpu;

	for_each_online_cpu(cpu)
		if (!n--)
			break;
	return cpu;
}

/* v is not visible yet. 0 or -ENOMEM. */
int sched_init_vcpu(struct vcpu *v)
{
	struct sched_vcpu *sv = xzalloc(struct sched_vcpu);
	bool idle = is_idle_vcpu(v);

	if (!sv)
		return -ENOMEM;
	sv->vcpu = v;
	sv->entity.share = idle ? NULL : &v->domain->sched->share;
	v->sched = sv;
	v->processor = idle ? v->vcpu_id : first_cpu_of(v);
	v->hard_affinity = idle ? cpumask_of(v->vcpu_id) : CPUMASK_ALL;
	v->soft_affinity = CPUMASK_ALL;
	v->runstate.state = idle ? RUNSTATE_running : RUNSTATE_offline;
	v->runstate.state_entry_time = (u64)NOW();
	return 0;
}

/* A grace period after v ran or waited last: a CPU that looks for work may read the entity without a lock. */
void sched_destroy_vcpu(struct vcpu *v)
{
	ASSERT(!v->is_running && (!v->sched || !v->sched->entity.queued));
	xfree(v->sched);
	v->sched = NULL;
}

/* On cpu, or before it is online: from here on it schedules. */
void sched_start_cpu(unsigned int cpu)
{
	struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
	struct vcpu *v = vcpu_create(idle_domain, cpu);

	if (!v)
		panic("no memory for the idle vCPU of CPU %u\n", cpu);
	idle_vcpu[cpu] = v;
	v->is_running = true;
	per_cpu(curr_vcpu, cpu) = v;
	init_timer(&sc->slice, slice_over_fn, NULL, cpu);
	cpumask_set_atomic(&idle_cpus, cpu);
}

static void dump_queues(char key)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
		const struct pheap_node *n = NULL;
		unsigned long flags;

		spin_lock_irqsave(&sc->lock, flags);
		printk("CPU%u: runs %pv, %u wait, virtual time %ld\n", cpu, per_cpu(curr_vcpu, cpu),
		       sc->queue.waiting, sc->queue.vtime);
		while ((n = pheap_iterate(&sc->queue.heap, n)))
			printk("  %pv: %+ld\n", container_of(n, struct sched_vcpu, entity.node)->vcpu,
			       n->key - sc->queue.vtime);
		spin_unlock_irqrestore(&sc->lock, flags);
	}
}

/* On the boot CPU, with the allocator and domain_create() at work. */
void scheduler_init(void)
{
	open_softirq(SCHEDULE_SOFTIRQ, schedule);
	register_keyhandler('r', dump_queues, "run queues");
	if (domain_create(DOMID_IDLE, NULL, false, &idle_domain))
		panic("no memory for the idle domain\n");
	sched_start_cpu(smp_processor_id());
}
