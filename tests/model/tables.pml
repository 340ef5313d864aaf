/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Publish, use, unlink and free a table (I4), on three CPUs.
 *
 * One entry that is empty or points to a table; tables of one entry, in memory that is used again. Software
 * walks between two quiescent states; a CPU's guest remembers the table (paging-structure cache) until a
 * flush. Unlinking takes the lock, freezes the table's entry, empties the upper entry, flushes, and leaves
 * the rest to RCU.
 *
 * Broken on purpose by -DPUBLISH_BEFORE_FILL, -DNO_GRACE, -DNO_FREEZE, -DNO_FLUSH.
 */
#ifndef OPS
#define OPS 2
#endif
#define CPUS 3
#define TABLES 2

#define EMPTY 0
#define MAPPED 1
#define FROZEN 2
#define GARBAGE 3

byte upper = 0;			/* 0: empty, else the table */
bool used[TABLES + 1];
byte lower[TABLES + 1];		/* the entry in each table */
byte cache[CPUS];		/* paging-structure cache */
bool inside[CPUS];		/* between quiescent states */
byte passed[CPUS];		/* quiescent states gone through */
bool locked = false;
byte mapped = 0;		/* entries made and not removed */
chan rcu = [TABLES] of { byte };
byte finished = 0;

inline alloc(t)
{
	atomic {
		t = 0;
		if
		:: !used[1] -> t = 1
		:: used[1] && !used[2] -> t = 2
		:: else
		fi;
		if
		:: t != 0 -> used[t] = true; lower[t] = GARBAGE
		:: else
		fi
	}
}

inline release(t)
{
	atomic {
		assert(cache[0] != t && cache[1] != t && cache[2] != t);
		used[t] = false;
		lower[t] = GARBAGE
	}
}

/* A table where the upper entry is empty. */
inline publish()
{
	alloc(t);
	if
	:: t != 0 ->
#ifdef PUBLISH_BEFORE_FILL
		atomic { won = (upper == 0); if :: won -> upper = t :: else fi };
		lower[t] = EMPTY;
#else
		lower[t] = EMPTY;
		atomic { won = (upper == 0); if :: won -> upper = t :: else fi };
#endif
		if
		:: !won -> release(t)
		:: else
		fi
	:: else
	fi
}

/* Maps, or unmaps, through the table; a frozen entry sends the walk back to the start. */
inline change()
{
	do
	:: t = upper;
		if
		:: t == 0 -> break
		:: else
		fi;
		e = lower[t];
		assert(used[t] && e != GARBAGE);
		if
		:: e == FROZEN -> skip
		:: e == EMPTY ->
			atomic {
				won = (lower[t] == EMPTY);
				if
				:: won -> lower[t] = MAPPED; mapped++
				:: else
				fi
			};
			if :: won -> break :: else fi
		:: e == MAPPED ->
			atomic {
				won = (lower[t] == MAPPED);
				if
				:: won -> lower[t] = EMPTY; mapped--
				:: else
				fi
			};
			if :: won -> break :: else fi
		fi
	od
}

inline unlink()
{
	atomic { !locked -> locked = true };
	t = upper;
	won = false;
	if
	:: t != 0 ->
		atomic {
			won = (lower[t] == EMPTY);
#ifndef NO_FREEZE
			if
			:: won -> lower[t] = FROZEN
			:: else
			fi
#endif
		}
	:: else
	fi;
	if
	:: won -> upper = 0
	:: else
	fi;
	locked = false;
	if
	:: won ->
#ifndef NO_FLUSH
		cache[0] = 0;
		cache[1] = 0;
		cache[2] = 0;
#endif
#ifdef NO_GRACE
		release(t)
#else
		rcu ! t
#endif
	:: else
	fi
}

proctype cpu(byte me)
{
	byte n = 0, t, e;
	bool won;

	do
	:: n == OPS -> break
	:: n < OPS ->
		n++;
		inside[me] = true;
		if
		:: publish()
		:: change()
		:: unlink()
		:: /* the guest: fills its cache, and walks on from it */
			cache[me] = upper;
			atomic { assert(cache[me] == 0 || (used[cache[me]] && lower[cache[me]] != GARBAGE)) }
		fi;
		skip;
		d_step { inside[me] = false; passed[me]++; t = 0; e = 0; won = false }
	od;
	finished++
}

/* Frees a table when every CPU has been quiescent since. */
active proctype grace()
{
	byte t, i, was;

	do
	:: rcu ? t ->
		i = 0;
		do
		:: i < CPUS ->
			was = passed[i];
			(!inside[i] || passed[i] != was);
			i++
		:: else -> break
		od;
		release(t)
	:: finished == CPUS && empty(rcu) ->
		/* No entry was lost with a table. */
		assert(mapped == (upper != 0 && lower[upper] == MAPPED -> 1 : 0));
		assert(used[1] == (upper == 1) && used[2] == (upper == 2));
		break
	od
}

init {
	atomic {
		run cpu(0);
		run cpu(1);
		run cpu(2)
	}
}
