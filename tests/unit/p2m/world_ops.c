/* SPDX-License-Identifier: GPL-2.0-only */
/* The model: what each operation must answer, and what is there afterwards. */
#include "world.h"
#include "world-private.h"

unsigned int w_refusal(u8 type)
{
	switch (type) {
	case p2m_invalid:
		return ENOENT;
	case p2m_mmio_direct:
		return EPERM;
	case p2m_foreign:
	case p2m_grant_rw:
	case p2m_grant_ro:
		return ENXIO;
	case p2m_broken:
		return EINVAL;
	default:
		return EBUSY;
	}
}

/* Own memory can be mapped over it. */
static bool is_over(u8 t)
{
	return is_ram(t) || t == p2m_invalid || t == p2m_mmio_dm || t == p2m_pod || t == p2m_broken;
}

void w_displace(struct world *w, struct slot *s, unsigned int i)
{
	struct ment *m = &s->e[i];

	if (is_counted(m->type))
		w_drop(w, m->mfn);
	s->pods -= m->type == p2m_pod;
	*m = (struct ment){ 0 };
}

static void w_hole(struct world *w, struct slot *s, unsigned int i)
{
	w_displace(w, s, i);
	s->e[i].gone = s->logdirty;
}

void w_set(struct world *w, struct slot *s, unsigned int i, u8 type, unsigned long mfn)
{
	w_displace(w, s, i);
	s->e[i].type = type;
	s->e[i].mfn = (u32)mfn;
	s->pods += type == p2m_pod;
	if (is_counted(type))
		w->refs[mfn]++;
}

/* An operation did what it had to, or failed for want of memory if that was asked for. */
bool w_agree(struct world *w, const struct op *op, int rc, int expected)
{
	if (rc == -ENOMEM && op->fail) {
		w->failed++;
		return false;
	}
	if (rc != expected)
		host_fail("op %lu, code %u: result %d, expected %d", w->ops, op->code, rc, expected);
	w->refused += rc != 0;
	return !rc;
}

/* ---- own RAM ---- */

static void add(struct world *w, struct slot *s, const struct op *op, unsigned int order)
{
	unsigned int nr = 1U << order, a = op->a % (W_GFNS - nr + 1);
	enum p2m_type t = op->arg % 8 ? p2m_ram_rw : op->arg & 8 ? p2m_ram_ro : p2m_ram_logdirty;
	struct page_info *page = NULL;
	int expected = 0, rc;

	if (order == 9 && op->arg & 16)
		a &= ~511U;
	if (s->identity && (p2m_reserved_frame(s->d, _gfn(s->base + a)) || !(op->arg & 32)) &&
	    !assign_pages_at(s->d, _mfn(s->base + a), order))
		page = mfn_to_page(_mfn(s->base + a));
	if (!page)
		page = alloc_domheap_pages(s->d, order, 0);
	if (!page)
		return;
	for (unsigned int i = a; i < a + nr && !expected; i++)
		if (!is_over(s->e[i].type))
			expected = -(int)w_refusal(s->e[i].type);
	arm(op);
	rc = p2m_add_page(s->d, _gfn(s->base + a), page_to_mfn(page), order, t, &s->b);
	disarm();
	if (!w_agree(w, op, rc, expected)) {
		for (unsigned int i = 0; i < nr; i++)
			put_page(page + i);
		return;
	}
	for (unsigned int i = 0; i < nr; i++)
		w_set(w, s, a + i, (u8)t, mfn_x(page_to_mfn(page)) + i);
}

static void remove_ram(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;
	mfn_t expect = op->arg % 3 ? INVALID_MFN : _mfn(op->arg & 64 ? op->b : s->e[a].mfn);
	int expected = 0, rc;

	if (!is_ram(s->e[a].type))
		expected = -ENOENT;
	else if (!mfn_eq(expect, INVALID_MFN) && mfn_x(expect) != s->e[a].mfn)
		expected = -EINVAL;
	arm(op);
	rc = p2m_remove_page(s->d, _gfn(s->base + a), expect, &s->b);
	disarm();
	if (w_agree(w, op, rc, expected))
		w_hole(w, s, a);
}

