/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMCSs: what the CPU's capabilities allow, VMX operation on each CPU, the set-up
 * of a vCPU's VMCS, and which VMCS is current where.
 *
 * A VMCS is active on at most one CPU (x->vmcs_cpu) and must be cleared there
 * before another CPU loads it. State goes lazily: see hvm/run.c.
 */
#include <xen/lib.h>
#include <xen/param.h>
#include <xen/sched.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include <asm/processor.h>
#include <asm/vmx.h>

struct vmx_caps vmx_caps __ro_after_init;

bool opt_if0_timer = true;
boolean_param("vmx-if0-timer", opt_if0_timer,
	      "on|off (on): bound the time a guest runs with interrupts off by the preemption timer");
static bool opt_vpid = true;
boolean_param("vpid", opt_vpid, "on|off (on): tag guest translations by vCPU");
static bool opt_apicv = true;
boolean_param("apicv", opt_apicv,
	      "on|off (on): the CPU virtualises the local APIC and delivers its interrupts");
static bool opt_unrestricted = true;
boolean_param("unrestricted", opt_unrestricted,
	      "on|off (on): real-mode code runs in hardware; off refuses to start");

/* -1: as the CPU needs it. */
static int opt_exec_sp = -1;
static bool opt_ept_ad = true;

static int __init parse_ept(const char *s)
{
	static const struct {
		const char *name;
		int sp, ad;
	} words[] = {
		{ "exec-sp", 1, -1 },
		{ "no-exec-sp", 0, -1 },
		{ "ad", -1, 1 },
		{ "no-ad", -1, 0 },
	};
	unsigned int i;
	size_t n;

	for (; *s; s += n + (s[n] == ',')) {
		const char *end = strchr(s, ',');

		n = end ? (size_t)(end - s) : strlen(s);
		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (strlen(words[i].name) == n && !strncmp(s, words[i].name, n))
				break;
		if (i == ARRAY_SIZE(words))
			return -EINVAL;
		if (words[i].sp >= 0)
			opt_exec_sp = words[i].sp;
		if (words[i].ad >= 0)
			opt_ept_ad = words[i].ad;
	}
	return 0;
}
custom_param("ept", parse_ept,
	     "[no-]exec-sp,[no-]ad: executable superpages (default: unless the CPU has the iTLB multi-hit erratum), accessed/dirty bits");

/* The CPU's segment and table bases, which VM exits restore. */
struct host_state {
	u64 gdt_base, idt_base, tr_base;
	u16 tr;
};
static DEFINE_PER_CPU(struct host_state, host_state);
static DEFINE_PER_CPU(void *, vmxon_region);
DEFINE_PER_CPU(struct vcpu *, vmx_current);

static DEFINE_SPINLOCK(vpid_lock, RANK_LEAF);
static unsigned long vpid_map[BITS_TO_LONGS(65536)] = { 1 }; /* 0 is the host's */

