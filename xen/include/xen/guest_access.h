/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copies between the hypervisor and guest buffers named by guest-virtual
 * addresses of the current vCPU (hypercall arguments). Each copies the bytes
 * exactly once: what was checked is what is used.
 */
#ifndef XEN_GUEST_ACCESS_H
#define XEN_GUEST_ACCESS_H

struct domain;
struct vcpu;

/* Bytes NOT copied (0: all). A partial copy has happened up to there. */
size_t __must_check copy_from_guest_va(void *dst, unsigned long gva, size_t n);
size_t __must_check copy_to_guest_va(unsigned long gva, const void *src, size_t n);
size_t __must_check clear_guest_va(unsigned long gva, size_t n);
/*
 * n bytes of the current vCPU's kernel code, all within one page, if a look into its page tables finds nothing
 * unusual. False, and nothing done: hvm_gva_to_gpa() decides.
 */
bool __must_check fetch_from_guest(struct vcpu *v, unsigned long gva, void *dst, size_t n);
/* By guest-physical address of any domain; -EINVAL when a page is not RAM it may write. */
int __must_check copy_from_guest_gpa(struct domain *d, void *dst, gpa_t gpa, size_t n);
int __must_check copy_to_guest_gpa(struct domain *d, gpa_t gpa, const void *src, size_t n);
/*
 * Forget translations remembered since the last VM exit, and drop the references that keep their frames:
 * after every exit whose handler copied, and after the p2m lost an entry.
 */
void guest_access_invalidate(struct vcpu *v);
/*
 * This CPU drops EPT translations of d: those that copies remember from one exit to the next go with them,
 * unless all they name is as it was.
 */
void guest_access_flush_cpu(const struct domain *d);

/* hnd: XEN_GUEST_HANDLE(T) or a bare T pointer value wrapped by guest_handle_from_ptr(). */
#define guest_handle_is_null(hnd)   ((hnd).p == NULL)
#define guest_handle_ptr(type, arg) ((struct { type *p; }){ (type *)(arg) })
/* Address of element i; the multiplication is checked by guest_handle_okay(). */
#define guest_handle_va(hnd, i) ((unsigned long)((hnd).p) + (unsigned long)(i) * sizeof(*(hnd).p))
/* nr elements starting at the handle do not wrap around the address space. */
#define guest_handle_okay(hnd, nr)                                                         \
	({                                                                                 \
		unsigned long bytes_, end_;                                                \
		!__builtin_mul_overflow((unsigned long)(nr), sizeof(*(hnd).p), &bytes_) && \
			!__builtin_add_overflow((unsigned long)(hnd).p, bytes_, &end_);    \
	})
/* 0, or non-zero when any byte was not copied. */
#define copy_from_guest_offset(dst, hnd, off, nr)                                           \
	({                                                                                  \
		_Static_assert(sizeof(*(dst)) == sizeof(*(hnd).p), "element sizes differ"); \
		copy_from_guest_va(dst, guest_handle_va(hnd, off), sizeof(*(dst)) * (nr));  \
	})
#define copy_to_guest_offset(hnd, off, src, nr)                                             \
	({                                                                                  \
		_Static_assert(sizeof(*(src)) == sizeof(*(hnd).p), "element sizes differ"); \
		copy_to_guest_va(guest_handle_va(hnd, off), src, sizeof(*(src)) * (nr));    \
	})
#define copy_from_guest(dst, hnd, nr) copy_from_guest_offset(dst, hnd, 0, nr)
#define copy_to_guest(hnd, src, nr)   copy_to_guest_offset(hnd, 0, src, nr)

#endif
