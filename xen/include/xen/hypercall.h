/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hypercalls: one table row says all there is to know of one (number, handler,
 * arguments, who may call it, preemptible), and docs/abi-coverage.md is made
 * from the table. Handlers get their arguments as an array of six words.
 */
#ifndef XEN_HYPERCALL_H
#define XEN_HYPERCALL_H

#include <xen/sched.h>

typedef long (*hypercall_fn_t)(const unsigned long *a);

enum hcall_right { HC_ANY, HC_PRIV /* dom0 only */ };

struct hypercall_row {
	const char *name;
	hypercall_fn_t fn;
	u8 nr_args;
	enum hcall_right right;
	bool preemptible;
};
extern const struct hypercall_row hypercall_table[64];

/* The VMCALL exit: number and arguments from the guest's registers, result to rax or a restart. */
void hypercall_dispatch(struct vcpu *v);
/*
 * Arrange for the current hypercall to run again with these arguments, after
 * pending work: return its result from the handler. Works inside multicalls.
 */
long hypercall_create_continuation(unsigned int op, unsigned int nr_args, ...);

/* Logs "name (nr): not implemented" once per (name, nr), and returns -ENOSYS. */
long hypercall_unimplemented(const char *name, unsigned long nr);

long do_memory_op(const unsigned long *a);
long do_xen_version(const unsigned long *a);
long do_console_io(const unsigned long *a);
long do_grant_table_op(const unsigned long *a);
long do_vm_assist(const unsigned long *a);
long do_vcpu_op(const unsigned long *a);
long do_sched_op(const unsigned long *a);
long do_hvm_op(const unsigned long *a);
long do_domctl(const unsigned long *a);
long do_sysctl(const unsigned long *a);
long do_platform_op(const unsigned long *a);
long do_physdev_op(const unsigned long *a);
long do_multicall(const unsigned long *a);
long do_set_timer_op(const unsigned long *a);
long do_dm_op(const unsigned long *a);
/* Beyond Xen's ABI: <pavise/pavise_op.h>, hypercall number __HYPERVISOR_arch_1. */
long do_pavise_op(const unsigned long *a);

#endif
