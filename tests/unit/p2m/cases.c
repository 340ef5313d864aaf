/* SPDX-License-Identifier: GPL-2.0-only */
/* Running test cases, and the few things most of them begin with. */
#include "cases.h"
#include <sys/wait.h>

struct domain *dom0, *g1, *g2;
struct p2m_batch b0, b1, b2;
unsigned int run_case_index;

struct page_info *ram_at(struct domain *d, struct p2m_batch *b, unsigned long gfn)
{
	struct page_info *p = alloc_domheap_pages(d, 0, 0);

	CHECK(p);
	CHECK_RC(p2m_add_page(d, _gfn(gfn), page_to_mfn(p), 0, p2m_ram_rw, b), 0);
	return p;
}

struct page_info *super_at(struct domain *d, struct p2m_batch *b, unsigned long gfn)
{
	struct page_info *p = alloc_domheap_pages(d, 9, 0);

	CHECK(p);
	CHECK_RC(p2m_add_page(d, _gfn(gfn), page_to_mfn(p), 9, p2m_ram_rw, b), 0);
	return p;
}

enum p2m_type type_at(struct domain *d, unsigned long gfn)
{
	enum p2m_type t;

	(void)p2m_lookup(d, _gfn(gfn), &t, NULL);
	return t;
}

unsigned long mfn_at(struct domain *d, unsigned long gfn)
{
	return mfn_x(p2m_lookup(d, _gfn(gfn), NULL, NULL));
}

unsigned int order_at(struct domain *d, unsigned long gfn)
{
	unsigned int order;

	(void)p2m_lookup(d, _gfn(gfn), NULL, &order);
	return order;
}

void end_all(void)
{
	p2m_batch_flush(&b0);
	p2m_batch_flush(&b1);
	p2m_batch_flush(&b2);
	host_quiescent();
	p2m_batch_init(&b0, dom0);
	p2m_batch_init(&b1, g1);
	p2m_batch_init(&b2, g2);
}

static void begin(void)
{
	host_init();
	dom0 = host_domain(0, true);
	g1 = host_domain(1, false);
	g2 = host_domain(2, false);
	p2m_set_pool(g1, ~0UL);
	p2m_set_pool(g2, ~0UL);
	p2m_batch_init(&b0, dom0);
	p2m_batch_init(&b1, g1);
	p2m_batch_init(&b2, g2);
}

/* Whatever a case leaves must go with its domains; it may have killed some itself. */
static void end(void)
{
	struct domain *all[] = { dom0, g1, g2 };

	per_cpu__softirq_pending_bits = 0;
	host_fail_after = 0;
	host_alloc_hook = NULL;
	end_all();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		host_check_tree(all[i]);
		host_kill(all[i]);
		host_release_reserved(all[i]);
	}
	host_rcu_barrier();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		host_free_domain(all[i]);
	CHECK(!host_frames_in_use());
}

int run_cases(const struct test_case *cases, unsigned int n, int argc, char **argv)
{
	for (unsigned int i = 0; i < n; i++) {
		int status;
		pid_t pid;

		if (argc > 1 && strncmp(cases[i].name, argv[1], strlen(argv[1])))
			continue;
		fflush(stdout);
		pid = fork();
		if (!pid) {
			alarm(120);
			run_case_index = i;
			begin();
			cases[i].fn();
			end();
			exit(0);
		}
		tap_ok(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status), "%s",
		       cases[i].name);
	}
	return tap_done();
}
