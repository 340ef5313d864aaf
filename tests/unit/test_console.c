/* SPDX-License-Identifier: GPL-2.0-only */
/* printk and the console: levels, limits, whole lines, the ring, input focus. */
#include <xen/console.h>
#include <xen/event.h>
#include <xen/keyhandler.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/percpu.h>
#include <xen/sched.h>
#include <xen/symbols.h>
#include "host/arena.h"
#include "host/stubs.h"
#include "host/tap.h"

static struct domain dom[3];
static struct vcpu vcpus[3];
struct domain *hardware_domain;
DEFINE_PER_CPU(struct vcpu *, curr_vcpu);

static char out[1 << 18];
static size_t out_len;
static unsigned int virqs, ring_virqs;
static char keys_pressed[16];

/* ---- what surrounds the console ---- */

static void device_putc(char c)
{
	if (out_len < sizeof(out) - 1)
		out[out_len++] = c;
}
static const struct console_device device = { .name = "com1", .putc = device_putc };

void send_guest_global_virq(struct domain *d, u32 virq)
{
	CHECK(d == hardware_domain && virq == VIRQ_CONSOLE);
	virqs++;
}
void send_global_virq(u32 virq)
{
	CHECK_EQ(virq, VIRQ_CON_RING);
	ring_virqs++;
}
bool handle_keypress(char key)
{
	keys_pressed[strlen(keys_pressed)] = key;
	return true;
}
void keyhandler_init(void) {}
void *alloc_xenheap_pages(unsigned int order, unsigned int flags) { return host_alloc(PAGE_SIZE << order); }
const char *symbols_lookup(unsigned long addr, unsigned long *offset, unsigned long *len)
{
	if (addr < 0x1000 || addr >= 0x1100)
		return NULL;
	*offset = addr - 0x1000;
	*len = 0x100;
	return "function";
}

static void before(void)
{
	host_percpu_init(1);
	softirq_init();
	for (unsigned int i = 0; i < 3; i++) {
		dom[i].domain_id = (domid_t)i;
		vcpus[i].domain = &dom[i];
	}
	current = &vcpus[0];
	console_init_early();
	console_register(&device);
	cmdline_parse("loglvl=all guest_loglvl=all/all");
}

/* What came out since the last look. */
static const char *said(void)
{
	out[out_len] = '\0';
	out_len = 0;
	return out;
}

static void lines_get_a_prefix_and_a_carriage_return(void)
{
	printk("one\ntwo %d\n", 2);
	CHECK_STR(said(), "(XEN) one\r\n(XEN) two 2\r\n");
	printk("a");
	printk("b\n");
	CHECK_STR(said(), "(XEN) ab\r\n");
}

static void levels_decide_what_is_printed(void)
{
	cmdline_parse("loglvl=warning guest_loglvl=none");
	printk(XENLOG_ERR "e\n");
	printk(XENLOG_WARNING "w\n");
	printk(XENLOG_INFO "i\n");
	printk(XENLOG_G_ERR "g\n");
	printk("plain\n");
	CHECK_STR(said(), "(XEN) e\r\n(XEN) w\r\n(XEN) plain\r\n");
	cmdline_parse("loglvl=error");
	printk("plain\n");
	printk(XENLOG_ERR "e\n");
	CHECK_STR(said(), "(XEN) e\r\n");
	cmdline_parse("loglvl=info guest_loglvl=debug");
	printk(XENLOG_INFO "i\n");
	printk(XENLOG_DEBUG "d\n");
	printk(XENLOG_G_INFO "g\n");
	printk("plain\n");
	CHECK_STR(said(), "(XEN) i\r\n(XEN) g\r\n(XEN) plain\r\n");
}

static void what_continues_a_dropped_line_is_dropped(void)
{
	cmdline_parse("loglvl=warning");
	printk(XENLOG_DEBUG "a");
	printk("b");
	printk("c\n");
	printk(XENLOG_ERR "d\n");
	CHECK_STR(said(), "(XEN) d\r\n");
}

static void guests_are_rate_limited(void)
{
	unsigned int lines = 0;

	cmdline_parse("guest_loglvl=none/all");
	host_now = SECONDS(100);
	for (unsigned int i = 0; i < 1000; i++)
		printk(XENLOG_G_ERR "x\n");
	for (const char *s = said(); (s = strchr(s, '\n')); s++)
		lines++;
	CHECK_EQ(lines, 10);
	host_now += SECONDS(1);
	printk(XENLOG_G_ERR "y\n");
	CHECK_STR(said(), "(XEN) (990 messages suppressed)\r\n(XEN) y\r\n");
	/* The hypervisor's own are not. */
	for (unsigned int i = 0; i < 100; i++)
		printk(XENLOG_ERR "z\n");
	lines = 0;
	for (const char *s = said(); (s = strchr(s, '\n')); s++)
		lines++;
	CHECK_EQ(lines, 100);
}

static void names_print(void)
{
	struct domain special = { .domain_id = DOMID_IDLE };

	vcpus[2].vcpu_id = 5;
	printk("%pd %pv %pd %pd|%pS|%pS|%p\n", &dom[1], &vcpus[2], &special, NULL, (void *)0x1010, (void *)0x99,
	       (void *)0x12);
	CHECK_STR(said(), "(XEN) d1 d2v5 d[IDLE] d?|function+0x10/0x100|0000000000000099|0000000000000012\r\n");
	current = &vcpus[2];
	gprintk(XENLOG_G_WARNING "did %d\n", 3);
	CHECK_STR(said(), "(XEN) d2v5 did 3\r\n");
}