enum ctl_word { CTL_PIN, CTL_PROC, CTL_SEC, CTL_EXIT, CTL_ENTRY, CTL_WORDS };
enum ctl_need { NEED, WANT, REFUSE };
static const struct ctl_row {
	enum ctl_word word;
	enum ctl_need need;
	u32 bit;
	const char *name;
} ctl_rows[] __initconst = {
	{ CTL_PIN, NEED, PIN_EXT_INTR_EXITING, "external-interrupt exiting" },
	{ CTL_PIN, NEED, PIN_NMI_EXITING, "NMI exiting" },
	{ CTL_PIN, NEED, PIN_VIRTUAL_NMIS, "virtual NMIs" },
	{ CTL_PIN, WANT, PIN_PREEMPTION_TIMER, "preemption timer" },
	{ CTL_PIN, WANT, PIN_POSTED, "posted interrupts" },
	{ CTL_PROC, NEED, PROC_TSC_OFFSETTING, "TSC offsetting" },
	{ CTL_PROC, NEED, PROC_HLT_EXITING, "HLT exiting" },
	{ CTL_PROC, NEED, PROC_MWAIT_EXITING, "MWAIT exiting" },
	{ CTL_PROC, NEED, PROC_MONITOR_EXITING, "MONITOR exiting" },
	{ CTL_PROC, NEED, PROC_RDPMC_EXITING, "RDPMC exiting" },
	{ CTL_PROC, NEED, PROC_CR8_LOAD_EXITING, "CR8-load exiting" },
	{ CTL_PROC, NEED, PROC_CR8_STORE_EXITING, "CR8-store exiting" },
	{ CTL_PROC, NEED, PROC_MOV_DR_EXITING, "MOV-DR exiting" },
	{ CTL_PROC, WANT, PROC_TPR_SHADOW, "TPR shadow" },
	{ CTL_PROC, NEED, PROC_IO_BITMAPS, "I/O bitmaps" },
	{ CTL_PROC, NEED, PROC_MSR_BITMAPS, "MSR bitmaps" },
	{ CTL_PROC, NEED, PROC_SECONDARY, "secondary controls" },
	{ CTL_PROC, REFUSE, PROC_CR3_LOAD_EXITING, "no CR3-load exiting" },
	{ CTL_PROC, REFUSE, PROC_CR3_STORE_EXITING, "no CR3-store exiting" },
	{ CTL_PROC, REFUSE, PROC_INVLPG_EXITING, "no INVLPG exiting" },
	{ CTL_SEC, NEED, SEC_EPT, "EPT" },
	{ CTL_SEC, NEED, SEC_UNRESTRICTED, "unrestricted guest" },
	{ CTL_SEC, WANT, SEC_VIRT_X2APIC, "x2APIC virtualisation" },
	{ CTL_SEC, WANT, SEC_APIC_REG_VIRT, "APIC-register virtualisation" },
	{ CTL_SEC, WANT, SEC_VIRT_INTR_DELIVERY, "virtual-interrupt delivery" },
	{ CTL_SEC, WANT, SEC_VPID, "VPID" },
	{ CTL_SEC, WANT, SEC_RDTSCP, "RDTSCP" },
	{ CTL_SEC, WANT, SEC_INVPCID, "INVPCID" },
	{ CTL_SEC, WANT, SEC_WBINVD_EXITING, "WBINVD exiting" },
	{ CTL_SEC, WANT, SEC_PLE, "PAUSE-loop exiting" },
	{ CTL_SEC, WANT, SEC_TSC_SCALING, "TSC scaling" },
	{ CTL_EXIT, NEED, EXIT_HOST_64, "64-bit host" },
	{ CTL_EXIT, NEED, EXIT_ACK_INTR, "acknowledge interrupt on exit" },
	{ CTL_EXIT, NEED, EXIT_SAVE_DEBUG, "save debug controls" },
	{ CTL_EXIT, NEED, EXIT_SAVE_PAT, "save PAT" },
	{ CTL_EXIT, NEED, EXIT_LOAD_PAT, "load host PAT" },
	{ CTL_EXIT, NEED, EXIT_SAVE_EFER, "save EFER" },
	{ CTL_EXIT, NEED, EXIT_LOAD_EFER, "load host EFER" },
	{ CTL_ENTRY, NEED, ENTRY_LOAD_DEBUG, "load debug controls" },
	{ CTL_ENTRY, NEED, ENTRY_LOAD_PAT, "load guest PAT" },
	{ CTL_ENTRY, NEED, ENTRY_LOAD_EFER, "load guest EFER" },
};
static const u32 ctl_msr[CTL_WORDS][2] __initconst = {
	/* plain, true */
	[CTL_PIN] = { MSR_IA32_VMX_PINBASED_CTLS, MSR_IA32_VMX_TRUE_PINBASED_CTLS },
	[CTL_PROC] = { MSR_IA32_VMX_PROCBASED_CTLS, MSR_IA32_VMX_TRUE_PROCBASED_CTLS },
	[CTL_SEC] = { MSR_IA32_VMX_PROCBASED_CTLS2, MSR_IA32_VMX_PROCBASED_CTLS2 },
	[CTL_EXIT] = { MSR_IA32_VMX_EXIT_CTLS, MSR_IA32_VMX_TRUE_EXIT_CTLS },
	[CTL_ENTRY] = { MSR_IA32_VMX_ENTRY_CTLS, MSR_IA32_VMX_TRUE_ENTRY_CTLS },
};

