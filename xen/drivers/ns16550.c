/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Serial ports: 16550 UARTs at COM1 and COM2. Output goes through a ring that
 * the transmit interrupt empties, so that printing costs a copy; before
 * interrupts work, each write sends what the UART takes just then. Source:
 * PC16550D data sheet.
 */
#include <xen/console.h>
#include <xen/errno.h>
#include <xen/irq.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/serial.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <asm/apic.h>
#include <asm/hvm.h>
#include <asm/io.h>
#include <asm/irqflags.h>

#define THR		 0 /* write; read: RBR; with DLAB: DLL */
#define IER		 1 /* with DLAB: DLM */
#define IER_RX		 0x01
#define IER_TX		 0x02
#define IIR		 2 /* read */
#define IIR_NONE	 0x01
#define FCR		 2 /* write */
#define LCR		 3
#define LCR_DLAB	 0x80
#define MCR		 4
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR		 5
#define LSR_DATA	 0x01
#define LSR_THRE	 0x20
#define SCRATCH		 7

#define CLOCK_HZ	 1843200
#define FIFO_SIZE	 16
#define TX_RING		 32768 /* power of two */
#define POLL_PERIOD	 MILLISECS(50)

struct uart {
	const char *name;
	char options[64];
	u32 baud; /* 0: as the firmware or loader left it */
	u8 lcr;
	u16 port;
	int irq; /* ISA interrupt; -1: none */
	u32 gsi;
	bool present, irq_works;
	bool polled; /* interrupts will not work: writes wait */
	spinlock_t lock; /* what follows, and the registers */
	struct timer poll_timer; /* if polled */
	u8 ier;
	unsigned int prod, cons;
	char ring[TX_RING];
};
static struct uart uarts[2] = {
	{ .name = "com1", .port = 0x3f8, .irq = 4, .lcr = 3, .lock = SPIN_LOCK_INIT(RANK_LEAF) },
	{ .name = "com2", .port = 0x2f8, .irq = 3, .lcr = 3, .lock = SPIN_LOCK_INIT(RANK_LEAF) },
};
#define UART_HELP                                                                                    \
	"BAUD|auto[,DPS[,PORT[,IRQ]]]: speed, data bits, parity n|o|e and stop bits, I/O port, ISA " \
	"interrupt (0: polled); default: speed as the loader left it, 8n1, the usual port and interrupt"
static int parse_com(struct uart *u, const char *s);
static int parse_com1(const char *s) { return parse_com(&uarts[0], s); }
static int parse_com2(const char *s) { return parse_com(&uarts[1], s); }
custom_param("com1", parse_com1, UART_HELP);
custom_param("com2", parse_com2, UART_HELP);

/* ---- options ---- */

static bool parse_format(struct uart *u, const char *s)
{
	static const char parities[] = "noe";
	const char *p = s[0] ? strchr(parities, s[1]) : NULL;
	static const u8 bits[] = { 0x00, 0x08, 0x18 };

	if (s[0] < '5' || s[0] > '8' || !s[1] || !p || (s[2] != '1' && s[2] != '2'))
		return false;
	u->lcr = (u8)((s[0] - '5') | bits[p - parities] | (s[2] == '2' ? 4 : 0));
	return true;
}

static int parse_com(struct uart *u, const char *s)
{
	const char *end;
	unsigned long long v;

	if (!strncmp(s, "auto", 4)) {
		end = s + 4;
	} else {
		v = strtoull(s, &end, 10);
		if (end == s || !v || v > CLOCK_HZ / 16 || (CLOCK_HZ / 16) / v > 0xffff)
			return -EINVAL;
		u->baud = (u32)v;
	}
	if (*end != ',')
		return *end ? -EINVAL : 0;
	s = end + 1;
	if (*s && *s != ',') {
		if (!parse_format(u, s))
			return -EINVAL;
		s += 3;
	}
	if (*s != ',')
		return *s ? -EINVAL : 0;
	v = strtoull(++s, &end, 0);
	if (end != s) {
		if (v > 0xfff8)
			return -EINVAL;
		u->port = (u16)v;
	}
	if (*end != ',')
		return *end ? -EINVAL : 0;
	s = end + 1;
	v = strtoull(s, &end, 10);
	if (end == s || *end || v > 15)
		return -EINVAL;
	u->irq = v ? (int)v : -1;
	return 0;
}

/* ---- the UART ---- */

static u8 reg_read(const struct uart *u, u16 r) { return inb((u16)(u->port + r)); }
static void reg_write(const struct uart *u, u16 r, u8 v) { outb(v, (u16)(u->port + r)); }

/* Fills the transmitter's FIFO if it is empty. False when it was not. */
static bool send_some(struct uart *u)
{
	if (!(reg_read(u, LSR) & LSR_THRE))
		return false;
	for (unsigned int i = 0; i < FIFO_SIZE && u->cons != u->prod; i++)
		reg_write(u, THR, (u8)u->ring[u->cons++ % TX_RING]);
	return true;
}

/*
 * Sends a FIFO's worth; bounded, in case the transmitter never gets empty. It may be the interrupt that
 * finds it empty each time, here or on another CPU: that counts as well.
 */
