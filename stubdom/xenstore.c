/* SPDX-License-Identifier: GPL-2.0-only */
/* A client of xenstore over the shared ring. */
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/time.h>
#include <stubdom/xenstore.h>

#define EIO_	   (-5)
#define E2BIG_	   (-7)
#define ETIMEDOUT_ (-110)

static struct xenstore_domain_interface *ring;
static evtchn_port_t ring_port;
static uint32_t next_id;

bool xenstore_init(void)
{
	uint64_t pfn = 0, port = 0;

	if (ring)
		return true;
	if (hvm_param_get(DOMID_SELF, HVM_PARAM_STORE_PFN, &pfn) || !pfn ||
	    hvm_param_get(DOMID_SELF, HVM_PARAM_STORE_EVTCHN, &port))
		return false;
	ring = gfn_ptr(pfn);
	ring_port = (evtchn_port_t)port;
	event_unmask(ring_port);
	return true;
}

size_t xenstore_put(struct xenstore_domain_interface *r, bool request, const void *data, size_t length)
{
	char *buf = request ? r->req : r->rsp;
	XENSTORE_RING_IDX *prod = request ? &r->req_prod : &r->rsp_prod;
	uint32_t cons = READ_ONCE(*(request ? &r->req_cons : &r->rsp_cons));
	uint32_t at = *prod, room = XENSTORE_RING_SIZE - (at - cons);
	size_t n = MIN(length, (size_t)room), i;

	for (i = 0; i < n; i++)
		buf[MASK_XENSTORE_IDX(at + i)] = ((const char *)data)[i];
	barrier();
	WRITE_ONCE(*prod, at + (uint32_t)n);
	return n;
}

size_t xenstore_get(struct xenstore_domain_interface *r, bool request, void *data, size_t length)
{
	const char *buf = request ? r->req : r->rsp;
	XENSTORE_RING_IDX *cons = request ? &r->req_cons : &r->rsp_cons;
	uint32_t prod = READ_ONCE(*(request ? &r->req_prod : &r->rsp_prod));
	uint32_t at = *cons;
	size_t n = MIN(length, (size_t)(prod - at)), i;

	barrier();
	for (i = 0; i < n; i++)
		((char *)data)[i] = buf[MASK_XENSTORE_IDX(at + i)];
	barrier();
	WRITE_ONCE(*cons, at + (uint32_t)n);
	return n;
}

/* Move all of it in one direction, waiting for the other end as long as the clock allows. */
static bool transfer(bool send, void *data, size_t length, uint64_t end)
{
	size_t done = 0;

	while (done < length) {
		unsigned int before = event_count[ring_port];
		size_t n = send ? xenstore_put(ring, true, (char *)data + done, length - done)
				: xenstore_get(ring, false, (char *)data + done, length - done);

		done += n;
		if (n)
			event_send(ring_port);
		else if (system_time() > end)
			return false;
		else
			event_wait(ring_port, before, 1);
	}
	return true;
}

long xenstore_request(uint32_t type, const void *payload, uint32_t length, char *reply, size_t size,
		      unsigned int ms)
{
	struct xsd_sockmsg h = { .type = type, .req_id = ++next_id, .len = length };
	uint64_t end = system_time() + ms * 1000000ull;

	if (length > XENSTORE_PAYLOAD_MAX || !size)
		return E2BIG_;
	if (!transfer(true, &h, sizeof(h), end) || !transfer(true, (void *)payload, length, end))
		return ETIMEDOUT_;
	do {
		char drop;

		if (!transfer(false, &h, sizeof(h), end))
			return ETIMEDOUT_;
		if (h.req_id == next_id && h.len < size)
			break;
		/* A watch event, a late reply, or more than fits: off the ring with it. */
		for (length = h.len; length; length--)
			if (!transfer(false, &drop, 1, end))
				return ETIMEDOUT_;
	} while (h.req_id != next_id);
	if (h.len >= size)
		return E2BIG_;
	if (!transfer(false, reply, h.len, end))
		return ETIMEDOUT_;
	reply[h.len] = '\0';
	return h.type == XS_ERROR ? EIO_ : (long)h.len;
}

long xenstore_read(const char *path, char *value, size_t size, unsigned int ms)
{
	return xenstore_request(XS_READ, path, (uint32_t)strlen(path) + 1, value, size, ms);
}

long xenstore_directory(const char *path, char *names, size_t size, unsigned int ms)
{
	return xenstore_request(XS_DIRECTORY, path, (uint32_t)strlen(path) + 1, names, size, ms);
}

long xenstore_write(const char *path, const char *value, unsigned int ms)
{
	size_t path_size = strlen(path) + 1, length = strlen(value);
	char buf[512], reply[32];
	long rc;

	if (path_size + length > sizeof(buf))
		return E2BIG_;
	memcpy(buf, path, path_size);
	memcpy(buf + path_size, value, length);
	rc = xenstore_request(XS_WRITE, buf, (uint32_t)(path_size + length), reply, sizeof(reply), ms);
	return rc < 0 ? rc : 0;
}
