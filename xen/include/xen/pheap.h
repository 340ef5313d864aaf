/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairing heap, intrusive: nothing is allocated, so adding cannot fail. The
 * smallest key is on top; equal keys come in no particular order. The owner of
 * the heap supplies the lock.
 */
#ifndef XEN_PHEAP_H
#define XEN_PHEAP_H

struct pheap_node {
	s64 key;
	struct pheap_node *child; /* leftmost child */
	struct pheap_node *next; /* right sibling */
	struct pheap_node *prev; /* left sibling, or the parent of a leftmost child */
};

struct pheap {
	struct pheap_node *top; /* NULL: empty */
};

/* n->key is set by the caller and must not change while n is in a heap. */
void pheap_add(struct pheap *h, struct pheap_node *n);
/* n must be in h. */
void pheap_del(struct pheap *h, struct pheap_node *n);
/* Every element once, in no order: the one after n (NULL: the first), NULL at the end. */
struct pheap_node *pheap_iterate(const struct pheap *h, const struct pheap_node *n);

#endif
