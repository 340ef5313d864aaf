# SPDX-License-Identifier: GPL-2.0-only
#
# Pavise's targets. Everything made goes to $(O), by default build/.
#
#   make                 the hypervisor: $(O)/pavise.gz, $(O)/pavise-syms; dom0's tools
#   make demo            boot it in an emulator with Debian's Linux and xl, create a guest
#   make check           all tests; check-unit, check-model, check-boot, check-hypercall, check-dom0,
#                        check-xl, check-demo, check-lab, lint: one suite of them
#   make help            the other targets, and the settings

include Config.mk
-include $(O)/config.mk

OUT := $(abspath $(O))
MAKEFLAGS += --no-print-directory
Q := $(if $(filter 1,$(V)),,@)

export O := $(OUT)
export CC DEBUG UBSAN HV VERBOSE INTERACTIVE

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# $(call packages,SETS): what is missing of these sets of Debian packages gets installed
packages = $(if $(filter 0,$(PACKAGES)),,$(Q)config/install-packages -s $(OUT)/packages $(1))
# $(call room,MIB): what is made fits; the images are put together in TMPDIR
room = $(Q)config/need-room $(1) $(OUT) O && config/need-room 200 $${TMPDIR:-/tmp} TMPDIR
# with HV=xen, Debian's hypervisor as well
emulation := build emulator dom0 $(if $(filter xen,$(HV)),xen)
# $(call hypervisor): build it, and dom0's tools, unless a run is on Debian's
hypervisor = $(if $(filter xen,$(HV)),,$(Q)$(MAKE) -C xen && $(MAKE) -C tools)

ifneq ($(words $(CURDIR)) $(words $(O)),1 1)
$(error make cannot work below a directory with a blank in its name: move "$(CURDIR)"; O="$(O)" must have none either)
endif
ifneq ($(filter-out pavise xen,$(HV)),)
$(error HV is "$(HV)"; it can be pavise or xen)
endif

.PHONY: all
all: $(OUT)/.pavise-build
	$(call room,60)
	$(call packages,build)
	$(Q)$(MAKE) -C xen SELFTEST=$(SELFTEST)
	$(Q)$(MAKE) -C tools

# marks a directory that `make clean` may remove
$(OUT)/.pavise-build:
	@mkdir -p $(@D) || { echo "make: cannot write to $(@D): no room or no right to"; exit 1; }
	@touch $@

.PHONY: demo
demo: $(OUT)/.pavise-build
	$(call room,400)
	$(call packages,$(emulation))
	$(call hypervisor)
	$(Q)tools/lab/demo --hv $(HV) --build $(OUT) $(if $(VERBOSE),--verbose) \
		$(if $(INTERACTIVE),--interactive) $(DEMO_FLAGS)

# --- Tests. A suite is a file tests/t/NAME.t that prints TAP.

suite-present = $(if $(wildcard $(1)),$(2))
# (those that take longest start first)
SUITES := $(call suite-present,tests/xl/run,xl) \
	$(call suite-present,tests/hypercall/run,hypercall) \
	$(call suite-present,tests/dom0/run,dom0) \
	$(call suite-present,tests/boot/run,boot) \
	$(call suite-present,tests/demo/run,demo) \
	$(call suite-present,tests/unit/Makefile,unit) \
	$(call suite-present,tests/bench/run,bench) \
	$(call suite-present,tests/model/Makefile,model) \
	lab \
	$(call suite-present,tools/lint/run,lint)
ALL_SUITES := lab unit model boot bench hypercall dom0 xl demo lint

packages-lab := build emulator dom0
packages-unit := build check
packages-model := build check
packages-boot := build emulator
packages-bench := build emulator
packages-hypercall := build emulator $(if $(filter xen,$(HV)),xen)
packages-dom0 := $(emulation)
packages-xl := $(emulation)
packages-demo := $(emulation)
packages-lint := build check lint

PROVE = prove --timer -j $(TEST_JOBS) --exec ''
suite-file = tests/t/$(1).t

.PHONY: check
check: $(OUT)/.pavise-build
	$(call room,900)
	$(call packages,$(sort $(foreach s,$(SUITES),$(packages-$(s)))))
	$(call hypervisor)
	$(Q)$(PROVE) $(foreach s,$(SUITES),$(call suite-file,$(s)))

# the same suites with what takes too long for every change, then the defects built in on purpose
.PHONY: check-long
check-long: export PAVISE_LONG = 1
check-long: check
	$(Q)$(PROVE) $(call suite-file,mutants)

.PHONY: $(ALL_SUITES:%=check-%) lint
$(SUITES:%=check-%): check-%: $(OUT)/.pavise-build
	$(call packages,$(packages-$*))
	$(if $(filter hypercall dom0 xl,$*),$(call hypervisor))
	$(Q)XL_JOBS=$(TEST_JOBS) $(PROVE) $(call suite-file,$*)

