objs-y += string.o
objs-y += number.o
objs-y += vsnprintf.o
objs-y += sort.o
objs-y += pheap.o
objs-y += builtins.o

# These functions must not be turned into calls of themselves.
ifeq ($(findstring clang,$(CC)),)
CFLAGS-string.o := -fno-tree-loop-distribute-patterns
endif
ifeq ($(UBSAN),1)
objs-y += ubsan.o
CFLAGS-ubsan.o := -fno-sanitize=all
endif
