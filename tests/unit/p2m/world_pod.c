/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model of populate on demand. What backs an entry, and what a sweep takes, is the p2m's to choose: the model
 * looks afterwards, and insists that the choice was allowed, and that there was one when it says there is none.
 */
#include "world.h"
#include "world-private.h"

static const u8 rights_of_access[] = { 7, 5, 3, 1, 4, 0 };
static const u8 rights_of_type[P2M_TYPES] = { 0, 7, 5, 5, 7, 0, 3, 3, 1, 0, 0 };
u8 w_rights(const struct ment *m) { return rights_of_type[m->type] & rights_of_access[m->access]; }

bool w_cached(struct slot *s)
{
	u64 tot, cache, entries;

	p2m_pod_get_target(s->d, &tot, &cache, &entries);
	return cache;
}

static mfn_t look(struct slot *s, unsigned int i, enum p2m_type *t)
{
	return p2m_lookup(s->d, _gfn(s->base + i), t, NULL);
}

/* ---- pages that were swept ---- */

static bool plain(const struct slot *s, const struct ment *m)
{
	/* With the log on, what is dirty stays. */
	return (m->type == p2m_ram_logdirty || (m->type == p2m_ram_rw && !s->logdirty)) && !m->special &&
	       m->access == p2m_access_rwx;
}

static void take_over_swept(struct world *w, struct slot *s)
{
	for (unsigned int i = 0; i < W_GFNS; i++) {
		struct ment *m = &s->e[i];
		enum p2m_type t;

		(void)look(s, i, &t);
		if (t != p2m_pod || m->type == p2m_pod)
			continue;
		if (!plain(s, m) || w->refs[m->mfn] != 1 || w->mark[m->mfn])
			host_fail("d%u gfn %#lx swept: type %u, %u references%s", s->d->domain_id, s->base + i,
				  m->type, w->refs[m->mfn], w->mark[m->mfn] ? ", written to" : "");
		w_set(w, s, i, p2m_pod, 0);
	}
}

static bool recent(const struct slot *s, unsigned long gfn)
{
	for (unsigned int i = 0; i < P2M_POD_RECENT; i++)
		if (s->d->arch.p2m->pod_recent[i] == gfn)
			return true;
	return false;
}

/* A page that a sweep would take. */
static bool sweepable(const struct slot *s, unsigned int i)
{
	static const u8 zeroes[PAGE_SIZE];
	const struct ment *m = &s->e[i];

	return plain(s, m) && page_count(mfn_to_page(_mfn(m->mfn))) == 1 && !recent(s, s->base + i) &&
	       host_walk(s->d, s->base + i).level < 2 && !memcmp(mfn_to_virt(_mfn(m->mfn)), zeroes, PAGE_SIZE);
}

/* ---- pages that were populated ---- */

/*
 * After something that may populate on demand, or log dirty by superpages for want of a table: take over
 * what came of the 2M region; only the changes that are allowed.
 */
void w_sync(struct world *w, struct slot *s, unsigned int a)
{
	unsigned long first = (s->base + a) & ~511UL, end = min(first + 512, s->base + W_GFNS);
	unsigned int from = (unsigned int)(max(first, s->base) - s->base), to = (unsigned int)(end - s->base);
	u64 tot, cache, entries, populated = 0;
	enum p2m_type t;

	for (unsigned int i = from; i < to; i++)
		if (s->e[i].type == p2m_pod) {
			(void)look(s, i, &t);
			populated += t != p2m_pod;
		}
	p2m_pod_get_target(s->d, &tot, &cache, &entries);
	if (entries + populated != s->pods)
		take_over_swept(w, s);
	for (unsigned int i = from; i < to; i++) {
		mfn_t mfn;

		if (s->e[i].type != p2m_pod && s->e[i].type != p2m_ram_logdirty)
			continue;
		mfn = look(s, i, &t);
		if (t != p2m_ram_rw)
			continue;
		if (s->e[i].type == p2m_ram_logdirty) {
			s->e[i].type = p2m_ram_rw;
			continue;
		}
		if (page_owner_id(mfn_to_page(mfn)) != s->d->domain_id || w->refs[mfn_x(mfn)])
			host_fail("populated by frame %#lx of d%u", mfn_x(mfn), page_owner_id(mfn_to_page(mfn)));
		if (*(u64 *)mfn_to_virt(mfn))
			host_fail("populated by frame %#lx, which is not empty", mfn_x(mfn));
		w_set(w, s, i, p2m_ram_rw, mfn_x(mfn));
	}
}

