/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A domain's virtual machine as save records (public/hvm/save.h,
 * public/arch-x86/hvm/save.h): what XEN_DOMCTL_gethvmcontext gives and
 * XEN_DOMCTL_sethvmcontext takes. Each record type is a row with its saver and
 * loader; records come in the order of the table, one per vCPU where they are
 * per vCPU. What is loaded comes from outside: it is checked, and a record is
 * refused as a whole.
 *
 * The domain is paused, and it is not the caller's.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <public/hvm/save.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/processor.h>

/* ---- CPU ---- */

static const struct {
	u8 seg;
	u16 sel, limit, base, attr;
} seg_fields[] = {
#define SEG(name, field)                                                  \
	{                                                                 \
		HVM_SEG_##name, offsetof(struct hvm_hw_cpu, field##_sel), \
			offsetof(struct hvm_hw_cpu, field##_limit),       \
			offsetof(struct hvm_hw_cpu, field##_base),        \
			offsetof(struct hvm_hw_cpu, field##_arbytes)      \
	}
	SEG(ES, es), SEG(CS, cs), SEG(SS, ss),	   SEG(DS, ds),
	SEG(FS, fs), SEG(GS, gs), SEG(LDTR, ldtr), SEG(TR, tr),
#undef SEG
};

static void save_segments(struct vcpu *v, struct hvm_hw_cpu *out)
{
	struct hvm_segment s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seg_fields); i++) {
		hvm->get_segment(v, (enum hvm_seg)seg_fields[i].seg, &s);
		*(u32 *)((char *)out + seg_fields[i].sel) = s.sel;
		*(u32 *)((char *)out + seg_fields[i].limit) = s.limit;
		*(u64 *)((char *)out + seg_fields[i].base) = s.base;
		/* An unusable segment is one that is not present. */
		*(u32 *)((char *)out + seg_fields[i].attr) = s.attr & HVM_SEG_UNUSABLE ? 0 : s.attr;
	}
	hvm->get_segment(v, HVM_SEG_GDTR, &s);
	out->gdtr_base = s.base;
	out->gdtr_limit = s.limit;
	hvm->get_segment(v, HVM_SEG_IDTR, &s);
	out->idtr_base = s.base;
	out->idtr_limit = s.limit;
}

static void load_segments(struct vcpu *v, const struct hvm_hw_cpu *in)
{
	struct hvm_segment s;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(seg_fields); i++) {
		s.sel = (u16) * (const u32 *)((const char *)in + seg_fields[i].sel);
		s.limit = *(const u32 *)((const char *)in + seg_fields[i].limit);
		s.base = *(const u64 *)((const char *)in + seg_fields[i].base);
		s.attr = (u16)(*(const u32 *)((const char *)in + seg_fields[i].attr) & 0xfff);
		if (!(s.attr & HVM_SEG_P))
			s.attr |= HVM_SEG_UNUSABLE;
		hvm->set_segment(v, (enum hvm_seg)seg_fields[i].seg, &s);
	}
	s = (struct hvm_segment){ .base = in->gdtr_base, .limit = in->gdtr_limit & 0xffff };
	hvm->set_segment(v, HVM_SEG_GDTR, &s);
	s = (struct hvm_segment){ .base = in->idtr_base, .limit = in->idtr_limit & 0xffff };
	hvm->set_segment(v, HVM_SEG_IDTR, &s);
}

static void save_event(const struct hvm_event *e, struct hvm_hw_cpu *out)
{
	/* An external interrupt has left the local APIC already, so it must travel as well. */
	if (!e->pending)
		return;
	out->pending_vector = e->vector;
	out->pending_type = e->type & 7;
	out->pending_error_valid = e->has_error;
	out->pending_valid = 1;
	out->error_code = e->has_error ? e->error : 0;
}

static u64 vendor_msr(struct vcpu *v, u32 msr)
{
	u64 val = 0;

	(void)hvm->rdmsr(v, msr, &val);
	return val;
}

