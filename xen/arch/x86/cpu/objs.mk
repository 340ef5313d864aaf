objs-y += features.o
