/* SPDX-License-Identifier: GPL-2.0-only */
/* Circular doubly linked lists; a head and an element have the same shape. */
#ifndef XEN_LIST_H
#define XEN_LIST_H

struct list_head {
	struct list_head *next, *prev;
};

#define LIST_HEAD_INIT(name)     \
	{                        \
		&(name), &(name) \
	}
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *h) { h->next = h->prev = h; }

static inline bool list_empty(const struct list_head *h) { return READ_ONCE(h->next) == h; }

static inline void list_insert_between(struct list_head *e, struct list_head *prev, struct list_head *next)
{
	e->next = next;
	e->prev = prev;
	next->prev = e;
	WRITE_ONCE(prev->next, e);
}

static inline void list_add(struct list_head *e, struct list_head *head)
{
	list_insert_between(e, head, head->next);
}

/* Removes e and leaves it a valid empty list, so that removing it again is harmless. */
static inline void list_del(struct list_head *e)
{
	e->next->prev = e->prev;
	WRITE_ONCE(e->prev->next, e->next);
	INIT_LIST_HEAD(e);
}

/* Removes e but keeps e->next, so that an RCU reader standing on e can go on. */
static inline void list_del_rcu(struct list_head *e)
{
	e->next->prev = e->prev;
	WRITE_ONCE(e->prev->next, e->next);
	e->prev = NULL;
}

/* Publishes a filled element: readers under RCU see it whole or not at all. */
static inline void list_add_tail_rcu(struct list_head *e, struct list_head *head)
{
	e->next = head;
	e->prev = head->prev;
	__atomic_store_n(&head->prev->next, e, __ATOMIC_RELEASE);
	head->prev = e;
}

#define list_entry(p, type, member)	  container_of(p, type, member)
#define list_first_entry(h, type, member) list_entry((h)->next, type, member)
#define list_for_each_entry(p, head, member)                                                              \
	for ((p) = list_entry(READ_ONCE((head)->next), __typeof__(*(p)), member); &(p)->member != (head); \
	     (p) = list_entry(READ_ONCE((p)->member.next), __typeof__(*(p)), member))
#define list_for_each_entry_safe(p, n, head, member)                      \
	for ((p) = list_entry((head)->next, __typeof__(*(p)), member),    \
	    (n) = list_entry((p)->member.next, __typeof__(*(p)), member); \
	     &(p)->member != (head); (p) = (n), (n) = list_entry((n)->member.next, __typeof__(*(n)), member))
#define list_for_each_entry_rcu(p, head, member) list_for_each_entry(p, head, member)

#endif
