// SPDX-License-Identifier: GPL-2.0-only
/*
 * dom0's memory. Without an IOMMU its devices use guest-physical addresses for
 * DMA, so all its RAM is mapped at its own machine address (gfn = mfn), and
 * what is not RAM as well. RAM handed over at boot is not scrubbed: it holds
 * what the firmware and the boot loader left, the initramfs among it.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/processor.h>
#include "pvh.h"

/* dom0_mem: a size, a fraction of what is free, or both; a negative size is what stays free. */
struct amount {
	bool set, negative;
	u64 bytes;
	unsigned int percent;
};
static __initdata struct amount mem_size, mem_min, mem_max;

static __init int parse_amount(const char *s, const char **end, struct amount *a)
{
	struct amount r = { .set = true };

	for (;;) {
		const char *e;
		unsigned long long n;

		if (*s == '-') {
			r.negative = true;
			s++;
		}
		n = strtoull(s, &e, 10);
		if (e == s)
			return -EINVAL;
		if (*e == '%') {
			if (n >= 100)
				return -EINVAL;
			r.percent = (unsigned int)n;
			s = e + 1;
		} else {
			r.bytes = parse_size(s, &e);
			s = e;
		}
		if (*s != '+')
			break;
		s++;
	}
	*a = r;
	*end = s;
	return 0;
}

static __init int parse_dom0_mem(const char *s)
{
	while (*s) {
		struct amount *a = &mem_size;

		if (!strncmp(s, "min:", 4)) {
			a = &mem_min;
			s += 4;
		} else if (!strncmp(s, "max:", 4)) {
			a = &mem_max;
			s += 4;
		}
		if (parse_amount(s, &s, a))
			return -EINVAL;
		if (*s == ',')
			s++;
		else if (*s)
			return -EINVAL;
	}
	return 0;
}
custom_param("dom0_mem", parse_dom0_mem,
	     "[min:<amount>,][max:<amount>,]<amount>: memory of dom0; an amount is a size (K, M, G), a "
	     "fraction of the free memory (25%), or both added (512M+10%); negative: all but that much. "
	     "Default: all but a sixteenth, 128 MiB at most.");

static __init unsigned long amount_pages(const struct amount *a, unsigned long available)
{
	unsigned long pages =
		(unsigned long)(a->bytes >> PAGE_SHIFT) + (unsigned long)muldiv64(available, a->percent, 100);

	if (a->negative)
		return pages < available ? available - pages : 0;
	return pages;
}

unsigned long __init dom0_target_pages(unsigned long available)
{
	unsigned long keep = min(available / 16, (unsigned long)(MB(128) >> PAGE_SHIFT));
	unsigned long n = mem_size.set ? amount_pages(&mem_size, available) : available - keep;

	if (mem_min.set)
		n = max(n, amount_pages(&mem_min, available));
	if (mem_max.set)
		n = min(n, amount_pages(&mem_max, available));
	if (n > available)
		printk(XENLOG_WARNING "dom0_mem: %lu MiB asked for, %lu MiB are free: dom0 gets less\n",
		       n >> 8, available >> 8);
	return min(n, available);
}

static __init void map_add(struct dom0_map *map, u64 start, u64 end, u32 type)
{
	struct e820_entry *last = map->nr ? &map->e[map->nr - 1] : NULL;

	if (start >= end)
		return;
	if (last && last->type == type && last->addr + last->size == start) {
		last->size += end - start;
		return;
	}
	if (map->nr == E820_MAX)
		panic("dom0: its memory map would need more than %u ranges\n", E820_MAX);
	map->e[map->nr++] = (struct e820_entry){ start, end - start, type };
}

static __init void map_ram(struct domain *d, unsigned long pfn, unsigned int order, struct p2m_batch *b)
{
	int rc = p2m_add_page(d, _gfn(pfn), _mfn(pfn), order, p2m_ram_rw, b);

	if (rc)
		panic("dom0: mapping RAM at %#lx failed: %d\n", pfn << PAGE_SHIFT, rc);
}

