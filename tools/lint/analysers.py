# SPDX-License-Identifier: GPL-2.0-only
"""Analysers from Debian: clang-format, clang-tidy, cppcheck, sparse, and a build with clang."""
import os
import re
from concurrent.futures import ThreadPoolExecutor

from common import hypervisor_flags, run, tracked


def hypervisor_sources():
    # The file that includes the unpacking libraries' headers needs the C library's; the compiler checks it.
    return [p for p in tracked('xen/*.c') if not p.endswith(('pvh/decompress.c', 'asm-offsets.c'))]


def parallel(function, items):
    with ThreadPoolExecutor(2) as pool:
        return [r for r in pool.map(function, items) if r]


def clang_format():
    def check(path):
        status, out = run(['clang-format', '--dry-run', '--Werror', path])
        return None if not status else '%s: clang-format -i %s' % (out.strip().split('\n')[0], path)
    return parallel(check, tracked('xen/*.c', 'xen/*.h', 'tools/*.c', 'stubdom/*.c', 'stubdom/*.h'))


def known_findings():
    with open('tools/lint/clang-tidy-known') as f:
        return [line.split(None, 2)[:2] for line in f if line.strip() and not line.startswith('#')]


def clang_tidy():
    known = known_findings()
    flags = hypervisor_flags('clang-14' if os.path.exists('/usr/bin/clang-14') else 'clang')

    def check(path):
        status, out = run(['clang-tidy', '--quiet', path, '--'] + flags)
        if status == 127:
            return out
        found = [l for l in out.split('\n') if re.search(r'(warning|error):', l) and
                 not any(name in l and rule in l for name, rule in known)]
        return '; '.join(found[:3]) if found else None
    return parallel(check, hypervisor_sources())


def cppcheck():
    status, out = run(['cppcheck', '-q', '-j2', '--std=c11', '--enable=warning,portability', '--inline-suppr',
                       '--suppressions-list=tools/lint/cppcheck-suppressions', '--template={file}:{line}: {id}: {message}',
                       '-Ixen/include', '-DCONFIG_DEBUG=1', '-DCONFIG_UBSAN=0', '-DCONFIG_SELFTEST=0',
                       '--include=xen/include/xen/config.h'] + tracked('xen/*.c', 'tools/*.c'))
    if status == 127:
        return [out]
    return [l for l in out.split('\n') if l.strip()]


def sparse():
    flags = hypervisor_flags()

    def check(path):
        status, out = run(['sparse', '-Wno-non-pointer-null', '-Wno-decl', '-Wno-declaration-after-statement'] + flags + [path])
        if status == 127:
            return out
        # Keeping the low half of a 64-bit constant is meant where it is written; atomics on bool and
        # __VERSION__ are what this version of sparse does not know.
        found = [l for l in out.split('\n') if re.search(r'(warning|error):', l) and not re.search(
            'cast truncates bits|invalid type for argument 1|__VERSION__|missing braces around', l)]
        return '; '.join(found[:3]) if found else None
    return parallel(check, hypervisor_sources())


CHECKS = [
    ('clang-format', clang_format),
    ('clang-tidy', clang_tidy),
    ('cppcheck', cppcheck),
    ('sparse', sparse),
]
