/* SPDX-License-Identifier: GPL-2.0-only */
/* Grant tables: map, unmap, copy, versions, bad references, revocation, accounting. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/gnttab.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include "errors.h"
#include "peer.h"

#define FIRST_REF GNTTAB_NR_RESERVED_ENTRIES
#define NO_HANDLE 0xffffffffu

static struct grant_entry_v1 *table; /* own grant table, version 1, one frame */
static uint64_t win; /* own gfns without RAM, for mappings */

/* Runs in dom0 and, called remotely, in the peer. */
static long table_init(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	long rc = gnttab_init();

	table = gnttab_table();
	return rc;
}

/* In the peer: grant page (or, with a gfn, that frame) to dom0; the value is the gfn. */
static long peer_grant(uint64_t ref, uint64_t flags, uint64_t gfn)
{
	table_init(0, 0, 0);
	if (!gfn)
		gfn = ptr_gfn(page_alloc());
	gnttab_grant((grant_ref_t)ref, 0, gfn, (uint16_t)flags);
	return (long)gfn;
}

static long peer_flags(uint64_t ref, uint64_t b __unused, uint64_t c __unused)
{
	return READ_ONCE(table[ref].flags);
}

static long peer_revoke(uint64_t ref, uint64_t b __unused, uint64_t c __unused)
{
	gnttab_revoke((grant_ref_t)ref);
	return 0;
}

static void setup(void)
{
	long rc;

	peer_start();
	if (!win)
		win = hole_gfn_alloc(64, 1);
	rc = table_init(0, 0, 0);
	if (rc)
		tap_note("mapping the grant table: %ld", rc);
}

static struct gnttab_map_grant_ref map_op(domid_t dom, grant_ref_t ref, uint64_t gfn, uint32_t flags)
{
	struct gnttab_map_grant_ref m = { .host_addr = gfn << PAGE_SHIFT,
					  .flags = GNTMAP_host_map | flags,
					  .ref = ref,
					  .dom = dom,
					  .handle = NO_HANDLE,
					  .status = 99 };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, &m, 1), 0);
	return m;
}

static int unmap_op(uint64_t gfn, grant_handle_t handle)
{
	struct gnttab_unmap_grant_ref u = { .host_addr = gfn << PAGE_SHIFT,
					    .handle = handle,
					    .status = 99 };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
	return u.status;
}

static volatile uint64_t *at(uint64_t gfn)
{
	return gfn_ptr(gfn);
}

static void version_is_known(void)
{
	struct gnttab_get_version v = { .dom = DOMID_SELF };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_get_version, &v, 1), 0);
	CHECK(v.version == 1 || v.version == 2);
}

static void version_change(void)
{
	struct gnttab_set_version v = { .version = 3 };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_set_version, &v, 1), -EINVAL);
	CHECK_EQ(gnttab_set_version(0), -EINVAL);
	CHECK_EQ(gnttab_set_version(1), 0);
}

static void version_of_others(void)
{
	struct gnttab_get_version v = { .dom = DOMID_NOBODY };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_get_version, &v, 1), -ESRCH);
}

static void query_size(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF, .status = 99 };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_query_size, &q, 1), 0);
	CHECK_EQ(q.status, GNTST_okay);
	CHECK(q.nr_frames >= 1);
	CHECK(q.max_nr_frames >= q.nr_frames);
	if (!is_dom0())
		CHECK_EQ(q.max_nr_frames, 32);
}

static void query_size_of_nobody(void)
{
	struct gnttab_query_size q = { .dom = DOMID_NOBODY, .status = 99 };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_query_size, &q, 1), 0);
	CHECK_EQ(q.status, GNTST_bad_domain);
}

static void setup_table_grows(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 3, .status = 99 };
	xen_pfn_t frames[8] = { 0 };

	set_xen_guest_handle(s.frame_list, frames);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_setup_table, &s, 1), 0);
	CHECK_EQ(s.status, GNTST_okay);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_query_size, &q, 1), 0);
	CHECK(q.nr_frames >= 3);
}

static void setup_table_too_many(void)
{
	struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 100000, .status = 99 };
	xen_pfn_t frames[8] = { 0 };

	set_xen_guest_handle(s.frame_list, frames);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_setup_table, &s, 1), 0);
	CHECK_EQ(s.status, GNTST_general_error);
}

