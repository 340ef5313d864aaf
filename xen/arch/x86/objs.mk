objs-y += entry.o e820.o acpi.o setup.o shutdown.o smp.o smp_boot.o traps.o
