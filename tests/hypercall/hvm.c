/* SPDX-License-Identifier: GPL-2.0-only */
/* hvm_op: parameters, upcall vectors, time; dm_op's answer for PVH. */
#include <stubdom/boot.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>
#include <xen/hvm/dm_op.h>
#include "errors.h"
#include "peer.h"

static void get_callback(void)
{
	uint64_t v = 0;

	CHECK_EQ(hvm_param_get(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(v >> 56, HVM_PARAM_CALLBACK_TYPE_VECTOR);
	CHECK_EQ(v & 0xff, UPCALL_VECTOR);
}

static void index_out_of_range(void)
{
	uint64_t v;

	CHECK_EQ(hvm_param_get(DOMID_SELF, HVM_NR_PARAMS, &v), -EINVAL);
	CHECK_EQ(hvm_param_get(DOMID_SELF, ~0u, &v), -EINVAL);
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_NR_PARAMS, 0), -EINVAL);
	CHECK_EQ(hvm_param_set(DOMID_SELF, ~0u, 0), -EINVAL);
}

static void domain_not_there(void)
{
	uint64_t v;

	CHECK_EQ(hvm_param_get(DOMID_NOBODY, HVM_PARAM_STORE_PFN, &v), -ESRCH);
	CHECK_EQ(hvm_param_set(DOMID_NOBODY, HVM_PARAM_STORE_PFN, 0), -ESRCH);
}

static void unreadable(void)
{
	CHECK_EQ(hc_hvm_op(HVMOP_get_param, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_hvm_op(HVMOP_set_param, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_hvm_op(HVMOP_set_evtchn_upcall_vector, BAD_PTR), -EFAULT);
	CHECK_EQ(hc_hvm_op(HVMOP_get_time, BAD_PTR), -EFAULT);
}

static void unknown_op(void)
{
	uint64_t z[8] = { 0 };

	CHECK_EQ(hc_hvm_op(200, z), -ENOSYS);
	CHECK_EQ(hc_hvm_op(~0u, z), -ENOSYS);
}

static void guest_reads_its_rings(void)
{
	uint64_t v = 0;

	CHECK_EQ(hvm_param_get(DOMID_SELF, HVM_PARAM_CONSOLE_PFN, &v), 0);
	CHECK_EQ(v, GUEST_CONSOLE_GFN);
	CHECK_EQ(hvm_param_get(DOMID_SELF, HVM_PARAM_STORE_PFN, &v), 0);
	CHECK_EQ(v, GUEST_XENSTORE_GFN);
	CHECK_EQ(hvm_param_get(DOMID_SELF, HVM_PARAM_CONSOLE_EVTCHN, &v), 0);
	CHECK(v > 0);
}

static void guest_may_not_set(void)
{
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_PARAM_CONSOLE_PFN, 1), -EPERM);
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_PARAM_STORE_PFN, 1), -EPERM);
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_PARAM_IDENT_PT, 0), -EPERM);
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_PARAM_TIMER_MODE, 1), -EPERM);
}

static void guest_may_not_touch_dom0(void)
{
	uint64_t v;

	CHECK_EQ(hvm_param_get(0, HVM_PARAM_CALLBACK_IRQ, &v), -EPERM);
	CHECK_EQ(hvm_param_set(0, HVM_PARAM_CALLBACK_IRQ, 0), -EPERM);
}

