/* SPDX-License-Identifier: GPL-2.0-only */
/* The virtual local APIC: registers in both modes, priorities, timer, IPIs, INIT and start-up, saved state. */
#include <xen/lib.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include "../../xen/arch/x86/hvm/platform.h"
#include "../../xen/arch/x86/hvm/vlapic.h"
#include <public/hvm/save.h>
#include "host/stubs.h"
#include "host/tap.h"

#define VCPUS 4

static struct domain dom;
static struct vcpu vc[VCPUS], *vcs[VCPUS];
static unsigned int kicks[VCPUS], wakes[VCPUS], nmis[VCPUS], resets[VCPUS];
static int sipis[VCPUS], last_eoi, softirqs;
static u64 guest_tsc;
static bool apicv, posted_by_cpu;
static struct { unsigned int calls, irr, isr; u64 level[4]; bool x2apic; } told;

/* ---- what the files call ---- */

bool hvm_has_apicv(void) { return apicv; }
bool hvm_has_posted_interrupts(void) { return posted_by_cpu; }
static void sync_apic(struct vcpu *v, u8 irr, u8 isr, const u64 level[4], bool x2apic)
{
	told.calls++;
	told.irr = irr;
	told.isr = isr;
	memcpy(told.level, level, sizeof(told.level));
	told.x2apic = x2apic;
}
static const struct hvm_ops ops = { .sync_apic = sync_apic };
const struct hvm_ops *hvm = &ops;
u64 tsc_to_ns(u64 ticks) { return ticks; }
u64 hvm_guest_tsc(struct vcpu *v) { return guest_tsc + (u64)host_now; }
static bool kicked, notified; /* IPIs to the one CPU that runs a guest */
void smp_send_event_check(unsigned int cpu) { smp_store_release(&kicked, true); }
void smp_send_posted(unsigned int cpu) { smp_store_release(&notified, true); }
void vcpu_notify(struct vcpu *v, void (*send)(unsigned int cpu))
{
	__atomic_fetch_add(&kicks[v->vcpu_id], 1, __ATOMIC_RELAXED);
	send(0);
}
void vcpu_kick(struct vcpu *v) { vcpu_notify(v, smp_send_event_check); }
void vcpu_wake(struct vcpu *v) { wakes[v->vcpu_id]++; }
void hvm_inject_nmi(struct vcpu *v) { nmis[v->vcpu_id]++; }
void hvm_vcpu_reset(struct vcpu *v) { resets[v->vcpu_id]++; }
void hvm_vcpu_sipi(struct vcpu *v, u8 vector) { sipis[v->vcpu_id] = vector; }
void vioapic_eoi(struct domain *d, u8 vector) { last_eoi = vector; }
void raise_softirq(enum softirq nr) { softirqs |= 1 << nr; }
void spin_lock_init(spinlock_t *l, enum lock_rank rank) { l->rank = rank; }
void spin_lock(spinlock_t *l)
{
	CHECK(!l->cpu);
	l->cpu = 1;
}
void spin_unlock(spinlock_t *l) { l->cpu = 0; }
void *xzalloc_bytes(size_t size) { return memset(host_alloc(size), 0, size); }
void xfree(void *p) { host_free(p); }
void *alloc_xenheap_pages(unsigned int order, unsigned int flags)
{
	return memset(host_alloc(PAGE_SIZE << order), 0, PAGE_SIZE << order);
}
void free_xenheap_pages(void *v, unsigned int order) { host_free(v); }

void init_timer(struct timer *t, void (*fn)(void *), void *data, unsigned int cpu)
{
	*t = (struct timer){ .function = fn, .data = data, .cpu = cpu };
}
void set_timer(struct timer *t, s_time_t expires)
{
	t->node.key = expires;
	t->status = 1;
}
void stop_timer(struct timer *t) { t->status = 0; }
void kill_timer(struct timer *t) { t->status = 0; }
void migrate_timer(struct timer *t, unsigned int cpu) { t->cpu = cpu; }

/* ---- helpers ---- */

static struct vlapic *lapic(unsigned int i) { return vc[i].arch.vlapic; }

static void set_up(void)
{
	dom.max_vcpus = VCPUS;
	dom.vcpu = vcs;
	spin_lock_init(&dom.domain_lock, RANK_DOMAIN);
	for (unsigned int i = 0; i < VCPUS; i++) {
		vc[i].domain = &dom;
		vc[i].vcpu_id = i;
		vc[i].is_initialised = true;
		vcs[i] = &vc[i];
		CHECK_EQ(vlapic_init(&vc[i]), 0);
		sipis[i] = -1;
	}
	last_eoi = -1;
	host_now = SECONDS(1);
}

static u32 rd(unsigned int i, unsigned int reg)
{
	u64 val = 0;

	CHECK_EQ(vlapic_mmio(&vc[i], 0xfee00000 + reg, 4, false, &val, NULL), HVM_IO_OK);
	return (u32)val;
}

