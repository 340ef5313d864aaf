#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Reads `nm -n` of the image, writes the symbol table that backtraces use, as assembly.

Layout (common/symbols.c): symbols_count (u32), symbols_addresses (u32 offsets from the image start),
symbols_names (u32 offsets into the strings), symbols_strings.
"""
import re
import sys

IMAGE_START = 0xffffffff80000000
funcs = []
for line in sys.stdin:
    m = re.match(r'([0-9a-f]+) [tT] (\S+)$', line)
    if m and int(m.group(1), 16) >= IMAGE_START and not m.group(2).startswith('.'):
        funcs.append((int(m.group(1), 16) - IMAGE_START, m.group(2)))
out = ['.section .symbols, "a"', '.balign 8', '.globl symbols_count, symbols_addresses, symbols_names, symbols_strings']
out += ['symbols_count: .long %d' % len(funcs), 'symbols_addresses:']
out += ['\t.long %#x' % a for a, _ in funcs]
out.append('symbols_names:')
pos = 0
for _, n in funcs:
    out.append('\t.long %d' % pos)
    pos += len(n) + 1
out.append('symbols_strings:')
out += ['\t.asciz "%s"' % n for _, n in funcs]
out += ['\t.byte 0', '.section .note.GNU-stack, "", @progbits']
print('\n'.join(out))
