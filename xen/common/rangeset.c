// SPDX-License-Identifier: GPL-2.0-only
/* Sets of numbers as an array of sorted, disjoint, non-adjacent ranges under a lock of its own. */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/rangeset.h>
#include <xen/spinlock.h>

struct range {
	u64 first, last;
};

struct rangeset {
	spinlock_t lock;
	unsigned int nr, limit;
	struct range *r;
};

struct rangeset *rangeset_new(unsigned int limit)
{
	struct rangeset *s = xzalloc(struct rangeset);

	if (!s)
		return NULL;
	spin_lock_init(&s->lock, RANK_LEAF);
	s->limit = limit;
	s->r = xzalloc_array(struct range, limit);
	if (!s->r) {
		xfree(s);
		return NULL;
	}
	return s;
}

void rangeset_destroy(struct rangeset *s)
{
	if (!s)
		return;
	xfree(s->r);
	xfree(s);
}

/* Index of the first range that ends at or behind v. */
static unsigned int find_locked(const struct rangeset *s, u64 v)
{
	unsigned int i = 0;

	while (i < s->nr && s->r[i].last < v)
		i++;
	return i;
}

/* Replaces ranges [i, j) by n (0 to 2) new ones. */
static int splice_locked(struct rangeset *s, unsigned int i, unsigned int j, const struct range *with,
			 unsigned int n)
{
	unsigned int nr = s->nr - (j - i) + n;

	if (nr > s->limit)
		return -ENOSPC;
	memmove(&s->r[i + n], &s->r[j], (s->nr - j) * sizeof(s->r[0]));
	memcpy(&s->r[i], with, n * sizeof(s->r[0]));
	s->nr = nr;
	return 0;
}

int rangeset_add(struct rangeset *s, u64 first, u64 last)
{
	struct range all = { first, last };
	unsigned int i, j;
	int rc;

	spin_lock(&s->lock);
	/* Ranges that touch the new one become part of it. */
	i = find_locked(s, first ? first - 1 : 0);
	for (j = i; j < s->nr && (s->r[j].first <= last || s->r[j].first - 1 == last); j++) {
		all.first = min(all.first, s->r[j].first);
		all.last = max(all.last, s->r[j].last);
	}
	rc = splice_locked(s, i, j, &all, 1);
	spin_unlock(&s->lock);
	return rc;
}

int rangeset_remove(struct rangeset *s, u64 first, u64 last)
{
	struct range left[2];
	unsigned int i, j, n = 0;
	int rc;

	spin_lock(&s->lock);
	i = find_locked(s, first);
	for (j = i; j < s->nr && s->r[j].first <= last; j++)
		;
	if (i < j && s->r[i].first < first)
		left[n++] = (struct range){ s->r[i].first, first - 1 };
	if (i < j && s->r[j - 1].last > last)
		left[n++] = (struct range){ last + 1, s->r[j - 1].last };
	rc = splice_locked(s, i, j, left, n);
	spin_unlock(&s->lock);
	return rc;
}

bool rangeset_contains(struct rangeset *s, u64 first, u64 last)
{
	unsigned int i;
	bool in;

	spin_lock(&s->lock);
	i = find_locked(s, first);
	in = i < s->nr && s->r[i].first <= first && s->r[i].last >= last;
	spin_unlock(&s->lock);
	return in;
}

bool rangeset_overlaps(struct rangeset *s, u64 first, u64 last)
{
	unsigned int i;
	bool hit;

	spin_lock(&s->lock);
	i = find_locked(s, first);
	hit = i < s->nr && s->r[i].first <= last;
	spin_unlock(&s->lock);
	return hit;
}
