// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies to and from guest memory: by addresses of the current vCPU's kernel
 * (hypercall arguments), and by guest-physical address of any domain.
 *
 * Two things are remembered. Guest-linear addresses, until the exit is handled:
 * an entry holds a reference on its frame, so that the frame stays what it is even
 * when the guest unmaps it on another CPU meanwhile. And guest frames, from one
 * exit to the next, per CPU and without references, as the CPU's own EPT
 * translations are: they are used only inside a section of <asm/p2m-use.h>, and go
 * whenever this CPU flushes. So most walks of the guest's page tables need no walk
 * of the p2m.
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

static always_inline void copy_bytes(void *dst, const void *src, size_t n)
{
	size_t words = n / 8, rest = n % 8;

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
	for (unsigned int i = 0; i < n; i++)
		put_page(mfn_to_page(h->gva_cache[i].mfn));
}

/* ---- frames remembered by this CPU: plain writable RAM of one domain ---- */

#define GFN_CACHE 16

struct gfn_cache {
	u64 serial; /* of the domain; 0: empty */
	struct {
		unsigned long gfn, mfn;
	} e[GFN_CACHE];
};
static DEFINE_PER_CPU(struct gfn_cache, gfn_cache);

void guest_access_flush_cpu(void) { this_cpu(gfn_cache).serial = 0; }

/* Inside a section. False: not plain writable RAM. */
static noinline bool gfn_miss(struct gfn_cache *c, struct domain *d, unsigned long gfn)
{
	enum p2m_type t;
	mfn_t mfn = p2m_lookup(d, _gfn(gfn), &t, NULL);

	if (t != p2m_ram_rw)
		return false;
	c->e[gfn % GFN_CACHE].gfn = gfn;
	c->e[gfn % GFN_CACHE].mfn = mfn_x(mfn);
	return true;
}

static always_inline bool gfn_to_frame(struct gfn_cache *c, struct domain *d, unsigned long gfn, mfn_t *mfn)
{
	if (c->e[gfn % GFN_CACHE].gfn != gfn && !gfn_miss(c, d, gfn))
		return false;
	*mfn = _mfn(c->e[gfn % GFN_CACHE].mfn);
	return true;
}

#define PTE_P  BIT(0)
#define PTE_W  BIT(1)
#define PTE_U  BIT(2)
#define PTE_A  BIT(5)
#define PTE_D  BIT(6)
#define PTE_PS BIT(7)
/* Address bits that every CPU's width includes; others are looked at by hvm_gva_to_gpa(). */
#define PTE_ADDR 0x000000fffffff000UL
#define PTE_HIGH 0x000fff0000000000UL

/*
 * The walk when it is an easy one: 4-level tables in plain RAM, all accessed bits set, nothing that
 * would fault. Everything else returns false, and is decided by hvm_gva_to_gpa(). *writable: a
 * write is allowed, and the dirty bit is set already.
 */
static bool easy_walk(struct vcpu *v, struct gfn_cache *c, unsigned long gva, mfn_t *mfn, bool *writable)
{
	const u64 wanted = PTE_P | PTE_A;
	u64 pte = hvm->get_cr3(v), rights = PTE_W | PTE_U;
	struct domain *d = v->domain;
	unsigned int shift;
	unsigned long gfn;

	if (unlikely(pte & PTE_HIGH))
		return false;
	for (shift = 39;; shift -= 9) {
		if (!gfn_to_frame(c, d, (pte & PTE_ADDR) >> PAGE_SHIFT, mfn))
			return false;
		pte = READ_ONCE(((const u64 *)mfn_to_virt(*mfn))[gva >> shift & 511]);
		if (unlikely((pte & (wanted | PTE_HIGH)) != wanted))
			return false;
		rights &= pte;
		if (shift == PAGE_SHIFT || pte & PTE_PS)
			break;
	}
	/* Bit 7 is reserved in the top level. */
	if (unlikely(shift == 39 || (rights & PTE_U && v->arch.hvm.cr4 & X86_CR4_SMAP &&
				     !(v->arch.regs.rflags & X86_EFLAGS_AC))))
		return false;
	*writable = rights & PTE_W && pte & PTE_D;
	gfn = ((pte & PTE_ADDR) >> PAGE_SHIFT & ~((1UL << (shift - PAGE_SHIFT)) - 1)) |
	      (gva >> PAGE_SHIFT & ((1UL << (shift - PAGE_SHIFT)) - 1));
	return gfn_to_frame(c, d, gfn, mfn);
}

/* The frame at gva with a reference, or NULL: ask the long way. */
static struct page_info *easy_frame(struct vcpu *v, unsigned long gva, bool *writable)
{
	const u64 needs = EFER_LMA | EFER_NXE;
	struct gfn_cache *c = &this_cpu(gfn_cache);
	struct page_info *page = NULL;
	mfn_t mfn;

	if (unlikely((v->arch.hvm.efer & needs) != needs))
		return NULL;
	p2m_use_begin(v->domain);
	if (unlikely(c->serial != v->domain->serial)) {
		memset(c->e, 0xff, sizeof(c->e));
		c->serial = v->domain->serial;
	}
	if (easy_walk(v, c, gva, &mfn, writable)) {
		page = mfn_to_page(mfn);
		if (unlikely(!get_page(page, v->domain)))
			page = NULL;
	}
	p2m_use_end();
	return page;
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

		if ((va & PAGE_MASK) == (gva & PAGE_MASK) && (!write || va & GVA_WRITABLE))
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
