// SPDX-License-Identifier: GPL-2.0-only
/* domctl of x86: a guest's processor and platform state. Memory: domctl_mem.c. ABI: public/domctl.h. */
#include <xen/domctl.h>
#include <xen/errno.h>
#include <xen/lib.h>
#include <asm/hvm.h>
#include <asm/p2m.h>
#include <asm/processor.h>

u8 arch_gpaddr_bits(void)
{
	/* Four levels of EPT translate 48 bits; no machine has more here. */
	return (u8)min(cpuid_eax(0x80000008) & 0xff, 48U);
}

void arch_fill_domaininfo(struct domain *d, struct xen_arch_domainconfig *config)
{
	config->emulation_flags = d->arch.emulation_flags;
	config->misc_flags = 0;
}

/* Widths and lists of MSRs are set this way for PV guests only. */
long arch_domctl_address_size(struct domain *d, struct xen_domctl *op, bool *copyback) { return -EOPNOTSUPP; }

long arch_domctl_vcpu_msrs(struct domain *d, struct xen_domctl *op, bool *copyback) { return -EINVAL; }

long arch_domctl_hypercall_init(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	return hvm_write_hypercall_page(d, gfn_to_gpa(_gfn(op->u.hypercall_init.gmfn))) ? -EINVAL : 0;
}

/* ---- vCPU context: for PVH only the user registers travel this way; the rest is in the HVM context ---- */

static void regs_to_user(const struct guest_regs *r, struct cpu_user_regs *u)
{
	u->rax = r->rax;
	u->rbx = r->rbx;
	u->rcx = r->rcx;
	u->rdx = r->rdx;
	u->rsi = r->rsi;
	u->rdi = r->rdi;
	u->rbp = r->rbp;
	u->rsp = r->rsp;
	u->r8 = r->r8;
	u->r9 = r->r9;
	u->r10 = r->r10;
	u->r11 = r->r11;
	u->r12 = r->r12;
	u->r13 = r->r13;
	u->r14 = r->r14;
	u->r15 = r->r15;
	u->rip = r->rip;
	u->rflags = r->rflags;
}

static void user_to_regs(const struct cpu_user_regs *u, struct guest_regs *r)
{
	r->rax = u->rax;
	r->rbx = u->rbx;
	r->rcx = u->rcx;
	r->rdx = u->rdx;
	r->rsi = u->rsi;
	r->rdi = u->rdi;
	r->rbp = u->rbp;
	r->rsp = u->rsp;
	r->r8 = u->r8;
	r->r9 = u->r9;
	r->r10 = u->r10;
	r->r11 = u->r11;
	r->r12 = u->r12;
	r->r13 = u->r13;
	r->r14 = u->r14;
	r->r15 = u->r15;
	r->rip = u->rip;
	r->rflags = u->rflags;
}

static u16 selector(struct vcpu *v, enum hvm_seg seg)
{
	struct hvm_segment s;

	hvm->get_segment(v, seg, &s);
	return s.sel;
}

static void fill_context(struct vcpu *v, vcpu_guest_context_t *c)
{
	regs_to_user(&v->arch.regs, &c->user_regs);
	c->user_regs.cs = selector(v, HVM_SEG_CS);
	c->user_regs.ss = selector(v, HVM_SEG_SS);
	c->user_regs.ds = selector(v, HVM_SEG_DS);
	c->user_regs.es = selector(v, HVM_SEG_ES);
	c->user_regs.fs = selector(v, HVM_SEG_FS);
	c->user_regs.gs = selector(v, HVM_SEG_GS);
	c->ctrlreg[0] = v->arch.hvm.cr0;
	c->ctrlreg[2] = v->arch.hvm.cr2;
	c->ctrlreg[3] = hvm->get_cr3(v);
	c->ctrlreg[4] = v->arch.hvm.cr4;
	c->flags = VGCF_in_kernel;
	if (!test_bit(VPF_down, &v->pause_flags))
		c->flags |= VGCF_online;
}

static long vcpu_of_context(struct domain *d, const struct xen_domctl_vcpucontext *c, struct vcpu **v)
{
	if (c->vcpu >= d->max_vcpus)
		return -EINVAL;
	*v = domain_vcpu(d, c->vcpu);
	if (!*v)
		return -ESRCH;
	return *v == current || d == current->domain ? -EINVAL : 0;
}

