/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's MTRRs, read once: firmware sets them up, nobody changes them afterwards. */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/p2m.h>
#include <asm/msr-index.h>
#include <asm/processor.h>
#include "p2m-private.h"

#define MTRRCAP_FIXED (1U << 8)

static const u16 fixed_msrs[11] = {
	0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

static void read_mtrrs(struct host_mtrr *m)
{
	unsigned int n;

	m->cap = rdmsr(MSR_IA32_MTRRCAP);
	m->def_type = rdmsr(MSR_IA32_MTRR_DEF_TYPE);
	n = min((unsigned int)(m->cap & 0xff), (unsigned int)ARRAY_SIZE(m->var));
	for (unsigned int i = 0; i < n; i++) {
		m->var[i][0] = rdmsr(MSR_IA32_MTRR_PHYSBASE(i));
		m->var[i][1] = rdmsr(MSR_IA32_MTRR_PHYSMASK(i));
	}
	if (m->cap & MTRRCAP_FIXED)
		for (unsigned int i = 0; i < ARRAY_SIZE(fixed_msrs); i++)
			m->fixed[i] = rdmsr(fixed_msrs[i]);
}

const struct host_mtrr *host_mtrr(void)
{
	static struct host_mtrr state;
	static bool read;

	/* Two CPUs here at once read and store the same. */
	if (!smp_load_acquire(&read)) {
		read_mtrrs(&state);
		smp_store_release(&read, true);
	}
	return &state;
}
