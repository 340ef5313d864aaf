/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every operation against every other, at every point where it matters: just before the n-th
 * compare-exchange of the one, for each n, another CPU does the other from beginning to end. What comes out
 * may be either order's; afterwards every count must be what the trees say, and the ends of the domains
 * must leave nothing. Without threads that race by chance, so a failure comes back.
 */
#include "cases.h"

/*
 * Of g1: RAM at 0-7 (5 log-dirty, 6 with rights taken away), 8 foreign (g2's 5), 9 a grant of the same, 10 special,
 * 16-23 on demand with 4 pages in the cache, 40-43 mmio, 2M of RAM at 512 and 1024, an empty table for 1536.
 */
#define GFNS 2048UL
#define POINTS 40 /* compare-exchanges looked at in one operation */

static struct page_info *special, *granted;
static unsigned long done, log_at;

static int add(struct domain *d, unsigned long gfn, unsigned int order, struct p2m_batch *b)
{
	struct page_info *p = alloc_domheap_pages(d, order, 0);
	int rc = p ? p2m_add_page(d, _gfn(gfn), page_to_mfn(p), order, p2m_ram_rw, b) : -ENOMEM;

	if (p && rc)
		put_pages(p, 1UL << order);
	return rc;
}

static int op_add_3(struct p2m_batch *b) { return add(g1, 3, 0, b); }
static int op_add_hole(struct p2m_batch *b) { return add(g1, 300, 0, b); }
static int op_add_in_2m(struct p2m_batch *b) { return add(g1, 515, 0, b); }
static int op_add_range(struct p2m_batch *b) { return add(g1, 0, 3, b); }
static int op_add_2m(struct p2m_batch *b) { return add(g1, 512, 9, b); }
static int op_add_2m_over_table(struct p2m_batch *b) { return add(g1, 1536, 9, b); }
static int op_add_in_table(struct p2m_batch *b) { return add(g1, 1540, 0, b); }
static int op_remove(struct p2m_batch *b) { return p2m_remove_page(g1, _gfn(3), INVALID_MFN, b); }
static int op_physmap_ram(struct p2m_batch *b) { return p2m_remove_from_physmap(g1, _gfn(3), b); }
static int op_physmap_foreign(struct p2m_batch *b) { return p2m_remove_from_physmap(g1, _gfn(8), b); }
static int op_physmap_special(struct p2m_batch *b) { return p2m_remove_from_physmap(g1, _gfn(10), b); }
static int op_release(struct p2m_batch *b) { return p2m_release_range(g1, _gfn(0), 3, b); }
static int op_release_2m(struct p2m_batch *b) { return p2m_release_range(g1, _gfn(512), 9, b); }
static int op_foreign(struct p2m_batch *b) { return p2m_add_foreign(g1, _gfn(3), g2, _gfn(5), b); }
static int op_foreign_hole(struct p2m_batch *b) { return p2m_add_foreign(g1, _gfn(300), g2, _gfn(5), b); }
static int op_foreign_again(struct p2m_batch *b) { return p2m_add_foreign(g1, _gfn(8), g2, _gfn(6), b); }
static int op_foreign_far(struct p2m_batch *b) { return p2m_add_foreign(g1, _gfn(1UL << 30), g2, _gfn(5), b); }
static int op_foreign_page(struct p2m_batch *b) { return p2m_add_foreign_page(g1, _gfn(300), special, b); }
static int op_grant(struct p2m_batch *b) { return p2m_add_grant(g1, _gfn(3), granted, false, b); }
static int op_ungrant(struct p2m_batch *b) { return p2m_remove_grant(g1, _gfn(9), page_to_mfn(granted), b); }
static int op_special(struct p2m_batch *b) { return p2m_add_special(g1, _gfn(3), special, b); }
static int op_special_2m(struct p2m_batch *b) { return p2m_add_special(g1, _gfn(517), special, b); }
static int op_move(struct p2m_batch *b) { return p2m_move_page(g1, _gfn(3), _gfn(300), b); }
static int op_move_over(struct p2m_batch *b) { return p2m_move_page(g1, _gfn(4), _gfn(3), b); }
static int op_move_2m(struct p2m_batch *b) { return p2m_move_page(g1, _gfn(515), _gfn(1027), b); }
static int op_type(struct p2m_batch *b) { return p2m_change_type_one(g1, _gfn(3), p2m_ram_rw, p2m_ram_ro); }
static int op_broken(struct p2m_batch *b) { return p2m_change_type_one(g1, _gfn(3), p2m_ram_rw, p2m_broken); }
static int op_types(struct p2m_batch *b)
{
	return p2m_change_type_range(g1, _gfn(1), 600, p2m_ram_rw, p2m_ram_ro, &done);
}
static int op_access(struct p2m_batch *b) { return p2m_set_access(g1, _gfn(3), p2m_access_r); }
static int op_write(struct p2m_batch *b) { return p2m_handle_fault(g1, _gfn(5), true, false); }
static int op_populate(struct p2m_batch *b) { return p2m_handle_fault(g1, _gfn(17), true, false); }
static int op_populate_all(struct p2m_batch *b)
{
	for (unsigned int i = 16; i < 24; i++)
		(void)p2m_handle_fault(g1, _gfn(i), true, false);
	return 0;
}
static int op_get(struct p2m_batch *b)
{
	struct page_info *p = get_page_from_gfn(g1, _gfn(3), NULL, P2M_ALLOC);

	if (p)
		put_page(p);
	return 0;
}
static int op_get_foreign(struct p2m_batch *b)
{
	struct page_info *p = get_page_from_gfn(g1, _gfn(8), NULL, P2M_ALLOC);

	if (p)
		put_page(p);
	return 0;
}
static int op_mmio(struct p2m_batch *b) { return p2m_set_mmio(g1, _gfn(296), _mfn(HOST_MMIO_BASE), 8, &done); }
static int op_mmio_again(struct p2m_batch *b) { return p2m_set_mmio(g1, _gfn(38), _mfn(HOST_MMIO_BASE), 8, &done); }
static int op_unmmio(struct p2m_batch *b) { return p2m_clear_mmio(g1, _gfn(41), _mfn(HOST_MMIO_BASE + 3), 2, &done); }
static int op_log(struct p2m_batch *b)
{
	return p2m_logdirty_enable(g1, true);
}
static int op_unlog(struct p2m_batch *b) { return p2m_logdirty_disable(g1); }
static int op_read_log(struct p2m_batch *b)
{
	u64 dirty, faults;

	log_at = 0;
	return p2m_logdirty_read(g1, true, GFNS, &log_at, NULL, NULL, &dirty, &faults);
}
static int op_pod(struct p2m_batch *b) { return p2m_pod_set_range(g1, _gfn(296), 3); }
static int op_target(struct p2m_batch *b) { return p2m_pod_set_target(g1, (u64)atomic64_read(&g1->tot_pages) + 2); }
static int op_merge(struct p2m_batch *b) { return ept_collapse(g1->arch.p2m, 1536, 1, 0, b); }
static int op_owner_releases(struct p2m_batch *b)
{
	struct p2m_batch own;
	int rc;

	p2m_batch_init(&own, g2);
	rc = p2m_release_range(g2, _gfn(5), 0, &own);
	p2m_batch_flush(&own);
	return rc;
}
/* As far as it goes while the other is under way; the end of the run goes on. */
static int die(struct domain *d)
{
	__atomic_store_n(&d->is_dying, DOMDYING_dying, __ATOMIC_SEQ_CST);
	return p2m_teardown(d);
}
static int op_dying(struct p2m_batch *b)
{
	__atomic_store_n(&g1->is_dying, DOMDYING_dying, __ATOMIC_SEQ_CST);
	return 0;
}
static int op_die(struct p2m_batch *b) { return die(g1); }
static int op_owner_dies(struct p2m_batch *b) { return die(g2); }

