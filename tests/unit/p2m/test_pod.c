/* SPDX-License-Identifier: GPL-2.0-only */
/* Populate on demand: what libxl and a guest's balloon do with it, and the sweep for zero pages. */
#include "cases.h"

static u64 tot, cache, entries;

static void look(struct domain *d) { p2m_pod_get_target(d, &tot, &cache, &entries); }

static enum p2m_fault fault_at(struct domain *d, unsigned long gfn)
{
	enum p2m_fault f;
	unsigned int n = 0;

	/* As a vCPU does: it comes back as long as there is something to look for. */
	do {
		CHECK(++n < 10000);
		f = p2m_handle_fault(d, _gfn(gfn), true, false);
	} while (f == P2M_FAULT_FIXED && type_at(d, gfn) == p2m_pod);
	return f;
}

static u64 *word_at(struct domain *d, unsigned long gfn) { return mfn_to_virt(_mfn(mfn_at(d, gfn))); }

/* The guest writes to a page that it had not touched before. */
static void use(struct domain *d, unsigned long gfn, u64 value)
{
	CHECK(fault_at(d, gfn) == P2M_FAULT_FIXED);
	CHECK(mfn_x(host_touch(d, 0, gfn, true)) == mfn_at(d, gfn));
	*word_at(d, gfn) = value;
}

static void pod_life(void)
{
	/* As libxl does it: the target first, then the entries; then Linux runs and balloons. */
	CHECK_RC(p2m_pod_set_target(g1, 700), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(0), 9), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(512), 9), 0);
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(tot == 700 && cache == 700 && entries == 1024);
	CHECK(p2m_handle_fault(g1, _gfn(5), true, false) == P2M_FAULT_FIXED);
	CHECK(order_at(g1, 5) == 9);
	CHECK(p2m_handle_fault(g1, _gfn(600), true, false) == P2M_FAULT_FIXED);
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(tot == 700 && cache == 187 && entries == 511 && order_at(g1, 600) == 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(600), 0), -EBUSY);
	/* The balloon takes what is not there yet: the cache may not exceed the rest. */
	CHECK_RC(p2m_release_range(g1, _gfn(768), 8, &b1), 0);
	end_all();
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(cache == 187 && entries == 255);
	for (unsigned int i = 0; i < 7; i++)
		CHECK_RC(p2m_release_range(g1, _gfn(512 + 8 * i), 3, &b1), 0);
	for (unsigned int i = 640; i < 720; i += 16)
		CHECK_RC(p2m_release_range(g1, _gfn(i), 4, &b1), 0);
	end_all();
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(entries == 119 && cache == 119 && tot == 632);
	/* mem-set up: never more than there are entries; down: the balloon's business; done: nothing. */
	CHECK_RC(p2m_pod_set_target(g1, 5000), 0);
	CHECK_RC(p2m_pod_set_target(g1, 100), 0);
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(cache == 119);
	for (unsigned int i = 512; i < 1024; i++)
		(void)p2m_handle_fault(g1, _gfn(i), true, false);
	p2m_pod_get_target(g1, &tot, &cache, &entries);
	CHECK(!entries && !cache && tot == 632);
	CHECK_RC(p2m_pod_set_target(g1, 5000), 0);
	CHECK(atomic64_read(&g1->tot_pages) == 632);
	/* Less before anything is populated, and out of memory on the way. */
	CHECK_RC(p2m_pod_set_target(g2, 600), 0);
	g2->max_pages = 650;
	CHECK_RC(p2m_pod_set_target(g2, 2000), -ENOMEM);
	g2->max_pages = 1 << 20;
	CHECK_RC(p2m_pod_set_range(g2, _gfn(0), 4), 0);
	CHECK(get_page_from_gfn(g2, _gfn(3), NULL, P2M_QUERY) == NULL);
	put_page(get_page_from_gfn(g2, _gfn(3), NULL, P2M_ALLOC));
	CHECK_RC(p2m_pod_set_target(g2, 650), 0);
	p2m_pod_get_target(g2, &tot, &cache, &entries);
	CHECK(cache == 15 && entries == 15);
}

/* A guest with maxmem of 2048 pages and memory of 1024, that has used gfns 0 to used. */
static void half_guest(unsigned int used)
{
	CHECK_RC(p2m_pod_set_target(g1, 1024), 0);
	for (unsigned int i = 0; i < 2048; i += 512)
		CHECK_RC(p2m_pod_set_range(g1, _gfn(i), 9), 0);
	for (unsigned int i = 0; i < used; i++)
		use(g1, i, i + 1);
}

