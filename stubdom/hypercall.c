/* SPDX-License-Identifier: GPL-2.0-only */
/* Finding the hypervisor and its hypercall page. */
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/x86.h>
#include <xen/arch-x86/cpuid.h>

uint32_t xen_cpuid_base;

bool hypercall_init(void)
{
	uint32_t leaf;

	for (leaf = 0x40000000; leaf < 0x40010000; leaf += 0x100) {
		struct cpuid_regs r = cpuid(leaf, 0);

		if (r.ebx == XEN_CPUID_SIGNATURE_EBX && r.ecx == XEN_CPUID_SIGNATURE_ECX &&
		    r.edx == XEN_CPUID_SIGNATURE_EDX) {
			xen_cpuid_base = leaf;
			break;
		}
	}
	if (!xen_cpuid_base)
		return false;
	wrmsr(cpuid(xen_cpuid_base + 2, 0).ebx, (uint64_t)hypercall_page);
	return true;
}

long hvm_param_set(domid_t domid, uint32_t index, uint64_t value)
{
	struct xen_hvm_param p = { .domid = domid, .index = index, .value = value };

	return hc_hvm_op(HVMOP_set_param, &p);
}

long hvm_param_get(domid_t domid, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param p = { .domid = domid, .index = index };
	long rc = hc_hvm_op(HVMOP_get_param, &p);

	if (!rc)
		*value = p.value;
	return rc;
}