void hvm_save_cpu(struct vcpu *v, struct hvm_hw_cpu *out)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	const struct guest_regs *r = &v->arch.regs;

	sync_vcpu_state(v);
	memset(out, 0, sizeof(*out));
	memcpy(out->fpu_regs, h->xsave_area, sizeof(out->fpu_regs));
	out->flags = XEN_X86_FPU_INITIALISED;
	out->rax = r->rax;
	out->rbx = r->rbx;
	out->rcx = r->rcx;
	out->rdx = r->rdx;
	out->rbp = r->rbp;
	out->rsi = r->rsi;
	out->rdi = r->rdi;
	out->rsp = r->rsp;
	memcpy(&out->r8, &r->r8, 8 * sizeof(u64));
	out->rip = r->rip;
	out->rflags = r->rflags;
	out->cr0 = h->cr0;
	out->cr2 = h->cr2;
	out->cr3 = hvm->get_cr3(v);
	out->cr4 = h->cr4;
	memcpy(&out->dr0, h->dr, sizeof(h->dr));
	out->dr6 = h->dr6;
	out->dr7 = hvm->get_dr7(v);
	save_segments(v, out);
	out->sysenter_cs = vendor_msr(v, MSR_IA32_SYSENTER_CS);
	out->sysenter_esp = vendor_msr(v, MSR_IA32_SYSENTER_ESP);
	out->sysenter_eip = vendor_msr(v, MSR_IA32_SYSENTER_EIP);
	out->shadow_gs = h->msr_kernel_gs;
	out->msr_lstar = h->msr_lstar;
	out->msr_star = h->msr_star;
	out->msr_cstar = h->msr_cstar;
	out->msr_syscall_mask = h->msr_sfmask;
	out->msr_efer = h->efer;
	out->msr_tsc_aux = h->msr_tsc_aux;
	out->tsc = hvm_guest_tsc(v);
	save_event(&h->event, out);
}

static bool is_canonical(u64 a) { return (u64)((s64)(a << 16) >> 16) == a; }

/* What VM entry or a WRMSR would refuse. */
static int check_cpu(const struct domain *d, const struct hvm_hw_cpu *in)
{
	bool lma = in->msr_efer & EFER_LMA;

	if (in->cr0 >> 32 || !(in->cr0 & X86_CR0_ET) || ((in->cr0 & X86_CR0_PG) && !(in->cr0 & X86_CR0_PE)) ||
	    in->flags & ~XEN_X86_FPU_INITIALISED)
		return -EINVAL;
	if ((in->cr4 & ~cpu_policy_cr4_mask(d)) || (in->msr_efer & ~(cpu_policy_efer_mask(d) | EFER_LMA)) ||
	    in->cr3 >> cpu_policy_phys_bits(d))
		return -EINVAL;
	if (lma && (!(in->msr_efer & EFER_LME) || !(in->cr0 & X86_CR0_PG) || !(in->cr4 & X86_CR4_PAE)))
		return -EINVAL;
	if (!lma && (in->cr4 & X86_CR4_PCIDE))
		return -EINVAL;
	if (!is_canonical(in->sysenter_esp) || !is_canonical(in->sysenter_eip) ||
	    !is_canonical(in->shadow_gs) || !is_canonical(in->msr_lstar) || !is_canonical(in->msr_cstar) ||
	    !is_canonical(in->fs_base) || !is_canonical(in->gs_base) || !is_canonical(in->tr_base) ||
	    !is_canonical(in->ldtr_base) || !is_canonical(in->gdtr_base) || !is_canonical(in->idtr_base))
		return -EINVAL;
	if (in->dr6 >> 32 || in->dr7 >> 32 || in->msr_syscall_mask >> 32 || in->msr_tsc_aux >> 32)
		return -EINVAL;
	if (in->pending_valid && (in->pending_type == 1 || in->pending_type == 7 ||
				  (in->pending_type == HVM_EVENT_HW_EXCEPTION && in->pending_vector > 31)))
		return -EINVAL;
	return 0;
}

static void load_event(struct hvm_event *e, const struct hvm_hw_cpu *in)
{
	memset(e, 0, sizeof(*e));
	if (!in->pending_valid)
		return;
	e->pending = true;
	e->type = in->pending_type;
	e->vector = in->pending_vector;
	e->has_error = in->pending_error_valid && in->pending_type == HVM_EVENT_HW_EXCEPTION;
	e->error = in->error_code;
	/* A software event is raised anew by its instruction, which RIP still names. */
	if (e->type >= HVM_EVENT_SW_INT)
		e->pending = false;
}