static void chunks_while_there_is_plenty(void)
{
	half_guest(0);
	/* One page of each 2M: a chunk the first time, then single pages, lest a few touches take all. */
	for (unsigned int i = 0; i < 2048; i += 512)
		use(g1, i + 7, 1);
	CHECK(order_at(g1, 0) == 9 && order_at(g1, 519) == 0 && order_at(g1, 1543) == 0);
	CHECK(type_at(g1, 8) == p2m_ram_rw && type_at(g1, 520) == p2m_pod);
	look(g1);
	CHECK(tot == 1024 && cache == 1024 - 515 && entries == 2048 - 515);
}

/*
 * Linux: it uses some pages, here and there; then the balloon takes free ones, 512 at a time, and clears
 * them first. At no time has it more than the target, and it never runs out.
 */
static void balloon_reaches_its_target(void)
{
	const unsigned int used = 700;

	half_guest(0);
	for (unsigned int i = 0; i < used; i++)
		use(g1, i * 37 % 2048, i + 1);
	for (unsigned int n = 0, gone = 0; gone < 1024; n = 0) {
		unsigned long batch[512];

		for (unsigned int i = used; i < 2048 && n < 512; i++) {
			unsigned long gfn = i * 37 % 2048;

			if (type_at(g1, gfn) == p2m_invalid)
				continue;
			use(g1, gfn, 0);
			batch[n++] = gfn;
		}
		CHECK(n == 512);
		gone += n;
		while (n--) {
			CHECK_RC(p2m_release_range(g1, _gfn(batch[n]), 0, &b1), 0);
			p2m_batch_flush(&b1);
		}
		look(g1);
		CHECK(tot == 1024 && cache <= entries);
	}
	look(g1);
	CHECK(tot == 1024 && cache == entries);
	for (unsigned int i = 0; i < 2048; i++) {
		unsigned long gfn = i * 37 % 2048;

		if (i < used)
			CHECK(*word_at(g1, gfn) == i + 1);
		else if (type_at(g1, gfn) != p2m_invalid)
			use(g1, gfn, 1);
	}
	look(g1);
	CHECK(tot == 1024 && !cache && !entries);
}

/* 1024 pages used, and nothing left; those from `zero` on are empty again. */
static void full_guest(unsigned int zero)
{
	half_guest(1024);
	for (unsigned int i = zero; i < 1024; i++)
		*word_at(g1, i) = 0;
	/* What was populated last is not swept. */
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		p2m_pod_note(g1->arch.p2m, 0);
	look(g1);
	CHECK(tot == 1024 && !cache && entries == 1024);
}

static void sweep_finds_zero_pages(void)
{
	full_guest(1000);
	CHECK(fault_at(g1, 1500) == P2M_FAULT_FIXED && !*word_at(g1, 1500));
	look(g1);
	CHECK(tot == 1024 && cache == 23 && entries == 1024 + 23);
	for (unsigned int i = 0; i < 1000; i++)
		CHECK(*word_at(g1, i) == i + 1 && type_at(g1, i) == p2m_ram_rw);
	for (unsigned int i = 1000; i < 1024; i++)
		CHECK(type_at(g1, i) == p2m_pod && host_touch(g1, 0, i, false).m == INVALID_MFN.m);
	/* A page that went is one like any other: empty, and there when it is needed. */
	use(g1, 1010, 5);
	CHECK(*word_at(g1, 1010) == 5);
}

static void sweep_empties_a_superpage(void)
{
	half_guest(0);
	use(g1, 3, 7);
	CHECK(order_at(g1, 3) == 9);
	/* The others lie in a second 2M, which is emptied as a whole and becomes one entry again. */
	for (unsigned int i = 512; i < 1024; i++)
		use(g1, i, i);
	for (unsigned int i = 512; i < 1024; i++)
		*word_at(g1, i) = 0;
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		p2m_pod_note(g1->arch.p2m, 3);
	CHECK(fault_at(g1, 1500) == P2M_FAULT_FIXED);
	CHECK(*word_at(g1, 3) == 7 && order_at(g1, 3) == 0 && type_at(g1, 4) == p2m_pod);
	look(g1);
	CHECK(tot == 1024 && cache == 510);
	for (unsigned int i = 1024; (look(g1), cache); i++)
		use(g1, i, i);
	CHECK(fault_at(g1, 2047) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 512) == p2m_pod && order_at(g1, 512) == 9);
}

