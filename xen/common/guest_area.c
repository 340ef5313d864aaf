// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest structures that the hypervisor writes to again and again (vcpu_info, run
 * state, time): found once at registration, their pages pinned by a reference
 * each, and from then on written through the direct map without a look-up.
 */
#include <xen/guest_access.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/p2m.h>

/* One page of an area: pinned, and RAM of d itself. */
static struct page_info *pin(struct domain *d, gpa_t gpa)
{
	enum p2m_type t;
	struct page_info *page = get_page_from_gfn(d, gpa_to_gfn(gpa), &t, P2M_ALLOC);

	if (page && t != p2m_ram_rw && t != p2m_ram_logdirty) {
		put_page(page);
		page = NULL;
	}
	return page;
}

void guest_area_release(struct guest_area *a)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(a->page); i++) {
		struct page_info *page = a->page[i];

		a->page[i] = NULL;
		a->map[i] = NULL;
		a->len[i] = 0;
		if (page)
			put_page(page);
	}
}

/* gpa[i] is where part i starts. */
static int area_fill(struct domain *d, struct guest_area *a, const gpa_t gpa[2], size_t len)
{
	struct guest_area fresh = {};
	size_t first = min(len, PAGE_SIZE - (size_t)(gpa[0] & ~PAGE_MASK));

	for (unsigned int i = 0; i < 2 && len; i++) {
		fresh.page[i] = pin(d, gpa[i]);
		if (!fresh.page[i]) {
			guest_area_release(&fresh);
			return -EINVAL;
		}
		fresh.map[i] = (char *)page_to_virt(fresh.page[i]) + (gpa[i] & ~PAGE_MASK);
		fresh.gfn[i] = gpa_to_gfn(gpa[i]);
		fresh.len[i] = (u32)(i ? len : first);
		len -= fresh.len[i];
	}
	guest_area_release(a);
	*a = fresh;
	return 0;
}

static void area_free_rcu(struct rcu_head *head)
{
	struct guest_area *a = container_of(head, struct guest_area, rcu);

	guest_area_release(a);
	xfree(a);
}

/*
 * The vCPU whose area it is may be writing to it on another CPU: the old one goes after a grace
 * period.
 */
static void area_replace(struct guest_area **slot, struct guest_area *fresh)
{
	struct guest_area *old = xchg(slot, fresh);

	if (old)
		call_rcu(&old->rcu, area_free_rcu);
}

static int area_find(struct guest_area *a, unsigned long gva, size_t len)
{
	unsigned long last = gva + len - 1;
	gpa_t gpa[2] = {};
	u32 pfec;

	if (last < gva)
		return -EINVAL;
	if (!hvm_gva_to_gpa(current, gva, PFEC_W, &pfec, &gpa[0]))
		return -EINVAL;
	if ((gva ^ last) & PAGE_MASK && !hvm_gva_to_gpa(current, last & PAGE_MASK, PFEC_W, &pfec, &gpa[1]))
		return -EINVAL;
	return area_fill(current->domain, a, gpa, len);
}

/* -EINVAL: not mapped, or not plain RAM; -ENOMEM. len is at most a page. */
int guest_area_register(struct guest_area **slot, unsigned long gva, size_t len)
{
	struct guest_area *fresh;
	int rc;

	ASSERT(len && len <= PAGE_SIZE);
	if (!gva) {
		area_replace(slot, NULL);
		return 0;
	}
	fresh = xzalloc(struct guest_area);
	if (!fresh)
		return -ENOMEM;
	rc = area_find(fresh, gva, len);
	if (rc)
		xfree(fresh);
	else
		area_replace(slot, fresh);
	return rc;
}

int guest_area_register_gpa(struct domain *d, struct guest_area *a, gpa_t gpa, size_t len)
{
	const gpa_t parts[2] = { gpa, (gpa & PAGE_MASK) + PAGE_SIZE };

	ASSERT(len && len <= PAGE_SIZE);
	if (gpa + len - 1 < gpa)
		return -EINVAL;
	return area_fill(d, a, parts, len);
}

/*
 * Ordered before later writes; the guest sees words of up to 8 bytes whole when they are aligned.
 */
void guest_area_write(struct guest_area *a, size_t offset, const void *src, size_t n)
{
	const char *from = src;

	for (unsigned int i = 0; i < 2 && n; i++) {
		size_t part;

		if (offset >= a->len[i]) {
			offset -= a->len[i];
			continue;
		}
		part = min(n, a->len[i] - offset);
		memcpy((char *)a->map[i] + offset, from, part);
		from += part;
		n -= part;
		offset = 0;
	}
	smp_wmb();
}

