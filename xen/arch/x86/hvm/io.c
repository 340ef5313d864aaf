/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Port and MMIO dispatch: which part of the virtual platform an access belongs
 * to. Order: the domain's handlers, the machine's port (dom0), a device model;
 * what nobody claims reads as all ones, and writes to it are dropped.
 */
#include <xen/lib.h>
#include <asm/io.h>
#include <asm/ioreq.h>
#include <asm/processor.h>
#include "platform.h"

#define PORTS 65536U

/* Ports the hypervisor drives itself, and the machine's interrupt controllers and interval timer. */
#define CLAIMS_MAX 16
static struct {
	u16 first, last;
} claims[CLAIMS_MAX] = {
	{ 0x20, 0x21 },
	{ 0xa0, 0xa1 }, /* interrupt controllers */
	{ 0x40, 0x43 },
	{ 0x61, 0x61 }, /* interval timer, its gate */
};
static unsigned int claim_count = 4;

/* Every port exits: shared by all domains but dom0. */
static unsigned long *closed_bitmap;

void hvm_claim_ports(u16 first, u16 count)
{
	if (!count || first + count > PORTS)
		return;
	if (claim_count == CLAIMS_MAX) {
		printk(XENLOG_WARNING "ports %#x-%#x: no room to keep them from dom0\n", first,
		       first + count - 1);
		return;
	}
	claims[claim_count].first = first;
	claims[claim_count].last = (u16)(first + count - 1);
	claim_count++;
}

bool hvm_ports_are_claimed(u16 first, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < claim_count; i++)
		if (first <= claims[i].last && claims[i].first < first + count)
			return true;
	return false;
}

static unsigned long *alloc_bitmap(bool all)
{
	unsigned long *map = alloc_xenheap_pages(1, 0);

	if (map && all)
		memset(map, 0xff, PORTS / 8);
	return map;
}

int hvm_intercept_ports(struct domain *d, u16 first, unsigned int count, bool intercept)
{
	unsigned long *map = d->arch.hvm.io_bitmap;
	unsigned int p;

	if (map == closed_bitmap) {
		if (intercept)
			return 0;
		map = alloc_bitmap(true);
		if (!map)
			return -ENOMEM;
		d->arch.hvm.io_bitmap = map;
	}
	for (p = first; p < first + count && p < PORTS; p++) {
		if (intercept)
			set_bit(p, map);
		else
			clear_bit(p, map);
	}
	return 0;
}

static int init_dom0_io(struct domain *d)
{
	unsigned int i;
	int rc;

	d->arch.hvm.io_bitmap = alloc_bitmap(false);
	if (!d->arch.hvm.io_bitmap)
		return -ENOMEM;
	for (i = 0; i < claim_count; i++)
		hvm_intercept_ports(d, claims[i].first, claims[i].last - claims[i].first + 1U, true);
	rc = vioapic_init(d, true);
	/* The first handler found has the port: the reset register, 0xcf9, lies among PCI's. */
	if (!rc)
		rc = pmport_init(d);
	if (!rc)
		rc = vpci_init(d);
	return rc;
}

/* On error hvm_io_destroy() takes back what was done. */
int hvm_io_init(struct domain *d)
{
	/* With dom0, so that the first guest leaves as much memory as it found. */
	if (!closed_bitmap) {
		unsigned long *map = alloc_bitmap(true);

		if (map && cmpxchg(&closed_bitmap, NULL, map) != NULL)
			free_xenheap_pages(map, 1);
	}
	if (d->is_privileged)
		return init_dom0_io(d);
	d->arch.hvm.io_bitmap = closed_bitmap;
	return closed_bitmap ? 0 : -ENOMEM;
}

void hvm_io_relinquish(struct domain *d) { ioreq_destroy_all(d); }

void hvm_io_destroy(struct domain *d)
{
	ioreq_free(d);
	pmport_destroy(d);
	vpci_destroy(d);
	vioapic_destroy(d);
	if (d->arch.hvm.io_bitmap && d->arch.hvm.io_bitmap != closed_bitmap)
		free_xenheap_pages(d->arch.hvm.io_bitmap, 1);
	d->arch.hvm.io_bitmap = NULL;
}

/* h stays the caller's; it must exist until it is unregistered and a grace period has passed. */
void hvm_register_io(struct domain *d, struct hvm_io_handler *h)
{
	spin_lock(&d->arch.hvm.lock);
	list_add_tail_rcu(&h->list, &d->arch.hvm.io_handlers);
	spin_unlock(&d->arch.hvm.lock);
	if (!h->is_mmio)
		hvm_intercept_ports(d, (u16)h->start, (unsigned int)h->len, true);
}

void hvm_unregister_io(struct domain *d, struct hvm_io_handler *h)
{
	spin_lock(&d->arch.hvm.lock);
	list_del_rcu(&h->list);
	spin_unlock(&d->arch.hvm.lock);
}

/* The handler whose range holds the whole access. */
static struct hvm_io_handler *find_handler(struct domain *d, bool mmio, u64 addr, unsigned int size)
{
	struct hvm_io_handler *h;

