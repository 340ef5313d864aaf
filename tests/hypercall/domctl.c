/* SPDX-License-Identifier: GPL-2.0-only */
/* Domctls: life cycle, limits, vCPUs, affinity, permissions, HVM context, errors of each. */
#include <stubdom/boot.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include <xen/hvm/save.h>
#include "errors.h"
#include "peer.h"
#include "target.h"

static void setup(void)
{
	target_create();
	peer_start();
}

static void teardown(void)
{
	peer_stop();
	target_destroy();
}

static long ctl(uint32_t cmd, domid_t dom, struct xen_domctl *op)
{
	op->cmd = cmd;
	op->domain = dom;
	return hc_domctl(op);
}

static long simple(uint32_t cmd, domid_t dom)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	return ctl(cmd, dom, &op);
}

static void create_info_destroy(void)
{
	struct xen_domctl_getdomaininfo info;
	struct xen_domctl_createdomain cfg;
	domid_t dom;

	domain_cfg_init(&cfg, 2);
	cfg.ssidref = 0;
	memset(cfg.handle, 0x42, sizeof(cfg.handle));
	REQUIRE_EQ(domain_create_cfg(&cfg, &dom), 0);
	CHECK(dom > 0 && dom < DOMID_FIRST_RESERVED);
	REQUIRE_EQ(domain_info(dom, &info), 0);
	CHECK_EQ(info.domain, dom);
	CHECK(info.flags & XEN_DOMINF_hvm_guest);
	CHECK(info.flags & XEN_DOMINF_paused);
	CHECK(info.flags & XEN_DOMINF_hap);
	CHECK(!(info.flags & (XEN_DOMINF_dying | XEN_DOMINF_shutdown)));
	CHECK_EQ(info.tot_pages, 0);
	CHECK_EQ(info.nr_online_vcpus, 0);
	CHECK_EQ(info.max_vcpu_id, ~0u);
	CHECK_EQ(info.handle[7], 0x42);
	CHECK_EQ(info.cpupool, 0);
	CHECK_EQ(info.arch_config.emulation_flags, XEN_X86_EMU_LAPIC);
	CHECK(domain_reap(dom));
	CHECK_EQ(domain_info(dom, &info), -ESRCH);
}

static void ids_ascend(void)
{
	domid_t a, b;

	REQUIRE_EQ(domain_create(&a, 1, 16), 0);
	REQUIRE_EQ(domain_create(&b, 1, 16), 0);
	CHECK(b > a);
	CHECK(domain_reap(a));
	CHECK(domain_reap(b));
}

static void asked_for_id(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	domain_cfg_init(&op.u.createdomain, 1);
	CHECK_EQ(ctl(XEN_DOMCTL_createdomain, 5000, &op), 0);
	CHECK_EQ(op.domain, 5000);
	domain_cfg_init(&op.u.createdomain, 1);
	CHECK_EQ(ctl(XEN_DOMCTL_createdomain, 5000, &op), -EEXIST);
	CHECK(domain_reap(5000));
}

static long create_with(void (*change)(struct xen_domctl_createdomain *))
{
	struct xen_domctl_createdomain cfg;
	domid_t dom;
	long rc;

	domain_cfg_init(&cfg, 1);
	change(&cfg);
	rc = domain_create_cfg(&cfg, &dom);
	if (!rc)
		domain_reap(dom);
	return rc;
}

static void bad_flag(struct xen_domctl_createdomain *c)
{
	c->flags |= 0x8000;
}

static void no_vcpus(struct xen_domctl_createdomain *c)
{
	c->max_vcpus = 0;
}

static void too_many_vcpus(struct xen_domctl_createdomain *c)
{
	c->max_vcpus = 9000;
}

static void bad_emulation(struct xen_domctl_createdomain *c)
{
	c->arch.emulation_flags = XEN_X86_EMU_LAPIC | XEN_X86_EMU_VGA;
}

static void unknown_emulation(struct xen_domctl_createdomain *c)
{
	c->arch.emulation_flags = 0x100000;
}

static void no_hap(struct xen_domctl_createdomain *c)
{
	c->flags &= ~XEN_DOMCTL_CDF_hap;
}

static void bad_iommu_opts(struct xen_domctl_createdomain *c)
{
	c->iommu_opts = 0x80;
}

static void bad_misc(struct xen_domctl_createdomain *c)
{
	c->arch.misc_flags = 0x80;
}

