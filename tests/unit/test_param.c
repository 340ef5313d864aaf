/* SPDX-License-Identifier: GPL-2.0-only */
/* Parsing of the command line. */
#include <xen/lib.h>
#include <xen/param.h>
#include "host/tap.h"

static char text[8];
static u32 number;
static u64 wide, size;
static bool flag;
static char custom[32];
static unsigned int warnings;
static char last_warning[256];

static int take_custom(const char *value)
{
	if (!strcmp(value, "bad"))
		return -EINVAL;
	strlcpy(custom, value, sizeof(custom));
	return 0;
}

string_param("t-text", text, "");
integer_param("t-number", number, "");
integer_param("t-wide", wide, "");
size_param("t-size", size, "");
boolean_param("t-flag", flag, "");
custom_param("t-custom", take_custom, "");
ignored_param("t-ignored", t_ignored, "");

void printk(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_warning, sizeof(last_warning), fmt, ap);
	va_end(ap);
	warnings++;
}

static void options_of_each_type_are_set(void)
{
	cmdline_parse("t-text=abc t-number=0x20 t-wide=0x123456789a t-size=3M t-flag t-custom=xyz t-ignored=1");
	CHECK_EQ(warnings, 0);
	CHECK_STR(text, "abc");
	CHECK_EQ(number, 32);
	CHECK_EQ(wide, 0x123456789aULL);
	CHECK_EQ(size, MB(3));
	CHECK(flag);
	CHECK_STR(custom, "xyz");
}

static void blanks_and_quotes_separate(void)
{
	cmdline_parse("  t-number=1\t t-custom=\"a b\"  t-text=c\"d e\"f ");
	CHECK_EQ(warnings, 0);
	CHECK_STR(custom, "a b");
	CHECK_STR(text, "cd ef");
	cmdline_parse("");
	cmdline_parse("   ");
	CHECK_EQ(warnings, 0);
}

static void booleans_in_all_spellings(void)
{
	static const struct { const char *line; bool val; } rows[] = {
		{ "t-flag", true }, { "t-flag=off", false }, { "t-flag=YES", true }, { "no-t-flag", false },
		{ "t-flag=1", true }, { "t-flag=false", false }, { "t-flag=true", true }, { "t-flag=0", false },
		{ "t-flag=enable", true }, { "no-t-flag=yes", false }, { "no-t-flag=no", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		flag = !rows[i].val;
		cmdline_parse(rows[i].line);
		CHECK_EQ(flag, rows[i].val);
	}
	CHECK_EQ(warnings, 0);
	CHECK_EQ(parse_bool("maybe"), -1);
	CHECK_EQ(parse_bool(""), -1);
}

static void bad_values_warn_and_change_nothing(void)
{
	static const char *const lines[] = {
		"t-number=", "t-number", "t-number=12x", "t-number=x", "t-number=0x100000000", "t-size=1Q",
		"t-size=", "t-flag=maybe", "t-custom=bad", "no-t-number=3", "no-t-text", "no-t-custom=1",
	};

	number = 7;
	flag = true;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		warnings = 0;
		cmdline_parse(lines[i]);
		CHECK_EQ(warnings, 1);
		CHECK(strstr(last_warning, "bad value"));
	}
	CHECK_EQ(number, 7);
	CHECK(flag);
	CHECK_EQ(size, 0);
}

static void texts_too_long_warn_and_are_cut(void)
{
	cmdline_parse("t-text=abcdefghij");
	CHECK_EQ(warnings, 1);
	CHECK_STR(text, "abcdefg");
}

static void unknown_options_are_named(void)
{
	cmdline_parse("nonsense=3 t-number=5 no-nonsense");
	CHECK_EQ(warnings, 2);
	CHECK(strstr(last_warning, "\"no-nonsense\""));
	CHECK_EQ(number, 5);
}

static void what_follows_two_dashes_is_dom0s(void)
{
	cmdline_parse("t-number=1 -- t-number=2 nonsense");
	CHECK_EQ(number, 1);
	CHECK_EQ(warnings, 0);
}

static void the_line_is_kept_as_given(void)
{
	cmdline_parse("t-custom=\"a b\"  x=1");
	CHECK_STR(saved_cmdline, "t-custom=\"a b\"  x=1");
}

static void lines_of_any_length_are_survived(void)
{
	static char line[4000];

	for (unsigned long i = 0; i < tap_rounds(2000); i++) {
		size_t n = tap_random_below(sizeof(line));

		for (size_t k = 0; k < n; k++)
			line[k] = "t-numberflagsize=\" 0x9"[tap_random_below(22)];
		line[n] = '\0';
		cmdline_parse(line);
	}
}

static const struct unit_case cases[] = {
	CASE(options_of_each_type_are_set),
	CASE(blanks_and_quotes_separate),
	CASE(booleans_in_all_spellings),
	CASE(bad_values_warn_and_change_nothing),
	CASE(texts_too_long_warn_and_are_cut),
	CASE(unknown_options_are_named),
	CASE(what_follows_two_dashes_is_dom0s),
	CASE(the_line_is_kept_as_given),
	CASE(lines_of_any_length_are_survived),
};
TAP_MAIN(cases, NULL);
