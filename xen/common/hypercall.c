// SPDX-License-Identifier: GPL-2.0-only
/* Hypercalls: the table, dispatch of one, continuation, and several in one exit (multicall). */
#include <xen/guest_access.h>
#include <xen/hypercall.h>
#include <asm/hvm.h>
#include <asm/msr-index.h>

/* Length of VMCALL. */
#define VMCALL_LENGTH			 3

#define ROW(n, args, right, preemptible) [__HYPERVISOR_##n] = { #n, do_##n, args, right, preemptible }
const struct hypercall_row hypercall_table[64] = {
	ROW(platform_op, 1, HC_PRIV, true),
	ROW(memory_op, 2, HC_ANY, true),
	ROW(multicall, 2, HC_ANY, true),
	ROW(set_timer_op, 1, HC_ANY, false),
	ROW(xen_version, 2, HC_ANY, false),
	ROW(console_io, 3, HC_ANY, true),
	ROW(grant_table_op, 3, HC_ANY, true),
	ROW(vm_assist, 2, HC_ANY, false),
	ROW(vcpu_op, 3, HC_ANY, false),
	ROW(sched_op, 2, HC_ANY, false),
	ROW(event_channel_op, 3, HC_ANY, true),
	ROW(physdev_op, 2, HC_PRIV, false),
	ROW(hvm_op, 2, HC_ANY, false),
	ROW(sysctl, 1, HC_PRIV, false),
	ROW(domctl, 1, HC_PRIV, true),
	ROW(dm_op, 3, HC_ANY, true),
	[__HYPERVISOR_arch_1] = { "pavise_op", do_pavise_op, 2, HC_PRIV, true },
};

/*
 * What was asked for and is not there: each is logged once. A guest can fill
 * the table with nonsense; then nothing more is logged.
 */
static struct {
	const char *name;
	unsigned long nr;
} unimplemented[64];
static u32 unimplemented_count;
static DEFINE_SPINLOCK(unimplemented_lock, RANK_LEAF);

long hypercall_unimplemented(const char *name, unsigned long nr)
{
	u32 n = READ_ONCE(unimplemented_count);
	bool fresh = false;

	for (u32 i = 0; i < n; i++)
		if (unimplemented[i].nr == nr && !strcmp(unimplemented[i].name, name))
			return -ENOSYS;
	spin_lock(&unimplemented_lock);
	if (unimplemented_count < ARRAY_SIZE(unimplemented)) {
		unimplemented[unimplemented_count].name = name;
		unimplemented[unimplemented_count].nr = nr;
		smp_store_release(&unimplemented_count, unimplemented_count + 1);
		fresh = true;
	}
	spin_unlock(&unimplemented_lock);
	if (fresh)
		gprintk(XENLOG_G_WARNING "%s (%lu): not implemented\n", name, nr);
	return -ENOSYS;
}

static always_inline long hypercall_call(struct domain *d, unsigned long nr, const unsigned long *args)
{
	const struct hypercall_row *row;

	if (unlikely(nr >= ARRAY_SIZE(hypercall_table)))
		return hypercall_unimplemented("hypercall", nr);
	row = &hypercall_table[nr];
	if (unlikely(!row->fn))
		return hypercall_unimplemented("hypercall", nr);
	if (unlikely(row->right == HC_PRIV && !d->is_privileged))
		return nr == __HYPERVISOR_physdev_op ? -ENOSYS : -EPERM;
	return row->fn(args);
}

void hypercall_dispatch(struct vcpu *v)
{
	struct guest_regs *r = &v->arch.regs;
	unsigned long args[6] = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 };
	long rc;

	/*
	 * A kernel in compatibility mode is taken for a 64-bit one: what it gets wrong is its own.
	 */
	if (unlikely(!(v->arch.hvm.efer & EFER_LMA)))
		rc = hypercall_unimplemented("hypercall from 32-bit code", (u32)r->rax);
	else if (unlikely(hvm_get_cpl(v)))
		rc = -EPERM;
	else
		rc = hypercall_call(v->domain, r->rax, args);
	if (v->arch.hvm.gva_cache_next)
		guest_access_invalidate(v);
	/* A continuation has put its arguments into the registers already. */
	if (unlikely(rc == -ERESTART))
		return;
	r->rax = (unsigned long)rc;
	hvm_skip_instruction(v, VMCALL_LENGTH);
}

/*
 * Up to six unsigned long arguments. The result is for the handler to return, and means nothing
 * else.
 */
long hypercall_create_continuation(unsigned int op, unsigned int nr_args, ...)
{
	struct vcpu *v = current;
	struct guest_regs *r = &v->arch.regs;
	u64 *const reg[6] = { &r->rdi, &r->rsi, &r->rdx, &r->r10, &r->r8, &r->r9 };
	va_list ap;

	ASSERT(nr_args <= ARRAY_SIZE(reg));
	va_start(ap, nr_args);
	if (v->mc.active) {
		v->mc.preempted = true;
		v->mc.call.op = op;
		for (unsigned int i = 0; i < nr_args; i++)
			v->mc.call.args[i] = va_arg(ap, unsigned long);
	} else {
		r->rax = op;
		for (unsigned int i = 0; i < nr_args; i++)
			*reg[i] = va_arg(ap, unsigned long);
	}
	va_end(ap);
	return -ERESTART;
}

/* One call of a list; its result goes to the list unless it is to be continued. */
static long multicall_one(struct vcpu *v, unsigned long entry)
{
	struct multicall_entry *call = &v->mc.call;

	if (copy_from_guest_va(call, entry, sizeof(*call)))
		return -EFAULT;
	v->mc.active = true;
	v->mc.preempted = false;
	call->result = (unsigned long)hypercall_call(v->domain, call->op, call->args);
	v->mc.active = false;
	if (v->mc.preempted)
		return copy_to_guest_va(entry, call, sizeof(*call)) ? -EFAULT : -ERESTART;
	return copy_to_guest_va(entry + offsetof(struct multicall_entry, result), &call->result,
				sizeof(call->result))
		       ? -EFAULT
		       : 0;
}

long do_multicall(const unsigned long *a)
{
	struct vcpu *v = current;
	unsigned long entry = a[0];
	u32 nr = (u32)a[1];

	if (v->mc.active)
		return -EINVAL;
	if (!guest_handle_okay(guest_handle_ptr(struct multicall_entry, entry), nr))
		return -EFAULT;
	while (nr) {
		long rc = multicall_one(v, entry);

		if (rc && rc != -ERESTART)
			return rc;
		if (!rc) {
			nr--;
			entry += sizeof(struct multicall_entry);
		}
		if (rc || (nr && hypercall_preempt_check()))
			return hypercall_create_continuation(__HYPERVISOR_multicall, 2, entry,
							     (unsigned long)nr);
	}
	return 0;
}

/* Only the flag for updates of the run state area exists for PVH. */
long do_vm_assist(const unsigned long *a)
{
	struct domain *d = current->domain;
	unsigned int cmd = (unsigned int)a[0], type = (unsigned int)a[1];

	if (type != VMASST_TYPE_runstate_update_flag)
		return -EINVAL;
	switch (cmd) {
	case VMASST_CMD_enable:
		(void)__atomic_fetch_or(&d->vm_assist, 1U << type, __ATOMIC_RELAXED);
		return 0;
	case VMASST_CMD_disable:
		(void)__atomic_fetch_and(&d->vm_assist, ~(1U << type), __ATOMIC_RELAXED);
		return 0;
	}
	return -ENOSYS;
}
