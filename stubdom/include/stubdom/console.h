/* SPDX-License-Identifier: GPL-2.0-only */
/* Console output: dom0's hypercall, a guest's console ring, and I/O port 0xe9 while early. */
#ifndef STUBDOM_CONSOLE_H
#define STUBDOM_CONSOLE_H

#include <stubdom/types.h>

/* Which ways console_write() uses; several may be set. */
#define CONSOLE_PORT_E9	  1u
#define CONSOLE_HYPERCALL 2u
#define CONSOLE_RING	  4u

void console_select(unsigned int ways);
/* Drop what printf() is given, until switched off or a panic. */
void console_quiet(bool on);
/* Attach to the guest's console ring (HVM_PARAM_CONSOLE_PFN). False when there is none. */
bool console_ring_init(void);
void console_write(const char *s, size_t n);
int printf(const char *fmt, ...) __printf(1, 2);

/* Say why and stop this domain with SHUTDOWN_crash. */
void panic(const char *fmt, ...) __printf(1, 2) __noreturn;

#endif
