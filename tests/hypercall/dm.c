/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device models: this kernel serves the peer's ports and memory through an I/O request server, by the
 * operations of dm_op and the pages of XENMEM_acquire_resource.
 */
#include <stubdom/event.h>
#include <stubdom/lib.h>
#include <stubdom/mm.h>
#include <stubdom/tap.h>
#include <stubdom/time.h>
#include <stubdom/trap.h>
#include <stubdom/x86.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/ioreq.h>
#include "errors.h"
#include "peer.h"

#define PORT   0x1510u
#define MMIO   0xe0000000ul
#define OFF    HVM_IOREQSRV_BUFIOREQ_OFF
#define ATOMIC HVM_IOREQSRV_BUFIOREQ_ATOMIC

static uint64_t win; /* own gfns: the page of requests, that of buffered ones, one more */
static ioservid_t server;
static volatile struct ioreq *slot;
static long local_port;

static long dm_op(struct xen_dm_op *op)
{
	struct xen_dm_op_buf buf = { .size = sizeof(*op) };

	set_xen_guest_handle(buf.h, op);
	return hypercall(__HYPERVISOR_dm_op, peer.id, 1, HC_PTR(&buf), 0, 0);
}

static long create(uint8_t buffered, ioservid_t *id)
{
	struct xen_dm_op op = { .op = XEN_DMOP_create_ioreq_server };
	long rc;

	op.u.create_ioreq_server.handle_bufioreq = buffered;
	rc = dm_op(&op);
	*id = op.u.create_ioreq_server.id;
	return rc;
}

static long destroy(ioservid_t id)
{
	struct xen_dm_op op = { .op = XEN_DMOP_destroy_ioreq_server };

	op.u.destroy_ioreq_server.id = id;
	return dm_op(&op);
}

static long info(ioservid_t id, uint16_t flags, struct xen_dm_op_get_ioreq_server_info *out)
{
	struct xen_dm_op op = { .op = XEN_DMOP_get_ioreq_server_info };
	long rc;

	op.u.get_ioreq_server_info.id = id;
	op.u.get_ioreq_server_info.flags = flags;
	rc = dm_op(&op);
	*out = op.u.get_ioreq_server_info;
	return rc;
}

static long range(unsigned int cmd, ioservid_t id, uint32_t type, uint64_t start, uint64_t end)
{
	struct xen_dm_op op = { .op = cmd };

	op.u.map_io_range_to_ioreq_server.id = id;
	op.u.map_io_range_to_ioreq_server.type = type;
	op.u.map_io_range_to_ioreq_server.start = start;
	op.u.map_io_range_to_ioreq_server.end = end;
	return dm_op(&op);
}

#define map_range(...)	 range(XEN_DMOP_map_io_range_to_ioreq_server, __VA_ARGS__)
#define unmap_range(...) range(XEN_DMOP_unmap_io_range_from_ioreq_server, __VA_ARGS__)

static long enable(ioservid_t id, uint8_t on)
{
	struct xen_dm_op op = { .op = XEN_DMOP_set_ioreq_server_state };

	op.u.set_ioreq_server_state.id = id;
	op.u.set_ioreq_server_state.enabled = on;
	return dm_op(&op);
}

static long acquire(ioservid_t id, uint64_t frame, uint32_t count, uint64_t gfn)
{
	xen_pfn_t gfns[2] = { gfn, gfn + 1 };
	struct xen_mem_acquire_resource a = {
		.domid = peer.id,
		.type = XENMEM_resource_ioreq_server,
		.id = id,
		.nr_frames = count,
		.frame = frame,
	};

	set_xen_guest_handle(a.frame_list, gfns);
	return hc_memory_op(XENMEM_acquire_resource, &a);
}

/* ---- accesses by the peer ---- */

static long peer_in(uint64_t port, uint64_t size, uint64_t c __unused)
{
	if (size == 4)
		return inl((uint16_t)port);
	return size == 2 ? inw((uint16_t)port) : inb((uint16_t)port);
}

static long peer_out(uint64_t port, uint64_t size, uint64_t value)
{
	if (size == 1)
		outb((uint16_t)port, (uint8_t)value);
	else if (size == 2)
		outw((uint16_t)port, (uint16_t)value);
	else
		outl((uint16_t)port, (uint32_t)value);
	return 0;
}

