// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains as objects: making and freeing them, finding them, counting the
 * references and pages that keep them. How they die or shut down: domain_life.c.
 *
 * A domain is freed in three steps, because the last reference may go in any
 * context, under any lock: put_domain() only hands it to RCU; the first callback
 * takes it out of the list; the second, when no reader can see it, frees it.
 */
#include <xen/domain_parts.h>
#include <xen/access.h>
#include <asm/hvm.h>
#include <asm/ioreq.h>
#include <asm/p2m.h>
#include <public/sched.h>

struct domain *hardware_domain;
struct domain *dom_xen, *dom_io;
LIST_HEAD(domain_list);
static DEFINE_SPINLOCK(domlist_lock, RANK_DOMLIST);
static u64 last_serial;

/*
 * Every structure by its id, in blocks; a slot is taken from domain_create() until the structure is
 * freed.
 */
#define SLOTS_PER_BLOCK (PAGE_SIZE / sizeof(struct domain *))
#define SLOT_BLOCKS	(0x8000 / SLOTS_PER_BLOCK)
static struct domain **domain_slot[SLOT_BLOCKS];

struct vcpu_info dummy_vcpu_info = { .evtchn_upcall_mask = 1 };

#define CONFIG_FLAGS_KNOWN                                                                                \
	(XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_s3_integrity | XEN_DOMCTL_CDF_oos_off | \
	 XEN_DOMCTL_CDF_xs_domain)

static struct domain *slot_get(u16 id)
{
	struct domain **block = id < 0x8000 ? rcu_dereference(domain_slot[id / SLOTS_PER_BLOCK]) : NULL;

	return block ? rcu_dereference(block[id % SLOTS_PER_BLOCK]) : NULL;
}

/* Caller holds domlist_lock, or is booting. */
static int slot_take(struct domain *d)
{
	struct domain ***block = &domain_slot[d->domain_id / SLOTS_PER_BLOCK];

	if (!*block) {
		struct domain **fresh = alloc_xenheap_page();

		if (!fresh)
			return -ENOMEM;
		rcu_assign_pointer(*block, fresh);
	}
	if ((*block)[d->domain_id % SLOTS_PER_BLOCK])
		return -EEXIST;
	rcu_assign_pointer((*block)[d->domain_id % SLOTS_PER_BLOCK], d);
	return 0;
}

bool domid_is_free(domid_t id) { return !slot_get(id); }

/* ---- references ---- */

bool get_domain(struct domain *d) { return atomic_add_unless(&d->refcnt, 1, 0); }

struct domain *get_domain_by_id(domid_t id)
{
	struct domain *d = slot_get(id);

	return d && READ_ONCE(d->published) && get_domain(d) ? d : NULL;
}

struct domain *get_domain_by_any_id(domid_t id)
{
	if (id != DOMID_SELF)
		return get_domain_by_id(id);
	/* The caller runs, so it has references. */
	atomic_inc(&current->domain->refcnt);
	return current->domain;
}

struct domain *page_owner_domain(u16 id) { return slot_get(id); }

static void vcpu_free(struct vcpu *v)
{
	kill_timer(&v->singleshot_timer);
	kill_timer(&v->periodic_timer);
	kill_timer(&v->poll_timer);
	hvm_vcpu_destroy(v);
	sched_destroy_vcpu(v);
	xfree(v);
}

/* No reader is left, nobody owns a reference, no page is owned. */
static void domain_free_rcu(struct rcu_head *head)
{
	struct domain *d = container_of(head, struct domain, rcu);
	domid_t id = d->domain_id;

	for (unsigned int i = 0; i < d->max_vcpus; i++)
		if (d->vcpu[i])
			vcpu_free(d->vcpu[i]);
	for (unsigned int i = d->parts_done; i-- > 0;)
		if (domain_parts[i].destroy)
			domain_parts[i].destroy(d);
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		kill_timer(&d->watchdog[i]);
	xfree(d->arch.e820);
	xfree(d->vcpu);

	spin_lock(&domlist_lock);
	rcu_assign_pointer(domain_slot[id / SLOTS_PER_BLOCK][id % SLOTS_PER_BLOCK], NULL);
	spin_unlock(&domlist_lock);
	xfree(d);
	/* xenstored looks which domains are left. */
	send_global_virq(VIRQ_DOM_EXC);
}

static void domain_unlink_rcu(struct rcu_head *head)
{
	struct domain *d = container_of(head, struct domain, rcu);

	if (d->published) {
		spin_lock(&domlist_lock);
		list_del_rcu(&d->list);
		spin_unlock(&domlist_lock);
	}
	call_rcu(&d->rcu, domain_free_rcu);
}

void put_domain(struct domain *d)
{
	if (atomic_dec_and_test(&d->refcnt))
		call_rcu(&d->rcu, domain_unlink_rcu);
}

