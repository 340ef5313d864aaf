/* SPDX-License-Identifier: GPL-2.0-only */
/* The wall clock: read from the RTC once, kept as its value when system time was 0. Source: MC146818 data sheet. */
#include <xen/lib.h>
#include <xen/spinlock.h>
#include <xen/time.h>
#include <asm/io.h>
#include "../setup.h"
#include "clock.h"

#define RTC_SECONDS    0
#define RTC_MINUTES    2
#define RTC_HOURS      4
#define RTC_DAY	       7
#define RTC_MONTH      8
#define RTC_YEAR       9
#define RTC_A	       10
#define RTC_A_UPDATING 0x80
#define RTC_B	       11
#define RTC_B_24H      0x02
#define RTC_B_BINARY   0x04

static DEFINE_SPINLOCK(wc_lock, RANK_LEAF);
static u64 wc_sec;
static u32 wc_nsec;
static u8 century_register __initdata;

void __init rtc_set_century_register(u8 index) { century_register = index < 128 ? index : 0; }

static u8 __init cmos(u8 index)
{
	outb(index, 0x70);
	return inb(0x71);
}

struct rtc_time {
	u8 sec, min, hour, day, month, year, century;
};

static void __init read_once(struct rtc_time *t)
{
	/* An update takes 2 ms at most; with no RTC at all the bit may stay set. */
	for (unsigned int i = 0; i < 5000 && cmos(RTC_A) & RTC_A_UPDATING; i++)
		udelay(1);
	*t = (struct rtc_time){
		cmos(RTC_SECONDS),
		cmos(RTC_MINUTES),
		cmos(RTC_HOURS),
		cmos(RTC_DAY),
		cmos(RTC_MONTH),
		cmos(RTC_YEAR),
		century_register ? cmos(century_register) : 0,
	};
}

static u8 __init from_bcd(u8 v) { return (u8)((v >> 4) * 10 + (v & 15)); }

static void __init decode(struct rtc_time *t)
{
	u8 b = cmos(RTC_B);
	bool pm = t->hour & 0x80;

	t->hour &= 0x7f;
	if (!(b & RTC_B_BINARY)) {
		u8 *f = &t->sec;

		for (unsigned int i = 0; i < sizeof(*t); i++)
			f[i] = from_bcd(f[i]);
	}
	if (!(b & RTC_B_24H))
		t->hour = (u8)(t->hour % 12 + (pm ? 12 : 0));
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, month 1 to 12. */
static u64 __init days_since_1970(unsigned int y, unsigned int m, unsigned int d)
{
	/* Years begin in March, so that the leap day is the last one. */
	if (m <= 2) {
		y--;
		m += 12;
	}
	return 365UL * y + y / 4 - y / 100 + y / 400 + (153 * (m - 3) + 2) / 5 + d - 719469;
}

void __init wallclock_init(void)
{
	struct rtc_time t, again;
	unsigned int year;
	s_time_t now;

	/* Twice the same: nothing changed between the registers. */
	for (unsigned int i = 0; i < 5; i++) {
		read_once(&t);
		read_once(&again);
		if (!memcmp(&t, &again, sizeof(t)))
			break;
	}
	now = NOW();
	decode(&t);
	year = t.year + (t.century >= 19 && t.century <= 29 ? t.century * 100U : t.year < 70 ? 2000 : 1900);
	if (!t.month || t.month > 12 || !t.day || t.day > 31 || t.hour > 23 || t.min > 59 || t.sec > 59) {
		printk(XENLOG_WARNING "RTC: no valid date; the wall clock starts in 1970\n");
		return;
	}
	set_wallclock(((days_since_1970(year, t.month, t.day) * 24 + t.hour) * 60 + t.min) * 60 + t.sec, 0,
		      now);
	printk("RTC: %04u-%02u-%02u %02u:%02u:%02u UTC\n", year, t.month, t.day, t.hour, t.min, t.sec);
}

void get_wallclock(u64 *sec, u32 *nsec)
{
	unsigned long flags;

	spin_lock_irqsave(&wc_lock, flags);
	*sec = wc_sec;
	*nsec = wc_nsec;
	spin_unlock_irqrestore(&wc_lock, flags);
}

void set_wallclock(u64 sec, u32 nsec, s_time_t system_time)
{
	u64 since = system_time > 0 ? (u64)system_time : 0;
	u64 back = since / 1000000000;
	u32 back_nsec = (u32)(since % 1000000000);
	unsigned long flags;

	/* Back to the moment system time was 0; not before the epoch. */
	sec += nsec / 1000000000;
	nsec %= 1000000000;
	if (nsec < back_nsec) {
		back++;
		nsec += 1000000000;
	}
	nsec -= back_nsec;
	spin_lock_irqsave(&wc_lock, flags);
	wc_sec = sec > back ? sec - back : 0;
	wc_nsec = nsec;
	spin_unlock_irqrestore(&wc_lock, flags);
}