static long peer_load(uint64_t addr, uint64_t size, uint64_t c __unused)
{
	return size == 1 ? *(volatile uint8_t *)addr :
	       size == 2 ? *(volatile uint16_t *)addr :
	       size == 4 ? *(volatile uint32_t *)addr :
			   (long)*(volatile uint64_t *)addr;
}

static long peer_store(uint64_t addr, uint64_t size, uint64_t value)
{
	if (size == 1)
		*(volatile uint8_t *)addr = (uint8_t)value;
	else if (size == 2)
		*(volatile uint16_t *)addr = (uint16_t)value;
	else if (size == 4)
		*(volatile uint32_t *)addr = (uint32_t)value;
	else
		*(volatile uint64_t *)addr = value;
	return 0;
}

/* Reads and writes memory by one instruction each: the value before. */
static long peer_add(uint64_t addr, uint64_t value, uint64_t c __unused)
{
	uint32_t v = (uint32_t)value;

	__asm__ volatile("lock xaddl %0, %1" : "+r"(v), "+m"(*(volatile uint32_t *)addr));
	return v;
}

static long peer_in_string(uint64_t port, uint64_t count, uint64_t c __unused)
{
	static uint8_t buf[8];
	void *p = buf;
	uint64_t value;

	memset(buf, 0, sizeof(buf));
	__asm__ volatile("rep insb" : "+D"(p), "+c"(count) : "d"((uint16_t)port) : "memory");
	memcpy(&value, buf, sizeof(value));
	return (long)value;
}

/* ---- the device model's side ---- */

static bool request_waits(unsigned int ms)
{
	uint64_t end = system_time() + ms * 1000000ull;

	while (slot->state != STATE_IOREQ_READY) {
		if (system_time() > end)
			return false;
		hc_sched_op(SCHEDOP_yield, NULL);
	}
	barrier();
	return true;
}

static void answer(void)
{
	barrier();
	slot->state = STATE_IORESP_READY;
	event_send((evtchn_port_t)local_port);
}

/* A server that has the ports and memory above, with its page mapped and its channel bound. */
static bool serve(void)
{
	if (!CHECK_EQ(create(OFF, &server), 0))
		return false;
	CHECK_EQ(map_range(server, XEN_DMOP_IO_RANGE_PORT, PORT, PORT + 15), 0);
	CHECK_EQ(map_range(server, XEN_DMOP_IO_RANGE_MEMORY, MMIO, MMIO + 0xfff), 0);
	CHECK_EQ(map_range(server, XEN_DMOP_IO_RANGE_PCI, 0x18, 0x18), 0);
	CHECK_EQ(acquire(server, XENMEM_resource_ioreq_server_frame_ioreq(0), 1, win), 0);
	slot = &((volatile struct shared_iopage *)gfn_ptr(win))->vcpu_ioreq[0];
	CHECK_EQ(enable(server, 1), 0);
	CHECK(slot->vp_eport != 0);
	local_port = event_bind_interdomain(peer.id, slot->vp_eport);
	return CHECK(local_port > 0);
}

