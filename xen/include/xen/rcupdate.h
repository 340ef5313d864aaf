/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Read-copy-update. The hypervisor is not preemptible, so everything between
 * two passes of a CPU through its main loop is a read-side section; entering
 * a guest, idling, or a pass through the main loop is a quiescent state.
 * rcu_read_lock() marks sections for the reader and checks in debug builds.
 */
#ifndef XEN_RCUPDATE_H
#define XEN_RCUPDATE_H

struct rcu_head {
	struct rcu_head *next;
	void (*func)(struct rcu_head *head);
};

static inline void rcu_read_lock(void) { barrier(); }
static inline void rcu_read_unlock(void) { barrier(); }
#define rcu_dereference(p)	 __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), v, __ATOMIC_RELEASE)

/* Calls func(head) in softirq context, after every CPU has passed a quiescent state. */
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head));
/* This CPU is in a quiescent state now (called by the main loop; cheap). */
void rcu_quiescent(void);
/* Idle CPUs are no readers: around the idle halt. */
void rcu_idle_enter(void);
void rcu_idle_exit(void);
bool rcu_needs_cpu(void);
/* Around every interrupt handler (do_irq): what enter returned goes to exit. */
bool rcu_irq_enter(void);
void rcu_irq_exit(bool was_idle);
/* Once, on the boot CPU. */
void rcu_init(void);

#endif
