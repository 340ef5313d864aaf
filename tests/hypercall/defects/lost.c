// SPDX-License-Identifier: GPL-2.0-only
/*
 * Defects that no function of the hypervisor has by returning at once: what an entry into the guest loses of the
 * state that the CPU keeps, and what changes in pages that a guest was given at its start. Rows of breaks.py switch
 * them on, each time a vCPU is entered; registers are lost after each single instruction, by the trap flag (Bochs's
 * CPU has no monitor trap flag). For one CPU.
 */
#include <xen/lib.h>
#include <xen/sched.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/page.h>
#include <asm/processor.h>
#include <asm/vmx.h>
#include <public/arch-x86/hvm/start_info.h>

/* SDM, "Primary Processor-Based VM-Execution Controls", "Exit Qualification for I/O Instructions" */
#define PROC_UNCONDITIONAL_IO BIT(24)
#define QUAL_IN		      BIT(3)
/* SDM, "Secondary Processor-Based VM-Execution Controls" */
#define SEC_RDRAND_EXITING BIT(11)
/* A guest's IDT ends below the vector of the tests' own software interrupt. */
#define SHORT_IDT	   (0x80 * 16 - 1)
#define SEARCHED_GFNS	   0x20000

static bool stepping, step_ended;

/* Not for an entry that injects, nor in an interrupt shadow, nor while the guest steps itself. */
static void step(struct vcpu *v)
{
	if (v->arch.hvm.blocking || (v->arch.regs.rflags & X86_EFLAGS_TF) || (vmread(VM_ENTRY_INTR_INFO) & BIT(31)))
		return;
	stepping = true;
	vmwrite(EXCEPTION_BITMAP, vmread(EXCEPTION_BITMAP) | BIT(X86_EXC_DB));
	vmwrite(GUEST_RFLAGS, v->arch.regs.rflags | X86_EFLAGS_TF);
}

/* After an exit: the trap flag is not the guest's. */
void seeded_stepped(struct vcpu *v)
{
	step_ended = stepping;
	stepping = false;
	if (!step_ended)
		return;
	v->arch.regs.rflags &= ~(u64)X86_EFLAGS_TF;
	vmwrite(GUEST_PENDING_DEBUG, 0);
}

/* A debug exception: is it that of a step? */
bool seeded_step_ends(void) { return step_ended; }

