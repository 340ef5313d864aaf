/* SPDX-License-Identifier: GPL-2.0-only */
/* The copies of the per-CPU section. */
#include <xen/lib.h>
#include <xen/percpu.h>
#include <asm/irqflags.h>
#include "host/tap.h"

__thread unsigned int host_cpu;
__thread bool host_irqs_off;
long host_percpu_offset[NR_CPUS];

/* Made by the linker when there is anything in the section. */
extern char __start_host_percpu[] __weak, __stop_host_percpu[] __weak;

void host_percpu_init(unsigned int nr)
{
	size_t size = (size_t)(__stop_host_percpu - __start_host_percpu);
	static char *copies;
	size_t room = (size + 127) & ~63UL;

	if (!__start_host_percpu)
		return;
	host_free(copies);
	copies = host_alloc(room * nr);
	for (unsigned int i = 0; i < nr; i++) {
		char *copy = copies + room * i;

		/* The same alignment as the section has. */
		copy += ((unsigned long)__start_host_percpu - (unsigned long)copy) & 63;
		memcpy(copy, __start_host_percpu, size);
		host_percpu_offset[i] = copy - __start_host_percpu;
	}
}