static void stop_serving(void)
{
	CHECK_EQ(event_close((evtchn_port_t)local_port), 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(destroy(server), 0);
}

/* What the slot must hold now. */
static void check_request(uint8_t type, uint64_t addr, unsigned int size, unsigned int dir)
{
	CHECK_EQ(slot->type, type);
	CHECK_EQ(slot->addr, addr);
	CHECK_EQ(slot->size, size);
	CHECK_EQ(slot->dir, dir);
}

/* ---- cases ---- */

static void life(void)
{
	struct xen_dm_op_get_ioreq_server_info i;
	ioservid_t a, b;

	CHECK_EQ(create(OFF, &a), 0);
	CHECK_EQ(create(ATOMIC, &b), 0);
	CHECK(a != b);
	CHECK_EQ(info(a, XEN_DMOP_no_gfns, &i), 0);
	CHECK_EQ(i.bufioreq_port, 0);
	CHECK_EQ(info(b, XEN_DMOP_no_gfns, &i), 0);
	CHECK(i.bufioreq_port != 0);
	CHECK_EQ(destroy(a), 0);
	CHECK_EQ(destroy(a), -ENOENT);
	CHECK_EQ(info(a, XEN_DMOP_no_gfns, &i), -ENOENT);
	CHECK_EQ(enable(a, 1), -ENOENT);
	CHECK_EQ(destroy(b), 0);
}

static void errors(void)
{
	struct xen_dm_op_get_ioreq_server_info i;
	struct xen_dm_op op;
	ioservid_t id;
	long rc;

	CHECK_EQ(create(3, &id), -EINVAL);
	CHECK_EQ(destroy(999), -ENOENT);
	CHECK_EQ(info(0, 0x80, &i), -EINVAL);
	memset(&op, 0, sizeof(op));
	op.op = XEN_DMOP_create_ioreq_server;
	op.pad = 1;
	CHECK_EQ(dm_op(&op), -EINVAL);
	rc = hypercall(__HYPERVISOR_dm_op, peer.id, 0, 0, 0, 0);
	CHECK(rc == -ENODATA || (on_xen && rc == -EFAULT)); /* Xen 4.17.7, or 4.17.5 */
	CHECK_EQ(hypercall(__HYPERVISOR_dm_op, peer.id, 1, HC_PTR(BAD_PTR), 0, 0), -EFAULT);
}

static void too_many(void)
{
	ioservid_t ids[8], one_more;
	unsigned int i;

	for (i = 0; i < 8; i++)
		if (!CHECK_EQ(create(OFF, &ids[i]), 0))
			break;
	CHECK_EQ(create(OFF, &one_more), -ENOSPC);
	while (i--)
		CHECK_EQ(destroy(ids[i]), 0);
}

static void ranges(void)
{
	ioservid_t id;

	REQUIRE_EQ(create(OFF, &id), 0);
	CHECK_EQ(map_range(id, XEN_DMOP_IO_RANGE_PORT, 0x2000, 0x200f), 0);
	CHECK_EQ(map_range(id, XEN_DMOP_IO_RANGE_PORT, 0x2008, 0x2017), -EEXIST);
	CHECK_EQ(map_range(id, XEN_DMOP_IO_RANGE_MEMORY, 0x2000, 0x200f), 0);
	CHECK_EQ(map_range(id, XEN_DMOP_IO_RANGE_PORT, 0x3001, 0x3000), -EINVAL);
	CHECK_EQ(map_range(id, 9, 0x3000, 0x3001), -EINVAL);
	CHECK_EQ(map_range(999, XEN_DMOP_IO_RANGE_PORT, 0x3000, 0x3001), -ENOENT);
	CHECK_EQ(unmap_range(id, XEN_DMOP_IO_RANGE_PORT, 0x3000, 0x3001), -ENOENT);
	CHECK_EQ(unmap_range(id, XEN_DMOP_IO_RANGE_PORT, 0x2000, 0x200f), 0);
	CHECK_EQ(unmap_range(id, XEN_DMOP_IO_RANGE_PORT, 0x2000, 0x200f), -ENOENT);
	CHECK_EQ(destroy(id), 0);
}

static void frames(void)
{
	struct xen_dm_op_get_ioreq_server_info i;
	ioservid_t id;

	REQUIRE_EQ(create(ATOMIC, &id), 0);
	CHECK_EQ(acquire(id, XENMEM_resource_ioreq_server_frame_bufioreq, 2, win), 0);
	CHECK_EQ(*(volatile uint64_t *)gfn_ptr(win), 0);
	CHECK_EQ(*(volatile uint64_t *)gfn_ptr(win + 1), 0);
	CHECK_EQ(info(id, 0, &i), -EPERM);
	CHECK_EQ(acquire(id, 2, 1, win + 2), -EINVAL);
	CHECK_EQ(acquire(999, 0, 1, win + 2), -ENOENT);
	CHECK_EQ(foreign_unmap(win, 2), 0);
	CHECK_EQ(destroy(id), 0);
	REQUIRE_EQ(create(OFF, &id), 0);
	CHECK_EQ(acquire(id, XENMEM_resource_ioreq_server_frame_bufioreq, 1, win), -ENOENT);
	CHECK_EQ(destroy(id), 0);
}

/* The page outlives the server while it is mapped, and goes with the mapping. */
static void frames_outlive_the_server(void)
{
	uint64_t before = host_free_settled();
	ioservid_t id;

	REQUIRE_EQ(create(OFF, &id), 0);
	REQUIRE_EQ(acquire(id, 1, 1, win), 0);
	CHECK_EQ(destroy(id), 0);
	*(volatile uint64_t *)gfn_ptr(win) = 0x77;
	CHECK_EQ(*(volatile uint64_t *)gfn_ptr(win), 0x77);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	CHECK_EQ(host_free_wait(before, 100), before);
}

static void port_reads(void)
{
	static const unsigned int sizes[] = { 1, 2, 4 };
	unsigned int i;

	if (!serve())
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		guest_ask(&peer, peer_in, PORT + 4, sizes[i], 0);
		if (!CHECK(request_waits(1000)))
			break;
		check_request(IOREQ_TYPE_PIO, PORT + 4, sizes[i], IOREQ_READ);
		CHECK_EQ(slot->count, 1);
		slot->data = 0x1122334455667788;
		answer();
		CHECK_EQ(guest_reply(&peer, 1000), 0x55667788 & (0xffffffffu >> (32 - 8 * sizes[i])));
	}
	stop_serving();
}

