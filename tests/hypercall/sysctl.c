/* SPDX-License-Identifier: GPL-2.0-only */
/* Sysctls: what tools read of the machine, and platform_op. */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include "errors.h"
#include "hvlog.h"

static long ctl(uint32_t cmd, struct xen_sysctl *op)
{
	op->cmd = cmd;
	return hc_sysctl(op);
}

static void physinfo(void)
{
	struct xen_sysctl op;
	struct xen_sysctl_physinfo *p = &op.u.physinfo;

	memset(&op, 0, sizeof(op));
	REQUIRE_EQ(ctl(XEN_SYSCTL_physinfo, &op), 0);
	CHECK(p->nr_cpus >= 1 && p->nr_cpus <= 64);
	CHECK_EQ(p->nr_nodes, 1);
	CHECK(p->max_node_id < 64);
	CHECK(p->max_cpu_id + 1 >= p->nr_cpus);
	CHECK(p->threads_per_core >= 1);
	CHECK(p->cores_per_socket >= 1);
	CHECK(p->cpu_khz > 1000);
	CHECK(p->total_pages > 10000);
	CHECK(p->free_pages < p->total_pages);
	CHECK(p->capabilities & XEN_SYSCTL_PHYSCAP_hvm);
	CHECK(p->capabilities & XEN_SYSCTL_PHYSCAP_hap);
	CHECK(p->hw_cap[0] != 0);
}

static void physinfo_free_follows(void)
{
	uint64_t before = host_free_settled();
	domid_t dom;

	REQUIRE_EQ(domain_create(&dom, 1, 64), 0);
	CHECK_EQ(domain_populate(dom, 0, 32, 0), 32);
	CHECK(before - host_free_settled() >= 32);
	CHECK(domain_reap(dom));
	CHECK_EQ(host_free_wait(before, 50), before);
}

static void interface_version(void)
{
	struct xen_sysctl op = { .cmd = XEN_SYSCTL_physinfo,
				 .interface_version = XEN_SYSCTL_INTERFACE_VERSION + 1 };

	CHECK_EQ(hypercall(__HYPERVISOR_sysctl, HC_PTR(&op), 0, 0, 0, 0), -EACCES);
}

static void unreadable(void)
{
	CHECK_EQ(hypercall(__HYPERVISOR_sysctl, HC_PTR(BAD_PTR), 0, 0, 0, 0), -EFAULT);
}

static void unknown(void)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	CHECK_EQ(ctl(0, &op), -ENOSYS);
	CHECK_EQ(ctl(24, &op), -ENOSYS);
	CHECK_EQ(ctl(999, &op), -ENOSYS);
}

