/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The smallest PVH guest: says that it runs, then does what the first letter of its
 * command line asks for. It stands in for Linux where only a guest's life and end count.
 *
 *   (none)  halts for ever	p  powers itself off	s  spins with interrupts off
 *   t  triple-faults		c  reports a crash	e  asks for event channels until refused
 *   m  asks for memory beyond all bounds, and gives back what it does not have
 *   b  gives back its memory, its own code last
 *   w  writes to all memory up to 64 MiB
 *   f  sends events to xenstored for ever	x  writes to xenstore for ever
 *
 * "tiny: done" says that it was refused (e, m), has given back all but itself (b), has
 * written (w), or has sent a good many (f, x).
 *
 * Entry: 32-bit flat protected mode, paging off, EBX = struct hvm_start_info
 * (public/arch-x86/hvm/start_info.h). It goes to 64-bit mode for its hypercalls: RAX
 * number, RDI RSI RDX arguments, by VMCALL, which needs no hypercall page.
 */
#define HYPERVISOR_memory_op		12
#define HYPERVISOR_sched_op		29
#define HYPERVISOR_event_channel_op	32
#define HYPERVISOR_hvm_op		34
#define DEBUG_PORT			0xe9
#define SCHEDOP_shutdown		2
#define SHUTDOWN_poweroff		0
#define SHUTDOWN_crash			3
#define EVTCHNOP_send			4
#define EVTCHNOP_alloc_unbound		6
#define HVMOP_get_param			1
#define HVM_PARAM_STORE_PFN		1
#define HVM_PARAM_STORE_EVTCHN		2
#define XS_WRITE			11
#define XENSTORE_RING_SIZE		1024
#define XENSTORE_REQ_CONS		2048
#define XENSTORE_REQ_PROD		2052
#define XENSTORE_RSP_CONS		2056
#define XENSTORE_RSP_PROD		2060
#define FLOOD_EVENTS			50000
#define FLOOD_WRITES			500
#define XENMEM_decrease_reservation	1
#define XENMEM_populate_physmap		6
#define ELFNOTE_PHYS32_ENTRY		18
#define START_INFO_CMDLINE		24
#define DOMID_SELF			0x7ff0
#define CR0_PG				0x80000000
#define CR4_PAE				0x20
#define MSR_EFER			0xc0000080
#define EFER_LME			0x100
#define PTE_PRESENT_WRITE		3
#define PTE_LARGE			0x80

	.section .note.Xen, "a", @note
	.align	4
	.long	4, 4, ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.long	start

	.text
	.code32
	.globl	start
start:
	movl	START_INFO_CMDLINE(%ebx), %ebp
	movl	$pml4, %eax
	movl	%eax, %cr3
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$EFER_LME, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$CR0_PG, %eax
	movl	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$8, $long_mode

	.code64
long_mode:
	cld
	movl	$alive, %esi
	movl	$alive_end - alive, %ecx
	movl	$stack_top, %esp
	call	print
	xorl	%eax, %eax
	testl	%ebp, %ebp
	jz	1f
	movb	(%rbp), %al
1:	cmpb	$'p', %al
	je	power_off
	cmpb	$'s', %al
	je	spin
	cmpb	$'t', %al
	je	triple_fault
	cmpb	$'c', %al
	je	crash
	cmpb	$'e', %al
	je	events
	cmpb	$'m', %al
	je	memory
	cmpb	$'b', %al
	je	give_back
	cmpb	$'w', %al
	je	touch
	cmpb	$'f', %al
	je	flood
	cmpb	$'x', %al
	je	store
/* (with interrupts off it would be the end of the only vCPU, and so of the domain) */
halt:
	sti
	hlt
	jmp	halt

/* print: ESI text, ECX length; by the debug port, which domains without privilege have */
print:
	lodsb
	outb	%al, $DEBUG_PORT
	loop	print
	ret

power_off:
	movl	$SHUTDOWN_poweroff, reason
	jmp	shutdown
crash:
	movl	$SHUTDOWN_crash, reason
shutdown:
	movl	$HYPERVISOR_sched_op, %eax
	movl	$SCHEDOP_shutdown, %edi
	movl	$reason, %esi
	vmcall
	jmp	halt

spin:
	cli
	jmp	spin

triple_fault:
	lidt	no_idt
	ud2

events:
	movl	$HYPERVISOR_event_channel_op, %eax
	movl	$EVTCHNOP_alloc_unbound, %edi
	movl	$unbound, %esi
	vmcall
	testq	%rax, %rax
	jz	events
	jmp	done

/* populate one page after the other until refused, then give back gfns up to 4 GiB */
memory:
	movl	$0x10000, %ebp
1:	movl	$XENMEM_populate_physmap, %edi
	call	one_page
	incl	%ebp
	cmpq	$1, %rax
	je	1b
	movl	$0x1000, %ebp
2:	movl	$XENMEM_decrease_reservation, %edi
	call	one_page
	addl	$0x103, %ebp
	cmpl	$0x100000, %ebp
	jb	2b
