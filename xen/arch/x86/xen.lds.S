/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Layout of the image. Each group that has page permissions of its own starts
 * on a page: boot/head.S maps them by the symbols here. Nothing that holds code
 * may follow .rodata, whose end (the symbol table) grows between the passes of
 * the link.
 */
#include <asm/pgtable.h>

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(boot_entry)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
}

#define VA 0xffffffff80000000

/* The libraries that unpack dom0's kernel: used once, so their code and constants are init memory. */
#define UNPACK_LIBS *liblzma.a:* *libz.a:* *libzstd.a:* *liblz4.a:*

SECTIONS
{
	. = VA + IMAGE_OFFSET;
	__image_start = .;

	/* Read, execute. */
	.text : AT(ADDR(.text) - VA) {
		__text_start = .;
		*(.multiboot2)
		*(.text.head)
		*(EXCLUDE_FILE(UNPACK_LIBS) .text EXCLUDE_FILE(UNPACK_LIBS) .text.*)
		. = ALIGN(4096);
		__text_end = .;
	} :text
	.init.text : AT(ADDR(.init.text) - VA) {
		__init_text_start = .;
		*(.init.text .init.text.*)
		*(.text .text.*)
		. = ALIGN(4096);
		__init_text_end = .;
	} :text

	/* Read only. */
	.rodata : AT(ADDR(.rodata) - VA) {
		__rodata_start = .;
		*(EXCLUDE_FILE(UNPACK_LIBS) .rodata EXCLUDE_FILE(UNPACK_LIBS) .rodata.*)
		. = ALIGN(8);
		__param_start = .;
		KEEP(*(.param))
		__param_end = .;
		. = ALIGN(8);
		__ex_table_start = .;
		KEEP(*(.ex_table))
		__ex_table_end = .;
		. = ALIGN(8);
		KEEP(*(.symbols))
		. = ALIGN(4096);
		__rodata_end = .;
	} :rodata

	/* Read, write; the first part becomes read only when boot is over. */
	.data.ro_after_init : AT(ADDR(.data.ro_after_init) - VA) {
		__ro_after_init_start = .;
		*(.data.ro_after_init)
		. = ALIGN(4096);
		__ro_after_init_end = .;
	} :data
	.data : AT(ADDR(.data) - VA) {
		__data_start = .;
		*(.data .data.rel .data.rel.* .data.[a-oq-zA-Z_.]*)
		. = ALIGN(4096);
	} :data
	/* Freed after boot; with the pristine per-CPU section, which each CPU's copy is made from. */
	.init.data : AT(ADDR(.init.data) - VA) {
		__init_data_start = .;
		*(.init.data .init.data.* .init.rodata .init.rodata.*)
		*(.rodata .rodata.*)
		. = ALIGN(8);
		__init_array_start = .;
		KEEP(*(.init_array .init_array.* .ctors))
		__init_array_end = .;
		. = ALIGN(64);
		__percpu_start = .;
		*(.data.percpu)
		. = ALIGN(64);
		__percpu_end = .;
		. = ALIGN(4096);
		__init_data_end = .;
	} :data
	.bss : AT(ADDR(.bss) - VA) {
		__bss_start = .;
		*(.bss.page_aligned)
		*(.bss .bss.* COMMON)
		. = ALIGN(64);
		__percpu0_start = .;
		. += __percpu_end - __percpu_start;
		. = ALIGN(4096);
		__bss_end = .;
	} :data
	__image_end = .;

	/DISCARD/ : {
		*(.comment .note .note.* .eh_frame .eh_frame_hdr .discard .discard.*)
	}
	.debug_abbrev 0 : { *(.debug_abbrev) }
	.debug_info 0 : { *(.debug_info) }
	.debug_line 0 : { *(.debug_line) }
	.debug_line_str 0 : { *(.debug_line_str) }
	.debug_str 0 : { *(.debug_str) }
	.debug_str_offsets 0 : { *(.debug_str_offsets) }
	.debug_ranges 0 : { *(.debug_ranges) }
	.debug_rnglists 0 : { *(.debug_rnglists) }
	.debug_loc 0 : { *(.debug_loc) }
	.debug_loclists 0 : { *(.debug_loclists) }
	.debug_addr 0 : { *(.debug_addr) }
	.debug_aranges 0 : { *(.debug_aranges) }
	.symtab 0 : { *(.symtab) }
	.strtab 0 : { *(.strtab) }
	.shstrtab 0 : { *(.shstrtab) }
}

ASSERT(__image_end - __image_start <= (IMAGE_CHUNKS - 1) * 0x200000, "image larger than its page tables")
ASSERT((boot_gdt & 7) == 0, "GDT not aligned")
