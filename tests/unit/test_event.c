/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Event channels: bindings, both delivery ABIs, and the FIFO's promise that no
 * event is lost, with a guest's consumer beside many senders, and with a guest
 * that scribbles over its own event words.
 */
#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <asm/hvm.h>
#include <asm/p2m.h>
#include "event_channel.h"
#include "host/stubs.h"
#include "host/tap.h"

#define DOMS	    2
#define VCPUS	    3
#define FRAMES	    64 /* of each domain; gfn n of domain d is frame d * FRAMES + n */
#define CONTROL_GFN 1 /* of vCPU 0; the others have the next */
#define ARRAY_GFN   8

static struct domain dom[DOMS];
static struct vcpu vc[DOMS][VCPUS], *vcs[DOMS][VCPUS];
static struct vcpu_info infos[DOMS][VCPUS];
static unsigned char ram[DOMS * FRAMES][PAGE_SIZE] __aligned(4096);
static struct page_info frames[DOMS * FRAMES];
static unsigned long kicks[DOMS][VCPUS], unblocked;
static struct rcu_head *deferred;

struct page_info *host_frame_table = frames;
unsigned long host_directmap = (unsigned long)ram;
struct domain *hardware_domain = &dom[0];
struct vcpu_info dummy_vcpu_info;
DEFINE_PER_CPU(struct vcpu *, curr_vcpu);

/* ---- what the files call ---- */

void vcpu_kick(struct vcpu *v)
{
	__atomic_fetch_add(&kicks[v->domain->domain_id][v->vcpu_id], 1, __ATOMIC_RELAXED);
}
void vcpu_unblock(struct vcpu *v)
{
	unblocked++;
}
void vlapic_set_irq(struct vcpu *v, u8 vector, bool level)
{
	vcpu_kick(v);
}
struct domain *get_domain_by_id(domid_t id)
{
	return id < DOMS ? &dom[id] : NULL;
}
struct domain *get_domain_by_any_id(domid_t id)
{
	return id == DOMID_SELF ? current->domain : get_domain_by_id(id);
}
bool get_domain(struct domain *d)
{
	return true;
}
void put_domain(struct domain *d)
{
}
size_t copy_from_guest_va(void *dst, unsigned long gva, size_t n)
{
	memcpy(dst, (void *)gva, n);
	return 0;
}
size_t copy_to_guest_va(unsigned long gva, const void *src, size_t n)
{
	memcpy((void *)gva, src, n);
	return 0;
}
long hypercall_unimplemented(const char *name, unsigned long nr)
{
	return -ENOSYS;
}
long hypercall_create_continuation(unsigned int op, unsigned int nr_args, ...)
{
	return -ERESTART;
}
DEFINE_PER_CPU(unsigned int, softirq_pending_bits);
void *xzalloc_bytes(size_t size)
{
	return memset(host_alloc(size), 0, size);
}
void *xzalloc_bytes_n(size_t size, size_t n)
{
	return xzalloc_bytes(size * n);
}
void xfree(void *p)
{
	host_free(p);
}
void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	head->func = func;
	head->next = deferred;
	deferred = head;
}
struct page_info *get_page_from_gfn(struct domain *d, gfn_t gfn, enum p2m_type *t, unsigned int flags)
{
	*t = p2m_ram_rw;
	if (gfn_x(gfn) >= FRAMES)
		return NULL;
	frames[d->domain_id * FRAMES + gfn_x(gfn)].ref++;
	return &frames[d->domain_id * FRAMES + gfn_x(gfn)];
}
void put_page(struct page_info *p)
{
	p->ref--;
}
static unsigned int dirtied[FRAMES];
void p2m_mark_dirty(struct domain *d, gfn_t gfn)
{
	dirtied[gfn_x(gfn)]++;
}

/* ---- the guests' side ---- */

static void as(unsigned int d, unsigned int v)
{
	this_cpu(curr_vcpu) = &vc[d][v];
}

static long op(unsigned int cmd, void *arg)
{
	const unsigned long a[6] = { cmd, (unsigned long)arg };

	return do_event_channel_op(a);
}