static void release(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int order = op->order % 11 > 9 ? 9 : op->order % 11 > 6 ? 0 : op->order % 11;
	unsigned int nr = 1U << order, a = op->a % (W_GFNS - nr + 1);
	int expected = 0, rc;

	for (unsigned int i = a; i < a + nr && !expected; i++) {
		if (s->e[i].special)
			expected = -EINVAL;
		else if (!is_ram(s->e[i].type) && s->e[i].type != p2m_pod)
			expected = -(int)w_refusal(s->e[i].type);
	}
	arm(op);
	rc = p2m_release_range(s->d, _gfn(s->base + a), order, &s->b);
	disarm();
	if (w_agree(w, op, rc, expected))
		for (unsigned int i = a; i < a + nr; i++)
			w_hole(w, s, i);
}

static void move(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS, b = op->b % W_GFNS;
	const struct ment *src = &s->e[a];
	unsigned long mfn = src->mfn;
	int expected = 0, rc;

	if ((src->type != p2m_ram_rw && src->type != p2m_ram_logdirty) || src->special || src->access)
		expected = -EINVAL;
	else if (!is_over(s->e[b].type))
		expected = -(int)w_refusal(s->e[b].type);
	arm(op);
	rc = p2m_move_page(s->d, _gfn(s->base + a), _gfn(s->base + b), &s->b);
	disarm();
	if (!w_agree(w, op, rc, expected) || a == b)
		return;
	w_set(w, s, b, p2m_ram_rw, mfn);
	w_hole(w, s, a);
}

static void special(struct world *w, struct slot *s, const struct op *op)
{
	struct page_info *page = s->special[op->arg % W_SPECIALS];
	unsigned long mfn = mfn_x(page_to_mfn(page));
	unsigned int a = op->a % W_GFNS;
	bool there = s->e[a].special && s->e[a].mfn == mfn;
	int expected = is_over(s->e[a].type) ? 0 : -(int)w_refusal(s->e[a].type), rc;

	arm(op);
	rc = p2m_add_special(s->d, _gfn(s->base + a), page, &s->b);
	disarm();
	if (!w_agree(w, op, rc, expected) || there)
		return;
	w_set(w, s, a, p2m_ram_rw, mfn);
	s->e[a].special = true;
	for (unsigned int i = 0; i < W_GFNS; i++)
		if (i != a && s->e[i].special && s->e[i].mfn == mfn)
			w_hole(w, s, i);
}

/* ---- pages of others ---- */

static void foreign(struct world *w, struct slot *s, const struct op *op)
{
	struct slot *f = &w->slot[op->dom2 % W_SLOTS];
	unsigned int a = op->a % W_GFNS, b = op->b % W_GFNS;
	bool sure = w_cached(f), pod = f != s && f->e[b].type == p2m_pod;
	int expected = 0, rc;

	arm(op);
	rc = p2m_add_foreign(s->d, _gfn(s->base + a), f->d, _gfn(f->base + b), &s->b);
	disarm();
	if (pod)
		w_populated(w, f, b, op, sure);
	if (f == s)
		expected = -EPERM;
	else if (!is_ram(f->e[b].type))
		expected = -EINVAL;
	else if (s->e[a].type == p2m_mmio_direct)
		expected = -EPERM;
	if (w_agree(w, op, rc, expected))
		w_set(w, s, a, p2m_foreign, f->e[b].mfn);
}

static void remove_physmap(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;
	u8 t = s->e[a].type;
	int rc;

	arm(op);
	rc = p2m_remove_from_physmap(s->d, _gfn(s->base + a), &s->b);
	disarm();
	if (w_agree(w, op, rc, is_counted(t) || t == p2m_pod ? 0 : -ENOENT))
		w_hole(w, s, a);
}

static void grant(struct world *w, struct slot *s, const struct op *op)
{
	struct slot *f = &w->slot[op->dom2 % W_SLOTS];
	unsigned int a = op->a % W_GFNS, b = op->b % W_GFNS;
	bool ro = op->arg & 1;
	enum p2m_type t;
	struct page_info *page;
	int rc;

	if (!is_ram(f->e[b].type))
		return;
	page = get_page_from_gfn(f->d, _gfn(f->base + b), &t, P2M_QUERY);
	if (!page || mfn_x(page_to_mfn(page)) != f->e[b].mfn)
		host_fail("get_page_from_gfn of RAM");
	arm(op);
	rc = p2m_add_grant(s->d, _gfn(s->base + a), page, ro, &s->b);
	disarm();
	if (w_agree(w, op, rc, is_over(s->e[a].type) ? 0 : -(int)w_refusal(s->e[a].type)))
		w_set(w, s, a, ro ? p2m_grant_ro : p2m_grant_rw, mfn_x(page_to_mfn(page)));
	put_page(page);
}

