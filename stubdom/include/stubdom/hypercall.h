/* SPDX-License-Identifier: GPL-2.0-only */
/* Hypercalls through the hypercall page, with one typed wrapper per hypercall. */
#ifndef STUBDOM_HYPERCALL_H
#define STUBDOM_HYPERCALL_H

#include <stubdom/types.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>
#include <xen/domctl.h>
#include <xen/sysctl.h>
#include <xen/platform.h>

extern uint8_t hypercall_page[PAGE_SIZE];
/* First Xen CPUID leaf (0x40000000 or a later multiple of 0x100); 0: no hypervisor found. */
extern uint32_t xen_cpuid_base;

/* Find the hypervisor by CPUID and have it fill the hypercall page. False: not on Xen's ABI. */
bool hypercall_init(void);

static inline long hypercall(unsigned int nr, unsigned long a1, unsigned long a2, unsigned long a3,
			     unsigned long a4, unsigned long a5)
{
	register unsigned long r10 __asm__("r10") = a4;
	register unsigned long r8 __asm__("r8") = a5;
	long ret;

	__asm__ volatile("call *%[entry]"
			 : "=a"(ret), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10), "+r"(r8)
			 : [entry] "b"(hypercall_page + nr * 32)
			 : "memory", "cc");
	return ret;
}

#define HC_PTR(p) ((unsigned long)(p))

static inline long hc_memory_op(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_memory_op, cmd, HC_PTR(arg), 0, 0, 0);
}

static inline long hc_xen_version(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_xen_version, cmd, HC_PTR(arg), 0, 0, 0);
}

static inline long hc_console_io(unsigned int cmd, unsigned int count, const void *buf)
{
	return hypercall(__HYPERVISOR_console_io, cmd, count, HC_PTR(buf), 0, 0);
}

static inline long hc_event_channel_op(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_event_channel_op, cmd, HC_PTR(arg), 0, 0, 0);
}

static inline long hc_grant_table_op(unsigned int cmd, void *arg, unsigned int count)
{
	return hypercall(__HYPERVISOR_grant_table_op, cmd, HC_PTR(arg), count, 0, 0);
}

static inline long hc_vcpu_op(unsigned int cmd, unsigned int vcpu, void *arg)
{
	return hypercall(__HYPERVISOR_vcpu_op, cmd, vcpu, HC_PTR(arg), 0, 0);
}

static inline long hc_sched_op(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_sched_op, cmd, HC_PTR(arg), 0, 0, 0);
}

static inline long hc_hvm_op(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_hvm_op, cmd, HC_PTR(arg), 0, 0, 0);
}

static inline long hc_physdev_op(unsigned int cmd, void *arg)
{
	return hypercall(__HYPERVISOR_physdev_op, cmd, HC_PTR(arg), 0, 0, 0);
}

static inline long hc_vm_assist(unsigned int cmd, unsigned int type)
{
	return hypercall(__HYPERVISOR_vm_assist, cmd, type, 0, 0, 0);
}

static inline long hc_set_timer_op(uint64_t timeout_ns)
{
	return hypercall(__HYPERVISOR_set_timer_op, timeout_ns, 0, 0, 0, 0);
}

static inline long hc_multicall(void *list, unsigned int count)
{
	return hypercall(__HYPERVISOR_multicall, HC_PTR(list), count, 0, 0, 0);
}

static inline long hc_platform_op(struct xen_platform_op *op)
{
	op->interface_version = XENPF_INTERFACE_VERSION;
	return hypercall(__HYPERVISOR_platform_op, HC_PTR(op), 0, 0, 0, 0);
}

/* The interface version is filled in; everything else is the caller's. */
static inline long hc_domctl(struct xen_domctl *op)
{
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return hypercall(__HYPERVISOR_domctl, HC_PTR(op), 0, 0, 0, 0);
}

static inline long hc_sysctl(struct xen_sysctl *op)
{
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	return hypercall(__HYPERVISOR_sysctl, HC_PTR(op), 0, 0, 0, 0);
}

/* HVMOP_set_param and HVMOP_get_param; the value goes through *value. */
long hvm_param_set(domid_t domid, uint32_t index, uint64_t value);
long hvm_param_get(domid_t domid, uint32_t index, uint64_t *value);

#endif
