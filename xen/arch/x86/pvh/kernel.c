// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel files: ELF as it is, or a bzImage with a compressed ELF inside
 * (Linux: Documentation/arch/x86/boot.rst, fields payload_offset and
 * payload_length). Pure: builds for the host as well.
 */
#include <xen/errno.h>
#include <xen/lib.h>
#include "pvh.h"

#define BZ_SETUP_SECTS	  0x1f1
#define BZ_MAGIC	  0x202
#define BZ_VERSION	  0x206
#define BZ_PAYLOAD_OFFSET 0x248
#define BZ_PAYLOAD_LENGTH 0x24c
#define BZ_HEADER_END	  0x250

static const struct {
	const char *name;
	u8 magic[6];
	u8 len;
	int (*fn)(const u8 *src, size_t n, image_sink_t sink, void *arg);
} formats[] = {
	{ "gzip", { 0x1f, 0x8b }, 2, decompress_gzip },
	{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, decompress_xz },
	{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, decompress_zstd },
	{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, decompress_lz4 },
};

static u32 get32(const u8 *p) { return (u32)p[0] | (u32)p[1] << 8 | (u32)p[2] << 16 | (u32)p[3] << 24; }

static int unpack_payload(const u8 *p, u64 n, image_sink_t sink, void *arg, const char **why)
{
	if (n >= 4 && !memcmp(p,
			      "\x7f"
			      "ELF",
			      4))
		return sink(arg, 0, p, n);
	for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
		int rc;

		if (n < formats[i].len || memcmp(p, formats[i].magic, formats[i].len))
			continue;
		printk(XENLOG_INFO "dom0: unpacking a %s kernel, %llu bytes\n", formats[i].name,
		       (unsigned long long)n);
		rc = formats[i].fn(p, n, sink, arg);
		if (rc == -ENOMEM)
			*why = "no memory to unpack it";
		else if (rc)
			*why = "its compressed payload is corrupt or truncated";
		return rc;
	}
	*why = "its payload is neither ELF nor gzip, xz, zstd or lz4";
	return -EINVAL;
}

int kernel_unpack(const void *file, u64 size, image_sink_t sink, void *arg, const char **why)
{
	const u8 *f = file;
	u64 start;
	u32 off, len;

	if (size >= 4 && !memcmp(f,
				 "\x7f"
				 "ELF",
				 4))
		return sink(arg, 0, f, size);
	if (size < BZ_HEADER_END || memcmp(f + BZ_MAGIC, "HdrS", 4)) {
		*why = "it is neither an ELF file nor a bzImage";
		return -EINVAL;
	}
	if ((f[BZ_VERSION] | f[BZ_VERSION + 1] << 8) < 0x208) {
		*why = "its boot protocol is older than 2.08";
		return -EINVAL;
	}
	off = get32(f + BZ_PAYLOAD_OFFSET);
	len = get32(f + BZ_PAYLOAD_LENGTH);
	start = ((f[BZ_SETUP_SECTS] ? f[BZ_SETUP_SECTS] : 4) + 1) * 512ULL + off;
	if (!off || !len || start > size || len > size - start) {
		*why = "the bzImage is truncated: its payload ends behind the end of the file";
		return -EINVAL;
	}
	return unpack_payload(f + start, len, sink, arg, why);
}
