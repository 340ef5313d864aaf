# Tests of lib/ and common/.
LIB_OBJ := xen/lib/number.o xen/lib/vsnprintf.o xen/lib/sort.o xen/lib/pheap.o xen/lib/string.o

TESTS += lib
lib-obj := test_lib.o $(LIB_OBJ) host/stubs.o

ALLOC_OBJ := xen/common/page_alloc.o xen/common/page_ref.o xen/common/spinlock.o \
	host/arena.o host/owners.o host/stubs.o $(LIB_OBJ)

TESTS += alloc
alloc-obj := test_alloc.o $(ALLOC_OBJ)

TESTS += ref
ref-obj := test_ref.o $(ALLOC_OBJ)
ref-builds := asan tsan

TESTS += xmalloc
xmalloc-obj := test_xmalloc.o xen/common/xmalloc.o $(ALLOC_OBJ)
xmalloc-builds := asan tsan
