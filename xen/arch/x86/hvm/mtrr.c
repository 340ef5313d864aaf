/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's MTRRs and PAT: registers as the SDM's "Memory Type Range
 * Registers" checks them, and the type they give to an address. What a mapping
 * really gets is decided with the EPT entry (p2m_memory_type).
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include <public/hvm/save.h>

#define VAR_COUNT 8
/* Write combining, fixed ranges, eight variable ranges. */
#define MTRR_CAP  (1U << 10 | 1U << 8 | VAR_COUNT)
#define VAR_VALID (1ULL << 11)
#define PAT_RESET 0x0007040600070406ULL

_Static_assert(VAR_COUNT == MTRR_VCNT, "the save record has as many");

static bool is_mtrr_type(u8 t) { return t < 2 || (t >= 4 && t <= 6); }

static bool types_are_valid(u64 val, bool pat)
{
	unsigned int i;

	for (i = 0; i < 64; i += 8) {
		u8 t = (u8)(val >> i);

		if (!is_mtrr_type(t) && !(pat && t == X86_MT_UCM))
			return false;
	}
	return true;
}

/* Index into fixed[] of a fixed-range MTRR, or -1. */
static int fixed_index(u32 msr)
{
	if (msr == MSR_IA32_MTRR_FIX64K_00000)
		return 0;
	if (msr == MSR_IA32_MTRR_FIX16K_80000 || msr == MSR_IA32_MTRR_FIX16K_A0000)
		return (int)(1 + msr - MSR_IA32_MTRR_FIX16K_80000);
	if (msr >= MSR_IA32_MTRR_FIX4K_C0000 && msr <= MSR_IA32_MTRR_FIX4K_F8000)
		return (int)(3 + msr - MSR_IA32_MTRR_FIX4K_C0000);
	return -1;
}

static u32 fixed_msr(unsigned int index)
{
	if (index == 0)
		return MSR_IA32_MTRR_FIX64K_00000;
	if (index < 3)
		return MSR_IA32_MTRR_FIX16K_80000 + index - 1;
	return MSR_IA32_MTRR_FIX4K_C0000 + index - 3;
}

/* dom0 finds the machine's ranges as firmware left them, other guests none. */
void hvm_mtrr_init(struct vcpu *v)
{
	struct mtrr_state *m = &v->arch.hvm.mtrr;
	unsigned int i, n;

	*m = (struct mtrr_state){ .cap = MTRR_CAP };
	v->arch.hvm.msr_pat = PAT_RESET;
	if (!v->domain->is_privileged)
		return;
	n = min_t(unsigned int, (u32)rdmsr(MSR_IA32_MTRRCAP) & 0xff, VAR_COUNT);
	m->def_type = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	for (i = 0; i < n; i++) {
		m->var[i][0] = rdmsr(MSR_IA32_MTRR_PHYSBASE(i));
		m->var[i][1] = rdmsr(MSR_IA32_MTRR_PHYSMASK(i));
	}
	if (rdmsr(MSR_IA32_MTRRCAP) & 1U << 8)
		for (i = 0; i < ARRAY_SIZE(m->fixed); i++)
			m->fixed[i] = rdmsr(fixed_msr(i));
}

int hvm_mtrr_rdmsr(struct vcpu *v, u32 msr, u64 *val)
{
	const struct mtrr_state *m = &v->arch.hvm.mtrr;
	int fixed = fixed_index(msr);

	if (fixed >= 0)
		*val = m->fixed[fixed];
	else if (msr - MSR_IA32_MTRR_PHYSBASE(0) < 2 * VAR_COUNT)
		*val = m->var[(msr - MSR_IA32_MTRR_PHYSBASE(0)) / 2][msr & 1];
	else if (msr == MSR_IA32_MTRRCAP)
		*val = m->cap;
	else if (msr == MSR_IA32_MTRR_DEF_TYPE)
		*val = m->def_type;
	else if (msr == MSR_IA32_PAT)
		*val = v->arch.hvm.msr_pat;
	else
		return -ENOENT;
	return 0;
}

static u64 address_mask(struct vcpu *v)
{
	u32 out[4];

	hvm_cpuid(v, 0x80000008, 0, out);
	return (1ULL << clamp_t(u32, out[0] & 0xff, 36, 52)) - 1;
}

static int write_var(struct vcpu *v, unsigned int n, bool mask, u64 val)
{
	u64 allowed = (address_mask(v) & PAGE_MASK) | (mask ? VAR_VALID : 0xff);

	if ((val & ~allowed) || (!mask && !is_mtrr_type((u8)val)))
		return -EINVAL;
	v->arch.hvm.mtrr.var[n][mask] = val;
	return 0;
}

static int write_def_type(struct mtrr_state *m, u64 val)
{
	if ((val & ~(0xffULL | MTRR_DEF_TYPE_FIXED | MTRR_DEF_TYPE_ENABLE)) || !is_mtrr_type((u8)val))
		return -EINVAL;
	m->def_type = val;
	return 0;
}

/* PAT: the vendor code loads v->arch.hvm.msr_pat with the vCPU. */
int hvm_mtrr_wrmsr(struct vcpu *v, u32 msr, u64 val)
{
	struct mtrr_state *m = &v->arch.hvm.mtrr;
	int fixed = fixed_index(msr);

	if (msr - MSR_IA32_MTRR_PHYSBASE(0) < 2 * VAR_COUNT)
		return write_var(v, (msr - MSR_IA32_MTRR_PHYSBASE(0)) / 2, msr & 1, val);
	if (msr == MSR_IA32_MTRR_DEF_TYPE)
		return write_def_type(m, val);
	if (msr == MSR_IA32_MTRRCAP)
		return -EINVAL;
	if (fixed < 0 && msr != MSR_IA32_PAT)
		return -ENOENT;
	if (!types_are_valid(val, msr == MSR_IA32_PAT))
		return -EINVAL;
	if (fixed >= 0)
		m->fixed[fixed] = val;
	else
		v->arch.hvm.msr_pat = val;
	return 0;
}

void hvm_mtrr_save(struct vcpu *v, struct hvm_hw_mtrr *out)
{
	const struct mtrr_state *m = &v->arch.hvm.mtrr;

	*out = (struct hvm_hw_mtrr){
		.msr_pat_cr = v->arch.hvm.msr_pat,
		.msr_mtrr_cap = m->cap,
		.msr_mtrr_def_type = m->def_type,
	};
	memcpy(out->msr_mtrr_var, m->var, sizeof(m->var));
	memcpy(out->msr_mtrr_fixed, m->fixed, sizeof(m->fixed));
}

/* Through the checks of the registers; the old state comes back when one fails. */
int hvm_mtrr_load(struct vcpu *v, const struct hvm_hw_mtrr *in)
{
	struct mtrr_state old = v->arch.hvm.mtrr;
	u64 old_pat = v->arch.hvm.msr_pat;
	unsigned int i;
	int rc = hvm_mtrr_wrmsr(v, MSR_IA32_PAT, in->msr_pat_cr);

	if (!rc)
		rc = write_def_type(&v->arch.hvm.mtrr, in->msr_mtrr_def_type);
	for (i = 0; !rc && i < 2 * VAR_COUNT; i++)
		rc = write_var(v, i / 2, i & 1, in->msr_mtrr_var[i]);
	for (i = 0; !rc && i < ARRAY_SIZE(old.fixed); i++)
		rc = hvm_mtrr_wrmsr(v, fixed_msr(i), in->msr_mtrr_fixed[i]);
	if (rc) {
		v->arch.hvm.mtrr = old;
		v->arch.hvm.msr_pat = old_pat;
	}
	return rc;
}
