/* SPDX-License-Identifier: GPL-2.0-only */
/* Test cases by name: each starts on a fresh machine, in a process of its own. */
#ifndef P2M_TEST_CASES_H
#define P2M_TEST_CASES_H

#include "host.h"

struct test_case {
	const char *name;
	void (*fn)(void);
};

/* Runs them all (or those whose name begins with argv[1]); the exit status of main(). */
extern unsigned int run_case_index;	/* of the case that runs */
int run_cases(const struct test_case *cases, unsigned int n, int argc, char **argv);

#define CHECK(c) \
	do { \
		if (!(c)) \
			host_fail("%s:%d: %s", __FILE__, __LINE__, #c); \
	} while (0)
#define CHECK_RC(expr, want) \
	do { \
		long rc_ = (expr); \
		if (rc_ != (want)) \
			host_fail("%s:%d: %s is %ld, not %s", __FILE__, __LINE__, #expr, rc_, #want); \
	} while (0)

/* A privileged domain and two guests, with pools without limit and a batch each. */
extern struct domain *dom0, *g1, *g2;
extern struct p2m_batch b0, b1, b2;

/* A fresh RAM page of d at gfn. */
struct page_info *ram_at(struct domain *d, struct p2m_batch *b, unsigned long gfn);
/* A 2M superpage of d at gfn; its first frame. */
struct page_info *super_at(struct domain *d, struct p2m_batch *b, unsigned long gfn);
enum p2m_type type_at(struct domain *d, unsigned long gfn);
unsigned long mfn_at(struct domain *d, unsigned long gfn);
unsigned int order_at(struct domain *d, unsigned long gfn);
static inline u32 count_of(const struct page_info *p) { return page_count(p); }
static inline unsigned long frame_of(const struct page_info *p) { return mfn_x(page_to_mfn(p)); }
/* Ends the batches (a hypercall's end), and a grace period. */
void end_all(void);

#endif