static const struct race_op {
	const char *name;
	int (*fn)(struct p2m_batch *b);
	/*
	 * When it may come without waiting for the one it interrupts: not under the p2m's lock, nor while pinned, or
	 * while it sweeps.
	 */
	enum { ANY_TIME, OUTSIDE, UNPINNED, UNSWEPT } when;
} ops[] = {
	{ "add", op_add_3, ANY_TIME }, { "add to a hole", op_add_hole, ANY_TIME }, { "add into 2M", op_add_in_2m, ANY_TIME },
	{ "add a range", op_add_range, OUTSIDE }, { "add 2M", op_add_2m, OUTSIDE },
	{ "add 2M over a table", op_add_2m_over_table, OUTSIDE }, { "add into an empty table", op_add_in_table, ANY_TIME }, { "remove", op_remove, ANY_TIME },
	{ "remove_from_physmap", op_physmap_ram, ANY_TIME }, { "remove foreign", op_physmap_foreign, ANY_TIME },
	{ "remove special", op_physmap_special, OUTSIDE }, { "release", op_release, OUTSIDE },
	{ "release 2M", op_release_2m, OUTSIDE }, { "foreign over RAM", op_foreign, ANY_TIME },
	{ "foreign", op_foreign_hole, ANY_TIME }, { "foreign over foreign", op_foreign_again, ANY_TIME },
	{ "foreign, far away", op_foreign_far, ANY_TIME }, { "grant", op_grant, ANY_TIME }, { "remove grant", op_ungrant, ANY_TIME },
	{ "special", op_special, OUTSIDE }, { "special into 2M", op_special_2m, OUTSIDE }, { "move", op_move, OUTSIDE },
	{ "move over RAM", op_move_over, OUTSIDE }, { "move between 2M", op_move_2m, OUTSIDE }, { "type", op_type, ANY_TIME },
	{ "broken", op_broken, ANY_TIME }, { "types of a range", op_types, OUTSIDE }, { "access", op_access, ANY_TIME },
	{ "write fault", op_write, ANY_TIME }, { "populate", op_populate, UNSWEPT }, { "populate all", op_populate_all, UNSWEPT },
	{ "get", op_get, ANY_TIME }, { "get foreign", op_get_foreign, ANY_TIME }, { "mmio", op_mmio, UNPINNED },
	{ "mmio over mmio", op_mmio_again, UNPINNED }, { "remove mmio", op_unmmio, ANY_TIME }, { "log", op_log, OUTSIDE },
	{ "log off", op_unlog, OUTSIDE }, { "read log", op_read_log, OUTSIDE }, { "on demand", op_pod, OUTSIDE },
	{ "target", op_target, ANY_TIME }, { "merge", op_merge, OUTSIDE }, { "owner releases", op_owner_releases, ANY_TIME },
	{ "death", op_die, OUTSIDE }, { "owner's death", op_owner_dies, OUTSIDE }, { "death begins", op_dying, ANY_TIME },
	{ "foreign page", op_foreign_page, ANY_TIME },
};

