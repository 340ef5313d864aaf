/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory types: what an EPT entry says about caching. Under EPT a CPU combines
 * the entry's type with the guest's PAT and does not look at the host's MTRRs
 * (SDM volume 3, "Memory Type Used for Translated Guest-Physical Addresses"),
 * so their say over device ranges has to be put into the entries.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include "p2m-private.h"

#define MTRR_V	  (1ULL << 11) /* mask register: valid */
#define MTRR_ADDR 0x000ffffffffff000ULL

/* SDM volume 3, "MTRR Precedences": UC wins, then WT over WB; anything else is undefined, so UC. */
static u8 combine(u8 a, u8 b)
{
	if (a == b)
		return a;
	if ((a == X86_MT_WT && b == X86_MT_WB) || (a == X86_MT_WB && b == X86_MT_WT))
		return X86_MT_WT;
	return X86_MT_UC;
}

/* Fixed ranges: 8 of 64K, 16 of 16K, 64 of 4K; *end: where this one ends. */
static u8 fixed_type(const struct host_mtrr *m, u64 addr, u64 *end)
{
	unsigned int i;
	u64 size;

	if (addr < 0x80000) {
		size = 0x10000;
		i = (unsigned int)(addr / size);
	} else if (addr < 0xc0000) {
		size = 0x4000;
		i = 8 + (unsigned int)((addr - 0x80000) / size);
	} else {
		size = 0x1000;
		i = 24 + (unsigned int)((addr - 0xc0000) / size);
	}
	*end = (addr & ~(size - 1)) + size;
	return (u8)(m->fixed[i / 8] >> (i % 8 * 8));
}

/*
 * Where, after addr, the range of a base and mask pair may begin or end. Firmware's masks are runs of
 * ones up to the width of physical addresses, 36 bits or more; otherwise the lowest bit is the grain.
 */
static u64 next_edge(u64 addr, u64 base, u64 mask)
{
	u64 grain = mask & -mask;

	if (!((mask + grain) & mask) && mask + grain >= 1ULL << 36) {
		if (addr < base)
			return base;
		return addr - base < grain ? base + grain : ~0ULL;
	}
	return (addr | (grain - 1)) + 1;
}

/* The type at addr, and in *end where it may change next (at most limit). */
static u8 type_at(const struct host_mtrr *m, u64 addr, u64 limit, u64 *end)
{
	unsigned int n = min((unsigned int)(m->cap & 0xff), (unsigned int)ARRAY_SIZE(m->var));
	int type = -1;

	*end = limit;
	if (!(m->def_type & MTRR_DEF_TYPE_ENABLE))
		return X86_MT_UC;
	if ((m->def_type & MTRR_DEF_TYPE_FIXED) && addr < 0x100000)
		return fixed_type(m, addr, end);
	for (unsigned int i = 0; i < n; i++) {
		u64 mask = m->var[i][1] & MTRR_ADDR, base = m->var[i][0] & MTRR_ADDR & mask;
		u8 t = (u8)m->var[i][0];

		if (!(m->var[i][1] & MTRR_V) || !mask)
			continue;
		*end = min(*end, next_edge(addr, base, mask));
		if ((addr & mask) == base)
			type = type < 0 ? t : combine((u8)type, t);
	}
	return type < 0 ? (u8)m->def_type : (u8)type;
}

/* What an EPT entry may hold; other values would be misconfigurations. */
static u8 valid_type(u8 t)
{
	return t == X86_MT_WC || t == X86_MT_WT || t == X86_MT_WP || t == X86_MT_WB ? t : X86_MT_UC;
}

/*
 * The type the MTRRs give to [start, end), at start if they differ; *uniform: they do not.
 * The steps are limited: a range cut up more than that is as good as not uniform.
 */
u8 mtrr_range_type(const struct host_mtrr *m, u64 start, u64 end, bool *uniform)
{
	u64 next;
	u8 type = type_at(m, start, end, &next);

	*uniform = true;
	for (unsigned int steps = 0; next < end; steps++) {
		if (steps == 512 || type_at(m, next, end, &next) != type) {
			*uniform = false;
			break;
		}
	}
	return valid_type(type);
}

/*
 * RAM, whoever owns it, is write-back whatever MTRRs say (lessons B39, U8); a domain with devices
 * may choose otherwise by its PAT. Device ranges: as the firmware set them up, refined by the PAT.
 */
u8 p2m_memory_type(struct domain *d, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type t, bool *ipat)
{
	u64 start = mfn_to_maddr(mfn);
	bool uniform;

	*ipat = false;
	if (t != p2m_mmio_direct) {
		*ipat = !to_p2m(d)->honour_pat;
		return X86_MT_WB;
	}
	return mtrr_range_type(host_mtrr(), start, start + (PAGE_SIZE << order), &uniform);
}
