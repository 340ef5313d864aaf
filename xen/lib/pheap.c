/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairing heap: adding is constant time, removing logarithmic on average. Used
 * for timers (key: when they are due) and run queues (key: virtual time).
 */
#include <xen/pheap.h>

/* Joins two detached trees; the root with the smaller key becomes the root of both. */
static struct pheap_node *meld(struct pheap_node *a, struct pheap_node *b)
{
	struct pheap_node *t;

	if (b->key < a->key) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	a->next = NULL;
	a->prev = NULL;
	return a;
}

/*
 * Joins a list of siblings into one tree: in pairs from the left, then the
 * pairs together. The second pass walks the pairs through their prev links.
 */
static struct pheap_node *meld_siblings(struct pheap_node *first)
{
	struct pheap_node *pairs = NULL, *root;

	while (first) {
		struct pheap_node *a = first, *b = a->next, *rest = NULL;

		if (b) {
			rest = b->next;
			a = meld(a, b);
		}
		a->prev = pairs;
		pairs = a;
		first = rest;
	}
	if (!pairs)
		return NULL;
	root = pairs;
	pairs = pairs->prev;
	root->prev = NULL;
	root->next = NULL;
	while (pairs) {
		struct pheap_node *before = pairs->prev;

		root = meld(root, pairs);
		pairs = before;
	}
	return root;
}

void pheap_add(struct pheap *h, struct pheap_node *n)
{
	n->child = NULL;
	n->next = NULL;
	n->prev = NULL;
	h->top = h->top ? meld(h->top, n) : n;
}

void pheap_del(struct pheap *h, struct pheap_node *n)
{
	struct pheap_node *below = meld_siblings(n->child);

	if (n == h->top) {
		h->top = below;
	} else {
		if (n->prev->child == n)
			n->prev->child = n->next;
		else
			n->prev->next = n->next;
		if (n->next)
			n->next->prev = n->prev;
		if (below)
			h->top = meld(h->top, below);
	}
	n->child = NULL;
	n->next = NULL;
	n->prev = NULL;
}

struct pheap_node *pheap_iterate(const struct pheap *h, const struct pheap_node *n)
{
	if (!n)
		return h->top;
	if (n->child)
		return n->child;
	while (!n->next) {
		/* Left along the siblings to the parent. */
		while (n->prev && n->prev->child != n)
			n = n->prev;
		n = n->prev;
		if (!n)
			return NULL;
	}
	return n->next;
}