static void load_msrs(struct vcpu *v, const struct hvm_hw_cpu *in)
{
	struct hvm_vcpu *h = &v->arch.hvm;

	(void)hvm->wrmsr(v, MSR_IA32_SYSENTER_CS, (u32)in->sysenter_cs);
	(void)hvm->wrmsr(v, MSR_IA32_SYSENTER_ESP, in->sysenter_esp);
	(void)hvm->wrmsr(v, MSR_IA32_SYSENTER_EIP, in->sysenter_eip);
	h->msr_kernel_gs = in->shadow_gs;
	h->msr_lstar = in->msr_lstar;
	h->msr_star = in->msr_star;
	h->msr_cstar = in->msr_cstar;
	h->msr_sfmask = in->msr_syscall_mask;
	h->msr_tsc_aux = in->msr_tsc_aux;
}

/* Of a legacy area from outside, MXCSR is what FXRSTOR and XRSTOR check. */
static void load_fpu(struct vcpu *v, const u8 *fpu)
{
	u8 *area = v->arch.hvm.xsave_area;

	memcpy(area, fpu, 512);
	*(u32 *)(area + 24) &= 0xffbf;
	if (hvm_xcr0_supported()) {
		memset(area + 512, 0, 64);
		*(u64 *)(area + 512) = X86_XCR0_X87 | X86_XCR0_SSE;
	}
}

/* The TSCs of a domain go together: those of vCPUs that have not started yet follow the first one's. */
static void load_tsc(struct vcpu *v, u64 tsc)
{
	struct vcpu *o;

	hvm_set_guest_tsc(v, tsc);
	vcpu_update_time_info(v);
	if (v->vcpu_id)
		return;
	for_each_vcpu(v->domain, o) {
		if (o == v || o->is_initialised)
			continue;
		o->arch.hvm.tsc_offset = v->arch.hvm.tsc_offset;
		hvm->update_tsc(o);
		vcpu_update_time_info(o);
	}
}

/* v does not run. 0, or -EINVAL and nothing has changed. */
int hvm_load_cpu(struct vcpu *v, const struct hvm_hw_cpu *in)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	struct guest_regs *r = &v->arch.regs;

	if (check_cpu(v->domain, in))
		return -EINVAL;
	sync_vcpu_state(v);
	r->rax = in->rax;
	r->rbx = in->rbx;
	r->rcx = in->rcx;
	r->rdx = in->rdx;
	r->rbp = in->rbp;
	r->rsi = in->rsi;
	r->rdi = in->rdi;
	r->rsp = in->rsp;
	memcpy(&r->r8, &in->r8, 8 * sizeof(u64));
	r->rip = in->rip;
	r->rflags = (in->rflags & 0x3f7fd7) | X86_EFLAGS_MBS;
	h->cr0 = in->cr0;
	h->cr2 = in->cr2;
	h->cr3 = in->cr3;
	h->cr4 = in->cr4;
	h->efer = in->msr_efer;
	load_segments(v, in);
	hvm->update_cr(v, 5);
	hvm->update_cr(v, 3);
	hvm->update_cr(v, 0);
	hvm->update_cr(v, 4);
	memcpy(h->dr, &in->dr0, sizeof(h->dr));
	h->dr6 = in->dr6 | X86_DR6_DEFAULT;
	hvm->update_dr7(v, in->dr7 | X86_DR7_DEFAULT);
	load_msrs(v, in);
	load_event(&h->event, in);
	h->blocking = 0;
	if (in->flags & XEN_X86_FPU_INITIALISED)
		load_fpu(v, in->fpu_regs);
	else
		hvm_fpu_reset(v);
	load_tsc(v, in->tsc);
	v->is_initialised = true;
	/* A vCPU that was down has no record. The domain is paused, so this makes nobody run yet. */
	clear_bit(VPF_down, &v->pause_flags);
	vcpu_wake(v);
	return 0;
}

/* ---- the other records. Savers return the bytes of the body, 0: there is none to save. ---- */

#define XSAVE_FIXED offsetof(struct hvm_hw_cpu_xsave, save_area)