static void sweep_leaves_what_is_in_use(void)
{
	struct page_info *held, *shared = alloc_shared_page(g1);
	unsigned long done;

	full_guest(1000);
	held = get_page_from_gfn(g1, _gfn(1000), NULL, P2M_QUERY);
	CHECK_RC(p2m_add_foreign(dom0, _gfn(1), g1, _gfn(1001), &b0), 0);
	CHECK_RC(p2m_add_grant(dom0, _gfn(2), mfn_to_page(_mfn(mfn_at(g1, 1002))), false, &b0), 0);
	CHECK_RC(p2m_change_type_one(g1, _gfn(1003), p2m_ram_rw, p2m_ram_ro), 0);
	CHECK_RC(p2m_set_access(g1, _gfn(1004), p2m_access_rx), 0);
	CHECK_RC(p2m_add_special(g1, _gfn(3000), shared, &b1), 0);
	ram_at(g2, &b2, 5);
	CHECK_RC(p2m_add_foreign(g1, _gfn(3001), g2, _gfn(5), &b1), 0);
	CHECK_RC(p2m_set_mmio(g1, _gfn(3002), _mfn(HOST_MMIO_BASE), 1, &done), 0);
	p2m_pod_note(g1->arch.p2m, 1005);
	for (unsigned int i = 1006; i < 1024; i++)
		*word_at(g1, i) = i;
	end_all();
	CHECK(fault_at(g1, 1500) == P2M_FAULT_NO_MEMORY);
	for (unsigned int i = 1000; i < 1006; i++)
		CHECK(p2m_is_ram(type_at(g1, i)) && !*word_at(g1, i));
	CHECK(type_at(g1, 1000) == p2m_ram_rw && type_at(g1, 3000) == p2m_ram_rw && type_at(g1, 3001) == p2m_foreign);
	CHECK(get_page_from_gfn(g1, _gfn(1500), NULL, P2M_ALLOC) == NULL);
	put_page(held);
	put_page(shared);
	/* Now that nobody holds it, it is found. */
	CHECK(fault_at(g1, 1500) == P2M_FAULT_FIXED && type_at(g1, 1000) == p2m_pod);
}

/* ---- what happens between protecting and taking: at the sweep's first flush ---- */

static void (*at_flush)(void);
static struct page_info *taken_ref;

static void once(struct p2m_domain *p2m)
{
	void (*fn)(void) = at_flush;

	at_flush = NULL;
	if (fn)
		fn();
}

static void write_1000(void) { use(g1, 1000, 77); }
static void hold_1000(void) { taken_ref = get_page_from_gfn(g1, _gfn(1000), NULL, P2M_QUERY); }
static void write_by_hypervisor(void)
{
	struct page_info *page = get_page_from_gfn(g1, _gfn(1000), NULL, P2M_QUERY);

	/* As a copy to the guest does, which knows no reason to mark the page. */
	*(u64 *)page_to_virt(page) = 78;
	put_page(page);
}
static void release_1000(void) { CHECK_RC(p2m_release_range(g1, _gfn(1000), 0, &b1), 0); }
static unsigned long watched;
static void log_on_at_watched(const void *slot, u64 new)
{
	if (slot != host_slot(g1, watched))
		return;
	host_cas_hook = NULL;
	CHECK_RC(p2m_logdirty_enable(g1, true), 0);
	CHECK(p2m_handle_fault(g1, _gfn(watched), true, false) == P2M_FAULT_FIXED);
}
/* Another CPU writes, and a third makes the page read-only again, and has not flushed yet: the first can still write. */
static struct p2m_batch unflushed;
static void write_and_protect(void)
{
	struct ept_pos pos;

	CHECK(p2m_handle_fault(g1, _gfn(1000), true, false) == P2M_FAULT_FIXED);
	CHECK(mfn_x(host_touch(g1, 5, 1000, true)) == mfn_at(g1, 1000));
	p2m_batch_init(&unflushed, g1);
	ept_walk(g1->arch.p2m, 1000, 0, &pos);
	CHECK(ept_replace(g1->arch.p2m, &pos, 1000, ept_retype(pos.e, p2m_ram_logdirty), &unflushed));
}
static void log_on(void) { CHECK_RC(p2m_logdirty_enable(g1, true), 0); }
static void die(void) { __atomic_store_n(&g1->is_dying, DOMDYING_dying, __ATOMIC_SEQ_CST); }

/* Pages 1000 and 1001 are empty; something happens to the first. */
static enum p2m_fault sweep_with(void (*fn)(void))
{
	enum p2m_fault result;

