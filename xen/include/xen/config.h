/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included ahead of every hypervisor source file by the Makefile (-include):
 * which side of the public ABI this is, and the build switches.
 *
 * CONFIG_DEBUG is 1 or 0, always defined; UBSAN and SELFTEST builds define
 * CONFIG_UBSAN and CONFIG_SELFTEST as 1, else 0.
 */
#ifndef XEN_CONFIG_H
#define XEN_CONFIG_H

#define __XEN__ 1

#ifndef CONFIG_DEBUG
#define CONFIG_DEBUG 1
#endif
#ifndef CONFIG_UBSAN
#define CONFIG_UBSAN 0
#endif
#ifndef CONFIG_SELFTEST
#define CONFIG_SELFTEST 0
#endif

/* CPUs the per-CPU structures are sized for. */
#define NR_CPUS 64
/* vCPUs a domain may have. */
#define MAX_VCPUS 64

#ifndef __ASSEMBLER__
#include <xen/compiler.h>
#include <xen/types.h>
#endif

#endif
