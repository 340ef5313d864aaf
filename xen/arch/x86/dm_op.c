// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm_op: what a device model does to the guest it serves. The caller passes an
 * array of buffers; the first holds the operation, others what it refers to.
 * ABI: public/hvm/dm_op.h. The servers themselves: hvm/ioreq.c.
 */
#include <xen/access.h>
#include <xen/errno.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/lib.h>
#include <asm/hvm.h>
#include <asm/ioreq.h>
#include <asm/p2m.h>
#include <public/hvm/dm_op.h>

#define BUFS_MAX 2

struct dm_call {
	struct domain *d;
	u16 emulator; /* the caller's domain id */
	struct xen_dm_op op;
	struct xen_dm_op_buf buf[BUFS_MAX];
	unsigned int nr_bufs;
};

static long dm_create_server(struct dm_call *c)
{
	struct xen_dm_op_create_ioreq_server *o = &c->op.u.create_ioreq_server;

	if (o->pad[0] || o->pad[1] || o->pad[2])
		return -EINVAL;
	return ioreq_create_server(c->d, c->emulator, o->handle_bufioreq, &o->id);
}

static long dm_server_info(struct dm_call *c)
{
	struct xen_dm_op_get_ioreq_server_info *o = &c->op.u.get_ioreq_server_info;
	u64 gfn = 0, bufgfn = 0;
	long rc;

	if (o->flags & ~XEN_DMOP_no_gfns)
		return -EINVAL;
	rc = ioreq_server_info(c->d, c->emulator, o->id, o->flags & XEN_DMOP_no_gfns, &gfn, &bufgfn,
			       &o->bufioreq_port);
	o->ioreq_gfn = gfn;
	o->bufioreq_gfn = bufgfn;
	return rc;
}

static long dm_map_range(struct dm_call *c)
{
	const struct xen_dm_op_ioreq_server_range *o = &c->op.u.map_io_range_to_ioreq_server;

	return o->pad ? -EINVAL : ioreq_map_range(c->d, c->emulator, o->id, o->type, o->start, o->end);
}

static long dm_unmap_range(struct dm_call *c)
{
	const struct xen_dm_op_ioreq_server_range *o = &c->op.u.unmap_io_range_from_ioreq_server;

	return o->pad ? -EINVAL : ioreq_unmap_range(c->d, c->emulator, o->id, o->type, o->start, o->end);
}

static long dm_set_state(struct dm_call *c)
{
	const struct xen_dm_op_set_ioreq_server_state *o = &c->op.u.set_ioreq_server_state;

	return o->pad ? -EINVAL : ioreq_set_state(c->d, c->emulator, o->id, o->enabled);
}

static long dm_destroy_server(struct dm_call *c)
{
	return ioreq_destroy_server(c->d, c->emulator, c->op.u.destroy_ioreq_server.id);
}

/*
 * Pages a device model wrote to: dirty for a migration under way. opaque: extents done so far; of one
 * that is done in part, the rest stands in the caller's list.
 */
static long dm_modified_memory(struct dm_call *c)
{
	struct xen_dm_op_modified_memory *o = &c->op.u.modified_memory;

	if (!p2m_logdirty_active(c->d))
		return 0;
	if (c->nr_bufs < 2 || c->buf[1].size / sizeof(struct xen_dm_op_modified_memory_extent) < o->nr_extents ||
	    o->opaque > o->nr_extents)
		return -EINVAL;
	while (o->opaque < o->nr_extents) {
		struct xen_dm_op_modified_memory_extent e;
		unsigned long va = (unsigned long)c->buf[1].h.p + (unsigned long)o->opaque * sizeof(e);
		u64 last;

		if (copy_from_guest_va(&e, va, sizeof(e)))
			return -EFAULT;
		if (e.pad || !e.nr || __builtin_add_overflow(e.first_pfn, e.nr - 1, &last) ||
		    last > p2m_max_gfn(c->d))
			return -EINVAL;
		for (u32 n = min(e.nr, 512U); n; n--, e.nr--)
			p2m_mark_dirty(c->d, _gfn(e.first_pfn++));
		if (!e.nr)
			o->opaque++;
		else if (copy_to_guest_va(va, &e, sizeof(e)))
			return -EFAULT;
		if (o->opaque < o->nr_extents && hypercall_preempt_check())
			return -ERESTART;
	}
	return 0;
}

static long dm_inject_event(struct dm_call *c)
{
	const struct xen_dm_op_inject_event *o = &c->op.u.inject_event;
	struct vcpu *v;
	long rc = 0;

	if (o->pad0 || o->pad1 || o->vcpuid >= c->d->max_vcpus)
		return -EINVAL;
	v = READ_ONCE(c->d->vcpu[o->vcpuid]);
	if (!v)
		return -EINVAL;
	if (o->type != XEN_DMOP_EVENT_hw_exc && o->type != XEN_DMOP_EVENT_nmi)
		return -EOPNOTSUPP;
	vcpu_pause(v);
	if (o->type == XEN_DMOP_EVENT_nmi)
		hvm_inject_nmi(v);
	else if (o->vector >= 32 || v->arch.hvm.event.pending)
		rc = o->vector >= 32 ? -EINVAL : -EBUSY;
	else if (o->vector == X86_EXC_PF)
		hvm_inject_page_fault(v, o->error_code, o->cr2);
	else
		hvm_inject_exception(v, o->vector, o->error_code == ~0U ? -1 : (s64)o->error_code);
	vcpu_unpause(v);
	return rc;
}

