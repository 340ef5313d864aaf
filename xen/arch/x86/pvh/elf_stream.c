// SPDX-License-Identifier: GPL-2.0-only
/*
 * An ELF kernel read front to back, each byte stored where it belongs as it
 * arrives: the decompressor's output never exists as a whole. Finds the PVH
 * entry point in the Xen ELF notes (public/elfnote.h). Pure: builds for the
 * host as well.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include "pvh.h"

#define PT_LOAD		  1
#define PT_NOTE		  4
#define EM_X86_64	  62
#define NOTE_PHYS32_ENTRY 18

struct elf64_ehdr {
	u8 ident[16];
	u16 type, machine;
	u32 version;
	u64 entry, phoff, shoff;
	u32 flags;
	u16 ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf64_phdr {
	u32 type, flags;
	u64 offset, vaddr, paddr, filesz, memsz, align;
};
struct elf_note {
	u32 namesz, descsz, type;
};

void elf_stream_init(struct elf_stream *s, int (*place)(void *, u64, u64),
		     int (*store)(void *, u64, const void *, u64), void *arg)
{
	memset(s, 0, sizeof(*s));
	s->place = place;
	s->store = store;
	s->arg = arg;
	s->start = ~0ULL;
}

static int refuse(struct elf_stream *s, const char *why)
{
	s->why = why;
	return -EINVAL;
}

static int add_segment(struct elf_stream *s, const struct elf64_phdr *p)
{
	u64 file_end, mem_end;

	if (!p->memsz)
		return 0;
	if (p->filesz > p->memsz || __builtin_add_overflow(p->offset, p->filesz, &file_end) ||
	    __builtin_add_overflow(p->paddr, p->memsz, &mem_end))
		return refuse(s, "a program header of it makes no sense");
	if (s->nr_segments == ELF_MAX_SEGMENTS)
		return refuse(s, "it has too many loadable segments");
	s->seg[s->nr_segments].offset = p->offset;
	s->seg[s->nr_segments].filesz = p->filesz;
	s->seg[s->nr_segments].paddr = p->paddr;
	s->seg[s->nr_segments].memsz = p->memsz;
	s->nr_segments++;
	s->start = min(s->start, p->paddr);
	s->end = max(s->end, mem_end);
	s->file_end = max(s->file_end, file_end);
	return 0;
}

static int add_notes(struct elf_stream *s, const struct elf64_phdr *p)
{
	u64 end;

	if (__builtin_add_overflow(p->offset, p->filesz, &end))
		return refuse(s, "a program header of it makes no sense");
	s->note_offset = p->offset;
	s->note_size = min(p->filesz, (u64)sizeof(s->notes));
	s->file_end = max(s->file_end, p->offset + s->note_size);
	return 0;
}

static int parse_headers(struct elf_stream *s)
{
	struct elf64_ehdr eh;
	int rc = 0;

	memcpy(&eh, s->head, sizeof(eh));
	if (memcmp(eh.ident,
		   "\x7f"
		   "ELF",
		   4))
		return refuse(s, "it is not an ELF image");
	if (eh.ident[4] != 2 || eh.machine != EM_X86_64)
		return refuse(s, "it is not a 64-bit x86 kernel");
	if (eh.phentsize != sizeof(struct elf64_phdr) || !eh.phnum || eh.phoff > sizeof(s->head) ||
	    eh.phnum > (sizeof(s->head) - eh.phoff) / sizeof(struct elf64_phdr))
		return refuse(s, "its program headers are missing or out of place");

	for (unsigned int i = 0; !rc && i < eh.phnum; i++) {
		struct elf64_phdr p;

		memcpy(&p, s->head + eh.phoff + i * sizeof(p), sizeof(p));
		if (p.type == PT_LOAD)
			rc = add_segment(s, &p);
		else if (p.type == PT_NOTE)
			rc = add_notes(s, &p);
	}
	if (rc)
		return rc;
	if (!s->nr_segments)
		return refuse(s, "it has nothing to load");
	if (!s->note_size)
		return refuse(
			s, "it has no ELF notes, so no PVH entry point (Linux: CONFIG_PVH, CONFIG_XEN_PVH)");
	s->headers_done = true;
	rc = s->place(s->arg, s->start, s->end);
	if (rc && !s->why)
		s->why = "it does not fit into dom0's memory";
	return rc;
}

/* Stores the part of [off, off+n) that lies in [base, base+size) of the file. */
static int store_overlap(struct elf_stream *s, u64 off, const u8 *data, size_t n, unsigned int i)
{
	u64 base = s->seg[i].offset, size = s->seg[i].filesz;
	u64 from = max(off, base), to = min(off + n, base + size);

	if (from >= to)
		return 0;
	return s->store(s->arg, s->seg[i].paddr + (from - base), data + (from - off), to - from);
}

