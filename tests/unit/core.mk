# Tests of lib/ and common/.
LIB_OBJ := xen/lib/number.o xen/lib/vsnprintf.o xen/lib/sort.o xen/lib/pheap.o xen/lib/string.o

TESTS += lib
lib-obj := test_lib.o $(LIB_OBJ) host/stubs.o