static void port_writes(void)
{
	static const unsigned int sizes[] = { 1, 2, 4 };
	unsigned int i;

	if (!serve())
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		guest_ask(&peer, peer_out, PORT, sizes[i], 0x89abcdef);
		if (!CHECK(request_waits(1000)))
			break;
		check_request(IOREQ_TYPE_PIO, PORT, sizes[i], IOREQ_WRITE);
		CHECK_EQ(slot->data & (0xffffffffu >> (32 - 8 * sizes[i])),
			 0x89abcdef & (0xffffffffu >> (32 - 8 * sizes[i])));
		answer();
		CHECK_EQ(guest_reply(&peer, 1000), 0);
	}
	stop_serving();
}

/* One request with a count and an address, or one for each byte: both are the ABI. */
static void string_input(void)
{
	uint8_t next = 1;

	if (!serve())
		return;
	guest_ask(&peer, peer_in_string, PORT + 1, 4, 0);
	while (next <= 4 && CHECK(request_waits(1000))) {
		check_request(IOREQ_TYPE_PIO, PORT + 1, 1, IOREQ_READ);
		if (!slot->data_is_ptr) {
			slot->data = next++;
		} else {
			uint64_t to = slot->data;
			unsigned int i;

			CHECK_EQ(foreign_map(peer.id, to >> PAGE_SHIFT, win + 2, 1), 0);
			for (i = 0; i < slot->count; i++)
				((volatile uint8_t *)gfn_ptr(win + 2))[(to + i) & ~PAGE_MASK] = next++;
			CHECK_EQ(foreign_unmap(win + 2, 1), 0);
		}
		answer();
	}
	CHECK_EQ(guest_reply(&peer, 1000), 0x04030201);
	stop_serving();
}

static void memory_reads_and_writes(void)
{
	static const unsigned int sizes[] = { 1, 2, 4, 8 };
	unsigned int i;

	if (!serve())
		return;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		guest_ask(&peer, peer_load, MMIO + 0x40, sizes[i], 0);
		if (!CHECK(request_waits(1000)))
			break;
		check_request(IOREQ_TYPE_COPY, MMIO + 0x40, sizes[i], IOREQ_READ);
		slot->data = 0x1122334455667788;
		answer();
		CHECK_EQ(guest_reply(&peer, 1000), 0x1122334455667788 & (~0ul >> (64 - 8 * sizes[i])));
		guest_ask(&peer, peer_store, MMIO + 0x80, sizes[i], 0x8877665544332211);
		if (!CHECK(request_waits(1000)))
			break;
		check_request(IOREQ_TYPE_COPY, MMIO + 0x80, sizes[i], IOREQ_WRITE);
		CHECK_EQ(slot->data & (~0ul >> (64 - 8 * sizes[i])),
			 0x8877665544332211 & (~0ul >> (64 - 8 * sizes[i])));
		answer();
		CHECK_EQ(guest_reply(&peer, 1000), 0);
	}
	stop_serving();
}

/* An instruction of two accesses asks twice, and each is asked once. */
static void read_modify_write(void)
{
	if (!serve())
		return;
	guest_ask(&peer, peer_add, MMIO + 8, 5, 0);
	if (CHECK(request_waits(1000))) {
		check_request(IOREQ_TYPE_COPY, MMIO + 8, 4, IOREQ_READ);
		slot->data = 100;
		answer();
	}
	if (CHECK(request_waits(1000))) {
		check_request(IOREQ_TYPE_COPY, MMIO + 8, 4, IOREQ_WRITE);
		CHECK_EQ((uint32_t)slot->data, 105);
		answer();
	}
	CHECK_EQ(guest_reply(&peer, 1000), 100);
	stop_serving();
}