/* Something tried to populate what is on demand at a. sure: there was memory in the cache. */
void w_populated(struct world *w, struct slot *s, unsigned int a, const struct op *op, bool sure)
{
	w_sync(w, s, a);
	if (s->e[a].type != p2m_pod || op->fail)
		return;
	if (sure)
		host_fail("d%u gfn %#lx not populated, with memory in the cache", s->d->domain_id, s->base + a);
	for (unsigned int i = 0; i < W_GFNS; i++)
		if (sweepable(s, i))
			host_fail("d%u gfn %#lx not populated, and gfn %#lx is empty", s->d->domain_id,
				  s->base + a, s->base + i);
}

/* ---- operations ---- */

void w_pod_range(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int nr = 1U << (op->order % 10), a = op->a % (W_GFNS - nr + 1);
	int expected = 0, rc;

	if (op->arg & 1)
		a &= ~(nr - 1);
	for (unsigned int i = a; i < a + nr && !expected; i++)
		if (s->e[i].type != p2m_invalid)
			expected = -(int)w_refusal(s->e[i].type);
	arm(op);
	rc = p2m_pod_set_range(s->d, _gfn(s->base + a), op->order % 10);
	disarm();
	if (w_agree(w, op, rc, expected))
		for (unsigned int i = a; i < a + nr; i++)
			w_set(w, s, i, p2m_pod, 0);
}

void w_pod_target(struct world *w, struct slot *s, const struct op *op)
{
	u64 tot, cache, entries;
	int rc;

	p2m_pod_get_target(s->d, &tot, &cache, &entries);
	if (s->identity)
		return;
	do {
		arm(op);
		rc = p2m_pod_set_target(s->d, tot + op->a % 600 - min(tot, (u64)(op->b % 300)));
		disarm();
	} while (rc == -ERESTART);
	if (rc && rc != -ENOMEM)
		host_fail("pod_set_target: %d", rc);
}

void w_fault(struct world *w, struct slot *s, const struct op *op)
{
	unsigned int a = op->a % W_GFNS;
	bool write = op->arg & 1, exec = op->arg & 2;
	const struct ment m = s->e[a];
	u8 need = 1 | (write ? 2 : 0) | (exec ? 4 : 0), rights = w_rights(&m);
	bool writable = rights_of_access[m.access] & 2;
	bool sure = w_cached(s);
	enum p2m_fault expected = P2M_FAULT_DENIED, got;
	enum p2m_type t;

	if ((rights & need) == need)
		expected = P2M_FAULT_FIXED;
	else if (m.type == p2m_invalid)
		expected = P2M_FAULT_EMULATE;
	else if (m.type == p2m_mmio_dm)
		expected = P2M_FAULT_DM;
	else if (m.type == p2m_ram_logdirty && write && writable)
		expected = P2M_FAULT_FIXED;
	else if (m.type == p2m_ram_ro && write && writable)
		expected = P2M_FAULT_EMULATE;
	arm(op);
	do {
		got = p2m_handle_fault(s->d, _gfn(s->base + a), write, exec);
		(void)look(s, a, &t);
	} while (got == P2M_FAULT_FIXED && t == p2m_pod);
	disarm();
	if (m.type == p2m_pod) {
		w_populated(w, s, a, op, sure);
		expected = s->e[a].type == p2m_pod ? P2M_FAULT_NO_MEMORY : P2M_FAULT_FIXED;
	}
	/* Out of memory, or told to split for execution what may not be written either. */
	if (got != expected && !(op->fail && got == P2M_FAULT_DENIED) &&
	    !(exec && got == P2M_FAULT_FIXED && (rights & 4)))
		host_fail("fault at type %u: %u, expected %u", m.type, got, expected);
	if (m.type == p2m_ram_logdirty && got == P2M_FAULT_FIXED && write && writable)
		s->e[a].type = p2m_ram_rw;
	if (m.type == p2m_ram_logdirty)
		w_sync(w, s, a);
}
