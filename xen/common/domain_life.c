// SPDX-License-Identifier: GPL-2.0-only
/*
 * How domains shut down, resume, crash and die.
 *
 * Shutting down stops the vCPUs and tells the tool stack; everything stays. Dying
 * gives back, part by part, what the domain has and holds; it can be interrupted
 * anywhere between two steps and goes on at the next call. What others hold of
 * a dead domain (foreign mappings, grants) keeps its structure until they let go.
 */
#include <xen/console.h>
#include <xen/domain_parts.h>
#include <xen/grant_table.h>
#include <xen/iocap.h>
#include <asm/hvm.h>
#include <asm/p2m.h>
#include <asm/setup.h>
#include <public/sched.h>

/* ---- parts ---- */

static int sched_part_init(struct domain *d, const struct xen_domctl_createdomain *c)
{
	return sched_init_domain(d);
}

static int p2m_part_init(struct domain *d, const struct xen_domctl_createdomain *c) { return p2m_init(d); }

static int hvm_part_init(struct domain *d, const struct xen_domctl_createdomain *c)
{
	return hvm_domain_init(d);
}

static int shared_info_init(struct domain *d, const struct xen_domctl_createdomain *c)
{
	d->shared_info_page = alloc_shared_page(d);
	if (!d->shared_info_page)
		return -ENOMEM;
	d->shared_info = page_to_virt(d->shared_info_page);
	return 0;
}

static void shared_info_put_rcu(struct rcu_head *head)
{
	struct domain *d = container_of(head, struct domain, rcu);

	put_page(d->shared_info_page);
}

/*
 * Senders of events that looked before the channels were closed may still write to the page. Its
 * frame keeps the domain, so d->rcu is not needed for anything else before the callback has run.
 */
static int shared_info_relinquish(struct domain *d)
{
	call_rcu(&d->rcu, shared_info_put_rcu);
	return 0;
}

/* What vCPUs keep pinned. */
static int vcpus_relinquish(struct domain *d)
{
	struct vcpu *v;

	for_each_vcpu(d, v) {
		stop_timer(&v->singleshot_timer);
		v->periodic_period = 0;
		stop_timer(&v->periodic_timer);
		stop_timer(&v->poll_timer);
		guest_access_invalidate(v);
		vcpu_info_release(v);
		(void)guest_area_register(&v->runstate_area, 0, sizeof(struct vcpu_runstate_info));
		(void)guest_area_register(&v->time_area, 0, sizeof(struct vcpu_time_info));
	}
	return 0;
}

static int grant_part_init(struct domain *d, const struct xen_domctl_createdomain *c)
{
	unsigned int version = XEN_DOMCTL_GRANT_version(c->grant_opts);

	if (!version || c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask)
		return -EINVAL;
	return grant_table_init(d, c->max_grant_frames, c->max_maptrack_frames, version);
}

static int evtchn_part_init(struct domain *d, const struct xen_domctl_createdomain *c)
{
	return evtchn_init(d, c->max_evtchn_port);
}

static int iocap_part_init(struct domain *d, const struct xen_domctl_createdomain *c)
{
	return iocap_init(d);
}

const struct domain_part domain_parts[] = {
	{ "device rights", iocap_part_init, NULL, iocap_destroy },
	{ "scheduling", sched_part_init, NULL, sched_destroy_domain },
	{ "p2m", p2m_part_init, p2m_teardown, p2m_final_teardown },
	{ "platform", hvm_part_init, hvm_domain_relinquish, hvm_domain_destroy },
	{ "shared info", shared_info_init, shared_info_relinquish, NULL },
	{ "vcpus", NULL, vcpus_relinquish, NULL },
	{ "grants", grant_part_init, grant_table_release, grant_table_destroy },
	{ "event channels", evtchn_part_init, evtchn_destroy, evtchn_destroy_final },
};
const unsigned int nr_domain_parts = ARRAY_SIZE(domain_parts);

/* ---- death ---- */