static void wr(unsigned int i, unsigned int reg, u32 v)
{
	u64 val = v;

	CHECK_EQ(vlapic_mmio(&vc[i], 0xfee00000 + reg, 4, true, &val, NULL), HVM_IO_OK);
}

static void enable(unsigned int i) { wr(i, APIC_SPIV, 0x1ff); }

static void to_x2apic(unsigned int i)
{
	CHECK_EQ(vlapic_wrmsr(&vc[i], MSR_IA32_APICBASE, lapic(i)->base | APICBASE_EXTD), 0);
}

static int wrmsr_reg(unsigned int i, unsigned int reg, u64 val) { return vlapic_wrmsr(&vc[i], MSR_X2APIC(reg), val); }

/* Time passes, and the hypervisor timer with it. */
static void pass(unsigned int i, s_time_t ns)
{
	s_time_t end = host_now + ns;
	struct timer *t = &lapic(i)->timer;

	while (t->status && t->node.key <= end) {
		host_now = max(host_now, t->node.key);
		t->status = 0;
		t->function(t->data);
	}
	host_now = end;
}

/* Takes the pending vector if it may be taken; -1: none. */
static int take(unsigned int i)
{
	int vector = vlapic_pending_vector(&vc[i]);

	if (vector >= 0)
		vlapic_accept(&vc[i], (u8)vector);
	return vector;
}

/* ---- cases ---- */

static void registers_after_reset(void)
{
	CHECK_EQ(rd(2, APIC_ID), 4U << 24);
	CHECK_EQ(rd(0, APIC_LVR), 0x00050014);
	CHECK_EQ(rd(0, APIC_SPIV), 0xff);
	CHECK_EQ(rd(0, APIC_DFR), ~0U);
	CHECK_EQ(rd(0, APIC_LVTT), 0x10000);
	CHECK_EQ(rd(0, APIC_LVTERR), 0x10000);
	CHECK(lapic(0)->base & APICBASE_BSP);
	CHECK(!(lapic(1)->base & APICBASE_BSP));
	CHECK(!vlapic_enabled(&vc[0]));
}

static void parts_of_registers_read_and_odd_writes_are_dropped(void)
{
	u64 val = ~0ULL;

	enable(0);
	CHECK_EQ(vlapic_mmio(&vc[0], 0xfee00031, 1, false, &val, NULL), HVM_IO_OK);
	CHECK_EQ(val, 0x00);
	CHECK_EQ(vlapic_mmio(&vc[0], 0xfee00032, 2, false, &val, NULL), HVM_IO_OK);
	CHECK_EQ(val, 0x0005);
	CHECK_EQ(vlapic_mmio(&vc[0], 0xfee00030, 8, false, &val, NULL), HVM_IO_OK);
	CHECK_EQ(val, 0);
	val = 0x55;
	CHECK_EQ(vlapic_mmio(&vc[0], 0xfee00080, 1, true, &val, NULL), HVM_IO_OK);
	CHECK_EQ(rd(0, APIC_TPR), 0);
	CHECK_EQ(vlapic_mmio(&vc[0], 0xfed00080, 4, true, &val, NULL), HVM_IO_UNHANDLED);
}

static void vectors_go_by_priority(void)
{
	enable(0);
	vlapic_set_irq(&vc[0], 0x41, false);
	vlapic_set_irq(&vc[0], 0x93, false);
	vlapic_set_irq(&vc[0], 0x95, false);
	CHECK_EQ(take(0), 0x95);
	CHECK_EQ(rd(0, APIC_PPR), 0x90);
	CHECK_EQ(take(0), -1);			/* the same class waits */
	wr(0, APIC_EOI, 0);
	CHECK_EQ(take(0), 0x93);
	wr(0, APIC_EOI, 0);
	wr(0, APIC_TPR, 0x40);
	CHECK_EQ(take(0), -1);
	wr(0, APIC_TPR, 0x30);
	CHECK_EQ(take(0), 0x41);
	vlapic_set_irq(&vc[0], 0x51, false);
	CHECK_EQ(take(0), 0x51);		/* nested */
	wr(0, APIC_EOI, 0);
	CHECK_EQ(rd(0, APIC_ISR + 0x20), 1U << 1);
	wr(0, APIC_EOI, 0);
	CHECK_EQ(rd(0, APIC_ISR + 0x20), 0);
	wr(0, APIC_EOI, 0);			/* with nothing in service: harmless */
	CHECK_EQ(take(0), -1);
}

static void disabled_apic_keeps_its_vectors_to_itself(void)
{
	vlapic_set_irq(&vc[0], 0x41, false);
	CHECK_EQ(take(0), -1);
	enable(0);
	CHECK_EQ(take(0), 0x41);
}