static void keep_notes(struct elf_stream *s, u64 off, const u8 *data, size_t n)
{
	u64 from = max(off, s->note_offset), to = min(off + n, s->note_offset + s->note_size);

	if (from < to)
		memcpy(s->notes + (from - s->note_offset), data + (from - off), to - from);
}

static int store_bytes(struct elf_stream *s, u64 off, const u8 *data, size_t n)
{
	int rc = 0;

	/* From the end: the file may lie where the kernel goes, see elf_stream_moves_up(). */
	keep_notes(s, off, data, n);
	for (unsigned int i = s->nr_segments; !rc && i-- > 0;)
		rc = store_overlap(s, off, data, n, i);
	if (rc && !s->why)
		s->why = "a segment of it could not be stored";
	return rc;
}

bool elf_stream_moves_up(const struct elf_stream *s, u64 file)
{
	for (unsigned int i = 0; i < s->nr_segments; i++) {
		if (s->seg[i].paddr < file + s->seg[i].offset)
			return false;
		if (i && (s->seg[i].paddr < s->seg[i - 1].paddr + s->seg[i - 1].memsz ||
			  s->seg[i].offset < s->seg[i - 1].offset + s->seg[i - 1].filesz))
			return false;
	}
	return true;
}

int elf_stream_sink(void *stream, u64 off, const void *data, size_t n)
{
	struct elf_stream *s = stream;
	const u8 *p = data;
	int rc;

	if (off != s->received)
		return refuse(s, "its pieces came out of order");
	s->received += n;
	if (!s->headers_done) {
		u64 take = off < sizeof(s->head) ? min((u64)n, sizeof(s->head) - off) : 0;

		memcpy(s->head + off, p, take);
		if (s->received < sizeof(s->head))
			return 0;
		rc = parse_headers(s);
		if (!rc && n > take)
			rc = store_bytes(s, off + take, p + take, n - take);
		return rc ? rc : store_bytes(s, 0, s->head, sizeof(s->head));
	}
	return n ? store_bytes(s, off, p, n) : 0;
}

static int find_entry(struct elf_stream *s)
{
	u64 pos = 0;

	while (pos + sizeof(struct elf_note) <= s->note_size) {
		struct elf_note note;
		u64 name, desc, next;

		memcpy(&note, s->notes + pos, sizeof(note));
		name = pos + sizeof(note);
		desc = name + ROUND_UP((u64)note.namesz, 4);
		next = desc + ROUND_UP((u64)note.descsz, 4);
		if (next > s->note_size)
			break;
		if (note.type == NOTE_PHYS32_ENTRY && note.namesz == 4 && note.descsz >= 4 &&
		    !memcmp(s->notes + name, "Xen", 4)) {
			memcpy(&s->entry, s->notes + desc, 4);
			return 0;
		}
		pos = next;
	}
	return refuse(s, "it has no PVH entry point among its ELF notes (Linux: CONFIG_PVH, CONFIG_XEN_PVH)");
}

int elf_stream_finish(struct elf_stream *s)
{
	int rc = 0;

	/* A file smaller than the headers may be. */
	if (!s->headers_done && s->received >= sizeof(struct elf64_ehdr)) {
		rc = parse_headers(s);
		if (!rc)
			rc = store_bytes(s, 0, s->head, s->received);
	}
	if (rc)
		return rc;
	if (!s->headers_done || s->received < s->file_end)
		return refuse(s, "it is truncated");
	rc = find_entry(s);
	if (rc)
		return rc;
	if (s->entry < s->start || s->entry >= s->end)
		return refuse(s, "its PVH entry point lies outside of it");
	for (unsigned int i = 0; i < s->nr_segments; i++) {
		u64 zeros = s->seg[i].memsz - s->seg[i].filesz;

		rc = zeros ? s->store(s->arg, s->seg[i].paddr + s->seg[i].filesz, NULL, zeros) : 0;
		if (rc)
			return refuse(s, "a segment of it could not be stored");
	}
	return 0;
}