/* ---- the dirty log ---- */

static void area_mark_dirty(struct domain *d, const struct guest_area *a)
{
	for (unsigned int i = 0; a && i < 2; i++)
		if (a->len[i])
			p2m_mark_dirty(d, a->gfn[i]);
}

/*
 * What is written through the direct map passes by the log: such pages are dirty whenever it is
 * read. A page that the guest has moved since, or taken out, has left the gfn that is marked; the
 * move itself made the new one dirty.
 */
void guest_areas_mark_dirty(struct domain *d)
{
	p2m_mark_dirty(d, _gfn(d->shared_info_page->u.inuse.gfn));
	for (unsigned int i = 0; i < d->max_vcpus; i++) {
		struct vcpu *v = d->vcpu[i];
		struct guest_area info;

		if (!v)
			continue;
		spin_lock(&d->domain_lock);
		info = v->vcpu_info_area;
		spin_unlock(&d->domain_lock);
		area_mark_dirty(d, &info);
		area_mark_dirty(d, rcu_dereference(v->runstate_area));
		area_mark_dirty(d, rcu_dereference(v->time_area));
	}
	evtchn_fifo_mark_dirty(d);
}

/* ---- vcpu_info ---- */

int vcpu_info_register(struct vcpu *v, gfn_t gfn, u32 offset)
{
	struct domain *d = v->domain;
	struct vcpu_info *fresh;
	int rc = -EINVAL;

	/* Bit operations on it must not cross cache lines by halves. */
	if (offset > PAGE_SIZE - sizeof(*fresh) || offset % sizeof(long))
		return -ENXIO;
	spin_lock(&d->domain_lock);
	if (!v->vcpu_info_area.page[0])
		rc = guest_area_register_gpa(d, &v->vcpu_info_area, gfn_to_gpa(gfn) + offset, sizeof(*fresh));
	if (!rc) {
		fresh = v->vcpu_info_area.map[0];
		if (v->vcpu_info == &dummy_vcpu_info)
			memset(fresh, 0, sizeof(*fresh));
		else
			memcpy(fresh, v->vcpu_info, sizeof(*fresh));
		/*
		 * A sender that still sees the old one has set the port's bit: moved() makes the
		 * guest look at all.
		 */
		smp_store_release(&v->vcpu_info, fresh);
		smp_mb();
		evtchn_vcpu_info_moved(v);
	}
	spin_unlock(&d->domain_lock);
	if (!rc)
		vcpu_update_time_info(v);
	return rc;
}

static void vcpu_info_put_rcu(struct rcu_head *head)
{
	struct vcpu *v = container_of(head, struct vcpu, info_rcu);

	guest_area_release(&v->vcpu_info_area);
}

/*
 * The domain is dying. Senders on other CPUs may have read the pointer, so the page is put after a
 * grace period; it keeps the domain, and with it v, until then.
 */
void vcpu_info_release(struct vcpu *v)
{
	if (!v->vcpu_info_area.page[0])
		return;
	vcpu_info_reset(v);
	call_rcu(&v->info_rcu, vcpu_info_put_rcu);
}

/* ---- run state ---- */

/*
 * With VMASST_TYPE_runstate_update_flag the guest finds the top bit of the entry time set while the
 * rest changes. The area holds what struct vcpu_runstate_info holds, so it never says "running" of
 * another time.
 */
void vcpu_update_runstate_area(struct vcpu *v)
{
	struct guest_area *a = rcu_dereference(v->runstate_area);
	struct vcpu_runstate_info info;

	if (!a)
		return;
	info = v->runstate;
	if (v->domain->vm_assist & (1U << VMASST_TYPE_runstate_update_flag)) {
		u64 flagged = info.state_entry_time | XEN_RUNSTATE_UPDATE;

		guest_area_write(a, offsetof(struct vcpu_runstate_info, state_entry_time), &flagged,
				 sizeof(flagged));
		info.state_entry_time = flagged;
		guest_area_write(a, 0, &info, sizeof(info));
		info.state_entry_time &= ~XEN_RUNSTATE_UPDATE;
		guest_area_write(a, offsetof(struct vcpu_runstate_info, state_entry_time),
				 &info.state_entry_time, sizeof(info.state_entry_time));
	} else {
		guest_area_write(a, 0, &info, sizeof(info));
	}
}