	list_for_each_entry_rcu(h, &d->arch.hvm.io_handlers,
				list) if (h->is_mmio == mmio && addr - h->start < h->len &&
					  size <= h->len - (addr - h->start)) return h;
	return NULL;
}

u64 hvm_machine_in(u16 port, unsigned int size)
{
	switch (size) {
	case 1:
		return inb(port);
	case 2:
		return inw(port);
	default:
		return inl(port);
	}
}

void hvm_machine_out(u16 port, unsigned int size, u64 val)
{
	switch (size) {
	case 1:
		outb((u8)val, port);
		break;
	case 2:
		outw((u16)val, port);
		break;
	default:
		outl((u32)val, port);
		break;
	}
}

static bool ports_are_open(const struct domain *d, u16 port, unsigned int size)
{
	unsigned int i;

	for (i = 0; i < size; i++)
		if (port + i >= PORTS || test_bit(port + i, d->arch.hvm.io_bitmap))
			return false;
	return true;
}

static int portio_claimed(struct vcpu *v, u16 port, unsigned int size, bool write, u64 *val)
{
	struct domain *d = v->domain;
	struct hvm_io_handler *h = find_handler(d, false, port, size);

	if (h) {
		int rc = h->access(v, port, size, write, val, h->data);

		if (rc != HVM_IO_UNHANDLED)
			return rc;
	} else if (ports_are_open(d, port, size)) {
		if (write)
			hvm_machine_out(port, size, *val);
		else
			*val = hvm_machine_in(port, size);
		return HVM_IO_OK;
	}
	return ioreq_access(v, false, port, size, write, val);
}

/* An access that no one party claims as a whole may still straddle several: byte by byte. */
static void portio_bytes(struct vcpu *v, u16 port, unsigned int size, bool write, u64 *val)
{
	u64 all = 0, byte;
	unsigned int i;

	for (i = 0; i < size; i++) {
		byte = write ? *val >> (8 * i) & 0xff : 0xff;
		if (port + i >= PORTS || portio_claimed(v, (u16)(port + i), 1, write, &byte) != HVM_IO_OK)
			byte = 0xff;
		all |= byte << (8 * i);
	}
	if (!write)
		*val = all;
}

/*
 * One port access of the current vCPU, size 1, 2 or 4. HVM_IO_OK, or HVM_IO_RETRY: run the
 * instruction again when the device model has answered.
 */
int hvm_portio(struct vcpu *v, u16 port, unsigned int size, bool write, u64 *val)
{
	int rc = portio_claimed(v, port, size, write, val);

	if (rc != HVM_IO_UNHANDLED)
		return rc;
	if (size > 1 && v->domain->is_privileged)
		portio_bytes(v, port, size, write, val);
	else if (!write)
		*val = hvm_size_mask(size);
	/*
	 * The interval timer's counters stand at 0. A counter of all ones is what Linux's calibration of the TSC
	 * waits for; it would look 100,000 times for the next value.
	 */
	if (!write && size == 1 && port >= 0x40 && port <= 0x42)
		*val = 0;
	return HVM_IO_OK;
}

/* As hvm_portio(), for guest-physical addresses; size 1, 2, 4 or 8, within one page. */
int hvm_mmio(struct vcpu *v, gpa_t gpa, unsigned int size, bool write, u64 *val)
{
	struct domain *d = v->domain;
	struct hvm_io_handler *h;
	int rc = vlapic_mmio(v, gpa, size, write, val, NULL);

	if (rc != HVM_IO_UNHANDLED)
		return rc;
	h = find_handler(d, true, gpa, size);
	if (h)
		rc = h->access(v, gpa, size, write, val, h->data);
	if (rc == HVM_IO_UNHANDLED && d->arch.vpci)
		rc = vpci_mmio(v, gpa, size, write, val);
	if (rc == HVM_IO_UNHANDLED)
		rc = ioreq_access(v, true, gpa, size, write, val);
	if (rc != HVM_IO_UNHANDLED)
		return rc;
	if (!write)
		*val = hvm_size_mask(size);
	return HVM_IO_OK;
}

#define LAPIC_PAGE 0xfee00000ULL

static void consider_trap(u64 start, u64 end, u64 s, u64 e, bool *found, u64 *ts, u64 *te)
{
	if (s >= end || e <= start || (*found && s >= *ts))
		return;
	*found = true;
	*ts = max(s, start);
	*te = min(e, end);
}

bool hvm_mmio_next_trapped(struct domain *d, u64 start, u64 end, u64 *trap_start, u64 *trap_end)
{
	struct hvm_io_handler *h;
	bool found = false;
	u64 s, e;

	consider_trap(start, end, LAPIC_PAGE, LAPIC_PAGE + PAGE_SIZE, &found, trap_start, trap_end);
	list_for_each_entry_rcu(h, &d->arch.hvm.io_handlers, list) if (h->is_mmio)
		consider_trap(start, end, h->start & PAGE_MASK, ROUND_UP(h->start + h->len, PAGE_SIZE),
			      &found, trap_start, trap_end);
	if (vpci_next_trapped(d, start, end, &s, &e))
		consider_trap(start, end, s, e, &found, trap_start, trap_end);
	return found;
}

