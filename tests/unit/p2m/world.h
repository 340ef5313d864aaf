/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plain model: per domain a flat array that says what each gfn is, per frame
 * how many reasons it has to exist. An operation is done to the p2m and to the
 * model; results must agree at once, and everything else at each world_check().
 */
#ifndef P2M_TEST_WORLD_H
#define P2M_TEST_WORLD_H

#include "host.h"

#define W_SLOTS 4U
#define W_GFNS 2048U
#define W_SPECIALS 3U
#define W_HOLDS 16U
#define W_FRAMES (HOST_BLOCK_BASE + HOST_BLOCKS * 512)

/* Any values do: what is out of range is folded into it. */
struct op {
	u8 code, dom, dom2, order;
	u16 a, b;
	u8 arg, fail;		/* fail: the allocation of this number fails, 0: none */
	u16 misc;
};
_Static_assert(sizeof(struct op) == 12, "the corpus is made of these");

enum op_code {
	OP_ADD, OP_ADD_RANGE, OP_REMOVE, OP_RELEASE, OP_FOREIGN, OP_REMOVE_PHYSMAP, OP_GRANT, OP_UNGRANT, OP_MOVE,
	OP_SPECIAL, OP_CHANGE_ONE, OP_CHANGE_RANGE, OP_ACCESS, OP_MMIO, OP_UNMMIO, OP_POD_RANGE, OP_POD_TARGET,
	OP_FAULT, OP_LOGDIRTY, OP_READ_DIRTY, OP_MARK_DIRTY, OP_HOLD, OP_UNHOLD, OP_TOUCH, OP_FLUSH, OP_KILL,
	OP_PREEMPT, OP_POOL, OP_WALK, OP_BAD, OP_CODES
};

struct ment {
	u8 type, access;
	bool special, gone;
	u32 mfn;
};

struct slot {
	struct domain *d;
	unsigned long base;	/* first gfn */
	bool identity, logdirty;
	struct page_info *special[W_SPECIALS];
	struct p2m_batch b;
	unsigned long pods;	/* entries of type p2m_pod */
	struct ment e[W_GFNS];
};

struct zombie {
	struct domain *d;
	struct zombie *next;
};

struct world {
	struct slot slot[W_SLOTS];
	struct zombie *zombies;
	u16 next_id;
	struct page_info *hold[W_HOLDS];
	unsigned int holds;
	u16 refs[W_FRAMES];	/* leaves that name the frame, and other reasons known here */
	u64 mark[W_FRAMES];	/* what the first word holds, if anything was written */
	unsigned long ops, refused, failed;
};

/* Operations of each code that were done, over all worlds. */
extern unsigned long world_done[OP_CODES];

void world_begin(struct world *w);
void world_apply(struct world *w, const struct op *op);
void world_check(struct world *w);
/* Kills all domains and checks that no frame is left. */
void world_end(struct world *w);
/* A random operation, by the weights of world.c. */
struct op world_random_op(struct rng *r);
void world_print_op(FILE *f, const struct op *op);

#endif
