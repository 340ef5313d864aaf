/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hypervisor's command line: one table of options, collected by the linker;
 * docs/command-line.md is generated from it. An unknown option or a bad value
 * is warned about with its name and otherwise ignored.
 */
#ifndef XEN_PARAM_H
#define XEN_PARAM_H

enum param_type { PARAM_STR, PARAM_UINT, PARAM_BOOL, PARAM_SIZE, PARAM_CUSTOM, PARAM_IGNORED };

struct kernel_param {
	const char *name;
	enum param_type type;
	unsigned int len; /* PARAM_STR: of the buffer; UINT: 4 or 8 */
	void *var;
	int (*func)(const char *value); /* PARAM_CUSTOM: 0, or -EINVAL for a bad value */
	const char *help; /* one line: values, default, meaning */
};

#define PARAM_ENTRY(n, id, ...)                                                  \
	static const struct kernel_param __used __section(".param") __aligned(8) \
		param_##id = { .name = (n), __VA_ARGS__ }
#define string_param(n, v, h) PARAM_ENTRY(n, v, .type = PARAM_STR, .var = (v), .len = sizeof(v), .help = (h))
#define integer_param(n, v, h) \
	PARAM_ENTRY(n, v, .type = PARAM_UINT, .var = &(v), .len = sizeof(v), .help = (h))
/* name, name=on|off|yes|no|true|false|1|0, no-name */
#define boolean_param(n, v, h) \
	PARAM_ENTRY(n, v, .type = PARAM_BOOL, .var = &(v), .len = sizeof(v), .help = (h))
/* value in bytes, a u64 */
#define size_param(n, v, h)   PARAM_ENTRY(n, v, .type = PARAM_SIZE, .var = &(v), .len = sizeof(v), .help = (h))
#define custom_param(n, f, h) PARAM_ENTRY(n, f, .type = PARAM_CUSTOM, .func = (f), .help = (h))
/* Xen's options that mean nothing here: accepted without a warning. */
#define ignored_param(n, id, h) PARAM_ENTRY(n, id, .type = PARAM_IGNORED, .help = (h))

void cmdline_parse(const char *cmdline);
/* The line as given, for XENVER_commandline. */
extern char saved_cmdline[1024];
int parse_bool(const char *s); /* 1, 0, or -1 when it is neither */

#endif
