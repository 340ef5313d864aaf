/* SPDX-License-Identifier: GPL-2.0-only */
/* Log-dirty mode by XEN_DOMCTL_shadow_op: what a guest, dom0 and a device model write is reported, once. */
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <xen/hvm/dm_op.h>
#include "errors.h"
#include "peer.h"

#define PAGES 8u

static uint64_t *bitmap; /* a page: 32768 gfns */
static uint64_t first; /* gfn of the peer's test pages */
static struct xen_domctl_shadow_op_stats stats;

static long shadow_op(uint32_t cmd, void *bits)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_shadow_op, .domain = peer.id };
	long rc;

	op.u.shadow_op.op = cmd;
	op.u.shadow_op.pages = 8 * PAGE_SIZE;
	set_xen_guest_handle(op.u.shadow_op.dirty_bitmap, (uint8_t *)bits);
	rc = hc_domctl(&op);
	stats = op.u.shadow_op.stats;
	return rc;
}

static long dirty_pages(uint32_t cmd)
{
	memset(bitmap, 0, PAGE_SIZE);
	return shadow_op(cmd, bitmap);
}

static bool is_dirty(uint64_t gfn) { return bitmap[gfn / 64] >> gfn % 64 & 1; }

static unsigned int dirty_count(void)
{
	unsigned int n = 0, i;

	for (i = 0; i < PAGES; i++)
		n += is_dirty(first + i);
	return n;
}

static long peer_pages(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	return (long)ptr_gfn(pages_alloc(PAGES, 1));
}

static long peer_write(uint64_t addr, uint64_t value, uint64_t c __unused)
{
	*(volatile uint64_t *)addr = value;
	return 0;
}

static void write_page(unsigned int i, uint64_t value)
{
	CHECK_EQ(PEER_CALL(peer_write, (first + i) << PAGE_SHIFT, value, 0), 0);
}

/* Log-dirty mode on, and all clean. */
static bool start(void)
{
	if (!first)
		first = (uint64_t)PEER_CALL(peer_pages, 0, 0, 0);
	return CHECK_EQ(shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL), 0) &&
	       CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
}

static void stop(void) { CHECK_EQ(shadow_op(XEN_DOMCTL_SHADOW_OP_OFF, NULL), 0); }

static void guest_writes(void)
{
	if (!start())
		return;
	write_page(1, 11);
	write_page(3, 33);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_PEEK), 0);
	CHECK(is_dirty(first + 1));
	CHECK(is_dirty(first + 3));
	CHECK_EQ(dirty_count(), 2);
	CHECK(stats.dirty_count >= 2);
	CHECK_EQ(peer_peek((first + 1) << PAGE_SHIFT), 11);
	stop();
}

/* Looking leaves what is dirty so; cleaning does not, and the next write makes it dirty again. */
static void peek_and_clean(void)
{
	if (!start())
		return;
	write_page(0, 1);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_PEEK), 0);
	CHECK_EQ(dirty_count(), 1);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	CHECK_EQ(dirty_count(), 1);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	CHECK_EQ(dirty_count(), 0);
	write_page(0, 2);
	write_page(0, 3);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	CHECK_EQ(dirty_count(), 1);
	stop();
}

/* Without a bitmap the pages are made clean all the same. */
static void clean_unseen(void)
{
	if (!start())
		return;
	write_page(2, 1);
	CHECK_EQ(shadow_op(XEN_DOMCTL_SHADOW_OP_CLEAN, NULL), 0);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_PEEK), 0);
	CHECK_EQ(dirty_count(), 0);
	stop();
}

