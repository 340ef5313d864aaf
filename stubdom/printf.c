/* SPDX-License-Identifier: GPL-2.0-only */
/* Formatted print: %d %i %u %x %X %p %s %c %%, l/ll/z, width, '0', '-' and precision of %s. */
#include <stubdom/lib.h>

struct out {
	char *buf;
	size_t size, len;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_padded(struct out *o, const char *s, size_t n, int width, bool left, char pad)
{
	int fill = width > (int)n ? width - (int)n : 0;

	for (; !left && fill; fill--)
		put(o, pad);
	while (n--)
		put(o, *s++);
	for (; fill; fill--)
		put(o, ' ');
}

static size_t format_number(char *end, unsigned long v, unsigned int base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	size_t n = 0;

	do {
		*--end = digits[v % base];
		n++;
	} while (v /= base);
	return n;
}

/* One integer conversion; conv is one of d i u x X p. */
static void put_integer(struct out *o, char conv, unsigned long v, int width, bool left, char pad)
{
	char tmp[24];
	size_t n;
	bool neg = (conv == 'd' || conv == 'i') && (long)v < 0;

	n = format_number(tmp + sizeof(tmp), neg ? -v : v,
			  conv == 'x' || conv == 'X' || conv == 'p' ? 16 : 10, conv == 'X');
	if (neg && pad == '0') {
		put(o, '-');
		width--;
	} else if (neg) {
		tmp[sizeof(tmp) - ++n] = '-';
	}
	put_padded(o, tmp + sizeof(tmp) - n, n, width, left, pad);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { buf, size, 0 };

	for (; *fmt; fmt++) {
		bool left = false;
		int width = 0, prec = -1, longs = 0;
		char pad = ' ';

		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		for (fmt++; *fmt == '-' || *fmt == '0'; fmt++) {
			left |= *fmt == '-';
			pad = *fmt == '0' ? '0' : pad;
		}
		for (; *fmt >= '0' && *fmt <= '9'; fmt++)
			width = width * 10 + (*fmt - '0');
		if (*fmt == '.')
			for (fmt++, prec = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
				prec = prec * 10 + (*fmt - '0');
		for (; *fmt == 'l' || *fmt == 'z'; fmt++)
			longs++;
		if (*fmt == 's') {
			const char *s = va_arg(ap, const char *);
			size_t n = strlen(s ? s : "(null)");

			put_padded(&o, s ? s : "(null)", prec >= 0 && n > (size_t)prec ? (size_t)prec : n,
				   width, left, ' ');
		} else if (*fmt == 'c') {
			put(&o, (char)va_arg(ap, int));
		} else if (*fmt == '%') {
			put(&o, '%');
		} else if (longs || *fmt == 'p') {
			put_integer(&o, *fmt, va_arg(ap, unsigned long), width, left, pad);
		} else if (*fmt == 'd' || *fmt == 'i') {
			put_integer(&o, *fmt, (unsigned long)(long)va_arg(ap, int), width, left, pad);
		} else if (*fmt) {
			put_integer(&o, *fmt, va_arg(ap, unsigned int), width, left, pad);
		} else {
			break;
		}
	}
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
