# domctl and sysctl of x86
objs-y += domctl.o domctl_mem.o sysctl.o pavise_op.o