static void ungrant(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;
	unsigned long mfn = op->arg % 4 ? s->e[a].mfn : op->b;
	int rc;

	arm(op);
	rc = p2m_remove_grant(s->d, _gfn(s->base + a), _mfn(mfn), &s->b);
	disarm();
	if (w_agree(w, op, rc, is_grant(s->e[a].type) && mfn == s->e[a].mfn ? 0 : -ENOENT))
		w_hole(w, s, a);
}

/* ---- types, access ---- */

static const enum p2m_type ram_types[] = { p2m_ram_rw, p2m_ram_ro, p2m_ram_logdirty };

static void change_one(struct world *w, struct slot *s, const struct op *op)
{
	enum p2m_type from = ram_types[op->arg % 3], to = ram_types[op->arg / 3 % 3];
	unsigned int a = op->a % W_GFNS;
	struct ment *m = &s->e[a];
	int expected = 0, rc;

	if (op->misc % 8 == 0)
		to = p2m_broken;
	if (op->misc % 8 == 1) {
		from = p2m_invalid;
		to = p2m_mmio_dm;
	}
	if (op->misc % 8 == 2) {
		from = p2m_mmio_dm;
		to = p2m_invalid;
	}
	if (m->type != from)
		expected = m->type == p2m_invalid ? -ENOENT : -EBUSY;
	arm(op);
	rc = p2m_change_type_one(s->d, _gfn(s->base + a), from, to);
	disarm();
	if (!w_agree(w, op, rc, expected))
		return;
	if (to == p2m_mmio_dm || to == p2m_invalid) {
		w_displace(w, s, a);
		m->type = (u8)to;
	} else if (to == p2m_broken) {
		u32 mfn = m->mfn;

		w_displace(w, s, a);
		m->type = p2m_broken;
		m->mfn = mfn;
	} else {
		m->type = (u8)to;
	}
}

static void change_range(struct world *w, struct slot *s, const struct op *op)
{
	enum p2m_type from = ram_types[op->arg % 3], to = ram_types[op->arg / 3 % 3];
	unsigned int nr = 1 + op->b % 1024, a = op->a % (W_GFNS - nr + 1);
	unsigned long total = 0, done;
	int rc;

	do {
		arm(op);
		rc = p2m_change_type_range(s->d, _gfn(s->base + a + total), nr - total, from, to, &done);
		disarm();
		if (done > nr - total || (rc == -ERESTART && !done))
			host_fail("change_type_range: %d, done %lu", rc, done);
		total += done;
	} while (rc == -ERESTART);
	if (rc ? rc != -ENOMEM || !op->fail : total != nr)
		host_fail("change_type_range: %d, %lu of %u", rc, total, nr);
	for (unsigned int i = a; i < a + total; i++)
		if (s->e[i].type == from)
			s->e[i].type = (u8)to;
}

static void set_access(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;
	enum p2m_access access = (enum p2m_access)(op->arg % 6), got;
	bool ram = is_ram(s->e[a].type);
	int rc;

	arm(op);
	rc = p2m_set_access(s->d, _gfn(s->base + a), access);
	disarm();
	if (w_agree(w, op, rc, ram ? 0 : -ENOENT))
		s->e[a].access = (u8)access;
	rc = p2m_get_access(s->d, _gfn(s->base + a), &got);
	if (rc != (ram ? 0 : -ENOENT) || (ram && got != s->e[a].access))
		host_fail("get_access");
}

/* ---- device memory ---- */

static void mmio(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int nr = 1 + (op->misc % 4 ? op->b % 64 : op->b % 1100), a = op->a % (W_GFNS - nr + 1), want = 0;
	unsigned long mfn = HOST_MMIO_BASE + (op->arg & 1 ? a : op->arg * 3), total = 0, done;
	int expected = 0, rc;

	if (op->arg & 2)
		a &= ~511U, nr = min(nr, W_GFNS - a);
	for (; want < nr && !expected; want++) {
		const struct ment *m = &s->e[a + want];

		if (m->type == p2m_mmio_direct ? m->mfn != mfn + want :
						 m->type != p2m_invalid && m->type != p2m_mmio_dm) {
			expected = -EBUSY;
			break;
		}
	}
	do {
		arm(op);
		rc = p2m_set_mmio(s->d, _gfn(s->base + a + total), _mfn(mfn + total), nr - total, &done);
		disarm();
		total += done;
	} while (rc == -ERESTART && done);
	if (rc == -ENOMEM && op->fail)
		want = min(want, (unsigned int)total);
	else if (rc != expected || total != want)
		host_fail("set_mmio: %d after %lu, expected %d after %u", rc, total, expected, want);
	for (unsigned int i = 0; i < want; i++)
		w_set(w, s, a + i, p2m_mmio_direct, mfn + i);
}

