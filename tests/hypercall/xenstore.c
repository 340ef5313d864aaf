/* SPDX-License-Identifier: GPL-2.0-only */
/* The xenstore ring between a guest's client and dom0, which plays a tiny store here. */
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/xenstore.h>
#include "errors.h"
#include "peer.h"

static struct xenstore_domain_interface *ring;
static uint64_t ring_gfn;

static void setup(void)
{
	peer_start();
	if (!peer_up)
		return;
	ring_gfn = hole_gfn_alloc(1, 1);
	if (!foreign_map(peer.id, GUEST_XENSTORE_GFN, ring_gfn, 1))
		ring = gfn_ptr(ring_gfn);
	event_unmask(peer.xenstore_port);
}

static void teardown(void)
{
	if (ring)
		foreign_unmap(ring_gfn, 1);
	ring = NULL;
	peer_stop();
}

/* In the peer: read a path; the value goes to the mailbox. */
static long peer_read(uint64_t buf, uint64_t size, uint64_t ms)
{
	if (!xenstore_init())
		return -ENODEV;
	return xenstore_read("name", (char *)buf, size, (unsigned int)ms);
}

static long peer_write(uint64_t buf, uint64_t b __unused, uint64_t c __unused)
{
	return xenstore_init() ? xenstore_write("data/x", (const char *)buf, 1000) : -ENODEV;
}

/* Take a request off the ring: its header, and the payload (terminated). */
static bool take(struct xsd_sockmsg *h, char *payload, size_t size)
{
	uint64_t end = system_time() + 2000000000ull;
	size_t got = 0;

	while (got < sizeof(*h) && system_time() < end) {
		unsigned int before = event_count[peer.xenstore_port];
		size_t n = xenstore_get(ring, true, (char *)h + got, sizeof(*h) - got);

		got += n;
		if (!n)
			event_wait(peer.xenstore_port, before, 1);
	}
	if (got < sizeof(*h) || h->len >= size)
		return false;
	for (got = 0; got < h->len && system_time() < end;)
		got += xenstore_get(ring, true, payload + got, h->len - got);
	payload[got] = '\0';
	event_send(peer.xenstore_port);
	return got == h->len;
}

static void answer(const struct xsd_sockmsg *request, uint32_t type, const char *payload,
		   uint32_t length)
{
	struct xsd_sockmsg h = { .type = type, .req_id = request->req_id, .len = length };
	uint64_t end = system_time() + 1000000000ull;
	size_t done = 0;

	xenstore_put(ring, false, &h, sizeof(h));
	while (done < length && system_time() < end) {
		done += xenstore_put(ring, false, payload + done, length - done);
		event_send(peer.xenstore_port);
		hc_sched_op(SCHEDOP_yield, NULL);
	}
	event_send(peer.xenstore_port);
}

static void read_is_answered(void)
{
	struct xsd_sockmsg h;
	char path[64];

	REQUIRE(ring);
	guest_ask(&peer, peer_read, guest_data(&peer), 64, 1000);
	REQUIRE(take(&h, path, sizeof(path)));
	CHECK_EQ(h.type, XS_READ);
	CHECK(!strcmp(path, "name"));
	answer(&h, XS_READ, "Pavise", 6);
	CHECK_EQ(guest_reply(&peer, 2000), 6);
	CHECK(!strcmp((const char *)peer.mailbox->data, "Pavise"));
}

static void errors_have_a_name(void)
{
	struct xsd_sockmsg h;
	char path[64];

	REQUIRE(ring);
	guest_ask(&peer, peer_read, guest_data(&peer), 64, 1000);
	REQUIRE(take(&h, path, sizeof(path)));
	answer(&h, XS_ERROR, "ENOENT", 7);
	CHECK_EQ(guest_reply(&peer, 2000), -EIO);
	CHECK(!strcmp((const char *)peer.mailbox->data, "ENOENT"));
}

static void write_carries_path_and_value(void)
{
	struct xsd_sockmsg h;
	char text[64];

	REQUIRE(ring);
	memcpy(peer.mailbox->data, "hello", 6);
	guest_ask(&peer, peer_write, guest_data(&peer), 0, 0);
	REQUIRE(take(&h, text, sizeof(text)));
	CHECK_EQ(h.type, XS_WRITE);
	CHECK(!strcmp(text, "data/x"));
	CHECK_EQ(h.len, 7 + 5);
	CHECK(!strcmp(text + 7, "hello"));
	answer(&h, XS_WRITE, "OK", 3);
	CHECK_EQ(guest_reply(&peer, 2000), 0);
}

/* More than the ring holds at once. */
static void long_answer(void)
{
	static char value[2000];
	struct xsd_sockmsg h;
	char path[64];
	unsigned int i;

	REQUIRE(ring);
	for (i = 0; i < sizeof(value); i++)
		value[i] = (char)('a' + i % 26);
	guest_ask(&peer, peer_read, guest_data(&peer), 2048, 2000);
	REQUIRE(take(&h, path, sizeof(path)));
	answer(&h, XS_READ, value, sizeof(value));
	CHECK_EQ(guest_reply(&peer, 3000), sizeof(value));
	CHECK(!memcmp(peer.mailbox->data, value, sizeof(value)));
}

static void nobody_answers(void)
{
	struct xsd_sockmsg h;
	char path[64];

	REQUIRE(ring);
	CHECK_EQ(PEER_CALL(peer_read, guest_data(&peer), 64, 20), -ETIMEDOUT);
	/* The late answer is dropped, and the next request gets its own. */
	REQUIRE(take(&h, path, sizeof(path)));
	answer(&h, XS_READ, "late", 4);
	guest_ask(&peer, peer_read, guest_data(&peer), 64, 1000);
	REQUIRE(take(&h, path, sizeof(path)));
	answer(&h, XS_READ, "new", 3);
	CHECK_EQ(guest_reply(&peer, 2000), 3);
	CHECK(!strcmp((const char *)peer.mailbox->data, "new"));
}

static const struct test tests[] = {
	{ "a read is answered", read_is_answered, TEST_DOM0 },
	{ "an error has a name", errors_have_a_name, TEST_DOM0 },
	{ "a write carries path and value", write_carries_path_and_value, TEST_DOM0 },
	{ "an answer longer than the ring", long_answer, TEST_DOM0 },
	{ "nobody answers in time", nobody_answers, TEST_DOM0 },
};

AREA(xenstore, "xenstore", tests, setup, teardown);
