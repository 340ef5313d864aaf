/* SPDX-License-Identifier: GPL-2.0-only */
/* Event channels: the upcall, and the usual operations on ports. FIFO queues: fifo.c. */
#include <stubdom/console.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/fifo.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>

struct shared_info *shared_info;
volatile unsigned int event_count[EVENT_PORTS];
static event_handler_t handlers[EVENT_PORTS];
static struct vcpu_info *moved[MAX_CPUS];

void event_take(evtchn_port_t port)
{
	__atomic_fetch_add(&event_count[port], 1, __ATOMIC_SEQ_CST);
	if (handlers[port])
		handlers[port](port);
}

static bool upcall(struct trap_frame *f __unused)
{
	struct vcpu_info *vi = vcpu_info(this_cpu()->id);

	while (__atomic_exchange_n(&vi->evtchn_upcall_pending, 0, __ATOMIC_SEQ_CST)) {
		uint64_t sel = __atomic_exchange_n(&vi->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);

		if (fifo_active)
			fifo_upcall();
		for (; sel; sel &= sel - 1) {
			unsigned int word = (unsigned int)__builtin_ctzl(sel);
			uint64_t bits = READ_ONCE(shared_info->evtchn_pending[word]) &
					~READ_ONCE(shared_info->evtchn_mask[word]);

			for (; bits; bits &= bits - 1) {
				evtchn_port_t port = word * 64 + (unsigned int)__builtin_ctzl(bits);

				event_clear(port);
				event_take(port);
			}
		}
	}
	return true;
}

void event_init(void)
{
	struct xen_add_to_physmap map = {
		.domid = DOMID_SELF,
		.space = XENMAPSPACE_shared_info,
		.gpfn = hole_gfn_alloc(1, 1),
	};
	long rc = hc_memory_op(XENMEM_add_to_physmap, &map);

	if (rc)
		panic("mapping shared_info at gfn %lx: %ld", (unsigned long)map.gpfn, rc);
	shared_info = gfn_ptr(map.gpfn);
	memset(shared_info->evtchn_mask, 0xff, sizeof(shared_info->evtchn_mask));
	trap_set_handler(UPCALL_VECTOR, upcall);
	rc = hvm_param_set(DOMID_SELF, HVM_PARAM_CALLBACK_IRQ,
			   (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | UPCALL_VECTOR);
	if (rc)
		panic("setting the callback vector: %ld", rc);
}

struct vcpu_info *vcpu_info(unsigned int cpu)
{
	return moved[cpu] ? moved[cpu] : &shared_info->vcpu_info[cpu];
}

void event_use_vcpu_info(unsigned int cpu, struct vcpu_info *vi) { moved[cpu] = vi; }

void event_set_handler(evtchn_port_t port, event_handler_t fn) { handlers[port] = fn; }

long event_alloc_unbound(domid_t dom, domid_t remote)
{
	struct evtchn_alloc_unbound op = { .dom = dom, .remote_dom = remote };
	long rc = hc_event_channel_op(EVTCHNOP_alloc_unbound, &op);

	return rc ? rc : (long)op.port;
}

long event_bind_interdomain(domid_t remote, evtchn_port_t remote_port)
{
	struct evtchn_bind_interdomain op = { .remote_dom = remote, .remote_port = remote_port };
	long rc = hc_event_channel_op(EVTCHNOP_bind_interdomain, &op);

	return rc ? rc : (long)op.local_port;
}

long event_bind_virq(unsigned int virq, unsigned int vcpu)
{
	struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
	long rc = hc_event_channel_op(EVTCHNOP_bind_virq, &op);

	return rc ? rc : (long)op.port;
}

long event_bind_ipi(unsigned int vcpu)
{
	struct evtchn_bind_ipi op = { .vcpu = vcpu };
	long rc = hc_event_channel_op(EVTCHNOP_bind_ipi, &op);

	return rc ? rc : (long)op.port;
}

long event_close(evtchn_port_t port)
{
	struct evtchn_close op = { .port = port };

	if (port < EVENT_PORTS) {
		event_mask(port);
		handlers[port] = NULL;
	}
	return hc_event_channel_op(EVTCHNOP_close, &op);
}

long event_send(evtchn_port_t port)
{
	struct evtchn_send op = { .port = port };

	return hc_event_channel_op(EVTCHNOP_send, &op);
}

long event_unmask(evtchn_port_t port)
{
	struct evtchn_unmask op = { .port = port };

	return hc_event_channel_op(EVTCHNOP_unmask, &op);
}

void event_mask(evtchn_port_t port)
{
	if (fifo_active)
		fifo_set(port, EVTCHN_FIFO_MASKED);
	else
		__atomic_fetch_or(&shared_info->evtchn_mask[port / 64], 1ull << port % 64, __ATOMIC_SEQ_CST);
}

void event_unmask_plain(evtchn_port_t port)
{
	if (fifo_active)
		fifo_clear(port, EVTCHN_FIFO_MASKED);
	else
		__atomic_fetch_and(&shared_info->evtchn_mask[port / 64], ~(1ull << port % 64),
				   __ATOMIC_SEQ_CST);
}

bool event_is_pending(evtchn_port_t port)
{
	return fifo_active ? fifo_test(port, EVTCHN_FIFO_PENDING)
			   : READ_ONCE(shared_info->evtchn_pending[port / 64]) >> port % 64 & 1;
}

bool event_is_masked(evtchn_port_t port)
{
	return fifo_active ? fifo_test(port, EVTCHN_FIFO_MASKED)
			   : READ_ONCE(shared_info->evtchn_mask[port / 64]) >> port % 64 & 1;
}

void event_clear(evtchn_port_t port)
{
	if (fifo_active)
		fifo_clear(port, EVTCHN_FIFO_PENDING);
	else
		__atomic_fetch_and(&shared_info->evtchn_pending[port / 64], ~(1ull << port % 64),
				   __ATOMIC_SEQ_CST);
}

bool event_wait(evtchn_port_t port, unsigned int before, unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (event_count[port] == before) {
		if (system_time() >= end)
			return false;
		timer_arm(MIN(end, system_time() + 1000000));
		irq_disable();
		if (event_count[port] == before)
			wait_for_interrupt();
		irq_enable();
	}
	return true;
}