static void bad_configurations(void)
{
	CHECK_EQ(create_with(bad_flag), -EINVAL);
	CHECK_EQ(create_with(no_vcpus), -EINVAL);
	CHECK_EQ(create_with(too_many_vcpus), -EINVAL);
	CHECK_EQ(create_with(bad_emulation), -EOPNOTSUPP);
	CHECK_EQ(create_with(unknown_emulation), -EINVAL);
	CHECK_EQ(create_with(bad_misc), -EINVAL);
	CHECK_EQ(create_with(bad_iommu_opts), -EINVAL);
}

/* Debian built Xen 4.17.5 with shadow page tables, which 4.17.7 as it ships it has not. */
static void without_hap(void)
{
	long rc = create_with(no_hap);

	CHECK(rc == -EOPNOTSUPP || (on_xen && !rc));
}

static void bad_grant_version(struct xen_domctl_createdomain *c)
{
	c->grant_opts = 7;
}

static void bad_pool(struct xen_domctl_createdomain *c)
{
	c->cpupool_id = 12345;
}

static void late_failures(void)
{
	uint64_t before = host_free_settled();

	CHECK_EQ(create_with(bad_grant_version), -EINVAL);
	CHECK_EQ(create_with(bad_pool), -ESRCH);
	CHECK_EQ(host_free_wait(before, 50), before);
}

static void interface_version(void)
{
	struct xen_domctl op = { .cmd = XEN_DOMCTL_getdomaininfo,
				 .interface_version = XEN_DOMCTL_INTERFACE_VERSION - 1 };

	CHECK_EQ(hypercall(__HYPERVISOR_domctl, HC_PTR(&op), 0, 0, 0, 0), -EACCES);
	op.interface_version = 0;
	CHECK_EQ(hypercall(__HYPERVISOR_domctl, HC_PTR(&op), 0, 0, 0, 0), -EACCES);
}

static void unreadable(void)
{
	CHECK_EQ(hypercall(__HYPERVISOR_domctl, HC_PTR(BAD_PTR), 0, 0, 0, 0), -EFAULT);
}

static void unknown(void)
{
	CHECK_EQ(simple(999, target), -ENOSYS);
	CHECK_EQ(simple(6, target), -ENOSYS);
	CHECK_EQ(simple(49, target), -ENOSYS);
	CHECK_EQ(simple(0, target), -ENOSYS);
}

static void no_such_domain(void)
{
	static const uint32_t cmds[] = {
		XEN_DOMCTL_destroydomain,
		XEN_DOMCTL_pausedomain,
		XEN_DOMCTL_unpausedomain,
		XEN_DOMCTL_max_mem,
		XEN_DOMCTL_max_vcpus,
		XEN_DOMCTL_getvcpuinfo,
		XEN_DOMCTL_resumedomain,
		XEN_DOMCTL_gethvmcontext,
		XEN_DOMCTL_setvcpuaffinity,
		XEN_DOMCTL_settimeoffset,
		XEN_DOMCTL_setdomainhandle,
		XEN_DOMCTL_hypercall_init,
		XEN_DOMCTL_ioport_permission,
		XEN_DOMCTL_gettscinfo,
		XEN_DOMCTL_get_cpu_policy,
		XEN_DOMCTL_scheduler_op,
		XEN_DOMCTL_get_paging_mempool_size,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (!CHECK_EQ(simple(cmds[i], DOMID_NOBODY), -ESRCH))
			tap_note("domctl %u", cmds[i]);
}

static void info_finds_the_next(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	CHECK_EQ(ctl(XEN_DOMCTL_getdomaininfo, 1, &op), 0);
	CHECK(op.u.getdomaininfo.domain >= 1);
	CHECK_EQ(op.domain, op.u.getdomaininfo.domain);
	CHECK_EQ(ctl(XEN_DOMCTL_getdomaininfo, 0x7fe0, &op), -ESRCH);
}

static void info_of_dom0(void)
{
	struct xen_domctl_getdomaininfo info;

	REQUIRE_EQ(domain_info(0, &info), 0);
	CHECK(info.flags & XEN_DOMINF_hvm_guest);
	CHECK(info.flags & XEN_DOMINF_running);
	CHECK(!(info.flags & XEN_DOMINF_paused));
	CHECK(info.nr_online_vcpus >= 1);
	CHECK(info.tot_pages > 1000);
	CHECK(info.cpu_time > 0);
	CHECK(info.gpaddr_bits >= 36);
}

static void info_of_self(void)
{
	CHECK_EQ(simple(XEN_DOMCTL_getdomaininfo, DOMID_SELF), -EINVAL);
}

static void on_oneself(void)
{
	CHECK_EQ(simple(XEN_DOMCTL_destroydomain, 0), -EINVAL);
	CHECK_EQ(simple(XEN_DOMCTL_pausedomain, 0), -EINVAL);
	CHECK_EQ(simple(XEN_DOMCTL_unpausedomain, 0), -EINVAL);
}

static void pause_counts(void)
{
	struct xen_domctl_getdomaininfo info;

	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_pausedomain), 0);
	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_pausedomain), 0);
	CHECK_EQ(domain_info(peer.id, &info), 0);
	CHECK(info.flags & XEN_DOMINF_paused);
	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_unpausedomain), 0);
	CHECK_EQ(domain_info(peer.id, &info), 0);
	CHECK(info.flags & XEN_DOMINF_paused);
	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_unpausedomain), 0);
	CHECK_EQ(domain_info(peer.id, &info), 0);
	CHECK(!(info.flags & XEN_DOMINF_paused));
	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_unpausedomain), -EINVAL);
}

