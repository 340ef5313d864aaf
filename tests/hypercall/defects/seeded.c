// SPDX-License-Identifier: GPL-2.0-only
/*
 * Defects to switch on in a hypervisor that runs: tests/hypercall/mutants --cases puts a call of seeded_at() into
 * each function it breaks, and builds this file with it. The test kernel says which place is a defect now.
 */
#include <xen/event.h>
#include <xen/lib.h>
#include <xen/sched.h>
#include <xen/time.h>
#include <asm/hvm.h>
#include <asm/io.h>
#include <asm/setup.h>
#include <public/sched.h>

/* A case that lasts longer has lost an event, most likely. */
#define LONG_ENOUGH MILLISECS(1500)
#define PLACES 4096
#define KEPT_AT 0x60
#define KEPT_MARK 0xa7

static u32 active;
static bool recording;
/* Who switched it on; what a guest switches on others do not notice. */
static domid_t whose;
static bool reached[PLACES + 1];
static u32 cases[PLACES + 1];
static struct timer rescue;
static bool rescue_there, rescued;
/* Cases are run on this machine: a halt is a restart. */
bool seeded_machine;

bool seeded_at(u32 place)
{
	const struct vcpu *v;

	if (likely(!recording && !active))
		return false;
	v = current;
	if (whose && v && v->domain->domain_id != whose && !is_idle_vcpu(v))
		return false;
	if (recording)
		reached[place] = true;
	return place == active;
}

/* From the beginning: the machine, or the guest. */
static void seeded_again(void)
{
	struct domain *d = whose ? get_domain_by_id(whose) : NULL;

	active = 0;
	if (!d)
		machine_restart();
	domain_shutdown(d, SHUTDOWN_crash);
	put_domain(d);
}

/* Switch off, and wake everyone: who waits for what was lost looks again. The second time it is too late for that. */
static void rescue_all(void *unused)
{
	struct domain *d;
	struct vcpu *v;

	if (!active)
		seeded_again();
	active = 0;
	rescued = true;
	for_each_domain(d)
		for_each_vcpu(d, v) {
			if (v->vcpu_info)
				WRITE_ONCE(v->vcpu_info->evtchn_upcall_pending, 1);
			send_guest_vcpu_virq(v, VIRQ_TIMER);
			vcpu_kick(v);
		}
	set_timer(&rescue, NOW() + LONG_ENOUGH);
}

/* Bytes of the CMOS that nobody else uses. */
static u8 cmos(u8 index)
{
	outb(KEPT_AT + index, 0x70);
	return inb(0x71);
}

static void set_cmos(u8 index, u8 value)
{
	outb(KEPT_AT + index, 0x70);
	outb(value, 0x71);
}

/* Ordered by the number of cases that reach it; 0: that was the last, and before the first. */
static unsigned long next_reached(unsigned long n)
{
	u64 after = n ? (u64)cases[n] << 32 | n : 0, best = ~0UL;

	for (u32 i = 1; i <= PLACES; i++) {
		u64 key = (u64)cases[i] << 32 | i;

		if (reached[i] && key > after && key < best)
			best = key;
	}
	return best == ~0UL ? 0 : (u32)best;
}

long seeded_op(unsigned long op, unsigned long n)
{
	long kept = 0;

	switch (op) {
	case 0: /* forget which places were reached */
		seeded_put_back();
		memset(reached, 0, sizeof(reached));
		whose = current->domain->domain_id;
		recording = true;
		active = 0;
		return 0;
	case 1: /* switch on, or off: had it to be switched off already? */
		recording = false;
		active = 0;
		seeded_put_back();
		if (!rescue_there)
			init_timer(&rescue, rescue_all, NULL, smp_processor_id());
		rescue_there = true;
		if (!n) {
			stop_timer(&rescue);
			return rescued;
		}
		set_timer(&rescue, NOW() + LONG_ENOUGH);
		rescued = false;
		active = (u32)n;
		return 0;
	case 2: /* of those reached, the next behind n */
		recording = false;
		return (long)next_reached(n);
	case 3: /* count from 0 in how many cases each is reached */
		memset(cases, 0, sizeof(cases));
		return 0;
	case 4:
		recording = false;
		for (u32 i = 1; i <= PLACES; i++)
			cases[i] += reached[i];
		return 0;
	case 5: /* keep n over a restart */
		for (u8 i = 0; i < 4; i++)
			set_cmos(i, (u8)(n >> 8 * i));
		set_cmos(4, KEPT_MARK);
		seeded_machine = true;
		return 0;
	case 6:
		for (u8 i = 0; i < 4; i++)
			kept |= (long)cmos(i) << 8 * i;
		return cmos(4) == KEPT_MARK ? kept : 0;
	case 7:
		whose = current->domain->domain_id;
		seeded_again();
		return 0;
	}
	return -ENOSYS;
}