/* ---- pages ---- */

/*
 * While a counter is above 0 it holds one reference to the domain. The caller of an addition holds
 * one of its own, the caller of a subtraction owns a counted page, so the reference exists at both
 * ends.
 */
bool domain_add_pages(struct domain *d, long n)
{
	s64 old = atomic64_read(&d->tot_pages);

	do {
		if (READ_ONCE(d->is_dying) || (u64)old + (u64)n > READ_ONCE(d->max_pages))
			return false;
	} while (!__atomic_compare_exchange_n(&d->tot_pages.v, &old, old + n, false, __ATOMIC_SEQ_CST,
					      __ATOMIC_RELAXED));
	if (!old)
		atomic_inc(&d->refcnt);
	return true;
}

void domain_sub_pages(struct domain *d, long n)
{
	s64 left = atomic64_add_return(-n, &d->tot_pages);

	ASSERT(left >= 0);
	if (!left)
		put_domain(d);
}

void domain_add_xen_pages(struct domain *d, long n)
{
	if (atomic64_add_return(n, &d->xen_pages) == n)
		atomic_inc(&d->refcnt);
}

void domain_sub_xen_pages(struct domain *d, long n)
{
	s64 left = atomic64_add_return(-n, &d->xen_pages);

	ASSERT(left >= 0);
	if (!left)
		put_domain(d);
}

/* ---- creation ---- */

static int config_check(const struct xen_domctl_createdomain *c, bool is_priv)
{
	u32 emu = XEN_X86_EMU_LAPIC;

	if (is_priv)
		emu |= XEN_X86_EMU_IOAPIC | XEN_X86_EMU_VPCI;
	if (!(c->flags & XEN_DOMCTL_CDF_hvm))
		return -EINVAL; /* PV */
	if (!(c->flags & XEN_DOMCTL_CDF_hap))
		return -EOPNOTSUPP; /* shadow paging */
	if ((c->flags & ~CONFIG_FLAGS_KNOWN) || c->iommu_opts || c->vmtrace_size)
		return -EINVAL;
	if (!c->max_vcpus || c->max_vcpus > MAX_VCPUS)
		return -EINVAL;
	if ((c->arch.emulation_flags & ~XEN_X86_EMU_ALL) || (c->arch.misc_flags & ~XEN_X86_MISC_FLAGS_MAX))
		return -EINVAL;
	if (c->arch.emulation_flags != emu)
		return -EOPNOTSUPP;
	/* There is one CPU pool. */
	return c->cpupool_id ? -ESRCH : 0;
}

static void watchdog_expired(void *data)
{
	struct domain *d = data;

	printk(XENLOG_G_WARNING "d%u: watchdog expired\n", d->domain_id);
	domain_shutdown(d, SHUTDOWN_watchdog);
}

static struct domain *domain_alloc(domid_t domid, unsigned int max_vcpus)
{
	struct domain *d = xzalloc(struct domain);

	if (!d)
		return NULL;
	d->domain_id = domid;
	d->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	atomic_set(&d->refcnt, 1);
	d->shutdown_code = -1;
	INIT_LIST_HEAD(&d->list);
	spin_lock_init(&d->domain_lock, RANK_DOMAIN);
	spin_lock_init(&d->event_lock, RANK_EVENT);
	for (unsigned int i = 0; i < NR_WATCHDOGS; i++)
		init_timer(&d->watchdog[i], watchdog_expired, d, smp_processor_id());
	if (max_vcpus) {
		d->vcpu = xzalloc_array(struct vcpu *, max_vcpus);
		if (!d->vcpu) {
			xfree(d);
			return NULL;
		}
	}
	d->max_vcpus = max_vcpus;
	return d;
}

/* Undoes a creation that failed: nobody has seen d, it runs nothing and maps nothing. */
static void domain_abandon(struct domain *d)
{
	d->is_dying = DOMDYING_dying;
	for (unsigned int i = d->parts_done; i-- > 0;)
		while (domain_parts[i].relinquish && domain_parts[i].relinquish(d) == -ERESTART)
			;
	d->is_dying = DOMDYING_dead;
	put_domain(d);
}

/*
 * Pseudo domains (ids from DOMID_FIRST_RESERVED on) have no parts; config then only gives
 * max_vcpus, and may be NULL. Others start with one pause of the tool stack, and all vCPUs down.
 * The reference the caller gets is the one domain_kill() puts. -EEXIST: the id has a structure;
 * -EINVAL, -EOPNOTSUPP, -ESRCH: a config that cannot be; -ENOMEM.
 */