static void table_frame_beyond(void)
{
	CHECK_EQ(gnttab_map_frame(5000, win + 20), -EINVAL);
}

static void map_contents(void)
{
	struct gnttab_map_grant_ref m;
	long gfn = PEER_CALL(peer_grant, FIRST_REF, 0, 0);

	REQUIRE(gfn > 0);
	peer_poke((uint64_t)gfn << PAGE_SHIFT, 0xfeed);
	m = map_op(peer.id, FIRST_REF, win, 0);
	REQUIRE_EQ(m.status, GNTST_okay);
	CHECK_EQ(at(win)[0], 0xfeed);
	at(win)[1] = 0xbeef;
	CHECK_EQ(peer_peek(((uint64_t)gfn << PAGE_SHIFT) + 8), 0xbeef);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
	CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0), GTF_permit_access);
}

static void map_readonly(void)
{
	struct gnttab_map_grant_ref m;

	PEER_CALL(peer_grant, FIRST_REF, GTF_readonly, 0);
	m = map_op(peer.id, FIRST_REF, win, GNTMAP_readonly);
	REQUIRE_EQ(m.status, GNTST_okay);
	CHECK_EQ(at(win)[0], 0);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0),
		 GTF_permit_access | GTF_readonly | GTF_reading);
	CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
}

static void map_writable_of_readonly(void)
{
	PEER_CALL(peer_grant, FIRST_REF, GTF_readonly, 0);
	CHECK_EQ(map_op(peer.id, FIRST_REF, win, 0).status, GNTST_general_error);
}

static void map_twice(void)
{
	struct gnttab_map_grant_ref a, b;

	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	a = map_op(peer.id, FIRST_REF, win, 0);
	b = map_op(peer.id, FIRST_REF, win + 1, 0);
	REQUIRE_EQ(a.status, GNTST_okay);
	REQUIRE_EQ(b.status, GNTST_okay);
	at(win)[3] = 33;
	CHECK_EQ(at(win + 1)[3], 33);
	CHECK(a.handle != b.handle);
	CHECK_EQ(unmap_op(win, a.handle), GNTST_okay);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0),
		 GTF_permit_access | GTF_reading | GTF_writing);
	CHECK_EQ(at(win + 1)[3], 33);
	CHECK_EQ(unmap_op(win + 1, b.handle), GNTST_okay);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0), GTF_permit_access);
}

static void unmap_twice(void)
{
	struct gnttab_map_grant_ref m;

	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	m = map_op(peer.id, FIRST_REF, win, 0);
	REQUIRE_EQ(m.status, GNTST_okay);
	CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
	CHECK_EQ(unmap_op(win, m.handle), GNTST_bad_handle);
}

static void unmap_bad_handle(void)
{
	CHECK_EQ(unmap_op(win, NO_HANDLE), GNTST_bad_handle);
	CHECK_EQ(unmap_op(win, 100000), GNTST_bad_handle);
}

static void unmap_wrong_address(void)
{
	struct gnttab_map_grant_ref m;

	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	m = map_op(peer.id, FIRST_REF, win, 0);
	REQUIRE_EQ(m.status, GNTST_okay);
	CHECK_EQ(unmap_op(win + 1, m.handle), GNTST_general_error);
	CHECK_EQ(at(win)[0], 0);
	CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
}

static void bad_refs(void)
{
	PEER_CALL(table_init, 0, 0, 0);
	CHECK_EQ(map_op(peer.id, FIRST_REF + 100, win, 0).status, GNTST_general_error);
	CHECK_EQ(map_op(peer.id, 10000000, win, 0).status, GNTST_bad_gntref);
	CHECK_EQ(map_op(peer.id, ~0u, win, 0).status, GNTST_bad_gntref);
}

static void bad_domains(void)
{
	CHECK_EQ(map_op(DOMID_NOBODY, FIRST_REF, win, 0).status, GNTST_bad_domain);
	CHECK_EQ(map_op(DOMID_IDLE, FIRST_REF, win, 0).status, GNTST_bad_domain);
	CHECK_EQ(map_op(DOMID_INVALID, FIRST_REF, win, 0).status, GNTST_bad_domain);
}

