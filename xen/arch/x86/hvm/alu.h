/* SPDX-License-Identifier: GPL-2.0-only */
/* The arithmetic of emulated instructions. */
#ifndef HVM_ALU_H
#define HVM_ALU_H

#include "decode.h"

/*
 * op on operands of size bytes: a is the value of the destination, b that of the source (bt and its kin: the
 * bit number). Returns the result, cut to size; *rflags gets the arithmetic flags that op defines. Pure.
 */
u64 x86_alu(enum x86_op op, unsigned int size, u64 a, u64 b, u64 *rflags);

#endif
