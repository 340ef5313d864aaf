# SPDX-License-Identifier: GPL-2.0-only
objs-y += diag.o entry.o eptflush.o exit.o msr.o vmcs.o vmx.o
