/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Guest-linear to guest-physical by the guest's own page tables, in software:
 * for hypercall arguments and emulated instructions. SDM volume 3, "Paging".
 *
 * The tables are the guest's: each entry is read once, accessed and dirty bits
 * are set as the CPU does, by compare-exchange against the value that was used.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/cpu-policy.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/p2m-use.h>
#include <asm/processor.h>

#define PTE_P	  0x001ULL
#define PTE_W	  0x002ULL
#define PTE_U	  0x004ULL
#define PTE_A	  0x020ULL
#define PTE_D	  0x040ULL
#define PTE_PS	  0x080ULL
#define PTE_NX	  (1ULL << 63)
#define PTE_ADDR  0x000ffffffffff000ULL
#define PFEC_RSVD 8U

/* How an address is split, per paging mode. */
struct paging_mode {
	u8 levels, entry_bytes, index_bits, top_bits;
};
static const struct paging_mode mode_32bit = { 2, 4, 10, 10 };
static const struct paging_mode mode_pae = { 3, 8, 9, 2 };
static const struct paging_mode mode_4level = { 4, 8, 9, 9 };

struct walk {
	struct vcpu *v;
	const struct paging_mode *mode;
	unsigned long gva;
	u64 rights; /* W and U of all levels together, NX of any */
	u64 pte; /* the last one read */
	unsigned int level;
};

/* Where an entry lies; NULL: not in RAM the guest may write. Valid within the section. */
static void *map_entry(struct domain *d, gpa_t gpa, bool *writable)
{
	enum p2m_type t;
	mfn_t mfn = p2m_lookup(d, gpa_to_gfn(gpa), &t, NULL);

	if (mfn_eq(mfn, INVALID_MFN) || !(p2m_is_ram(t) || t == p2m_foreign || p2m_is_grant(t)))
		return NULL;
	*writable = t == p2m_ram_rw || t == p2m_ram_logdirty;
	if (t == p2m_ram_logdirty)
		p2m_mark_dirty(d, gpa_to_gfn(gpa));
	return (u8 *)mfn_to_virt(mfn) + (gpa & ~PAGE_MASK);
}

/* False: the entry changed meanwhile, walk again. */
static bool set_accessed(void *e, unsigned int bytes, u64 seen, u64 set)
{
	if ((seen & set) == set)
		return true;
	if (bytes == 4)
		return cmpxchg((u32 *)e, (u32)seen, (u32)(seen | set)) == (u32)seen;
	return cmpxchg((u64 *)e, seen, seen | set) == seen;
}

/* Bits that must be zero in an entry: beyond the address width, NX without EFER.NXE. */
static u64 reserved_bits(const struct walk *w)
{
	u64 r = PTE_ADDR & ~((1ULL << cpu_policy_phys_bits(w->v->domain)) - 1);

	if (w->mode->entry_bytes == 4)
		return 0;
	if (!(w->v->arch.hvm.efer & EFER_NXE))
		r |= PTE_NX;
	if (w->mode == &mode_pae)
		r |= 0x7ff0000000000000ULL;
	return r;
}

static bool is_superpage(const struct walk *w)
{
	if (w->level == 1 || !(w->pte & PTE_PS))
		return false;
	if (w->mode == &mode_32bit)
		return w->level == 2 && (w->v->arch.hvm.cr4 & X86_CR4_PSE);
	return w->level == 2 || (w->level == 3 && w->mode == &mode_4level);
}

/* Do the rights of the whole walk allow the access? Adds to *pfec what a fault reports. */
static bool access_allowed(const struct walk *w, u32 access)
{
	const struct hvm_vcpu *h = &w->v->arch.hvm;
	bool user_page = w->rights & PTE_U, user = access & PFEC_U;

	if (user && !user_page)
		return false;
	if ((access & PFEC_W) && !(w->rights & PTE_W) && (user || (h->cr0 & X86_CR0_WP)))
		return false;
	if (access & PFEC_I)
		return !(w->rights & PTE_NX) && (user || !user_page || !(h->cr4 & X86_CR4_SMEP));
	return user || !user_page || !(h->cr4 & X86_CR4_SMAP) || (w->v->arch.regs.rflags & X86_EFLAGS_AC);
}

enum step { STEP_LEAF, STEP_DOWN, STEP_FAULT, STEP_AGAIN };

