/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The console: every line goes into a ring (xl dmesg) and to the devices;
 * what is typed goes to dom0 or, after three times Ctrl-a, to the debug keys.
 */
#include <xen/console.h>
#include <xen/event.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <xen/spinlock.h>

#define DEVICES_MAX  4
#define RX_SIZE	     128 /* power of two */
#define SWITCH_COUNT 3

static char opt_console[64] = "com1";
string_param("console", opt_console, "LIST: devices the console uses, of com1, com2, none; default com1");
static u64 opt_conring_size = KB(128);
size_param("conring_size", opt_conring_size, "size of the ring xl dmesg shows; default 128K");
static bool opt_sync_console;
boolean_param("sync_console", opt_sync_console, "wait until every character is out; default off");
static bool opt_console_to_ring;
boolean_param("console_to_ring", opt_console_to_ring, "keep dom0's output in the ring as well; default off");
static char switch_char = 1; /* Ctrl-a */

static int parse_conswitch(const char *s)
{
	if (s[0] < 'a' || s[0] > 'z' || s[1])
		return -EINVAL;
	switch_char = (char)(s[0] - 'a' + 1);
	return 0;
}
custom_param("conswitch", parse_conswitch,
	     "LETTER: Ctrl and this letter, three times, moves the input between dom0 and the debug keys; default a");

static DEFINE_SPINLOCK(output_lock, RANK_CONSOLE);
static bool nobody_waits; /* console_force_sync() was called: output_lock is no longer taken */
static const struct console_device *devices[DEVICES_MAX];
static unsigned int nr_devices;

/* The ring, under output_lock; positions run freely. */
static char early_ring[KB(16)];
static char *ring = early_ring;
static u32 ring_size = sizeof(early_ring);
static u32 ring_prod, ring_start;

/* The line in progress, under output_lock. */
static unsigned int line_source;
static bool mid_line;

/* Input, under rx_lock: as it came, and what dom0 has not read yet. */
struct rx_fifo {
	char c[RX_SIZE];
	unsigned int prod, cons;
};
static DEFINE_SPINLOCK(rx_lock, RANK_LEAF);
static struct rx_fifo typed, for_dom0;
static bool focus_on_keys;

unsigned long console_lock(void)
{
	unsigned long flags;

	if (unlikely(READ_ONCE(nobody_waits)))
		return local_irq_save();
	spin_lock_irqsave(&output_lock, flags);
	/* nobody_waits may have been set while this CPU waited or holds the lock: unlocking is harmless. */
	return flags;
}

void console_unlock(unsigned long flags)
{
	if (unlikely(READ_ONCE(nobody_waits)))
		local_irq_restore(flags);
	else
		spin_unlock_irqrestore(&output_lock, flags);
}

static void device_put(const struct console_device *dev, const char *s, size_t n)
{
	if (dev->write && !opt_sync_console && !nobody_waits) {
		dev->write(s, n);
		return;
	}
	while (n--)
		dev->putc(*s++);
}

static void devices_put(const char *s, size_t n)
{
	for (unsigned int i = 0; i < nr_devices; i++)
		device_put(devices[i], s, n);
}

/* To the devices, with a carriage return before each newline. */
static void devices_put_lines(const char *s, size_t n)
{
	while (n) {
		const char *nl = memchr(s, '\n', n);
		size_t len = nl ? (size_t)(nl - s) : n;

		if (len)
			devices_put(s, len);
		if (nl) {
			devices_put("\r\n", 2);
			len++;
		}
		s += len;
		n -= len;
	}
}

static void ring_put(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ring[(ring_prod + i) & (ring_size - 1)] = s[i];
	ring_prod += (u32)n;
	if (ring_prod - ring_start > ring_size)
		ring_start = ring_prod - ring_size;
	/* xenconsoled waits for VIRQ_CON_RING. */
	if (hardware_domain)
		raise_softirq(CONSOLE_SOFTIRQ);
}

static void emit(const char *s, size_t n, bool to_ring)
{
	devices_put_lines(s, n);
	if (to_ring)
		ring_put(s, n);
}

bool console_in_line(unsigned int source) { return mid_line && line_source == source; }

void console_put_text(unsigned int source, const char *prefix, const char *text, size_t n, bool to_ring)
{
	if (n && mid_line && line_source != source) {
		emit("\n", 1, to_ring);
		mid_line = false;
	}
	line_source = source;
	while (n) {
		const char *nl = memchr(text, '\n', n);
		size_t len = nl ? (size_t)(nl - text) + 1 : n;

		if (!mid_line && *prefix)
			emit(prefix, strlen(prefix), to_ring);
		emit(text, len, to_ring);
		mid_line = !nl;
		text += len;
		n -= len;
	}
}

/* Nothing of an unprivileged guest may control the operator's terminal. */
static char printable(char c) { return c == '\n' || c == '\t' || (c >= ' ' && c <= '~') ? c : '?'; }

void console_guest_write(const char *buf, size_t n)
{
	const struct domain *d = current->domain;
	bool raw = is_hardware_domain(d);
	char prefix[16] = "", text[128];

	if (!raw && !printk_guest_allowed(3))
		return;
	if (!raw)
		snprintf(prefix, sizeof(prefix), "(%pd) ", d);
	while (n) {
		size_t len = min(n, sizeof(text));
		unsigned long flags;

		for (size_t i = 0; i < len; i++)
			text[i] = raw ? buf[i] : printable(buf[i]);
		flags = console_lock();
		console_put_text(d->domain_id, prefix, text, len, !raw || opt_console_to_ring);
		console_unlock(flags);
		buf += len;
		n -= len;
	}
}

/* ---- the ring, for XEN_SYSCTL_readconsole ---- */