void seeded_lose_bases(struct vcpu *v)
{
	step(v);
	vmwrite(GUEST_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

void seeded_lose_syscall(struct vcpu *v)
{
	step(v);
	wrmsr(MSR_STAR, 0);
	wrmsr(MSR_LSTAR, 0);
	wrmsr(MSR_CSTAR, 0);
	wrmsr(MSR_SYSCALL_MASK, 0);
}

void seeded_lose_sysenter(struct vcpu *v)
{
	step(v);
	vmwrite(GUEST_SYSENTER_CS, 0);
	vmwrite(GUEST_SYSENTER_ESP, 0);
	vmwrite(GUEST_SYSENTER_EIP, 0);
}

void seeded_lose_debug(struct vcpu *v)
{
	step(v);
	write_dr0(0);
	write_dr3(0);
}

void seeded_lose_shadow(struct vcpu *v)
{
	v->arch.hvm.blocking = 0;
	vmwrite(GUEST_INTERRUPTIBILITY, 0);
	step(v);
}

void seeded_lose_sse(struct vcpu *v) { __asm__ volatile("pxor %xmm9, %xmm9"); }

/* Input is skipped: nothing is read. */
static bool ports_closed;

void seeded_lose_ports(struct vcpu *v)
{
	ports_closed = true;
	vmwrite(PROC_BASED_CONTROL, (vmread(PROC_BASED_CONTROL) & ~PROC_IO_BITMAPS) | PROC_UNCONDITIONAL_IO);
}

/* An exit for a port. True: it is dealt with. */
bool seeded_port(struct vcpu *v, u64 qual, unsigned int len)
{
	if (!ports_closed)
		return false;
	ports_closed = false;
	vmwrite(PROC_BASED_CONTROL, (vmread(PROC_BASED_CONTROL) & ~PROC_UNCONDITIONAL_IO) | PROC_IO_BITMAPS);
	if (qual & QUAL_IN)
		v->arch.regs.rax = 0;
	hvm_skip_instruction(v, len);
	return true;
}

void seeded_lose_idt(struct vcpu *v) { vmwrite(GUEST_IDTR_LIMIT, SHORT_IDT); }

void seeded_lose_nx(struct vcpu *v) { vmwrite(GUEST_EFER, vmread(GUEST_EFER) & ~EFER_NXE); }

void seeded_lose_rdrand(struct vcpu *v)
{
	vmwrite(SECONDARY_CONTROL, vmread(SECONDARY_CONTROL) | SEC_RDRAND_EXITING);
}

/* The time a guest computes is set back by a millisecond, each time it looks at the TSC. */
void seeded_lose_time(struct vcpu *v)
{
	vmwrite(PROC_BASED_CONTROL, vmread(PROC_BASED_CONTROL) | PROC_RDTSC_EXITING);
	v->vcpu_info->time.system_time -= 1000000;
}

/* What was changed in pages of guests, to be put back when the defect is switched off. */
static struct { void *at; u64 was; } changed[8];
static unsigned int changes;
static bool spoilt;

static void change(void *at, u64 now, unsigned int bytes)
{
	if (changes == ARRAY_SIZE(changed))
		return;
	changed[changes].at = at;
	memcpy(&changed[changes++].was, at, 8);
	memcpy(at, &now, bytes);
}

void seeded_put_back(void)
{
	spoilt = false;
	while (changes) {
		changes--;
		memcpy(changed[changes].at, &changed[changes].was, 8);
	}
}

/* A guest's RAM at a guest-physical address; it stays that of a guest whose p2m nobody changes meanwhile. */
static void *ram_at(struct domain *d, u64 gpa)
{
	struct page_info *page = get_page_from_gfn(d, _gfn(gpa >> PAGE_SHIFT), NULL, 0);
	void *p = page ? page_to_virt(page) + (gpa & ~PAGE_MASK) : NULL;

	if (page)
		put_page(page);
	return p;
}

/* An ACPI table: in dom0 maybe the machine's, which it sees where it is. */
static void *table_at(struct domain *d, u64 gpa)
{
	void *p = ram_at(d, gpa);

	if (p || !is_hardware_domain(d))
		return p;
	p = ioremap(gpa & PAGE_MASK, PAGE_SIZE);
	return p ? p + (gpa & ~PAGE_MASK) : NULL;
}

/* At the beginning of a page, both of the hypervisor's and of the tests' own builder. */
static struct hvm_start_info *start_info(struct domain *d)
{
	static struct hvm_start_info *found;
	static domid_t whose;

	if (found && whose == d->domain_id && found->magic == XEN_HVM_START_MAGIC_VALUE)
		return found;
	whose = d->domain_id;
	found = NULL;
	for (u64 gfn = 0; gfn < SEARCHED_GFNS && !found; gfn++) {
		struct hvm_start_info *si = ram_at(d, gfn << PAGE_SHIFT);

		if (si && si->magic == XEN_HVM_START_MAGIC_VALUE && si->version == 1 && ram_at(d, si->memmap_paddr))
			found = si;
	}
	return found;
}

void seeded_spoil(struct vcpu *v, enum seeded_spoiled what)
{
	struct domain *d = v->domain;
	struct hvm_start_info *si = spoilt ? NULL : start_info(d);
	struct hvm_memmap_table_entry *map;
	u64 *xsdt;
	void *at;

	spoilt = true;
	if (!si)
		return;
	map = ram_at(d, si->memmap_paddr);
	switch (what) {
	case SPOIL_MAGIC:
		change(&si->version, 7, sizeof(si->version));
		return;
	case SPOIL_FLAGS:
		change(&si->flags, 0, sizeof(si->flags));
		return;
	case SPOIL_COMMAND_LINE:
		at = ram_at(d, si->cmdline_paddr);
		if (at)
			change(at, 0, 1);
		return;
	case SPOIL_MAP_ORDER:
		change(&map[1].addr, 0, 8);
		return;
	case SPOIL_MAP_SIZE:
		for (unsigned int i = 0; i < si->memmap_entries; i++)
			if (map[i].type == XEN_HVM_MEMMAP_TYPE_RAM && map[i].addr >= MB(1))
				change(&map[i].size, map[i].size + MB(512), 8);
		return;
	case SPOIL_WALL_CLOCK:
		change(&d->shared_info->wc_sec, 0, sizeof(d->shared_info->wc_sec));
		return;
	case SPOIL_RSDP:
		at = ram_at(d, si->rsdp_paddr);
		if (at)
			change(at, 0, 1);
		return;
	case SPOIL_TABLES:
		at = ram_at(d, si->rsdp_paddr);
		xsdt = at ? ram_at(d, *(u64 *)(at + 24)) : NULL;
		if (!xsdt)
			return;
		change((u8 *)xsdt + 9, 0x5a, 1);
		for (unsigned int i = 36; i + 8 <= ((u32 *)xsdt)[1]; i += 8) {
			at = table_at(d, *(u64 *)((u8 *)xsdt + i));
			if (at)
				change((u8 *)at + 9, 0x5a, 1);
		}
		return;
	}
}
