// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies to and from guest memory: by addresses of the current vCPU's kernel
 * (hypercall arguments), and by guest-physical address of any domain.
 *
 * Three things are remembered. Guest-linear addresses, until the exit is handled:
 * an entry holds a reference on its frame, so that the frame stays what it is even
 * when the guest unmaps it on another CPU meanwhile. As long, the entry of the
 * guest's own page tables that led to the last of them, as a TLB would: another vCPU
 * that changes it waits for this one to leave its hypercall. And frames of guest RAM, from
 * one exit to the next, per CPU and without references, as the CPU's own EPT
 * translations are: they are used only inside a section of <asm/p2m-use.h>, and go
 * when this CPU flushes, unless only foreign and grant mappings were lost. So most
 * walks of the guest's page tables need no walk of the p2m.
 *
 * Callers have checked that the guest is in 64-bit mode at privilege level 0.
 */
#include <xen/guest_access.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/p2m-use.h>
#include <asm/processor.h>

/* va of an entry: page address | this. */
#define GVA_WRITABLE 1UL

/* Words are what most hypercall arguments are made of, and no string instruction's business. */
static always_inline void copy_bytes(void *dst, const void *src, size_t n)
{
	size_t words = n / 8, rest = n % 8;

	if (n == 8)
		memcpy(dst, src, 8);
	else if (n == 4)
		memcpy(dst, src, 4);
	else
		__asm__ __volatile__("rep movsq\n\tmovq %3, %%rcx\n\trep movsb"
				     : "+D"(dst), "+S"(src), "+c"(words)
				     : "r"(rest)
				     : "memory");
}

static bool readable(enum p2m_type t) { return p2m_is_referenced(t); }

static bool writable(enum p2m_type t)
{
	return t == p2m_ram_rw || t == p2m_ram_logdirty || t == p2m_foreign || t == p2m_grant_rw;
}

/* The frame behind gfn with a reference, or NULL when it is not RAM of the kind asked for. */
static struct page_info *get_frame(struct domain *d, gfn_t gfn, bool write)
{
	enum p2m_type t;
	struct page_info *page = get_page_from_gfn(d, gfn, &t, P2M_ALLOC);

	if (!page)
		return NULL;
	if (write ? !writable(t) : !readable(t)) {
		put_page(page);
		return NULL;
	}
	if (write && t == p2m_ram_logdirty)
		p2m_mark_dirty(d, gfn);
	return page;
}

void guest_access_invalidate(struct vcpu *v)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	unsigned int n = min(h->gva_cache_next, (unsigned int)HVM_GVA_CACHE);

	h->gva_cache_next = 0;
	h->gva_table.region = 0;
	for (unsigned int i = 0; i < n; i++)
		put_page(mfn_to_page(h->gva_cache[i].mfn));
}

/* ---- frames remembered by this CPU: plain writable RAM ---- */

#define GFN_CACHE 32
/* One for dom0 and some for others, so that domains that take turns on a CPU keep theirs. */
#define GFN_CACHES 4

struct gfn_cache {
	u64 serial; /* of the domain; 0: empty */
	u64 ram_changes; /* of the domain, before the first entry was looked up */
	struct {
		unsigned long gfn;
		void *frame; /* in the direct map */
	} e[GFN_CACHE];
};
static DEFINE_PER_CPU(struct gfn_cache[GFN_CACHES], gfn_caches);

static always_inline struct gfn_cache *gfn_cache_of(const struct domain *d)
{
	return &this_cpu(gfn_caches)[d->domain_id % GFN_CACHES];
}

void guest_access_flush_cpu(const struct domain *d)
{
	struct gfn_cache *c = gfn_cache_of(d);

	if (c->serial == d->serial && c->ram_changes != READ_ONCE(d->arch.hvm.ram_changes))
		c->serial = 0;
}