static void dom0_sets_of_peer(void)
{
	uint64_t v = 0, old = 0;

	CHECK_EQ(hvm_param_get(peer.id, HVM_PARAM_STORE_PFN, &old), 0);
	CHECK_EQ(old, GUEST_XENSTORE_GFN);
	CHECK_EQ(hvm_param_get(peer.id, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(v & 0xff, UPCALL_VECTOR);
	CHECK_EQ(hvm_param_set(peer.id, HVM_PARAM_STORE_PFN, old + 1), 0);
	CHECK_EQ(hvm_param_get(peer.id, HVM_PARAM_STORE_PFN, &v), 0);
	CHECK_EQ(v, old + 1);
	CHECK_EQ(hvm_param_set(peer.id, HVM_PARAM_STORE_PFN, old), 0);
}

static void timer_mode(void)
{
	CHECK_EQ(hvm_param_set(peer.id, HVM_PARAM_TIMER_MODE, 1), 0);
	CHECK_EQ(hvm_param_set(peer.id, HVM_PARAM_TIMER_MODE, 77), -EINVAL);
}

static void callback_vector_changes(void)
{
	static unsigned long before;
	long port = event_bind_ipi(0);

	REQUIRE(port > 0);
	event_unmask((evtchn_port_t)port);
	before = trap_count(0xe5);
	trap_set_handler(0xe5, trap_set_handler(UPCALL_VECTOR, NULL));
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ,
			       (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xe5),
		 0);
	event_send((evtchn_port_t)port);
	CHECK(trap_count(0xe5) > before);
	trap_set_handler(UPCALL_VECTOR, trap_set_handler(0xe5, NULL));
	CHECK_EQ(hvm_param_set(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ,
			       (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | UPCALL_VECTOR),
		 0);
	event_close((evtchn_port_t)port);
}

static long upcall_vector(unsigned int vcpu, unsigned int vector)
{
	struct xen_hvm_evtchn_upcall_vector u = { .vcpu = vcpu, .vector = (uint8_t)vector };

	return hc_hvm_op(HVMOP_set_evtchn_upcall_vector, &u);
}

static void upcall_vector_rules(void)
{
	CHECK_EQ(upcall_vector(0, 0x0f), -EINVAL);
	CHECK_EQ(upcall_vector(77, 0xe6), -ENOENT);
	CHECK_EQ(upcall_vector(~0u, 0xe6), -ENOENT);
}

static void get_time(void)
{
	struct xen_hvm_get_time t = { .now = 0 };
	uint64_t before = system_time();

	CHECK_EQ(hc_hvm_op(HVMOP_get_time, &t), 0);
	CHECK(t.now + 10000000 >= before);
	CHECK(t.now <= system_time() + 10000000);
}

static void flush_tlbs(void)
{
	CHECK_EQ(hc_hvm_op(HVMOP_flush_tlbs, NULL), 0);
	CHECK_EQ(hc_hvm_op(HVMOP_flush_tlbs, BAD_PTR), -EINVAL);
}

static void get_mem_type(void)
{
	struct xen_hvm_get_mem_type m = { .domid = DOMID_SELF, .pfn = image_first_gfn() };

	CHECK_EQ(hc_hvm_op(HVMOP_get_mem_type, &m), 0);
	CHECK_EQ(m.mem_type, HVMMEM_ram_rw);
	m.pfn = hole_gfn_alloc(1, 1);
	m.mem_type = 99;
	CHECK_EQ(hc_hvm_op(HVMOP_get_mem_type, &m), 0);
	CHECK_EQ(m.mem_type, HVMMEM_mmio_dm);
	m.domid = DOMID_NOBODY;
	CHECK_EQ(hc_hvm_op(HVMOP_get_mem_type, &m), -ESRCH);
}

static void intx_and_isa_are_not_there(void)
{
	uint64_t z[4] = { 0 };

	CHECK_EQ(hc_hvm_op(2 /* set_pci_intx_level */, z), -ENOSYS);
	CHECK_EQ(hc_hvm_op(3 /* set_isa_irq_level */, z), -ENOSYS);
	CHECK_EQ(hc_hvm_op(4 /* set_pci_link_route */, z), -ENOSYS);
}

static long dm_op(domid_t dom, struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };

	set_xen_guest_handle(buf.h, op);
	return hypercall(__HYPERVISOR_dm_op, dom, 1, HC_PTR(&buf), 0, 0);
}

static void dm_op_errors(void)
{
	struct xen_dm_op op;

	memset(&op, 0, sizeof(op));
	op.op = XEN_DMOP_get_ioreq_server_info;
	CHECK_EQ(dm_op(DOMID_NOBODY, &op), -ESRCH);
	CHECK(dm_op(peer.id, &op) < 0);
	op.op = 500;
	CHECK(dm_op(peer.id, &op) < 0);
}

static const struct test tests[] = {
	{ "the callback parameter reads back", get_callback, 0 },
	{ "parameters out of range", index_out_of_range, 0 },
	{ "a domain that is not there", domain_not_there, 0 },
	{ "unreadable arguments", unreadable, 0 },
	{ "unknown sub-operations", unknown_op, 0 },
	{ "a guest reads its rings", guest_reads_its_rings, TEST_GUEST },
	{ "a guest may not set them", guest_may_not_set, TEST_GUEST },
	{ "a guest may not touch dom0's", guest_may_not_touch_dom0, TEST_GUEST },
	{ "dom0 and a guest's parameters", dom0_sets_of_peer, TEST_DOM0 },
	{ "timer mode", timer_mode, TEST_DOM0 },
	{ "the callback vector can change", callback_vector_changes, 0 },
	{ "set_evtchn_upcall_vector: errors", upcall_vector_rules, 0 },
	{ "get_time", get_time, TEST_DOM0 },
	{ "flush_tlbs", flush_tlbs, 0 },
	{ "get_mem_type", get_mem_type, 0 },
	{ "INTx, ISA and link operations", intx_and_isa_are_not_there, 0 },
	{ "dm_op: errors", dm_op_errors, TEST_DOM0 },
};

AREA(hvm, "hvm", tests, peer_start, peer_stop);