static void unmmio(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS, nr = min(1U + op->b % 700, W_GFNS - a), want = 0;
	unsigned long mfn = op->arg % 8 ? s->e[a].mfn : op->b, total = 0, done;
	int expected = 0, rc;

	if (mfn < HOST_MMIO_BASE)
		mfn = HOST_MMIO_BASE;
	while (want < nr && s->e[a + want].type == p2m_mmio_direct && s->e[a + want].mfn == mfn + want)
		want++;
	if (want < nr)
		expected = -ENOENT;
	do {
		arm(op);
		rc = p2m_clear_mmio(s->d, _gfn(s->base + a + total), _mfn(mfn + total), nr - total, &done);
		disarm();
		total += done;
	} while (rc == -ERESTART && done);
	if (rc == -ENOMEM && op->fail)
		want = min(want, (unsigned int)total);
	else if (rc != expected || total != want)
		host_fail("clear_mmio: %d after %lu, expected %d after %u", rc, total, expected, want);
	for (unsigned int i = 0; i < want; i++)
		w_displace(w, s, a + i);
}

/* ---- log dirty ---- */

static void logdirty(struct world *w, struct slot *s, const struct op *op)
{
	bool global = op->arg & 2;
	int rc;

	if (op->arg & 1) {
		do
			rc = p2m_logdirty_enable(s->d, global);
		while (rc == -ERESTART);
		if (!w_agree(w, op, rc, s->logdirty ? -EINVAL : 0))
			return;
		s->logdirty = true;
		for (unsigned int i = 0; global && i < W_GFNS; i++)
			if (s->e[i].type == p2m_ram_rw)
				s->e[i].type = p2m_ram_logdirty;
		return;
	}
	do
		rc = p2m_logdirty_disable(s->d);
	while (rc == -ERESTART);
	if (!w_agree(w, op, rc, 0) || !s->logdirty)
		return;
	s->logdirty = false;
	for (unsigned int i = 0; i < W_GFNS; i++) {
		if (s->e[i].type == p2m_ram_logdirty)
			s->e[i].type = p2m_ram_rw;
		s->e[i].gone = false;
	}
}

struct dirty_bits {
	u8 bytes[W_GFNS / 8 + 1024];
	unsigned long first;
	bool fail;
};

static int take_bits(void *arg, unsigned long first, const void *bytes, size_t n)
{
	struct dirty_bits *d = arg;

	if (d->fail)
		return -EFAULT;
	memcpy(d->bytes + (first - d->first) / 8, bytes, n);
	return 0;
}

static void read_dirty(struct world *w, struct slot *s, const struct op *op)
{
	struct dirty_bits bits = { .first = s->base & ~4095UL, .fail = op->misc % 16 == 0 };
	unsigned long done = bits.first, nr = s->base + W_GFNS;
	bool clean = op->arg & 1;
	u64 dirty, faults;
	int rc;

	do {
		arm(op);
		rc = p2m_logdirty_read(s->d, clean, nr, &done, take_bits, &bits, &dirty, &faults);
		disarm();
	} while (rc == -ERESTART);
	if (!w_agree(w, op, rc, !s->logdirty ? -EINVAL : bits.fail ? -EFAULT : 0))
		return;
	for (unsigned int i = 0; i < W_GFNS; i++) {
		unsigned long bit = s->base + i - bits.first;
		struct ment *m = &s->e[i];
		bool expected = m->type == p2m_ram_rw || m->gone;

		if ((bits.bytes[bit / 8] >> (bit % 8) & 1) != expected)
			host_fail("gfn %#lx: dirty %d, type %u", s->base + i, !expected, m->type);
		if (clean && m->type == p2m_ram_rw)
			m->type = p2m_ram_logdirty;
		if (clean)
			m->gone = false;
	}
}

static void mark_dirty(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;

	arm(op);
	p2m_mark_dirty(s->d, _gfn(s->base + a));
	disarm();
	if (s->logdirty && s->e[a].type == p2m_ram_logdirty)
		s->e[a].type = p2m_ram_rw;
	w_sync(w, s, a);
}

/* ---- references, accesses ---- */