static void level_vectors_tell_the_io_apic(void)
{
	enable(0);
	vlapic_set_irq(&vc[0], 0x61, true);
	CHECK_EQ(take(0), 0x61);
	wr(0, APIC_EOI, 0);
	CHECK_EQ(last_eoi, 0x61);
	last_eoi = -1;
	vlapic_set_irq(&vc[0], 0x61, false);	/* edge now: the trigger mode follows the last message */
	CHECK_EQ(take(0), 0x61);
	wr(0, APIC_EOI, 0);
	CHECK_EQ(last_eoi, -1);
}

static void software_disable_masks_the_lvt(void)
{
	enable(0);
	wr(0, APIC_LVTT, 0x30);
	CHECK_EQ(rd(0, APIC_LVTT), 0x30);
	wr(0, APIC_SPIV, 0xff);
	CHECK_EQ(rd(0, APIC_LVTT), 0x10030);
	wr(0, APIC_LVTT, 0x30);
	CHECK_EQ(rd(0, APIC_LVTT), 0x10030);
}

static void one_shot_timer_fires_once(void)
{
	enable(0);
	wr(0, APIC_TDCR, 0xb);			/* by 1: 10 ns */
	wr(0, APIC_LVTT, 0x40);
	wr(0, APIC_TMICT, 1000);
	pass(0, 4000);
	CHECK_EQ(rd(0, APIC_TMCCT), 600);
	CHECK_EQ(take(0), -1);
	pass(0, 6000);
	CHECK_EQ(take(0), 0x40);
	CHECK_EQ(rd(0, APIC_TMCCT), 0);
	wr(0, APIC_EOI, 0);
	pass(0, 100000);
	CHECK_EQ(take(0), -1);
}

static void periodic_timer_goes_on_and_skips_what_it_missed(void)
{
	struct timer *t = &lapic(0)->timer;

	enable(0);
	wr(0, APIC_TDCR, 0x3);			/* by 16 */
	wr(0, APIC_LVTT, 0x20040);
	wr(0, APIC_TMICT, 10000);		/* 1.6 ms */
	for (unsigned int i = 0; i < 5; i++) {
		pass(0, 1600000);
		CHECK_EQ(take(0), 0x40);
		wr(0, APIC_EOI, 0);
	}
	host_now += 10 * 1600000 + 400000;	/* nobody looked for a while */
	t->status = 0;
	t->function(t->data);
	CHECK_EQ(t->node.key, host_now + 1200000);
	CHECK_EQ(take(0), 0x40);
	wr(0, APIC_TMICT, 0);
	CHECK(!t->status);
	wr(0, APIC_TDCR, 0xb);
	wr(0, APIC_TMICT, 1);			/* 10 ns: not that fast */
	CHECK(t->node.key >= host_now + 100000);
	CHECK(rd(0, APIC_TMCCT) <= 1);
}

static void a_new_divisor_keeps_the_count(void)
{
	enable(0);
	wr(0, APIC_TDCR, 0xb);
	wr(0, APIC_LVTT, 0x40);
	wr(0, APIC_TMICT, 1000);
	pass(0, 5000);
	wr(0, APIC_TDCR, 0x0);			/* by 2 */
	CHECK_EQ(rd(0, APIC_TMCCT), 500);
	pass(0, 9990);
	CHECK_EQ(take(0), -1);
	pass(0, 20);
	CHECK_EQ(take(0), 0x40);
}

static void deadline_mode(void)
{
	u64 val;

	enable(0);
	wr(0, APIC_LVTT, 0x40);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_TSC_DEADLINE, 5), 0);	/* not in this mode: nothing */
	CHECK_EQ(vlapic_rdmsr(&vc[0], MSR_IA32_TSC_DEADLINE, &val), 0);
	CHECK_EQ(val, 0);
	wr(0, APIC_LVTT, 0x40040);
	wr(0, APIC_TMICT, 1000);
	CHECK(!lapic(0)->timer.status);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_TSC_DEADLINE, hvm_guest_tsc(&vc[0]) + 7000), 0);
	pass(0, 6999);
	CHECK_EQ(take(0), -1);
	pass(0, 1);
	CHECK_EQ(take(0), 0x40);
	CHECK_EQ(vlapic_rdmsr(&vc[0], MSR_IA32_TSC_DEADLINE, &val), 0);
	CHECK_EQ(val, 0);
	wr(0, APIC_EOI, 0);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_TSC_DEADLINE, 1), 0);	/* over already: at once */
	pass(0, 0);
	CHECK_EQ(take(0), 0x40);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_TSC_DEADLINE, ~0ULL), 0);
	wr(0, APIC_LVTT, 0x40);			/* leaving the mode disarms */
	CHECK(!lapic(0)->timer.status);
}

static void masked_timer_is_silent(void)
{
	enable(0);
	wr(0, APIC_LVTT, 0x10040);
	wr(0, APIC_TMICT, 10);
	pass(0, 1000);
	CHECK_EQ(take(0), -1);
	wr(0, APIC_LVTT, 0x0f);			/* a vector that is none */
	wr(0, APIC_TMICT, 10);
	pass(0, 1000);
	CHECK_EQ(take(0), -1);
	wr(0, APIC_ESR, 0);
	CHECK_EQ(rd(0, APIC_ESR), 0x40);
}

