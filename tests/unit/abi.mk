# SPDX-License-Identifier: GPL-2.0-only
# Tests of the event channels.
TESTS += event
event-obj := test_event.o xen/common/event_channel.o xen/common/event_op.o xen/common/event_2l.o \
	xen/common/event_fifo.o xen/common/access.o xen/common/spinlock.o host/stubs.o
event-builds := asan tsan