static void send_waiting(struct uart *u)
{
	u32 cons = READ_ONCE(u->cons);

	for (unsigned int i = 0; i < 1000000; i++) {
		if (send_some(u) || READ_ONCE(u->cons) != cons)
			return;
		cpu_relax();
	}
	u->cons = u->prod;
}

static void set_ier(struct uart *u, u8 ier)
{
	if (u->ier == ier)
		return;
	u->ier = ier;
	reg_write(u, IER, ier);
}

static void uart_write(struct uart *u, const char *s, size_t n)
{
	unsigned long flags;

	spin_lock_irqsave(&u->lock, flags);
	while (n--) {
		while (u->prod - u->cons == TX_RING)
			send_waiting(u);
		u->ring[u->prod++ % TX_RING] = *s++;
	}
	send_some(u);
	while (u->polled && u->prod != u->cons)
		send_waiting(u);
	if (u->irq_works && u->prod != u->cons)
		set_ier(u, IER_RX | IER_TX);
	spin_unlock_irqrestore(&u->lock, flags);
}

/* Without the lock: for panics, when whoever holds it may have stopped. */
static void uart_flush(struct uart *u)
{
	while (u->prod != u->cons)
		send_waiting(u);
}

static void uart_putc(struct uart *u, char c)
{
	unsigned long flags = local_irq_save();

	uart_flush(u);
	u->ring[u->prod++ % TX_RING] = c;
	uart_flush(u);
	local_irq_restore(flags);
}

static void uart_interrupt(unsigned int irq, void *data)
{
	struct uart *u = data;
	char rx[64];
	unsigned int n = 0;

	spin_lock(&u->lock);
	for (unsigned int i = 0; i < 32 && n < sizeof(rx) && !(reg_read(u, IIR) & IIR_NONE); i++) {
		while (n < sizeof(rx) && reg_read(u, LSR) & LSR_DATA)
			rx[n++] = (char)reg_read(u, THR);
		send_some(u);
		if (u->prod == u->cons)
			set_ier(u, IER_RX);
	}
	/* It may still ask; an edge is seen only when the line goes down in between. */
	reg_write(u, IER, 0);
	reg_write(u, IER, u->ier);
	spin_unlock(&u->lock);
	for (unsigned int i = 0; i < n; i++)
		console_rx(rx[i]);
}

/* Without interrupts: input looked for now and then, output waits for itself. */
static void poll_input(void *data)
{
	struct uart *u = data;

	for (unsigned int i = 0; i < FIFO_SIZE && reg_read(u, LSR) & LSR_DATA; i++)
		console_rx((char)reg_read(u, THR));
	set_timer(&u->poll_timer, NOW() + POLL_PERIOD);
}

/* ---- the console's two devices ---- */

#define UART_DEVICE(i, com)                                                               \
	static void com##_putc(char c) { uart_putc(&uarts[i], c); }                       \
	static void com##_write(const char *s, size_t n) { uart_write(&uarts[i], s, n); } \
	static void com##_flush(void) { uart_flush(&uarts[i]); }                          \
	static const struct console_device com = { #com, com##_putc, com##_write, com##_flush };
UART_DEVICE(0, com1)
UART_DEVICE(1, com2)

static bool __init detect(struct uart *u)
{
	/* The scratch register keeps a value, and an absent port reads as ones. */
	reg_write(u, SCRATCH, 0x5a);
	if (reg_read(u, SCRATCH) != 0x5a)
		return false;
	reg_write(u, SCRATCH, 0xa5);
	return reg_read(u, SCRATCH) == 0xa5;
}

static void __init set_up(struct uart *u)
{
	reg_write(u, IER, 0);
	if (u->baud) {
		u32 divisor = CLOCK_HZ / 16 / u->baud;

		reg_write(u, LCR, u->lcr | LCR_DLAB);
		reg_write(u, THR, (u8)divisor);
		reg_write(u, IER, (u8)(divisor >> 8));
	}
	reg_write(u, LCR, u->lcr);
	reg_write(u, MCR, MCR_DTR_RTS_OUT2);
	reg_write(u, FCR, 0x07); /* enable and clear both FIFOs, interrupt at one byte */
}

void __init ns16550_init(void)
{
	static const struct console_device *const devices[] = { &com1, &com2 };

	for (unsigned int i = 0; i < ARRAY_SIZE(uarts); i++) {
		uarts[i].present = detect(&uarts[i]);
		if (!uarts[i].present)
			continue;
		set_up(&uarts[i]);
		hvm_claim_ports(uarts[i].port, 8);
		console_register(devices[i]);
	}
}

void __init ns16550_start_irqs(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(uarts); i++) {
		struct uart *u = &uarts[i];
		unsigned long flags;
		int rc;

		if (!u->present)
			continue;
		rc = u->irq < 0 ? -ENODEV : request_irq(isa_irqs[u->irq].gsi, u->name, uart_interrupt, u);
		if (rc) {
			u->polled = true;
			init_timer(&u->poll_timer, poll_input, u, 0);
			poll_input(u);
			printk("%s: no interrupt (%d): polled\n", u->name, rc);
			continue;
		}
		spin_lock_irqsave(&u->lock, flags);
		u->irq_works = true;
		set_ier(u, IER_RX | (u->prod != u->cons ? IER_TX : 0));
		spin_unlock_irqrestore(&u->lock, flags);
	}
}