static long alloc_for(unsigned int d, domid_t remote)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = remote };
	long rc;

	as(d, 0);
	rc = op(EVTCHNOP_alloc_unbound, &a);
	return rc ? rc : a.port;
}

static long bind_to(unsigned int d, domid_t remote, u32 port)
{
	struct evtchn_bind_interdomain b = { .remote_dom = remote, .remote_port = port };
	long rc;

	as(d, 0);
	rc = op(EVTCHNOP_bind_interdomain, &b);
	return rc ? rc : b.local_port;
}

static long ipi(unsigned int d, unsigned int v)
{
	struct evtchn_bind_ipi b = { .vcpu = v };

	as(d, 0);
	return op(EVTCHNOP_bind_ipi, &b) ? -1 : (long)b.port;
}

static long close_of(unsigned int d, u32 port)
{
	struct evtchn_close c = { .port = port };

	as(d, 0);
	return op(EVTCHNOP_close, &c);
}

/* Threads of the tests that have several; each is a CPU. */
#define SENDERS 3

static void set_up(void)
{
	host_percpu_init(SENDERS + 1);
	for (unsigned int i = 0; i < DOMS; i++) {
		struct domain *d = &dom[i];

		d->domain_id = (domid_t)i;
		d->is_privileged = !i;
		d->max_vcpus = VCPUS;
		d->vcpu = vcs[i];
		d->shared_info = (void *)ram[i * FRAMES];
		spin_lock_init(&d->domain_lock, RANK_DOMAIN);
		spin_lock_init(&d->event_lock, RANK_EVENT);
		for (unsigned int v = 0; v < VCPUS; v++) {
			vc[i][v].domain = d;
			vc[i][v].vcpu_id = v;
			vc[i][v].vcpu_info = &infos[i][v];
			vcs[i][v] = &vc[i][v];
		}
		CHECK_EQ(evtchn_init(d, ~0U), 0);
	}
}

static void fifo_start_from(unsigned int d, unsigned int first)
{
	struct evtchn_expand_array ex = { .array_gfn = ARRAY_GFN };

	as(d, 0);
	for (unsigned int v = first; v < VCPUS; v++) {
		struct evtchn_init_control ic = { .control_gfn = CONTROL_GFN + v, .vcpu = v };

		CHECK_EQ(op(EVTCHNOP_init_control, &ic), 0);
		CHECK_EQ(ic.link_bits, 17);
	}
	CHECK_EQ(op(EVTCHNOP_expand_array, &ex), 0);
}

static void fifo_start(unsigned int d)
{
	fifo_start_from(d, 0);
}

static event_word_t *word(unsigned int d, u32 port)
{
	return (event_word_t *)ram[d * FRAMES + ARRAY_GFN] + port;
}

static struct evtchn_fifo_control_block *control(unsigned int d, unsigned int v)
{
	return (void *)ram[d * FRAMES + CONTROL_GFN + v];
}

static u32 heads[DOMS][VCPUS][EVTCHN_FIFO_MAX_QUEUES];