static void bad_flags(void)
{
	struct gnttab_map_grant_ref m = {
		.host_addr = win << PAGE_SHIFT, .ref = FIRST_REF, .dom = peer.id, .status = 99
	};

	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, &m, 1), 0);
	CHECK_EQ(m.status, GNTST_bad_gntref);
	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	m.flags = GNTMAP_host_map | GNTMAP_contains_pte;
	m.status = 99;
	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, &m, 1), 0);
	CHECK_EQ(m.status, GNTST_general_error);
}

static void granted_to_another(void)
{
	struct grant_entry_v1 *t = table;

	REQUIRE(t);
	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	/* What dom0 grants to a domain that is not there, nobody can map: not dom0 itself. */
	gnttab_grant(FIRST_REF + 1, DOMID_NOBODY, ptr_gfn(table), 0);
	CHECK_EQ(map_op(0, FIRST_REF + 1, win, 0).status, GNTST_general_error);
	gnttab_revoke(FIRST_REF + 1);
}

static void revoked_while_mapped(void)
{
	struct gnttab_map_grant_ref m;
	long gfn = PEER_CALL(peer_grant, FIRST_REF, 0, 0);

	m = map_op(peer.id, FIRST_REF, win, 0);
	REQUIRE_EQ(m.status, GNTST_okay);
	PEER_CALL(peer_revoke, FIRST_REF, 0, 0);
	at(win)[2] = 22;
	CHECK_EQ(peer_peek(((uint64_t)gfn << PAGE_SHIFT) + 16), 22);
	CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
	CHECK_EQ(map_op(peer.id, FIRST_REF, win, 0).status, GNTST_general_error);
}

static void frame_of_nothing(void)
{
	PEER_CALL(peer_grant, FIRST_REF, 0, 0x70000);
	CHECK_EQ(map_op(peer.id, FIRST_REF, win, 0).status, GNTST_bad_page);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0), GTF_permit_access);
}

static void map_over_own_ram(void)
{
	struct gnttab_map_grant_ref m;
	uint64_t *page = page_alloc();
	uint64_t own = domain_pages(0);

	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	m = map_op(peer.id, FIRST_REF, ptr_gfn(page), 0);
	if (CHECK_EQ(m.status, GNTST_okay)) {
		page[4] = 44;
		CHECK_EQ(unmap_op(ptr_gfn(page), m.handle), GNTST_okay);
		CHECK_EQ(domain_populate(DOMID_SELF, ptr_gfn(page), 1, 0), 1);
		CHECK_EQ(page[4], 0);
	}
	CHECK_HV(domain_pages(0), own + 1, own);
	page_free(page);
}

static void map_over_foreign(void)
{
	struct gnttab_map_grant_ref m;

	REQUIRE_EQ(foreign_map(peer.id, peer.last_gfn, win, 1), 0);
	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	m = map_op(peer.id, FIRST_REF, win, 0);
	if (m.status == GNTST_okay)
		CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
	else
		CHECK_EQ(foreign_unmap(win, 1), 0);
}

static void batch_with_a_bad_one(void)
{
	struct gnttab_map_grant_ref m[3];
	unsigned int i;

	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	PEER_CALL(peer_grant, FIRST_REF + 1, 0, 0);
	PEER_CALL(peer_revoke, FIRST_REF + 2, 0, 0);
	for (i = 0; i < 3; i++)
		m[i] = (struct gnttab_map_grant_ref){ .host_addr = (win + i) << PAGE_SHIFT,
						      .flags = GNTMAP_host_map,
						      .ref = i == 1 ? FIRST_REF + 2
								    : FIRST_REF + i / 2,
						      .dom = peer.id };
	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, m, 3), 0);
	CHECK_EQ(m[0].status, GNTST_okay);
	CHECK_EQ(m[1].status, GNTST_general_error);
	CHECK_EQ(m[2].status, GNTST_okay);
	CHECK_EQ(unmap_op(win, m[0].handle), GNTST_okay);
	CHECK_EQ(unmap_op(win + 2, m[2].handle), GNTST_okay);
}

