/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Debug keys: the table of them, and those that show several subsystems at
 * once. Others register their own next to what they show.
 */
#include <xen/event.h>
#include <xen/grant_table.h>
#include <xen/irq.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/hvm.h>
#include <asm/p2m.h>
#include <asm/setup.h>

#define KEYS	    128
#define PENDING_MAX 32 /* power of two */

static struct {
	void (*fn)(char key);
	const char *desc;
} keys[KEYS];

/* Keys typed and not handled yet. */
static DEFINE_SPINLOCK(pending_lock, RANK_LEAF);
static char pending[PENDING_MAX];
static unsigned int pending_prod, pending_cons;
static struct tasklet keypress_tasklet;

static void run_keypresses(void *arg)
{
	for (;;) {
		unsigned long flags;
		char key = 0;

		spin_lock_irqsave(&pending_lock, flags);
		if (pending_cons != pending_prod)
			key = pending[pending_cons++ % PENDING_MAX];
		spin_unlock_irqrestore(&pending_lock, flags);
		if (!key)
			return;
		printk("'%c' pressed: %s\n", key, keys[(u8)key].desc);
		keys[(u8)key].fn(key);
	}
}

void register_keyhandler(char key, void (*fn)(char key), const char *desc)
{
	BUG_ON((u8)key >= KEYS || !key || keys[(u8)key].fn);
	keys[(u8)key].desc = desc;
	keys[(u8)key].fn = fn;
}

bool handle_keypress(char key)
{
	unsigned long flags;
	bool room;

	if ((u8)key >= KEYS || !keys[(u8)key].fn)
		return false;
	spin_lock_irqsave(&pending_lock, flags);
	room = pending_prod - pending_cons < PENDING_MAX;
	if (room)
		pending[pending_prod++ % PENDING_MAX] = key;
	spin_unlock_irqrestore(&pending_lock, flags);
	tasklet_schedule(&keypress_tasklet);
	return true;
}

static void show_help(char key)
{
	for (unsigned int i = 0; i < KEYS; i++)
		if (keys[i].fn)
			printk("  '%c': %s\n", (char)i, keys[i].desc);
}

static void reboot_key(char key)
{
	printk("Restart asked for by debug key\n");
	machine_restart();
}

static void show_domain(struct domain *d)
{
	static const char *const runstates[] = { "running", "runnable", "blocked", "offline" };
	struct vcpu *v;

	printk("%pd: refcnt %d, pages %ld of %lu, hypervisor's %ld, claimed %lu, paused %d,%s%s%s\n", d,
	       atomic_read(&d->refcnt), atomic64_read(&d->tot_pages), d->max_pages,
	       atomic64_read(&d->xen_pages), d->outstanding_pages, atomic_read(&d->pause_count),
	       d->is_privileged ? " privileged" : "", d->is_shut_down ? " shut down" : "",
	       d->is_dying == DOMDYING_alive ? "" : " dying");
	for_each_vcpu(d, v) {
		printk("  %pv: CPU%u%s, %s, pause flags %#lx count %d, affinity %#lx/%#lx, upcall %s\n", v,
		       v->processor, v->is_running ? " (runs)" : "",
		       v->runstate.state < 4 ? runstates[v->runstate.state] : "?", v->pause_flags,
		       atomic_read(&v->pause_count), (unsigned long)v->hard_affinity.bits,
		       (unsigned long)v->soft_affinity.bits,
		       v->vcpu_info && v->vcpu_info->evtchn_upcall_pending ? "pending" : "none");
	}
}

static void each_domain(void (*show)(struct domain *d))
{
	struct domain *d;

	rcu_read_lock();
	for_each_domain(d)
		show(d);
	rcu_read_unlock();
}

static void show_domains(char key) { each_domain(show_domain); }

static void show_p2m(char key) { each_domain(p2m_dump); }

static void show_events(char key) { each_domain(evtchn_dump); }

static void show_grants(char key) { each_domain(gnttab_dump); }

static void show_exits(char key) { each_domain(hvm_dump_exits); }

static void show_interrupts(char key) { dump_irqs(); }

/* Once, before the first key can be typed: called by console_init_late(). */
void keyhandler_init(void)
{
	tasklet_init(&keypress_tasklet, run_keypresses, NULL);
	register_keyhandler('h', show_help, "this list");
	register_keyhandler('R', reboot_key, "restart the machine");
	register_keyhandler('q', show_domains, "domains and their vCPUs");
	register_keyhandler('p', show_p2m, "p2m summary of each domain");
	register_keyhandler('e', show_events, "event channels");
	register_keyhandler('g', show_grants, "grant tables");
	register_keyhandler('x', show_exits, "VM exits by reason");
	register_keyhandler('i', show_interrupts, "interrupts");
	page_alloc_init_keys();
}
