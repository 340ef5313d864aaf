/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the boot loader to C: multiboot2 header, the 32-bit entry, the first
 * page tables, the switch to long mode.
 *
 * The loader enters boot_entry with paging off, flat 32-bit segments, EAX the
 * multiboot2 magic and EBX the address of the boot information (Multiboot2
 * specification, "I386 machine state"); there is no stack. The image may lie
 * anywhere below 4 GiB at a multiple of 2 MiB; EBP is image_phys_base from the
 * moment it is known. start_xen() runs on guarded stack memory of the image,
 * with every section mapped as it will stay, the first 4 GiB at the direct map,
 * and nothing in the lower half.
 */
#include <asm/desc.h>
#include <asm/pgtable.h>
#include <asm-offsets.h>

#define IMAGE_VA 0xffffffff80000000
#define OFFS(sym) (sym - IMAGE_VA)
#define P(sym) OFFS(sym)(%ebp)

#define MB2_MAGIC 0xe85250d6
#define MB2_LOADER_MAGIC 0x36d76289

	.section .multiboot2, "a", @progbits
	.balign 8
mb2_header:
	.long MB2_MAGIC, 0, mb2_header_end - mb2_header
	.long -(MB2_MAGIC + (mb2_header_end - mb2_header))

	/* Needed: command line, modules, memory map. */
	.balign 8
1:	.short 1, 0
	.long 2f - 1b
	.long 1, 3, 6
2:
	/* Used where there is one: loader name, framebuffer, EFI system table, ACPI, load address, EFI memory map. */
	.balign 8
1:	.short 1, 1
	.long 2f - 1b
	.long 2, 8, 12, 14, 15, 17, 21
2:
	/* Modules on page boundaries. */
	.balign 8
	.short 6, 0
	.long 8
	/* Relocatable: from 2 MiB to 4 GiB, 2 MiB aligned, the lowest that fits. */
	.balign 8
	.short 10, 1
	.long 24, 0x200000, 0xffffffff, 0x200000, 1
	/* 32-bit entry, on EFI machines too (there is no EFI entry tag). */
	.balign 8
	.short 3, 0
	.long 12, OFFS(boot_entry)
	.balign 8
	.short 0, 0
	.long 8
mb2_header_end:

	.section .text.head, "ax", @progbits
	.code32
	.globl boot_entry
boot_entry:
	cli
	cld
	/* Where am I? The first word of the boot information serves as stack for one call. */
	movl (%ebx), %edi
	leal 4(%ebx), %esp
	call 1f
1:	popl %ebp
	movl %edi, (%ebx)
	subl $OFFS(1b), %ebp
	leal P(cpu0_stacks + STACKS_SIZE), %esp

	leal P(msg_loader), %esi
	cmpl $MB2_LOADER_MAGIC, %eax
	jne boot_fail
	movl %ebx, %edi
	call check_cpu
	call make_page_tables
	movl %edi, %ebx

	movl $0x20, %eax		/* PAE */
	movl %eax, %cr4
	leal P(host_l4), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		/* EFER: long mode, no-execute */
	rdmsr
	orl $0x900, %eax
	wrmsr
	movl $0x80010033, %eax		/* PG WP NE ET MP PE */
	movl %eax, %cr0

	subl $8, %esp
	movw $(GDT_ENTRIES * 8 - 1), (%esp)
	leal P(boot_gdt), %eax
	movl %eax, 2(%esp)
	lgdt (%esp)
	pushl $SEL_CS
	leal P(entry64), %eax
	pushl %eax
	lret

	/* Long mode, no-execute, and what every 64-bit CPU has besides; EDI kept. */
check_cpu:
	leal P(msg_cpu), %esi
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb boot_fail
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx
	jnc boot_fail
	leal P(msg_nx), %esi
	btl $20, %edx
	jnc boot_fail
	ret

	/* EDI kept. */
make_page_tables:
	pushl %edi
	leal P(boot_l3_direct + PTE_LO_TABLE), %eax
	movl %eax, P(host_l4)			/* for the switch only: identity */
	movl %eax, P(host_l4 + 256 * 8)
	movl $PTE_HI_NX, P(host_l4 + 256 * 8 + 4)
	leal P(boot_l3_image + PTE_LO_TABLE), %eax
	movl %eax, P(host_l4 + 511 * 8)
	leal P(boot_l2_image + PTE_LO_TABLE), %eax
	movl %eax, P(boot_l3_image + 510 * 8)

	leal P(boot_l2_direct + PTE_LO_TABLE), %eax
	leal P(boot_l3_direct), %edi
	movl $4, %ecx
	movl $0x1000, %edx
	call fill
	leal P(boot_l1_image + PTE_LO_TABLE), %eax
	leal P(boot_l2_image), %edi
	movl $IMAGE_CHUNKS, %ecx
	call fill
	movl $(PTE_LO_RW | PTE_PS), %eax
	leal P(boot_l2_direct), %edi
	movl $2048, %ecx
	movl $0x200000, %edx
	call fill

	/* The image, section by section. */
	movl $0x1000, %edx
	leal P(sections), %esi
