/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Formatted printing into a buffer: C99 integers, characters and strings, no
 * floating point. %p takes a letter for kinds format_pointer() knows.
 */
#include <xen/lib.h>

struct out {
	char *buf;
	size_t size; /* of buf, the terminating zero included */
	size_t len; /* characters the whole text has so far */
};

struct spec {
	bool left, plus, space, alt, zero, upper;
	int width, precision; /* precision < 0: none given */
	unsigned int base;
	char length; /* 'H' for hh, 'h', 'l' for l ll z t j, 0 */
};

static void put_char(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_repeated(struct out *o, char c, int n)
{
	for (; n > 0; n--)
		put_char(o, c);
}

static void put_string(struct out *o, const struct spec *sp, const char *s)
{
	size_t limit = sp->precision < 0 ? ~0UL : (size_t)sp->precision;
	int len;

	if (!s)
		s = "(null)";
	len = (int)strnlen(s, limit);
	if (!sp->left)
		put_repeated(o, ' ', sp->width - len);
	for (int i = 0; i < len; i++)
		put_char(o, s[i]);
	if (sp->left)
		put_repeated(o, ' ', sp->width - len);
}

static void put_number(struct out *o, const struct spec *sp, unsigned long long val, bool negative)
{
	const char *digits = sp->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char tmp[24], prefix[3];
	int len = 0, plen = 0, zeros, pad;

	if (sp->alt && sp->base == 16 && val) {
		prefix[plen++] = '0';
		prefix[plen++] = sp->upper ? 'X' : 'x';
	} else if (negative) {
		prefix[plen++] = '-';
	} else if (sp->plus || sp->space) {
		prefix[plen++] = sp->plus ? '+' : ' ';
	}
	for (; val; val /= sp->base)
		tmp[len++] = digits[val % sp->base];
	zeros = (sp->precision < 0 ? 1 : sp->precision) - len;
	if (sp->alt && sp->base == 8 && zeros < 1)
		zeros = 1;
	zeros = max(zeros, 0);
	if (sp->zero && !sp->left && sp->precision < 0)
		zeros = max(zeros, sp->width - plen - len);
	pad = sp->width - plen - zeros - len;
	if (!sp->left)
		put_repeated(o, ' ', pad);
	for (int i = 0; i < plen; i++)
		put_char(o, prefix[i]);
	put_repeated(o, '0', zeros);
	while (len)
		put_char(o, tmp[--len]);
	if (sp->left)
		put_repeated(o, ' ', pad);
}

/* %p, or %p and the letter at *fmt; returns the first character not used. */
static const char *put_pointer(struct out *o, struct spec *sp, const char *fmt, const void *p)
{
	char text[128];

	if (*fmt >= 'A' && *fmt <= 'z' && format_pointer(text, sizeof(text), *fmt, p)) {
		put_string(o, sp, text);
		return fmt + 1;
	}
	sp->base = 16;
	sp->precision = 16;
	put_number(o, sp, (unsigned long)p, false);
	return fmt;
}

static const char *parse_spec(struct spec *sp, const char *fmt)
{
	*sp = (struct spec){ .precision = -1, .base = 10 };
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			sp->left = true;
			continue;
		case '+':
			sp->plus = true;
			continue;
		case ' ':
			sp->space = true;
			continue;
		case '#':
			sp->alt = true;
			continue;
		case '0':
			sp->zero = true;
			continue;
		default:
			return fmt;
		}
	}
}

/* A number or, as *, the next argument. */
static const char *parse_count(const char *fmt, int *n, va_list *ap)
{
	if (*fmt == '*') {
		*n = va_arg(*ap, int);
		return fmt + 1;
	}
	for (*n = 0; *fmt >= '0' && *fmt <= '9'; fmt++)
		*n = min(*n * 10 + (*fmt - '0'), 4096);
	return fmt;
}

static const char *parse_length(struct spec *sp, const char *fmt)
{
	for (;; fmt++) {
		switch (*fmt) {
		case 'h':
			sp->length = sp->length == 'h' ? 'H' : 'h';
			break;
		case 'l':
		case 'z':
		case 't':
		case 'j':
			sp->length = 'l';
			break;
		default:
			return fmt;
		}
	}
}

static void put_signed(struct out *o, const struct spec *sp, va_list *ap)
{
	long val = sp->length == 'l' ? va_arg(*ap, long) : va_arg(*ap, int);

	if (sp->length == 'h')
		val = (short)val;
	else if (sp->length == 'H')
		val = (signed char)val;
	put_number(o, sp, val < 0 ? 0 - (unsigned long)val : (unsigned long)val, val < 0);
}

static void put_unsigned(struct out *o, const struct spec *sp, va_list *ap)
{
	unsigned long val = sp->length == 'l' ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned int);
	struct spec plain = *sp;

	if (sp->length == 'h')
		val = (unsigned short)val;
	else if (sp->length == 'H')
		val = (unsigned char)val;
	plain.plus = false;
	plain.space = false;
	put_number(o, &plain, val, false);
}

/* The conversion at fmt, its specification parsed; returns the first character not used. */
static const char *convert(struct out *o, struct spec *sp, const char *fmt, va_list *ap)
{
	switch (*fmt++) {
	case 'd':
	case 'i':
		put_signed(o, sp, ap);
		return fmt;
	case 'X':
		sp->upper = true;
		fallthrough;
	case 'x':
		sp->base = 16;
		put_unsigned(o, sp, ap);
		return fmt;
	case 'o':
		sp->base = 8;
		fallthrough;
	case 'u':
		put_unsigned(o, sp, ap);
		return fmt;
	case 'c':
		put_repeated(o, ' ', sp->left ? 0 : sp->width - 1);
		put_char(o, (char)va_arg(*ap, int));
		put_repeated(o, ' ', sp->left ? sp->width - 1 : 0);
		return fmt;
	case 's':
		put_string(o, sp, va_arg(*ap, const char *));
		return fmt;
	case 'p':
		return put_pointer(o, sp, fmt, va_arg(*ap, const void *));
	case '\0':
		return fmt - 1;
	default:
		/* "%%", and what is unknown, as it stands */
		put_char(o, fmt[-1]);
		return fmt;
	}
}

/* Returns the length of the whole text; what does not fit is cut, the buffer always terminated. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct spec sp;
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put_char(&o, *fmt++);
			continue;
		}
		fmt = parse_spec(&sp, fmt + 1);
		fmt = parse_count(fmt, &sp.width, &args);
		if (sp.width < 0) {
			sp.left = true;
			sp.width = -sp.width;
		}
		if (*fmt == '.')
			fmt = parse_count(fmt + 1, &sp.precision, &args);
		fmt = convert(&o, &sp, parse_length(&sp, fmt), &args);
	}
	va_end(args);
	if (size)
		buf[min(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