static void max_mem(void)
{
	struct xen_domctl_getdomaininfo info;

	CHECK_EQ(domain_max_mem(target, 8192), 0);
	CHECK_EQ(domain_info(target, &info), 0);
	CHECK_EQ(info.max_pages, 2048);
	CHECK_EQ(domain_max_mem(target, 4), 0);
	CHECK_EQ(domain_info(target, &info), 0);
	CHECK_EQ(info.max_pages, 1);
	CHECK_EQ(info.tot_pages, TARGET_PAGES);
	CHECK_EQ(domain_max_mem(target, TARGET_MAX * 4), 0);
}

static void handle(void)
{
	struct xen_domctl_getdomaininfo info;
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	memset(op.u.setdomainhandle.handle, 0x17, 16);
	CHECK_EQ(ctl(XEN_DOMCTL_setdomainhandle, target, &op), 0);
	CHECK_EQ(domain_info(target, &info), 0);
	CHECK_EQ(info.handle[0], 0x17);
	CHECK_EQ(info.handle[15], 0x17);
}

static long max_vcpus(domid_t dom, uint32_t n)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.max_vcpus.max = n;
	return ctl(XEN_DOMCTL_max_vcpus, dom, &op);
}

static void max_vcpus_rules(void)
{
	CHECK_EQ(max_vcpus(target, 0), -EINVAL);
	CHECK_EQ(max_vcpus(target, 2), -EINVAL);
	CHECK_EQ(max_vcpus(target, 1000), -EINVAL);
	CHECK_EQ(max_vcpus(target, 1), 0);
	CHECK_EQ(max_vcpus(0, 1), -EINVAL);
}

static void vcpu_info_of(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	CHECK_EQ(ctl(XEN_DOMCTL_getvcpuinfo, peer.id, &op), 0);
	CHECK_EQ(op.u.getvcpuinfo.online, 1);
	CHECK_EQ(op.u.getvcpuinfo.vcpu, 0);
	CHECK(op.u.getvcpuinfo.cpu_time > 0);
	op.u.getvcpuinfo.vcpu = 1;
	CHECK_EQ(ctl(XEN_DOMCTL_getvcpuinfo, peer.id, &op), -EINVAL);
	op.u.getvcpuinfo.vcpu = 10000;
	CHECK_EQ(ctl(XEN_DOMCTL_getvcpuinfo, peer.id, &op), -EINVAL);
}

static long trigger(uint32_t what, uint32_t vcpu)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.sendtrigger.trigger = what;
	op.u.sendtrigger.vcpu = vcpu;
	return ctl(XEN_DOMCTL_sendtrigger, peer.id, &op);
}

/* The buttons do nothing to a PVH domain. */
static void triggers(void)
{
	CHECK_EQ(trigger(XEN_DOMCTL_SENDTRIGGER_POWER, 0), 0);
	CHECK_EQ(trigger(XEN_DOMCTL_SENDTRIGGER_SLEEP, 0), 0);
	CHECK_EQ(trigger(XEN_DOMCTL_SENDTRIGGER_RESET, 0), -ENOSYS);
	CHECK_EQ(trigger(XEN_DOMCTL_SENDTRIGGER_INIT, 0), -ENOSYS);
	CHECK_EQ(trigger(77, 0), -ENOSYS);
	CHECK_EQ(trigger(XEN_DOMCTL_SENDTRIGGER_NMI, 9), -ESRCH);
}