static void sixty_four_maps(void)
{
	static struct gnttab_map_grant_ref m[32];
	static struct gnttab_unmap_grant_ref u[32];
	unsigned int i, bad = 0;

	PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	for (i = 0; i < 32; i++)
		m[i] = (struct gnttab_map_grant_ref){ .host_addr = (win + i) << PAGE_SHIFT,
						      .flags = GNTMAP_host_map,
						      .ref = FIRST_REF,
						      .dom = peer.id };
	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, m, 32), 0);
	for (i = 0; i < 32; i++) {
		bad += m[i].status != GNTST_okay;
		u[i] = (struct gnttab_unmap_grant_ref){ .host_addr = m[i].host_addr,
							.handle = m[i].handle };
	}
	CHECK_EQ(bad, 0);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_unmap_grant_ref, u, 32), 0);
	for (i = 0; i < 32; i++)
		bad += u[i].status != GNTST_okay;
	CHECK_EQ(bad, 0);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0), GTF_permit_access);
}

/* --- copy */

static struct gnttab_copy copy_op(domid_t sdom, uint64_t s, bool sref, domid_t ddom, uint64_t d,
				  bool dref, uint16_t len)
{
	struct gnttab_copy c = { .len = len, .status = 99 };

	c.source.domid = sdom;
	c.dest.domid = ddom;
	c.flags = (sref ? GNTCOPY_source_gref : 0) | (dref ? GNTCOPY_dest_gref : 0);
	if (sref)
		c.source.u.ref = (grant_ref_t)s;
	else
		c.source.u.gmfn = s;
	if (dref)
		c.dest.u.ref = (grant_ref_t)d;
	else
		c.dest.u.gmfn = d;
	return c;
}

static int do_copy(struct gnttab_copy *c)
{
	CHECK_EQ(hc_grant_table_op(GNTTABOP_copy, c, 1), 0);
	return c->status;
}

static void copy_own_pages(void)
{
	uint64_t *a = page_alloc(), *b = page_alloc();
	struct gnttab_copy c =
		copy_op(DOMID_SELF, ptr_gfn(a), false, DOMID_SELF, ptr_gfn(b), false, 64);

	a[0] = 1;
	a[7] = 7;
	a[8] = 8;
	CHECK_EQ(do_copy(&c), GNTST_okay);
	CHECK_EQ(b[0], 1);
	CHECK_EQ(b[7], 7);
	CHECK_EQ(b[8], 0);
	page_free(a);
	page_free(b);
}

static void copy_from_peer(void)
{
	uint64_t *b = page_alloc();
	long gfn = PEER_CALL(peer_grant, FIRST_REF, GTF_readonly, 0);
	struct gnttab_copy c =
		copy_op(peer.id, FIRST_REF, true, DOMID_SELF, ptr_gfn(b), false, PAGE_SIZE);

	peer_poke((uint64_t)gfn << PAGE_SHIFT, 123);
	peer_poke(((uint64_t)gfn << PAGE_SHIFT) + 4088, 456);
	CHECK_EQ(do_copy(&c), GNTST_okay);
	CHECK_EQ(b[0], 123);
	CHECK_EQ(b[511], 456);
	CHECK_EQ(PEER_CALL(peer_flags, FIRST_REF, 0, 0), GTF_permit_access | GTF_readonly);
	page_free(b);
}

static void copy_to_peer(void)
{
	uint64_t *a = page_alloc();
	long gfn = PEER_CALL(peer_grant, FIRST_REF, 0, 0);
	struct gnttab_copy c = copy_op(DOMID_SELF, ptr_gfn(a), false, peer.id, FIRST_REF, true, 16);

	a[1] = 789;
	CHECK_EQ(do_copy(&c), GNTST_okay);
	CHECK_EQ(peer_peek(((uint64_t)gfn << PAGE_SHIFT) + 8), 789);
	page_free(a);
}

static void copy_to_readonly(void)
{
	uint64_t *a = page_alloc();
	struct gnttab_copy c;

	PEER_CALL(peer_grant, FIRST_REF, GTF_readonly, 0);
	c = copy_op(DOMID_SELF, ptr_gfn(a), false, peer.id, FIRST_REF, true, 16);
	CHECK_EQ(do_copy(&c), GNTST_general_error);
	page_free(a);
}

