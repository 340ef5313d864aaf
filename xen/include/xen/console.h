/* SPDX-License-Identifier: GPL-2.0-only */
/* The console: ring of what was printed, serial ports, input focus. */
#ifndef XEN_CONSOLE_H
#define XEN_CONSOLE_H

/* A character device the console drives (drivers/ns16550.c). putc may spin; getc < 0: nothing there. */
struct console_device {
	const char *name;
	void (*putc)(char c);
	/* Queue what fits into the transmit buffer and return; the rest is sent by interrupt. NULL: use putc. */
	void (*write)(const char *s, size_t n);
	void (*flush)(void);
};
void console_register(const struct console_device *dev);
/* Input from the device's interrupt handler: goes to dom0 (VIRQ_CONSOLE) or to the debug keys. */
void console_rx(char c);
/*
 * A device counts as a console when its name is in console= (default: com1). It then gets all that was
 * printed so far. early: nothing allocated; late: the ring of conring_size=, input, softirq.
 */
void console_init_early(void);
void console_init_late(void);
/* Synchronous output from here on: panic, reboot. */
void console_force_sync(void);
/* Raw output of a guest's CONSOLEIO_write (already copied); prefix "(dN) " for guests, none for dom0. */
void console_guest_write(const char *buf, size_t n);
/* Takes up to n characters typed for dom0. */
size_t console_dom0_read(char *buf, size_t n);
/* XEN_SYSCTL_readconsole on the ring: copies from *index (or the start), returns bytes, updates *index. */
size_t console_ring_read(char *buf, size_t n, u32 *index, bool incremental);
void console_ring_clear(void);
size_t console_ring_size(void);

/* ---- between printk.c and console.c ---- */
/* Serialises output; any context. After console_force_sync() nobody waits any more. */
unsigned long console_lock(void);
void console_unlock(unsigned long flags);
#define CONSOLE_SOURCE_XEN 0x10000U /* else: a domain id */
/* Text of one source: each of its lines starts with prefix, and never in the middle of another's line. */
void console_put_text(unsigned int source, const char *prefix, const char *text, size_t n, bool to_ring);
/* True when the last thing put was an unfinished line of this source. */
bool console_in_line(unsigned int source);
/* Would a guest's message of this level (0 to 3) be printed now? Counts against its rate limit. */
bool printk_guest_allowed(unsigned int level);

#endif