static void domain_list(void)
{
	static struct xen_domctl_getdomaininfo list[16];
	struct xen_sysctl op;
	unsigned int i;
	domid_t dom;

	REQUIRE_EQ(domain_create(&dom, 1, 64), 0);
	memset(&op, 0, sizeof(op));
	op.u.getdomaininfolist.max_domains = 16;
	set_xen_guest_handle(op.u.getdomaininfolist.buffer, list);
	CHECK_EQ(ctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
	CHECK(op.u.getdomaininfolist.num_domains >= 2);
	CHECK_EQ(list[0].domain, 0);
	for (i = 1; i < op.u.getdomaininfolist.num_domains; i++)
		CHECK(list[i].domain > list[i - 1].domain);
	CHECK_EQ(list[op.u.getdomaininfolist.num_domains - 1].domain, dom);
	op.u.getdomaininfolist.first_domain = dom;
	CHECK_EQ(ctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
	CHECK_EQ(op.u.getdomaininfolist.num_domains, 1);
	op.u.getdomaininfolist.first_domain = 0;
	op.u.getdomaininfolist.max_domains = 1;
	CHECK_EQ(ctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
	CHECK_EQ(op.u.getdomaininfolist.num_domains, 1);
	op.u.getdomaininfolist.max_domains = 0;
	CHECK_EQ(ctl(XEN_SYSCTL_getdomaininfolist, &op), 0);
	CHECK_EQ(op.u.getdomaininfolist.num_domains, 0);
	CHECK(domain_reap(dom));
}

static void domain_list_unwritable(void)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.getdomaininfolist.max_domains = 16;
	set_xen_guest_handle(op.u.getdomaininfolist.buffer,
			     (struct xen_domctl_getdomaininfo *)BAD_PTR);
	CHECK_EQ(ctl(XEN_SYSCTL_getdomaininfolist, &op), -EFAULT);
}

static void sched_id(void)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	CHECK_EQ(ctl(XEN_SYSCTL_sched_id, &op), 0);
	CHECK_EQ(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
}

static void availheap(void)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.availheap.node = -1;
	CHECK_EQ(ctl(XEN_SYSCTL_availheap, &op), 0);
	CHECK(op.u.availheap.avail_bytes >> PAGE_SHIFT <= host_free_pages() + 16);
	CHECK(op.u.availheap.avail_bytes > 0);
}

static void cpu_info(void)
{
	struct xen_sysctl_cpuinfo info[8];
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.getcpuinfo.max_cpus = 8;
	set_xen_guest_handle(op.u.getcpuinfo.info, info);
	CHECK_EQ(ctl(XEN_SYSCTL_getcpuinfo, &op), 0);
	CHECK(op.u.getcpuinfo.nr_cpus >= 1);
}

static void topology(void)
{
	struct xen_sysctl_cputopo topo[8];
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	memset(topo, 0xff, sizeof(topo));
	set_xen_guest_handle(op.u.cputopoinfo.cputopo, (struct xen_sysctl_cputopo *)NULL);
	CHECK_EQ(ctl(XEN_SYSCTL_cputopoinfo, &op), 0);
	CHECK(op.u.cputopoinfo.num_cpus >= 1);
	op.u.cputopoinfo.num_cpus = 8;
	set_xen_guest_handle(op.u.cputopoinfo.cputopo, topo);
	CHECK_EQ(ctl(XEN_SYSCTL_cputopoinfo, &op), 0);
	CHECK_EQ(topo[0].socket, 0);
	CHECK_EQ(topo[0].node, 0);
}

static void numa(void)
{
	struct xen_sysctl_meminfo mem[4];
	uint32_t distance[16];
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.numainfo.num_nodes = 4;
	set_xen_guest_handle(op.u.numainfo.meminfo, mem);
	set_xen_guest_handle(op.u.numainfo.distance, distance);
	CHECK_EQ(ctl(XEN_SYSCTL_numainfo, &op), 0);
	CHECK_EQ(op.u.numainfo.num_nodes, 1);
	CHECK(mem[0].memsize > 0);
	CHECK(mem[0].memfree <= mem[0].memsize);
}

static void cpupool(void)
{
	uint8_t map[8] = { 0 };
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
	set_xen_guest_handle(op.u.cpupool_op.cpumap.bitmap, map);
	op.u.cpupool_op.cpumap.nr_bits = 64;
	CHECK_EQ(ctl(XEN_SYSCTL_cpupool_op, &op), 0);
	CHECK_EQ(op.u.cpupool_op.cpupool_id, 0);
	CHECK_EQ(op.u.cpupool_op.sched_id, XEN_SCHEDULER_CREDIT2);
	CHECK(op.u.cpupool_op.n_dom >= 1);
	CHECK_EQ(map[0] & 1, 1);
}

static void read_console(void)
{
	static char buf[4096];
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.readconsole.count = sizeof(buf);
	set_xen_guest_handle(op.u.readconsole.buffer, buf);
	CHECK_EQ(ctl(XEN_SYSCTL_readconsole, &op), 0);
	CHECK(op.u.readconsole.count > 0);
	CHECK(op.u.readconsole.count <= sizeof(buf));
}

static void debug_keys(void)
{
	char none = 0;
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.debug_keys.nr_keys = 0;
	set_xen_guest_handle(op.u.debug_keys.keys, &none);
	CHECK_EQ(ctl(XEN_SYSCTL_debug_keys, &op), 0);
}

/* A word of each key's own; h names them all. */
static void each_debug_key(void)
{
	static const struct {
		char key;
		const char *shows;
	} keys[] = { { 'h', "grant tables" }, { 'q', "upcall" },  { 'r', "CPU0" }, { 'm', "free" },
		     { 'p', "d0" },	      { 'a', "CPU0" },	  { 'i', "trigger" },  { 'e', "virq" },
		     { 'g', "grant table" },  { 'x', "VMCALL" },  { 'v', "VMCS" }, { 'd', "rip" } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		hvlog_new();
		CHECK_EQ(hvlog_key(keys[i].key), 0);
		sleep_ms(20);
		if (!CHECK(strstr(hvlog_new(), keys[i].shows)))
			tap_note("key %c does not show \"%s\"", keys[i].key, keys[i].shows);
	}
}

static long many_cpuids(uint64_t n, uint64_t b __unused, uint64_t c __unused)
{
	uint32_t a, d;

	while (n--)
		__asm__ volatile("cpuid" : "=a"(a), "=d"(d) : "a"(0), "c"(0) : "rbx");
	return 0;
}

/* By the debug key for every domain, and in the log when a domain ends: the exits that it had, and no others. */
static void exits_by_reason(void)
{
	const char *text;
	char begin[24];
	struct guest g;
	long before;

	REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
	snprintf(begin, sizeof(begin), "d%u: exits: ", g.id);
	hvlog_new();
	CHECK_EQ(hvlog_key('x'), 0);
	sleep_ms(20);
	text = hvlog_new();
	CHECK(hvlog_number(text, "d0: exits: ", "VMCALL") > 0);
	before = hvlog_number(text, begin, "CPUID");
	CHECK_EQ(guest_call(&g, many_cpuids, 1234, 0, 0, 1000), 0);
	CHECK(guest_destroy(&g));
	text = hvlog_new();
	CHECK_EQ(hvlog_number(text, begin, "CPUID"), (before > 0 ? before : 0) + 1234);
	CHECK(hvlog_number(text, begin, "VMCALL") > 0);
	CHECK_EQ(hvlog_number(text, "d0: exits: ", "VMCALL"), -1);
}

static void featureset(void)
{
	uint32_t words[32];
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	memset(words, 0, sizeof(words));
	op.u.cpu_featureset.index = XEN_SYSCTL_cpu_featureset_hvm;
	op.u.cpu_featureset.nr_features = 32;
	set_xen_guest_handle(op.u.cpu_featureset.features, words);
	CHECK_EQ(ctl(XEN_SYSCTL_get_cpu_featureset, &op), 0);
	CHECK(op.u.cpu_featureset.nr_features >= 8);
	CHECK(words[0] & 1); /* FPU */
	op.u.cpu_featureset.index = 99;
	CHECK_EQ(ctl(XEN_SYSCTL_get_cpu_featureset, &op), -EINVAL);
}

static void system_policy(void)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.u.cpu_policy.index = XEN_SYSCTL_cpu_policy_hvm_default;
	CHECK_EQ(ctl(XEN_SYSCTL_get_cpu_policy, &op), 0);
	CHECK(op.u.cpu_policy.nr_leaves > 10);
	CHECK(op.u.cpu_policy.nr_msrs >= 1);
	op.u.cpu_policy.index = 99;
	CHECK_EQ(ctl(XEN_SYSCTL_get_cpu_policy, &op), -EINVAL);
}

