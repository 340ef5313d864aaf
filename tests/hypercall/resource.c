/* SPDX-License-Identifier: GPL-2.0-only */
/* XENMEM_acquire_resource of grant tables: what is mapped, what is refused, how long it lives. */
#include <stubdom/gnttab.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include "errors.h"
#include "peer.h"

#define REF    20u
#define SHARED XENMEM_resource_grant_table_id_shared
#define STATUS XENMEM_resource_grant_table_id_status

static uint64_t win; /* four own gfns */

static long acquire_list(struct xen_mem_acquire_resource *a, xen_pfn_t *gfns)
{
	a->domid = peer.id;
	a->type = XENMEM_resource_grant_table;
	set_xen_guest_handle(a->frame_list, gfns);
	return hc_memory_op(XENMEM_acquire_resource, a);
}

static long acquire(uint32_t id, uint64_t frame, uint32_t count)
{
	xen_pfn_t gfns[4] = { win, win + 1, win + 2, win + 3 };
	struct xen_mem_acquire_resource a = { .id = id, .frame = frame, .nr_frames = count };

	return acquire_list(&a, gfns);
}

static struct grant_entry_v1 *mapped_table(void) { return gfn_ptr(win); }

/* In the peer: its own table's first frame in use, with page gfn granted by entry ref. */
static long peer_entry(uint64_t ref, uint64_t gfn, uint64_t c __unused)
{
	long rc = gnttab_init();

	if (!rc && gfn)
		gnttab_grant((grant_ref_t)ref, 0, gfn, 0);
	return rc;
}

static long peer_frame_of(uint64_t ref, uint64_t b __unused, uint64_t c __unused)
{
	return gnttab_table()[ref].frame;
}

static long peer_page(uint64_t value, uint64_t b __unused, uint64_t c __unused)
{
	uint64_t *p = page_alloc();

	*p = value;
	return (long)ptr_gfn(p);
}

static void sizes(void)
{
	struct xen_mem_acquire_resource a = { .id = SHARED };

	CHECK_EQ(acquire_list(&a, NULL), 0);
	CHECK_EQ(a.nr_frames, 32); /* max_grant_frames of the peer */
	a.id = STATUS;
	a.nr_frames = 0;
	CHECK_EQ(acquire_list(&a, NULL), 0);
	CHECK(a.nr_frames > 0);
	a.nr_frames = 1;
	CHECK_EQ(acquire_list(&a, NULL), -EINVAL);
}

