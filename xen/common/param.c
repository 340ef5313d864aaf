/* SPDX-License-Identifier: GPL-2.0-only */
/* Parses the command line by the table of options the linker collected (xen/param.h). */
#include <xen/errno.h>
#include <xen/lib.h>
#include <xen/param.h>

extern const struct kernel_param __param_start[], __param_end[];

char saved_cmdline[1024];

/* So that a GRUB entry made for Xen boots without warnings. */
ignored_param("dom0", dom0, "of Xen; dom0 is always PVH");
ignored_param("dom0-iommu", dom0_iommu, "of Xen");
ignored_param("iommu", iommu, "of Xen");
ignored_param("hap", hap, "of Xen; EPT is always used");
ignored_param("sched", sched, "of Xen; there is one scheduler, which presents itself as credit2");
ignored_param("bootscrub", bootscrub, "of Xen; memory is scrubbed by idle CPUs, or when it is allocated");
ignored_param("cpuidle", cpuidle, "of Xen");
ignored_param("cpufreq", cpufreq, "of Xen");
ignored_param("mwait-idle", mwait_idle, "of Xen");
ignored_param("x2apic_phys", x2apic_phys, "of Xen; destinations are always physical");
ignored_param("ucode", ucode, "of Xen; dom0 or the firmware loads microcode");
ignored_param("vga", vga, "of Xen; the console is a serial port");
ignored_param("edd", edd, "of Xen");
ignored_param("edid", edid, "of Xen");
ignored_param("real-mode", real_mode, "of Xen");
ignored_param("placeholder", placeholder, "what GRUB's scripts put first");

int parse_bool(const char *s)
{
	static const char *const words[2][5] = {
		{ "0", "no", "off", "false", "disable" },
		{ "1", "yes", "on", "true", "enable" },
	};

	for (int val = 0; val < 2; val++)
		for (unsigned int i = 0; i < ARRAY_SIZE(words[val]); i++)
			if (!strcasecmp(s, words[val][i]))
				return val;
	return -1;
}

static int set_number(const struct kernel_param *p, unsigned long long val)
{
	if (p->len == sizeof(u32) && val > ~0U)
		return -EINVAL;
	if (p->len == sizeof(u32))
		*(u32 *)p->var = (u32)val;
	else
		*(u64 *)p->var = val;
	return 0;
}

static int set_bool(const struct kernel_param *p, const char *value, bool negated)
{
	int val = *value ? parse_bool(value) : 1;

	if (val < 0)
		return -EINVAL;
	*(bool *)p->var = val != negated;
	return 0;
}

/* value: NULL when the option came without "=". */
static int set_param(const struct kernel_param *p, const char *value, bool negated)
{
	unsigned long long number;
	const char *end = "";

	if (negated && p->type != PARAM_BOOL && p->type != PARAM_CUSTOM && p->type != PARAM_IGNORED)
		return -EINVAL;
	switch (p->type) {
	case PARAM_STR:
		return strlcpy(p->var, value ? value : "", p->len) < p->len ? 0 : -EINVAL;
	case PARAM_UINT:
	case PARAM_SIZE:
		if (!value || !*value)
			return -EINVAL;
		number = p->type == PARAM_UINT ? strtoull(value, &end, 0) : parse_size(value, &end);
		if (*end || end == value)
			return -EINVAL;
		return set_number(p, number);
	case PARAM_BOOL:
		return set_bool(p, value ? value : "", negated);
	case PARAM_CUSTOM:
		if (negated)
			return value ? -EINVAL : p->func("no");
		return p->func(value ? value : "");
	case PARAM_IGNORED:
		return 0;
	}
	return -EINVAL;
}

static const struct kernel_param *find_param(const char *name)
{
	for (const struct kernel_param *p = __param_start; p < __param_end; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static void handle_option(char *opt)
{
	const struct kernel_param *p;
	char *value = strchr(opt, '=');
	bool negated = false;

	if (value)
		*value++ = '\0';
	p = find_param(opt);
	if (!p && !strncmp(opt, "no-", 3)) {
		p = find_param(opt + 3);
		negated = true;
	}
	if (!p)
		printk(XENLOG_WARNING "Command line: unknown option \"%s\"\n", opt);
	else if (set_param(p, value, negated))
		printk(XENLOG_WARNING "Command line: option \"%s\" has a bad value \"%s\"\n", opt,
		       value ? value : "");
}

/*
 * Options are separated by blanks; double quotes keep blanks together and are
 * dropped. Everything after " -- " belongs to dom0's kernel.
 */
void cmdline_parse(const char *cmdline)
{
	char opt[256];
	size_t n;

	if (strlcpy(saved_cmdline, cmdline, sizeof(saved_cmdline)) >= sizeof(saved_cmdline))
		printk(XENLOG_WARNING "Command line: longer than %zu characters, cut\n",
		       sizeof(saved_cmdline) - 1);
	for (const char *s = saved_cmdline;;) {
		bool quoted = false, fits = true;

		while (*s == ' ' || *s == '\t')
			s++;
		if (!*s)
			return;
		for (n = 0; *s && (quoted || (*s != ' ' && *s != '\t')); s++) {
			if (*s == '"')
				quoted = !quoted;
			else if (n < sizeof(opt) - 1)
				opt[n++] = *s;
			else
				fits = false;
		}
		opt[n] = '\0';
		if (!strcmp(opt, "--"))
			return;
		if (fits)
			handle_option(opt);
		else
			printk(XENLOG_WARNING "Command line: option \"%.32s...\" is too long\n", opt);
	}
}
