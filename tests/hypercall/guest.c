/* SPDX-License-Identifier: GPL-2.0-only */
/* Guests started from this image: they run, answer, end; and the other areas run inside one. */
#include <stubdom/boot.h>
#include <stubdom/console.h>
#include <stubdom/domain.h>
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/x86.h>
#include "errors.h"

#define HEAP_PAGES 512u
/* All areas take two; with defects in each case (tests/hypercall/mutants --cases) it is many more. */
#define RUN_SECONDS 600ull
#define GUEST_AREAS \
	"version,domctl,sysctl,evtchn,grant,memory,vcpu,sched,hvm,misc,cpu,exception,lapic,start"

static struct guest g;

static long add(uint64_t a, uint64_t b, uint64_t c)
{
	return (long)(a + b * c);
}

static long power(uint64_t reason, uint64_t b __unused, uint64_t c __unused)
{
	power_off((unsigned int)reason);
}

static void answers(void)
{
	REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
	CHECK_EQ(guest_call(&g, add, 3, 4, 5, 1000), 23);
	CHECK(guest_destroy(&g));
}

static void ends_with_reason(void)
{
	static const unsigned int reasons[] = { SHUTDOWN_poweroff, SHUTDOWN_reboot,
						SHUTDOWN_suspend,  SHUTDOWN_crash,
						SHUTDOWN_watchdog, SHUTDOWN_soft_reset };
	unsigned int i, reason;

	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
		guest_ask(&g, power, reasons[i], 0, 0);
		CHECK(guest_wait_down(&g, 1000));
		CHECK(guest_is_down(&g, &reason));
		CHECK_EQ(reason, reasons[i]);
		CHECK(guest_destroy(&g));
	}
}

static void memory_comes_back(void)
{
	uint64_t before, after;
	unsigned int i;

	before = host_free_settled();
	for (i = 0; i < 3; i++) {
		REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
		CHECK(guest_destroy(&g));
		after = host_free_wait(before, 100);
		CHECK_EQ(after, before);
	}
}

static void pause_stops_it(void)
{
	REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
	CHECK_EQ(domain_op(g.id, XEN_DOMCTL_pausedomain), 0);
	CHECK_EQ(guest_call(&g, add, 1, 1, 1, 20), GUEST_NO_REPLY);
	CHECK_EQ(domain_op(g.id, XEN_DOMCTL_unpausedomain), 0);
	CHECK_EQ(guest_reply(&g, 1000), 2);
	CHECK(guest_destroy(&g));
}

static void destroyed_while_running(void)
{
	uint64_t before = host_free_settled();

	REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
	CHECK(guest_destroy(&g));
	CHECK_EQ(host_free_wait(before, 100), before);
}

static long triple_fault(uint64_t a __unused, uint64_t b __unused, uint64_t c __unused)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __packed none = { 0, 0 };

	__asm__ volatile("lidt %0; ud2" : : "m"(none));
	return 0;
}

static void triple_fault_ends_it(void)
{
	unsigned int reason;

	REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
	guest_ask(&g, triple_fault, 0, 0, 0);
	CHECK(guest_wait_down(&g, 1000));
	CHECK(guest_is_down(&g, &reason));
	CHECK_EQ(reason, SHUTDOWN_reboot);
	CHECK(guest_destroy(&g));
}

static long spin(uint64_t a, uint64_t b __unused, uint64_t c __unused)
{
	while (READ_ONCE(a))
		cpu_relax();
	return 0;
}

static void spinning_guest_is_preempted(void)
{
	uint64_t t0;

	REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
	guest_ask(&g, spin, 1, 0, 0);
	t0 = system_time();
	sleep_ms(50);
	CHECK(system_time() - t0 < 500000000ull);
	CHECK(guest_destroy(&g));
}

static long touch(uint64_t addr, uint64_t value, uint64_t c __unused)
{
	*(volatile uint64_t *)addr = value;
	return 0;
}