/* SDM, "VMX Capability Reporting Facility": low half of a control MSR must be 1, high half may be 1. */
static int __init discover_controls(bool true_ctls, u32 out[CTL_WORDS])
{
	u32 must[CTL_WORDS], may[CTL_WORDS];
	unsigned int w, i, missing = 0;

	for (w = 0; w < CTL_WORDS; w++) {
		u64 m = rdmsr(ctl_msr[w][true_ctls]);

		must[w] = (u32)m;
		may[w] = (u32)(m >> 32);
		out[w] = must[w];
	}
	for (i = 0; i < ARRAY_SIZE(ctl_rows); i++) {
		const struct ctl_row *r = &ctl_rows[i];
		bool ok = r->need == REFUSE ? !(must[r->word] & r->bit) : !!(may[r->word] & r->bit);

		if (ok && r->need != REFUSE)
			out[r->word] |= r->bit;
		if (!ok && r->need != WANT) {
			printk(XENLOG_ERR "VT-x: this CPU lacks %s\n", r->name);
			missing++;
		}
	}
	return missing ? -ENODEV : 0;
}

/* All of it or none: SDM, "APIC Virtualization and Virtual Interrupts". Reading and writing CR8 does not exit then. */
static void __init choose_apicv(void)
{
	vmx_caps.has_apicv = opt_apicv && (vmx_caps.proc & PROC_TPR_SHADOW) && !(SEC_APICV & ~vmx_caps.sec);
	if (vmx_caps.has_apicv) {
		vmx_caps.proc &= ~(PROC_CR8_LOAD_EXITING | PROC_CR8_STORE_EXITING);
	} else {
		vmx_caps.pin &= ~PIN_POSTED;
		vmx_caps.proc &= ~PROC_TPR_SHADOW;
		vmx_caps.sec &= ~SEC_APICV;
	}
}

/* SDM, "Reporting VPID and EPT Capabilities". */
static int __init discover_ept(void)
{
	u64 e = vmx_caps.ept_vpid = rdmsr(MSR_IA32_VMX_EPT_VPID_CAP);

	if (!(e & BIT(6)) || !(e & BIT(14)) || !(e & BIT(20)) || !(e & (BIT(25) | BIT(26)))) {
		printk(XENLOG_ERR "VT-x: EPT without 4-level write-back tables or INVEPT (%#lx)\n",
		       (unsigned long)e);
		return -ENODEV;
	}
	vmx_caps.invept_single = e & BIT(25);
	vmx_caps.has_ept_ad = (e & BIT(21)) && opt_ept_ad;
	vmx_caps.invvpid_single = e & BIT(41);
	/* A VPID is worth having only if its translations can be dropped. */
	if (!opt_vpid || !(e & BIT(32)) || !(e & (BIT(41) | BIT(42))))
		vmx_caps.sec &= ~SEC_VPID;
	vmx_caps.has_vpid = vmx_caps.sec & SEC_VPID;
	return 0;
}

/* SDM, "IA32_ARCH_CAPABILITIES": IF_PSCHANGE_MC_NO. CPUs too old to say so are taken to have the erratum. */
bool __init vmx_exec_superpages(void)
{
	u64 caps = 0;

	if (opt_exec_sp >= 0)
		return opt_exec_sp;
	if (cpu_has(X86_FEATURE_ARCH_CAPS) && rdmsr_safe(MSR_IA32_ARCH_CAPABILITIES, &caps))
		caps = 0;
	return caps & BIT(6);
}

static int __init check_feature_control(void)
{
	u64 fc;

	if (!cpu_has(X86_FEATURE_VMX)) {
		printk(XENLOG_ERR
		       "VT-x: this CPU has none (CPUID.1:ECX.VMX is clear); make demo emulates one that has\n");
		return -ENODEV;
	}
	fc = rdmsr(MSR_IA32_FEATURE_CONTROL);
	if ((fc & FEATURE_CONTROL_LOCK) && !(fc & FEATURE_CONTROL_VMXON)) {
		printk(XENLOG_ERR
		       "VT-x: switched off and locked by the firmware: look for it in the firmware's setup\n");
		return -ENODEV;
	}
	return 0;
}

