/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What went wrong elsewhere and is no affair of one area (docs/lessons.md): handles that wrap, the
 * domain ids that are no domains, a grant table that changes its version under a mapping, one grant
 * used by two vCPUs, questions about a domain that is being destroyed.
 */
#include <stubdom/cpu.h>
#include <stubdom/gnttab.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include "errors.h"
#include "peer.h"
#include "target.h"

static uint64_t win; /* own gfns without RAM */

static void setup(void)
{
	if (!win)
		win = hole_gfn_alloc(4, 1);
}

static void teardown(void)
{
	peer_stop();
	if (cpus[1].online && !cpu_stop(1))
		tap_note("the second vCPU does not stop");
}

/* ---- B14: guest handles ---- */

/* Eight entries from 8 bytes below the end of all addresses: element 1 would lie at address 0. */
#define AT_THE_END ((void *)~7ul)

static long physmap_batch(void *idxs, void *gpfns, void *errs, uint16_t size)
{
	struct xen_add_to_physmap_batch b = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = size,
		.u.foreign_domid = target,
	};

	set_xen_guest_handle(b.idxs, (xen_ulong_t *)idxs);
	set_xen_guest_handle(b.gpfns, (xen_pfn_t *)gpfns);
	set_xen_guest_handle(b.errs, (int *)errs);
	return hc_memory_op(XENMEM_add_to_physmap_batch, &b);
}

static void handles_do_not_wrap(void)
{
	xen_ulong_t idx[8] = { 0 };
	xen_pfn_t gfns[8] = { win };
	int errs[8] = { 5 };
	struct xen_memory_reservation r = { .nr_extents = 8, .domid = DOMID_SELF };

	target_create();
	CHECK_EQ(physmap_batch(AT_THE_END, gfns, errs, 8), -EFAULT);
	CHECK_EQ(physmap_batch(idx, AT_THE_END, errs, 8), -EFAULT);
	CHECK_EQ(physmap_batch(idx, gfns, AT_THE_END, 8), -EFAULT);
	CHECK_EQ(errs[0], 5);
	/* Here all lists are looked at first; Xen has mapped what comes before the entry it cannot write. */
	CHECK_EQ(foreign_unmap(win, 1), on_xen ? 0 : -ENOENT);
	target_destroy();
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)AT_THE_END);
	CHECK_EQ(hc_memory_op(XENMEM_populate_physmap, &r), 0);
	CHECK_EQ(hc_memory_op(XENMEM_decrease_reservation, &r), 0);
}

/* ---- B19: domain ids that are no domains ---- */

static void every_id_in_every_space(void)
{
	static const domid_t ids[] = { DOMID_NOBODY, DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID,
				       DOMID_IDLE };
	uint64_t before = domain_pages(0);
	unsigned int i, space;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		struct xen_remove_from_physmap out = { .domid = ids[i], .gpfn = win };

		CHECK_EQ(hc_memory_op(XENMEM_remove_from_physmap, &out), -ESRCH);
		for (space = 0; space <= XENMAPSPACE_dev_mmio + 1; space++) {
			struct xen_add_to_physmap in = { .domid = ids[i], .space = space, .gpfn = win };
			long rc = hc_memory_op(XENMEM_add_to_physmap, &in);

			/* Foreign pages are refused before the domain is looked at. */
			CHECK_EQ(rc, space == XENMAPSPACE_gmfn_foreign ? -ENOSYS : -ESRCH);
		}
	}
	CHECK_EQ(foreign_unmap(win, 1), -ENOENT);
	CHECK_EQ(domain_pages(0), before);
}

/* ---- B25: the version changes while frames are mapped ---- */

/*
 * Whether the status frame stays where it was mapped (here) or goes (Xen), it is nobody else's page
 * afterwards: what is written there does not come out anywhere, and no page is lost.
 */
static void change_versions(void)
{
	unsigned int i, bad = 0;
	uint64_t *fresh;

	for (i = 0; i < 8; i++) {
		CHECK_EQ(gnttab_set_version(2), 0);
		CHECK_EQ(gnttab_map_frame(XENMAPIDX_grant_table_status, win), 0);
		CHECK_EQ(*(volatile uint64_t *)gfn_ptr(win), 0);
		CHECK_EQ(gnttab_set_version(1), 0);
		*(volatile uint64_t *)gfn_ptr(win) = 0x5a5a5a5a5a5a5a5aul;
		fresh = page_alloc();
		bad += fresh[0] == 0x5a5a5a5a5a5a5a5aul;
		page_free(fresh);
	}
	CHECK_EQ(bad, 0);
	foreign_unmap(win, 1);
}

static void version_under_a_mapping(void)
{
	uint64_t free_before;

	CHECK_EQ(gnttab_init(), 0);
	change_versions();
	free_before = host_free_settled();
	change_versions();
	CHECK_EQ(host_free_wait(free_before, 200), free_before);
}

/* ---- B26: one reference, two vCPUs ---- */

#define ROUNDS 300u
#define REF    GNTTAB_NR_RESERVED_ENTRIES

struct user {
	uint64_t gfn;
	uint32_t flags;
	uint64_t *page;
	volatile bool stop;
	volatile unsigned int done;
	volatile int bad;
};

static long peer_grant(uint64_t ref, uint64_t b __unused, uint64_t c __unused)
{
	uint64_t gfn = ptr_gfn(page_alloc());
	long rc = gnttab_init();

	gnttab_grant((grant_ref_t)ref, 0, gfn, 0);
	return rc ? rc : (long)gfn;
}

