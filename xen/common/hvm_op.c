// SPDX-License-Identifier: GPL-2.0-only
/* The hvm_op hypercall: parameters of a domain, upcall vectors, small services. ABI: public/hvm/ */
#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <asm/hvm.h>
#include <asm/p2m.h>
#include <public/hvm/hvm_op.h>
#include <public/hvm/params.h>
#include <public/sched.h>

/* ---- parameters ---- */

/* The part of an event number that a guest may choose. */
#define TRACE_EVENT_MAX 0xfff

#define GUEST_READS	1U
#define GUEST_WRITES	2U
#define SET_ONCE	4U
#define KNOWN		8U /* privileged domains only, unless said otherwise */

static const struct param_row {
	const char *name;
	u8 flags;
} param_table[HVM_NR_PARAMS] = {
	[HVM_PARAM_CALLBACK_IRQ] = { "callback_irq", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_STORE_PFN] = { "store_pfn", KNOWN | GUEST_READS },
	[HVM_PARAM_STORE_EVTCHN] = { "store_evtchn", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_IOREQ_PFN] = { "ioreq_pfn", KNOWN },
	[HVM_PARAM_BUFIOREQ_PFN] = { "bufioreq_pfn", KNOWN },
	[HVM_PARAM_VIRIDIAN] = { "viridian", KNOWN | SET_ONCE },
	[HVM_PARAM_TIMER_MODE] = { "timer_mode", KNOWN },
	[HVM_PARAM_HPET_ENABLED] = { "hpet_enabled", KNOWN },
	[HVM_PARAM_IDENT_PT] = { "ident_pt", KNOWN },
	[HVM_PARAM_ACPI_S_STATE] = { "acpi_s_state", KNOWN },
	[HVM_PARAM_VM86_TSS] = { "vm86_tss", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_VPT_ALIGN] = { "vpt_align", KNOWN },
	[HVM_PARAM_CONSOLE_PFN] = { "console_pfn", KNOWN | GUEST_READS },
	[HVM_PARAM_CONSOLE_EVTCHN] = { "console_evtchn", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_ACPI_IOPORTS_LOCATION] = { "acpi_ioports_location", KNOWN },
	[HVM_PARAM_PAGING_RING_PFN] = { "paging_ring_pfn", KNOWN },
	[HVM_PARAM_MONITOR_RING_PFN] = { "monitor_ring_pfn", KNOWN },
	[HVM_PARAM_SHARING_RING_PFN] = { "sharing_ring_pfn", KNOWN },
	[HVM_PARAM_TRIPLE_FAULT_REASON] = { "triple_fault_reason", KNOWN },
	[HVM_PARAM_IOREQ_SERVER_PFN] = { "ioreq_server_pfn", KNOWN | SET_ONCE },
	[HVM_PARAM_NR_IOREQ_SERVER_PAGES] = { "nr_ioreq_server_pages", KNOWN | SET_ONCE },
	[HVM_PARAM_VM_GENERATION_ID_ADDR] = { "vm_generation_id_addr", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_ALTP2M] = { "altp2m", KNOWN | SET_ONCE | GUEST_READS },
	[HVM_PARAM_X87_FIP_WIDTH] = { "x87_fip_width", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_VM86_TSS_SIZED] = { "vm86_tss_sized", KNOWN | GUEST_READS | GUEST_WRITES },
	[HVM_PARAM_MCA_CAP] = { "mca_cap", KNOWN | SET_ONCE },
};

/* 0: let value be stored; otherwise the error. */
static int param_check_value(struct domain *d, u32 index, u64 value)
{
	switch (index) {
	case HVM_PARAM_CALLBACK_IRQ:
		return hvm_set_callback_via(d, value);
	case HVM_PARAM_TIMER_MODE:
		return value > HVMPTM_one_missed_tick_pending ? -EINVAL : 0;
	case HVM_PARAM_TRIPLE_FAULT_REASON:
		return value > SHUTDOWN_MAX ? -EINVAL : 0;
	case HVM_PARAM_X87_FIP_WIDTH:
		return value == 0 || value == 4 || value == 8 ? 0 : -EINVAL;
	case HVM_PARAM_VIRIDIAN:
	case HVM_PARAM_ALTP2M:
	case HVM_PARAM_MCA_CAP:
		/* Not offered: only "off" can be chosen. */
		return value ? -EOPNOTSUPP : 0;
	case HVM_PARAM_ACPI_S_STATE:
	case HVM_PARAM_HPET_ENABLED:
		return value ? -EINVAL : 0;
	case HVM_PARAM_NR_IOREQ_SERVER_PAGES:
		return value > 8 ? -EINVAL : 0;
	}
	return 0;
}

static int param_set(struct domain *d, u32 index, u64 value)
{
	u8 flags = param_table[index].flags;
	u64 *param = &d->arch.hvm.params[index];
	int rc;

	if (!flags || (d == current->domain && !(flags & GUEST_WRITES)))
		return flags ? -EPERM : -EINVAL;
	if (flags & SET_ONCE && *param && *param != value)
		return -EEXIST;
	rc = param_check_value(d, index, value);
	if (!rc)
		WRITE_ONCE(*param, value);
	return rc;
}