/* Reads the entry of w->level in the table at *table. Down: *table is the next one. */
static enum step walk_step(struct walk *w, gpa_t *table, u32 access, u32 *pfec)
{
	const struct paging_mode *m = w->mode;
	unsigned int shift = PAGE_SHIFT + m->index_bits * (w->level - 1);
	unsigned int bits = w->level == m->levels ? m->top_bits : m->index_bits;
	bool pdpte = m == &mode_pae && w->level == 3, writable = false, leaf;
	void *e = map_entry(w->v->domain, *table + (w->gva >> shift & ((1U << bits) - 1)) * m->entry_bytes,
			    &writable);

	*pfec = 0;
	if (!e)
		return STEP_FAULT;
	w->pte = m->entry_bytes == 4 ? READ_ONCE(*(u32 *)e) : READ_ONCE(*(u64 *)e);
	if (!(w->pte & PTE_P))
		return STEP_FAULT;
	*pfec = PFEC_P;
	if (pdpte) {
		*table = w->pte & PTE_ADDR;
		return STEP_DOWN;
	}
	if (w->pte & reserved_bits(w)) {
		*pfec |= PFEC_RSVD;
		return STEP_FAULT;
	}
	w->rights = (w->rights & w->pte & (PTE_W | PTE_U)) | ((w->rights | w->pte) & PTE_NX);
	leaf = w->level == 1 || is_superpage(w);
	if (leaf && !access_allowed(w, access))
		return STEP_FAULT;
	if (writable &&
	    !set_accessed(e, m->entry_bytes, w->pte, PTE_A | (leaf && (access & PFEC_W) ? PTE_D : 0)))
		return STEP_AGAIN;
	*table = w->pte & PTE_ADDR;
	return leaf ? STEP_LEAF : STEP_DOWN;
}

static gpa_t leaf_address(const struct walk *w)
{
	u64 mask = (1ULL << (PAGE_SHIFT + w->mode->index_bits * (w->level - 1))) - 1;
	gpa_t base = w->pte & PTE_ADDR;

	/* A 4 MiB page has address bits 32-39 at 13-20 of its entry. */
	if (w->mode == &mode_32bit && w->level == 2)
		base = (w->pte & 0xffc00000) | (w->pte & 0x1fe000) << 19;
	return (base & ~mask) | (w->gva & mask);
}

#define WALK_TRIES 16

static bool walk(struct vcpu *v, unsigned long gva, u32 access, u32 *pfec, gpa_t *gpa)
{
	const struct hvm_vcpu *h = &v->arch.hvm;
	u64 cr3 = hvm->get_cr3(v);
	struct walk w = { .v = v, .gva = gva };
	unsigned int tries;

	w.mode = h->efer & EFER_LMA ? &mode_4level : h->cr4 & X86_CR4_PAE ? &mode_pae : &mode_32bit;
	for (tries = 0; tries < WALK_TRIES; tries++) {
		gpa_t table = w.mode == &mode_pae ? cr3 & 0xffffffe0 : cr3 & PTE_ADDR;
		enum step s = STEP_DOWN;

		w.rights = PTE_W | PTE_U;
		for (w.level = w.mode->levels; s == STEP_DOWN; w.level -= s == STEP_DOWN)
			s = walk_step(&w, &table, access, pfec);
		if (s == STEP_LEAF) {
			*gpa = leaf_address(&w);
			return true;
		}
		if (s == STEP_FAULT)
			return false;
	}
	/* The guest rewrites its tables faster than they can be walked. */
	*pfec = 0;
	return false;
}

static bool gva_to_gpa(struct vcpu *v, unsigned long gva, u32 access, u32 *pfec, gpa_t *gpa)
{
	const struct hvm_vcpu *h = &v->arch.hvm;
	bool nx = (h->efer & EFER_NXE) || (h->cr4 & X86_CR4_SMEP);

	if (!(h->cr0 & X86_CR0_PG)) {
		*gpa = (u32)gva;
		return true;
	}
	if (!(h->efer & EFER_LMA))
		gva = (u32)gva;
	if (walk(v, gva, access, pfec, gpa))
		return true;
	*pfec |= access & (PFEC_W | PFEC_U | (nx ? PFEC_I : 0));
	return false;
}

/*
 * The walk for the current vCPU; its tables are protected by a section of <asm/p2m-use.h>. False: no such
 * mapping or right, *pfec is the error code of the page fault to raise. Canonical addresses are the
 * caller's matter, and so is a reference on what is at *gpa.
 */
bool hvm_gva_to_gpa(struct vcpu *v, unsigned long gva, u32 access, u32 *pfec, gpa_t *gpa)
{
	bool ok;

	p2m_use_begin(v->domain);
	ok = gva_to_gpa(v, gva, access, pfec, gpa);
	p2m_use_end();
	return ok;
}
