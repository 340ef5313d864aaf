// SPDX-License-Identifier: GPL-2.0-only
/*
 * The physdev_op hypercall, as far as a PVH dom0 has it: news about PCI devices.
 * Interrupts are not routed by it: PVH domains program their IO-APIC and MSIs.
 */
#include <xen/access.h>
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <public/physdev.h>

/*
 * Virtual PCI decides at each access what a device may do, for all functions there are, so there is
 * nothing to record. What is checked is that the call makes sense.
 */
static long pci_device_add(unsigned long arg)
{
	struct physdev_pci_device_add op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.flags & ~(XEN_PCI_DEV_EXTFN | XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_PXM))
		return -EINVAL;
	/* Configuration space is reached by segment 0's ports and window. */
	return op.seg ? -ENODEV : 0;
}

static long pci_device_remove(unsigned long arg)
{
	struct physdev_pci_device op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	return op.seg ? -ENODEV : 0;
}

/*
 * The windows are those of the ACPI MCFG table; dom0 says whether firmware has reserved their
 * memory.
 */
static long pci_mmcfg_reserved(unsigned long arg)
{
	struct physdev_pci_mmcfg_reserved op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.flags & ~XEN_PCI_MMCFG_RESERVED || op.start_bus > op.end_bus)
		return -EINVAL;
	return op.segment ? -ENODEV : 0;
}

/* The hypervisor uses no USB debug port, so a reset of its controller is no concern of it. */
static long dbgp(unsigned long arg)
{
	struct physdev_dbgp_op op;

	if (copy_from_guest_va(&op, arg, sizeof(op)))
		return -EFAULT;
	if (op.bus != PHYSDEVOP_DBGP_BUS_UNKNOWN && op.bus != PHYSDEVOP_DBGP_BUS_PCI)
		return -EINVAL;
	return op.op == PHYSDEVOP_DBGP_RESET_PREPARE || op.op == PHYSDEVOP_DBGP_RESET_DONE ? 0 : -ENOSYS;
}

/* MSI-X tables are trapped wherever they are at the moment of the access. */
static long msix_notice(unsigned long arg) { return pci_device_remove(arg); }

static const struct physdev_row {
	u32 cmd;
	const char *name;
	long (*fn)(unsigned long arg);
} physdev_table[] = {
	{ PHYSDEVOP_pci_device_add, "pci_device_add", pci_device_add },
	{ PHYSDEVOP_pci_device_remove, "pci_device_remove", pci_device_remove },
	{ PHYSDEVOP_pci_mmcfg_reserved, "pci_mmcfg_reserved", pci_mmcfg_reserved },
	{ PHYSDEVOP_dbgp_op, "dbgp_op", dbgp },
	{ PHYSDEVOP_prepare_msix, "prepare_msix", msix_notice },
	{ PHYSDEVOP_release_msix, "release_msix", msix_notice },
};

long do_physdev_op(const unsigned long *a)
{
	u32 cmd = (u32)a[0];

	if (access_check(ACCESS_PHYSDEV, NULL))
		return -ENOSYS;
	for (unsigned int i = 0; i < ARRAY_SIZE(physdev_table); i++)
		if (physdev_table[i].cmd == cmd)
			return physdev_table[i].fn(a[1]);
	return hypercall_unimplemented("physdev_op", cmd);
}
