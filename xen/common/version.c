// SPDX-License-Identifier: GPL-2.0-only
/*
 * The xen_version hypercall. The numbers are those of the ABI that is spoken, so
 * that Debian's tools of that version run; the rest says what this is.
 */
#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/param.h>
#include <public/features.h>
#include <public/version.h>

#define ABI_MAJOR 4U
#define ABI_MINOR 17U

static const xen_extraversion_t extraversion = ".0-pavise";
static const xen_capabilities_info_t capabilities = "hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64 ";
static const xen_changeset_info_t changeset = "pavise";
static const struct xen_compile_info compile_info = {
	.compiler = __VERSION__,
	.compile_by = "pavise",
	.compile_domain = "",
	.compile_date = __DATE__ " " __TIME__,
};

static long put(unsigned long arg, const void *what, size_t n)
{
	return copy_to_guest_va(arg, what, n) ? -EFAULT : 0;
}

static long get_features(unsigned long arg)
{
	const struct domain *d = current->domain;
	struct xen_feature_info info;

	if (copy_from_guest_va(&info, arg, sizeof(info)))
		return -EFAULT;
	if (info.submap_idx)
		return -EINVAL;
	info.submap = 1U << XENFEAT_writable_page_tables | 1U << XENFEAT_auto_translated_physmap |
		      1U << XENFEAT_hvm_callback_vector | 1U << XENFEAT_hvm_safe_pvclock |
		      1U << XENFEAT_memory_op_vnode_supported;
	/* Without an IOMMU dom0's RAM is mapped 1:1. */
	info.submap |= 1U << (is_hardware_domain(d) ? XENFEAT_direct_mapped : XENFEAT_not_direct_mapped);
	if (is_hardware_domain(d))
		info.submap |= 1U << XENFEAT_dom0;
	return put(arg, &info, sizeof(info));
}

static long get_commandline(unsigned long arg)
{
	static const char denied[] = "<denied>";
	xen_commandline_t line = {};

	strlcpy(line, access_check(ACCESS_VERSION_PRIVATE, NULL) ? denied : saved_cmdline, sizeof(line));
	return put(arg, line, sizeof(line));
}

long do_xen_version(const unsigned long *a)
{
	static const struct xen_platform_parameters params = { .virt_start = HYPERVISOR_VIRT_START };
	unsigned int cmd = (unsigned int)a[0];

	switch (cmd) {
	case XENVER_version:
		return ABI_MAJOR << 16 | ABI_MINOR;
	case XENVER_extraversion:
		return put(a[1], extraversion, sizeof(extraversion));
	case XENVER_compile_info:
		return put(a[1], &compile_info, sizeof(compile_info));
	case XENVER_capabilities:
		return put(a[1], capabilities, sizeof(capabilities));
	case XENVER_changeset:
		return put(a[1], changeset, sizeof(changeset));
	case XENVER_platform_parameters:
		return put(a[1], &params, sizeof(params));
	case XENVER_get_features:
		return get_features(a[1]);
	case XENVER_pagesize:
		if (a[1])
			return -EINVAL;
		return PAGE_SIZE;
	case XENVER_guest_handle:
		return put(a[1], current->domain->handle, sizeof(current->domain->handle));
	case XENVER_commandline:
		return get_commandline(a[1]);
	case XENVER_build_id:
		/* The image carries no build id. */
		return access_check(ACCESS_VERSION_PRIVATE, NULL) ? -EPERM : -ENODATA;
	}
	return hypercall_unimplemented("xen_version", cmd);
}