static long affinity(uint32_t cmd, domid_t dom, unsigned int vcpu, uint32_t flags, uint64_t *hard)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.vcpuaffinity.vcpu = vcpu;
	op.u.vcpuaffinity.flags = flags;
	set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)hard);
	op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
	return ctl(cmd, dom, &op);
}

static void hard_affinity(void)
{
	uint64_t mask = 1, none = 0;

	CHECK_EQ(affinity(XEN_DOMCTL_setvcpuaffinity, target, 0, XEN_VCPUAFFINITY_HARD, &mask), 0);
	mask = 0;
	CHECK_EQ(affinity(XEN_DOMCTL_getvcpuaffinity, target, 0, XEN_VCPUAFFINITY_HARD, &mask), 0);
	CHECK_EQ(mask, 1);
	CHECK_EQ(affinity(XEN_DOMCTL_setvcpuaffinity, target, 0, XEN_VCPUAFFINITY_HARD, &none),
		 -EINVAL);
	none = 1ull << 60;
	CHECK_EQ(affinity(XEN_DOMCTL_setvcpuaffinity, target, 0, XEN_VCPUAFFINITY_HARD, &none),
		 -EINVAL);
	CHECK_EQ(affinity(XEN_DOMCTL_getvcpuaffinity, target, 1, XEN_VCPUAFFINITY_HARD, &mask),
		 -EINVAL);
	CHECK_EQ(affinity(XEN_DOMCTL_getvcpuaffinity, target, 9999, XEN_VCPUAFFINITY_HARD, &mask),
		 -EINVAL);
	CHECK_EQ(affinity(XEN_DOMCTL_setvcpuaffinity, target, 0, 0, &mask), -EINVAL);
	mask = ~0ull;
	CHECK_EQ(affinity(XEN_DOMCTL_setvcpuaffinity, target, 0, XEN_VCPUAFFINITY_HARD, &mask), 0);
}

static void mempool(void)
{
	struct xen_domctl op;
	uint64_t size;

	memset(&op, 0, sizeof(op));
	REQUIRE_EQ(ctl(XEN_DOMCTL_get_paging_mempool_size, target, &op), 0);
	size = op.u.paging_mempool.size;
	CHECK(size >= 1ul << 20);
	CHECK_EQ(domain_set_mempool(target, 4ul << 20), 0);
	CHECK_EQ(ctl(XEN_DOMCTL_get_paging_mempool_size, target, &op), 0);
	CHECK_EQ(op.u.paging_mempool.size, 4ul << 20);
	CHECK_EQ(domain_set_mempool(target, size), 0);
	CHECK_EQ(domain_set_mempool(target, (1ul << 20) + 1), -EINVAL);
	CHECK_EQ(domain_set_mempool(target, ~0ul & PAGE_MASK), -EINVAL);
}

static void mempool_accounting(void)
{
	uint64_t before = host_free_settled();

	CHECK_EQ(domain_set_mempool(target, 3ul << 20), 0);
	CHECK(host_free_pages() < before);
	CHECK_EQ(domain_set_mempool(target, 1ul << 20), 0);
	CHECK_EQ(host_free_wait(before, 50), before);
}

static void ioports(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.ioport_permission.first_port = 0x3000;
	op.u.ioport_permission.nr_ports = 16;
	op.u.ioport_permission.allow_access = 1;
	CHECK_EQ(ctl(XEN_DOMCTL_ioport_permission, target, &op), 0);
	op.u.ioport_permission.allow_access = 0;
	CHECK_EQ(ctl(XEN_DOMCTL_ioport_permission, target, &op), 0);
	op.u.ioport_permission.first_port = 0xfff0;
	op.u.ioport_permission.nr_ports = 17;
	CHECK_EQ(ctl(XEN_DOMCTL_ioport_permission, target, &op), -EINVAL);
}

static void iomem(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.iomem_permission.first_mfn = 0xfd000;
	op.u.iomem_permission.nr_mfns = 1;
	op.u.iomem_permission.allow_access = 1;
	CHECK_EQ(ctl(XEN_DOMCTL_iomem_permission, target, &op), 0);
	op.u.iomem_permission.allow_access = 0;
	CHECK_EQ(ctl(XEN_DOMCTL_iomem_permission, target, &op), 0);
	op.u.iomem_permission.first_mfn = ~0ul;
	op.u.iomem_permission.nr_mfns = 2;
	CHECK_EQ(ctl(XEN_DOMCTL_iomem_permission, target, &op), -EINVAL);
}