/* ---- the other CPU ---- */

static const struct race_op *other;
static unsigned long points_left;
static bool frozen;

static void run_other(void)
{
	struct p2m_batch b;

	p2m_batch_init(&b, g1);
	(void)other->fn(&b);
	p2m_batch_flush(&b);
}

/* Where somebody special has got to is changed under the lock, too. */
static bool is_special(unsigned long gfn) { return host_walk(g1, gfn).e & EPT_SPECIAL; }

static void at_cas(const void *what, u64 new)
{
	bool is_slot = (unsigned long)what - host_directmap < HOST_FRAMES << PAGE_SHIFT, come;

	if (!is_slot || frozen || !points_left)
		return;
	come = !--points_left;
	if (host_locks_held() && (other->when || is_special(3) || is_special(517)))
		come = false;
	if ((other->when == UNPINNED && g1->arch.p2m->pins) || (other->when == UNSWEPT && g1->arch.p2m->sweeping))
		come = false;
	if (come) {
		host_cas_hook = NULL;
		host_on_other_cpu(1, run_other);
		host_cas_hook = at_cas;
	}
	/* Between freezing an entry and its release the other would wait for us. */
	frozen = ept_frozen((ept_t){ new });
}

/* ---- before and after ---- */

static void build(void)
{
	struct domain **all[] = { &dom0, &g1, &g2 };

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		*all[i] = host_domain((u16)(10 + i), !i);
		p2m_set_pool(*all[i], ~0UL);
	}
	p2m_batch_init(&b1, g1);
	p2m_batch_init(&b2, g2);
	ram_at(g2, &b2, 5);
	ram_at(g2, &b2, 6);
	granted = mfn_to_page(_mfn(mfn_at(g2, 5)));
	CHECK(get_page(granted, g2));
	special = alloc_shared_page(g1);
	for (unsigned int i = 0; i < 8; i++)
		ram_at(g1, &b1, i);
	/* Not empty: sweeps are another subject. */
	for (unsigned int i = 0; i < 8; i++)
		*(u64 *)mfn_to_virt(_mfn(mfn_at(g1, i))) = 1;
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_rw, p2m_ram_logdirty), 0);
	CHECK_RC(p2m_set_access(g1, _gfn(6), p2m_access_rx), 0);
	CHECK_RC(op_foreign_again(&b1), 0);
	CHECK_RC(p2m_add_grant(g1, _gfn(9), granted, true, &b1), 0);
	CHECK_RC(p2m_add_special(g1, _gfn(10), special, &b1), 0);
	super_at(g1, &b1, 512);
	super_at(g1, &b1, 1024);
	CHECK_RC(p2m_change_type_one(g1, _gfn(1600), p2m_invalid, p2m_mmio_dm), 0);
	CHECK_RC(p2m_change_type_one(g1, _gfn(1600), p2m_mmio_dm, p2m_invalid), 0);
	CHECK_RC(p2m_set_mmio(g1, _gfn(40), _mfn(HOST_MMIO_BASE + 2), 4, &done), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(16), 3), 0);
	CHECK_RC(p2m_pod_set_target(g1, (u64)atomic64_read(&g1->tot_pages) + 4), 0);
	end_all();
	for (unsigned int i = 0; i < 12; i++)
		(void)host_touch(g1, i % 3, i, false);
	(void)host_touch(g1, 2, 515, true);
	(void)host_touch(g1, 2, 1027, true);
}

