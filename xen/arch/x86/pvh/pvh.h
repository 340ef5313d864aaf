/* SPDX-License-Identifier: GPL-2.0-only */
/* Building dom0: what the parts of this room share. Everything here runs once, on the boot CPU. */
#ifndef PVH_PVH_H
#define PVH_PVH_H

#include <xen/mm.h>
#include <asm/setup.h>

struct domain;

/* Receives the kernel image as it comes out of the decompressor: n bytes at offset off. 0, or -errno to stop. */
typedef int (*image_sink_t)(void *arg, u64 off, const void *data, size_t n);

/*
 * Feeds the ELF image inside a kernel file to the sink, front to back: an ELF
 * file as it is, a bzImage's payload after decompression (gzip, xz, zstd, lz4).
 * On error *why says what was wrong with the file.
 */
int kernel_unpack(const void *file, u64 size, image_sink_t sink, void *arg, const char **why);

/* One decompressor: the whole of src, output to the sink in order. -EINVAL: corrupt or truncated; -ENOMEM. */
int decompress_gzip(const u8 *src, size_t n, image_sink_t sink, void *arg);
int decompress_xz(const u8 *src, size_t n, image_sink_t sink, void *arg);
int decompress_zstd(const u8 *src, size_t n, image_sink_t sink, void *arg);
int decompress_lz4(const u8 *src, size_t n, image_sink_t sink, void *arg);
/* Bytes the libraries may use at a time. */
#define DECOMPRESS_ARENA_LIMIT MB(192)

/* ---- ELF, as a stream (elf_stream.c) ---- */
#define ELF_MAX_SEGMENTS 16
struct elf_stream {
	/* Called once, when the program headers are known: may the image live at [start, end)? */
	int (*place)(void *arg, u64 start, u64 end);
	/* Copy to guest-physical memory; data NULL: zero fill. */
	int (*store)(void *arg, u64 paddr, const void *data, u64 n);
	void *arg;

	u8 head[4096];
	u64 received;
	bool headers_done;
	unsigned int nr_segments;
	struct {
		u64 offset, filesz, paddr, memsz;
	} seg[ELF_MAX_SEGMENTS];
	u64 note_offset, note_size;
	u8 notes[4096];
	u64 start, end; /* extent in guest-physical memory */
	u64 file_end; /* last byte of the file that matters */
	u32 entry; /* XEN_ELFNOTE_PHYS32_ENTRY */
	const char *why;
};
void elf_stream_init(struct elf_stream *s, int (*place)(void *, u64, u64),
		     int (*store)(void *, u64, const void *, u64), void *arg);
int elf_stream_sink(void *stream, u64 off, const void *data, size_t n);
/*
 * Whether a plain ELF file at that address can be stored over itself, given to the sink as a whole: every
 * byte goes to a higher address than it has, and the segments are in order.
 */
bool elf_stream_moves_up(const struct elf_stream *s, u64 file);
/* After the last byte: checks that all was there and finds the entry point. 0, or -EINVAL with s->why. */
int elf_stream_finish(struct elf_stream *s);

/* ---- memory (dom0_mem.c) ---- */
struct dom0_map {
	unsigned int nr;
	struct e820_entry e[E820_MAX];
};
/* Pages dom0 is to have, of those free in the machine now: dom0_mem=. */
unsigned long dom0_target_pages(unsigned long available);
/* Gives dom0 RAM at its own address, lowest first, nr_pages in all; appends to the map. Returns pages given. */
unsigned long dom0_assign_ram(struct domain *d, unsigned long nr_pages, struct dom0_map *map);
/* Gives dom0 the frames of a boot module where they are; no allocator has had them, or they are allocated. */
void dom0_donate_module(struct domain *d, const struct boot_module *m, struct dom0_map *map);
/* Enters all RAM of the map (which has nothing else yet) into the p2m. */
void dom0_map_ram(struct domain *d, const struct dom0_map *map);
/* The machine's non-RAM ranges: mapped 1:1 and added to the map. RAM that stays with the hypervisor: unusable. */
void dom0_map_firmware(struct domain *d, struct dom0_map *map);
void dom0_map_sort(struct dom0_map *map);
/*
 * Takes bytes (whole pages) from the end of a RAM range of dom0's map below 4 GiB, as type (RAM: the map stays
 * as it is), beside what is taken already. Their address, 0: no room.
 */
u64 dom0_carve(struct dom0_map *map, u64 bytes, u32 type, const struct boot_module *taken, unsigned int nr);
/* Copy into dom0's 1:1 memory, from the end; every page must be dom0's. data NULL: zeros. */
int dom0_store(struct domain *d, u64 gpa, const void *data, u64 n);

/* ---- ACPI (dom0_acpi.c) ---- */
/* Bytes the tables made for dom0 take. */
u64 dom0_acpi_size(unsigned int nr_vcpus);
/* Writes RSDP, XSDT and MADT at gpa; returns the RSDP's address, 0 when the machine has no ACPI. */
u64 dom0_acpi_build(struct domain *d, u64 gpa, unsigned int nr_vcpus);

#endif
