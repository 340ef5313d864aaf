/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the checks of a UBSAN=1 build end up: a message with the place and a
 * backtrace, once per place, and on it goes. The compilers' interface to this:
 * compiler-rt, ubsan_handlers.h. Not itself built with the checks.
 */
#include <xen/lib.h>
#include <asm/atomic.h>

struct source_location {
	const char *file;
	u32 line, column;
};

/* Every kind's data begins with where it happened. */
static void report(void *data, const char *what)
{
	struct source_location *loc = data;
	u32 column = xchg(&loc->column, ~0U);

	if (column == ~0U)
		return;
	printk(XENLOG_ERR "UBSAN: %s at %s:%u:%u\n", what, loc->file, loc->line, column);
	warn_at(loc->file, (int)loc->line, what);
}

#define HANDLER(name, what, ...)                               \
	void __ubsan_handle_##name(void *data, ##__VA_ARGS__); \
	void __ubsan_handle_##name(void *data, ##__VA_ARGS__) { report(data, what); }

HANDLER(add_overflow, "addition overflows", void *a, void *b)
HANDLER(sub_overflow, "subtraction overflows", void *a, void *b)
HANDLER(mul_overflow, "multiplication overflows", void *a, void *b)
HANDLER(negate_overflow, "negation overflows", void *a)
HANDLER(divrem_overflow, "division overflows or by zero", void *a, void *b)
HANDLER(shift_out_of_bounds, "shift out of bounds", void *a, void *b)
HANDLER(out_of_bounds, "index out of bounds", void *index)
HANDLER(load_invalid_value, "value not of its type", void *value)
HANDLER(vla_bound_not_positive, "array size not positive", void *bound)
HANDLER(pointer_overflow, "pointer overflows", void *base, void *result)
HANDLER(nonnull_arg, "null argument")
HANDLER(invalid_builtin, "invalid argument of a built-in function")
HANDLER(type_mismatch_v1, "null or misplaced pointer", void *p)
HANDLER(builtin_unreachable, "unreachable code")