/* Fills vmx_caps from the boot CPU. 0, or -ENODEV having said what is missing. */
int __init vmx_discover(void)
{
	u32 ctl[CTL_WORDS];
	u64 basic, misc;
	int rc = check_feature_control();

	if (rc)
		return rc;
	basic = rdmsr(MSR_IA32_VMX_BASIC);
	if (((basic >> 50) & 15) != X86_MT_WB || (basic & BIT(48)) || ((basic >> 32) & 0x1fff) > PAGE_SIZE) {
		printk(XENLOG_ERR "VT-x: VMCS format not supported (%#lx)\n", (unsigned long)basic);
		return -ENODEV;
	}
	rc = discover_controls(basic & BIT(55), ctl);
	if (rc)
		return rc;
	if (!opt_unrestricted) {
		printk(XENLOG_ERR "VT-x: guests need unrestricted mode, which unrestricted=off forbids\n");
		return -ENODEV;
	}
	vmx_caps.revision = (u32)basic & 0x7fffffff;
	vmx_caps.has_preempt_timer = ctl[CTL_PIN] & PIN_PREEMPTION_TIMER;
	vmx_caps.pin = ctl[CTL_PIN] & ~PIN_PREEMPTION_TIMER;
	vmx_caps.proc = ctl[CTL_PROC];
	vmx_caps.sec = ctl[CTL_SEC];
	vmx_caps.exit = ctl[CTL_EXIT];
	vmx_caps.entry = ctl[CTL_ENTRY];
	misc = rdmsr(MSR_IA32_VMX_MISC);
	vmx_caps.preempt_shift = misc & 31;
	vmx_caps.cr0_fixed0 = rdmsr(MSR_IA32_VMX_CR0_FIXED0);
	vmx_caps.cr0_fixed1 = rdmsr(MSR_IA32_VMX_CR0_FIXED1);
	vmx_caps.cr4_fixed0 = rdmsr(MSR_IA32_VMX_CR4_FIXED0);
	vmx_caps.cr4_fixed1 = rdmsr(MSR_IA32_VMX_CR4_FIXED1);
	rc = discover_ept();
	if (rc)
		return rc;
	choose_apicv();
	printk(XENLOG_INFO "VT-x: EPT%s%s%s%s%s%s%s%s\n", vmx_caps.has_ept_ad ? " A/D" : "",
	       vmx_caps.has_vpid ? ", VPID" : "", ", unrestricted guest",
	       vmx_caps.has_apicv ? ", APIC virtualisation" : "",
	       vmx_caps.pin & PIN_POSTED ? ", posted interrupts" : "",
	       vmx_caps.has_preempt_timer ? ", preemption timer" : "",
	       vmx_caps.sec & SEC_PLE ? ", PAUSE-loop exiting" : "",
	       vmx_caps.sec & SEC_TSC_SCALING ? ", TSC scaling" : "");
	return 0;
}

/* Base of the segment descriptor sel of the table at gdt; 16-byte system descriptors only. */
static u64 system_descriptor_base(u64 gdt, u16 sel)
{
	const u32 *d = (const u32 *)(gdt + (sel & ~7U));

	return (u64)d[2] << 32 | (d[1] & 0xff000000) | (d[1] & 0xff) << 16 | d[0] >> 16;
}

static void read_host_state(struct host_state *h)
{
	struct __packed {
		u16 limit;
		u64 base;
	} gdt, idt;

	__asm__ __volatile__("sgdt %0" : "=m"(gdt));
	__asm__ __volatile__("sidt %0" : "=m"(idt));
	__asm__ __volatile__("str %0" : "=r"(h->tr));
	h->gdt_base = gdt.base;
	h->idt_base = idt.base;
	h->tr_base = system_descriptor_base(gdt.base, h->tr);
}

static int same_controls(void)
{
	u64 basic = rdmsr(MSR_IA32_VMX_BASIC);
	bool t = basic & BIT(55);

	return ((u32)basic & 0x7fffffff) == vmx_caps.revision &&
	       !(vmx_caps.pin &
		 ~(rdmsr(t ? MSR_IA32_VMX_TRUE_PINBASED_CTLS : MSR_IA32_VMX_PINBASED_CTLS) >> 32)) &&
	       !(vmx_caps.proc &
		 ~(rdmsr(t ? MSR_IA32_VMX_TRUE_PROCBASED_CTLS : MSR_IA32_VMX_PROCBASED_CTLS) >> 32)) &&
	       !(vmx_caps.sec & ~(rdmsr(MSR_IA32_VMX_PROCBASED_CTLS2) >> 32)) &&
	       !(vmx_caps.exit & ~(rdmsr(t ? MSR_IA32_VMX_TRUE_EXIT_CTLS : MSR_IA32_VMX_EXIT_CTLS) >> 32)) &&
	       !(vmx_caps.entry & ~(rdmsr(t ? MSR_IA32_VMX_TRUE_ENTRY_CTLS : MSR_IA32_VMX_ENTRY_CTLS) >> 32));
}