/* ---- forms of instructions: the same on device memory as on RAM ---- */

#define DEVICE_BYTES 256u

static uint8_t device[DEVICE_BYTES]; /* what the server has at MMIO */

/* Carry out one request on it: as a whole, or by each element of a string instruction. */
static void serve_memory(void)
{
	uint64_t offset = slot->addr - MMIO, data = slot->data;
	unsigned int i, size = slot->size;
	uint8_t *guest = NULL;

	if (slot->data_is_ptr) {
		CHECK_EQ(foreign_map(peer.id, data >> PAGE_SHIFT, win + 2, 1), 0);
		guest = (uint8_t *)gfn_ptr(win + 2) + (data & ~PAGE_MASK);
	}
	for (i = 0; i < slot->count && offset + size <= DEVICE_BYTES; i++, offset += size) {
		uint8_t *ram = guest ? guest + i * size : (uint8_t *)&data;

		if (slot->dir == IOREQ_READ)
			memcpy(ram, device + offset, size);
		else
			memcpy(device + offset, ram, size);
	}
	if (guest)
		CHECK_EQ(foreign_unmap(win + 2, 1), 0);
	else
		slot->data = data;
	answer();
}

typedef uint64_t (*form_fn)(volatile uint8_t *at, uint64_t v);

#define ALL_FLAGS 0x8d5 /* OF, SF, ZF, AF, PF, CF */
#define LOGIC	  0x8c5 /* all but AF */
#define CF	  0x001

/* An instruction with memory operand %1 and register %0, which holds v before and the result after. */
#define FORM(name, insn)                                                                     \
	static uint64_t name(volatile uint8_t *at, uint64_t v)                               \
	{                                                                                    \
		__asm__ volatile(insn : "+a"(v), "+m"(*(volatile uint64_t *)at) : : "cc", "rdx"); \
		return v;                                                                    \
	}
/* The same, and as the result those flags that the instruction defines. */
#define FORM_FLAGS(name, mask, insn)                                                          \
	static uint64_t name(volatile uint8_t *at, uint64_t v)                               \
	{                                                                                    \
		__asm__ volatile(insn "; pushfq; pop %0"                                     \
				 : "+a"(v), "+m"(*(volatile uint64_t *)at)                   \
				 :                                                           \
				 : "cc");                                                    \
		return v & (mask);                                                           \
	}

FORM(load8, "movb %1, %%al")
FORM(load16, "movw %1, %%ax")
FORM(load32, "movl %1, %%eax")
FORM(load64, "movq %1, %0")
FORM(zero8, "movzbl %1, %%eax")
FORM(zero16, "movzwl %1, %%eax")
FORM(zero8_64, "movzbq %1, %0")
FORM(sign8, "movsbl %1, %%eax")
FORM(sign16, "movswq %1, %0")
FORM(sign32, "movslq %1, %0")
FORM(store8, "movb %%al, %1")
FORM(store8_high, "movb %%ah, %1")
FORM(store16, "movw %%ax, %1")
FORM(store32, "movl %%eax, %1")
FORM(store64, "movq %0, %1")
FORM(store_nt, "movnti %0, %1")
FORM(const8, "movb $0x91, %1")
FORM(const16, "movw $0x9192, %1")
FORM(const32, "movl $0x91929394, %1")
FORM(const64, "movq $-0x12345678, %1")
FORM(add_to, "addl %%eax, %1")
FORM(add_from, "addq %1, %0")
FORM(add_const, "addl $0x1234567, %1")
FORM(add_small, "addw $-3, %1")
FORM(adc_to, "stc; adcl %%eax, %1")
FORM(sbb_to, "stc; sbbq %0, %1")
FORM(sub_to, "subb %%al, %1")
FORM(or_to, "lock orl %%eax, %1")
FORM(and_const, "andb $0x5a, %1")
FORM(xor_from, "xorl %1, %%eax")
FORM(inc, "incl %1")
FORM(dec, "decw %1")
FORM(not, "notq %1")
FORM(neg, "negl %1")
FORM_FLAGS(cmp_to, ALL_FLAGS, "cmpl %%eax, %1")
FORM_FLAGS(cmp_from, ALL_FLAGS, "cmpq %1, %0")
FORM_FLAGS(cmp_const, ALL_FLAGS, "cmpb $0x40, %1")
FORM_FLAGS(test_to, LOGIC, "testl %%eax, %1")
FORM_FLAGS(test_const, LOGIC, "testw $0x8001, %1")
FORM_FLAGS(add_flags, ALL_FLAGS, "addl %%eax, %1")
FORM_FLAGS(bit_test, CF, "btl $5, %1")
FORM_FLAGS(bit_set, CF, "btsl $9, %1")
FORM_FLAGS(bit_reset, CF, "lock btrq $34, %1")
FORM_FLAGS(bit_flip, CF, "btcw $3, %1")
FORM(exchange8, "xchgb %%al, %1")
FORM(exchange32, "xchgl %%eax, %1")
FORM(exchange64, "xchgq %0, %1")
FORM(exchange_add, "lock xaddl %%eax, %1")
FORM(swap_no, "mov $0x77, %%edx; lock cmpxchgl %%edx, %1")
FORM(swap_yes, "movl %1, %%eax; mov $0x77, %%edx; lock cmpxchgl %%edx, %1")
FORM_FLAGS(swap_flags, ALL_FLAGS, "cmpxchgl %%eax, %1")

