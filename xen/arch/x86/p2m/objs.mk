# SPDX-License-Identifier: GPL-2.0-only
objs-y += ept.o pool.o batch.o p2m.o range.o foreign.o fault.o
objs-y += logdirty.o pod.o pod_sweep.o teardown.o dump.o mtype.o hostmtrr.o
