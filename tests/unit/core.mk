# SPDX-License-Identifier: GPL-2.0-only
# Tests of lib/ and common/.
LIB_OBJ := xen/lib/number.o xen/lib/vsnprintf.o xen/lib/sort.o xen/lib/pheap.o xen/lib/string.o

TESTS += lib
lib-obj := test_lib.o xen/lib/builtins.o $(LIB_OBJ) host/stubs.o

ALLOC_OBJ := xen/common/page_alloc.o xen/common/page_ref.o xen/common/xmalloc.o xen/common/spinlock.o \
	host/arena.o host/owners.o host/stubs.o $(LIB_OBJ)

TESTS += alloc
alloc-builds := asan tsan
alloc-obj := test_alloc.o $(ALLOC_OBJ)

TESTS += ref
ref-obj := test_ref.o $(ALLOC_OBJ)
ref-builds := asan tsan

TESTS += xmalloc
xmalloc-obj := test_xmalloc.o $(ALLOC_OBJ)
xmalloc-builds := asan tsan

TESTS += locks
locks-obj := test_locks.o xen/common/spinlock.o host/stubs.o $(LIB_OBJ)
locks-builds := asan tsan

SOFTIRQ_OBJ := xen/common/softirq.o xen/common/rcupdate.o xen/common/spinlock.o host/stubs.o $(LIB_OBJ)

TESTS += rcu
rcu-obj := test_rcu.o $(SOFTIRQ_OBJ)
rcu-builds := asan tsan

TESTS += timer
timer-obj := test_timer.o xen/common/timer.o $(SOFTIRQ_OBJ)
timer-builds := asan tsan

TESTS += sched
sched-obj := test_sched.o xen/common/sched.o xen/common/sched_ctl.o xen/common/sched_policy.o \
	xen/common/timer.o $(SOFTIRQ_OBJ)

TESTS += param
param-obj := test_param.o xen/common/param.o host/stubs.o $(LIB_OBJ)
param-ld := -Wl,-T,host/param.lds

TESTS += console
console-obj := test_console.o xen/common/printk.o xen/common/console.o xen/common/param.o $(SOFTIRQ_OBJ)
console-ld := -Wl,-T,host/param.lds

TESTS += e820
e820-obj := test_e820.o xen/arch/x86/e820.o host/stubs.o $(LIB_OBJ)