static void sees_entries(void)
{
	REQUIRE_EQ(PEER_CALL(peer_entry, REF, 0x1234, 0), 0);
	REQUIRE_EQ(acquire(SHARED, 0, 1), 0);
	CHECK_EQ(mapped_table()[REF].frame, 0x1234);
	CHECK_EQ(mapped_table()[REF].flags, GTF_permit_access);
	mapped_table()[REF].frame = 0x4321;
	CHECK_EQ(PEER_CALL(peer_frame_of, REF, 0, 0), 0x4321);
	mapped_table()[REF].flags = 0;
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

/* An entry written through the mapping is as good as the peer's own: how xl seeds the rings. */
static void entries_written_here_work(void)
{
	long gfn = PEER_CALL(peer_page, 0x5eed, 0, 0);
	grant_handle_t handle;

	REQUIRE(gfn > 0);
	REQUIRE_EQ(PEER_CALL(peer_entry, REF, 0, 0), 0);
	REQUIRE_EQ(acquire(SHARED, 0, 1), 0);
	mapped_table()[REF].domid = 0;
	mapped_table()[REF].frame = (uint32_t)gfn;
	__atomic_store_n(&mapped_table()[REF].flags, GTF_permit_access, __ATOMIC_RELEASE);
	if (CHECK_EQ(gnttab_map(peer.id, REF, win + 1, GNTMAP_host_map, &handle), GNTST_okay)) {
		CHECK_EQ(*(volatile uint64_t *)gfn_ptr(win + 1), 0x5eed);
		CHECK_EQ(gnttab_unmap(win + 1, handle), GNTST_okay);
	}
	mapped_table()[REF].flags = 0;
	CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void several_frames(void)
{
	REQUIRE_EQ(acquire(SHARED, 0, 3), 0);
	mapped_table()[0].frame = 7;
	CHECK_EQ(((struct grant_entry_v1 *)gfn_ptr(win + 1))[0].frame, 0);
	mapped_table()[0].frame = 0;
	CHECK_EQ(foreign_unmap(win, 3), 0);
}

static void over_another(void)
{
	REQUIRE_EQ(acquire(SHARED, 0, 2), 0);
	mapped_table()[0].frame = 7;
	CHECK_EQ(acquire(SHARED, 1, 1), 0);
	CHECK_EQ(mapped_table()[0].frame, 0);
	CHECK_EQ(acquire(SHARED, 0, 1), 0);
	CHECK_EQ(mapped_table()[0].frame, 7);
	mapped_table()[0].frame = 0;
	CHECK_EQ(foreign_unmap(win, 2), 0);
}

static void errors(void)
{
	xen_pfn_t gfns[2] = { win, win + 1 };
	struct xen_mem_acquire_resource a = { .nr_frames = 1 };

	CHECK_EQ(acquire(9, 0, 1), -EINVAL);
	CHECK_EQ(acquire(SHARED, 32, 1), -EINVAL);
	CHECK_EQ(acquire(SHARED, 31, 2), -EINVAL);
	CHECK_EQ(acquire(SHARED, 1ull << 40, 1), -EINVAL);
	CHECK_EQ(acquire(STATUS, 0, 1), -EINVAL); /* its table is of version 1 */
	a.pad = 1;
	CHECK_EQ(acquire_list(&a, gfns), -EINVAL);
	a.pad = 0;
	CHECK_EQ(acquire_list(&a, BAD_PTR), -EFAULT);
	a.type = 99;
	CHECK_EQ(hc_memory_op(XENMEM_acquire_resource, &a), -EOPNOTSUPP);
	a.type = XENMEM_resource_grant_table;
	a.domid = DOMID_NOBODY;
	CHECK_EQ(hc_memory_op(XENMEM_acquire_resource, &a), -ESRCH);
	CHECK_EQ(hc_memory_op(XENMEM_acquire_resource, BAD_PTR), -EFAULT);
	CHECK_EQ(foreign_unmap(win, 1), -ENOENT);
}

static void bad_gfn_in_the_middle(void)
{
	xen_pfn_t gfns[3] = { win, 1ull << 50, win + 2 };
	struct xen_mem_acquire_resource a = { .id = SHARED, .nr_frames = 3 };

	CHECK_EQ(acquire_list(&a, gfns), -EIO);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(foreign_unmap(win + 2, 1), -ENOENT);
}

static void not_for_guests(void)
{
	xen_pfn_t gfn = hole_gfn_alloc(1, 1);
	struct xen_mem_acquire_resource a = { .type = XENMEM_resource_grant_table, .nr_frames = 1 };

	set_xen_guest_handle(a.frame_list, &gfn);
	CHECK_EQ(hc_memory_op(XENMEM_acquire_resource, &a), -EPERM);
}

/* The frame is there as long as it is mapped, whatever becomes of its domain. */
static void outlives_its_domain(void)
{
	uint64_t before;

	peer_stop();
	before = host_free_settled();
	peer_start();
	REQUIRE_EQ(PEER_CALL(peer_entry, REF, 0x777, 0), 0);
	REQUIRE_EQ(acquire(SHARED, 0, 1), 0);
	CHECK(!domain_op(peer.id, XEN_DOMCTL_pausedomain));
	CHECK_EQ(domain_destroy(peer.id), 0);
	CHECK_EQ(mapped_table()[REF].frame, 0x777);
	mapped_table()[REF].frame = 1;
	CHECK_EQ(mapped_table()[REF].frame, 1);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	peer_stop();
	CHECK_EQ(host_free_wait(before, 200), before);
	peer_start();
}

static void setup(void)
{
	peer_start();
	if (!win)
		win = hole_gfn_alloc(4, 1);
}

static const struct test tests[] = {
	{ "sizes", sizes, TEST_DOM0 },
	{ "the grant table of another domain", sees_entries, TEST_DOM0 },
	{ "entries written through it", entries_written_here_work, TEST_DOM0 },
	{ "several frames", several_frames, TEST_DOM0 },
	{ "a frame over another", over_another, TEST_DOM0 | TEST_NOT_XEN },
	{ "errors", errors, TEST_DOM0 },
	{ "a bad gfn in the middle", bad_gfn_in_the_middle, TEST_DOM0 },
	{ "a frame outlives its domain", outlives_its_domain, TEST_DOM0 | TEST_NOT_XEN },
	{ "not for guests", not_for_guests, TEST_GUEST },
};

AREA(resource, "resource", tests, setup, peer_stop);
