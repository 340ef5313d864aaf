/* SPDX-License-Identifier: GPL-2.0-only */
/* What no lesson stands for: memory types, 1:1 domains, superpages, looking, small print. */
#include "cases.h"

static u8 mtype(u64 start, u64 end, bool *uniform)
{
	return mtrr_range_type(&host_mtrr_state, start, end, uniform);
}

/* The mask register of a range of this size. */
#define MTRR_MASK(size) ((0xffffffffff000UL & ~((size) - 1)) | 0x800)

static void memory_types(void)
{
	struct host_mtrr *m = &host_mtrr_state;
	unsigned long done;
	bool u;

	memset(m, 0, sizeof(*m));
	CHECK(mtype(0, 1UL << 40, &u) == X86_MT_UC && u);		/* off */
	m->cap = 10;
	m->def_type = X86_MT_WB | MTRR_DEF_TYPE_ENABLE | MTRR_DEF_TYPE_FIXED;
	m->fixed[0] = 0x0606060606060606UL;
	m->fixed[1] = 0x0505050504040404UL;				/* 16K: 80000- WT, 90000- WP */
	m->fixed[3] = 0x0606060606060600UL;				/* 4K: c0000 UC */
	for (unsigned int i = 4; i < 11; i++)
		m->fixed[i] = 0x0606060606060606UL;
	CHECK(mtype(0, 0x80000, &u) == X86_MT_WB && u);
	CHECK(mtype(0x80000, 0x90000, &u) == X86_MT_WT && u);
	CHECK(mtype(0x80000, 0x91000, &u) == X86_MT_WT && !u);
	CHECK(mtype(0x90000, 0xa0000, &u) == X86_MT_WP && u);
	CHECK(mtype(0xa0000, 0xc0000, &u) == X86_MT_UC && u);
	CHECK(mtype(0xc0000, 0xc1000, &u) == X86_MT_UC && u);
	CHECK(mtype(0xc1000, 0x200000, &u) == X86_MT_WB && u);
	/* 3-4 GiB uncached, a write-combining frame buffer in it, write-through over write-back. */
	m->var[0][0] = 0xc0000000 | X86_MT_UC;
	m->var[0][1] = MTRR_MASK(1UL << 30);
	m->var[1][0] = 0x200000000UL | X86_MT_WT;
	m->var[1][1] = MTRR_MASK(1UL << 32);
	m->var[2][0] = 0x200000000UL | X86_MT_WB;
	m->var[2][1] = MTRR_MASK(1UL << 28);
	m->var[3][0] = 0x300000000UL | X86_MT_WC;
	m->var[3][1] = MTRR_MASK(1UL << 28);
	m->var[4][0] = 0x300000000UL | X86_MT_WB;			/* WC and WB: undefined, so UC */
	m->var[4][1] = MTRR_MASK(1UL << 20);
	m->var[5][0] = 0x400000000UL | 7;				/* no such type */
	m->var[5][1] = MTRR_MASK(1UL << 32);
	m->var[6][0] = 0x0 | X86_MT_WP;					/* not valid */
	m->var[6][1] = 0xfffffffff000UL;
	CHECK(mtype(0xc0000000, 0x100000000UL, &u) == X86_MT_UC && u);
	m->var[0][1] = 0xffc0000000UL | 0x800;				/* of a CPU with 40 bits */
	CHECK(mtype(0xc0000000, 0x100000000UL, &u) == X86_MT_UC && u);
	CHECK(mtype(0xbfe00000, 0xc0200000, &u) == X86_MT_WB && !u);
	CHECK(mtype(0x200000000UL, 0x210000000UL, &u) == X86_MT_WT && u);
	CHECK(mtype(0x300000000UL, 0x300100000UL, &u) == X86_MT_UC && u);
	CHECK(mtype(0x300100000UL, 0x300200000UL, &u) == X86_MT_WC && u);
	CHECK(mtype(0x400000000UL, 0x400100000UL, &u) == X86_MT_UC && u);
	/* Two that say the same, and write-back over write-through. */
	m->var[8][0] = 0xc0000000 | X86_MT_UC;
	m->var[8][1] = MTRR_MASK(1UL << 20);
	m->var[9][0] = 0x220000000UL | X86_MT_WB;
	m->var[9][1] = MTRR_MASK(1UL << 28);
	CHECK(mtype(0xc0000000, 0x100000000UL, &u) == X86_MT_UC && u);
	CHECK(mtype(0x220000000UL, 0x230000000UL, &u) == X86_MT_WT && u);
	m->var[9][0] = 0x300000000UL | X86_MT_WT;
	m->var[9][1] = MTRR_MASK(1UL << 20);
	CHECK(mtype(0x300000000UL, 0x300100000UL, &u) == X86_MT_UC && u);
	/* Valid, and no mask. */
	m->var[9][1] = 0x800;
	CHECK(mtype(0x300100000UL, 0x300200000UL, &u) == X86_MT_WC && u);
	/* A run of ones that ends too low, for the widths there are. */
	m->var[9][0] = 0x700000000UL | X86_MT_WB;
	m->var[9][1] = 0xfff00000UL | 0x800;
	CHECK(mtype(0x640000000UL, 0x640100000UL, &u) == X86_MT_WB && u);
	memset(m->var[8], 0, sizeof(m->var[8]));
	memset(m->var[9], 0, sizeof(m->var[9]));
	/* A mask with holes cuts a range up more often than anybody wants to know. */
	m->var[7][0] = 0x500000000UL | X86_MT_WB;
	m->var[7][1] = 0xffff00001000UL | 0x800;
	CHECK(mtype(0x600000000UL, 0x640000000UL, &u) == X86_MT_WB && !u);
	memset(m->var[7], 0, sizeof(m->var[7]));
	/* No superpage across types. */
	CHECK_RC(p2m_set_mmio(dom0, _gfn(0x800000), _mfn(0x300000), 1024, &done), 0);
	CHECK(order_at(dom0, 0x800000) == 0 && order_at(dom0, 0x800200) == 9);
	CHECK((host_walk(dom0, 0x800001).e >> 3 & 7) == X86_MT_UC);
	CHECK((host_walk(dom0, 0x800100).e >> 3 & 7) == X86_MT_WC);
}

