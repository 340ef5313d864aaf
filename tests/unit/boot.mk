# SPDX-License-Identifier: GPL-2.0-only
# Tests of what reads the firmware's and the loader's data.
TESTS += acpi
acpi-obj := test_acpi.o xen/arch/x86/acpi.o host/stubs.o $(LIB_OBJ)
acpi-ld := -Wl,-T,host/param.lds

TESTS += multiboot2
multiboot2-obj := test_multiboot2.o xen/arch/x86/boot/multiboot2.o xen/arch/x86/e820.o host/stubs.o $(LIB_OBJ)
