objs-y += ns16550.o