static void x2apic_checks_what_is_written(void)
{
	u64 val;

	enable(1);
	CHECK_EQ(vlapic_rdmsr(&vc[1], MSR_X2APIC(APIC_ID), &val), -EINVAL);
	to_x2apic(1);
	CHECK_EQ(vlapic_rdmsr(&vc[1], MSR_X2APIC(APIC_ID), &val), 0);
	CHECK_EQ(val, 2);
	CHECK_EQ(vlapic_rdmsr(&vc[1], MSR_X2APIC(APIC_LDR), &val), 0);
	CHECK_EQ(val, 1U << 2);
	val = 0;
	CHECK_EQ(vlapic_mmio(&vc[1], 0xfee00020, 4, false, &val, NULL), HVM_IO_UNHANDLED);
	CHECK_EQ(wrmsr_reg(1, APIC_TPR, 0x20), 0);
	CHECK_EQ(wrmsr_reg(1, APIC_TPR, 0x100), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_EOI, 1), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_EOI, 0), 0);
	CHECK_EQ(wrmsr_reg(1, APIC_ESR, 1), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_ID, 2), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_LDR, 2), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_DFR, ~0U), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_LVTT, 1ULL << 32), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_TMCCT, 0), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, 0x310, 0), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, 0xff0, 0), -EINVAL);
	CHECK_EQ(vlapic_rdmsr(&vc[1], MSR_X2APIC(APIC_EOI), &val), -EINVAL);
	CHECK_EQ(vlapic_rdmsr(&vc[1], MSR_X2APIC(APIC_SELF_IPI), &val), -EINVAL);
	CHECK_EQ(wrmsr_reg(1, APIC_SELF_IPI, 0x77), 0);
	CHECK_EQ(take(1), 0x77);
}

static void mode_changes_follow_the_state_diagram(void)
{
	u64 base = lapic(0)->base;

	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, base | 1), -EINVAL);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, base + 0x1000), -EINVAL);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, (base & ~0x800ULL) | 0x400), -EINVAL);
	to_x2apic(0);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, base), -EINVAL);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, base & ~0x800ULL), 0);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, base | 0x400), -EINVAL);
	CHECK_EQ(vlapic_wrmsr(&vc[0], MSR_IA32_APICBASE, base), 0);
	CHECK_EQ(rd(0, APIC_ID), 0);
}

static void ipi_destinations(void)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		enable(i);
		wr(i, APIC_LDR, 1U << (24 + i));
	}
	wr(0, APIC_ICR2, 4U << 24);		/* physical: vCPU 2 */
	wr(0, APIC_ICR, 0x4000 | 0x55);
	CHECK_EQ(take(2), 0x55);
	CHECK_EQ(take(0) & take(1) & take(3), -1);
	wr(0, APIC_ICR2, 3U << 24);		/* no such id */
	wr(0, APIC_ICR, 0x4000 | 0x56);
	wr(0, APIC_ICR2, 0xau << 24);		/* logical, flat: 1 and 3 */
	wr(0, APIC_ICR, 0x4800 | 0x57);
	CHECK_EQ(take(1), 0x57);
	CHECK_EQ(take(3), 0x57);
	CHECK_EQ(take(0) & take(2), -1);
	wr(0, APIC_ICR, 0xc4000 | 0x68);	/* all but self */
	CHECK_EQ(take(0), -1);
	CHECK_EQ(take(1), 0x68);
	CHECK_EQ(take(2), 0x68);
	CHECK_EQ(take(3), 0x68);
	wr(0, APIC_ICR2, 0xffU << 24);		/* physical broadcast */
	wr(0, APIC_ICR, 0x4000 | 0x79);
	CHECK_EQ(take(0), 0x79);
	CHECK_EQ(take(3), 0x79);
	wr(0, APIC_ICR2, 6U << 24);
	wr(0, APIC_ICR, 0x4400);		/* NMI */
	CHECK_EQ(nmis[3], 1);
	CHECK_EQ(nmis[0] + nmis[1] + nmis[2], 0);
}

static void x2apic_destinations(void)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		enable(i);
		to_x2apic(i);
	}
	CHECK_EQ(wrmsr_reg(0, APIC_ICR, 6ULL << 32 | 0x55), 0);
	CHECK_EQ(take(3), 0x55);
	CHECK_EQ(wrmsr_reg(0, APIC_ICR, (u64)(1 << 2 | 1 << 4) << 32 | 0x800 | 0x66), 0);
	CHECK_EQ(take(1), 0x66);
	CHECK_EQ(take(2), 0x66);
	CHECK_EQ(take(0), -1);
	CHECK_EQ(wrmsr_reg(0, APIC_ICR, 0xffffffffULL << 32 | 0x77), 0);
	for (unsigned int i = 0; i < VCPUS; i++)
		CHECK_EQ(take(i), 0x77);
}

