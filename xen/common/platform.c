// SPDX-License-Identifier: GPL-2.0-only
/* The platform_op hypercall: dom0's kernel and tools, on the machine. ABI: public/platform.h */
#include <xen/access.h>
#include <xen/console.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <xen/smp.h>
#include <xen/symbols.h>
#include <asm/apic.h>
#include <asm/cpufeature.h>
#include <asm/hvm.h>
#include <asm/setup.h>
#include <public/platform.h>

/* ---- clock ---- */

static long settime(u64 sec, u32 nsec, u64 system_time)
{
	struct domain *d;

	if (nsec >= 1000000000)
		return -EINVAL;
	set_wallclock(sec, nsec, (s_time_t)system_time);
	rcu_read_lock();
	for_each_domain(d)
		domain_update_wallclock(d);
	rcu_read_unlock();
	return 0;
}

static long settime32(struct xen_platform_op *op, unsigned long uop)
{
	const struct xenpf_settime32 *s = &op->u.settime32;

	return settime(s->secs, s->nsecs, s->system_time);
}

static long settime64(struct xen_platform_op *op, unsigned long uop)
{
	const struct xenpf_settime64 *s = &op->u.settime64;

	return s->mbz ? -EINVAL : settime(s->secs, s->nsecs, s->system_time);
}

/* ---- firmware ---- */

/* This hypervisor reads no BIOS disk or EDID tables, and keeps no EFI runtime. */
static long firmware_info(struct xen_platform_op *op, unsigned long uop)
{
	struct xenpf_firmware_info *f = &op->u.firmware_info;

	switch (f->type) {
	case XEN_FW_DISK_INFO:
	case XEN_FW_DISK_MBR_SIGNATURE:
	case XEN_FW_VBEDDC_INFO:
		return -ESRCH;
	case XEN_FW_KBD_SHIFT_FLAGS:
		return f->index ? -ESRCH : -EOPNOTSUPP;
	case XEN_FW_EFI_INFO:
		return -ENOSYS;
	}
	return -EINVAL;
}

/* Sleep states other than S5 are refused: the hypervisor cannot bring the machine back. */
static long enter_acpi_sleep(struct xen_platform_op *op, unsigned long uop)
{
	const struct xenpf_enter_acpi_sleep *s = &op->u.enter_acpi_sleep;

	if (s->flags & ~XENPF_ACPI_SLEEP_EXTENDED)
		return -EINVAL;
	if (s->flags || s->sleep_state != 5)
		return -EOPNOTSUPP;
	hvm_dump_exits(hardware_domain);
	console_force_sync();
	return acpi_enter_sleep(s->val_a, s->val_b);
}

/* ---- CPUs ---- */

/* CPUs not in the machine lose their bit and get time 0, as the ABI says. */
static long getidletime(struct xen_platform_op *op, unsigned long uop)
{
	struct xenpf_getidletime *g = &op->u.getidletime;
	unsigned int nr = min(g->cpumap_nr_cpus, (u32)NR_CPUS);

	for (unsigned int byte = 0; byte < DIV_ROUND_UP(nr, 8); byte++) {
		u8 map, present = 0;

		if (copy_from_guest_offset(&map, g->cpumap_bitmap, byte, 1))
			return -EFAULT;
		for (unsigned int bit = 0; bit < 8 && byte * 8 + bit < nr; bit++) {
			unsigned int cpu = byte * 8 + bit;
			bool online = cpumask_test(cpu_online_map, cpu);
			u64 idle = online ? get_cpu_idle_time(cpu) : 0;

			if (!(map >> bit & 1))
				continue;
			present |= (u8)(online << bit);
			if (copy_to_guest_offset(g->idletime, cpu, &idle, 1))
				return -EFAULT;
		}
		if (copy_to_guest_offset(g->cpumap_bitmap, byte, &present, 1))
			return -EFAULT;
	}
	g->now = (u64)NOW();
	return copy_to_guest_va(uop + offsetof(struct xen_platform_op, u), g, sizeof(*g)) ? -EFAULT : 0;
}

static u32 last_cpu(void) { return fls64(cpu_online_map.bits) - 1; }

static long get_cpuinfo(struct xen_platform_op *op, unsigned long uop)
{
	struct xenpf_pcpuinfo *i = &op->u.pcpu_info;

	i->max_present = last_cpu();
	if (i->xen_cpuid >= NR_CPUS || !cpumask_test(cpu_online_map, i->xen_cpuid)) {
		i->flags = XEN_PCPU_FLAGS_INVALID;
	} else {
		i->apic_id = cpu_to_apicid(i->xen_cpuid);
		i->acpi_id = ~0U;
		for (unsigned int n = 0; n < nr_cpu_entries; n++)
			if (cpu_entries[n].apic_id == i->apic_id)
				i->acpi_id = cpu_entries[n].acpi_id;
		i->flags = XEN_PCPU_FLAGS_ONLINE;
	}
	return copy_to_guest_va(uop + offsetof(struct xen_platform_op, u), i, sizeof(*i)) ? -EFAULT : 0;
}