/* Inside a section. False: not plain writable RAM. */
static noinline bool gfn_miss(struct gfn_cache *c, struct domain *d, unsigned long gfn)
{
	enum p2m_type t;
	mfn_t mfn = p2m_lookup(d, _gfn(gfn), &t, NULL);

	if (t != p2m_ram_rw)
		return false;
	c->e[gfn % GFN_CACHE].gfn = gfn;
	c->e[gfn % GFN_CACHE].frame = mfn_to_virt(mfn);
	return true;
}

static always_inline void *gfn_to_frame(struct gfn_cache *c, struct domain *d, unsigned long gfn)
{
	if (c->e[gfn % GFN_CACHE].gfn != gfn && !gfn_miss(c, d, gfn))
		return NULL;
	return c->e[gfn % GFN_CACHE].frame;
}

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_A  BIT(5)
#define PTE_D  BIT(6)
#define PTE_PS BIT(7)
#define PTE_NX BIT(63)
/* Address bits that every CPU's width includes; others are looked at by hvm_gva_to_gpa(). */
#define PTE_ADDR 0x000000fffffff000UL
#define PTE_HIGH 0x000fff0000000000UL

/*
 * An entry on the way down, and what all of them so far allow: W, U, and NX for "may be executed". An entry
 * of 0: not an easy one.
 */
struct easy {
	u64 pte, rights;
};

/* From an entry to that for gva in the table it names. */
static always_inline struct easy easy_step(struct gfn_cache *c, struct domain *d, unsigned long gva,
					   unsigned int shift, struct easy e)
{
	const u64 *table = gfn_to_frame(c, d, (e.pte & PTE_ADDR) >> PAGE_SHIFT);
	u64 pte = 0;

	if (likely(table)) {
		pte = READ_ONCE(table[gva >> shift & 511]);
		if (unlikely((pte & (PTE_P | PTE_A | PTE_HIGH)) != (PTE_P | PTE_A)))
			pte = 0;
	}
	return (struct easy){ pte, e.rights & (pte ^ PTE_NX) };
}

/* The entry that covers 2M around gva, or 1G (*shift). */
static struct easy easy_pde(struct vcpu *v, struct gfn_cache *c, unsigned long gva, unsigned int *shift)
{
	struct easy e = { hvm->get_cr3(v), PTE_W | PTE_U | PTE_NX };
	struct domain *d = v->domain;

	if (unlikely(e.pte & PTE_HIGH))
		return (struct easy){ 0, 0 };
	e = easy_step(c, d, gva, 39, e);
	/* Bit 7 is reserved in the top level. */
	if (unlikely(!e.pte || e.pte & PTE_PS))
		return (struct easy){ 0, 0 };
	e = easy_step(c, d, gva, 30, e);
	if (e.pte & PTE_PS) {
		*shift = 30;
		return e;
	}
	if (likely(e.pte))
		e = easy_step(c, d, gva, 21, e);
	if (likely(e.pte))
		v->arch.hvm.gva_table = (struct hvm_gva_table){ (gva >> 21) + 1, e.pte, e.rights };
	return e;
}

/*
 * The walk when it is an easy one: 4-level tables in plain RAM, all accessed bits set, nothing that
 * would fault. Everything else returns NULL, and is decided by hvm_gva_to_gpa(). Else the page; *last: its
 * entry, and the rights that the caller looks at.
 */
static always_inline void *easy_walk(struct vcpu *v, struct gfn_cache *c, unsigned long gva, struct easy *last)
{
	const struct hvm_gva_table *table = &v->arch.hvm.gva_table;
	struct easy e = { table->pde, table->rights };
	unsigned int shift = 21;
	unsigned long gfn;

	if (table->region != (gva >> 21) + 1)
		e = easy_pde(v, c, gva, &shift);
	if (likely(e.pte) && !(e.pte & PTE_PS)) {
		e = easy_step(c, v->domain, gva, PAGE_SHIFT, e);
		shift = PAGE_SHIFT;
	}
	if (unlikely(!e.pte))
		return NULL;
	*last = e;
	gfn = (e.pte & PTE_ADDR) >> PAGE_SHIFT;
	if (shift != PAGE_SHIFT) {
		unsigned long offset = (1UL << (shift - PAGE_SHIFT)) - 1;

		gfn = (gfn & ~offset) | (gva >> PAGE_SHIFT & offset);
	}
	return gfn_to_frame(c, v->domain, gfn);
}

