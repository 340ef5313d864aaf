/* SPDX-License-Identifier: GPL-2.0-only */
/* A running guest that serves calls, for areas about two domains. */
#ifndef TESTS_PEER_H
#define TESTS_PEER_H

#include <stubdom/domain.h>

extern struct guest peer;
extern bool peer_up;

/* Area set-up and teardown; nothing happens outside dom0. */
void peer_start(void);
void peer_stop(void);

/* The peer makes a hypercall; up to three arguments. */
long peer_hypercall(unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3);
/* The peer makes hypercall nr with (cmd, pointer to a copy of arg); arg is copied back. */
long peer_op(unsigned int nr, unsigned int cmd, void *arg, size_t size);
/* The peer stores or loads a word at one of its addresses. */
void peer_poke(uint64_t addr, uint64_t value);
uint64_t peer_peek(uint64_t addr);

/* The answer of a call when there is no peer. */
#define PEER_CALL(fn, a, b, c) \
	guest_call(&peer, fn, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c), 2000)

#endif