static void lowest_priority_goes_to_the_least_busy(void)
{
	for (unsigned int i = 0; i < VCPUS; i++) {
		enable(i);
		wr(i, APIC_LDR, 1U << (24 + i));
		wr(i, APIC_TPR, 0x80 - 0x10 * (u32)i);
	}
	CHECK(vlapic_deliver(&dom, 0x0f, true, DM_LOWEST, 0x99, false));
	CHECK_EQ(take(3), 0x99);
	CHECK_EQ(take(0) & take(1) & take(2), -1);
	CHECK(!vlapic_deliver(&dom, 0x40, true, DM_LOWEST, 0x99, false));
}

static void messages_of_devices(void)
{
	enable(1);
	CHECK(vlapic_deliver_msi(&dom, 0xfee02000, 0x4041));
	CHECK_EQ(take(1), 0x41);
	wr(1, APIC_EOI, 0);
	CHECK_EQ(last_eoi, -1);
	CHECK(!vlapic_deliver_msi(&dom, 0xfed02000, 0x4041));
	CHECK(!vlapic_deliver_msi(&dom, 0xfee05000, 0x4041));
	CHECK(!vlapic_deliver_msi(&dom, 0xfee00000, 0x4041));	/* its APIC is disabled */
	CHECK(!vlapic_deliver_msi(&dom, 0xfee02000, 0x4541));	/* INIT is no message for devices */
	CHECK(vlapic_deliver_msi(&dom, 0xfee02000, 0xc041));
	CHECK_EQ(take(1), 0x41);
	CHECK_EQ(wrmsr_reg(1, APIC_EOI, 0), -EINVAL);
	wr(1, APIC_EOI, 0);
	CHECK_EQ(last_eoi, 0x41);
}

static void illegal_vectors_are_errors(void)
{
	enable(0);
	wr(0, APIC_LVTERR, 0x3e);
	wr(0, APIC_ICR, 0x40000 | 5);
	CHECK_EQ(take(0), 0x3e);
	wr(0, APIC_EOI, 0);
	CHECK_EQ(rd(0, APIC_ESR), 0);
	wr(0, APIC_ESR, 0);
	CHECK_EQ(rd(0, APIC_ESR), 0x20);
	wr(0, APIC_ESR, 0);
	CHECK_EQ(rd(0, APIC_ESR), 0);
	wr(0, APIC_LVTERR, 0x02);		/* an error interrupt that is itself illegal ends there */
	wr(0, 0x3d0, 0);
	wr(0, APIC_ESR, 0);
	CHECK_EQ(rd(0, APIC_ESR), 0x80);
	CHECK_EQ(take(0), -1);
}

static void init_and_startup_reach_a_running_vcpu(void)
{
	enable(0);
	wr(0, APIC_ICR2, 2U << 24);
	wr(0, APIC_ICR, 0x4500);		/* INIT */
	CHECK(vc[1].arch.hvm.init_pending);
	CHECK_EQ(kicks[1], 1);
	CHECK_EQ(resets[1], 0);			/* vCPU 1 does that itself */
	CHECK(!vlapic_handle_init(&vc[1]));
	CHECK_EQ(resets[1], 1);
	CHECK(test_bit(VPF_wait_sipi, &vc[1].pause_flags));
	CHECK(softirqs & 1 << SCHEDULE_SOFTIRQ);
	wr(0, APIC_ICR, 0x4612);		/* start-up */
	CHECK(!test_bit(VPF_wait_sipi, &vc[1].pause_flags));
	CHECK(!test_bit(VPF_down, &vc[1].pause_flags));
	CHECK(vlapic_handle_init(&vc[1]));
	CHECK_EQ(sipis[1], 0x12);
	sipis[1] = -1;
	wr(0, APIC_ICR, 0x4613);		/* the second one means nothing */
	CHECK(!vc[1].arch.hvm.init_pending);
	CHECK_EQ(sipis[1], -1);
	wr(0, APIC_ICR, 0x8500);		/* de-assertion of INIT: nothing */
	CHECK(!vc[1].arch.hvm.init_pending);
}

static void startup_close_on_init_is_not_lost(void)
{
	enable(0);
	wr(0, APIC_ICR2, 2U << 24);
	wr(0, APIC_ICR, 0x4500);
	wr(0, APIC_ICR, 0x4620);
	wr(0, APIC_ICR, 0x4621);
	CHECK(vlapic_handle_init(&vc[1]));
	CHECK_EQ(resets[1], 1);
	CHECK_EQ(sipis[1], 0x20);
	CHECK(!test_bit(VPF_wait_sipi, &vc[1].pause_flags));
}

