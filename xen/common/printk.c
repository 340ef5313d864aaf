/* SPDX-License-Identifier: GPL-2.0-only */
/* printk: formatting, log levels, and rate limits for what guests can provoke. */
#include <xen/console.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <xen/symbols.h>

#define LINE_MAX 1024
/* Rate limit: so many messages may come at once, and then one per interval. */
#define RATE_BURST    10
#define RATE_INTERVAL MILLISECS(500)

/*
 * Levels below always are printed, those from there to below limited are rate
 * limited, the others dropped. 0: errors; 4: one past debug.
 */
struct log_class {
	unsigned int always, limited;
	unsigned int tokens, suppressed;
	s_time_t refilled;
};
static struct log_class xen_class = { CONFIG_DEBUG ? 4 : 3, CONFIG_DEBUG ? 4 : 3, RATE_BURST, 0, 0 };
static struct log_class guest_class = { CONFIG_DEBUG ? 4 : 0, CONFIG_DEBUG ? 4 : 2, RATE_BURST, 0, 0 };
/* The line in progress was dropped: so is what continues it. */
static bool line_dropped;

static int parse_level(const char **s)
{
	static const char *const names[] = { "none", "error", "warning", "info", "debug", "all" };

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		size_t n = strlen(names[i]);

		if (!strncmp(*s, names[i], n)) {
			*s += n;
			return (int)min(i, 4U);
		}
	}
	return -1;
}

static int parse_log_class(struct log_class *c, const char *s)
{
	int always = parse_level(&s), limited = always;

	if (*s == '/') {
		s++;
		limited = parse_level(&s);
	}
	if (always < 0 || limited < 0 || *s)
		return -EINVAL;
	c->always = (unsigned int)always;
	c->limited = (unsigned int)max(always, limited);
	return 0;
}

static int parse_loglvl(const char *s) { return parse_log_class(&xen_class, s); }
static int parse_guest_loglvl(const char *s) { return parse_log_class(&guest_class, s); }
custom_param("loglvl", parse_loglvl,
	     "LEVEL[/LIMITED]: none, error, warning, info, debug or all; what is printed always, and rate limited");
custom_param("guest_loglvl", parse_guest_loglvl, "as loglvl, for what guests cause; default none/warning");

static bool console_timestamps;
boolean_param("console_timestamps", console_timestamps,
	      "put the time since boot before each line; default off");

/* True if a message of this level may be printed. Caller holds the console lock. */
static bool level_allowed(struct log_class *c, unsigned int level)
{
	s_time_t now;

	if (level < c->always)
		return true;
	if (level >= c->limited)
		return false;
	now = NOW();
	if (now - c->refilled >= RATE_INTERVAL) {
		u64 n = (u64)(now - c->refilled) / RATE_INTERVAL;

		c->tokens = (unsigned int)min_t(u64, c->tokens + n, RATE_BURST);
		c->refilled = now;
	}
	if (!c->tokens) {
		c->suppressed++;
		return false;
	}
	c->tokens--;
	return true;
}

bool printk_guest_allowed(unsigned int level)
{
	unsigned long flags = console_lock();
	bool yes = level_allowed(&guest_class, level);

	console_unlock(flags);
	return yes;
}

static const char *xen_prefix(void)
{
	static char prefix[40];
	s_time_t now;

	if (!console_timestamps)
		return "(XEN) ";
	now = NOW();
	snprintf(prefix, sizeof(prefix), "(XEN) [%5ld.%06ld] ", (long)(now / SECONDS(1)),
		 (long)(now % SECONDS(1) / 1000));
	return prefix;
}

/* Takes "<G>" and "<n>" off the front of a format; level stays as it is without one. */
static const char *take_level(const char *fmt, unsigned int *level, struct log_class **class)
{
	if (!strncmp(fmt, "<G>", 3)) {
		*class = &guest_class;
		fmt += 3;
	}
	if (fmt[0] == '<' && fmt[1] >= '0' && fmt[1] <= '3' && fmt[2] == '>') {
		*level = (unsigned int)(fmt[1] - '0');
		fmt += 3;
	}
	return fmt;
}

static void put_message(const char *text, size_t n)
{
	console_put_text(CONSOLE_SOURCE_XEN, xen_prefix(), text, n, true);
}

static void say_suppressed(struct log_class *c)
{
	char text[64];

	if (likely(!c->suppressed) || console_in_line(CONSOLE_SOURCE_XEN))
		return;
	put_message(text, (size_t)snprintf(text, sizeof(text), "(%u messages suppressed)\n", c->suppressed));
	c->suppressed = 0;
}

/* v: named ahead of the text, unless NULL. */
static __printf(1, 0) void print_message(const char *fmt, va_list ap, const struct vcpu *v)
{
	static char line[LINE_MAX]; /* console lock */
	unsigned int level = 4; /* 4: none given */
	struct log_class *class = &xen_class;
	unsigned long flags;
	size_t n = 0;
	bool drop;

	fmt = take_level(fmt, &level, &class);
	flags = console_lock();
	if (level == 4 && (line_dropped || console_in_line(CONSOLE_SOURCE_XEN)))
		drop = line_dropped;
	else
		drop = !level_allowed(class, level == 4 ? 1 : level);
	if (v)
		n = (size_t)snprintf(line, sizeof(line), "%pv ", v);
	n += (size_t)vsnprintf(line + n, sizeof(line) - n, fmt, ap);
	n = min(n, sizeof(line) - 1);
	line_dropped = drop && n && line[n - 1] != '\n';
	if (!drop) {
		say_suppressed(class);
		put_message(line, n);
	}
	console_unlock(flags);
}

void vprintk(const char *fmt, va_list ap) { print_message(fmt, ap, NULL); }

void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_message(fmt, ap, NULL);
	va_end(ap);
}

void gprintk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print_message(fmt, ap, current);
	va_end(ap);
}

static int format_domain(char *buf, size_t size, const struct domain *d)
{
	static const struct {
		domid_t id;
		const char *name;
	} special[] = {
		{ DOMID_IDLE, "IDLE" },
		{ DOMID_XEN, "XEN" },
		{ DOMID_IO, "IO" },
		{ DOMID_INVALID, "INVALID" },
	};

	if (!d)
		return snprintf(buf, size, "d?");
	for (unsigned int i = 0; i < ARRAY_SIZE(special); i++)
		if (d->domain_id == special[i].id)
			return snprintf(buf, size, "d[%s]", special[i].name);
	return snprintf(buf, size, "d%u", d->domain_id);
}

static void format_vcpu(char *buf, size_t size, const struct vcpu *v)
{
	size_t n;

	if (!v) {
		snprintf(buf, size, "d?v?");
		return;
	}
	n = (size_t)format_domain(buf, size, v->domain);
	snprintf(buf + n, size - n, "v%u", v->vcpu_id);
}

static void format_symbol(char *buf, size_t size, unsigned long addr)
{
	unsigned long offset, len;
	const char *name = symbols_lookup(addr, &offset, &len);

	if (name)
		snprintf(buf, size, "%s+%#lx/%#lx", name, offset, len);
	else
		snprintf(buf, size, "%016lx", addr);
}

bool format_pointer(char *buf, size_t size, char kind, const void *p)
{
	switch (kind) {
	case 'S':
		format_symbol(buf, size, (unsigned long)p);
		return true;
	case 'd':
		format_domain(buf, size, p);
		return true;
	case 'v':
		format_vcpu(buf, size, p);
		return true;
	default:
		return false;
	}
}
