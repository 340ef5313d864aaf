// SPDX-License-Identifier: GPL-2.0-only
/*
 * Building dom0: a PVH domain (public/arch-x86/hvm/start_info.h) from the boot
 * modules. The first module is the kernel, the second, if any, its initramfs,
 * which stays where the boot loader put it. What cannot be built stops the
 * boot with a message: there is nobody yet to report to.
 */
#include <xen/console.h>
#include <xen/errno.h>
#include <xen/event.h>
#include <xen/grant_table.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/p2m.h>
#include <asm/setup.h>
#include <public/arch-x86/hvm/start_info.h>
#include "pvh.h"

static __initdata unsigned int opt_dom0_max_vcpus;
integer_param("dom0_max_vcpus", opt_dom0_max_vcpus, "vCPUs of dom0. Default: as many as there are CPUs.");

/* Frames the allocator keeps for dom0's own bookkeeping (tables, vCPUs) while it is being built. */
#define BUILD_RESERVE (MB(4) >> PAGE_SHIFT)

struct build {
	struct domain *d;
	struct dom0_map map;
	struct elf_stream elf;
	struct boot_module kernel, initrd;
	bool has_initrd, kernel_moved;
	bool kernel_in_place; /* its file is dom0's memory already, and is stored over itself */
	const char *cmdline;
};
static __initdata struct build build;

static __init bool overlaps(const struct boot_module *m, u64 start, u64 end)
{
	return m->start < end && m->start + m->size > start;
}

static __init struct domain *create_domain(unsigned int nr_vcpus)
{
	struct xen_domctl_createdomain cfg = {
		.flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
		.max_vcpus = nr_vcpus,
		.max_evtchn_port = -1,
		.max_grant_frames = -1,
		.max_maptrack_frames = -1,
		.grant_opts = XEN_DOMCTL_GRANT_version(2),
		.arch.emulation_flags = XEN_X86_EMU_LAPIC | XEN_X86_EMU_IOAPIC | XEN_X86_EMU_VPCI,
	};
	struct domain *d;
	int rc = domain_create(0, &cfg, true, &d);

	if (rc)
		panic("dom0: creating it failed: %d\n", rc);
	for (unsigned int i = 0; i < nr_vcpus; i++)
		if (!vcpu_create(d, i))
			panic("dom0: creating vCPU %u failed: out of memory\n", i);
	d->max_pages = ~0UL >> 1;
	p2m_set_identity(d);
	/* Enough to map as much as the machine has by single pages. */
	if (p2m_preallocate(d, (unsigned int)(max_page / 512 + 64)))
		printk(XENLOG_WARNING "dom0: no memory to set aside for its page tables\n");
	/* What its back ends take for a good number of guests. */
	if (gnttab_preallocate(d, 16) || evtchn_preallocate(d, 512))
		printk(XENLOG_WARNING "dom0: no memory to set aside for its grants and events\n");
	return d;
}

static __init unsigned int dom0_vcpus(void)
{
	unsigned int n = opt_dom0_max_vcpus ? opt_dom0_max_vcpus : cpumask_weight(cpu_online_map);

	if (n > MAX_VCPUS) {
		printk(XENLOG_WARNING "dom0_max_vcpus=%u: more than %u, taken as that\n", n, MAX_VCPUS);
		n = MAX_VCPUS;
	}
	return n;
}

/* Of 2^order frames only n are needed: the others go back at once. */
static __init void free_tail(struct page_info *pg, unsigned long n, unsigned int order)
{
	for (unsigned long i = n; i < 1UL << order; i++)
		free_pages(pg + i, 0);
}

/*
 * The kernel is copied to where it wants to run, which is 1:1: its file must not lie there. The copy
 * is taken from the allocator, which hands out high frames first.
 */
