/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts: descriptors, vectors, dispatch. A vector number is used once in
 * the whole machine, so an interrupt on its way while its line is moved to
 * another CPU is still recognised there.
 *
 * Descriptors below nr_gsis are the GSIs, from MSI_FIRST on message-signalled
 * interrupts. A handler runs without the descriptor's lock; whoever takes a
 * handler away waits until it is not running any more.
 */
#include <xen/errno.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/percpu.h>
#include <xen/rcupdate.h>
#include <xen/smp.h>
#include <xen/softirq.h>
#include <asm/apic.h>
#include <asm/io.h>
#include <asm/processor.h>
#include <asm/traps.h>
#include "../setup.h"

#define GSI_MAX	  256
#define MSI_FIRST GSI_MAX
#define IRQS_MAX  (GSI_MAX + 256)

struct irq_desc {
	spinlock_t lock; /* taken with interrupts off */
	irq_handler_t fn; /* NULL: free */
	void *data;
	const char *name;
	u8 vector; /* 0: none yet; a GSI keeps its vector when released */
	bool guest, level, active_low;
	bool masked; /* by the holder of a guest GSI */
	bool waits_eoi; /* a level interrupt the guest has not finished with */
	unsigned int cpu;
	unsigned int running; /* handlers in progress */
	unsigned long count;
};
static struct irq_desc irq_descs[IRQS_MAX];
static u16 irq_of_vector[256]; /* descriptor + 1; 0: nobody's */
static DEFINE_SPINLOCK(vector_lock, RANK_LEAF);
unsigned int nr_gsis __ro_after_init;

static unsigned long unexpected[256];
static unsigned long spurious_count, error_count;
static u32 last_esr;

static int alloc_vector(unsigned int irq)
{
	unsigned long flags;
	int v, found = -ENOSPC;

	spin_lock_irqsave(&vector_lock, flags);
	for (v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++)
		if (!irq_of_vector[v]) {
			irq_of_vector[v] = (u16)(irq + 1);
			found = v;
			break;
		}
	spin_unlock_irqrestore(&vector_lock, flags);
	return found;
}

/* ---- claiming ---- */

static int claim(struct irq_desc *d, const char *name, irq_handler_t fn, void *data)
{
	unsigned int irq = (unsigned int)(d - irq_descs);

	if (d->fn)
		return -EBUSY;
	if (!d->vector) {
		int v = alloc_vector(irq);

		if (v < 0)
			return v;
		d->vector = (u8)v;
	}
	d->name = name;
	d->data = data;
	d->cpu = 0;
	d->masked = d->waits_eoi = false;
	WRITE_ONCE(d->fn, fn);
	return 0;
}

/* The handler is out of reach, and not running, when this returns. Not from the handler itself. */
static void unclaim(struct irq_desc *d)
{
	unsigned long flags;

	spin_lock_irqsave(&d->lock, flags);
	if ((unsigned int)(d - irq_descs) < nr_gsis)
		ioapic_set_mask((unsigned int)(d - irq_descs), true);
	d->fn = NULL;
	while (d->running) {
		spin_unlock_irqrestore(&d->lock, flags);
		cpu_relax();
		spin_lock_irqsave(&d->lock, flags);
	}
	d->guest = false;
	spin_unlock_irqrestore(&d->lock, flags);
}

int request_irq(unsigned int irq, const char *name, irq_handler_t fn, void *data)
{
	struct irq_desc *d = &irq_descs[irq];
	unsigned long flags;
	int rc;

	if (irq >= nr_gsis)
		return -EINVAL;
	spin_lock_irqsave(&d->lock, flags);
	rc = claim(d, name, fn, data);
	if (!rc)
		ioapic_program(irq, d->vector, d->level, d->active_low, cpu_to_apicid(d->cpu), false);
	spin_unlock_irqrestore(&d->lock, flags);
	return rc;
}

int bind_guest_gsi(unsigned int gsi, bool level, bool active_low, irq_handler_t fn, void *data)
{
	struct irq_desc *d = &irq_descs[gsi];
	unsigned long flags;
	int rc;

	if (gsi >= nr_gsis)
		return -EINVAL;
	spin_lock_irqsave(&d->lock, flags);
	rc = claim(d, "guest", fn, data);
	if (!rc) {
		d->guest = true;
		d->level = level;
		d->active_low = active_low;
		ioapic_program(gsi, d->vector, level, active_low, cpu_to_apicid(d->cpu), false);
	}
	spin_unlock_irqrestore(&d->lock, flags);
	return rc;
}