static void platform_unknown(void)
{
	struct xen_platform_op op;

	memset(&op, 0, sizeof(op));
	op.cmd = 9999;
	CHECK_EQ(hc_platform_op(&op), -ENOSYS);
	op.cmd = XENPF_get_cpuinfo;
	op.interface_version = 1;
	CHECK_EQ(hypercall(__HYPERVISOR_platform_op, HC_PTR(&op), 0, 0, 0, 0), -EACCES);
	CHECK_EQ(hypercall(__HYPERVISOR_platform_op, HC_PTR(BAD_PTR), 0, 0, 0, 0), -EFAULT);
}

static void platform_cpuinfo(void)
{
	struct xen_platform_op op;

	memset(&op, 0, sizeof(op));
	op.cmd = XENPF_get_cpuinfo;
	CHECK_EQ(hc_platform_op(&op), 0);
	CHECK(op.u.pcpu_info.flags & XEN_PCPU_FLAGS_ONLINE);
	op.u.pcpu_info.xen_cpuid = 500;
	CHECK_EQ(hc_platform_op(&op), 0);
	CHECK_EQ(op.u.pcpu_info.flags, XEN_PCPU_FLAGS_INVALID);
}

static void platform_settime(void)
{
	struct xen_platform_op op;

	memset(&op, 0, sizeof(op));
	op.cmd = XENPF_settime64;
	op.u.settime64.secs = 1700000000;
	op.u.settime64.system_time = system_time();
	CHECK_EQ(hc_platform_op(&op), 0);
	op.u.settime64.mbz = 1;
	CHECK_EQ(hc_platform_op(&op), -EINVAL);
}

