objs-y += clock.o rtc.o time.o