static void identity_keeps_frames(void)
{
	unsigned long g = HOST_BLOCK_BASE + 512;
	struct page_info *p = mfn_to_page(_mfn(g + 7)), *q;

	p2m_set_identity(g2);
	CHECK(!p2m_reserved_frame(g2, _gfn(g + 7)) && !p2m_reserved_frame(g2, _gfn(~0UL)) &&
	      !p2m_reserved_frame(g1, _gfn(g + 7)));
	CHECK_RC(assign_pages_at(g2, _mfn(g), 9), 0);
	CHECK_RC(p2m_add_page(g2, _gfn(g), _mfn(g), 9, p2m_ram_rw, &b2), 0);
	CHECK_RC(p2m_release_range(g2, _gfn(g + 7), 0, &b2), 0);
	CHECK(!p2m_reserved_frame(g2, _gfn(g + 7)));	/* not before the flush */
	end_all();
	CHECK(p2m_reserved_frame(g2, _gfn(g + 7)) && !count_of(p) && atomic64_read(&g2->tot_pages) == 511);
	/* Something foreign there meanwhile, then its own again: a superpage as before. */
	ram_at(g1, &b1, 1);
	CHECK_RC(p2m_add_foreign(g2, _gfn(g + 7), g1, _gfn(1), &b2), 0);
	CHECK_RC(p2m_remove_from_physmap(g2, _gfn(g + 7), &b2), 0);
	CHECK_RC(assign_pages_at(g2, _mfn(g + 7), 0), 0);
	CHECK_RC(p2m_add_page(g2, _gfn(g + 7), _mfn(g + 7), 0, p2m_ram_rw, &b2), 0);
	/* Kept even while somebody else has it mapped; foreign over RAM keeps it as well. */
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g2, _gfn(g + 9), &b0), 0);
	CHECK_RC(p2m_add_foreign(g2, _gfn(g + 9), g1, _gfn(1), &b2), 0);
	end_all();
	CHECK(p2m_reserved_frame(g2, _gfn(g + 9)) && count_of(mfn_to_page(_mfn(g + 9))) == 1);
	/* A frame that is not at its own gfn goes to everybody. */
	q = ram_at(g2, &b2, 3);
	CHECK_RC(p2m_release_range(g2, _gfn(3), 0, &b2), 0);
	end_all();
	CHECK(!count_of(q) && host_frame_free(page_to_mfn(q)));
}

