/* SPDX-License-Identifier: GPL-2.0-only */
/* The hypervisor's console and debug keys, by sysctl. */
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include "hvlog.h"

const char *hvlog_new(void)
{
	static char buf[32768];
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_readconsole;
	op.u.readconsole.clear = 1;
	op.u.readconsole.count = sizeof(buf) - 1;
	set_xen_guest_handle(op.u.readconsole.buffer, buf);
	buf[hc_sysctl(&op) ? 0 : op.u.readconsole.count] = 0;
	return buf;
}

long hvlog_key(char key)
{
	struct xen_sysctl op;

	memset(&op, 0, sizeof(op));
	op.cmd = XEN_SYSCTL_debug_keys;
	op.u.debug_keys.nr_keys = 1;
	set_xen_guest_handle(op.u.debug_keys.keys, &key);
	return hc_sysctl(&op);
}

long hvlog_number(const char *text, const char *begin, const char *word)
{
	const char *line, *p, *end;
	long n;

	for (line = strstr(text, begin); line; line = strstr(end, begin)) {
		end = strchr(line, '\n');
		if (!end)
			end = line + strlen(line);
		p = strstr(line, word);
		if (!p || p >= end || p[strlen(word)] != ' ')
			continue;
		for (n = 0, p += strlen(word) + 1; *p >= '0' && *p <= '9'; p++)
			n = n * 10 + (*p - '0');
		return n;
	}
	return -1;
}
