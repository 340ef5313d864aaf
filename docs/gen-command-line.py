#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""gen-command-line.py [--check]: the page of the hypervisor's options, from the tables in its sources.

Prints docs/command-line.md; with --check, says whether the page in the tree is that.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / 'docs' / 'command-line.md'
KINDS = {'string': 'text', 'integer': 'number', 'boolean': 'boolean', 'size': 'size', 'custom': '', 'ignored': 'ignored'}
MACRO = re.compile(r'^(string|integer|boolean|size|custom|ignored)_param\(\s*"([^"]+)"\s*,\s*([^,]+),\s*'
                   r'((?:"(?:[^"\\]|\\.)*"\s*|[A-Z_0-9]+\s*)+)\)\s*;', re.M)
STRING = re.compile(r'"((?:[^"\\]|\\.)*)"|([A-Z_0-9]+)')

HEAD = """# Options of the hypervisor's command line

<!-- Made by docs/gen-command-line.py from the sources; edit the tables there. -->

They stand after the hypervisor's file on GRUB's `multiboot2` line, separated by blanks; double quotes keep
blanks together. A *boolean* takes `on`, `yes`, `true`, `1` or nothing, `off`, `no`, `false`, `0`, or `no-`
before its name. A *size* is a number with `B`, `K`, `M`, `G` or `T`, kibibytes without. Numbers may be
hexadecimal (`0x`). The last of several wins. What is not known, or has a bad value, is named in a warning
and otherwise ignored. `xl info` shows the line as it was given (`xen_commandline`).

| option | value | meaning | source |
|---|---|---|---|
"""
IGNORED = """
Options of Xen that are accepted without a warning, and do nothing:

| option | why |
|---|---|
"""


def text_of(literals, source):
    """The value of adjacent string literals and of macros defined as such in the same file."""
    out = []
    for literal, macro in STRING.findall(literals):
        if macro:
            m = re.search(r'^#define %s\b((?:[^\n]*\\\n)*[^\n]*)' % macro, source, re.M)
            if not m:
                sys.exit('gen-command-line.py: no #define of %s' % macro)
            out.append(text_of(m.group(1), ''))
        else:
            out.append(literal.replace('\\"', '"'))
    return ''.join(out)


def options():
    for path in sorted((ROOT / 'xen').rglob('*.c')):
        source = path.read_text()
        for m in MACRO.finditer(source):
            yield m.group(2), m.group(1), text_of(m.group(4), source), path.relative_to(ROOT / 'xen')


def page():
    rows, ignored = [], []
    for name, kind, text, path in sorted(options()):
        text = text.replace('|', '\\|')
        if kind == 'ignored':
            ignored.append('| `%s` | %s |\n' % (name, text))
        else:
            rows.append('| `%s` | %s | %s | `%s` |\n' % (name, KINDS[kind], text, path))
    return HEAD + ''.join(rows) + (IGNORED + ''.join(ignored) if ignored else '')


if sys.argv[1:] == ['--check']:
    if not PAGE.exists() or PAGE.read_text() != page():
        sys.exit('docs/command-line.md is not what docs/gen-command-line.py makes: run it again')
elif sys.argv[1:]:
    sys.exit(__doc__)
else:
    sys.stdout.write(page())