static void time_offset(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.settimeoffset.time_offset_seconds = 3600;
	CHECK_EQ(ctl(XEN_DOMCTL_settimeoffset, target, &op), 0);
}

static void tsc_info(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	REQUIRE_EQ(ctl(XEN_DOMCTL_gettscinfo, target, &op), 0);
	CHECK_EQ(op.u.tsc_info.tsc_mode, 0);
	CHECK(op.u.tsc_info.gtsc_khz > 1000);
}

/* In a guest: ticks of the TSC in this many ns of system time. */
static long ticks_of(uint64_t ns, uint64_t b __unused, uint64_t c __unused)
{
	uint64_t start = system_time(), tsc = rdtsc();

	while (system_time() - start < ns)
		cpu_relax();
	return (long)(rdtsc() - tsc);
}

static long guest_time(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	return (long)system_time();
}

/* A domain moved here from a machine of another speed goes on at its own. */
static void tsc_speed(void)
{
	static const struct {
		uint32_t mode, percent, want;
	} cases[] = { { 0, 50, 50 }, { 0, 300, 300 }, { 1, 100, 100 }, { 1, 50, 50 }, { 2, 50, 100 }, { 0, 100, 100 } };
	struct xen_domctl op;
	struct guest g;
	uint32_t khz;
	unsigned int i;

	memset(&op, 0, sizeof(op));
	REQUIRE_EQ(ctl(XEN_DOMCTL_gettscinfo, target, &op), 0);
	khz = op.u.tsc_info.gtsc_khz;
	REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		long want = (long)khz * cases[i].want / 100 * 5, got, before, here, after;

		memset(&op, 0, sizeof(op));
		op.u.tsc_info.tsc_mode = cases[i].mode;
		op.u.tsc_info.gtsc_khz = khz / 100 * cases[i].percent;
		CHECK_EQ(ctl(XEN_DOMCTL_settscinfo, g.id, &op), 0);
		REQUIRE_EQ(ctl(XEN_DOMCTL_gettscinfo, g.id, &op), 0);
		/* Of the machine's own (mode 2) nothing is told. */
		CHECK_EQ(op.u.tsc_info.gtsc_khz, cases[i].mode == 2 ? 0 : khz / 100 * cases[i].want);
		CHECK_EQ(op.u.tsc_info.elapsed_nsec == 0, cases[i].mode == 2);
		got = guest_call(&g, ticks_of, 5000000, 0, 0, 1000);
		CHECK(got >= want - want / 50 && got < want + want / 10);
		before = (long)system_time();
		here = guest_call(&g, guest_time, 0, 0, 0, 1000);
		after = (long)system_time();
		CHECK(here >= before && here <= after);
	}
	op.u.tsc_info.tsc_mode = 9;
	CHECK_EQ(ctl(XEN_DOMCTL_settscinfo, g.id, &op), -EINVAL);
	CHECK(guest_destroy(&g));
}

static void vcpu_msrs(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	CHECK_EQ(ctl(XEN_DOMCTL_get_vcpu_msrs, target, &op), -EINVAL);
}

static void address_size(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	CHECK_EQ(ctl(XEN_DOMCTL_get_address_size, peer.id, &op), -EOPNOTSUPP);
	op.u.address_size.size = 64;
	CHECK_EQ(ctl(XEN_DOMCTL_set_address_size, peer.id, &op), -EOPNOTSUPP);
}

static void sched_params(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	CHECK_EQ(ctl(XEN_DOMCTL_scheduler_op, target, &op), 0);
	CHECK_EQ(op.u.scheduler_op.u.credit2.weight, 256);
	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_putinfo;
	op.u.scheduler_op.u.credit2.weight = 512;
	op.u.scheduler_op.u.credit2.cap = 0;
	CHECK_EQ(ctl(XEN_DOMCTL_scheduler_op, target, &op), 0);
	op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
	CHECK_EQ(ctl(XEN_DOMCTL_scheduler_op, target, &op), 0);
	CHECK_EQ(op.u.scheduler_op.u.credit2.weight, 512);
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
	CHECK_EQ(ctl(XEN_DOMCTL_scheduler_op, target, &op), -EINVAL);
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
	op.u.scheduler_op.cmd = 50;
	CHECK_EQ(ctl(XEN_DOMCTL_scheduler_op, target, &op), -EINVAL);
}