static void hold(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS, flags = op->arg & 1 ? P2M_ALLOC : P2M_QUERY;
	bool sure = w_cached(s), pod = s->e[a].type == p2m_pod && flags;
	struct page_info *page;
	enum p2m_type t;

	if (w->holds == W_HOLDS)
		return;
	arm(op);
	page = get_page_from_gfn(s->d, _gfn(s->base + a), &t, flags);
	disarm();
	if (pod)
		w_populated(w, s, a, op, sure);
	if (t != s->e[a].type)
		host_fail("get_page_from_gfn: type %u, expected %u", t, s->e[a].type);
	if (!page != !is_counted(s->e[a].type))
		host_fail("get_page_from_gfn: %p at type %u", (void *)page, t);
	if (!page)
		return;
	if (mfn_x(page_to_mfn(page)) != s->e[a].mfn)
		host_fail("get_page_from_gfn: another frame");
	w->refs[s->e[a].mfn]++;
	w->hold[w->holds++] = page;
}

static void unhold(struct world *w, const struct op *op)
{
	unsigned int i;
	struct page_info *page;

	if (!w->holds)
		return;
	i = op->a % w->holds;
	page = w->hold[i];
	w->hold[i] = w->hold[--w->holds];
	w_drop(w, mfn_x(page_to_mfn(page)));
	put_page(page);
}

/* A vCPU's access: through a stale translation only while the batch has not been flushed. */
static void touch(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;
	const struct ment *m = &s->e[a];
	bool write = op->arg & 1;
	u8 need = write ? 3 : 1;
	mfn_t mfn = host_touch(s->d, op->b % HOST_CPUS, s->base + a, write);
	bool may = (w_rights(m) & need) == need;

	if (s->b.need_flush)
		return;
	if (may ? mfn_x(mfn) != m->mfn : !mfn_eq(mfn, INVALID_MFN))
		host_fail("d%u gfn %#lx: access reaches %#lx; type %u mfn %#x", s->d->domain_id, s->base + a,
			  mfn_x(mfn), m->type, m->mfn);
	/* What is written stays, whatever becomes of the entry; what is not, may be swept. */
	if (may && write && m->type == p2m_ram_rw && op->arg & 2) {
		w->mark[m->mfn] = w->ops << 1 | 1;
		*(u64 *)mfn_to_virt(mfn) = w->mark[m->mfn];
	}
}

/* ---- the tree as a whole ---- */

struct walk_state {
	struct slot *s;
	unsigned int next;	/* first gfn not reported yet */
};

static int walk_range(void *arg, gfn_t start, unsigned long nr, mfn_t mfn, enum p2m_type t)
{
	struct walk_state *ws = arg;
	unsigned long i = gfn_x(start) - ws->s->base;

	if (i >= W_GFNS || i + nr > W_GFNS || i < ws->next || t == p2m_invalid)
		host_fail("walk: range %#lx+%#lx of type %u", gfn_x(start), nr, t);
	for (; ws->next < i; ws->next++)
		if (ws->s->e[ws->next].type != p2m_invalid)
			host_fail("walk: gfn %#lx left out", ws->s->base + ws->next);
	for (; ws->next < i + nr; ws->next++) {
		const struct ment *m = &ws->s->e[ws->next];

		if (m->type != t || (ept_type_has_mfn(t) && m->mfn != mfn_x(mfn) + (ws->next - i)))
			host_fail("walk: gfn %#lx in range of type %u", ws->s->base + ws->next, t);
	}
	return 0;
}

static void walk(struct slot *s, const struct op *op)
{
	struct walk_state ws = { s, 0 };
	unsigned long gfn = op->arg & 1 ? s->base : 0;
	int rc;

	do
		rc = p2m_walk(s->d, &gfn, 1 + op->b % 64, walk_range, &ws);
	while (rc == -ERESTART);
	if (rc)
		host_fail("walk: %d", rc);
	for (; ws.next < W_GFNS; ws.next++)
		if (s->e[ws.next].type != p2m_invalid)
			host_fail("walk: gfn %#lx left out at the end", s->base + ws.next);
	p2m_dump(s->d);
}