static long get_cpu_version(struct xen_platform_op *op, unsigned long uop)
{
	struct xenpf_pcpu_version *v = &op->u.pcpu_version;

	v->max_present = last_cpu();
	memset(v->vendor_id, 0, sizeof(v->vendor_id));
	v->family = v->model = v->stepping = 0;
	if (v->xen_cpuid < NR_CPUS && cpumask_test(cpu_online_map, v->xen_cpuid)) {
		memcpy(v->vendor_id, boot_cpu.vendor_id, sizeof(v->vendor_id));
		v->family = boot_cpu.family;
		v->model = boot_cpu.model;
		v->stepping = boot_cpu.stepping;
	}
	return copy_to_guest_va(uop + offsetof(struct xen_platform_op, u), v, sizeof(*v)) ? -EFAULT : 0;
}

/* Every CPU found at boot is online, for good. */
static long cpu_online(struct xen_platform_op *op, unsigned long uop)
{
	u32 cpu = op->u.cpu_ol.cpuid;

	return cpu < NR_CPUS && cpumask_test(cpu_online_map, cpu) ? -EBUSY : -EINVAL;
}

static long cpu_offline(struct xen_platform_op *op, unsigned long uop)
{
	u32 cpu = op->u.cpu_ol.cpuid;

	if (cpu >= NR_CPUS || !cpumask_test(cpu_online_map, cpu))
		return -EINVAL;
	return cpu ? hypercall_unimplemented("XENPF_cpu_offline", XENPF_cpu_offline) : -EOPNOTSUPP;
}

/* ---- power management: this hypervisor drives neither C nor P states ---- */

static long set_processor_pminfo(struct xen_platform_op *op, unsigned long uop)
{
	switch (op->u.set_pminfo.type) {
	case XEN_PM_CX:
	case XEN_PM_PX:
	case XEN_PM_TX:
	case XEN_PM_PDC:
		return hypercall_unimplemented("XENPF_set_processor_pminfo", XENPF_set_processor_pminfo);
	}
	return -EINVAL;
}

/* ---- the hypervisor's symbols ---- */

/*
 * The name is cut to the caller's buffer, and namelen tells its whole length; symnum stays as it
 * was at the end.
 */
static long get_symbol(struct xen_platform_op *op, unsigned long uop)
{
	struct xenpf_symdata *s = &op->u.symdata;
	unsigned long addr = 0;
	const char *name = symbols_nth(s->symnum, &addr);
	u32 size = name ? (u32)strlen(name) + 1 : 0;

	if (name) {
		s->symnum++;
		s->type = 'T';
		if (copy_to_guest_va((unsigned long)s->name.p, name, min(size, s->namelen)))
			return -EFAULT;
	}
	s->address = addr;
	s->namelen = size;
	return copy_to_guest_va(uop + offsetof(struct xen_platform_op, u), s, sizeof(*s)) ? -EFAULT : 0;
}

static const struct platform_row {
	u32 cmd;
	const char *name;
	long (*fn)(struct xen_platform_op *op, unsigned long uop);
} platform_table[] = {
	{ XENPF_settime32, "settime32", settime32 },
	{ XENPF_settime64, "settime64", settime64 },
	{ XENPF_firmware_info, "firmware_info", firmware_info },
	{ XENPF_enter_acpi_sleep, "enter_acpi_sleep", enter_acpi_sleep },
	{ XENPF_getidletime, "getidletime", getidletime },
	{ XENPF_set_processor_pminfo, "set_processor_pminfo", set_processor_pminfo },
	{ XENPF_get_cpu_version, "get_cpu_version", get_cpu_version },
	{ XENPF_get_cpuinfo, "get_cpuinfo", get_cpuinfo },
	{ XENPF_get_symbol, "get_symbol", get_symbol },
	{ XENPF_cpu_online, "cpu_online", cpu_online },
	{ XENPF_cpu_offline, "cpu_offline", cpu_offline },
};

/* -EACCES: a caller built for another version of the interface. */
long do_platform_op(const unsigned long *a)
{
	struct xen_platform_op op;

	if (copy_from_guest_va(&op, a[0], sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	if (access_check(ACCESS_PLATFORM, NULL))
		return -EPERM;
	for (unsigned int i = 0; i < ARRAY_SIZE(platform_table); i++)
		if (platform_table[i].cmd == op.cmd)
			return platform_table[i].fn(&op, a[0]);
	return hypercall_unimplemented("platform_op", op.cmd);
}
