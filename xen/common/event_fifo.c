// SPDX-License-Identifier: GPL-2.0-only
/*
 * The FIFO event ABI (public/event_channel.h): an event word for each port in
 * pages the guest gives, and a control block for each vCPU with the heads of 16
 * queues. Both are the guest's memory: nothing read from them is trusted, and
 * a guest that plays with them spoils only its own queues.
 *
 * Who sets the LINKED bit of a word owns the port's place in a queue until the
 * guest clears the bit. The lock of a queue protects its tail.
 */
#include <xen/guest_access.h>
#include <asm/p2m.h>
#include "event_channel.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define ARRAY_PAGES    (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)

struct fifo_queue {
	spinlock_t lock;
	u32 tail; /* 0: nothing was ever linked, or it moved away */
};

struct evtchn_fifo_vcpu {
	struct page_info *page; /* one reference */
	gfn_t gfn; /* where it was */
	struct evtchn_fifo_control_block *control;
	struct fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];
};

struct evtchn_fifo_domain {
	struct rcu_head rcu;
	struct fifo_queue nowhere; /* only its lock: for what was linked on a vCPU without a control block */
	u32 nr_pages; /* grows only; READ_ONCE by senders */
	struct page_info *page[ARRAY_PAGES]; /* one reference each */
	gfn_t gfn[ARRAY_PAGES]; /* where they were */
	struct evtchn_fifo_vcpu *vcpu[MAX_VCPUS]; /* set under the lock of nowhere */
};

static event_word_t *word_of(const struct domain *d, u32 port)
{
	const struct evtchn_fifo_domain *f = smp_load_acquire(&d->evtchn.fifo);

	if (!f || port / WORDS_PER_PAGE >= smp_load_acquire(&f->nr_pages))
		return NULL;
	return (event_word_t *)page_to_virt(f->page[port / WORDS_PER_PAGE]) + port % WORDS_PER_PAGE;
}

/*
 * Bits of a 32-bit word: bit operations on longs would reach into the neighbour's, and across the
 * page.
 */
static bool word_test_and_set(event_word_t *w, unsigned int bit)
{
	return __atomic_fetch_or(w, 1U << bit, __ATOMIC_SEQ_CST) >> bit & 1;
}

static bool word_test_and_clear(event_word_t *w, unsigned int bit)
{
	return __atomic_fetch_and(w, ~(1U << bit), __ATOMIC_SEQ_CST) >> bit & 1;
}

static bool word_test(const event_word_t *w, unsigned int bit)
{
	return __atomic_load_n(w, __ATOMIC_RELAXED) >> bit & 1;
}

/*
 * Makes port follow the tail. False: the guest has taken the tail off its queue already (the head
 * must be written), or changes the word so often that it cannot mean well. BUSY asks the guest not
 * to unmask meanwhile.
 */