/* Begins a section in which the frames that this CPU remembers of the vCPU's domain can be used. */
static always_inline struct gfn_cache *easy_begin(struct vcpu *v)
{
	struct gfn_cache *c = gfn_cache_of(v->domain);

	p2m_use_begin(v->domain);
	if (unlikely(c->serial != v->domain->serial)) {
		memset(c->e, 0xff, sizeof(c->e));
		c->serial = v->domain->serial;
		c->ram_changes = smp_load_acquire(&v->domain->arch.hvm.ram_changes);
	}
	return c;
}

static inline bool easy_paging(const struct vcpu *v)
{
	const u64 needs = EFER_LMA | EFER_NXE;

	return (v->arch.hvm.efer & needs) == needs;
}

/* The frame at gva with a reference, or NULL: ask the long way. *writable: and a write changes no entry. */
static struct page_info *easy_frame(struct vcpu *v, unsigned long gva, bool *writable)
{
	struct page_info *page = NULL;
	struct easy e = { 0, 0 };
	void *frame;

	if (unlikely(!easy_paging(v)))
		return NULL;
	frame = easy_walk(v, easy_begin(v), gva, &e);
	if (likely(frame)) {
		page = virt_to_page(frame);
		if (unlikely(e.rights & PTE_U && v->arch.hvm.cr4 & X86_CR4_SMAP &&
			     !(v->arch.regs.rflags & X86_EFLAGS_AC)) ||
		    unlikely(!get_page(page, v->domain)))
			page = NULL;
	}
	p2m_use_end();
	/* Without an entry that holds a frame, nobody calls guest_access_invalidate(). */
	if (unlikely(!page))
		v->arch.hvm.gva_table.region = 0;
	*writable = e.rights & PTE_W && e.pte & PTE_D;
	return page;
}

bool fetch_from_guest(struct vcpu *v, unsigned long gva, void *dst, size_t n)
{
	struct easy e = { 0, 0 };
	void *frame;

	if (!easy_paging(v) || (s64)(gva << 16) >> 16 != (s64)gva || hvm_get_cpl(v))
		return false;
	frame = easy_walk(v, easy_begin(v), gva, &e);
	if (!(e.rights & PTE_NX) || (e.rights & PTE_U && v->arch.hvm.cr4 & X86_CR4_SMEP))
		frame = NULL;
	/* Inside the section the frame stays what it is. */
	if (likely(frame))
		memcpy(dst, (char *)frame + (gva & ~PAGE_MASK), n);
	p2m_use_end();
	v->arch.hvm.gva_table.region = 0;
	return frame;
}

static struct page_info *frame_at(struct vcpu *v, unsigned long gva, bool write)
{
	gpa_t gpa;
	u32 pfec;

	if (!hvm_gva_to_gpa(v, gva, write ? PFEC_W : 0, &pfec, &gpa))
		return NULL;
	return get_frame(v->domain, gpa_to_gfn(gpa), write);
}

