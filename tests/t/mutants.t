#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Defects built in on purpose: of the p2m on this machine, of the whole hypervisor in the emulator.
cd "$(dirname "$0")/../.." && exec tests/t/suite mutants sh -c \
	'make -C tests/unit check-mutants; a=$?; tests/hypercall/mutants && exit $a'
