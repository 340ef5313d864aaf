// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unpacking kernels with the distribution's own libraries (zlib, liblzma,
 * libzstd, liblz4), linked into the part of the image that is given back after
 * boot. Each function but zstd's streams its output in pieces through one buffer.
 */
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include <xen/errno.h>
#include <xen/lib.h>
#include "pvh.h"
#include "libc_shim.h"

#define CHUNK (128UL << 10)
/* Compressed size of one block of the kernel's lz4 format holds at most 8 MiB of output. */
#define LZ4_BLOCK MB(8)

int decompress_gzip(const u8 *src, size_t n, image_sink_t sink, void *arg)
{
	z_stream z = { .next_in = (u8 *)src, .avail_in = (unsigned int)n };
	u8 *buf;
	u64 off = 0;
	int rc = 0, st = Z_OK;

	libc_shim_enter(DECOMPRESS_ARENA_LIMIT);
	buf = libc_shim_alloc(CHUNK);
	/* 15: largest window; 16: gzip, not zlib. */
	if (!buf || inflateInit2(&z, 15 + 16) != Z_OK)
		rc = -ENOMEM;
	while (!rc && st != Z_STREAM_END) {
		z.next_out = buf;
		z.avail_out = CHUNK;
		st = inflate(&z, Z_NO_FLUSH);
		if (st != Z_OK && st != Z_STREAM_END)
			rc = st == Z_MEM_ERROR ? -ENOMEM : -EINVAL;
		else
			rc = sink(arg, off, buf, CHUNK - z.avail_out);
		off += CHUNK - z.avail_out;
	}
	libc_shim_leave();
	return rc;
}

int decompress_xz(const u8 *src, size_t n, image_sink_t sink, void *arg)
{
	lzma_stream s = LZMA_STREAM_INIT;
	lzma_ret st = LZMA_OK;
	u8 *buf;
	u64 off = 0;
	int rc = 0;

	libc_shim_enter(DECOMPRESS_ARENA_LIMIT);
	buf = libc_shim_alloc(CHUNK);
	if (!buf || lzma_stream_decoder(&s, DECOMPRESS_ARENA_LIMIT, 0) != LZMA_OK)
		rc = -ENOMEM;
	s.next_in = src;
	s.avail_in = n;
	while (!rc && st != LZMA_STREAM_END) {
		s.next_out = buf;
		s.avail_out = CHUNK;
		st = lzma_code(&s, LZMA_FINISH);
		if (st == LZMA_MEM_ERROR || st == LZMA_MEMLIMIT_ERROR)
			rc = -ENOMEM;
		else if (st != LZMA_OK && st != LZMA_STREAM_END)
			rc = -EINVAL;
		else
			rc = sink(arg, off, buf, CHUNK - s.avail_out);
		off += CHUNK - s.avail_out;
	}
	libc_shim_leave();
	return rc;
}

/*
 * In one piece: what Linux's build makes has a window of 128 MiB, more than the kernel takes. The unpacked
 * size stands behind the frame.
 */
int decompress_zstd(const u8 *src, size_t n, image_sink_t sink, void *arg)
{
	ZSTD_DCtx *ctx;
	size_t frame;
	u32 size = 0;
	u8 *buf;
	int rc = -EINVAL;

	libc_shim_enter(DECOMPRESS_ARENA_LIMIT);
	frame = ZSTD_findFrameCompressedSize(src, n);
	if (!ZSTD_isError(frame) && n - frame >= 4)
		memcpy(&size, src + n - 4, 4);
	if (size) {
		buf = libc_shim_alloc(size);
		ctx = ZSTD_createDCtx();
		if (!buf || !ctx)
			rc = -ENOMEM;
		else if (ZSTD_decompressDCtx(ctx, buf, size, src, frame) == size)
			rc = sink(arg, 0, buf, size);
	}
	libc_shim_leave();
	return rc;
}

/* The kernel's lz4 is the "legacy" frame: magic, then blocks of a 32-bit length and data; a size ends it. */
int decompress_lz4(const u8 *src, size_t n, image_sink_t sink, void *arg)
{
	u8 *buf;
	u64 off = 0;
	size_t pos = 4;
	int rc = 0;

	libc_shim_enter(DECOMPRESS_ARENA_LIMIT);
	buf = libc_shim_alloc(LZ4_BLOCK);
	if (!buf)
		rc = -ENOMEM;
	while (!rc && n - pos > 4) {
		u32 len;
		int out;

		memcpy(&len, src + pos, 4);
		pos += 4;
		if (len > n - pos) {
			rc = -EINVAL;
			break;
		}
		out = LZ4_decompress_safe((const char *)src + pos, (char *)buf, (int)len, (int)LZ4_BLOCK);
		rc = out < 0 ? -EINVAL : sink(arg, off, buf, (size_t)out);
		off += out > 0 ? (u64)out : 0;
		pos += len;
	}
	libc_shim_leave();
	return rc;
}