static noinline void *translate_miss(struct vcpu *v, unsigned long gva, bool write)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	struct hvm_gva_entry *e = &h->gva_cache[h->gva_cache_next % HVM_GVA_CACHE];
	struct page_info *page;
	bool writable = false;

	/* Canonical: bits 63 to 47 are equal. Bit 48 and up are not silently dropped. */
	if ((s64)(gva << 16) >> 16 != (s64)gva)
		return NULL;
	page = easy_frame(v, gva, &writable);
	if (unlikely(page && write && !writable)) {
		put_page(page);
		page = NULL;
	}
	if (unlikely(!page)) {
		page = frame_at(v, gva, write);
		writable = write;
	}
	if (!page)
		return NULL;
	if (h->gva_cache_next >= HVM_GVA_CACHE)
		put_page(mfn_to_page(e->mfn));
	e->va = (gva & PAGE_MASK) | (writable ? GVA_WRITABLE : 0);
	e->mfn = page_to_mfn(page);
	h->gva_cache_next++;
	if (h->gva_cache_next == 2 * HVM_GVA_CACHE)
		h->gva_cache_next = HVM_GVA_CACHE;
	return (char *)mfn_to_virt(e->mfn) + (gva & ~PAGE_MASK);
}

/* Direct-map address of the byte at gva, or NULL: not mapped so. */
static always_inline void *translate(struct vcpu *v, unsigned long gva, bool write)
{
	const struct hvm_vcpu *h = &v->arch.hvm;
	unsigned int n = min(h->gva_cache_next, (unsigned int)HVM_GVA_CACHE);

	for (unsigned int i = 0; i < n; i++) {
		unsigned long va = h->gva_cache[i].va;

		if ((va ^ gva) < PAGE_SIZE && (!write || va & GVA_WRITABLE))
			return (char *)mfn_to_virt(h->gva_cache[i].mfn) + (gva & ~PAGE_MASK);
	}
	return translate_miss(v, gva, write);
}

size_t copy_from_guest_va(void *dst, unsigned long gva, size_t n)
{
	struct vcpu *v = current;

	while (n) {
		size_t part = min(n, PAGE_SIZE - (size_t)(gva & ~PAGE_MASK));
		const void *src = translate(v, gva, false);

		if (unlikely(!src))
			break;
		copy_bytes(dst, src, part);
		dst = (char *)dst + part;
		gva += part;
		n -= part;
	}
	return n;
}

size_t copy_to_guest_va(unsigned long gva, const void *src, size_t n)
{
	struct vcpu *v = current;

	while (n) {
		size_t part = min(n, PAGE_SIZE - (size_t)(gva & ~PAGE_MASK));
		void *dst = translate(v, gva, true);

		if (unlikely(!dst))
			break;
		copy_bytes(dst, src, part);
		src = (const char *)src + part;
		gva += part;
		n -= part;
	}
	return n;
}

size_t clear_guest_va(unsigned long gva, size_t n)
{
	struct vcpu *v = current;

	while (n) {
		size_t part = min(n, PAGE_SIZE - (size_t)(gva & ~PAGE_MASK));
		void *dst = translate(v, gva, true);

		if (unlikely(!dst))
			break;
		memset(dst, 0, part);
		gva += part;
		n -= part;
	}
	return n;
}

int copy_from_guest_gpa(struct domain *d, void *dst, gpa_t gpa, size_t n)
{
	while (n) {
		size_t part = min(n, PAGE_SIZE - (size_t)(gpa & ~PAGE_MASK));
		struct page_info *page = get_frame(d, gpa_to_gfn(gpa), false);

		if (!page)
			return -EINVAL;
		copy_bytes(dst, (char *)page_to_virt(page) + (gpa & ~PAGE_MASK), part);
		put_page(page);
		dst = (char *)dst + part;
		gpa += part;
		n -= part;
	}
	return 0;
}

int copy_to_guest_gpa(struct domain *d, gpa_t gpa, const void *src, size_t n)
{
	while (n) {
		size_t part = min(n, PAGE_SIZE - (size_t)(gpa & ~PAGE_MASK));
		struct page_info *page = get_frame(d, gpa_to_gfn(gpa), true);

		if (!page)
			return -EINVAL;
		copy_bytes((char *)page_to_virt(page) + (gpa & ~PAGE_MASK), src, part);
		put_page(page);
		src = (const char *)src + part;
		gpa += part;
		n -= part;
	}
	return 0;
}