long arch_domctl_getvcpucontext(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_vcpucontext *vc = &op->u.vcpucontext;
	vcpu_guest_context_t *c;
	struct vcpu *v;
	long rc = vcpu_of_context(d, vc, &v);

	if (rc)
		return rc;
	if (!v->is_initialised)
		return -ENODATA;
	c = xzalloc(vcpu_guest_context_t);
	if (!c)
		return -ENOMEM;
	vcpu_pause(v);
	fill_context(v, c);
	vcpu_unpause(v);
	if (copy_to_guest_va((unsigned long)vc->ctxt.p, c, sizeof(*c)))
		rc = -EFAULT;
	xfree(c);
	return rc;
}

long arch_domctl_setvcpucontext(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_vcpucontext *vc = &op->u.vcpucontext;
	vcpu_guest_context_t *c;
	struct vcpu *v;
	long rc = vcpu_of_context(d, vc, &v);

	if (rc)
		return rc;
	/* A null pointer: back to the state before it was brought up. */
	if (!vc->ctxt.p) {
		vcpu_pause(v);
		hvm_vcpu_reset(v);
		v->is_initialised = false;
		set_bit(VPF_down, &v->pause_flags);
		vcpu_unpause(v);
		return 0;
	}
	c = xzalloc(vcpu_guest_context_t);
	if (!c)
		return -ENOMEM;
	if (copy_from_guest_va(c, (unsigned long)vc->ctxt.p, sizeof(*c)))
		rc = -EFAULT;
	if (!rc) {
		vcpu_pause(v);
		user_to_regs(&c->user_regs, &v->arch.regs);
		v->is_initialised = true;
		if (c->flags & VGCF_online)
			clear_bit(VPF_down, &v->pause_flags);
		else
			set_bit(VPF_down, &v->pause_flags);
		vcpu_unpause(v);
		vcpu_wake(v);
	}
	xfree(c);
	return rc;
}

long arch_domctl_sendtrigger(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	const struct xen_domctl_sendtrigger *t = &op->u.sendtrigger;
	struct vcpu *v = domain_vcpu(d, t->vcpu);

	if (!v)
		return -ESRCH;
	switch (t->trigger) {
	case XEN_DOMCTL_SENDTRIGGER_NMI:
		hvm_inject_nmi(v);
		return 0;
	case XEN_DOMCTL_SENDTRIGGER_POWER:
	case XEN_DOMCTL_SENDTRIGGER_SLEEP:
		/* As on Xen no error, though the buttons are those of a platform that PVH guests do not have. */
		printk(XENLOG_G_WARNING "d%u: has no ACPI button to press (trigger %u)\n", d->domain_id,
		       t->trigger);
		return 0;
	default:
		return hypercall_unimplemented("domctl sendtrigger", t->trigger);
	}
}

/* ---- HVM context ---- */

#define CONTEXT_MAX MB(2)

long arch_domctl_gethvmcontext(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_hvmcontext *h = &op->u.hvmcontext;
	size_t size = hvm_context_size(d), used = 0;
	unsigned int order = get_order_from_bytes(size);
	void *buf;
	long rc;

	*copyback = true;
	if (!h->buffer.p) {
		h->size = (u32)size;
		return 0;
	}
	if (d == current->domain)
		return -EINVAL;
	if (h->size < size)
		return -ENOSPC;
	buf = alloc_xenheap_pages(order, 0);
	if (!buf)
		return -ENOMEM;
	domain_pause(d);
	rc = hvm_context_save(d, buf, size, &used);
	domain_unpause(d);
	h->size = (u32)used;
	if (!rc && copy_to_guest_va((unsigned long)h->buffer.p, buf, used))
		rc = -EFAULT;
	free_xenheap_pages(buf, order);
	return rc;
}

long arch_domctl_sethvmcontext(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	const struct xen_domctl_hvmcontext *h = &op->u.hvmcontext;
	unsigned int order = get_order_from_bytes(h->size);
	void *buf;
	long rc;

	if (d == current->domain || !h->size || h->size > CONTEXT_MAX)
		return -EINVAL;
	buf = alloc_xenheap_pages(order, 0);
	if (!buf)
		return -ENOMEM;
	if (copy_from_guest_va(buf, (unsigned long)h->buffer.p, h->size)) {
		rc = -EFAULT;
	} else {
		domain_pause(d);
		rc = hvm_context_load(d, buf, h->size);
		domain_unpause(d);
	}
	free_xenheap_pages(buf, order);
	return rc;
}

