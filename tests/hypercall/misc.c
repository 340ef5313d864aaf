/* SPDX-License-Identifier: GPL-2.0-only */
/* The remaining hypercalls: console_io, physdev_op, multicall, vm_assist, and those PVH has not. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>
#include <xen/physdev.h>
#include "errors.h"

static void console_write_is_silent(void)
{
	CHECK_EQ(hc_console_io(CONSOLEIO_write, 0, NULL), 0);
	CHECK_EQ(hc_console_io(CONSOLEIO_write, 30, "# a line by CONSOLEIO_write..\n"), 0);
}

static void console_write_unreadable(void)
{
	CHECK_EQ(hc_console_io(CONSOLEIO_write, 10, BAD_PTR), -EFAULT);
}

static void console_read_nothing(void)
{
	char c[8];

	CHECK_EQ(hc_console_io(CONSOLEIO_read, sizeof(c), c), 0);
}

static void console_unknown(void)
{
	char c[8];

	CHECK_EQ(hc_console_io(9, sizeof(c), c), -ENOSYS);
}

static void console_unprivileged(void)
{
	char c[8] = "";

	CHECK_EQ(hc_console_io(CONSOLEIO_write, 1, c), -EPERM);
	CHECK_EQ(hc_console_io(CONSOLEIO_read, 1, c), -EPERM);
}

static void numbers_without_a_call(void)
{
	static const unsigned int none[] = { __HYPERVISOR_set_trap_table,
					     __HYPERVISOR_mmu_update,
					     __HYPERVISOR_set_gdt,
					     __HYPERVISOR_stack_switch,
					     __HYPERVISOR_set_callbacks,
					     __HYPERVISOR_fpu_taskswitch,
					     __HYPERVISOR_set_debugreg,
					     __HYPERVISOR_get_debugreg,
					     __HYPERVISOR_update_descriptor,
					     __HYPERVISOR_update_va_mapping,
					     __HYPERVISOR_update_va_mapping_otherdomain,
					     __HYPERVISOR_set_segment_base,
					     __HYPERVISOR_nmi_op,
					     __HYPERVISOR_callback_op,
					     __HYPERVISOR_tmem_op,
					     11,
					     43,
					     44,
					     45,
					     46,
					     47,
					     54,
					     55,
					     56,
					     60,
					     63 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		if (!CHECK_EQ(hypercall(none[i], 0, 0, 0, 0, 0), -ENOSYS))
			tap_note("hypercall %u", none[i]);
}

/* Numbers beyond the page, with the instruction itself. */
static long raw_hypercall(uint64_t nr)
{
	long ret;
	bool intel = cpuid(0, 0).ecx == 0x6c65746e;

	fault_clear();
	if (intel)
		__asm__ volatile(PROBE("vmcall")
				 : "=a"(ret)
				 : "0"(nr), "D"(0), "S"(0), "d"(0)
				 : "memory", "cc", "r8", "r10");
	else
		__asm__ volatile(PROBE("vmmcall")
				 : "=a"(ret)
				 : "0"(nr), "D"(0), "S"(0), "d"(0)
				 : "memory", "cc", "r8", "r10");
	return fault_last().vector < 0 ? ret : 1000 + fault_last().vector;
}

static void numbers_out_of_range(void)
{
	CHECK_EQ(raw_hypercall(64), -ENOSYS);
	CHECK_EQ(raw_hypercall(128), -ENOSYS);
	CHECK_EQ(raw_hypercall(0x10000), -ENOSYS);
	CHECK_EQ(raw_hypercall(0x7fffffff), -ENOSYS);
	CHECK_EQ(raw_hypercall(0xffffffff), -ENOSYS);
}

static void high_half_of_the_number(void)
{
	CHECK_EQ(raw_hypercall(0x100000000ul + __HYPERVISOR_xen_version), -ENOSYS);
}

static volatile long ring3_result;

static void hypercall_in_ring3(void *arg __unused)
{
	ring3_result = hypercall(__HYPERVISOR_xen_version, XENVER_version, 0, 0, 0, 0);
}

static void from_ring3(void)
{
	ring3_result = 1;
	CHECK_EQ(run_in_ring3(hypercall_in_ring3, NULL), -1);
	CHECK_EQ(ring3_result, -EPERM);
}