/* Message address and data: SDM volume 3, "Message Signalled Interrupts". */
static long dm_inject_msi(struct dm_call *c)
{
	const struct xen_dm_op_inject_msi *o = &c->op.u.inject_msi;

	if (o->pad || o->addr >> 20 != 0xfee)
		return -EINVAL;
	vlapic_deliver(c->d, (u32)(o->addr >> 12) & 0xff, o->addr & 4, (u8)(o->data >> 8) & 7, (u8)o->data,
		       o->data & 0x8000);
	return 0;
}

static long dm_remote_shutdown(struct dm_call *c)
{
	domain_shutdown(c->d, (u8)c->op.u.remote_shutdown.reason);
	return 0;
}

static long dm_nr_vcpus(struct dm_call *c)
{
	c->op.u.nr_vcpus.vcpus = c->d->max_vcpus;
	return 0;
}

static const struct dm_row {
	const char *name;
	long (*fn)(struct dm_call *c);
	bool copyback;
} rows[] = {
	[XEN_DMOP_create_ioreq_server] = { "create_ioreq_server", dm_create_server, true },
	[XEN_DMOP_get_ioreq_server_info] = { "get_ioreq_server_info", dm_server_info, true },
	[XEN_DMOP_map_io_range_to_ioreq_server] = { "map_io_range_to_ioreq_server", dm_map_range, false },
	[XEN_DMOP_unmap_io_range_from_ioreq_server] = { "unmap_io_range_from_ioreq_server", dm_unmap_range,
							false },
	[XEN_DMOP_set_ioreq_server_state] = { "set_ioreq_server_state", dm_set_state, false },
	[XEN_DMOP_destroy_ioreq_server] = { "destroy_ioreq_server", dm_destroy_server, false },
	[XEN_DMOP_modified_memory] = { "modified_memory", dm_modified_memory, true },
	[XEN_DMOP_inject_event] = { "inject_event", dm_inject_event, false },
	[XEN_DMOP_inject_msi] = { "inject_msi", dm_inject_msi, false },
	[XEN_DMOP_remote_shutdown] = { "remote_shutdown", dm_remote_shutdown, false },
	[XEN_DMOP_nr_vcpus] = { "nr_vcpus", dm_nr_vcpus, true },
};

static long run(struct dm_call *c)
{
	const struct dm_row *row = c->op.op < ARRAY_SIZE(rows) ? &rows[c->op.op] : NULL;
	unsigned long size = min(c->buf[0].size, (xen_ulong_t)sizeof(c->op));
	long rc;

	if (c->op.pad)
		return -EINVAL;
	if (!row || !row->fn) {
		(void)hypercall_unimplemented("dm_op", c->op.op);
		return -EOPNOTSUPP;
	}
	rc = row->fn(c);
	if ((!rc || rc == -ERESTART) && row->copyback &&
	    copy_to_guest_va((unsigned long)c->buf[0].h.p, &c->op, size))
		rc = -EFAULT;
	return rc;
}

static long call_on(struct dm_call *c, unsigned long bufs)
{
	long rc = access_check(ACCESS_DM, c->d);

	if (rc)
		return rc;
	if (c->d == current->domain)
		return -EINVAL;
	if (copy_from_guest_va(c->buf, bufs, c->nr_bufs * sizeof(c->buf[0])))
		return -EFAULT;
	if (c->buf[0].size < offsetof(struct xen_dm_op, u))
		return -EINVAL;
	/* A shorter operation of an older caller: what it does not know is 0. */
	memset(&c->op, 0, sizeof(c->op));
	if (copy_from_guest_va(&c->op, (unsigned long)c->buf[0].h.p,
			       min(c->buf[0].size, (xen_ulong_t)sizeof(c->op))))
		return -EFAULT;
	return run(c);
}

long do_dm_op(const unsigned long *a)
{
	struct dm_call c = { .nr_bufs = (unsigned int)min(a[1], (unsigned long)BUFS_MAX) };
	long rc;

	if (!a[1])
		return -ENODATA;
	c.emulator = current->domain->domain_id;
	c.d = get_domain_by_any_id((domid_t)a[0]);
	if (!c.d)
		return -ESRCH;
	rc = call_on(&c, a[2]);
	put_domain(c.d);
	if (rc == -ERESTART)
		return hypercall_create_continuation(__HYPERVISOR_dm_op, 3, a[0], a[1], a[2]);
	return rc;
}