/* Enters the frames of [pfn, end) into the p2m by the largest pages that fit. */
static __init void map_ram_range(struct domain *d, unsigned long pfn, unsigned long end)
{
	static const unsigned int orders[] = { PAGE_ORDER_1G, PAGE_ORDER_2M, PAGE_ORDER_4K };
	struct p2m_batch b;

	p2m_batch_init(&b, d);
	while (pfn < end) {
		unsigned int i = 0;

		while (i + 1 < ARRAY_SIZE(orders) &&
		       (!IS_ALIGNED(pfn, 1UL << orders[i]) || end - pfn < (1UL << orders[i])))
			i++;
		map_ram(d, pfn, orders[i], &b);
		pfn += 1UL << orders[i];
	}
	p2m_batch_flush(&b);
}

/* Frames of [pfn, end) that are free become dom0's, up to *left; largest pieces first. */
static __init void assign_range(struct domain *d, unsigned long pfn, unsigned long end, unsigned long *left,
				struct dom0_map *map)
{
	while (pfn < end && *left) {
		unsigned int order = min_t(unsigned int, ffs64(pfn | 1UL << PAGE_ORDER_1G) - 1,
					   fls64(*left < end - pfn ? *left : end - pfn) - 1);
		unsigned long n;
		int rc;

		/* Taken: the initramfs, or the hypervisor's. Long stretches of that are not worth asking for. */
		if (page_count(mfn_to_page(_mfn(pfn)))) {
			pfn++;
			continue;
		}
		/* A piece that is not free as a whole may be in parts. */
		while ((rc = assign_pages_at(d, _mfn(pfn), order)) && order)
			order = order > PAGE_ORDER_2M ? PAGE_ORDER_2M : order / 2;
		n = 1UL << order;
		if (!rc) {
			map_add(map, (u64)pfn << PAGE_SHIFT, (u64)(pfn + n) << PAGE_SHIFT, E820_RAM);
			*left -= n;
		}
		pfn += n;
	}
}

unsigned long __init dom0_assign_ram(struct domain *d, unsigned long nr_pages, struct dom0_map *map)
{
	unsigned long left = nr_pages;

	for (unsigned int i = 0; i < e820.nr && left; i++)
		if (e820.e[i].type == E820_RAM)
			assign_range(d, e820.e[i].addr >> PAGE_SHIFT,
				     (e820.e[i].addr + e820.e[i].size) >> PAGE_SHIFT, &left, map);
	return nr_pages - left;
}

void __init dom0_map_ram(struct domain *d, const struct dom0_map *map)
{
	for (unsigned int i = 0; i < map->nr; i++)
		map_ram_range(d, map->e[i].addr >> PAGE_SHIFT, (map->e[i].addr + map->e[i].size) >> PAGE_SHIFT);
}

