objs-y += bootmem.o frametable.o init.o pgtable.o vmap.o
