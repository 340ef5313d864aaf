/* SPDX-License-Identifier: GPL-2.0-only */
/* XENVER_*: what the hypervisor says of itself. */
#include <stubdom/boot.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <xen/features.h>
#include "errors.h"

static void ver_number(void)
{
	long v = hc_xen_version(XENVER_version, NULL);

	CHECK_EQ(v >> 16, 4);
	CHECK_EQ(v & 0xffff, 17);
}

/* A text of the given size: terminated, not empty unless it may be. */
static void check_text(unsigned int cmd, size_t size, bool may_be_empty)
{
	char buf[2048];

	memset(buf, 0x5a, sizeof(buf));
	CHECK_EQ(hc_xen_version(cmd, buf), 0);
	CHECK(strlen(buf) < size);
	if (!may_be_empty)
		CHECK(buf[0]);
	CHECK_EQ(buf[size], 0x5a);
}

static void ver_extraversion(void)
{
	char buf[sizeof(xen_extraversion_t)];

	memset(buf, 0, sizeof(buf));
	CHECK_EQ(hc_xen_version(XENVER_extraversion, buf), 0);
	CHECK(buf[0] == '.' || buf[0] == '-' || buf[0] == '\0');
	CHECK_EQ(buf[sizeof(buf) - 1], 0);
}

static void ver_compile_info(void)
{
	struct xen_compile_info c;

	memset(&c, 0, sizeof(c));
	CHECK_EQ(hc_xen_version(XENVER_compile_info, &c), 0);
	CHECK(c.compiler[0]);
	CHECK(c.compile_date[0]);
}

static void ver_capabilities(void)
{
	xen_capabilities_info_t caps;

	CHECK_EQ(hc_xen_version(XENVER_capabilities, &caps), 0);
	CHECK(strstr(caps, "hvm-3.0-x86_64"));
	CHECK(strstr(caps, "hvm-3.0-x86_32p"));
}

static void ver_changeset(void)
{
	check_text(XENVER_changeset, sizeof(xen_changeset_info_t), true);
}

static void ver_commandline(void)
{
	check_text(XENVER_commandline, sizeof(xen_commandline_t), true);
}

static void ver_platform_parameters(void)
{
	struct xen_platform_parameters p = { .virt_start = 0 };

	CHECK_EQ(hc_xen_version(XENVER_platform_parameters, &p), 0);
	CHECK(p.virt_start != 0);
}

static uint32_t features(unsigned int index, long *rc)
{
	struct xen_feature_info f = { .submap_idx = index };

	*rc = hc_xen_version(XENVER_get_features, &f);
	return f.submap;
}

static void ver_features(void)
{
	long rc;
	uint32_t f = features(0, &rc);

	CHECK_EQ(rc, 0);
	CHECK(f & 1u << XENFEAT_auto_translated_physmap);
	CHECK(f & 1u << XENFEAT_writable_page_tables);
	CHECK(f & 1u << XENFEAT_hvm_callback_vector);
	CHECK(f & 1u << XENFEAT_hvm_safe_pvclock);
	CHECK(f & 1u << XENFEAT_hvm_pirqs ? !is_dom0() : true);
	CHECK(f & 1u << XENFEAT_memory_op_vnode_supported);
	CHECK_EQ(!!(f & 1u << XENFEAT_dom0), is_dom0());
}

static void ver_features_beyond(void)
{
	long rc;

	features(1, &rc);
	CHECK_EQ(rc, -EINVAL);
	features(~0u, &rc);
	CHECK_EQ(rc, -EINVAL);
}

static void ver_pagesize(void)
{
	CHECK_EQ(hc_xen_version(XENVER_pagesize, NULL), PAGE_SIZE);
}

static void ver_guest_handle(void)
{
	xen_domain_handle_t h;
	unsigned int i, sum = 0;

	memset(h, 0xff, sizeof(h));
	CHECK_EQ(hc_xen_version(XENVER_guest_handle, h), 0);
	for (i = 0; i < sizeof(h); i++)
		sum += h[i];
	if (is_dom0())
		CHECK_EQ(sum, 0);
}

static void ver_build_id(void)
{
	uint32_t buf[17] = { 64 }; /* xen_build_id_t: the length, then the bytes */
	long rc = hc_xen_version(XENVER_build_id, buf);

	if (!is_dom0()) {
		CHECK_EQ(rc, -EPERM);
		return;
	}
	CHECK(rc == 20 || rc == -ENODATA);
	CHECK_EQ(hc_xen_version(XENVER_build_id, NULL), rc);
}

static void ver_unknown(void)
{
	CHECK_EQ(hc_xen_version(50, NULL), -ENOSYS);
	CHECK_EQ(hc_xen_version(~0u, NULL), -ENOSYS);
}

static void ver_unreadable(void)
{
	CHECK_EQ(hc_xen_version(XENVER_get_features, BAD_PTR), -EFAULT);
}

static const struct test tests[] = {
	{ "the number is 4.17", ver_number, 0 },
	{ "extraversion", ver_extraversion, 0 },
	{ "compile_info", ver_compile_info, 0 },
	{ "capabilities", ver_capabilities, 0 },
	{ "changeset", ver_changeset, 0 },
	{ "commandline", ver_commandline, 0 },
	{ "platform_parameters", ver_platform_parameters, 0 },
	{ "features of a PVH domain", ver_features, 0 },
	{ "features beyond the last word", ver_features_beyond, 0 },
	{ "page size", ver_pagesize, 0 },
	{ "guest handle", ver_guest_handle, 0 },
	{ "build id", ver_build_id, 0 },
	{ "unknown sub-operation", ver_unknown, 0 },
	{ "an unreadable argument", ver_unreadable, 0 },
};

AREA(version, "version", tests, NULL, NULL);
