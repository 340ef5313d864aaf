/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sections in which a CPU relies on translations of a p2m without holding
 * references: running the guest, and walking its page tables in software.
 *
 * A flush (p2m_flush_hook) marks every CPU that may hold translations of the
 * tree in the domain's flush_pending. A CPU outside such a section flushes when
 * it begins the next one, so nobody waits for it; a CPU inside one is made to
 * leave guest mode (or ends its walk soon), and is waited for. The protocol is
 * store-then-load on both sides: a section announces itself and then looks at
 * flush_pending, a flush sets flush_pending and then looks who is inside.
 *
 * Sections do not nest, and nothing inside one waits for another CPU, changes a
 * p2m, or lets the CPU go: this is what makes waiting for them free of deadlock,
 * with interrupts off and under any lock.
 */
#ifndef ASM_P2M_USE_H
#define ASM_P2M_USE_H

#include <xen/sched.h>

/* The domain whose p2m this CPU uses without references right now, or NULL. */
DECLARE_PER_CPU(struct domain *, p2m_user);

/* Drops the EPT translations of d that this CPU remembers. */
void p2m_flush_this_cpu(struct domain *d);

static inline void p2m_use_begin(struct domain *d)
{
	ASSERT(!this_cpu(p2m_user));
	(void)xchg(&this_cpu(p2m_user), d);
	if (unlikely(READ_ONCE(d->arch.hvm.flush_pending) >> smp_processor_id() & 1))
		p2m_flush_this_cpu(d);
}
static inline void p2m_use_end(void) { smp_store_release(&this_cpu(p2m_user), NULL); }

#endif