static bool set_link(event_word_t *tail, u32 port)
{
	event_word_t w = __atomic_load_n(tail, __ATOMIC_RELAXED);

	for (unsigned int tries = 0; tries < 16; tries++) {
		event_word_t next;

		if (!(w & (1U << EVTCHN_FIFO_LINKED)))
			break;
		next = (w & ~(event_word_t)(EVTCHN_FIFO_LINK_MASK | 1U << EVTCHN_FIFO_BUSY)) | port;
		if (__atomic_compare_exchange_n(tail, &w, next, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
			return true;
		if (tries == 3)
			w = __atomic_or_fetch(tail, 1U << EVTCHN_FIFO_BUSY, __ATOMIC_SEQ_CST);
	}
	if (w & (1U << EVTCHN_FIFO_BUSY))
		word_test_and_clear(tail, EVTCHN_FIFO_BUSY);
	return false;
}

/*
 * Where chn was linked on last. A port that never was names vCPU 0, which need not have a queue, nor
 * does one after a reset: two CPUs that link such a port on different vCPUs meet nowhere.
 */
static struct fifo_queue *last_queue(struct evtchn_fifo_domain *f, const struct evtchn *chn)
{
	struct evtchn_fifo_vcpu *fv = smp_load_acquire(&f->vcpu[READ_ONCE(chn->last_vcpu)]);

	return fv ? &fv->queue[__atomic_load_n(&chn->last_priority, __ATOMIC_RELAXED)] : &f->nowhere;
}

/*
 * Locks q and the queue chn was on last, which is returned: by address, when they are two. Where
 * chn was last changes under both locks only, and only often when a guest moves it all the time.
 */
static struct fifo_queue *queues_lock(struct evtchn_fifo_domain *f, const struct evtchn *chn,
				      struct fifo_queue *q, unsigned long *flags)
{
	for (;;) {
		struct fifo_queue *old = last_queue(f, chn);
		unsigned long fl;

		spin_lock_irqsave(&min(q, old)->lock, fl);
		if (old != q)
			spin_lock_nested(&max(q, old)->lock);
		*flags = fl;
		if (old == last_queue(f, chn))
			return old;
		if (old != q)
			spin_unlock(&max(q, old)->lock);
		spin_unlock_irqrestore(&min(q, old)->lock, fl);
	}
}

/*
 * Links chn, unless another CPU did. LINKED is set under the lock of the queue: a port that
 * is its tail, was consumed and is sent again must not get a follower before it is in the queue.
 */
static void queue_append(struct domain *d, struct evtchn_fifo_domain *f, struct vcpu *v, struct evtchn *chn,
			 event_word_t *word)
{
	struct evtchn_fifo_vcpu *fv = f->vcpu[v->vcpu_id];
	u8 prio = READ_ONCE(chn->priority);
	struct fifo_queue *q = &fv->queue[prio], *old;
	event_word_t *tail;
	unsigned long flags;
	bool linked = false, won;

	old = queues_lock(f, chn, q, &flags);
	won = !word_test_and_set(word, EVTCHN_FIFO_LINKED);
	if (won) {
		if (old->tail == chn->port)
			old->tail = 0;
		__atomic_store_n(&chn->last_vcpu, (u16)v->vcpu_id, __ATOMIC_RELAXED);
		__atomic_store_n(&chn->last_priority, prio, __ATOMIC_RELAXED);
		if (q->tail) {
			tail = word_of(d, q->tail);
			linked = tail && set_link(tail, chn->port);
		}
		if (!linked)
			WRITE_ONCE(fv->control->head[prio], chn->port);
		q->tail = chn->port;
	}
	if (old != q)
		spin_unlock(&max(q, old)->lock);
	spin_unlock_irqrestore(&min(q, old)->lock, flags);

	if (won && !linked && !word_test_and_set(&fv->control->ready, prio))
		vcpu_mark_events_pending(v);
}

void evtchn_fifo_set_pending(struct vcpu *v, struct evtchn *chn)
{
	struct domain *d = v->domain;
	struct evtchn_fifo_domain *f = smp_load_acquire(&d->evtchn.fifo);
	event_word_t *word = word_of(d, chn->port);

	if (!f)
		return;
	if (unlikely(!word || !READ_ONCE(f->vcpu[v->vcpu_id]))) {
		/*
		 * Remembered until both are there; looked for again, as they may have come in
		 * between.
		 */
		WRITE_ONCE(chn->pending, true);
		smp_mb();
		word = word_of(d, chn->port);
		if (!word || !smp_load_acquire(&f->vcpu[v->vcpu_id]))
			return;
		WRITE_ONCE(chn->pending, false);
	}
	word_test_and_set(word, EVTCHN_FIFO_PENDING);
	if (!word_test(word, EVTCHN_FIFO_MASKED) && !word_test(word, EVTCHN_FIFO_LINKED))
		queue_append(d, f, v, chn, word);
}

/* The word stays linked if it is: the guest takes it off its queue and finds nothing pending. */
void evtchn_fifo_clear_pending(struct domain *d, const struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	if (word)
		word_test_and_clear(word, EVTCHN_FIFO_PENDING);
}

void evtchn_fifo_unmask(struct domain *d, struct evtchn *chn)
{
	event_word_t *word = word_of(d, chn->port);

	if (!word)
		return;
	word_test_and_clear(word, EVTCHN_FIFO_MASKED);
	if (word_test(word, EVTCHN_FIFO_PENDING))
		evtchn_fifo_set_pending(d->vcpu[chn->notify_vcpu], chn);
}

bool evtchn_fifo_is_pending(const struct domain *d, u32 port)
{
	const event_word_t *word = word_of(d, port);

	return word && word_test(word, EVTCHN_FIFO_PENDING);
}

bool evtchn_fifo_is_masked(const struct domain *d, u32 port)
{
	const event_word_t *word = word_of(d, port);

	return !word || word_test(word, EVTCHN_FIFO_MASKED);
}

/* ---- set-up ---- */

/* A page of d's own RAM, with a reference. */
static struct page_info *pin_gfn(struct domain *d, u64 gfn)
{
	enum p2m_type t;
	struct page_info *page = get_page_from_gfn(d, _gfn(gfn), &t, P2M_ALLOC);

	if (page && t != p2m_ram_rw && t != p2m_ram_logdirty) {
		put_page(page);
		page = NULL;
	}
	return page;
}

/*
 * What was pending by the bitmaps, or got pending before its word or queue was there, is raised
 * again.
 */
static void raise_remembered(struct domain *d, u32 first, u32 end)
{
	for (u32 port = max(first, 1U); port < min(end, d->evtchn.valid_ports); port++) {
		struct evtchn *chn = evtchn_by_port(d, port);

		if (READ_ONCE(chn->pending)) {
			WRITE_ONCE(chn->pending, false);
			evtchn_fifo_set_pending(d->vcpu[chn->notify_vcpu], chn);
		}
	}
}

static struct evtchn_fifo_vcpu *control_create(struct domain *d, u64 gfn, u32 offset)
{
	struct evtchn_fifo_vcpu *fv = xzalloc(struct evtchn_fifo_vcpu);

	if (!fv)
		return NULL;
	fv->page = pin_gfn(d, gfn);
	if (!fv->page) {
		xfree(fv);
		return NULL;
	}
	fv->gfn = _gfn(gfn);
	fv->control = (void *)((char *)page_to_virt(fv->page) + offset);
	for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++)
		spin_lock_init(&fv->queue[i].lock, RANK_VPORT);
	return fv;
}

/*
 * -ENOENT: no such vCPU; -EINVAL: bad place, or it has a block; -ENOMEM. The first call switches
 * the domain over.
 */
int evtchn_fifo_init_control(struct evtchn_init_control *op)
{
	struct domain *d = current->domain;
	struct evtchn_fifo_domain *fresh = NULL;
	struct evtchn_fifo_vcpu *fv;
	unsigned long flags;
	int rc = 0;

	op->link_bits = EVTCHN_FIFO_LINK_BITS;
	if (op->vcpu >= d->max_vcpus || !d->vcpu[op->vcpu])
		return -ENOENT;
	if (op->offset > PAGE_SIZE - sizeof(*fv->control) || op->offset & 7)
		return -EINVAL;
	fv = control_create(d, op->control_gfn, op->offset);
	if (!fv)
		return -EINVAL;

	spin_lock(&d->event_lock);
	if (!d->evtchn.fifo) {
		fresh = xzalloc(struct evtchn_fifo_domain);
		if (!fresh) {
			rc = -ENOMEM;
		} else {
			for (u32 port = 1; port < d->evtchn.valid_ports; port++)
				if (evtchn_2l_is_pending(d, port))
					WRITE_ONCE(evtchn_by_port(d, port)->pending, true);
			spin_lock_init(&fresh->nowhere.lock, RANK_VPORT);
			fresh->vcpu[op->vcpu] = fv;
			smp_store_release(&d->evtchn.fifo, fresh);
		}
	} else if (d->evtchn.fifo->vcpu[op->vcpu]) {
		rc = -EINVAL;
	} else {
		spin_lock_irqsave(&d->evtchn.fifo->nowhere.lock, flags);
		smp_store_release(&d->evtchn.fifo->vcpu[op->vcpu], fv);
		spin_unlock_irqrestore(&d->evtchn.fifo->nowhere.lock, flags);
		raise_remembered(d, 1, d->evtchn.valid_ports);
	}
	spin_unlock(&d->event_lock);
	if (rc) {
		put_page(fv->page);
		xfree(fv);
	}
	return rc;
}

/* -EOPNOTSUPP: still 2-level; -ENOSPC: all pages given; -EINVAL: not RAM of the domain. */
int evtchn_fifo_expand_array(const struct evtchn_expand_array *op)
{
	struct domain *d = current->domain;
	struct evtchn_fifo_domain *f;
	struct page_info *page;
	int rc = 0;

	if (!d->evtchn.fifo)
		return -EOPNOTSUPP;
	page = pin_gfn(d, op->array_gfn);
	if (!page)
		return -EINVAL;
	spin_lock(&d->event_lock);
	f = d->evtchn.fifo;
	if (!f) {
		rc = -EOPNOTSUPP;
	} else if (f->nr_pages == ARRAY_PAGES) {
		rc = -ENOSPC;
	} else {
		f->page[f->nr_pages] = page;
		f->gfn[f->nr_pages] = _gfn(op->array_gfn);
		smp_store_release(&f->nr_pages, f->nr_pages + 1);
		raise_remembered(d, (f->nr_pages - 1) * WORDS_PER_PAGE, f->nr_pages * WORDS_PER_PAGE);
	}
	spin_unlock(&d->event_lock);
	if (rc)
		put_page(page);
	return rc;
}

void evtchn_fifo_mark_dirty(struct domain *d)
{
	const struct evtchn_fifo_domain *f = rcu_dereference(d->evtchn.fifo);

	if (!f)
		return;
	for (unsigned int i = 0; i < MAX_VCPUS; i++) {
		const struct evtchn_fifo_vcpu *fv = rcu_dereference(f->vcpu[i]);

		if (fv)
			p2m_mark_dirty(d, fv->gfn);
	}
	for (u32 i = 0; i < smp_load_acquire(&f->nr_pages); i++)
		p2m_mark_dirty(d, f->gfn[i]);
}

static void fifo_free_rcu(struct rcu_head *head)
{
	struct evtchn_fifo_domain *f = container_of(head, struct evtchn_fifo_domain, rcu);

	for (unsigned int i = 0; i < MAX_VCPUS; i++) {
		if (!f->vcpu[i])
			continue;
		put_page(f->vcpu[i]->page);
		xfree(f->vcpu[i]);
	}
	for (unsigned int i = 0; i < f->nr_pages; i++)
		put_page(f->page[i]);
	xfree(f);
}

void evtchn_fifo_destroy(struct domain *d)
{
	struct evtchn_fifo_domain *f = d->evtchn.fifo;

	if (!f)
		return;
	WRITE_ONCE(d->evtchn.fifo, NULL);
	call_rcu(&f->rcu, fifo_free_rcu);
}
