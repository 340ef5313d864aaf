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

#endif
