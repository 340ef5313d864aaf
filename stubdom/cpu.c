/* SPDX-License-Identifier: GPL-2.0-only */
/* Starting, using and stopping further virtual CPUs. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/cpu.h>
#include <stubdom/event.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include <xen/hvm/hvm_vcpu.h>

#define TRAMPOLINE 0x9000ul /* the page a SIPI starts at; hypervisors keep lower ones for their own */

struct cpu cpus[MAX_CPUS];

extern uint8_t ap_tramp[], ap_tramp_end[], ap_tramp_cpu[];
extern uint64_t boot_pml4[];
void ap_start64(void);
void ap_main(struct cpu *c) __noreturn;

static volatile bool stop_request[MAX_CPUS];

unsigned int vcpu_count(void)
{
	unsigned int n = 0;

	while (n < MAX_CPUS && hc_vcpu_op(VCPUOP_is_up, n, NULL) >= 0)
		n++;
	return n;
}

void ap_main(struct cpu *c)
{
	traps_init_cpu(c->id);
	c->online = true;
	irq_enable();
	for (;;) {
		if (c->work) {
			c->work(c->work_arg);
			__atomic_store_n(&c->work, NULL, __ATOMIC_RELEASE);
		}
		if (stop_request[c->id]) {
			irq_disable();
			c->online = false;
			hc_vcpu_op(VCPUOP_down, c->id, NULL);
			/* Up again: the vCPU goes on where it went down. */
			c->online = true;
			irq_enable();
		}
		hc_sched_op(SCHEDOP_yield, NULL);
		cpu_relax();
	}
}

static struct cpu *cpu_prepare(unsigned int id)
{
	struct cpu *c = &cpus[id];

	if (!c->stack_top)
		c->stack_top = (uint8_t *)pages_alloc(STACK_SIZE / PAGE_SIZE, 1) + STACK_SIZE;
	c->self = c;
	c->id = id;
	c->work = NULL;
	stop_request[id] = false;
	return c;
}

static bool wait_online(unsigned int id, bool online, unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (READ_ONCE(cpus[id].online) != online) {
		if (system_time() > end)
			return false;
		hc_sched_op(SCHEDOP_yield, NULL);
	}
	return true;
}

long cpu_start(unsigned int id)
{
	struct cpu *c = cpu_prepare(id);
	struct vcpu_hvm_context ctx = {
		.mode = VCPU_HVM_MODE_64B,
		.cpu_regs.x86_64 = {
			.rip = (uint64_t)ap_start64,
			.rsp = (uint64_t)c->stack_top,
			.rdi = (uint64_t)c,
			.rflags = 2,
			.cr0 = read_cr0(),
			.cr3 = (uint64_t)boot_pml4,
			.cr4 = read_cr4(),
			.efer = EFER_LME | EFER_LMA | EFER_NXE | EFER_SCE,
		},
	};
	long rc;

	if (c->online)
		return 0;
	rc = hc_vcpu_op(VCPUOP_initialise, id, &ctx);
	if (rc && rc != -17 /* -EEXIST: initialised before, its state stays */)
		return rc;
	rc = hc_vcpu_op(VCPUOP_up, id, NULL);
	if (rc)
		return rc;
	return wait_online(id, true, 1000) ? 0 : -110;
}

/* Write the low and, for a command, the high half of the interrupt command register. */
static void icr_write(unsigned int apic_id, uint32_t low)
{
	volatile uint32_t *apic = (volatile uint32_t *)0xfee00000ul;

	if (rdmsr(MSR_APIC_BASE) & 0x400) {
		wrmsr(MSR_X2APIC_BASE + 0x30, (uint64_t)apic_id << 32 | low);
		return;
	}
	apic[0x310 / 4] = apic_id << 24;
	apic[0x300 / 4] = low;
}

/* The page a SIPI starts at: the last whole page of RAM below 640 KiB. */
static uint64_t trampoline_page(void)
{
	const struct hvm_memmap_table_entry *map;
	unsigned int i, count;
	uint64_t page = 0;

	map = memmap(&count);
	for (i = 0; i < count; i++) {
		uint64_t end = MIN(map[i].addr + map[i].size, 0xa0000ul) & PAGE_MASK;

		if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM && end > map[i].addr &&
		    end - map[i].addr >= PAGE_SIZE && end - PAGE_SIZE > page)
			page = end - PAGE_SIZE;
	}
	return page;
}

bool cpu_start_sipi(unsigned int id)
{
	uint64_t page = trampoline_page();
	struct cpu *c = cpu_prepare(id);
	/* Xen and Pavise number the local APICs of a PVH domain 2 * vCPU. */
	unsigned int apic_id = 2 * id;

	if (!page)
		return false;
	memcpy((void *)page, ap_tramp, (size_t)(ap_tramp_end - ap_tramp));
	*(uint32_t *)(page + (uint64_t)(ap_tramp_cpu - ap_tramp)) = (uint32_t)(uint64_t)c;
	icr_write(apic_id, 0x4500);
	icr_write(apic_id, 0x4600 | (uint32_t)(page >> PAGE_SHIFT));
	icr_write(apic_id, 0x4600 | (uint32_t)(page >> PAGE_SHIFT));
	return wait_online(id, true, 1000);
}

void cpu_run(unsigned int id, void (*fn)(void *), void *arg)
{
	cpus[id].work_arg = arg;
	__atomic_store_n(&cpus[id].work, fn, __ATOMIC_RELEASE);
}

bool cpu_wait(unsigned int id, unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (__atomic_load_n(&cpus[id].work, __ATOMIC_ACQUIRE)) {
		if (system_time() > end)
			return false;
		hc_sched_op(SCHEDOP_yield, NULL);
	}
	return true;
}

bool cpu_stop(unsigned int id)
{
	stop_request[id] = true;
	if (!wait_online(id, false, 1000))
		return false;
	while (hc_vcpu_op(VCPUOP_is_up, id, NULL) == 1)
		hc_sched_op(SCHEDOP_yield, NULL);
	return true;
}