static long peer_flags(uint64_t ref, uint64_t b __unused, uint64_t c __unused)
{
	return READ_ONCE(gnttab_table()[ref].flags);
}

static void copy_out(struct user *u)
{
	struct gnttab_copy c = { .len = 64, .flags = GNTCOPY_source_gref };

	c.source.u.ref = REF;
	c.source.domid = peer.id;
	c.dest.u.gmfn = ptr_gfn(u->page);
	c.dest.domid = DOMID_SELF;
	c.status = 99;
	if (hc_grant_table_op(GNTTABOP_copy, &c, 1) || c.status)
		u->bad = c.status;
}

static void use_the_grant(void *arg)
{
	struct user *u = arg;
	unsigned int i;

	for (i = 0; i < ROUNDS && !u->stop; i++) {
		grant_handle_t handle;
		int status = gnttab_map(peer.id, REF, u->gfn, u->flags, &handle);

		if (status)
			u->bad = status;
		copy_out(u);
		if (!status && gnttab_unmap(u->gfn, handle))
			u->bad = 1000;
		u->done = i + 1;
	}
}

static void one_grant_two_users(void)
{
	struct user mine = { .gfn = win, .page = page_alloc() };
	struct user theirs = { .gfn = win + 1, .flags = GNTMAP_readonly, .page = page_alloc() };

	peer_start();
	REQUIRE_EQ(cpu_start(1), 0);
	CHECK(PEER_CALL(peer_grant, REF, 0, 0) > 0);
	cpu_run(1, use_the_grant, &theirs);
	use_the_grant(&mine);
	theirs.stop = mine.done == ROUNDS && theirs.done > ROUNDS / 2;
	CHECK(cpu_wait(1, 10000));
	CHECK_EQ(mine.bad, 0);
	CHECK_EQ(theirs.bad, 0);
	CHECK(theirs.done > 0);
	/* Every pin is gone: the granter may take the page back. */
	CHECK_EQ(PEER_CALL(peer_flags, REF, 0, 0), GTF_permit_access);
	page_free(mine.page);
	page_free(theirs.page);
}

/* ---- B37: questions about a domain that is being destroyed ---- */

static domid_t victim;

static void ask(struct user *u, uint32_t cmd)
{
	struct xen_domctl op;
	long rc;

	memset(&op, 0, sizeof(op));
	op.cmd = cmd;
	op.domain = victim;
	/* No buffer goes with it: the answer is a size, nothing, or that there is no room. */
	rc = hc_domctl(&op);
	/* It is there, it is dying, or it is gone; or what the question names is gone with it. */
	if (rc && rc != -ESRCH && rc != -EINVAL && rc != -ENOENT && rc != -EBUSY && rc != -ENOBUFS)
		u->bad = (int)rc;
}

static void ask_on_and_on(void *arg)
{
	static const uint32_t questions[] = { XEN_DOMCTL_getdomaininfo, XEN_DOMCTL_getvcpuinfo,
					      XEN_DOMCTL_gethvmcontext, XEN_DOMCTL_getvcpuaffinity,
					      XEN_DOMCTL_get_paging_mempool_size, XEN_DOMCTL_gettscinfo,
					      XEN_DOMCTL_get_cpu_policy, XEN_DOMCTL_getnodeaffinity };
	struct user *u = arg;
	unsigned int i;

	for (i = 0; i < 100 * ROUNDS && !u->stop; i++) {
		ask(u, questions[i % ARRAY_SIZE(questions)]);
		u->done = i + 1;
	}
}

static void kill_while_asked(unsigned int lives, struct user *other)
{
	unsigned int n, seen;

	for (n = 0; n < lives; n++) {
		domid_t id;

		if (!CHECK_EQ(domain_create(&id, 2, 256), 0))
			break;
		CHECK_EQ(domain_populate(id, 0, 64, 0), 64);
		seen = other->done;
		victim = id;
		while (other->done < seen + n && other->done < 100 * ROUNDS)
			hc_sched_op(SCHEDOP_yield, NULL);
		CHECK_EQ(domain_destroy(id), 0);
		CHECK(domain_wait_gone(id, 2000));
	}
}

static void asked_while_it_dies(void)
{
	struct user other = { .done = 0 };
	uint64_t free_before;

	REQUIRE_EQ(cpu_start(1), 0);
	victim = DOMID_NOBODY;
	cpu_run(1, ask_on_and_on, &other);
	kill_while_asked(1, &other);
	free_before = host_free_settled();
	kill_while_asked(10, &other);
	other.stop = true;
	CHECK(cpu_wait(1, 5000));
	CHECK_EQ(other.bad, 0);
	CHECK(other.done > 0);
	/* Xen's count wanders by a few pages of its own heap. */
	if (!on_xen)
		CHECK_EQ(host_free_wait(free_before, 200), free_before);
}

static const struct test tests[] = {
	{ "handles do not wrap", handles_do_not_wrap, TEST_DOM0 },
	{ "ids that are no domains, in every space", every_id_in_every_space, TEST_DOM0 },
	{ "another grant table version under a mapping", version_under_a_mapping, TEST_DOM0 },
	{ "one grant used by two vCPUs", one_grant_two_users, TEST_DOM0 | TEST_SMP },
	{ "a dying domain is asked", asked_while_it_dies, TEST_DOM0 | TEST_SMP },
};

AREA(lessons, "lessons", tests, setup, teardown);
