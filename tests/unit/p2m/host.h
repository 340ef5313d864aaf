/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine the p2m runs on in a test program: frames, page words, locks, RCU,
 * and CPUs that remember translations. Whatever breaks a rule ends the program
 * with a message (host_fail()).
 */
#ifndef P2M_TEST_HOST_H
#define P2M_TEST_HOST_H

/* xen/lib.h declares these two differently from libc. */
#define strtoull libc_strtoull
#define strtoll libc_strtoll
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#undef strtoull
#undef strtoll

#include <xen/lib.h>
#include <xen/mm.h>
#include <xen/sched.h>
#include <xen/softirq.h>
#include <asm/msr-index.h>
#include <asm/p2m.h>
#include "p2m-private.h"

/* Frames: 4K ones first, then 2M blocks, then 1G blocks (their memory is there only when touched). */
#define HOST_SMALL 16384UL
#define HOST_BLOCKS 48UL
#define HOST_HUGE 2UL
#define HOST_BLOCK_BASE HOST_SMALL
#define HOST_HUGE_BASE (1UL << 18)
#define HOST_FRAMES (HOST_HUGE_BASE + HOST_HUGE * (1UL << 18))
/* Machine addresses beyond: device memory. */
#define HOST_MMIO_BASE (1UL << 22)

void host_init(void);
void host_fail(const char *fmt, ...) __printf(1, 2) __noreturn;
/* When set, host_fail() calls it first; it may not return. */
extern void (*host_fail_hook)(const char *text);

/* ---- domains ---- */
struct domain *host_domain(u16 id, bool privileged);
/* p2m_teardown() to its end, p2m_final_teardown(), and the structure once its pages are gone. */
void host_kill(struct domain *d);
void host_free_domain(struct domain *d);

/* ---- memory ---- */
/* The n-th allocation from now fails, and all after it until 0 is set. 0: none. */
extern unsigned long host_fail_after;
extern unsigned long host_allocations;
/* Called in the middle of each allocation: what another CPU might do just then. */
extern void (*host_alloc_hook)(void);
/* Called before each get_page(). */
extern void (*host_get_hook)(void);
/* Called before each compare-exchange of the p2m: what another CPU might do just then. */
extern void (*host_cas_hook)(const void *what, u64 new);
/* Tables that were seen to say, just before they could be reached, what there was before them. */
extern unsigned long host_tables_published;
/* Where the level-0 entry of gfn lies, or NULL. */
const void *host_slot(const struct domain *d, unsigned long gfn);
/* The hook may allocate itself: only with one thread. */
void host_heap_unlocked(bool unlocked);
unsigned long host_frames_in_use(void);
/* Frames that belong to d and are not free, PGC_xen ones included. */
unsigned long host_owned(const struct domain *d);
bool host_frame_free(mfn_t m);
/* What a dead 1:1 domain had kept goes back to the heap. */
void host_release_reserved(const struct domain *d);
/* Sets every frame free and forgets everything (a new episode). */
void host_reset(void);

/* ---- RCU, locks ---- */
/* This thread takes part in grace periods from now on. */
void host_thread_start(unsigned int cpu);
void host_thread_stop(void);
void host_quiescent(void);
/* Does fn() as this other CPU would, while this one stands still. It must not wait for this one. */
void host_on_other_cpu(unsigned int cpu, void (*fn)(void));
/* Runs all callbacks: no thread is in the p2m. */
void host_rcu_barrier(void);
unsigned int host_locks_held(void);

/* ---- CPUs with translation caches ---- */
#define HOST_CPUS 8
#define HOST_TLB 64
/* An access by a vCPU of d on cpu, through its TLB: the frame, or INVALID_MFN for a violation. */
mfn_t host_touch(struct domain *d, unsigned int cpu, unsigned long gfn, bool write);
extern unsigned long host_flushes;
/* Called at each flush, before any cache is emptied. */
extern void (*host_flush_watch)(struct p2m_domain *p2m);
/* Frees are checked against the caches: off for the benchmark. */
extern bool host_check_tlb;

/* ---- looking at a tree as the hardware sees it, without the code under test ---- */
struct host_leaf {
	u64 e;
	unsigned int level;
};
struct host_leaf host_walk(const struct domain *d, unsigned long gfn);
struct host_tree {
	unsigned long leaves[P2M_TYPES][3];
	unsigned long tables, gone;
};
void host_count_tree(const struct domain *d, struct host_tree *t);
/* Counters of the p2m against the tree; fails when they differ. */
void host_check_tree(const struct domain *d);

extern struct host_mtrr host_mtrr_state;

/* What the p2m printed last; of a guest, and on this thread. */
extern char host_last_line[256];
extern __thread char host_guest_line[256];

/* ---- TAP ---- */
void tap_ok(bool good, const char *fmt, ...) __printf(2, 3);
int tap_done(void);
extern const char *tap_case;

/* ---- random numbers ---- */
struct rng { u64 s; };
static inline u64 rng_next(struct rng *r)
{
	u64 z = (r->s += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}
static inline unsigned int rng_below(struct rng *r, unsigned int n)
{
	return (unsigned int)((rng_next(r) >> 32) * n >> 32);
}

#endif