/* VMXON on this CPU. 0, -ENOMEM, or -ENODEV with a message. */
int vmx_cpu_on(void)
{
	u64 fc = rdmsr(MSR_IA32_FEATURE_CONTROL);
	unsigned int cpu = smp_processor_id();
	u32 *region = this_cpu(vmxon_region);

	if (!(fc & FEATURE_CONTROL_LOCK))
		wrmsr(MSR_IA32_FEATURE_CONTROL, fc | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON);
	else if (!(fc & FEATURE_CONTROL_VMXON)) {
		printk(XENLOG_ERR "VT-x: CPU%u: switched off by the firmware\n", cpu);
		return -ENODEV;
	}
	if (!same_controls()) {
		printk(XENLOG_ERR "VT-x: CPU%u cannot do what the boot CPU can\n", cpu);
		return -ENODEV;
	}
	if (!region) {
		region = alloc_xenheap_page();
		if (!region)
			return -ENOMEM;
		this_cpu(vmxon_region) = region;
	}
	region[0] = vmx_caps.revision;
	write_cr4(read_cr4() | X86_CR4_VMXE);
	if (!vmxon(virt_to_maddr(region))) {
		printk(XENLOG_ERR "VT-x: CPU%u: VMXON failed, CR0 %#lx CR4 %#lx\n", cpu, read_cr0(),
		       read_cr4());
		write_cr4(read_cr4() & ~(unsigned long)X86_CR4_VMXE);
		return -ENODEV;
	}
	read_host_state(&this_cpu(host_state));
	/* Whatever ran before us may have left translations. */
	(void)invept(INVEPT_ALL, 0);
	if (vmx_caps.has_vpid)
		(void)invvpid(INVVPID_ALL, 0);
	return 0;
}

void vmx_cpu_off(void)
{
	struct vcpu *v = this_cpu(vmx_current);

	if (v)
		vmx_vmcs_clear(v);
	vmxoff();
	write_cr4(read_cr4() & ~(unsigned long)X86_CR4_VMXE);
}

static void write_host_state(void)
{
	const struct host_state *h = &this_cpu(host_state);
	u16 cs, ss;

	__asm__("mov %%cs, %0" : "=r"(cs));
	__asm__("mov %%ss, %0" : "=r"(ss));
	vmwrite(HOST_CS_SELECTOR, cs);
	vmwrite(HOST_SS_SELECTOR, ss);
	vmwrite(HOST_DS_SELECTOR, 0);
	vmwrite(HOST_ES_SELECTOR, 0);
	vmwrite(HOST_FS_SELECTOR, 0);
	vmwrite(HOST_GS_SELECTOR, 0);
	vmwrite(HOST_TR_SELECTOR, h->tr);
	vmwrite(HOST_FS_BASE, 0);
	vmwrite(HOST_GS_BASE, this_cpu_offset());
	vmwrite(HOST_TR_BASE, h->tr_base);
	vmwrite(HOST_GDTR_BASE, h->gdt_base);
	vmwrite(HOST_IDTR_BASE, h->idt_base);
	vmwrite(HOST_CR0, read_cr0() & ~(unsigned long)X86_CR0_TS);
	vmwrite(HOST_CR3, read_cr3());
	vmwrite(HOST_CR4, read_cr4());
	vmwrite(HOST_PAT, rdmsr(MSR_IA32_PAT));
	vmwrite(HOST_EFER, rdmsr(MSR_EFER));
	vmwrite(HOST_SYSENTER_CS, 0);
	vmwrite(HOST_SYSENTER_ESP, 0);
	vmwrite(HOST_SYSENTER_EIP, 0);
	vmwrite(HOST_RIP, (u64)vmx_exit_point);
}

