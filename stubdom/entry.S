/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * PVH entry (docs: xen/arch-x86/hvm/start_info.h): 32-bit protected mode without paging, %ebx
 * holding the address of hvm_start_info. Build page tables, switch to 64-bit mode, call C.
 *
 * With a command line that begins with "early=e9", each step writes one letter to I/O port 0xe9.
 */
#define __ASSEMBLY__
#include <stubdom/x86.h>
#include <xen/elfnote.h>

	.section .note.Xen, "a", @note
	.balign 4
	.long	4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.quad	start32

	.macro	trace32 letter
	test	%ebp, %ebp
	jz	.Lquiet\@
	mov	$\letter, %al
	outb	%al, $0xe9
.Lquiet\@:
	.endm

	.section .text.entry, "ax"
	.code32
	.globl	start32
start32:
	cld
	xor	%ebp, %ebp
	mov	24(%ebx), %eax			/* cmdline_paddr */
	test	%eax, %eax
	jz	1f
	cmpl	$0x6c726165, (%eax)		/* "earl" */
	jne	1f
	cmpl	$0x39653d79, 4(%eax)		/* "y=e9" */
	jne	1f
	inc	%ebp
1:	trace32	'P'
	/* Four page directories of 2 MiB pages: the first 4 GiB, 1:1. */
	mov	$boot_pd, %edi
	xor	%ecx, %ecx
2:	mov	%ecx, %eax
	shl	$21, %eax
	or	$0x83, %eax
	mov	%eax, (%edi, %ecx, 8)
	movl	$0, 4(%edi, %ecx, 8)
	inc	%ecx
	cmp	$2048, %ecx
	jb	2b
	mov	$boot_pdpt, %esi
	lea	3(%edi), %eax
	xor	%ecx, %ecx
3:	mov	%eax, (%esi, %ecx, 8)
	add	$4096, %eax
	inc	%ecx
	cmp	$4, %ecx
	jb	3b
	lea	3(%esi), %eax
	mov	%eax, boot_pml4
	trace32	'V'
	mov	$CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT, %eax
	mov	%eax, %cr4
	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME | EFER_NXE | EFER_SCE, %eax
	wrmsr
	trace32	'H'
	mov	%cr0, %eax
	or	$CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE, %eax
	mov	%eax, %cr0
	lgdt	boot_gdt_desc
	ljmp	$SEL_CODE64, $start64

	.code64
start64:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	mov	$boot_stack_end, %rsp
	test	%ebp, %ebp
	jz	4f
	mov	$'6', %al
	outb	%al, $0xe9
4:	mov	%ebx, %edi
	mov	%ebp, %esi
	xor	%ebp, %ebp
	call	stubdom_start
5:	hlt
	jmp	5b

/* First instructions of a vCPU started in 64-bit mode: its struct cpu is in %rdi. */
	.globl	ap_start64
ap_start64:
	lgdt	boot_gdt_desc
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	xor	%eax, %eax
	mov	%eax, %fs
	mov	%eax, %gs
	pushq	$SEL_CODE64
	lea	6f(%rip), %rax
	pushq	%rax
	lretq
6:	xor	%ebp, %ebp
	call	ap_main
7:	hlt
	jmp	7b

/*
 * What a SIPI starts: copied to a page below 1 MiB, whose real-mode segment is in %cs. The
 * word at its end (ap_tramp_cpu) is filled in by cpu_start_sipi(); struct cpu has the stack at 8.
 */
	.globl	ap_tramp, ap_tramp_end, ap_tramp_cpu
	.balign	16
	.code16
ap_tramp:
	cli
	mov	%cs, %ax
	mov	%ax, %ds
	lgdtl	ap_tramp_gdt_desc - ap_tramp
	mov	$CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT, %eax
	mov	%eax, %cr4
	mov	$boot_pml4, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME | EFER_NXE | EFER_SCE, %eax
	wrmsr
	mov	ap_tramp_cpu - ap_tramp, %edi
	mov	%cr0, %eax
	and	$~(CR0_CD | CR0_NW), %eax
	or	$CR0_PG | CR0_WP | CR0_NE | CR0_MP | CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE64, $ap_tramp64
	.balign	4
ap_tramp_gdt_desc:
	.word	8 * 8 - 1
	.long	boot_gdt
ap_tramp_cpu:
	.long	0
ap_tramp_end:

	.code64
ap_tramp64:
	mov	$SEL_DATA, %eax
	mov	%eax, %ss
	mov	%edi, %edi
	mov	8(%rdi), %rsp
	jmp	ap_start64

	.section .rodata, "a"
	.balign	8
boot_gdt:
	.quad	0
	.quad	0x00af9b000000ffff		/* SEL_CODE64 */
	.quad	0x00cf93000000ffff		/* SEL_DATA */
	.quad	0x00cf9b000000ffff		/* SEL_CODE32 */
	.quad	0x00cff3000000ffff		/* SEL_UDATA */
	.quad	0x00affb000000ffff		/* SEL_UCODE64 */
	.quad	0x00cffb000000ffff		/* SEL_UCODE32 */
	.quad	0
	.globl	boot_gdt_desc
	.word	0, 0, 0
boot_gdt_desc:
	.word	8 * 8 - 1
	.quad	boot_gdt

	.section .bss.early, "aw", @nobits
	.balign	4096
	.globl	boot_pml4, boot_pdpt, boot_pd, hypercall_page
boot_pml4:	.skip	4096
boot_pdpt:	.skip	4096
boot_pd:	.skip	4 * 4096
hypercall_page:	.skip	4096
boot_stack:	.skip	4 * 4096
	.globl	boot_stack, boot_stack_end
boot_stack_end:
	.section .note.GNU-stack, "", @progbits
