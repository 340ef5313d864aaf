/* SPDX-License-Identifier: GPL-2.0-only */
/* Running instructions on the machine the tests run on. */
#ifndef HOST_EXEC_H
#define HOST_EXEC_H

#include <stddef.h>

void *host_exec_memory(size_t n);

#endif
