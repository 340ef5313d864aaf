/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one hypercall that Xen does not have: what Pavise tells dom0 beyond Xen's
 * ABI. Shared by the hypervisor and tools/. Number: __HYPERVISOR_arch_1, which
 * Xen leaves to architectures and x86 does not use. Arguments: op, guest-virtual
 * address of the op's structure. -ENOSYS on Xen: tools say so.
 *
 * Structures only grow at the end; version says which a caller knows.
 */
#ifndef PAVISE_PAVISE_OP_H
#define PAVISE_PAVISE_OP_H

#include <stdint.h>

#define PAVISE_OP_VERSION 1

/* p2m types, in the numbers used here (the hypervisor asserts that they are its own). */
enum pavise_p2m_type {
	PAVISE_P2M_INVALID,
	PAVISE_P2M_RAM_RW,
	PAVISE_P2M_RAM_RO,
	PAVISE_P2M_RAM_LOGDIRTY,
	PAVISE_P2M_MMIO_DIRECT,
	PAVISE_P2M_MMIO_DM,
	PAVISE_P2M_FOREIGN,
	PAVISE_P2M_GRANT_RW,
	PAVISE_P2M_GRANT_RO,
	PAVISE_P2M_POD,
	PAVISE_P2M_BROKEN,
	PAVISE_P2M_TYPES
};

/* Maximal runs of like entries; for frames of other domains, of one owner. */
struct pavise_p2m_range {
	uint64_t gfn, nr;
	uint64_t mfn; /* of the first; ~0: not backed */
	uint32_t type; /* PAVISE_P2M_* */
	uint16_t owner; /* domain that owns the frames; 0x7fff: none */
	uint16_t refs; /* references on the first frame, 0xffff: as many or more */
};

/* PAVISE_OP_p2m_ranges: nr in: room in ranges; out: filled. next_gfn in: start; out: go on here, ~0: done. */
#define PAVISE_OP_p2m_ranges 0
struct pavise_p2m_ranges {
	uint32_t version;
	uint16_t domid, pad;
	uint64_t next_gfn;
	uint64_t ranges; /* guest-virtual address of struct pavise_p2m_range[nr] */
	uint32_t nr, pad2;
};

/* PAVISE_OP_p2m_stats: leaves by type and size (4 KiB, 2 MiB, 1 GiB), tables, what was done so far. */
#define PAVISE_OP_p2m_stats 1
struct pavise_p2m_stats {
	uint32_t version;
	uint16_t domid, pad;
	uint64_t entries[16][3];
	uint64_t tables, pool;
	uint64_t foreign_made, foreign_released;
	uint64_t max_gfn;
};

#endif