$(filter-out $(SUITES:%=check-%),$(ALL_SUITES:%=check-%)): check-%:
	@echo "make: there is no test suite \"$*\" in this tree yet" >&2; exit 1

# by itself, with every command of xl: "make check" leaves out what takes long
check-xl: export XL_COMMANDS = 1

lint: check-lint

# need DIRECTORY-OR-FILE: a target whose part of the tree does not exist says so
need = @[ -e $(1) ] || { echo "make: $@: $(1) is not in this tree yet" >&2; exit 1; }

.PHONY: bench
bench: $(OUT)/.pavise-build
	$(call need,tests/bench/run)
	$(call packages,build emulator dom0 xen)
	$(Q)$(MAKE) -C xen
	$(Q)tests/bench/run
	$(Q)$(MAKE) -C tools
	$(Q)tools/lab/demo --hv xen --build $(OUT)
	$(Q)tools/lab/demo --build $(OUT) --image $(or $(PAVISE_IMAGE),$(OUT)/release/pavise.gz) --marks

.PHONY: bench-p2m
bench-p2m: $(OUT)/.pavise-build
	$(call need,tests/unit/Makefile)
	$(call packages,build check)
	$(Q)$(MAKE) -C tests/unit bench-p2m

.PHONY: check-mutants
check-mutants: $(OUT)/.pavise-build
	$(call need,tests/unit/Makefile)
	$(call packages,build check emulator)
	$(Q)tests/t/mutants.t

.PHONY: stats
stats: $(OUT)/.pavise-build
	$(call packages,lint)
	$(Q)config/stats $(OUT)

# --- Installation

KEPT := $(wildcard docs/*.md docs/*.svg) README.md COPYING
MAN := $(notdir $(wildcard docs/man/*.[1-8]))

.PHONY: install
install: all
	install -d $(DESTDIR)$(bootdir) $(DESTDIR)$(sysconfdir)/grub.d $(DESTDIR)$(docdir)
	install -m 644 $(OUT)/pavise.gz $(DESTDIR)$(bootdir)/pavise-$(VERSION).gz
	install -m 644 $(OUT)/pavise-syms $(DESTDIR)$(bootdir)/pavise-syms-$(VERSION)
	install -m 755 config/40_pavise $(DESTDIR)$(sysconfdir)/grub.d/40_pavise
	install -m 644 $(KEPT) $(DESTDIR)$(docdir)/
	$(Q)$(MAKE) -C tools DESTDIR=$(abspath $(DESTDIR)) prefix=$(prefix) sbindir=$(sbindir) install
	$(Q)for m in $(MAN); do \
		d=$(DESTDIR)$(mandir)/man$${m##*.}; install -d $$d && gzip -9nc docs/man/$$m > $$d/$$m.gz || exit 1; done
	@[ -n "$(DESTDIR)" ] || echo "Now run update-grub: it adds an entry for each kernel."

.PHONY: uninstall
uninstall:
	rm -f $(DESTDIR)$(bootdir)/pavise-$(VERSION).gz $(DESTDIR)$(bootdir)/pavise-syms-$(VERSION)
	rm -f $(DESTDIR)$(sysconfdir)/grub.d/40_pavise $(DESTDIR)$(sbindir)/pavise-p2m
	rm -f $(foreach m,$(MAN),$(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $m))/$m.gz)
	rm -f $(addprefix $(DESTDIR)$(docdir)/,$(notdir $(KEPT)))
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(docdir)
	@[ -n "$(DESTDIR)" ] || echo "Now run update-grub: the entries go."

.PHONY: deb
deb: $(OUT)/.pavise-build
	$(call packages,build deb)
	$(Q)$(MAKE) DEBUG=0
	$(Q)config/make-deb $(OUT) $(VERSION)

.PHONY: clean
clean:
	@if [ -d $(OUT) ] && [ ! -e $(OUT)/.pavise-build ]; then \
		echo "make: $(OUT) is not a build directory of Pavise; nothing removed" >&2; exit 1; fi
	$(Q)rm -rf $(OUT)

.PHONY: help
help:
	@sed -n '3,11s/^# \{0,1\}//p' Makefile
	@echo '  make check-long      the tests, with those that take long'
	@echo '  make bench           instructions per operation, Pavise beside Debian'"'"'s Xen'
	@echo '  make bench-p2m       the p2m on this machine: operations and instructions'
	@echo '  make check-mutants   how many of the defects built in on purpose the tests catch'
	@echo '  make stats           lines, longest files and functions, size of the image'
	@echo '  make install DESTDIR=...   make uninstall   make deb   make clean'
	@echo
	@echo 'Settings (make NAME=VALUE, or ./configure, which autoreconf makes):'
	@sed -n 's/^\([A-Za-z_]*\) ?= *\(.*\)/  \1=\2/p' Config.mk