/* Arguments that must be refused by everything. */
static void bad(struct world *w, struct slot *s, const struct op *op)
{
	gfn_t g = _gfn(op->arg & 1 ? 1UL << 36 : ~0UL - op->a), ok = _gfn(s->base);
	struct slot *f = &w->slot[(op->dom % W_SLOTS + 1) % W_SLOTS];
	unsigned long done;
	enum p2m_type t;
	enum p2m_access a;
	int rc = 0;

	switch (op->b % 16) {
	case 0: rc = p2m_remove_page(s->d, g, INVALID_MFN, &s->b); break;
	case 1: rc = p2m_remove_from_physmap(s->d, g, &s->b); break;
	case 2: rc = p2m_add_foreign(s->d, g, f->d, ok, &s->b); break;
	case 3: rc = p2m_add_foreign(s->d, ok, f->d, g, &s->b); break;
	case 4: rc = p2m_release_range(s->d, g, op->order % 64, &s->b); break;
	case 5: rc = p2m_add_page(s->d, g, _mfn(1), op->order, p2m_ram_rw, &s->b); break;
	case 6: rc = p2m_add_page(s->d, ok, _mfn(1), 19 + op->order % 100, p2m_ram_rw, &s->b); break;
	case 7: rc = p2m_move_page(s->d, ok, g, &s->b); break;
	case 8: rc = p2m_move_page(s->d, g, ok, &s->b); break;
	case 9: rc = p2m_add_special(s->d, g, s->special[0], &s->b); break;
	case 10: rc = p2m_set_mmio(s->d, g, _mfn(HOST_MMIO_BASE), 1, &done); break;
	case 11: rc = p2m_clear_mmio(s->d, ok, _mfn(1UL << 34), 1, &done); break;
	case 12: rc = p2m_change_type_one(s->d, g, p2m_ram_rw, p2m_ram_ro); break;
	case 13: rc = p2m_set_access(s->d, g, p2m_access_n); break;
	case 14: rc = p2m_get_access(s->d, g, &a); break;
	case 15: rc = p2m_pod_set_range(s->d, g, op->order); break;
	}
	if (rc != -EINVAL)
		host_fail("bad arguments, case %u: %d", op->b % 16, rc);
	if (get_page_from_gfn(s->d, g, &t, P2M_ALLOC) || t != p2m_invalid)
		host_fail("a page beyond the end");
}

void world_apply(struct world *w, const struct op *op)
{
	struct slot *s = &w->slot[op->dom % W_SLOTS];
	unsigned int code = op->code % OP_CODES;

	w->ops++;
	world_done[code]++;
	switch (code) {
	case OP_ADD: add(w, s, op, 0); break;
	case OP_ADD_RANGE: add(w, s, op, op->order % 16 > 9 ? 9 : op->order % 16); break;
	case OP_REMOVE: remove_ram(w, s, op); break;
	case OP_RELEASE: release(w, s, op); break;
	case OP_FOREIGN: foreign(w, s, op); break;
	case OP_REMOVE_PHYSMAP: remove_physmap(w, s, op); break;
	case OP_GRANT: grant(w, s, op); break;
	case OP_UNGRANT: ungrant(w, s, op); break;
	case OP_MOVE: move(w, s, op); break;
	case OP_SPECIAL: special(w, s, op); break;
	case OP_CHANGE_ONE: change_one(w, s, op); break;
	case OP_CHANGE_RANGE: change_range(w, s, op); break;
	case OP_ACCESS: set_access(w, s, op); break;
	case OP_MMIO: mmio(w, s, op); break;
	case OP_UNMMIO: unmmio(w, s, op); break;
	case OP_POD_RANGE: w_pod_range(w, s, op); break;
	case OP_POD_TARGET: w_pod_target(w, s, op); break;
	case OP_FAULT: w_fault(w, s, op); break;
	case OP_LOGDIRTY: logdirty(w, s, op); break;
	case OP_READ_DIRTY: read_dirty(w, s, op); break;
	case OP_MARK_DIRTY: mark_dirty(w, s, op); break;
	case OP_HOLD: hold(w, s, op); break;
	case OP_UNHOLD: unhold(w, op); break;
	case OP_TOUCH: touch(w, s, op); break;
	case OP_FLUSH: op->arg & 1 ? w_flush(s) : w_flush_all(w); break;
	case OP_KILL: w_kill(w, s); break;
	case OP_PREEMPT: per_cpu__softirq_pending_bits = op->arg & 1; break;
	case OP_POOL:
		p2m_set_pool(s->d, op->arg);
		if (p2m_get_pool(s->d) < (unsigned long)atomic64_read(&s->d->arch.p2m->pool_used))
			host_fail("pool below what is used");
		p2m_set_pool(s->d, ~0UL);
		break;
	case OP_WALK: walk(s, op); break;
	case OP_BAD: bad(w, s, op); break;
	}
	if (host_locks_held())
		host_fail("code %u returned with a lock held", code);
}
