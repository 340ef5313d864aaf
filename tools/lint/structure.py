# SPDX-License-Identifier: GPL-2.0-only
"""Structure: which room may include what, cycles, headers that stand alone, sizes."""
import json
import os
import re
import subprocess

from common import hypervisor_flags, run, tracked

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# Headers that belong to one room: nobody outside of the listed folders includes them.
PRIVATE = [
    (re.compile(r'^asm/(vmx|vmcs)\.h$'), ('xen/arch/x86/vmx/', 'xen/include/asm/vmx.h', 'xen/arch/x86/asm-offsets.c')),
]
# Files that may break a rule, each with its reason, one per line: PATH RULE REASON
EXCEPTIONS_FILE = 'tools/lint/exceptions'


def exceptions(rule):
    allowed = {}
    if os.path.exists(EXCEPTIONS_FILE):
        for line in open(EXCEPTIONS_FILE):
            parts = line.split(None, 2)
            if len(parts) == 3 and parts[1] == rule:
                allowed[parts[0]] = parts[2]
    return allowed


def includes(path):
    return INCLUDE.findall(open(path, errors='replace').read())


def layering():
    """Arrows of the design: lib <- common <- arch/x86/{mm,p2m,hvm,...} <- vmx."""
    problems = []
    allowed = exceptions('layering')
    for path in tracked('xen/*.c', 'xen/*.S', 'xen/*.h'):
        if path in allowed:
            continue
        for kind, name in includes(path):
            for pattern, homes in PRIVATE:
                if pattern.match(name) and not path.startswith(homes):
                    problems.append('%s includes %s, which is private to %s' % (path, name, ' '.join(homes)))
            if kind == '"' and '/' in name and not path.startswith('xen/include/'):
                target = os.path.normpath(os.path.join(os.path.dirname(path), name))
                # arch/x86 itself is what its rooms share: they may look up into it, and it down into them.
                if os.path.dirname(path) == 'xen/arch/x86' or (
                        os.path.dirname(target) == 'xen/arch/x86' and path.startswith('xen/arch/x86/')):
                    continue
                problems.append('%s reaches into another room: %s' % (path, target))
            if path.startswith('xen/lib/') and (name.startswith('public/') or name in (
                    'xen/sched.h', 'xen/mm.h', 'xen/event.h', 'asm/p2m.h', 'asm/hvm.h')):
                problems.append('%s: lib must not know of %s' % (path, name))
    return problems


def header_path(name):
    path = os.path.join('xen/include', name)
    return path if os.path.exists(path) else None


def include_cycles():
    graph = {}
    for path in tracked('xen/include/*.h'):
        graph[path] = [p for p in (header_path(n) for _, n in includes(path)) if p]
    problems, state, stack = [], {}, []

    def visit(node):
        state[node] = 1
        stack.append(node)
        for nxt in graph.get(node, []):
            if state.get(nxt) == 1:
                problems.append(' -> '.join(stack[stack.index(nxt):] + [nxt]))
            elif nxt not in state:
                visit(nxt)
        stack.pop()
        state[node] = 2
    for node in graph:
        if node not in state:
            visit(node)
    allowed = exceptions('cycle')
    return [p for p in problems if p.split(' -> ')[0] not in allowed]


def headers_alone():
    problems = []
    flags = hypervisor_flags()
    for path in tracked('xen/include/xen/*.h', 'xen/include/asm/*.h'):
        status, out = run(['gcc'] + flags + ['-Wall', '-Wextra', '-Werror', '-fsyntax-only', '-x', 'c', '-'],
                          input='#include <%s>\n' % path[len('xen/include/'):])
        if status:
            problems.append('%s does not compile alone: %s' % (path, out.strip().split('\n')[0]))
    return problems


def sizes():
    """No file above 900 lines, no function above 100, unless its head says why (a line "Long because: …")."""
    problems = []
    sources = tracked('xen/*.c', 'xen/*.h', 'xen/*.S', 'stubdom/*.c', 'stubdom/*.h', 'tools/*.c', 'tests/*.c', 'tests/*.h')
    for path in sources:
        text = open(path, errors='replace').read()
        lines = text.count('\n')
        if lines > 900 and 'Long because:' not in '\n'.join(text.split('\n')[:40]):
            problems.append('%s has %d lines' % (path, lines))
    status, out = run(['ctags', '--output-format=json', '--languages=C', '--kinds-C=f', '--fields=+ne', '-f', '-'] +
                      [p for p in sources if p.endswith('.c')])
    if status:
        return problems + ['ctags: ' + out.strip()[:200]]
    for line in out.split('\n'):
        if not line.startswith('{'):
            continue
        tag = json.loads(line)
        length = tag.get('end', tag['line']) - tag['line'] + 1
        if length <= 100:
            continue
        before = open(tag['path'], errors='replace').read().split('\n')[max(0, tag['line'] - 12):tag['line']]
        if 'Long because:' not in '\n'.join(before):
            problems.append('%s:%d: %s has %d lines' % (tag['path'], tag['line'], tag['name'], length))
    return problems


def code_lines(text):
    """Lines with something besides comments and white space."""
    text = re.sub(r'/\*.*?\*/', lambda m: '\n' * m.group(0).count('\n'), text, flags=re.S)
    return sum(1 for line in re.sub(r'//.*', '', text).split('\n') if line.strip())


def hypervisor_size():
    """The hypervisor stays under 30,000 lines of C and assembly; comments and blank lines are not code."""
    total = sum(code_lines(open(p, errors='replace').read()) for p in tracked('xen/*.c', 'xen/*.h', 'xen/*.S'))
    return ['the hypervisor has %d lines of code' % total] if total >= 30000 else []


def leftovers():
    """No marks of unfinished work, and no path of the machine it was written on."""
    problems = []
    marks = re.compile(r'\b(TO' + r'DO|FIX' + r'ME|XX' + r'X|HA' + r'CK)\b|/(work|root|home)/')
    for path in tracked('*.c', '*.h', '*.S', '*.py', '*.sh', '*.mk', 'Makefile', '*.md'):
        for number, line in enumerate(open(path, errors='replace'), 1):
            # In TAP the word has a meaning: a known failure.
            if marks.search(line.replace('# TO' + 'DO', '')):
                problems.append('%s:%d: %s' % (path, number, line.strip()[:100]))
    return problems


def licences():
    """Every source says its licence in the first three lines."""
    missing = []
    for path in tracked('*.c', '*.h', '*.S', '*.py', '*.mk', 'Makefile', '*/Makefile'):
        if path.endswith('objs.mk'):
            continue
        with open(path, errors='replace') as f:
            if 'SPDX-License-Identifier' not in ''.join(f.readline() for _ in range(3)):
                missing.append(path)
    return missing


def mutants():
    """The defects of `make check-mutants` can still be put into the sources."""
    status, text = run(['tests/hypercall/mutants', '--check'])
    return text.splitlines() if status else []


CHECKS = [
    ('layering', layering),
    ('include-cycles', include_cycles),
    ('headers-alone', headers_alone),
    ('sizes', sizes),
    ('hypervisor-size', hypervisor_size),
    ('leftovers', leftovers),
    ('licences', licences),
    ('mutants', mutants),
]
