objs-y += entry.o e820.o acpi.o setup.o shutdown.o smp.o smp_boot.o traps.o watchdog.o
objs-y += domctl.o domctl_mem.o sysctl.o pavise_op.o dm_op.o
objs-y += guest_access.o
ifeq ($(SELFTEST),1)
objs-y += selftest.o
endif