/* --- HVM context */

static long context(uint32_t cmd, domid_t dom, void *buf, uint32_t *size)
{
	struct xen_domctl op;
	long rc;

	memset(&op, 0, sizeof(op));
	op.u.hvmcontext.size = *size;
	set_xen_guest_handle(op.u.hvmcontext.buffer, (uint8_t *)buf);
	rc = ctl(cmd, dom, &op);
	*size = op.u.hvmcontext.size;
	return rc;
}

static void context_size(void)
{
	uint32_t size = 0;

	CHECK_EQ(context(XEN_DOMCTL_gethvmcontext, peer.id, NULL, &size), 0);
	CHECK(size > 1000 && size < 65536);
}

static void context_records(void)
{
	uint8_t *buf = pages_alloc(4, 1);
	uint32_t size = 4 * PAGE_SIZE, at = 0;
	unsigned int cpu = 0, lapic = 0, header = 0, end = 0;

	REQUIRE_EQ(context(XEN_DOMCTL_gethvmcontext, peer.id, buf, &size), 0);
	while (at + sizeof(struct hvm_save_descriptor) <= size && !end) {
		struct hvm_save_descriptor *d = (struct hvm_save_descriptor *)(buf + at);

		header += d->typecode == HVM_SAVE_CODE(HEADER) && at == 0;
		cpu += d->typecode == HVM_SAVE_CODE(CPU);
		lapic += d->typecode == HVM_SAVE_CODE(LAPIC);
		end += d->typecode == HVM_SAVE_CODE(END);
		if (d->typecode == HVM_SAVE_CODE(CPU))
			CHECK_EQ(d->length, sizeof(struct hvm_hw_cpu));
		at += sizeof(*d) + d->length;
	}
	CHECK_EQ(header, 1);
	CHECK_EQ(cpu, 1);
	CHECK_EQ(lapic, 1);
	CHECK_EQ(end, 1);
	CHECK_EQ(at, size);
	pages_free(buf, 4);
}

static void context_too_small(void)
{
	uint8_t *buf = page_alloc();
	uint32_t size = 64;

	CHECK_EQ(context(XEN_DOMCTL_gethvmcontext, peer.id, buf, &size), -ENOSPC);
	page_free(buf);
}

static void context_of_a_cpu(void)
{
	struct hvm_hw_cpu cpu;
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	memset(&cpu, 0, sizeof(cpu));
	op.u.hvmcontext_partial.type = HVM_SAVE_CODE(CPU);
	op.u.hvmcontext_partial.bufsz = sizeof(cpu);
	set_xen_guest_handle(op.u.hvmcontext_partial.buffer, (uint8_t *)&cpu);
	CHECK_EQ(ctl(XEN_DOMCTL_gethvmcontext_partial, peer.id, &op), 0);
	CHECK(cpu.cr0 & 0x80000000u);
	CHECK(cpu.rip >> PAGE_SHIFT >= image_first_gfn());
	CHECK_EQ(cpu.cs_sel, 8);
	CHECK(cpu.msr_efer & 0x400);
	op.u.hvmcontext_partial.instance = 5;
	CHECK_EQ(ctl(XEN_DOMCTL_gethvmcontext_partial, peer.id, &op), -ENOENT);
	op.u.hvmcontext_partial.type = 200;
	CHECK_EQ(ctl(XEN_DOMCTL_gethvmcontext_partial, peer.id, &op), -EINVAL);
}

static void context_rubbish(void)
{
	uint8_t *buf = page_alloc();
	uint32_t size = 256;

	CHECK(context(XEN_DOMCTL_sethvmcontext, target, buf, &size) < 0);
	memset(buf, 0xff, 256);
	size = 256;
	CHECK(context(XEN_DOMCTL_sethvmcontext, target, buf, &size) < 0);
	size = 0;
	CHECK(context(XEN_DOMCTL_sethvmcontext, target, buf, &size) < 0);
	page_free(buf);
}

/* Taking a guest's state and putting it back unchanged must not be seen by the guest. */
static long plus_one(uint64_t a, uint64_t b __unused, uint64_t c __unused)
{
	return (long)a + 1;
}

