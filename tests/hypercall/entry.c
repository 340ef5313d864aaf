/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VM entries that the CPU refuses. The hypervisor is one built with SELFTEST=1 (tests/boot/run starts it): debug key
 * ! writes a value of this test's choice to a VMCS field of its guest. The guest must
 * end, the message must name the field with the value, and everybody else go on. Fields and what is wrong with the
 * values: SDM volume 3, "Checks on VMX Controls and Host-State Area", "Checking and Loading Guest State".
 */
#include <stubdom/domain.h>
#include <stubdom/hypercall.h>
#include <stubdom/lib.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include "hvlog.h"

#define NOT_CANONICAL 0x8000000000000000ull
#define CONTROLS      "refused: error 7, invalid control field"
#define HOST	      "refused: error 8, invalid host-state field"
#define GUEST	      "failed: invalid guest state (0x80000021)"

static const struct wrong {
	const char *said;
	const char *name; /* as printed, before the value; of a segment, the column after the semicolon */
	uint32_t field;
	uint64_t value;
	const char *hint; /* or NULL */
	/* Another field that must be so for the first one to be wrong; field 0: none. */
	uint32_t field2;
	uint64_t value2;
} controls[] = {
	{ CONTROLS, "pin-based", 0x4000, 0, NULL, 0, 0 },
	{ CONTROLS, "processor-based", 0x4002, 0, NULL, 0, 0 },
	{ CONTROLS, "secondary", 0x401e, 0xffffffff, NULL, 0, 0 },
	{ CONTROLS, "CR3-target count", 0x400a, 5, NULL, 0, 0 },
	{ CONTROLS, "I/O bitmap A", 0x2000, 0x123456789001, NULL, 0, 0 },
	{ CONTROLS, "I/O bitmap B", 0x2002, 0x1001, NULL, 0, 0 },
	{ CONTROLS, "MSR bitmap", 0x2004, 0xfff, NULL, 0, 0 },
	{ CONTROLS, "EPTP", 0x201a, 0x101a, "EPTP memory type is not write-back", 0, 0 },
	{ CONTROLS, "VPID", 0x0000, 0, NULL, 0, 0 },
	{ CONTROLS, "virtual-APIC page", 0x2012, 0x2001, NULL, 0, 0 },
	{ CONTROLS, "exit controls", 0x400c, 0, NULL, 0, 0 },
	{ CONTROLS, "exit MSR-store count", 0x400e, 1, NULL, 0x2006, 1 },
	{ CONTROLS, "exit MSR-store address", 0x2006, 0x1234, NULL, 0x400e, 2 },
	{ CONTROLS, "exit MSR-load count", 0x4010, 3, NULL, 0x2008, 1 },
	{ CONTROLS, "exit MSR-load address", 0x2008, 0x5671, NULL, 0x4010, 4 },
	{ CONTROLS, "entry controls", 0x4012, 0, NULL, 0, 0 },
	{ CONTROLS, "entry MSR-load count", 0x4014, 5, NULL, 0x200a, 1 },
	{ CONTROLS, "entry MSR-load address", 0x200a, 0x9abd, NULL, 0x4014, 6 },
	{ CONTROLS, "entry interruption", 0x4016, 0x80000120, NULL, 0, 0 },
	{ CONTROLS, "entry instruction length", 0x401a, 31, NULL, 0x4016, 0x80000480 },
	{ CONTROLS, "entry error code", 0x4018, 0xabcd0000, NULL, 0x4016, 0x80000b0d },
}, host[] = {
	{ HOST, "CR0", 0x6c00, 0x10, NULL, 0, 0 },
	{ HOST, "CR3", 0x6c02, 0x4000000000001000, NULL, 0, 0 },
	{ HOST, "CR4", 0x6c04, 0x20, NULL, 0, 0 },
	{ HOST, "EFER", 0x2c02, 0x800, NULL, 0, 0 },
	{ HOST, "PAT", 0x2c00, 0x0002, NULL, 0, 0 },
	{ HOST, "SYSENTER ESP", 0x6c10, NOT_CANONICAL | 1, NULL, 0, 0 },
	{ HOST, "SYSENTER EIP", 0x6c12, NOT_CANONICAL | 2, NULL, 0, 0 },
	{ HOST, "CS", 0x0c02, 0, NULL, 0, 0 },
	{ HOST, "SS", 0x0c04, 0x13, NULL, 0, 0 },
	{ HOST, "DS", 0x0c06, 0x4, NULL, 0, 0 },
	{ HOST, "ES", 0x0c00, 0x17, NULL, 0, 0 },
	{ HOST, "FS", 0x0c08, 0x1, NULL, 0, 0 },
	{ HOST, "GS", 0x0c0a, 0x2, NULL, 0, 0 },
	{ HOST, "TR", 0x0c0c, 0, NULL, 0, 0 },
	{ HOST, "TR base", 0x6c0a, NOT_CANONICAL | 3, NULL, 0, 0 },
	{ HOST, "FS base", 0x6c06, NOT_CANONICAL | 4, NULL, 0, 0 },
	{ HOST, "GS base", 0x6c08, NOT_CANONICAL | 5, NULL, 0, 0 },
	{ HOST, "GDTR base", 0x6c0c, NOT_CANONICAL | 6, NULL, 0, 0 },
	{ HOST, "IDTR base", 0x6c0e, NOT_CANONICAL | 7, NULL, 0, 0 },
	{ HOST, "RIP", 0x6c16, NOT_CANONICAL | 8, NULL, 0, 0 },
}, guest[] = {
	{ GUEST, "CR0", 0x6800, 0x80000030, NULL, 0, 0 },
	{ GUEST, "CR3", 0x6802, 0x4000000000001000, NULL, 0, 0 },
	{ GUEST, "CR4", 0x6804, 0x2000, "IA-32e mode without paging or PAE", 0, 0 },
	{ GUEST, "DR7", 0x681a, 0x1000000400, NULL, 0, 0 },
	{ GUEST, "EFER", 0x2806, 0x100, "EFER disagrees with the IA-32e mode control", 0, 0 },
	{ GUEST, "SYSENTER ESP", 0x6824, NOT_CANONICAL | 9, NULL, 0, 0 },
	{ GUEST, "SYSENTER EIP", 0x6826, NOT_CANONICAL | 10, NULL, 0, 0 },
	{ GUEST, "RFLAGS", 0x6820, 0x200, "reserved bits of RFLAGS", 0, 0 },
	{ GUEST, "activity", 0x4826, 7, NULL, 0, 0 },
	{ GUEST, "interruptibility", 0x4824, 0x80, NULL, 0, 0 },
	{ GUEST, "pending debug", 0x6822, 0x20, NULL, 0, 0 },
	{ GUEST, "link pointer", 0x2800, 0x1001, NULL, 0, 0 },
	{ GUEST, "GDTR base", 0x6816, NOT_CANONICAL | 11, NULL, 0, 0 },
	{ GUEST, "GDTR limit", 0x4810, 0x10000, NULL, 0, 0 },
	{ GUEST, "IDTR base", 0x6818, NOT_CANONICAL | 12, NULL, 0, 0 },
	{ GUEST, "IDTR limit", 0x4812, 0x20000, NULL, 0, 0 },
	{ GUEST, "CS;access", 0x4816, 0xa011, "CS is not a present code segment", 0, 0 },
	{ GUEST, "SS;access", 0x4818, 0xc0f1, "SS.DPL differs from its selector's RPL", 0, 0 },
	{ GUEST, "DS;access", 0x481a, 0xc090, NULL, 0, 0 },
	{ GUEST, "ES;limit", 0x4800, 0xfffff000, NULL, 0x4814, 0xc093 },
	{ GUEST, "FS;base", 0x680e, NOT_CANONICAL | 13, NULL, 0, 0 },
	{ GUEST, "GS;base", 0x6810, NOT_CANONICAL | 14, NULL, 0, 0 },
	{ GUEST, "TR;sel", 0x080e, 0x4c, NULL, 0, 0 },
	{ GUEST, "TR;base", 0x6814, NOT_CANONICAL | 15, NULL, 0, 0 },
	{ GUEST, "TR;access", 0x4822, 0x1008b, "TR is not usable", 0, 0 },
};

