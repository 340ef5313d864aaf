/* SPDX-License-Identifier: GPL-2.0-only */
/* Start of day: start_info, memory map, and the state of the vCPU as C code still sees it. */
#include <stubdom/boot.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>
#include "errors.h"

static void start_info_fields(void)
{
	CHECK_EQ(start_info->magic, XEN_HVM_START_MAGIC_VALUE);
	CHECK(start_info->version <= 1);
	CHECK((uint64_t)start_info < 1ul << 32);
	CHECK(start_info->cmdline_paddr && start_info->cmdline_paddr < 1ul << 32);
}

static void dom0_flags(void)
{
	CHECK(start_info->flags & SIF_INITDOMAIN);
	CHECK(start_info->flags & SIF_PRIVILEGED);
}

static void dom0_rsdp(void)
{
	REQUIRE(start_info->rsdp_paddr);
	CHECK(!memcmp((const void *)start_info->rsdp_paddr, "RSD PTR ", 8));
}

/* Sum of all bytes of an ACPI structure; 0 when it is right. */
static uint8_t sum(uint64_t addr, uint32_t length)
{
	const uint8_t *p = (const uint8_t *)addr;
	uint8_t s = 0;

	while (length--)
		s = (uint8_t)(s + *p++);
	return s;
}

static const uint8_t *find_table(const char *signature)
{
	const uint8_t *rsdp = (const uint8_t *)start_info->rsdp_paddr, *xsdt;
	uint32_t i, length;

	xsdt = (const uint8_t *)*(const uint64_t *)(rsdp + 24);
	length = *(const uint32_t *)(xsdt + 4);
	for (i = 36; i + 8 <= length; i += 8) {
		uint64_t addr;

		memcpy(&addr, xsdt + i, 8);
		if (!memcmp((const void *)addr, signature, 4))
			return (const uint8_t *)addr;
	}
	return NULL;
}

/* Does the machine's own RSDP, in the BIOS area, have an XSDT? Bochs's has not. */
static bool find_machine_xsdt(void)
{
	const uint8_t *p;

	for (p = (const uint8_t *)0xe0000; p < (const uint8_t *)0x100000; p += 16)
		if (!memcmp(p, "RSD PTR ", 8))
			return p[15] >= 2;
	return false;
}

static void dom0_xsdt(void)
{
	const uint8_t *rsdp = (const uint8_t *)start_info->rsdp_paddr;
	uint64_t xsdt;

	REQUIRE(rsdp);
	CHECK(rsdp[15] >= 2);
	CHECK_EQ(sum((uint64_t)rsdp, 20), 0);
	xsdt = *(const uint64_t *)(rsdp + 24);
	REQUIRE(xsdt && xsdt < 1ul << 32);
	if (find_machine_xsdt())
		CHECK(!memcmp((const void *)xsdt, "XSDT", 4));
	else
		CHECK_HV(!memcmp((const void *)xsdt, "XSDT", 4), 0, 1);
	CHECK_EQ(sum(xsdt, *(const uint32_t *)(xsdt + 4)), 0);
}

static void dom0_madt(void)
{
	const uint8_t *madt = find_table("APIC"), *e;
	unsigned int lapics = 0, ioapics = 0;

	REQUIRE(madt);
	CHECK_EQ(sum((uint64_t)madt, *(const uint32_t *)(madt + 4)), 0);
	CHECK_EQ(*(const uint32_t *)(madt + 36), 0xfee00000);
	for (e = madt + 44; e < madt + *(const uint32_t *)(madt + 4); e += e[1]) {
		if (!CHECK(e[1] >= 2))
			break;
		if (e[0] == 0) {
			CHECK_EQ(e[3], 2 * e[2]);
			lapics++;
		} else if (e[0] == 9) { /* x2APIC: 32-bit id and uid */
			CHECK_EQ(*(const uint32_t *)(e + 4), 2 * *(const uint32_t *)(e + 12));
			lapics++;
		} else if (e[0] == 1) {
			ioapics++;
		}
	}
	CHECK(lapics >= 1);
	CHECK(ioapics >= 1);
}

static void dom0_fadt(void)
{
	const uint8_t *fadt = find_table("FACP");

	REQUIRE(fadt);
	CHECK_EQ(sum((uint64_t)fadt, *(const uint32_t *)(fadt + 4)), 0);
}

