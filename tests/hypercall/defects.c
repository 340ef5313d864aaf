/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * With a hypervisor whose defects can be switched on (defects/seeded.c): look in each case for one that it notices,
 * among the places that it reaches without; first those that few cases of its area reach. On the command line:
 * todo=, a bit for each case in hexadecimal digits, the first in the lowest bit of the first digit.
 */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>
#include "defects.h"

/*
 * A defect's number is that of its place in the sources. SWITCH: to it, or with 0 off; then, whether the hypervisor had
 * switched it off already, as nothing went on. NEXT: of the places reached since FORGET, in order, the one
 * behind n (0: the first), or 0. KEEP and KEPT: a number that a restart does not lose. AGAIN: restarts the machine, or
 * ends the guest.
 */
enum call { FORGET, SWITCH, NEXT, COUNT_FROM_0, COUNT, KEEP, KEPT, AGAIN };

static unsigned long defects(enum call call, unsigned long n)
{
	unsigned long rc = 0x5eed;

	__asm__ volatile("vmcall" : "+a"(rc) : "D"((unsigned long)call), "S"(n) : "memory");
	return rc;
}

/* Below what defects/seeded.c takes for a hang: of a case that lasts as long by itself, that says nothing. */
#define SHORT_NS 1000000000ull

/* So often a case may end the machine or the guest before it is left at that: other defects may just fail it. */
#define MOST_ENDINGS 2

static char todo[256];
/* Cases so far; and of that to begin with after a restart: the number, the last defect, and how it went. */
static unsigned int cases, kept_case, kept_place, kept_endings;
static bool kept_once_more;
static bool fresh = true; /* nothing has been switched on since the start */
static uint64_t plain_ns; /* what the case took without a defect */

static void keep(unsigned int which, unsigned long place, unsigned int endings, bool once_more)
{
	defects(KEEP, place << 16 | (unsigned long)once_more << 15 | endings << 12 | which);
}

static void take_kept(void)
{
	unsigned long kept = defects(KEPT, 0);

	kept_case = kept & 0xfff;
	kept_endings = kept >> 12 & 7;
	kept_once_more = kept >> 15 & 1;
	kept_place = (unsigned int)(kept >> 16);
	if (kept_endings > MOST_ENDINGS) {
		kept_case++;
		kept_endings = kept_place = 0;
	}
}

static bool is_to_do(unsigned int which)
{
	char c = which / 4 < strlen(todo) ? todo[which / 4] : '0';

	return which >= kept_case && (c >= 'a' ? c - 'a' + 10 : c - '0') >> which % 4 & 1;
}

/* An exception in the midst of a case ends the case, not the kernel. */
static void *way_out[5];

static void leave(void)
{
	defects(SWITCH, 0);
	printf("# an exception\n");
	__builtin_longjmp(way_out, 1);
}

static bool attempt(const struct test *t)
{
	volatile bool good = false;

	trap_way_out = leave;
	if (!__builtin_setjmp(way_out))
		good = tap_attempt(t);
	trap_way_out = NULL;
	irq_enable();
	return good;
}

/* The case holds without a defect: maybe after what others left behind is tidied up. */
static bool holds(const struct area *a, const struct test *t)
{
	uint64_t start = system_time();
	bool good;

	defects(FORGET, 0);
	good = attempt(t);
	plain_ns = system_time() - start;
	if (good)
		return true;
	if (a->teardown)
		a->teardown();
	if (a->setup)
		a->setup();
	defects(FORGET, 0);
	return attempt(t);
}

static void try_places(const struct area *a, const struct test *t, unsigned int me)
{
	unsigned long n = me == kept_case ? kept_place : 0;
	unsigned int endings = me == kept_case ? kept_endings : 0;
	bool first = true, failed, hung;

	for (n = n && kept_once_more ? n : defects(NEXT, n); n; n = defects(NEXT, n)) {
		/* should the machine end here, it goes on behind */
		keep(me, n, endings + 1, false);
		printf("# tries %lu: %s: %s\n", n, a->name, t->name);
		fresh = false;
		defects(SWITCH, n);
		failed = !attempt(t);
		hung = defects(SWITCH, 0) && plain_ns < SHORT_NS;
		if (hung && !failed)
			printf("# hangs %lu: %s: %s\n", n, a->name, t->name);
		if (failed && !first && !holds(a, t)) {
			/* This one, or what those before it left behind? */
			printf("# unsure %lu: %s: %s\n", n, a->name, t->name);
			keep(me, n, endings, true);
			defects(AGAIN, 0);
		}
		if (failed) {
			printf("# falls %lu: %s: %s\n", n, a->name, t->name);
			return;
		}
		first = false;
	}
	printf("# stands: %s: %s\n", a->name, t->name);
}

static void try_case(const struct area *a, const struct test *t, unsigned int me)
{
	keep(me + 1, 0, 0, false);
	printf("# begins: %s: %s\n", a->name, t->name);
	if (holds(a, t)) {
		try_places(a, t, me);
		return;
	}
	printf("# untidy: %s: %s\n", a->name, t->name);
	if (!fresh) {
		keep(me, 0, 0, false);
		defects(AGAIN, 0);
	}
}

static void count(const struct test *t)
{
	defects(FORGET, 0);
	attempt(t);
	defects(COUNT, 0);
}

static void try_area(const struct area *a)
{
	unsigned int i, first = cases, some = 0;

	for (i = 0; i < a->count; i++)
		if (tap_meant_for_us(&a->tests[i]))
			some += is_to_do(cases++);
	if (!some)
		return;
	if (a->setup)
		a->setup();
	defects(COUNT_FROM_0, 0);
	for (i = 0; i < a->count; i++)
		if (tap_meant_for_us(&a->tests[i]) && !tap_unfit(&a->tests[i]))
			count(&a->tests[i]);
	for (i = 0; i < a->count; i++)
		if (tap_meant_for_us(&a->tests[i]) && is_to_do(first++) && !tap_unfit(&a->tests[i]))
			try_case(a, &a->tests[i], first - 1);
	if (a->teardown)
		a->teardown();
}

void defects_init(void)
{
	if (!cmdline_value("todo", todo, sizeof(todo)))
		return;
	take_kept();
	tap_instead = try_area;
}