	full_guest(1000);
	for (unsigned int i = 1002; i < 1024; i++)
		*word_at(g1, i) = i;
	CHECK(mfn_x(host_touch(g1, 3, 1000, true)) == mfn_at(g1, 1000));
	at_flush = fn;
	host_flush_watch = once;
	result = p2m_handle_fault(g1, _gfn(1500), true, false);
	CHECK(!at_flush);
	host_flush_watch = NULL;
	return result;
}

static void sweep_races(void)
{
	CHECK(sweep_with(run_case_index % 2 ? write_by_hypervisor : write_1000) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 1000) == p2m_ram_rw && *word_at(g1, 1000) == 78 - !(run_case_index % 2));
	CHECK(type_at(g1, 1001) == p2m_pod && type_at(g1, 1500) == p2m_ram_rw);
	CHECK(host_touch(g1, 3, 1000, true).m == mfn_at(g1, 1000));
}

static void sweep_against_a_holder(void)
{
	CHECK(sweep_with(hold_1000) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 1000) == p2m_ram_rw && frame_of(taken_ref) == mfn_at(g1, 1000));
	put_page(taken_ref);
}

static void sweep_against_another_protection(void)
{
	CHECK(sweep_with(write_and_protect) == P2M_FAULT_FIXED);
	CHECK(p2m_is_ram(type_at(g1, 1000)) && type_at(g1, 1001) == p2m_pod);
	/* Through its old translation. */
	*word_at(g1, 1000) = 79;
	p2m_batch_flush(&unflushed);
	CHECK(*word_at(g1, 1000) == 79);
}

static void sweep_against_release(void)
{
	CHECK(sweep_with(release_1000) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 1000) == p2m_invalid && type_at(g1, 1001) == p2m_pod);
	end_all();
	look(g1);
	CHECK(tot == 1024 && cache == 1 && entries == 1024);
}

static void sweep_against_the_log(void)
{
	unsigned long n = 0;
	u64 dirty, faults;

	/* Protected when the log began: nobody has written to them since. */
	CHECK(sweep_with(log_on) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 1000) == p2m_pod && type_at(g1, 1001) == p2m_pod && type_at(g1, 1002) == p2m_ram_logdirty);
	CHECK_RC(p2m_logdirty_read(g1, true, 4096, &n, NULL, NULL, &dirty, &faults), 0);
	CHECK(dirty == 1 && type_at(g1, 1500) == p2m_ram_logdirty);
	/* With the log on, clean pages are taken and dirty ones stay, and stay dirty. */
	use(g1, 1003, 0);
	*word_at(g1, 1004) = 0;
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		p2m_pod_note(g1->arch.p2m, 1500);
	use(g1, 1501, 1);
	CHECK(fault_at(g1, 1502) == P2M_FAULT_FIXED);
	CHECK(type_at(g1, 1003) == p2m_ram_rw && type_at(g1, 1004) == p2m_pod);
	n = 0;
	CHECK_RC(p2m_logdirty_read(g1, false, 4096, &n, NULL, NULL, &dirty, &faults), 0);
	CHECK(dirty == 3);
}

static void sweep_as_the_log_begins(void)
{
	unsigned long n = 0;
	u64 dirty, faults;

	/*
	 * A page was found empty; just before it is protected the log comes on, and the page is written to, and
	 * looks as before. It must not be clean then.
	 */
	full_guest(1023);
	watched = 1023;
	host_cas_hook = log_on_at_watched;
	CHECK(fault_at(g1, 1500) == P2M_FAULT_NO_MEMORY);
	CHECK(!host_cas_hook);
	CHECK(type_at(g1, 1023) == p2m_ram_rw);
	CHECK_RC(p2m_logdirty_read(g1, false, 4096, &n, NULL, NULL, &dirty, &faults), 0);
	CHECK(dirty == 1);
}

static void sweep_against_death(void)
{
	CHECK(sweep_with(die) == P2M_FAULT_NO_MEMORY);
	end_all();
	CHECK(type_at(g1, 1000) == p2m_invalid && type_at(g1, 1001) == p2m_invalid);
}

/* ---- limits ---- */

