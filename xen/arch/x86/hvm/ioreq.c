/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Administration of I/O request servers: creation, pages, ranges, life. The
 * path of a request is in ioreq_io.c.
 */
#include <xen/event.h>
#include <xen/lib.h>
#include <asm/p2m.h>
#include "ioreq.h"

_Static_assert(sizeof(struct ioreq) * MAX_VCPUS <= PAGE_SIZE, "a slot for each vCPU");

/* Under domain_lock. */
static struct ioreq_servers *get_servers(struct domain *d)
{
	struct ioreq_servers *all = d->ioreq;

	if (all)
		return all;
	all = xzalloc(struct ioreq_servers);
	if (!all)
		return NULL;
	all->vcpu = xzalloc_array(struct hvm_io_state, d->max_vcpus);
	if (!all->vcpu) {
		xfree(all);
		return NULL;
	}
	smp_store_release(&d->ioreq, all);
	return all;
}

/* Under domain_lock. The server, or NULL with the reason in *rc. */
static struct ioreq_server *find_server(struct domain *d, u16 emulator, u16 id, int *rc)
{
	struct ioreq_server *s = d->ioreq && id < IOREQ_SERVERS_MAX ? d->ioreq->server[id] : NULL;

	*rc = !s ? -ENOENT : s->emulator != emulator ? -EPERM : 0;
	return *rc ? NULL : s;
}

/* ---- pages ---- */

static int page_alloc_own(struct ioreq_server *s, struct ioreq_page *p)
{
	if (p->page)
		return gfn_eq(p->gfn, INVALID_GFN) ? 0 : -EPERM;
	p->page = alloc_shared_page(s->target);
	if (!p->page)
		return -ENOMEM;
	p->gfn = INVALID_GFN;
	p->va = page_to_virt(p->page);
	return 0;
}

/* A frame of the guest's that the tool stack has set aside for this. */
static int page_take_gfn(struct ioreq_server *s, struct ioreq_page *p)
{
	struct domain *d = s->target;
	u64 base = d->arch.hvm.params[HVM_PARAM_IOREQ_SERVER_PFN];
	u64 n = min_t(u64, d->arch.hvm.params[HVM_PARAM_NR_IOREQ_SERVER_PAGES], BITS_PER_LONG);
	unsigned int i = find_first_zero_bit(&d->ioreq->gfns_used, (unsigned int)n);
	struct page_info *page;
	enum p2m_type t;

	if (p->page)
		return gfn_eq(p->gfn, INVALID_GFN) ? -EPERM : 0;
	if (i >= n)
		return -ENOMEM;
	page = get_page_from_gfn(d, _gfn(base + i), &t, P2M_ALLOC);
	if (!page)
		return -EINVAL;
	if (t != p2m_ram_rw || page_owner_id(page) != d->domain_id) {
		put_page(page);
		return -EINVAL;
	}
	__set_bit(i, &d->ioreq->gfns_used);
	p->page = page;
	p->gfn = _gfn(base + i);
	p->slot = i;
	p->va = page_to_virt(page);
	return 0;
}

/* While the server is enabled the guest cannot reach the page. */
static void page_hide(struct domain *d, struct ioreq_page *p)
{
	struct p2m_batch b;

	if (!p->page || gfn_eq(p->gfn, INVALID_GFN) || p->hidden)
		return;
	p2m_batch_init(&b, d);
	p->hidden = !p2m_remove_page(d, p->gfn, page_to_mfn(p->page), &b);
	p2m_batch_flush(&b);
	memset(p->va, 0, PAGE_SIZE);
}

static void page_show(struct domain *d, struct ioreq_page *p)
{
	struct p2m_batch b;

	if (!p->hidden)
		return;
	memset(p->va, 0, PAGE_SIZE);
	p->hidden = false;
	if (!get_page(p->page, d))
		return;
	p2m_batch_init(&b, d);
	if (p2m_add_page(d, p->gfn, page_to_mfn(p->page), 0, p2m_ram_rw, &b))
		put_page(p->page);
	p2m_batch_flush(&b);
}

static void page_release(struct domain *d, struct ioreq_page *p)
{
	if (!p->page)
		return;
	page_show(d, p);
	if (!gfn_eq(p->gfn, INVALID_GFN))
		__clear_bit(p->slot, &d->ioreq->gfns_used);
	p->va = NULL;
	put_page(p->page);
	p->page = NULL;
}

/* ---- channels ---- */

static int add_port(struct ioreq_server *s, unsigned int vcpu_id, u32 *port)
{
	int rc = alloc_unbound_xen_event_channel(s->target, vcpu_id, s->emulator, ioreq_answered);

	if (rc < 0)
		return rc;
	*port = (u32)rc;
	return 0;
}