long arch_domctl_gethvmcontext_partial(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_hvmcontext_partial *p = &op->u.hvmcontext_partial;
	size_t size = hvm_context_size(d), used = 0;
	unsigned int order;
	void *buf;
	long rc;

	if (d == current->domain || p->type > 0xffff || p->instance > 0xffff)
		return -EINVAL;
	*copyback = true;
	if (!p->buffer.p) {
		p->bufsz = size;
		return 0;
	}
	size = min((u64)size, p->bufsz);
	order = get_order_from_bytes(size);
	buf = alloc_xenheap_pages(order, 0);
	if (!buf)
		return -ENOMEM;
	domain_pause(d);
	rc = hvm_context_save_one(d, (u16)p->type, (u16)p->instance, buf, size, &used);
	domain_unpause(d);
	p->bufsz = used;
	if (!rc && copy_to_guest_va((unsigned long)p->buffer.p, buf, used))
		rc = -EFAULT;
	free_xenheap_pages(buf, order);
	return rc;
}

/* ---- time stamp counter ---- */

long arch_domctl_gettscinfo(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_tsc_info *t = &op->u.tsc_info;
	/* Nothing of a TSC that is the machine's own goes along with its domain. */
	bool own = d->arch.hvm.tsc_mode != TSC_MODE_NEVER;

	t->tsc_mode = d->arch.hvm.tsc_mode;
	t->gtsc_khz = own ? (u32)(d->arch.hvm.tsc_khz ? d->arch.hvm.tsc_khz : tsc_khz) : 0;
	t->incarnation = d->arch.hvm.tsc_incarnation;
	t->elapsed_nsec = own ? (u64)NOW() + d->arch.hvm.tsc_elapsed_offset : 0;
	*copyback = true;
	return 0;
}

long arch_domctl_settscinfo(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	const struct xen_domctl_tsc_info *t = &op->u.tsc_info;
	int rc;

	if (d == current->domain)
		return -EINVAL;
	domain_pause(d);
	rc = hvm_set_tsc_mode(d, t->tsc_mode, t->gtsc_khz);
	if (!rc) {
		d->arch.hvm.tsc_incarnation = t->incarnation;
		d->arch.hvm.tsc_elapsed_offset = t->elapsed_nsec - (u64)NOW();
	}
	domain_unpause(d);
	return rc;
}

/* ---- CPUID and MSR policy ---- */

#define POLICY_LEAVES_MAX 1024U
#define POLICY_MSRS_MAX	  64U

long arch_domctl_get_cpu_policy(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	u32 nl = min(p->nr_leaves, POLICY_LEAVES_MAX), nm = min(p->nr_msrs, POLICY_MSRS_MAX);
	xen_cpuid_leaf_t *leaves = xzalloc_array(xen_cpuid_leaf_t, nl ? nl : 1);
	xen_msr_entry_t *msrs = xzalloc_array(xen_msr_entry_t, nm ? nm : 1);
	long rc = leaves && msrs ? 0 : -ENOMEM;

	if (!rc)
		rc = cpu_policy_get(d, leaves, &nl, msrs, &nm);
	if (!rc && (copy_to_guest(p->leaves, leaves, nl) || copy_to_guest(p->msrs, msrs, nm)))
		rc = -EFAULT;
	p->nr_leaves = nl;
	p->nr_msrs = nm;
	*copyback = true;
	xfree(leaves);
	xfree(msrs);
	return rc;
}

long arch_domctl_set_cpu_policy(struct domain *d, struct xen_domctl *op, bool *copyback)
{
	struct xen_domctl_cpu_policy *p = &op->u.cpu_policy;
	xen_cpuid_leaf_t *leaves;
	xen_msr_entry_t *msrs;
	u32 err[3] = { ~0U, ~0U, ~0U };
	long rc;

	if (d == current->domain || p->nr_leaves > POLICY_LEAVES_MAX || p->nr_msrs > POLICY_MSRS_MAX)
		return d == current->domain ? -EINVAL : -E2BIG;
	leaves = xzalloc_array(xen_cpuid_leaf_t, p->nr_leaves ? p->nr_leaves : 1);
	msrs = xzalloc_array(xen_msr_entry_t, p->nr_msrs ? p->nr_msrs : 1);
	rc = leaves && msrs ? 0 : -ENOMEM;
	if (!rc &&
	    (copy_from_guest(leaves, p->leaves, p->nr_leaves) || copy_from_guest(msrs, p->msrs, p->nr_msrs)))
		rc = -EFAULT;
	if (!rc) {
		domain_pause(d);
		rc = d->creation_finished ? -EEXIST
					  : cpu_policy_set(d, leaves, p->nr_leaves, msrs, p->nr_msrs, err);
		domain_unpause(d);
	}
	p->err_leaf = err[0];
	p->err_subleaf = err[1];
	p->err_msr = err[2];
	*copyback = true;
	xfree(leaves);
	xfree(msrs);
	return rc;
}