static __init void move_kernel_file(struct build *b)
{
	struct boot_module *m = &b->kernel;
	unsigned int order = get_order_from_bytes(m->size);
	struct page_info *pg = alloc_pages(order, MEMF_no_scrub);

	if (!pg)
		panic("dom0: no %llu MiB of free memory to set the kernel file aside\n",
		      (unsigned long long)(PAGE_SIZE << order) >> 20);
	memcpy(page_to_virt(pg), maddr_to_virt(m->start), m->size);
	init_heap_pages(maddr_to_mfn(m->start), (m->size + PAGE_SIZE - 1) >> PAGE_SHIFT);
	m->start = mfn_to_maddr(page_to_mfn(pg));
	free_tail(pg, (m->size + PAGE_SIZE - 1) >> PAGE_SHIFT, order);
	b->kernel_moved = true;
}

/* The kernel is in place: the memory of its file is free. */
static __init void release_kernel_file(struct build *b)
{
	unsigned long n = (b->kernel.size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (b->kernel_in_place)
		return;
	if (!b->kernel_moved) {
		init_heap_pages(maddr_to_mfn(b->kernel.start), n);
		return;
	}
	for (unsigned long i = 0; i < n; i++)
		free_pages(maddr_to_page(b->kernel.start) + i, 0);
}

static __init int probe_place(void *arg, u64 start, u64 end)
{
	struct build *b = arg;

	/* Only the extent was wanted. */
	b->elf.start = start;
	b->elf.end = end;
	return -EAGAIN;
}

static __init int place_kernel(void *arg, u64 start, u64 end)
{
	struct build *b = arg;

	if (b->has_initrd && overlaps(&b->initrd, start, end)) {
		b->elf.why = "the boot loader put the initramfs where the kernel must go";
		return -EBUSY;
	}
	for (u64 a = ROUND_DOWN(start, PAGE_SIZE); a < end; a += PAGE_SIZE) {
		mfn_t mfn = maddr_to_mfn(a);

		if (!mfn_valid(mfn) || page_owner_id(mfn_to_page(mfn)) != b->d->domain_id) {
			printk(XENLOG_ERR
			       "dom0: the kernel wants %#llx-%#llx, dom0 has no memory at %#llx (frame: %#llx)\n",
			       (unsigned long long)start, (unsigned long long)end, (unsigned long long)a,
			       (unsigned long long)(mfn_valid(mfn) ? mfn_to_page(mfn)->ref : ~0ULL));
			b->elf.why = "it is too large for dom0's memory, or its place is taken (see dom0_mem=)";
			return -ENOMEM;
		}
	}
	return 0;
}

static __init int store_kernel(void *arg, u64 paddr, const void *data, u64 n)
{
	return dom0_store(((struct build *)arg)->d, paddr, data, n);
}

static __init void refuse_kernel(const char *why)
{
	panic("dom0: the kernel (first module, %llu bytes) cannot be used: %s\n",
	      (unsigned long long)boot_info.module[0].size, why ? why : "unknown reason");
}

/* Where the kernel will run, read from its headers without storing anything. */
static __init void probe_kernel(struct build *b)
{
	const char *why = NULL;
	int rc;

	elf_stream_init(&b->elf, probe_place, store_kernel, b);
	rc = kernel_unpack(maddr_to_virt(b->kernel.start), b->kernel.size, elf_stream_sink, &b->elf, &why);
	if (!rc)
		rc = elf_stream_finish(&b->elf);
	if (rc != -EAGAIN)
		refuse_kernel(b->elf.why ? b->elf.why : why ? why : "it is truncated");
}

static __init void load_kernel(struct build *b)
{
	const char *why = NULL;
	int rc;

	elf_stream_init(&b->elf, place_kernel, store_kernel, b);
	rc = kernel_unpack(maddr_to_virt(b->kernel.start), b->kernel.size, elf_stream_sink, &b->elf, &why);
	if (!rc)
		rc = elf_stream_finish(&b->elf);
	if (rc)
		refuse_kernel(b->elf.why ? b->elf.why : why);
	printk(XENLOG_INFO "dom0: kernel at %#llx-%#llx, PVH entry %#x\n", (unsigned long long)b->elf.start,
	       (unsigned long long)b->elf.end, b->elf.entry);
}

/* A block that does not reach into the kernel's place; those that do are held until it is found. NULL: there is none. */
static __init struct page_info *alloc_beside_kernel(const struct build *b, unsigned int order)
{
	struct page_info *held[64], *pg;
	unsigned int n = 0;

	while ((pg = alloc_pages(order, MEMF_no_scrub)) && n < ARRAY_SIZE(held)) {
		maddr_t at = mfn_to_maddr(page_to_mfn(pg));

		if (at >= b->elf.end || at + (PAGE_SIZE << order) <= b->elf.start)
			break;
		held[n++] = pg;
		pg = NULL;
	}
	while (n)
		free_pages(held[--n], order);
	return pg;
}

/* The initramfs keeps its place, unless the kernel must go there. */
static __init void place_initrd(struct build *b)
{
	unsigned long n = (b->initrd.size + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (overlaps(&b->initrd, b->elf.start, b->elf.end)) {
		/* Blocks of 4 MiB at least: few of them lie where the kernel goes. */
		unsigned int order = max(get_order_from_bytes(b->initrd.size), 10U);
		struct page_info *pg = alloc_beside_kernel(b, order);
		maddr_t to;

		if (!pg)
			panic("dom0: no %llu MiB of free memory to move the initramfs away from the kernel's place\n",
			      (unsigned long long)(PAGE_SIZE << order) >> 20);
		to = mfn_to_maddr(page_to_mfn(pg));
		memcpy(maddr_to_virt(to), maddr_to_virt(b->initrd.start), b->initrd.size);
		init_heap_pages(maddr_to_mfn(b->initrd.start), n);
		free_tail(pg, n, order);
		b->initrd.start = to;
	}
	dom0_donate_module(b->d, &b->initrd, &b->map);
}

/* Lays out start_info, module list, memory map and command line in one piece of RAM; returns its address. */
static __init u64 build_start_info(struct build *b, u64 rsdp, u64 at)
{
	struct hvm_start_info si = { .magic = XEN_HVM_START_MAGIC_VALUE, .version = 1 };
	struct hvm_modlist_entry mod = { 0 };
	u64 pos = at + ROUND_UP(sizeof(si), 16), cmdline;
	int rc = 0;

	si.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
	si.rsdp_paddr = rsdp;
	if (b->has_initrd) {
		mod.paddr = b->initrd.start;
		mod.size = b->initrd.size;
		si.nr_modules = 1;
		si.modlist_paddr = pos;
		rc |= dom0_store(b->d, pos, &mod, sizeof(mod));
		pos += ROUND_UP(sizeof(mod), 16);
	}
	si.memmap_paddr = pos;
	si.memmap_entries = b->map.nr;
	for (unsigned int i = 0; i < b->map.nr; i++) {
		struct hvm_memmap_table_entry e = { b->map.e[i].addr, b->map.e[i].size, b->map.e[i].type, 0 };

		rc |= dom0_store(b->d, pos, &e, sizeof(e));
		pos += sizeof(e);
	}
	cmdline = pos;
	si.cmdline_paddr = cmdline;
	rc |= dom0_store(b->d, cmdline, b->cmdline, strlen(b->cmdline) + 1);
	rc |= dom0_store(b->d, at, &si, sizeof(si));
	if (rc)
		panic("dom0: its start information could not be stored at %#llx\n", (unsigned long long)at);
	return at;
}

static __init u64 start_info_size(const struct build *b)
{
	return sizeof(struct hvm_start_info) + sizeof(struct hvm_modlist_entry) + 64 +
	       (b->map.nr + 4) * sizeof(struct hvm_memmap_table_entry) + strlen(b->cmdline) + 1;
}

static __init void give_memory_map(struct build *b)
{
	b->d->arch.e820 = xzalloc_array(struct e820_entry, b->map.nr);
	if (!b->d->arch.e820)
		panic("dom0: no memory for its memory map\n");
	memcpy(b->d->arch.e820, b->map.e, b->map.nr * sizeof(b->map.e[0]));
	b->d->arch.nr_e820 = b->map.nr;
	for (unsigned int i = 0; i < b->map.nr; i++)
		printk(XENLOG_DEBUG "dom0: %#014llx-%#014llx type %u\n", (unsigned long long)b->map.e[i].addr,
		       (unsigned long long)(b->map.e[i].addr + b->map.e[i].size - 1), b->map.e[i].type);
}

/* Between the release of the held memory and the mapping nothing else is allocated: dom0 gets what is lowest. */
static __init unsigned long give_memory(struct build *b)
{
	unsigned long kernel_pages = (b->kernel.size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	unsigned long initrd_pages = b->has_initrd ? (b->initrd.size + PAGE_SIZE - 1) >> PAGE_SHIFT : 0;
	unsigned long available, want, got;

	bootmem_release_held();
	available = free_page_count() + initrd_pages + (b->kernel_moved ? 0 : kernel_pages);
	if (!b->kernel_in_place)
		kernel_pages = 0;
	want = dom0_target_pages(available > BUILD_RESERVE ? available - BUILD_RESERVE : 0);

	if (want <= initrd_pages + kernel_pages)
		panic("dom0: %lu MiB (dom0_mem=) is less than its kernel and initramfs take\n", want >> 8);
	if (b->kernel_in_place)
		dom0_donate_module(b->d, &b->kernel, &b->map);
	/* The initramfs counts as part of dom0's memory. */
	if (b->has_initrd)
		place_initrd(b);
	got = dom0_assign_ram(b->d, want - initrd_pages - kernel_pages, &b->map) + initrd_pages + kernel_pages;
	if (got < want)
		printk(XENLOG_WARNING "dom0: %lu MiB asked for, %lu MiB given\n", want >> 8, got >> 8);
	dom0_map_ram(b->d, &b->map);
	return got;
}

void __init dom0_build(void)
{
	struct build *b = &build;
	unsigned int nr_vcpus = dom0_vcpus();
	struct boot_module taken[2];
	u64 acpi, rsdp = 0, at;
	unsigned long pages;

	b->kernel = boot_info.module[0];
	b->cmdline = b->kernel.cmdline ? b->kernel.cmdline : "";
	b->has_initrd = boot_info.nr_modules > 1;
	if (b->has_initrd)
		b->initrd = boot_info.module[1];
	printk(XENLOG_INFO "dom0: building it with %u vCPUs from module 0 (%llu bytes)%s\n", nr_vcpus,
	       (unsigned long long)b->kernel.size, b->has_initrd ? " and an initramfs" : "");

	probe_kernel(b);
	if (overlaps(&b->kernel, b->elf.start, b->elf.end)) {
		b->kernel_in_place = !memcmp(maddr_to_virt(b->kernel.start),
					     "\x7f"
					     "ELF",
					     4) &&
				     elf_stream_moves_up(&b->elf, b->kernel.start);
		if (!b->kernel_in_place)
			move_kernel_file(b);
	}
	b->d = create_domain(nr_vcpus);
	pages = give_memory(b);
	dom0_map_firmware(b->d, &b->map);
	dom0_map_sort(&b->map);
	load_kernel(b);
	release_kernel_file(b);

	taken[0] = (struct boot_module){ .start = b->elf.start, .size = b->elf.end - b->elf.start };
	taken[1] = b->initrd;
	acpi = dom0_carve(&b->map, dom0_acpi_size(nr_vcpus), E820_ACPI, taken, ARRAY_SIZE(taken));
	if (acpi)
		rsdp = dom0_acpi_build(b->d, acpi, nr_vcpus);
	if (!rsdp)
		printk(XENLOG_WARNING "dom0: it gets no ACPI tables\n");
	dom0_map_sort(&b->map);
	at = dom0_carve(&b->map, start_info_size(b), E820_RAM, taken, ARRAY_SIZE(taken));
	if (!at)
		panic("dom0: no room for its start information below 4 GiB\n");
	build_start_info(b, rsdp, at);
	give_memory_map(b);
	hvm_set_pvh_start(b->d->vcpu[0], b->elf.entry, (u32)at);

	printk(XENLOG_INFO "dom0: %lu MiB, mapped 1:1; no IOMMU, so its devices cannot do DMA straight into "
			   "foreign or granted pages\n",
	       pages >> 8);
	b->d->vcpu[0]->is_initialised = true;
	clear_bit(VPF_down, &b->d->vcpu[0]->pause_flags);
	domain_publish(b->d);
	b->d->creation_finished = true;
	domain_unpause_by_controller(b->d);
}