static void copy_bad_lengths(void)
{
	uint64_t *a = page_alloc(), *b = page_alloc();
	struct gnttab_copy c =
		copy_op(DOMID_SELF, ptr_gfn(a), false, DOMID_SELF, ptr_gfn(b), false, 4097);

	CHECK_EQ(do_copy(&c), GNTST_bad_copy_arg);
	c.len = 100;
	c.source.offset = 4090;
	CHECK_EQ(do_copy(&c), GNTST_bad_copy_arg);
	c.source.offset = 0;
	c.dest.offset = 4000;
	CHECK_EQ(do_copy(&c), GNTST_bad_copy_arg);
	c.dest.offset = 4096 - 100;
	CHECK_EQ(do_copy(&c), GNTST_okay);
	page_free(a);
	page_free(b);
}

static void copy_bad_frames(void)
{
	uint64_t *a = page_alloc();
	struct gnttab_copy c = copy_op(DOMID_SELF, win + 40, false, DOMID_SELF, ptr_gfn(a), false, 8);

	CHECK_EQ(do_copy(&c), GNTST_bad_page);
	c = copy_op(DOMID_SELF, ptr_gfn(a), false, DOMID_SELF, win + 40, false, 8);
	CHECK_EQ(do_copy(&c), GNTST_bad_page);
	page_free(a);
}

static void copy_foreign_frame_by_number(void)
{
	uint64_t *a = page_alloc();
	struct gnttab_copy c = copy_op(peer.id, 0, false, DOMID_SELF, ptr_gfn(a), false, 8);

	CHECK_EQ(do_copy(&c), GNTST_permission_denied);
	page_free(a);
}

static void copy_bad_ref_and_domain(void)
{
	uint64_t *a = page_alloc();
	struct gnttab_copy c = copy_op(peer.id, 10000000, true, DOMID_SELF, ptr_gfn(a), false, 8);

	CHECK_EQ(do_copy(&c), GNTST_bad_gntref);
	c = copy_op(DOMID_NOBODY, FIRST_REF, true, DOMID_SELF, ptr_gfn(a), false, 8);
	CHECK_EQ(do_copy(&c), GNTST_bad_domain);
	page_free(a);
}

/* --- the table's other operations */

static void transfer_is_for_pv(void)
{
	struct gnttab_transfer t = { .mfn = 5, .domid = DOMID_SELF, .ref = FIRST_REF };

	CHECK_EQ(hc_grant_table_op(GNTTABOP_transfer, &t, 1), -ENOSYS);
}

static void swap_refs(void)
{
	struct gnttab_swap_grant_ref s = { .ref_a = FIRST_REF + 3,
					   .ref_b = FIRST_REF + 4,
					   .status = 99 };

	REQUIRE(table);
	gnttab_grant(FIRST_REF + 3, 1, 0x111, 0);
	gnttab_grant(FIRST_REF + 4, 2, 0x222, GTF_readonly);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_swap_grant_ref, &s, 1), 0);
	CHECK_EQ(s.status, GNTST_okay);
	CHECK_EQ(table[FIRST_REF + 3].domid, 2);
	CHECK_EQ(table[FIRST_REF + 4].domid, 1);
	CHECK_EQ(table[FIRST_REF + 3].frame, 0x222);
	gnttab_revoke(FIRST_REF + 3);
	gnttab_revoke(FIRST_REF + 4);
	s.ref_b = 10000000;
	CHECK_EQ(hc_grant_table_op(GNTTABOP_swap_grant_ref, &s, 1), 0);
	CHECK_EQ(s.status, GNTST_bad_gntref);
}

static void unknown_op(void)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };

	CHECK_EQ(hc_grant_table_op(77, &q, 1), -ENOSYS);
}

static void unreadable(void)
{
	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, BAD_PTR, 1), -EFAULT);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_unmap_grant_ref, BAD_PTR, 1), -EFAULT);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_copy, BAD_PTR, 1), -EFAULT);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_query_size, BAD_PTR, 1), -EFAULT);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_setup_table, BAD_PTR, 1), -EFAULT);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_get_version, BAD_PTR, 1), -EFAULT);
}

