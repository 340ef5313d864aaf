/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * EPT violations: what can be put right here is (a page on demand, a first
 * write to a log-dirty page, an entry changed meanwhile), the rest is told apart
 * for the emulator. Runs without a lock on any number of vCPUs.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/p2m.h>
#include "p2m-private.h"

static bool allows(ept_t e, bool write, bool exec)
{
	u64 need = EPT_R | (write ? EPT_W : 0) | (exec ? EPT_X : 0);

	return (e.e & need) == need;
}

/* Pages of another domain, or restricted ones: the guest may not, and no emulation could help. */
static enum p2m_fault ram_fault(struct p2m_domain *p2m, unsigned long gfn, const struct ept_pos *pos,
				bool write, bool exec)
{
	enum p2m_type t = ept_type(pos->e);
	u64 rights = ept_rights(t, ept_access(pos->e), 0);
	bool writable = ept_rights(p2m_ram_rw, ept_access(pos->e), 0) & EPT_W;
	struct ept_pos split;

	if (t == p2m_ram_logdirty && write && writable) {
		p2m_make_dirty(p2m, gfn);
		p2m_count(&p2m_my_counts(p2m)->write_faults, 1);
		return P2M_FAULT_FIXED;
	}
	/* A superpage that must not be executable, of pages that may be. */
	if (exec && pos->level && (rights & EPT_X))
		return ept_reach(p2m, gfn, 0, TYPES_ALL, &split) ? P2M_FAULT_DENIED : P2M_FAULT_FIXED;
	/* Writes to read-only RAM go nowhere, as to a ROM. */
	if (t == p2m_ram_ro && write && writable)
		return P2M_FAULT_EMULATE;
	return P2M_FAULT_DENIED;
}

enum p2m_fault p2m_handle_fault(struct domain *d, gfn_t gfn, bool write, bool exec)
{
	struct p2m_domain *p2m = to_p2m(d);
	struct ept_pos pos;

	if (!p2m_gfn_valid(gfn_x(gfn), 1))
		return P2M_FAULT_EMULATE;
	ept_walk(p2m, gfn_x(gfn), 0, &pos);
	/* Another vCPU has put it right, or a stale translation had been in use. */
	if (allows(pos.e, write, exec))
		return P2M_FAULT_FIXED;
	switch (ept_type(pos.e)) {
	case p2m_invalid:
		return P2M_FAULT_EMULATE;
	case p2m_mmio_dm:
		return P2M_FAULT_DM;
	case p2m_pod:
		/* While memory is being looked for the guest, too, tries again. */
		return p2m_pod_populate(p2m, gfn_x(gfn)) == -ENOMEM ? P2M_FAULT_NO_MEMORY : P2M_FAULT_FIXED;
	case p2m_broken:
		return P2M_FAULT_DENIED;
	default:
		return ram_fault(p2m, gfn_x(gfn), &pos, write, exec);
	}
}
