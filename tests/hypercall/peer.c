/* SPDX-License-Identifier: GPL-2.0-only */
/* The serving guest of the areas about two domains. */
#include <stubdom/boot.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include "peer.h"

struct guest peer;
bool peer_up;

void peer_start(void)
{
	long rc;

	if (!is_dom0())
		return;
	rc = guest_start_server(&peer, "", 1, 256);
	peer_up = !rc;
	if (rc)
		tap_note("starting the peer: %ld", rc);
}

void peer_stop(void)
{
	if (peer_up && !guest_destroy(&peer))
		tap_note("the peer, domain %u, stays", peer.id);
	peer_up = false;
}

static long do_hypercall(uint64_t nr, uint64_t args, uint64_t unused __unused)
{
	const uint64_t *a = (const uint64_t *)args;

	return hypercall((unsigned int)nr, a[0], a[1], a[2], 0, 0);
}

long peer_hypercall(unsigned int nr, uint64_t a1, uint64_t a2, uint64_t a3)
{
	uint64_t *args = (uint64_t *)peer.mailbox->data;

	args[0] = a1;
	args[1] = a2;
	args[2] = a3;
	return PEER_CALL(do_hypercall, nr, guest_data(&peer), 0);
}

long peer_op(unsigned int nr, unsigned int cmd, void *arg, size_t size)
{
	uint8_t *copy = peer.mailbox->data + 64;
	long rc;

	memcpy(copy, arg, size);
	rc = peer_hypercall(nr, cmd, guest_data(&peer) + 64, 1);
	memcpy(arg, copy, size);
	return rc;
}

static long poke(uint64_t addr, uint64_t value, uint64_t c __unused)
{
	*(volatile uint64_t *)addr = value;
	return 0;
}

static long peek(uint64_t addr, uint64_t b __unused, uint64_t c __unused)
{
	return (long)*(volatile uint64_t *)addr;
}

void peer_poke(uint64_t addr, uint64_t value)
{
	PEER_CALL(poke, addr, value, 0);
}

uint64_t peer_peek(uint64_t addr)
{
	return (uint64_t)PEER_CALL(peek, addr, 0, 0);
}