static void sees_foreign_writes(void)
{
	uint64_t gfn = hole_gfn_alloc(1, 1), page;

	REQUIRE_EQ(guest_start_server(&g, "", 1, HEAP_PAGES), 0);
	page = g.last_gfn - 1;
	CHECK_EQ(guest_call(&g, touch, page << PAGE_SHIFT, 0x1122334455667788, 0, 1000), 0);
	if (CHECK_EQ(foreign_map(g.id, page, gfn, 1), 0)) {
		CHECK_EQ(*(volatile uint64_t *)gfn_ptr(gfn), 0x1122334455667788);
		CHECK_EQ(guest_call(&g, touch, page << PAGE_SHIFT, 5, 0, 1000), 0);
		CHECK_EQ(*(volatile uint64_t *)gfn_ptr(gfn), 5);
		CHECK_EQ(foreign_unmap(gfn, 1), 0);
	}
	CHECK(guest_destroy(&g));
}

/* A line of a guest that runs areas: "@ok area: case" or "@not area: case", else a note. */
static void relay(const char *line)
{
	if (!strncmp(line, "@ok ", 4))
		tap_result("guest", line + 4, true, strstr(line, "# SKIP") ? "" : NULL);
	else if (!strncmp(line, "@not ", 5))
		tap_result("guest", line + 5, false, NULL);
	else
		printf("# guest: %s\n", line);
}

/* Value: it came to its end. */
static bool run_with(const char *args)
{
	bool done = false;
	char line[256];
	uint64_t end;

	if (!CHECK_EQ(guest_build(&g, args, 2, 4 * HEAP_PAGES), 0))
		return false;
	CHECK_EQ(domain_op(g.id, XEN_DOMCTL_unpausedomain), 0);
	end = system_time() + RUN_SECONDS * 1000000000ull;
	while (!done && system_time() < end) {
		while (guest_line(&g, line, sizeof(line))) {
			done |= strstr(line, "hypercall-tests: done") != NULL;
			if (!done)
				relay(line);
		}
		if (guest_is_down(&g, NULL) && g.console->out_cons == g.console->out_prod)
			break;
		sleep_ms(1);
	}
	CHECK(guest_wait_down(&g, 1000));
	CHECK(guest_destroy(&g));
	return done;
}

static void run_areas(const char *areas)
{
	char args[512], todo[256];
	unsigned int starts = 1;

	snprintf(args, sizeof(args), "hv=%s quiet areas=%s", on_xen ? "xen" : "pavise", areas);
	if (cmdline_value("guest-todo", todo, sizeof(todo))) {
		snprintf(args + strlen(args), sizeof(args) - strlen(args), " todo=%s", todo);
		starts = 300;	/* a guest ends with a defect; the next goes on */
	}
	while (!run_with(args) && --starts)
		;
	CHECK(starts);
}

/* tests/hypercall/mutants says which, and more. */
static void runs_the_areas(void)
{
	char areas[200];

	run_areas(cmdline_value("in-guest", areas, sizeof(areas)) ? areas : GUEST_AREAS);
}

static void runs_the_fifo_area(void) { run_areas("fifo"); }

static const struct test tests[] = {
	{ "starts, answers, is destroyed", answers, TEST_DOM0 },
	{ "ends with each reason", ends_with_reason, TEST_DOM0 },
	{ "its memory comes back exactly", memory_comes_back, TEST_DOM0 },
	{ "pause stops it", pause_stops_it, TEST_DOM0 },
	{ "destroyed while running", destroyed_while_running, TEST_DOM0 },
	{ "a triple fault ends it", triple_fault_ends_it, TEST_DOM0 },
	{ "spinning, it is preempted", spinning_guest_is_preempted, TEST_DOM0 },
	{ "a foreign mapping and it see one page", sees_foreign_writes, TEST_DOM0 },
	{ "runs the areas", runs_the_areas, TEST_DOM0 },
	{ "fifo: another runs the area of the FIFO ABI", runs_the_fifo_area, TEST_DOM0 },
};

AREA(guest, "guest", tests, NULL, NULL);
