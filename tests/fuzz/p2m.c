/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libFuzzer target: the input is a sequence of operations (struct op) for the p2m and its plain model
 * (tests/unit/p2m/world.c); any disagreement is a crash.
 */
#include "world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct world world;

static void crash(const char *text)
{
	fprintf(stderr, "%s\n", text);
	abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	host_init();
	host_fail_hook = crash;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct op op;

	world_begin(&world);
	for (size_t at = 0; at + sizeof(op) <= size; at += sizeof(op)) {
		memcpy(&op, data + at, sizeof(op));
		world_apply(&world, &op);
	}
	world_check(&world);
	world_end(&world);
	return 0;
}