size_t console_ring_read(char *buf, size_t n, u32 *index, bool incremental)
{
	unsigned long flags = console_lock();
	u32 pos = ring_start;
	size_t len;

	/* An index that was overwritten, or is none of ours, means: from the start. */
	if (incremental && ring_prod - *index <= ring_prod - ring_start)
		pos = *index;
	len = min_t(size_t, n, ring_prod - pos);
	for (size_t i = 0; i < len; i++)
		buf[i] = ring[(pos + i) & (ring_size - 1)];
	*index = pos + (u32)len;
	console_unlock(flags);
	return len;
}

void console_ring_clear(void)
{
	unsigned long flags = console_lock();

	ring_start = ring_prod;
	console_unlock(flags);
}

size_t console_ring_size(void) { return ring_size; }

/* Moves what was printed so far into a ring of the size asked for. */
static void enlarge_ring(void)
{
	unsigned int order = get_order_from_bytes(clamp_t(u64, opt_conring_size, sizeof(early_ring), MB(64)));
	char *big = alloc_xenheap_pages(order, 0);
	u32 size = (u32)(PAGE_SIZE << order);
	unsigned long flags;

	if (!big) {
		printk(XENLOG_WARNING "Console ring: no memory for %u bytes\n", size);
		return;
	}
	flags = console_lock();
	for (u32 i = ring_start; i != ring_prod; i++)
		big[i & (size - 1)] = ring[i & (ring_size - 1)];
	ring = big;
	ring_size = size;
	console_unlock(flags);
}

/* ---- input ---- */

static bool fifo_put(struct rx_fifo *f, char c)
{
	if (f->prod - f->cons == RX_SIZE)
		return false;
	f->c[f->prod++ % RX_SIZE] = c;
	return true;
}

static bool fifo_get(struct rx_fifo *f, char *c)
{
	if (f->prod == f->cons)
		return false;
	*c = f->c[f->cons++ % RX_SIZE];
	return true;
}

void console_rx(char c)
{
	unsigned long flags;

	spin_lock_irqsave(&rx_lock, flags);
	fifo_put(&typed, c);
	spin_unlock_irqrestore(&rx_lock, flags);
	raise_softirq(CONSOLE_SOFTIRQ);
}

size_t console_dom0_read(char *buf, size_t n)
{
	unsigned long flags;
	size_t i = 0;

	spin_lock_irqsave(&rx_lock, flags);
	while (i < n && fifo_get(&for_dom0, &buf[i]))
		i++;
	spin_unlock_irqrestore(&rx_lock, flags);
	return i;
}

static void deliver(char c)
{
	unsigned long flags;

	if (focus_on_keys || !hardware_domain) {
		handle_keypress(c);
		return;
	}
	spin_lock_irqsave(&rx_lock, flags);
	fifo_put(&for_dom0, c);
	spin_unlock_irqrestore(&rx_lock, flags);
	send_guest_global_virq(hardware_domain, VIRQ_CONSOLE);
}

static void say_focus(void)
{
	printk("*** Serial input to %s (type 'CTRL-%c' three times to switch input)\n",
	       focus_on_keys ? "the hypervisor's debug keys" : "DOM0", switch_char + 'a' - 1);
}

static void handle_typed(char c)
{
	static unsigned int switches;

	if (c == switch_char) {
		if (++switches == SWITCH_COUNT) {
			switches = 0;
			focus_on_keys = !focus_on_keys;
			say_focus();
		}
		return;
	}
	/* Fewer than it takes to switch: they were meant as they are. */
	for (; switches; switches--)
		deliver(switch_char);
	deliver(c);
}

static void console_softirq(void)
{
	static DEFINE_SPINLOCK(one_at_a_time, RANK_DOMCTL);
	static u32 announced;
	unsigned long flags;
	bool news;
	char c;

	/* Input keeps its order: one CPU at a time handles it. */
	spin_lock(&one_at_a_time);
	for (;;) {
		bool any;

		spin_lock_irqsave(&rx_lock, flags);
		any = fifo_get(&typed, &c);
		spin_unlock_irqrestore(&rx_lock, flags);
		if (!any)
			break;
		handle_typed(c);
	}
	news = announced != READ_ONCE(ring_prod);
	announced = READ_ONCE(ring_prod);
	spin_unlock(&one_at_a_time);
	if (hardware_domain && news)
		send_global_virq(VIRQ_CON_RING);
}

/* ---- set-up ---- */

/* Is name an element of the comma-separated list? */
static bool in_list(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *s = list; s; s = strchr(s, ',')) {
		s += *s == ',';
		if (!strncmp(s, name, n) && (s[n] == ',' || s[n] == '\0'))
			return true;
	}
	return false;
}

void console_register(const struct console_device *dev)
{
	unsigned long flags;

	if (!in_list(opt_console, dev->name) || nr_devices == DEVICES_MAX)
		return;
	flags = console_lock();
	devices[nr_devices++] = dev;
	for (u32 i = ring_start; i != ring_prod; i++) {
		char c = ring[i & (ring_size - 1)];

		if (c == '\n')
			device_put(dev, "\r", 1);
		device_put(dev, &c, 1);
	}
	console_unlock(flags);
}

void console_init_early(void) { open_softirq(CONSOLE_SOFTIRQ, console_softirq); }

void console_init_late(void)
{
	keyhandler_init();
	enlarge_ring();
	if (opt_sync_console)
		printk(XENLOG_WARNING "Console output is synchronous: everything waits for it\n");
	say_focus();
}

/* Whoever holds the lock may never give it back: output goes on without. */
void console_force_sync(void)
{
	WRITE_ONCE(nobody_waits, true);
	for (unsigned int i = 0; i < nr_devices; i++)
		if (devices[i]->flush)
			devices[i]->flush();
}