static void registers_survive(void)
{
	uint64_t rbx = 0x1111, rbp_before, rbp_after, r9 = 0x9999, r11, r12 = 0x1212, rax;

	__asm__ volatile(
		"mov %%rbp, %[before]\n"
		"mov $0x9999, %%r9\n"
		"mov $0x1212, %%r12\n"
		"mov $0x1111, %%rbx\n"
		"mov $0xeeee, %%r11\n"
		"call *%[entry]\n"
		"mov %%rbp, %[after]\n"
		: "=&a"(rax), "=&b"(rbx), [before] "=&m"(rbp_before), [after] "=&m"(rbp_after)
		: [entry] "r"(hypercall_page + __HYPERVISOR_xen_version * 32), "D"(0ul), "S"(0ul)
		: "memory", "cc", "rdx", "r8", "r9", "r10", "r11", "r12");
	__asm__ volatile("mov %%r9, %0; mov %%r11, %1; mov %%r12, %2"
			 : "=r"(r9), "=r"(r11), "=r"(r12));
	CHECK_EQ(rax, 4 << 16 | 17);
	CHECK_EQ(rbx, 0x1111);
	CHECK_EQ(rbp_before, rbp_after);
}

static void multicall(void)
{
	struct multicall_entry e[3];

	memset(e, 0, sizeof(e));
	e[0].op = __HYPERVISOR_xen_version;
	e[0].args[0] = XENVER_version;
	e[1].op = 45;
	e[2].op = __HYPERVISOR_xen_version;
	e[2].args[0] = XENVER_pagesize;
	CHECK_EQ(hc_multicall(e, 3), 0);
	CHECK_EQ(e[0].result, 4 << 16 | 17);
	CHECK_EQ((long)e[1].result, -ENOSYS);
	CHECK_EQ(e[2].result, PAGE_SIZE);
}

static void multicall_none(void)
{
	CHECK_EQ(hc_multicall(NULL, 0), 0);
}

static void multicall_unreadable(void)
{
	CHECK_EQ(hc_multicall(BAD_PTR, 1), -EFAULT);
}

static void multicall_in_multicall(void)
{
	struct multicall_entry e[2];

	memset(e, 0, sizeof(e));
	e[0].op = __HYPERVISOR_multicall;
	e[0].args[0] = HC_PTR(&e[1]);
	e[0].args[1] = 1;
	e[1].op = __HYPERVISOR_xen_version;
	CHECK_EQ(hc_multicall(e, 1), 0);
	CHECK_EQ((long)e[0].result, -EINVAL);
}

static void multicall_of_many(void)
{
	struct multicall_entry *e = pages_alloc(4, 1);
	unsigned int i, bad = 0, n = 4 * PAGE_SIZE / sizeof(*e);

	for (i = 0; i < n; i++) {
		e[i].op = __HYPERVISOR_xen_version;
		e[i].args[0] = XENVER_version;
	}
	CHECK_EQ(hc_multicall(e, n), 0);
	for (i = 0; i < n; i++)
		bad += e[i].result != (4 << 16 | 17);
	CHECK_EQ(bad, 0);
	pages_free(e, 4);
}

static void physdev_unknown(void)
{
	uint64_t z[8] = { 0 };

	CHECK_EQ(hc_physdev_op(777, z), -ENOSYS);
}

static void physdev_for_guests(void)
{
	uint64_t z[8] = { 0 };

	CHECK_EQ(hc_physdev_op(PHYSDEVOP_setup_gsi, z), -ENOSYS);
	CHECK_EQ(hc_physdev_op(PHYSDEVOP_pci_device_add, z), -ENOSYS);
	CHECK_EQ(hc_physdev_op(PHYSDEVOP_manage_pci_add, z), -ENOSYS);
}

static void vm_assist(void)
{
	CHECK_EQ(hc_vm_assist(VMASST_CMD_enable, 63), -EINVAL);
	CHECK_EQ(hc_vm_assist(VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag), 0);
	CHECK_EQ(hc_vm_assist(VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag), 0);
	CHECK_EQ(hc_vm_assist(9, VMASST_TYPE_runstate_update_flag), -ENOSYS);
}

static void xsm_op(void)
{
	long rc = hypercall(__HYPERVISOR_xsm_op, 0, 0, 0, 0, 0);

	CHECK_EQ(rc, -ENOSYS);
}