static void context_round_trip(void)
{
	uint8_t *buf = pages_alloc(4, 1);
	uint32_t size = 4 * PAGE_SIZE;

	REQUIRE_EQ(domain_op(peer.id, XEN_DOMCTL_pausedomain), 0);
	CHECK_EQ(context(XEN_DOMCTL_gethvmcontext, peer.id, buf, &size), 0);
	CHECK_EQ(context(XEN_DOMCTL_sethvmcontext, peer.id, buf, &size), 0);
	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_unpausedomain), 0);
	CHECK_EQ(PEER_CALL(plus_one, 41, 0, 0), 42);
	pages_free(buf, 4);
}

static struct hvm_hw_cpu *cpu_record(uint8_t *buf, uint32_t size)
{
	uint32_t at = 0;

	while (at + sizeof(struct hvm_save_descriptor) <= size) {
		struct hvm_save_descriptor *d = (struct hvm_save_descriptor *)(buf + at);

		at += sizeof(*d);
		if (d->typecode == HVM_SAVE_CODE(CPU))
			return (struct hvm_hw_cpu *)(buf + at);
		at += d->length;
	}
	return NULL;
}

/* The CPU refuses to enter: that is the end of the domain, and of nothing else. */
static void state_no_cpu_enters(void)
{
	uint8_t *buf = pages_alloc(4, 1);
	uint32_t size = 4 * PAGE_SIZE;
	struct hvm_hw_cpu *cpu;
	unsigned int reason = ~0u;
	struct guest g;

	REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
	REQUIRE_EQ(domain_op(g.id, XEN_DOMCTL_pausedomain), 0);
	REQUIRE_EQ(context(XEN_DOMCTL_gethvmcontext, g.id, buf, &size), 0);
	cpu = cpu_record(buf, size);
	REQUIRE(cpu);
	cpu->tr_arbytes = 0x82; /* an LDT is no task state segment */
	CHECK_EQ(context(XEN_DOMCTL_sethvmcontext, g.id, buf, &size), 0);
	CHECK_EQ(domain_op(g.id, XEN_DOMCTL_unpausedomain), 0);
	guest_ask(&g, plus_one, 0, 0, 0); /* so that it has something to wake for */
	CHECK(guest_wait_down(&g, 1000));
	CHECK(guest_is_down(&g, &reason));
	CHECK_EQ(reason, SHUTDOWN_crash);
	CHECK(guest_destroy(&g));
	pages_free(buf, 4);
}

static void hypercall_page_of(void)
{
	struct xen_domctl op;

	memset(&op, 0, sizeof(op));
	op.u.hypercall_init.gmfn = 3;
	CHECK_EQ(ctl(XEN_DOMCTL_hypercall_init, target, &op), 0);
	if (CHECK_EQ(foreign_map(target, 3, peer.mailbox_gfn + 0x100, 1), 0)) {
		CHECK(*(uint8_t *)gfn_ptr(peer.mailbox_gfn + 0x100) != 0);
		foreign_unmap(peer.mailbox_gfn + 0x100, 1);
	}
	op.u.hypercall_init.gmfn = 0x90000;
	CHECK_EQ(ctl(XEN_DOMCTL_hypercall_init, target, &op), -EINVAL);
}

static void shutdown_and_resume(void)
{
	struct xen_domctl_getdomaininfo info;
	struct sched_remote_shutdown r = { .domain_id = peer.id, .reason = SHUTDOWN_suspend };

	CHECK_EQ(hc_sched_op(SCHEDOP_remote_shutdown, &r), 0);
	sleep_ms(2);
	CHECK_EQ(domain_info(peer.id, &info), 0);
	CHECK(info.flags & XEN_DOMINF_shutdown);
	CHECK_EQ(info.flags >> XEN_DOMINF_shutdownshift & 255, SHUTDOWN_suspend);
	CHECK_EQ(domain_op(peer.id, XEN_DOMCTL_resumedomain), 0);
	CHECK_EQ(domain_info(peer.id, &info), 0);
	CHECK(!(info.flags & XEN_DOMINF_shutdown));
	CHECK_EQ(PEER_CALL(plus_one, 1, 0, 0), 2);
}

