/* SPDX-License-Identifier: GPL-2.0-only */
/* Life cycle, memory and foreign mappings of other domains, as dom0. */
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>

#define BATCH	  64u
#define EAGAIN_	  (-11)
#define ESRCH_	  (-3)
#define ERESTART_ (-85)

void domain_cfg_init(struct xen_domctl_createdomain *cfg, unsigned int max_vcpus)
{
	memset(cfg, 0, sizeof(*cfg));
	cfg->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
	cfg->max_vcpus = max_vcpus;
	cfg->max_evtchn_port = 1023;
	cfg->max_grant_frames = 32;
	cfg->max_maptrack_frames = 1024;
	cfg->grant_opts = XEN_DOMCTL_GRANT_version(2);
	cfg->arch.emulation_flags = XEN_X86_EMU_LAPIC;
}

long domain_create_cfg(const struct xen_domctl_createdomain *cfg, domid_t *id)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_createdomain };
	long rc;

	op.u.createdomain = *cfg;
	rc = hc_domctl(&op);
	if (!rc)
		*id = op.domain;
	return rc;
}

long domain_set_mempool(domid_t id, uint64_t bytes)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_set_paging_mempool_size, .domain = id };

	op.u.paging_mempool.size = bytes;
	return hc_domctl(&op);
}

long domain_max_mem(domid_t id, uint64_t kib)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_max_mem, .domain = id };

	op.u.max_mem.max_memkb = kib;
	return hc_domctl(&op);
}

long domain_create(domid_t *id, unsigned int max_vcpus, uint64_t max_pages)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_max_vcpus };
	struct xen_domctl_createdomain cfg;
	long rc;

	domain_cfg_init(&cfg, max_vcpus);
	rc = domain_create_cfg(&cfg, id);
	if (rc)
		return rc;
	op.domain = *id;
	op.u.max_vcpus.max = max_vcpus;
	rc = hc_domctl(&op);
	if (!rc)
		rc = domain_set_mempool(*id, 1ul << 20);
	if (!rc)
		rc = domain_max_mem(*id, max_pages * 4);
	if (rc)
		domain_destroy(*id);
	return rc;
}

long domain_op(domid_t id, uint32_t cmd)
{
	struct xen_domctl op = { .cmd = cmd, .domain = id };

	return hc_domctl(&op);
}

long domain_destroy(domid_t id)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_destroydomain, .domain = id };
	long rc;

	do {
		rc = hc_domctl(&op);
	} while (rc == EAGAIN_ || rc == ERESTART_);
	return rc;
}

long domain_info(domid_t id, struct xen_domctl_getdomaininfo *info)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo, .domain = id };
	long rc = hc_domctl(&op);

	/* The answer may be about the next domain: the first one from id on. */
	if (!rc && op.u.getdomaininfo.domain != id)
		rc = ESRCH_;
	if (!rc)
		*info = op.u.getdomaininfo;
	return rc;
}

uint64_t domain_pages(domid_t id)
{
	struct xen_domctl_getdomaininfo info;

	return domain_info(id, &info) ? 0 : info.tot_pages;
}

bool domain_wait_gone(domid_t id, unsigned int ms)
{
	struct xen_domctl_getdomaininfo info;
	unsigned int i;

	for (i = 0; !domain_info(id, &info); i++) {
		if (i >= ms)
			return false;
		sleep_ms(1);
	}
	return true;
}

bool domain_reap(domid_t id)
{
	long rc = domain_destroy(id);

	return (!rc || rc == ESRCH_) && domain_wait_gone(id, 2000);
}

long domain_pin(domid_t id, unsigned int vcpu, uint64_t cpu_mask)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_setvcpuaffinity, .domain = id };

	op.u.vcpuaffinity.vcpu = vcpu;
	op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
	set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)&cpu_mask);
	op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
	return hc_domctl(&op);
}

static long reservation(unsigned int cmd, domid_t id, uint64_t first, unsigned long count, unsigned int order)
{
	xen_pfn_t gfns[BATCH];
	unsigned long done = 0;

	while (done < count) {
		struct xen_memory_reservation r = { .domid = id, .extent_order = order };
		unsigned long n = MIN(count - done, (unsigned long)BATCH), i;
		long rc;

		for (i = 0; i < n; i++)
			gfns[i] = first + ((done + i) << order);
		set_xen_guest_handle(r.extent_start, gfns);
		r.nr_extents = n;
		rc = hc_memory_op(cmd, &r);
		if (rc < 0)
			return rc;
		done += (unsigned long)rc;
		if (rc != (long)n)
			break;
	}
	return (long)done;
}

long domain_populate(domid_t id, uint64_t first, unsigned long count, unsigned int order)
{
	return reservation(XENMEM_populate_physmap, id, first, count, order);
}

long domain_depopulate(domid_t id, uint64_t first, unsigned long count, unsigned int order)
{
	return reservation(XENMEM_decrease_reservation, id, first, count, order);
}

long foreign_map_batch(domid_t id, const xen_ulong_t *idx, const xen_pfn_t *gfns, int *errs, unsigned int count)
{
	struct xen_add_to_physmap_batch b = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_gmfn_foreign,
		.size = (uint16_t)count,
	};

	b.u.foreign_domid = id;
	set_xen_guest_handle(b.idxs, (xen_ulong_t *)idx);
	set_xen_guest_handle(b.gpfns, (xen_pfn_t *)gfns);
	set_xen_guest_handle(b.errs, errs);
	return hc_memory_op(XENMEM_add_to_physmap_batch, &b);
}

long foreign_map(domid_t id, uint64_t idx, uint64_t gfn, unsigned int count)
{
	xen_ulong_t idxs[BATCH];
	xen_pfn_t gfns[BATCH];
	int errs[BATCH];
	unsigned int done, n, i;

	for (done = 0; done < count; done += n) {
		long rc;

		n = MIN(count - done, BATCH);
		for (i = 0; i < n; i++) {
			idxs[i] = idx + done + i;
			gfns[i] = gfn + done + i;
		}
		memset(errs, 0xff, sizeof(errs));
		rc = foreign_map_batch(id, idxs, gfns, errs, n);
		for (i = 0; !rc && i < n; i++)
			rc = errs[i];
		if (rc)
			return rc;
	}
	return 0;
}

long foreign_unmap(uint64_t gfn, unsigned int count)
{
	long rc = 0;

	for (; count; count--, gfn++) {
		struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = gfn };
		long one = hc_memory_op(XENMEM_remove_from_physmap, &r);

		rc = rc ? rc : one;
	}
	return rc;
}

uint64_t host_free_pages(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo };

	return hc_sysctl(&op) ? 0 : op.u.physinfo.free_pages;
}

/* Of what a domain had, Xen gives the last pages back more than 100 ms after its end, when there are two CPUs. */
uint64_t host_free_settled(void)
{
	uint64_t now = host_free_pages(), before;
	unsigned int still = 0;

	while (still < (on_xen ? 60 : 1)) {
		before = now;
		sleep_ms(3);
		now = host_free_pages();
		still = now == before ? still + 1 : 0;
	}
	return now;
}

uint64_t host_free_wait(uint64_t want, unsigned int ms)
{
	uint64_t now = host_free_pages();

	for (ms *= on_xen ? 20 : 1; now != want && ms; ms--) {
		sleep_ms(1);
		now = host_free_pages();
	}
	return now;
}
