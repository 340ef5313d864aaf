/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No memory, at each allocation of each operation in turn (B5, B10): the operation fails and has changed
 * nothing, or it succeeds; what it was given is still its caller's; and with memory it works.
 */
#include "cases.h"

#define FAR 0x123450000UL
static struct page_info *page, *block, *grant, *sp;
static unsigned long done;

static int op_add(void) { return p2m_add_page(g1, _gfn(FAR), page_to_mfn(page), 0, p2m_ram_rw, &b1); }
static int op_add_over(void) { return p2m_add_page(g1, _gfn(600), page_to_mfn(page), 0, p2m_ram_rw, &b1); }
static int op_add_range(void) { return p2m_add_page(g1, _gfn(FAR + 300), page_to_mfn(block), 9, p2m_ram_rw, &b1); }
static int op_range_over(void) { return p2m_add_page(g1, _gfn(700), page_to_mfn(block), 9, p2m_ram_rw, &b1); }
static int op_super(void) { return p2m_add_page(g1, _gfn(FAR & ~511UL), page_to_mfn(block), 9, p2m_ram_rw, &b1); }
static int op_remove(void) { return p2m_remove_page(g1, _gfn(600), INVALID_MFN, &b1); }
static int op_physmap(void) { return p2m_remove_from_physmap(g1, _gfn(600), &b1); }
static int op_release(void) { return p2m_release_range(g1, _gfn(512 + 256), 9, &b1); }
static int op_foreign(void) { return p2m_add_foreign(dom0, _gfn(FAR), g1, _gfn(600), &b0); }
static int op_foreign_over(void) { return p2m_add_foreign(g2, _gfn(600), g1, _gfn(600), &b2); }
static int op_grant(void) { return p2m_add_grant(g1, _gfn(FAR), grant, true, &b1); }
static int op_special(void) { return p2m_add_special(g1, _gfn(FAR), sp, &b1); }
static int op_special_over(void) { return p2m_add_special(g1, _gfn(600), sp, &b1); }
static int op_move(void) { return p2m_move_page(g1, _gfn(600), _gfn(FAR), &b1); }
static int op_move_over(void) { return p2m_move_page(g1, _gfn(600), _gfn(1100), &b1); }
static int op_type(void) { return p2m_change_type_one(g1, _gfn(600), p2m_ram_rw, p2m_ram_ro); }
static int op_dm(void) { return p2m_change_type_one(g1, _gfn(FAR), p2m_invalid, p2m_mmio_dm); }
static int op_access(void) { return p2m_set_access(g1, _gfn(600), p2m_access_r); }
static int op_pod(void) { return p2m_pod_set_range(g1, _gfn(FAR + 5), 4); }
static int op_types(void)
{
	return p2m_change_type_range(g1, _gfn(600), 600, p2m_ram_rw, p2m_ram_ro, &done);
}

static const struct { const char *name; int (*fn)(void); } ops[] = {
	{ "add", op_add }, { "add over a superpage", op_add_over }, { "add a range", op_add_range },
	{ "add a range over superpages", op_range_over }, { "add a superpage", op_super },
	{ "remove", op_remove }, { "remove_from_physmap", op_physmap }, { "release", op_release },
	{ "add_foreign", op_foreign }, { "add_foreign over a superpage", op_foreign_over },
	{ "add_grant", op_grant }, { "add_special", op_special }, { "add_special over a superpage", op_special_over },
	{ "move", op_move }, { "move into a superpage", op_move_over }, { "change_type", op_type },
	{ "mmio_dm", op_dm }, { "set_access", op_access }, { "pod_set_range", op_pod },
	{ "change_type of a range", op_types },
};

/* Everything that may not change: what is mapped, and every count. */
struct snapshot {
	unsigned long mfn[3][2048], far[1024];
	enum p2m_type type[3][2048], far_type[1024];
	u64 ref[HOST_BLOCK_BASE + HOST_BLOCKS * 512];
	s64 tot[3];
};
static struct snapshot before, after;

static void snap(struct snapshot *s)
{
	struct domain *all[] = { dom0, g1, g2 };

	memset(s, 0, sizeof(*s));
	for (unsigned int d = 0; d < 3; d++) {
		for (unsigned int g = 0; g < 2048; g++)
			s->mfn[d][g] = mfn_x(p2m_lookup(all[d], _gfn(g), &s->type[d][g], NULL));
		s->tot[d] = atomic64_read(&all[d]->tot_pages);
	}
	for (unsigned int g = 0; g < 1024; g++)
		s->far[g] = mfn_x(p2m_lookup(g1, _gfn((FAR & ~511UL) + g), &s->far_type[g], NULL));
	for (unsigned long m = 0; m < ARRAY_SIZE(s->ref); m++)
		s->ref[m] = page_owner_id(host_frame_table + m) == DOMID_XEN ? 0 : host_frame_table[m].ref;
}

static void sweep(void)
{
	unsigned int current_op = run_case_index;
	unsigned long n = 0;
	int rc;

	super_at(g1, &b1, 512);
	super_at(g1, &b1, 1024);
	super_at(g2, &b2, 512);
	grant = ram_at(g2, &b2, 5);
	page = alloc_domheap_pages(g1, 0, 0);
	block = alloc_domheap_pages(g1, 9, 0);
	sp = alloc_shared_page(g1);
	end_all();
	snap(&before);
	do {
		host_fail_after = ++n;
		rc = ops[current_op].fn();
		host_fail_after = 0;
		if (rc) {
			CHECK(rc == -ENOMEM && n < 10 && !host_locks_held());
			end_all();
			snap(&after);
			CHECK(!memcmp(&before, &after, sizeof(before)));
			host_check_tree(dom0);
			host_check_tree(g1);
			host_check_tree(g2);
		}
	} while (rc);
	/* Without tables to be made there would have been nothing to test. */
	CHECK(n > 1);
	end_all();
	if (p2m_lookup(g1, _gfn(FAR), NULL, NULL).m != frame_of(page) && mfn_at(g1, 600) != frame_of(page))
		put_page(page);
	if (page_count(block) && block->u.inuse.gfn == gfn_x(INVALID_GFN))
		for (unsigned int i = 0; i < 512; i++)
			put_page(block + i);
	put_page(sp);
}

int main(int argc, char **argv)
{
	static struct test_case cases[ARRAY_SIZE(ops)];
	static char names[ARRAY_SIZE(ops)][80];

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		snprintf(names[i], sizeof(names[0]), "B5, B10: no memory in %s", ops[i].name);
		cases[i] = (struct test_case){ names[i], sweep };
	}
	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
