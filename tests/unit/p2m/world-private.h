/* SPDX-License-Identifier: GPL-2.0-only */
/* Between world.c and world_ops.c. */
#ifndef P2M_TEST_WORLD_PRIVATE_H
#define P2M_TEST_WORLD_PRIVATE_H

#include "world.h"

void w_flush(struct slot *s);
void w_flush_all(struct world *w);
void w_kill(struct world *w, struct slot *s);
/* What the model has at gfn goes (its references too). */
void w_displace(struct world *w, struct slot *s, unsigned int i);
/* A reason for the frame to exist has gone. */
static inline void w_drop(struct world *w, unsigned long mfn)
{
	if (!--w->refs[mfn])
		w->mark[mfn] = 0;
}
void w_set(struct world *w, struct slot *s, unsigned int i, u8 type, unsigned long mfn);
/* An operation did what it had to, or failed for want of memory if that was asked for. */
bool w_agree(struct world *w, const struct op *op, int rc, int expected);
/* -errno for something in the way. */
unsigned int w_refusal(u8 type);
u8 w_rights(const struct ment *m);

static inline void arm(const struct op *op) { host_fail_after = op->fail; }
static inline void disarm(void) { host_fail_after = 0; }
static inline bool is_ram(u8 t) { return t == p2m_ram_rw || t == p2m_ram_ro || t == p2m_ram_logdirty; }
static inline bool is_grant(u8 t) { return t == p2m_grant_rw || t == p2m_grant_ro; }
static inline bool is_counted(u8 t) { return is_ram(t) || is_grant(t) || t == p2m_foreign; }

/* ---- world_pod.c ---- */
bool w_cached(struct slot *s);
void w_sync(struct world *w, struct slot *s, unsigned int a);
void w_populated(struct world *w, struct slot *s, unsigned int a, const struct op *op, bool sure);
void w_pod_range(struct world *w, struct slot *s, const struct op *op);
void w_pod_target(struct world *w, struct slot *s, const struct op *op);
void w_fault(struct world *w, struct slot *s, const struct op *op);

#endif