static void a_vcpu_never_started_needs_only_the_startup(void)
{
	vc[1].is_initialised = false;
	set_bit(VPF_down, &vc[1].pause_flags);
	enable(0);
	wr(0, APIC_ICR2, 2U << 24);
	wr(0, APIC_ICR, 0x4500);
	CHECK(test_bit(VPF_down, &vc[1].pause_flags));
	wr(0, APIC_ICR, 0x4699);
	CHECK(!test_bit(VPF_down, &vc[1].pause_flags));
	CHECK_EQ(wakes[1], 1);
	CHECK(vlapic_handle_init(&vc[1]));
	CHECK_EQ(sipis[1], 0x99);
}

static void saved_state_comes_back(void)
{
	struct hvm_hw_lapic hid;
	struct hvm_hw_lapic_regs regs;

	enable(0);
	wr(0, APIC_TDCR, 0xb);
	wr(0, APIC_LVTT, 0x40);
	wr(0, APIC_TMICT, 100000);
	vlapic_set_irq(&vc[0], 0x61, false);
	CHECK_EQ(take(0), 0x61);
	vlapic_set_irq(&vc[0], 0x41, false);
	pass(0, 400000);
	vlapic_save(&vc[0], &hid, &regs);
	CHECK_EQ(hid.timer_divisor, 1);
	CHECK_EQ(vlapic_load(&vc[1], &hid, &regs), 0);
	CHECK_EQ(rd(1, APIC_ID), 2U << 24);	/* its own */
	CHECK_EQ(rd(1, APIC_TMCCT), 60000);
	CHECK_EQ(take(1), -1);
	wr(1, APIC_EOI, 0);
	CHECK_EQ(take(1), 0x41);
	pass(1, 600000);
	wr(1, APIC_EOI, 0);
	CHECK_EQ(take(1), 0x40);
	hid.apic_base_msr |= 1;
	CHECK_EQ(vlapic_load(&vc[1], &hid, &regs), -EINVAL);
	hid.apic_base_msr = 0xfee00400;
	CHECK_EQ(vlapic_load(&vc[1], &hid, &regs), -EINVAL);
}

/* Whatever a guest writes, no bit outside the registers changes and every count stays true. */
static void random_accesses_leave_a_consistent_state(void)
{
	for (unsigned long n = 0; n < tap_rounds(200000); n++) {
		unsigned int i = (unsigned int)tap_random_below(VCPUS), bits = 0;
		u64 val = tap_random() >> tap_random_below(64);
		struct vlapic *l = lapic(i);

		switch (tap_random_below(6)) {
		case 0: vlapic_mmio(&vc[i], 0xfee00000 + tap_random_below(0x400), 4, true, &val, NULL); break;
		case 1: vlapic_mmio(&vc[i], 0xfee00000 + tap_random_below(0x1000), 1U << tap_random_below(4),
				    tap_random_below(2), &val, NULL); break;
		case 2: vlapic_wrmsr(&vc[i], 0x800 + (u32)tap_random_below(0x100), val); break;
		case 3: vlapic_wrmsr(&vc[i], MSR_IA32_APICBASE, 0xfee00000 | (val & 0xd00)); break;
		case 4: vlapic_deliver(&dom, (u32)tap_random_below(16), tap_random_below(2), (u8)tap_random_below(8),
				       (u8)tap_random(), tap_random_below(2)); break;
		case 5: pass(i, (s_time_t)tap_random_below(1000000)); break;
		}
		if (vc[i].arch.hvm.init_pending)
			vlapic_handle_init(&vc[i]);
		take(i);
		for (unsigned int w = 0; w < 8; w++)
			bits += (unsigned int)__builtin_popcount(*(u32 *)(l->regs + APIC_ISR + w * 16));
		CHECK_EQ(l->isr_count, bits);
		CHECK_EQ(l->isr_top < 0, bits == 0);
	}
}

/* ---- with a CPU that delivers ---- */

static void with_apicv(void)
{
	for (unsigned int i = 0; i < VCPUS; i++)
		vlapic_destroy(&vc[i]);
	apicv = true;
	for (unsigned int i = 0; i < VCPUS; i++)
		CHECK_EQ(vlapic_init(&vc[i]), 0);
	apicv = false;
	told.calls = 0;
}

static bool requested(unsigned int i, u8 vector)
{
	return rd(i, APIC_IRR + (vector >> 5) * 16) & 1U << (vector & 31);
}

/* What the CPU does with the highest vector requested: SDM, "Virtual-Interrupt Delivery". */
static void cpu_delivers(unsigned int i)
{
	u32 bit = 1U << (told.irr & 31);

	*(u32 *)(lapic(i)->regs + APIC_IRR + (told.irr >> 5) * 16) &= ~bit;
	*(u32 *)(lapic(i)->regs + APIC_ISR + (told.irr >> 5) * 16) |= bit;
}