static void sweep_is_bounded(void)
{
	unsigned int calls = 0;

	/* 64 regions of pages in use: four in a call; the guest comes back, and at last there is an answer. */
	CHECK_RC(p2m_pod_set_target(g1, 128), 0);
	for (unsigned int i = 0; i < 128; i++)
		CHECK_RC(p2m_pod_set_range(g1, _gfn(i * 512), 0), 0);
	for (unsigned int i = 0; i < 128; i++)
		use(g1, i * 512, 1);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(7), 0), 0);
	while (p2m_handle_fault(g1, _gfn(7), true, false) == P2M_FAULT_FIXED)
		CHECK(++calls < 200 && type_at(g1, 7) == p2m_pod);
	CHECK(calls >= 63);
	CHECK(strstr(host_guest_line, "d1: no memory to populate gfn 0x7 on demand"));
	/* A look-up gives up sooner, and the next one goes on from there. */
	*word_at(g1, 100 * 512) = 0;
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		p2m_pod_note(g1->arch.p2m, 0);
	g1->arch.p2m->sweep_gfn = 101 * 512;
	for (calls = 0; !get_page_from_gfn(g1, _gfn(7), NULL, P2M_ALLOC); calls++)
		CHECK(calls < 3);
	CHECK(calls && type_at(g1, 100 * 512) == p2m_pod);
	put_page(mfn_to_page(_mfn(mfn_at(g1, 7))));
}

static void sweep_across_holes(void)
{
	/* More empty 2M regions between than one call passes. */
	CHECK_RC(p2m_pod_set_target(g1, 2), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(0), 0), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(511 * 512), 0), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(1), 0), 0);
	use(g1, 0, 1);
	use(g1, 511 * 512, 0);
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		p2m_pod_note(g1->arch.p2m, 0);
	CHECK(fault_at(g1, 1) == P2M_FAULT_FIXED && type_at(g1, 511 * 512) == p2m_pod);
}

static void sweep_without_tables(void)
{
	half_guest(0);
	use(g1, 3, 7);
	use(g1, 515, 7);
	p2m_set_pool(g1, 0);
	/* Splitting what was populated as a whole takes a table. */
	for (unsigned int i = 512; i < 1024; i++)
		put_page(get_page_from_gfn(g1, _gfn(i), NULL, P2M_ALLOC));
	for (unsigned int i = 512; i < 1024; i++)
		*word_at(g1, i) = 1;
	CHECK(p2m_handle_fault(g1, _gfn(1500), true, false) == P2M_FAULT_NO_MEMORY);
	p2m_set_pool(g1, ~0UL);
	CHECK(fault_at(g1, 1500) == P2M_FAULT_FIXED && order_at(g1, 3) == 0 && *word_at(g1, 3) == 7);
}

static void no_tug_of_war(void)
{
	/* Two pages, both empty, that one instruction needs: the one populated last is not taken for the other. */
	CHECK_RC(p2m_pod_set_target(g1, 1), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(0), 1), 0);
	CHECK(fault_at(g1, 0) == P2M_FAULT_FIXED);
	CHECK(fault_at(g1, 1) == P2M_FAULT_NO_MEMORY);
}

static void surplus_goes_back(void)
{
	/* Entries that vanish by another way than decrease_reservation. */
	CHECK_RC(p2m_pod_set_target(g1, 8), 0);
	CHECK_RC(p2m_pod_set_range(g1, _gfn(0), 3), 0);
	CHECK_RC(p2m_remove_from_physmap(g1, _gfn(3), &b1), 0);
	end_all();
	look(g1);
	CHECK(tot == 7 && cache == 7 && entries == 7);
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		{ "populate on demand, from creation to balloon", pod_life },
		{ "a whole 2M while there is plenty, then pages", chunks_while_there_is_plenty },
		{ "sweep: a guest's write in between keeps the page", sweep_races },
		{ "sweep: so does one by the hypervisor", sweep_races },
		{ "sweep: and a reference", sweep_against_a_holder },
		{ "sweep: and another write and protection", sweep_against_another_protection },
		{ "sweep: a page released in between", sweep_against_release },
		{ "sweep: the dirty log switched on in between", sweep_against_the_log },
		{ "sweep: the dirty log begins", sweep_as_the_log_begins },
		{ "sweep: the domain dies in between", sweep_against_death },
		{ "sweep: empty pages become entries, others stay", sweep_finds_zero_pages },
		{ "sweep: superpages are split, and merge again", sweep_empties_a_superpage },
		{ "sweep: what is referred to, special, restricted or new is left alone", sweep_leaves_what_is_in_use },
		{ "sweep: bounded, and ends", sweep_is_bounded },
		{ "sweep: across holes", sweep_across_holes },
		{ "sweep: without memory for tables", sweep_without_tables },
		{ "two empty pages are not exchanged for each other for ever", no_tug_of_war },
		{ "a balloon that clears what it takes reaches its target", balloon_reaches_its_target },
		{ "more in the cache than entries goes back", surplus_goes_back },
	};

	return run_cases(cases, ARRAY_SIZE(cases), argc, argv);
}
