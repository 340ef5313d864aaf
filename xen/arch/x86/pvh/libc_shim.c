// SPDX-License-Identifier: GPL-2.0-only
/*
 * The few C library functions the decompression libraries call, over whole
 * pages: they allocate a handful of large objects, all of which go back when
 * the run is over. Names are those of the C library, hence not ours to choose.
 */
#include <xen/lib.h>
#include <xen/mm.h>
#include <asm/irqflags.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include "libc_shim.h"

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void free(void *p);
void __stack_chk_fail(void);

#define SHIM_BLOCKS 64
static __initdata struct {
	void *p;
	unsigned int order;
} blocks[SHIM_BLOCKS];
static __initdata u64 used, limit;
static __initdata unsigned long saved_flags, saved_cr0;
/* The libraries read their stack canary at %fs:0x28. */
static __initdata u64 thread_area[8];

/* Constructors of the libraries (CPU feature dispatch). */
typedef void (*ctor_t)(void);
extern const ctor_t __init_array_start[], __init_array_end[];

void libc_shim_enter(u64 max_bytes)
{
	saved_flags = local_irq_save();
	saved_cr0 = read_cr0();
	limit = max_bytes;
	used = 0;
	write_cr0((saved_cr0 & ~(unsigned long)(X86_CR0_EM | X86_CR0_TS)) | X86_CR0_MP);
	write_cr4(read_cr4() | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT);
	wrmsr(MSR_FS_BASE, (unsigned long)thread_area);
	__asm__ __volatile__("fninit");
	for (const ctor_t *c = __init_array_start; c < __init_array_end; c++)
		(*c)();
}

void libc_shim_leave(void)
{
	for (unsigned int i = 0; i < SHIM_BLOCKS; i++)
		if (blocks[i].p)
			free(blocks[i].p);
	wrmsr(MSR_FS_BASE, 0);
	write_cr0(saved_cr0);
	local_irq_restore(saved_flags);
}

void *libc_shim_alloc(size_t n)
{
	unsigned int order = get_order_from_bytes(n);
	u64 size = PAGE_SIZE << order;

	if (order > PAGE_ORDER_1G || size > limit - used)
		return NULL;
	for (unsigned int i = 0; i < SHIM_BLOCKS; i++) {
		struct page_info *pg;

		if (blocks[i].p)
			continue;
		pg = alloc_pages(order, MEMF_no_scrub);
		if (!pg)
			return NULL;
		blocks[i].p = page_to_virt(pg);
		blocks[i].order = order;
		used += size;
		return blocks[i].p;
	}
	return NULL;
}

void *malloc(size_t n) { return libc_shim_alloc(n); }

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	p = libc_shim_alloc(bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void free(void *p)
{
	for (unsigned int i = 0; p && i < SHIM_BLOCKS; i++) {
		if (blocks[i].p != p)
			continue;
		free_pages(virt_to_page(p), blocks[i].order);
		used -= PAGE_SIZE << blocks[i].order;
		blocks[i].p = NULL;
		return;
	}
}

void __stack_chk_fail(void) { panic("dom0: the kernel's payload broke the decompressor's stack\n"); }