/* The device model learns the ports from the slots. */
static void publish_ports(struct ioreq_server *s)
{
	struct vcpu *v;

	for_each_vcpu(s->target, v) {
		struct ioreq *slot = ioreq_slot(s, v);

		if (slot)
			WRITE_ONCE(slot->vp_eport, s->vcpu_port[v->vcpu_id]);
	}
}

static void free_ports(struct ioreq_server *s)
{
	unsigned int i;

	for (i = 0; i < s->target->max_vcpus; i++)
		if (s->vcpu_port[i])
			free_xen_event_channel(s->target, s->vcpu_port[i]);
	if (s->bufioreq_port)
		free_xen_event_channel(s->target, s->bufioreq_port);
}

/* ---- life ---- */

static void server_free(struct ioreq_server *s)
{
	unsigned int i;

	if (s->vcpu_port)
		free_ports(s);
	page_release(s->target, &s->ioreq);
	page_release(s->target, &s->bufioreq);
	for (i = 0; i < IOREQ_RANGE_TYPES; i++)
		if (s->range[i])
			rangeset_destroy(s->range[i]);
	xfree(s->vcpu_port);
	xfree(s);
}

static int server_fill(struct ioreq_server *s)
{
	struct vcpu *v;
	unsigned int i;
	int rc = 0;

	s->vcpu_port = xzalloc_array(u32, s->target->max_vcpus);
	if (!s->vcpu_port)
		return -ENOMEM;
	for (i = 0; i < IOREQ_RANGE_TYPES; i++) {
		s->range[i] = rangeset_new(IOREQ_RANGES_MAX);
		if (!s->range[i])
			return -ENOMEM;
	}
	if (s->bufioreq_handling != HVM_IOREQSRV_BUFIOREQ_OFF)
		rc = add_port(s, 0, &s->bufioreq_port);
	for (i = 0; i < s->target->max_vcpus && !rc; i++) {
		v = READ_ONCE(s->target->vcpu[i]);
		if (v)
			rc = add_port(s, i, &s->vcpu_port[i]);
	}
	return rc;
}

static int create_locked(struct domain *d, u16 emulator, u8 bufioreq, u16 *id)
{
	struct ioreq_servers *all = get_servers(d);
	struct ioreq_server *s;
	unsigned int i;
	int rc;

	if (!all)
		return -ENOMEM;
	for (i = 0; i < IOREQ_SERVERS_MAX && all->server[i]; i++)
		;
	if (i == IOREQ_SERVERS_MAX)
		return -ENOSPC;
	s = xzalloc(struct ioreq_server);
	if (!s)
		return -ENOMEM;
	s->target = d;
	s->emulator = emulator;
	s->bufioreq_handling = bufioreq;
	rc = server_fill(s);
	if (rc) {
		server_free(s);
		return rc;
	}
	smp_store_release(&all->server[i], s);
	*id = (u16)i;
	return 0;
}

int ioreq_create_server(struct domain *d, u16 emulator, u8 bufioreq, u16 *id)
{
	int rc;

	if (bufioreq > HVM_IOREQSRV_BUFIOREQ_ATOMIC)
		return -EINVAL;
	spin_lock(&d->domain_lock);
	rc = d->is_dying ? -EINVAL : create_locked(d, emulator, bufioreq, id);
	spin_unlock(&d->domain_lock);
	return rc;
}

static void server_disable(struct ioreq_server *s)
{
	if (!s->enabled)
		return;
	s->enabled = false;
	ioreq_abandon(s);
	page_show(s->target, &s->ioreq);
	page_show(s->target, &s->bufioreq);
}

int ioreq_destroy_server(struct domain *d, u16 emulator, u16 id)
{
	struct ioreq_server *s;
	int rc;

	domain_pause(d);
	spin_lock(&d->domain_lock);
	s = find_server(d, emulator, id, &rc);
	if (s) {
		server_disable(s);
		d->ioreq->server[id] = NULL;
		server_free(s);
	}
	spin_unlock(&d->domain_lock);
	domain_unpause(d);
	return rc;
}

int ioreq_set_state(struct domain *d, u16 emulator, u16 id, bool enabled)
{
	struct ioreq_server *s;
	int rc;

	domain_pause(d);
	spin_lock(&d->domain_lock);
	s = find_server(d, emulator, id, &rc);
	if (s && !enabled) {
		server_disable(s);
	} else if (s && !s->enabled) {
		page_hide(d, &s->ioreq);
		page_hide(d, &s->bufioreq);
		publish_ports(s);
		s->enabled = true;
	}
	spin_unlock(&d->domain_lock);
	domain_unpause(d);
	return rc;
}