/* Interrupts off; the VMCS is active nowhere, or here. */
void vmx_vmcs_load(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	unsigned int cpu = smp_processor_id();

	if (this_cpu(vmx_current) != v) {
		BUG_ON(x->vmcs_cpu != NR_CPUS && x->vmcs_cpu != cpu);
		if (!vmptrld(x->vmcs_ma))
			BUG();
		this_cpu(vmx_current) = v;
		x->vmcs_cpu = cpu;
	}
	if (x->host_cpu != cpu) {
		write_host_state();
		x->host_cpu = cpu;
		x->vpid_flush = true;
	}
}

void vmx_vmcs_clear(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;

	if (x->vmcs_cpu != smp_processor_id())
		return;
	if (!vmclear(x->vmcs_ma))
		BUG();
	x->launched = false;
	x->vmcs_cpu = NR_CPUS;
	if (this_cpu(vmx_current) == v)
		this_cpu(vmx_current) = NULL;
}

struct vmx_access vmx_access_begin(struct vcpu *v)
{
	struct vmx_access a = { .v = v };
	struct vcpu *mine;

	if (v == current && this_cpu(vmx_current) == v)
		return a;
	if (v->arch.hvm.loaded_cpu != NR_CPUS && v->arch.hvm.loaded_cpu != smp_processor_id())
		sync_vcpu_state(v);
	a.flags = local_irq_save();
	mine = this_cpu(vmx_current);
	if (mine != v) {
		a.prev = mine;
		vmx_vmcs_load(v);
	}
	return a;
}

void vmx_access_end(struct vmx_access a)
{
	if (!a.flags) /* saved flags are never 0: bit 1 always reads as 1 */
		return;
	if (a.prev) {
		vmx_vmcs_clear(a.v);
		vmx_vmcs_load(a.prev);
	} else if (a.v->arch.hvm.loaded_cpu != smp_processor_id()) {
		vmx_vmcs_clear(a.v);
	}
	local_irq_restore(a.flags);
}

static u16 vpid_alloc(void)
{
	unsigned int n;

	if (!vmx_caps.has_vpid)
		return 0;
	spin_lock(&vpid_lock);
	n = find_first_zero_bit(vpid_map, 65536);
	if (n < 65536)
		__set_bit(n, vpid_map);
	spin_unlock(&vpid_lock);
	return n < 65536 ? (u16)n : 0;
}

static void vpid_free(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vpid_lock);
	__clear_bit(vpid, vpid_map);
	spin_unlock(&vpid_lock);
}

/* Intercepts that depend on what the domain is. */
static u32 secondary_controls(const struct domain *d)
{
	u32 sec = vmx_caps.sec & ~SEC_VIRT_X2APIC; /* until the vCPU is in that mode */

	/* A domain with devices may have caches to flush; for others WBINVD would only slow the machine. */
	if (d->is_privileged)
		sec &= ~SEC_WBINVD_EXITING;
	return sec;
}

/* The port bitmap of the domain may be replaced; the CPU reads its contents at every access. */
void vmx_update_io_bitmap(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	unsigned long *map = v->domain->arch.hvm.io_bitmap;

	if (x->io_bitmap == map)
		return;
	x->io_bitmap = map;
	vmwrite(IO_BITMAP_A, virt_to_maddr(map));
	vmwrite(IO_BITMAP_B, virt_to_maddr(map) + PAGE_SIZE);
}

static void init_apicv(struct vcpu *v)
{
	unsigned int i;

	vmwrite(VIRTUAL_APIC_PAGE, virt_to_maddr(vlapic_regs(v)));
	vmwrite(GUEST_INTR_STATUS, 0);
	if (vmx_caps.pin & PIN_POSTED) {
		vmwrite(POSTED_VECTOR, VECTOR_POSTED);
		vmwrite(POSTED_DESCRIPTOR, virt_to_maddr(vlapic_posted(v)));
	}
	for (i = 0; i < 4; i++)
		vmwrite(EOI_EXIT_BITMAP0 + 2 * i, 0);
}