#define STRINGS 24u /* bytes */

static uint8_t __aligned(64) string_ram[64];

static uint64_t string_store(volatile uint8_t *at, uint64_t v)
{
	uint64_t n = STRINGS / 4;

	__asm__ volatile("rep stosl" : "+D"(at), "+c"(n) : "a"((uint32_t)v) : "memory");
	return n;
}

static uint64_t string_out(volatile uint8_t *at, uint64_t v)
{
	void *from = string_ram;
	uint64_t n = STRINGS / 8;

	memset(string_ram, (int)(v & 0xff), sizeof(string_ram));
	__asm__ volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
	return n;
}

static uint64_t string_in(volatile uint8_t *at, uint64_t v)
{
	void *to = string_ram;
	uint64_t n = STRINGS / 2, sum = v;
	unsigned int i;

	memset(string_ram, 0, sizeof(string_ram));
	__asm__ volatile("rep movsw" : "+D"(to), "+S"(at), "+c"(n) : : "memory");
	for (i = 0; i < sizeof(string_ram); i++)
		sum = sum * 31 + string_ram[i];
	return sum;
}

static uint64_t string_load(volatile uint8_t *at, uint64_t v)
{
	__asm__ volatile("lodsb" : "+a"(v), "+S"(at) : : "memory");
	return v;
}

#define F(name) { #name, name }
static const struct form {
	const char *name;
	form_fn fn;
} loads[] = { F(load8), F(load16), F(load32),	F(load64), F(zero8),
	      F(zero16), F(zero8_64), F(sign8), F(sign16), F(sign32) },
  stores[] = { F(store8),   F(store8_high), F(store16), F(store32), F(store64),
	       F(store_nt), F(const8),	    F(const16), F(const32), F(const64) },
  arithmetic[] = { F(add_to), F(add_from), F(add_const), F(add_small), F(adc_to),
		   F(sbb_to), F(sub_to),   F(or_to),	 F(and_const), F(xor_from),
		   F(inc),    F(dec),	   F(not),	 F(neg) },
  flags[] = { F(cmp_to), F(cmp_from), F(cmp_const), F(test_to), F(test_const), F(add_flags) },
  bits[] = { F(bit_test), F(bit_set), F(bit_reset), F(bit_flip) },
  exchanges[] = { F(exchange8), F(exchange32), F(exchange64), F(exchange_add),
		  F(swap_no),	F(swap_yes),   F(swap_flags) },
  strings[] = { F(string_store), F(string_out), F(string_in), F(string_load) };
#undef F

static long peer_form(uint64_t form, uint64_t v, uint64_t c __unused)
{
	return (long)((const struct form *)form)->fn((volatile uint8_t *)MMIO + 16, v);
}

static void try_form(const struct form *f, uint64_t v)
{
	static uint8_t __aligned(64) ram[DEVICE_BYTES];
	uint64_t end = system_time() + 1000000000ull, want;
	unsigned int i;
	long got;

	for (i = 0; i < DEVICE_BYTES; i++)
		ram[i] = device[i] = (uint8_t)(i * 7 + 0x80);
	want = f->fn(ram + 16, v);
	guest_ask(&peer, peer_form, (uint64_t)f, v, 0);
	do {
		if (slot->state == STATE_IOREQ_READY)
			serve_memory();
		got = guest_reply(&peer, 0);
	} while (got == GUEST_NO_REPLY && system_time() < end && !guest_is_down(&peer, NULL));
	if (!CHECK_EQ(got, want) || !CHECK(!memcmp(ram, device, DEVICE_BYTES)))
		tap_note("%s of %lx", f->name, v);
}