static void superpages_come_back(void)
{
	struct page_info *p = alloc_domheap_pages(g1, 9, 0);
	unsigned long done;

	/* Page by page, in order, and the last one makes it a superpage. */
	for (unsigned int i = 0; i < 512; i++) {
		/* A CPU walks through the table until the end. */
		if (i == 511)
			host_touch(g1, 1, 515, true);
		CHECK_RC(p2m_add_page(g1, _gfn(512 + i), _mfn(frame_of(p) + i), 0, p2m_ram_rw, &b1), 0);
	}
	CHECK(order_at(g1, 512) == 9);
	end_all();
	/* Device memory likewise; a hole in the middle and back. */
	CHECK_RC(p2m_set_mmio(dom0, _gfn(0x40000), _mfn(HOST_MMIO_BASE), 1UL << 18, &done), 0);
	CHECK(order_at(dom0, 0x40000) == 18 && p2m_max_gfn(dom0) == 0x7ffff);
	CHECK_RC(p2m_clear_mmio(dom0, _gfn(0x40100), _mfn(HOST_MMIO_BASE + 0x100), 0x80, &done), 0);
	CHECK(order_at(dom0, 0x40000) == 0 && order_at(dom0, 0x40200) == 9);
	CHECK_RC(p2m_set_mmio(dom0, _gfn(0x40000), _mfn(HOST_MMIO_BASE), 0x200, &done), 0);
	CHECK(order_at(dom0, 0x40000) == 9);
	/* A 1G page where there are tables: as large as fits in them. */
	CHECK_RC(p2m_pod_set_range(g2, _gfn(1UL << 18), 0), 0);
	CHECK_RC(p2m_release_range(g2, _gfn(1UL << 18), 0, &b2), 0);
	p = alloc_domheap_pages(g2, 18, 0);
	CHECK_RC(p2m_add_page(g2, _gfn(1UL << 18), page_to_mfn(p), 18, p2m_ram_rw, &b2), 0);
	CHECK(order_at(g2, 1UL << 18) == 9 && order_at(g2, (1UL << 19) - 1) == 9);
}

static unsigned long ranges_seen;
static int count_range(void *arg, gfn_t start, unsigned long nr, mfn_t mfn, enum p2m_type t)
{
	ranges_seen++;
	return arg ? -EFAULT : 0;
}

/* Neighbours of two owners are two ranges. (Frames come in no order: among a thousand are some.) */
static void looking_at_owners(void)
{
	unsigned long gfn = 0, i = 0, j = 0;

	for (; i < 1000; i++) {
		ram_at(g1, &b1, i);
		ram_at(g2, &b2, i);
	}
	for (i = 0; i < 1000 && mfn_at(g1, i) + 1 != mfn_at(g2, j); i += !(j = (j + 1) % 1000))
		;
	CHECK(mfn_at(g1, i) + 1 == mfn_at(g2, j));
	CHECK_RC(p2m_add_foreign(dom0, _gfn(0), g1, _gfn(i), &b0), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g2, _gfn(j), &b0), 0);
	CHECK_RC(p2m_walk(dom0, &gfn, ~0UL, count_range, NULL), 0);
	CHECK(ranges_seen == 2);
}

static void looking(void)
{
	unsigned long gfn = 0, done, calls = 1;

	CHECK(p2m_eptp(g1) == ((virt_to_maddr(g1->arch.p2m->root)) | 0x1e));
	CHECK(p2m_to_domain(g1->arch.p2m) == g1 && cpumask_empty(p2m_cpus(g1->arch.p2m)));
	p2m_mark_cpu(g1, 3);
	p2m_mark_cpu(g1, 3);
	CHECK(p2m_cpus(g1->arch.p2m).bits == 8);
	for (unsigned int i = 0; i < 1000; i++)
		ram_at(g1, &b1, 2 * i);
	super_at(g1, &b1, 4096);
	CHECK_RC(p2m_set_mmio(g1, _gfn(8192), _mfn(HOST_MMIO_BASE), 3, &done), 0);
	per_cpu__softirq_pending_bits = 1;
	while (p2m_walk(g1, &gfn, ~0UL, count_range, NULL) == -ERESTART)
		calls++;
	per_cpu__softirq_pending_bits = 0;
	CHECK(ranges_seen == 1002 && calls >= 4);
	gfn = 0;
	CHECK_RC(p2m_walk(g1, &gfn, 10, count_range, NULL), -ERESTART);
	gfn = 0;
	CHECK_RC(p2m_walk(g1, &gfn, 10, count_range, g1), -EFAULT);
	p2m_dump(g1);
	CHECK(!strncmp(host_last_line, "  more from", 11));
	p2m_dump(g2);
	CHECK(!strncmp(host_last_line, "p2m of d2", 9));
	CHECK_RC(p2m_change_type_one(g2, _gfn(1), p2m_invalid, p2m_mmio_dm), 0);
	CHECK(p2m_handle_fault(g2, _gfn(1), true, false) == P2M_FAULT_DM);
	p2m_dump(g2);
	CHECK_RC(p2m_change_type_one(g2, _gfn(1), p2m_invalid, p2m_ram_rw), -EINVAL);
	CHECK_RC(p2m_change_type_one(g1, _gfn(0), p2m_ram_rw, p2m_broken), 0);
	CHECK(p2m_handle_fault(g1, _gfn(0), false, false) == P2M_FAULT_DENIED && count_of(mfn_to_page(_mfn(mfn_at(g1, 0)))) == 0);
	CHECK_RC(p2m_move_page(g1, _gfn(2), _gfn(0), &b1), 0);
	CHECK_RC(p2m_set_access(g1, _gfn(2), (enum p2m_access)9), -EINVAL);
	CHECK_RC(p2m_change_type_range(g1, _gfn(0), 5, p2m_ram_rw, p2m_foreign, &done), -EINVAL);
	CHECK(p2m_refusal(p2m_broken) == -EINVAL);
}

