/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sweep for zero pages (pod_sweep.c): one page and its entry, on three CPUs, each of which may sweep, run the
 * guest, or write to the page for the guest as the hypervisor does. What was written must not be lost, and
 * nobody may have a way to a page that is in the cache.
 *
 * Broken on purpose by -DSWEEP_NO_FLUSH, -DSWEEP_NO_FREEZE, -DSWEEP_NO_COUNT, -DCACHE_BEFORE_FLUSH, -DSWEEP_NO_MARK,
 * -DTWO_SWEEPS.
 */
#ifndef OPS
#define OPS 2
#endif
#define CPUS 3
#ifdef SWEEP_NO_MARK
#define MARKED RO
#endif

/* RO: log-dirty; MARKED: the same, made so by the sweep that is under way. */
#ifdef SWEEP_NO_MARK
mtype = { RW, RO, FROZEN, POD };
#else
mtype = { RW, RO, MARKED, FROZEN, POD };
#endif
mtype entry = RW;
bool sweeping = false;
byte count = 1;		/* the entry's reference */
bool data = false;	/* the page is not empty */
bool cached = false;
byte tlb[CPUS];		/* 0: no translation, 1: to read, 2: to write */

inline flush()
{
	tlb[0] = 0;
	tlb[1] = 0;
	tlb[2] = 0
}

/* A reference on what the entry names, made sure of by reading the entry again. */
inline look_up(seen, ok)
{
	seen = entry;
	ok = false;
	if
	:: seen == RW || seen == RO || seen == MARKED ->
		atomic {
			if
			:: count > 0 -> count++; ok = true
			:: else
			fi
		};
		if
		:: ok && entry != seen -> count--; ok = false
		:: else
		fi
	:: else
	fi
}

/* Two looks, one after the other. */
inline unused(ok)
{
#ifndef SWEEP_NO_COUNT
	ok = (count == 2);
#else
	ok = true;
#endif
	ok = ok && !data
}

inline sweep(seen, ok, mine)
{
	mine = false;
	look_up(seen, ok);
	if
	:: ok ->
		unused(mine);
		/* With the log off, or a page that is clean: RW or RO. */
		atomic {
			if
			:: mine && entry == seen -> entry = MARKED
			:: else -> mine = false
			fi
		};
		count--
	:: else
	fi;
	if
	:: mine ->
#ifndef SWEEP_NO_FLUSH
		flush();
#endif
		look_up(seen, ok);
		mine = false;
		if
		:: ok && seen == MARKED ->
#ifndef SWEEP_NO_FREEZE
			atomic {
				if
				:: entry == MARKED -> entry = FROZEN; mine = true
				:: else
				fi
			};
			if
			:: mine ->
				unused(mine);
				entry = (mine -> POD : RW)
			:: else
			fi;
#else
			unused(mine);
			atomic {
				if
				:: mine && entry == MARKED -> entry = POD
				:: else -> mine = false
				fi
			};
#endif
			count--
		:: ok && seen != MARKED -> count--
		:: else
		fi;
	:: else
	fi;
	if
	:: mine ->
#ifndef CACHE_BEFORE_FLUSH
		flush();
#endif
		atomic {
			if
			:: count == 1 ->
				assert(!data && !tlb[0] && !tlb[1] && !tlb[2]);
				cached = true
			:: else -> count--
			fi
		}
	:: else
	fi
}

proctype cpu(byte me)
{
	byte n = 0;
	mtype seen;
	bool ok, mine;

	do
	:: n == OPS -> break
	:: n < OPS ->
		n++;
		if
		:: /* one at a time */
#ifndef TWO_SWEEPS
			atomic { !sweeping -> sweeping = true };
#endif
			sweep(seen, ok, mine);
			sweeping = false
		:: true -> /* the guest translates, and uses what it has */
			atomic {
				if
				:: entry == RW -> tlb[me] = 2
				:: (entry == RO || entry == MARKED) && tlb[me] == 0 -> tlb[me] = 1
				:: else
				fi
			};
			atomic {
				assert(tlb[me] == 0 || !cached);
				if
				:: tlb[me] == 2 -> data = true
				:: else
				fi
			}
		:: true -> /* its write fault */
			atomic {
				if
				:: entry == RO || entry == MARKED -> entry = RW
				:: else
				fi
			}
		:: true -> /* the dirty log is read: clean again, and flushed a little later */
			atomic {
				if
				:: entry == RW -> entry = RO
				:: else
				fi
			};
			flush()
		:: true -> /* the hypervisor writes for it */
			look_up(seen, ok);
			if
			:: ok ->
				atomic { assert(!cached); data = true };
				count--
			:: else
			fi
		fi;
		d_step { seen = 0; ok = false; mine = false }
	od
}

init {
	atomic {
		run cpu(0);
		run cpu(1);
		run cpu(2)
	}
}