static size_t save_header(struct domain *d, struct vcpu *v, void *out)
{
	struct hvm_save_header *h = out;

	*h = (struct hvm_save_header){ .magic = HVM_FILE_MAGIC,
				       .version = HVM_FILE_VERSION,
				       .changeset = ~0ULL,
				       .cpuid = cpu_policy_signature(d),
				       .gtsc_khz = (u32)tsc_khz };
	return sizeof(*h);
}

static int load_header(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	const struct hvm_save_header *h = in;

	return h->magic == HVM_FILE_MAGIC && h->version == HVM_FILE_VERSION ? 0 : -EINVAL;
}

static size_t save_cpu(struct domain *d, struct vcpu *v, void *out)
{
	if (!v->is_initialised || test_bit(VPF_down, &v->pause_flags))
		return 0;
	hvm_save_cpu(v, out);
	return sizeof(struct hvm_hw_cpu);
}

static int load_cpu(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	return hvm_load_cpu(v, in);
}

static size_t save_lapic(struct domain *d, struct vcpu *v, void *out)
{
	struct hvm_hw_lapic_regs regs;

	vlapic_save(v, out, &regs);
	return sizeof(struct hvm_hw_lapic);
}

static size_t save_lapic_regs(struct domain *d, struct vcpu *v, void *out)
{
	struct hvm_hw_lapic hid;

	vlapic_save(v, &hid, out);
	return sizeof(struct hvm_hw_lapic_regs);
}

/* The two records of a local APIC go together: each is loaded with what there is of the other one. */
static int load_lapic(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	struct hvm_hw_lapic hid;
	struct hvm_hw_lapic_regs regs;

	vlapic_save(v, &hid, &regs);
	return vlapic_load(v, in, &regs);
}

static int load_lapic_regs(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	struct hvm_hw_lapic hid;
	struct hvm_hw_lapic_regs regs;

	vlapic_save(v, &hid, &regs);
	return vlapic_load(v, &hid, in);
}

static size_t save_mtrr(struct domain *d, struct vcpu *v, void *out)
{
	hvm_mtrr_save(v, out);
	return sizeof(struct hvm_hw_mtrr);
}

static int load_mtrr(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	return hvm_mtrr_load(v, in);
}

static size_t save_xsave(struct domain *d, struct vcpu *v, void *out)
{
	struct hvm_hw_cpu_xsave *x = out;
	u32 size;

	if (!hvm_xcr0_supported())
		return 0;
	sync_vcpu_state(v);
	size = hvm_xsave_size(v->arch.hvm.xcr0_accum);
	x->xfeature_mask = hvm_xcr0_supported();
	x->xcr0 = v->arch.hvm.xcr0;
	x->xcr0_accum = v->arch.hvm.xcr0_accum;
	memcpy(&x->save_area, v->arch.hvm.xsave_area, size);
	return XSAVE_FIXED + size;
}

static int load_xsave(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	const struct hvm_hw_cpu_xsave *x = in;
	u8 *area = v->arch.hvm.xsave_area;
	u64 allowed = cpu_policy_xcr0_mask(d);
	u32 size;

	if (len < XSAVE_FIXED + 576 || !hvm_xcr0_supported())
		return -EINVAL;
	if ((x->xcr0 & ~x->xcr0_accum) || (x->xcr0_accum & ~allowed) ||
	    (x->save_area.xsave_hdr.xstate_bv & ~x->xcr0_accum) || x->save_area.xsave_hdr.xcomp_bv)
		return -EINVAL;
	size = hvm_xsave_size(x->xcr0_accum);
	if (len - XSAVE_FIXED < size || hvm_set_xcr0(v, x->xcr0))
		return -EINVAL;
	v->arch.hvm.xcr0_accum = x->xcr0_accum;
	memcpy(area, &x->save_area, size);
	*(u32 *)(area + 24) &= 0xffbf;
	memset(area + 520, 0, 56); /* header words that XRSTOR wants zero */
	return 0;
}

static size_t save_vmce(struct domain *d, struct vcpu *v, void *out)
{
	memset(out, 0, sizeof(struct hvm_vmce_vcpu));
	return sizeof(struct hvm_vmce_vcpu);
}

/* No machine check banks are virtualised: only a record that says so, or what a guest without use of them has. */
static int load_vmce(struct domain *d, struct vcpu *v, const void *in, size_t len) { return 0; }

