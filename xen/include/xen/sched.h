/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Domains and vCPUs, their life, and what the scheduler offers.
 *
 * Letters after fields: [d] d->domain_lock, [e] d->event_lock, [s] lock of the
 * run queue v is on, [a] atomic, [c] constant once the domain is visible in the
 * list, [o] only by the vCPU itself (the CPU that runs it), [1] monotonic: set once.
 *
 * References: a domain is found under RCU; get_domain()/rcu_lock_domain_by_id()
 * take a counted reference. Its id is not given out again before the structure
 * is gone, and the structure stays while any page is owned by it (tot_pages and
 * PGC_xen pages hold one reference together), so page owner ids are never stale.
 */
#ifndef XEN_SCHED_H
#define XEN_SCHED_H

#include <xen/cpumask.h>
#include <xen/errno.h>
#include <xen/list.h>
#include <xen/mm.h>
#include <xen/percpu.h>
#include <xen/rcupdate.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <public/xen.h>
#include <public/domctl.h>
#include <public/vcpu.h>
#include <xen/event.h>
#include <asm/domain.h>

struct grant_table;
struct sched_vcpu; /* the policy's per-vCPU state: <xen/sched-if.h> */
struct sched_dom;
struct ioreq_servers;

/* Bits of v->pause_flags: any set bit keeps the vCPU from running. [a] */
enum {
	VPF_blocked, /* SCHEDOP_block: until an event */
	VPF_down, /* not brought up (VCPUOP_up), or offline */
	VPF_blocked_in_ioreq, /* waits for a device model's answer */
	VPF_polling, /* SCHEDOP_poll (set together with VPF_blocked) */
	VPF_parked, /* cap used up; the scheduler's own */
	VPF_wait_sipi, /* AP started, waits for its start-up IPI */
};

/* SCHEDOP_watchdog: timers per domain. */
#define NR_WATCHDOGS 2

/* A guest structure registered once and pinned: written directly from then on. */
struct guest_area {
	struct rcu_head rcu; /* of areas made by guest_area_register() */
	struct page_info *page[2]; /* one reference each; two when it crosses a page */
	void *map[2]; /* direct-map address of the first byte in each page */
	gfn_t gfn[2]; /* where they were */
	u32 len[2];
};

struct vcpu {
	struct domain *domain; /* [c] */
	unsigned int vcpu_id; /* [c] */
	unsigned int processor; /* [s] CPU whose run queue it belongs to */
	bool is_running; /* [s] on v->processor right now */
	bool is_initialised; /* [d] VCPUOP_initialise or the tool stack gave it a context */
	bool is_urgent;
	unsigned long pause_flags; /* [a] VPF_* */
	atomic_t pause_count; /* [a] vcpu_pause nesting */

	/* Event delivery */
	struct vcpu_info *vcpu_info; /* shared_info's slot, or the registered area */
	struct guest_area vcpu_info_area; /* [d] */
	struct rcu_head info_rcu; /* puts that area when the domain dies */
	struct guest_area *runstate_area; /* RCU; replaced by an exchange */
	struct guest_area *time_area; /* RCU; replaced by an exchange */
	u32 virq_to_evtchn[NR_VIRQS]; /* [e], READ_ONCE by senders */
	struct evtchn_fifo_vcpu *evtchn_fifo; /* [e] */
	u32 poll_evtchn; /* 0: none, <0 or ~0: several */

	/* Time */
	struct timer singleshot_timer, periodic_timer, poll_timer;
	s_time_t periodic_period, periodic_last_event; /* [o] */

	/* Accounting: [s] */
	struct vcpu_runstate_info runstate;

	/* Scheduling: [s] */
	struct sched_vcpu *sched;
	cpumask_t hard_affinity, soft_affinity;
	cpumask_t saved_affinity;

	/* Continuation state of a multicall in progress [o]; see common/hypercall.c */
	struct multicall_state {
		bool active, preempted;
		struct multicall_entry call;
	} mc;

	struct arch_vcpu arch;
};

enum domain_dying { DOMDYING_alive, DOMDYING_dying, DOMDYING_dead };

struct domain {
	domid_t domain_id; /* [c] */
	u64 serial; /* [c] never used twice, unlike the id and the address */
	atomic_t refcnt; /* [a] */
	struct list_head list; /* RCU; writers: domlist lock */
	struct rcu_head rcu;
	unsigned int max_vcpus; /* [c] */
	struct vcpu **vcpu; /* [c] array; entries [1] under domain_lock */
	spinlock_t domain_lock;

