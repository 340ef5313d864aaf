objs-y += head.o multiboot2.o trampoline.o