static void unprivileged(void)
{
	static const uint32_t cmds[] = {
		XEN_DOMCTL_createdomain,  XEN_DOMCTL_destroydomain,   XEN_DOMCTL_pausedomain,
		XEN_DOMCTL_unpausedomain, XEN_DOMCTL_getdomaininfo,   XEN_DOMCTL_max_mem,
		XEN_DOMCTL_gethvmcontext, XEN_DOMCTL_setdomainhandle, 999,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		if (!CHECK_EQ(simple(cmds[i], 0), -EPERM))
			tap_note("domctl %u", cmds[i]);
}

static bool twenty_domains(void)
{
	unsigned int i;
	domid_t dom;

	for (i = 0; i < 20; i++) {
		if (!CHECK_EQ(domain_create(&dom, 1 + i % 4, 64), 0))
			return false;
		CHECK_EQ(domain_populate(dom, 0, i, 0), i);
		CHECK(domain_reap(dom));
	}
	return true;
}

/* The first round may fill the hypervisor's own caches; after it, nothing may change. */
static void cycles_cost_nothing(void)
{
	uint64_t before;

	if (!twenty_domains())
		return;
	before = host_free_settled();
	if (!twenty_domains())
		return;
	tap_uses_difference(__FILE__, __LINE__);
	if (on_xen)
		tap_note("free pages %lu, were %lu", host_free_settled(), before);
	else
		CHECK_EQ(host_free_wait(before, 100), before);
}

static const struct test tests[] = {
	{ "create, info, destroy", create_info_destroy, TEST_DOM0 },
	{ "ids ascend", ids_ascend, TEST_DOM0 },
	{ "an id asked for", asked_for_id, TEST_DOM0 },
	{ "bad configurations", bad_configurations, TEST_DOM0 },
	{ "a domain without HAP", without_hap, TEST_DOM0 },
	{ "creation that fails late", late_failures, TEST_DOM0 | TEST_NOT_XEN },
	{ "interface version", interface_version, TEST_DOM0 },
	{ "unreadable argument", unreadable, TEST_DOM0 },
	{ "unknown commands", unknown, TEST_DOM0 },
	{ "a domain that is not there", no_such_domain, TEST_DOM0 },
	{ "getdomaininfo finds the next", info_finds_the_next, TEST_DOM0 },
	{ "getdomaininfo of dom0", info_of_dom0, TEST_DOM0 },
	{ "getdomaininfo of DOMID_SELF", info_of_self, TEST_DOM0 },
	{ "pause, unpause, destroy of oneself", on_oneself, TEST_DOM0 },
	{ "pauses count", pause_counts, TEST_DOM0 },
	{ "max_mem", max_mem, TEST_DOM0 },
	{ "setdomainhandle", handle, TEST_DOM0 },
	{ "max_vcpus", max_vcpus_rules, TEST_DOM0 },
	{ "getvcpuinfo", vcpu_info_of, TEST_DOM0 },
	{ "triggers", triggers, TEST_DOM0 },
	{ "vCPU affinity", hard_affinity, TEST_DOM0 },
	{ "paging pool size", mempool, TEST_DOM0 },
	{ "paging pool memory", mempool_accounting, TEST_DOM0 },
	{ "ioport_permission", ioports, TEST_DOM0 },
	{ "iomem_permission", iomem, TEST_DOM0 },
	{ "settimeoffset", time_offset, TEST_DOM0 },
	{ "gettscinfo", tsc_info, TEST_DOM0 },
	{ "settscinfo: speed of the TSC", tsc_speed, TEST_DOM0 },
	{ "get_vcpu_msrs of a PVH domain", vcpu_msrs, TEST_DOM0 },
	{ "address size is for PV", address_size, TEST_DOM0 },
	{ "scheduler parameters", sched_params, TEST_DOM0 },
	{ "size of the HVM context", context_size, TEST_DOM0 },
	{ "records of the HVM context", context_records, TEST_DOM0 },
	{ "HVM context into a small buffer", context_too_small, TEST_DOM0 },
	{ "one record of the HVM context", context_of_a_cpu, TEST_DOM0 },
	{ "HVM context of rubbish", context_rubbish, TEST_DOM0 },
	{ "HVM context round trip", context_round_trip, TEST_DOM0 },
	{ "sethvmcontext: a state that no CPU enters", state_no_cpu_enters, TEST_DOM0 },
	{ "hypercall_init", hypercall_page_of, TEST_DOM0 },
	{ "remote shutdown and resume", shutdown_and_resume, TEST_DOM0 },
	{ "create and destroy cost nothing", cycles_cost_nothing, TEST_DOM0 },
	{ "unprivileged", unprivileged, TEST_GUEST },
};

AREA(domctl, "domctl", tests, setup, teardown);