static void the_cpu_is_told_before_an_entry(void)
{
	with_apicv();
	enable(1);
	vlapic_set_irq(&vc[1], 0x55, false);
	CHECK(!requested(1, 0x55)); /* the page is the CPU's */
	CHECK_EQ(vlapic_pending_vector(&vc[1]), -1);
	CHECK_EQ(told.calls, 1);
	CHECK_EQ(told.irr, 0x55);
	CHECK_EQ(told.isr, 0);
	CHECK(!told.x2apic);
	CHECK(requested(1, 0x55));
	CHECK_EQ(vlapic_pending_vector(&vc[1]), -1);
	CHECK_EQ(told.calls, 1); /* nothing new */
	cpu_delivers(1);
	vlapic_set_irq(&vc[1], 0x41, false);
	vlapic_set_irq(&vc[1], 0x99, true);
	CHECK_EQ(vlapic_pending_vector(&vc[1]), -1);
	CHECK_EQ(told.irr, 0x99);
	CHECK_EQ(told.isr, 0x55);
	CHECK_EQ(told.level[2], 1ULL << (0x99 - 0x80));
	CHECK_EQ(told.level[1], 0);
}

static void the_cpu_is_told_of_what_emulation_changes(void)
{
	with_apicv();
	enable(1);
	vlapic_set_irq(&vc[1], 0x55, true);
	vlapic_pending_vector(&vc[1]);
	cpu_delivers(1);
	wr(1, APIC_EOI, 0);
	CHECK_EQ(last_eoi, 0x55);
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.isr, 0);
	vlapic_set_irq(&vc[1], 0x61, false);
	wr(1, APIC_SPIV, 0xff);
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.irr, 0); /* disabled: stays where it is */
	CHECK(requested(1, 0x61));
	enable(1);
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.irr, 0x61);
	told.calls = 0;
	to_x2apic(1);
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.calls, 1);
	CHECK(told.x2apic);
}

static void a_posted_vector_wakes_and_is_saved(void)
{
	struct hvm_hw_lapic hid;
	struct hvm_hw_lapic_regs regs;

	with_apicv();
	enable(1);
	CHECK(!vlapic_interrupt_pending(&vc[1]));
	vlapic_set_irq(&vc[1], 0x55, false);
	CHECK(vlapic_interrupt_pending(&vc[1]));
	vlapic_set_tpr(&vc[1], 0x50);
	CHECK(!vlapic_interrupt_pending(&vc[1]));
	vlapic_set_tpr(&vc[1], 0x40);
	CHECK(vlapic_interrupt_pending(&vc[1]));
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.irr, 0x55); /* looking did not hide it */
	cpu_delivers(1);
	vlapic_set_irq(&vc[1], 0x5a, false);
	CHECK(!vlapic_interrupt_pending(&vc[1])); /* of the class in service */
	CHECK_EQ(rd(1, APIC_PPR), 0x50);
	vlapic_set_irq(&vc[1], 0xa1, false);
	vlapic_save(&vc[1], &hid, &regs);
	CHECK(regs.data[APIC_IRR + 5 * 16] & 2);
	vlapic_reset(&vc[1]);
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.irr, 0);
	CHECK_EQ(vlapic_load(&vc[1], &hid, &regs), 0);
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.irr, 0xa1);
	CHECK_EQ(told.isr, 0x55);
}

static void one_notification_is_outstanding(void)
{
	with_apicv();
	enable(1);
	kicks[1] = 0;
	vlapic_set_irq(&vc[1], 0x55, false);
	vlapic_set_irq(&vc[1], 0x66, false);
	CHECK_EQ(kicks[1], 1); /* the first one's brings both */
	vlapic_pending_vector(&vc[1]);
	CHECK_EQ(told.irr, 0x66);
	CHECK(requested(1, 0x55));
	vlapic_set_irq(&vc[1], 0x77, false);
	CHECK_EQ(kicks[1], 2);
	vlapic_set_irq(&vc[1], 0x88, true);
	CHECK_EQ(kicks[1], 3); /* whatever is outstanding: it needs an exit */
	CHECK(!(lapic(1)->posted.requests[4] & 1U << 8));
}

static void taken_before_the_sender_is_through(void)
{
	struct hvm_hw_lapic hid;
	struct hvm_hw_lapic_regs regs;

	with_apicv();
	enable(1);
	vlapic_pending_vector(&vc[1]);
	told.calls = 0;
	lapic(1)->posted.requests[2] = 1U << 5; /* the first of a sender's steps */
	CHECK(vlapic_interrupt_pending(&vc[1]));
	CHECK_EQ(vlapic_pending_vector(&vc[1]), -1);
	CHECK_EQ(told.calls, 1);
	CHECK_EQ(told.irr, 0x45);
	lapic(1)->posted.requests[3] = 1U << 6;
	vlapic_save(&vc[1], &hid, &regs);
	CHECK_EQ(vlapic_pending_vector(&vc[1]), -1);
	CHECK_EQ(told.irr, 0x66);
}

/*
 * vCPU 1 in guest mode stays there until an IPI comes: a notification forgotten is a vector that never arrives.
 * Each sender has its vectors, and sends the next one when the last one has arrived.
 */
#define SENDERS	   2
#define DELIVERIES 20000
static unsigned int arrived[SENDERS], senders_left;
static bool gave_up;