/* What a guest does in its upcall. Calls fn for each event that is pending and not masked. */
static void consume(unsigned int d, unsigned int v, void (*fn)(u32 port))
{
	struct evtchn_fifo_control_block *c = control(d, v);
	u32 ready;

	xchg(&infos[d][v].evtchn_upcall_pending, 0);
	ready = xchg(&c->ready, 0);
	while (ready) {
		unsigned int q = (unsigned int)__builtin_ctz(ready);
		u32 port = heads[d][v][q], w;
		event_word_t *e;

		if (!port)
			port = __atomic_load_n(&c->head[q], __ATOMIC_ACQUIRE);
		e = word(d, port);
		w = __atomic_fetch_and(e, ~(1U << EVTCHN_FIFO_LINKED | EVTCHN_FIFO_LINK_MASK),
				       __ATOMIC_SEQ_CST);
		heads[d][v][q] = w & EVTCHN_FIFO_LINK_MASK;
		if (!heads[d][v][q])
			ready &= ~(1U << q);
		w = __atomic_load_n(e, __ATOMIC_SEQ_CST);
		if (w & 1U << EVTCHN_FIFO_PENDING && !(w & 1U << EVTCHN_FIFO_MASKED)) {
			__atomic_fetch_and(e, ~(1U << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
			fn(port);
		}
		ready |= xchg(&c->ready, 0);
	}
}

static u32 got[64];
static unsigned int got_count;
static void note(u32 port)
{
	got[got_count++ % 64] = port;
}

/* ---- cases ---- */

static void the_lowest_free_port_is_given(void)
{
	CHECK_EQ(alloc_for(1, 0), 1);
	CHECK_EQ(alloc_for(1, 0), 2);
	CHECK_EQ(alloc_for(1, 0), 3);
	CHECK_EQ(close_of(1, 2), 0);
	CHECK_EQ(close_of(1, 1), 0);
	CHECK_EQ(alloc_for(1, 0), 1);
	CHECK_EQ(alloc_for(1, 0), 2);
	CHECK_EQ(alloc_for(1, 0), 4);
	CHECK_EQ(close_of(1, 0), -EINVAL);
	CHECK_EQ(close_of(1, 5), -EINVAL);
}

static void a_failed_bind_takes_no_port(void)
{
	CHECK_EQ(bind_to(0, 1, 9), -EINVAL);
	CHECK_EQ(bind_to(0, 7, 9), -ESRCH);
	CHECK_EQ(alloc_for(0, 1), 1);
}

static void ports_end_with_the_2_level_bitmaps(void)
{
	for (u32 i = 1; i < EVTCHN_2L_NR_CHANNELS; i++)
		CHECK_EQ(alloc_for(1, 0), i);
	CHECK_EQ(alloc_for(1, 0), -ENOSPC);
	CHECK_EQ(close_of(1, 1000), 0);
	CHECK_EQ(alloc_for(1, 0), 1000);
}

static void two_level_marks_port_selector_and_upcall(void)
{
	long theirs = alloc_for(1, 0), ours = bind_to(0, 1, (u32)theirs);

	CHECK(ours > 0);
	/* Binding marks the local end. */
	CHECK(test_bit((unsigned int)ours, dom[0].shared_info->evtchn_pending));
	CHECK_EQ(evtchn_send(&dom[0], (u32)ours), 0);
	CHECK(test_bit((unsigned int)theirs, dom[1].shared_info->evtchn_pending));
	CHECK_EQ(infos[1][0].evtchn_pending_sel, 1);
	CHECK_EQ(infos[1][0].evtchn_upcall_pending, 1);
	CHECK_EQ(kicks[1][0], 1);
	CHECK_EQ(evtchn_send(&dom[0], (u32)ours), 0);
	CHECK_EQ(kicks[1][0], 1);
}

static void a_masked_port_only_becomes_pending(void)
{
	long p = ipi(1, 1);
	struct evtchn_unmask u = { .port = (u32)p };

	set_bit((unsigned int)p, dom[1].shared_info->evtchn_mask);
	CHECK_EQ(evtchn_send(&dom[1], (u32)p), 0);
	CHECK_EQ(kicks[1][1], 0);
	as(1, 0);
	CHECK_EQ(op(EVTCHNOP_unmask, &u), 0);
	CHECK_EQ(kicks[1][1], 1);
	CHECK_EQ(kicks[1][0], 0);
}

static void the_peer_of_a_closed_port_waits_again(void)
{
	long theirs = alloc_for(1, 0), ours = bind_to(0, 1, (u32)theirs);
	struct evtchn_status s = { .dom = 1, .port = (u32)theirs };

	CHECK_EQ(close_of(0, (u32)ours), 0);
	as(0, 0);
	CHECK_EQ(op(EVTCHNOP_status, &s), 0);
	CHECK_EQ(s.status, EVTCHNSTAT_unbound);
	CHECK_EQ(s.u.unbound.dom, 0);
	CHECK_EQ(evtchn_send(&dom[1], (u32)theirs), 0);
	CHECK_EQ(bind_to(0, 1, (u32)theirs), ours);
}

static void the_end_of_a_domain_closes_all(void)
{
	long theirs = alloc_for(1, 0), ours = bind_to(0, 1, (u32)theirs);

	fifo_start(1);
	dom[1].is_dying = DOMDYING_dying;
	CHECK_EQ(evtchn_destroy(&dom[1]), 0);
	CHECK_EQ(dom[1].evtchn.active_count, 0);
	CHECK(deferred);
	deferred->func(deferred);
	for (unsigned int i = 0; i < FRAMES; i++)
		CHECK_EQ(frames[FRAMES + i].ref, 0);
	CHECK_EQ(evtchn_send(&dom[0], (u32)ours), 0);
	CHECK_EQ(alloc_for(1, 0), -EINVAL);
	evtchn_destroy_final(&dom[1]);
}

static void fifo_keeps_the_order_of_sending(void)
{
	long p[5];

	fifo_start(1);
	for (unsigned int i = 0; i < 5; i++)
		p[i] = ipi(1, 0);
	for (unsigned int i = 5; i-- > 0;)
		CHECK_EQ(evtchn_send(&dom[1], (u32)p[i]), 0);
	CHECK_EQ(kicks[1][0], 1);
	consume(1, 0, note);
	CHECK_EQ(got_count, 5);
	for (unsigned int i = 0; i < 5; i++)
		CHECK_EQ(got[i], p[4 - i]);
	/* The last one consumed was the tail: it must not follow itself. */
	CHECK_EQ(evtchn_send(&dom[1], (u32)p[0]), 0);
	CHECK_EQ(evtchn_send(&dom[1], (u32)p[1]), 0);
	consume(1, 0, note);
	CHECK_EQ(got_count, 7);
}

static void the_pages_of_fifo_events_are_dirty(void)
{
	memset(dirtied, 0, sizeof(dirtied));
	evtchn_fifo_mark_dirty(&dom[1]);
	for (unsigned int i = 0; i < FRAMES; i++)
		CHECK_EQ(dirtied[i], 0);
	fifo_start(1);
	evtchn_fifo_mark_dirty(&dom[1]);
	for (unsigned int i = 0; i < FRAMES; i++)
		CHECK_EQ(dirtied[i], i == ARRAY_GFN || (i >= CONTROL_GFN && i < CONTROL_GFN + VCPUS));
}

static void fifo_serves_the_higher_priority_first(void)
{
	long low, high;
	struct evtchn_set_priority pr = { .priority = 3 };

	fifo_start(1);
	low = ipi(1, 0);
	high = ipi(1, 0);
	pr.port = (u32)high;
	as(1, 0);
	CHECK_EQ(op(EVTCHNOP_set_priority, &pr), 0);
	evtchn_send(&dom[1], (u32)low);
	evtchn_send(&dom[1], (u32)high);
	consume(1, 0, note);
	CHECK_EQ(got[0], high);
	CHECK_EQ(got[1], low);
	pr.priority = 16;
	CHECK_EQ(op(EVTCHNOP_set_priority, &pr), -EINVAL);
}

/*
 * The tail of the old queue is forgotten, or the next event there would be chained into the new
 * one.
 */
static void fifo_port_moves_to_another_vcpu(void)
{
	long theirs = alloc_for(0, 1), moving, staying;
	struct evtchn_bind_vcpu b = { .vcpu = 1 };

	fifo_start(1);
	staying = ipi(1, 0);
	moving = bind_to(1, 0, (u32)theirs);
	evtchn_send(&dom[1], (u32)staying);
	evtchn_send(&dom[0], (u32)theirs);
	consume(1, 0, note);
	b.port = (u32)moving;
	as(1, 0);
	CHECK_EQ(op(EVTCHNOP_bind_vcpu, &b), 0);
	evtchn_send(&dom[0], (u32)theirs);
	evtchn_send(&dom[1], (u32)staying);
	got_count = 0;
	consume(1, 1, note);
	CHECK_EQ(got_count, 1);
	CHECK_EQ(got[0], moving);
	consume(1, 0, note);
	CHECK_EQ(got_count, 2);
	CHECK_EQ(got[1], staying);
}

static void what_came_before_the_array_is_raised_with_it(void)
{
	struct evtchn_init_control ic = { .control_gfn = CONTROL_GFN, .vcpu = 0 };
	struct evtchn_expand_array ex = { .array_gfn = ARRAY_GFN };
	long early = ipi(1, 0), late;

	evtchn_send(&dom[1], (u32)early);
	as(1, 0);
	CHECK_EQ(op(EVTCHNOP_expand_array, &ex), -EOPNOTSUPP);
	CHECK_EQ(op(EVTCHNOP_init_control, &ic), 0);
	CHECK_EQ(op(EVTCHNOP_init_control, &ic), -EINVAL);
	late = ipi(1, 0);
	evtchn_send(&dom[1], (u32)late);
	CHECK_EQ(op(EVTCHNOP_expand_array, &ex), 0);
	consume(1, 0, note);
	CHECK_EQ(got_count, 2);
}

static void polling_vcpus_wake_for_their_port(void)
{
	long a = ipi(1, 0), b = ipi(1, 0);

	vc[1][1].poll_evtchn = (u32)a;
	dom[1].evtchn.poll_mask = 2;
	evtchn_send(&dom[1], (u32)b);
	CHECK_EQ(unblocked, 0);
	evtchn_send(&dom[1], (u32)a);
	CHECK_EQ(unblocked, 1);
	CHECK_EQ(dom[1].evtchn.poll_mask, 0);
}

/* ---- threads ---- */

#define PORTS	8
static u32 port_of[PORTS];
static unsigned long sent[PORTS], seen[PORTS];
static unsigned int senders_left;

static void see(u32 port)
{
	for (unsigned int i = 0; i < PORTS; i++)
		if (port_of[i] == port)
			seen[i] = __atomic_load_n(&sent[i], __ATOMIC_SEQ_CST);
}

static bool anything_on(unsigned int v)
{
	return __atomic_load_n(&infos[1][v].evtchn_upcall_pending, __ATOMIC_SEQ_CST);
}

static bool anything(void)
{
	return anything_on(0);
}

static void send_rounds(unsigned int i)
{
	unsigned long rounds = tap_rounds(20000);

	for (unsigned long n = 0; n < rounds; n++) {
		unsigned int p = (unsigned int)(n * (i + 1) + n / 7) % PORTS;

		__atomic_fetch_add(&sent[p], 1, __ATOMIC_SEQ_CST);
		evtchn_send(&dom[1], port_of[p]);
	}
	__atomic_fetch_sub(&senders_left, 1, __ATOMIC_SEQ_CST);
}

/* Thread 0 is the guest: it also masks and unmasks, as drivers do. */
static void guest_or_sender(unsigned int i)
{
	host_cpu = i;
	if (i) {
		send_rounds(i);
		return;
	}
	for (unsigned long n = 0; __atomic_load_n(&senders_left, __ATOMIC_SEQ_CST) || anything();
	     n++) {
		unsigned int p = n % PORTS;

		__atomic_fetch_or(word(1, port_of[p]), 1U << EVTCHN_FIFO_MASKED, __ATOMIC_SEQ_CST);
		if (anything())
			consume(1, 0, see);
		evtchn_fifo_unmask(&dom[1], evtchn_by_port(&dom[1], port_of[p]));
	}
}

static void no_event_is_lost(void)
{
	fifo_start(1);
	for (unsigned int i = 0; i < PORTS; i++)
		port_of[i] = (u32)ipi(1, 0);
	senders_left = SENDERS;
	host_threads(SENDERS + 1, guest_or_sender);
	for (unsigned int i = 0; i < PORTS; i++)
		CHECK_EQ(seen[i], sent[i]);
}

/* Thread 0 is the guest: it moves ports between two vCPUs; the first vCPU has no control block. */
static void mover_or_sender(unsigned int i)
{
	host_cpu = i;
	if (i) {
		send_rounds(i);
		return;
	}
	for (unsigned long n = 0;
	     __atomic_load_n(&senders_left, __ATOMIC_SEQ_CST) || anything_on(1) || anything_on(2); n++) {
		WRITE_ONCE(evtchn_by_port(&dom[1], port_of[n % PORTS])->notify_vcpu, (u16)(1 + (n / PORTS & 1)));
		for (unsigned int v = 1; v < 3; v++)
			if (anything_on(v))
				consume(1, v, see);
	}
}

static void ports_that_move_lose_no_event(void)
{
	fifo_start_from(1, 1);
	for (unsigned int i = 0; i < PORTS; i++)
		port_of[i] = (u32)ipi(1, 1);
	senders_left = SENDERS;
	host_threads(SENDERS + 1, mover_or_sender);
	for (unsigned int i = 0; i < PORTS; i++)
		CHECK_EQ(seen[i], sent[i]);
}

/* Thread 0 resets the domain's queues again and again; memory goes after a grace period, which never ends here. */
static void resetter_or_sender(unsigned int i)
{
	host_cpu = i;
	if (i) {
		send_rounds(i);
		return;
	}
	while (__atomic_load_n(&senders_left, __ATOMIC_SEQ_CST)) {
		spin_lock(&dom[1].event_lock);
		evtchn_fifo_destroy(&dom[1]);
		spin_unlock(&dom[1].event_lock);
		for (u32 port = 0; port < 1024; port++)
			__atomic_store_n(word(1, port), 0, __ATOMIC_RELAXED);
		fifo_start(1);
	}
}

static void queues_may_go_while_others_send(void)
{
	fifo_start(1);
	for (unsigned int i = 0; i < PORTS; i++)
		port_of[i] = (u32)ipi(1, 0);
	senders_left = SENDERS;
	host_threads(SENDERS + 1, resetter_or_sender);
	CHECK_EQ(senders_left, 0);
}

static unsigned int scribbles;

static void scribble_or_send(unsigned int i)
{
	u64 x = 88172645463325252ULL + i;

	host_cpu = i;
	for (unsigned long n = 0; n < tap_rounds(20000); n++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (i) {
			evtchn_send(&dom[1], port_of[x % PORTS]);
		} else {
			__atomic_store_n(word(1, (u32)(x >> 8) % 1024), (u32)x, __ATOMIC_RELAXED);
			__atomic_store_n(&control(1, 0)->head[x % 16], (u32)(x >> 32),
					 __ATOMIC_RELAXED);
			__atomic_fetch_add(&scribbles, 1, __ATOMIC_RELAXED);
		}
	}
}

static void a_guest_that_scribbles_harms_nobody(void)
{
	fifo_start(1);
	for (unsigned int i = 0; i < PORTS; i++)
		port_of[i] = (u32)ipi(1, 0);
	host_threads(3, scribble_or_send);
	CHECK(scribbles);
	/* Other domains' pages, and this one's that are not its event words, are as they were. */
	for (unsigned int f = 0; f < DOMS * FRAMES; f++) {
		if (f == 0 || f == FRAMES || f == FRAMES + CONTROL_GFN ||
		    f == FRAMES + CONTROL_GFN + 1 || f == FRAMES + CONTROL_GFN + 2 || f == FRAMES + ARRAY_GFN)
			continue;
		for (unsigned int b = 0; b < PAGE_SIZE; b++)
			CHECK(!ram[f][b]);
	}
}

static const struct unit_case cases[] = {
	CASE(the_lowest_free_port_is_given),
	CASE(a_failed_bind_takes_no_port),
	CASE(ports_end_with_the_2_level_bitmaps),
	CASE(two_level_marks_port_selector_and_upcall),
	CASE(a_masked_port_only_becomes_pending),
	CASE(the_peer_of_a_closed_port_waits_again),
	CASE(the_end_of_a_domain_closes_all),
	CASE(fifo_keeps_the_order_of_sending),
	CASE(the_pages_of_fifo_events_are_dirty),
	CASE(fifo_serves_the_higher_priority_first),
	CASE(fifo_port_moves_to_another_vcpu),
	CASE(what_came_before_the_array_is_raised_with_it),
	CASE(polling_vcpus_wake_for_their_port),
	CASE(no_event_is_lost),
	CASE(ports_that_move_lose_no_event),
	CASE(queues_may_go_while_others_send),
	CASE(a_guest_that_scribbles_harms_nobody),
};
TAP_MAIN(cases, set_up);