static int info_locked(struct ioreq_server *s, bool no_gfns, u64 *ioreq_gfn, u64 *bufioreq_gfn)
{
	int rc = 0;

	*ioreq_gfn = *bufioreq_gfn = gfn_x(INVALID_GFN);
	if (no_gfns)
		return 0;
	rc = page_take_gfn(s, &s->ioreq);
	if (!rc && s->bufioreq_port)
		rc = page_take_gfn(s, &s->bufioreq);
	if (rc)
		return rc;
	*ioreq_gfn = gfn_x(s->ioreq.gfn);
	if (s->bufioreq_port)
		*bufioreq_gfn = gfn_x(s->bufioreq.gfn);
	return 0;
}

int ioreq_server_info(struct domain *d, u16 emulator, u16 id, bool no_gfns, u64 *ioreq_gfn, u64 *bufioreq_gfn,
		      u32 *bufioreq_port)
{
	struct ioreq_server *s;
	int rc;

	spin_lock(&d->domain_lock);
	s = find_server(d, emulator, id, &rc);
	if (s) {
		*bufioreq_port = s->bufioreq_port;
		rc = info_locked(s, no_gfns, ioreq_gfn, bufioreq_gfn);
	}
	spin_unlock(&d->domain_lock);
	return rc;
}

static int change_range(struct domain *d, u16 emulator, u16 id, u32 type, u64 start, u64 end, bool map)
{
	struct ioreq_server *s;
	int rc;

	if (type >= IOREQ_RANGE_TYPES || start > end)
		return -EINVAL;
	spin_lock(&d->domain_lock);
	s = find_server(d, emulator, id, &rc);
	if (s && map)
		rc = rangeset_overlaps(s->range[type], start, end) ? -EEXIST
								   : rangeset_add(s->range[type], start, end);
	else if (s)
		rc = rangeset_contains(s->range[type], start, end)
			     ? rangeset_remove(s->range[type], start, end)
			     : -ENOENT;
	spin_unlock(&d->domain_lock);
	return rc;
}

int ioreq_map_range(struct domain *d, u16 emulator, u16 id, u32 type, u64 start, u64 end)
{
	return change_range(d, emulator, id, type, start, end, true);
}

int ioreq_unmap_range(struct domain *d, u16 emulator, u16 id, u32 type, u64 start, u64 end)
{
	return change_range(d, emulator, id, type, start, end, false);
}

int ioreq_get_frame(struct domain *d, u16 emulator, u16 id, unsigned long index, struct page_info **page)
{
	struct ioreq_server *s;
	struct ioreq_page *p;
	u16 owner;
	int rc;

	spin_lock(&d->domain_lock);
	s = find_server(d, emulator, id, &rc);
	if (s) {
		p = index == XENMEM_resource_ioreq_server_frame_bufioreq ? &s->bufioreq : &s->ioreq;
		if (index > XENMEM_resource_ioreq_server_frame_ioreq(0))
			rc = -EINVAL;
		else if (p == &s->bufioreq && !s->bufioreq_port)
			rc = -ENOENT;
		else
			rc = page_alloc_own(s, p);
		if (!rc && !get_page_any(p->page, &owner))
			rc = -EINVAL;
		if (!rc) {
			*page = p->page;
			if (s->enabled)
				publish_ports(s);
		}
	}
	spin_unlock(&d->domain_lock);
	return rc;
}

int ioreq_add_vcpu(struct vcpu *v)
{
	struct ioreq_servers *all = v->domain->ioreq;
	unsigned int i;
	int rc = 0;

	for (i = 0; all && i < IOREQ_SERVERS_MAX && !rc; i++) {
		struct ioreq_server *s = all->server[i];

		if (!s || s->vcpu_port[v->vcpu_id])
			continue;
		rc = add_port(s, v->vcpu_id, &s->vcpu_port[v->vcpu_id]);
		if (!rc && s->enabled)
			publish_ports(s);
	}
	return rc;
}

void ioreq_destroy_all(struct domain *d)
{
	unsigned int i;

	spin_lock(&d->domain_lock);
	for (i = 0; d->ioreq && i < IOREQ_SERVERS_MAX; i++) {
		struct ioreq_server *s = d->ioreq->server[i];

		if (!s)
			continue;
		server_disable(s);
		d->ioreq->server[i] = NULL;
		server_free(s);
	}
	spin_unlock(&d->domain_lock);
}

void ioreq_free(struct domain *d)
{
	if (!d->ioreq)
		return;
	xfree(d->ioreq->vcpu);
	xfree(d->ioreq);
	d->ioreq = NULL;
}