1:	movl (%esi), %eax
	movl 4(%esi), %ecx
	subl %eax, %ecx
	shrl $12, %ecx
	jz 3f
	movl %eax, %edi
	shrl $9, %edi
	addl %ebp, %edi
	addl $OFFS(boot_l1_image), %edi
	addl %ebp, %eax
	orl 8(%esi), %eax
	movl 12(%esi), %ebx
2:	movl %ebx, 4(%edi)
	movl %eax, (%edi)
	addl %edx, %eax
	addl $8, %edi
	decl %ecx
	jnz 2b
3:	addl $16, %esi
	cmpl $0, 4(%esi)
	jne 1b
	popl %edi
	ret

	/* ECX entries at EDI: EAX, stepping by EDX. */
fill:	movl %eax, (%edi)
	addl %edx, %eax
	addl $8, %edi
	decl %ecx
	jnz fill
	ret

	/* Says the string at ESI on COM1 (as the loader left it) and on a text screen; stops. */
boot_fail:
	movl $0xb8000, %edi
1:	lodsb
	testb %al, %al
	jz 3f
	movb %al, %bl
	movb $0x1f, %bh
	movw %bx, (%edi)
	addl $2, %edi
	movw $0x3fd, %dx
	movl $100000, %ecx
2:	inb %dx, %al
	testb $0x20, %al
	loopz 2b
	movb %bl, %al
	movw $0x3f8, %dx
	outb %al, %dx
	jmp 1b
3:	hlt
	jmp 3b

	.code64
entry64:
	movabsq $1f, %rax
	jmp *%rax
1:	/* In the image's own mapping now: the lower half can go. */
	movq $0, host_l4
	movq %cr3, %rax
	movq %rax, %cr3
	lgdt boot_gdt_ptr
	movl $SEL_DS, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movl %ebp, %eax
	movq %rax, image_phys_base
	movl %ebx, %ebx
	movq $cpu0_stacks + STACKS_SIZE, %rsp

	/* This CPU's copy of the per-CPU section. */
	movq $__percpu_start, %rsi
	movq $__percpu0_start, %rdi
	movq $__percpu_end, %rcx
	subq %rsi, %rcx
	rep movsb
	movq $__percpu0_start, %rax
	subq $__percpu_start, %rax
	movq %rax, per_cpu_offset
	movq %rax, per_cpu__percpu_self(%rax)
	movq %rax, %rdx
	shrq $32, %rdx
	movl $0xc0000101, %ecx		/* GS base */
	wrmsr

	movq %rbx, %rdi
	xorl %ebp, %ebp
	pushq %rbp			/* ends backtraces */
	pushq %rbp
	call start_xen
	ud2

	/* Of a started CPU, from the trampoline: RCX the page tables, on its own stack, GS base set. */
	.globl secondary_entry
secondary_entry:
	movq %rcx, %cr3
	xorl %ebp, %ebp
	pushq %rbp
	pushq %rbp
	call start_secondary
	ud2

	.section .rodata.head, "a", @progbits
	.balign 8
	.globl boot_gdt
boot_gdt:
	.quad 0
	.quad GDT_CODE32
	.quad GDT_DATA32
	.quad GDT_CODE64
	.quad GDT_DATA64
	.quad 0, 0
boot_gdt_ptr:
	.short GDT_ENTRIES * 8 - 1
	.quad boot_gdt

	.balign 4
sections:
	.long OFFS(__text_start), OFFS(__init_text_end), PTE_LO_RO, 0
	.long OFFS(__rodata_start), OFFS(__rodata_end), PTE_LO_RO, PTE_HI_NX
	.long OFFS(__ro_after_init_start), OFFS(__image_end), PTE_LO_RW, PTE_HI_NX
	.long 0, 0, 0, 0

msg_loader:
	.asciz "Pavise: not started by a multiboot2 loader; use GRUB's multiboot2 command\r\n"
msg_cpu:
	.asciz "Pavise: this CPU has no 64-bit mode\r\n"
msg_nx:
	.asciz "Pavise: no-execute is missing: this CPU lacks it, or the firmware switched it off\r\n"

	.section .bss.page_aligned, "aw", @nobits
	.balign 4096
	.globl host_l4
host_l4:	.skip 4096
boot_l3_image:	.skip 4096
boot_l2_image:	.skip 4096
boot_l1_image:	.skip 4096 * IMAGE_CHUNKS

	/* The direct map of the first 4 GiB, until mm_init() has made the real one. */
	.section .init.data, "aw", @progbits
	.balign 4096
boot_l3_direct:	.skip 4096
boot_l2_direct:	.skip 4096 * 4

	.section .note.GNU-stack, "", @progbits
