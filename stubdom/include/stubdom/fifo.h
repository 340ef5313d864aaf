/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels, FIFO ABI: a domain switches by fifo_init() and stays there until EVTCHNOP_reset. */
#ifndef STUBDOM_FIFO_H
#define STUBDOM_FIFO_H

#include <stubdom/types.h>
#include <xen/event_channel.h>

extern bool fifo_active;

/* EVTCHNOP_init_control for a vCPU, with a page of its own; 0 or a negative error. */
long fifo_init(unsigned int cpu);
/* EVTCHNOP_expand_array by one page, whose ports are masked as they are in the 2-level bitmaps. */
long fifo_add_page(void);

struct evtchn_fifo_control_block *fifo_control(unsigned int cpu);
/* The event word of a port of a page that was added. */
event_word_t *fifo_word(evtchn_port_t port);
/* Test, set or clear a bit (EVTCHN_FIFO_*) of it. */
bool fifo_test(evtchn_port_t port, unsigned int bit);
void fifo_set(evtchn_port_t port, unsigned int bit);
void fifo_clear(evtchn_port_t port, unsigned int bit);

/* Take the events of this CPU, highest priority first: calls event_take() for each. */
void fifo_upcall(void);
/* After EVTCHNOP_reset: the domain is back at the 2-level ABI. */
void fifo_forget(void);

#endif