static void sources_do_not_mix_within_a_line(void)
{
	hardware_domain = &dom[0];
	console_guest_write("login: ", 7);
	printk("message\n");
	console_guest_write("x\n", 2);
	CHECK_STR(said(), "login: \r\n(XEN) message\r\nx\r\n");
	current = &vcpus[1];
	console_guest_write("a", 1);
	console_guest_write("b\nc", 3);
	current = &vcpus[2];
	console_guest_write("d\n", 2);
	CHECK_STR(said(), "(d1) ab\r\n(d1) c\r\n(d2) d\r\n");
}

static void guests_cannot_control_the_terminal(void)
{
	hardware_domain = &dom[0];
	console_guest_write("\033[2J\n", 5);
	CHECK_STR(said(), "\033[2J\r\n");
	current = &vcpus[1];
	console_guest_write("\033[2J\001\n", 6);
	CHECK_STR(said(), "(d1) ?[2J?\r\n");
}

static void a_device_that_comes_late_gets_all(void)
{
	static const struct console_device late = { .name = "com2", .putc = device_putc };

	printk("early\n");
	said();
	console_register(&late);
	CHECK_STR(said(), "");
	cmdline_parse("console=com1,com2");
	console_register(&late);
	CHECK_STR(said(), "(XEN) early\r\n");
}

/* ---- the ring ---- */

static void the_ring_is_read_in_pieces(void)
{
	char buf[64];
	u32 index = 0;
	size_t n;

	printk("one\n");
	n = console_ring_read(buf, 4, &index, false);
	CHECK_EQ(n, 4);
	CHECK_EQ(index, 4);
	n = console_ring_read(buf, sizeof(buf) - 1, &index, true);
	buf[n] = '\0';
	CHECK_STR(buf, ") one\n");
	CHECK_EQ(console_ring_read(buf, sizeof(buf), &index, true), 0);
	printk("two\n");
	n = console_ring_read(buf, sizeof(buf) - 1, &index, true);
	buf[n] = '\0';
	CHECK_STR(buf, "(XEN) two\n");
	console_ring_clear();
	CHECK_EQ(console_ring_read(buf, sizeof(buf), &index, false), 0);
}

static void the_ring_keeps_the_latest(void)
{
	static char buf[1 << 18];
	u32 index = 0, stale = 5;
	size_t n;

	for (unsigned int i = 0; i < 3000; i++)
		printk("line %u\n", i);
	n = console_ring_read(buf, sizeof(buf), &index, false);
	CHECK_EQ(n, console_ring_size());
	CHECK(!memcmp(buf + n - 16, "(XEN) line 2999\n", 16));
	/* What was overwritten is not given again. */
	CHECK_EQ(console_ring_read(buf, sizeof(buf), &stale, true), console_ring_size());
	console_init_late();
	CHECK_EQ(console_ring_size(), KB(128));
	n = console_ring_read(buf, sizeof(buf), &index, false);
	CHECK(n > KB(16));
	CHECK(!memcmp(buf + KB(16) - 16, "(XEN) line 2999\n", 16));
}

/* ---- input ---- */

static void type(const char *s)
{
	for (; *s; s++)
		console_rx(*s);
	do_softirq();
}

static const char *dom0_got(void)
{
	static char buf[256];

	buf[console_dom0_read(buf, sizeof(buf) - 1)] = '\0';
	return buf;
}

static void input_goes_to_dom0_until_switched(void)
{
	hardware_domain = &dom[0];
	type("ls\r");
	CHECK_STR(dom0_got(), "ls\r");
	CHECK_EQ(virqs, 3);
	type("\001\001\001m");
	CHECK_STR(keys_pressed, "m");
	CHECK_STR(dom0_got(), "");
	type("\001\001\001x");
	CHECK_STR(keys_pressed, "m");
	CHECK_STR(dom0_got(), "x");
}

static void fewer_switch_characters_are_input(void)
{
	hardware_domain = &dom[0];
	type("\001\001");
	CHECK_STR(dom0_got(), "");
	type("b");
	CHECK_STR(dom0_got(), "\001\001b");
}

static void too_much_input_is_dropped(void)
{
	hardware_domain = &dom[0];
	for (unsigned int i = 0; i < 1000; i++)
		console_rx('a');
	do_softirq();
	CHECK_EQ(strlen(dom0_got()), 128);
	type("b");
	CHECK_STR(dom0_got(), "b");
}

static void new_text_in_the_ring_is_announced(void)
{
	hardware_domain = &dom[0];
	printk("x\n");
	printk("y\n");
	do_softirq();
	CHECK_EQ(ring_virqs, 1);
	do_softirq();
	CHECK_EQ(ring_virqs, 1);
}

static const struct unit_case cases[] = {
	CASE(lines_get_a_prefix_and_a_carriage_return),
	CASE(levels_decide_what_is_printed),
	CASE(what_continues_a_dropped_line_is_dropped),
	CASE(guests_are_rate_limited),
	CASE(names_print),
	CASE(sources_do_not_mix_within_a_line),
	CASE(guests_cannot_control_the_terminal),
	CASE(a_device_that_comes_late_gets_all),
	CASE(the_ring_is_read_in_pieces),
	CASE(the_ring_keeps_the_latest),
	CASE(input_goes_to_dom0_until_switched),
	CASE(fewer_switch_characters_are_input),
	CASE(too_much_input_is_dropped),
	CASE(new_text_in_the_ring_is_announced),
};
TAP_MAIN(cases, before);