static size_t save_tsc_adjust(struct domain *d, struct vcpu *v, void *out)
{
	((struct hvm_tsc_adjust *)out)->tsc_adjust = v->arch.hvm.msr_tsc_adjust;
	return sizeof(struct hvm_tsc_adjust);
}

static int load_tsc_adjust(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	v->arch.hvm.msr_tsc_adjust = ((const struct hvm_tsc_adjust *)in)->tsc_adjust;
	return 0;
}

/* MSRs beyond the CPU record. */
static size_t save_msrs(struct domain *d, struct vcpu *v, void *out)
{
	struct hvm_msr *m = out;

	m->count = 1;
	m->msr[0] = (struct hvm_one_msr){ .index = MSR_IA32_MISC_ENABLE, .val = v->arch.hvm.msr_misc_enable };
	return offsetof(struct hvm_msr, msr) + sizeof(m->msr[0]);
}

static int load_msrs_record(struct domain *d, struct vcpu *v, const void *in, size_t len)
{
	const struct hvm_msr *m = in;
	u32 i;

	if (len < offsetof(struct hvm_msr, msr) ||
	    len - offsetof(struct hvm_msr, msr) < (size_t)m->count * sizeof(m->msr[0]))
		return -EINVAL;
	for (i = 0; i < m->count; i++) {
		if (m->msr[i]._rsvd)
			return -EOPNOTSUPP;
		if (m->msr[i].index == MSR_IA32_MISC_ENABLE)
			v->arch.hvm.msr_misc_enable = m->msr[i].val;
		else if (m->msr[i].val)
			return -ENXIO;
	}
	return 0;
}

/* ---- the table ---- */

static const struct record_row {
	u16 type;
	bool per_vcpu, variable; /* variable: size is the largest */
	size_t size;
	size_t (*save)(struct domain *d, struct vcpu *v, void *out);
	int (*load)(struct domain *d, struct vcpu *v, const void *in, size_t len);
	const char *name;
} records[] = {
	{ HVM_SAVE_CODE(HEADER), false, false, sizeof(struct hvm_save_header), save_header, load_header,
	  "header" },
	{ HVM_SAVE_CODE(CPU), true, false, sizeof(struct hvm_hw_cpu), save_cpu, load_cpu, "CPU" },
	{ HVM_SAVE_CODE(LAPIC), true, false, sizeof(struct hvm_hw_lapic), save_lapic, load_lapic, "LAPIC" },
	{ HVM_SAVE_CODE(LAPIC_REGS), true, false, sizeof(struct hvm_hw_lapic_regs), save_lapic_regs,
	  load_lapic_regs, "LAPIC registers" },
	{ HVM_SAVE_CODE(MTRR), true, false, sizeof(struct hvm_hw_mtrr), save_mtrr, load_mtrr, "MTRR" },
	{ CPU_XSAVE_CODE, true, true, XSAVE_FIXED + PAGE_SIZE, save_xsave, load_xsave, "XSAVE" },
	{ HVM_SAVE_CODE(VMCE_VCPU), true, false, sizeof(struct hvm_vmce_vcpu), save_vmce, load_vmce,
	  "machine check" },
	{ HVM_SAVE_CODE(TSC_ADJUST), true, false, sizeof(struct hvm_tsc_adjust), save_tsc_adjust,
	  load_tsc_adjust, "TSC adjust" },
	{ CPU_MSR_CODE, true, true, offsetof(struct hvm_msr, msr) + 64 * sizeof(struct hvm_one_msr),
	  save_msrs, load_msrs_record, "MSRs" },
};

static const struct record_row *find_record(u16 type)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(records); i++)
		if (records[i].type == type)
			return &records[i];
	return NULL;
}

static unsigned int vcpu_count(struct domain *d)
{
	unsigned int n = 0;
	struct vcpu *v;

	for_each_vcpu(d, v)
		n++;
	return n;
}

/* An upper bound: what hvm_context_save() never exceeds. */
size_t hvm_context_size(struct domain *d)
{
	size_t size = sizeof(struct hvm_save_descriptor);
	unsigned int i, n = vcpu_count(d);

	for (i = 0; i < ARRAY_SIZE(records); i++)
		size += (records[i].per_vcpu ? n : 1) * (sizeof(struct hvm_save_descriptor) + records[i].size);
	return size;
}