static void memory_map_sane(void)
{
	const struct hvm_memmap_table_entry *map;
	unsigned int i, count, low = 0, image = 0;

	memmap_fetch();
	map = memmap(&count);
	CHECK(count >= 2);
	for (i = 0; i < count; i++) {
		CHECK(map[i].size > 0);
		CHECK(map[i].type >= 1 && map[i].type <= 7);
		if (i)
			CHECK(map[i].addr >= map[i - 1].addr + map[i - 1].size);
		if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM)
			continue;
		low |= map[i].addr < 0x10000;
		image |= map[i].addr <= image_entry() && map[i].addr + map[i].size > image_entry();
	}
	CHECK(low);
	CHECK(image);
}

/* It holds what is written. Only what reads as ones, as a hole does, is written to: not this code, nor its stack. */
static bool holds_memory(volatile uint64_t *p)
{
	uint64_t v;
	bool holds;

	if (probe_read(p, &v) != -1)
		return false;
	if (v + 1)
		return true;
	*p = 0;
	holds = !*p;
	*p = v;
	return holds;
}

static void ram_is_there(void)
{
	const struct hvm_memmap_table_entry *map;
	unsigned int i, count, bad = 0;
	uint64_t a;

	memmap_fetch();
	map = memmap(&count);
	for (i = 0; i < count; i++) {
		if (map[i].type != XEN_HVM_MEMMAP_TYPE_RAM || map[i].addr >= 1ul << 32)
			continue;
		for (a = ALIGN_UP(map[i].addr, PAGE_SIZE);
		     a + PAGE_SIZE <= map[i].addr + map[i].size; a += 16 * PAGE_SIZE)
			bad += !holds_memory((volatile uint64_t *)(a + 8));
	}
	CHECK_EQ(bad, 0);
}

static void command_line(void)
{
	char hv[16];

	CHECK(cmdline_value("hv", hv, sizeof(hv)));
	CHECK(strlen(cmdline) < 4096);
}

static void shared_info_state(void)
{
	CHECK(shared_info->wc_sec > 0);
	CHECK(vcpu_info(0)->time.tsc_to_system_mul > 0);
	CHECK_EQ(vcpu_info(0)->time.version & 1, 0);
}

static void registers(void)
{
	CHECK(rdmsr(MSR_EFER) & EFER_LMA);
	CHECK(read_cr0() & CR0_PG);
	CHECK(read_cr0() & CR0_ET);
	CHECK_EQ(read_cr8(), 0);
	CHECK(rdmsr(MSR_APIC_BASE) & 0x100); /* boot processor */
	CHECK(rdmsr(MSR_APIC_BASE) & 0x800); /* enabled */
	CHECK_EQ(rdmsr(MSR_APIC_BASE) & 0xfffff000, 0xfee00000);
}

static void xen_cpuid_leaves(void)
{
	struct cpuid_regs r = cpuid(xen_cpuid_base, 0);

	CHECK(r.eax >= xen_cpuid_base + 4 && r.eax <= xen_cpuid_base + 5);
	CHECK_EQ(cpuid(xen_cpuid_base + 1, 0).eax, 4 << 16 | 17);
	r = cpuid(xen_cpuid_base + 4, 0);
	CHECK(r.eax & 1u << 3); /* vCPU id is valid */
	CHECK_EQ(r.ebx, 0);
	CHECK(r.eax & 1u << 4); /* domain id is valid */
	if (is_dom0())
		CHECK_EQ(r.ecx, 0);
	else
		CHECK(r.ecx > 0);
}

static void hypervisor_bit(void)
{
	CHECK(cpuid(1, 0).ecx & 1u << 31);
}

static const struct test tests[] = {
	{ "start_info", start_info_fields, 0 },
	{ "flags of dom0", dom0_flags, TEST_DOM0 },
	{ "dom0 gets an RSDP", dom0_rsdp, TEST_DOM0 },
	{ "dom0's XSDT", dom0_xsdt, TEST_DOM0 },
	{ "dom0's MADT", dom0_madt, TEST_DOM0 },
	{ "dom0's FADT", dom0_fadt, TEST_DOM0 },
	{ "memory map", memory_map_sane, 0 },
	{ "RAM of the map is there", ram_is_there, 0 },
	{ "command line", command_line, 0 },
	{ "shared info", shared_info_state, 0 },
	{ "control registers and APIC base", registers, 0 },
	{ "Xen's CPUID leaves", xen_cpuid_leaves, 0 },
	{ "the hypervisor bit", hypervisor_bit, 0 },
};

AREA(start, "start", tests, NULL, NULL);