	/* Memory */
	atomic64_t tot_pages; /* [a] frames owned, PGC_xen ones not counted */
	atomic64_t xen_pages; /* [a] PGC_xen frames owned */
	unsigned long max_pages; /* limit of tot_pages */
	unsigned long outstanding_pages; /* claimed, not allocated yet [allocator lock] */
	struct shared_info *shared_info; /* [c] */
	struct page_info *shared_info_page; /* [c] holds one reference */

	/* Rights and identity */
	bool is_privileged; /* [c] dom0 */
	bool is_hypervisor_made; /* [c] built at boot */
	u8 handle[16]; /* [d] */
	u32 ssidref;
	u32 create_flags; /* [c] XEN_DOMCTL_CDF_* */
	u32 vm_assist;
	s64 time_offset_seconds;

	/* Life */
	enum domain_dying is_dying; /* [d] READ_ONCE by others; only grows */
	bool is_shutting_down, is_shut_down; /* [d] */
	int shutdown_code; /* [d] -1: none */
	atomic_t pause_count;
	unsigned int controller_pause_count; /* [d] pauses by the tool stack */
	bool creation_finished;
	bool published; /* [1] look-ups by id find it */
	bool kill_busy; /* [a] somebody is in domain_kill() */
	unsigned int parts_done; /* [c] parts that were made: domain_parts.h */
	unsigned int relinquish_stage; /* [d] parts still to be given back */
	u32 suspend_evtchn;
	struct timer watchdog[NR_WATCHDOGS]; /* SCHEDOP_watchdog; in use: bits of watchdog_map [d] */
	u32 watchdog_map;

	/* Event channels: see event.h */
	struct evtchn_domain evtchn;
	spinlock_t event_lock;

	struct grant_table *grant_table; /* [c] */
	struct ioreq_servers *ioreq; /* device models; NULL until the first */
	struct sched_dom *sched; /* [c] */
	struct rangeset *iomem_caps, *ioport_caps, *irq_caps;

	struct arch_domain arch;
};

DECLARE_PER_CPU(struct vcpu *, curr_vcpu);
#define current (this_cpu(curr_vcpu))
extern struct domain *hardware_domain; /* dom0; NULL until built */
extern struct vcpu *idle_vcpu[NR_CPUS];
/* Never in the list: owns what belongs to nobody else. */
extern struct domain *dom_xen, *dom_io;
extern struct list_head domain_list; /* RCU */

static inline bool is_idle_vcpu(const struct vcpu *v) { return v->domain->domain_id == DOMID_IDLE; }
static inline bool is_hardware_domain(const struct domain *d) { return d == hardware_domain; }
#define for_each_domain(d) list_for_each_entry_rcu(d, &domain_list, list)
#define for_each_vcpu(d, v)                                  \
	for (unsigned int i_ = 0; i_ < (d)->max_vcpus; i_++) \
		if (!((v) = READ_ONCE((d)->vcpu[i_]))) {     \
		} else

/* ---- domains (common/domain.c) ---- */
/* A new domain with id domid (DOMID_INVALID: the hypervisor's pseudo domains), refcnt 1, paused. */
int domain_create(domid_t domid, const struct xen_domctl_createdomain *config, bool is_priv,
		  struct domain **out);
