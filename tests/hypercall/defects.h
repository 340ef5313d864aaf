/* SPDX-License-Identifier: GPL-2.0-only */
/* Looking for a defect that each case notices (mutants --cases), when the command line asks for it. */
#ifndef DEFECTS_H
#define DEFECTS_H

void defects_init(void);

#endif