/* The key's work is done a moment after the call. */
static bool spoil(const struct guest *g, uint32_t field, uint64_t value)
{
	bool done = CHECK_EQ(hvm_param_set(g->id, HVM_PARAM_STORE_PFN, field), 0) &&
		    CHECK_EQ(hvm_param_set(g->id, HVM_PARAM_CONSOLE_PFN, value), 0) && CHECK_EQ(hvlog_key('!'), 0);

	sleep_ms(1);
	return done;
}

/* The number behind what, a word or two, on a line of text that begins with begin; *end gets what follows. */
static bool number_after(const char *text, const char *begin, const char *what, uint64_t *value)
{
	const char *line, *p;
	size_t n = strlen(begin);

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		p = line;
		if (!strncmp(p, "(XEN) ", 6))
			p += 6;
		if (strncmp(p, "  ", 2) || strncmp(p + 2, begin, n) || p[2 + n] != ' ')
			continue;
		p += 2 + n;
		if (*what) {
			p = strstr(p, what);
			if (!p)
				return false;
			p += strlen(what);
		}
		while (*p == ' ')
			p++;
		for (*value = 0; (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'f'); p++)
			*value = *value << 4 | (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
		return true;
	}
	return false;
}

/* The part of the message that the field belongs to: each has a title, a line that ends with a colon. */
static const char *part(const char *text, const struct wrong *w)
{
	const char *title = w->said[0] == 'f' ? "guest state:" : strstr(w->said, "host") ? "host state:" : "controls:";
	const char *p = strstr(text, title);

	return p ? p : "";
}

