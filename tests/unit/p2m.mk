# SPDX-License-Identifier: GPL-2.0-only
# The p2m: its own machine, model, and Makefile.
P2M_MAKE = $(MAKE) -C p2m O=$(O) CC=$(CC)

# All of it belongs to the whole run; a run of named tests (T=...) leaves it out.
ifeq ($(origin T),undefined)
check: check-p2m
endif

check-p2m:
	@$(P2M_MAKE) check
bench-p2m:
	@$(P2M_MAKE) bench-p2m
check-mutants: check-mutants-p2m
check-mutants-p2m:
	@$(P2M_MAKE) check-mutants
.PHONY: check-p2m bench-p2m check-mutants check-mutants-p2m