static int param_get(struct domain *d, u32 index, u64 *value)
{
	u8 flags = param_table[index].flags;

	if (!flags || (d == current->domain && !(flags & GUEST_READS)))
		return flags ? -EPERM : -EINVAL;
	*value = READ_ONCE(d->arch.hvm.params[index]);
	return 0;
}

/*
 * -ESRCH; -EINVAL: no such parameter or value; -EPERM: not yours to touch; -EEXIST: can be set only
 * once.
 */
static long param_op(unsigned long arg, bool set)
{
	struct xen_hvm_param op;
	struct domain *d;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.index >= HVM_NR_PARAMS)
		return -EINVAL;
	rc = get_domain_for(set ? ACCESS_HVM_PARAM_SET : ACCESS_HVM_PARAM_GET, op.domid, &d);
	if (rc)
		return rc;
	rc = set ? param_set(d, op.index, op.value) : param_get(d, op.index, &op.value);
	put_domain(d);
	if (!rc && !set && copy_to_guest_va(arg, &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}

static long set_param(unsigned long arg) { return param_op(arg, true); }

static long get_param(unsigned long arg) { return param_op(arg, false); }

/* ---- the rest ---- */

static long flush_tlbs(unsigned long arg)
{
	if (arg)
		return -EINVAL;
	/*
	 * Drops combined translations, which are all there are with EPT, on every CPU the domain
	 * used.
	 */
	p2m_flush_hook(current->domain->arch.p2m, true);
	return 0;
}

/* A hint for shadow paging. */
static long pagetable_dying(unsigned long arg)
{
	struct xen_hvm_pagetable_dying op;

	return copy_from_guest_va(&op, arg, sizeof(op)) ? -EFAULT : -EINVAL;
}

static long get_time(unsigned long arg)
{
	struct xen_hvm_get_time op = { .now = (u64)NOW() };

	return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* There is no trace buffer; what a guest puts there is dropped, as on Xen with tracing off. */
static long trace(unsigned long arg)
{
	struct xen_hvm_xentrace op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	return op.extra_bytes > sizeof(op.extra) || op.event > TRACE_EVENT_MAX ? -EINVAL : 0;
}

static long get_mem_type(unsigned long arg)
{
	struct xen_hvm_get_mem_type op;
	struct domain *d;
	enum p2m_type t;
	long rc;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	rc = get_domain_for(ACCESS_HVM_MEM_TYPE, op.domid, &d);
	if (rc)
		return rc;
	(void)p2m_lookup(d, _gfn(op.pfn), &t, NULL);
	op.mem_type = t == p2m_ram_ro || t == p2m_grant_ro   ? HVMMEM_ram_ro
		      : p2m_is_referenced(t) || t == p2m_pod ? HVMMEM_ram_rw
							     : HVMMEM_mmio_dm;
	put_domain(d);
	return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* -EINVAL: vectors below 16 are exceptions; -ENOENT: no such vCPU. */
static long set_upcall_vector(unsigned long arg)
{
	struct xen_hvm_evtchn_upcall_vector op;
	struct domain *d = current->domain;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.vector < 16)
		return -EINVAL;
	if (op.vcpu >= d->max_vcpus || !d->vcpu[op.vcpu])
		return -ENOENT;
	WRITE_ONCE(d->vcpu[op.vcpu]->arch.hvm.upcall_vector, op.vector);
	return 0;
}

static long not_offered(unsigned long arg) { return -EOPNOTSUPP; }

static const struct hvm_row {
	const char *name;
	long (*fn)(unsigned long arg);
} hvm_table[] = {
	[HVMOP_set_param] = { "set_param", set_param },
	[HVMOP_get_param] = { "get_param", get_param },
	[HVMOP_flush_tlbs] = { "flush_tlbs", flush_tlbs },
	[HVMOP_pagetable_dying] = { "pagetable_dying", pagetable_dying },
	[HVMOP_get_time] = { "get_time", get_time },
	[HVMOP_xentrace] = { "xentrace", trace },
	[HVMOP_get_mem_type] = { "get_mem_type", get_mem_type },
	[HVMOP_set_evtchn_upcall_vector] = { "set_evtchn_upcall_vector", set_upcall_vector },
	[HVMOP_guest_request_vm_event] = { "guest_request_vm_event", not_offered },
	[HVMOP_altp2m] = { "altp2m", not_offered },
};

long do_hvm_op(const unsigned long *a)
{
	unsigned int cmd = (unsigned int)a[0];

	if (cmd >= ARRAY_SIZE(hvm_table) || !hvm_table[cmd].fn)
		return hypercall_unimplemented("hvm_op", cmd);
	return hvm_table[cmd].fn(a[1]);
}
