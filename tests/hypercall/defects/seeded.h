/* SPDX-License-Identifier: GPL-2.0-only */
/* For tests/hypercall/mutants --cases: what the sources with defects in them call. Included by xen/config.h there. */
#ifndef XEN_SEEDED_H
#define XEN_SEEDED_H

struct vcpu;

/* seeded.c: is the defect of this number switched on? And the test kernel's calls about it. */
bool seeded_at(u32 place);
long seeded_op(unsigned long op, unsigned long n);
extern bool seeded_machine;

/* lost.c: what a vCPU's entry into the guest loses, or changes in the pages of the guest's start */
enum seeded_spoiled {
	SPOIL_MAGIC,
	SPOIL_FLAGS,
	SPOIL_COMMAND_LINE,
	SPOIL_MAP_ORDER,
	SPOIL_MAP_SIZE,
	SPOIL_WALL_CLOCK,
	SPOIL_RSDP,
	SPOIL_TABLES,
};

void seeded_stepped(struct vcpu *v);
bool seeded_step_ends(void);
void seeded_lose_bases(struct vcpu *v);
void seeded_lose_syscall(struct vcpu *v);
void seeded_lose_sysenter(struct vcpu *v);
void seeded_lose_debug(struct vcpu *v);
void seeded_lose_shadow(struct vcpu *v);
void seeded_lose_sse(struct vcpu *v);
void seeded_lose_ports(struct vcpu *v);
bool seeded_port(struct vcpu *v, u64 qual, unsigned int len);
void seeded_lose_idt(struct vcpu *v);
void seeded_lose_nx(struct vcpu *v);
void seeded_lose_rdrand(struct vcpu *v);
void seeded_lose_time(struct vcpu *v);
void seeded_spoil(struct vcpu *v, enum seeded_spoiled what);
void seeded_put_back(void);

#endif