static void hypercall_page_again(void)
{
	uint8_t *page = page_alloc();
	struct cpuid_regs r = cpuid(xen_cpuid_base + 2, 0);
	register long rax __asm__("rax");

	CHECK_EQ(r.eax, 1);
	CHECK_EQ(probe_wrmsr(r.ebx, (uint64_t)page), -1);
	__asm__ volatile("call *%1"
			 : "=a"(rax)
			 : "r"(page + 32 * __HYPERVISOR_xen_version), "D"(0ul), "S"(0ul)
			 : "memory", "cc", "rdx", "r8", "r10", "rcx", "r11");
	CHECK_EQ(rax, 4 << 16 | 17);
	page_free(page);
}

static void hypercall_page_bad_gfn(void)
{
	uint32_t msr = cpuid(xen_cpuid_base + 2, 0).ebx;

	CHECK_EQ(probe_wrmsr(msr, hole_gfn_alloc(1, 1) << PAGE_SHIFT), X86_GP);
	CHECK_EQ(probe_wrmsr(msr, 1ull << 51), X86_GP);
	CHECK_EQ(probe_wrmsr(msr, (uint64_t)hypercall_page | 5), X86_GP);
}

static void hypercall_page_msr_read(void)
{
	uint64_t v = 1;

	CHECK_EQ(probe_rdmsr(cpuid(xen_cpuid_base + 2, 0).ebx, &v), -1);
	CHECK_EQ(v, 0);
}

static void buffer_across_pages(void)
{
	uint8_t *two = pages_alloc(2, 1);
	struct xen_feature_info *f = (void *)(two + PAGE_SIZE - 4);

	f->submap_idx = 0;
	f->submap = 0;
	CHECK_EQ(hc_xen_version(XENVER_get_features, f), 0);
	CHECK(f->submap != 0);
	pages_free(two, 2);
}

static void buffer_half_there(void)
{
	uint8_t *page = window_map(ptr_gfn(page_alloc()), PTE_W);
	struct xen_feature_info *f = (void *)(page + PAGE_SIZE - 4);

	*(volatile uint32_t *)(page + PAGE_SIZE - 4) = 0;
	CHECK_EQ(hc_xen_version(XENVER_get_features, f), -EFAULT);
	window_unmap(page);
}

static void buffer_read_only(void)
{
	struct xen_feature_info *real = page_alloc();
	struct xen_feature_info *f = window_map(ptr_gfn(real), 0);

	real->submap = 77;
	CHECK_EQ(hc_xen_version(XENVER_get_features, f), -EFAULT);
	CHECK_EQ(real->submap, 77);
	window_unmap(f);
	page_free(real);
}

static const struct test tests[] = {
	{ "console: write", console_write_is_silent, TEST_DOM0 },
	{ "console: unreadable text", console_write_unreadable, TEST_DOM0 },
	{ "console: nothing to read", console_read_nothing, TEST_DOM0 },
	{ "console: unknown command", console_unknown, TEST_DOM0 },
	{ "console: unprivileged", console_unprivileged, TEST_GUEST },
	{ "numbers PVH has no call for", numbers_without_a_call, 0 },
	{ "numbers out of range", numbers_out_of_range, 0 },
	{ "the number is 64 bits wide", high_half_of_the_number, 0 },
	{ "from ring 3", from_ring3, 0 },
	{ "other registers survive", registers_survive, 0 },
	{ "multicall", multicall, 0 },
	{ "multicall of none", multicall_none, 0 },
	{ "multicall, unreadable", multicall_unreadable, 0 },
	{ "multicall in a multicall", multicall_in_multicall, 0 },
	{ "multicall of 256", multicall_of_many, 0 },
	{ "physdev_op: unknown", physdev_unknown, 0 },
	{ "physdev_op: not for guests", physdev_for_guests, TEST_GUEST },
	{ "vm_assist", vm_assist, 0 },
	{ "xsm_op without a policy", xsm_op, 0 },
	{ "a second hypercall page", hypercall_page_again, 0 },
	{ "hypercall page at a bad address", hypercall_page_bad_gfn, 0 },
	{ "reading the hypercall MSR", hypercall_page_msr_read, 0 },
	{ "a buffer across two pages", buffer_across_pages, 0 },
	{ "a buffer half mapped", buffer_half_there, 0 },
	{ "a read-only buffer", buffer_read_only, 0 },
};

AREA(misc, "misc", tests, NULL, NULL);