/* The parts still to be given back, one after the other. -ERESTART between any two steps. */
static int relinquish(struct domain *d)
{
	while (d->relinquish_stage) {
		const struct domain_part *part = &domain_parts[d->relinquish_stage - 1];
		int rc = part->relinquish ? part->relinquish(d) : 0;

		if (rc)
			return rc;
		d->relinquish_stage--;
		if (hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

/*
 * Not by the domain itself, and not dom0: -EINVAL. The caller holds a reference of its own; the one
 * from domain_create() goes with the last step. Of several callers one works, the others get
 * -ERESTART.
 */
int domain_kill(struct domain *d)
{
	int rc = 0;

	if (d == hardware_domain || d == current->domain)
		return -EINVAL;
	if (xchg(&d->kill_busy, true))
		return -ERESTART;
	if (d->is_dying == DOMDYING_alive) {
		domain_pause(d);
		spin_lock(&d->domain_lock);
		d->is_dying = DOMDYING_dying;
		spin_unlock(&d->domain_lock);
		d->relinquish_stage = d->parts_done;
	}
	if (d->is_dying == DOMDYING_dying) {
		rc = relinquish(d);
		if (!rc) {
			hvm_dump_exits(d);
			d->is_dying = DOMDYING_dead;
			put_domain(d);
			send_global_virq(VIRQ_DOM_EXC);
		}
	}
	smp_store_release(&d->kill_busy, false);
	return rc;
}

/* ---- shutdown ---- */

static void __noreturn hardware_domain_shutdown(u8 reason)
{
	static const char *const what[] = {
		[SHUTDOWN_poweroff] = "halted: halting machine",
		[SHUTDOWN_reboot] = "shut down: rebooting machine",
		[SHUTDOWN_crash] = "crashed",
		[SHUTDOWN_watchdog] = "watchdog rebooted machine",
	};

	console_force_sync();
	printk(XENLOG_ERR "Hardware dom0 %s\n",
	       reason < ARRAY_SIZE(what) && what[reason] ? what[reason] : "shut down for an unknown reason");
	hvm_dump_exits(hardware_domain);
	if (reason == SHUTDOWN_poweroff)
		machine_halt();
	if (reason == SHUTDOWN_reboot || reason == SHUTDOWN_watchdog)
		machine_restart();
	halt_or_restart();
}

/*
 * Stops all vCPUs and tells the tool stack why. Callable in any context, under any lock: only
 * atomics here and in what is called. A second shutdown changes nothing.
 */
void domain_shutdown(struct domain *d, u8 reason)
{
	if (xchg(&d->is_shutting_down, true))
		return;
	/* A code latched by SCHEDOP_shutdown_code, or by the tool stack, stays. */
	(void)cmpxchg(&d->shutdown_code, -1, (int)reason);
	reason = (u8)READ_ONCE(d->shutdown_code);
	if (is_hardware_domain(d))
		hardware_domain_shutdown(reason);
	domain_pause_nosync(d);
	smp_store_release(&d->is_shut_down, true);
	if (reason == SHUTDOWN_suspend && d->suspend_evtchn)
		evtchn_send(d, d->suspend_evtchn);
	else
		send_global_virq(VIRQ_DOM_EXC);
}

/* After a suspend that was only a checkpoint: the vCPUs go on. */
void domain_resume(struct domain *d)
{
	spin_lock(&d->domain_lock);
	if (!smp_load_acquire(&d->is_shut_down)) {
		spin_unlock(&d->domain_lock);
		return;
	}
	d->shutdown_code = -1;
	d->is_shut_down = false;
	smp_store_release(&d->is_shutting_down, false);
	spin_unlock(&d->domain_lock);
	domain_unpause(d);
}

/*
 * Callable in any context, under any lock. The vCPU that did it runs on until its exit handler is
 * done.
 */
void domain_crash(struct domain *d, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (READ_ONCE(d->is_shutting_down))
		return;
	printk(XENLOG_ERR "d%u crashed: %s\n", d->domain_id, text);
	domain_shutdown(d, SHUTDOWN_crash);
}
