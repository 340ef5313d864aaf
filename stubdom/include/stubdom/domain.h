/* SPDX-License-Identifier: GPL-2.0-only */
/* What dom0 does with other domains: create, populate, foreign-map, start from the own image. */
#ifndef STUBDOM_DOMAIN_H
#define STUBDOM_DOMAIN_H

#include <stubdom/hypercall.h>
#include <xen/io/console.h>

/* The program's image as loaded; image_save() is the very first thing at start. */
void image_save(void);
uint64_t image_first_gfn(void);
unsigned long image_pages(void);
uint64_t image_entry(void);
/* Fill a page with page number page of the image; false: it is all zeroes, dst is not touched. */
bool image_page(unsigned long page, void *dst);

/* All return 0 or a negative error number unless said otherwise. */

/* A PVH domain as libxl makes it; cfg may be changed before domain_create_cfg(). */
void domain_cfg_init(struct xen_domctl_createdomain *cfg, unsigned int max_vcpus);
long domain_create_cfg(const struct xen_domctl_createdomain *cfg, domid_t *id);
/* Create, with vCPUs, a p2m memory pool and a memory limit of max_pages. */
long domain_create(domid_t *id, unsigned int max_vcpus, uint64_t max_pages);
long domain_set_mempool(domid_t id, uint64_t bytes);
long domain_max_mem(domid_t id, uint64_t kib);
long domain_op(domid_t id, uint32_t cmd); /* pausedomain, unpausedomain */
/* Destroy, repeated while the answer is -ERESTART or -EAGAIN. */
long domain_destroy(domid_t id);
long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info);
/* tot_pages of the domain, or 0 when it does not exist. */
uint64_t domain_pages(domid_t id);
/* Wait until the domain id is gone; false after ms milliseconds. */
bool domain_wait_gone(domid_t id, unsigned int ms);
/* Destroy and wait; true when it is gone (also when it was before). */
bool domain_reap(domid_t id);
long domain_pin(domid_t id, unsigned int vcpu, uint64_t cpu_mask);

/* Populate count extents of 2^order pages, gfns ascending from first; the number done. */
long domain_populate(domid_t id, uint64_t first, unsigned long count, unsigned int order);
long domain_depopulate(domid_t id, uint64_t first, unsigned long count, unsigned int order);

/* Map count frames of the domain, from idx on, at the own gfns from gfn on; first error. */
long foreign_map(domid_t id, uint64_t idx, uint64_t gfn, unsigned int count);
/* The raw batch call: per-entry results in errs, the call's own as the value. */
long foreign_map_batch(domid_t id, const xen_ulong_t *idx, const xen_pfn_t *gfns, int *errs,
		       unsigned int count);
long foreign_unmap(uint64_t gfn, unsigned int count);

/* XEN_SYSCTL_physinfo: free pages of the machine. */
uint64_t host_free_pages(void);
/* The same, once two readings in a row agree (pages may come back a moment later). */
uint64_t host_free_settled(void);
/* Wait up to ms milliseconds (on Xen 20 times that) until the machine has exactly want free pages; what it has then. */
uint64_t host_free_wait(uint64_t want, unsigned int ms);

/* A running domain made of this program's own image. */
struct guest {
	domid_t id;
	uint64_t first_gfn, last_gfn; /* its RAM above 1 MiB */
	uint64_t console_gfn; /* own gfn that maps its console page */
	struct xencons_interface *console;
	evtchn_port_t console_port, xenstore_port;
	uint64_t mailbox_gfn; /* own gfn that maps its mailbox page */
	struct mailbox *mailbox;
	evtchn_port_t mailbox_port;
	char line[256];
	unsigned int line_len;
};

#define GUEST_CONSOLE_GFN  0xfeffeul
#define GUEST_XENSTORE_GFN 0xfeffdul
#define GUEST_LOW_PAGES	   16u

/* A guest's last page, shared with its maker: asks for calls of functions (remote.c). */
struct mailbox {
	uint32_t port; /* the guest's event channel */
	uint32_t request; /* number of the last request, written by the maker */
	uint32_t reply; /* number of the last request that is done */
	uint32_t pad;
	uint64_t fn, arg[3];
	int64_t result;
	uint8_t data[PAGE_SIZE - 64]; /* for what arguments point to */
};

/* Build a guest; it is paused. heap_pages is what it gets beyond its image. */
long guest_build(struct guest *g, const char *args, unsigned int vcpus, unsigned long heap_pages);
/* Take the next full line of its console (without the newline); false when there is none. */
bool guest_line(struct guest *g, char *buf, size_t size);
/* True when the guest shut down; *reason (may be NULL) gets SHUTDOWN_*. */
bool guest_is_down(struct guest *g, unsigned int *reason);
/* Wait for that, dropping what the guest prints; false after ms. */
bool guest_wait_down(struct guest *g, unsigned int ms);
/* Address of the mailbox's data as the guest sees it. */
static inline uint64_t guest_data(const struct guest *g)
{
	return (g->last_gfn << PAGE_SHIFT) + offsetof(struct mailbox, data);
}

/*
 * Have a guest started with "role=server" call fn(a, b, c); both run the same image, so an address
 * of a function means the same in both. The answer, or GUEST_NO_REPLY after ms milliseconds.
 */
#define GUEST_NO_REPLY (-0x7fffl)
typedef long (*remote_fn)(uint64_t a, uint64_t b, uint64_t c);
long guest_call(struct guest *g, remote_fn fn, uint64_t a, uint64_t b, uint64_t c, unsigned int ms);
/* Ask without waiting, and wait for the reply of what was asked. */
void guest_ask(struct guest *g, remote_fn fn, uint64_t a, uint64_t b, uint64_t c);
long guest_reply(struct guest *g, unsigned int ms);
/* In the guest: serve requests for ever. */
void remote_server(void) __noreturn;

/* Build with "role=server" and args, start, and wait until it serves. */
long guest_start_server(struct guest *g, const char *args, unsigned int vcpus, unsigned long heap_pages);

/* Unmap, destroy, wait until gone. */
bool guest_destroy(struct guest *g);

#endif
