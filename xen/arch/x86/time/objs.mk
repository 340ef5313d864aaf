objs-y += clock.o rtc.o time.o
objs-y += pvclock.o
