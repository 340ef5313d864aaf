/* SPDX-License-Identifier: GPL-2.0-only */
/* Running areas of cases and printing their results as TAP (or, inside a guest, for the parent). */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/cpu.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>

extern const struct area *const __areas_start[], *const __areas_end[];

bool on_xen;
void (*tap_instead)(const struct area *a);

static unsigned int number, passed, failed, skipped;
static const char *area_name, *case_name;
static bool case_failed, guest_mode;
static const char *skip_why;

static const struct difference *find_difference(void)
{
	char name[128];
	unsigned int i;

	snprintf(name, sizeof(name), "%s: %s", area_name, case_name);
	for (i = 0; i < difference_count; i++)
		if (!strcmp(differences[i].name, name))
			return &differences[i];
	return NULL;
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	const char *base = file;
	char buf[256];
	va_list ap;

	for (; *file; file++)
		if (*file == '/')
			base = file + 1;
	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	printf("# %s:%d: %s\n", base, line, buf);
	case_failed = true;
}

bool tap_check_eq(const char *file, int line, const char *what, long got, long want)
{
	if (got == want)
		return true;
	if ((got < -4096 || got > 65536) || want < -4096 || want > 65536)
		tap_fail(file, line, "%s is 0x%lx, expected 0x%lx", what, (unsigned long)got,
			 (unsigned long)want);
	else
		tap_fail(file, line, "%s is %ld, expected %ld", what, got, want);
	return false;
}

void tap_uses_difference(const char *file, int line)
{
	if (!find_difference())
		tap_fail(file, line, "differs by hypervisor, but is not in differences.c");
}

void tap_skip(const char *why) { skip_why = why; }

void tap_note(const char *fmt, ...)
{
	char buf[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	printf("# %s\n", buf);
}

void tap_result(const char *area, const char *name, bool ok, const char *skip)
{
	number++;
	if (!ok)
		failed++;
	else if (skip)
		skipped++;
	else
		passed++;
	if (guest_mode)
		printf("@%s %s: %s%s%s\n", ok ? "ok" : "not", area, name, skip ? " # SKIP " : "",
		       skip ? skip : "");
	else
		printf("%sok %u - %s: %s%s%s\n", ok ? "" : "not ", number, area, name, skip ? " # SKIP " : "",
		       skip ? skip : "");
}

bool tap_meant_for_us(const struct test *t)
{
	return is_dom0() ? !(t->flags & TEST_GUEST) : !(t->flags & TEST_DOM0);
}

const char *tap_unfit(const struct test *t)
{
	if ((t->flags & TEST_NOT_XEN) && on_xen)
		return "Xen does not survive it, see differences.c";
	if ((t->flags & TEST_SMP) && vcpu_count() < 2)
		return "needs two vCPUs";
	return NULL;
}

bool tap_attempt(const struct test *t)
{
	case_name = t->name;
	case_failed = false;
	skip_why = NULL;
	t->fn();
	return !case_failed;
}

static void run_case(const struct test *t)
{
	const char *why = tap_unfit(t);

	case_name = t->name;
	case_failed = false;
	skip_why = why;
	if ((t->flags & TEST_NOT_XEN) && !find_difference())
		tap_fail(__FILE__, __LINE__, "TEST_NOT_XEN, but not in differences.c");
	if (!why)
		t->fn();
	tap_result(area_name, t->name, !case_failed, skip_why);
}

static void run_area(const struct area *a)
{
	char only[96];
	bool some = cmdline_value("case", only, sizeof(only));
	unsigned int i;

	area_name = a->name;
	if (tap_instead) {
		tap_instead(a);
		return;
	}
	if (a->setup)
		a->setup();
	for (i = 0; i < a->count; i++)
		if (tap_meant_for_us(&a->tests[i]) && (!some || !strncmp(only, a->tests[i].name, strlen(only))))
			run_case(&a->tests[i]);
	if (a->teardown)
		a->teardown();
}

/* Is the area named in the comma-separated list? */
static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (!strncmp(list, name, n) && (list[n] == ',' || !list[n]))
			return true;
	}
	return false;
}

/* Every row of differences.c must name a case that exists. */
static void check_differences(void)
{
	const struct area *const *a;
	unsigned int i, j;
	char name[128];

	for (i = 0; i < difference_count; i++) {
		bool found = false;

		for (a = __areas_start; a < __areas_end && !found; a++)
			for (j = 0; j < (*a)->count && !found; j++) {
				snprintf(name, sizeof(name), "%s: %s", (*a)->name, (*a)->tests[j].name);
				found = !strcmp(name, differences[i].name);
			}
		if (!found) {
			printf("# differences.c names no case: %s\n", differences[i].name);
			tap_result("harness", differences[i].name, false, NULL);
		}
	}
}

void tap_main(void)
{
	const struct area *const *a;
	char list[256], hv[16];
	bool some = cmdline_value("areas", list, sizeof(list));

	on_xen = cmdline_value("hv", hv, sizeof(hv)) && !strcmp(hv, "xen");
	guest_mode = !is_dom0();
	if (!guest_mode)
		printf("TAP version 13\n");
	check_differences();
	for (a = __areas_start; a < __areas_end; a++)
		if (some ? listed(list, (*a)->name) : !(*a)->manual)
			run_area(*a);
	if (!guest_mode)
		printf("1..%u\n", number);
	printf("# hypercall-tests: done pass=%u fail=%u skip=%u\n", passed, failed, skipped);
}