static unsigned long calls_while_busy(int (*fn)(void))
{
	unsigned long calls = 1;

	per_cpu__softirq_pending_bits = 1;
	while (fn() == -ERESTART)
		CHECK(++calls < 100000);
	per_cpu__softirq_pending_bits = 0;
	return calls;
}

static int no_trim_calls(void) { return p2m_teardown(g2); }

static void small_print(void)
{
	struct page_info *p = ram_at(g1, &b1, 5), *sp = alloc_shared_page(g1);
	unsigned long done;
	enum p2m_access a;

	/* Pages that no p2m has: they count like the others. */
	CHECK_RC(p2m_add_foreign_page(dom0, _gfn(1), sp, &b0), 0);
	CHECK(count_of(sp) == 2 && type_at(dom0, 1) == p2m_foreign);
	CHECK_RC(p2m_add_foreign_page(dom0, _gfn(1UL << 36), sp, &b0), -EINVAL);
	CHECK_RC(p2m_set_mmio(dom0, _gfn(2), _mfn(HOST_MMIO_BASE), 1, &done), 0);
	CHECK_RC(p2m_add_foreign_page(dom0, _gfn(2), sp, &b0), -EPERM);
	CHECK_RC(p2m_add_foreign_page(dom0, _gfn(3), mfn_to_page(_mfn(HOST_SMALL - 1)), &b0), -EINVAL);
	g2->is_dying = DOMDYING_dying;
	CHECK_RC(p2m_add_foreign_page(g2, _gfn(3), sp, &b2), -EINVAL);
	g2->is_dying = DOMDYING_alive;
	CHECK(count_of(sp) == 2);
	/* One batch, and the same gfns of two domains: each has its own table. */
	ram_at(g2, &b2, 5);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(5), g1, _gfn(5), &b0), 0);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(6), g2, _gfn(5), &b0), 0);
	CHECK(mfn_at(dom0, 5) == mfn_at(g1, 5) && mfn_at(dom0, 6) == mfn_at(g2, 5));
	/* A batch is nearly full when a special page needs room for two. */
	for (unsigned int i = 0; i < 63; i++) {
		ram_at(g1, &b1, 2000 + i);
		CHECK_RC(p2m_remove_page(g1, _gfn(2000 + i), INVALID_MFN, &b1), 0);
	}
	CHECK(b1.count == 63);
	CHECK_RC(p2m_add_special(g1, _gfn(9), sp, &b1), 0);
	CHECK(b1.count == 0);
	/* Removing quickly needs room too. */
	for (unsigned int i = 0; i < 65; i++) {
		CHECK_RC(p2m_add_foreign(g2, _gfn(2000 + i), g1, _gfn(5), &b2), 0);
		CHECK_RC(p2m_remove_from_physmap(g2, _gfn(2000 + i), &b2), 0);
	}
	CHECK(b2.count == 1);
	/* Arguments that make no sense, one by one. */
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_rw, p2m_foreign), -EINVAL);
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_mmio_dm, p2m_ram_rw), -EINVAL);
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_foreign, p2m_ram_rw), -EINVAL);
	CHECK_RC(p2m_change_type_one(g1, _gfn(3), p2m_mmio_dm, p2m_invalid), -ENOENT);
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_mmio_dm, p2m_invalid), -EBUSY);
	CHECK_RC(p2m_change_type_range(g1, _gfn(5), 1, p2m_foreign, p2m_ram_rw, &done), -EINVAL);
	CHECK_RC(p2m_change_type_range(g1, _gfn(1UL << 36), 1, p2m_ram_ro, p2m_ram_rw, &done), -EINVAL);
	CHECK_RC(p2m_set_mmio(g1, _gfn(100), _mfn((1UL << 34) - 1), 2, &done), -EINVAL);
	CHECK_RC(p2m_set_mmio(g1, _gfn((1UL << 36) - 1), _mfn(HOST_MMIO_BASE), 2, &done), -EINVAL);
	CHECK_RC(p2m_clear_mmio(g1, _gfn(1UL << 36), _mfn(HOST_MMIO_BASE), 1, &done), -EINVAL);
	CHECK_RC(p2m_get_access(g1, _gfn(3), &a), -ENOENT);
	CHECK_RC(p2m_set_access(g1, _gfn(3), p2m_access_r), -ENOENT);
	/* Restricted log-dirty and read-only pages. */
	CHECK_RC(p2m_set_access(g1, _gfn(5), p2m_access_rx), 0);
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_rw, p2m_ram_logdirty), 0);
	CHECK(p2m_handle_fault(g1, _gfn(5), true, false) == P2M_FAULT_DENIED);
	CHECK_RC(p2m_change_type_one(g1, _gfn(5), p2m_ram_logdirty, p2m_ram_ro), 0);
	CHECK(p2m_handle_fault(g1, _gfn(5), true, false) == P2M_FAULT_DENIED);
	CHECK_RC(p2m_set_access(g1, _gfn(5), p2m_access_rwx), 0);
	CHECK(p2m_handle_fault(g1, _gfn(5), true, false) == P2M_FAULT_EMULATE);
	CHECK(p2m_handle_fault(g1, _gfn(5), false, true) == P2M_FAULT_FIXED);
	CHECK(get_page_from_gfn(g1, _gfn(5), NULL, 0) == p);
	put_page(p);
	/* Flushing without anybody to do it (before the vendor code is there). */
	p2m_flush_hook = NULL;
	CHECK_RC(p2m_remove_page(g1, _gfn(5), INVALID_MFN, &b1), 0);
	p2m_batch_flush(&b1);
	/* A teardown waits for a pinned operation, and gives way while it empties the cache. */
	CHECK_RC(p2m_pod_set_target(g2, 1500), 0);
	g2->is_dying = DOMDYING_dying;
	p2m_pin(g2->arch.p2m);
	CHECK_RC(p2m_teardown(g2), -ERESTART);
	p2m_unpin(g2->arch.p2m);
	CHECK(calls_while_busy(no_trim_calls) > 2);
	put_page(sp);
}

