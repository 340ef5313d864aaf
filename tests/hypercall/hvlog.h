/* SPDX-License-Identifier: GPL-2.0-only */
/* What the hypervisor says on its console, and its debug keys. */
#ifndef HVLOG_H
#define HVLOG_H

#include <stubdom/types.h>

/* What the console got since the last look; the buffer stays until the next one. */
const char *hvlog_new(void);
/* As if key had been typed on the serial console; what it shows comes a moment later. */
long hvlog_key(char key);
/* Number behind word and a space on the lines of text with begin in them; -1 when no such line has it. */
long hvlog_number(const char *text, const char *begin, const char *word);

#endif