static void device_model_writes(void)
{
	struct xen_dm_op_modified_memory_extent e[2] = { { .nr = 2, .first_pfn = first + 4 },
							 { .nr = 1, .first_pfn = first } };
	struct xen_dm_op op = { .op = XEN_DMOP_modified_memory };
	struct xen_dm_op_buf bufs[2] = { { .size = sizeof(op) }, { .size = sizeof(e) } };

	if (!start())
		return;
	e[0].first_pfn = first + 4;
	e[1].first_pfn = first;
	set_xen_guest_handle(bufs[0].h, &op);
	set_xen_guest_handle(bufs[1].h, e);
	op.u.modified_memory.nr_extents = 2;
	CHECK_EQ(hypercall(__HYPERVISOR_dm_op, peer.id, 2, HC_PTR(bufs), 0, 0), 0);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	CHECK(is_dirty(first) && is_dirty(first + 4) && is_dirty(first + 5));
	CHECK_EQ(dirty_count(), 3);
	e[0].nr = 6000;
	op.u.modified_memory.nr_extents = 1;
	op.u.modified_memory.opaque = 0;
	CHECK_EQ(hypercall(__HYPERVISOR_dm_op, peer.id, 2, HC_PTR(bufs), 0, 0), 0);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	CHECK_EQ(dirty_count(), 4); /* the last four of the eight, and what follows them */
	op.u.modified_memory.nr_extents = 3; /* more than there are */
	op.u.modified_memory.opaque = 0;
	CHECK_EQ(hypercall(__HYPERVISOR_dm_op, peer.id, 2, HC_PTR(bufs), 0, 0), -EINVAL);
	op.u.modified_memory.nr_extents = 1;
	op.u.modified_memory.opaque = 0;
	e[0].nr = 1;
	e[0].pad = 1;
	CHECK_EQ(hypercall(__HYPERVISOR_dm_op, peer.id, 2, HC_PTR(bufs), 0, 0), -EINVAL);
	stop();
}

static void pages_that_go(void)
{
	if (!start())
		return;
	CHECK_EQ(domain_depopulate(peer.id, first + 7, 1, 0), 1);
	CHECK_EQ(domain_populate(peer.id, first + 7, 1, 0), 1);
	CHECK_EQ(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0);
	CHECK_HV(is_dirty(first + 7), 0, 1);
	CHECK_HV(dirty_count(), 0, 1);
	stop();
}

static void switched_off(void)
{
	CHECK_HV(dirty_pages(XEN_DOMCTL_SHADOW_OP_PEEK), 0, -EINVAL);
	CHECK_HV(dirty_pages(XEN_DOMCTL_SHADOW_OP_CLEAN), 0, -EINVAL);
	CHECK_EQ(dirty_count(), 0);
}

static void errors(void)
{
	CHECK_EQ(shadow_op(99, NULL), -EINVAL);
	if (!start())
		return;
	CHECK_EQ(shadow_op(XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL), -EINVAL);
	CHECK_EQ(shadow_op(XEN_DOMCTL_SHADOW_OP_PEEK, BAD_PTR), -EFAULT);
	stop();
}

/* Switched off and on, and the guest runs on as if nothing was. */
static void many_times(void)
{
	unsigned int i;

	for (i = 0; i < 10; i++) {
		if (!start())
			return;
		write_page(i % PAGES, i);
		CHECK_EQ(peer_peek((first + i % PAGES) << PAGE_SHIFT), i);
		stop();
		write_page(i % PAGES, i + 100);
		CHECK_EQ(peer_peek((first + i % PAGES) << PAGE_SHIFT), i + 100);
	}
}

static void dies_with_it_on(void)
{
	uint64_t before;

	peer_stop();
	before = host_free_settled();
	peer_start();
	first = 0;
	if (!start())
		return;
	write_page(0, 1);
	peer_stop();
	CHECK_EQ(host_free_wait(before, 200), before);
	peer_start();
	first = 0;
}

static void setup(void)
{
	peer_start();
	first = 0;
	if (!bitmap)
		bitmap = page_alloc();
}

static const struct test tests[] = {
	{ "what a guest writes", guest_writes, TEST_DOM0 },
	{ "peek and clean", peek_and_clean, TEST_DOM0 },
	{ "cleaned without a bitmap", clean_unseen, TEST_DOM0 },
	{ "what a device model writes", device_model_writes, TEST_DOM0 },
	{ "pages that go and come", pages_that_go, TEST_DOM0 },
	{ "asked while it is off", switched_off, TEST_DOM0 },
	{ "errors", errors, TEST_DOM0 },
	{ "on and off", many_times, TEST_DOM0 },
	{ "the domain dies with it on", dies_with_it_on, TEST_DOM0 },
};

AREA(logdirty, "logdirty", tests, setup, peer_stop);