static void counts(void)
{
	struct gnttab_copy c[2];

	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, NULL, 0), 0);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_copy, c, 0), 0);
	CHECK_EQ(hc_grant_table_op(GNTTABOP_map_grant_ref, c, 0x80000000u), -EINVAL);
}

static void mapping_dies_with_its_user(void)
{
	uint64_t before = host_free_settled();
	struct gnttab_map_grant_ref m;
	struct guest g;

	REQUIRE_EQ(guest_start_server(&g, "", 1, 256), 0);
	CHECK(guest_call(&g, peer_grant, FIRST_REF, 0, 0, 1000) > 0);
	m = map_op(g.id, FIRST_REF, win, 0);
	if (CHECK_EQ(m.status, GNTST_okay)) {
		CHECK_EQ(domain_destroy(g.id), 0);
		at(win)[0] = 5;
		CHECK_EQ(at(win)[0], 5);
		CHECK(domain_pages(g.id) >= 1);
		CHECK_EQ(unmap_op(win, m.handle), GNTST_okay);
	}
	CHECK(guest_destroy(&g));
	CHECK_EQ(host_free_wait(before, 100), before);
}

static const struct test tests[] = {
	{ "the version is 1 or 2", version_is_known, 0 },
	{ "set_version", version_change, 0 },
	{ "get_version of nobody", version_of_others, 0 },
	{ "query_size", query_size, 0 },
	{ "query_size of nobody", query_size_of_nobody, 0 },
	{ "setup_table grows the table", setup_table_grows, 0 },
	{ "setup_table beyond the limit", setup_table_too_many, 0 },
	{ "add_to_physmap of a frame beyond the limit", table_frame_beyond, 0 },
	{ "map, contents, pins, unmap", map_contents, TEST_DOM0 },
	{ "map read-only", map_readonly, TEST_DOM0 },
	{ "map writable of a read-only grant", map_writable_of_readonly, TEST_DOM0 },
	{ "map twice", map_twice, TEST_DOM0 },
	{ "unmap twice", unmap_twice, TEST_DOM0 },
	{ "unmap of a bad handle", unmap_bad_handle, TEST_DOM0 },
	{ "unmap at another address", unmap_wrong_address, TEST_DOM0 },
	{ "bad references", bad_refs, TEST_DOM0 },
	{ "bad domains", bad_domains, TEST_DOM0 },
	{ "bad flags", bad_flags, TEST_DOM0 },
	{ "granted to another", granted_to_another, TEST_DOM0 },
	{ "revoked while mapped", revoked_while_mapped, TEST_DOM0 },
	{ "a granted frame that is not there", frame_of_nothing, TEST_DOM0 },
	{ "map over own RAM", map_over_own_ram, TEST_DOM0 },
	{ "map over a foreign mapping", map_over_foreign, TEST_DOM0 | TEST_NOT_XEN },
	{ "a batch with a bad one", batch_with_a_bad_one, TEST_DOM0 },
	{ "32 mappings of one reference", sixty_four_maps, TEST_DOM0 },
	{ "copy between own pages", copy_own_pages, 0 },
	{ "copy from the peer", copy_from_peer, TEST_DOM0 },
	{ "copy to the peer", copy_to_peer, TEST_DOM0 },
	{ "copy to a read-only grant", copy_to_readonly, TEST_DOM0 },
	{ "copy across page ends", copy_bad_lengths, 0 },
	{ "copy of frames that are not there", copy_bad_frames, 0 },
	{ "copy of another domain's frame by number", copy_foreign_frame_by_number, TEST_DOM0 },
	{ "copy of a bad reference or domain", copy_bad_ref_and_domain, TEST_DOM0 },
	{ "transfer", transfer_is_for_pv, 0 },
	{ "swap_grant_ref", swap_refs, 0 },
	{ "unknown sub-operation", unknown_op, 0 },
	{ "unreadable arguments", unreadable, 0 },
	{ "counts of none and too many", counts, 0 },
	{ "a mapping outlives its granter", mapping_dies_with_its_user, TEST_DOM0 },
};

AREA(grant, "grant", tests, setup, peer_stop);
