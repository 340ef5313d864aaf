/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CPUs that remember: a TLB and a paging-structure cache each, filled by walks
 * that read the tables as hardware does. A frame that is freed while any of
 * them still knows it is the failure I2 and I4 exclude.
 */
#include "host.h"
#include <pthread.h>

struct tlb {
	pthread_mutex_t lock;
	struct { const struct domain *d; unsigned long gfn, mfn; u64 rights; bool ram; } e[HOST_TLB];
	/* Pointer to the level-0 table that maps a 2M region. */
	struct { const struct domain *d; unsigned long region, table; } psc[8];
	unsigned int next, used;
};
static struct tlb tlbs[HOST_CPUS];
unsigned long host_flushes;
void (*host_flush_watch)(struct p2m_domain *p2m);
bool host_check_tlb = true;

/*
 * Own writable RAM stays when the flush says that none of it changed: so software may remember it
 * (guest_access.c), and so a flush that should have said otherwise is found.
 */
static void tlb_clear(struct tlb *t, const struct domain *d, bool ram)
{
	pthread_mutex_lock(&t->lock);
	if (t->used) {
		unsigned int left = 0;

		for (unsigned int i = 0; i < HOST_TLB; i++) {
			if ((t->e[i].d == d && (ram || !t->e[i].ram)) || !d)
				t->e[i].d = NULL;
			left += t->e[i].d != NULL;
		}
		for (unsigned int i = 0; i < ARRAY_SIZE(t->psc); i++) {
			if (t->psc[i].d == d || !d)
				t->psc[i].d = NULL;
			left += t->psc[i].d != NULL;
		}
		t->used = left;
	}
	pthread_mutex_unlock(&t->lock);
}

static void flush_hook(struct p2m_domain *p2m, bool ram)
{
	cpumask_t cpus = p2m_cpus(p2m);
	unsigned int cpu;

	if (host_locks_held())
		host_fail("flush under a lock");
	__atomic_fetch_add(&host_flushes, 1, __ATOMIC_RELAXED);
	if (host_flush_watch)
		host_flush_watch(p2m);
	for_each_cpu(cpu, cpus)
		tlb_clear(&tlbs[cpu], p2m_to_domain(p2m), ram);
}

void host_tlb_reset(void);
void host_tlb_reset(void)
{
	static bool first = true;

	for (unsigned int i = 0; i < HOST_CPUS; i++) {
		if (first)
			pthread_mutex_init(&tlbs[i].lock, NULL);
		tlb_clear(&tlbs[i], NULL, true);
	}
	first = false;
	p2m_flush_hook = flush_hook;
}

void host_tlb_check_free(mfn_t m);
void host_tlb_check_free(mfn_t m)
{
	for (unsigned int cpu = 0; cpu < HOST_CPUS; cpu++) {
		struct tlb *t = &tlbs[cpu];

		pthread_mutex_lock(&t->lock);
		for (unsigned int i = 0; t->used && i < HOST_TLB; i++)
			if (t->e[i].d && t->e[i].mfn == mfn_x(m))
				host_fail("frame %#lx freed while CPU %u still translates d%u gfn %#lx to it",
					  mfn_x(m), cpu, t->e[i].d->domain_id, t->e[i].gfn);
		for (unsigned int i = 0; t->used && i < ARRAY_SIZE(t->psc); i++)
			if (t->psc[i].d && t->psc[i].table == mfn_x(m))
				host_fail("table %#lx freed while CPU %u still walks through it", mfn_x(m), cpu);
		pthread_mutex_unlock(&t->lock);
	}
}

static u64 read_entry(unsigned long table, unsigned int index)
{
	return __atomic_load_n((u64 *)mfn_to_virt(_mfn(table)) + index, __ATOMIC_ACQUIRE);
}

struct host_leaf host_walk(const struct domain *d, unsigned long gfn)
{
	unsigned long table = p2m_eptp(d) >> PAGE_SHIFT;

	for (unsigned int level = 3;; level--) {
		u64 e = read_entry(table, gfn >> (9 * level) & 511);

		if (!level || !(e & 7) || (e & 0x80))
			return (struct host_leaf){ e, level };
		table = (e & 0xffffffffff000UL) >> PAGE_SHIFT;
	}
}

const void *host_slot(const struct domain *d, unsigned long gfn)
{
	unsigned long table = p2m_eptp(d) >> PAGE_SHIFT;

	for (unsigned int level = 3; level; level--) {
		u64 e = read_entry(table, gfn >> (9 * level) & 511);

		if (!(e & 7) || (e & 0x80))
			return NULL;
		table = (e & 0xffffffffff000UL) >> PAGE_SHIFT;
	}
	return (const u64 *)mfn_to_virt(_mfn(table)) + (gfn & 511);
}

/*
 * I4, B27: from the next instruction on an entry points to this table, and any CPU may walk through it. All 512
 * entries must say already what the one before says.
 */
unsigned long host_tables_published;
static void check_published(u64 old, u64 new)
{
	const u64 frame_bits = 0xffffffffff000UL;
	unsigned long table = (new & frame_bits) >> PAGE_SHIFT;
	u64 step = 0;

	__atomic_fetch_add(&host_tables_published, 1, __ATOMIC_RELAXED);
	if (old & frame_bits)
		step = read_entry(table, 0) & 0x80 ? PAGE_SIZE << 9 : PAGE_SIZE;
	for (unsigned int i = 0; i < 512; i++) {
		u64 e = read_entry(table, i);

		/* Their size differs, and a 4K leaf may be executable where a superpage may not. */
		if ((e & ~0x84UL) != (old & ~0x84UL) + i * step)
			host_fail("a table is about to be published, and its entry %u is %#lx, while there is %#lx", i,
				  (unsigned long)e, (unsigned long)old);
	}
}

