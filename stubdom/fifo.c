/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels, FIFO ABI: set-up, and the guest's end of the queues. */
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/fifo.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>

#define WORDS	  (PAGE_SIZE / sizeof(event_word_t))
#define MAX_PAGES (EVENT_PORTS / WORDS)

bool fifo_active;
static struct evtchn_fifo_control_block *control[MAX_CPUS];
static event_word_t *page[MAX_PAGES];
static unsigned int pages;
static uint32_t heads[MAX_CPUS][EVTCHN_FIFO_MAX_QUEUES]; /* 0: see the control block */

struct evtchn_fifo_control_block *fifo_control(unsigned int cpu) { return control[cpu]; }

event_word_t *fifo_word(evtchn_port_t port) { return page[port / WORDS] + port % WORDS; }

bool fifo_test(evtchn_port_t port, unsigned int bit) { return READ_ONCE(*fifo_word(port)) >> bit & 1; }

void fifo_set(evtchn_port_t port, unsigned int bit)
{
	__atomic_fetch_or(fifo_word(port), 1u << bit, __ATOMIC_SEQ_CST);
}

void fifo_clear(evtchn_port_t port, unsigned int bit)
{
	__atomic_fetch_and(fifo_word(port), ~(1u << bit), __ATOMIC_SEQ_CST);
}

long fifo_init(unsigned int cpu)
{
	struct evtchn_fifo_control_block *block = page_alloc();
	struct evtchn_init_control op = { .control_gfn = ptr_gfn(block), .vcpu = cpu };
	long rc = hc_event_channel_op(EVTCHNOP_init_control, &op);

	if (rc) {
		page_free(block);
		return rc;
	}
	control[cpu] = block;
	memset(heads[cpu], 0, sizeof(heads[cpu]));
	return 0;
}

long fifo_add_page(void)
{
	event_word_t *words = page_alloc();
	struct evtchn_expand_array op = { .array_gfn = ptr_gfn(words) };
	evtchn_port_t port;
	long rc;

	if (pages == MAX_PAGES)
		return -28; /* -ENOSPC */
	for (port = 0; port < WORDS; port++)
		if (READ_ONCE(shared_info->evtchn_mask[(pages * WORDS + port) / 64]) >> port % 64 & 1)
			words[port] = 1u << EVTCHN_FIFO_MASKED;
	page[pages] = words;
	rc = hc_event_channel_op(EVTCHNOP_expand_array, &op);
	if (rc) {
		page_free(words);
		return rc;
	}
	pages++;
	fifo_active = true;
	return 0;
}

void fifo_forget(void)
{
	unsigned int i;

	fifo_active = false;
	for (i = 0; i < MAX_CPUS; i++) {
		if (control[i])
			page_free(control[i]);
		control[i] = NULL;
	}
	while (pages)
		page_free(page[--pages]);
}

/* The first port of a queue leaves it. */
static void take_one(unsigned int cpu, unsigned int q, uint32_t *ready)
{
	evtchn_port_t port = heads[cpu][q];
	event_word_t w;

	if (!port)
		port = __atomic_load_n(&control[cpu]->head[q], __ATOMIC_ACQUIRE);
	w = __atomic_fetch_and(fifo_word(port),
			       ~(1u << EVTCHN_FIFO_LINKED | (event_word_t)EVTCHN_FIFO_LINK_MASK),
			       __ATOMIC_SEQ_CST);
	heads[cpu][q] = w & EVTCHN_FIFO_LINK_MASK;
	if (!heads[cpu][q])
		*ready &= ~(1u << q);
	if (fifo_test(port, EVTCHN_FIFO_PENDING) && !fifo_test(port, EVTCHN_FIFO_MASKED)) {
		fifo_clear(port, EVTCHN_FIFO_PENDING);
		event_take(port);
	}
}

void fifo_upcall(void)
{
	unsigned int cpu = this_cpu()->id;
	uint32_t ready;

	if (!control[cpu])
		return;
	ready = __atomic_exchange_n(&control[cpu]->ready, 0, __ATOMIC_SEQ_CST);
	while (ready) {
		take_one(cpu, (unsigned int)__builtin_ctz(ready), &ready);
		ready |= __atomic_exchange_n(&control[cpu]->ready, 0, __ATOMIC_SEQ_CST);
	}
}