touch:
	movl	$0x200000, %ebp
1:	movb	$1, (%rbp)
	addl	$0x1000, %ebp
	cmpl	$0x4000000, %ebp
	jb	1b
done:
	call	print_done
	jmp	halt

/* 8 MiB from the end down to its stack, which it needs, then the page that it runs in */
give_back:
	movl	$stack_top, %ebx
	shrl	$12, %ebx
	movl	$0x7ff, %ebp
1:	movl	$XENMEM_decrease_reservation, %edi
	call	one_page
	decl	%ebp
	cmpl	%ebx, %ebp
	ja	1b
	call	print_done
	movl	$start, %ebp
	shrl	$12, %ebp
	movl	$XENMEM_decrease_reservation, %edi
	call	one_page
	jmp	halt

flood:
	call	store_port
	movl	$FLOOD_EVENTS, %ebp
1:	call	send
	decl	%ebp
	jnz	1b
	call	print_done
	jmp	1b

/* requests of 32 bytes, which fill the ring without a rest; replies are thrown away unread */
store:
	call	store_port
	movl	$HVM_PARAM_STORE_PFN, %edi
	call	param
	movq	%rax, %rbx
	shlq	$12, %rbx
	movl	$FLOOD_WRITES, %ebp
1:	movl	XENSTORE_RSP_PROD(%rbx), %eax
	movl	%eax, XENSTORE_RSP_CONS(%rbx)
	movl	XENSTORE_REQ_PROD(%rbx), %edx
	movl	%edx, %eax
	subl	XENSTORE_REQ_CONS(%rbx), %eax
	cmpl	$XENSTORE_RING_SIZE - 32, %eax
	ja	2f
	movl	%edx, %edi
	andl	$XENSTORE_RING_SIZE - 1, %edi
	addq	%rbx, %rdi
	movl	$request, %esi
	movl	$32, %ecx
	rep movsb
	addl	$32, %edx
	movl	%edx, XENSTORE_REQ_PROD(%rbx)
	decl	%ebp
	jnz	2f
	call	print_done
2:	call	send
	jmp	1b

print_done:
	movl	$finished, %esi
	movl	$finished_end - finished, %ecx
	jmp	print

store_port:
	movl	$HVM_PARAM_STORE_EVTCHN, %edi
	call	param
	movl	%eax, port
	ret

/* param: the HVM parameter EDI, in RAX */
param:
	movl	%edi, hvm_index
	movl	$HYPERVISOR_hvm_op, %eax
	movl	$HVMOP_get_param, %edi
	movl	$hvm_param, %esi
	vmcall
	movq	hvm_value, %rax
	ret

send:
	movl	$HYPERVISOR_event_channel_op, %eax
	movl	$EVTCHNOP_send, %edi
	movl	$port, %esi
	vmcall
	ret

/* one_page: memory operation EDI on gfn EBP */
one_page:
	movq	%rbp, extent
	movl	$HYPERVISOR_memory_op, %eax
	movl	$reservation, %esi
	vmcall
	ret

	.section .rodata, "a"
alive:	.ascii	"tiny: alive\n"
alive_end:
finished: .ascii "tiny: done\n"
finished_end:

	.data
	.align	8
reason:	.long	0
no_idt:	.word	0
	.quad	0
	.align	8
unbound: .word	DOMID_SELF, DOMID_SELF
	.long	0
	.align	8
/* struct xen_memory_reservation: extents, their number, order, flags, domain */
reservation:
	.quad	extent, 1
	.long	0, 0
	.word	DOMID_SELF, 0, 0, 0
extent:	.quad	0
port:	.long	0
	.align	8
hvm_param: .word	DOMID_SELF, 0
hvm_index: .long	0
hvm_value: .quad	0
/* struct xsd_sockmsg, path, value */
request: .long	XS_WRITE, 0, 0, 16
	.asciz	"data/fl"
	.ascii	"xxxxxxxx"

gdt:	.quad	0, 0x00af9b000000ffff
gdt_pointer:
	.word	. - gdt - 1
	.long	gdt

	/* 4 GiB, one to one, by pages of 2 MiB */
	.balign	4096
pml4:	.quad	pdpt + PTE_PRESENT_WRITE
	.fill	511, 8, 0
pdpt:	.quad	pd + PTE_PRESENT_WRITE
	.quad	pd + 0x1000 + PTE_PRESENT_WRITE
	.quad	pd + 0x2000 + PTE_PRESENT_WRITE
	.quad	pd + 0x3000 + PTE_PRESENT_WRITE
	.fill	508, 8, 0
pd:	.set	address, 0
	.rept	2048
	.quad	address + PTE_PRESENT_WRITE + PTE_LARGE
	.set	address, address + 0x200000
	.endr

	.bss
	.balign	16
	.skip	4096
stack_top:

	.section .note.GNU-stack, "", @progbits