static void unprivileged(void)
{
	struct xen_platform_op pf;
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	memset(&pf, 0, sizeof(pf));
	CHECK_EQ(ctl(XEN_SYSCTL_physinfo, &op), -EPERM);
	CHECK_EQ(ctl(XEN_SYSCTL_getdomaininfolist, &op), -EPERM);
	CHECK_EQ(ctl(XEN_SYSCTL_readconsole, &op), -EPERM);
	pf.cmd = XENPF_get_cpuinfo;
	CHECK_EQ(hc_platform_op(&pf), -EPERM);
}

static const struct test tests[] = {
	{ "physinfo", physinfo, TEST_DOM0 },
	{ "physinfo follows what is allocated", physinfo_free_follows, TEST_DOM0 },
	{ "interface version", interface_version, TEST_DOM0 },
	{ "unreadable argument", unreadable, TEST_DOM0 },
	{ "unknown commands", unknown, TEST_DOM0 },
	{ "getdomaininfolist", domain_list, TEST_DOM0 },
	{ "getdomaininfolist into an unwritable buffer", domain_list_unwritable, TEST_DOM0 },
	{ "sched_id", sched_id, TEST_DOM0 },
	{ "availheap", availheap, TEST_DOM0 },
	{ "getcpuinfo", cpu_info, TEST_DOM0 },
	{ "cputopoinfo", topology, TEST_DOM0 },
	{ "numainfo", numa, TEST_DOM0 },
	{ "cpupool info", cpupool, TEST_DOM0 },
	{ "readconsole", read_console, TEST_DOM0 },
	{ "debug_keys of none", debug_keys, TEST_DOM0 },
	{ "each debug key", each_debug_key, TEST_DOM0 | TEST_NOT_XEN },
	{ "exits by reason", exits_by_reason, TEST_DOM0 | TEST_NOT_XEN },
	{ "CPU featureset", featureset, TEST_DOM0 },
	{ "CPU policy of the system", system_policy, TEST_DOM0 },
	{ "platform_op: errors", platform_unknown, TEST_DOM0 },
	{ "platform_op: get_cpuinfo", platform_cpuinfo, TEST_DOM0 },
	{ "platform_op: settime64", platform_settime, TEST_DOM0 },
	{ "unprivileged", unprivileged, TEST_GUEST },
};

AREA(sysctl, "sysctl", tests, NULL, NULL);
