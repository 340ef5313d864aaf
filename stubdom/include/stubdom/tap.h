/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test cases and their output in TAP. An area is a table of cases; a case is a name and a
 * function that states expectations. See docs/writing-a-test.md.
 */
#ifndef STUBDOM_TAP_H
#define STUBDOM_TAP_H

#include <stubdom/types.h>

#define TEST_DOM0    1u /* needs the privileges of dom0 */
#define TEST_NOT_XEN 2u /* would crash or wedge real Xen: skipped there */
#define TEST_SMP     4u /* needs a second vCPU */
#define TEST_GUEST   8u /* only as a guest */

struct test {
	const char *name;
	void (*fn)(void);
	unsigned int flags;
};

struct area {
	const char *name;
	const struct test *tests;
	unsigned int count;
	bool manual; /* only when named by areas= */
	/* Run before and after the area's cases; either may be NULL. */
	void (*setup)(void);
	void (*teardown)(void);
};

#define AREA_AS(id, label, table, up, down, by_hand)                       \
	static const struct area area_##id = { .name = label,              \
					       .tests = table,             \
					       .count = ARRAY_SIZE(table), \
					       .manual = by_hand,          \
					       .setup = up,                \
					       .teardown = down };         \
	static const struct area *const area_ptr_##id __attribute__((used, section(".areas"))) = &area_##id
#define AREA(id, label, table, up, down)	AREA_AS(id, label, table, up, down, false)
#define AREA_MANUAL(id, label, table, up, down) AREA_AS(id, label, table, up, down, true)

/* A case where Pavise by decision answers differently from Xen (differences.c). */
struct difference {
	const char *name; /* "area: case" */
	const char *on_xen;
	const char *on_pavise;
	const char *reason;
};

extern const struct difference differences[];
extern const unsigned int difference_count;

extern bool on_xen; /* command line word hv=xen */

/* Run the areas the command line names (areas=a,b; all without), print TAP and the summary. */
void tap_main(void);

/* What is done with each area, when not NULL, instead of running its cases once; it is made of these. */
extern void (*tap_instead)(const struct area *a);
/* Is the case meant for this kind of domain at all? If not, it is not mentioned. */
bool tap_meant_for_us(const struct test *t);
/* Why a case can not run here, or NULL. */
const char *tap_unfit(const struct test *t);
/* Run it, and print nothing but what does not hold. Value: everything did. */
bool tap_attempt(const struct test *t);

/* The results, for the caller of an area run inside a guest. */
void tap_result(const char *area, const char *name, bool ok, const char *why);

void tap_fail(const char *file, int line, const char *fmt, ...) __printf(3, 4);
/* End the current case as skipped (it must return right after). */
void tap_skip(const char *why);
void tap_note(const char *fmt, ...) __printf(1, 2);

bool tap_check_eq(const char *file, int line, const char *what, long got, long want);

/* State what must hold; the case goes on, and fails, when it does not. Value: did it hold. */
#define CHECK(cond)                                                \
	({                                                         \
		bool ok_ = (cond);                                 \
		if (!ok_)                                          \
			tap_fail(__FILE__, __LINE__, "%s", #cond); \
		ok_;                                               \
	})
#define CHECK_EQ(got, want) tap_check_eq(__FILE__, __LINE__, #got, (long)(got), (long)(want))
/* Differs between Xen and Pavise; only for cases listed in differences.c. */
#define CHECK_HV(got, xen_want, pavise_want)      \
	(tap_uses_difference(__FILE__, __LINE__), \
	 tap_check_eq(__FILE__, __LINE__, #got, (long)(got), on_xen ? (long)(xen_want) : (long)(pavise_want)))
/* Leave the case when a precondition does not hold. */
#define REQUIRE(cond)             \
	do {                      \
		if (!CHECK(cond)) \
			return;   \
	} while (0)
#define REQUIRE_EQ(got, want)             \
	do {                              \
		if (!CHECK_EQ(got, want)) \
			return;           \
	} while (0)

void tap_uses_difference(const char *file, int line);

#endif
