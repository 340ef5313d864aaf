# SPDX-License-Identifier: GPL-2.0-only
#
# Build settings, with their defaults. Change them on make's command line, or by
# ./configure, which writes them to config.mk in the build directory.

# where everything goes that is made
O ?= build

ifeq ($(origin CC),default)
CC := gcc
endif

# 1: asserts, lock ranks, heap poisoning. Figures of speed are those of DEBUG=0.
DEBUG ?= 1
# 1: the undefined-behaviour sanitizer in the hypervisor
UBSAN ?= 0
# 1: an image that tests itself at boot and reports TAP on its console
SELFTEST ?= 0

# which hypervisor the demo and the emulated test suites run: pavise or xen (Debian's)
HV ?= pavise
# demo: 1 shows all consoles; 1 leaves a shell in dom0
VERBOSE ?=
INTERACTIVE ?=

# 0: do not look for missing Debian packages, let alone install them
PACKAGES ?= 1
# test programs and emulators that prove runs at a time
TEST_JOBS ?= 2

DESTDIR ?=
prefix ?= /usr
sysconfdir ?= /etc
bootdir ?= /boot
mandir ?= $(prefix)/share/man
sbindir ?= $(prefix)/sbin
docdir ?= $(prefix)/share/doc/pavise

VERSION := 0.1
