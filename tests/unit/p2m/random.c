/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random operations against the model: random [-s SEED] [-n OPERATIONS] [-e PER_EPISODE] [-j JOBS];
 * or, random -r, the sequences that failed once.
 * Episodes run in a child; one that fails is run again with ever fewer operations, and
 * the shortest sequence that still fails is printed, ready for regressions.inc.
 */
#include "world.h"
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CHECK_EVERY 1000

static struct world world;
static unsigned long episode_ops = 4000;

struct shared {
	volatile u64 seed;
	volatile unsigned long ops, refused, failed, flushes;
	unsigned long done[OP_CODES];
};

static void run_ops(const struct op *ops, unsigned long n)
{
	world_begin(&world);
	for (unsigned long i = 0; i < n; i++) {
		world_apply(&world, &ops[i]);
		if (i % CHECK_EVERY == CHECK_EVERY - 1)
			world_check(&world);
	}
	world_check(&world);
	world_end(&world);
}

static struct op *make_ops(u64 seed, unsigned long n)
{
	struct op *ops = calloc(n, sizeof(*ops));
	struct rng r = { seed };

	for (unsigned long i = 0; i < n; i++)
		ops[i] = world_random_op(&r);
	/* Some episodes have no executable superpages, some no 1G, some none at all. */
	p2m_set_capabilities(seed % 8 != 1, seed % 4 != 2, seed % 3 != 0);
	return ops;
}

/* In a child of its own: true if it fails. */
static bool fails(const struct op *ops, unsigned long n)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(2);
		alarm(60);
		run_ops(ops, n);
		_exit(0);
	}
	return waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status);
}

/* Leaves out chunks as long as the rest still fails. */
static unsigned long shrink(struct op *ops, unsigned long n)
{
	struct op *trial = calloc(n, sizeof(*trial));

	for (unsigned long chunk = n / 2; chunk; chunk = chunk > 1 ? (chunk + 1) / 2 : 0) {
		for (unsigned long at = 0; at < n;) {
			unsigned long len = chunk < n - at ? chunk : n - at;

			memcpy(trial, ops, at * sizeof(*ops));
			memcpy(trial + at, ops + at + len, (n - at - len) * sizeof(*ops));
			if (fails(trial, n - len)) {
				n -= len;
				memcpy(ops, trial, n * sizeof(*ops));
			} else {
				at += len;
			}
		}
		if (chunk == 1)
			break;
	}
	free(trial);
	return n;
}

static void report(u64 seed)
{
	struct op *ops = make_ops(seed, episode_ops);
	unsigned long n;

	printf("# seed %#llx fails; shrinking its %lu operations\n", (unsigned long long)seed, episode_ops);
	n = shrink(ops, episode_ops);
	printf("# %lu operations are enough:\n", n);
	for (unsigned long i = 0; i < n; i++) {
		printf("# ");
		world_print_op(stdout, &ops[i]);
	}
	fflush(stdout);
	/* Once more, for its message. */
	if (!fork()) {
		run_ops(ops, n);
		_exit(0);
	}
	wait(NULL);
	free(ops);
}

static bool run_job(struct shared *sh, u64 seed, unsigned long episodes)
{
	for (unsigned long i = 0; i < episodes; i++) {
		struct op *ops;

		sh->seed = seed + i;
		ops = make_ops(seed + i, episode_ops);
		run_ops(ops, episode_ops);
		free(ops);
		sh->ops += world.ops;
		sh->refused += world.refused;
		sh->failed += world.failed;
		sh->flushes = host_flushes;
	}
	memcpy(sh->done, world_done, sizeof(world_done));
	return true;
}

/* As printed by report(), each followed by END. */
#define END_OF_SEQUENCE 0xff
#define END { .code = END_OF_SEQUENCE }
static const struct op regressions[] = {
#include "regressions.inc"
};

static int run_regressions(void)
{
	unsigned int first = 0;

	for (unsigned int i = 0; i < ARRAY_SIZE(regressions); i++) {
		if (regressions[i].code != END_OF_SEQUENCE)
			continue;
		p2m_set_capabilities(true, true, true);
		tap_ok(!fails(regressions + first, i - first), "regression of %u operations", i - first);
		first = i + 1;
	}
	return tap_done();
}

int main(int argc, char **argv)
{
	unsigned long total = 1000000, jobs = 1, sum = 0;
	u64 seed = 1;
	struct shared *sh;
	bool good = true;
	int opt;

	while ((opt = getopt(argc, argv, "s:n:e:j:r")) >= 0) {
		switch (opt) {
		case 's': seed = strtoul(optarg, NULL, 0); break;
		case 'n': total = strtoul(optarg, NULL, 0); break;
		case 'e': episode_ops = strtoul(optarg, NULL, 0); break;
		case 'j': jobs = strtoul(optarg, NULL, 0); break;
		case 'r': host_init(); return run_regressions();
		default: return 2;
		}
	}
	host_init();
	sh = mmap(NULL, jobs * sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (unsigned long j = 0; j < jobs; j++) {
		if (!fork()) {
			unsigned long episodes = (total / jobs + episode_ops - 1) / episode_ops;

			run_job(&sh[j], seed + j * episodes, episodes);
			exit(0);
		}
	}
	for (unsigned long j = 0; j < jobs; j++) {
		int status;

		wait(&status);
		good &= WIFEXITED(status) && !WEXITSTATUS(status);
	}
	for (unsigned long j = 0; j < jobs; j++) {
		sum += sh[j].ops;
		printf("# seeds up to %#llx: %lu operations, %lu refused, %lu without memory, %lu flushes\n",
		       (unsigned long long)sh[j].seed, sh[j].ops, sh[j].refused, sh[j].failed, sh[j].flushes);
	}
	for (unsigned long j = 0; !good && !getenv("P2M_NO_SHRINK") && j < jobs; j++)
		if (sh[j].ops < total / jobs)
			report(sh[j].seed);
	for (unsigned int c = 0; good && c < OP_CODES; c++)
		good = sh[0].done[c] > 0;
	tap_ok(good && sum >= total, "random: %lu operations agree with the model, from seed %llu", sum,
	       (unsigned long long)seed);
	return tap_done();
}
