/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Publish, replace and remove a foreign entry, and the pages behind it (I1, I2, I8), on three CPUs.
 *
 * One entry of one p2m; pages with counts and owners; on each CPU a TLB of one translation, filled by the
 * guest at any time. Each CPU does OPS operations of any kind; a guest access is any kind as well. A page
 * is free when its count is zero, and from then on somebody else's.
 *
 * Broken on purpose by -DPUT_BEFORE_FLUSH, -DNO_FLUSH, -DPUBLISH_BEFORE_GET, -DREAD_THEN_WRITE.
 */
#ifndef OPS
#define OPS 2
#endif
#define CPUS 3
#define PAGES 2

byte entry = 0;			/* 0: not present, else the page */
byte count[PAGES + 1];
bool owned[PAGES + 1];		/* the owner's own entry still holds its reference */
byte tlb[CPUS];
byte finished = 0;

inline get(p, ok)
{
	atomic {
		if
		:: count[p] > 0 -> count[p]++; ok = true
		:: else -> ok = false
		fi
	}
}

inline put(p)
{
	atomic {
		assert(count[p] > 0);
		count[p]--;
		/* Freed: nobody may have a way to it left. */
		assert(count[p] > 0 || (tlb[0] != p && tlb[1] != p && tlb[2] != p));
	}
}

/* The flush reaches one CPU after the other, and waits for all. */
inline flush()
{
	tlb[0] = 0;
	tlb[1] = 0;
	tlb[2] = 0
}

inline dispose(p)
{
	if
	:: p != 0 ->
#ifdef PUT_BEFORE_FLUSH
		put(p);
		flush()
#else
#ifndef NO_FLUSH
		flush();
#endif
		put(p)
#endif
	:: else
	fi
}

/* One atomic step that yields the old entry: a compare-exchange, repeated until nobody interferes. */
inline exchange(new)
{
#ifdef READ_THEN_WRITE
	old = entry;
	entry = new
#else
	atomic { old = entry; entry = new }
#endif
}

proctype cpu(byte me)
{
	byte n = 0, p, old;
	bool ok;

	do
	:: n == OPS -> break
	:: n < OPS ->
		n++;
		if
		:: /* map page p over whatever is there */
			if
			:: p = 1
			:: p = 2
			fi;
#ifdef PUBLISH_BEFORE_GET
			exchange(p);
			get(p, ok);
			dispose(old)
#else
			get(p, ok);
			if
			:: ok -> exchange(p); dispose(old)
			:: else
			fi
#endif
		:: /* remove */
			exchange(0);
			dispose(old)
		:: /* the guest runs here: translates, and uses what it has */
			atomic { if :: entry != 0 -> tlb[me] = entry :: else fi };
			atomic { assert(tlb[me] == 0 || count[tlb[me]] > 0) }
		:: /* the owner gives page p up */
			if
			:: p = 1
			:: p = 2
			fi;
			atomic { ok = owned[p]; owned[p] = false };
			if
			:: ok -> put(p)
			:: else
			fi
		fi;
		/* What is over does not tell states apart. */
		d_step { p = 0; old = 0; ok = false }
	od;
	atomic {
		finished++;
		if
		:: finished == CPUS ->
			/* Exactly the references there is a reason for. */
			assert(count[1] == (owned[1] -> 1 : 0) + (entry == 1 -> 1 : 0));
			assert(count[2] == (owned[2] -> 1 : 0) + (entry == 2 -> 1 : 0))
		:: else
		fi
	}
}

init {
	atomic {
		count[1] = 1; owned[1] = true;
		count[2] = 1; owned[2] = true;
		run cpu(0);
		run cpu(1);
		run cpu(2)
	}
}