/* Makes it visible to look-ups. */
void domain_publish(struct domain *d);
struct vcpu *vcpu_create(struct domain *d, unsigned int vcpu_id);
/* Counted reference to a domain in the list, or NULL. Dying domains are found as well. */
struct domain *get_domain_by_id(domid_t id);
/* As above; DOMID_SELF is the caller. */
struct domain *get_domain_by_any_id(domid_t id);
/* Any owner of pages, found without a reference: valid for as long as the caller holds such a page. */
struct domain *page_owner_domain(u16 id);
bool get_domain(struct domain *d); /* false when it is being freed */
void put_domain(struct domain *d);
/* First step sets dying; -ERESTART: call again. 0 when all its resources are back. */
int domain_kill(struct domain *d);
void domain_shutdown(struct domain *d, u8 reason);
void domain_resume(struct domain *d);
/* The guest did something it cannot survive; says so, shuts it down with reason crash. */
void domain_crash(struct domain *d, const char *fmt, ...) __printf(2, 3);
void domain_pause(struct domain *d); /* waits until no vCPU runs; not for the caller's own domain */
void domain_pause_nosync(struct domain *d);
void domain_unpause(struct domain *d);
int domain_pause_by_controller(struct domain *d);
int domain_unpause_by_controller(struct domain *d);
void vcpu_pause(struct vcpu *v);
void vcpu_pause_nosync(struct vcpu *v);
void vcpu_unpause(struct vcpu *v);
/* tot_pages += n; false if that would exceed max_pages (n > 0). Drops of the last page complete a death. */
bool domain_add_pages(struct domain *d, long n);
void domain_sub_pages(struct domain *d, long n);
/* The same for PGC_xen frames, which have no limit here: their allocators have. */
void domain_add_xen_pages(struct domain *d, long n);
void domain_sub_xen_pages(struct domain *d, long n);
/* The pseudo domains; once, before the first page is given to anybody. */
void domain_init(void);
/* For a look-up of free ids: the id has no structure (dying domains keep theirs). */
bool domid_is_free(domid_t id);
/* The guest's copy of its run state, if it registered one: v is current and just started to run, or stops. */
void vcpu_update_runstate_area(struct vcpu *v);
/* Every vCPU's time information and the domain's wall clock (arch/x86/time/pvclock.c). */
void vcpu_update_time_info(struct vcpu *v);
void domain_update_wallclock(struct domain *d);
/* Pin [gva, gva+len) of the current vCPU's address space as the area *slot; gva 0: no area. What was there goes. */
int guest_area_register(struct guest_area **slot, unsigned long gva, size_t len);
int guest_area_register_gpa(struct domain *d, struct guest_area *a, gpa_t gpa, size_t len);
void guest_area_write(struct guest_area *a, size_t offset, const void *src, size_t n);
void guest_area_release(struct guest_area *a);
/* Before the dirty log is read: what the hypervisor writes to d without a look-up is dirty. */
void guest_areas_mark_dirty(struct domain *d);
/* VCPUOP_register_vcpu_info: v's vcpu_info moves to gfn, for good. -ENXIO: bad offset; -EINVAL. The caller is v, or v is down. */
int vcpu_info_register(struct vcpu *v, gfn_t gfn, u32 offset);
void vcpu_info_release(struct vcpu *v);
/* Back to where nothing is ever due. */
void vcpu_info_reset(struct vcpu *v);

/* ---- scheduling (common/sched.c) ---- */
void scheduler_init(void);
int sched_init_domain(struct domain *d);
void sched_destroy_domain(struct domain *d);
int sched_init_vcpu(struct vcpu *v);
void sched_destroy_vcpu(struct vcpu *v);
void sched_start_cpu(unsigned int cpu); /* its idle vCPU becomes current */
void vcpu_wake(struct vcpu *v); /* something changed: runnable now? */
void vcpu_unblock(struct vcpu *v); /* clears VPF_blocked, wakes */
/* Unblocks; if it runs elsewhere, send() is called with that CPU, where it may be in guest mode. */
void vcpu_notify(struct vcpu *v, void (*send)(unsigned int cpu));
void vcpu_kick(struct vcpu *v); /* unblocks, and makes it leave guest mode to see events */
void vcpu_sleep_nosync(struct vcpu *v);
void vcpu_sleep_sync(struct vcpu *v);
void vcpu_block_current(void); /* SCHEDOP_block, HLT: unless an event is pending */
void vcpu_yield_current(void);
int vcpu_set_hard_affinity(struct vcpu *v, cpumask_t m);
int vcpu_set_soft_affinity(struct vcpu *v, cpumask_t m);
void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *out);
u64 get_cpu_idle_time(unsigned int cpu);
bool vcpu_runnable(const struct vcpu *v);
struct xen_domctl_scheduler_op;
struct xen_sysctl_scheduler_op;
long sched_domctl(struct domain *d, struct xen_domctl_scheduler_op *op);
long sched_sysctl(struct xen_sysctl_scheduler_op *op);
/* The main loop of every CPU: softirqs, then the current vCPU or idle. arch/x86/hvm/run.c */
void cpu_main_loop(void) __noreturn;
/* Makes next current on this CPU (arch state included). Called by schedule(), interrupts off. */
void context_switch(struct vcpu *prev, struct vcpu *next);
/* Saves the state that context_switch() left on the CPU lazily, so that v can run elsewhere. */
void sync_vcpu_state(struct vcpu *v);

#endif