/* One record at buf + *used; -ENOSPC when it may not fit. */
static int put_record(struct domain *d, const struct record_row *r, struct vcpu *v, u8 *buf, size_t size,
		      size_t *used)
{
	struct hvm_save_descriptor *desc = (void *)(buf + *used);
	size_t len;

	if (size - *used < sizeof(*desc) + r->size)
		return -ENOSPC;
	len = r->save(d, v, desc + 1);
	if (!len)
		return 0;
	desc->typecode = r->type;
	desc->instance = v ? (u16)v->vcpu_id : 0;
	desc->length = (u32)len;
	*used += sizeof(*desc) + len;
	return 0;
}

/* 0 and the bytes used, or -ENOSPC. buf is zeroed by the caller. */
int hvm_context_save(struct domain *d, void *buf, size_t size, size_t *used)
{
	unsigned int i;
	struct vcpu *v;
	int rc = 0;

	*used = 0;
	for (i = 0; i < ARRAY_SIZE(records) && !rc; i++) {
		if (!records[i].per_vcpu) {
			rc = put_record(d, &records[i], NULL, buf, size, used);
			continue;
		}
		for_each_vcpu(d, v) {
			rc = put_record(d, &records[i], v, buf, size, used);
			if (rc)
				break;
		}
	}
	if (rc || size - *used < sizeof(struct hvm_save_descriptor))
		return -ENOSPC;
	memset((u8 *)buf + *used, 0, sizeof(struct hvm_save_descriptor)); /* END */
	*used += sizeof(struct hvm_save_descriptor);
	return 0;
}

/* The body of one record. -EINVAL: no such type; -ENOENT: no such instance; -ENOSPC. */
int hvm_context_save_one(struct domain *d, u16 type, u16 instance, void *buf, size_t size, size_t *used)
{
	const struct record_row *r = find_record(type);
	struct vcpu *v = NULL;

	if (!r)
		return -EINVAL;
	if (r->per_vcpu) {
		v = instance < d->max_vcpus ? READ_ONCE(d->vcpu[instance]) : NULL;
		if (!v)
			return -ENOENT;
	} else if (instance) {
		return -ENOENT;
	}
	if (size < r->size)
		return -ENOSPC;
	*used = r->save(d, v, buf);
	return *used ? 0 : -ENODATA;
}

static int load_record(struct domain *d, const struct hvm_save_descriptor *desc, const void *body)
{
	const struct record_row *r = find_record(desc->typecode);
	struct vcpu *v = NULL;
	int rc;

	if (!r) {
		printk(XENLOG_G_ERR "%pd: save record of type %u is unknown\n", d, desc->typecode);
		return -EINVAL;
	}
	if (r->per_vcpu)
		v = desc->instance < d->max_vcpus ? READ_ONCE(d->vcpu[desc->instance]) : NULL;
	if ((r->per_vcpu && !v) || (!r->variable && desc->length != r->size)) {
		printk(XENLOG_G_ERR "%pd: %s record: instance %u, %u bytes\n", d, r->name, desc->instance,
		       desc->length);
		return -EINVAL;
	}
	rc = r->load(d, v, body, desc->length);
	if (rc)
		printk(XENLOG_G_ERR "%pd: %s record of vCPU %u is refused: %d\n", d, r->name, desc->instance,
		       rc);
	return rc;
}

/* 0; -ENODATA: not terminated; or what a record's loader says. Records before a bad one are loaded. */
int hvm_context_load(struct domain *d, const void *buf, size_t size)
{
	const u8 *p = buf;
	bool first = true;

	for (;;) {
		const struct hvm_save_descriptor *desc = (const void *)p;
		int rc;

		if (size < sizeof(*desc))
			return -ENODATA;
		if (first && desc->typecode != HVM_SAVE_CODE(HEADER))
			return -EINVAL;
		if (desc->typecode == HVM_SAVE_CODE(END))
			return 0;
		if (desc->length > size - sizeof(*desc))
			return -ENODATA;
		first = false;
		rc = load_record(d, desc, desc + 1);
		if (rc)
			return rc;
		p += sizeof(*desc) + desc->length;
		size -= sizeof(*desc) + desc->length;
	}
}
