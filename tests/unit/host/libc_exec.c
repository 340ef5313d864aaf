/* SPDX-License-Identifier: GPL-2.0-only */
/* Memory whose contents this machine may execute, below 2 GiB so that 32-bit addresses reach it. */
#include <stdlib.h>
#include <sys/mman.h>

#include "host/exec.h"

void *host_exec_memory(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}
