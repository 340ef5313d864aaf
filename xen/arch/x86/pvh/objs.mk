objs-y += kernel.o elf_stream.o decompress.o libc_shim.o dom0_mem.o dom0_acpi.o dom0_build.o
