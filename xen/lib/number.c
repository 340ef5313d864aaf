/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers from text, as options and the debug keys give them. */
#include <xen/lib.h>

static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned int)(c - '0');
	if (c >= 'a' && c <= 'z')
		return (unsigned int)(c - 'a') + 10;
	if (c >= 'A' && c <= 'Z')
		return (unsigned int)(c - 'A') + 10;
	return ~0U;
}

/*
 * Unsigned number in base 2..36; base 0 takes it from the prefix (0x, 0, none).
 * No leading blanks, no sign. What does not fit becomes the largest number.
 * *end (when end is given): the first character that is no part of it, s
 * itself when there is no number.
 */
unsigned long long strtoull(const char *s, const char **end, unsigned int base)
{
	unsigned long long val = 0;
	bool overflow = false;

	if ((base == 0 || base == 16) && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16) {
		s += 2;
		base = 16;
	} else if (base == 0) {
		base = s[0] == '0' ? 8 : 10;
	}
	for (; digit_value(*s) < base; s++)
		overflow |= __builtin_mul_overflow(val, base, &val) ||
			    __builtin_add_overflow(val, digit_value(*s), &val);
	if (end)
		*end = s;
	return overflow ? ~0ULL : val;
}

unsigned long long parse_size(const char *s, const char **end)
{
	const char *p;
	unsigned long long val = strtoull(s, &p, 0);
	unsigned int shift = 10;
	bool suffix = p != s;

	switch (suffix ? *p : '\0') {
	case 'B':
	case 'b':
		shift = 0;
		break;
	case 'K':
	case 'k':
		shift = 10;
		break;
	case 'M':
	case 'm':
		shift = 20;
		break;
	case 'G':
	case 'g':
		shift = 30;
		break;
	case 'T':
	case 't':
		shift = 40;
		break;
	default:
		suffix = false;
		break;
	}
	if (end)
		*end = p + suffix;
	return val > (~0ULL >> shift) ? ~0ULL : val << shift;
}
