/* SPDX-License-Identifier: GPL-2.0-only */
/* Rows of the bench: a name and a function that measures it. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stubdom/types.h>

struct row {
	const char *name;
	/* Instructions for one operation (or one page), or a negative error. */
	long (*fn)(void);
};

extern const struct row rows_exits[], rows_events[], rows_memory[], rows_life[];
extern const unsigned int row_count_exits, row_count_events, row_count_memory, row_count_life;

/* Instructions that two readings of the TSC cost; measured at the start. */
extern uint64_t tsc_cost;

/*
 * The cheapest of 'times' runs of a statement, in instructions: what an interrupt adds to one of
 * them does not count. A first run warms up what is allocated once.
 */
#define CHEAPEST(times, statement)                     \
	({                                             \
		uint64_t best_ = ~0ull, t_;            \
		unsigned int n_;                       \
		for (n_ = 0; n_ < (times) + 1; n_++) { \
			t_ = rdtsc();                  \
			statement;                     \
			t_ = rdtsc() - t_ - tsc_cost;  \
			if (n_ && t_ < best_)          \
				best_ = t_;            \
		}                                      \
		(long)best_;                           \
	})

#endif