static void check_message(const char *text, const struct wrong *w)
{
	char begin[32], column[16] = "";
	uint64_t value = 0;
	char *semicolon;

	snprintf(begin, sizeof(begin), "%s", w->name);
	semicolon = strchr(begin, ';');
	if (semicolon) {
		snprintf(column, sizeof(column), "%s", semicolon + 1);
		*semicolon = 0;
	}
	if (!CHECK(strstr(text, w->said)))
		tap_note("%s: not %s", w->name, w->said);
	if (!CHECK(number_after(part(text, w), begin, column, &value)) || !CHECK_EQ(value, w->value))
		tap_note("field %s", w->name);
	if (w->hint && !CHECK(strstr(text, w->hint)))
		tap_note("%s: no hint", w->name);
}

static long spin(uint64_t a, uint64_t b __unused, uint64_t c __unused)
{
	while (READ_ONCE(a))
		cpu_relax();
	return 0;
}

static void entry_fails(const struct wrong *w)
{
	unsigned int reason = ~0u;
	struct guest g;

	REQUIRE_EQ(guest_start_server(&g, "", 1, 512), 0);
	guest_ask(&g, spin, 1, 0, 0);
	sleep_ms(2);
	CHECK_EQ(domain_op(g.id, XEN_DOMCTL_pausedomain), 0);
	spoil(&g, w->field, w->value);
	if (w->field2)
		spoil(&g, w->field2, w->value2);
	hvlog_new();
	CHECK_EQ(domain_op(g.id, XEN_DOMCTL_unpausedomain), 0);
	if (CHECK(guest_wait_down(&g, 1000)) && guest_is_down(&g, &reason)) {
		CHECK_EQ(reason, SHUTDOWN_crash);
		check_message(hvlog_new(), w);
	} else {
		tap_note("the entry with %s = %lx did not fail", w->name, w->value);
	}
	CHECK(guest_destroy(&g));
}

static void all_of(const struct wrong *w, unsigned int n)
{
	for (; n; n--, w++)
		entry_fails(w);
}

static void wrong_controls(void)
{
	all_of(controls, ARRAY_SIZE(controls));
}

static void wrong_host_state(void)
{
	all_of(host, ARRAY_SIZE(host));
}

static void wrong_guest_state(void)
{
	all_of(guest, ARRAY_SIZE(guest));
}

static const struct test tests[] = {
	{ "wrong controls are named, and end the guest alone", wrong_controls, TEST_DOM0 | TEST_NOT_XEN },
	{ "wrong host state is named, and ends the guest alone", wrong_host_state, TEST_DOM0 | TEST_NOT_XEN },
	{ "wrong guest state is named, and ends the guest alone", wrong_guest_state, TEST_DOM0 | TEST_NOT_XEN },
};

AREA_MANUAL(entry, "entry", tests, NULL, NULL);