static u8 vector_of(unsigned int sender, unsigned int n) { return (u8)(0x30 + sender + (n * 7 % 24) * 8); }
static bool is_level(unsigned int n) { return n % 5 == 4; }

/* SDM volume 3, "Posted-Interrupt Processing": what the CPU does on a notification in guest mode. */
static void cpu_takes_over(struct vlapic *l)
{
	(void)__atomic_fetch_and(&l->posted.outstanding, ~1U, __ATOMIC_SEQ_CST);
	for (unsigned int w = 0; w < 8; w++) {
		u32 bits = xchg(&l->posted.requests[w], 0U);

		vlapic_set_reg(l, APIC_IRR + w * 16, vlapic_reg(l, APIC_IRR + w * 16) | bits);
	}
}

/* The guest takes everything that is requested, and ends it at once. */
static void cpu_delivers_all(struct vlapic *l)
{
	for (unsigned int v = 0x30; v < 0x100; v++) {
		u32 word = vlapic_reg(l, APIC_IRR + (v >> 5) * 16), bit = 1U << (v & 31);
		unsigned int sender = v & 7, n;

		if (!(word & bit))
			continue;
		vlapic_set_reg(l, APIC_IRR + (v >> 5) * 16, word & ~bit);
		n = arrived[sender];
		CHECK_EQ(v, vector_of(sender, n));
		CHECK(!is_level(n) || (told.level[v >> 6] >> (v & 63) & 1)); /* its EOI exits */
		smp_store_release(&arrived[sender], n + 1);
	}
}

static void guest_or_sender(unsigned int cpu)
{
	struct vlapic *l = lapic(1);

	if (cpu) {
		for (unsigned int n = 0; n < DELIVERIES && !smp_load_acquire(&gave_up); n++) {
			vlapic_set_irq(&vc[1], vector_of(cpu - 1, n), is_level(n));
			while (smp_load_acquire(&arrived[cpu - 1]) == n && !smp_load_acquire(&gave_up))
				host_yield();
		}
		__atomic_fetch_sub(&senders_left, 1, __ATOMIC_RELEASE);
		return;
	}
	while (smp_load_acquire(&senders_left) && !gave_up) {
		unsigned long patience = 2000000;

		(void)xchg(&kicked, false); /* in the hypervisor the IPI does nothing more */
		vlapic_pending_vector(&vc[1]);
		cpu_delivers_all(l);
		while (!smp_load_acquire(&kicked) && smp_load_acquire(&senders_left)) {
			if (xchg(&notified, false)) {
				cpu_takes_over(l);
				cpu_delivers_all(l);
			}
			if (!--patience) {
				smp_store_release(&gave_up, true);
				break;
			}
			host_yield();
		}
	}
}

static void senders_reach_a_cpu_in_guest_mode(void)
{
	for (unsigned int by_cpu = 0; by_cpu < 2; by_cpu++) {
		with_apicv();
		enable(1);
		posted_by_cpu = by_cpu;
		kicked = notified = gave_up = false;
		memset(arrived, 0, sizeof(arrived));
		senders_left = SENDERS;
		host_threads(SENDERS + 1, guest_or_sender);
		CHECK(!gave_up);
		for (unsigned int s = 0; s < SENDERS; s++)
			CHECK_EQ(arrived[s], DELIVERIES);
	}
	posted_by_cpu = false;
}

static const struct unit_case cases[] = {
	CASE(registers_after_reset),
	CASE(parts_of_registers_read_and_odd_writes_are_dropped),
	CASE(vectors_go_by_priority),
	CASE(disabled_apic_keeps_its_vectors_to_itself),
	CASE(level_vectors_tell_the_io_apic),
	CASE(software_disable_masks_the_lvt),
	CASE(one_shot_timer_fires_once),
	CASE(periodic_timer_goes_on_and_skips_what_it_missed),
	CASE(a_new_divisor_keeps_the_count),
	CASE(deadline_mode),
	CASE(masked_timer_is_silent),
	CASE(x2apic_checks_what_is_written),
	CASE(mode_changes_follow_the_state_diagram),
	CASE(ipi_destinations),
	CASE(x2apic_destinations),
	CASE(lowest_priority_goes_to_the_least_busy),
	CASE(messages_of_devices),
	CASE(illegal_vectors_are_errors),
	CASE(init_and_startup_reach_a_running_vcpu),
	CASE(startup_close_on_init_is_not_lost),
	CASE(a_vcpu_never_started_needs_only_the_startup),
	CASE(saved_state_comes_back),
	CASE(the_cpu_is_told_before_an_entry),
	CASE(the_cpu_is_told_of_what_emulation_changes),
	CASE(a_posted_vector_wakes_and_is_saved),
	CASE(one_notification_is_outstanding),
	CASE(taken_before_the_sender_is_through),
	CASE(senders_reach_a_cpu_in_guest_mode),
	CASE(random_accesses_leave_a_consistent_state),
};
TAP_MAIN(cases, set_up);
