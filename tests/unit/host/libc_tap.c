/* SPDX-License-Identifier: GPL-2.0-only */
/* The test harness, on the C library. */
#include "host/tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

jmp_buf tap_panic_jmp;
bool tap_panic_expected;
char tap_panic_text[512];

static pthread_t main_thread;
static uint64_t random_state, random_seed;
static __thread uint64_t thread_state;

/* In a process of its own: every case finds the sources' static data as they were linked. */
static bool run_case(const struct unit_case *c, void (*before)(void))
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		main_thread = pthread_self();
		random_state = random_seed;
		if (before)
			before();
		c->fn();
		fflush(stdout);
		exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	return status == 0;
}

int tap_run(const struct unit_case *cases, size_t n, void (*before)(void))
{
	const char *seed = getenv("SEED");
	int bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	main_thread = pthread_self();
	random_seed = seed ? strtoull(seed, NULL, 0) : 0;
	if (!random_seed && getrandom(&random_seed, sizeof(random_seed), 0) != sizeof(random_seed))
		random_seed = 1;
	printf("# SEED=%#llx\n1..%zu\n", (unsigned long long)random_seed, n);
	for (size_t i = 0; i < n; i++) {
		bool good = run_case(&cases[i], before);

		printf("%s %zu - %s\n", good ? "ok" : "not ok", i + 1, cases[i].name);
		bad += !good;
	}
	return bad ? 1 : 0;
}

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	printf("# %s:%d: %s\n", file, line, text);
	fflush(stdout);
	_Exit(1);
}

void tap_check_str(const char *file, int line, const char *got, const char *want)
{
	if (!got || strcmp(got, want))
		tap_fail(file, line, "got \"%s\", not \"%s\"", got ? got : "(null)", want);
}

void tap_note(const char *fmt, ...)
{
	va_list ap;

	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

void tap_panicked(void)
{
	if (tap_panic_expected)
		longjmp(tap_panic_jmp, 1);
	printf("# panic: %s\n", tap_panic_text);
	fflush(stdout);
	abort();
}

/* splitmix64; each thread has a sequence of its own. */
uint64_t tap_random(void)
{
	uint64_t *s = pthread_equal(pthread_self(), main_thread) ? &random_state : &thread_state, z;

	z = (*s += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

uint64_t tap_random_below(uint64_t n)
{
	return tap_random() % n;
}

unsigned long tap_rounds(unsigned long n)
{
	const char *l = getenv("PAVISE_LONG");

	return l && *l ? 20 * n : n;
}

struct thread_arg {
	void (*fn)(unsigned int i);
	unsigned int i;
};

static void *thread_main(void *p)
{
	struct thread_arg *a = p;

	thread_state = random_seed + a->i + 1;
	a->fn(a->i);
	return NULL;
}

void host_threads(unsigned int n, void (*fn)(unsigned int i))
{
	pthread_t t[64];
	struct thread_arg a[64];

	for (unsigned int i = 0; i < n; i++) {
		a[i] = (struct thread_arg){ fn, i };
		if (pthread_create(&t[i], NULL, thread_main, &a[i]))
			abort();
	}
	for (unsigned int i = 0; i < n; i++)
		pthread_join(t[i], NULL);
}

void host_yield(void) { sched_yield(); }

void *host_alloc(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		abort();
	return p;
}

void host_free(void *p) { free(p); }

void *host_reserve(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		abort();
	return p;
}

void host_unreserve(void *p, size_t n) { munmap(p, n); }

int host_vsnprintf(char *buf, size_t size, const char *fmt, __builtin_va_list ap)
{
	return vsnprintf(buf, size, fmt, ap);
}

bool host_verbose(void)
{
	return getenv("VERBOSE") != NULL;
}

void host_log(const char *text)
{
	printf("# %s%s", text, strchr(text, '\n') ? "" : "\n");
}