static void dom0_tables_set_aside(void)
{
	unsigned long used = host_frames_in_use();

	CHECK_RC(p2m_preallocate(g1, 8), 0);
	CHECK(host_frames_in_use() == used + 8);
	/* Four tables for each of the far places: the fourth place needs the heap. */
	for (unsigned long i = 1; i <= 4; i++)
		CHECK_RC(p2m_change_type_one(g1, _gfn(i << 27), p2m_invalid, p2m_mmio_dm), 0);
	CHECK(host_frames_in_use() == used + 12);
	host_fail_after = 1;
	CHECK_RC(p2m_preallocate(g2, 8), -ENOMEM);
	host_fail_after = 0;
	CHECK_RC(p2m_preallocate(g2, 8), 0);
}

static void life_without_memory(void)
{
	struct domain *d = calloc(1, sizeof(*d));

	for (unsigned long n = 1; n <= 2; n++) {
		host_fail_after = n;
		CHECK_RC(p2m_init(d), -ENOMEM);
		host_fail_after = 0;
		CHECK(!d->arch.p2m);
	}
	p2m_final_teardown(d);
	free(d);
}

static const struct test_case cases[] = {
	{ "memory types of the host's MTRRs", memory_types },
	{ "a 1:1 domain keeps its frames", identity_keeps_frames },
	{ "superpages come back", superpages_come_back },
	{ "walking, dumping, small things", looking },
	{ "walking: neighbours of two owners", looking_at_owners },
	{ "small print", small_print },
	{ "tables from frames set aside", dom0_tables_set_aside },
	{ "beginning without memory", life_without_memory },
};

int main(int argc, char **argv) { return run_cases(cases, ARRAY_SIZE(cases), argc, argv); }
