# SPDX-License-Identifier: GPL-2.0-only
# Tests of arch/x86/hvm/.
HVM := xen/arch/x86/hvm

TESTS += decode
decode-obj := test_decode.o $(HVM)/decode.o $(HVM)/alu.o host/stubs.o

TESTS += emulate
emulate-obj := test_emulate.o host/libc_exec.o $(HVM)/emulate.o $(HVM)/decode.o $(HVM)/alu.o host/stubs.o xen/lib/vsnprintf.o

TESTS += vlapic
vlapic-builds := asan tsan
vlapic-obj := test_vlapic.o $(HVM)/vlapic.o $(HVM)/vlapic_timer.o $(HVM)/vlapic_ipi.o host/stubs.o

TESTS += vpci
vpci-obj := test_vpci.o $(HVM)/vpci.o $(HVM)/vpci_msi.o $(HVM)/vpci_bar.o host/stubs.o