void (*host_cas_hook)(const void *what, u64 new);
void host_before_cas(const void *what, unsigned long old, unsigned long new)
{
	const u64 kind = 7 | 15UL << 52;

	/* In memory that holds tables: all rights and no type, where there was something else. */
	if ((unsigned long)what - host_directmap < HOST_FRAMES << PAGE_SHIFT && (new & kind) == 7 &&
	    (old & kind) != 7)
		check_published(old, new);
	if (host_cas_hook)
		host_cas_hook(what, new);
}

/* The hardware's walk: reserved bits and wrong types are a misconfiguration. */
static u64 hw_walk(const struct domain *d, struct tlb *t, unsigned long gfn, unsigned long *mfn, bool *ram)
{
	unsigned long table = p2m_eptp(d) >> PAGE_SHIFT;
	unsigned int level = 3;
	u64 e, type;

	for (unsigned int i = 0; i < ARRAY_SIZE(t->psc); i++)
		if (t->psc[i].d == d && t->psc[i].region == gfn >> 9) {
			table = t->psc[i].table;
			level = 0;
		}
	for (;; level--) {
		e = read_entry(table, gfn >> (9 * level) & 511);
		if (!(e & 7))
			return 0;
		if (!level || (e & 0x80))
			break;
		if (e & 0xf8)
			host_fail("d%u gfn %#lx: reserved bits in table entry %#lx", d->domain_id, gfn,
				  (unsigned long)e);
		table = (e & 0xffffffffff000UL) >> PAGE_SHIFT;
		if (level == 1) {
			unsigned int n = t->next % ARRAY_SIZE(t->psc);

			t->psc[n].d = d;
			t->psc[n].region = gfn >> 9;
			t->psc[n].table = table;
		}
	}
	type = e >> 3 & 7;
	if (level == 3 || (e & 7) == 2 || (e & 7) == 6 || type == 2 || type == 3 || type == 7)
		host_fail("d%u gfn %#lx: misconfigured entry %#lx", d->domain_id, gfn, (unsigned long)e);
	*mfn = ((e & 0xffffffffff000UL) >> PAGE_SHIFT) + (gfn & ((1UL << (9 * level)) - 1));
	*ram = (e >> 52 & 15) == p2m_ram_rw;
	return e & 7;
}

mfn_t host_touch(struct domain *d, unsigned int cpu, unsigned long gfn, bool write)
{
	struct tlb *t = &tlbs[cpu];
	unsigned long mfn = 0;
	mfn_t result = INVALID_MFN;
	bool ram = false;
	u64 rights = 0;

	p2m_mark_cpu(d, cpu);
	pthread_mutex_lock(&t->lock);
	for (unsigned int i = 0; t->used && i < HOST_TLB; i++)
		if (t->e[i].d == d && t->e[i].gfn == gfn) {
			mfn = t->e[i].mfn;
			rights = t->e[i].rights;
		}
	if (!rights || (write && !(rights & 2))) {
		rights = hw_walk(d, t, gfn, &mfn, &ram);
		t->used = 1;
		if (rights) {
			unsigned int n = t->next++ % HOST_TLB;

			t->e[n].d = d;
			t->e[n].gfn = gfn;
			t->e[n].mfn = mfn;
			t->e[n].rights = rights;
			t->e[n].ram = ram;
		} else {
			/* A violation drops what was cached for the address. */
			for (unsigned int i = 0; i < ARRAY_SIZE(t->psc); i++)
				if (t->psc[i].d == d && t->psc[i].region == gfn >> 9)
					t->psc[i].d = NULL;
		}
	}
	if ((rights & 1) && (!write || (rights & 2)))
		result = _mfn(mfn);
	pthread_mutex_unlock(&t->lock);
	return result;
}

/* ---- the tree as a whole ---- */

static void count_table(struct host_tree *t, unsigned long table, unsigned int level)
{
	t->tables++;
	for (unsigned int i = 0; i < 512; i++) {
		u64 e = read_entry(table, i);

		if (!e)
			continue;
		if (level && (e & 7) && !(e & 0x80)) {
			count_table(t, (e & 0xffffffffff000UL) >> PAGE_SHIFT, level - 1);
			continue;
		}
		if (e >> 10 & 1) {
			t->gone++;
			continue;
		}
		if ((e >> 52 & 0xf) >= P2M_TYPES || level == 3)
			host_fail("entry %#lx at level %u", (unsigned long)e, level);
		t->leaves[e >> 52 & 0xf][level]++;
	}
}

void host_count_tree(const struct domain *d, struct host_tree *t)
{
	memset(t, 0, sizeof(*t));
	count_table(t, p2m_eptp(d) >> PAGE_SHIFT, 3);
}

void host_check_tree(const struct domain *d)
{
	struct host_tree t;
	struct p2m_stats s;

	host_count_tree(d, &t);
	p2m_get_stats(d, &s);
	for (unsigned int type = 1; type < P2M_TYPES; type++)
		for (unsigned int level = 0; level < 3; level++)
			if (t.leaves[type][level] != s.entries[type][level])
				host_fail("d%u: %lu leaves of type %u level %u, counted %lu", d->domain_id,
					  t.leaves[type][level], type, level, s.entries[type][level]);
	if (t.tables != s.tables)
		host_fail("d%u: %lu tables, %lu accounted", d->domain_id, t.tables, s.tables);
	/* B4, I1: foreign leaves are what was made less what was released. */
	if (s.foreign_made - s.foreign_released != t.leaves[p2m_foreign][0])
		host_fail("d%u: foreign made %lu released %lu, %lu there", d->domain_id, s.foreign_made,
			  s.foreign_released, t.leaves[p2m_foreign][0]);
}