int domain_create(domid_t domid, const struct xen_domctl_createdomain *config, bool is_priv, struct domain **out)
{
	bool pseudo = domid >= DOMID_FIRST_RESERVED;
	unsigned int max_vcpus = config ? config->max_vcpus : domid == DOMID_IDLE ? NR_CPUS : 0;
	struct domain *d;
	int rc = pseudo ? 0 : config_check(config, is_priv);

	if (rc)
		return rc;
	d = domain_alloc(domid, max_vcpus);
	if (!d)
		return -ENOMEM;
	spin_lock(&domlist_lock);
	rc = slot_take(d);
	spin_unlock(&domlist_lock);
	if (rc) {
		xfree(d->vcpu);
		xfree(d);
		return rc;
	}
	*out = d;
	if (pseudo)
		return 0;

	d->is_privileged = is_priv;
	d->create_flags = config->flags;
	d->arch.emulation_flags = config->arch.emulation_flags;
	d->ssidref = config->ssidref;
	memcpy(d->handle, config->handle, sizeof(d->handle));
	d->controller_pause_count = 1;
	atomic_set(&d->pause_count, 1);
	if (is_priv) {
		d->is_hypervisor_made = true;
		hardware_domain = d;
	}
	for (unsigned int i = 0; i < nr_domain_parts && !rc; i++) {
		rc = domain_parts[i].init ? domain_parts[i].init(d, config) : 0;
		if (!rc)
			d->parts_done = i + 1;
	}
	if (rc) {
		if (is_priv)
			hardware_domain = NULL;
		domain_abandon(d);
		*out = NULL;
		return rc;
	}
	domain_update_wallclock(d);
	return 0;
}

void domain_publish(struct domain *d)
{
	spin_lock(&domlist_lock);
	list_add_tail_rcu(&d->list, &domain_list);
	WRITE_ONCE(d->published, true);
	spin_unlock(&domlist_lock);
}

void domain_init(void)
{
	static const domid_t ids[] = { DOMID_XEN, DOMID_IO };
	struct domain **where[] = { &dom_xen, &dom_io };

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++)
		if (domain_create(ids[i], NULL, false, where[i]))
			panic("Out of memory for the first domains\n");
}

void vcpu_info_reset(struct vcpu *v) { smp_store_release(&v->vcpu_info, &dummy_vcpu_info); }

static void singleshot_expired(void *data) { send_guest_vcpu_virq(data, VIRQ_TIMER); }

static void periodic_expired(void *data)
{
	struct vcpu *v = data;
	s_time_t period = READ_ONCE(v->periodic_period), next;

	if (!period)
		return;
	send_guest_vcpu_virq(v, VIRQ_TIMER);
	/* Ticks that were missed are not made up for. */
	next = v->periodic_last_event + period;
	if (next <= NOW())
		next = NOW() + period;
	v->periodic_last_event = next;
	set_timer(&v->periodic_timer, next);
}

static void poll_expired(void *data)
{
	struct vcpu *v = data;

	if (test_and_clear_bit(v->vcpu_id, &v->domain->evtchn.poll_mask))
		vcpu_unblock(v);
}

/*
 * NULL: out of memory, or the id is taken or beyond max_vcpus. Holders of domain_lock, or nobody
 * else sees d.
 */
struct vcpu *vcpu_create(struct domain *d, unsigned int vcpu_id)
{
	struct vcpu *v;
	bool idle = d->domain_id == DOMID_IDLE;

	if (vcpu_id >= d->max_vcpus || d->vcpu[vcpu_id])
		return NULL;
	v = xzalloc(struct vcpu);
	if (!v)
		return NULL;
	v->domain = d;
	v->vcpu_id = vcpu_id;
	v->vcpu_info = &dummy_vcpu_info;
	if (!idle) {
		set_bit(VPF_down, &v->pause_flags);
		if (vcpu_id < XEN_LEGACY_MAX_VCPUS)
			v->vcpu_info = &d->shared_info->vcpu_info[vcpu_id];
	}
	if (sched_init_vcpu(v)) {
		xfree(v);
		return NULL;
	}
	init_timer(&v->singleshot_timer, singleshot_expired, v, v->processor);
	init_timer(&v->periodic_timer, periodic_expired, v, v->processor);
	init_timer(&v->poll_timer, poll_expired, v, v->processor);
	if (!idle && hvm_vcpu_init(v)) {
		sched_destroy_vcpu(v);
		xfree(v);
		return NULL;
	}
	smp_store_release(&d->vcpu[vcpu_id], v);
	if (!idle) {
		vcpu_update_time_info(v);
		/*
		 * A device model that came before this vCPU. Without a port for it, it asks in
		 * vain.
		 */
		if (d->ioreq && ioreq_add_vcpu(v))
			printk(XENLOG_G_WARNING "%pv: no event channel for its device model\n", v);
	}
	return v;
}