void unbind_guest_gsi(unsigned int gsi)
{
	if (gsi < nr_gsis && irq_descs[gsi].guest)
		unclaim(&irq_descs[gsi]);
}

void guest_gsi_eoi(unsigned int gsi)
{
	struct irq_desc *d = &irq_descs[gsi];
	unsigned long flags;

	if (gsi >= nr_gsis)
		return;
	spin_lock_irqsave(&d->lock, flags);
	if (d->guest && d->waits_eoi) {
		d->waits_eoi = false;
		if (!d->masked)
			ioapic_set_mask(gsi, false);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

void guest_gsi_mask(unsigned int gsi, bool mask)
{
	struct irq_desc *d = &irq_descs[gsi];
	unsigned long flags;

	if (gsi >= nr_gsis)
		return;
	spin_lock_irqsave(&d->lock, flags);
	if (d->guest && d->masked != mask) {
		d->masked = mask;
		if (!d->waits_eoi)
			ioapic_set_mask(gsi, mask);
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

/* By a device's message or an IO-APIC: eight bits of APIC id, all ones being everybody. */
static bool reachable(unsigned int cpu)
{
	return cpu < NR_CPUS && cpumask_test(cpu_online_map, cpu) && cpu_to_apicid(cpu) < 255;
}

void irq_set_affinity(unsigned int irq, unsigned int cpu)
{
	struct irq_desc *d = &irq_descs[irq];
	unsigned long flags;

	/* The address in a device is its driver's to write: MSIs stay where they are. */
	if (irq >= nr_gsis || !reachable(cpu))
		return;
	spin_lock_irqsave(&d->lock, flags);
	if (d->fn && d->cpu != cpu) {
		d->cpu = cpu;
		ioapic_set_dest(irq, cpu_to_apicid(cpu));
	}
	spin_unlock_irqrestore(&d->lock, flags);
}

bool gsi_is_hypervisors(unsigned int gsi)
{
	return gsi < nr_gsis && irq_descs[gsi].fn && !irq_descs[gsi].guest;
}

/* SDM volume 3, "Message Signalled Interrupts": fixed delivery, edge, physical destination. */
int create_msi_irq(irq_handler_t fn, void *data, unsigned int cpu, u64 *addr, u32 *val)
{
	if (!reachable(cpu))
		return -EINVAL;
	for (unsigned int irq = MSI_FIRST; irq < IRQS_MAX; irq++) {
		struct irq_desc *d = &irq_descs[irq];
		unsigned long flags;
		int rc;

		spin_lock_irqsave(&d->lock, flags);
		/* One that is being taken away keeps running set for a moment. */
		rc = d->fn || d->running ? -EBUSY : claim(d, "MSI", fn, data);
		d->cpu = rc ? d->cpu : cpu;
		spin_unlock_irqrestore(&d->lock, flags);
		if (rc == -EBUSY)
			continue;
		if (rc)
			return rc;
		*addr = APIC_DEFAULT_BASE | (u64)cpu_to_apicid(cpu) << 12;
		*val = d->vector;
		return (int)irq;
	}
	return -ENOSPC;
}

void destroy_msi_irq(unsigned int irq)
{
	struct irq_desc *d = &irq_descs[irq];

	if (irq < MSI_FIRST || irq >= IRQS_MAX)
		return;
	unclaim(d);
	spin_lock_irq(&vector_lock);
	irq_of_vector[d->vector] = 0;
	d->vector = 0;
	spin_unlock_irq(&vector_lock);
}

/* ---- dispatch ---- */

static void device_interrupt(unsigned int vector)
{
	u16 n = READ_ONCE(irq_of_vector[vector]);
	struct irq_desc *d = n ? &irq_descs[n - 1] : NULL;
	irq_handler_t fn = NULL;
	void *data = NULL;

	if (d) {
		spin_lock(&d->lock);
		fn = d->fn;
		data = d->data;
		if (fn) {
			d->count++;
			d->running++;
			if (d->guest && d->level) {
				d->waits_eoi = true;
				ioapic_set_mask(n - 1U, true);
			}
		}
		spin_unlock(&d->lock);
	}
	if (!fn) {
		if (!unexpected[vector]++)
			printk(XENLOG_WARNING "CPU %u: unexpected interrupt, vector %02x\n",
			       smp_processor_id(), vector);
		apic_eoi();
		return;
	}
	/* A level-triggered line of the hypervisor's must be quiet again before it is acknowledged. */
	if (d->guest || !d->level)
		apic_eoi();
	fn(n - 1U, data);
	if (!d->guest && d->level)
		apic_eoi();
	spin_lock(&d->lock);
	d->running--;
	spin_unlock(&d->lock);
}

static void apic_error(void)
{
	apic_write(APIC_ESR, 0);
	last_esr = apic_read(APIC_ESR);
	apic_eoi();
	if (error_count++ < 10)
		printk(XENLOG_WARNING "CPU %u: APIC error %02x\n", smp_processor_id(), last_esr);
}

static void dispatch(unsigned int vector)
{
	switch (vector) {
	case VECTOR_LOCAL_TIMER:
		apic_eoi();
		raise_softirq(TIMER_SOFTIRQ);
		if (unlikely(watchdog_on))
			watchdog_look();
		break;
	case VECTOR_EVENT_CHECK:
	case VECTOR_POSTED:
		apic_eoi();
		break;
	case VECTOR_CALL_FUNCTION:
		apic_eoi();
		smp_call_function_interrupt();
		break;
	case VECTOR_SPURIOUS:
		spurious_count++;
		break;
	case VECTOR_APIC_ERROR:
		apic_error();
		break;
	case VECTOR_PIC_BASE ... VECTOR_PIC_BASE + 15:
		/* The PICs are masked: only their spurious interrupts get through, which nobody acknowledges. */
		unexpected[vector]++;
		break;
	default:
		device_interrupt(vector);
	}
}

void do_irq(unsigned int vector)
{
	bool was_idle = rcu_irq_enter();

	dispatch(vector);
	rcu_irq_exit(was_idle);
}

void send_ipi(unsigned int cpu, u8 vector) { apic_send_ipi(cpu_to_apicid(cpu), APIC_DM_FIXED | vector); }

void send_ipi_mask(cpumask_t mask, u8 vector)
{
	unsigned int cpu;

	for_each_cpu(cpu, mask) send_ipi(cpu, vector);
}

/* ---- set-up and display ---- */

/* Both 8259s: vectors out of the way of the exceptions, all lines masked. */
static void __init mask_pics(void)
{
	outb(0x11, 0x20);
	outb(0x11, 0xa0);
	outb(VECTOR_PIC_BASE, 0x21);
	outb(VECTOR_PIC_BASE + 8, 0xa1);
	outb(4, 0x21);
	outb(2, 0xa1);
	outb(1, 0x21);
	outb(1, 0xa1);
	outb(0xff, 0x21);
	outb(0xff, 0xa1);
}

void dump_irqs(void)
{
	printk("irq  vector cpu trigger  count\n");
	for (unsigned int i = 0; i < IRQS_MAX; i++) {
		const struct irq_desc *d = &irq_descs[i];

		if (!d->fn)
			continue;
		printk("%4u %02x %5u %s%s %10lu %s%s%s%s", i, d->vector, d->cpu, d->level ? "level" : "edge ",
		       d->active_low ? " low " : " high", d->count, d->name, d->guest ? " (guest)" : "",
		       d->masked ? " masked" : "", d->waits_eoi ? " awaits EOI" : "");
		if (i < nr_gsis)
			printk(" entry %016lx", (unsigned long)ioapic_read_entry(i));
		printk("\n");
	}
	for (unsigned int v = 0; v < 256; v++)
		if (unexpected[v])
			printk("vector %02x: %lu unexpected\n", v, unexpected[v]);
	printk("spurious %lu, APIC errors %lu (last %02x), unknown NMIs %lu\n", spurious_count, error_count,
	       last_esr, nmi_count_unknown);
}

void __init irq_init(void)
{
	mask_pics();
	for (unsigned int i = 0; i < nr_ioapics; i++)
		nr_gsis = max(nr_gsis, min_t(u32, ioapics[i].gsi_base + ioapics[i].pins, GSI_MAX));
	for (unsigned int i = 0; i < IRQS_MAX; i++) {
		spin_lock_init(&irq_descs[i].lock, RANK_IRQ);
		/* What is not on the ISA bus is PCI: level, active low. */
		irq_descs[i].level = irq_descs[i].active_low = i >= 16 && i < nr_gsis;
	}
	for (unsigned int i = 0; i < 16; i++) {
		struct irq_desc *d = isa_irqs[i].gsi < nr_gsis ? &irq_descs[isa_irqs[i].gsi] : NULL;

		if (d) {
			d->level = isa_irqs[i].level;
			d->active_low = isa_irqs[i].active_low;
		}
	}
	ioapic_init();
}