/* Control fields that stay as they are for the life of the vCPU. The VMCS is current. */
static void init_controls(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	struct domain *d = v->domain;

	x->pin = vmx_caps.pin;
	x->proc = vmx_caps.proc;
	x->sec = secondary_controls(d);
	/* #DB and #AC can repeat for ever while being delivered, without an exit; #MC is the machine's. */
	x->exc_bitmap = BIT(X86_EXC_DB) | BIT(X86_EXC_AC) | BIT(X86_EXC_MC);
	vmwrite(PIN_BASED_CONTROL, x->pin);
	vmwrite(PROC_BASED_CONTROL, x->proc);
	vmwrite(EXCEPTION_BITMAP, x->exc_bitmap);
	if (vmx_caps.has_vpid && x->vpid)
		vmwrite(VPID, x->vpid);
	else
		x->sec &= ~SEC_VPID;
	vmwrite(SECONDARY_CONTROL, x->sec);
	if (vmx_caps.has_apicv)
		init_apicv(v);
	if (x->sec & SEC_PLE) {
		vmwrite(PLE_GAP, 128);
		vmwrite(PLE_WINDOW, 4096);
	}
	vmwrite(VM_EXIT_CONTROLS, vmx_caps.exit);
	vmwrite(VM_ENTRY_CONTROLS, vmx_caps.entry & ~ENTRY_IA32E_GUEST);
	vmwrite(PF_ERROR_CODE_MASK, 0);
	vmwrite(PF_ERROR_CODE_MATCH, 0);
	vmwrite(CR3_TARGET_COUNT, 0);
	vmwrite(VM_EXIT_MSR_STORE_COUNT, 0);
	vmwrite(VM_EXIT_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_MSR_LOAD_COUNT, 0);
	vmwrite(VM_ENTRY_INTR_INFO, 0);
	vmx_update_io_bitmap(v);
	vmwrite(MSR_BITMAP, vmx_msr_bitmap(false));
	vmwrite(EPT_POINTER, p2m_eptp(d));
	vmx_write_tsc(v);
	vmwrite(VMCS_LINK_POINTER, ~0UL);
	/* The hypervisor sees every write to CR0 and CR4: v->arch.hvm.cr0 and cr4 are always true. */
	vmwrite(CR0_GUEST_HOST_MASK, ~0UL);
	vmwrite(CR4_GUEST_HOST_MASK, ~0UL);
}

static void init_guest_state(void)
{
	vmwrite(GUEST_DEBUGCTL, 0);
	vmwrite(GUEST_DR7, X86_DR7_DEFAULT);
	vmwrite(GUEST_PENDING_DEBUG, 0);
	vmwrite(GUEST_INTERRUPTIBILITY, 0);
	vmwrite(GUEST_ACTIVITY, 0);
	vmwrite(GUEST_SYSENTER_CS, 0);
	vmwrite(GUEST_SYSENTER_ESP, 0);
	vmwrite(GUEST_SYSENTER_EIP, 0);
	vmwrite(GUEST_RIP, 0);
	vmwrite(GUEST_RSP, 0);
	vmwrite(GUEST_RFLAGS, X86_EFLAGS_MBS);
}

/* A VMCS for v, cleared, complete but for registers (hvm_vcpu_reset). 0 or -ENOMEM. */
int vmx_vmcs_create(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	struct vmx_access a;

	x->vmcs = alloc_xenheap_page();
	if (!x->vmcs)
		return -ENOMEM;
	x->vmcs_ma = virt_to_maddr(x->vmcs);
	*(u32 *)x->vmcs = vmx_caps.revision;
	x->vmcs_cpu = x->host_cpu = NR_CPUS;
	x->rflags = X86_EFLAGS_MBS;
	x->vpid = vpid_alloc();
	if (!vmclear(x->vmcs_ma))
		BUG();
	a = vmx_access_begin(v);
	init_controls(v);
	init_guest_state();
	vmx_access_end(a);
	return 0;
}

void vmx_vmcs_destroy(struct vcpu *v)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	unsigned long flags;

	if (!x->vmcs)
		return;
	sync_vcpu_state(v);
	flags = local_irq_save();
	vmx_vmcs_clear(v);
	local_irq_restore(flags);
	vpid_free(x->vpid);
	free_xenheap_page(x->vmcs);
	x->vmcs = NULL;
}

void vmx_update_proc(struct vcpu *v, u32 set, u32 clear)
{
	struct vmx_vcpu *x = v->arch.hvm.vmx;
	u32 proc = (x->proc & ~clear) | set;

	if (proc != x->proc) {
		x->proc = proc;
		vmwrite(PROC_BASED_CONTROL, proc);
	}
}