static void try_forms(const struct form *f, unsigned int count)
{
	if (!serve())
		return;
	for (; count && !guest_is_down(&peer, NULL); count--, f++) {
		try_form(f, 0x1122334455667788);
		try_form(f, 0xfedcba9876543210);
	}
	if (!CHECK_EQ(count, 0)) {
		tap_note("%s ends the guest", f[-1].name);
		stop_serving();
		peer_stop();
		peer_start();
		return;
	}
	stop_serving();
}

#define FORMS(name) \
	static void form_##name(void) { try_forms(name, ARRAY_SIZE(name)); }

FORMS(loads)
FORMS(stores)
FORMS(arithmetic)
FORMS(flags)
FORMS(bits)
FORMS(exchanges)
FORMS(strings)

static void pci_configuration(void)
{
	if (!serve())
		return;
	/* Device 3, function 0, register 0x10. */
	CHECK_EQ(PEER_CALL(peer_out, 0xcf8, 4, 0x80001810), 0);
	guest_ask(&peer, peer_in, 0xcfe, 2, 0);
	if (CHECK(request_waits(1000))) {
		check_request(IOREQ_TYPE_PCI_CONFIG, 0x18ull << 32 | 0x12, 2, IOREQ_READ);
		slot->data = 0xbeef;
		answer();
		CHECK_EQ(guest_reply(&peer, 1000), 0xbeef);
	}
	/* Another device is nobody's. */
	CHECK_EQ(PEER_CALL(peer_out, 0xcf8, 4, 0x80002010), 0);
	CHECK_EQ(PEER_CALL(peer_in, 0xcfc, 4, 0), 0xffffffff);
	stop_serving();
}

static void nobody_serves(void)
{
	if (!serve())
		return;
	CHECK_EQ(PEER_CALL(peer_in, PORT + 16, 1, 0), 0xff);
	CHECK_EQ(PEER_CALL(peer_in, PORT - 1, 1, 0), 0xff);
	CHECK_EQ(PEER_CALL(peer_in, PORT + 14, 4, 0), 0xffffffff); /* half in the range */
	CHECK_EQ(PEER_CALL(peer_load, MMIO + 0x1000, 4, 0), 0xffffffff);
	CHECK_EQ(enable(server, 0), 0);
	CHECK_EQ(PEER_CALL(peer_in, PORT, 2, 0), 0xffff);
	CHECK_EQ(PEER_CALL(peer_out, PORT, 2, 0), 0);
	CHECK_EQ(enable(server, 1), 0);
	CHECK_EQ(unmap_range(server, XEN_DMOP_IO_RANGE_PORT, PORT, PORT + 15), 0);
	CHECK_EQ(PEER_CALL(peer_in, PORT, 4, 0), 0xffffffff);
	stop_serving();
}

/* The guest waits; the server goes; the guest reads ones. */
static void destroyed_while_pending(void)
{
	if (!serve())
		return;
	guest_ask(&peer, peer_in, PORT, 4, 0);
	CHECK(request_waits(1000));
	CHECK_EQ(guest_reply(&peer, 20), GUEST_NO_REPLY);
	stop_serving();
	CHECK_HV(guest_reply(&peer, 1000), GUEST_NO_REPLY, 0xffffffff);
	peer_stop();
	peer_start();
}

static void guest_dies_while_pending(void)
{
	uint64_t before;

	peer_stop();
	before = host_free_settled();
	peer_start();
	if (!serve())
		return;
	guest_ask(&peer, peer_in, PORT, 4, 0);
	CHECK(request_waits(1000));
	CHECK_EQ(domain_destroy(peer.id), 0);
	CHECK_EQ(event_close((evtchn_port_t)local_port), 0);
	CHECK_EQ(foreign_unmap(win, 1), 0);
	peer_stop();
	tap_uses_difference(__FILE__, __LINE__);
	if (on_xen)
		tap_note("free pages %lu, were %lu", host_free_settled(), before);
	else
		CHECK_EQ(host_free_wait(before, 200), before);
	peer_start();
}

