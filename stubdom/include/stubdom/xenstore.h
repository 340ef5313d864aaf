/* SPDX-License-Identifier: GPL-2.0-only */
/* A client of xenstore over the shared ring (xen/io/xs_wire.h). One request at a time. */
#ifndef STUBDOM_XENSTORE_H
#define STUBDOM_XENSTORE_H

#include <stubdom/types.h>
#include <xen/io/xs_wire.h>

/* Attach to the ring of HVM_PARAM_STORE_PFN; false when the domain has none. */
bool xenstore_init(void);

/*
 * Send a request of the given type and wait for its reply, at most ms milliseconds. The payload of
 * the reply goes to reply (always terminated). Its length, or a negative error: -EIO for XS_ERROR
 * (reply then holds the name of the error), -ETIMEDOUT, -E2BIG when something does not fit.
 */
long xenstore_request(uint32_t type, const void *payload, uint32_t length, char *reply, size_t size,
		      unsigned int ms);

long xenstore_read(const char *path, char *value, size_t size, unsigned int ms);
long xenstore_write(const char *path, const char *value, unsigned int ms);
/* The names below path, each terminated, one after the other. */
long xenstore_directory(const char *path, char *names, size_t size, unsigned int ms);

/* The two directions of the ring, from either end: how many bytes were moved, without waiting. */
size_t xenstore_put(struct xenstore_domain_interface *ring, bool request, const void *data, size_t length);
size_t xenstore_get(struct xenstore_domain_interface *ring, bool request, void *data, size_t length);

#endif