/* IN or OUT between the port and the accumulator. False: to be run again. */
static bool portio_single(struct vcpu *v, const struct hvm_portio_exit *e)
{
	u64 val = e->write ? v->arch.regs.rax & hvm_size_mask(e->size) : 0;

	if (hvm_portio(v, e->port, e->size, e->write, &val) == HVM_IO_RETRY)
		return false;
	if (!e->write)
		hvm_write_reg(&v->arch.regs.rax, val, e->size);
	return true;
}

/* One element of INS or OUTS; the index register moves only when it is done. */
static enum hvm_rw portio_element(struct vcpu *v, const struct hvm_portio_exit *e)
{
	u64 *index = e->write ? &v->arch.regs.rsi : &v->arch.regs.rdi;
	u32 user = hvm_get_cpl(v) == 3 ? PFEC_U : 0;
	unsigned long gva;
	enum hvm_rw rc;
	u64 val = 0;

	if (!hvm_linear_address(v, e->write ? (enum hvm_seg)e->seg : HVM_SEG_ES,
				*index & hvm_size_mask(e->addr_size), e->size, !e->write, e->addr_size, &gva))
		return HVM_RW_FAULT;
	if (e->write) {
		rc = hvm_linear_rw(v, gva, &val, e->size, false, user);
		if (rc != HVM_RW_OK)
			return rc;
		if (hvm_portio(v, e->port, e->size, true, &val) == HVM_IO_RETRY)
			return HVM_RW_RETRY;
	} else {
		/* A fault must be found before the port is read: reading may have effects. */
		u32 pfec;
		gpa_t gpa;

		if (!hvm_gva_to_gpa(v, gva, user | PFEC_W, &pfec, &gpa)) {
			hvm_inject_page_fault(v, pfec, gva);
			return HVM_RW_FAULT;
		}
		if (hvm_portio(v, e->port, e->size, false, &val) == HVM_IO_RETRY)
			return HVM_RW_RETRY;
		rc = hvm_linear_rw(v, gva, &val, e->size, true, user);
		if (rc != HVM_RW_OK)
			return rc;
	}
	val = *index + (v->arch.regs.rflags & X86_EFLAGS_DF ? -(u64)e->size : (u64)e->size);
	hvm_write_reg(index, val, e->addr_size);
	return HVM_RW_OK;
}

/* INS and OUTS. False: stopped early, on a fault, for pending work, or for a device model; run again. */
static bool portio_string(struct vcpu *v, const struct hvm_portio_exit *e)
{
	u64 mask = hvm_size_mask(e->addr_size);

	if (!e->rep)
		return portio_element(v, e) == HVM_RW_OK;
	while (v->arch.regs.rcx & mask) {
		if (portio_element(v, e) != HVM_RW_OK)
			return false;
		ioreq_forget(v);
		hvm_write_reg(&v->arch.regs.rcx, v->arch.regs.rcx - 1, e->addr_size);
		if ((v->arch.regs.rcx & mask) && hypercall_preempt_check())
			return false;
	}
	return true;
}

void hvm_handle_portio_exit(struct vcpu *v, u16 port, unsigned int size, bool write, bool string, bool rep,
			    unsigned int insn_len, unsigned int addr_size, enum hvm_seg seg)
{
	struct hvm_portio_exit e = {
		.port = port,
		.size = (u8)size,
		.write = write,
		.string = string,
		.rep = rep,
		.insn_len = (u8)insn_len,
		.addr_size = (u8)addr_size,
		.seg = (u8)seg,
	};

	if (string ? portio_string(v, &e) : portio_single(v, &e)) {
		hvm_skip_instruction(v, insn_len);
		ioreq_forget(v);
	} else if (v->arch.hvm.io) {
		ioreq_note_portio(v, &e);
	}
}

/* ---- statistics ---- */

/* Exits of all vCPUs of d, by reason, in lines of some 100 characters: for a debug key, and when d ends. */
void hvm_dump_exits(struct domain *d)
{
	char text[160] = "";
	struct vcpu *v;
	unsigned int reason, n = 0;
	unsigned long total = 0;

	for (reason = 0; reason < ARRAY_SIZE(v->arch.hvm.exit_counts); reason++) {
		unsigned long count = 0;

		for_each_vcpu(d, v)
			count += READ_ONCE(v->arch.hvm.exit_counts[reason]);
		if (!count)
			continue;
		total += count;
		n += (unsigned int)snprintf(text + n, sizeof(text) - n, "%s%s %lu", n ? ", " : "",
					    hvm->exit_name(reason), count);
		if (n > 70) {
			printk(XENLOG_INFO "%pd: exits: %s\n", d, text);
			n = 0;
			text[0] = 0;
		}
	}
	if (total)
		printk(XENLOG_INFO "%pd: exits: %s%s%lu in all\n", d, text, n ? ", " : "", total);
}
