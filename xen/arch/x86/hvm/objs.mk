objs-y += decode.o
objs-y += io.o
