# SPDX-License-Identifier: GPL-2.0-only
# For every makefile that builds a program on the runtime. Set TOP and O first.
# V=1 shows the commands.
ifneq ($(V),1)
Q := @
endif
ifeq ($(origin CC),default)
CC := gcc
endif

XEN_HEADERS ?= /usr/include/xen

STUBDOM := $(TOP)/stubdom
STUBDOM_OUT := $(O)/stubdom
STUBDOM_LIB := $(STUBDOM_OUT)/libstubdom.a
STUBDOM_INC := $(STUBDOM_OUT)/include/xen

STUBDOM_CFLAGS := -std=gnu11 -O2 -g -m64 -ffreestanding -fno-pic -fno-pie -fno-stack-protector \
	-mno-red-zone -mgeneral-regs-only -mcmodel=small -fcf-protection=none -fno-strict-aliasing \
	-fno-asynchronous-unwind-tables -fno-builtin -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(STUBDOM_OUT)/include -I$(STUBDOM)/include \
	-Wall -Wextra -Wundef -Wshadow -Wmissing-prototypes -Werror
STUBDOM_LDFLAGS := -nostdlib -static -T $(STUBDOM)/stubdom.lds -z noexecstack \
	-z max-page-size=4096 --no-warn-rwx-segments --build-id=none

STUBDOM_OBJS := $(patsubst $(STUBDOM)/%.S,$(STUBDOM_OUT)/%.o,$(sort $(wildcard $(STUBDOM)/*.S))) \
	$(patsubst $(STUBDOM)/%.c,$(STUBDOM_OUT)/%.o,$(sort $(wildcard $(STUBDOM)/*.c)))

# The public ABI headers of libxen-dev, under the name the sources use.
$(STUBDOM_INC):
	@test -e $(XEN_HEADERS)/xen.h || { echo "no $(XEN_HEADERS)/xen.h: install libxen-dev" >&2; exit 1; }
	@mkdir -p $(@D)
	@ln -sfn $(XEN_HEADERS) $@

$(STUBDOM_OUT)/%.o: $(STUBDOM)/%.c | $(STUBDOM_INC)
	$(Q)$(CC) $(STUBDOM_CFLAGS) -MMD -MP -c -o $@ $<

$(STUBDOM_OUT)/%.o: $(STUBDOM)/%.S | $(STUBDOM_INC)
	$(Q)$(CC) $(STUBDOM_CFLAGS) -MMD -MP -c -o $@ $<

$(STUBDOM_LIB): $(STUBDOM_OBJS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

-include $(wildcard $(STUBDOM_OUT)/*.d)
