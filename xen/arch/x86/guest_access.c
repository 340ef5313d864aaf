// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies to and from guest memory: by addresses of the current vCPU's kernel
 * (hypercall arguments), and by guest-physical address of any domain.
 *
 * Translations are remembered until the exit is handled; an entry holds a
 * reference on its frame, so that the frame stays what it is even when the guest
 * unmaps it on another CPU meanwhile. Callers have checked that the guest is in
 * 64-bit mode at privilege level 0.
 */
#include <xen/guest_access.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/p2m.h>

/* va of an entry: page address | this. */
#define GVA_WRITABLE 1UL

static always_inline void copy_bytes(void *dst, const void *src, size_t n)
{
	size_t words = n / 8, rest = n % 8;

	__asm__ __volatile__("rep movsq\n\tmovq %3, %%rcx\n\trep movsb"
			     : "+D"(dst), "+S"(src), "+c"(words) : "r"(rest) : "memory");
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

static noinline void *translate_miss(struct vcpu *v, unsigned long gva, bool write)
{
	struct hvm_vcpu *h = &v->arch.hvm;
	struct hvm_gva_entry *e = &h->gva_cache[h->gva_cache_next % HVM_GVA_CACHE];
	struct page_info *page;
	gpa_t gpa;
	u32 pfec;

	/* Canonical: bits 63 to 47 are equal. Bit 48 and up are not silently dropped. */
	if ((s64)(gva << 16) >> 16 != (s64)gva)
		return NULL;
	if (!hvm_gva_to_gpa(v, gva, write ? PFEC_W : 0, &pfec, &gpa))
		return NULL;
	page = get_frame(v->domain, gpa_to_gfn(gpa), write);
	if (!page)
		return NULL;
	if (h->gva_cache_next >= HVM_GVA_CACHE)
		put_page(mfn_to_page(e->mfn));
	e->va = (gva & PAGE_MASK) | (write ? GVA_WRITABLE : 0);
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