/* Counts of frames against what the trees say. */
static void check_counts(void)
{
	static u16 refs[HOST_BLOCK_BASE + HOST_BLOCKS * 512];
	struct domain *all[] = { dom0, g1, g2 };
	unsigned long loose = 0;
	u64 tot, cache, entries, cached = 0;

	memset(refs, 0, sizeof(refs));
	refs[mfn_x(page_to_mfn(special))]++;
	refs[mfn_x(page_to_mfn(granted))]++;
	for (unsigned int d = 0; d < ARRAY_SIZE(all); d++) {
		host_check_tree(all[d]);
		p2m_pod_get_target(all[d], &tot, &cache, &entries);
		cached += cache;
		for (unsigned long g = 0; g <= GFNS; g++) {
			unsigned long gfn = g < GFNS ? g : 1UL << 30;
			enum p2m_type t;
			mfn_t mfn = p2m_lookup(all[d], _gfn(gfn), &t, NULL);

			if (p2m_is_referenced(t))
				refs[mfn_x(mfn)]++;
		}
	}
	for (unsigned long m = 1; m < ARRAY_SIZE(refs); m++) {
		u32 count = page_count(host_frame_table + m);

		if (page_owner_id(host_frame_table + m) == DOMID_XEN || count == refs[m])
			continue;
		if (refs[m] || count != 1)
			host_fail("frame %#lx: count %u, mapped %u times", m, count, refs[m]);
		loose++;
	}
	if (loose != cached)
		host_fail("%lu frames without a mapping, %lu in caches", loose, (unsigned long)cached);
}

static void tear_down(void)
{
	struct domain *all[] = { dom0, g1, g2 };

	put_page(special);
	put_page(granted);
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		host_kill(all[i]);
	host_rcu_barrier();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		host_free_domain(all[i]);
	if (host_frames_in_use())
		host_fail("%lu frames are left", host_frames_in_use());
}

/* op, and the other just before its n-th compare-exchange. False: there were fewer. */
static bool once(const struct race_op *op, unsigned long n)
{
	bool there;

	build();
	points_left = n;
	frozen = false;
	host_cas_hook = at_cas;
	(void)op->fn(&b1);
	host_cas_hook = NULL;
	there = !points_left;
	if (host_locks_held())
		host_fail("a lock is held");
	end_all();
	host_rcu_barrier();
	check_counts();
	tear_down();
	return there;
}

static void say_where(const char *text)
{
	printf("# %s, with \"%s\" in between\n", ops[run_case_index].name, other->name);
}

static void against_all(void)
{
	const struct race_op *op = &ops[run_case_index];

	/* The three that every case begins with. */
	host_kill(dom0);
	host_kill(g1);
	host_kill(g2);
	host_rcu_barrier();
	host_free_domain(dom0);
	host_free_domain(g1);
	host_free_domain(g2);
	host_fail_hook = say_where;
	for (other = ops; other < ops + ARRAY_SIZE(ops); other++)
		for (unsigned long n = 1; n <= POINTS && once(op, n); n++)
			;
	/* For run_cases() to end. */
	dom0 = host_domain(0, true);
	g1 = host_domain(1, false);
	g2 = host_domain(2, false);
}

int main(int argc, char **argv)
{
	static struct test_case cases[ARRAY_SIZE(ops)];
	static char names[ARRAY_SIZE(ops)][80];

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		snprintf(names[i], sizeof(names[0]), "another CPU comes in between: %s", ops[i].name);
		cases[i] = (struct test_case){ names[i], against_all };
	}
	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