/* A device model that breaks the protocol costs its guest's life, nothing else. */
static void state_that_can_not_be(void)
{
	unsigned int reason = 0;

	if (!serve())
		return;
	guest_ask(&peer, peer_in, PORT, 4, 0);
	CHECK(request_waits(1000));
	slot->state = 9;
	event_send((evtchn_port_t)local_port);
	CHECK(guest_wait_down(&peer, 5000));
	CHECK(guest_is_down(&peer, &reason));
	CHECK_EQ(reason, SHUTDOWN_crash);
	stop_serving();
	peer_stop();
	peer_start();
}

static long peer_vector_count(uint64_t vector, uint64_t b __unused, uint64_t c __unused)
{
	return (long)trap_count((unsigned int)vector);
}

static bool end_of_interrupt(struct trap_frame *f __unused)
{
	*(volatile uint32_t *)0xfee000b0ul = 0;
	return true;
}

static long peer_take_vector(uint64_t vector, uint64_t b __unused, uint64_t c __unused)
{
	*(volatile uint32_t *)0xfee000f0ul = 0x1ff;
	trap_set_handler((unsigned int)vector, end_of_interrupt);
	return 0;
}

static void inject_msi(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_inject_msi };

	CHECK_EQ(PEER_CALL(peer_take_vector, 0x55, 0, 0), 0);
	op.u.inject_msi.addr = 0xfee00000;
	op.u.inject_msi.data = 0x55;
	CHECK_EQ(dm_op(&op), 0);
	CHECK_EQ(PEER_CALL(peer_vector_count, 0x55, 0, 0), 1);
}

static void asks(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_nr_vcpus };

	CHECK_EQ(dm_op(&op), 0);
	CHECK_EQ(op.u.nr_vcpus.vcpus, 1);
}

static void remote_shutdown(void)
{
	struct xen_dm_op op = { .op = XEN_DMOP_remote_shutdown };
	unsigned int reason = 0;

	op.u.remote_shutdown.reason = SHUTDOWN_reboot;
	CHECK_EQ(dm_op(&op), 0);
	CHECK(guest_wait_down(&peer, 1000));
	CHECK(guest_is_down(&peer, &reason));
	CHECK_EQ(reason, SHUTDOWN_reboot);
}

static void setup(void)
{
	peer_start();
	if (!win)
		win = hole_gfn_alloc(3, 1);
}

static const struct test tests[] = {
	{ "servers: create, ask, destroy", life, TEST_DOM0 },
	{ "servers: errors", errors, TEST_DOM0 },
	{ "servers: no more than eight", too_many, TEST_DOM0 },
	{ "ranges", ranges, TEST_DOM0 },
	{ "frames", frames, TEST_DOM0 },
	{ "frames outlive their server", frames_outlive_the_server, TEST_DOM0 },
	{ "a port is read", port_reads, TEST_DOM0 },
	{ "a port is written", port_writes, TEST_DOM0 },
	{ "a string is read from a port", string_input, TEST_DOM0 },
	{ "memory is read and written", memory_reads_and_writes, TEST_DOM0 },
	{ "an instruction that reads and writes", read_modify_write, TEST_DOM0 },
	{ "instructions: loads", form_loads, TEST_DOM0 },
	{ "instructions: stores", form_stores, TEST_DOM0 },
	{ "instructions: arithmetic", form_arithmetic, TEST_DOM0 },
	{ "instructions: flags", form_flags, TEST_DOM0 },
	{ "instructions: bits", form_bits, TEST_DOM0 },
	{ "instructions: exchanges", form_exchanges, TEST_DOM0 },
	{ "instructions: strings", form_strings, TEST_DOM0 },
	{ "PCI configuration by CF8", pci_configuration, TEST_DOM0 },
	{ "what nobody serves", nobody_serves, TEST_DOM0 },
	{ "server destroyed while the guest waits", destroyed_while_pending, TEST_DOM0 },
	{ "guest destroyed while it waits", guest_dies_while_pending, TEST_DOM0 },
	{ "an answer that can not be", state_that_can_not_be, TEST_DOM0 },
	{ "inject_msi", inject_msi, TEST_DOM0 },
	{ "nr_vcpus", asks, TEST_DOM0 },
	{ "remote_shutdown", remote_shutdown, TEST_DOM0 },
};

AREA(dm, "dm", tests, setup, peer_stop);