void __init dom0_donate_module(struct domain *d, const struct boot_module *m, struct dom0_map *map)
{
	unsigned long pfn = m->start >> PAGE_SHIFT, end = (m->start + m->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	int rc = donate_frames(d, _mfn(pfn), end - pfn);

	if (rc)
		panic("dom0: the boot module at %#llx cannot become its memory: %d\n",
		      (unsigned long long)m->start, rc);
	map_add(map, (u64)pfn << PAGE_SHIFT, (u64)end << PAGE_SHIFT, E820_RAM);
}

/* ---- what is not RAM ---- */

struct window {
	u64 start, end;
};
#define MAX_WINDOWS 24
/* Machine ranges dom0 must not reach directly: local APIC, IO-APICs, configuration space. Kept for faults. */
static struct window hidden[MAX_WINDOWS];
static unsigned int hidden_count;
static unsigned long mmio_faults;

#define VGA_START 0xa0000UL

static __init void hide(u64 start, u64 len)
{
	if (hidden_count == MAX_WINDOWS)
		panic("dom0: more than %u ranges to keep from it\n", MAX_WINDOWS);
	hidden[hidden_count++] = (struct window){ start, start + len };
}

/* IO-APIC entries of the MADT (ACPI specification, "I/O APIC Structure"). */
static __init void hide_ioapics(void)
{
	const struct acpi_header *h = acpi_find_table("APIC", 0);
	const u8 *p = (const u8 *)h;

	if (!h)
		return;
	for (u32 pos = sizeof(*h) + 8; pos + 2 <= h->length && p[pos + 1] >= 2; pos += p[pos + 1]) {
		u32 addr;

		if (p[pos] != 1 || p[pos + 1] < 12 || pos + 12 > h->length)
			continue;
		memcpy(&addr, p + pos + 4, 4);
		hide(addr & ~0xfffU, PAGE_SIZE);
	}
}

/* Configuration space windows of the MCFG (PCI Firmware Specification): 16 bytes an entry, from offset 44. */
static __init void hide_config_space(void)
{
	const struct acpi_header *h = acpi_find_table("MCFG", 0);
	const u8 *p = (const u8 *)h;

	for (u32 pos = 44; h && pos + 16 <= h->length; pos += 16) {
		u64 base;

		memcpy(&base, p + pos, 8);
		if (p[pos + 11] >= p[pos + 10])
			hide(base + ((u64)p[pos + 10] << 20), (u64)(p[pos + 11] - p[pos + 10] + 1) << 20);
	}
}

static __init void map_mmio_piece(struct domain *d, u64 start, u64 end)
{
	unsigned long pfn = start >> PAGE_SHIFT, nr = (end - start) >> PAGE_SHIFT, done = 0;

	while (nr) {
		int rc = p2m_set_mmio(d, _gfn(pfn), _mfn(pfn), nr, &done);

		if (rc && rc != -ERESTART)
			panic("dom0: mapping %#lx-%#lx failed: %d\n", (unsigned long)start,
			      (unsigned long)end, rc);
		if (!rc)
			done = nr;
		pfn += done;
		nr -= done;
	}
}

/* Maps [start, end) but for the hidden windows. */
static __init void map_mmio(struct domain *d, u64 start, u64 end, unsigned int from)
{
	for (unsigned int i = from; i < hidden_count; i++) {
		if (hidden[i].end <= start || hidden[i].start >= end)
			continue;
		if (hidden[i].start > start)
			map_mmio(d, start, hidden[i].start, i + 1);
		if (hidden[i].end < end)
			map_mmio(d, hidden[i].end, end, i + 1);
		return;
	}
	map_mmio_piece(d, start, end);
}

/* Host RAM that is not dom0's must look used, or Linux would put devices or hot-plugged memory there. */
static __init void add_hypervisor_ram(struct dom0_map *map, u64 start, u64 end, unsigned int given)
{
	for (unsigned int i = 0; i < given; i++) {
		u64 s = map->e[i].addr, e = s + map->e[i].size;

		if (e <= start || s >= end)
			continue;
		if (s > start)
			add_hypervisor_ram(map, start, s, given);
		if (e < end)
			add_hypervisor_ram(map, e, end, given);
		return;
	}
	map_add(map, start, end, E820_UNUSABLE);
}

void __init dom0_map_firmware(struct domain *d, struct dom0_map *map)
{
	unsigned int given = map->nr;

	hide(rdmsr(MSR_IA32_APICBASE) & 0xffffff000UL, PAGE_SIZE);
	hide_ioapics();
	hide_config_space();
	for (unsigned int i = 0; i < e820.nr; i++) {
		u64 start = e820.e[i].addr, end = start + e820.e[i].size;

		if (e820.e[i].type == E820_RAM) {
			add_hypervisor_ram(map, start, end, given);
			continue;
		}
		map_add(map, start, end, e820.e[i].type);
		if (start < VGA_START)
			map_mmio(d, ROUND_DOWN(start, PAGE_SIZE),
				 ROUND_UP(min(end, (u64)VGA_START), PAGE_SIZE), 0);
		if (end > MB(1))
			map_mmio(d, ROUND_DOWN(max(start, MB(1)), PAGE_SIZE), ROUND_UP(end, PAGE_SIZE), 0);
	}
	/* VGA memory and option ROMs, whether or not the firmware lists them. */
	map_mmio(d, VGA_START, MB(1), 0);
}

/* Machine addresses that are neither listed by firmware nor kept from dom0: mapped when it uses them. */
static bool is_on_demand(u64 addr)
{
	if (addr >= 1ULL << (cpuid_eax(0x80000008) & 0xff))
		return false;
	for (unsigned int i = 0; i < hidden_count; i++)
		if (addr >= hidden[i].start && addr < hidden[i].end)
			return false;
	for (unsigned int i = 0; i < e820.nr; i++)
		if (addr >= e820.e[i].addr && addr - e820.e[i].addr < e820.e[i].size)
			return e820.e[i].type == E820_RESERVED || e820.e[i].type == E820_NVS ||
			       e820.e[i].type == E820_ACPI;
	return true;
}

bool dom0_mmio_release(struct domain *d, gfn_t gfn)
{
	unsigned long done;

	return is_hardware_domain(d) && is_on_demand(gfn_to_gpa(gfn)) &&
	       !p2m_clear_mmio(d, gfn, _mfn(gfn_x(gfn)), 1, &done);
}

bool dom0_mmio_fault(struct domain *d, gfn_t gfn)
{
	static unsigned long last_region = ~0UL;
	u64 addr = gfn_to_gpa(gfn);
	unsigned long done;

	if (!is_hardware_domain(d) || !is_on_demand(addr))
		return false;
	if (p2m_set_mmio(d, gfn, _mfn(gfn_x(gfn)), 1, &done))
		return false;
	__atomic_fetch_add(&mmio_faults, 1, __ATOMIC_RELAXED);
	if (xchg(&last_region, addr >> 21) != addr >> 21)
		printk(XENLOG_DEBUG "dom0: device memory at %#lx mapped on first use\n", (unsigned long)addr);
	return true;
}

static int cmp_entry(const void *a, const void *b)
{
	const struct e820_entry *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

void __init dom0_map_sort(struct dom0_map *map)
{
	struct dom0_map out = { .nr = 0 };

	sort(map->e, map->nr, sizeof(map->e[0]), cmp_entry);
	for (unsigned int i = 0; i < map->nr; i++)
		map_add(&out, map->e[i].addr, map->e[i].addr + map->e[i].size, map->e[i].type);
	*map = out;
}

static __init bool overlaps_any(const struct boot_module *m, unsigned int nr, u64 start, u64 end)
{
	for (unsigned int i = 0; i < nr; i++)
		if (m[i].start < end && ROUND_UP(m[i].start + m[i].size, PAGE_SIZE) > start)
			return true;
	return false;
}

u64 __init dom0_carve(struct dom0_map *map, u64 bytes, u32 type, const struct boot_module *taken,
		      unsigned int nr)
{
	bytes = ROUND_UP(bytes, PAGE_SIZE);
	for (unsigned int i = map->nr; i-- > 0;) {
		struct e820_entry *e = &map->e[i];
		u64 end = min(e->addr + e->size, GB(4)), at;

		if (e->type != E820_RAM || e->addr < MB(1) || end < e->addr + bytes + PAGE_SIZE)
			continue;
		at = end - bytes;
		/* The end of a range that reaches beyond 4 GiB is not its own end. */
		if (end != e->addr + e->size || overlaps_any(taken, nr, at, end))
			continue;
		if (type != E820_RAM) {
			e->size -= bytes;
			map_add(map, at, end, type);
		}
		return at;
	}
	return 0;
}

int dom0_store(struct domain *d, u64 gpa, const void *data, u64 n)
{
	const u8 *src = data;

	while (n) {
		u64 piece = min(n, ((gpa + n - 1) & ~PAGE_MASK) + 1), at = gpa + n - piece;
		mfn_t mfn = maddr_to_mfn(at);

		if (!mfn_valid(mfn) || !page_count(mfn_to_page(mfn)) ||
		    page_owner_id(mfn_to_page(mfn)) != d->domain_id)
			return -EFAULT;
		n -= piece;
		if (src)
			memmove(maddr_to_virt(at), src + n, piece);
		else
			memset(maddr_to_virt(at), 0, piece);
	}
	return 0;
}
